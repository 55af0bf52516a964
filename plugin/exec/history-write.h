/*
 * The text of a history, piece by piece.
 */
#ifndef CEMM_EXEC_HISTORY_WRITE_H
#define CEMM_EXEC_HISTORY_WRITE_H

#include "plugin/exec/history-plan.h"
#include "plugin/exec/output.h"
#include "plugin/exec/render-options.h"
#include "plugin/exec/table-stream.h"

struct history_writer {
    struct output output;
    enum exec_format format;
    struct render_options render;
    struct table_stream table;
    struct json_rows json;
};

int history_write_begin(struct history_writer *ret_writer, const struct history *history,
                        struct cemm_words *words);

/* Writes the documents as one text, in the order of time. */
int history_write(struct history_writer *writer, const struct cemm_document *const *documents,
                  size_t count, struct cemm_words *words);

/* Ends it; output_drop() instead leaves no file. One of the two is due. */
int history_write_end(struct history_writer *writer, struct cemm_words *words);

#endif
