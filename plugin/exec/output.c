/*
 * Writes to stdout or to a file. A reader of the file (node_exporter, a
 * spreadsheet) must never find half of it, so a temporary file is written in
 * the same directory, synced and renamed.
 *
 * A write to a pipe is short enough to be atomic, and ends with a whole line,
 * so that the reader has whole lines even if a signal then ends the process.
 *
 * Only regular files are replaced: if root renamed a file to /dev/null, that
 * would break the machine. The new file gets the mode of the old file, and its
 * owner and group if that is permitted, so that nobody else can read it. A link
 * stays: its target is replaced, or created.
 */
#include "plugin/exec/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/exec/message.h"
#include "plugin/exec/wait.h"

#define OUTPUT_MODE 0644 /* the mode of a new file, less the umask */

#define COLUMNS_MAX 100000 /* a greater $COLUMNS is ignored */

#define BEFORE_MAX (64 << 20) /* bytes; output_before() does not read a longer file */

static int failed(struct output *output, int r)
{
    cemm_message_set(&output->message, "%.200s: %s", output->path ? output->path : "stdout",
                     strerror(-r));
    return r;
}

/* Returns the directory of a file; the caller frees the text. NULL: no memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
}

bool output_check(const char *path)
{
    struct stat about;
    if (!path)
        return true;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) {
        message_print(CEMM_LOG_ERROR, "%.200s: not a regular file", path);
        return false;
    }
    char *real = cemm_link_target(path);
    char *folder = real ? folder_of(real) : NULL;
    bool good = folder && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0;
    if (!good)
        message_print(CEMM_LOG_ERROR, "%.200s: %s", folder ? folder : path, strerror(errno));
    free(folder);
    free(real);
    return good;
}

/* The length of the next write to a pipe: whole lines, or a part of a line that is too long. */
static size_t write_length(const char *text, size_t length)
{
    if (length <= PIPE_BUF)
        return length;
    const char *end = memrchr(text, '\n', PIPE_BUF);
    return end ? (size_t)(end - text) + 1 : PIPE_BUF;
}

static int write_stdout(const char *text, size_t length)
{
    while (length > 0) {
        signals_wait_writable(STDOUT_FILENO);
        ssize_t written = write(STDOUT_FILENO, text, write_length(text, length));
        if (written >= 0) {
            text += written;
            length -= (size_t)written;
        } else if (errno == EPIPE) {
            signals_die(SIGPIPE); /* as with `cemm read | head -1` */
        } else if (errno != EAGAIN && errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* Copies mode, owner and group. Only root may change the owner; a user may set any group that he is
 * in. If the group can't be copied, its permission bits become a copy of those for others. */
static int inherit(int fd, const struct stat *old)
{
    mode_t mode = old->st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
    if (fchown(fd, old->st_uid, old->st_gid) != 0 && fchown(fd, (uid_t)-1, old->st_gid) != 0)
        mode = (mode & ~(mode_t)S_IRWXG) | (mode & S_IRWXO) << 3;
    return fchmod(fd, mode) != 0 ? -errno : 0;
}

/* Creates the temporary file. Its name ends in .tmp, so that collectors ignore it. */
static int open_new(struct output *output)
{
    static const char ending[] = ".tmp";
    output->real = cemm_link_target(output->path);
    if (!output->real)
        return -errno;
    char *folder = folder_of(output->real);
    struct stat old;
    if (!folder || asprintf(&output->temporary, "%s.cemm-XXXXXX%s", folder, ending) < 0)
        output->temporary = NULL;
    free(folder);
    if (!output->temporary)
        return -ENOMEM;
    output->fd = mkostemps(output->temporary, (int)strlen(ending), O_CLOEXEC);
    if (output->fd < 0)
        return -errno;
    if (stat(output->real, &old) == 0)
        return inherit(output->fd, &old);
    mode_t mask = umask(0);
    umask(mask);
    (void)fchmod(output->fd, OUTPUT_MODE & ~mask); /* some file systems do not support modes */
    return 0;
}

static int open_stream(struct output *output)
{
    output->stream = cemm_text_open(&output->text, &output->length);
    return output->stream ? 0 : -ENOMEM;
}

int output_begin(struct output *ret_output, const char *path)
{
    *ret_output = (struct output){.path = path, .fd = -1};
    int r = path ? open_new(ret_output) : 0;
    return r < 0 ? failed(ret_output, r) : open_stream(ret_output);
}

int output_flush(struct output *output)
{
    int r = fclose(output->stream) != 0 ? -ENOMEM : 0;
    output->stream = NULL;
    if (r == 0)
        r = output->path ? cemm_file_write(output->fd, output->text, output->length)
                         : write_stdout(output->text, output->length);
    free(output->text);
    output->text = NULL;
    return r < 0 ? failed(output, r) : open_stream(output);
}

/* Replaces the file. Network file systems may report errors only on close. */
static int replace_file(struct output *output)
{
    int r = fsync(output->fd) != 0 ? -errno : 0;
    if (close(output->fd) != 0 && r == 0)
        r = -errno;
    output->fd = -1;
    if (r == 0 && rename(output->temporary, output->real) != 0)
        r = -errno;
    return r < 0 ? failed(output, r) : 0;
}

int output_end(struct output *output, int r)
{
    if (r == 0)
        r = output_flush(output);
    if (r == 0 && output->path)
        r = replace_file(output);
    if (output->stream)
        (void)fclose(output->stream);
    if (output->fd >= 0)
        close(output->fd);
    if (output->temporary)
        unlink(output->temporary); /* it is gone already if it was renamed */
    free(output->text);
    free(output->temporary);
    free(output->real);
    return r;
}

int output_before(const char *path, char **ret_text)
{
    struct stat about;
    *ret_text = NULL;
    int r = path ? cemm_file_read(path, BEFORE_MAX, ret_text, &about) : 0;
    return r == -ENOMEM ? r : 0;
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
    const char *columns = getenv("COLUMNS"); /* watch(1) sets it and runs us with a pipe */
    if (output_is_terminal())
        return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
    return width <= COLUMNS_MAX ? width : 0;
}
