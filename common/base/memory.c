#include "common/frontend.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

void *cemm_tree_get(void **tree, const void *key, size_t size,
                    int (*compare)(const void *, const void *), bool *ret_new)
{
    void **place = tfind(key, tree, compare);
    void *copy = place ? NULL : malloc(size);

    if (copy)
        place = tsearch(memcpy(copy, key, size), tree, compare);
    if (!place)
        free(copy);
    *ret_new = place && copy;
    return place ? *place : NULL;
}
