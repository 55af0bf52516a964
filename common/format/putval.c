/*
 * collectd's plain text protocol, as its exec and unixsock plugins read it. The
 * identifier is quoted, because the host name may have any characters.
 *
 * History of gas, of months and of years gets a name of its own: there, the
 * channel is an amount, and would spoil the series of the meter's readings.
 */
#include "common/format/format.h"

#include "common/model/channel.h"

#include <inttypes.h>
#include <string.h>

static void write_host(struct cemm_buffer *out, const char *host)
{
    for (; *host; host++) {
        if (*host == '"' || *host == '\\')
            cemm_buffer_char(out, '\\');
        cemm_buffer_char(out, *host);
    }
}

/* The value in the unit of its type. */
static void write_value(struct cemm_buffer *out, const struct cemm_sample *sample, double factor)
{
    if (factor == 1)
        cemm_buffer_append(out, sample->text, sample->text_length);
    else
        cemm_write_number(out, sample->value * factor);
}

void cemm_write_putval_row(struct cemm_buffer *out, const struct cemm_document *document,
                           const struct cemm_series *series, const struct cemm_sample *sample,
                           const struct cemm_render_options *options)
{
    const struct cemm_query *query = &document->query;
    const char *channel = cemm_row_channel(query, series, sample);
    const char *tag = cemm_history_tag(query, series->channel);
    struct cemm_identity identity;

    if (!cemm_identify(&query->uid, query->alias, channel, &identity) ||
        strlen(identity.type_instance) + (tag ? strlen(tag) + 1 : 0) >= CEMM_FIELD_SIZE) {
        if (options->ret_refused)
            (*options->ret_refused)++;
        return;
    }
    unsigned cadence = series->cadence ? series->cadence : identity.cadence;
    double interval = options->interval > cadence ? options->interval : cadence;
    cemm_buffer_text(out, "PUTVAL \"");
    write_host(out, options->host);
    cemm_buffer_format(out, "/cemm-%s/%s-%s%s%s\" interval=", identity.plugin_instance,
                       identity.type, identity.type_instance, tag ? "-" : "", tag ? tag : "");
    cemm_write_number(out, interval);
    cemm_buffer_format(out, " %" PRId64 ".%03" PRId64 ":", sample->time / 1000,
                       sample->time % 1000);
    write_value(out, sample, identity.factor);
    cemm_buffer_char(out, '\n');
}
