/*
 * cemmfs: energy meters as files. Mistakes in the command line, the
 * configuration or the mount point are found before anything is mounted, and
 * reported in one line.
 *
 * The order matters: the process forks after mounting, so that the parent can
 * report a failure. The threads of the library and of invalidate.c start after
 * the fork, because threads do not survive it.
 *
 * One thread serves the requests from the kernel and the answers from the
 * meters: the library waits for the network and for our descriptors. Requests
 * from the kernel are detected by read(2), not by poll(2), because only read(2)
 * reports an unmount reliably.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include <fuse_log.h>

#include "fs/fs.h"

#define EXIT_WRONG      2   /* usage or configuration */
#define PAUSE_MS        100 /* after a failed turn */
#define DESCRIPTORS     3
#define REQUESTS_A_TURN 64               /* after this many, the network has its turn */
#define FUSE_DEVICE     makedev(10, 229) /* /dev/fuse: the kernel's Documentation, devices.txt */

/* ---- the log, also libfuse's: stderr in the foreground, else syslog --------- */

static bool to_syslog;

__attribute__((format(printf, 2, 0))) static void
fuse_to_syslog(enum fuse_log_level level, const char *format, va_list arguments)
{
    vsyslog((int)level, format, arguments); /* libfuse's levels are syslog's */
}

/* Prints a line in one call, so that lines of several processes do not mix. */
static void log_line(void *data, enum cemm_level level, const char *line)
{
    static const int priorities[] = {
        [CEMM_LOG_ERROR] = LOG_ERR, [CEMM_LOG_WARNING] = LOG_WARNING, [CEMM_LOG_INFO] = LOG_INFO};
    (void)data;
    if (to_syslog)
        syslog(priorities[level], "%s", line);
    else
        fprintf(stderr, "cemmfs: %s\n", line);
}

static int complain(int status, const char *subject, const char *message)
{
    fprintf(stderr, subject ? "cemmfs: %s: %s\n" : "cemmfs: %s%s\n", subject ? subject : "",
            message);
    return status;
}

/* ---- the loop ---------------------------------------------------------------- */

