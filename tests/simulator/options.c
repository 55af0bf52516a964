/*
 * The command line.
 *
 * One table has the name, argument, help and destination of each option, so --help lists all
 * options.
 */
#include "options.h"

#include "data.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_KEY      "test-key-4e4f657"
#define DEFAULT_METERS   "p1,p1-gas,s01"
#define PRINT_ARGUMENTS  4 /* at least */
#define PROMISE_MAX_MS   3600000
#define RETRY_AFTER_MAX  86400
#define CLOUD_ROUND_MAX  1e6
#define READ_EVERY_MAX   3600
#define KEY_MAX          512
#define SPEED_MAX        1e6
#define DISCOVERY_PORT   9777
#define BEACON_TIMES_MAX 1000
#define BEACON_TEXT_MAX  255 /* bytes of --beacon-claim and --beacon-version */

enum form {
    FORM_FLAG,
    FORM_TEXT,
    FORM_NUMBER,
    FORM_OTHER,
};

struct option_row {
    const char *name;
    const char *argument;                                   /* NULL: takes no argument */
    int (*take)(struct options *options, const char *text); /* FORM_OTHER */
    enum form form;
    size_t member; /* the value's offset in struct options */
    long min, max;
    const char *help;
};

#define FLAG(member)             FORM_FLAG, offsetof(struct options, member), 0, 0
#define TEXT(member)             FORM_TEXT, offsetof(struct options, member), 0, 0
#define NUMBER(member, min, max) FORM_NUMBER, offsetof(struct options, member), min, max
#define OTHER                    FORM_OTHER, 0, 0, 0

static int take_number(const char *text, long min, long max, int *ret_number)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (errno || end == text || *end || number < min || number > max)
        return -EINVAL;
    *ret_number = (int)number;
    return 0;
}

static int take_real(const char *text, double min, double max, double *ret_number)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end || !(number >= min && number <= max)) /* false for NaN */
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static int take_meters(struct options *options, const char *text)
{
    char *copy = strdup(text);
    char *rest = copy;
    enum meter_kind kind;

    if (!copy)
        return -ENOMEM;
    free(options->meter_list);
    options->meter_list = copy;
    options->meter_count = 0;
    for (char *word; (word = strsep(&rest, ","));) {
        if (meter_kind_of(word, &kind) < 0 || options->meter_count == METERS_MAX)
            return -EINVAL;
        options->meters[options->meter_count++] =
            (struct meter_name){.alias = word, .like = word, .unlisted = kind == METER_USAGE};
    }
    return 0;
}

/* Takes NAME=KIND. NAME must not be a documented alias, and KIND must be one. */
static int take_extra(struct options *options, const char *text)
{
    struct meter_name extra = {.unlisted = true};
    enum meter_kind kind;
    char *copy, *equals;

    if (options->extra_count == METERS_MAX)
        return -EINVAL;
    copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    equals = strchr(copy, '=');
    if (!equals || equals == copy) {
        free(copy);
        return -EINVAL;
    }
    *equals = '\0';
    extra.alias = copy;
    extra.like = equals + 1;
    if (strchr(copy, '/') || meter_kind_of(extra.alias, &kind) == 0 ||
        meter_kind_of(extra.like, &kind) < 0) {
        free(copy);
        return -EINVAL;
    }
    options->extra_texts[options->extra_count] = copy;
    options->extras[options->extra_count++] = extra;
    return 0;
}

/* Takes ALIAS=TYPE. */
static int take_type(struct options *options, const char *text)
{
    struct meter_type *type = &options->types[options->type_count];
    char *equals;

    if (options->type_count == METERS_MAX)
        return -EINVAL;
    type->alias = strdup(text);
    if (!type->alias)
        return -ENOMEM;
    options->type_count++;
    equals = strchr(type->alias, '=');
    if (!equals)
        return -EINVAL;
    *equals = '\0';
    type->type = equals + 1;
    return 0;
}

static int take_gas_stamp(struct options *options, const char *text)
{
    options->gas_stamped_hourly = strcmp(text, "hour") == 0;
    return options->gas_stamped_hourly || strcmp(text, "telegram") == 0 ? 0 : -EINVAL;
}

static int take_lan_bind(struct options *options, const char *text)
{
    char *copy = strdup(text);
    char *rest = copy;
    int r = 0;

    if (!copy)
        return -ENOMEM;
    options->lan_bind_count = 0;
    for (char *word; r == 0 && (word = strsep(&rest, ","));) {
        if (options->lan_bind_count == LAN_MAX ||
            inet_pton(AF_INET, word, &options->lan_bind[options->lan_bind_count++]) != 1)
            r = -EINVAL;
    }
    free(copy);
    return r;
}

