/*
 * The state file: what was sent. Its first line names the format; each
 * further one is
 *
 *   SINK <tab> UID <tab> ALIAS <tab> CHANNEL <tab> [START+COUNT …] [@NEWEST] [/CADENCE]
 *
 * where START is in Unix seconds, COUNT in minutes, NEWEST in Unix
 * milliseconds, CADENCE in seconds, and at least one of them is there. NEWEST
 * and CADENCE are those of the series, whatever SINK is. Lines add up: minutes
 * that have just been sent are appended as a line, and from time to time the
 * whole file is rewritten and synced. The line "end" marks where that rewrite
 * ended.
 *
 * Without "end", or with a last line that is not complete, the file was
 * truncated: its lines are used, and what it lacks may be sent again. After any
 * other error nothing counts as sent. Both are logged, and the file is kept
 * beside the new one.
 */
#include "common/base/file.h"
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/model/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER     "cemm minutes 2\n"
#define END        "end"
#define MINUTE_S   INT64_C(60)
#define DAY_MS     INT64_C(86400000)
#define FIELDS     5
#define STATE_MODE 0640
#define GROWN_MAX  (8u << 20) /* bytes appended before the file is rewritten */
#define WHOLE_MS   300000     /* between two rewrites, and between retries after a failed save */

/* ---- text ---------------------------------------------------------------------- */

struct writer {
    struct cemm_buffer buffer;
    int32_t horizon; /* minutes before it are not written */
};

/* Writes a line: what was sent to a sink and, if `about`, what is known of the series. Writes
 * nothing if both are empty. */
static void write_line(struct writer *writer, const struct cemm_ledger_entry *entry,
                       const char *sink, const struct cemm_minutes *minutes, bool about)
{
    int64_t newest = about ? entry->sent : 0;
    unsigned cadence = about ? cemm_cadence_seconds(&entry->cadence) : 0;
    struct cemm_buffer *buffer = &writer->buffer;
    size_t before = buffer->length;

    cemm_ledger_line(buffer, entry, sink);
    for (uint32_t i = 0; minutes && i < minutes->count; i++) {
        struct cemm_stretch stretch = minutes->stretches[i];
        if (stretch.from < writer->horizon)
            stretch.from = writer->horizon;
        if (stretch.from < stretch.until)
            cemm_buffer_format(buffer, "%" PRId64 "+%d ", stretch.from * MINUTE_S,
                               stretch.until - stretch.from);
    }
    if (newest > 0) /* at any age: a meter may be silent for a year */
        cemm_buffer_format(buffer, "@%" PRId64 " ", newest);
    if (cadence > 0)
        cemm_buffer_format(buffer, "/%u ", cadence);
    if (buffer->error)
        return;
    if (buffer->data[buffer->length - 1] == ' ')
        buffer->data[buffer->length - 1] = '\n';
    else
        buffer->length = before;
}

static void write_entry(struct writer *writer, const struct cemm_ledger_entry *entry)
{
    const struct cemm_sent *sent = entry->sinks;
    bool unnamed = sent && !sent->sink->name[0]; /* "" sorts first */

    write_line(writer, entry, "", unnamed ? &sent->minutes : NULL, true);
    for (sent = unnamed ? sent->next : sent; sent; sent = sent->next)
        write_line(writer, entry, sent->sink->name, &sent->minutes, false);
}

/* twalk() passes no user data, and only glibc has twalk_r(). */
static _Thread_local struct writer *walking;

static void visit_meter(const void *node, VISIT order, int depth)
{
    const struct cemm_ledger_meter *meter = *(struct cemm_ledger_meter *const *)node;

    (void)depth;
    if (order != postorder && order != leaf)
        return;
    for (const struct cemm_ledger_entry *entry = meter->entries; entry; entry = entry->next)
        write_entry(walking, entry);
}

int cemm_state_text(const struct cemm_ledger *ledger, int64_t now, char **ret_text,
                    size_t *ret_length)
{
    struct writer writer = {
        .buffer = CEMM_BUFFER_INIT(CEMM_STATE_MAX),
        .horizon = (int32_t)((now / 1000 - CEMM_WINDOW_MAX - DAY_MS / 1000) / MINUTE_S),
    };

    cemm_buffer_text(&writer.buffer, HEADER);
    walking = &writer;
    twalk(ledger->meters, visit_meter);
    walking = NULL;
    cemm_buffer_text(&writer.buffer, END "\n");
    return cemm_buffer_steal(&writer.buffer, ret_text, ret_length);
}

