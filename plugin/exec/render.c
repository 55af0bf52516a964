/*
 * Joins the library's texts, one document each, to the one text of a sweep.
 */
#include "plugin/exec/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/output.h"
#include "plugin/exec/render-options.h"

static int render_one(const struct cemm_document *document, enum exec_format format,
                      const struct render_options *options, char **ret_text, size_t *ret_length)
{
    enum cemm_form form = format == EXEC_FORMAT_INFLUX ? CEMM_FORM_INFLUX
                          : format == EXEC_FORMAT_JSON ? CEMM_FORM_JSON_ROWS
                                                       : CEMM_FORM_CSV_ROWS;
    if (format == EXEC_FORMAT_PUTVAL)
        return cemm_render_joined(&document, 1, CEMM_ROWS_PUTVAL, &options->cemm, ret_text,
                                  ret_length);
    return cemm_render(document, form, options->cemm.zone, ret_text, ret_length);
}

static int render_rows(const struct collection *collection, enum exec_format format,
                       const struct render_options *options, FILE *stream)
{
    struct json_rows rows = {.begun = false};
    if (format == EXEC_FORMAT_CSV)
        fputs(CEMM_CSV_ROWS_HEADER, stream);
    for (size_t i = 0; i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        char *text = NULL;
        size_t length = 0;
        if (finding->kind != FINDING_READING)
            continue;
        int r = render_one(finding->document, format, options, &text, &length);
        if (r < 0)
            return r;
        if (format == EXEC_FORMAT_JSON)
            json_rows_print(&rows, text, stream);
        else
            fwrite(text, 1, length, stream);
        free(text);
    }
    if (format == EXEC_FORMAT_JSON)
        fputs(json_rows_end(&rows), stream);
    return 0;
}

/* What stands in the file now counts, too: the program that wrote it was another one, but a counter
 * does not step back for that. */
static int render_prometheus(const struct collection *collection, FILE *stream)
{
    struct cemm_reading *readings = calloc(collection->count + 1, sizeof(*readings));
    char *before = NULL;
    char *text = NULL;
    size_t count = 0;
    size_t length = 0;
    for (size_t i = 0; readings && i < collection->count; i++) {
        const struct finding *finding = &collection->findings[i];
        if (finding->kind != FINDING_NOTE)
            readings[count++] = (struct cemm_reading){
                .uid = finding->uid,
                .alias = finding->alias,
                .source = source_of_words(collection->cemm, finding->words),
                .type = type_of(collection->cemm, finding->uid, finding->alias),
                .document = finding->document,
            };
    }
    int r = readings ? output_before(collection->options->output, &before) : -ENOMEM;
    if (r == 0)
        r = cemm_render_prometheus(readings, count, before, &text, &length);
    if (r == 0)
        fwrite(text, 1, length, stream);
    free(text);
    free(before);
    free(readings);
    return r;
}

int render(const void *data, FILE *stream)
{
    const struct collection *collection = data;
    enum exec_format format = options_format(collection->options);
    struct render_options options;
    if (format == EXEC_FORMAT_PROMETHEUS)
        return render_prometheus(collection, stream);
    render_options_init(&options, cemm_zone(collection->cemm),
                        render_options_interval(collection->options, READ_INTERVAL));
    return render_rows(collection, format, &options, stream);
}
