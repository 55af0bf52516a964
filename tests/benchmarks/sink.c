/*
 * A collectd writer that stores no values. It records when each value arrives and
 * the CPU time of the process until then, so that two read plugins can be compared
 * without the cost of a real writer.
 *
 *   <Plugin sink>
 *     File "/tmp/values"
 *   </Plugin>
 *
 * There is a line for each value: UNIX-SECONDS CPU-SECONDS IDENTIFIER
 *
 * It must cost little itself, because its cost is included in the figures. So lines
 * are written once a second and not one by one, and locks are held briefly. The CPU
 * time, which the kernel must add up over all threads (curl_json has one for each
 * device), is read once per sweep, at the first value after a pause. Later lines
 * repeat it.
 */
#include "plugin/collectd/config.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define SILENCE   MS_TO_CDTIME_T(300) /* shorter than a pause between sweeps */
#define LINE_SIZE (5 * DATA_MAX_NAME_LEN)

void module_register(void);

static FILE *file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cdtime_t last; /* the time of the last value; the lock protects this and `cpu` */
static double cpu;

static int configure(const char *key, const char *value)
{
    if (strcasecmp(key, "File") != 0)
        return -1;
    file = fopen(value, "we");
    return file ? 0 : -1;
}

/* Returns the CPU seconds that were used before the current values arrived. */
static double cpu_at(cdtime_t now)
{
    struct timespec used;
    double result;

    pthread_mutex_lock(&lock);
    if (now > last + SILENCE) {
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
        cpu = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
    }
    last = now;
    result = cpu;
    pthread_mutex_unlock(&lock);
    return result;
}

static int take(const data_set_t *set, const value_list_t *list, user_data_t *data)
{
    cdtime_t now = cdtime();
    char line[LINE_SIZE];
    int length =
        snprintf(line, sizeof(line), "%.6f %.6f %s-%s/%s-%s\n", CDTIME_T_TO_DOUBLE(now),
                 cpu_at(now), list->plugin, list->plugin_instance, list->type, list->type_instance);

    (void)set;
    (void)data;
    return fwrite(line, (size_t)length, 1, file) == 1 ? 0 : -1;
}

static int write_lines(user_data_t *data)
{
    (void)data;
    return fflush(file);
}

/* Registers take() only if a file is configured, so that take() always has a file. */
static int start(void)
{
    if (!file)
        return -1;
    setvbuf(file, NULL, _IOFBF, 1 << 16);
    plugin_register_complex_read(NULL, "sink", write_lines, TIME_T_TO_CDTIME_T(1), NULL);
    return plugin_register_write("sink", take, NULL);
}

static int stop(void)
{
    /* collectd's write threads have ended. The file stays open, because collectd still has our
     * callback. */
    return fflush(file);
}

void module_register(void)
{
    static const char *keys[] = {"File"};

    plugin_register_config("sink", configure, keys, 1);
    plugin_register_init("sink", start);
    plugin_register_shutdown("sink", stop);
}
