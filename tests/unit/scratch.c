#include "scratch.h"

#include "check.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The environment variables that tests may set. */
static const char *const variables[] = {
    "CEMM_CONFIG", "XDG_CONFIG_HOME", "HOME",         "CREDENTIALS_DIRECTORY",
    "TZ",          "STATE_DIRECTORY", "XDG_DATA_HOME"};
static char *saved[COUNT(variables)];
static char top[PATH_MAX / 2];

int scratch_setup(void **state)
{
    const char *base = getenv("TMPDIR");
    int length = snprintf(top, sizeof(top), "%s/cemm-unit-XXXXXX", base ? base : "/tmp");

    (void)state;
    for (size_t i = 0; i < COUNT(variables); i++)
        saved[i] = getenv(variables[i]) ? strdup(getenv(variables[i])) : NULL;
    return length < 0 || (size_t)length >= sizeof(top) || !mkdtemp(top) ? -1 : 0;
}

static int delete_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

int scratch_teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(variables); i++) {
        if (saved[i])
            setenv(variables[i], saved[i], 1);
        else
            unsetenv(variables[i]);
        free(saved[i]);
    }
    return nftw(top, delete_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const char *name)
{
    static char paths[4][PATH_MAX];
    static size_t turn;
    char *path = paths[turn++ % COUNT(paths)];
    int length = snprintf(path, PATH_MAX, "%s/%s", top, name);

    assert_true(length > 0 && length < PATH_MAX);
    return path;
}

static void make_parents(const char *path)
{
    char parent[PATH_MAX];

    for (const char *slash = path + strlen(top) + 1; (slash = strchr(slash, '/')); slash++) {
        memcpy(parent, path, (size_t)(slash - path));
        parent[slash - path] = '\0';
        assert_true(mkdir(parent, 0700) == 0 || access(parent, X_OK) == 0);
    }
}

const char *scratch_bytes(const char *name, const void *bytes, size_t length, mode_t mode)
{
    const char *path = scratch_path(name);

    make_parents(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), (ssize_t)length);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    return path;
}

const char *scratch_text(const char *name, const char *text, mode_t mode)
{
    return scratch_bytes(name, text, strlen(text), mode);
}
