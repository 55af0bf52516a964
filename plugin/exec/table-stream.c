#include "plugin/exec/table-stream.h"

#include <errno.h>
#include <string.h>

#include "plugin/exec/table.h"

enum { TIME, DEVICE, METER, CHANNEL, VALUE, UNIT, COLUMNS };

#define LONGEST(text) (sizeof(text) - 1)

static const struct table_column columns[COLUMNS] = {
    [TIME] = {.title = "TIME", .width = LONGEST("2024-03-31 03:00:00")},
    [DEVICE] = {.title = "DEVICE", .width = LONGEST("00-1E-C0-85-96-CC")},
    [METER] = {.title = "METER", .width = LONGEST("emucs-gas")},
    [CHANNEL] = {.title = "CHANNEL", .width = LONGEST("electric_energy_high")},
    [VALUE] = {.title = "VALUE", .right = true, .width = LONGEST("114467.5703125")},
    [UNIT] = {.title = "UNIT", .width = LONGEST("L/min")},
};

/* uid,alias,channel,value,unit,time,type: none of them has a comma. */
static void add_row(struct table *table, char *row)
{
    static const int order[COLUMNS] = {DEVICE, METER, CHANNEL, VALUE, UNIT, TIME};
    const char *cells[COLUMNS] = {0};
    for (int i = 0; i < COLUMNS && row != NULL; i++) {
        char *cell = strsep(&row, ",");
        if (order[i] == TIME)
            table_plain_time(cell);
        cells[order[i]] = cell;
    }
    table_row(table, cells);
}

int table_stream_print(struct table_stream *table_stream, char *rows, FILE *stream)
{
    struct table table = table_new(columns, COLUMNS);
    char *row;
    while ((row = strsep(&rows, "\n"))) {
        if (*row != '\0')
            add_row(&table, row);
    }
    table.untitled = table_stream->begun;
    int r = 0;
    if (table.row_count > 0 || table.error < 0) {
        r = table_print(&table, stream);
        table_stream->begun = true;
    }
    table_clear(&table);
    return r;
}
