/*
 * `watch cemm read` is how people keep an eye on their meters, but watch reads
 * us through a pipe, as any program would. It is told from others by its name
 * and by holding the other end of that very pipe: in `watch 'cemm read | …'`
 * it holds another one, and what comes is for a program again.
 */
#include "plugin/exec/screen.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANCESTORS   2 /* there may be a shell between */
#define COLUMNS_MAX 100000

/* Name and parent of a process; the parent is 0 if it can't be read. */
static long process(long pid, char ret_name[64])
{
    char path[64];
    char line[512] = "";
    if (snprintf(path, sizeof(path), "/proc/%ld/stat", pid) >= (int)sizeof(path))
        return 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    size_t length = fread(line, 1, sizeof(line) - 1, file);
    fclose(file);
    line[length] = '\0';
    char *name = strchr(line, '(');
    char *end = strrchr(line, ')');
    if (name == NULL || end == NULL || (size_t)(end - name) > 64 || strlen(end) < strlen(") S "))
        return 0;
    memcpy(ret_name, name + 1, (size_t)(end - name - 1));
    ret_name[end - name - 1] = '\0';
    return strtol(end + strlen(") S "), NULL, 10);
}

static bool holds(long pid, const struct stat *pipe)
{
    char path[64];
    bool found = false;
    if (snprintf(path, sizeof(path), "/proc/%ld/fd", pid) >= (int)sizeof(path))
        return false;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(folder)) != NULL;) {
        struct stat open;
        found = fstatat(dirfd(folder), entry->d_name, &open, 0) == 0 &&
                open.st_dev == pipe->st_dev && open.st_ino == pipe->st_ino;
    }
    closedir(folder);
    return found;
}

static bool watched(void)
{
    struct stat out;
    char name[64];
    long pid = getppid();
    if (fstat(STDOUT_FILENO, &out) != 0 || !S_ISFIFO(out.st_mode))
        return false;
    for (int i = 0; i < ANCESTORS && pid > 1; i++) {
        long parent = process(pid, name);
        if (parent > 0 && strcmp(name, "watch") == 0)
            return holds(pid, &out);
        pid = parent;
    }
    return false;
}

bool screen_there(void)
{
    return isatty(STDOUT_FILENO) == 1 || watched();
}

size_t screen_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS"); /* watch sets it */
    if (isatty(STDOUT_FILENO) == 1)
        return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    unsigned long width = columns != NULL && watched() ? strtoul(columns, NULL, 10) : 0;
    return width <= COLUMNS_MAX ? width : 0;
}
