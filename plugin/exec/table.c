/*
 * A table is collected before it is printed, because a column is as wide as
 * its widest cell. Widths count characters, not bytes. Nothing is cut: a long
 * line is better than a wrong number.
 */
#include "plugin/exec/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/message.h"

#define GAP 2

struct table_row {
    char *cells[TABLE_COLUMNS_MAX]; /* of a note only the first */
    bool note;
};

struct table table_new(const struct table_column *columns, size_t column_count)
{
    return (struct table){.columns = columns, .column_count = column_count, .gap = GAP};
}

void table_clear(struct table *table)
{
    for (size_t i = 0; i < table->row_count; i++) {
        for (size_t j = 0; j < TABLE_COLUMNS_MAX; j++)
            free(table->rows[i].cells[j]);
    }
    free(table->rows);
    *table = (struct table){0};
}

static struct table_row *new_row(struct table *table)
{
    if (table->row_count == table->row_room) {
        size_t room = table->row_room * 2 + 32;
        struct table_row *more = reallocarray(table->rows, room, sizeof(*more));
        if (!more) {
            table->error = -ENOMEM;
            return NULL;
        }
        table->rows = more;
        table->row_room = room;
    }
    struct table_row *row = &table->rows[table->row_count++];
    *row = (struct table_row){0};
    return row;
}

static char *copy_cell(struct table *table, const char *text)
{
    char *copy = strdup(text ? text : "");
    if (!copy) {
        table->error = -ENOMEM;
        return NULL;
    }
    message_tame(copy, '?');
    return copy;
}

void table_row(struct table *table, const char *const *cells)
{
    struct table_row *row = new_row(table);
    for (size_t i = 0; row && i < table->column_count; i++)
        row->cells[i] = copy_cell(table, cells[i]);
}

void table_note(struct table *table, const char *text)
{
    struct table_row *row = new_row(table);
    if (!row)
        return;
    row->note = true;
    row->cells[0] = copy_cell(table, text);
}

static int compare(const void *left, const void *right)
{
    const struct table_row *a = left;
    const struct table_row *b = right;
    return strcmp(a->cells[0], b->cells[0]);
}

void table_sort(struct table *table)
{
    if (table->row_count > 0 && table->error == 0)
        qsort(table->rows, table->row_count, sizeof(*table->rows), compare);
}

/* Counts characters of UTF-8: all bytes that do not continue one. */
static size_t width(const char *text)
{
    size_t count = 0;
    /* Each cell is set, or table_print() says that one could not be. */
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void pad(FILE *stream, size_t count)
{
    while (count-- > 0)
        putc(' ', stream);
}

static void print_row(const struct table *table, char *const *cells, const size_t *widths,
                      FILE *stream)
{
    size_t last = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (cells[i][0] != '\0')
            last = i;
    }
    for (size_t i = 0; i <= last; i++) {
        size_t space = widths[i] - width(cells[i]);
        if (table->columns[i].right)
            pad(stream, space);
        fputs(cells[i], stream);
        if (i == last)
            break; /* no blanks at the end of a line */
        pad(stream, table->columns[i].right ? table->gap : space + table->gap);
    }
    putc('\n', stream);
}

static void measure(const struct table *table, size_t *ret_widths)
{
    for (size_t i = 0; i < table->column_count; i++) {
        ret_widths[i] = width(table->columns[i].title);
        if (ret_widths[i] < table->columns[i].width)
            ret_widths[i] = table->columns[i].width;
        for (size_t j = 0; j < table->row_count; j++) {
            const struct table_row *row = &table->rows[j];
            size_t wide = row->note ? 0 : width(row->cells[i]);
            if (wide > ret_widths[i])
                ret_widths[i] = wide;
        }
    }
}

void table_plain_time(char *time)
{
    static const size_t end = sizeof("2024-03-31T03:00:00") - 1;
    if (strlen(time) < end)
        return;
    time[10] = ' ';
    time[end] = '\0';
}

size_t table_width(const struct table *table)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    size_t sum = 0;
    measure(table, widths);
    for (size_t i = 0; i < table->column_count; i++)
        sum += widths[i] + (i > 0 ? table->gap : 0);
    return sum;
}

int table_print(const struct table *table, FILE *stream)
{
    char *titles[TABLE_COLUMNS_MAX] = {0};
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    if (table->error < 0)
        return table->error;
    for (size_t i = 0; i < table->column_count; i++)
        titles[i] = (char *)table->columns[i].title;
    measure(table, widths);
    if (!table->untitled)
        print_row(table, titles, widths, stream);
    for (size_t i = 0; i < table->row_count; i++) {
        if (table->rows[i].note)
            fprintf(stream, "%s\n", table->rows[i].cells[0]);
        else
            print_row(table, table->rows[i].cells, widths, stream);
    }
    return 0;
}
