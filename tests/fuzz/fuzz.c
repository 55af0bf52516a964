#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

char *fuzz_text(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);

    MUST(text);
    if (size)
        memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

const char *fuzz_file(const uint8_t *bytes, size_t size)
{
    static int fd = -1;
    static char path[64];

    if (fd >= 0)
        close(fd);
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    MUST(fd >= 0);
    MUST(write(fd, bytes, size) == (ssize_t)size);
    MUST(snprintf(path, sizeof(path), "/proc/self/fd/%d", fd) > 0);
    return path;
}
