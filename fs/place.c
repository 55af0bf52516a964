/*
 * Places as keys of a table.
 */
#include <string.h>

#include "fs/tree.h"

bool tree_same(const struct place *a, const struct place *b)
{
    return a->kind == b->kind && a->form == b->form && a->history == b->history &&
           a->ago == b->ago && strcmp(a->uid.text, b->uid.text) == 0 &&
           strcmp(a->alias, b->alias) == 0 && strcmp(a->channel, b->channel) == 0 &&
           a->period.span == b->period.span && a->period.year == b->period.year &&
           a->period.month == b->period.month && a->period.day == b->period.day;
}

uint64_t tree_hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

uint64_t tree_hash_path(const struct place *place)
{
    struct place at = *place;
    uint64_t hash = TREE_HASH;
    char name[TREE_NAME_SIZE];

    do {
        tree_name(&at, name);
        hash = tree_hash_bytes(hash, name, strlen(name) + 1);
    } while (tree_parent(&at, &at));
    return hash;
}

uint64_t tree_hash(const struct place *place)
{
    const int numbers[] = {(int)place->kind,    (int)place->form,        (int)place->history,
                           place->ago,          (int)place->period.span, place->period.year,
                           place->period.month, place->period.day};
    uint64_t hash = TREE_HASH;

    hash = tree_hash_bytes(hash, place->uid.text, strlen(place->uid.text) + 1);
    hash = tree_hash_bytes(hash, place->alias, strlen(place->alias) + 1);
    hash = tree_hash_bytes(hash, place->channel, strlen(place->channel) + 1);
    return tree_hash_bytes(hash, numbers, sizeof(numbers));
}
