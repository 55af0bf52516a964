/*
 * A program with its own event loop: it waits for input and for meters at the
 * same time. cemm_turn() also waits for the program's descriptors. Here that is
 * standard input; in your program it may be a socket.
 *
 * A line "day 2024-05-01" prints that day of the meter, "now" its newest
 * values. Several requests may be pending. The program ends when its input has
 * ended and all requests are answered.
 *
 *   cc own-loop.c $(pkg-config --cflags --libs libcemm) -o own-loop
 *   ./own-loop CONFIG UID ALIAS
 *
 * A program that must keep its own main loop (GLib, libuv, epoll) runs
 * cemm_turn() in a thread, passes requests to it under a lock, and calls
 * cemm_wakeup(), which any thread may call.
 */
#include <cemm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 256
#define NOW_AGE   1000 /* ms; an answer that is at most this old is used again */

struct program {
    struct cemm *cemm;
    struct cemm_query meter;
    char line[LINE_SIZE];
    size_t length;
    unsigned pending; /* number of pending requests */
    bool input_ended;
    bool failed;
};

/* Prints all samples, one per line: time, channel and value. */
static void print_document(const struct cemm_zone *zone, const struct cemm_document *document)
{
    char time[CEMM_TIME_SIZE];
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < series[i].count; j++) {
            const struct cemm_sample *sample = &series[i].samples[j];
            cemm_time_format(zone, sample->time, time);
            printf("%s %s %.*s %s\n", time, series[i].channel, (int)sample->text_length,
                   sample->text, series[i].unit);
        }
    }
    fflush(stdout);
}

/* The completion: runs inside cemm_turn() or cemm_free(), once for each cemm_get(). */
static void print_answer(void *data, const struct cemm_answer *answer)
{
    struct program *program = data;

    program->pending--;
    if (answer->document) {
        print_document(cemm_zone(program->cemm), answer->document);
    } else {
        fprintf(stderr, "%s\n", answer->message);
        program->failed = true;
    }
}

static void run_command(struct program *program, const char *line)
{
    struct cemm_query query = program->meter;
    bool now = strcmp(line, "now") == 0;

    query.endpoint = now ? CEMM_REALTIME : CEMM_DATA;
    if (!now &&
        (strncmp(line, "day ", 4) != 0 || !cemm_period_parse(CEMM_DAY, line + 4, &query.period))) {
        fprintf(stderr, "write \"now\" or \"day 2024-05-01\"\n");
        return;
    }
    int result = cemm_get(program->cemm, &query, NOW_AGE, print_answer, program, NULL);
    if (result == 0) {
        program->pending++;
    } else {
        fprintf(stderr, "%s\n", strerror(-result)); /* an invalid alias, for example */
        program->failed = true;
    }
}

/* Reads standard input, where lines may arrive in pieces. */
static void read_input(struct program *program)
{
    size_t room = sizeof(program->line) - program->length;
    ssize_t count = read(STDIN_FILENO, program->line + program->length, room);
    char *end;

    if (count <= 0 || (size_t)count == room) { /* the end, or a line that is too long */
        program->input_ended = true;
        return;
    }
    program->length += (size_t)count;
    while ((end = memchr(program->line, '\n', program->length))) {
        *end++ = '\0';
        run_command(program, program->line);
        program->length -= (size_t)(end - program->line);
        memmove(program->line, end, program->length);
    }
}

static int run(struct program *program)
{
    int result = 0;

    while (result == 0 && (!program->input_ended || program->pending > 0)) {
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

        result = cemm_turn(program->cemm, -1, &input, program->input_ended ? 0 : 1);
        if (result == 0 && !program->input_ended && input.revents)
            read_input(program);
    }
    return result < 0 || program->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void print_line(void *data, enum cemm_level level, const char *line)
{
    (void)data;
    (void)level;
    fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv)
{
    struct program program = {0};
    struct cemm_config *config = cemm_config_new();
    struct cemm_message message;
    int result = EXIT_FAILURE;

    if (argc != 4 || !cemm_uid_parse(argv[2], &program.meter.uid) ||
        strlen(argv[3]) >= CEMM_NAME_SIZE) {
        fprintf(stderr, "usage: own-loop CONFIG UID ALIAS\n");
    } else if (config && cemm_config_load(config, argv[1], &message) < 0) {
        fprintf(stderr, "%s\n", message.text);
    } else if (config) {
        memcpy(program.meter.alias, argv[3], strlen(argv[3]) + 1);
        program.cemm = cemm_new(config, CEMM_BACKOFF_POLLER, print_line, NULL);
        result = program.cemm ? run(&program) : EXIT_FAILURE;
        cemm_free(program.cemm);
    }
    cemm_config_free(config);
    return result;
}
