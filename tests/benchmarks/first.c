/*
 * Measures the time from opening a file to its first byte.
 *
 *   first FILE          prints milliseconds
 */
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    const char *path = argc == 2 ? argv[1] : "";
    double begun = now();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char byte;

    if (fd < 0 || read(fd, &byte, 1) != 1) {
        perror(path);
        return 1;
    }
    printf("%.3f\n", now() - begun);
    return 0;
}
