#include "common/archive/archive.h"

#include "common/base/file.h"
#include "common/base/limits.h"
#include "common/base/message.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE      4096
#define ABANDONED_S    60 /* seconds; the writer of an unfinished file this old must be gone */
#define DIRECTORY_MODE 0750
#define FILE_MODE      0640

/* ---- paths --------------------------------------------------------------------- */

/* Formats a path. Returns 0 or -ENAMETOOLONG, as path_of() does. */
__attribute__((format(printf, 2, 3))) static int format_path(char ret_path[PATH_SIZE],
                                                             const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(ret_path, PATH_SIZE, format, arguments);
    va_end(arguments);
    return length >= 0 && length < PATH_SIZE ? 0 : -ENAMETOOLONG;
}

static int path_of(char ret_path[PATH_SIZE], const char *archive, enum cemm_archive_kind kind,
                   const struct cemm_query *query)
{
    static const char *const spans[] = {
        [CEMM_DAY] = "data/day", [CEMM_MONTH] = "data/month", [CEMM_YEAR] = "data/year"};
    static const int lengths[] = {[CEMM_DAY] = 8, [CEMM_MONTH] = 5, [CEMM_YEAR] = 0};
    char folder[32]; /* "2024/03/", of which the first lengths[span] characters are used */
    char name[16];

    if (kind == CEMM_ARCHIVE_ZONE)
        return format_path(ret_path, "%s/.zone", archive);
    if (kind == CEMM_ARCHIVE_FIRST)
        return format_path(ret_path, "%s/%s/%s/.first", archive, query->uid.text, query->alias);
    const struct cemm_period *period = &query->period;
    (void)snprintf(folder, sizeof(folder), "%04d/%02d/", period->year, period->month);
    cemm_period_format(period, name, sizeof(name));
    return format_path(ret_path, "%s/%s%s/%s/%s/%.*s%s%s", archive,
                       kind == CEMM_ARCHIVE_EMPTY ? ".empty/" : "", query->uid.text, query->alias,
                       query->endpoint == CEMM_TOTALS ? "totals" : spans[period->span],
                       lengths[period->span], folder, name,
                       kind == CEMM_ARCHIVE_ANSWER ? ".json" : "");
}

/* ---- reading -------------------------------------------------------------------- */

int cemm_archive_read(const char *archive, enum cemm_archive_kind kind,
                      const struct cemm_query *query, char **ret_bytes, size_t *ret_length,
                      int64_t *ret_fetched)
{
    static const size_t limits[] = {[CEMM_ARCHIVE_ANSWER] = CEMM_ANSWER_MAX,
                                    [CEMM_ARCHIVE_EMPTY] = CEMM_EMPTY_MAX,
                                    [CEMM_ARCHIVE_FIRST] = CEMM_NOTE_MAX,
                                    [CEMM_ARCHIVE_ZONE] = CEMM_NOTE_MAX};
    char path[PATH_SIZE];
    struct stat st;
    int r = path_of(path, archive, kind, query);

    if (r == 0)
        r = cemm_file_read(path, limits[kind], ret_bytes, &st);
    if (r < 0)
        return r;
    if (ret_length)
        *ret_length = (size_t)st.st_size;
    if (ret_fetched)
        *ret_fetched = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return 0;
}

/* If the directory can't be read, the file counts as existing: it may be there. */
static bool is_there(const char *path)
{
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool cemm_archive_has(const char *archive, const struct cemm_query *query)
{
    char path[PATH_SIZE];

    return path_of(path, archive, CEMM_ARCHIVE_ANSWER, query) == 0 && is_there(path);
}

bool cemm_archive_has_totals(const char *archive, const struct cemm_uid *uid, const char *alias)
{
    char path[PATH_SIZE];

    return format_path(path, "%s/%s/%s/totals", archive, uid->text, alias) == 0 && is_there(path);
}

/* ---- writing -------------------------------------------------------------------- */

/* Makes the directories that `path` names, up to its last slash. */
static int make_directories(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int r = mkdir(path, DIRECTORY_MODE) < 0 && errno != EEXIST ? -errno : 0;
        *slash = '/';
        if (r < 0)
            return r;
    }
    return 0;
}

