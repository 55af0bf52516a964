#include "common/archive/archive.h"

#include "common/base/file.h"
#include "common/base/limits.h"
#include "common/base/words.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_LIMIT     4096
#define ABANDONED_S    60 /* a half-written file of that age belongs to nobody */
#define DIRECTORY_MODE 0750
#define FILE_MODE      0640

struct cemm_archive {
    char *directory;
};

struct cemm_archive *cemm_archive_new(const char *directory)
{
    struct cemm_archive *archive = calloc(1, sizeof(*archive));

    if (archive)
        archive->directory = strdup(directory);
    if (archive && archive->directory) {
        for (size_t last = strlen(directory); last > 1 && directory[last - 1] == '/'; last--)
            archive->directory[last - 1] = '\0';
        return archive;
    }
    free(archive);
    return NULL;
}

void cemm_archive_free(struct cemm_archive *archive)
{
    if (!archive)
        return;
    free(archive->directory);
    free(archive);
}

const char *cemm_archive_directory(const struct cemm_archive *archive)
{
    return archive->directory;
}

/* ---- paths --------------------------------------------------------------------- */

static void write_period(struct cemm_buffer *path, const struct cemm_query *query)
{
    const struct cemm_period *period = &query->period;
    char name[16];

    cemm_period_format(period, name, sizeof(name));
    if (period->span == CEMM_DAY)
        cemm_buffer_format(path, "%04d/%02d/%s", period->year, period->month, name);
    else if (period->span == CEMM_MONTH)
        cemm_buffer_format(path, "%04d/%s", period->year, name);
    else
        cemm_buffer_text(path, name);
}

static void path_of(struct cemm_buffer *path, const struct cemm_archive *archive,
                    enum cemm_shelf shelf, const struct cemm_query *query)
{
    static const char *const spans[] = {
        [CEMM_DAY] = "data/day", [CEMM_MONTH] = "data/month", [CEMM_YEAR] = "data/year"};

    *path = CEMM_BUFFER_INIT(PATH_LIMIT);
    cemm_buffer_format(path, "%s/%s%s/%s/", archive->directory,
                       shelf == CEMM_EMPTY ? ".empty/" : "", query->uid.text, query->alias);
    cemm_buffer_format(path, "%s/",
                       query->endpoint == CEMM_TOTALS ? "totals" : spans[query->period.span]);
    write_period(path, query);
    if (shelf == CEMM_KEPT)
        cemm_buffer_text(path, ".json");
}

static void path_of_note(struct cemm_buffer *path, const struct cemm_archive *archive,
                         const struct cemm_uid *uid, const char *alias)
{
    *path = CEMM_BUFFER_INIT(PATH_LIMIT);
    if (uid)
        cemm_buffer_format(path, "%s/%s/%s/.first", archive->directory, uid->text, alias);
    else
        cemm_buffer_format(path, "%s/.zone", archive->directory);
}

/* ---- reading -------------------------------------------------------------------- */

int cemm_archive_read(const struct cemm_archive *archive, enum cemm_shelf shelf,
                      const struct cemm_query *query, char **ret_bytes, size_t *ret_length,
                      int64_t *ret_fetched)
{
    struct cemm_buffer path;
    struct stat about;

    path_of(&path, archive, shelf, query);
    size_t max = shelf == CEMM_EMPTY ? CEMM_EMPTY_MAX : CEMM_ANSWER_MAX;
    int r = path.error ? path.error : cemm_file_read(path.data, max, ret_bytes, &about);
    cemm_buffer_clear(&path);
    if (r < 0)
        return r;
    *ret_length = (size_t)about.st_size;
    *ret_fetched = (int64_t)about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1000000;
    return 0;
}