static int take_prefix(struct options *options, const char *text)
{
    size_t length = strlen(text);

    options->prefix = text;
    return length > 0 && text[0] == '/' && text[length - 1] == '/' ? 0 : -EINVAL;
}

static int take_key(struct options *options, const char *text)
{
    char *key = strdup(text);

    if (!key)
        return -ENOMEM;
    free(options->key);
    options->key = key;
    return *key ? 0 : -EINVAL;
}

static int take_key_file(struct options *options, const char *text)
{
    char line[KEY_MAX];
    FILE *file = fopen(text, "re");
    bool read;

    if (!file)
        return -errno;
    read = fgets(line, sizeof(line), file);
    fclose(file);
    if (!read)
        return -EINVAL;
    line[strcspn(line, "\r\n")] = '\0';
    return take_key(options, line);
}

static int take_promise(struct options *options, const char *text)
{
    int ms;
    int r = take_number(text, 0, PROMISE_MAX_MS, &ms);

    if (r == 0)
        options->promise_ms = ms;
    return r;
}

static int take_promise_body(struct options *options, const char *text)
{
    static const char *const names[] = {
        [PROMISE_JSON] = "json", [PROMISE_TEXT] = "text", [PROMISE_EMPTY] = "empty"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(text, names[i]) == 0) {
            options->promise_body = (enum promise_body)i;
            return 0;
        }
    return -EINVAL;
}

static int take_cloud_round(struct options *options, const char *text)
{
    double step;

    if (take_real(text, 1.0 / VALUE_ONE, CLOUD_ROUND_MAX, &step) < 0)
        return -EINVAL;
    options->cloud_round = (int64_t)(step * VALUE_ONE);
    return 0;
}

static int take_firmware(struct options *options, const char *text)
{
    options->firmware = strcmp(text, "2.18") == 0 ? FIRMWARE_2_18 : FIRMWARE_2_26;
    return options->firmware == FIRMWARE_2_18 || strcmp(text, "2.26") == 0 ? 0 : -EINVAL;
}

static int take_beacon_to(struct options *options, const char *text)
{
    options->beacon_to = 0;
    return strcmp(text, "sender") == 0 ? 0 : take_number(text, 1, UINT16_MAX, &options->beacon_to);
}

/* Takes a text. -EINVAL: it is too long, or would have to be escaped in JSON. */
static int take_words(const char *text, const char **ret_words)
{
    size_t length = strlen(text);

    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '"' || *c == '\\')
            return -EINVAL;
    *ret_words = text;
    return length <= BEACON_TEXT_MAX ? 0 : -EINVAL;
}

static int take_beacon_claim(struct options *options, const char *text)
{
    return take_words(text, &options->beacon_claim);
}

static int take_beacon_version(struct options *options, const char *text)
{
    return take_words(text, &options->beacon_version);
}

static int take_now(struct options *options, const char *text)
{
    double seconds;
    int r = take_real(text, (double)TIME_MIN_S, (double)TIME_MAX_S, &seconds);

    if (r == 0)
        options->now_ms = (int64_t)(seconds * 1000 + 0.5);
    return r;
}

static int take_speed(struct options *options, const char *text)
{
    return take_real(text, 0, SPEED_MAX, &options->speed);
}

static int take_fault(struct options *options, const char *text)
{
    return faults_add(&options->faults, text);
}

