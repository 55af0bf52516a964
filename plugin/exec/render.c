/*
 * Joins the library's texts, one document each, to the one text of a sweep.
 */
#include "plugin/exec/render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/manner.h"
#include "plugin/exec/output.h"

/* JSON rows become the elements of an array: each but the first is preceded by a comma. */
static void put_line(FILE *stream, enum exec_format format, const char *line, size_t length,
                     size_t *lines)
{
    if (format == EXEC_FORMAT_JSON)
        fputs(*lines == 0 ? "\n" : ",\n", stream);
    fwrite(line, 1, length, stream);
    if (format != EXEC_FORMAT_JSON)
        putc('\n', stream);
    (*lines)++;
}

static void put_lines(FILE *stream, enum exec_format format, const char *text, size_t length,
                      size_t *lines)
{
    const char *end = text + length;
    for (const char *line = text; line < end;) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        if (!line_end)
            line_end = end;
        size_t line_length = (size_t)(line_end - line);
        if (line_length > 0)
            put_line(stream, format, line, line_length, lines);
        line = line_end + 1;
    }
}

static int render_one(const struct cemm_document *document, enum exec_format format,
                      const struct manner *manner, char **ret_text, size_t *ret_length)
{
    enum cemm_form form = format == EXEC_FORMAT_INFLUX ? CEMM_FORM_INFLUX
                          : format == EXEC_FORMAT_JSON ? CEMM_FORM_JSON_ROWS
                                                       : CEMM_FORM_CSV_ROWS;
    if (format == EXEC_FORMAT_PUTVAL)
        return cemm_render_joined(&document, 1, CEMM_ROWS_PUTVAL, &manner->manner, ret_text,
                                  ret_length);
    return cemm_render(document, form, manner->manner.zone, ret_text, ret_length);
}

static int render_rows(const struct gathering *gathering, enum exec_format format,
                       const struct manner *manner, FILE *stream)
{
    size_t lines = 0;
    if (format == EXEC_FORMAT_CSV)
        fputs(CEMM_CSV_ROWS_HEADER, stream);
    if (format == EXEC_FORMAT_JSON)
        putc('[', stream);
    for (size_t i = 0; i < gathering->count; i++) {
        const struct finding *finding = &gathering->findings[i];
        char *text = NULL;
        size_t length = 0;
        if (finding->kind != FINDING_READING)
            continue;
        int r = render_one(finding->document, format, manner, &text, &length);
        if (r < 0)
            return r;
        put_lines(stream, format, text, length, &lines);
        free(text);
    }
    if (format == EXEC_FORMAT_JSON)
        fputs(lines == 0 ? "]\n" : "\n]\n", stream);
    return 0;
}

/* What stands in the file now counts, too: the program that wrote it was another one, but a counter
 * does not step back for that. */
static int render_prometheus(const struct gathering *gathering, FILE *stream)
{
    struct cemm_reading *readings = calloc(gathering->count + 1, sizeof(*readings));
    char *before = NULL;
    char *text = NULL;
    size_t count = 0;
    size_t length = 0;
    for (size_t i = 0; readings && i < gathering->count; i++) {
        const struct finding *finding = &gathering->findings[i];
        if (finding->kind != FINDING_NOTE)
            readings[count++] = (struct cemm_reading){
                .uid = finding->uid,
                .alias = finding->alias,
                .source = source_of_words(gathering->cemm, finding->words),
                .type = type_of(gathering->cemm, finding->uid, finding->alias),
                .document = finding->document,
            };
    }
    int r = readings ? output_before(gathering->options->output, &before) : -ENOMEM;
    if (r == 0)
        r = cemm_render_prometheus(readings, count, before, &text, &length);
    if (r == 0)
        fwrite(text, 1, length, stream);
    free(text);
    free(before);
    free(readings);
    return r;
}

int render(const struct gathering *gathering, const struct cemm_zone *zone, FILE *stream)
{
    enum exec_format format = options_format(gathering->options);
    struct manner manner;
    if (format == EXEC_FORMAT_PROMETHEUS)
        return render_prometheus(gathering, stream);
    manner_make(&manner, zone, manner_interval(gathering->options, MANNER_READ_INTERVAL));
    return render_rows(gathering, format, &manner, stream);
}
