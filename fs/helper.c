/*
 * Two queues and a thread between them. A job is handed over whole: it holds
 * numbers and names, never a node, so that nodes belong to one thread.
 */
#include "fs/helper.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct job {
    uint64_t number;
    int64_t offset;
    char name[TREE_NAME_SIZE]; /* "": forget the pages of `number`, else that name below it */
    helper_done_fn *done;
    void *data;
    STAILQ_ENTRY(job) next;
};

STAILQ_HEAD(job_queue, job);

struct helper {
    struct fuse_session *session;
    struct cemm *cemm;
    pthread_t thread;
    pthread_mutex_t mutex; /* protects all below */
    pthread_cond_t work;
    struct job_queue waiting;
    struct job_queue finished;
    bool at_work;
    bool ending;
};

static void tell_kernel(struct helper *helper, const struct job *job)
{
    /* It may know neither the inode nor the name any more; that is as good. */
    if (job->name[0] == '\0')
        (void)fuse_lowlevel_notify_inval_inode(helper->session, job->number, job->offset, 0);
    else
        (void)fuse_lowlevel_notify_inval_entry(helper->session, job->number, job->name,
                                               strlen(job->name));
}

static void *run(void *data)
{
    struct helper *helper = data;
    pthread_mutex_lock(&helper->mutex);
    while (!helper->ending) {
        struct job *job = STAILQ_FIRST(&helper->waiting);
        if (!job) {
            pthread_cond_wait(&helper->work, &helper->mutex);
            continue;
        }
        STAILQ_REMOVE_HEAD(&helper->waiting, next);
        helper->at_work = true;
        pthread_mutex_unlock(&helper->mutex);
        tell_kernel(helper, job);
        pthread_mutex_lock(&helper->mutex);
        helper->at_work = false;
        STAILQ_INSERT_TAIL(&helper->finished, job, next);
        cemm_wakeup(helper->cemm);
    }
    pthread_mutex_unlock(&helper->mutex);
    return NULL;
}

/* Signals are for the loop's thread. */
static int start_thread(struct helper *helper)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&helper->thread, NULL, run, helper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

struct helper *helper_new(struct fuse_session *session, struct cemm *cemm)
{
    struct helper *helper = calloc(1, sizeof(*helper));
    if (!helper)
        return NULL;
    helper->session = session;
    helper->cemm = cemm;
    STAILQ_INIT(&helper->waiting);
    STAILQ_INIT(&helper->finished);
    pthread_mutex_init(&helper->mutex, NULL);
    pthread_cond_init(&helper->work, NULL);
    if (start_thread(helper) != 0) {
        pthread_cond_destroy(&helper->work);
        pthread_mutex_destroy(&helper->mutex);
        free(helper);
        return NULL;
    }
    return helper;
}

static void free_jobs(struct job_queue *queue)
{
    struct job *job;
    while ((job = STAILQ_FIRST(queue))) {
        STAILQ_REMOVE_HEAD(queue, next);
        free(job);
    }
}

void helper_free(struct helper *helper)
{
    if (!helper)
        return;
    pthread_mutex_lock(&helper->mutex);
    helper->ending = true;
    pthread_cond_signal(&helper->work);
    pthread_mutex_unlock(&helper->mutex);
    pthread_join(helper->thread, NULL);
    free_jobs(&helper->waiting);
    free_jobs(&helper->finished);
    pthread_cond_destroy(&helper->work);
    pthread_mutex_destroy(&helper->mutex);
    free(helper);
}

static int add(struct helper *helper, const struct job *wanted)
{
    struct job *job = malloc(sizeof(*job));
    if (!job)
        return -ENOMEM;
    *job = *wanted;
    pthread_mutex_lock(&helper->mutex);
    STAILQ_INSERT_TAIL(&helper->waiting, job, next);
    pthread_cond_signal(&helper->work);
    pthread_mutex_unlock(&helper->mutex);
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
    size_t length = strlen(name);
    if (length >= sizeof(job.name))
        return -EINVAL;
    memcpy(job.name, name, length);
    return add(helper, &job);
}

void helper_collect(struct helper *helper)
{
    struct job_queue finished = STAILQ_HEAD_INITIALIZER(finished);
    struct job *job;
    pthread_mutex_lock(&helper->mutex);
    STAILQ_CONCAT(&finished, &helper->finished);
    pthread_mutex_unlock(&helper->mutex);
    while ((job = STAILQ_FIRST(&finished))) {
        STAILQ_REMOVE_HEAD(&finished, next);
        if (job->done)
            job->done(job->data);
        free(job);
    }
}

bool helper_busy(struct helper *helper)
{
    pthread_mutex_lock(&helper->mutex);
    bool busy =
        helper->at_work || !STAILQ_EMPTY(&helper->waiting) || !STAILQ_EMPTY(&helper->finished);
    pthread_mutex_unlock(&helper->mutex);
    return busy;
}
