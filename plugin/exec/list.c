/*
 * `cemm list`: which meters there are, what they measure, and how they are
 * reached. It reads each meter once, because only an answer shows its channels
 * and its source.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/command.h"
#include "plugin/exec/output.h"

static const struct cemm_sample *gas_of(const struct finding *finding)
{
    const struct cemm_series *series =
        finding->document ? cemm_document_channel(finding->document, "gas") : NULL;
    return series && series->count > 0 ? series->samples : NULL;
}

/* The device's other alias that has the same gas reading: both are one meter (p1 and p1-gas).
 * NULL: there is none, or gas is not the only channel. */
static const struct finding *gas_twin(const struct collection *collection,
                                      const struct finding *finding)
{
    const struct cemm_sample *gas = gas_of(finding);
    size_t count = 0;
    cemm_document_series(finding->document, &count);
    for (size_t i = 0; gas && count == 1 && i < collection->count; i++) {
        const struct finding *other = &collection->findings[i];
        const struct cemm_sample *other_gas = gas_of(other);
        if (other != finding && strcmp(other->uid.text, finding->uid.text) == 0 && other_gas &&
            other_gas->time == gas->time && other_gas->value == gas->value)
            return other;
    }
    return NULL;
}

/* Joins the names of the channels. The caller frees the text. NULL: no memory. */
static char *join_channels(const struct collection *collection, const struct finding *finding)
{
    const struct finding *twin = gas_twin(collection, finding);
    char *text = NULL;
    size_t length = 0;
    size_t count = 0;
    const struct cemm_series *series = cemm_document_series(finding->document, &count);
    FILE *stream = cemm_text_open(&text, &length);
    if (!stream)
        return NULL;
    for (size_t i = 0; i < count; i++)
        fprintf(stream, "%s%s", i == 0 ? "" : " ", series[i].channel);
    if (twin)
        fprintf(stream, " (the same meter as channel gas of %s)", twin->alias);
    return fclose(stream) == 0 ? text : NULL;
}

/* Names the account that also has the meter, if another source gave the answer; else "". */
static void name_account(const struct cemm *cemm, const struct cemm_document *document,
                         struct cemm_message *ret_name)
{
    const struct cemm_query *query = cemm_document_query(document);
    const struct cemm_device *device = cemm_device_named(cemm, &query->uid);
    const char *account = device ? cemm_device_account(device) : NULL;
    cemm_message_set(ret_name, "cloud %s", account ? account : "");
    if (!account || !cemm_offers(cemm, &query->uid, query->alias, CEMM_INFO) ||
        strcmp(ret_name->text, cemm_document_source(document)) == 0)
        ret_name->text[0] = '\0';
}

/* The address of the device on the LAN, or the cloud's address. */
static const char *address_of(const struct cemm *cemm, const struct finding *finding)
{
    const char *source = cemm_document_source(finding->document);
    struct cemm_discovered found;
    struct cemm_source_state state;
    for (size_t i = 0; cemm_discovered_at(cemm, i, &found); i++) {
        if (strcmp(source, "discovery") == 0 && strcmp(found.uid.text, finding->uid.text) == 0)
            return found.address;
    }
    for (size_t i = 0; cemm_source_at(cemm, i, &state); i++) {
        if (strcmp(source, state.name) == 0)
            return state.address;
    }
    return "";
}

static void add_meter(struct table *table, const struct collection *collection,
                      const struct finding *finding, const char **device)
{
    const char *source = cemm_document_source(finding->document);
    char *channels = join_channels(collection, finding);
    struct cemm_message account;
    struct cemm_message sources;
    name_account(collection->session.cemm, finding->document, &account);
    cemm_message_set(&sources, "%s%s%.80s", source, account.text[0] != '\0' ? ", " : "",
                     account.text);
    bool same = *device != NULL && strcmp(*device, finding->uid.text) == 0;
    const char *const cells[] = {
        same ? "" : finding->uid.text,
        finding->alias,
        cemm_document_type(finding->document),
        channels,
        sources.text,
        address_of(collection->session.cemm, finding),
    };
    if (!channels)
        table->error = -ENOMEM;
    table_row(table, cells);
    free(channels);
    *device = finding->uid.text;
}

