/*
 * Paths in the mount: each name that is taken comes back as the name of what it
 * leads to, in the directory where it was looked for.
 */
#include "tests/fuzz/fuzz.h"

#include "fs/tree.h"

#include <string.h>

#define NOW   INT64_C(1800000000)
#define STEPS 16

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct cemm_zone *zone;
    char *text = fuzz_text(bytes, size);
    char *rest = text;
    struct path path = tree_root;
    char *name;

    if (!zone)
        zone = cemm_zone_new("Europe/Amsterdam");
    const struct tree_clock clock = {.zone = zone, .now = NOW};
    const struct tree_meter meter = {.totals = true};
    for (int i = 0; i < STEPS && (name = strsep(&rest, "/")); i++) {
        struct path child;
        struct path parent;
        char own[TREE_NAME_SIZE];
        char target[TREE_LINK_SIZE];
        if (tree_type(&path) != TREE_DIRECTORY || !tree_child(&path, name, &clock, &meter, &child))
            break;
        tree_name(&child, own);
        /* A device's other spellings are links to the one that it has. */
        MUST(child.kind == PATH_DEVICE_LINK || strcmp(own, name) == 0);
        MUST(tree_parent(&child, &parent) && path_compare(&parent, &path) == 0);
        if (tree_type(&child) == TREE_LINK) {
            tree_target(&child, &clock, target);
            MUST(target[0] && target[0] != '/');
        }
        path = child;
    }
    free(text);
    return 0;
}
