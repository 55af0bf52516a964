/*
 * Missed minutes of electric_power and flow are fetched when the meter answers
 * again, and written before that answer.
 *
 * A gap ends at the sample of the answer, because the samples of later answers
 * are newer. Answers wait, in order, until the minutes missing before them have
 * been written or could not be fetched.
 *
 * The state file records what was written. It is updated after the output, so a
 * program that is killed in between repeats samples instead of losing them. To
 * limit how many are repeated, only a few minutes are written at a time.
 */
#include "plugin/exec/missed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_MODE 0640
#define MINUTE_MS 60000
#define PIECE     16 /* minutes that are written together */

/* ---- what was written ------------------------------------------------------------- */

static struct cemm_ledger_entry *entry_of(struct missed *missed,
                                          const struct cemm_document *document,
                                          const struct cemm_series *series)
{
    const struct cemm_query *query = cemm_document_query(document);
    return cemm_ledger_entry(missed->ledger, &query->uid, query->alias, series->channel);
}

int missed_save(struct missed *missed, const struct cemm_document *document, bool old)
{
    struct cemm_message message = {""};
    size_t count;
    const struct cemm_series *series = cemm_document_series(document, &count);
    for (size_t i = 0; i < count; i++) {
        struct cemm_ledger_entry *entry = entry_of(missed, document, &series[i]);
        int r = entry ? 0 : -ENOMEM;
        for (size_t j = 0; j < series[i].count && r >= 0; j++)
            r = cemm_ledger_mark(entry, old ? "" : NULL, series[i].samples[j].time);
        if (r < 0)
            return -ENOMEM;
    }
    int r = cemm_ledger_save(missed->ledger, false, &message);
    if (r != 0)
        message_print(r < 0 ? CEMM_LOG_WARNING : CEMM_LOG_INFO, "%s", message.text);
    return 0;
}

/* ---- answers that wait ------------------------------------------------------------ */

/* Asks for the minutes that are missing before the answer. True: they are being fetched. Backfill
 * fetches only minutes that ended at least a minute before a limit. Here, the limit is the end of
 * the sample's minute, so all missing minutes before that minute are fetched. */
static bool fetch_missing(struct missed *missed, struct missed_meter *meter,
                          const struct cemm_document *answer)
{
    size_t count;
    const struct cemm_series *series = cemm_document_series(answer, &count);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        struct cemm_ledger_entry *entry = entry_of(missed, answer, &series[i]);
        if (!entry || series[i].count == 0)
            continue;
        int64_t newest = series[i].samples[series[i].count - 1].time;
        any |= cemm_backfill_live(missed->backfill, entry, (newest / MINUTE_MS + 1) * MINUTE_MS,
                                  meter);
    }
    return any;
}

static void write_held(struct missed *missed, struct missed_meter *meter)
{
    struct cemm_document *document = meter->held[0];
    meter->held_count--;
    missed->waiting--;
    memmove(meter->held, meter->held + 1, meter->held_count * sizeof(struct cemm_document *));
    missed->write(missed->data, document, false);
    cemm_document_unref(document);
}

/* Writes waiting answers, and stops at an answer before which minutes are missing. */
static void release(struct missed *missed, struct missed_meter *meter)
{
    while (meter->held_count > 0 && !fetch_missing(missed, meter, meter->held[0]))
        write_held(missed, meter);
}

static void take_end(void *data, struct cemm_backfill_job *job)
{
    release(data, job->user);
}

static int take_rows(void *data, struct cemm_backfill_job *job, struct cemm_document *rows)
{
    const struct missed *missed = data;
    (void)job;
    missed->write(missed->data, rows, true);
    return 0;
}

void missed_take(struct missed *missed, struct missed_meter *meter, struct cemm_document *document)
{
    if (meter->held_count == HELD_MAX)
        write_held(missed, meter); /* the minutes missing before it will be written later */
    meter->held[meter->held_count++] = cemm_document_ref(document);
    missed->waiting++;
    if (meter->held_count == 1)
        release(missed, meter);
}

void missed_drop(struct missed_meter *meter)
{
    while (meter->held_count > 0)
        cemm_document_unref(meter->held[--meter->held_count]);
}

/* ---- the state file --------------------------------------------------------------- */

int missed_open(struct missed *ret_missed, const char *path, struct cemm *cemm,
                struct cemm_ledger *ledger, missed_write_fn *write, void *data)
{
    static const struct cemm_backfill_rules rules = {
        .rows_max = PIECE,
        .send = take_rows,
        .done = take_end,
    };
    struct cemm_message message = {""};
    *ret_missed = (struct missed){.ledger = ledger, .write = write, .data = data};
    ret_missed->backfill = cemm_backfill_new(cemm, ledger, &rules, ret_missed);
    int r = ret_missed->backfill ? cemm_ledger_load(ledger, path, &message) : -ENOMEM;
    if (r == -ENOMEM)
        return r; /* going on would lose the content of the file */
    if (r < 0)
        message_print(CEMM_LOG_WARNING, "%s", message.text);
    return 0;
}

bool missed_lock(const char *path)
{
    static const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    char *target = cemm_link_target(path);
    char *name;
    if (!target || asprintf(&name, "%s.lock", target) < 0)
        name = NULL;
    int fd = name ? open(name, flags, LOCK_MODE) : -1;
    int r = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 ? errno : 0;
    if (r == EWOULDBLOCK)
        message_print(CEMM_LOG_ERROR,
                      "%.200s is used by another process; each stream needs a file of its own",
                      path);
    else if (r != 0)
        message_print(r == EACCES ? CEMM_LOG_ERROR : CEMM_LOG_WARNING, "%.200s: %s",
                      name ? name : path, strerror(r));
    free(name);
    free(target);
    return r != EWOULDBLOCK && r != EACCES; /* EACCES: another process may hold the lock */
}
