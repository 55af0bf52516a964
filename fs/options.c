/*
 * Mount options come from three sides: the user, /etc/fstab with words that
 * are meant for mount(8) and systemd, and mount.fuse3, which adds its own. The
 * words that mean nothing to us are in a table, so that a misspelt one is
 * still an error.
 */
#include "fs/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/fs.h"

#define REALTIME_TTL_MAX 86400 /* seconds */

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
    "  -h, --help          this text\n"
    "  -V, --version       the version\n"
    "\n"
    "Unmount with: fusermount3 -u MOUNTPOINT\n";

/* Words of mount(8) and systemd. The mount is read-only, nosuid and nodev in any case. */
static const char *const ignored[] = {
    "",         "rw",
    "ro",       "nosuid",
    "suid",     "nodev",
    "dev",      "exec",
    "atime",    "noatime",
    "relatime", "norelatime",
    "diratime", "nodiratime",
    "async",    "sync",
    "dirsync",  "_netdev",
    "nofail",   "auto",
    "noauto",   "user",
    "nouser",   "users",
    "defaults", "default_permissions",
    "owner",    "group",
    "nomand",   "mand",
    "silent",   "loud",
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

static bool read_seconds(const char *text, int64_t *ret_seconds)
{
    char *end;
    long seconds;

    if (text[0] < '0' || text[0] > '9')
        return false;
    seconds = strtol(text, &end, 10);
    if (*end != '\0' || seconds > REALTIME_TTL_MAX)
        return false;
    *ret_seconds = seconds;
    return true;
}

static enum options_result read_mount_option(const char *option, struct options *options,
                                             struct cemm_words *words)
{
    static const char ttl[] = "realtime_ttl=";

    if (strcmp(option, "allow_other") == 0) {
        options->allow_other = true;
    } else if (strcmp(option, "noexec") == 0) {
        options->noexec = true;
    } else if (strncmp(option, ttl, strlen(ttl)) == 0) {
        if (!read_seconds(option + strlen(ttl), &options->realtime_ttl))
            return wrong(words, "-o %s: not a number of seconds from 0 to %d", option,
                         REALTIME_TTL_MAX);
    } else if (!is_ignored(option)) {
        return wrong(words, "-o %s: no such option", option);
    }
    return OPTIONS_RUN;
}

static enum options_result read_mount_options(char *list, struct options *options,
                                              struct cemm_words *words)
{
    enum options_result result = OPTIONS_RUN;
    char *option;

    while (result == OPTIONS_RUN && (option = strsep(&list, ",")))
        result = read_mount_option(option, options, words);
    return result;
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
    struct options options = {.realtime_ttl = FS_REALTIME_TTL};
    enum options_result result = OPTIONS_RUN;
    int letter;

    opterr = 0;
    while (result == OPTIONS_RUN &&
           (letter = getopt_long(argc, argv, ":fdho:V", names, NULL)) != -1) {
        switch (letter) {
        case 'f':
            options.foreground = true;
            break;
        case 'd':
            options.foreground = options.debug = true;
            break;
        case 'o':
            result = read_mount_options(optarg, &options, words);
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
    if (result == OPTIONS_RUN)
        result = read_places(argc - optind, argv + optind, &options, words);
    *ret_options = options;
    return result;
}
