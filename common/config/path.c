#include "common/config/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *join(const char *directory, const char *path)
{
    const char *slash = directory[strlen(directory) - 1] == '/' ? "" : "/";
    char *joined;

    return asprintf(&joined, "%s%s%s", directory, slash, path) < 0 ? NULL : joined;
}

char *cemm_path_full(const char *base, const char *path)
{
    if (path[0] == '/')
        return strdup(path);
    if (base)
        return join(base, path);
    char *here = getcwd(NULL, 0);
    char *full = here ? join(here, path) : NULL;
    free(here);
    return full;
}
