#include "plugin/exec/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void entry_free(struct board_entry *entry)
{
    cemm_document_unref(entry->shown);
    free(entry);
}

void board_clear(struct board *board)
{
    for (size_t i = 0; i < board->count; i++)
        entry_free(board->entries[i]);
    free(board->entries);
    *board = (struct board){0};
}

static void copy_text(char *ret_text, size_t size, const char *text)
{
    size_t length = text != NULL ? strnlen(text, size - 1) : 0;
    if (length > 0)
        memcpy(ret_text, text, length);
    ret_text[length] = '\0';
}

static int compare(const struct board_entry *a, const struct board_entry *b)
{
    int r = strcmp(a->uid, b->uid);
    if (r == 0)
        r = strcmp(a->alias, b->alias);
    return r != 0 ? r : strcmp(a->source, b->source);
}

/* Where the names stand, or should. */
static size_t place_of(const struct board *board, const struct board_entry *names)
{
    size_t low = 0;
    size_t high = board->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(board->entries[middle], names) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool make_room(struct board *board)
{
    if (board->count < board->room)
        return true;
    size_t room = board->room * 2 + 16;
    struct board_entry **more = reallocarray(board->entries, room, sizeof(struct board_entry *));
    if (more == NULL)
        return false;
    board->entries = more;
    board->room = room;
    return true;
}

struct board_entry *board_get(struct board *board, const char *uid, const char *alias,
                              const char *source)
{
    struct board_entry names = {0};
    copy_text(names.uid, sizeof(names.uid), uid);
    copy_text(names.alias, sizeof(names.alias), alias);
    copy_text(names.source, sizeof(names.source), source);
    size_t place = place_of(board, &names);
    if (place < board->count && compare(board->entries[place], &names) == 0)
        return board->entries[place];
    struct board_entry *entry = make_room(board) ? malloc(sizeof(*entry)) : NULL;
    if (entry == NULL)
        return NULL;
    *entry = names;
    memmove(&board->entries[place + 1], &board->entries[place],
            (board->count - place) * sizeof(struct board_entry *));
    board->entries[place] = entry;
    board->count++;
    return entry;
}

void board_forgive(struct board *board, size_t sweep)
{
    size_t kept = 0;
    for (size_t i = 0; i < board->count; i++) {
        struct board_entry *entry = board->entries[i];
        if (entry->alias[0] == '\0' && entry->sweep < sweep)
            entry_free(entry);
        else
            board->entries[kept++] = entry;
    }
    board->count = kept;
}

int board_render(const struct board *board, const char *before, char **ret_text, size_t *ret_length)
{
    struct cemm_reading *readings = calloc(board->count + 1, sizeof(*readings));
    if (readings == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < board->count; i++) {
        const struct board_entry *entry = board->entries[i];
        readings[i] = (struct cemm_reading){
            .uid = entry->uid,
            .alias = entry->alias,
            .source = entry->source,
            .document = entry->up ? entry->shown : NULL,
        };
    }
    int r = cemm_render_prometheus(readings, board->count, before, ret_text, ret_length);
    free(readings);
    return r;
}