/* Removes a half-written file whose writer is gone. Returns -EBUSY if the writer may still be at
 * work. A time far in the future counts as old, because the clock must have been wrong. */
static int remove_abandoned(const char *path)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISREG(st.st_mode) && llabs(time(NULL) - st.st_mtim.tv_sec) < ABANDONED_S)
        return -EBUSY;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Does nothing if another program is writing the same file now. The temporary file always has the
 * same name, so the next write finds and removes a file that a killed program has left. */
int cemm_archive_write(const char *archive, enum cemm_archive_kind kind,
                       const struct cemm_query *query, const char *bytes, size_t length)
{
    char path[PATH_SIZE];
    char temporary[PATH_SIZE];
    int r = path_of(path, archive, kind, query);

    if (r < 0)
        return r;
    const char *name = strrchr(path, '/') + 1;
    r = format_path(temporary, "%.*s.%s.new", (int)(name - path), path, name);
    for (int tries = 0; r == 0 && tries < 3; tries++) {
        r = cemm_file_replace(path, temporary, FILE_MODE, bytes, length, false);
        if (r != -EEXIST && r != -ENOENT)
            return r;
        r = r == -EEXIST ? remove_abandoned(temporary) : make_directories(temporary);
    }
    return r == -EBUSY ? 0 : r;
}

int cemm_archive_put_aside(const char *archive, const struct cemm_query *query,
                           struct cemm_message *ret_name)
{
    char path[PATH_SIZE];
    char aside[PATH_SIZE];
    int r = path_of(path, archive, CEMM_ARCHIVE_ANSWER, query);

    if (r == 0)
        r = format_path(aside, "%s.damaged", path);
    if (r == 0 && rename(path, aside) < 0)
        r = -errno;
    if (r == 0)
        cemm_message_set(ret_name, "%s", aside);
    return r;
}

/* ---- meters ---------------------------------------------------------------------- */

int cemm_archive_add_meter(const char *archive, const struct cemm_uid *uid, const char *alias)
{
    char path[PATH_SIZE];
    int r = format_path(path, "%s/%s/%s/", archive, uid->text, alias);

    return r < 0 ? r : make_directories(path);
}

static bool is_directory(DIR *parent, const struct dirent *entry)
{
    struct stat st;

    return fstatat(dirfd(parent), entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* If the directory can't be read, sets *read_error and returns 0: other devices are visited. */
static int each_alias(const char *archive, const struct cemm_uid *uid, cemm_archive_meter_fn *visit,
                      void *data, int *read_error)
{
    char path[PATH_SIZE];
    int r = format_path(path, "%s/%s", archive, uid->text);
    DIR *aliases = r < 0 ? NULL : opendir(path);
    const struct dirent *entry;

    if (!aliases) {
        *read_error = r < 0 ? r : -errno;
        return 0;
    }
    while (r == 0 && (entry = readdir(aliases)))
        if (entry->d_name[0] != '.' && cemm_name_valid(entry->d_name) &&
            is_directory(aliases, entry))
            r = visit(data, uid, entry->d_name);
    closedir(aliases);
    return r;
}

int cemm_archive_each(const char *archive, cemm_archive_meter_fn *visit, void *data)
{
    DIR *devices = opendir(archive);
    const struct dirent *entry;
    struct cemm_uid uid;
    int read_error = 0;
    int r = 0;

    if (!devices)
        return errno == ENOENT ? 0 : -errno;
    while (r == 0 && (entry = readdir(devices)))
        if (cemm_uid_parse(entry->d_name, &uid) && strcmp(entry->d_name, uid.text) == 0 &&
            is_directory(devices, entry))
            r = each_alias(archive, &uid, visit, data, &read_error);
    closedir(devices);
    return r ? r : read_error;
}
