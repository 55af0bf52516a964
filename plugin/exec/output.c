/*
 * Writes to stdout or to a file. A reader of the file (node_exporter, a
 * spreadsheet) must never find half of it, so a temporary file beside it is
 * written, synced and renamed. Signals that end the program are blocked from
 * begin to end, or they would leave the temporary file behind; a caller that
 * waits checks for them (wait.h).
 *
 * A pipe gets at most what it accepts at once, in whole lines: a signal may end
 * the process between two writes, and the reader has whole lines.
 *
 * Only regular files are replaced: renaming over /dev/null, which root may do,
 * would break the machine. The new file gets the mode of the old one, and its
 * owner and group if that is permitted, so that no others can read it. A link
 * stays, and its target is written, even if that does not exist yet.
 */
#include "plugin/exec/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Only leftovers of a process with the same id can have the name. */
#define TEMPORARY_TRIES 100

#define OUTPUT_MODE 0644 /* of a new file, less the umask */

#define COLUMNS_MAX 100000

#define BEFORE_MAX (64 << 20) /* bytes of an earlier file that are read */

static int failed(struct cemm_words *words, const char *path, int r)
{
    cemm_words_set(words, "%.200s: %s", path, strerror(-r));
    return r;
}

/* The length of the directory with its slash; 0: the current one. */
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static int check_folder(const char *path, struct cemm_words *words)
{
    size_t length = folder_length(path);
    if (path[length] == '\0') {
        cemm_words_set(words, "%.200s: is a directory", path);
        return -EISDIR;
    }
    char *folder = length == 0 ? strdup(".") : strndup(path, length);
    if (!folder)
        return failed(words, path, -ENOMEM);
    int r = 0;
    if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
        r = failed(words, folder, -errno);
    free(folder);
    return r;
}

int output_check(const char *path, struct cemm_words *words)
{
    if (!path)
        return 0;
    struct stat now;
    if (stat(path, &now) == 0 && !S_ISREG(now.st_mode)) {
        cemm_words_set(words, "%.200s: exists and is not a regular file", path);
        return -EINVAL;
    }
    char *real = cemm_link_target(path);
    if (!real)
        return failed(words, path, -errno);
    int r = check_folder(real, words);
    free(real);
    return r;
}

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

/* The length of the whole lines that a pipe accepts at once; a longer line is written alone. */
static size_t piece(const char *text, size_t length)
{
    if (length <= PIPE_BUF)
        return length;
    size_t end = PIPE_BUF;
    while (end > 0 && text[end - 1] != '\n')
        end--;
    if (end > 0)
        return end;
    for (end = PIPE_BUF; end < length && text[end - 1] != '\n'; end++)
        ;
    return end;
}

/* Waits until a pipe accepts a piece. Signals end the process here even if the caller blocks
 * them: no line is half written, and a stuck reader must not prevent that. */
static void wait_reader(void)
{
    struct pollfd poll_fd = {.fd = STDOUT_FILENO, .events = POLLOUT};
    sigset_t none;
    sigemptyset(&none);
    (void)ppoll(&poll_fd, 1, NULL, &none);
}

/* Holds the signals if the write cannot block: into a file, the kernel would cut it at a page. */
static int write_piece(const char *text, size_t length)
{
    struct signals signals;
    if (length > PIPE_BUF)
        return write_all(STDOUT_FILENO, text, length);
    signals_hold(&signals);
    int r = write_all(STDOUT_FILENO, text, length);
    signals_release(&signals);
    return r;
}

static int write_stdout(const char *text, size_t length, struct cemm_words *words)
{
    int r = 0;
    while (r == 0 && length > 0) {
        size_t part = piece(text, length);
        wait_reader();
        r = write_piece(text, part);
        text += part;
        length -= part;
    }
    if (r == -EPIPE)
        signals_die(SIGPIPE); /* as with `cemm read | head -1` */
    if (r < 0)
        return failed(words, "stdout", r);
    return 0;
}

/* Opens a new file beside `path`. Collectors ignore its ending, .tmp. */
static int open_beside(const char *path, mode_t mode, char ret_name[PATH_MAX])
{
    size_t length = folder_length(path);
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        int size = snprintf(ret_name, PATH_MAX, "%.*s.cemm-%ld-%d.tmp", (int)length, path,
                            (long)getpid(), i);
        if (size < 0 || size >= PATH_MAX) {
            ret_name[0] = '\0';
            return -ENAMETOOLONG;
        }
        int fd = open(ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd >= 0)
            return fd;
        int error = errno;
        ret_name[0] = '\0'; /* the file is not ours */
        if (error != EEXIST)
            return -error;
    }
    return -EEXIST;
}