static const struct option_row rows[] = {
    {"devices", "N", NULL, NUMBER(devices, 1, DEVICES_MAX),
     "how many devices, from 00-1E-C0-00-00-01 on (default 2)"},
    {"first", "N", NULL, NUMBER(first, 1, FIRST_MAX), "the number of the first device (default 1)"},
    {"meters", "LIST", take_meters, OTHER,
     "aliases of every device: p1 p1-gas han s01 s02 s03, and on the LAN\n"
     "p1-usb emucs emucs-usb emucs-gas dlms-usb pulse-1 pulse-2 pulse-3 usage\n"
     "mb1 to mb247 (default " DEFAULT_METERS ")"},
    {"extra", "NAME=KIND", take_extra, OTHER,
     "repeatable: on the LAN, a meter with a name that is not documented and that io\n"
     "does not list, with the data of the alias KIND"},
    {"next-row", NULL, NULL, FLAG(next_row),
     "days, months and years that have ended also have a row at their end"},
    {"unknown-channel", NULL, NULL, FLAG(unknown_channel), "realtime of p1 also has \"humidity\""},
    {"type", "ALIAS=TYPE", take_type, OTHER, "repeatable: io gives a meter this type"},
    {"dsmr5", NULL, NULL, FLAG(dsmr5),
     "a day of gas has a row in L/min for each minute, not one in m3 for each hour"},
    {"gas-stamp", "telegram|hour", take_gas_stamp, OTHER,
     "a gas reading has the time of the smart meter's telegram, or of the hour\n"
     "at which it changed (default telegram)"},
    {"read-every", "S", NULL, NUMBER(read_every, 1, READ_EVERY_MAX),
     "the meters are read every S seconds (default 10)"},
    {"lan", "N", NULL, NUMBER(lan, 0, LAN_MAX),
     "the first N devices are on the LAN, too (default 0)"},
    {"cloud-port", "PORT", NULL, NUMBER(cloud_port, 0, UINT16_MAX), "default 0: a free one"},
    {"lan-port", "PORT", NULL, NUMBER(lan_port, 0, UINT16_MAX),
     "the LAN port of the first device; the others have the ports after it\n"
     "(default 0: free ports)"},
    {"lan-bind", "ADDR,...", take_lan_bind, OTHER,
     "the LAN devices listen on these addresses, one on each, all on --lan-port,\n"
     "whose default is then 80. Without --lan, each address has a device"},
    {"prefix", "PATH", take_prefix, OTHER, "the path of the cloud's API (default /v1/)"},
    {"key", "KEY", take_key, OTHER, "the API key (default " DEFAULT_KEY ")"},
    {"key-file", "FILE", take_key_file, OTHER, "the same, from FILE's first line"},
    {"zone", "NAME", NULL, TEXT(zone), "the meters' zone (default Europe/Amsterdam)"},
    {"promise", "MS", take_promise, OTHER,
     "documents of the cloud are available MS after the first request for them;\n"
     "until then 202. A promise is forgotten 10 s after it was made, or when it\n"
     "is kept (default 0: no promises)"},
    {"promise-body", "FORM", take_promise_body, OTHER, "json, text or empty (default json)"},
    {"cloud-round", "X", take_cloud_round, OTHER,
     "the cloud's realtime shows meter readings rounded down to\n"
     "multiples of X (default: as the LAN does)"},
    {"retry-after", "S", NULL, NUMBER(retry_after, 0, RETRY_AFTER_MAX),
     "adds this header to every 202"},
    {"firmware", "2.18|2.26", take_firmware, OTHER,
     "of the LAN devices. 2.26, the default, has io, totals and two decimals;\n"
     "2.18 has none of them"},
    {"discovery", NULL, NULL, FLAG(discovery),
     "the devices of --lan-bind answer the broadcast cemm_query"},
    {"discovery-port", "PORT", NULL, NUMBER(discovery_port, 1, UINT16_MAX),
     "the port of the query (default 9777)"},
    {"beacon-to", "sender|PORT", take_beacon_to, OTHER,
     "the port to which answers are sent (default sender: the one that the\n"
     "query came from)"},
    {"beacon-claim", "ADDR", take_beacon_claim, OTHER, "the ip in answers (default: the real one)"},
    {"beacon-version", "V", take_beacon_version, OTHER,
     "the version in answers (default: the firmware's core)"},
    {"beacon-times", "N", NULL, NUMBER(beacon_times, 1, BEACON_TIMES_MAX),
     "each answer is sent N times (default 1)"},
    {"beacon-junk", NULL, NULL, FLAG(beacon_junk),
     "junk and forged packets are sent before each answer"},
    {"since", "DATE", NULL, TEXT(since), "no data before that day (default: 2 years before now)"},
    {"now", "EPOCH", take_now, OTHER, "the meters' clock at start, fractions allowed"},
    {"speed", "X", take_speed, OTHER, "how fast the clock runs (default 1)"},
    {"clock", "FILE", NULL, TEXT(clock), "the clock is read from FILE: Unix ms in 8 bytes"},
    {"fault", "NAME[=ARG]@GLOB", take_fault, OTHER, "repeatable; see below"},
    {"tls-cert", "FILE", NULL, TEXT(tls_cert),
     "the cloud uses HTTPS with this certificate (PEM); needs --tls-key"},
    {"tls-key", "FILE", NULL, TEXT(tls_key), "the private key of that certificate (PEM)"},
    {"tls-priority", "TEXT", NULL, TEXT(tls_priority),
     "GnuTLS's priority string, such as TLS versions"},
    {"control", "FILE", NULL, TEXT(control),
     "one fault per line. Read at start, if it exists; at SIGHUP it is read\n"
     "again and replaces all faults, those of --fault included"},
    {"log", "FILE", NULL, TEXT(log), "one line per request; see below"},
    {"log-connections", NULL, NULL, FLAG(log_connections), "the log also has the connections"},
    {"print", NULL, NULL, FLAG(print),
     "UID ALIAS CHANNEL EPOCH_MS...: prints the channel at each of these times,\n"
     "one per line, and exits. day:CHANNEL, month:CHANNEL or year:CHANNEL prints\n"
     "the newest row at or before each time; lan:CHANNEL prints a value as the LAN\n"
     "writes it, and lan:totals:CHANNEL as realtime has it in totals. Exits with 1\n"
     "if there is no such value. --since must be that of the other simulator"},
    {"help", NULL, NULL, FLAG(help), "this text"},
};

