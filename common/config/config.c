/*
 * Settings as a table: which key stands in which section, and who checks its
 * value. Every refusal says what was written and what is expected; the caller
 * adds where (file and line, or collectd's block).
 */
#include "common/config/config.h"

#include "common/config/path.h"
#include "common/config/trust.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_URL     "https://open-api.cemm.nl/v1/"
#define SOURCES_MAX     1024
#define STRINGS_MAX     100000
#define TIMEOUT_MAX     3600.0
#define CONNECTIONS_MAX 1024
#define INTERVAL_MAX    (7 * 86400.0)
#define SHOWN           48   /* characters of a wrong value that a message repeats */
#define URL_LENGTH_MAX  1024 /* so that a request's own part has room, too */
#define PATH_LENGTH_MAX 3840 /* so that an archive's own part has room, too */

enum section { GLOBAL, CLOUD, LOCAL, DISCOVERY, ARCHIVE };

typedef int setter(struct cemm_config *config, const char *key, const char *value,
                   struct cemm_words *words);

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

static int strings_add(struct cemm_strings *strings, const char *text, struct cemm_words *words)
{
    if (cemm_strings_has(strings, text))
        return 0;
    if (strings->count >= STRINGS_MAX) {
        cemm_words_set(words, "more than %d of them", STRINGS_MAX);
        return -E2BIG;
    }
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

static int replace(char **field, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return -ENOMEM;
    free(*field);
    *field = copy;
    return 0;
}

int cemm_config_base(struct cemm_config *config, const char *directory)
{
    char *base = cemm_path_full(NULL, directory);

    if (!base)
        return -ENOMEM;
    free(config->base);
    config->base = base;
    return 0;
}

static struct cemm_source_config *current(struct cemm_config *config)
{
    return &config->sources[config->source_count - 1];
}

/* Says what was wrong with a value, with the value itself made harmless. */
static int refuse(struct cemm_words *words, const char *key, const char *value, const char *wanted)
{
    char shown[SHOWN];

    cemm_words_set(words, "%s = %s: %s", key, cemm_words_quote(value, shown, sizeof(shown)),
                   wanted);
    return -EINVAL;
}

static bool number(const char *value, double low, double high, double *ret)
{
    char *end;

    errno = 0;
    *ret = strtod(value, &end);
    return end != value && *end == '\0' && errno == 0 && isfinite(*ret) && *ret >= low &&
           *ret <= high && strspn(value, "0123456789.") == strlen(value);
}

static int set_zone(struct cemm_config *config, const char *key, const char *value,
                    struct cemm_words *words)
{
    struct cemm_zone *zone = *value ? cemm_zone_new(value) : NULL;

    if (!zone)
        return refuse(words, key, value, "no such time zone; write one like Europe/Amsterdam");
    cemm_zone_free(config->zone);
    config->zone = zone;
    return 0;
}

/* Whether the host part of an http:// URL (behind the scheme) is this machine itself. */
static bool loopback(const char *host)
{
    char name[64];
    size_t length = host[0] == '[' ? strcspn(host, "]") : strcspn(host, ":/?#");
    struct in_addr address;
    struct in6_addr address6;

    host += host[0] == '[';
    length -= host[-1] == '[';
    if (length >= sizeof(name))
        return false;
    memcpy(name, host, length);
    name[length] = '\0';
    if (inet_pton(AF_INET, name, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, name, &address6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&address6);
    return strcmp(name, "localhost") == 0;
}

static bool plain(const char *value)
{
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
            return false;
    return *value != '\0';
}

/* Whether HOST, HOST:PORT, [IPv6] or [IPv6]:PORT is what `text` begins with, up to a slash. */
static bool authority(const char *text)
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

static int set_url(struct cemm_config *config, const char *key, const char *value,
                   struct cemm_words *words)
{
    bool https = strncmp(value, "https://", 8) == 0;
    bool http = strncmp(value, "http://", 7) == 0;
    const char *host = value + (https ? 8 : 7);
    char *url;

    if (strpbrk(value, "?#@")) { /* not repeated in words: it may well hold a key */
        cemm_words_set(words, "%s: write it without user name, key and parameters", key);
        return -EINVAL;
    }
    if ((!https && !http) || !plain(value) || !authority(host))
        return refuse(words, key, value, "write it as https://HOST/PATH/");
    if (strlen(value) > URL_LENGTH_MAX)
        return refuse(words, key, value, "write at most 1024 characters");
    if (http && !loopback(host))
        return refuse(words, key, value,
                      "the key would travel unencrypted; write https:// (http:// only to this "
                      "machine itself)");
    if (asprintf(&url, "%s%s", value, value[strlen(value) - 1] == '/' ? "" : "/") < 0)
        return -ENOMEM;
    free(current(config)->url);
    current(config)->url = url;
    return 0;
}

static int set_key_file(struct cemm_config *config, const char *key, const char *value,
                        struct cemm_words *words)
{
    if (!*value)
        return refuse(words, key, value, "write the path of a file whose first line is the key");
    struct cemm_secret **secret = &current(config)->key;
    if (!*secret && !(*secret = calloc(1, sizeof(**secret))))
        return -ENOMEM;
    char *path = cemm_secret_is_file(value) ? cemm_path_full(config->base, value) : strdup(value);
    int r = path ? cemm_secret_load(*secret, path, words) : -ENOMEM;
    if (r == 0)
        r = replace(&current(config)->key_file, path);
    free(path);
    return r;
}

static int set_ca_file(struct cemm_config *config, const char *key, const char *value,
                       struct cemm_words *words)
{
    if (!*value)
        return refuse(words, key, value, "write the path of a PEM file");
    char *path = cemm_path_full(config->base, value);
    int r = path ? cemm_trust_check(path, words) : -ENOMEM;
    if (r == 0)
        r = replace(&current(config)->ca_file, path);
    free(path);
    return r;
}

static int set_address(struct cemm_config *config, const char *key, const char *value,
                       struct cemm_words *words)
{
    char *url;

    if (!plain(value) || strpbrk(value, "/?#@") || !authority(value))
        return refuse(words, key, value, "write HOST or HOST:PORT");
    if (asprintf(&url, "http://%s/open-api/v1/", value) < 0)
        return -ENOMEM;
    free(current(config)->url);
    current(config)->url = url;
    return replace(&current(config)->address, value);
}

static int set_device(struct cemm_config *config, const char *key, const char *value,
                      struct cemm_words *words)
{
    struct cemm_uid uid;

    if (!cemm_uid_parse(value, &uid))
        return refuse(words, key, value, "write a device's MAC, like 00-1E-C0-85-96-CC");
    return strings_add(&current(config)->devices, uid.text, words);
}

static int set_alias(struct cemm_config *config, const char *key, const char *value,
                     struct cemm_words *words)
{
    struct cemm_source_config *source = current(config);
    bool extra = strcmp(key, "extra-alias") == 0;

    if (!cemm_name_valid(value))
        return refuse(words, key, value, "an alias has 1 to 64 of A-Z a-z 0-9 _ . -");
    return strings_add(extra ? &source->extra_aliases : &source->aliases, value, words);
}

static int set_timeout(struct cemm_config *config, const char *key, const char *value,
                       struct cemm_words *words)
{
    double seconds;

    if (!number(value, 0.001, TIMEOUT_MAX, &seconds))
        return refuse(words, key, value, "write seconds, more than 0 and at most 3600");
    current(config)->timeout_ms = (int64_t)(seconds * 1000);
    return 0;
}

static int set_connections(struct cemm_config *config, const char *key, const char *value,
                           struct cemm_words *words)
{
    double connections;

    if (!number(value, 1, CONNECTIONS_MAX, &connections) || connections != floor(connections))
        return refuse(words, key, value, "write a whole number from 1 to 1024");
    current(config)->max_connections = (unsigned)connections;
    return 0;
}

static int set_enabled(struct cemm_config *config, const char *key, const char *value,
                       struct cemm_words *words)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        if (strcasecmp(value, yes[i]) == 0 || strcasecmp(value, no[i]) == 0) {
            config->discovery = strcasecmp(value, yes[i]) == 0;
            return 0;
        }
    }
    return refuse(words, key, value, "write yes or no");
}

