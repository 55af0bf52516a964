/*
 * From collectd's CamelCase blocks to the settings of spec §3.
 *
 * What an option means, and which values it takes, is decided by the library
 * alone: the same file must not be right for `cemm` and wrong here. So this
 * room only renames, turns collectd's typed values back into text, and says
 * where a mistake stands. A source's Interval and Host belong to the plugin,
 * because only it has them.
 *
 * Discovery is one more block to sweep, whether it is written or not: the
 * library says in the end whether it is on.
 *
 * It goes on after a mistake, so that one test run shows them all.
 */
#include "plugin/collectd/config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define INTERVAL_MIN_MS 100 /* a small device must not be asked without a pause */
#define NUMBER_SIZE     32
#define DISCOVERY_LABEL "<Discovery>"
#define BACKFILL_LABEL  "<Backfill>"
#define WRITERS_MAX     16
#define WINDOW_MIN_S    60
#define WINDOW_DEFAULT  86400
#define STATE_FILE      "cemm.state"
#define BLOCKS_MAX      1025 /* the library's greatest number of sources, and discovery */

struct reader {
    struct settings *settings;
    int64_t interval;
    unsigned mistakes;
    bool backfill; /* there was such a block */
};

/* Returns NULL, or what is wrong with the value. */
typedef const char *take_fn(struct block *block, const char *value);

static take_fn take_interval;
static take_fn take_host;

/* collectd's names of the options, the library's, and where they may stand. The first option of a
 * kind of source is the one that it must have. */
static const struct option {
    const char *name;
    const char *key; /* NULL: the plugin's own */
    unsigned kinds;
    take_fn *take;
} options[] = {
    {"ApiKeyFile", "api-key-file", CLOUD, NULL},
    {"Address", "address", LOCAL, NULL},
    {"URL", "url", CLOUD, NULL},
    {"CAFile", "ca-file", CLOUD, NULL},
    {"Device", "device", CLOUD, NULL},
    {"MaxConnections", "max-connections", CLOUD, NULL},
    {"ExtraAlias", "extra-alias", LOCAL, NULL},
    {"Alias", "alias", CLOUD | LOCAL, NULL},
    {"Timeout", "timeout", CLOUD | LOCAL, NULL},
    {"Interval", NULL, CLOUD | LOCAL, take_interval},
    {"Host", NULL, CLOUD | LOCAL, take_host},
    {"Enabled", "enabled", DISCOVERY, NULL},
    {"Broadcast", "broadcast", DISCOVERY, NULL},
    {"Interval", "interval", DISCOVERY, NULL}, /* of looking for devices, not of reading them */
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

/* Writers that cannot take old values, by the names of their plugins: the first two want each
 * series in order; write_prometheus shows whatever comes as the present, and so does a collectd
 * behind the others. */
static const char *const timid[] = {
    "rrdtool", "rrdcached", "write_prometheus", "network", "mqtt", "amqp",
};

#define TIMID_COUNT (sizeof(timid) / sizeof(timid[0]))

/* `where` is a block, `what` an option in it; NULL: none. */
static void mistake(struct reader *reader, const char *where, const char *what, const char *words)
{
    reader->mistakes++;
    plugin_log(LOG_ERR, "cemm plugin: %s%s%s%s%s", where ? where : "", where ? ": " : "",
               what ? what : "", what ? ": " : "", words);
}

static const char *take_interval(struct block *block, const char *value)
{
    char *end;
    double milliseconds = strtod(value, &end) * 1000;

    if (end == value || *end || strspn(value, "0123456789.") != strlen(value))
        return "is no number of seconds";
    if (!(milliseconds >= INTERVAL_MIN_MS && milliseconds <= INTERVAL_MAX_MS))
        return "must lie between 0.1 and 86400 seconds";
    block->interval = (int64_t)(milliseconds + 0.5);
    return NULL;
}

static const char *take_host(struct block *block, const char *value)
{
    size_t length = strlen(value);

    if (!length)
        return "is empty";
    if (length >= sizeof(block->host))
        return "is too long for collectd";
    if (strchr(value, '/'))
        return "must hold no slash";
    memcpy(block->host, value, length + 1);
    return NULL;
}

/* The library repeats its own name of the option, which stands before the words already. */
static const char *without_key(const char *words, const char *key)
{
    size_t length = strlen(key);

    if (strncmp(words, key, length) != 0)
        return *words ? words : "no memory";
    words += length;
    return words + strspn(words, " =:");
}

/* The one value of an item as text, in `buffer` where it was a number; NULL if it has not one. */
static const char *value_text(const oconfig_item_t *item, char buffer[NUMBER_SIZE])
{
    const oconfig_value_t *value = item->values;

    if (item->values_num != 1)
        return NULL;
    if (value->type == OCONFIG_TYPE_STRING)
        return value->value.string;
    if (value->type == OCONFIG_TYPE_BOOLEAN)
        return value->value.boolean ? "true" : "false";
    /* 0.1 must not become 0.10000000000000001: the library repeats it in messages. */
    if (snprintf(buffer, NUMBER_SIZE, "%.15g", value->value.number) >= NUMBER_SIZE)
        return NULL;
    return buffer;
}

/* The same, with a mistake reported; `where` may be NULL. */
static const char *option_text(struct reader *reader, const char *where, const oconfig_item_t *item,
                               char buffer[NUMBER_SIZE])
{
    const char *text = NULL;

    if (item->children_num)
        mistake(reader, where, item->key, "is no block");
    else if (!(text = value_text(item, buffer)))
        mistake(reader, where, item->key, "needs exactly one value");
    return text;
}

/* The option of that name in this kind of block; else in another kind; else NULL. */
static const struct option *find_option(const char *name, enum block_kind kind)
{
    const struct option *found = NULL;

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcasecmp(options[i].name, name) == 0 && (!found || options[i].kinds & kind))
            found = &options[i];
    }
    return found;
}

