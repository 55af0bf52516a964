/*
 * The state file of minutes given. Its first line names the format; each
 * further one is
 *
 *   TAKER <tab> UID <tab> ALIAS <tab> CHANNEL <tab> START+COUNT [START+COUNT …] [@NEWEST]
 *
 * where START is in Unix seconds, COUNT in minutes, NEWEST in Unix
 * milliseconds. Lines add up: so what has just been given is one more line
 * behind all others, which costs no more than that, and now and then the file
 * is written anew as a whole. A last line without its end was torn off by a
 * crash and does not count.
 *
 * Anything else that is not understood makes the file worthless: what it says
 * of the other series can't be trusted either. Then nothing was given.
 */
#include "common/base/buffer.h"
#include "common/base/file.h"
#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/model/minutes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER     "cemm minutes 1\n"
#define MINUTE_S   INT64_C(60)
#define DAY_MS     INT64_C(86400000)
#define FIELDS     5
#define STATE_MODE 0640
#define GROWN_MAX  (8u << 20) /* bytes added to the file before it is written anew */

/* ---- text ---------------------------------------------------------------------- */

struct writer {
    struct cemm_buffer buffer;
    int64_t horizon; /* minutes before it are not written */
};

static void write_given(struct cemm_buffer *buffer, char *key, int64_t horizon)
{
    const struct cemm_given *given = cemm_record_of(key, sizeof(*given));
    size_t before = buffer->length;
    bool any = false;

    cemm_buffer_format(buffer, "%s\t", key);
    for (uint32_t i = 0; i < given->count; i++) {
        const struct cemm_stretch *stretch = &given->stretches[i];
        int64_t from = stretch->from > horizon ? stretch->from : horizon;
        if (stretch->until <= horizon)
            continue;
        cemm_buffer_format(buffer, "%s%" PRId64 "+%" PRId64, any ? " " : "", from * MINUTE_S,
                           stretch->until - from);
        any = true;
    }
    if (given->newest > 0) /* however old: a meter may be silent for a year */
        cemm_buffer_format(buffer, "%s@%" PRId64, any ? " " : "", given->newest);
    else if (!any)
        buffer->length = before; /* nothing that is still of use */
    if (buffer->length > before)
        cemm_buffer_char(buffer, '\n');
}

static void visit(const void *node, VISIT order, void *data)
{
    struct writer *writer = data;

    if (order == postorder || order == leaf)
        write_given(&writer->buffer, *(char *const *)node, writer->horizon);
}

int cemm_minutes_text(const struct cemm_minutes *minutes, int64_t now, char **ret_text,
                      size_t *ret_length)
{
    struct writer writer = {
        .buffer = CEMM_BUFFER_INIT(CEMM_STATE_MAX),
        .horizon = (now / 1000 - CEMM_WINDOW_MAX - DAY_MS / 1000) / MINUTE_S,
    };

    cemm_buffer_text(&writer.buffer, HEADER);
    twalk_r(minutes->tree, visit, &writer);
    return cemm_buffer_steal(&writer.buffer, ret_text, ret_length);
}

void cemm_minutes_line(struct cemm_buffer *lines, const char *key, int64_t time, bool newest)
{
    int64_t seconds = time / 1000 / MINUTE_S * MINUTE_S;

    cemm_buffer_text(lines, key);
    cemm_buffer_text(lines, newest ? "\t@" : "\t");
    cemm_buffer_integer(lines, newest ? time : seconds);
    cemm_buffer_text(lines, newest ? "\n" : "+1\n");
}

/* ---- writing ------------------------------------------------------------------- */

/* So that the new name itself lasts. A file system that cannot do that is none of our business. */
static void sync_directory(const char *path)
{
    char *directory = strdup(path);
    char *slash = directory ? strrchr(directory, '/') : NULL;
    int fd;

    if (slash)
        slash[slash == directory] = '\0';
    fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(directory);
}

static int write_temporary(const char *path, const char *text, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, STATE_MODE);
    int r;

    if (fd < 0)
        return -errno;
    r = cemm_file_write(fd, text, length);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

static void say_unwritable(const char *path, int result, struct cemm_words *words)
{
    cemm_words_set(words, "state file %s can't be written: %s", path, strerror(-result));
}

int cemm_minutes_store(const char *path, const char *text, size_t length, struct cemm_words *words)
{
    char *temporary;
    int r;

    if (asprintf(&temporary, "%s.new", path) < 0)
        return -ENOMEM;
    r = write_temporary(temporary, text, length);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r == 0)
        sync_directory(path);
    else
        say_unwritable(path, r, words);
    if (r < 0)
        (void)unlink(temporary);
    free(temporary);
    return r;
}

int cemm_minutes_append(const char *path, const char *lines, size_t length)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    int r;

    if (fd < 0)
        return -errno;
    r = cemm_file_write(fd, lines, length);
    close(fd);
    return r;
}

/* ---- what is new --------------------------------------------------------------- */

/* Whatever finds no room is in the file when that is written anew. */
void cemm_minutes_tell(struct cemm_minutes *minutes, const struct cemm_given *given, int64_t time,
                       bool newest)
{
    if (minutes->behind)
        return;
    cemm_minutes_line(&minutes->lines, cemm_record_text(given, sizeof(*given)), time, newest);
    if (!minutes->lines.error)
        return;
    cemm_buffer_clear(&minutes->lines);
    minutes->behind = true;
}