#define ROW_COUNT ((int)(sizeof(rows) / sizeof(rows[0])))

static void print_option(const struct option_row *row)
{
    const char *help = row->help;
    int column = printf("  --%s%s%s ", row->name, row->argument ? " " : "",
                        row->argument ? row->argument : "");

    printf("%*s", column < 26 ? 26 - column : 0, "");
    for (const char *line; (line = strchr(help, '\n')); help = line + 1)
        printf("%.*s\n%26s", (int)(line - help), help, "");
    printf("%s\n", help);
}

static void print_help(void)
{
    printf("cemm-sim [OPTION...]\n"
           "Plays the CEMM cloud and any number of CEMMs on the LAN.\n\n");
    for (int i = 0; i < ROW_COUNT; i++)
        print_option(&rows[i]);
    printf("\nWhen all sockets listen, one line goes to stdout:\n"
           "  ready cloud=http://127.0.0.1:PORT/v1/ lan=127.0.0.1:PORT[,...]    (lan=-: none)\n"
           "With --lan-bind, its addresses, each with :PORT unless that is 80.\n"
           "SIGTERM and SIGINT end it with 0.\n\n"
           "A fault acts on requests whose path matches GLOB (fnmatch, * matches / as well). A\n"
           "GLOB may also name the API and the device: lan:00-1E-C0-00-00-02:*, cloud:*:/v1/*.\n"
           "If several faults match, only the first that delays the answer and the first that\n"
           "replaces or changes it take effect.\n");
    faults_help();
    printf("\nThe log, one line per request, written before its answer is sent:\n"
           "  UNIX-MS cloud|lan UID METHOD PATH QUERY STATUS\n"
           "UNIX-MS has three decimals. UID and QUERY are - where there is none; the api_key is\n"
           "left out; STATUS is 0 if no answer is sent. A request that finds its LAN device busy\n"
           "adds a line\n"
           "  UNIX-MS lan UID overlap COUNT\n"
           "and each query that a device answers adds\n"
           "  UNIX-MS udp UID QUERY SENDER-IP:PORT - 0\n"
           "With --log-connections each new connection adds a line with the number of open ones,\n"
           "  UNIX-MS cloud|lan UID connect OPEN\n");
}

static void fill_long_options(struct option *long_options)
{
    for (int i = 0; i < ROW_COUNT; i++)
        long_options[i] = (struct option){
            .name = rows[i].name,
            .has_arg = rows[i].argument ? required_argument : no_argument,
            .val = i,
        };
    long_options[ROW_COUNT] = (struct option){0};
}

static int take(const struct option_row *row, struct options *options, const char *text)
{
    char *member = (char *)options + row->member;

    switch (row->form) {
    case FORM_FLAG:
        *(bool *)member = true;
        return 0;
    case FORM_TEXT:
        *(const char **)member = text;
        return 0;
    case FORM_NUMBER:
        return take_number(text, row->min, row->max, (int *)member);
    case FORM_OTHER:
        break;
    }
    return row->take(options, text);
}

static int complain(const char *option, const char *text, int error)
{
    if (error == -EINVAL)
        fprintf(stderr, "cemm-sim: --%s: bad value '%s'\n", option, text);
    else
        fprintf(stderr, "cemm-sim: --%s %s: %s\n", option, text, strerror(-error));
    return -EINVAL;
}

