/*
 * Reads all meters once, and prints a line for each channel.
 *
 *   cc read-once.c $(pkg-config --cflags --libs libcemm) -o read-once
 *   ./read-once [CONFIG]
 */
#include <cemm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    struct cemm *cemm;
    bool done;
    bool failed;
};

static void print_series(const struct reading *reading, const struct cemm_uid *uid,
                         const char *alias, const struct cemm_series *series)
{
    const struct cemm_sample *newest;
    char time[CEMM_TIME_SIZE];

    if (series->count == 0)
        return; /* a channel that was never read */
    newest = &series->samples[series->count - 1];
    cemm_time_format(cemm_zone(reading->cemm), newest->time, time);
    printf("%s %s/%s %s = %.*s%s%s\n", time, uid->text, alias, series->channel,
           (int)newest->text_length, newest->text, series->unit[0] ? " " : "", series->unit);
}

/* Called for each meter as its answer comes, and in the end once with no answer. */
static void take_answer(void *data, const struct cemm_uid *uid, const char *alias,
                        const struct cemm_answer *answer)
{
    struct reading *reading = data;
    const struct cemm_series *series;
    size_t count;

    if (!answer) {
        reading->done = true;
    } else if (!answer->document) {
        reading->failed = true;
        fprintf(stderr, "%s/%s: %s\n", uid ? uid->text : "?", alias ? alias : "?", answer->words);
    } else {
        series = cemm_document_series(answer->document, &count);
        for (size_t i = 0; i < count; i++)
            print_series(reading, uid, alias, &series[i]);
    }
}

static int read_once(const struct cemm_config *config)
{
    const struct cemm_selection all = {0};
    struct reading reading = {.cemm = cemm_new(config, CEMM_REST_INTERACTIVE, NULL, NULL)};
    int result;

    if (!reading.cemm)
        return EXIT_FAILURE;
    result = cemm_sweep(reading.cemm, &all, take_answer, &reading);
    while (result == 0 && !reading.done)
        result = cemm_turn(reading.cemm, -1, NULL, 0);
    cemm_free(reading.cemm);
    if (result < 0)
        fprintf(stderr, "%s\n", strerror(-result));
    return result < 0 || reading.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct cemm_config *config = cemm_config_new();
    struct cemm_words words;
    int result = EXIT_FAILURE;

    if (!config)
        return EXIT_FAILURE;
    if (cemm_config_load(config, argc > 1 ? argv[1] : NULL, &words) < 0)
        fprintf(stderr, "%s\n", words.text);
    else
        result = read_once(config);
    cemm_config_free(config);
    return result;
}