/* Only "not there" is a no: a directory that can't be looked into may have it. */
static bool is_there(const struct cemm_buffer *path)
{
    return path->error || access(path->data, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool cemm_archive_has(const struct cemm_archive *archive, const struct cemm_query *query)
{
    struct cemm_buffer path;

    path_of(&path, archive, CEMM_KEPT, query);
    bool has = is_there(&path);
    cemm_buffer_clear(&path);
    return has;
}

bool cemm_archive_has_any(const struct cemm_archive *archive, const struct cemm_uid *uid,
                          const char *alias, enum cemm_endpoint endpoint)
{
    struct cemm_buffer path = CEMM_BUFFER_INIT(PATH_LIMIT);

    cemm_buffer_format(&path, "%s/%s/%s/%s", archive->directory, uid->text, alias,
                       endpoint == CEMM_TOTALS ? "totals" : "data");
    bool has = is_there(&path);
    cemm_buffer_clear(&path);
    return has;
}

/* ---- writing -------------------------------------------------------------------- */

/* Makes the directories above the last slash of `path`. */
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

/* Takes a half-written file away that nobody goes on with. -EBUSY: somebody may. A time that is far
 * ahead says no more than one that is long past: the clock was wrong. */
static int remove_abandoned(const char *path)
{
    struct stat about;

    if (lstat(path, &about) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (S_ISREG(about.st_mode) && llabs(time(NULL) - about.st_mtim.tv_sec) < ABANDONED_S)
        return -EBUSY;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* One name for each file's beginnings, so that what a killed program leaves is found again. */
static int open_new(char *path)
{
    for (int tries = 0; tries < 3; tries++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST && errno != ENOENT)
            return -errno;
        int r = errno == EEXIST ? remove_abandoned(path) : make_directories(path);
        if (r < 0)
            return r;
    }
    return -EBUSY;
}

/* `path` and `temporary` lie in one directory. */
static int write_as(char *temporary, const char *path, const char *bytes, size_t length)
{
    int fd = open_new(temporary);

    if (fd == -EBUSY)
        return 0; /* another program is just writing the same */
    if (fd < 0)
        return fd;
    int r = cemm_file_write(fd, bytes, length);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        unlink(temporary);
    else
        (void)sync_file_range(fd, 0, 0,
                              SYNC_FILE_RANGE_WRITE); /* begins it, and waits for nothing */
    if (close(fd) < 0 && r == 0 && errno != EINTR)
        r = -errno;
    return r;
}

static int write_file(struct cemm_buffer *path, const char *bytes, size_t length)
{
    struct cemm_buffer temporary = CEMM_BUFFER_INIT(PATH_LIMIT);
    int r = path->error;

    if (r == 0) {
        const char *name = strrchr(path->data, '/') + 1;
        cemm_buffer_append(&temporary, path->data, (size_t)(name - path->data));
        cemm_buffer_format(&temporary, ".%s.new", name);
        r = temporary.error;
    }
    if (r == 0)
        r = write_as(temporary.data, path->data, bytes, length);
    cemm_buffer_clear(&temporary);
    cemm_buffer_clear(path);
    return r;
}

int cemm_archive_write(const struct cemm_archive *archive, enum cemm_shelf shelf,
                       const struct cemm_query *query, const char *bytes, size_t length)
{
    struct cemm_buffer path;

    path_of(&path, archive, shelf, query);
    return write_file(&path, bytes, length);
}

int cemm_archive_put_aside(const struct cemm_archive *archive, const struct cemm_query *query,
                           struct cemm_words *ret_name)
{
    struct cemm_buffer path;
    struct cemm_buffer aside = CEMM_BUFFER_INIT(PATH_LIMIT);

    path_of(&path, archive, CEMM_KEPT, query);
    if (!path.error)
        cemm_buffer_format(&aside, "%s.damaged", path.data);
    int r = path.error ? path.error : aside.error;
    if (r == 0 && rename(path.data, aside.data) < 0)
        r = -errno;
    if (r == 0)
        cemm_words_set(ret_name, "%s", aside.data);
    cemm_buffer_clear(&path);
    cemm_buffer_clear(&aside);
    return r;
}

/* ---- notes ----------------------------------------------------------------------- */

int cemm_archive_read_note(const struct cemm_archive *archive, const struct cemm_uid *uid,
                           const char *alias, char **ret_text)
{
    struct cemm_buffer path;
    struct stat about;

    path_of_note(&path, archive, uid, alias);
    int r = path.error ? path.error : cemm_file_read(path.data, CEMM_NOTE_MAX, ret_text, &about);
    cemm_buffer_clear(&path);
    return r;
}

int cemm_archive_write_note(const struct cemm_archive *archive, const struct cemm_uid *uid,
                            const char *alias, const char *text)
{
    struct cemm_buffer path;

    path_of_note(&path, archive, uid, alias);
    return write_file(&path, text, strlen(text));
}

/* ---- meters ---------------------------------------------------------------------- */

int cemm_archive_know(const struct cemm_archive *archive, const struct cemm_uid *uid,
                      const char *alias)
{
    struct cemm_buffer path = CEMM_BUFFER_INIT(PATH_LIMIT);

    cemm_buffer_format(&path, "%s/%s/%s/", archive->directory, uid->text, alias);
    int r = path.error ? path.error : make_directories(path.data);
    cemm_buffer_clear(&path);
    return r;
}

static bool is_directory(DIR *parent, const struct dirent *entry)
{
    struct stat about;

    return fstatat(dirfd(parent), entry->d_name, &about, 0) == 0 && S_ISDIR(about.st_mode);
}

static int each_alias(DIR *parent, const char *name, const struct cemm_uid *uid,
                      cemm_archive_meter_fn *meter, void *data)
{
    int fd = openat(dirfd(parent), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *aliases = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    int r = 0;

    if (!aliases) {
        r = -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    while (r == 0 && (entry = readdir(aliases)))
        if (entry->d_name[0] != '.' && cemm_name_valid(entry->d_name) &&
            is_directory(aliases, entry))
            r = meter(data, uid, entry->d_name);
    closedir(aliases);
    return r;
}

int cemm_archive_each(const struct cemm_archive *archive, cemm_archive_meter_fn *meter, void *data)
{
    DIR *devices = opendir(archive->directory);
    const struct dirent *entry;
    struct cemm_uid uid;
    int r = 0;

    if (!devices)
        return errno == ENOENT ? 0 : -errno;
    while (r == 0 && (entry = readdir(devices)))
        if (cemm_uid_parse(entry->d_name, &uid) && strcmp(entry->d_name, uid.text) == 0 &&
            is_directory(devices, entry))
            r = each_alias(devices, entry->d_name, &uid, meter, data);
    closedir(devices);
    return r;
}
