/*
 * The callbacks of the collectd plugin.
 *
 * The config callback checks the configuration, and starts nothing, because
 * collectd forks after it. The init callback starts our threads. The read
 * callback dispatches the queued readings. The shutdown callback ends our
 * threads, after collectd has joined its read threads.
 *
 * collectd's config, init and shutdown callbacks have no parameter for our own
 * data, so there is one static context, which leads to everything else.
 */
#include <pthread.h>

#include "plugin/collectd/config.h"
#include "plugin/collectd/poller.h"

/* How often the read callback is called, unless a block's interval is shorter. Calls must be short:
 * a shutdown waits for the call, and so may another plugin if there are few read threads. */
#define CALLS_MS 200

#define PLUGINS_MAX 64 /* <Plugin cemm> blocks in all files together */

static struct {
    oconfig_item_t *plugins[PLUGINS_MAX];
    size_t plugin_count;
    struct settings *settings;
    struct poller *poller;
    pthread_t starter; /* collectd's main thread */
} self;

static int read_settings(void)
{
    int64_t interval = (int64_t)CDTIME_T_TO_MS(plugin_get_interval());

    settings_free(self.settings);
    self.settings = settings_read(self.plugins, self.plugin_count, interval);
    return self.settings ? 0 : -1;
}

/* collectd calls this once for each block. A wrong block can only be refused here, before it is
 * known whether more blocks follow. So each call reads all blocks so far, as one block. */
static int configure(oconfig_item_t *plugin)
{
    oconfig_item_t *copy = self.plugin_count < PLUGINS_MAX ? oconfig_clone(plugin) : NULL;

    if (!copy) {
        plugin_log(LOG_ERR, "cemm plugin: out of memory, or too many <Plugin cemm> blocks");
        return -1;
    }
    self.plugins[self.plugin_count++] = copy;
    return read_settings();
}

static int64_t calls_ms(void)
{
    int64_t interval = CALLS_MS;

    for (size_t i = 0; i < self.settings->count; i++) {
        if (self.settings->blocks[i].interval < interval)
            interval = self.settings->blocks[i].interval;
    }
    return interval;
}

/* Only `collectd -T` calls this in collectd's main thread, and it discards all values. So none may
 * be handed over then: the state file would record them as dispatched. */
static int hand_over(user_data_t *data)
{
    (void)data;
    if (!pthread_equal(self.starter, pthread_self()))
        poller_hand_over(self.poller, calls_ms());
    return 0;
}

static int start(void)
{
    if (self.poller)
        return 0;
    /* If there is no <Plugin cemm> block, configure() was not called, and the defaults apply. */
    if (!self.settings && (self.plugin_count || read_settings() != 0))
        return -1;
    self.starter = pthread_self();
    self.poller = poller_start(self.settings);
    if (!self.poller)
        return -1;
    /* One callback serves all blocks, because two callbacks could dispatch samples of the same
     * series at the same time (queue.c). */
    return plugin_register_complex_read("cemm", "cemm", hand_over, MS_TO_CDTIME_T(calls_ms()),
                                        NULL);
}

static int stop(void)
{
    poller_stop(self.poller);
    self.poller = NULL;
    settings_free(self.settings);
    self.settings = NULL;
    while (self.plugin_count)
        oconfig_free(self.plugins[--self.plugin_count]);
    return 0;
}

__attribute__((visibility("default"))) void module_register(void)
{
    plugin_register_complex_config("cemm", configure);
    plugin_register_init("cemm", start);
    plugin_register_shutdown("cemm", stop);
}
