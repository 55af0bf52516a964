/*
 * The simulated clock.
 *
 * Tests of the end of a day can't wait for midnight, so --now sets the clock and --speed sets its
 * rate. Only the meters use this clock. Promises, delays and the log use real time, as the client
 * does. A client that has its own time passes it in a file (--clock).
 */
#include "simclock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_us(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t real_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t real_ms(void)
{
    return real_us() / 1000;
}

int64_t monotonic_ms(void)
{
    return clock_us(CLOCK_MONOTONIC) / 1000;
}

struct simclock simclock_begin(int64_t begin_ms, double speed)
{
    return (struct simclock){
        .real = begin_ms < 0 && speed == 1.0,
        .begin_ms = begin_ms < 0 ? real_ms() : begin_ms,
        .anchor_ms = monotonic_ms(),
        .speed = speed,
    };
}

int simclock_follow(struct simclock *clock, const char *path)
{
    struct stat about;
    void *mapped;
    int r;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    r = fstat(fd, &about) < 0 ? -errno : 0;
    if (r == 0 && about.st_size < (off_t)sizeof(*clock->from_file))
        r = -EINVAL;
    if (r == 0) {
        mapped = mmap(NULL, sizeof(*clock->from_file), PROT_READ, MAP_SHARED, fd, 0);
        if (mapped == MAP_FAILED)
            r = -errno;
        else
            clock->from_file = mapped;
    }
    close(fd);
    return r;
}

void simclock_end(struct simclock *clock)
{
    if (clock->from_file)
        munmap((void *)clock->from_file, sizeof(*clock->from_file));
    clock->from_file = NULL;
}

int64_t simclock_now(const struct simclock *clock)
{
    if (clock->from_file)
        return __atomic_load_n(clock->from_file, __ATOMIC_SEQ_CST);
    if (clock->real)
        return real_ms();
    return clock->begin_ms + (int64_t)((double)(monotonic_ms() - clock->anchor_ms) * clock->speed);
}