static void report_elsewhere(const struct cemm *cemm)
{
    struct cemm_source_state state;
    for (size_t i = 0; cemm_source_at(cemm, i, &state); i++) {
        if (state.elsewhere > 0)
            message_print(CEMM_LOG_INFO, "%s: %zu device%s", state.name, state.elsewhere,
                          state.elsewhere == 1
                              ? " belongs to another shard, which another program reads"
                              : "s belong to other shards, which other programs read");
    }
}

static int list_table(const void *data, FILE *stream)
{
    static const struct table_column columns[] = {{"DEVICE"},   {"METER"},  {"TYPE"},
                                                  {"CHANNELS"}, {"SOURCE"}, {"ADDRESS"}};
    const struct collection *collection = data;
    const char *device = NULL;
    struct table table;
    report_elsewhere(collection->session.cemm);
    table_begin(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        if (finding->kind == FINDING_ANSWER)
            add_meter(&table, collection, finding, &device);
        else
            collection_note(&table, finding, &device);
    }
    if (!collection->options->output && output_is_terminal())
        table_note(&table, "cemm(1) explains meters and channels: man cemm");
    return table_print(&table, stream);
}

/* ---- for programs ------------------------------------------------------- */

static struct json_object *channels_of(bool *failed, const struct cemm_document *document)
{
    struct json_object *channels = json_object_new_array();
    size_t count = 0;
    const struct cemm_series *series = cemm_document_series(document, &count);
    for (size_t i = 0; i < count; i++) {
        struct json_object *channel = json_object_new_object();
        cemm_json_add_text(failed, channel, "name", series[i].channel);
        cemm_json_add_text(failed, channel, "unit", series[i].unit);
        cemm_json_add(failed, channels, NULL, channel);
    }
    return channels;
}

/* Lists the source of the answer, and then the account that name_account() names, if any. */
static struct json_object *sources_of(bool *failed, const struct cemm *cemm,
                                      const struct cemm_document *document)
{
    struct json_object *sources = json_object_new_array();
    struct cemm_message account;
    name_account(cemm, document, &account);
    cemm_json_add(failed, sources, NULL, json_object_new_string(cemm_document_source(document)));
    if (account.text[0] != '\0')
        cemm_json_add(failed, sources, NULL, json_object_new_string(account.text));
    return sources;
}

static struct json_object *meter_of(bool *failed, const struct cemm *cemm,
                                    const struct finding *finding)
{
    struct json_object *meter = json_object_new_object();
    cemm_json_add_text(failed, meter, "uid", finding->uid.text);
    cemm_json_add_text(failed, meter, "alias", finding->alias);
    cemm_json_add_text(failed, meter, "type", cemm_document_type(finding->document));
    cemm_json_add(failed, meter, "channels", channels_of(failed, finding->document));
    cemm_json_add(failed, meter, "sources", sources_of(failed, cemm, finding->document));
    return meter;
}

static int list_json(const void *data, FILE *stream)
{
    const struct collection *collection = data;
    struct json_object *meters = json_object_new_array();
    bool failed = !meters;
    char *text = NULL;
    size_t length = 0;
    report_elsewhere(collection->session.cemm);
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        if (finding->kind == FINDING_ANSWER)
            cemm_json_add(&failed, meters, NULL,
                          meter_of(&failed, collection->session.cemm, finding));
    }
    int r = failed ? -ENOMEM : cemm_json_print(meters, &text, &length);
    if (r == 0)
        fwrite(text, 1, length, stream);
    free(text);
    json_object_put(meters);
    return r;
}

enum exec_exit exec_list(const struct exec_options *options)
{
    return collection_command(options,
                              options->format == EXEC_FORMAT_JSON ? list_json : list_table);
}
