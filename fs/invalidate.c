/*
 * A notice is a message to the thread, which sends it back when the kernel has
 * been told. The socket buffers limit the number of notices.
 */
#include "fs/invalidate.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void *run(void *data)
{
    const struct invalidate *invalidate = data;
    struct notice notice;
    while (recv(invalidate->thread_end, &notice, sizeof(notice), 0) == (ssize_t)sizeof(notice)) {
        /* It is not a failure if the kernel has forgotten the inode or the name already. */
        if (notice.name[0] == '\0')
            (void)fuse_lowlevel_notify_inval_inode(invalidate->session, notice.number,
                                                   notice.offset, 0);
        else
            (void)fuse_lowlevel_notify_inval_entry(invalidate->session, notice.number, notice.name,
                                                   strlen(notice.name));
        if (send(invalidate->thread_end, &notice, sizeof(notice), MSG_NOSIGNAL) < 0)
            break;
    }
    return NULL;
}

int invalidate_start(struct invalidate *ret_invalidate, struct fuse_session *session)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    *ret_invalidate =
        (struct invalidate){.session = session, .ours = ends[0], .thread_end = ends[1]};
    int error = pthread_create(&ret_invalidate->thread, NULL, run, ret_invalidate);
    if (error == 0)
        return 0;
    close(ends[0]);
    close(ends[1]);
    return -error;
}

void invalidate_end(struct invalidate *invalidate)
{
    close(invalidate->ours);
    pthread_join(invalidate->thread, NULL);
    close(invalidate->thread_end);
}

bool invalidate_send(struct invalidate *invalidate, const struct notice *notice)
{
    if (send(invalidate->ours, notice, sizeof(*notice), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return false;
    invalidate->under_way++;
    return true;
}

void invalidate_collect(struct invalidate *invalidate)
{
    struct notice notice;
    while (recv(invalidate->ours, &notice, sizeof(notice), MSG_DONTWAIT) ==
           (ssize_t)sizeof(notice)) {
        invalidate->under_way--;
        if (notice.done)
            notice.done(notice.data);
    }
}
