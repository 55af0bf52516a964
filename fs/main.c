/*
 * cemmfs: energy meters as files. Mistakes in the command line, the
 * configuration or the mount point are found before anything is mounted, and
 * reported in one line.
 *
 * The order matters: the process forks after the mount has succeeded, so that
 * its parent knows, and the library and the thread start after that, because
 * threads do not survive a fork.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "fs/fs.h"
#include "fs/log.h"
#include "fs/loop.h"
#include "fs/mount.h"
#include "fs/options.h"

#define EXIT_WRONG 2 /* usage or configuration */

static int complain(const char *subject, const char *words)
{
    fprintf(stderr, subject ? "cemmfs: %s: %s\n" : "cemmfs: %s%s\n", subject ? subject : "", words);
    return EXIT_WRONG;
}

/* Otherwise another descriptor could become stderr. */
static void open_standard_descriptors(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            _exit(EXIT_FAILURE);
    }
}

/* Ending signals come by a descriptor. A closed pipe or a file size limit does not end the process:
 * writing to the archive fails with a message. */
static int open_signals(void)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &ending, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        return -errno;
    return signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

static int serve(struct fs *fs, int signal_fd)
{
    int r = -ENOMEM;
    if (nodes_init(&fs->nodes) < 0)
        return -ENOMEM;
    fs->cemm = cemm_new(fs->config, CEMM_REST_INTERACTIVE, log_line, NULL);
    if (fs->cemm)
        r = set_nonblocking(fuse_session_fd(fs->session));
    if (r == 0)
        r = invalidate_start(&fs->invalidate, fs->session);
    if (r == 0) {
        cemm_archive_use(fs->cemm);
        loop_run(fs, signal_fd);
        invalidate_end(&fs->invalidate);
        r = fuse_session_exited(fs->session) && !fs->greeted ? -ENOMEM : 0;
    }
    cemm_free(fs->cemm); /* answers pending requests */
    nodes_end(&fs->nodes);
    free(fs->words);
    return r;
}

static int mount_and_serve(struct fs *fs, const struct options *options, const char *path)
{
    int signal_fd = open_signals();
    int r = signal_fd;
    if (r < 0) {
        complain("signals", strerror(-r));
        return EXIT_FAILURE;
    }
    if (mount_on(fs->session, path) < 0) {
        complain(path, "mounting failed"); /* libfuse has printed the reason */
        close(signal_fd);
        return EXIT_FAILURE;
    }
    if (fuse_daemonize(options->foreground) < 0) {
        r = -errno;
    } else {
        if (!options->foreground)
            log_to_syslog();
        fs->mounted = cemm_clock_wall();
        r = serve(fs, signal_fd);
    }
    fuse_session_unmount(fs->session);
    close(signal_fd);
    if (r < 0)
        log_line(NULL, CEMM_LOG_ERROR, strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(const struct options *options, const struct cemm_config *config)
{
    struct fs fs = {
        .config = config,
        .owner = (uid_t)options->owner,
        .group = (gid_t)options->group,
        .mask = (mode_t)options->mask,
        .realtime_ttl = options->realtime_ttl * 1000,
    };
    struct cemm_words words;
    char *path;
    int r = mount_prepare(options->mountpoint, cemm_config_archive(config), &path, &words);
    if (r < 0)
        return complain(options->mountpoint, words.text);
    fs.session = mount_session(options, &fs);
    if (fs.session) {
        r = mount_and_serve(&fs, options, path);
        fuse_session_destroy(fs.session);
    } else { /* libfuse says nothing about a lack of memory */
        complain(options->mountpoint, "setting up the file system failed");
        r = EXIT_FAILURE;
    }
    free(path);
    return r;
}

static int configure_and_run(const struct options *options)
{
    struct cemm_config *config = cemm_config_new();
    struct cemm_words words = {.text = ""};
    int r;
    if (!config)
        return complain(NULL, strerror(ENOMEM));
    if (cemm_config_load(config, options->config, &words) < 0)
        r = complain(NULL, words.text);
    else
        r = run(options, config);
    cemm_config_free(config);
    return r;
}

/* Answers and texts come and go. By default malloc() returns freed memory at the end of the heap to
 * the kernel each time, and the next allocation faults and clears the pages again. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD /* glibc */
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

int main(int argc, char **argv)
{
    const struct rlimit no_core = {0, 0}; /* the key is in memory */
    struct cemm_words words;
    struct options options;
    (void)setrlimit(RLIMIT_CORE, &no_core);
    open_standard_descriptors();
    keep_memory();
    switch (options_read(argc, argv, &options, &words)) {
    case OPTIONS_HELP:
        fputs(options_help, stdout);
        return EXIT_SUCCESS;
    case OPTIONS_VERSION:
        printf("cemmfs %s\n", cemm_version());
        return EXIT_SUCCESS;
    case OPTIONS_WRONG:
        return complain(NULL, words.text);
    default:
        return configure_and_run(&options);
    }
}
