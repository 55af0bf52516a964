/*
 * A collectd writer that stores nothing: it notes when each value came, and
 * how much CPU the process had used by then. So two read plugins can be
 * compared without what a real writer costs both of them.
 *
 *   <Plugin sink>
 *     File "/tmp/values"
 *   </Plugin>
 *
 * One line a value: UNIX-SECONDS CPU-SECONDS IDENTIFIER
 */
#include "plugin/collectd/host.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

void module_register(void);

static FILE *file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int configure(const char *key, const char *value)
{
    if (strcasecmp(key, "File") != 0)
        return -1;
    file = fopen(value, "we");
    return file ? 0 : -1;
}

static int take(const data_set_t *set, const value_list_t *list, user_data_t *data)
{
    struct timespec cpu;

    (void)set;
    (void)data;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    pthread_mutex_lock(&lock);
    fprintf(file, "%.4f %ld.%06ld %s-%s/%s-%s\n", CDTIME_T_TO_DOUBLE(cdtime()), (long)cpu.tv_sec,
            cpu.tv_nsec / 1000, list->plugin, list->plugin_instance, list->type,
            list->type_instance);
    pthread_mutex_unlock(&lock);
    return 0;
}

/* Registered only with a file, so that take() always has one. */
static int start(void)
{
    if (!file)
        return -1;
    setvbuf(file, NULL, _IOLBF, 0);
    return plugin_register_write("sink", take, NULL);
}

static int stop(void)
{
    /* collectd still has our callback, but its threads that write have ended. */
    return fflush(file);
}

void module_register(void)
{
    static const char *keys[] = {"File"};

    plugin_register_config("sink", configure, keys, 1);
    plugin_register_init("sink", start);
    plugin_register_shutdown("sink", stop);
}