/* Copies mode, owner and group. */
static int inherit(int fd, const struct stat *old)
{
    mode_t mode = old->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
    /* Only root may change the owner; others may use a group that they are in. */
    if (fchown(fd, old->st_uid, old->st_gid) != 0 && fchown(fd, (uid_t)-1, old->st_gid) != 0)
        mode = (mode & ~(mode_t)S_IRWXG) | (mode & S_IRWXO)
                                               << 3; /* another group gets what all others have */
    return fchmod(fd, mode) != 0 ? -errno : 0;
}

static int open_new(struct output *output)
{
    struct stat old;
    bool there = stat(output->real, &old) == 0;
    int fd = open_beside(output->real, there ? S_IRUSR | S_IWUSR : OUTPUT_MODE, output->beside);
    if (fd < 0)
        return fd;
    output->fd = fd;
    return there ? inherit(fd, &old) : 0;
}

int output_begin(struct output *ret_output, const char *path, struct cemm_words *words)
{
    *ret_output = (struct output){.path = path, .fd = -1};
    if (!path)
        return 0;
    ret_output->real = cemm_link_target(path);
    if (!ret_output->real)
        return failed(words, path, -errno);
    signals_hold(&ret_output->signals);
    int r = open_new(ret_output);
    if (r == 0)
        return 0;
    output_drop(ret_output);
    return failed(words, path, r);
}

int output_put(struct output *output, const char *text, size_t length, struct cemm_words *words)
{
    if (!output->path)
        return write_stdout(text, length, words);
    int r = write_all(output->fd, text, length);
    return r < 0 ? failed(words, output->path, r) : 0;
}

/* Network file systems may report errors only on close. */
static int settle(struct output *output)
{
    int r = fsync(output->fd) != 0 ? -errno : 0;
    if (close(output->fd) != 0 && r == 0)
        r = -errno;
    output->fd = -1;
    if (r == 0 && rename(output->beside, output->real) != 0)
        r = -errno;
    if (r == 0)
        output->beside[0] = '\0';
    return r;
}

int output_end(struct output *output, struct cemm_words *words)
{
    const char *path = output->path;
    int r = path ? settle(output) : 0;
    output_drop(output);
    return r < 0 ? failed(words, path, r) : 0;
}

void output_drop(struct output *output)
{
    if (output->fd >= 0)
        close(output->fd);
    if (output->beside[0] != '\0')
        unlink(output->beside);
    if (output->real)
        signals_release(&output->signals);
    free(output->real);
    *output = (struct output){.fd = -1};
}

int output_write(const char *path, const char *text, size_t length, struct cemm_words *words)
{
    struct output output;
    int r = output_begin(&output, path, words);
    if (r == 0)
        r = output_put(&output, text, length, words);
    if (r == 0)
        return output_end(&output, words);
    output_drop(&output);
    return r;
}

int output_before(const char *path, char **ret_text)
{
    size_t room = 0;
    struct stat now;
    *ret_text = NULL;
    if (!path || stat(path, &now) != 0 || !S_ISREG(now.st_mode) || now.st_size > BEFORE_MAX)
        return 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return errno == ENOMEM ? -ENOMEM : 0;
    errno = 0;
    bool read = getdelim(ret_text, &room, '\0', file) >= 0 && !ferror(file);
    int r = !read && errno == ENOMEM ? -ENOMEM : 0;
    fclose(file);
    if (!read) {
        free(*ret_text);
        *ret_text = NULL;
    }
    return r;
}

bool output_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

bool output_is_stderr(void)
{
    struct stat data;
    struct stat messages;
    return fstat(STDOUT_FILENO, &data) == 0 && fstat(STDERR_FILENO, &messages) == 0 &&
           data.st_dev == messages.st_dev && data.st_ino == messages.st_ino;
}

size_t output_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS"); /* watch(1) sets it and reads a pipe */
    if (output_is_terminal())
        return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
    return width <= COLUMNS_MAX ? width : 0;
}
