/*
 * Tests each setting: the sections of its key, valid values, and error messages.
 * file-test.c tests the file itself.
 */
#include "check.h"
#include "common/config/config.h"
#include "scratch.h"

#include <errno.h>
#include <stdlib.h>

/* Returns a configuration with an open section: "cloud", "local", "discovery", "archive", or ""
 * (no section). The caller frees it. */
static struct cemm_config *open_config(const char *kind)
{
    struct cemm_config *config = cemm_config_new();
    struct cemm_message message = {""};
    bool named = strcmp(kind, "cloud") == 0 || strcmp(kind, "local") == 0;

    assert_non_null(config);
    if (*kind)
        expect_int(kind, cemm_config_section(config, kind, named ? "home" : "", &message), 0);
    return config;
}

/* Sets a key to a valid value. Returns the configuration's first source. */
static const struct cemm_source_config *set_good(struct cemm_config *config, const char *key,
                                                 const char *value)
{
    struct cemm_message message = {""};

    config->seen = 0; /* allows the same key again */
    if (cemm_config_set(config, key, value, &message))
        fail_msg("%s = %s: %s", key, value, message.text);
    return config->sources;
}

struct bad {
    const char *section;
    const char *key;
    const char *value;
    const char *part; /* what the message contains, besides the key */
};

static void expect_bad(const struct bad *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct cemm_config *config = open_config(rows[i].section);
        struct cemm_message message = {""};
        expect_int(rows[i].value, cemm_config_set(config, rows[i].key, rows[i].value, &message),
                   -EINVAL);
        expect_part(rows[i].value, message.text, rows[i].key);
        expect_part(rows[i].value, message.text, rows[i].part);
        cemm_config_free(config);
    }
}

/* Some keys may be set only once in a section; others may be set several times. */
static void test_second(void **state)
{
    static const struct {
        const char *section, *key, *value;
        int second;
    } rows[] = {
        {"cloud", "url", "https://example.org/", -EEXIST},
        {"cloud", "timeout", "15", -EEXIST},
        {"cloud", "device", "00-1E-C0-00-00-01", 0},
        {"cloud", "alias", "p1", 0},
        {"local", "address", "192.168.2.115", -EEXIST},
        {"local", "extra-alias", "heatpump", 0},
        {"discovery", "enabled", "no", -EEXIST},
        {"discovery", "broadcast", "10.0.0.255", 0},
        {"archive", "directory", "/var/lib/cemm", -EEXIST},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cemm_config *config = open_config(rows[i].section);
        struct cemm_message message = {""};
        expect_int(rows[i].key, cemm_config_set(config, rows[i].key, rows[i].value, &message), 0);
        expect_int(rows[i].key, cemm_config_set(config, rows[i].key, rows[i].value, &message),
                   rows[i].second);
        if (rows[i].second < 0)
            expect_part(rows[i].key, message.text, rows[i].key);
        /* The next section begins without keys. */
        expect_int(rows[i].key, cemm_config_section(config, "local", "another", &message), 0);
        expect_int(rows[i].key, cemm_config_set(config, "address", "10.0.0.1", &message), 0);
        cemm_config_free(config);
    }
}

static void test_defaults(void **state)
{
    struct cemm_config *config = cemm_config_new();
    struct cemm_message message = {""};

    (void)state;
    assert_non_null(config);
    assert_int_equal(config->discovery, -1);
    assert_int_equal(config->discovery_interval_ms, 300000);
    assert_null(config->archive);
    assert_int_equal(cemm_config_section(config, "cloud", "home", &message), 0);
    assert_int_equal(cemm_config_section(config, "local", "home", &message), 0);
    assert_int_equal(config->source_count, 2);
    assert_int_equal(config->sources[0].kind, CEMM_CLOUD);
    assert_string_equal(config->sources[0].name, "home");
    assert_string_equal(config->sources[0].url, "https://open-api.cemm.nl/v1/");
    assert_int_equal(config->sources[0].timeout_ms, 15000);
    assert_int_equal(config->sources[0].max_connections, 8);
    assert_int_equal(config->sources[1].kind, CEMM_LOCAL);
    assert_int_equal(config->sources[1].timeout_ms, 10000);
    cemm_config_free(config);
    cemm_config_free(NULL);
}

/* A certificate with this content. */
#define PEM(text) "-----BEGIN CERTIFICATE-----\n" text "\n-----END CERTIFICATE-----\n"

