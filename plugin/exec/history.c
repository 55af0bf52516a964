/*
 * `cemm history`: the rows of days, months or years, oldest first.
 *
 * In OpenMetrics all samples of a metric must be together, even those of
 * different days. So they are first written to a temporary file, in pieces: a
 * piece is the samples of one metric from one document. Only the offsets of the
 * pieces are kept in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/exec/history-run.h"
#include "plugin/exec/render.h"

/* In each period, the rows of at most this many meters are sorted together, which limits memory. */
#define GROUP 64

#define DIRECTORY "/var/tmp" /* /tmp may be in memory */

struct piece {
    const char *name; /* the metric's name, with its labels */
    off_t offset;
    size_t length;
};

struct rows {
    struct history history;
    struct render render;
    struct cemm_document *documents[GROUP]; /* printed together */
    size_t document_count;

    /* OpenMetrics */
    int file;       /* the temporary file, which has no name; -1: none */
    off_t file_end; /* the length of the file */
    struct piece *pieces;
    size_t piece_count;
    void *names; /* tree of metric names, so that each is in memory once */
};

static bool is_openmetrics(const struct rows *rows)
{
    return rows->history.options->format == EXEC_FORMAT_OPENMETRICS;
}

/* ---- OpenMetrics ------------------------------------------------------------- */

static const char *directory(void)
{
    const char *value = getenv("TMPDIR");
    return value && *value != '\0' ? value : DIRECTORY;
}

static int file_failed(struct rows *rows)
{
    int r = -errno;
    cemm_message_set(&rows->history.output.message,
                     "can't use a temporary file in %s: %s; set TMPDIR to use another directory",
                     directory(), strerror(-r));
    return r;
}