static int set_broadcast(struct cemm_config *config, const char *key, const char *value,
                         struct cemm_words *words)
{
    struct in_addr address;

    if (inet_pton(AF_INET, value, &address) != 1)
        return refuse(words, key, value, "write an IPv4 address, like 192.168.2.255");
    return strings_add(&config->broadcasts, value, words);
}

static int set_interval(struct cemm_config *config, const char *key, const char *value,
                        struct cemm_words *words)
{
    double seconds;

    if (!number(value, 1, INTERVAL_MAX, &seconds))
        return refuse(words, key, value, "write seconds, from 1 to 604800");
    config->discovery_interval_ms = (int64_t)(seconds * 1000);
    return 0;
}

static int set_directory(struct cemm_config *config, const char *key, const char *value,
                         struct cemm_words *words)
{
    if (!*value)
        return refuse(words, key, value, "write the path of a directory");
    char *path = cemm_path_full(config->base, value);
    if (!path)
        return -ENOMEM;
    if (strlen(path) > PATH_LENGTH_MAX) {
        free(path);
        return refuse(words, key, value, "write at most 3840 characters");
    }
    free(config->archive);
    config->archive = path;
    return 0;
}

enum { ONCE, REPEATABLE };

static const struct {
    enum section section;
    const char *key;
    setter *set;
    bool repeatable;
} settings[] = {
    {GLOBAL, "time-zone", set_zone, ONCE},
    {CLOUD, "url", set_url, ONCE},
    {CLOUD, "api-key-file", set_key_file, ONCE},
    {CLOUD, "ca-file", set_ca_file, ONCE},
    {CLOUD, "device", set_device, REPEATABLE},
    {CLOUD, "alias", set_alias, REPEATABLE},
    {CLOUD, "timeout", set_timeout, ONCE},
    {CLOUD, "max-connections", set_connections, ONCE},
    {LOCAL, "address", set_address, ONCE},
    {LOCAL, "alias", set_alias, REPEATABLE},
    {LOCAL, "extra-alias", set_alias, REPEATABLE},
    {LOCAL, "timeout", set_timeout, ONCE},
    {DISCOVERY, "enabled", set_enabled, ONCE},
    {DISCOVERY, "broadcast", set_broadcast, REPEATABLE},
    {DISCOVERY, "interval", set_interval, ONCE},
    {ARCHIVE, "directory", set_directory, ONCE},
};