static void test_cloud(void **state)
{
    static const struct {
        const char *url;
        const char *stored;
    } urls[] = {
        {"https://open-api.cemm.nl/v1/", "https://open-api.cemm.nl/v1/"},
        {"https://mijn.cemm.nl/open-api/v1", "https://mijn.cemm.nl/open-api/v1/"},
        {"https://host", "https://host/"},
        {"https://host:8443/x", "https://host:8443/x/"},
        {"https://[2001:db8::1]:443/v1/", "https://[2001:db8::1]:443/v1/"},
        {"http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1/"},
        {"http://127.1.2.3/", "http://127.1.2.3/"},
        {"http://localhost:1", "http://localhost:1/"},
        {"http://[::1]:65535/v1/", "http://[::1]:65535/v1/"},
        {"http://[::1]", "http://[::1]/"},
    };
    struct cemm_config *config = open_config("cloud");
    const struct cemm_source_config *cloud;

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++)
        expect_text(urls[i].url, set_good(config, "url", urls[i].url)->url, urls[i].stored);
    set_good(config, "api-key-file", scratch_text("key", "s3cret\n", 0600));
    set_good(config, "ca-file", scratch_text("ca.pem", PEM("MIIB"), 0644));
    set_good(config, "device", "00:1e:c0:85:96:cc");
    set_good(config, "device", "FF-FF-FF-FF-FF-FF");
    set_good(config, "device", "00-1E-C0-85-96-CC"); /* the first device again */
    set_good(config, "alias", "p1");
    set_good(config, "alias", "heatpump");
    set_good(config, "alias", "p1");
    set_good(config, "timeout", "0.25");
    set_good(config, "shard", "256/256");
    cloud = set_good(config, "max-connections", "1024");
    assert_string_equal(cloud->key->text, "s3cret");
    expect_part("ca-file", cloud->ca_file, "/ca.pem");
    assert_int_equal(cloud->devices.count, 2);
    assert_string_equal(cloud->devices.items[0], "00-1E-C0-85-96-CC");
    assert_string_equal(cloud->devices.items[1], "FF-FF-FF-FF-FF-FF");
    assert_int_equal(cloud->aliases.count, 2);
    assert_true(cemm_strings_has(&cloud->aliases, "heatpump"));
    assert_false(cemm_strings_has(&cloud->aliases, "heatpum"));
    assert_int_equal(cloud->timeout_ms, 250);
    assert_int_equal(cloud->max_connections, 1024);
    assert_int_equal(cloud->shard, 256);
    assert_int_equal(cloud->shards, 256);
    cemm_config_free(config);
}

static void test_local(void **state)
{
    static const struct {
        const char *address;
        const char *url;
    } addresses[] = {
        {"192.168.2.115", "http://192.168.2.115/open-api/v1/"},
        {"192.168.2.115:8080", "http://192.168.2.115:8080/open-api/v1/"},
        {"cemm.lan", "http://cemm.lan/open-api/v1/"},
        {"[fe80::1]:80", "http://[fe80::1]:80/open-api/v1/"},
    };
    struct cemm_config *config = open_config("local");
    const struct cemm_source_config *local;

    (void)state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        local = set_good(config, "address", addresses[i].address);
        expect_text("url", local->url, addresses[i].url);
        expect_text("address", local->address, addresses[i].address);
    }
    set_good(config, "alias", "p1");
    set_good(config, "extra-alias", "heatpump");
    set_good(config, "extra-alias", "pool");
    local = set_good(config, "timeout", "3600");
    assert_int_equal(local->aliases.count, 1);
    assert_int_equal(local->extra_aliases.count, 2);
    assert_int_equal(local->timeout_ms, 3600000);
    cemm_config_free(config);
}

static void test_discovery_and_archive(void **state)
{
    static const struct {
        const char *text;
        int enabled;
    } answers[] = {{"yes", 1}, {"true", 1},  {"ON", 1},  {"1", 1},
                   {"no", 0},  {"False", 0}, {"off", 0}, {"0", 0}};
    struct cemm_config *config = open_config("discovery");
    struct cemm_message message;

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        set_good(config, "enabled", answers[i].text);
        expect_int(answers[i].text, config->discovery, answers[i].enabled);
    }
    set_good(config, "broadcast", "192.168.2.255");
    set_good(config, "broadcast", "10.0.0.255");
    set_good(config, "broadcast", "10.0.0.255");
    set_good(config, "interval", "1.5");
    assert_int_equal(config->broadcasts.count, 2);
    assert_int_equal(config->discovery_interval_ms, 1500);
    assert_int_equal(cemm_config_section(config, "archive", "", &message), 0);
    set_good(config, "directory", "/var/lib/cemm");
    assert_string_equal(config->archive, "/var/lib/cemm");
    cemm_config_free(config);
}

