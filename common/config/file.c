/*
 * The INI file, line by line: [KIND NAME], or KEY = VALUE. Any other
 * line, or one that is too long, is an error.
 */
#include "common/base/limits.h"
#include "common/base/message.h"
#include "common/config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANK " \t\r\n\v\f"

/* Strips blanks from both ends. */
static char *trim(char *text)
{
    text += strspn(text, BLANK);
    for (size_t length = strlen(text); length && strchr(BLANK, text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

/* "[cloud home]" → section "cloud", name "home". */
static int open_section(struct cemm_config *config, char *text, struct cemm_message *message)
{
    char *end = strchr(text, ']');
    char *rest = end ? end + 1 + strspn(end + 1, BLANK) : NULL;

    if (!end || (*rest && !strchr(";#", *rest)))
        return cemm_message_fail(message, -EINVAL,
                                 "a section is written [NAME] on a line of its own");
    *end = '\0';
    char *kind = trim(text + 1);
    char *name = kind + strcspn(kind, BLANK);
    if (*name)
        *name++ = '\0';
    return cemm_config_section(config, kind, trim(name), message);
}

/* "timeout = 15 ; seconds" → key "timeout", value "15". */
static int set_key(struct cemm_config *config, char *text, struct cemm_message *message)
{
    for (char *comment = text; (comment = strchr(comment, ';')); comment++)
        if (strchr(BLANK, comment[-1])) {
            *comment = '\0';
            break;
        }
    char *end = text + strcspn(text, "=:");
    if (!*end)
        return cemm_message_fail(message, -EINVAL, "neither [section] nor key = value");
    *end = '\0';
    return cemm_config_set(config, trim(text), trim(end + 1), message);
}

static int parse_line(struct cemm_config *config, char *line, struct cemm_message *message)
{
    bool marked = config->line == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0;
    char *text = trim(marked ? line + 3 : line);

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

/* 1: a line, without its end; 0: end of file; or a negative errno. */
static int read_line(FILE *stream, int *number, char ret_line[CEMM_LINE_MAX + 1],
                     struct cemm_message *message)
{
    size_t length = 0;
    int c = getc(stream);

    *number += c != EOF;
    for (; c != EOF && c != '\n'; c = getc(stream)) {
        if (c == '\0')
            return cemm_message_fail(message, -EINVAL, "there is a NUL in the line");
        if (length == CEMM_LINE_MAX)
            return cemm_message_fail(message, -EINVAL, "the line is too long");
        ret_line[length++] = (char)c;
    }
    ret_line[length] = '\0';
    if (ferror(stream))
        return cemm_message_fail(message, -EIO, "can't be read: %s", strerror(errno));
    return c != EOF || length > 0;
}

static int read_lines(struct cemm_config *config, FILE *stream, struct cemm_message *message)
{
    char line[CEMM_LINE_MAX + 1];
    int r;

    while ((r = read_line(stream, &config->line, line, message)) > 0) {
        r = parse_line(config, line, message);
        if (r < 0)
            break;
    }
    return r;
}

/* Puts file and line in front of the message; line 0 is the whole file. */
static int locate(struct cemm_message *message, const char *file, int line, int result)
{
    struct cemm_message reason = *message;
    char place[32] = "";

    if (!reason.text[0])
        cemm_message_set(&reason, "%s", strerror(-result));
    if (line && snprintf(place, sizeof(place), "line %d: ", line) < 0)
        place[0] = '\0';
    return cemm_message_fail(message, result, "%.120s: %s%.180s", file, place, reason.text);
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

static int load_stream(struct cemm_config *config, const char *file, FILE *stream,
                       struct cemm_message *message)
{
    int r = set_base(config, file);

    if (r == 0)
        r = read_lines(config, stream, message);
    if (r < 0)
        return locate(message, file, config->line, r);
    free(config->file);
    config->file = strdup(file);
    if (!config->file)
        return -ENOMEM;
    r = cemm_config_finish(config, message);
    return r < 0 ? locate(message, file, config->line, r) : 0;
}

/* -ENOENT has no message, because the caller decides what it means; other failures have one. */
static int load(struct cemm_config *config, const char *file, struct cemm_message *message)
{
    FILE *stream = fopen(file, "re");

    if (!stream)
        return cemm_message_fail(message, -errno, "%.200s: %s", file, strerror(errno));
    int r = load_stream(config, file, stream, message);
    fclose(stream);
    return r == -ENOENT ? -EINVAL : r;
}

char *cemm_config_own(void)
{
    return cemm_config_below(getenv("XDG_CONFIG_HOME"), ".config", "cemm/cemm.conf");
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
    char *own = cemm_config_own();
    if (own)
        r = load(config, own, message);
    free(own);
    if (r == -ENOENT)
        r = load(config, "/etc/cemm/cemm.conf", message);
    if (r != -ENOENT)
        return r;
    message->text[0] = '\0';
    return cemm_config_finish(config, message);
}
