/*
 * A job is a message to the thread, and comes back when it is done. It holds
 * numbers and names, never a node, so that nodes belong to one thread. The
 * buffers of the sockets bound how many there are at a time.
 */
#include "fs/helper.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fs/tree.h"

struct job {
    uint64_t number;
    int64_t offset;
    char name[TREE_NAME_SIZE]; /* "": forget the pages of `number`, else that name below it */
    helper_done_fn *done;
    void *data;
};

static void tell_kernel(struct fuse_session *session, const struct job *job)
{
    /* It may know neither the inode nor the name any more; that is as good. */
    if (job->name[0] == '\0')
        (void)fuse_lowlevel_notify_inval_inode(session, job->number, job->offset, 0);
    else
        (void)fuse_lowlevel_notify_inval_entry(session, job->number, job->name, strlen(job->name));
}

static void *run(void *data)
{
    const struct helper *helper = data;
    struct job job;
    while (recv(helper->its, &job, sizeof(job), 0) == (ssize_t)sizeof(job)) {
        tell_kernel(helper->session, &job);
        if (send(helper->its, &job, sizeof(job), MSG_NOSIGNAL) < 0)
            break;
    }
    return NULL;
}

int helper_start(struct helper *ret_helper, struct fuse_session *session)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    *ret_helper = (struct helper){.session = session, .ours = ends[0], .its = ends[1]};
    int error = pthread_create(&ret_helper->thread, NULL, run, ret_helper);
    if (error == 0)
        return 0;
    close(ends[0]);
    close(ends[1]);
    return -error;
}

void helper_end(struct helper *helper)
{
    close(helper->ours);
    pthread_join(helper->thread, NULL);
    close(helper->its);
}

static int add(struct helper *helper, const struct job *job)
{
    if (send(helper->ours, job, sizeof(*job), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return -EAGAIN;
    helper->under_way++;
    return 0;
}

int helper_forget_pages(struct helper *helper, uint64_t number, int64_t offset,
                        helper_done_fn *done, void *data)
{
    return add(helper,
               &(struct job){.number = number, .offset = offset, .done = done, .data = data});
}

int helper_forget_name(struct helper *helper, uint64_t directory, const char *name)
{
    struct job job = {.number = directory};
    memcpy(job.name, name, strnlen(name, sizeof(job.name) - 1));
    return add(helper, &job);
}

void helper_collect(struct helper *helper)
{
    struct job job;
    while (recv(helper->ours, &job, sizeof(job), MSG_DONTWAIT) == (ssize_t)sizeof(job)) {
        helper->under_way--;
        if (job.done)
            job.done(job.data);
    }
}
