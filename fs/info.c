/*
 * A meter: the cloud has an answer for just that; on the LAN alone it is the
 * meter's entry in the list of all. So the list is asked for when no account
 * has the meter.
 *
 * A device: what it says of itself on the LAN, and which account reaches it.
 * That nobody does is only said when every account has been heard.
 */
#include "fs/info.h"

#include <errno.h>

#include "fs/park.h"

bool info_is(const struct place *place)
{
    return place->kind == PLACE_DEVICE_INFO || place->kind == PLACE_INFO;
}

/* ---- a device ----------------------------------------------------------- */

static void on_root(struct parked *parked, const struct cemm_answer *answer)
{
    struct fs *fs = parked->fs;
    const struct cemm_uid *uid = &parked->node->place.uid;
    const struct cemm_device *device = cemm_device_named(fs->cemm, uid);
    const char *account = device ? cemm_device_account(device) : NULL;
    struct snapshot *snapshot;
    int r = 0;
    if (answer->result != 0 && answer->result != CEMM_ABSENT)
        r = fs_errno(answer->result);
    else if (!account && parked->found != 0 && fs_account_unheard(fs))
        r = fs_errno(parked->found);
    else if (!account && !answer->document)
        r = ENOENT;
    if (r == ENOENT)
        fs_note_name(fs, &parked->node->place, "no source says anything of this device");
    if (r == 0)
        r = -snapshot_of_device(uid, account, answer->document, cemm_clock_wall(), &snapshot);
    if (r != 0)
        park_reply_error(parked, r);
    else
        parked->take(parked, snapshot);
}

static void on_devices(struct parked *parked, const struct cemm_answer *answer)
{
    struct cemm_query query;
    parked->found = answer->result;
    if (tree_query(&parked->node->place, &query))
        park_get(parked, &query, FS_INFO_MAX_AGE, on_root);
    else
        park_reply_error(parked, EIO);
}

/* ---- a meter ------------------------------------------------------------ */

/* The cloud's list has no aliases: if it has stood in for the LAN's, nothing is known, unless older
 * firmware has no list. */
static void on_io(struct parked *parked, const struct cemm_answer *answer)
{
    const struct place *place = &parked->node->place;
    if (answer->result != 0 || document_lists(answer->document, place->alias)) {
        parked->answer(parked, answer);
    } else if (fs_is_account(parked->fs, cemm_document_source(answer->document)) &&
               cemm_offers(parked->fs->cemm, &place->uid, place->alias, CEMM_IO)) {
        park_reply_error(parked, EHOSTUNREACH);
    } else {
        fs_note_name(parked->fs, place, "no source says anything of this meter");
        parked->answer(parked, answer);
    }
}

static void on_meter(struct parked *parked, const struct cemm_answer *answer)
{
    struct cemm_query query = {.uid = parked->node->place.uid, .endpoint = CEMM_IO};
    if (answer->result == CEMM_ABSENT)
        park_get(parked, &query, FS_INFO_MAX_AGE, on_io);
    else
        parked->answer(parked, answer);
}

void info_ask(struct parked *parked)
{
    const struct place *place = &parked->node->place;
    struct cemm_query query;
    parked->absence_passes = true;
    if (place->kind == PLACE_DEVICE_INFO) /* who has answered once need not do so again */
        park_find(parked, NULL, INT64_MAX, on_devices);
    else if (tree_query(place, &query))
        park_get(parked, &query, FS_INFO_MAX_AGE, on_meter);
    else
        park_reply_error(parked, EIO);
}
