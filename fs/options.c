/*
 * Mount options come from three sides: the user, /etc/fstab with words that
 * are meant for mount(8) and systemd, and mount.fuse3, which adds its own. The
 * words that mean nothing to us are in a table, so that a misspelt one is
 * still an error.
 */
#include "fs/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/fs.h"

#define REALTIME_TTL_MAX 86400      /* seconds */
#define NUMBER_MAX       4294967294 /* of a user or a group: the last one means none */

const char options_help[] =
    "usage: cemmfs [CONFIG] MOUNTPOINT [-f] [-d] [-o OPTIONS]\n"
    "\n"
    "Shows CEMM energy meters as files. CONFIG is the configuration file; without it\n"
    "$CEMM_CONFIG, ~/.config/cemm/cemm.conf and /etc/cemm/cemm.conf are tried.\n"
    "\n"
    "  -f                  stay in the foreground, log to stderr\n"
    "  -d                  the same, and show each request of the kernel\n"
    "  -o realtime_ttl=S   realtime files may be S seconds old (default: 10)\n"
    "  -o allow_other      other users may read, too\n"
    "  -o default_permissions  the kernel lets only those read whom the modes allow\n"
    "  -o uid=N, gid=N     whose the files are (default: whoever mounts)\n"
    "  -o umask=M          permissions that nobody has, octal; checked by the kernel\n"
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "Unmount with: fusermount3 -u MOUNTPOINT\n";

/* Words of mount(8) and systemd. The mount is read-only, nosuid, nodev and noexec in any case. */
static const char *const ignored[] = {
    "",           "rw",         "ro",         "nosuid",     "suid",        "nodev",
    "dev",        "exec",       "noexec",     "atime",      "noatime",     "relatime",
    "norelatime", "diratime",   "nodiratime", "async",      "sync",        "dirsync",
    "_netdev",    "nofail",     "auto",       "noauto",     "user",        "nouser",
    "users",      "defaults",   "owner",      "group",      "nomand",      "mand",
    "silent",     "loud",       "lazytime",   "nolazytime", "strictatime", "nostrictatime",
    "iversion",   "noiversion",
};

static const char *const ignored_beginnings[] = {"x-", "comment=", "fsname=", "subtype="};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_ignored(const char *option)
{
    for (size_t i = 0; i < COUNT(ignored); i++) {
        if (strcmp(ignored[i], option) == 0)
            return true;
    }
    for (size_t i = 0; i < COUNT(ignored_beginnings); i++) {
        if (strncmp(option, ignored_beginnings[i], strlen(ignored_beginnings[i])) == 0)
            return true;
    }
    return false;
}

__attribute__((format(printf, 2, 3))) static enum options_result wrong(struct cemm_words *words,
                                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(words->text, sizeof(words->text), format, arguments) < 0)
        words->text[0] = '\0';
    va_end(arguments);
    return OPTIONS_WRONG;
}

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

static void set_ttl(struct options *options, int64_t number)
{
    options->realtime_ttl = number;
}

static void set_owner(struct options *options, int64_t number)
{
    options->owner = (uid_t)number;
}

static void set_group(struct options *options, int64_t number)
{
    options->group = (gid_t)number;
}

/* Permissions that nobody checks would be decoration. */
static void set_mask(struct options *options, int64_t number)
{
    options->mask = (mode_t)number;
    options->default_permissions = true;
}

static const struct number_option {
    const char *name;
    int base;
    int64_t max;
    void (*set)(struct options *options, int64_t number);
    const char *words;
} number_options[] = {
    {"realtime_ttl=", 10, REALTIME_TTL_MAX, set_ttl, "a number of seconds from 0 to 86400"},
    {"uid=", 10, NUMBER_MAX, set_owner, "the number of a user"},
    {"gid=", 10, NUMBER_MAX, set_group, "the number of a group"},
    {"umask=", 8, 0777, set_mask, "an octal number from 0 to 777"},
};

static const struct number_option *find_number_option(const char *option)
{
    for (size_t i = 0; i < COUNT(number_options); i++) {
        if (strncmp(number_options[i].name, option, strlen(number_options[i].name)) == 0)
            return &number_options[i];
    }
    return NULL;
}

static enum options_result read_mount_option(const char *option, struct options *options,
                                             struct cemm_words *words)
{
    const struct number_option *row = find_number_option(option);
    int64_t number;
    if (row) {
        if (!read_number(option + strlen(row->name), row->base, row->max, &number))
            return wrong(words, "-o %s: not %s", option, row->words);
        row->set(options, number);
    } else if (strcmp(option, "allow_other") == 0) {
        options->allow_other = true;
    } else if (strcmp(option, "default_permissions") == 0) {
        options->default_permissions = true;
    } else if (strcmp("remount", option) == 0) {
        return wrong(words, "-o remount: a mount keeps its options; unmount it and mount it again");
    } else if (!is_ignored(option)) {
        return wrong(words, "-o %s: no such option", option);
    }
    return OPTIONS_RUN;
}

static enum options_result read_mount_options(char *list, struct options *options,
                                              struct cemm_words *words)
{
    enum options_result r = OPTIONS_RUN;
    char *option;
    while (r == OPTIONS_RUN && (option = strsep(&list, ",")))
        r = read_mount_option(option, options, words);
    return r;
}

static enum options_result read_places(int count, char **arguments, struct options *options,
                                       struct cemm_words *words)
{
    if (count == 0)
        return wrong(words, "where to mount is missing; see cemmfs --help");
    if (count > 2)
        return wrong(words, "%s: one argument too many; see cemmfs --help", arguments[2]);
    options->config = count == 2 ? arguments[0] : NULL;
    options->mountpoint = arguments[count - 1];
    return OPTIONS_RUN;
}

enum options_result options_read(int argc, char **argv, struct options *ret_options,
                                 struct cemm_words *words)
{
    static const struct option names[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    struct options options = {
        .realtime_ttl = FS_REALTIME_TTL, .owner = getuid(), .group = getgid()};
    enum options_result r = OPTIONS_RUN;
    int letter;
    opterr = 0;
    while (r == OPTIONS_RUN && (letter = getopt_long(argc, argv, ":fdho:V", names, NULL)) != -1) {
        switch (letter) {
        case 'f':
            options.foreground = true;
            break;
        case 'd':
            options.foreground = options.debug = true;
            break;
        case 'o':
            r = read_mount_options(optarg, &options, words);
            break;
        case 'h':
            return OPTIONS_HELP;
        case 'V':
            return OPTIONS_VERSION;
        case ':':
            return wrong(words, "%s: its value is missing; see cemmfs --help", argv[optind - 1]);
        default:
            return wrong(words, "%s: no such option; see cemmfs --help", argv[optind - 1]);
        }
    }
    if (r == OPTIONS_RUN)
        r = read_places(argc - optind, argv + optind, &options, words);
    *ret_options = options;
    return r;
}
