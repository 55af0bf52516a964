/*
 * getopt_long() is not used: it accepts abbreviations, which change their
 * meaning when an option is added.
 *
 * A METER that can't match anything ("a/b/c") is an error in the command line;
 * a valid METER that matches no meter is reported later.
 */
#include "plugin/exec/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/output.h"

#define HELP_COLUMN 18

static const struct option {
    const char *name;
    const char *value; /* NULL: the option takes no value */
    enum exec_option id;
    const char *help; /* NULL: the formats of the command */
} option_table[] = {
    {"from", "D", EXEC_FROM, "first day, such as 2024-05-01"},
    {"to", "D", EXEC_TO, "last day (default: today)"},
    {"period", "P", EXEC_PERIOD, "day (a row a minute, the default), month or year"},
    {"by", "I", EXEC_BY, "quarter (of an hour), hour (the default), day or month"},
    {"interval", "S", EXEC_INTERVAL,
     "read the meters every S seconds\n"
     "                  (default: $COLLECTD_INTERVAL, else 10)"},
    {"stdin", NULL, EXEC_STDIN,
     "read the meters when a line arrives on\n"
     "                  standard input, until end of file"},
    {"state", "FILE", EXEC_STATE, "keep a record in FILE; after a restart, print what was missed"},
    {"format", "F", EXEC_FORMAT, NULL},
    {"config", "FILE", EXEC_CONFIG,
     "the configuration; otherwise $CEMM_CONFIG, then\n"
     "                  ~/.config/cemm/cemm.conf, then /etc/cemm/cemm.conf"},
    {"output", "FILE", EXEC_OUTPUT, "replace FILE atomically instead of using stdout"},
    {"help", NULL, EXEC_HELP, "this text; also -h"},
};

#define OPTION_COUNT (sizeof(option_table) / sizeof(option_table[0]))

static const char *const formats[] = {
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

const char *const span_names[] = {
    [CEMM_DAY] = "day", [CEMM_MONTH] = "month", [CEMM_YEAR] = "year", NULL};

const char *const by_names[] = {[CEMM_BY_QUARTER] = "quarter",
                                [CEMM_BY_HOUR] = "hour",
                                [CEMM_BY_DAY] = "day",
                                [CEMM_BY_MONTH] = "month",
                                NULL};

/* The index of a name. If there is no such name, returns 0 and sets the message. */
static unsigned find_name(const char *const *names, const char *name, const char *what,
                          const char *all, struct cemm_message *message)
{
    for (unsigned i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    cemm_message_set(message, "unknown %s '%s': use one of %s", what, name, all);
    return 0;
}

static bool parse_interval(const char *text, double *ret_seconds)
{
    char *end;
    *ret_seconds = strtod(text, &end);
    return end != text && *end == '\0' && *ret_seconds >= EXEC_INTERVAL_MIN &&
           *ret_seconds <= EXEC_INTERVAL_MAX; /* false for NaN */
}

/* strstr() suffices: no format's name is a part of another format's name. */
static bool has_format(const struct exec_command *command, const char *format)
{
    return strstr(command->formats, format) != NULL;
}

static void set_format(struct exec_options *options, const struct exec_command *command,
                       const char *value, struct cemm_message *message)
{
    options->format =
        (enum exec_format)find_name(formats, value, "format", command->formats, message);
    if (message->text[0] != '\0' || has_format(command, value))
        return;
    if (options->format == EXEC_FORMAT_PROMETHEUS && has_format(command, "openmetrics"))
        cemm_message_set(message, "the prometheus format has no times, so it can't show history; "
                                  "openmetrics can");
    else if (options->format == EXEC_FORMAT_OPENMETRICS && has_format(command, "prometheus"))
        cemm_message_set(message,
                         "openmetrics is a format of history; the format for current values is "
                         "prometheus");
    else
        cemm_message_set(message, "unknown format '%s' for %s: use one of %s", value, command->name,
                         command->formats);
}

/* Sets `message` if the value is wrong. */
static void set_option(struct exec_options *options, const struct exec_command *command,
                       const struct option *option, const char *value, struct cemm_message *message)
{
    switch (option->id) {
    case EXEC_CONFIG:
        options->config = value;
        break;
    case EXEC_OUTPUT:
        options->output = value;
        break;
    case EXEC_FORMAT:
        set_format(options, command, value, message);
        break;
    case EXEC_INTERVAL:
        if (!parse_interval(value, &options->interval))
            cemm_message_set(message,
                             "--interval takes a number of seconds from %g to %g, not '%s'",
                             EXEC_INTERVAL_MIN, EXEC_INTERVAL_MAX, value);
        break;
    case EXEC_STDIN:
        options->paced_by_stdin = true;
        break;
    case EXEC_STATE:
        options->state = value;
        break;
    case EXEC_FROM:
    case EXEC_TO:
        if (!cemm_period_parse(CEMM_DAY, value,
                               option->id == EXEC_FROM ? &options->from : &options->to))
            cemm_message_set(message, "--%s needs a date like 2024-05-01, not '%s'", option->name,
                             value);
        break;
    case EXEC_PERIOD:
        options->span =
            (enum cemm_span)find_name(span_names, value, "period", "day, month, year", message);
        break;
    case EXEC_BY:
        options->by = (enum cemm_by)find_name(by_names, value, "interval",
                                              "quarter, hour, day, month", message);
        break;
    case EXEC_HELP:
        options->help = true;
        break;
    }
}

static bool takes(const struct exec_command *command, enum exec_option id)
{
    return (command->options | EXEC_CONFIG | EXEC_OUTPUT | EXEC_HELP) & id;
}

static const struct option *find_option(const char *name, size_t length,
                                        const struct exec_command *command)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &option_table[i];
        if (strncmp(option->name, name, length) == 0 && option->name[length] == '\0' &&
            takes(command, option->id))
            return option;
    }
    return NULL;
}

