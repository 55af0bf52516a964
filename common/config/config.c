/*
 * The table of settings: which key belongs in which section, and which function checks its value.
 * Messages quote the value and say what is expected; the caller adds the file and the line, or
 * collectd's block.
 */
#include "common/config/config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_URL     "https://open-api.cemm.nl/v1/"
#define STRINGS_MAX     100000
#define TIMEOUT_MAX     3600.0
#define CONNECTIONS_MAX 1024
#define SHARDS_MAX      256
#define INTERVAL_MAX    (7 * 86400.0)
#define SHOWN           48   /* room for a quoted wrong value in a message, with its NUL */
#define URL_LENGTH_MAX  1024 /* leaves room for the rest of a request's URL */
#define PATH_LENGTH_MAX 3840 /* leaves room for the names of files in the archive */

enum section { GLOBAL, CLOUD, LOCAL, DISCOVERY, ARCHIVE };

/* Checks and stores a value. Returns 0; UNFIT if the value is not what `wanted` in the table asks
 * for; or a negative errno, with the reason in config->message unless it is -ENOMEM. */
typedef int setter(struct cemm_config *config, const char *value);

#define UNFIT 1

struct cemm_config *cemm_config_new(void)
{
    struct cemm_config *config = calloc(1, sizeof(*config));

    if (!config)
        return NULL;
    config->discovery = -1;
    config->discovery_interval_ms = 300 * 1000;
    return config;
}

static void strings_free(struct cemm_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
}

void cemm_config_free(struct cemm_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->source_count; i++) {
        struct cemm_source_config *source = &config->sources[i];
        if (source->key)
            cemm_secret_wipe(source->key);
        free(source->key);
        free(source->name);
        free(source->url);
        free(source->key_file);
        free(source->ca_file);
        free(source->address);
        strings_free(&source->devices);
        strings_free(&source->aliases);
        strings_free(&source->extra_aliases);
    }
    free(config->sources);
    strings_free(&config->broadcasts);
    cemm_zone_free(config->zone);
    free(config->archive);
    free(config->file);
    free(config->base);
    free(config);
}

bool cemm_strings_has(const struct cemm_strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++)
        if (strcmp(strings->items[i], text) == 0)
            return true;
    return false;
}

