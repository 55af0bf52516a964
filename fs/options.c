/*
 * Mount options come from the user, from /etc/fstab with options for mount(8)
 * and systemd, and from mount.fuse3, which adds its own. Options that have no
 * effect here are in a table, so that a misspelt option is still an error.
 */
#include "fs/options.h"

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REALTIME_TTL     10         /* seconds; the default */
#define REALTIME_TTL_MAX 86400      /* seconds */
#define NUMBER_MAX       4294967294 /* highest number of a user or group */

static const char help[] =
    "usage: cemmfs [CONFIG] MOUNTPOINT [-f] [-d] [-o OPTIONS]\n"
    "\n"
    "Shows CEMM energy meters as files. CONFIG is the configuration file; without it\n"
    "$CEMM_CONFIG, ~/.config/cemm/cemm.conf and /etc/cemm/cemm.conf are tried.\n"
    "\n"
    "  -f                  stay in the foreground, log to stderr\n"
    "  -d                  the same, and show each request from the kernel\n"
    "  -o realtime_ttl=S   maximum age of realtime files (default: 10)\n"
    "  -o allow_other      let other users read, too\n"
    "  -o default_permissions  let the kernel check the file modes\n"
    "  -o uid=N, gid=N     owner and group of the files (default: the mounting user)\n"
    "  -o umask=M          permissions to remove, in octal; implies\n"
    "                      default_permissions\n"
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "Unmount with: fusermount3 -u MOUNTPOINT\n";

/* Options of mount(8) and systemd that have no effect, as patterns of fnmatch(3). The mount is
 * always read-only, nosuid, nodev and noexec. */
static const char *const ignored[] = {
    "",           "rw",         "ro",         "nosuid",     "suid",        "nodev",
    "dev",        "exec",       "noexec",     "atime",      "noatime",     "relatime",
    "norelatime", "diratime",   "nodiratime", "async",      "sync",        "dirsync",
    "_netdev",    "nofail",     "auto",       "noauto",     "user",        "nouser",
    "users",      "defaults",   "owner",      "group",      "nomand",      "mand",
    "silent",     "loud",       "lazytime",   "nolazytime", "strictatime", "nostrictatime",
    "iversion",   "noiversion", "x-*",        "comment=*",  "fsname=*",    "subtype=*",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool read_number(const char *text, int base, int64_t max, int64_t *ret_number)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    int64_t number = strtoll(text, &end, base);
    if (*end != '\0' || errno != 0 || number > max)
        return false;
    *ret_number = number;
    return true;
}

/* False: the option is wrong, and `message` says why. */
static bool read_mount_option(const char *option, struct options *options,
                              struct cemm_message *message)
{
    const struct {
        const char *name;
        int base;
        int64_t max;
        int64_t *number;
        const char *expected;
    } rows[] = {
        {"realtime_ttl=", 10, REALTIME_TTL_MAX, &options->realtime_ttl,
         "a number of seconds from 0 to 86400"},
        {"uid=", 10, NUMBER_MAX, &options->owner, "a numeric user ID"},
        {"gid=", 10, NUMBER_MAX, &options->group, "a numeric group ID"},
        {"umask=", 8, 0777, &options->mask, "an octal number from 0 to 777"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t length = strlen(rows[i].name);
        if (strncmp(rows[i].name, option, length) != 0)
            continue;
        if (rows[i].number == &options->mask) /* otherwise the mask would have no effect */
            options->default_permissions = true;
        if (read_number(option + length, rows[i].base, rows[i].max, rows[i].number))
            return true;
        cemm_message_set(message, "-o %s: not %s", option, rows[i].expected);
        return false;
    }
    if (strcmp(option, "allow_other") == 0)
        return options->allow_other = true;
    if (strcmp(option, "default_permissions") == 0)
        return options->default_permissions = true;
    for (size_t i = 0; i < COUNT(ignored); i++) {
        if (fnmatch(ignored[i], option, 0) == 0)
            return true;
    }
    cemm_message_set(message, "-o %s: %s", option,
                     strcmp("remount", option) == 0
                         ? "options of a mount cannot be changed; unmount and mount again"
                         : "no such option; see cemmfs --help");
    return false;
}

enum options_result options_read(int argc, char **argv, struct options *ret_options,
                                 struct cemm_message *message)
{
    static const struct option names[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    char *option;
    int letter;
    *ret_options =
        (struct options){.realtime_ttl = REALTIME_TTL, .owner = getuid(), .group = getgid()};
    opterr = 0;
    while ((letter = getopt_long(argc, argv, ":fdho:V", names, NULL)) != -1) {
        switch (letter) {
        case 'f':
            ret_options->foreground = true;
            break;
        case 'd':
            ret_options->foreground = ret_options->debug = true;
            break;
        case 'o':
            while ((option = strsep(&optarg, ","))) {
                if (!read_mount_option(option, ret_options, message))
                    return OPTIONS_WRONG;
            }
            break;
        case 'h':
            fputs(help, stdout);
            return OPTIONS_DONE;
        case 'V':
            printf("cemmfs %s\n", cemm_version());
            return OPTIONS_DONE;
        default:
            cemm_message_set(message, "%s: %s; see cemmfs --help", argv[optind - 1],
                             letter == ':' ? "a value is missing" : "no such option");
            return OPTIONS_WRONG;
        }
    }
    int count = argc - optind;
    if (count < 1 || count > 2) {
        cemm_message_set(message, "%s%s; see cemmfs --help", count < 1 ? "" : argv[optind + 2],
                         count < 1 ? "no mount point given" : ": unexpected argument");
        return OPTIONS_WRONG;
    }
    ret_options->config = count == 2 ? argv[optind] : NULL;
    ret_options->mountpoint = argv[argc - 1];
    return OPTIONS_RUN;
}
