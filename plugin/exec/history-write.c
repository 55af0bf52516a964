/*
 * The text of a history, piece by piece. Each piece is whole lines; what is in
 * memory is one piece, however long the history.
 */
#include "plugin/exec/history-write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Seconds between the rows of a day, a month, a year. */
static const double cadences[] = {[CEMM_DAY] = 60, [CEMM_MONTH] = 86400, [CEMM_YEAR] = 30 * 86400};

static int put(struct history_writer *writer, const char *text, struct cemm_words *words)
{
    return output_put(&writer->output, text, strlen(text), words);
}

int history_write_begin(struct history_writer *ret_writer, const struct history *history,
                        struct cemm_words *words)
{
    const struct exec_options *options = history->options;
    *ret_writer = (struct history_writer){.format = options_format(options)};
    render_options_init(&ret_writer->render, cemm_zone(history->cemm), cadences[options->span]);
    int r = output_begin(&ret_writer->output, options->output, words);
    if (r == 0 && ret_writer->format == EXEC_FORMAT_CSV)
        r = put(ret_writer, CEMM_CSV_ROWS_HEADER, words);
    return r;
}

/* The library's text as it goes out, where that is another one. The caller frees *ret_piece. */
static int make_piece(struct history_writer *writer, char *text, char **ret_piece,
                      size_t *ret_length)
{
    FILE *stream = cemm_text_open(ret_piece, ret_length);
    if (!stream)
        return -ENOMEM;
    int r = 0;
    if (writer->format == EXEC_FORMAT_JSON)
        json_rows_print(&writer->json, text, stream);
    else
        r = table_stream_print(&writer->table, text, stream);
    if (fclose(stream) != 0 && r == 0)
        r = -ENOMEM;
    return r;
}

int history_write(struct history_writer *writer, const struct cemm_document *const *documents,
                  size_t count, struct cemm_words *words)
{
    bool own = writer->format == EXEC_FORMAT_JSON || writer->format == EXEC_FORMAT_TABLE;
    char *text = NULL;
    char *piece = NULL;
    size_t length = 0;
    int r = cemm_render_joined(documents, count, render_options_rows(writer->format),
                               &writer->render.cemm, &text, &length);
    if (r == 0 && own)
        r = make_piece(writer, text, &piece, &length);
    if (r == 0)
        r = output_put(&writer->output, own ? piece : text, length, words);
    free(piece);
    free(text);
    return r;
}

int history_write_end(struct history_writer *writer, struct cemm_words *words)
{
    int r = 0;
    if (writer->format == EXEC_FORMAT_JSON)
        r = put(writer, json_rows_end(&writer->json), words);
    if (r == 0)
        return output_end(&writer->output, words);
    output_drop(&writer->output);
    return r;
}