static int strings_add(struct cemm_config *config, struct cemm_strings *strings, const char *text)
{
    if (cemm_strings_has(strings, text))
        return 0;
    if (strings->count >= STRINGS_MAX)
        return cemm_message_fail(config->message, -E2BIG, "more than %d values; remove some",
                                 STRINGS_MAX);
    char **items = reallocarray(strings->items, strings->count + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    strings->items = items;
    items[strings->count] = strdup(text);
    if (!items[strings->count])
        return -ENOMEM;
    strings->count++;
    return 0;
}

/* Sets a field to `text`, which the field then owns. Returns -ENOMEM if `text` is NULL. */
static int put(char **field, char *text)
{
    if (!text)
        return -ENOMEM;
    free(*field);
    *field = text;
    return 0;
}

/* Makes a path absolute, because programs change their directory later. "~/" is the home directory;
 * other relative paths are relative to `base` or, if that is NULL, to the current directory.
 * Returns NULL if there is no memory or no current directory. */
static char *full_path(const char *base, const char *path)
{
    const char *home = getenv("HOME");

    if (path[0] == '/')
        return strdup(path);
    if (strncmp(path, "~/", 2) == 0 && home && home[0] == '/') {
        base = home;
        path += 2;
    }
    char *here = base ? NULL : getcwd(NULL, 0);
    const char *directory = base ? base : here;
    char *full = NULL;
    if (directory && asprintf(&full, "%s%s%s", directory,
                              directory[strlen(directory) - 1] == '/' ? "" : "/", path) < 0)
        full = NULL;
    free(here);
    return full;
}

int cemm_config_base(struct cemm_config *config, const char *directory)
{
    return put(&config->base, full_path(NULL, directory));
}

static struct cemm_source_config *current(struct cemm_config *config)
{
    return &config->sources[config->source_count - 1];
}

static int refuse(struct cemm_message *message, const char *key, const char *value,
                  const char *wanted)
{
    char shown[SHOWN];

    return cemm_message_fail(message, -EINVAL, "%s = %s: %s", key,
                             cemm_message_quote(value, shown, sizeof(shown)), wanted);
}

static int read_number(const char *value, double low, double high, double *ret_number)
{
    char *end;

    *ret_number = strtod(value, &end);
    bool good = end != value && *end == '\0' && strspn(value, "0123456789.") == strlen(value) &&
                *ret_number >= low && *ret_number <= high;
    return good ? 0 : UNFIT;
}

static int set_seconds(const char *value, double low, double high, int64_t *ret_ms)
{
    double seconds;
    int r = read_number(value, low, high, &seconds);

    if (r == 0)
        *ret_ms = (int64_t)(seconds * 1000);
    return r;
}

static int set_zone(struct cemm_config *config, const char *value)
{
    struct cemm_zone *zone = *value ? cemm_zone_new(value) : NULL;

    if (!zone)
        return UNFIT;
    cemm_zone_free(config->zone);
    config->zone = zone;
    return 0;
}

/* Whether the host in `rest`, a URL without its "http://", is "localhost" or a loopback address. */
static bool is_loopback(const char *rest)
{
    const char *begin = rest + (rest[0] == '[');
    size_t length = strcspn(begin, rest[0] == '[' ? "]" : ":/");
    char name[64] = "";
    struct in_addr address;
    struct in6_addr address6;

    if (length >= sizeof(name))
        return false;
    memcpy(name, begin, length);
    return strcmp(name, "localhost") == 0 ||
           (inet_pton(AF_INET, name, &address) == 1 && ntohl(address.s_addr) >> 24 == 127) ||
           (inet_pton(AF_INET6, name, &address6) == 1 && IN6_IS_ADDR_LOOPBACK(&address6));
}

/* Whether `text`, up to its first slash, is HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. */
static bool is_authority(const char *text)
{
    const char *host_end = text + strcspn(text, text[0] == '[' ? "]/" : ":/");
    char *end;

    if (host_end == text || (text[0] == '[' && *host_end != ']'))
        return false;
    host_end += text[0] == '[';
    if (*host_end != ':')
        return *host_end == '\0' || *host_end == '/';
    if (!isdigit((unsigned char)host_end[1]))
        return false;
    long port = strtol(host_end + 1, &end, 10);
    return port >= 1 && port <= 65535 && (*end == '\0' || *end == '/');
}

static int set_url(struct cemm_config *config, const char *value)
{
    bool https = strncmp(value, "https://", 8) == 0;
    bool http = strncmp(value, "http://", 7) == 0;
    const char *rest = value + (https ? 8 : 7);
    char *url;

    if (strpbrk(value, "?#@")) /* the message does not quote the value: it may hold a key */
        return cemm_message_fail(config->message, -EINVAL,
                                 "url: write it without a user name, key or parameters");
    if ((!https && !http) || !cemm_text_printable(value) || !is_authority(rest))
        return UNFIT;
    if (strlen(value) > URL_LENGTH_MAX)
        return refuse(config->message, "url", value, "write at most 1024 characters");
    if (http && !is_loopback(rest))
        return refuse(config->message, "url", value,
                      "the key would travel unencrypted; write https:// (http:// only to this "
                      "machine itself)");
    int r = asprintf(&url, "%s%s", value, value[strlen(value) - 1] == '/' ? "" : "/");
    return put(&current(config)->url, r < 0 ? NULL : url);
}

static int set_key_file(struct cemm_config *config, const char *value)
{
    struct cemm_source_config *source = current(config);

    if (!*value)
        return UNFIT;
    if (!source->key && !(source->key = calloc(1, sizeof(*source->key))))
        return -ENOMEM;
    int r = put(&source->key_file,
                cemm_secret_is_file(value) ? full_path(config->base, value) : strdup(value));
    return r < 0 ? r : cemm_secret_load(source->key, source->key_file, config->message);
}

/* Also checks the file, because libcurl reads it only at the first connection. */
static int set_ca_file(struct cemm_config *config, const char *value)
{
    struct cemm_source_config *source = current(config);
    char *text = NULL;
    struct stat st;
    int r = *value ? put(&source->ca_file, full_path(config->base, value)) : UNFIT;

    if (r != 0)
        return r;
    r = cemm_file_read(source->ca_file, CEMM_TRUST_MAX, &text, &st);
    const char *problem = r == -EINVAL ? "not a regular file" : strerror(-r);
    if (r == 0 && !strstr(text, "CERTIFICATE-----")) {
        r = -EINVAL;
        problem = "contains no PEM certificate";
    }
    free(text);
    if (r < 0)
        cemm_message_set(config->message, "ca-file %.200s: %s", source->ca_file, problem);
    return r;
}

static int set_address(struct cemm_config *config, const char *value)
{
    struct cemm_source_config *source = current(config);
    char *url;

    if (!cemm_text_printable(value) || strpbrk(value, "/?#@") || !is_authority(value))
        return UNFIT;
    int r = asprintf(&url, "http://%s/open-api/v1/", value);
    r = put(&source->url, r < 0 ? NULL : url);
    return r < 0 ? r : put(&source->address, strdup(value));
}

static int set_device(struct cemm_config *config, const char *value)
{
    struct cemm_uid uid;

    return cemm_uid_parse(value, &uid) ? strings_add(config, &current(config)->devices, uid.text)
                                       : UNFIT;
}

static int set_alias(struct cemm_config *config, const char *value)
{
    return cemm_name_valid(value) ? strings_add(config, &current(config)->aliases, value) : UNFIT;
}

static int set_extra_alias(struct cemm_config *config, const char *value)
{
    return cemm_name_valid(value) ? strings_add(config, &current(config)->extra_aliases, value)
                                  : UNFIT;
}

static int set_timeout(struct cemm_config *config, const char *value)
{
    return set_seconds(value, 0.001, TIMEOUT_MAX, &current(config)->timeout_ms);
}

static int set_connections(struct cemm_config *config, const char *value)
{
    double connections;

    if (read_number(value, 1, CONNECTIONS_MAX, &connections) || connections != floor(connections))
        return UNFIT;
    current(config)->max_connections = (unsigned)connections;
    return 0;
}

static int set_shard(struct cemm_config *config, const char *value)
{
    char *slash;
    char *end = NULL;

    if (strspn(value, "0123456789/") != strlen(value))
        return UNFIT;
    unsigned long shard = strtoul(value, &slash, 10);
    unsigned long shards = *slash == '/' ? strtoul(slash + 1, &end, 10) : 0;
    if (!end || *end || shard < 1 || shard > shards || shards > SHARDS_MAX)
        return UNFIT;
    current(config)->shard = (unsigned)shard;
    current(config)->shards = (unsigned)shards;
    return 0;
}

static int set_enabled(struct cemm_config *config, const char *value)
{
    static const char *const answers[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        if (strcasecmp(value, answers[i]) == 0) {
            config->discovery = i % 2;
            return 0;
        }
    return UNFIT;
}

static int set_broadcast(struct cemm_config *config, const char *value)
{
    struct in_addr address;

    return inet_pton(AF_INET, value, &address) == 1
               ? strings_add(config, &config->broadcasts, value)
               : UNFIT;
}

static int set_interval(struct cemm_config *config, const char *value)
{
    return set_seconds(value, 1, INTERVAL_MAX, &config->discovery_interval_ms);
}

static int set_directory(struct cemm_config *config, const char *value)
{
    int r = *value ? put(&config->archive, full_path(config->base, value)) : UNFIT;

    if (r == 0 && strlen(config->archive) > PATH_LENGTH_MAX)
        return refuse(config->message, "directory", value, "write at most 3840 characters");
    return r;
}

#define WANTED_ALIAS   "an alias has 1 to 64 characters from A-Z a-z 0-9 _ . -"
#define WANTED_TIMEOUT "write a number of seconds, more than 0 and at most 3600"

static const struct {
    enum section section;
    const char *key;
    setter *set;
    const char *wanted; /* what a message about a wrong value says */
    bool repeatable;
} settings[] = {
    {GLOBAL, "time-zone", set_zone, "no such time zone; write one like Europe/Amsterdam"},
    {CLOUD, "url", set_url, "write it as https://HOST/PATH/"},
    {CLOUD, "api-key-file", set_key_file, "write the path of a file whose first line is the key"},
    {CLOUD, "ca-file", set_ca_file, "write the path of a PEM file"},
    {CLOUD, "device", set_device, "write a device's MAC, like 00-1E-C0-85-96-CC",
     .repeatable = true},
    {CLOUD, "alias", set_alias, WANTED_ALIAS, .repeatable = true},
    {CLOUD, "timeout", set_timeout, WANTED_TIMEOUT},
    {CLOUD, "max-connections", set_connections, "write a whole number from 1 to 1024"},
    {CLOUD, "shard", set_shard, "write PART/PARTS, like 2/3; at most 256 parts"},
    {LOCAL, "address", set_address, "write HOST or HOST:PORT"},
    {LOCAL, "alias", set_alias, WANTED_ALIAS, .repeatable = true},
    {LOCAL, "extra-alias", set_extra_alias, WANTED_ALIAS, .repeatable = true},
    {LOCAL, "timeout", set_timeout, WANTED_TIMEOUT},
    {DISCOVERY, "enabled", set_enabled, "write yes or no"},
    {DISCOVERY, "broadcast", set_broadcast, "write an IPv4 address, like 192.168.2.255",
     .repeatable = true},
    {DISCOVERY, "interval", set_interval, "write a number of seconds, from 1 to 604800"},
    {ARCHIVE, "directory", set_directory, "write the path of a directory"},
};

static const char *const section_names[] = {
    [GLOBAL] = "",         [CLOUD] = "cloud", [LOCAL] = "local", [DISCOVERY] = "discovery",
    [ARCHIVE] = "archive",
};

static int open_source(struct cemm_config *config, enum section section, const char *name,
                       struct cemm_message *message)
{
    enum cemm_source_kind kind = section == CLOUD ? CEMM_CLOUD : CEMM_LOCAL;

    if (!cemm_name_valid(name)) {
        char shown[SHOWN];
        return cemm_message_fail(
            message, -EINVAL,
            "[%s%s%s]: give it a name of 1 to 64 characters from A-Z a-z 0-9 _ . -",
            section_names[section], *name ? " " : "",
            cemm_message_quote(name, shown, sizeof(shown)));
    }
    for (size_t i = 0; i < config->source_count; i++) {
        if (config->sources[i].kind == kind && strcmp(config->sources[i].name, name) == 0)
            return cemm_message_fail(message, -EEXIST, "a second [%s %s]; give each its own name",
                                     section_names[section], name);
    }
    if (config->source_count >= CEMM_SOURCES_MAX)
        return cemm_message_fail(message, -E2BIG, "more than %d sources; remove some",
                                 CEMM_SOURCES_MAX);
    struct cemm_source_config *sources =
        reallocarray(config->sources, config->source_count + 1, sizeof(*sources));
    if (!sources)
        return -ENOMEM;
    config->sources = sources;
    struct cemm_source_config *source = &sources[config->source_count];
    *source = (struct cemm_source_config){
        .kind = kind,
        .line = config->line,
        .name = strdup(name),
        .url = kind == CEMM_CLOUD ? strdup(DEFAULT_URL) : NULL,
        .timeout_ms = kind == CEMM_CLOUD ? 15000 : 10000,
        .max_connections = kind == CEMM_CLOUD ? 8 : 1,
    };
    config->source_count++;
    return source->name && (source->url || kind == CEMM_LOCAL) ? 0 : -ENOMEM;
}

int cemm_config_section(struct cemm_config *config, const char *kind, const char *name,
                        struct cemm_message *message)
{
    char shown[SHOWN];
    int section = CLOUD;

    while (section <= ARCHIVE && strcmp(section_names[section], kind) != 0)
        section++;
    if (section > ARCHIVE)
        return cemm_message_fail(
            message, -EINVAL,
            "unknown section [%s]: use one of [cloud NAME], [local NAME], [discovery], "
            "[archive]",
            cemm_message_quote(kind, shown, sizeof(shown)));
    config->section = section;
    config->seen = 0;
    if (section == CLOUD || section == LOCAL)
        return open_source(config, (enum section)section, name, message);
    if (*name)
        return cemm_message_fail(message, -EINVAL, "[%s] takes no name; write [%s]", kind, kind);
    if (config->opened & 1u << section)
        return cemm_message_fail(message, -EEXIST, "a second [%s]; put its keys into the first",
                                 kind);
    config->opened |= 1u << section;
    return 0;
}

static int refuse_unknown(const struct cemm_config *config, const char *key,
                          struct cemm_message *message)
{
    char shown[SHOWN];

    cemm_message_quote(key, shown, sizeof(shown));
    if (config->section == GLOBAL)
        cemm_message_set(message, "unknown key \"%s\" before the first section; see cemm.conf(5)",
                         shown);
    else if (strcmp(key, "api-key") == 0)
        cemm_message_set(message, "write the key into a file that only you can read, and give its "
                                  "path as api-key-file");
    else
        cemm_message_set(message, "unknown key \"%s\" in a [%s] section; see cemm.conf(5)", shown,
                         section_names[config->section]);
    return -EINVAL;
}

int cemm_config_set(struct cemm_config *config, const char *key, const char *value,
                    struct cemm_message *message)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if ((int)settings[i].section != config->section || strcmp(settings[i].key, key) != 0)
            continue;
        /* For example, a second address must not silently replace the first one. */
        if (!settings[i].repeatable && config->seen & 1u << i)
            return cemm_message_fail(message, -EEXIST,
                                     "%s: a second one in this section; remove one", key);
        config->seen |= 1u << i;
        config->message = message;
        int r = settings[i].set(config, value);
        return r == UNFIT ? refuse(message, key, value, settings[i].wanted) : r;
    }
    return refuse_unknown(config, key, message);
}