int cemm_minutes_take(struct cemm_minutes *minutes, bool whole, int64_t now,
                      struct cemm_minutes_news *ret_news)
{
    bool any = minutes->behind || minutes->grown > 0 || minutes->lines.length > 0;
    struct cemm_minutes_news news = {
        .whole = minutes->behind || minutes->grown > GROWN_MAX || (whole && any),
    };
    int r = 0;

    if (news.whole)
        r = cemm_minutes_text(minutes, now, &news.text, &news.length);
    else if (minutes->lines.length > 0)
        r = cemm_buffer_steal(&minutes->lines, &news.text, &news.length);
    if (r == 0 && news.whole) { /* all of the lines stands in the text */
        cemm_buffer_clear(&minutes->lines);
        minutes->behind = false;
        minutes->grown = 0;
    }
    minutes->behind |= r < 0;
    *ret_news = r == 0 ? news : (struct cemm_minutes_news){0};
    return r;
}

int cemm_minutes_write(const struct cemm_minutes_news *news, const char *path,
                       struct cemm_words *words)
{
    if (!news->text)
        return 0;
    if (news->whole)
        return cemm_minutes_store(path, news->text, news->length, words);
    int r = cemm_minutes_append(path, news->text, news->length);
    if (r < 0)
        say_unwritable(path, r, words);
    return r;
}

void cemm_minutes_settle(struct cemm_minutes *minutes, struct cemm_minutes_news *news, int result)
{
    if (result == 0 && !news->whole)
        minutes->grown += news->length;
    if (result < 0) {
        cemm_buffer_clear(&minutes->lines);
        minutes->behind = true;
    }
    free(news->text);
    *news = (struct cemm_minutes_news){0};
}

/* ---- reading ------------------------------------------------------------------- */

/* A number and the character that ends it, which is passed; false if it is none. */
static bool read_number(char **text, const char *ends, char *ret_end, int64_t *ret_number)
{
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *ret_number = strtoll(*text, &end, 10);
    *ret_end = *end;
    if (errno || !strchr(ends, *end))
        return false;
    *text = *end ? end + 1 : end;
    return true;
}

static bool read_stretch(char **text, char *ret_end, struct cemm_stretch *ret_stretch)
{
    int64_t start;
    int64_t count;

    if (!read_number(text, "+", ret_end, &start) || !read_number(text, " ", ret_end, &count))
        return false;
    if (start % MINUTE_S || start < CEMM_TIME_MIN / 1000 || start > CEMM_TIME_MAX / 1000 ||
        count < 1 || count > CEMM_TIME_MAX / 1000 / MINUTE_S)
        return false;
    ret_stretch->from = (int32_t)(start / MINUTE_S);
    ret_stretch->until = (int32_t)(start / MINUTE_S + count);
    return true;
}

static int read_newest(char *text, struct cemm_given *given)
{
    int64_t newest;
    char end;

    if (!read_number(&text, "", &end, &newest) || newest < CEMM_TIME_MIN || newest > CEMM_TIME_MAX)
        return -EBADMSG;
    if (newest > given->newest)
        given->newest = newest;
    return 0;
}

static int read_stretches(char *text, struct cemm_given *given)
{
    struct cemm_stretch stretch;
    char end = ' ';
    int r = 0;

    while (end == ' ') {
        if (*text == '@')
            return read_newest(text + 1, given);
        if (!read_stretch(&text, &end, &stretch))
            return -EBADMSG;
        r = cemm_given_add(given, stretch);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_line(struct cemm_minutes *minutes, char *line)
{
    char *fields[FIELDS];
    struct cemm_uid uid;

    for (size_t i = 0; i < FIELDS; i++) {
        fields[i] = strsep(&line, "\t");
        if (!fields[i])
            return -EBADMSG;
    }
    if (line || !cemm_uid_parse(fields[1], &uid) || !cemm_name_valid(fields[2]) ||
        !cemm_name_valid(fields[3]) || !cemm_taker_valid(fields[0]))
        return -EBADMSG;
    struct cemm_minutes_key key = {fields[0], &uid, fields[2], fields[3]};
    struct cemm_given *given = cemm_minutes_entry(minutes, &key);
    return given ? read_stretches(fields[4], given) : -ENOMEM;
}

static int read_text(struct cemm_minutes *minutes, char *text, size_t length)
{
    size_t header = strlen(HEADER);
    char *end;
    int r = 0;

    if (length < header || memcmp(text, HEADER, header) != 0 || memchr(text, '\0', length))
        return -EBADMSG;
    for (char *line = text + header; r == 0 && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        r = read_line(minutes, line);
    }
    return r;
}

int cemm_minutes_load(struct cemm_minutes *minutes, const char *path, struct cemm_words *words)
{
    char *text = NULL;
    struct stat about;
    int r = cemm_file_read(path, CEMM_STATE_MAX, &text, &about);

    cemm_minutes_clear(minutes);
    if (r == 0)
        r = read_text(minutes, text, (size_t)about.st_size);
    free(text);
    if (r == 0)
        return 0;
    if (r == -EFBIG)
        r = -EBADMSG;
    cemm_minutes_clear(minutes);
    if (r == -ENOENT) {
        cemm_words_set(words, "there is no state file %s yet: nothing counts as given", path);
        return CEMM_ABSENT;
    }
    cemm_words_set(words, "state file %s: %s: nothing counts as given", path,
                   r == -EBADMSG ? "is damaged, or not of this version" : strerror(-r));
    return r;
}