static void read_option(struct reader *reader, struct block *block, const oconfig_item_t *item)
{
    const struct option *option = find_option(item->key, block->kind);
    char buffer[NUMBER_SIZE];
    struct cemm_words words = {""};
    const char *value;
    const char *wrong = NULL;

    if (!option || !(option->kinds & block->kind)) {
        mistake(reader, block->label, item->key,
                option ? "does not belong in this kind of block" : "unknown option");
        return;
    }
    value = option_text(reader, block->label, item, buffer);
    if (!value)
        return;
    if (option->take)
        wrong = option->take(block, value);
    else if (cemm_config_set(reader->settings->config, option->key, value, &words) < 0)
        wrong = without_key(words.text, option->key);
    if (wrong)
        mistake(reader, block->label, option->name, wrong);
}

static const char *section_of(enum block_kind kind)
{
    return kind == CLOUD ? "cloud" : "local";
}

/* Gives a block its names; false if there is no memory for them. */
static bool name_block(struct block *block, const char *name)
{
    const char *label = block->kind == CLOUD ? "Cloud" : "Local";

    if (block->kind == DISCOVERY) {
        block->label = strdup(DISCOVERY_LABEL);
        block->source = strdup("discovery");
        return block->label && block->source;
    }
    if (asprintf(&block->label, "<%s \"%s\">", label, name) < 0)
        block->label = NULL;
    if (asprintf(&block->source, "%s %s", section_of(block->kind), name) < 0)
        block->source = NULL;
    return block->label && block->source;
}

/* Makes room for a block and names it; NULL if that fails, which is reported. */
static struct block *add_block(struct reader *reader, enum block_kind kind, const char *name)
{
    struct settings *settings = reader->settings;
    struct block *block = &settings->blocks[settings->count];

    if (settings->count == BLOCKS_MAX) {
        mistake(reader, NULL, NULL, "too many blocks");
        return NULL;
    }
    *block = (struct block){.kind = kind, .interval = reader->interval};
    settings->count++;
    if (!name_block(block, name)) {
        mistake(reader, NULL, NULL, "no memory");
        return NULL;
    }
    return block;
}

static void read_block(struct reader *reader, enum block_kind kind, const oconfig_item_t *item)
{
    char buffer[NUMBER_SIZE];
    const char *name = value_text(item, buffer);
    struct cemm_words words = {""};
    struct block *block;

    if (!name || !cemm_name_valid(name)) {
        mistake(reader, NULL, item->key,
                "the block needs one name, of 1 to 64 of A-Z a-z 0-9 _ . -");
        return;
    }
    block = add_block(reader, kind, name);
    if (!block)
        return;
    if (cemm_config_section(reader->settings->config, section_of(kind), name, &words) < 0) {
        mistake(reader, block->label, NULL, without_key(words.text, ""));
        return;
    }
    for (int i = 0; i < item->children_num; i++)
        read_option(reader, block, &item->children[i]);
}

