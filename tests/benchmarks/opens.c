/*
 * Measures the time to open a file, read it to the end, and close it. Two files take
 * turns, so that other load on the machine affects both. The ratio of their medians
 * is what matters.
 *
 *   opens ROUNDS FILE [FILE]      prints each median in microseconds, and the ratio
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BATCH      20 /* opens per reading of the clock, whose cost then does not matter */
#define ROUNDS_MAX 100000

static char bytes[1 << 20];

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void read_once(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    if (fd < 0) {
        perror(path);
        exit(1);
    }
    while ((length = read(fd, bytes, sizeof(bytes))) > 0)
        continue;
    if (length < 0) {
        perror(path);
        exit(1);
    }
    close(fd);
}

static double measure(const char *path)
{
    int64_t begun = now();

    for (int i = 0; i < BATCH; i++)
        read_once(path);
    return (double)(now() - begun) / 1000 / BATCH;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    int files = argc - 2;
    double *times[2], median[2];

    if (rounds < 1 || rounds > ROUNDS_MAX || files < 1 || files > 2) {
        fprintf(stderr, "usage: opens ROUNDS FILE [FILE]\n");
        return 2;
    }
    for (int i = 0; i < files; i++) {
        times[i] = calloc((size_t)rounds, sizeof(double));
        if (!times[i])
            return 1;
        read_once(argv[2 + i]);
    }
    for (long round = 0; round < rounds; round++) {
        for (int i = 0; i < files; i++)
            times[i][round] = measure(argv[2 + i]);
    }
    for (int i = 0; i < files; i++) {
        qsort(times[i], (size_t)rounds, sizeof(double), compare);
        median[i] = times[i][rounds / 2];
        printf("%.2f ", median[i]);
        free(times[i]);
    }
    if (files == 2)
        printf("%.2f", median[0] / median[1]);
    putchar('\n');
    return 0;
}
