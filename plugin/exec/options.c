/*
 * Reads the command line. getopt_long() is not used: it accepts abbreviations,
 * which change their meaning when an option is added, and it prints its own
 * messages.
 *
 * METERs are made canonical, so that other files compare plain strings. A METER
 * that can't match anything ("a/b/c") is an error in the command line; one that
 * does not exist is found later.
 */
#include "plugin/exec/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/output.h"

enum option_id {
    FROM,
    TO,
    PERIOD,
    BY,
    INTERVAL,
    STDIN,
    STATE,
    FORMAT,
    HISTORY,
    LISTING,
    ENERGY,
    CONFIG,
    OUTPUT,
    HELP,
};

#define HELP_COLUMN 18

static const struct option {
    const char *name;
    const char *value; /* NULL: it takes none */
    unsigned takes;    /* by which command; 0: all */
    enum option_id id;
    const char *help;
} option_table[] = {
    {"from", "D", EXEC_TAKES_RANGE, FROM, "first day, such as 2024-05-01"},
    {"to", "D", EXEC_TAKES_RANGE, TO, "last day (default: today)"},
    {"period", "P", EXEC_TAKES_PERIOD, PERIOD, "day (a row a minute, the default), month or year"},
    {"by", "I", EXEC_TAKES_BY, BY, "quarter, hour (the default), day or month: a row for each"},
    {"interval", "S", EXEC_TAKES_PACE, INTERVAL, "a sweep every S seconds (default: 10)"},
    {"stdin", NULL, EXEC_TAKES_PACE, STDIN, "a sweep at every line on stdin, until its end"},
    {"state", "FILE", EXEC_TAKES_PACE, STATE,
     "keep what was sent in FILE; missed samples come first"},
    {"format", "F", EXEC_TAKES_FORMAT | EXEC_TAKES_RANGE, HISTORY,
     "influx, putval, openmetrics, json, csv or table\n"
     "                  (default: table on a terminal, influx elsewhere)"},
    {"format", "F", EXEC_TAKES_FORMAT, FORMAT,
     "influx, putval, prometheus, json, csv or table\n"
     "                  (default: table on a terminal, influx elsewhere)"},
    {"format", "F", EXEC_TAKES_LISTING, LISTING, "table, the default, or json: an array of meters"},
    {"format", "F", EXEC_TAKES_BY, ENERGY,
     "influx, json, csv, table or home-assistant\n"
     "                  (default: table on a terminal, influx elsewhere)"},
    {"config", "FILE", 0, CONFIG,
     "the configuration; otherwise $CEMM_CONFIG, then\n"
     "                  ~/.config/cemm/cemm.conf, then /etc/cemm/cemm.conf"},
    {"output", "FILE", 0, OUTPUT, "replace FILE atomically instead of using stdout"},
    {"help", NULL, 0, HELP, "this text; also -h"},
};

static const char *const formats[] = {
    [EXEC_FORMAT_DEFAULT] = "",
    [EXEC_FORMAT_TABLE] = "table",
    [EXEC_FORMAT_INFLUX] = "influx",
    [EXEC_FORMAT_PUTVAL] = "putval",
    [EXEC_FORMAT_PROMETHEUS] = "prometheus",
    [EXEC_FORMAT_OPENMETRICS] = "openmetrics",
    [EXEC_FORMAT_JSON] = "json",
    [EXEC_FORMAT_CSV] = "csv",
    [EXEC_FORMAT_HOME_ASSISTANT] = "home-assistant",
    NULL,
};

static const char *const spans[] = {
    [CEMM_DAY] = "day", [CEMM_MONTH] = "month", [CEMM_YEAR] = "year", NULL};

static const char *const intervals[] = {[CEMM_BY_QUARTER] = "quarter",
                                        [CEMM_BY_HOUR] = "hour",
                                        [CEMM_BY_DAY] = "day",
                                        [CEMM_BY_MONTH] = "month",
                                        NULL};

/* The formats of an option. */
static const struct {
    unsigned formats;
    const char *names;
} choices[] = {
    [FORMAT] = {1 << EXEC_FORMAT_TABLE | 1 << EXEC_FORMAT_INFLUX | 1 << EXEC_FORMAT_PUTVAL |
                    1 << EXEC_FORMAT_PROMETHEUS | 1 << EXEC_FORMAT_JSON | 1 << EXEC_FORMAT_CSV,
                "table, influx, putval, prometheus, json, csv"},
    [HISTORY] = {1 << EXEC_FORMAT_TABLE | 1 << EXEC_FORMAT_INFLUX | 1 << EXEC_FORMAT_PUTVAL |
                     1 << EXEC_FORMAT_OPENMETRICS | 1 << EXEC_FORMAT_JSON | 1 << EXEC_FORMAT_CSV,
                 "table, influx, putval, openmetrics, json, csv"},
    [LISTING] = {1 << EXEC_FORMAT_TABLE | 1 << EXEC_FORMAT_JSON, "table, json"},
    [ENERGY] = {1 << EXEC_FORMAT_TABLE | 1 << EXEC_FORMAT_INFLUX | 1 << EXEC_FORMAT_JSON |
                    1 << EXEC_FORMAT_CSV | 1 << EXEC_FORMAT_HOME_ASSISTANT,
                "table, influx, json, csv, home-assistant"},
};

