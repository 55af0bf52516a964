/*
 * Reads the command line. getopt_long() is not used: it accepts shortened
 * names, which turn into something else when an option is added, and it says
 * what is wrong in words that are not ours. Our options are a table: name and
 * what to do with the value.
 *
 * METERs are brought into canonical form here, so that everything behind
 * compares plain strings. A METER that can name nothing at all ("a/b/c") is a
 * mistake in the command line; one that merely is not there is found out later.
 */
#include "plugin/exec/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/screen.h"

struct option {
    const char *name;
    bool has_value;
    unsigned takes; /* what the command must take for it; 0: every command has it */
    int (*set)(struct exec_options *options, const char *value, struct cemm_words *words);
};

/* Puts the words; what does not fit is cut, which words may be. Always -EINVAL. */
__attribute__((format(printf, 2, 3))) static int wrong(struct cemm_words *words, const char *format,
                                                       ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(words->text, sizeof(words->text), format, arguments) < 0)
        words->text[0] = '\0';
    va_end(arguments);
    return -EINVAL;
}

static int set_config(struct exec_options *options, const char *value, struct cemm_words *words)
{
    if (*value == '\0')
        return wrong(words, "--config wants the name of a file");
    options->config = value;
    return 0;
}

static int set_output(struct exec_options *options, const char *value, struct cemm_words *words)
{
    if (*value == '\0')
        return wrong(words, "--output wants the name of a file");
    options->output = value;
    return 0;
}

static int set_format(struct exec_options *options, const char *value, struct cemm_words *words)
{
    static const struct {
        const char *name;
        enum exec_format format;
    } formats[] = {
        {"table", EXEC_FORMAT_TABLE},   {"influx", EXEC_FORMAT_INFLUX},
        {"putval", EXEC_FORMAT_PUTVAL}, {"prometheus", EXEC_FORMAT_PROMETHEUS},
        {"json", EXEC_FORMAT_JSON},     {"csv", EXEC_FORMAT_CSV},
    };
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(formats[i].name, value) == 0) {
            options->format = formats[i].format;
            return 0;
        }
    }
    return wrong(words,
                 "unknown format '%s': there are table, influx, putval, prometheus, json, csv",
                 value);
}

static int set_interval(struct exec_options *options, const char *value, struct cemm_words *words)
{
    char *end;
    double seconds = strtod(value, &end);
    if (end == value || *end != '\0' ||
        !(seconds >= EXEC_INTERVAL_MIN && seconds <= EXEC_INTERVAL_MAX)) /* NaN is neither */
        return wrong(words, "--interval wants seconds, from %g to %g, not '%s'", EXEC_INTERVAL_MIN,
                     EXEC_INTERVAL_MAX, value);
    options->interval = seconds;
    return 0;
}

static int set_stdin(struct exec_options *options, const char *value, struct cemm_words *words)
{
    (void)value;
    (void)words;
    options->paced_by_stdin = true;
    return 0;
}

static int set_state(struct exec_options *options, const char *value, struct cemm_words *words)
{
    if (*value == '\0')
        return wrong(words, "--state wants the name of a file");
    options->state = value;
    return 0;
}

static int set_from(struct exec_options *options, const char *value, struct cemm_words *words)
{
    if (!cemm_period_parse(CEMM_DAY, value, &options->from))
        return wrong(words, "--from wants a date such as 2024-05-01, not '%s'", value);
    return 0;
}

static int set_to(struct exec_options *options, const char *value, struct cemm_words *words)
{
    if (!cemm_period_parse(CEMM_DAY, value, &options->to))
        return wrong(words, "--to wants a date such as 2024-05-31, not '%s'", value);
    return 0;
}

static int set_period(struct exec_options *options, const char *value, struct cemm_words *words)
{
    static const char *const names[] = {
        [CEMM_DAY] = "day", [CEMM_MONTH] = "month", [CEMM_YEAR] = "year"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], value) == 0) {
            options->span = (enum cemm_span)i;
            return 0;
        }
    }
    return wrong(words, "unknown period '%s': there are day, month, year", value);
}

