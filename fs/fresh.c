#include "fs/fresh.h"

#define RUNNING_TIMEOUT 1.0  /* seconds: for names of running CSVs, whose node grows */
#define FOLLOWED_MS     5000 /* a running CSV is followed if the last GETATTR is not older */

bool fresh_is_info(const struct path *path)
{
    return path->kind == PATH_DEVICE_INFO || path->kind == PATH_INFO;
}

bool fresh_is_description(const struct path *path)
{
    return fresh_is_info(path) || path->kind == PATH_IO;
}

bool fresh_is_closed(const struct fs *fs, const struct path *path, const struct snapshot *snapshot)
{
    return snapshot ? snapshot->closed
                    : fs_clock(fs).now >= tree_closed_at(path, cemm_zone(fs->cemm));
}

/* Whether the document of a closed period never changes; one without samples may. */
static bool is_final(const struct fs *fs, const struct path *path, const struct snapshot *snapshot)
{
    return fresh_is_closed(fs, path, snapshot) && !(snapshot && snapshot->empty);
}

int64_t fresh_max_age(const struct fs *fs, const struct path *path, const struct snapshot *snapshot)
{
    if (fresh_is_description(path))
        return FS_MAX_AGE;
    if (path->kind != PATH_PERIOD)
        return fs->realtime_ttl;
    int64_t since = cemm_clock_wall() - tree_closed_at(path, cemm_zone(fs->cemm)) * 1000;
    if (is_final(fs, path, snapshot)) /* what was fetched before may lack the end */
        return snapshot || since < FS_MAX_AGE ? since : FS_MAX_AGE;
    return fresh_is_closed(fs, path, snapshot) ? CEMM_EMPTY_AGE : FS_MAX_AGE;
}

int64_t fresh_left(const struct fs *fs, const struct node *node)
{
    int64_t age = cemm_clock_wall() - node->snapshot->fetched;
    if (age < 0)
        return -1; /* the clock was set back */
    return fresh_max_age(fs, &node->path, node->snapshot) - age;
}

bool fresh_is_followed(const struct node *node)
{
    if (fresh_is_description(&node->path))
        return true;
    return node->running && (node->pins > 0 || cemm_clock_wall() - node->asked <= FOLLOWED_MS);
}

bool fresh_may_run(const struct path *path)
{
    return fresh_is_description(path) ||
           (path->history == HISTORY_DAYS && path->form == CEMM_FORM_CSV);
}

double fresh_timeout(const struct fs *fs, const struct node *node)
{
    bool final = is_final(fs, &node->path, node->snapshot);
    if (node->running || (fresh_may_run(&node->path) && !final))
        return RUNNING_TIMEOUT;
    if (final)
        return FS_CLOSED_TIMEOUT;
    int64_t left = node->snapshot ? fresh_left(fs, node) : fresh_max_age(fs, &node->path, NULL);
    return left > 0 ? (double)left / 1000 : 0;
}