/* Reads "--name VALUE" or "--name=VALUE", and moves *index to the option's last argument. */
static void read_option(struct exec_options *options, const struct exec_command *command,
                        char *const *arguments, size_t count, size_t *index,
                        struct cemm_message *message)
{
    const char *given = arguments[*index];
    const char *argument = strcmp(given, "-h") == 0 ? "--help" : given;
    const char *name = strncmp(argument, "--", 2) == 0 ? argument + 2 : "";
    size_t length = strcspn(name, "=");
    const struct option *option = find_option(name, length, command);
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (option && option->value && !value && *index + 1 < count)
        value = arguments[++*index];
    if (!option)
        cemm_message_set(message, "unknown option '%.*s'", (int)strcspn(argument, "="), argument);
    else if (!option->value && value)
        cemm_message_set(message, "--%s takes no value", option->name);
    else if (option->value && (!value || *value == '\0'))
        cemm_message_set(message, "--%s needs a value", option->name);
    else
        set_option(options, command, option, value ? value : "", message);
}

static void read_meter(struct exec_options *options, const struct exec_command *command,
                       const char *argument, struct cemm_message *message)
{
    struct cemm_selection *selection = &options->selection;
    struct cemm_selector *meter = &selection->meters[selection->meter_count];
    if (!command->meters)
        cemm_message_set(message, "unexpected argument '%s'", argument);
    else if (!cemm_selector_parse(argument, meter))
        cemm_message_set(message, "'%s' is not a METER: write uid/alias, uid or alias", argument);
    if (message->text[0] != '\0')
        return;
    /* A METER that is repeated counts once. */
    for (size_t i = 0; i < selection->meter_count; i++) {
        if (strcmp(selection->meters[i].uid.text, meter->uid.text) == 0 &&
            strcmp(selection->meters[i].alias, meter->alias) == 0)
            return;
    }
    selection->meter_count++;
}