/* Only the settings: whether there is something to sweep is known in the end. */
static void read_discovery(struct reader *reader, const oconfig_item_t *item)
{
    char label[] = DISCOVERY_LABEL;
    struct block block = {.kind = DISCOVERY, .label = label};
    struct cemm_words words = {""};

    if (item->values_num) {
        mistake(reader, label, NULL, "is a block without a name");
        return;
    }
    if (cemm_config_section(reader->settings->config, "discovery", "", &words) < 0) {
        mistake(reader, label, NULL, without_key(words.text, ""));
        return;
    }
    for (int i = 0; i < item->children_num; i++)
        read_option(reader, &block, &item->children[i]);
}

static void read_zone(struct reader *reader, const oconfig_item_t *item)
{
    char buffer[NUMBER_SIZE];
    const char *value = option_text(reader, NULL, item, buffer);
    struct cemm_words words = {""};

    if (value && cemm_config_set(reader->settings->config, "time-zone", value, &words) < 0)
        mistake(reader, NULL, "TimeZone", without_key(words.text, "time-zone"));
}

static void read_state_file(struct reader *reader, const oconfig_item_t *item)
{
    char buffer[NUMBER_SIZE];
    const char *value = option_text(reader, NULL, item, buffer);
    char *file = NULL;
    struct stat about;

    if (!value)
        return;
    if (*value && asprintf(&file, "%s%s%s", value[0] == '/' ? "" : global_option_get("BaseDir"),
                           value[0] == '/' ? "" : "/", value) < 0)
        file = NULL;
    if (!file) {
        mistake(reader, NULL, "StateFile", *value ? "no memory" : "is empty");
        return;
    }
    if (stat(file, &about) == 0 && !S_ISREG(about.st_mode)) {
        mistake(reader, NULL, "StateFile", "is there and is no regular file");
        free(file);
        return;
    }
    free(reader->settings->state_file);
    reader->settings->state_file = file;
}

/* ---- backfill -------------------------------------------------------------------- */

/* The plugin's name is what stands before a slash: write_graphite/main. */
static bool is_timid(const char *writer)
{
    size_t length = strcspn(writer, "/");

    for (size_t i = 0; i < TIMID_COUNT; i++) {
        if (strlen(timid[i]) == length && strncasecmp(timid[i], writer, length) == 0)
            return true;
    }
    return false;
}

static bool is_printable(const char *text)
{
    while (*text && (unsigned char)*text >= ' ' && *text != 0x7f)
        text++;
    return !*text;
}

static bool has_writer(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->writer_count; i++) {
        if (strcasecmp(settings->writers[i], name) == 0)
            return true;
    }
    return false;
}

static const char *take_writer(struct settings *settings, const char *value)
{
    char **writers;

    if (!*value || strlen(value) >= CEMM_TAKER_SIZE || !is_printable(value))
        return "is no name of a writer";
    if (is_timid(value))
        return "this writer cannot take old values";
    if (has_writer(settings, value))
        return "is named twice";
    if (settings->writer_count == WRITERS_MAX)
        return "too many of them";
    writers = realloc(settings->writers, (settings->writer_count + 1) * sizeof(*writers));
    if (!writers)
        return "no memory";
    settings->writers = writers;
    writers[settings->writer_count] = strdup(value);
    if (!writers[settings->writer_count])
        return "no memory";
    settings->writer_count++;
    return NULL;
}

static const char *take_window(struct settings *settings, const char *value)
{
    char *end;
    double seconds = strtod(value, &end);

    if (end == value || *end || strspn(value, "0123456789.") != strlen(value))
        return "is no number of seconds";
    if (!(seconds >= WINDOW_MIN_S && seconds <= CEMM_WINDOW_MAX))
        return "must lie between 60 and 2678400 seconds";
    settings->window = (int64_t)seconds;
    return NULL;
}

static void read_backfill_option(struct reader *reader, const oconfig_item_t *item)
{
    char buffer[NUMBER_SIZE];
    char words[200];
    const char *wrong = NULL;
    const char *value;

    if (strcasecmp(item->key, "Writer") != 0 && strcasecmp(item->key, "Window") != 0) {
        mistake(reader, BACKFILL_LABEL, item->key, "unknown option");
        return;
    }
    value = option_text(reader, BACKFILL_LABEL, item, buffer);
    if (value && strcasecmp(item->key, "Writer") == 0)
        wrong = take_writer(reader->settings, value);
    else if (value)
        wrong = take_window(reader->settings, value);
    if (!wrong)
        return;
    /* There may be several of them in a block, so it is named. */
    (void)snprintf(words, sizeof(words), is_printable(value) ? "%s: \"%.100s\"" : "%s", wrong,
                   value);
    mistake(reader, BACKFILL_LABEL, item->key, words);
}

