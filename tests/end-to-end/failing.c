/*
 * To be preloaded: makes the N-th call of a kind fail, once, so that a test can go through all of
 * them one by one. FAIL=KIND:N, KIND being memory, write, rename, sync, open or mkdir. When it has
 * happened, a file of the name that FAIL_MARK gives is there; if it is not, there were less than N
 * calls.
 *
 * Memory fails for our own programs and library, and for libcurl, json-c, libfuse and the C library
 * where these ask for it. It does not for GLib, which ends the program then, as its manual says: it
 * is only used while the configuration is read. Nor for the TLS library, nor where json-c copies a
 * name (see below). The rest fails for files
 * that are written, wherever that happens.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RANGES_MAX 16

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static struct {
    uintptr_t from, to;
} ranges[RANGES_MAX];
static int range_count;
static const char *kind;
static long wanted;
static atomic_long calls;

static int add_object(struct dl_phdr_info *info, size_t size, void *data)
{
    static const char *const names[] = {"libcemm.so", "libcurl", "libjson-c",
                                        "libfuse3",   "libinih", "libc.so"};
    bool ours = info->dlpi_name[0] == '\0'; /* the program itself */

    (void)size;
    (void)data;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        ours |= strstr(info->dlpi_name, names[i]) != NULL;
    for (int i = 0; ours && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || range_count == RANGES_MAX)
            continue;
        ranges[range_count].from = info->dlpi_addr + part->p_vaddr;
        ranges[range_count++].to = info->dlpi_addr + part->p_vaddr + part->p_memsz;
    }
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *text = getenv("FAIL");
    const char *colon = text ? strchr(text, ':') : NULL;

    if (!colon)
        return;
    dl_iterate_phdr(add_object, NULL);
    wanted = strtol(colon + 1, NULL, 10);
    kind = text;
}

static void mark(void)
{
    const char *path = getenv("FAIL_MARK");
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (fd >= 0)
        syscall(SYS_close, fd);
}

/* Whether this call of that kind is the one. */
static bool fails(const char *what, int error)
{
    size_t length = strlen(what);

    if (!kind || strncmp(kind, what, length) != 0 || kind[length] != ':')
        return false;
    if (atomic_fetch_add(&calls, 1) + 1 != wanted)
        return false;
    mark();
    errno = error;
    return true;
}

static bool memory_fails(const void *caller)
{
    if (!kind)
        return false;
    for (int i = 0; i < range_count; i++)
        if ((uintptr_t)caller >= ranges[i].from && (uintptr_t)caller < ranges[i].to)
            return fails("memory", ENOMEM);
    return false;
}

void *malloc(size_t size)
{
    return memory_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return memory_fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return memory_fails(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t all;

    if (__builtin_mul_overflow(count, size, &all) || memory_fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(old, all);
}

/* Of json-c's copies of names the failure is not looked at, in 0.16: it would crash in there. */
char *strdup(const char *text)
{
    Dl_info about;
    const void *caller = __builtin_return_address(0);
    size_t length = strlen(text) + 1;
    bool json = dladdr(caller, &about) && strstr(about.dli_fname, "libjson-c");
    char *copy = !json && memory_fails(caller) ? NULL : __libc_malloc(length);

    return copy ? memcpy(copy, text, length) : NULL;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    struct stat about;

    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && fails("write", ENOSPC))
        return -1;
    return syscall(SYS_write, fd, bytes, length);
}

int rename(const char *from, const char *to)
{
    return fails("rename", EIO) ? -1 : (int)syscall(SYS_rename, from, to);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return fails("rename", EIO) ? -1 : (int)syscall(SYS_renameat, from_fd, from, to_fd, to);
}

int fsync(int fd)
{
    return fails("sync", EIO) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails("sync", EIO) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int mkdir(const char *path, mode_t mode)
{
    return fails("mkdir", ENOSPC) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    return fails("mkdir", ENOSPC) ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

/* Whether it makes a file, and so is told a mode. */
static bool makes(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static int open_for(int fd, const char *path, int flags, mode_t mode)
{
    if (makes(flags) && fails("open", ENOSPC))
        return -1;
    return (int)syscall(SYS_openat, fd, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = makes(flags) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_for(AT_FDCWD, path, flags, mode);
}

int openat(int fd, const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = makes(flags) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_for(fd, path, flags, mode);
}

/* The same with the names that they have where files may be long. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int fd, const char *path, int flags, ...) __attribute__((alias("openat")));

/* These open inside the C library. */
static int make_temporary(char *template, int flags)
{
    int (*real)(char *, int) = NULL;

    if (fails("open", ENOSPC))
        return -1;
    *(void **)&real = dlsym(RTLD_NEXT, "mkostemp");
    return real(template, flags);
}

int mkstemp(char *template)
{
    return make_temporary(template, 0);
}

int mkostemp(char *template, int flags)
{
    return make_temporary(template, flags);
}

int mkstemp64(char *template) __attribute__((alias("mkstemp")));
int mkostemp64(char *template, int flags) __attribute__((alias("mkostemp")));
