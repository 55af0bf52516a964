/*
 * `cemm list`: which meters there are, what they measure, and how they are
 * reached. It reads each meter once: only its answer tells its channels, and
 * the source that a list names should be one that has just answered.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/command.h"

enum { DEVICE, METER, TYPE, CHANNELS, SOURCE, ADDRESS, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [DEVICE] = {"DEVICE"},     [METER] = {"METER"},   [TYPE] = {"TYPE"},
    [CHANNELS] = {"CHANNELS"}, [SOURCE] = {"SOURCE"}, [ADDRESS] = {"ADDRESS"},
};

/* The channels' names with a space between; NULL: no memory. The caller frees it. */
static char *join_channels(const struct cemm_document *document)
{
    char *text = NULL;
    size_t length = 0;
    size_t count = 0;
    const struct cemm_series *series = cemm_document_series(document, &count);
    FILE *stream = cemm_text_open(&text, &length);
    if (!stream)
        return NULL;
    for (size_t i = 0; i < count; i++)
        fprintf(stream, "%s%s", i == 0 ? "" : " ", series[i].channel);
    return fclose(stream) == 0 ? text : NULL;
}

/* Where the source that answered reaches the device: an address on the LAN, or the cloud's. */
static const char *address_of(const struct cemm *cemm, const struct finding *finding)
{
    const char *source = cemm_document_source(finding->document);
    struct cemm_discovered found;
    struct cemm_source_state state;
    for (size_t i = 0; cemm_discovered_at(cemm, i, &found); i++) {
        if (strcmp(source, "discovery") == 0 && strcmp(found.uid.text, finding->uid) == 0)
            return found.address;
    }
    for (size_t i = 0; cemm_source_at(cemm, i, &state); i++) {
        if (strcmp(source, state.name) == 0)
            return state.address;
    }
    return "";
}

static void add_meter(struct table *table, const struct cemm *cemm, const struct finding *finding,
                      const char **device)
{
    char *channels = join_channels(finding->document);
    bool same = *device != NULL && strcmp(*device, finding->uid) == 0;
    const char *cells[COLUMNS] = {
        [DEVICE] = same ? "" : finding->uid,
        [METER] = finding->alias,
        [TYPE] = cemm_document_type(finding->document),
        [CHANNELS] = channels,
        [SOURCE] = cemm_document_source(finding->document),
        [ADDRESS] = address_of(cemm, finding),
    };
    if (!channels)
        table->error = -ENOMEM;
    table_row(table, cells);
    free(channels);
    *device = finding->uid;
}

static int list_table(const struct gathering *gathering, const struct cemm_zone *zone, FILE *stream)
{
    (void)zone;
    struct table table = table_new(columns, COLUMNS);
    const char *device = NULL;
    for (size_t i = 0; i < gathering->count; i++) {
        const struct finding *finding = &gathering->findings[i];
        if (finding->kind == FINDING_READING)
            add_meter(&table, gathering->cemm, finding, &device);
        else
            command_table_note(&table, finding, &device);
    }
    int r = table_print(&table, stream);
    table_clear(&table);
    return r;
}

/* ---- for programs ------------------------------------------------------- */

/* Takes over `value`; NULL is the lack of memory. */
static int add(struct json_object *object, const char *name, struct json_object *value)
{
    if (value && json_object_object_add(object, name, value) == 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

static int append(struct json_object *array, struct json_object *value)
{
    if (value && json_object_array_add(array, value) == 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

static int add_text(struct json_object *object, const char *name, const char *text)
{
    return add(object, name, json_object_new_string(text));
}

static int fill_channels(struct json_object *array, const struct cemm_document *document)
{
    size_t count = 0;
    const struct cemm_series *series = cemm_document_series(document, &count);
    int r = array ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct json_object *channel = json_object_new_object();
        r = append(array, channel);
        if (r == 0)
            r = add_text(channel, "name", series[i].channel);
        if (r == 0)
            r = add_text(channel, "unit", series[i].unit);
    }
    return r;
}

/* The one that has answered, and the account, if that has the meter, too. */
static int fill_sources(struct json_object *array, const struct cemm *cemm,
                        const struct cemm_document *document)
{
    const struct cemm_query *query = cemm_document_query(document);
    const struct cemm_device *device = cemm_device_named(cemm, &query->uid);
    const char *account = device ? cemm_device_account(device) : NULL;
    const char *source = cemm_document_source(document);
    char cloud[CEMM_NAME_SIZE + sizeof("cloud ")];
    int r = array ? append(array, json_object_new_string(source)) : -ENOMEM;
    if (r < 0 || !account || !cemm_offers(cemm, &query->uid, query->alias, CEMM_INFO))
        return r;
    int length = snprintf(cloud, sizeof(cloud), "cloud %s", account);
    if (length < 0 || (size_t)length >= sizeof(cloud) || strcmp(cloud, source) == 0)
        return 0;
    return append(array, json_object_new_string(cloud));
}

static int fill_meter(struct json_object *meter, const struct cemm *cemm,
                      const struct finding *finding)
{
    struct json_object *channels = json_object_new_array();
    struct json_object *sources = json_object_new_array();
    int r = meter ? add_text(meter, "uid", finding->uid) : -ENOMEM;
    if (r == 0)
        r = add_text(meter, "alias", finding->alias);
    if (r == 0)
        r = add_text(meter, "type", cemm_document_type(finding->document));
    if (r == 0)
        r = fill_channels(channels, finding->document);
    if (r == 0)
        r = fill_sources(sources, cemm, finding->document);
    if (r < 0) {
        json_object_put(channels);
        json_object_put(sources);
        return r;
    }
    r = add(meter, "channels", channels);
    int sources_added = add(meter, "sources", sources);
    return r < 0 ? r : sources_added;
}

static int list_json(const struct gathering *gathering, const struct cemm_zone *zone, FILE *stream)
{
    (void)zone;
    struct json_object *meters = json_object_new_array();
    char *text = NULL;
    size_t length = 0;
    int r = meters ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < gathering->count; i++) {
        const struct finding *finding = &gathering->findings[i];
        if (finding->kind != FINDING_READING)
            continue;
        struct json_object *meter = json_object_new_object();
        r = append(meters, meter);
        if (r == 0)
            r = fill_meter(meter, gathering->cemm, finding);
    }
    if (r == 0)
        r = cemm_json_print(meters, &text, &length);
    if (r == 0)
        fwrite(text, 1, length, stream);
    free(text);
    json_object_put(meters);
    return r;
}

enum exec_exit exec_list(const struct exec_options *options, struct speech *speech)
{
    bool json = options->format == EXEC_FORMAT_JSON;
    return command_run(options, speech, json ? list_json : list_table, !json);
}