static void read_backfill(struct reader *reader, const oconfig_item_t *item)
{
    if (item->values_num)
        mistake(reader, BACKFILL_LABEL, NULL, "is a block without a name");
    else if (reader->backfill)
        mistake(reader, BACKFILL_LABEL, NULL, "a second block of this kind");
    reader->backfill = true;
    for (int i = 0; i < item->children_num; i++)
        read_backfill_option(reader, &item->children[i]);
}

static bool is_block(const char *name)
{
    return strcasecmp(name, "Cloud") == 0 || strcasecmp(name, "Local") == 0 ||
           strcasecmp(name, "Discovery") == 0 || strcasecmp(name, "Backfill") == 0;
}

/* Global options come first, wherever they stand: the library takes them before any section. */
static void read_globals(struct reader *reader, const oconfig_item_t *plugin)
{
    for (int i = 0; i < plugin->children_num; i++) {
        const oconfig_item_t *item = &plugin->children[i];

        if (strcasecmp(item->key, "TimeZone") == 0)
            read_zone(reader, item);
        else if (strcasecmp(item->key, "StateFile") == 0)
            read_state_file(reader, item);
        else if (!is_block(item->key))
            mistake(reader, NULL, item->key, "unknown option");
    }
}

static void read_blocks(struct reader *reader, const oconfig_item_t *plugin)
{
    for (int i = 0; i < plugin->children_num; i++) {
        const oconfig_item_t *item = &plugin->children[i];

        if (strcasecmp(item->key, "Cloud") == 0)
            read_block(reader, CLOUD, item);
        else if (strcasecmp(item->key, "Local") == 0)
            read_block(reader, LOCAL, item);
        else if (strcasecmp(item->key, "Discovery") == 0)
            read_discovery(reader, item);
        else if (strcasecmp(item->key, "Backfill") == 0)
            read_backfill(reader, item);
    }
}

/* What is missing is found in the end, and by the library, which speaks of "[cloud home]: …". */
static void translate(struct reader *reader, const char *words)
{
    for (size_t i = 0; i < reader->settings->count; i++) {
        const struct block *block = &reader->settings->blocks[i];
        const struct option *option = options;
        size_t length = strlen(block->source);

        if (words[0] != '[' || strncmp(words + 1, block->source, length) != 0 ||
            strncmp(words + 1 + length, "]: ", 3) != 0)
            continue;
        while (!(option->kinds & block->kind))
            option++;
        words += length + 4;
        if (strncmp(words, "no ", 3) == 0 && strcmp(words + 3, option->key) == 0)
            words = "is missing";
        mistake(reader, block->label, option->name, words);
        return;
    }
    mistake(reader, NULL, NULL, *words ? words : "no memory");
}

static void finish(struct reader *reader)
{
    struct cemm_words words = {""};

    if (reader->mistakes)
        return;
    if (cemm_config_finish(reader->settings->config, &words) < 0)
        translate(reader, words.text);
    else if (cemm_config_discovers(reader->settings->config))
        add_block(reader, DISCOVERY, NULL);
    else if (!reader->settings->count)
        mistake(reader, NULL, NULL, "there is no <Cloud> and no <Local> block: nothing to read");
}

static struct settings *settings_new(void)
{
    struct settings *settings = calloc(1, sizeof(*settings));

    if (!settings)
        return NULL;
    settings->config = cemm_config_new();
    settings->blocks = calloc(BLOCKS_MAX, sizeof(*settings->blocks));
    settings->state_file = strdup(STATE_FILE);
    settings->window = WINDOW_DEFAULT;
    if (!settings->config || !settings->blocks || !settings->state_file ||
        cemm_config_base(settings->config, global_option_get("BaseDir")) < 0) {
        settings_free(settings);
        return NULL;
    }
    return settings;
}

struct settings *settings_read(oconfig_item_t *const *plugins, size_t count, int64_t interval)
{
    struct reader reader = {.settings = settings_new(), .interval = interval};

    if (!reader.settings) {
        mistake(&reader, NULL, NULL, "no memory");
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        read_globals(&reader, plugins[i]);
    for (size_t i = 0; i < count; i++)
        read_blocks(&reader, plugins[i]);
    finish(&reader);
    if (reader.mistakes) {
        settings_free(reader.settings);
        return NULL;
    }
    return reader.settings;
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->blocks[i].source);
        free(settings->blocks[i].label);
    }
    free(settings->blocks);
    for (size_t i = 0; i < settings->writer_count; i++)
        free(settings->writers[i]);
    free(settings->writers);
    free(settings->state_file);
    cemm_config_free(settings->config);
    free(settings);
}
