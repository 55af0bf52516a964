/*
 * The collectd plugin: its callbacks, and nothing that waits.
 *
 * Order of events, and why. The config callback checks everything and starts
 * nothing: collectd forks after it. The init callback starts the thread. The read
 * callback hands over what that thread has laid ready. The shutdown callback
 * ends it, when collectd has joined its own threads.
 *
 * collectd's config, init and shutdown callbacks carry no data of ours, so
 * there is one static context; all else is reached from it.
 */
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/config.h"
#include "plugin/collectd/host.h"
#include "plugin/collectd/poller.h"

/* How long a value may lie ready before it is fetched, where the interval is not shorter still. It
 * is no sweep, only a look at a list. */
#define HANDOVER_MS 1000

#define PLUGINS_MAX 64 /* <Plugin cemm> blocks, in however many files */

_Static_assert(CEMM_FIELD_SIZE <= DATA_MAX_NAME_LEN, "an identity must fit collectd's fields");

static struct {
    oconfig_item_t *plugins[PLUGINS_MAX];
    size_t plugin_count;
    struct settings *settings;
    struct poller *poller;
} self;

static int read_settings(void)
{
    int64_t interval = (int64_t)CDTIME_T_TO_MS(plugin_get_interval());

    settings_free(self.settings);
    self.settings = settings_read(self.plugins, self.plugin_count, interval);
    return self.settings ? 0 : -1;
}

/* collectd knows only then that a block was the last one, when it is too late to refuse it: so each
 * further block has all of them read anew, as one. */
static int configure(oconfig_item_t *plugin)
{
    oconfig_item_t *copy = self.plugin_count < PLUGINS_MAX ? oconfig_clone(plugin) : NULL;

    if (!copy) {
        plugin_log(LOG_ERR, "cemm plugin: too many <Plugin cemm> blocks, or no memory");
        return -1;
    }
    self.plugins[self.plugin_count++] = copy;
    return read_settings();
}

/* All texts come from fields of this size or from literals, see the assertion above. */
static void fill(char field[DATA_MAX_NAME_LEN], const char *text)
{
    memcpy(field, text, strlen(text) + 1);
}

static void dispatch(const struct reading *reading)
{
    const struct block *block = reading->block;
    const struct cemm_identity *identity = &reading->identity;
    int64_t cadence = (int64_t)identity->cadence * 1000;
    int64_t interval = cadence > block->interval ? cadence : block->interval;
    value_t value = {.gauge = reading->value};
    value_list_t list = VALUE_LIST_INIT;

    list.values = &value;
    list.values_len = 1;
    list.time = MS_TO_CDTIME_T(reading->time);
    list.interval = MS_TO_CDTIME_T(interval);
    fill(list.host, block->host); /* empty: collectd puts its own there */
    fill(list.plugin, "cemm");
    fill(list.plugin_instance, identity->plugin_instance);
    fill(list.type, identity->type);
    fill(list.type_instance, identity->type_instance);
    plugin_dispatch_values(&list);
}

static int hand_over(user_data_t *data)
{
    struct reading *reading = queue_take(data->data);

    while (reading) {
        struct reading *done = reading;

        dispatch(reading);
        reading = reading->next;
        free(done);
    }
    return 0;
}

/* One for all blocks: side by side, two would give samples of one series at a time (see queue.c).
 */
static int register_reader(void)
{
    int64_t interval = HANDOVER_MS;
    user_data_t data = {.data = poller_queue(self.poller)};

    for (size_t i = 0; i < self.settings->count; i++) {
        if (self.settings->blocks[i].interval < interval)
            interval = self.settings->blocks[i].interval;
    }
    return plugin_register_complex_read("cemm", "cemm", hand_over, MS_TO_CDTIME_T(interval), &data);
}

static int start(void)
{
    if (self.poller)
        return 0;
    /* Without a <Plugin cemm> block nobody has called configure(): the defaults hold. */
    if (!self.settings && (self.plugin_count || read_settings() != 0))
        return -1;
    self.poller = poller_start(self.settings);
    return self.poller ? register_reader() : -1;
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