static int take_all(int argc, char **argv, struct options *options)
{
    struct option long_options[ROW_COUNT + 1];

    fill_long_options(long_options);
    for (int i; (i = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        int r;

        if (i < 0 || i >= ROW_COUNT) /* '?': getopt has printed a message */
            return -EINVAL;
        r = take(&rows[i], options, optarg);
        if (r < 0)
            return complain(rows[i].name, optarg ? optarg : "", r);
    }
    return 0;
}

static int settle_types(struct options *options)
{
    for (int i = 0; i < options->type_count; i++) {
        bool found = false;

        for (int k = 0; k < options->meter_count; k++)
            if (strcmp(options->meters[k].alias, options->types[i].alias) == 0) {
                options->meters[k].type = options->types[i].type;
                found = true;
            }
        if (!found) {
            fprintf(stderr, "cemm-sim: --type %s: no such meter\n", options->types[i].alias);
            return -EINVAL;
        }
    }
    return 0;
}

/* Adds the extra meters, and sets the types and the defaults that depend on other options. */
static int settle(struct options *options)
{
    if (options->meter_count + options->extra_count > METERS_MAX) {
        fprintf(stderr, "cemm-sim: --extra: more than %d meters\n", METERS_MAX);
        return -EINVAL;
    }
    for (int i = 0; i < options->extra_count; i++)
        options->meters[options->meter_count++] = options->extras[i];
    if (settle_types(options) < 0)
        return -EINVAL;
    if (options->lan < 0)
        options->lan = options->lan_bind_count;
    if (options->lan_port < 0)
        options->lan_port = options->lan_bind_count ? HTTP_PORT : 0;
    return 0;
}

static int check_bind(const struct options *options)
{
    if (options->lan_bind_count && options->lan > options->lan_bind_count) {
        fprintf(stderr, "cemm-sim: --lan %d: --lan-bind has %d addresses\n", options->lan,
                options->lan_bind_count);
        return -EINVAL;
    }
    if (options->discovery && !options->lan_bind_count) {
        fputs("cemm-sim: --discovery needs --lan-bind\n", stderr);
        return -EINVAL;
    }
    return 0;
}

static int check(const struct options *options, int count)
{
    if (!options->tls_cert != !options->tls_key) {
        fputs("cemm-sim: --tls-cert and --tls-key go together\n", stderr);
        return -EINVAL;
    }
    if (options->print ? count < PRINT_ARGUMENTS : count > 0) {
        fputs(options->print ? "cemm-sim: --print takes UID ALIAS CHANNEL EPOCH_MS...\n"
                             : "cemm-sim: takes options only, see --help\n",
              stderr);
        return -EINVAL;
    }
    if (options->lan > options->devices) {
        fprintf(stderr, "cemm-sim: --lan %d: there are %d devices\n", options->lan,
                options->devices);
        return -EINVAL;
    }
    if (!options->lan_bind_count && options->lan_port &&
        options->lan_port + options->lan - 1 > UINT16_MAX) {
        fprintf(stderr, "cemm-sim: --lan-port %d: no room for %d ports\n", options->lan_port,
                options->lan);
        return -EINVAL;
    }
    return check_bind(options);
}

int options_parse(int argc, char **argv, struct options *ret_options)
{
    int r;

    *ret_options = (struct options){
        .devices = 2,
        .first = 1,
        .lan = -1,
        .lan_port = -1,
        .discovery_port = DISCOVERY_PORT,
        .beacon_times = 1,
        .prefix = "/v1/",
        .zone = "Europe/Amsterdam",
        .retry_after = -1,
        .cloud_round = 1,
        .read_every = READ_EVERY_S,
        .firmware = FIRMWARE_2_26,
        .now_ms = -1,
        .speed = 1.0,
    };
    r = take_meters(ret_options, DEFAULT_METERS);
    if (r == 0)
        r = take_key(ret_options, DEFAULT_KEY);
    if (r == 0)
        r = take_all(argc, argv, ret_options);
    if (r == 0 && ret_options->help)
        print_help();
    else if (r == 0) {
        r = settle(ret_options);
        if (r == 0)
            r = check(ret_options, argc - optind);
    }
    ret_options->arguments = argv + optind;
    ret_options->argument_count = argc - optind;
    return r;
}

void options_free(struct options *options)
{
    free(options->meter_list);
    for (int i = 0; i < options->extra_count; i++)
        free(options->extra_texts[i]);
    for (int i = 0; i < options->type_count; i++)
        free(options->types[i].alias);
    free(options->key);
    faults_clear(&options->faults);
}
