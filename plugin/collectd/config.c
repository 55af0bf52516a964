/*
 * Translates collectd's CamelCase blocks to the settings of cemm.conf(5).
 *
 * Only the library decides what an option means and which values it takes, so
 * that `cemm` and the plugin agree. This file renames options, turns collectd's
 * typed values back into text, and adds the block and the option to messages.
 * It has rules only for options that the library does not have.
 *
 * The devices that discovery finds count as one more block, even if there is no
 * <Discovery> block. One run shows all mistakes: reading goes on after each one.
 */
#include "plugin/collectd/config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define INTERVAL_MIN_MS   100 /* a small device needs a pause between requests */
#define NUMBER_SIZE       32
#define WINDOW_MIN_MS     60000
#define WINDOW_DEFAULT_MS 86400000
#define STATE_FILE        "cemm.state"

struct reader {
    struct settings *settings;
    int64_t interval;
    unsigned mistakes;
    bool backfill;       /* a <Backfill> block was read */
    struct block block;  /* the block that is being read */
    const char *missing; /* a required option that is still missing; NULL: none */
};

/* The kinds of block that <Plugin cemm> may contain. */
static const struct kind {
    enum block_kind bit;
    const char *name;
    const char *section; /* the library's name for it; NULL: the library does not know it */
    /* The required option of a block that has a name; NULL: the block has no name. */
    const char *needed;
} kinds[] = {
    {CLOUD, "Cloud", "cloud", "ApiKeyFile"},
    {LOCAL, "Local", "local", "Address"},
    {DISCOVERY, "Discovery", "discovery", NULL},
    {BACKFILL, "Backfill", NULL, NULL},
};

/* Plugins whose writers can't take old values. rrdtool and rrdcached need each series in
 * chronological order. write_prometheus reports every value as current, and so does a collectd
 * that receives values from network, mqtt or amqp. */
static const char *const without_history[] = {
    "rrdtool", "rrdcached", "write_prometheus", "network", "mqtt", "amqp",
};

/* Logs a mistake in an option of the current block, or (`option` NULL) in the block as a whole. */
static void log_mistake(struct reader *reader, const char *option, const char *message)
{
    const char *label = reader->block.label;

    reader->mistakes++;
    plugin_log(LOG_ERR, "cemm plugin: %s%s%s%s%s", label, *label ? ": " : "", option ? option : "",
               option ? ": " : "", *message ? message : "out of memory");
}

/* ---- the plugin's own options ------------------------------------------------------- */

static const char *take_state_file(struct reader *reader, const char *value)
{
    bool absolute = value[0] == '/';
    struct stat about;
    char *file;

    if (!*value)
        return "is empty";
    if (asprintf(&file, "%s%s%s", absolute ? "" : global_option_get("BaseDir"), absolute ? "" : "/",
                 value) < 0)
        return "out of memory";
    free(reader->settings->state_file);
    reader->settings->state_file = file;
    if (stat(file, &about) == 0 && !S_ISREG(about.st_mode))
        return "is not a regular file";
    return NULL;
}

/* Reads seconds as milliseconds. `range` is the message for a number that is out of range. */
static const char *take_seconds(const char *value, double min_ms, double max_ms, const char *range,
                                int64_t *ret_ms)
{
    char *end;
    double ms = strtod(value, &end) * 1000;

    if (end == value || *end || strspn(value, "0123456789.") != strlen(value))
        return "is not a number of seconds";
    if (ms < min_ms || ms > max_ms)
        return range;
    *ret_ms = (int64_t)(ms + 0.5);
    return NULL;
}

static const char *take_interval(struct reader *reader, const char *value)
{
    return take_seconds(value, INTERVAL_MIN_MS, INTERVAL_MAX_MS,
                        "must be between 0.1 and 86400 seconds", &reader->block.interval);
}

static const char *take_host(struct reader *reader, const char *value)
{
    size_t length = strlen(value);

    if (!length)
        return "is empty";
    if (length >= sizeof(reader->block.host))
        return "is too long for collectd";
    if (strchr(value, '/'))
        return "must not contain a slash";
    memcpy(reader->block.host, value, length + 1);
    return NULL;
}

/* Whether a writer can't take old values. In write_graphite/main the plugin is write_graphite. */
static bool lacks_history(const char *writer)
{
    size_t length = strcspn(writer, "/");

    for (size_t i = 0; i < sizeof(without_history) / sizeof(without_history[0]); i++) {
        if (strlen(without_history[i]) == length &&
            strncasecmp(without_history[i], writer, length) == 0)
            return true;
    }
    return false;
}

