#include "fs/path.h"

#include <string.h>

bool path_same(const struct path *a, const struct path *b)
{
    return a->kind == b->kind && a->form == b->form && a->history == b->history &&
           a->ago == b->ago && strcmp(a->uid.text, b->uid.text) == 0 &&
           strcmp(a->alias, b->alias) == 0 && strcmp(a->channel, b->channel) == 0 &&
           a->period.span == b->period.span && a->period.year == b->period.year &&
           a->period.month == b->period.month && a->period.day == b->period.day;
}

uint64_t path_hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

uint64_t path_hash(const struct path *path)
{
    const int numbers[] = {(int)path->kind,    (int)path->form,        (int)path->history,
                           path->ago,          (int)path->period.span, path->period.year,
                           path->period.month, path->period.day};
    uint64_t hash = PATH_HASH;
    hash = path_hash_bytes(hash, path->uid.text, strlen(path->uid.text) + 1);
    hash = path_hash_bytes(hash, path->alias, strlen(path->alias) + 1);
    hash = path_hash_bytes(hash, path->channel, strlen(path->channel) + 1);
    return path_hash_bytes(hash, numbers, sizeof(numbers));
}
