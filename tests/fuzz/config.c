/*
 * Configuration files. The message of an error must begin with the file's path, and
 * an accepted file must give a time zone.
 */
#include "tests/fuzz/fuzz.h"

#include "common/config/config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(bytes, size);
    struct cemm_message message = {.text = ""};
    struct cemm_config *config = cemm_config_new();

    MUST(config);
    int r = cemm_config_load(config, path, &message);
    MUST(r == 0 || strncmp(message.text, path, strlen(path)) == 0);
    MUST(r < 0 || config->zone);
    cemm_config_free(config);
    return 0;
}