static const char *take_writer(struct reader *reader, const char *value)
{
    struct settings *settings = reader->settings;

    if (!*value || !cemm_sink_valid(value))
        return "is not the name of a writer";
    if (lacks_history(value))
        return "this writer cannot take old values";
    for (size_t i = 0; i < settings->writer_count; i++)
        if (strcasecmp(settings->writers[i], value) == 0)
            return "is named twice";
    if (settings->writer_count == WRITERS_MAX)
        return "too many of them";
    settings->writers[settings->writer_count] = strdup(value);
    if (!settings->writers[settings->writer_count])
        return "out of memory";
    settings->writer_count++;
    return NULL;
}

static const char *take_window(struct reader *reader, const char *value)
{
    return take_seconds(value, WINDOW_MIN_MS, CEMM_WINDOW_MAX * 1000.0,
                        "must be between 60 and 2678400 seconds", &reader->settings->window);
}

/* ---- options ------------------------------------------------------------------------ */

/* Each option: collectd's name for it, the library's name, and the blocks that may have it. */
static const struct option {
    const char *name;
    const char *key; /* NULL: it is the plugin's own option, read by `take` */
    unsigned kinds;
    const char *(*take)(struct reader *reader, const char *value); /* returns NULL, or an error */
} options[] = {
    {"TimeZone", "time-zone", GLOBAL, NULL},
    {"StateFile", NULL, GLOBAL, take_state_file},
    {"ApiKeyFile", "api-key-file", CLOUD, NULL},
    {"Address", "address", LOCAL, NULL},
    {"URL", "url", CLOUD, NULL},
    {"CAFile", "ca-file", CLOUD, NULL},
    {"Device", "device", CLOUD, NULL},
    {"MaxConnections", "max-connections", CLOUD, NULL},
    {"Shard", "shard", CLOUD, NULL},
    {"ExtraAlias", "extra-alias", LOCAL, NULL},
    {"Alias", "alias", CLOUD | LOCAL, NULL},
    {"Timeout", "timeout", CLOUD | LOCAL, NULL},
    {"Interval", NULL, CLOUD | LOCAL, take_interval},
    {"Host", NULL, CLOUD | LOCAL, take_host},
    {"Enabled", "enabled", DISCOVERY, NULL},
    {"Broadcast", "broadcast", DISCOVERY, NULL},
    {"Interval", "interval", DISCOVERY, NULL}, /* between two searches, not two readings */
    {"Writer", NULL, BACKFILL, take_writer},
    {"Window", NULL, BACKFILL, take_window},
};

/* Removes the library's name of an option from a message, to which we add collectd's name. */
static const char *without_key(const char *message, const char *key)
{
    size_t length = strlen(key);

    if (strncmp(message, key, length) != 0)
        return message;
    message += length;
    return message + strspn(message, " =:");
}

/* Returns the value of an item as text, which is in `buffer` if it was a number. NULL: the item
 * does not have exactly one value. */
static const char *value_text(const oconfig_item_t *item, char buffer[NUMBER_SIZE])
{
    const oconfig_value_t *value = item->values;

    if (item->values_num != 1)
        return NULL;
    if (value->type == OCONFIG_TYPE_STRING)
        return value->value.string;
    if (value->type == OCONFIG_TYPE_BOOLEAN)
        return value->value.boolean ? "true" : "false";
    /* 0.1 must not become 0.10000000000000001, because messages quote it. */
    (void)snprintf(buffer, NUMBER_SIZE, "%.15g", value->value.number);
    return buffer;
}

/* Finds the option of that name, preferably one that belongs in this kind of block; or NULL. */
static const struct option *find_option(const char *name, enum block_kind kind)
{
    const struct option *found = NULL;

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcasecmp(options[i].name, name) == 0 && (!found || options[i].kinds & kind))
            found = &options[i];
    }
    return found;
}

static void set_option(struct reader *reader, const struct option *option, const char *value)
{
    struct cemm_message message = {""};

    if (!option->take) {
        if (cemm_config_set(reader->settings->config, option->key, value, &message) < 0)
            log_mistake(reader, option->name, without_key(message.text, option->key));
        return;
    }
    const char *wrong = option->take(reader, value);
    if (!wrong)
        return;
    if (option->kinds == BACKFILL && cemm_sink_valid(value)) { /* shows which value is meant */
        cemm_message_set(&message, "%s: \"%.100s\"", wrong, value);
        wrong = message.text;
    }
    log_mistake(reader, option->name, wrong);
}

