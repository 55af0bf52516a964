/*
 * A meter: the answer of the cloud or, if no account has the meter, its entry
 * in the list of meters on the LAN.
 *
 * A device: its answer on the LAN, and the account that reaches it. It is
 * absent only if every account has answered.
 */
#include "fs/info.h"

#include <errno.h>

#include "fs/pending.h"

bool info_is(const struct path *path)
{
    return path->kind == PATH_DEVICE_INFO || path->kind == PATH_INFO;
}

/* ---- a device ----------------------------------------------------------- */

static void on_root(struct pending *pending, const struct cemm_answer *answer)
{
    struct fs *fs = pending->fs;
    const struct cemm_uid *uid = &pending->node->path.uid;
    const struct cemm_device *device = cemm_device_named(fs->cemm, uid);
    const char *account = device ? cemm_device_account(device) : NULL;
    struct snapshot *snapshot;
    int r = 0;
    if (answer->result != 0 && answer->result != CEMM_ABSENT)
        r = fs_errno(answer->result);
    else if (!account && pending->found != 0 && fs_account_unheard(fs))
        r = fs_errno(pending->found);
    else if (!account && !answer->document)
        r = ENOENT;
    if (r == ENOENT)
        fs_note_name(fs, &pending->node->path, "no source has information about this device");
    if (r == 0)
        r = -snapshot_of_device(uid, account, answer->document, &snapshot);
    if (r != 0)
        pending_reply_error(pending, r);
    else
        pending->take(pending, snapshot);
}

static void on_devices(struct pending *pending, const struct cemm_answer *answer)
{
    pending->found = answer->result;
    pending_get(pending, &pending->node->path, FS_INFO_MAX_AGE, on_root);
}

/* ---- a meter ------------------------------------------------------------ */

/* The cloud's list has no aliases: if it answered instead of the LAN, nothing is known, unless
 * older firmware has no list. */
static void on_io(struct pending *pending, const struct cemm_answer *answer)
{
    const struct path *path = &pending->node->path;
    if (answer->result != 0 || document_lists(answer->document, path->alias)) {
        pending->answer(pending, answer);
    } else if (fs_is_account(pending->fs, cemm_document_source(answer->document)) &&
               cemm_offers(pending->fs->cemm, &path->uid, path->alias, CEMM_IO)) {
        pending_reply_error(pending, EHOSTUNREACH);
    } else {
        fs_note_name(pending->fs, path, "no source has information about this meter");
        pending->answer(pending, answer);
    }
}

static void on_meter(struct pending *pending, const struct cemm_answer *answer)
{
    const struct path io = {.kind = PATH_IO, .uid = pending->node->path.uid};
    if (answer->result == CEMM_ABSENT)
        pending_get(pending, &io, FS_INFO_MAX_AGE, on_io);
    else
        pending->answer(pending, answer);
}

void info_ask(struct pending *pending)
{
    const struct path *path = &pending->node->path;
    pending->absence_passes = true;
    if (path->kind == PATH_DEVICE_INFO) /* an account that has answered is not asked again */
        pending_find(pending, NULL, INT64_MAX, on_devices);
    else
        pending_get(pending, path, FS_INFO_MAX_AGE, on_meter);
}