static const char *const section_names[] = {
    [GLOBAL] = "",         [CLOUD] = "cloud", [LOCAL] = "local", [DISCOVERY] = "discovery",
    [ARCHIVE] = "archive",
};

static int open_source(struct cemm_config *config, enum section section, const char *name,
                       struct cemm_words *words)
{
    enum cemm_kind kind = section == CLOUD ? CEMM_CLOUD : CEMM_LOCAL;

    if (!cemm_name_valid(name)) {
        char shown[SHOWN];
        cemm_words_set(words, "[%s%s%s]: give it a name of 1 to 64 of A-Z a-z 0-9 _ . -",
                       section_names[section], *name ? " " : "",
                       cemm_words_quote(name, shown, sizeof(shown)));
        return -EINVAL;
    }
    for (size_t i = 0; i < config->source_count; i++) {
        if (config->sources[i].kind == kind && strcmp(config->sources[i].name, name) == 0) {
            cemm_words_set(words, "a second [%s %s]", section_names[section], name);
            return -EEXIST;
        }
    }
    if (config->source_count >= SOURCES_MAX) {
        cemm_words_set(words, "more than %d sources", SOURCES_MAX);
        return -E2BIG;
    }
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
                        struct cemm_words *words)
{
    char shown[SHOWN];
    int section = CLOUD;

