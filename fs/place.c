#include "fs/place.h"

#include <string.h>

bool place_same(const struct place *a, const struct place *b)
{
    return a->kind == b->kind && a->form == b->form && a->history == b->history &&
           a->ago == b->ago && strcmp(a->uid.text, b->uid.text) == 0 &&
           strcmp(a->alias, b->alias) == 0 && strcmp(a->channel, b->channel) == 0 &&
           a->period.span == b->period.span && a->period.year == b->period.year &&
           a->period.month == b->period.month && a->period.day == b->period.day;
}

uint64_t place_hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

uint64_t place_hash(const struct place *place)
{
    const int numbers[] = {(int)place->kind,    (int)place->form,        (int)place->history,
                           place->ago,          (int)place->period.span, place->period.year,
                           place->period.month, place->period.day};
    uint64_t hash = PLACE_HASH;
    hash = place_hash_bytes(hash, place->uid.text, strlen(place->uid.text) + 1);
    hash = place_hash_bytes(hash, place->alias, strlen(place->alias) + 1);
    hash = place_hash_bytes(hash, place->channel, strlen(place->channel) + 1);
    return place_hash_bytes(hash, numbers, sizeof(numbers));
}
