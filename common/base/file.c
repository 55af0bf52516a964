#include "common/base/file.h"

#include "common/frontend.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads `length` bytes, or fewer at the end of the file. Returns their number, or a negative
 * errno. */
static ssize_t fill(int fd, char *ret_bytes, size_t length)
{
    size_t got = 0;

    while (got < length) {
        ssize_t r = read(fd, ret_bytes + got, length - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

static int read_open(int fd, size_t limit, char **ret_bytes, struct stat *ret_st)
{
    if (fstat(fd, ret_st) < 0)
        return -errno;
    if (!S_ISREG(ret_st->st_mode))
        return -EINVAL;
    if (ret_st->st_size > (off_t)limit)
        return -EFBIG;
    size_t length = (size_t)ret_st->st_size;
    char *bytes = malloc(length + 1);
    if (!bytes)
        return -ENOMEM;
    ssize_t got = fill(fd, bytes, length);
    if (got != (ssize_t)length) {
        free(bytes);
        return got < 0 ? (int)got : -EIO;
    }
    bytes[length] = '\0';
    *ret_bytes = bytes;
    return 0;
}

/* O_NONBLOCK: opening a FIFO would wait for a writer. */
int cemm_file_read(const char *path, size_t limit, char **ret_bytes, struct stat *ret_st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    int r = read_open(fd, limit, ret_bytes, ret_st);
    close(fd);
    return r;
}

/* The recursion ends: realpath() fails with ELOOP on a loop or on a chain that is too long. */
char *cemm_link_target(const char *path)
{
    char text[PATH_MAX];
    char *target = realpath(path, NULL);

    if (target || errno != ENOENT)
        return target;
    ssize_t length = readlink(path, text, sizeof(text) - 1);
    if (length < 0)
        return strdup(path);
    text[length] = '\0';
    const char *slash = text[0] == '/' ? NULL : strrchr(path, '/');
    int directory = slash ? (int)(slash - path) + 1 : 0;
    char *next;
    if (asprintf(&next, "%.*s%s", directory, path, text) < 0)
        return NULL;
    target = cemm_link_target(next);
    free(next);
    return target;
}

int cemm_file_write(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t r = write(fd, bytes, length);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        bytes += r;
        length -= (size_t)r;
    }
    return 0;
}

/* Writes and closes a file. Syncs it if `durable`, else only starts the write to the disk. */
static int write_new(int fd, const char *bytes, size_t length, bool durable)
{
    int r = cemm_file_write(fd, bytes, length);

    if (r == 0 && durable && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && !durable)
        (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    if (close(fd) < 0 && r == 0 && errno != EINTR)
        r = -errno;
    return r;
}

/* Syncs the new name. Some file systems cannot do that; this is not an error. */
static void sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(directory);
}

int cemm_file_replace(const char *path, const char *temporary, mode_t mode, const char *bytes,
                      size_t length, bool durable)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    if (fd < 0)
        return -errno;
    int r = write_new(fd, bytes, length, durable);
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(temporary);
    else if (durable)
        sync_directory(path);
    return r;
}