/* ---- writing ------------------------------------------------------------------- */

/* A link stays, and its target is replaced, if that is a regular file. Anything with the temporary
 * name (a link, a FIFO, a leftover of a crash) is removed. */
static int replace(const char *path, const char *text, size_t length)
{
    char *target = cemm_link_target(path);
    char *temporary = NULL;
    struct stat st;
    int r;

    if (!target)
        return -errno;
    if (stat(target, &st) == 0 && !S_ISREG(st.st_mode)) {
        r = -EINVAL;
    } else if (asprintf(&temporary, "%s.new", target) < 0) {
        temporary = NULL;
        r = -ENOMEM;
    } else if (unlink(temporary) < 0 && errno != ENOENT) {
        r = -errno;
    } else {
        r = cemm_file_replace(target, temporary, STATE_MODE, text, length, true);
    }
    free(temporary);
    free(target);
    return r;
}

static int append(const char *path, const char *lines, size_t length)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    int r;

    if (fd < 0)
        return -errno;
    r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;
    if (r == 0)
        r = cemm_file_write(fd, lines, length);
    close(fd);
    return r;
}

/* ---- what is new --------------------------------------------------------------- */

/* What is to be written; NULL: nothing is new. *whole: whether the whole file is wanted; it is set
 * to whether the text is the whole file or lines to append. The lock is held only here, so that
 * nobody waits for the disk. */
static int take_news(struct cemm_ledger *ledger, bool *whole, char **ret_text, size_t *ret_length)
{
    bool any = ledger->rewrite || ledger->grown > 0 || ledger->lines.length > 0;
    int r = 0;

    *ret_text = NULL;
    *whole = ledger->sent && (ledger->rewrite || ledger->grown > GROWN_MAX || (*whole && any));
    if (*whole) {
        r = cemm_state_text(ledger, cemm_clock_wall(), ret_text, ret_length);
        cemm_buffer_clear(&ledger->lines); /* the text contains all of them */
        ledger->grown = 0;
        ledger->rewrite = false;
    } else if (ledger->sent && ledger->lines.length > 0) {
        ledger->grown += ledger->lines.length;
        r = cemm_buffer_steal(&ledger->lines, ret_text, ret_length);
    }
    ledger->rewrite |= r < 0;
    return r;
}

static int save(struct cemm_ledger *ledger, bool whole, struct cemm_message *message)
{
    char *text;
    size_t length;

    pthread_mutex_lock(&ledger->lock);
    int r = take_news(ledger, &whole, &text, &length);
    pthread_mutex_unlock(&ledger->lock);
    if (r < 0)
        return cemm_message_fail(message, r, "no memory to write the state file %s", ledger->path);
    if (!text)
        return 0;
    if (whole)
        ledger->written = cemm_clock_steady();
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
    bool due = cemm_clock_steady() - ledger->written >= WHOLE_MS;
    bool failed = ledger->failing;

    if (failed && !whole && !due)
        return 0;
    int r = save(ledger, whole || due, message);
    if (r < 0 && !failed)
        r = save(ledger, true, message); /* the file was removed, or ends with half a line */
    ledger->failing = r < 0;
    if (r == 0 && failed)
        cemm_message_set(message, "state file %s can be written again", ledger->path);
    return ledger->failing != failed ? (r < 0 ? r : 1) : 0;
}

/* ---- reading ------------------------------------------------------------------- */

/* Reads a number and the character that ends it; false if there is no such number. */
static bool read_number(char **text, char end, int64_t *ret_number)
{
    char *rest;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *ret_number = strtoll(*text, &rest, 10);
    if (errno || *rest != end)
        return false;
    *text = rest + 1;
    return true;
}

/* What was sent before this run is not accepted again. */
static int read_newest(char *text, struct cemm_ledger_entry *entry)
{
    int64_t newest;

    if (!read_number(&text, '\0', &newest) || newest < CEMM_TIME_MIN || newest > CEMM_TIME_MAX)
        return -EBADMSG;
    if (newest > entry->sent)
        entry->accepted = entry->sent = newest;
    return 0;
}

