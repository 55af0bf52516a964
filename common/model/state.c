/*
 * The state file: what was sent. Its first line names the format; each further line is
 *
 *   SINK <tab> UID <tab> ALIAS <tab> CHANNEL <tab> [START+COUNT …] [@NEWEST] [/CADENCE]
 *
 * where START is in Unix seconds, COUNT in minutes, NEWEST (the newest sample sent) in Unix
 * milliseconds, CADENCE in seconds, and at least one of the three parts is there. SINK is where the
 * minutes were sent. It is empty for the output of stream, and on lines without minutes. From time
 * to time the whole file is rewritten and synced, with the last line "end"; what is sent later is
 * appended as more lines.
 *
 * If "end" is missing, or the last line is not complete, the file was truncated: its lines are
 * used, and what it lacks may be sent again. After any other damage, all may be sent again. Both
 * cases are logged, and the file is kept beside the new one.
 */
#include "common/base/file.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/model/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER     "cemm minutes 2\n"
#define END        "end"
#define MINUTE_S   INT64_C(60)
#define FIELDS     5
#define STATE_MODE 0640
#define GROWN_MAX  (8u << 20) /* bytes appended before the file is rewritten */
#define WHOLE_MS   300000     /* ms between two rewrites, and between retries after a failed save */

/* ---- text ---------------------------------------------------------------------- */

/* Writes a line with the minutes from `horizon` on, if there are any. */
static void write_minutes(struct cemm_buffer *buffer, const struct cemm_ledger_entry *entry,
                          const struct cemm_sent *sent, int32_t horizon)
{
    bool begun = false;

    for (uint32_t i = 0; i < sent->minutes.count; i++) {
        struct cemm_stretch stretch = sent->minutes.stretches[i];
        if (stretch.until <= horizon)
            continue;
        int32_t from = stretch.from > horizon ? stretch.from : horizon;
        if (begun)
            cemm_buffer_format(buffer, " %" PRId64, from * MINUTE_S);
        else
            cemm_ledger_line(buffer, entry, sent->sink->name, "", from * MINUTE_S, "");
        cemm_buffer_format(buffer, "+%d", stretch.until - from);
        begun = true;
    }
    if (begun)
        cemm_buffer_text(buffer, "\n");
}

static void write_entry(struct cemm_buffer *buffer, const struct cemm_ledger_entry *entry,
                        int32_t horizon)
{
    unsigned cadence = cemm_cadence_seconds(&entry->cadence);

    if (entry->newest_sent > 0) /* however old it is: a meter may be silent for a year */
        cemm_ledger_line(buffer, entry, "", "@", entry->newest_sent, cadence > 0 ? " /" : "\n");
    if (entry->newest_sent > 0 && cadence > 0) /* on the same line: there may be a million series */
        cemm_buffer_format(buffer, "%u\n", cadence);
    for (const struct cemm_sent *sent = entry->sent_to; sent; sent = sent->next)
        write_minutes(buffer, entry, sent, horizon);
}

int cemm_state_text(const struct cemm_ledger *ledger, int64_t now, char **ret_text,
                    size_t *ret_length)
{
    struct cemm_buffer buffer = CEMM_BUFFER_INIT(CEMM_STATE_MAX);
    int32_t horizon = (int32_t)((now / 1000 - CEMM_WINDOW_MAX) / MINUTE_S);
    const struct cemm_ledger_meter *meter;

    cemm_buffer_text(&buffer, HEADER);
    STAILQ_FOREACH (meter, &ledger->meters, link)
        for (const struct cemm_ledger_entry *entry = meter->entries; entry; entry = entry->next)
            write_entry(&buffer, entry, horizon);
    cemm_buffer_text(&buffer, END "\n");
    int r = cemm_buffer_steal(&buffer, ret_text, ret_length);
    return r == -E2BIG ? -EFBIG : r;
}

/* ---- writing ------------------------------------------------------------------- */

/* If `path` is a link, replaces its target. The file that is replaced must be a regular file.
 * Anything with the temporary name (a link, a FIFO, a file left by a crash) is removed. */
