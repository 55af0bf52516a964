/*
 * Snapshots: the bytes of a file together with what is to be said of them.
 * They are made at once and never change, so that size, time and bytes always
 * belong together, however long a reader takes. Counted; one thread.
 */
#ifndef FS_RENDER_H
#define FS_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cemm.h"
#include "fs/tree.h"

struct snapshot {
    unsigned references;
    size_t size;
    int64_t modified; /* Unix milliseconds */
    int64_t fetched;  /* Unix milliseconds; when the document came */
    bool empty;       /* a document without a single sample */
    char *source;     /* "cloud home"; NULL: made here */
    char *units;      /* of the value, or of the columns with values; NULL: there are none */
    char *bytes;      /* NULL: given up, see snapshot_strip() */
    uint64_t digest;  /* of those that were */
};

/*
 * Makes the file that `path` stands for of its document. Returns 0, -ENOENT
 * where the document lacks the path's channel, -ENOMEM, or -EIO where a limit
 * is exceeded.
 */
int snapshot_render(const struct path *path, const struct cemm_document *document,
                    const struct tree_clock *clock, struct snapshot **ret_snapshot);

/* Whether a list of meters has one of that alias; also where no memory is left to tell. */
bool document_lists(const struct cemm_document *io, const char *alias);

/*
 * Makes info.json of a device. `account` (NULL: none) reaches it by the cloud,
 * `root` (NULL: none) is its own answer on the LAN; one of them is there.
 * Returns 0 or -ENOMEM.
 */
int snapshot_of_device(const struct cemm_uid *uid, const char *account,
                       const struct cemm_document *root, int64_t now,
                       struct snapshot **ret_snapshot);

/* Makes one of a text, which becomes its own; NULL: no memory (the text is freed then, too). */
struct snapshot *snapshot_of_text(char *text, size_t size, int64_t modified);

/* Gives its bytes up; all that is said of them stays. */
void snapshot_strip(struct snapshot *snapshot);

/* Takes the bytes back from one that was made anew, unless they are others: then false. */
bool snapshot_restore(struct snapshot *snapshot, struct snapshot *anew);

struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot); /* NULL is allowed */

#endif
