#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads exactly `length` bytes. Returns 0, -EIO if the file has become shorter, or another negative
 * errno. */
static int fill(int fd, char *ret_bytes, size_t length)
{
    while (length > 0) {
        ssize_t r = read(fd, ret_bytes, length);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return r < 0 ? -errno : -EIO;
        ret_bytes += r;
        length -= (size_t)r;
    }
    return 0;
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
    int r = fill(fd, bytes, length);
    if (r < 0) {
        free(bytes);
        return r;
    }
    bytes[length] = '\0';
    *ret_bytes = bytes;
    return 0;
}

/* Without O_NONBLOCK, opening a FIFO would wait for a writer. */
int cemm_file_read(const char *path, size_t limit, char **ret_bytes, struct stat *ret_st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    int r = read_open(fd, limit, ret_bytes, ret_st);
    close(fd);
    return r;
}

/* realpath() limits the recursion: it fails with ELOOP on a loop and on a chain that is too
 * long. */
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
    char *next;
    if (asprintf(&next, "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, text) < 0)
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

int cemm_file_replace(const char *path, const char *temporary, mode_t mode, const char *bytes,
                      size_t length, bool durable)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    if (fd < 0)
        return -errno;
    int r = cemm_file_write(fd, bytes, length);
    if (r == 0 && durable && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && !durable)
        (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    if (close(fd) < 0 && r == 0 && errno != EINTR)
        r = -errno;
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0)
        (void)unlink(temporary);
    return r;
}
