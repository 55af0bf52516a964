/*
 * `cemm list`: which meters there are, what they measure, and how they are
 * reached. It reads each meter once: only its answer tells its channels, and
 * the source that a list names should be one that has just answered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/command.h"

enum { DEVICE, METER, CHANNELS, SOURCE, ADDRESS, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [DEVICE] = {"DEVICE"}, [METER] = {"METER"},     [CHANNELS] = {"CHANNELS"},
    [SOURCE] = {"SOURCE"}, [ADDRESS] = {"ADDRESS"},
};

/* The channels' names with a space between; NULL: no memory. The caller frees it. */
static char *join_channels(const struct cemm_document *document)
{
    char *text = NULL;
    size_t length = 0;
    size_t count = 0;
    const struct cemm_series *series = cemm_document_series(document, &count);
    FILE *stream = cemm_text_open(&text, &length);
    if (stream == NULL)
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
        [CHANNELS] = channels,
        [SOURCE] = cemm_document_source(finding->document),
        [ADDRESS] = address_of(cemm, finding),
    };
    if (channels == NULL)
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

enum exec_exit exec_list(const struct exec_options *options, struct speech *speech)
{
    return command_run(options, speech, list_table, true);
}