/* The index of the name. If there is none, 0 and a message. */
static int find_name(const char *const *names, const char *name, const char *what, const char *all,
                     struct cemm_words *words)
{
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    cemm_words_set(words, "unknown %s '%s': there are %s", what, name, all);
    return 0;
}

static bool parse_interval(const char *text, double *ret_seconds)
{
    char *end;
    *ret_seconds = strtod(text, &end);
    return end != text && *end == '\0' && *ret_seconds >= EXEC_INTERVAL_MIN &&
           *ret_seconds <= EXEC_INTERVAL_MAX; /* not NaN */
}

static void set_format(struct exec_options *options, enum option_id id, const char *value,
                       struct cemm_words *words)
{
    options->format =
        (enum exec_format)find_name(formats, value, "format", choices[id].names, words);
    bool fits = choices[id].formats & 1U << options->format;
    if (words->text[0] != '\0' || fits)
        return;
    if (id == HISTORY && options->format == EXEC_FORMAT_PROMETHEUS)
        cemm_words_set(words,
                       "prometheus has no times, so it cannot show history; openmetrics can");
    else if (id == FORMAT && options->format == EXEC_FORMAT_OPENMETRICS)
        cemm_words_set(words, "openmetrics is a format of history; the format of the present is "
                              "prometheus");
    else
        cemm_words_set(words, "unknown format '%s' of %s: there are %s", value,
                       id == ENERGY    ? "energy"
                       : id == LISTING ? "a list"
                       : id == HISTORY ? "history"
                                       : "samples",
                       choices[id].names);
}

/* Sets `words` if the value is wrong. */
static void set_option(struct exec_options *options, const struct option *option, const char *value,
                       struct cemm_words *words)
{
    switch (option->id) {
    case CONFIG:
        options->config = value;
        break;
    case OUTPUT:
        options->output = value;
        break;
    case FORMAT:
    case HISTORY:
    case LISTING:
    case ENERGY:
        set_format(options, option->id, value, words);
        break;
    case INTERVAL:
        if (!parse_interval(value, &options->interval))
            cemm_words_set(words, "--interval needs seconds from %g to %g, not '%s'",
                           EXEC_INTERVAL_MIN, EXEC_INTERVAL_MAX, value);
        break;
    case STDIN:
        options->paced_by_stdin = true;
        break;
    case STATE:
        options->state = value;
        break;
    case FROM:
    case TO:
        if (!cemm_period_parse(CEMM_DAY, value, option->id == FROM ? &options->from : &options->to))
            cemm_words_set(words, "--%s needs a date like 2024-05-01, not '%s'", option->name,
                           value);
        break;
    case PERIOD:
        options->span =
            (enum cemm_span)find_name(spans, value, "period", "day, month, year", words);
        break;
    case BY:
        options->by = (enum cemm_by)find_name(intervals, value, "interval",
                                              "quarter, hour, day, month", words);
        break;
    case HELP:
        options->help = true;
        break;
    }
}

/* The first one: that of fewer commands stands before that of more. */
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

/* Reads "--name VALUE" or "--name=VALUE" and moves *index behind it. */
static void read_option(struct exec_options *options, unsigned takes, char *const *arguments,
                        size_t count, size_t *index, struct cemm_words *words)
{
    const char *given = arguments[(*index)++];
    const char *argument = strcmp(given, "-h") == 0 ? "--help" : given;
    const char *name = strncmp(argument, "--", 2) == 0 ? argument + 2 : "";
    size_t length = strcspn(name, "=");
    const struct option *option = find_option(name, length, takes);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (option && option->value && !value && *index < count)
        value = arguments[(*index)++];
    if (!option)
        cemm_words_set(words, "unknown option '%.*s'", (int)strcspn(argument, "="), argument);
    else if (!option->value && value)
        cemm_words_set(words, "--%s takes no value", option->name);
    else if (option->value && (!value || *value == '\0'))
        cemm_words_set(words, "--%s needs a value", option->name);
    else
        set_option(options, option, value ? value : "", words);
}

/* Reads "uid/alias", "uid" or "alias". */
static bool parse_meter(const char *argument, struct exec_meter *ret_meter)
{
    const char *slash = strchr(argument, '/');
    const char *alias = slash ? slash + 1 : argument;
    struct cemm_words uid;
    cemm_words_set(&uid, "%.*s", slash ? (int)(slash - argument) : CEMM_UID_SIZE, argument);
    bool has_uid = cemm_uid_parse(uid.text, &ret_meter->uid);
    if (slash ? !has_uid : has_uid)
        return !slash;
    if (!cemm_name_valid(alias))
        return false;
    copy_text(ret_meter->alias, sizeof(ret_meter->alias), alias);
    return true;
}