static int make_file(struct rows *rows)
{
    char *path = NULL;
    if (asprintf(&path, "%s/cemm-XXXXXX", directory()) < 0)
        return -ENOMEM;
    rows->file = mkostemp(path, O_CLOEXEC);
    int r = rows->file < 0 ? file_failed(rows) : 0;
    if (r == 0)
        (void)unlink(path);
    free(path);
    return r;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* Returns the stored copy of a name. NULL: no memory. */
static const char *keep_name(struct rows *rows, const char *text, size_t length)
{
    char *name = strndup(text, length);
    bool new;
    const char *kept =
        name ? cemm_tree_get(&rows->names, name, length + 1, compare_names, &new) : NULL;
    free(name);
    return kept;
}

static int add_piece(struct rows *rows, const char *text, size_t name_length, size_t length)
{
    const char *name = keep_name(rows, text, name_length);
    struct piece *more = reallocarray(rows->pieces, rows->piece_count + 1, sizeof(*more));
    if (more)
        rows->pieces = more;
    if (!name || !more)
        return -ENOMEM;
    more[rows->piece_count++] = (struct piece){name, rows->file_end, length};
    rows->file_end += (off_t)length;
    return cemm_file_write(rows->file, text, length) < 0 ? file_failed(rows) : 0;
}

/* Returns the length of the lines up to the first one with another metric or other labels. */
static size_t metric_length(const char *text, size_t *ret_name_length)
{
    size_t length = 0;
    *ret_name_length = strcspn(text, " ");
    while (strncmp(text + length, text, *ret_name_length + 1) == 0)
        length += strcspn(text + length, "\n") + 1;
    return length;
}

static int add_pieces(struct rows *rows, const struct cemm_document *document)
{
    char *text = NULL;
    size_t length = 0;
    int r = cemm_render(document, CEMM_FORMAT_OPENMETRICS, NULL, &text, &length);
    for (const char *rest = text; r == 0 && *rest != '\0'; rest += length) {
        size_t name_length;
        length = metric_length(rest, &name_length);
        r = add_piece(rows, rest, name_length, length);
    }
    free(text);
    return r;
}

/* Prints HELP and TYPE, unless the previous piece is of the same family: then the names differ only
 * in the labels. */
static int print_head(const struct rows *rows, const struct piece *piece)
{
    const char *name = piece->name;
    char *text = NULL;
    size_t length = 0;
    if (piece > rows->pieces && strncmp(name, piece[-1].name, strcspn(name, "{") + 1) == 0)
        return 0;
    int r = cemm_openmetrics_head(name, &text, &length);
    if (r == 0)
        fwrite(text, 1, length, rows->history.output.stream);
    free(text);
    return r;
}

static int print_piece(struct rows *rows, const struct piece *piece)
{
    struct output *output = &rows->history.output;
    char bytes[BUFSIZ];
    for (size_t done = 0; done < piece->length;) {
        size_t left = piece->length - done;
        errno = EIO; /* the error if the file is too short */
        ssize_t length = pread(rows->file, bytes, left < sizeof(bytes) ? left : sizeof(bytes),
                               piece->offset + (off_t)done);
        if (length <= 0)
            return file_failed(rows);
        fwrite(bytes, 1, (size_t)length, output->stream);
        done += (size_t)length;
    }
    return output_flush(output);
}

static int compare(const void *left, const void *right)
{
    const struct piece *a = left;
    const struct piece *b = right;
    int r = strcmp(a->name, b->name);
    return r != 0 ? r : (a->offset > b->offset) - (a->offset < b->offset);
}

static int print_pieces(struct rows *rows)
{
    int r = 0;
    if (rows->piece_count > 0)
        qsort(rows->pieces, rows->piece_count, sizeof(*rows->pieces), compare);
    for (size_t i = 0; r == 0 && i < rows->piece_count; i++) {
        r = print_head(rows, &rows->pieces[i]);
        if (r == 0)
            r = print_piece(rows, &rows->pieces[i]);
    }
    if (r == 0)
        fputs("# EOF\n", rows->history.output.stream);
    return r;
}

/* ---- all formats ------------------------------------------------------------- */

static int begin(void *data)
{
    /* Seconds between the rows of a day, a month, a year. */
    static const double cadences[] = {
        [CEMM_DAY] = 60, [CEMM_MONTH] = 86400, [CEMM_YEAR] = 30 * 86400};
    struct rows *rows = data;
    const struct history *history = &rows->history;
    if (is_openmetrics(rows))
        return make_file(rows);
    render_init(&rows->render, history->options->format, cemm_zone(history->cemm),
                cadences[history->options->span]);
    return render_rows(&rows->render, NULL, 0, history->output.stream);
}

static void drop_documents(struct rows *rows)
{
    while (rows->document_count > 0)
        cemm_document_unref(rows->documents[--rows->document_count]);
}

static int print_documents(struct rows *rows)
{
    struct output *output = &rows->history.output;
    int r = 0;
    if (rows->document_count > 0)
        r = render_rows(&rows->render, (const struct cemm_document *const *)rows->documents,
                        rows->document_count, output->stream);
    drop_documents(rows);
    return r == 0 ? output_flush(output) : r;
}

static int take(void *data, const struct history_slot *slot)
{
    struct rows *rows = data;
    if (slot->document && !cemm_document_empty(slot->document))
        slot->meter->has_data = rows->history.printed = true;
    if (is_openmetrics(rows))
        return slot->document ? add_pieces(rows, slot->document) : 0;
    if (slot->document)
        rows->documents[rows->document_count++] = cemm_document_ref(slot->document);
    bool full = slot->last || (slot->meter_index + 1) % GROUP == 0;
    return full ? print_documents(rows) : 0;
}

static int finish(void *data)
{
    struct rows *rows = data;
    if (is_openmetrics(rows))
        return print_pieces(rows);
    render_end(&rows->render, rows->history.output.stream);
    return 0;
}

/* No data at all is an error, usually a wrong date; no data of one meter is a warning. */
static bool report(void *data)
{
    static const char message[] = "there is no data for these dates";
    const struct rows *rows = data;
    const struct history *history = &rows->history;
    if (!history->printed && !history->failed) {
        history_report_empty(history, message);
        return false;
    }
    for (size_t i = 0; i < history->meter_count && !history->failed; i++) {
        const struct history_meter *meter = &history->meters[i];
        if (!meter->has_data)
            message_about(CEMM_LOG_WARNING, meter->uid.text, meter->alias, message);
    }
    if (rows->render.refused > 0)
        message_print(CEMM_LOG_WARNING,
                      "samples left out, because their names are too long for collectd: %zu",
                      rows->render.refused);
    return true;
}

enum exec_exit exec_history(const struct exec_options *options)
{
    static const struct history_use use = {1, 0, NULL, begin, take, finish, report};
    struct rows rows = {.history = {.options = options, .use = &use, .data = &rows}, .file = -1};
    enum exec_exit end = history_command(&rows.history);
    drop_documents(&rows);
    free(rows.pieces);
    tdestroy(rows.names, free);
    if (rows.file >= 0)
        close(rows.file);
    return end;
}