static int set_listing(struct exec_options *options, const char *value, struct cemm_words *words)
{
    bool json = strcmp(value, "json") == 0;
    if (!json && strcmp(value, "table") != 0)
        return wrong(words, "unknown format '%s' of a list: there are table, json", value);
    options->format = json ? EXEC_FORMAT_JSON : EXEC_FORMAT_TABLE;
    return 0;
}

static int set_help(struct exec_options *options, const char *value, struct cemm_words *words)
{
    (void)value;
    (void)words;
    options->help = true;
    return 0;
}

static const struct option option_table[] = {
    {"config", true, 0, set_config},
    {"output", true, 0, set_output},
    {"format", true, EXEC_TAKES_FORMAT, set_format},
    {"format", true, EXEC_TAKES_LISTING, set_listing},
    {"interval", true, EXEC_TAKES_PACE, set_interval},
    {"stdin", false, EXEC_TAKES_PACE, set_stdin},
    {"state", true, EXEC_TAKES_PACE, set_state},
    {"from", true, EXEC_TAKES_RANGE, set_from},
    {"to", true, EXEC_TAKES_RANGE, set_to},
    {"period", true, EXEC_TAKES_RANGE, set_period},
    {"help", false, 0, set_help},
};

static const struct option *find_option(const char *name, size_t length, unsigned takes)
{
    for (size_t i = 0; i < sizeof(option_table) / sizeof(option_table[0]); i++) {
        const struct option *option = &option_table[i];
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0 &&
            (option->takes & ~takes) == 0)
            return option;
    }
    return NULL;
}

/* One option, as "--name VALUE" or "--name=VALUE"; moves *index past what it used. */
static int read_option(struct exec_options *options, unsigned takes, char *const *arguments,
                       size_t count, size_t *index, struct cemm_words *words)
{
    const char *argument = arguments[(*index)++];
    if (strncmp(argument, "--", 2) != 0)
        return wrong(words, "unknown option '%s'", argument);
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    const struct option *option = find_option(name, length, takes);
    if (!option)
        return wrong(words, "unknown option '--%.*s'", (int)length, name);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (!option->has_value && value)
        return wrong(words, "--%s takes no value", option->name);
    if (option->has_value && !value) {
        if (*index == count)
            return wrong(words, "--%s wants a value", option->name);
        value = arguments[(*index)++];
    }
    return option->set(options, value, words);
}

/* Splits "uid/alias", "uid" or "alias"; false if it is none of them. */
static bool parse_meter(const char *argument, struct exec_meter *ret_meter)
{
    const char *alias = argument;
    const char *slash = strchr(argument, '/');
    if (slash) {
        char uid[CEMM_UID_SIZE];
        size_t length = (size_t)(slash - argument);
        if (length >= sizeof(uid))
            return false;
        memcpy(uid, argument, length);
        uid[length] = '\0';
        if (!cemm_uid_parse(uid, &ret_meter->uid))
            return false;
        alias = slash + 1;
    } else if (cemm_uid_parse(argument, &ret_meter->uid)) {
        return true;
    }
    if (!cemm_name_valid(alias))
        return false;
    size_t length = strlen(alias);
    if (length >= sizeof(ret_meter->alias))
        return false;
    memcpy(ret_meter->alias, alias, length + 1);
    return true;
}