/* "~/" is the home directory, if HOME is an absolute path. Any other path without a leading slash
 * is relative to the directory of the configuration file. */
static void test_paths(void **state)
{
    static const struct {
        const char *home, *value, *path;
    } rows[] = {
        {"/home/anna", "/data", "/data"},
        {"/home/anna", "data", "/etc/cemm/data"},
        {"/home/anna", "../data", "/etc/cemm/../data"},
        {"/home/anna", "~/data/cemm", "/home/anna/data/cemm"},
        {"/home/anna/", "~/data", "/home/anna/data"},
        {"/home/anna", "~anna/data", "/etc/cemm/~anna/data"},
        {"relative", "~/data", "/etc/cemm/~/data"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_config *config = open_config("archive");
        assert_int_equal(setenv("HOME", rows[i].home, 1), 0);
        assert_int_equal(cemm_config_base(config, "/etc/cemm"), 0);
        set_good(config, "directory", rows[i].value);
        expect_text(rows[i].value, config->archive, rows[i].path);
        cemm_config_free(config);
    }
}

static void test_bad_urls(void **state)
{
    static const struct bad rows[] = {
        {"cloud", "url", "", "https://HOST/PATH/"},
        {"cloud", "url", "open-api.cemm.nl", "https://HOST/PATH/"},
        {"cloud", "url", "ftp://host/", "https://HOST/PATH/"},
        {"cloud", "url", "https://", "https://HOST/PATH/"},
        {"cloud", "url", "https:///path", "https://HOST/PATH/"},
        {"cloud", "url", "https://:443/", "https://HOST/PATH/"},
        {"cloud", "url", "https://host name/", "https://HOST/PATH/"},
        {"cloud", "url", "https://host/\x01", "https://HOST/PATH/"},
        {"cloud", "url", "https://host/caf\xc3\xa9", "https://HOST/PATH/"},
        {"cloud", "url", "https://host:/", "https://HOST/PATH/"},
        {"cloud", "url", "https://host:0/", "https://HOST/PATH/"},
        {"cloud", "url", "https://host:65536/", "https://HOST/PATH/"},
        {"cloud", "url", "https://host:80x/", "https://HOST/PATH/"},
        {"cloud", "url", "https://[::1/", "https://HOST/PATH/"},
        {"cloud", "url", "http://open-api.cemm.nl/v1/", "unencrypted"},
        {"cloud", "url", "http://192.168.2.115/", "unencrypted"},
        {"cloud", "url", "http://126.0.0.1/", "unencrypted"},
        {"cloud", "url", "http://128.0.0.1/", "unencrypted"},
        {"cloud", "url", "http://127.0.0.1.evil.example/", "unencrypted"},
        {"cloud", "url", "http://localhost.evil.example/", "unencrypted"},
        {"cloud", "url", "http://localhost\\.evil.example/", "unencrypted"},
        {"cloud", "url", "http://[::2]/", "unencrypted"},
        {"cloud", "url", "http://[::ffff:1.2.3.4]/", "unencrypted"},
        {"local", "address", "", "HOST or HOST:PORT"},
        {"local", "address", "http://192.168.2.115/", "HOST or HOST:PORT"},
        {"local", "address", "192.168.2.115/x", "HOST or HOST:PORT"},
        {"local", "address", "user@host", "HOST or HOST:PORT"},
        {"local", "address", "two words", "HOST or HOST:PORT"},
        {"local", "address", "host?x", "HOST or HOST:PORT"},
        {"local", "address", "host#x", "HOST or HOST:PORT"},
        {"local", "address", ":80", "HOST or HOST:PORT"},
        {"local", "address", "host:", "HOST or HOST:PORT"},
        {"local", "address", "host:http", "HOST or HOST:PORT"},
        {"local", "address", "host:99999", "HOST or HOST:PORT"},
        {"local", "address", "host:-1", "HOST or HOST:PORT"},
        {"local", "address", "fe80::1", "HOST or HOST:PORT"},
    };

    (void)state;
    expect_bad(rows, COUNT(rows));
}

/* A URL with a key in it is refused, and the message does not show the key. */
static void test_key_in_url(void **state)
{
    static const char *const urls[] = {
        "https://host/v1/?api_key=s3cret",
        "https://user:s3cret@host/v1/",
        "https://host/v1/#s3cret",
        "http://user:s3cret@127.0.0.1/",
        "ftp://user:s3cret@host/",
        "https://host/v1/?api_key=s3cret more",
        "host/?api_key=s3cret",
        "https://:s3cret@host/",
        "https://?api_key=s3cret",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct cemm_config *config = open_config("cloud");
        struct cemm_message message = {""};
        expect_int(urls[i], cemm_config_set(config, "url", urls[i], &message), -EINVAL);
        expect_without(urls[i], message.text, "s3cret");
        expect_part(urls[i], message.text, "without a user name, key or parameters");
        cemm_config_free(config);
    }
}

/* A CA file is checked when it is configured, not when the first connection fails. */
static void test_ca_file(void **state)
{
    static const struct {
        const char *what;
        const char *text; /* NULL: no such file */
        bool good;
        const char *message;
    } rows[] = {
        {"one", PEM("MIIB"), true, ""},
        {"lines, CRLF", PEM("MIIB\r\nAb+/\r\nAA=="), true, ""},
        {"two, with text", "CN=a\n" PEM("MIIB") "CN=b\n" PEM("MIIC"), true, ""},
        {"missing", NULL, false, "No such file"},
        {"empty", "", false, "no PEM certificate"},
        {"words", "my certificate\n", false, "no PEM certificate"},
        {"a key", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", false,
         "no PEM cert"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_config *config = open_config("cloud");
        struct cemm_message message = {""};
        const char *path =
            rows[i].text ? scratch_text("ca.pem", rows[i].text, 0644) : scratch_path("no-such.pem");
        int r = cemm_config_set(config, "ca-file", path, &message);
        expect_int(rows[i].what, r < 0, !rows[i].good);
        expect_part(rows[i].what, message.text, rows[i].message);
        if (r < 0)
            expect_part(rows[i].what, message.text, path);
        cemm_config_free(config);
    }
}

static void test_bad_values(void **state)
{
    static const struct bad rows[] = {
        {"", "time-zone", "", "no such time zone"},
        {"", "time-zone", "Europe/Nowhere", "no such time zone"},
        {"cloud", "api-key-file", "", "first line"},
        {"cloud", "ca-file", "", "PEM file"},
        {"cloud", "device", "", "MAC"},
        {"cloud", "device", "home", "MAC"},
        {"cloud", "device", "00-1E-C0-85-96", "MAC"},
        {"cloud", "alias", "", "1 to 64"},
        {"cloud", "alias", "a/b", "1 to 64"},
        {"cloud", "alias", "..", "1 to 64"},
        {"local", "alias", "a b", "1 to 64"},
        {"local", "extra-alias", "", "1 to 64"},
        {"cloud", "timeout", "", "seconds"},
        {"cloud", "timeout", "0", "seconds"},
        {"cloud", "timeout", "-1", "seconds"},
        {"cloud", "timeout", "3600.1", "seconds"},
        {"cloud", "timeout", "15s", "seconds"},
        {"cloud", "timeout", "1e2", "seconds"},
        {"cloud", "timeout", "0x10", "seconds"},
        {"cloud", "timeout", "nan", "seconds"},
        {"cloud", "timeout", "inf", "seconds"},
        {"cloud", "timeout", "1.2.3", "seconds"},
        {"cloud", "timeout", " 1", "seconds"},
        {"local", "timeout", ".", "seconds"},
        {"cloud", "max-connections", "0", "whole number"},
        {"cloud", "max-connections", "1025", "whole number"},
        {"cloud", "max-connections", "1.5", "whole number"},
        {"cloud", "max-connections", "-8", "whole number"},
        {"cloud", "max-connections", "many", "whole number"},
        {"cloud", "shard", "", "like 2/3"},
        {"cloud", "shard", "0/3", "like 2/3"},
        {"cloud", "shard", "4/3", "like 2/3"},
        {"cloud", "shard", "3", "like 2/3"},
        {"cloud", "shard", "a/b", "like 2/3"},
        {"cloud", "shard", "1/0", "like 2/3"},
        {"cloud", "shard", "1/", "like 2/3"},
        {"cloud", "shard", "/3", "like 2/3"},
        {"cloud", "shard", "1/3/3", "like 2/3"},
        {"cloud", "shard", "-1/3", "like 2/3"},
        {"cloud", "shard", "1 / 3", "like 2/3"},
        {"cloud", "shard", "1/257", "at most 256"},
        {"cloud", "shard", "1/99999999999999999999", "at most 256"},
        {"cloud", "shard", "4294967297/4294967298", "at most 256"},
        {"discovery", "enabled", "", "yes or no"},
        {"discovery", "enabled", "maybe", "yes or no"},
        {"discovery", "broadcast", "", "IPv4"},
        {"discovery", "broadcast", "192.168.2", "IPv4"},
        {"discovery", "broadcast", "192.168.2.256", "IPv4"},
        {"discovery", "broadcast", "ff02::1", "IPv4"},
        {"discovery", "interval", "0.5", "seconds"},
        {"discovery", "interval", "604801", "seconds"},
        {"archive", "directory", "", "path"},
    };

    (void)state;
    expect_bad(rows, COUNT(rows));
}

/* Each key is valid only in its sections. The value of an unknown key is not printed. */
static void test_unknown_keys(void **state)
{
    static const struct {
        const char *section;
        const char *key;
        const char *part;
    } rows[] = {
        {"", "url", "unknown key \"url\" before the first section"},
        {"", "", "unknown key \"\" before the first section"},
        {"", "Time-Zone", "unknown key \"Time-Zone\""},
        {"cloud", "api-key", "give its path as api-key-file"},
        {"cloud", "address", "in a [cloud] section"},
        {"cloud", "extra-alias", "in a [cloud] section"},
        {"cloud", "time-zone", "in a [cloud] section"},
        {"cloud", "interval", "in a [cloud] section"},
        {"local", "url", "in a [local] section"},
        {"local", "device", "in a [local] section"},
        {"local", "max-connections", "in a [local] section"},
        {"local", "shard", "in a [local] section"},
        {"local", "api-key-file", "in a [local] section"},
        {"discovery", "timeout", "in a [discovery] section"},
        {"discovery", "directory", "in a [discovery] section"},
        {"archive", "enabled", "in a [archive] section"},
        {"archive", "a\nb", "unknown key \"a?b\""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_config *config = open_config(rows[i].section);
        struct cemm_message message = {""};
        expect_int(rows[i].key, cemm_config_set(config, rows[i].key, "s3cret", &message), -EINVAL);
        expect_part(rows[i].key, message.text, rows[i].part);
        expect_without(rows[i].key, message.text, "s3cret");
        cemm_config_free(config);
    }
}

static void test_sections(void **state)
{
    static const struct {
        const char *kind;
        const char *name;
        int result;
        const char *part;
    } rows[] = {
        {"cloud", "home", 0, ""},
        {"local", "home", 0, ""},
        {"cloud", "second", 0, ""},
        {"discovery", "", 0, ""},
        {"archive", "", 0, ""},
        {"cloud", "home", -EEXIST, "a second [cloud home]"},
        {"local", "home", -EEXIST, "a second [local home]"},
        {"discovery", "", -EEXIST, "a second [discovery]"},
        {"archive", "", -EEXIST, "a second [archive]"},
        {"discovery", "x", -EINVAL, "[discovery] takes no name"},
        {"archive", "x", -EINVAL, "[archive] takes no name"},
        {"cloud", "", -EINVAL, "give it a name"},
        {"local", "", -EINVAL, "give it a name"},
        {"cloud", "two words", -EINVAL, "[cloud two words]: give it a name"},
        {"cloud", "..", -EINVAL, "give it a name"},
        {"", "", -EINVAL, "unknown section []"},
        {"Cloud", "x", -EINVAL, "unknown section [Cloud]"},
        {"clouds", "x", -EINVAL, "unknown section [clouds]"},
    };
    struct cemm_config *config = cemm_config_new();

    (void)state;
    assert_non_null(config);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_message message = {""};
        expect_int(rows[i].kind, cemm_config_section(config, rows[i].kind, rows[i].name, &message),
                   rows[i].result);
        expect_part(rows[i].kind, message.text, rows[i].part);
    }
    assert_int_equal(config->source_count, 3);
    cemm_config_free(config);
}

static void test_finish(void **state)
{
    struct cemm_config *config = open_config("cloud");
    struct cemm_message message = {""};

    (void)state;
    assert_int_equal(cemm_config_finish(config, &message), -EINVAL);
    assert_string_equal(message.text, "[cloud home]: no api-key-file; set it");
    cemm_config_free(config);
    config = open_config("local");
    assert_int_equal(cemm_config_finish(config, &message), -EINVAL);
    assert_string_equal(message.text, "[local home]: no address; set it");
    set_good(config, "address", "h");
    assert_int_equal(cemm_config_finish(config, &message), 0);
    assert_non_null(config->zone); /* the system's */
    assert_null(cemm_config_file(config));
    cemm_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_second),
        cmocka_unit_test(test_cloud),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_discovery_and_archive),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_key_in_url),
        cmocka_unit_test(test_ca_file),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_finish),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
