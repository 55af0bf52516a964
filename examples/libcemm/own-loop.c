/*
 * A program with a loop of its own: it waits for what people type and for a
 * meter, both at once. The loop is cemm_turn(), which waits for our
 * descriptors, too; here standard input, in yours perhaps a socket.
 *
 * A line "day 2024-05-01" prints that day of the meter, "now" its newest
 * values; many may be asked before the first is answered. It ends with the
 * input, once all is answered.
 *
 *   cc own-loop.c $(pkg-config --cflags --libs libcemm) -o own-loop
 *   ./own-loop CONFIG UID ALIAS
 *
 * A program that must keep its own way of waiting (GLib, libuv, epoll) runs
 * this loop in a thread, hands orders over under a lock, and calls
 * cemm_wakeup(), which any thread may.
 */
#include <cemm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 256
#define NOW_AGE   1000 /* ms: "now" is answered from memory if it is no older */

struct program {
    struct cemm *cemm;
    struct cemm_query meter; /* which one */
    char line[LINE_SIZE];
    size_t length;
    unsigned asked; /* and not yet answered */
    bool ended;     /* the input */
    bool failed;
};

/* All samples, a line each: time, channel and value. */
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

/* Runs inside cemm_turn(), once for each cemm_get(). */
static void print_answer(void *data, const struct cemm_answer *answer)
{
    struct program *program = data;

    program->asked--;
    if (answer->document) {
        print_document(cemm_zone(program->cemm), answer->document);
    } else {
        fprintf(stderr, "%s\n", answer->message);
        program->failed = true;
    }
}

static void obey(struct program *program, const char *line)
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
        program->asked++;
    } else {
        fprintf(stderr, "%s\n", strerror(-result)); /* the alias is none, for example */
        program->failed = true;
    }
}

/* What has come on standard input; lines may come in pieces. */
static void listen(struct program *program)
{
    size_t room = sizeof(program->line) - program->length;
    ssize_t count = read(STDIN_FILENO, program->line + program->length, room);
    char *end;

    if (count <= 0 || (size_t)count == room) { /* the end, or a line that is too long */
        program->ended = true;
        return;
    }
    program->length += (size_t)count;
    while ((end = memchr(program->line, '\n', program->length))) {
        *end++ = '\0';
        obey(program, program->line);
        program->length -= (size_t)(end - program->line);
        memmove(program->line, end, program->length);
    }
}

static int run(struct program *program)
{
    int result = 0;

    while (result == 0 && (!program->ended || program->asked > 0)) {
        struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

        result = cemm_turn(program->cemm, -1, &input, program->ended ? 0 : 1);
        if (result == 0 && !program->ended && input.revents)
            listen(program);
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