static void check_together(const struct exec_options *options, const struct exec_command *command,
                           struct cemm_message *message)
{
    bool timeless = options->format == EXEC_FORMAT_PROMETHEUS;
    const char *wrong = NULL;
    if (takes(command, EXEC_FROM) && options->from.year == 0)
        wrong = "--from is missing";
    else if (options->to.year != 0 && cemm_period_compare(&options->to, &options->from) < 0)
        wrong = "--to is before --from";
    else if (options->format == EXEC_FORMAT_HOME_ASSISTANT && options->by != CEMM_BY_HOUR)
        wrong = "home-assistant has hours only: leave out --by";
    else if (options->interval > 0 && options->paced_by_stdin)
        wrong = "--interval and --stdin cannot be combined";
    else if (options->state && timeless)
        wrong = "the prometheus format has no times, so it can't show missed samples (--state)";
    else if (takes(command, EXEC_STATE) && options->output && !timeless)
        wrong = "--output needs --format prometheus, whose file is replaced after every reading";
    if (wrong)
        cemm_message_set(message, "%s", wrong);
}

/* Reads the arguments, and stops at the first mistake. */
static void read_arguments(struct exec_options *options, const struct exec_command *command,
                           char *const *arguments, size_t count, struct cemm_message *message)
{
    bool options_ended = false;
    for (size_t i = 0; i < count && message->text[0] == '\0' && !options->help; i++) {
        if (options_ended || arguments[i][0] != '-')
            read_meter(options, command, arguments[i], message);
        else if (strcmp(arguments[i], "--") == 0)
            options_ended = true;
        else
            read_option(options, command, arguments, count, &i, message);
    }
}

bool options_read(struct exec_options *ret_options, const struct exec_command *command,
                  char *const *arguments, size_t count, struct cemm_message *message)
{
    *ret_options = (struct exec_options){.by = CEMM_BY_HOUR, .format = EXEC_FORMAT_DEFAULT};
    message->text[0] = '\0';
    ret_options->selection.meters = calloc(count + 1, sizeof(struct cemm_selector));
    if (!ret_options->selection.meters) {
        cemm_message_set(message, "%s", strerror(ENOMEM));
        return false;
    }
    read_arguments(ret_options, command, arguments, count, message);
    if (ret_options->format == EXEC_FORMAT_DEFAULT) {
        bool person = !ret_options->output && output_is_terminal();
        ret_options->format =
            person || !has_format(command, "influx") ? EXEC_FORMAT_TABLE : EXEC_FORMAT_INFLUX;
    }
    if (message->text[0] == '\0' && !ret_options->help)
        check_together(ret_options, command, message);
    return message->text[0] == '\0';
}

void options_help(const struct exec_command *command)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = &option_table[i];
        if (!takes(command, option->id))
            continue;
        int length = printf("  --%s %s", option->name, option->value ? option->value : "");
        printf("%*s%s\n", HELP_COLUMN - length, "", option->help ? option->help : command->formats);
        if (!option->help)
            printf("%*s(default: table%s)\n", HELP_COLUMN, "",
                   has_format(command, "influx") ? " on a terminal, influx elsewhere" : "");
    }
}

void options_mark(const struct exec_options *options, const char *uid, const char *alias)
{
    for (size_t i = 0; i < options->selection.meter_count; i++) {
        struct cemm_selector *meter = &options->selection.meters[i];
        bool device = strcmp(uid, meter->uid.text) == 0;
        if (alias[0] == '\0' ? uid[0] != '\0' && device
                             : (device || meter->uid.text[0] == '\0') &&
                                   (meter->alias[0] == '\0' || strcmp(meter->alias, alias) == 0))
            meter->answered = true;
    }
}

bool options_missing(const struct cemm_selector *meter, const struct cemm *cemm,
                     struct cemm_message *ret_message)
{
    if (meter->answered)
        return false;
    if (meter->uid.text[0] == '\0' || !cemm_elsewhere(cemm, &meter->uid, ret_message))
        cemm_message_set(ret_message, "%s",
                         meter->alias[0] != '\0' ? "there is no such meter, or it was not found"
                                                 : "there is no such device, or it was not found");
    return true;
}
