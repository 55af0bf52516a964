/*
 * A column is as wide as its widest cell. Widths count characters, not bytes.
 * Nothing is cut: a long line is better than a wrong number.
 */
#include "plugin/exec/table.h"

#include <stdlib.h>
#include <string.h>

#define DECIMALS 3

/* Counts characters of UTF-8: all bytes that do not continue one. */
static size_t width(const char *text)
{
    size_t count = 0;
    for (; text && *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* Control characters would control a terminal. */
static void put(FILE *stream, const char *text)
{
    for (; text && *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        putc(c < 0x20 || c == 0x7f ? '?' : c, stream);
    }
}

static size_t gap(const struct table *table)
{
    return table->tight ? 1 : 2;
}

static void print_row(const struct table *table, const char *const *cells)
{
    size_t blanks = 0; /* before the next text, so that none end a line */
    for (size_t i = 0; i < table->column_count; i++) {
        size_t space = table->widths[i] - width(cells[i]);
        if (table->columns[i].right)
            blanks += space;
        if (width(cells[i]) > 0) {
            fprintf(table->stream, "%*s", (int)blanks, "");
            blanks = 0;
        }
        put(table->stream, cells[i]);
        blanks += table->columns[i].right ? gap(table) : space + gap(table);
    }
    putc('\n', table->stream);
}

void table_row(struct table *table, const char *const *cells)
{
    if (table->stream)
        print_row(table, cells);
    for (size_t i = 0; !table->stream && i < table->column_count; i++) {
        if (width(cells[i]) > table->widths[i])
            table->widths[i] = width(cells[i]);
    }
}

void table_note(struct table *table, const char *text)
{
    if (!table->stream)
        return;
    put(table->stream, text);
    putc('\n', table->stream);
}

static void add_titles(struct table *table)
{
    const char *titles[TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->column_count; i++)
        titles[i] = table->columns[i].title;
    table_row(table, titles);
}

void table_plain_time(char *time)
{
    static const size_t end = sizeof("2024-03-31T03:00:00") - 1;
    if (strlen(time) < end)
        return;
    time[10] = ' ';
    time[end] = '\0';
}

void table_round(char *number)
{
    const char *point = strchr(number, '.');
    if (point && strspn(point + 1, "0123456789") > DECIMALS && !strpbrk(point, "eE"))
        (void)snprintf(number, strlen(number) + 1, "%.*f", DECIMALS, strtod(number, NULL));
}

size_t table_measure(struct table *table, table_fill_fn *fill, const void *data)
{
    size_t sum = 0;
    table->stream = NULL;
    for (size_t i = 0; i < table->column_count; i++)
        table->widths[i] = table->columns[i].width;
    add_titles(table);
    fill(table, data);
    for (size_t i = 0; i < table->column_count; i++)
        sum += table->widths[i] + (i > 0 ? gap(table) : 0);
    return sum;
}

int table_print(struct table *table, table_fill_fn *fill, const void *data, FILE *stream)
{
    table_measure(table, fill, data);
    table->stream = stream;
    if (!table->untitled)
        add_titles(table);
    fill(table, data);
    return table->error;
}
