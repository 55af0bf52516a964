/*
 * After a crash the mount answers every request with ENOTCONN, also at the
 * next start. Only such a dead mount is removed.
 *
 * A process that reads its archive through its own mount waits for itself, and
 * no signal ends that. So the mount point is compared with the archive before
 * mounting.
 */
#include "fs/mount.h"

#include <errno.h>
#include <libgen.h>
#include <mntent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUSE_DEVICE makedev(10, 229) /* /dev/fuse: the kernel's Documentation, devices.txt */

static int run_fusermount(const char *mountpoint)
{
    const char *arguments[] = {"fusermount3", "-u", "-z", "--", mountpoint, NULL};
    int status;
    pid_t pid;
    int r = posix_spawnp(&pid, arguments[0], NULL, NULL, (char *const *)arguments, environ);
    if (r != 0)
        return -r;
    if (TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) < 0)
        return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOTCONN;
}

static int detach_dead_mount(const char *mountpoint)
{
    if (umount2(mountpoint, MNT_DETACH) == 0)
        return 0;
    return errno == EPERM ? run_fusermount(mountpoint) : -errno;
}

/* The kernel never answers statfs from its cache. */
static bool is_dead(const char *mountpoint)
{
    struct statfs about;
    return statfs(mountpoint, &about) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
}

/* ---- the place ------------------------------------------------------------- */

/* The full path of the part of a path that exists. NULL: no memory. */
static char *existing_part(const char *path)
{
    char *copy = strdup(path);
    char *part = copy;
    char *real = NULL;
    while (part && !(real = realpath(part, NULL)) && strcmp(part, ".") != 0)
        part = dirname(part);
    free(copy);
    return real;
}

/* `place` and `above` are full paths. */
static bool is_within(const char *place, const char *above)
{
    size_t length = strlen(above);
    if (strcmp(above, "/") == 0)
        return true;
    return strncmp(place, above, length) == 0 && (place[length] == '\0' || place[length] == '/');
}

/* With -o drop_privileges mount.fuse3 has mounted already and passes the descriptor. */
static bool is_descriptor(const char *mountpoint)
{
    unsigned descriptor;
    int length = 0;
    return sscanf(mountpoint, "/dev/fd/%u%n", &descriptor, &length) == 1 &&
           mountpoint[length] == '\0';
}

/* Compares the mounts of cemmfs with the mount point. If mount.fuse3 has mounted already, its path
 * is unknown (NULL): ours is one of them. Only paths are compared: another user's mount would
 * refuse to be asked, and ours does not answer yet. */
static int check_mounts(const char *path, const char *archive, struct cemm_message *message)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    const struct mntent *mount;
    while (mounts && message->text[0] == '\0' && (mount = getmntent(mounts))) {
        if (strcmp(mount->mnt_type, "fuse.cemmfs") != 0)
            continue;
        if (path && strcmp(path, mount->mnt_dir) == 0)
            cemm_message_set(message,
                             "cemmfs is already mounted there; unmount it with fusermount3 -u");
        else if (path && is_within(path, mount->mnt_dir))
            cemm_message_set(message, "it is inside another mount of cemmfs");
        else if (!path && archive && is_within(archive, mount->mnt_dir))
            cemm_message_set(message, "%s hides the archive, %s", mount->mnt_dir, archive);
    }
    if (mounts)
        endmntent(mounts);
    return message->text[0] == '\0' ? 0 : -EINVAL;
}

/* The mount point exists: so if the archive does not exist yet but would be below it, the
 * existing part of its path is, too. */
static int check_archive(const char *path, const char *archive, struct cemm_message *message)
{
    char *real = existing_part(archive);
    if (!real)
        return -ENOMEM;
    bool hidden = is_within(real, path);
    free(real);
    if (hidden)
        cemm_message_set(message, "it would hide the archive, %s", archive);
    return hidden ? -EINVAL : 0;
}

int mount_prepare(const char *mountpoint, const char *archive, char **ret_path,
                  struct cemm_message *message)
{
    struct stat about;
    *ret_path = NULL;
    message->text[0] = '\0';
    if (is_descriptor(mountpoint)) {
        *ret_path = strdup(mountpoint);
        return *ret_path ? check_mounts(NULL, archive, message) : -ENOMEM;
    }
    int r = is_dead(mountpoint) ? detach_dead_mount(mountpoint) : 0;
    if (r < 0)
        return r;
    *ret_path = realpath(mountpoint, NULL);
    if (!*ret_path)
        return -errno;
    r = check_mounts(*ret_path, archive, message);
    if (r < 0)
        return r;
    if (stat(*ret_path, &about) < 0)
        return -errno;
    if (!S_ISDIR(about.st_mode))
        return -ENOTDIR;
    return archive ? check_archive(*ret_path, archive, message) : 0;
}

/* ---- the session ----------------------------------------------------------- */

/* The options for -o; the caller frees *ret_list. False: no memory. */
static bool list_options(const struct options *options, char **ret_list)
{
    char *source = NULL;
    bool good =
        asprintf(&source, "fsname=%s", options->config ? options->config : "cemm") >= 0 &&
        fuse_opt_add_opt(ret_list, "ro,nosuid,nodev,noexec,subtype=cemmfs") == 0 &&
        (!options->allow_other || fuse_opt_add_opt(ret_list, "allow_other") == 0) &&
        (!options->default_permissions || fuse_opt_add_opt(ret_list, "default_permissions") == 0) &&
        fuse_opt_add_opt_escaped(ret_list, source) == 0;
    free(source);
    return good;
}

struct fuse_session *mount_session(struct fs *fs)
{
    const struct options *options = fs->options;
    struct fuse_session *session = NULL;
    char *list = NULL;
    if (list_options(options, &list)) {
        char *message[] = {(char[]){"cemmfs"}, (char[]){"-o"}, list, (char[]){"-d"}};
        struct fuse_args arguments = FUSE_ARGS_INIT(options->debug ? 4 : 3, message);
        session = fuse_session_new(&arguments, &fs_ops, sizeof(fs_ops), fs);
        fuse_opt_free_args(&arguments);
    }
    free(list);
    return session;
}

/* libfuse 3.14 may report success without memory and use standard input as the descriptor. */
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
