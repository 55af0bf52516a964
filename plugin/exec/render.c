/*
 * Joins the library's texts, one document each, to the one text of a sweep.
 */
#include "plugin/exec/render.h"

#include <stdlib.h>
#include <string.h>

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

static int render_one(const struct finding *finding, enum exec_format format,
                      const struct cemm_zone *zone, FILE *stream, size_t *lines)
{
    enum cemm_form form = format == EXEC_FORMAT_INFLUX ? CEMM_FORM_INFLUX
                          : format == EXEC_FORMAT_JSON ? CEMM_FORM_JSON_ROWS
                                                       : CEMM_FORM_CSV_ROWS;
    char *text = NULL;
    size_t length = 0;
    int r = cemm_render(finding->document, form, zone, &text, &length);
    if (r < 0)
        return r;
    const char *end = text + length;
    for (const char *line = text; line < end;) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        if (line_end == NULL)
            line_end = end;
        size_t line_length = (size_t)(line_end - line);
        if (line_length > 0)
            put_line(stream, format, line, line_length, lines);
        line = line_end + 1;
    }
    free(text);
    return 0;
}

int render(const struct gathering *gathering, enum exec_format format, const struct cemm_zone *zone,
           FILE *stream)
{
    size_t lines = 0;
    if (format == EXEC_FORMAT_CSV)
        fputs(CEMM_CSV_ROWS_HEADER, stream);
    if (format == EXEC_FORMAT_JSON)
        putc('[', stream);
    for (size_t i = 0; i < gathering->count; i++) {
        const struct finding *finding = &gathering->findings[i];
        if (finding->kind != FINDING_READING)
            continue;
        int r = render_one(finding, format, zone, stream, &lines);
        if (r < 0)
            return r;
    }
    if (format == EXEC_FORMAT_JSON)
        fputs(lines == 0 ? "]\n" : "\n]\n", stream);
    return 0;
}
