/*
 * Two simulators that act as one device: one as its LAN side, one as its cloud side.
 *
 * Each side can be faulty or killed separately, and has its own log. Each side has a meter that the
 * other side does not have, and the LAN side also has a meter that is in no list.
 */
#include "tests/end-to-end/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW "1739183027" /* 2025-02-10 11:23:47 in Amsterdam */
#define DAY "2025-02-01"

void pair_expect(const char *name, bool condition, const char *what, const struct reply *reply)
{
    if (!condition)
        fail_msg("%s: wrong: %s; result %d from %s, %s", name, what, reply->result,
                 reply->document ? cemm_document_source(reply->document) : "no source",
                 reply->message);
}

bool pair_from(const struct reply *reply, const char *source)
{
    return reply->result == 0 && strcmp(cemm_document_source(reply->document), source) == 0;
}

void pair_start_lan(struct pair *pair, const char *port)
{
    const char *const options[] = {
        "--devices", "1", "--lan",   "1", "--lan-port", port,           "--meters", "p1,s01,mb5",
        "--now",     NOW, "--speed", "0", "--extra",    "heatpump=mb5", NULL};

    if (pair->lan.dir[0])
        sim_restart(&pair->lan, options);
    else
        sim_start(&pair->lan, options);
    snprintf(pair->port, sizeof(pair->port), "%s", strchr(pair->lan.lan, ':') + 1);
}

void pair_start(struct pair *pair)
{
    sim_start(&pair->cloud, (const char *const[]){"--devices", "1", "--meters", "p1,s01,han",
                                                  "--now", NOW, "--speed", "0", NULL});
    pair_start_lan(pair, "0");
}

void pair_add_cloud(struct pair *pair)
{
    client_cloud(&pair->client, &pair->cloud, "home");
    client_set(&pair->client, "timeout", "8");
}

void pair_add_lan(struct pair *pair)
{
    client_local(&pair->client, pair->lan.lan, "garage");
    client_set(&pair->client, "timeout", PAIR_LAN_TIMEOUT);
}

static void forget_logs(struct pair *pair)
{
    free(sim_requests(&pair->cloud));
    free(sim_requests(&pair->lan));
}

void pair_get_to_know(struct pair *pair)
{
    struct cemm_uid uid = client_uid();
    struct reply reply;

    pair_expect("find", client_find(&pair->client, NULL, &reply) == 0, "devices", &reply);
    pair_expect("find", client_find(&pair->client, &uid, &reply) == 0, "meters", &reply);
    forget_logs(pair);
}

void pair_begin_client(struct pair *pair)
{
    client_begin(&pair->client);
    pair_add_cloud(pair);
    pair_add_lan(pair);
    client_start(&pair->client);
}

void pair_begin(struct pair *pair)
{
    pair_start(pair);
    pair_begin_client(pair);
    pair_get_to_know(pair);
}

void pair_end(struct pair *pair)
{
    client_end(&pair->client);
    sim_end(&pair->lan);
    sim_end(&pair->cloud);
    *pair = (struct pair){0};
}

struct cemm_query pair_query(enum cemm_endpoint endpoint, enum cemm_span span, const char *alias)
{
    struct cemm_query query = client_query(endpoint, alias);

    if (endpoint == CEMM_DATA || endpoint == CEMM_TOTALS) {
        assert_true(cemm_period_parse(CEMM_DAY, DAY, &query.period));
        query.period.span = span;
        query.period.day = span == CEMM_DAY ? query.period.day : 1;
        query.period.month = span == CEMM_YEAR ? 1 : query.period.month;
    }
    return query;
}

struct reply pair_get(struct pair *pair, enum cemm_endpoint endpoint, const char *alias)
{
    struct cemm_query query = pair_query(endpoint, CEMM_DAY, alias);
    struct reply reply;

    client_get(&pair->client, &query, &reply);
    return reply;
}

void pair_expect_meters(struct pair *pair, const char *name, const char *wanted)
{
    char *meters = client_meters(&pair->client);

    if (strcmp(meters, wanted) != 0)
        fail_msg("%s: meters \"%s\", wanted \"%s\"", name, meters, wanted);
    free(meters);
}

void pair_expect_count(const char *name, const char *side, size_t got, size_t wanted)
{
    if (wanted != ANY_NUMBER && got != wanted)
        fail_msg("%s: %zu requests to the %s, wanted %zu", name, got, side, wanted);
}
