#include "plugin/exec/latest.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/render.h"

static void entry_free(void *data)
{
    struct latest_entry *entry = data;
    cemm_document_unref(entry->shown);
    missed_drop(&entry->missed);
    free(entry);
}

void latest_clear(struct latest *latest)
{
    tdestroy(latest->tree, entry_free);
    *latest = (struct latest){0};
}

static int compare(const void *left, const void *right)
{
    const struct latest_entry *a = left;
    const struct latest_entry *b = right;
    int r = strcmp(a->uid, b->uid);
    if (r == 0)
        r = strcmp(a->alias, b->alias);
    return r != 0 ? r : strcmp(a->source, b->source);
}

struct latest_entry *latest_get(struct latest *latest, const char *uid, const char *alias,
                                const char *source)
{
    struct latest_entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    copy_text(entry->uid, sizeof(entry->uid), uid);
    copy_text(entry->alias, sizeof(entry->alias), alias);
    copy_text(entry->source, sizeof(entry->source), source);
    struct latest_entry **node = tsearch(entry, &latest->tree, compare);
    struct latest_entry *found = node ? *node : NULL;
    if (found == entry)
        latest->count++;
    else
        free(entry);
    return found;
}

struct rendering {
    const struct cemm *cemm;
    size_t sweep;
    struct cemm_result *results;
    size_t count;
};

static void add_reading(const void *node, VISIT visit, void *data)
{
    struct rendering *rendering = data;
    const struct latest_entry *entry = *(struct latest_entry *const *)node;
    bool over = entry->alias[0] == '\0' && entry->sweep < rendering->sweep;
    if (over || (visit != postorder && visit != leaf))
        return;
    rendering->results[rendering->count++] = (struct cemm_result){
        .uid = entry->uid,
        .alias = entry->alias,
        .source = entry->source,
        .type = render_type(rendering->cemm, entry->uid, entry->alias),
        .document = entry->up ? entry->shown : NULL,
    };
}

int latest_render(const struct latest *latest, size_t sweep, const struct cemm *cemm,
                  const char *before, char **ret_text, size_t *ret_length)
{
    struct rendering rendering = {
        .cemm = cemm,
        .sweep = sweep,
        .results = calloc(latest->count + 1, sizeof(*rendering.results)),
    };
    if (!rendering.results)
        return -ENOMEM;
    twalk_r(latest->tree, add_reading, &rendering); /* sorted */
    int r =
        cemm_render_prometheus(rendering.results, rendering.count, before, ret_text, ret_length);
    free(rendering.results);
    return r;
}
