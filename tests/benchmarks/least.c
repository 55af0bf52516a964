/*
 * A minimal file system on libfuse, with which cemmfs is compared. It has one file
 * in memory. The kernel may cache its name and attributes for SECONDS.
 *
 *   least MOUNTPOINT SECONDS SIZE
 */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NUMBER 2

static double timeout;
static size_t size;
static char *bytes;

static struct stat about(fuse_ino_t number)
{
    struct stat about = {.st_ino = number, .st_nlink = 1};

    about.st_mode = number == FILE_NUMBER ? S_IFREG | 0444 : S_IFDIR | 0555;
    about.st_size = number == FILE_NUMBER ? (off_t)size : 0;
    return about;
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry = {.ino = FILE_NUMBER,
                                     .attr = about(FILE_NUMBER),
                                     .attr_timeout = timeout,
                                     .entry_timeout = timeout};

    if (parent == FUSE_ROOT_ID && strcmp(name, "file") == 0)
        (void)fuse_reply_entry(request, &entry);
    else
        (void)fuse_reply_err(request, ENOENT);
}

static void on_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
    struct stat attributes = about(number);

    (void)info;
    (void)fuse_reply_attr(request, &attributes, timeout);
}

static void on_read(fuse_req_t request, fuse_ino_t number, size_t wanted, off_t offset,
                    struct fuse_file_info *info)
{
    size_t begin = (size_t)offset < size ? (size_t)offset : size;

    (void)number;
    (void)info;
    (void)fuse_reply_buf(request, bytes + begin, wanted < size - begin ? wanted : size - begin);
}

static const struct fuse_lowlevel_ops ops = {
    .lookup = on_lookup, .getattr = on_getattr, .read = on_read};

int main(int argc, char **argv)
{
    struct fuse_args arguments = FUSE_ARGS_INIT(1, argv);
    struct fuse_session *session;

    if (argc != 4)
        return 2;
    timeout = strtod(argv[2], NULL);
    size = strtoul(argv[3], NULL, 10);
    bytes = malloc(size ? size : 1);
    session = fuse_session_new(&arguments, &ops, sizeof(ops), NULL);
    if (!bytes || !session || fuse_session_mount(session, argv[1]) != 0 ||
        fuse_set_signal_handlers(session) != 0)
        return 1;
    memset(bytes, 'x', size);
    (void)fuse_session_loop(session);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    free(bytes);
    return 0;
}
