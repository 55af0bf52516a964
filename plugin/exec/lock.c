#include "plugin/exec/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_MODE 0640

static int take(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, LOCK_MODE);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

int lock_take(const char *path, struct cemm_words *words)
{
    char *target = cemm_link_target(path);
    char *name = NULL;
    int r = target ? 0 : -errno;
    if (r == 0 && asprintf(&name, "%s.lock", target) < 0) {
        name = NULL;
        r = -ENOMEM;
    }
    if (r == 0)
        r = take(name);
    const char *what = r == -EWOULDBLOCK ? "is used by another process" : strerror(-r);
    if (r < 0)
        cemm_words_set(words, "%.200s: %s", path, what);
    free(name);
    free(target);
    return r;
}