static void read_meter(struct exec_options *options, const char *argument, struct cemm_words *words)
{
    struct exec_meter *meter = &options->meters[options->meter_count];
    *meter = (struct exec_meter){0};
    if (!parse_meter(argument, meter)) {
        cemm_words_set(words, "'%s' is no METER: write uid/alias, uid or alias", argument);
        return;
    }
    const char *slash = meter->uid.text[0] != '\0' && meter->alias[0] != '\0' ? "/" : "";
    struct cemm_words text;
    cemm_words_set(&text, "%s%s%s", meter->uid.text, slash, meter->alias);
    copy_text(meter->text, sizeof(meter->text), text.text);
    /* A repeated METER is one meter. */
    for (size_t i = 0; i < options->meter_count; i++) {
        if (strcmp(options->meters[i].text, meter->text) == 0)
            return;
    }
    options->meter_texts[options->meter_count++] = meter->text;
}

/* Checks the options together. NULL: nothing is wrong. */
static const char *wrong_together(const struct exec_options *options, unsigned takes)
{
    bool range = takes & EXEC_TAKES_RANGE;
    bool pace = takes & EXEC_TAKES_PACE;
    bool timeless = options->format == EXEC_FORMAT_PROMETHEUS;
    if (range && options->from.year == 0)
        return "--from is missing";
    if (range && options->to.year != 0 && cemm_period_compare(&options->to, &options->from) < 0)
        return "--to lies before --from";
    if (options->format == EXEC_FORMAT_HOME_ASSISTANT && options->by != CEMM_BY_HOUR)
        return "home-assistant has hours alone, so there is no other --by";
    if (pace && options->interval > 0 && options->paced_by_stdin)
        return "--interval and --stdin cannot be combined";
    if (pace && options->state && timeless)
        return "prometheus has no times, so it cannot show missed samples (--state)";
    if (pace && options->output && !timeless)
        return "--output needs --format prometheus, whose file is replaced at every sweep";
    return NULL;
}

int options_read(struct exec_options *ret_options, unsigned takes, char *const *arguments,
                 size_t count, struct cemm_words *words)
{
    *ret_options = (struct exec_options){.by = CEMM_BY_HOUR};
    words->text[0] = '\0';
    ret_options->meters = calloc(count + 1, sizeof(*ret_options->meters));
    ret_options->meter_texts = calloc(count + 1, sizeof(*ret_options->meter_texts));
    if (!ret_options->meters || !ret_options->meter_texts)
        return -ENOMEM;
    bool options_ended = false;
    for (size_t index = 0; index < count && words->text[0] == '\0';) {
        const char *argument = arguments[index];
        if (!options_ended && strcmp(argument, "--") == 0) {
            options_ended = true;
            index++;
        } else if (!options_ended && argument[0] == '-') {
            read_option(ret_options, takes, arguments, count, &index, words);
        } else if (takes & EXEC_TAKES_METERS) {
            read_meter(ret_options, argument, words);
            index++;
        } else {
            cemm_words_set(words, "unexpected argument '%s'", argument);
        }
        if (ret_options->help)
            return 0;
    }
    const char *wrong = words->text[0] == '\0' ? wrong_together(ret_options, takes) : NULL;
    if (wrong)
        cemm_words_set(words, "%s", wrong);
    return words->text[0] == '\0' ? 0 : -EINVAL;
}

void options_help(unsigned takes, FILE *stream)
{
    for (size_t i = 0; i < sizeof(option_table) / sizeof(option_table[0]); i++) {
        const struct option *option = &option_table[i];
        if (find_option(option->name, strlen(option->name), takes) != option)
            continue;
        int length = fprintf(stream, "  --%s %s", option->name, option->value ? option->value : "");
        fprintf(stream, "%*s%s\n", HELP_COLUMN - length, "", option->help);
    }
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
    bool person = !options->output && output_is_terminal();
    return person ? EXEC_FORMAT_TABLE : EXEC_FORMAT_INFLUX;
}

/* Whether the METER names this meter. */
static bool names(const struct exec_meter *meter, const char *uid, const char *alias)
{
    return (meter->uid.text[0] == '\0' || strcmp(meter->uid.text, uid) == 0) &&
           (meter->alias[0] == '\0' || strcmp(meter->alias, alias) == 0);
}

void options_mark(const struct exec_options *options, const char *uid, const char *alias)
{
    for (size_t i = 0; i < options->meter_count; i++) {
        struct exec_meter *meter = &options->meters[i];
        if (alias[0] == '\0' ? uid[0] != '\0' && strcmp(uid, meter->uid.text) == 0
                             : names(meter, uid, alias))
            meter->answered = true;
    }
}

void options_missing(const struct cemm *cemm, const struct exec_meter *meter,
                     struct cemm_words *ret_words)
{
    if (meter->uid.text[0] != '\0' && cemm_elsewhere(cemm, &meter->uid, ret_words))
        return;
    cemm_words_set(ret_words, "%s",
                   meter->alias[0] != '\0' ? "there is no such meter, or it was not found"
                                           : "there is no such device, or it was not found");
}

bool options_select(const struct exec_options *options, const char *uid, const char *alias)
{
    for (size_t i = 0; i < options->meter_count; i++) {
        if (names(&options->meters[i], uid, alias))
            return true;
    }
    return options->meter_count == 0;
}
