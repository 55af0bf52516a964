/*
 * A minimal read plugin, which dispatches as many values as a sweep of DEVICES
 * devices has: six constants for each device, all at the same time. Its cost is the
 * share of collectd itself, which every plugin causes.
 *
 *   <Plugin source>
 *     Devices 1000
 *   </Plugin>
 */
#include "plugin/collectd/config.h"

#include <stdio.h>
#include <stdlib.h>

void module_register(void);

static int devices;

static int configure(const char *key, const char *value)
{
    if (strcasecmp(key, "Devices") != 0)
        return -1;
    devices = atoi(value);
    return 0;
}

static void give(int device, const char *channel)
{
    value_t value = {.gauge = 1};
    value_list_t list = VALUE_LIST_INIT;

    list.values = &value;
    list.values_len = 1;
    snprintf(list.plugin, sizeof(list.plugin), "source");
    snprintf(list.plugin_instance, sizeof(list.plugin_instance), "%d", device);
    snprintf(list.type, sizeof(list.type), "gauge");
    snprintf(list.type_instance, sizeof(list.type_instance), "p1-%s", channel);
    plugin_dispatch_values(&list);
}

static int give_all(user_data_t *data)
{
    static const char *const channels[] = {"t1", "t2", "t3", "t4", "electric_power", "rate"};

    (void)data;
    for (int device = 0; device < devices; device++) {
        for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
            give(device, channels[i]);
    }
    return 0;
}

void module_register(void)
{
    static const char *keys[] = {"Devices"};

    plugin_register_config("source", configure, keys, 1);
    plugin_register_complex_read(NULL, "source", give_all, 0, NULL);
}
