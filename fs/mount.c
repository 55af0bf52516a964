/*
 * A mount whose program has crashed answers every question with "transport
 * endpoint is not connected", also that of its next start. It is only then
 * taken away: a mount that lives is somebody's.
 */
#include "fs/mount.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/ops.h"

#define FUSE_DEVICE makedev(10, 229) /* /dev/fuse: the kernel's Documentation, devices.txt */

#define MOUNT_OPTIONS_SIZE 8192 /* twice PATH_MAX: each character of the source may be escaped */

static int run_fusermount(const char *mountpoint)
{
    const char *arguments[] = {"fusermount3", "-u", "-z", "--", mountpoint, NULL};
    int status;
    pid_t pid;
    int result = posix_spawnp(&pid, arguments[0], NULL, NULL, (char *const *)arguments, environ);

    if (result != 0)
        return -result;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOTCONN;
}

static int take_dead_mount_away(const char *mountpoint)
{
    if (umount2(mountpoint, MNT_DETACH) == 0)
        return 0;
    return errno == EPERM ? run_fusermount(mountpoint) : -errno;
}

/* Asked by statfs, which the kernel does not answer from what it remembers. */
static bool is_dead(const char *mountpoint)
{
    struct statfs about;

    return statfs(mountpoint, &about) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

int mount_prepare(const char *mountpoint, char **ret_path)
{
    struct stat about;
    int result = is_dead(mountpoint) ? take_dead_mount_away(mountpoint) : 0;

    if (result < 0)
        return result;
    if (stat(mountpoint, &about) < 0)
        return -errno;
    if (!S_ISDIR(about.st_mode))
        return -ENOTDIR;
    *ret_path = realpath(mountpoint, NULL);
    return *ret_path ? 0 : -errno;
}

/* Commas and backslashes of the source's name are escaped for libfuse. */
static int print_options(const struct options *options, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");
    const char *source = options->config ? options->config : "cemm";
    bool bad;

    if (!out)
        return -ENOMEM;
    fprintf(out, "ro,nosuid,nodev,subtype=cemmfs");
    if (options->allow_other)
        fprintf(out, ",allow_other");
    if (options->default_permissions)
        fprintf(out, ",default_permissions");
    if (options->noexec)
        fprintf(out, ",noexec");
    fprintf(out, ",fsname=");
    for (; *source != '\0'; source++)
        fprintf(out, *source == ',' || *source == '\\' ? "\\%c" : "%c", *source);
    bad = fflush(out) != 0 || ferror(out) != 0;
    return fclose(out) != 0 || bad ? -E2BIG : 0;
}

struct fuse_session *mount_session(const struct options *options, struct fs *fs)
{
    struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
    struct fuse_session *session = NULL;
    char text[MOUNT_OPTIONS_SIZE] = "";

    if (print_options(options, text, sizeof(text)) == 0 &&
        fuse_opt_add_arg(&arguments, "cemmfs") == 0 && fuse_opt_add_arg(&arguments, "-o") == 0 &&
        fuse_opt_add_arg(&arguments, text) == 0 &&
        (!options->debug || fuse_opt_add_arg(&arguments, "-d") == 0))
        session = fuse_session_new(&arguments, &fs_ops, sizeof(fs_ops), fs);
    fuse_opt_free_args(&arguments);
    return session;
}

/* libfuse 3.14 may report success when it was short of memory, and take standard input for the
 * kernel's descriptor. */
int mount_on(struct fuse_session *session, const char *path)
{
    struct stat about;

    if (fuse_session_mount(session, path) < 0)
        return -1;
    if (fstat(fuse_session_fd(session), &about) == 0 && S_ISCHR(about.st_mode) &&
        about.st_rdev == FUSE_DEVICE)
        return 0;
    return -1;
}
