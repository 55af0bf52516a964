/*
 * The library waits for the network and for our descriptors. Whether the
 * kernel has a request is seen by read, not by poll: only there an unmount
 * shows for certain.
 */
#include "fs/loop.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs/log.h"

#define PAUSE_MS        100 /* after a failed turn */
#define DESCRIPTORS     3
#define REQUESTS_A_TURN 64 /* then the network has its turn */

/* Tells systemd that the mount is ready, without libsystemd: sd_notify sends one datagram. */
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

/* Returns true if there may be more requests. */
static bool serve(struct fs *fs, struct fuse_buf *buffer)
{
    for (int i = 0; i < REQUESTS_A_TURN; i++) {
        int r = fuse_session_receive_buf(fs->session, buffer);
        if (r <= 0)
            return r == -EINTR;
        bool greeted = fs->greeted;
        fuse_session_process_buf(fs->session, buffer);
        if (!greeted && fs->greeted)
            notify_systemd();
        /* Without memory libfuse refuses FUSE_INIT, and no request follows. */
        if (!fs->greeted)
            fuse_session_exit(fs->session);
    }
    return true;
}

static bool signalled(int fd)
{
    struct signalfd_siginfo signal;
    return read(fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal);
}

void loop_run(struct fs *fs, int signal_fd)
{
    struct fuse_buf buffer = {.mem = NULL};
    bool ending = false;
    bool more = false;
    /* The kernel, for which the thread waits, may wait for us: so serve until it is done. */
    while (!ending || fs->invalidate.under_way > 0) {
        /* Of a session that has ended, the kernel says so again and again. */
        struct pollfd waited[DESCRIPTORS] = {
            {.fd = fuse_session_exited(fs->session) ? -1 : fuse_session_fd(fs->session),
             .events = POLLIN},
            {.fd = signal_fd, .events = POLLIN},
            {.fd = fs->invalidate.ours, .events = POLLIN},
        };
        int turned = cemm_turn(fs->cemm, more ? 0 : -1, waited, DESCRIPTORS);
        if (turned < 0 && turned != -EINTR) {
            /* It may pass, and cached files can be served meanwhile. */
            struct cemm_words words;
            cemm_words_set(&words, "the loop has failed: %s", strerror(-turned));
            log_line(NULL, CEMM_LOG_ERROR, words.text);
            (void)poll(waited, DESCRIPTORS, PAUSE_MS);
        }
        more = serve(fs, &buffer);
        invalidate_collect(&fs->invalidate);
        ending = signalled(signal_fd) || fuse_session_exited(fs->session) || ending;
    }
    free(buffer.mem);
}
