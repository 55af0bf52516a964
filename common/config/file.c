/*
 * The lines of the INI file: [KIND NAME], KEY = VALUE, a comment, or blank. Others are errors.
 */
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "[cloud home]" → section "cloud", name "home". */
static int open_section(struct cemm_config *config, char *text, struct cemm_message *message)
{
    char *end = strchr(text, ']');
    char *rest = end ? cemm_text_trim(end + 1) : NULL;

    if (!end || (*rest && !strchr(";#", *rest)))
        return cemm_message_fail(message, -EINVAL, "write a section as a line like [cloud NAME]");
    *end = '\0';
    char *kind = cemm_text_trim(text + 1);
    char *name = kind + strcspn(kind, CEMM_BLANK);
    if (*name)
        *name++ = '\0';
    return cemm_config_section(config, kind, cemm_text_trim(name), message);
}

/* "timeout = 15 ; seconds" → key "timeout", value "15". */
static int set_key(struct cemm_config *config, char *text, struct cemm_message *message)
{
    for (char *comment = text; (comment = strchr(comment, ';')); comment++)
        if (strchr(CEMM_BLANK, comment[-1])) {
            *comment = '\0';
            break;
        }
    char *end = text + strcspn(text, "=:");
    if (!*end)
        return cemm_message_fail(message, -EINVAL, "neither [section] nor key = value");
    *end = '\0';
    return cemm_config_set(config, cemm_text_trim(text), cemm_text_trim(end + 1), message);
}

static int parse_line(struct cemm_config *config, char *line, struct cemm_message *message)
{
    bool has_bom = config->line == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0;
    char *text = cemm_text_trim(has_bom ? line + 3 : line);

    switch (*text) {
    case '\0':
    case ';':
    case '#':
        return 0;
    case '[':
        return open_section(config, text, message);
    default:
        return set_key(config, text, message);
    }
}

static int read_lines(struct cemm_config *config, FILE *stream, struct cemm_message *message)
{
    char line[CEMM_LINE_MAX + 1];
    size_t length = 0;
    int r = 0;
    int c;

    config->line = 1;
    do {
        c = getc(stream);
        if (c == '\n' || (c == EOF && !ferror(stream))) {
            line[length] = '\0';
            length = 0;
            r = parse_line(config, line, message);
            config->line += r == 0;
        } else if (c == EOF) {
            config->line = 0;
            r = cemm_message_fail(message, -EIO, "can't be read: %s", strerror(errno));
        } else if (c == '\0') {
            r = cemm_message_fail(message, -EINVAL, "the line contains a NUL byte");
        } else if (length == CEMM_LINE_MAX) {
            r = cemm_message_fail(message, -EINVAL, "the line is too long; write at most %d bytes",
                                  CEMM_LINE_MAX);
        } else {
            line[length++] = (char)c;
        }
    } while (r == 0 && c != EOF);
    return r;
}

/* Puts the file and the line in front of a message. Line 0 means the whole file. */
static void add_location(struct cemm_message *message, const char *file, int line, int error)
{
    struct cemm_message copy = *message;
    const char *reason = copy.text[0] ? copy.text : strerror(-error);

    if (line)
        cemm_message_set(message, "%.120s: line %d: %.180s", file, line, reason);
    else
        cemm_message_set(message, "%.120s: %.180s", file, reason);
}

/* Paths in a file are relative to its directory. */
static int set_base(struct cemm_config *config, const char *file)
{
    const char *slash = strrchr(file, '/');
    char *directory = slash ? strndup(file, (size_t)(slash - file) + (slash == file)) : strdup("");
    int r = directory ? cemm_config_base(config, directory) : -ENOMEM;

    free(directory);
    return r;
}

/* Returns -ENOENT only if `file` does not exist, and -EINVAL if a file that it names is missing. */
static int load(struct cemm_config *config, const char *file, struct cemm_message *message)
{
    FILE *stream = fopen(file, "re");
    int r = stream ? set_base(config, file) : -errno;

    if (!stream)
        return cemm_message_fail(message, r, "%.200s: %s", file, strerror(-r));
    if (r == 0)
        r = read_lines(config, stream, message);
    fclose(stream);
    free(config->file);
    config->file = strdup(file);
    if (r == 0)
        r = config->file ? cemm_config_finish(config, message) : -ENOMEM;
    if (r < 0)
        add_location(message, file, config->line, r);
    return r == -ENOENT ? -EINVAL : r;
}

int cemm_config_load(struct cemm_config *config, const char *file, struct cemm_message *message)
{
    struct cemm_message ignored;
    int r = -ENOENT;

    message = message ? message : &ignored;
    message->text[0] = '\0';
    if (!file)
        file = getenv("CEMM_CONFIG");
    if (file && *file)
        return load(config, file, message);
    char *user_path = cemm_config_user_path();
    if (user_path)
        r = load(config, user_path, message);
    free(user_path);
    if (r == -ENOENT)
        r = load(config, "/etc/cemm/cemm.conf", message);
    if (r != -ENOENT)
        return r;
    message->text[0] = '\0';
    return cemm_config_finish(config, message);
}
