/*
 * Joins the library's texts, one document each, to the one text of a sweep.
 * The library renders whole documents; samples too far ahead of our clock are
 * taken out here, line by line, because a line stands for a sample (or, in
 * influx, for a time). Nearly always there is none, and the text passes as it is.
 */
#include "plugin/exec/render.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)

/* Walks over a document's rows: the samples, series by series, and one for a series without any. */
struct walk {
    const struct cemm_series *series;
    size_t series_count;
    size_t at_series;
    size_t at_sample;
};

/* The sample of the next row; NULL where the row has none. */
static const struct cemm_sample *walk_next(struct walk *walk)
{
    if (walk->at_series == walk->series_count)
        return NULL;
    const struct cemm_series *series = &walk->series[walk->at_series];
    const struct cemm_sample *sample =
        walk->at_sample < series->count ? &series->samples[walk->at_sample] : NULL;
    walk->at_sample++;
    if (walk->at_sample >= series->count) {
        walk->at_series++;
        walk->at_sample = 0;
    }
    return sample;
}

/* The time that ends a line of influx, as a sample's time. */
static struct cemm_sample influx_time(const char *line, size_t length)
{
    const char *space = memrchr(line, ' ', length);
    int64_t nanoseconds = space != NULL ? strtoll(space + 1, NULL, 10) : 0;
    return (struct cemm_sample){.time = nanoseconds / NS_PER_MS};
}

static bool line_early(const struct gathering *gathering, enum exec_format format,
                       struct walk *walk, const char *line, size_t length)
{
    if (format == EXEC_FORMAT_INFLUX) {
        struct cemm_sample sample = influx_time(line, length);
        return gathering_early(gathering, &sample);
    }
    const struct cemm_sample *sample = walk_next(walk);
    return sample != NULL && gathering_early(gathering, sample);
}

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

static int render_one(const struct gathering *gathering, const struct finding *finding,
                      enum exec_format format, const struct cemm_zone *zone, FILE *stream,
                      size_t *lines)
{
    enum cemm_form form = format == EXEC_FORMAT_INFLUX ? CEMM_FORM_INFLUX
                          : format == EXEC_FORMAT_JSON ? CEMM_FORM_JSON_ROWS
                                                       : CEMM_FORM_CSV_ROWS;
    char *text = NULL;
    size_t length = 0;
    int r = cemm_render(finding->document, form, zone, &text, &length);
    if (r < 0)
        return r;
    struct walk walk = {0};
    walk.series = cemm_document_series(finding->document, &walk.series_count);
    const char *end = text + length;
    for (const char *line = text; line < end;) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));
        if (line_end == NULL)
            line_end = end;
        size_t line_length = (size_t)(line_end - line);
        if (line_length > 0 && !line_early(gathering, format, &walk, line, line_length))
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
        int r = render_one(gathering, finding, format, zone, stream, &lines);
        if (r < 0)
            return r;
    }
    if (format == EXEC_FORMAT_JSON)
        fputs(lines == 0 ? "]\n" : "\n]\n", stream);
    return 0;
}
