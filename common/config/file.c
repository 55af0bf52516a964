/*
 * The INI file (spec §3). inih splits keys from values and knows comments; it
 * cuts long lines and section names, joins indented lines to the one above,
 * skips empty sections and tells no line numbers, so the reader that feeds it
 * trims, bounds and counts the lines, and opens the sections itself.
 */
#include "common/base/limits.h"
#include "common/config/config.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANK " \t\r\n\v\f"

struct reader {
    FILE *stream;
    struct cemm_config *config;
    char line[CEMM_LINE_MAX];
    int result;               /* the first failure */
    int result_line;          /* where it was */
    struct cemm_words *words; /* what it was */
};

static void fail(struct reader *reader, int result)
{
    reader->result = result;
    reader->result_line = reader->config->line;
}

/* "[cloud home]" → section "cloud", name "home". `text` is changed. */
static void open_section(struct reader *reader, char *text)
{
    char *end = strchr(text, ']');
    char *rest = end ? end + 1 + strspn(end + 1, BLANK) : NULL;

    if (!end || (*rest && !strchr(";#", *rest))) {
        cemm_words_set(reader->words, "a section is written [NAME] on a line of its own");
        fail(reader, -EINVAL);
        return;
    }
    *end = '\0';
    char *kind = text + 1 + strspn(text + 1, BLANK);
    char *name = kind + strcspn(kind, BLANK);
    if (*name)
        *name++ = '\0';
    name += strspn(name, BLANK);
    for (size_t n = strlen(name); n && strchr(BLANK, name[n - 1]); n--)
        name[n - 1] = '\0';
    int r = cemm_config_section(reader->config, kind, name, reader->words);
    if (r < 0)
        fail(reader, r);
}

/*
 * Fills reader->line. 1: a whole line; 0: too long, or with a NUL in it; -1: the end. By character,
 * because fgets() would let a NUL pass for the end of a last line that lacks its newline.
 */
static int fetch_line(struct reader *reader)
{
    size_t length = 0;
    int c;

    while ((c = getc(reader->stream)) > 0 && length < sizeof(reader->line) - 2) {
        reader->line[length++] = (char)c;
        if (c == '\n')
            break;
    }
    reader->line[length] = '\0';
    if (c == EOF)
        return length ? 1 : -1;
    return c == '\n';
}

/* ini_reader: one line, without what inih would misread; "\n" for a section's. */
static char *read_line(char *out, int size, void *data)
{
    struct reader *reader = data;
    int whole = reader->result ? -1 : fetch_line(reader);

    if (whole < 0)
        return NULL;
    reader->config->line++;
    char *text = reader->line;
    if (reader->config->line == 1 && strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    text += strspn(text, BLANK);
    bool comment = *text == ';' || *text == '#';
    /* Three bytes are kept free for the line's end, as inih asks for. */
    if (!whole || (!comment && strlen(text) + 3 >= (size_t)size)) {
        cemm_words_set(reader->words, "the line is too long (or has a NUL in it)");
        fail(reader, -E2BIG);
        return NULL;
    }
    if (*text == '[')
        open_section(reader, text);
    if (comment || *text == '[')
        text = strcpy(reader->line, "\n");
    return reader->result ? NULL : strcpy(out, text);
}

static int take_pair(void *data, const char *section, const char *key, const char *value)
{
    struct reader *reader = data;

    (void)section;
    if (reader->result)
        return 0;
    int r = cemm_config_set(reader->config, key, value, reader->words);
    if (r < 0)
        fail(reader, r);
    return r == 0;
}

static int parse(struct reader *reader)
{
    int r = ini_parse_stream(read_line, reader, take_pair, reader);

    /* inih goes on after a line that it can't read; a later failure must not hide that one. */
    if (reader->result && (r <= 0 || r >= reader->result_line))
        return reader->result;
    if (ferror(reader->stream)) {
        cemm_words_set(reader->words, "can't be read: %s", strerror(errno));
        fail(reader, -EIO);
    } else if (r > 0) {
        cemm_words_set(reader->words, "neither [section] nor key = value");
        fail(reader, -EINVAL);
        reader->result_line = r;
    } else if (r < 0) {
        fail(reader, -ENOMEM);
    }
    return reader->result;
}

/* Puts file and line in front of the words; line 0 is the file as a whole. */
static int locate(struct cemm_words *words, const char *file, int line, int result)
{
    struct cemm_words reason = *words;
    char place[32] = "";

    if (!reason.text[0])
        cemm_words_set(&reason, "%s", strerror(-result));
    if (line && snprintf(place, sizeof(place), "line %d: ", line) < 0)
        place[0] = '\0';
    cemm_words_set(words, "%.120s: %s%.180s", file, place, reason.text);
    return result;
}

static int load_stream(struct cemm_config *config, const char *file, FILE *stream,
                       struct cemm_words *words)
{
    struct reader *reader = calloc(1, sizeof(*reader));

    if (!reader)
        return -ENOMEM;
    reader->stream = stream;
    reader->config = config;
    reader->words = words;
    int r = parse(reader);
    if (r < 0)
        locate(words, file, reader->result_line, r);
    free(reader);
    if (r < 0)
        return r;
    free(config->file);
    config->file = strdup(file);
    if (!config->file)
        return -ENOMEM;
    r = cemm_config_finish(config, words);
    return r < 0 ? locate(words, file, config->line, r) : 0;
}

/* -ENOENT is for the caller to judge; other failures come with words. */
static int load(struct cemm_config *config, const char *file, struct cemm_words *words)
{
    FILE *stream = fopen(file, "re");

    if (!stream) {
        int r = -errno;
        cemm_words_set(words, "%.200s: %s", file, strerror(errno));
        return r;
    }
    int r = load_stream(config, file, stream, words);
    fclose(stream);
    return r == -ENOENT ? -EINVAL : r;
}

/* The user's own file; false where there is no home. */
static bool user_file(char path[PATH_MAX])
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *middle = "";
    int length;

    if (!base || base[0] != '/') {
        base = getenv("HOME");
        middle = "/.config";
    }
    if (!base || base[0] != '/')
        return false;
    length = snprintf(path, PATH_MAX, "%s%s/cemm/cemm.conf", base, middle);
    return length > 0 && length < PATH_MAX;
}

int cemm_config_load(struct cemm_config *config, const char *file, struct cemm_words *words)
{
    struct cemm_words ignored;
    char path[PATH_MAX];
    int r;

    words = words ? words : &ignored;
    words->text[0] = '\0';
    if (!file)
        file = getenv("CEMM_CONFIG");
    if (file && *file)
        return load(config, file, words);
    if (user_file(path)) {
        r = load(config, path, words);
        if (r != -ENOENT)
            return r;
    }
    r = load(config, "/etc/cemm/cemm.conf", words);
    if (r != -ENOENT)
        return r;
    words->text[0] = '\0';
    return cemm_config_finish(config, words);
}
