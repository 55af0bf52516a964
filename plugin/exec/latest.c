#include "plugin/exec/latest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/render.h"

static void entry_free(struct latest_entry *entry)
{
    cemm_document_unref(entry->shown);
    free(entry);
}

void latest_clear(struct latest *latest)
{
    for (size_t i = 0; i < latest->count; i++)
        entry_free(latest->entries[i]);
    free(latest->entries);
    *latest = (struct latest){0};
}

static int compare(const struct latest_entry *a, const struct latest_entry *b)
{
    int r = strcmp(a->uid, b->uid);
    if (r == 0)
        r = strcmp(a->alias, b->alias);
    return r != 0 ? r : strcmp(a->source, b->source);
}

/* The index of the entry, or where to insert it. */
static size_t index_of(const struct latest *latest, const struct latest_entry *names)
{
    size_t low = 0;
    size_t high = latest->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(latest->entries[middle], names) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct latest_entry *latest_get(struct latest *latest, const char *uid, const char *alias,
                                const char *source)
{
    struct latest_entry names = {0};
    copy_text(names.uid, sizeof(names.uid), uid);
    copy_text(names.alias, sizeof(names.alias), alias);
    copy_text(names.source, sizeof(names.source), source);
    size_t index = index_of(latest, &names);
    if (index < latest->count && compare(latest->entries[index], &names) == 0)
        return latest->entries[index];
    struct latest_entry **more =
        reallocarray(latest->entries, latest->count + 1, sizeof(struct latest_entry *));
    if (!more)
        return NULL;
    latest->entries = more;
    struct latest_entry *entry = malloc(sizeof(*entry));
    if (!entry)
        return NULL;
    *entry = names;
    memmove(&more[index + 1], &more[index],
            (latest->count - index) * sizeof(struct latest_entry *));
    more[index] = entry;
    latest->count++;
    return entry;
}

void latest_forget_failures(struct latest *latest, size_t sweep)
{
    size_t kept = 0;
    for (size_t i = 0; i < latest->count; i++) {
        struct latest_entry *entry = latest->entries[i];
        if (entry->alias[0] == '\0' && entry->sweep < sweep)
            entry_free(entry);
        else
            latest->entries[kept++] = entry;
    }
    latest->count = kept;
}

int latest_render(const struct latest *latest, const struct cemm *cemm, const char *before,
                  char **ret_text, size_t *ret_length)
{
    struct cemm_reading *readings = calloc(latest->count + 1, sizeof(*readings));
    if (!readings)
        return -ENOMEM;
    for (size_t i = 0; i < latest->count; i++) {
        const struct latest_entry *entry = latest->entries[i];
        readings[i] = (struct cemm_reading){
            .uid = entry->uid,
            .alias = entry->alias,
            .source = entry->source,
            .type = render_type(cemm, entry->uid, entry->alias),
            .document = entry->up ? entry->shown : NULL,
        };
    }
    int r = cemm_render_prometheus(readings, latest->count, before, ret_text, ret_length);
    free(readings);
    return r;
}