static void read_option(struct reader *reader, const oconfig_item_t *item)
{
    const struct option *option = find_option(item->key, reader->block.kind);
    char buffer[NUMBER_SIZE];
    const char *value = value_text(item, buffer);

    if (!option)
        log_mistake(reader, item->key, "unknown option");
    else if (!(option->kinds & reader->block.kind))
        log_mistake(reader, item->key, "does not belong in this kind of block");
    else if (item->children_num)
        log_mistake(reader, item->key, "is not a block");
    else if (!value)
        log_mistake(reader, item->key, "needs exactly one value");
    else
        set_option(reader, option, value);
    if (option && reader->missing && strcmp(option->name, reader->missing) == 0)
        reader->missing = NULL;
}

/* ---- blocks ------------------------------------------------------------------------- */

/* `name` is "" for a block without a name. */
static void begin_block(struct reader *reader, const struct kind *kind, const char *name)
{
    struct block *block = &reader->block;

    *block = (struct block){.kind = kind->bit, .interval = reader->interval};
    (void)snprintf(block->label, sizeof(block->label), *name ? "<%s \"%s\">" : "<%s>", kind->name,
                   name);
    if (kind->section)
        (void)snprintf(block->source, sizeof(block->source), *name ? "%s %s" : "%s", kind->section,
                       name);
}

static void read_block(struct reader *reader, const struct kind *kind, const oconfig_item_t *item)
{
    struct settings *settings = reader->settings;
    char buffer[NUMBER_SIZE];
    const char *name = kind->needed ? value_text(item, buffer) : "";
    struct cemm_message message = {""};

    if (!name || (kind->needed && !cemm_name_valid(name))) {
        log_mistake(reader, item->key,
                    "the block needs one name, of 1 to 64 characters from A-Z a-z 0-9 _ . -");
        return;
    }
    begin_block(reader, kind, name);
    if (!kind->needed && item->values_num)
        log_mistake(reader, NULL, "takes no name");
    if (kind->bit == BACKFILL && reader->backfill)
        log_mistake(reader, NULL, "a second block of this kind");
    reader->backfill |= kind->bit == BACKFILL;
    if (kind->section && cemm_config_section(settings->config, kind->section, name, &message) < 0) {
        log_mistake(reader, NULL, message.text);
    } else {
        reader->missing = kind->needed;
        for (int i = 0; i < item->children_num; i++)
            read_option(reader, &item->children[i]);
        if (reader->missing)
            log_mistake(reader, reader->missing, "is missing");
        if (kind->needed)
            settings->blocks[settings->count++] = reader->block;
    }
    reader->block = (struct block){.kind = GLOBAL};
}

static const struct kind *find_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcasecmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}

/* Reads either only the blocks, or only the options outside of them. */
static void read_plugin(struct reader *reader, const oconfig_item_t *plugin, bool blocks)
{
    for (int i = 0; i < plugin->children_num; i++) {
        const oconfig_item_t *item = &plugin->children[i];
        const struct kind *kind = find_kind(item->key);

        if (kind && blocks)
            read_block(reader, kind, item);
        else if (!kind && !blocks)
            read_option(reader, item);
    }
}

/* ---- all blocks --------------------------------------------------------------------- */

static void finish(struct reader *reader)
{
    struct settings *settings = reader->settings;
    struct cemm_message message = {""};
    const char *wrong = settings->state_file ? NULL : take_state_file(reader, STATE_FILE);

    if (wrong)
        log_mistake(reader, "StateFile", wrong);
    if (reader->mistakes)
        return;
    if (cemm_config_finish(settings->config, &message) < 0) {
        log_mistake(reader, NULL, message.text);
    } else if (cemm_config_discovers(settings->config)) {
        begin_block(reader, find_kind("Discovery"), "");
        settings->blocks[settings->count++] = reader->block;
    } else if (!settings->count) {
        log_mistake(reader, NULL, "there is no <Cloud> and no <Local> block: nothing to read");
    }
}

struct settings *settings_read(oconfig_item_t *const *plugins, size_t count, int64_t interval)
{
    struct settings *settings = calloc(1, sizeof(*settings));
    struct reader reader = {.settings = settings, .interval = interval, .block.kind = GLOBAL};

    if (settings) {
        settings->config = cemm_config_new();
        settings->window = WINDOW_DEFAULT_MS;
    }
    if (settings && settings->config &&
        cemm_config_base(settings->config, global_option_get("BaseDir")) == 0) {
        /* The library takes global options only before the first section. */
        for (size_t i = 0; i < count; i++)
            read_plugin(&reader, plugins[i], false);
        for (size_t i = 0; i < count; i++)
            read_plugin(&reader, plugins[i], true);
        finish(&reader);
    } else {
        log_mistake(&reader, NULL, "out of memory");
    }
    if (!reader.mistakes)
        return settings;
    settings_free(settings);
    return NULL;
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings->writer_count; i++)
        free(settings->writers[i]);
    free(settings->state_file);
    cemm_config_free(settings->config);
    free(settings);
}