/* Tells systemd that the mount is ready. Like sd_notify(3), sends one datagram. */
static void notify_systemd(void)
{
    static const char message[] = "READY=1";
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    if (length < 2 || length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* systemd reports it if nothing arrives. */
    (void)sendto(fd, message, sizeof(message) - 1, MSG_NOSIGNAL, (const struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(fd);
}

/* Returns whether there may be more requests. */
static bool serve_kernel(struct fs *fs, struct fuse_buf *buffer)
{
    for (int i = 0; i < REQUESTS_A_TURN; i++) {
        int r = fuse_session_receive_buf(fs->session, buffer);
        if (r <= 0)
            return r == -EINTR;
        bool initialized = fs->initialized;
        fuse_session_process_buf(fs->session, buffer);
        if (!initialized && fs->initialized)
            notify_systemd();
        /* If memory runs out, libfuse refuses FUSE_INIT, and no request follows. */
        if (!fs->initialized)
            fuse_session_exit(fs->session);
    }
    return true;
}

/* Blocks the signals that end the program, and opens a descriptor that they are read from. */
static int open_signals(void)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &ending, NULL);
    int fd = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

static bool signalled(int fd)
{
    struct signalfd_siginfo signal;
    return read(fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal);
}

/* Serves until the file system is unmounted or a signal arrives. */
static void run_loop(struct fs *fs, int signal_fd)
{
    struct fuse_buf buffer = {.mem = NULL};
    bool ending = false;
    bool more = false;
    /* The invalidation thread waits for the kernel, which may wait for us, so we serve until no
     * notice is under way. */
    while (!ending || fs->invalidate.under_way > 0) {
        /* The descriptor of a session that has ended would always be ready. */
        struct pollfd waited[DESCRIPTORS] = {
            {.fd = fuse_session_exited(fs->session) ? -1 : fuse_session_fd(fs->session),
             .events = POLLIN},
            {.fd = signal_fd, .events = POLLIN},
            {.fd = fs->invalidate.ours, .events = POLLIN},
        };
        int turned = cemm_turn(fs->cemm, more ? 0 : -1, waited, DESCRIPTORS);
        if (turned < 0 && turned != -EINTR) {
            /* The failure may be temporary, and cached files can be served meanwhile. */
            struct cemm_message message;
            cemm_message_set(&message, "event loop error: %s; retrying", strerror(-turned));
            log_line(NULL, CEMM_LOG_ERROR, message.text);
            (void)poll(waited, DESCRIPTORS, PAUSE_MS);
        }
        more = serve_kernel(fs, &buffer);
        invalidate_collect(&fs->invalidate);
        ending = signalled(signal_fd) || fuse_session_exited(fs->session) || ending;
    }
    free(buffer.mem);
}

/* ---- mounting -------------------------------------------------------------------- */

/* Removes a dead mount, which a crash has left behind and which fails every request with ENOTCONN.
 * statfs(2) detects such a mount, because the kernel never answers statfs(2) from its cache. */
static int remove_dead_mount(const char *mountpoint)
{
    const char *arguments[] = {"fusermount3", "-u", "-z", "--", mountpoint, NULL};
    struct statfs about;
    int status;
    pid_t pid;
    if (statfs(mountpoint, &about) == 0 || (errno != ENOTCONN && errno != ECONNABORTED))
        return 0;
    int r = posix_spawnp(&pid, arguments[0], NULL, NULL, (char *const *)arguments, environ);
    if (r != 0)
        return -r;
    if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0)
        return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOTCONN;
}

/* Whether `path` is `above` itself or below it. Both are full paths. */
static bool is_within(const char *path, const char *above)
{
    size_t length = strcmp(above, "/") == 0 ? 0 : strlen(above);
    return strncmp(path, above, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Looks for a mount of cemmfs that conflicts with the mount point or the archive, and sets the
 * message. If mount.fuse3 has mounted already, `path` is NULL, and our own mount is in the list.
 * Only paths are compared: other users' mounts refuse requests, and ours does not answer yet. */
static void check_mounts(const char *path, const char *archive, struct cemm_message *message)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    const struct mntent *mount;
    while (mounts && message->text[0] == '\0' && (mount = getmntent(mounts))) {
        if (strcmp(mount->mnt_type, "fuse.cemmfs") != 0)
            continue;
        if (path && strcmp(path, mount->mnt_dir) == 0)
            cemm_message_set(message,
                             "cemmfs is already mounted there; unmount it with fusermount3 -u");
        else if (path && is_within(path, mount->mnt_dir))
            cemm_message_set(message, "it is inside another mount of cemmfs; mount elsewhere");
        else if (!path && archive && is_within(archive, mount->mnt_dir))
            cemm_message_set(message, "%s hides the archive, %s; move one of them", mount->mnt_dir,
                             archive);
    }
    if (mounts)
        endmntent(mounts);
}

/* Refuses a mount point that is the archive or above it: a process that reads its archive through
 * its own mount waits for itself, and no signal ends that. The archive may not exist yet, so the
 * part of its path that exists is compared. */
static int check_archive(const char *path, const char *archive, struct cemm_message *message)
{
    char *copy = strdup(archive);
    char *part = copy;
    char *real = NULL;
    while (part && !(real = realpath(part, NULL)) && strcmp(part, ".") != 0)
        part = dirname(part);
    free(copy);
    if (!real)
        return -ENOMEM;
    if (is_within(real, path))
        cemm_message_set(
            message, "it would hide the archive, %s; mount elsewhere, or set [archive] directory",
            archive);
    free(real);
    return 0;
}

/* Removes a dead mount, and refuses a mount point that has a mount of cemmfs, is inside one, or
 * would hide the archive (NULL: none). Returns 0 or a negative errno; `message` is empty if
 * strerror() is enough. *ret_path is the full path of the mount point, because the process may
 * change its directory later. The caller frees it, also on failure. */
static int check_mountpoint(const char *mountpoint, const char *archive, char **ret_path,
                            struct cemm_message *message)
{
    /* With -o drop_privileges mount.fuse3 has mounted already and passes the descriptor. */
    unsigned descriptor;
    int end = 0;
    bool mounted =
        sscanf(mountpoint, "/dev/fd/%u%n", &descriptor, &end) == 1 && mountpoint[end] == '\0';
    struct stat about;
    message->text[0] = '\0';
    int r = remove_dead_mount(mountpoint);
    if (r < 0)
        return r;
    *ret_path = mounted ? strdup(mountpoint) : realpath(mountpoint, NULL);
    if (!*ret_path)
        return -errno;
    check_mounts(mounted ? NULL : *ret_path, archive, message);
    if (!mounted && message->text[0] == '\0') {
        if (stat(*ret_path, &about) < 0)
            return -errno;
        if (!S_ISDIR(about.st_mode))
            return -ENOTDIR;
        if (archive)
            r = check_archive(*ret_path, archive, message);
    }
    return message->text[0] != '\0' ? -EINVAL : r;
}

/* NULL: no memory, or libfuse has printed the reason. */
static struct fuse_session *new_session(struct fs *fs)
{
    const struct options *options = fs->options;
    struct fuse_session *session = NULL;
    char *source = NULL;
    char *list = NULL;
    if (asprintf(&source, "fsname=%s", options->config ? options->config : "cemm") >= 0 &&
        fuse_opt_add_opt(&list, "ro,nosuid,nodev,noexec,subtype=cemmfs") == 0 &&
        (!options->allow_other || fuse_opt_add_opt(&list, "allow_other") == 0) &&
        (!options->default_permissions || fuse_opt_add_opt(&list, "default_permissions") == 0) &&
        fuse_opt_add_opt_escaped(&list, source) == 0) {
        char *words[] = {(char[]){"cemmfs"}, (char[]){"-o"}, list, (char[]){"-d"}};
        struct fuse_args arguments = FUSE_ARGS_INIT(options->debug ? 4 : 3, words);
        session = fuse_session_new(&arguments, &fs_ops, sizeof(fs_ops), fs);
        fuse_opt_free_args(&arguments);
    }
    free(source);
    free(list);
    return session;
}

/* False: libfuse has printed the reason. If memory runs out, libfuse 3.14 may report success and
 * use standard input as the descriptor, so the descriptor is checked. */
static bool mount_session(struct fuse_session *session, const char *path)
{
    struct stat about;
    return fuse_session_mount(session, path) == 0 && fstat(fuse_session_fd(session), &about) == 0 &&
           S_ISCHR(about.st_mode) && about.st_rdev == FUSE_DEVICE;
}

/* ---- from the command line to the loop ---------------------------------------- */

static int serve(struct fs *fs, int signal_fd)
{
    bool foreground = fs->options->foreground;
    int r = -ENOMEM;
    if (fuse_daemonize(foreground) < 0)
        return -errno;
    if (!foreground) {
        openlog("cemmfs", LOG_PID, LOG_DAEMON);
        fuse_set_log_func(fuse_to_syslog);
        to_syslog = true;
    }
    fs->mounted = cemm_clock_wall();
    if (nodes_init(&fs->nodes) < 0)
        return -ENOMEM;
    fs->cemm = cemm_new(fs->config, CEMM_BACKOFF_INTERACTIVE, log_line, NULL);
    if (fs->cemm)
        r = fcntl(fuse_session_fd(fs->session), F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
    if (r == 0)
        r = invalidate_start(&fs->invalidate, fs->session);
    if (r == 0) {
        cemm_archive_use(fs->cemm);
        run_loop(fs, signal_fd);
        invalidate_end(&fs->invalidate);
        r = fuse_session_exited(fs->session) && !fs->initialized ? -ENOMEM : 0;
    }
    cemm_free(fs->cemm); /* answers pending requests */
    nodes_end(&fs->nodes);
    free(fs->failure);
    return r;
}

static int mount_and_serve(struct fs *fs, const char *path)
{
    int signal_fd = open_signals();
    if (signal_fd < 0)
        return complain(EXIT_FAILURE, "signals", strerror(-signal_fd));
    if (!mount_session(fs->session, path)) {
        close(signal_fd);
        return complain(EXIT_FAILURE, path, "mounting failed"); /* libfuse has printed the reason */
    }
    int r = serve(fs, signal_fd);
    fuse_session_unmount(fs->session);
    close(signal_fd);
    if (r < 0)
        log_line(NULL, CEMM_LOG_ERROR, strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const struct options *options)
{
    struct cemm_config *config = cemm_config_new();
    struct fs fs = {.options = options, .config = config};
    struct cemm_message message = {.text = ""};
    const char *subject = NULL;
    char *path = NULL;
    int r = config ? cemm_config_load(config, options->config, &message) : -ENOMEM;
    if (r == 0) {
        subject = options->mountpoint;
        r = check_mountpoint(subject, cemm_config_archive(config), &path, &message);
    }
    if (r < 0) {
        r = complain(EXIT_WRONG, subject, message.text[0] ? message.text : strerror(-r));
    } else if ((fs.session = new_session(&fs))) {
        r = mount_and_serve(&fs, path);
        fuse_session_destroy(fs.session);
    } else { /* libfuse says nothing about a lack of memory */
        r = complain(EXIT_FAILURE, subject, "setting up the file system failed");
    }
    free(path);
    cemm_config_free(config);
    return r;
}

int main(int argc, char **argv)
{
    struct cemm_message message;
    struct options options;
    cemm_process_prepare();
    enum options_result result = options_read(argc, argv, &options, &message);
    if (result == OPTIONS_WRONG)
        return complain(EXIT_WRONG, NULL, message.text);
    return result == OPTIONS_DONE ? EXIT_SUCCESS : run(&options);
}
