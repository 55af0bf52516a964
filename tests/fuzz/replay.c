/*
 * Runs a target on all files of the given directories, in every test run. The files are the inputs
 * that libFuzzer started with, and those that it has found since.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define FILE_MAX (8u << 20)

static void replay(const char *directory, const char *name)
{
    static uint8_t bytes[FILE_MAX];
    char path[4096];
    FILE *file;

    MUST(snprintf(path, sizeof(path), "%s/%s", directory, name) < (int)sizeof(path));
    file = fopen(path, "rb");
    if (!file) {
        printf("not ok: %s: %s\n", path, strerror(errno));
        exit(EXIT_FAILURE);
    }
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    /* The copy is exactly as long as the input, so that reading beyond it is detected. */
    uint8_t *exact = malloc(size ? size : 1);
    MUST(exact);
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++) {
        const struct dirent *entry;
        DIR *directory = opendir(argv[i]);
        if (!directory) {
            printf("not ok: %s: %s\n", argv[i], strerror(errno));
            return EXIT_FAILURE;
        }
        while ((entry = readdir(directory)))
            if (entry->d_name[0] != '.') {
                replay(argv[i], entry->d_name);
                count++;
            }
        closedir(directory);
    }
    if (count == 0) {
        printf("not ok: no corpus\n");
        return EXIT_FAILURE;
    }
    printf("ok: %u inputs\n", count);
    return EXIT_SUCCESS;
}
