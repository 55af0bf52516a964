/*
 * A snapshot is the bytes of a file, its times and its source. It never
 * changes, so that size, times and bytes always match.
 */
#ifndef FS_RENDER_H
#define FS_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frontend.h"
#include "fs/tree.h"

#define SNAPSHOT_SOURCE_SIZE (CEMM_NAME_SIZE + sizeof("cloud "))

struct snapshot {
    size_t size;
    int64_t modified;                  /* Unix milliseconds */
    int64_t fetched;                   /* when the document arrived */
    bool empty;                        /* the document has no sample */
    bool closed;                       /* the period is closed, so the file will not change */
    char source[SNAPSHOT_SOURCE_SIZE]; /* "cloud home"; "": not fetched */
    char *units;                       /* units of the value or of the CSV columns; NULL: none */
    char *bytes;                       /* NULL: they were dropped; see node_set_bytes() */
    uint64_t hash;                     /* hash of the bytes */
};

/* Renders the file at `path` from its document. Returns 0, -ENOENT if the document lacks the
 * channel or the meter, -ENOMEM, or -EIO if the text would be too long. */
int snapshot_render(const struct path *path, const struct cemm_document *document,
                    const struct cemm_zone *zone, struct snapshot **ret_snapshot);

/* Renders info.json of a device. `account` is the cloud account that reaches it, `document` the
 * device's answer on the LAN; one of them may be NULL. Returns 0 or -ENOMEM. */
int snapshot_of_device(const struct cemm_uid *uid, const char *account,
                       const struct cemm_document *document, struct snapshot **ret_snapshot);

/* Makes a snapshot that owns the text. If there is no memory, frees the text and returns NULL. */
struct snapshot *snapshot_of_text(char *text, size_t size, int64_t modified);

void snapshot_free(struct snapshot *snapshot); /* NULL is allowed */

#endif