static int read_meter(struct exec_options *options, unsigned takes, const char *argument,
                      struct cemm_words *words)
{
    if (!(takes & EXEC_TAKES_METERS))
        return wrong(words, "'%s' is one argument too many", argument);
    struct exec_meter *meter = &options->meters[options->meter_count];
    *meter = (struct exec_meter){0};
    if (!parse_meter(argument, meter))
        return wrong(words, "'%s' is no METER: write uid/alias, uid or alias", argument);
    const char *slash = meter->uid.text[0] != '\0' && meter->alias[0] != '\0' ? "/" : "";
    int length =
        snprintf(meter->text, sizeof(meter->text), "%s%s%s", meter->uid.text, slash, meter->alias);
    if (length < 0 || (size_t)length >= sizeof(meter->text))
        return wrong(words, "'%s' is too long for a METER", argument);
    /* Said twice, a METER is still one meter. */
    for (size_t i = 0; i < options->meter_count; i++) {
        /* So many are set; the tool only sees that the others are not. */
        /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
        if (strcmp(options->meter_texts[i], meter->text) == 0)
            return 0;
    }
    options->meter_texts[options->meter_count++] = meter->text;
    return 0;
}

static int check_range(const struct exec_options *options, struct cemm_words *words)
{
    if (options->from.year == 0)
        return wrong(words, "--from is missing");
    if (options->to.year != 0 && cemm_period_compare(&options->to, &options->from) < 0)
        return wrong(words, "--to lies before --from");
    if (options->format == EXEC_FORMAT_PROMETHEUS)
        return wrong(words, "prometheus has no times, so it can't hold a history");
    return 0;
}

static int check_pace(const struct exec_options *options, struct cemm_words *words)
{
    if (options->interval > 0 && options->paced_by_stdin)
        return wrong(words, "--interval and --stdin exclude each other");
    if (options->state && options->format == EXEC_FORMAT_PROMETHEUS)
        return wrong(words, "prometheus has no times, so it can't take what was missed (--state)");
    if (options->output && options->format != EXEC_FORMAT_PROMETHEUS)
        return wrong(words, "a stream has no end, so --output wants --format prometheus, which is "
                            "written anew each time");
    return 0;
}

/* What each option by itself can't tell. */
static int check_together(const struct exec_options *options, unsigned takes,
                          struct cemm_words *words)
{
    if (takes & EXEC_TAKES_RANGE)
        return check_range(options, words);
    if (takes & EXEC_TAKES_PACE)
        return check_pace(options, words);
    return 0;
}

int options_read(struct exec_options *ret_options, unsigned takes, char *const *arguments,
                 size_t count, struct cemm_words *words)
{
    *ret_options = (struct exec_options){0};
    ret_options->meters = calloc(count + 1, sizeof(*ret_options->meters));
    ret_options->meter_texts = calloc(count + 1, sizeof(*ret_options->meter_texts));
    if (!ret_options->meters || !ret_options->meter_texts)
        return -ENOMEM;
    bool options_ended = false;
    size_t index = 0;
    while (index < count) {
        const char *argument = arguments[index];
        int r = 0;
        if (options_ended || argument[0] != '-') {
            r = read_meter(ret_options, takes, argument, words);
            index++;
        } else if (strcmp(argument, "--") == 0) {
            options_ended = true;
            index++;
        } else {
            r = read_option(ret_options, takes, arguments, count, &index, words);
        }
        if (r < 0)
            return r;
        if (ret_options->help)
            return 0;
    }
    return check_together(ret_options, takes, words);
}

void options_clear(struct exec_options *options)
{
    free(options->meters);
    free(options->meter_texts);
    *options = (struct exec_options){0};
}

enum exec_format options_format(const struct exec_options *options)
{
    if (options->format != EXEC_FORMAT_DEFAULT)
        return options->format;
    bool person = !options->output && screen_there();
    return person ? EXEC_FORMAT_TABLE : EXEC_FORMAT_INFLUX;
}

bool options_meter_names(const struct exec_meter *meter, const char *uid, const char *alias)
{
    return (meter->uid.text[0] == '\0' || strcmp(meter->uid.text, uid) == 0) &&
           (meter->alias[0] == '\0' || strcmp(meter->alias, alias) == 0);
}

bool options_select(const struct exec_options *options, const char *uid, const char *alias)
{
    for (size_t i = 0; i < options->meter_count; i++) {
        if (options_meter_names(&options->meters[i], uid, alias))
            return true;
    }
    return options->meter_count == 0;
}