    while (section <= ARCHIVE && strcmp(section_names[section], kind) != 0)
        section++;
    if (section > ARCHIVE) {
        cemm_words_set(words,
                       "unknown section [%s]; there are [cloud NAME], [local NAME], [discovery] "
                       "and [archive]",
                       cemm_words_quote(kind, shown, sizeof(shown)));
        return -EINVAL;
    }
    config->section = section;
    config->seen = 0;
    if (section == CLOUD || section == LOCAL)
        return open_source(config, (enum section)section, name, words);
    if (*name) {
        cemm_words_set(words, "[%s] takes no name", kind);
        return -EINVAL;
    }
    bool *seen = section == DISCOVERY ? &config->discovery_seen : &config->archive_seen;
    if (*seen) {
        cemm_words_set(words, "a second [%s]", kind);
        return -EEXIST;
    }
    *seen = true;
    return 0;
}

static int refuse_unknown(const struct cemm_config *config, const char *key,
                          struct cemm_words *words)
{
    char shown[SHOWN];

    cemm_words_quote(key, shown, sizeof(shown));
    if (config->section == GLOBAL)
        cemm_words_set(words, "unknown key \"%s\" before the first section", shown);
    else if (strcmp(key, "api-key") == 0)
        cemm_words_set(words, "write the key into a file that only you can read, and name that "
                              "with api-key-file");
    else
        cemm_words_set(words, "unknown key \"%s\" in a [%s] section", shown,
                       section_names[config->section]);
    return -EINVAL;
}

/* Whoever writes a second address wants both devices, and would get one without a word. */
static int refuse_second(const char *key, struct cemm_words *words)
{
    cemm_words_set(words, "%s: a second one in this section", key);
    return -EEXIST;
}

int cemm_config_set(struct cemm_config *config, const char *key, const char *value,
                    struct cemm_words *words)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if ((int)settings[i].section != config->section || strcmp(settings[i].key, key) != 0)
            continue;
        if (!settings[i].repeatable && config->seen & 1u << i)
            return refuse_second(key, words);
        config->seen |= 1u << i;
        return settings[i].set(config, key, value, words);
    }
    return refuse_unknown(config, key, words);
}

/* The key without which a source is of no use, or NULL if it is there. */
static const char *missing_key(const struct cemm_source_config *source)
{
    if (source->kind == CEMM_LOCAL)
        return source->address ? NULL : "address";
    return source->key_file ? NULL : "api-key-file";
}

/* The first one that says where. NULL: none does, or no memory. */
static char *default_archive(void)
{
    const char *state = getenv("STATE_DIRECTORY"); /* systemd's; a list, with colons */
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");
    char *directory = NULL;
    int r = 0;

    if (state && state[0] == '/')
        return strndup(state, strcspn(state, ":"));
    if (geteuid() == 0)
        return strdup("/var/lib/cemm");
    if (data && data[0] == '/')
        r = asprintf(&directory, "%s/cemm", data);
    else if (home && home[0] == '/')
        r = asprintf(&directory, "%s/.local/share/cemm", home);
    return r < 0 ? NULL : directory;
}

int cemm_config_finish(struct cemm_config *config, struct cemm_words *words)
{
    for (size_t i = 0; i < config->source_count; i++) {
        const struct cemm_source_config *source = &config->sources[i];
        const char *missing = missing_key(source);
        if (!missing)
            continue;
        config->line = source->line;
        cemm_words_set(words, "[%s %s]: no %s",
                       section_names[source->kind == CEMM_CLOUD ? CLOUD : LOCAL], source->name,
                       missing);
        return -EINVAL;
    }
    config->line = 0;
    if (!config->archive)
        config->archive = default_archive();
    if (!config->zone)
        config->zone = cemm_zone_new(NULL);
    if (!config->zone) {
        cemm_words_set(words, "the system's time zone can't be read; set time-zone");
        return -EINVAL;
    }
    return 0;
}

const struct cemm_zone *cemm_config_zone(const struct cemm_config *config)
{
    return config->zone;
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