static int replace(const char *path, const char *text, size_t length)
{
    char *target = cemm_link_target(path);
    char *temporary;
    struct stat st;
    int r = -ENOMEM;

    if (!target)
        return -errno;
    if (stat(target, &st) == 0 && !S_ISREG(st.st_mode)) {
        r = -EINVAL;
    } else if (asprintf(&temporary, "%s.new", target) >= 0) {
        (void)unlink(temporary);
        r = cemm_file_replace(target, temporary, STATE_MODE, text, length, true);
        free(temporary);
    }
    free(target);
    return r;
}

static int append(const char *path, const char *lines, size_t length)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (fd < 0)
        return -errno;
    int r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (r == 0)
        r = cemm_file_write(fd, lines, length);
    close(fd);
    return r;
}

/* Writes the whole file or appends what is new. The lock is not held during the write, so that no
 * other thread waits for the disk. */
static int save(struct cemm_ledger *ledger, bool whole, struct cemm_message *message)
{
    char *text = NULL;
    size_t length;
    int r = 0;

    pthread_mutex_lock(&ledger->lock);
    whole = ledger->rewrite || ledger->grown > GROWN_MAX ||
            (whole && (ledger->grown > 0 || ledger->lines.length > 0));
    if (ledger->any_sent && whole) {
        r = cemm_state_text(ledger, cemm_clock_wall(), &text, &length);
        cemm_buffer_clear(&ledger->lines); /* the text contains all of them */
        ledger->grown = 0;
        ledger->rewrite = false;
        ledger->write_tried = cemm_clock_steady();
    } else if (ledger->any_sent && ledger->lines.length > 0) {
        ledger->grown += ledger->lines.length;
        r = cemm_buffer_steal(&ledger->lines, &text, &length);
    }
    pthread_mutex_unlock(&ledger->lock);
    if (text)
        r = (whole ? replace : append)(ledger->path, text, length);
    free(text);
    if (r == 0)
        return 0;
    pthread_mutex_lock(&ledger->lock);
    ledger->rewrite = true;
    pthread_mutex_unlock(&ledger->lock);
    return cemm_message_fail(message, r, "state file %s can't be written: %s", ledger->path,
                             strerror(-r));
}

int cemm_ledger_save(struct cemm_ledger *ledger, bool whole, struct cemm_message *message)
{
    bool due = cemm_clock_steady() - ledger->write_tried >= WHOLE_MS;
    bool failed = ledger->failing;

    if (failed && !whole && !due)
        return 0;
    int r = save(ledger, whole || due, message);
    if (r < 0 && !failed)
        r = save(ledger, true, message); /* the file may be gone, or end with half a line */
    ledger->failing = r < 0;
    if (r == 0 && failed)
        cemm_message_set(message, "state file %s can be written again", ledger->path);
    return ledger->failing != failed ? (r < 0 ? r : 1) : 0;
}

/* ---- reading ------------------------------------------------------------------- */

/* Reads a number and the character `end` after it. Returns false if one is missing, or the number
 * is out of range. */
static bool read_number(char **text, char end, int64_t min, int64_t max, int64_t *ret_number)
{
    bool digit = **text >= '0' && **text <= '9'; /* strtoll() also accepts blanks and signs */

    *ret_number = strtoll(*text, text, 10);
    return digit && *(*text)++ == end && *ret_number >= min && *ret_number <= max;
}

/* What was sent before this run is not accepted again. */
static int read_newest(char *text, struct cemm_ledger_entry *entry)
{
    int64_t newest;

    if (!read_number(&text, '\0', CEMM_TIME_MIN, CEMM_TIME_MAX, &newest))
        return -EBADMSG;
    if (newest > entry->newest_sent)
        entry->accepted = entry->newest_sent = newest;
    return 0;
}

/* The saved cadence counts as one gap between samples, until enough newer gaps are known. */
static int read_cadence(char *text, struct cemm_ledger_entry *entry)
{
    int64_t seconds;

    if (!read_number(&text, '\0', 1, CEMM_CADENCE_MAX, &seconds))
        return -EBADMSG;
    entry->cadence = (struct cemm_cadence){0};
    if (entry->paced)
        cemm_cadence_learn(&entry->cadence, seconds * 1000);
    return 0;
}

