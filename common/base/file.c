#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int read_all(int fd, char *bytes, size_t length)
{
    size_t got = 0;

    while (got < length) {
        ssize_t r = read(fd, bytes + got, length - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return r < 0 ? -errno : -EIO;
        got += (size_t)r;
    }
    return 0;
}

static int read_open(int fd, size_t limit, char **ret_bytes, struct stat *ret_about)
{
    if (fstat(fd, ret_about) < 0)
        return -errno;
    if (!S_ISREG(ret_about->st_mode) || ret_about->st_size > (off_t)limit)
        return -EFBIG;
    size_t length = (size_t)ret_about->st_size;
    char *bytes = malloc(length + 1);
    if (!bytes)
        return -ENOMEM;
    int r = read_all(fd, bytes, length);
    if (r < 0) {
        free(bytes);
        return r;
    }
    bytes[length] = '\0';
    *ret_bytes = bytes;
    return 0;
}

/* Not blocking: a FIFO of that name is nobody to wait for. */
int cemm_file_read(const char *path, size_t limit, char **ret_bytes, struct stat *ret_about)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -errno;
    int r = read_open(fd, limit, ret_bytes, ret_about);
    close(fd);
    return r;
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
