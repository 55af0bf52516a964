/*
 * A job is a message to the thread, which sends it back when it is done. It
 * holds numbers and names, never a node, so that nodes belong to one thread.
 * The socket buffers limit the number of jobs.
 */
#include "fs/invalidate.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fs/tree.h"

struct job {
    uint64_t number;
    int64_t offset;
    char name[TREE_PATH_SIZE]; /* "": the pages of `number`, else this name in directory `number` */
    invalidate_done_fn *done;
    void *data;
};

static void *run(void *data)
{
    const struct invalidate *invalidate = data;
    struct job job;
    while (recv(invalidate->thread_end, &job, sizeof(job), 0) == (ssize_t)sizeof(job)) {
        /* It is not a failure if the kernel has forgotten the inode or the name already. */
        if (job.name[0] == '\0')
            (void)fuse_lowlevel_notify_inval_inode(invalidate->session, job.number, job.offset, 0);
        else
            (void)fuse_lowlevel_notify_inval_entry(invalidate->session, job.number, job.name,
                                                   strlen(job.name));
        if (send(invalidate->thread_end, &job, sizeof(job), MSG_NOSIGNAL) < 0)
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

static int add(struct invalidate *invalidate, const struct job *job)
{
    if (send(invalidate->ours, job, sizeof(*job), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return -EAGAIN;
    invalidate->under_way++;
    return 0;
}

int invalidate_pages(struct invalidate *invalidate, uint64_t number, int64_t offset,
                     invalidate_done_fn *done, void *data)
{
    return add(invalidate,
               &(struct job){.number = number, .offset = offset, .done = done, .data = data});
}

int invalidate_name(struct invalidate *invalidate, uint64_t directory, const char *name)
{
    struct job job = {.number = directory};
    memcpy(job.name, name, strnlen(name, sizeof(job.name) - 1));
    return add(invalidate, &job);
}

void invalidate_collect(struct invalidate *invalidate)
{
    struct job job;
    while (recv(invalidate->ours, &job, sizeof(job), MSG_DONTWAIT) == (ssize_t)sizeof(job)) {
        invalidate->under_way--;
        if (job.done)
            job.done(job.data);
    }
}
