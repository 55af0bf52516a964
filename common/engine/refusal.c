#include "common/engine/refusal.h"

#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/base/random.h"
#include "common/model/document.h"

#include <stdlib.h>
#include <sys/param.h>

#define FIRST_MS   1000 /* the first pause without Retry-After */
#define KEY_AGE_MS 1000 /* in which the pauses of a source have its key file read once */

static bool is_refusal(const struct cemm_source *source, const struct cemm_last_reply *reply,
                       int result)
{
    bool polls = source->loop->backoff_max > CEMM_BACKOFF_INTERACTIVE * 1000;

    if (!polls || reply->status == 0)
        return false;
    return result == CEMM_DENIED ||
           (result < 0 && (reply->status == 429 || reply->retry_after_ms >= 0));
}

int64_t cemm_refusal_delay(const struct cemm_source *source, const struct cemm_last_reply *reply,
                           int result)
{
    int64_t delay = MIN(reply->retry_after_ms, CEMM_PAUSE_MAX);

    return delay > 0 && is_refusal(source, reply, result) ? delay / 1000 : 0;
}

static struct cemm_pause *find(const struct cemm_route *route, const struct cemm_query *query)
{
    struct cemm_pause *pause;

    LIST_FOREACH (pause, &route->pauses, link)
        if (cemm_query_compare(&pause->query, query) == 0)
            break;
    return pause;
}

/* If there are too many, the one that ends first goes. NULL: no memory. */
static struct cemm_pause *pause_new(struct cemm_route *route, const struct cemm_query *query)
{
    struct cemm_pause *first = LIST_FIRST(&route->pauses);
    struct cemm_pause *pause;
    size_t count = 0;

    LIST_FOREACH (pause, &route->pauses, link) {
        count++;
        if (pause->health.retry_at < first->health.retry_at)
            first = pause;
    }
    if (count >= CEMM_PAUSES_MAX)
        cemm_pause_free(first);
    pause = calloc(1, sizeof(*pause));
    if (!pause)
        return NULL;
    pause->query = *query;
    LIST_INSERT_HEAD(&route->pauses, pause, link);
    return pause;
}

void cemm_refusal_note(struct cemm_route *route, const struct cemm_query *query,
                       const struct cemm_last_reply *reply, int result,
                       const struct cemm_message *message)
{
    const struct cemm_source *source = route->source;
    const struct cemm_backoff backoff = {FIRST_MS, source->loop->backoff_max};
    struct cemm_pause *pause = find(route, query);
    int64_t now = source->loop->now;

    if (reply->status == 0)
        return;
    if (!is_refusal(source, reply, result)) {
        if (pause)
            cemm_pause_free(pause);
        return;
    }
    if (!pause)
        pause = pause_new(route, query);
    if (!pause)
        return; /* no memory: it will be sent, and refused, again */
    (void)cemm_health_fail(&pause->health, now, backoff, cemm_random());
    if (reply->retry_after_ms >= 0)
        pause->health.retry_at = now + MIN(reply->retry_after_ms, CEMM_PAUSE_MAX);
    pause->result = result;
    pause->keys = reply->keys;
    cemm_message_keep(&pause->message, message);
}

/* Each paused request asks for it at each poll. */
static bool has_new_key(struct cemm_source *source)
{
    int64_t now = source->loop->now;

    if (source->key_looked && now - source->key_looked < KEY_AGE_MS)
        return false;
    source->key_looked = now;
    return cemm_source_renew_key(source);
}

const struct cemm_pause *cemm_refusal_pause(struct cemm_route *route,
                                            const struct cemm_query *query)
{
    struct cemm_source *source = route->source;
    const struct cemm_pause *pause = find(route, query);

    if (!pause || !cemm_health_backs_off(&pause->health, source->loop->now))
        return NULL;
    if (pause->result == CEMM_DENIED && (pause->keys != source->keys || has_new_key(source)))
        return NULL;
    return pause;
}

bool cemm_refusal_of_old_key(struct cemm_source *source, const struct cemm_last_reply *reply,
                             int result)
{
    return result == CEMM_DENIED && (reply->keys != source->keys || cemm_source_renew_key(source));
}