/* Returns `base`/`name` or, if `base` (the value of an XDG variable) is NULL or relative,
 * $HOME/`otherwise`/`name`. Returns NULL if there is no home or no memory. */
static char *path_below(const char *base, const char *otherwise, const char *name)
{
    const char *home = getenv("HOME");
    char *path;
    int r = -1;

    if (base && base[0] == '/')
        r = asprintf(&path, "%s/%s", base, name);
    else if (home && home[0] == '/')
        r = asprintf(&path, "%s/%s/%s", home, otherwise, name);
    return r < 0 ? NULL : path;
}

char *cemm_config_user_path(void)
{
    return path_below(getenv("XDG_CONFIG_HOME"), ".config", "cemm/cemm.conf");
}

/* Returns the default of cemm_config_archive(), or NULL if there is none or no memory. */
static char *default_archive(void)
{
    const char *state = getenv("STATE_DIRECTORY"); /* set by systemd: a list, separated by colons */

    if (state && state[0] == '/')
        return strndup(state, strcspn(state, ":"));
    if (geteuid() == 0)
        return strdup("/var/lib/cemm");
    return path_below(getenv("XDG_DATA_HOME"), ".local/share", "cemm");
}

int cemm_config_finish(struct cemm_config *config, struct cemm_message *message)
{
    for (size_t i = 0; i < config->source_count; i++) {
        const struct cemm_source_config *source = &config->sources[i];
        bool cloud = source->kind == CEMM_CLOUD;
        if (cloud ? source->key_file : source->address)
            continue;
        config->line = source->line;
        return cemm_message_fail(message, -EINVAL, "[%s %s]: no %s; set it",
                                 section_names[cloud ? CLOUD : LOCAL], source->name,
                                 cloud ? "api-key-file" : "address");
    }
    config->line = 0;
    if (!config->archive)
        config->archive = default_archive();
    for (size_t last = config->archive ? strlen(config->archive) : 0;
         last > 1 && config->archive[last - 1] == '/'; last--)
        config->archive[last - 1] = '\0';
    if (!config->zone)
        config->zone = cemm_zone_new(NULL);
    if (!config->zone)
        return cemm_message_fail(message, -EINVAL,
                                 "the system's time zone can't be read; set time-zone");
    return 0;
}

const char *cemm_config_archive(const struct cemm_config *config)
{
    return config->archive;
}

const char *cemm_config_file(const struct cemm_config *config)
{
    return config->file;
}

bool cemm_config_discovers(const struct cemm_config *config)
{
    for (size_t i = 0; config->discovery < 0 && i < config->source_count; i++)
        if (config->sources[i].kind == CEMM_LOCAL)
            return false;
    return config->discovery != 0;
}
