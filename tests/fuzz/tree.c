/*
 * Paths in the mount. If a name is accepted, the path must end with that name and
 * be in the directory in which the name was looked up.
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
        struct path target;
        if (tree_type(&path) != TREE_DIRECTORY || !tree_child(&path, name, &clock, &meter, &child))
            break;
        MUST(strcmp(tree_name(&child), name) == 0);
        if (tree_type(&child) == TREE_LINK) {
            const char *relative = tree_target(&child, &clock, 0, &target);
            MUST(relative[0] && relative[0] != '/');
        }
        struct path parent = child;
        MUST(tree_cut(parent.text) && strcmp(parent.text, path.text) == 0);
        path = child;
    }
    free(text);
    return 0;
}
