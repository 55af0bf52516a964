/*
 * For LD_PRELOAD: makes the N-th call of a kind fail, once, so that a test can make each call fail
 * in turn. The environment has FAIL=KIND:N, where KIND is memory, write, rename, sync, open, mkdir
 * or notice (what cemmfs sends to the kernel), and FAIL_MARK, the name of a file that is created at
 * the failure. If the file does not exist at the end, there were fewer than N calls.
 *
 * A call counts if it is made by our programs, library or plugin, by libcurl or by libfuse, even if
 * it goes through the C library. Calls of collectd itself, of GLib, of the TLS library and of
 * json-c do not count. GLib, which is used only while the configuration is read, ends the program
 * if there is no memory, as its manual says. json-c 0.16 crashes if there is no memory for a copy
 * of a member's name. Opening a file counts only if it is opened for writing.
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#define RANGES_MAX 16

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

/* An address range of code whose calls count. Calls through a library with `passes_on`, such as the
 * C library, are attributed to its caller. */
static struct range {
    uintptr_t from, to;
    bool passes_on;
} ranges[RANGES_MAX];
static int range_count;
static const char *kind;
static long wanted;
static atomic_long calls;

static const struct range *range_of(uintptr_t address)
{
    for (int i = 0; i < range_count; i++)
        if (address >= ranges[i].from && address < ranges[i].to)
            return &ranges[i];
    return NULL;
}

static bool has_name(const char *path, const char *const *names)
{
    while (*names && !strstr(path, *names))
        names++;
    return *names != NULL;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *data)
{
    static const char *const own[] = {"libcemm.so", "/cemm.so", "libcurl", "libfuse3", NULL};
    static const char *const between[] = {"libc.so", "/failing.so", NULL};
    bool program = info->dlpi_name[0] == '\0';
    bool host = program && strcmp(program_invocation_short_name, "collectd") == 0;
    bool passes_on = has_name(info->dlpi_name, between);

    (void)size;
    (void)data;
    if (host || !(program || passes_on || has_name(info->dlpi_name, own)))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + part->p_vaddr;
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X) || range_of(from))
            continue;
        if (range_count == RANGES_MAX)
            abort(); /* otherwise some calls would not be counted */
        ranges[range_count++] = (struct range){from, from + part->p_memsz, passes_on};
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

/* Needs no lock: collectd loads plugins and their libraries before it starts threads. */
void *dlopen(const char *path, int flags)
{
    void *(*real)(const char *, int) = NULL;
    void *object;

    *(void **)&real = dlsym(RTLD_NEXT, "dlopen");
    object = real(path, flags);
    if (kind)
        dl_iterate_phdr(add_object, NULL);
    return object;
}

static _Unwind_Reason_Code look(struct _Unwind_Context *frame, void *data)
{
    const struct range **range = data;

    *range = range_of(_Unwind_GetIP(frame));
    return *range && (*range)->passes_on ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static bool is_ours(const void *caller)
{
    const struct range *range = range_of((uintptr_t)caller);

    if (range && range->passes_on)
        _Unwind_Backtrace(look, &range);
    return range && !range->passes_on;
}

static void mark(void)
{
    const char *path = getenv("FAIL_MARK");
    long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (fd >= 0)
        syscall(SYS_close, fd);
}

/* Whether this call must fail. */
static bool fails(const char *what, int error, const void *caller)
{
    size_t length = strlen(what);

    if (!kind || strncmp(kind, what, length) != 0 || kind[length] != ':' || !is_ours(caller))
        return false;
    if (atomic_fetch_add(&calls, 1) + 1 != wanted)
        return false;
    mark();
    errno = error;
    return true;
}

#define FAILS(what, error) fails(what, error, __builtin_return_address(0))

void *malloc(size_t size)
{
    return FAILS("memory", ENOMEM) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return FAILS("memory", ENOMEM) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return FAILS("memory", ENOMEM) ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size)
{
    size_t all;

    if (__builtin_mul_overflow(count, size, &all) || FAILS("memory", ENOMEM)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(old, all);
}

char *strdup(const char *text)
{
    size_t length = strlen(text) + 1;
    char *copy = FAILS("memory", ENOMEM) ? NULL : __libc_malloc(length);

    return copy ? memcpy(copy, text, length) : NULL;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    struct stat about;

    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && FAILS("write", ENOSPC)) {
        syscall(SYS_write, fd, bytes, length / 2); /* a full disk also writes a part */
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, length);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    if ((flags & MSG_DONTWAIT) && FAILS("notice", EAGAIN))
        return -1;
    return syscall(SYS_sendto, fd, bytes, length, flags, NULL, 0);
}

/* Uses renameat2, because newer architectures have neither SYS_rename nor SYS_renameat. */
static int do_rename(int from_fd, const char *from, int to_fd, const char *to)
{
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int rename(const char *from, const char *to)
{
    return FAILS("rename", EIO) ? -1 : do_rename(AT_FDCWD, from, AT_FDCWD, to);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return FAILS("rename", EIO) ? -1 : do_rename(from_fd, from, to_fd, to);
}

int fsync(int fd)
{
    return FAILS("sync", EIO) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return FAILS("sync", EIO) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int mkdir(const char *path, mode_t mode)
{
    return FAILS("mkdir", ENOSPC) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
    return FAILS("mkdir", ENOSPC) ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

/* Whether open() with these flags creates a file and so has a mode argument. */
static bool creates(int flags)
{
    return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
}

static int open_for(int fd, const char *path, int flags, mode_t mode, const void *caller)
{
    bool changes = creates(flags) || (flags & O_ACCMODE) == O_WRONLY;

    if (changes && fails("open", ENOSPC, caller))
        return -1;
    return (int)syscall(SYS_openat, fd, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = creates(flags) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_for(AT_FDCWD, path, flags, mode, __builtin_return_address(0));
}

int openat(int fd, const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    mode_t mode = creates(flags) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_for(fd, path, flags, mode, __builtin_return_address(0));
}

/* With support for large files, the functions have these names. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int fd, const char *path, int flags, ...) __attribute__((alias("openat")));

/* Intercepts the functions that open a temporary file inside the C library. */
static int make_temporary(char *template, int ending, int flags, const void *caller)
{
    int (*real)(char *, int, int) = NULL;

    if (fails("open", ENOSPC, caller))
        return -1;
    *(void **)&real = dlsym(RTLD_NEXT, "mkostemps");
    return real(template, ending, flags);
}

int mkstemp(char *template)
{
    return make_temporary(template, 0, 0, __builtin_return_address(0));
}

int mkostemp(char *template, int flags)
{
    return make_temporary(template, 0, flags, __builtin_return_address(0));
}

int mkostemps(char *template, int ending, int flags)
{
    return make_temporary(template, ending, flags, __builtin_return_address(0));
}

int mkstemp64(char *template) __attribute__((alias("mkstemp")));
int mkostemp64(char *template, int flags) __attribute__((alias("mkostemp")));
int mkostemps64(char *template, int ending, int flags) __attribute__((alias("mkostemps")));
