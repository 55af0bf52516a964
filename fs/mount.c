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
#include <fcntl.h>
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

#include "fs/ops.h"

#define FUSE_DEVICE makedev(10, 229) /* /dev/fuse: the kernel's Documentation, devices.txt */

static int run_fusermount(const char *mountpoint)
{
    const char *arguments[] = {"fusermount3", "-u", "-z", "--", mountpoint, NULL};
    int status;
    pid_t pid;
    int r = posix_spawnp(&pid, arguments[0], NULL, NULL, (char *const *)arguments, environ);
    if (r != 0)
        return -r;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
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

/* Whether a mount, by its number, is a cemmfs. */
static bool mount_is_ours(uint64_t mount)
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    char *end;
    size_t room = 0;
    bool ours = false;
    while (mounts && !ours && getline(&line, &room, mounts) > 0)
        ours = strtoull(line, &end, 10) == mount && *end == ' ' && strstr(line, " - fuse.cemmfs ");
    free(line);
    if (mounts)
        fclose(mounts);
    return ours;
}

/* With an empty mask, statx does not ask the file system: another user's mount would refuse. */
static int check_mounts(const char *mountpoint, struct cemm_words *words)
{
    struct statx about;
    if (statx(AT_FDCWD, mountpoint, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &about) < 0)
        return 0; /* stat will report it */
    if (!(about.stx_mask & STATX_MNT_ID) || !mount_is_ours(about.stx_mnt_id))
        return 0;
    if (about.stx_attributes & STATX_ATTR_MOUNT_ROOT)
        cemm_words_set(words, "cemmfs is already mounted there; unmount it with fusermount3 -u");
    else
        cemm_words_set(words, "it is inside another mount of cemmfs");
    return -EINVAL;
}

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

/* The mount point exists: so if the archive does not exist yet but would be below it, the
 * existing part of its path is, too. */
static int check_archive(const char *path, const char *archive, struct cemm_words *words)
{
    char *real = existing_part(archive);
    if (!real)
        return -ENOMEM;
    bool hidden = is_within(real, path);
    free(real);
    if (hidden)
        cemm_words_set(words, "it would hide the archive, %s", archive);
    return hidden ? -EINVAL : 0;
}

/* With -o drop_privileges mount.fuse3 has mounted already and passes the descriptor. */
static bool is_descriptor(const char *mountpoint)
{
    static const char beginning[] = "/dev/fd/";
    size_t length = strlen(beginning);
    if (strncmp(mountpoint, beginning, length) != 0 || mountpoint[length] == '\0')
        return false;
    while (mountpoint[length] >= '0' && mountpoint[length] <= '9')
        length++;
    return mountpoint[length] == '\0';
}

/* Checks the mounts if mount.fuse3 has mounted already, at an unknown path. Only their paths are
 * compared: ours does not answer requests yet. */
static int check_mounted(const char *archive, struct cemm_words *words)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    const struct mntent *mount;
    bool hidden = false;
    while (mounts && !hidden && (mount = getmntent(mounts))) {
        hidden = strcmp(mount->mnt_type, "fuse.cemmfs") == 0 && is_within(archive, mount->mnt_dir);
        if (hidden)
            cemm_words_set(words, "%s hides the archive, %s", mount->mnt_dir, archive);
    }
    if (mounts)
        endmntent(mounts);
    return hidden ? -EINVAL : 0;
}

static int prepare(const char *mountpoint, const char *archive, char **ret_path,
                   struct cemm_words *words)
{
    struct stat about;
    if (is_descriptor(mountpoint)) {
        *ret_path = strdup(mountpoint);
        if (!*ret_path)
            return -ENOMEM;
        return archive ? check_mounted(archive, words) : 0;
    }
    int r = is_dead(mountpoint) ? detach_dead_mount(mountpoint) : 0;
    if (r == 0)
        r = check_mounts(mountpoint, words);
    if (r < 0)
        return r;
    if (stat(mountpoint, &about) < 0)
        return -errno;
    if (!S_ISDIR(about.st_mode))
        return -ENOTDIR;
    *ret_path = realpath(mountpoint, NULL);
    if (!*ret_path)
        return -errno;
    return archive ? check_archive(*ret_path, archive, words) : 0;
}

int mount_prepare(const char *mountpoint, const char *archive, char **ret_path,
                  struct cemm_words *words)
{
    *ret_path = NULL;
    words->text[0] = '\0';
    int r = prepare(mountpoint, archive, ret_path, words);
    if (r == 0)
        return 0;
    if (words->text[0] == '\0')
        cemm_words_set(words, "%s", strerror(-r));
    free(*ret_path);
    *ret_path = NULL;
    return r;
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

struct fuse_session *mount_session(const struct options *options, struct fs *fs)
{
    struct fuse_session *session = NULL;
    char *list = NULL;
    if (list_options(options, &list)) {
        char *words[] = {(char[]){"cemmfs"}, (char[]){"-o"}, list, (char[]){"-d"}};
        struct fuse_args arguments = FUSE_ARGS_INIT(options->debug ? 4 : 3, words);
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
