/*
 * Writes what a command has made. All of it is made before the first byte
 * goes out: whoever reads the file (node_exporter, a spreadsheet) must never
 * find half of it, so it is written beside its place, brought to the disk and
 * renamed. Signals that would end us are held for that moment, or they would
 * leave the temporary file behind.
 *
 * Only regular files are replaced. Renaming over /dev/null, which root may do,
 * would break the machine.
 */
#include "plugin/exec/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/exec/signals.h"

/* Names tried for the temporary file; only leftovers of our own process id can stand in the way. */
#define TEMPORARY_TRIES 100

#define OUTPUT_MODE 0644 /* less the umask */

static int failed(struct cemm_words *words, const char *path, const char *what, int error)
{
    int length = snprintf(words->text, sizeof(words->text), "%.200s: %s", path, what);
    if (length < 0)
        words->text[0] = '\0';
    return error;
}

/* The file that is meant (a link's target, so that the link stays), or the path as given. */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);
    return real != NULL ? real : strdup(path);
}

/* The folder of a path, with its slash; "" for the current one. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

static int check_folder(const char *path, struct cemm_words *words)
{
    size_t length = folder_length(path);
    if (path[length] == '\0')
        return failed(words, path, "is a folder, not a file", -EISDIR);
    char *folder = length == 0 ? strdup(".") : strndup(path, length);
    if (folder == NULL)
        return failed(words, path, strerror(ENOMEM), -ENOMEM);
    int r = 0;
    if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0) {
        int error = errno;
        r = failed(words, folder, strerror(error), -error);
    }
    free(folder);
    return r;
}

int output_check(const char *path, struct cemm_words *words)
{
    if (path == NULL)
        return 0;
    struct stat now;
    if (stat(path, &now) == 0 && !S_ISREG(now.st_mode))
        return failed(words, path, "is there and is no regular file", -EINVAL);
    char *real = resolve(path);
    if (real == NULL)
        return failed(words, path, strerror(ENOMEM), -ENOMEM);
    int r = check_folder(real, words);
    free(real);
    return r;
}

/* Waits until a descriptor that does not block takes more. */
static void wait_writable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    (void)poll(&poll_fd, 1, -1);
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, text, length);
        if (written >= 0) {
            text += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) {
            wait_writable(fd);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static int write_stdout(const char *text, size_t length, struct cemm_words *words)
{
    int r = write_all(STDOUT_FILENO, text, length);
    if (r == -EPIPE)
        signals_die(SIGPIPE); /* `cemm read | head -1`: nobody wants the rest, nor a word on it */
    if (r < 0)
        return failed(words, "stdout", strerror(-r), r);
    return 0;
}

/* Makes a new file beside `path`. Its name ends in .tmp, which no collector of files picks up. */
static int open_beside(const char *path, char ret_name[PATH_MAX])
{
    size_t length = folder_length(path);
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        int size = snprintf(ret_name, PATH_MAX, "%.*s.cemm-%ld-%d.tmp", (int)length, path,
                            (long)getpid(), i);
        if (size < 0 || size >= PATH_MAX)
            return -ENAMETOOLONG;
        int fd = open(ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, OUTPUT_MODE);
        if (fd >= 0)
            return fd;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

/* Writes, syncs and closes; the close counts, too: a network file system may complain only then. */
static int fill(int fd, const char *text, size_t length)
{
    int r = write_all(fd, text, length);
    if (r == 0 && fsync(fd) != 0)
        r = -errno;
    if (close(fd) != 0 && r == 0)
        r = -errno;
    return r;
}

static int replace(const char *path, const char *text, size_t length)
{
    char name[PATH_MAX];
    int fd = open_beside(path, name);
    if (fd < 0)
        return fd;
    int r = fill(fd, text, length);
    if (r == 0 && rename(name, path) != 0)
        r = -errno;
    if (r < 0)
        unlink(name);
    return r;
}

int output_write(const char *path, const char *text, size_t length, struct cemm_words *words)
{
    if (path == NULL)
        return write_stdout(text, length, words);
    char *real = resolve(path);
    if (real == NULL)
        return failed(words, path, strerror(ENOMEM), -ENOMEM);
    struct signals signals;
    signals_hold(&signals);
    int r = replace(real, text, length);
    signals_release(&signals);
    free(real);
    return r < 0 ? failed(words, path, strerror(-r), r) : 0;
}