static int read_cadence(char *text, struct cemm_ledger_entry *entry)
{
    int64_t seconds;

    if (!read_number(&text, '\0', &seconds) || seconds < 1 || seconds > CEMM_CADENCE_MAX)
        return -EBADMSG;
    if (entry->paced)
        cemm_cadence_recall(&entry->cadence, seconds);
    return 0;
}

/* Minutes that were sent to a sink. */
static int read_minutes(char *text, struct cemm_ledger_entry *entry, const char *sink)
{
    int64_t start, count;

    if (!read_number(&text, '+', &start) || !read_number(&text, '\0', &count) || start % MINUTE_S ||
        start < CEMM_TIME_MIN / 1000 || start > CEMM_TIME_MAX / 1000 || count < 1 ||
        count > CEMM_TIME_MAX / 1000 / MINUTE_S)
        return -EBADMSG;
    struct cemm_sent *sent = cemm_ledger_sent_to(entry, sink);
    if (!sent)
        return entry->meter->ledger->sink_count == CEMM_SINKS_MAX ? -EBADMSG : -ENOMEM;
    int32_t from = (int32_t)(start / MINUTE_S);
    return cemm_minutes_add(&sent->minutes, (struct cemm_stretch){from, from + (int32_t)count});
}

static int read_known(char *text, struct cemm_ledger_entry *entry, const char *sink)
{
    char *part;
    int r = 0;

    while (r >= 0 && (part = strsep(&text, " "))) {
        if (*part == '@')
            r = read_newest(part + 1, entry);
        else if (*part == '/' && !text) /* the cadence comes last */
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
    return entry ? read_known(fields[4], entry, fields[0]) : -ENOMEM;
}

/* Returns 1 if the file was truncated, else 0 or a negative errno. */
static int read_text(struct cemm_ledger *ledger, char *text, size_t length)
{
    size_t header = strlen(HEADER);
    bool whole = false;
    char *line = text + header;
    char *end;
    int r = 0;

    if (length < header || memcmp(text, HEADER, header) != 0 || memchr(text, '\0', length))
        return -EBADMSG;
    for (; r == 0 && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (whole || strcmp(line, END) != 0)
            r = read_line(ledger, line);
        else
            whole = true;
    }
    return r == 0 && (!whole || *line) ? 1 : r;
}

/* `path` is not a symbolic link. Uses a hard link if possible, so that the file stays until it is
 * replaced. */
static int keep_as(const char *path, const char *aside)
{
    if (unlink(aside) < 0 && errno != ENOENT)
        return -errno;
    return link(path, aside) == 0 || rename(path, aside) == 0 ? 0 : -errno;
}

/* Keeps a copy of a file that can't be read completely; the next save rewrites it. */
static void put_aside(struct cemm_ledger *ledger, const char *path, struct cemm_message *message)
{
    struct cemm_message why = *message;
    char *target = cemm_link_target(path);
    char *aside = NULL;

    ledger->rewrite = true;
    if (!target || asprintf(&aside, "%s.damaged", target) < 0)
        aside = NULL;
    int r = aside ? keep_as(target, aside) : -ENOMEM;
    if (r == 0)
        cemm_message_set(message, "%s; it is kept as %s", why.text, aside);
    else
        cemm_message_set(message, "%s; it can't be kept: %s", why.text, strerror(-r));
    free(aside);
    free(target);
}

static int load_failed(const char *path, int r, struct cemm_message *message)
{
    if (r == -EINVAL)
        return cemm_message_fail(message, r,
                                 "state file %s is not a regular file: nothing is saved", path);
    if (r == -ENOENT)
        return cemm_message_fail(message, CEMM_ABSENT,
                                 "there is no state file %s yet: nothing counts as sent", path);
    if (r == -EBADMSG)
        return cemm_message_fail(
            message, r, "state file %s is damaged or has another version: nothing counts as sent",
            path);
    return cemm_message_fail(message, r, "state file %s: %s: nothing counts as sent", path,
                             strerror(-r));
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
    if (r > 0) {
        cemm_message_set(message, "state file %s is truncated: what it lacks may be sent again",
                         path);
        put_aside(ledger, path, message);
        return -EBADMSG;
    }
    if (r == -EFBIG)
        r = -EBADMSG;
    cemm_ledger_clear(ledger);
    int result = load_failed(path, r, message);
    if (result == -EBADMSG)
        put_aside(ledger, path, message);
    return result;
}
