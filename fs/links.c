/*
 * Where `today` leads in the first hours of a day. Its first row comes a
 * minute late, and so does the last one of the day before, which a reader that
 * follows `today` by name (tail -F) must get first. So `today` leads to the
 * day before until the new day has a row, and until the day before, if it is
 * followed, has been fetched after that. It moves once, and not back.
 *
 * Later in the day nothing is asked: a meter may be silent.
 */
#include "fs/links.h"

#include <errno.h>

#include "fs/fresh.h"
#include "fs/pending.h"

#define TURN_S (3 * 3600) /* seconds for which the first row is waited for */

static struct path day_of(const struct path *link, const struct tree_clock *clock, int ago)
{
    struct cemm_period now = cemm_period_at(clock->zone, CEMM_DAY, clock->now);
    struct path day = *link;
    day.kind = PATH_PERIOD;
    day.ago = 0;
    day.period = cemm_period_step(&now, -ago);
    return day;
}

static bool is_today(const struct path *link)
{
    return link->kind == PATH_NEAR_LINK && link->ago == 0 &&
           (link->history == HISTORY_DAYS || link->history == HISTORY_TOTALS);
}

/* Whether the link may have to wait for the new day. There must be data before it. */
static bool is_turning(const struct fs *fs, const struct node *node, const struct tree_clock *clock)
{
    struct tree_meter meter = fs_meter(fs, &node->path);
    struct path day = day_of(&node->path, clock, 0);
    int64_t begun = cemm_period_start(clock->zone, &day.period);
    return is_today(&node->path) && node->moved != begun && clock->now - begun < TURN_S &&
           !(meter.known && cemm_period_compare(&meter.first, &day.period) >= 0);
}

static void reply(fuse_req_t request, const struct path *link, const struct tree_clock *clock,
                  int ago)
{
    struct path path = *link;
    char target[TREE_LINK_SIZE];
    if (path.kind == PATH_NEAR_LINK)
        path.ago += ago;
    tree_target(&path, clock, target);
    (void)fuse_reply_readlink(request, target);
}

/* Whether nobody follows the day before, or its last rows have been fetched. */
static bool is_left(const struct fs *fs, const struct path *link, const struct tree_clock *clock,
                    int64_t since)
{
    struct path before = day_of(link, clock, 1);
    const struct node *node = nodes_current(&fs->nodes, &before);
    return !node || !node->snapshot || !fresh_is_followed(node) || node->snapshot->fetched >= since;
}

static void on_day(struct pending *pending, const struct cemm_answer *answer)
{
    struct tree_clock clock = fs_clock(pending->fs);
    struct node *node = pending->node;
    struct path day = day_of(&node->path, &clock, 0);
    if (answer->result == 0 && cemm_document_newest(answer->document) != 0 &&
        is_left(pending->fs, &node->path, &clock, cemm_document_fetched(answer->document)))
        node->moved = cemm_period_start(clock.zone, &day.period);
    reply(pending->request, &node->path, &clock, is_turning(pending->fs, node, &clock) ? 1 : 0);
    pending_free(pending);
}

void link_read(fuse_req_t request, fuse_ino_t number)
{
    struct fs *fs = fs_of(request);
    struct node *node = fs_node(request, number);
    if (!node)
        return;
    if (tree_type(&node->path) != TREE_LINK) {
        (void)fuse_reply_err(request, EINVAL);
        return;
    }
    struct tree_clock clock = fs_clock(fs);
    struct path day = day_of(&node->path, &clock, 0);
    if (!is_turning(fs, node, &clock)) {
        reply(request, &node->path, &clock, 0);
        return;
    }
    struct pending *pending = pending_new(request, node);
    if (pending)
        pending_get(pending, &day, FS_PERIOD_MAX_AGE, on_day);
}
