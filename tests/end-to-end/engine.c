/*
 * What the tests of the engine share. These tests check libcemm's messages. client_start() makes a
 * context that does not log, so rig_run() makes the context itself.
 */
#include "tests/end-to-end/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MAX_S 2 /* a failed source is tried again soon */

static void take_log(void *data, enum cemm_level level, const char *text)
{
    struct rig *rig = data;
    size_t room = sizeof(rig->log) - rig->log_length;

    (void)level;
    int length = snprintf(rig->log + rig->log_length, room, "%s\n", text);
    assert_true(length > 0 && (size_t)length < room);
    rig->log_length += (size_t)length;
}

void rig_begin(struct rig *rig)
{
    client_begin(&rig->client);
}

void rig_add_cloud(struct rig *rig, const char *timeout)
{
    client_cloud(&rig->client, &rig->cloud, "home");
    client_set(&rig->client, "timeout", timeout);
}

void rig_add_lan(struct rig *rig)
{
    client_local(&rig->client, rig->lan.lan, "garage");
    client_set(&rig->client, "timeout", "10");
}

void rig_run(struct rig *rig)
{
    struct cemm_message message;

    if (cemm_config_finish(rig->client.config, &message) < 0)
        fail_msg("%s", message.text);
    rig->client.cemm = cemm_new(rig->client.config, BACKOFF_MAX_S, take_log, rig);
    assert_non_null(rig->client.cemm);
}

void rig_end(struct rig *rig)
{
    client_end(&rig->client);
    sim_end(&rig->cloud);
    sim_end(&rig->shed);
    sim_end(&rig->lan);
    sim_end(&rig->other);
    *rig = (struct rig){0};
}

struct reply rig_get(struct rig *rig, const struct cemm_query *query)
{
    struct reply reply;

    client_get(&rig->client, query, &reply);
    return reply;
}

void rig_get_to_know(struct rig *rig)
{
    struct cemm_uid uid = client_uid();
    struct reply reply;

    reply_expect(client_find(&rig->client, NULL, &reply) == 0, "devices", &reply);
    reply_expect(client_find(&rig->client, &uid, &reply) == 0, "meters", &reply);
}

void rig_expect_meters(struct rig *rig, const char *what, const char *wanted)
{
    char *meters = client_meters(&rig->client);

    if (strcmp(meters, wanted) != 0)
        fail_msg("%s: meters %s, wanted %s", what, meters, wanted);
    free(meters);
}

void reply_expect(bool condition, const char *what, const struct reply *reply)
{
    if (!condition)
        fail_msg("wrong: %s; result %d from %s, %s", what, reply->result,
                 reply->document ? cemm_document_source(reply->document) : "no source",
                 reply->message);
}

bool reply_from(const struct reply *reply, const char *source)
{
    return reply->result == 0 && strcmp(cemm_document_source(reply->document), source) == 0;
}