static int read_minutes(char *text, struct cemm_ledger_entry *entry, const char *sink)
{
    int64_t start, count;

    if (!read_number(&text, '+', CEMM_TIME_MIN / 1000, CEMM_TIME_MAX / 1000, &start) ||
        start % MINUTE_S || !read_number(&text, '\0', 1, CEMM_TIME_MAX / 1000 / MINUTE_S, &count))
        return -EBADMSG;
    struct cemm_sent *sent = cemm_ledger_sent_to(entry, sink);
    if (!sent)
        return entry->meter->ledger->sink_count == CEMM_SINKS_MAX ? -EBADMSG : -ENOMEM;
    int32_t from = (int32_t)(start / MINUTE_S);
    return cemm_minutes_add(&sent->minutes, (struct cemm_stretch){from, from + (int32_t)count});
}

static int read_parts(char *text, struct cemm_ledger_entry *entry, const char *sink)
{
    char *part;
    int r = 0;

    while (r >= 0 && (part = strsep(&text, " "))) {
        if (*part == '@')
            r = read_newest(part + 1, entry);
        else if (*part == '/' && !text) /* the cadence is the last part */
            r = read_cadence(part + 1, entry);
        else
            r = read_minutes(part, entry, sink);
    }
    return r < 0 ? r : 0;
}

static int read_line(struct cemm_ledger *ledger, char *line)
{
    char *fields[FIELDS];
    struct cemm_uid uid;

    for (size_t i = 0; i < FIELDS; i++) {
        fields[i] = strsep(&line, "\t");
        if (!fields[i])
            return -EBADMSG;
    }
    if (line || !cemm_uid_parse(fields[1], &uid) || !cemm_name_valid(fields[2]) ||
        !cemm_name_valid(fields[3]) || !cemm_sink_valid(fields[0]))
        return -EBADMSG;
    struct cemm_ledger_entry *entry = cemm_ledger_entry(ledger, &uid, fields[2], fields[3]);
    return entry ? read_parts(fields[4], entry, fields[0]) : -ENOMEM;
}

/* Returns 1 if the file was truncated, else 0 or a negative errno. */
static int read_text(struct cemm_ledger *ledger, char *text, size_t length)
{
    size_t header = strlen(HEADER);
    bool ended = false; /* the line "end" was read */
    char *line = text + header;
    char *end;
    int r = 0;

    if (strncmp(text, HEADER, header) != 0 || strlen(text) != length)
        return -EBADMSG;
    for (; r == 0 && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (ended || strcmp(line, END) != 0)
            r = read_line(ledger, line);
        else
            ended = true;
    }
    return r == 0 && (!ended || *line) ? 1 : r;
}

/* Keeps a damaged or truncated file under another name. Uses a hard link if possible, so that the
 * file also keeps its own name until the next save replaces it. */
static int keep_damaged(const char *path, const char *why, struct cemm_message *message)
{
    char *target = cemm_link_target(path);
    char *aside = NULL;

    if (!target || asprintf(&aside, "%s.damaged", target) < 0)
        aside = NULL;
    if (aside)
        (void)unlink(aside);
    if (aside && (link(target, aside) == 0 || rename(target, aside) == 0))
        cemm_message_set(message, "state file %s %s; the file is kept as %s", path, why, aside);
    else
        cemm_message_set(message, "state file %s %s; it can't be kept: %s", path, why,
                         strerror(aside ? errno : ENOMEM));
    free(aside);
    free(target);
    return -EBADMSG;
}

int cemm_ledger_load(struct cemm_ledger *ledger, const char *path, struct cemm_message *message)
{
    char *text = NULL;
    struct stat st;
    int r = cemm_file_read(path, CEMM_STATE_MAX, &text, &st);

    ledger->path = path;
    cemm_ledger_clear(ledger);
    if (r == 0)
        r = read_text(ledger, text, (size_t)st.st_size);
    free(text);
    if (r == 0)
        return 0;
    if (r > 0)
        return keep_damaged(path, "is truncated: what it lacks may be sent again", message);
    cemm_ledger_clear(ledger);
    if (r == -EBADMSG || r == -EFBIG)
        return keep_damaged(path, "is damaged or has another version: all values may be sent again",
                            message);
    if (r == -ENOENT)
        return cemm_message_fail(
            message, CEMM_ABSENT,
            "there is no state file %s yet: it is assumed that nothing was sent before", path);
    if (r == -EINVAL)
        return cemm_message_fail(message, r,
                                 "state file %s is not a regular file: nothing is saved", path);
    return cemm_message_fail(message, r, "state file %s: %s: all values may be sent again", path,
                             strerror(-r));
}
