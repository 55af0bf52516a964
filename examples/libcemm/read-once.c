/*
 * Reads all meters once, and prints a line for each channel. It looks for the
 * devices, then for their meters, and then reads the meters; the requests of
 * each step run in parallel.
 *
 *   cc read-once.c $(pkg-config --cflags --libs libcemm) -o read-once
 *   ./read-once [CONFIG]
 */
#include <cemm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct cemm *cemm;
    unsigned pending; /* number of pending requests */
    bool failed;
};

/* A request for all devices (no uid), a device's meters (no alias), or a meter's values. */
struct request {
    struct reader *reader;
    struct cemm_query query;
};

static void print_series(const struct reader *reader, const struct cemm_query *query,
                         const struct cemm_series *series)
{
    const struct cemm_sample *newest;
    char time[CEMM_TIME_SIZE];

    if (series->count == 0)
        return; /* a channel that was never measured */
    newest = &series->samples[series->count - 1];
    cemm_time_format(cemm_zone(reader->cemm), newest->time, time);
    printf("%s %s/%s %s = %.*s%s%s\n", time, query->uid.text, query->alias, series->channel,
           (int)newest->text_length, newest->text, series->unit[0] ? " " : "", series->unit);
}

/* The completion: runs inside cemm_turn() or cemm_free(), once for each request. */
static void take_answer(void *data, const struct cemm_answer *answer)
{
    struct request *request = data;
    struct reader *reader = request->reader;
    const struct cemm_series *series;
    size_t count;

    reader->pending--;
    if (answer->result != 0) {
        reader->failed = true;
        fprintf(stderr, "%s/%s: %s\n", request->query.uid.text, request->query.alias,
                answer->message);
    } else if (answer->document) {
        series = cemm_document_series(answer->document, &count);
        for (size_t i = 0; i < count; i++)
            print_series(reader, &request->query, &series[i]);
    }
    free(request);
}

static void ask(struct reader *reader, const struct cemm_uid *uid, const char *alias)
{
    struct request *request = calloc(1, sizeof(*request));
    int result = -1;

    if (request) {
        request->reader = reader;
        request->query.endpoint = CEMM_REALTIME;
        if (uid)
            request->query.uid = *uid;
        if (alias)
            snprintf(request->query.alias, sizeof(request->query.alias), "%s", alias);
        result = alias ? cemm_get(reader->cemm, &request->query, 0, take_answer, request, NULL)
                       : cemm_find(reader->cemm, uid, 0, take_answer, request, NULL);
    }
    if (result == 0) {
        reader->pending++;
    } else {
        reader->failed = true;
        free(request);
    }
}

/* Returns when no request is pending. */
static void wait_for_answers(struct reader *reader)
{
    int result = 0;

    while (result == 0 && reader->pending > 0)
        result = cemm_turn(reader->cemm, -1, NULL, 0);
    if (result < 0) {
        reader->failed = true;
        fprintf(stderr, "%s\n", strerror(-result));
    }
}

static void read_all(struct reader *reader)
{
    const struct cemm_device *device;
    const char *alias;

    ask(reader, NULL, NULL);
    wait_for_answers(reader);
    for (size_t i = 0; (device = cemm_device_at(reader->cemm, i)); i++)
        ask(reader, cemm_device_uid(device), NULL);
    wait_for_answers(reader);
    for (size_t i = 0; (device = cemm_device_at(reader->cemm, i)); i++) {
        for (size_t j = 0; (alias = cemm_device_alias(device, j)); j++)
            ask(reader, cemm_device_uid(device), alias);
    }
    wait_for_answers(reader);
}

int main(int argc, char **argv)
{
    struct reader reader = {0};
    struct cemm_config *config = cemm_config_new();
    struct cemm_message message;

    if (config && cemm_config_load(config, argc > 1 ? argv[1] : NULL, &message) < 0)
        fprintf(stderr, "%s\n", message.text);
    else if (config)
        reader.cemm = cemm_new(config, CEMM_BACKOFF_INTERACTIVE, NULL, NULL);
    reader.failed = !reader.cemm;
    if (reader.cemm)
        read_all(&reader);
    cemm_free(reader.cemm);
    cemm_config_free(config);
    return reader.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
