/*
 * Tests the INI file and the places where it is searched for. Each line of the file
 * is read completely, or refused with a message that has the line's number.
 */
#include "check.h"
#include "common/base/limits.h"
#include "common/config/config.h"
#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCAL "[local a]\naddress = h\n"
#define TEN   "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

/* Reads a file that contains `text`. The caller frees the configuration. */
static struct cemm_config *load_bytes(const char *text, size_t length, int *ret_result,
                                      struct cemm_message *ret_message)
{
    struct cemm_config *config = cemm_config_new();
    const char *path = scratch_bytes("cemm.conf", text, length, 0644);

    assert_non_null(config);
    ret_message->text[0] = '\0';
    *ret_result = cemm_config_load(config, path, ret_message);
    if (*ret_result == 0)
        expect_text("file", cemm_config_file(config), path);
    return config;
}

/* Tests many layouts of the same settings: [local a] with address h and alias p1. */
static void test_layouts(void **state)
{
    static const char *const texts[] = {
        LOCAL "alias = p1\n",
        LOCAL "alias=p1",
        "  [local a]\n\taddress = h\n    alias = p1\n",
        "[local a]\r\naddress = h\r\nalias = p1\r\n",
        "\xef\xbb\xbf[local a]\naddress = h\nalias = p1\n",
        "\xef\xbb\xbf; comment\n" LOCAL "alias = p1\n",
        "; comment\n# comment\n\n \t\n" LOCAL "; alias = no\n  # alias = no\nalias = p1\n",
        "[local a] ; the garage\naddress = h ; its address\nalias = p1 ; only this\n",
        "[ local   a ]\naddress   =   h   \nalias\t=\tp1\t\n",
        "[local a]\naddress : h\nalias : p1\n",
        "[local a]\naddress = h\n\n    alias = p1\n\talias = p1 ;\n",
        "[local a] # the garage\naddress = h\nalias = p1\n",
        "[local a]\naddress = h\nalias = p1\n; " FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY,
        LOCAL "alias = p1\nalias = p1\n",
        "; " FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "\n" LOCAL "alias = p1\n",
        LOCAL "alias = p1\n[archive]\n[discovery]\n",
        "time-zone = UTC\n" LOCAL "alias = p1\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct cemm_message message;
        int r;
        struct cemm_config *config = load_bytes(texts[i], strlen(texts[i]), &r, &message);
        if (r)
            fail_msg("%s: %s", texts[i], message.text);
        expect_int(texts[i], (int64_t)config->source_count, 1);
        expect_text(texts[i], config->sources[0].name, "a");
        expect_text(texts[i], config->sources[0].address, "h");
        expect_int(texts[i], (int64_t)config->sources[0].aliases.count, 1);
        expect_text(texts[i], config->sources[0].aliases.items[0], "p1");
        cemm_config_free(config);
    }
}

static const struct {
    const char *text;
    int line; /* the line number in the message */
    const char *part;
} wrongs[] = {
    {"speed = 9\n", 1, "unknown key \"speed\""},
    {LOCAL "\n; x\nspeed = 9\n", 5, "unknown key \"speed\" in a [local] section"},
    {LOCAL "  timeout = soon\n", 3, "timeout = soon: write a number of seconds"},
    {LOCAL "alias =\n", 3, "alias"},
    {LOCAL "\r\n\r\nalias = a b\r\n", 5, "alias = a b"},
    {"time-zone = Mars/Olympus\n" LOCAL, 1, "no such time zone"},
    {"\n[radio x]\n", 2, "unknown section [radio]"},
    {"[radio]\n", 1, "unknown section [radio]"},
    {"[]\n", 1, "unknown section []"},
    {"[local]\n", 1, "give it a name"},
    {LOCAL "[local a]\n", 3, "a second [local a]"},
    {LOCAL "address = h\n", 3, "address: a second one"},
    {LOCAL "[discovery]\n\n[discovery]\n", 5, "a second [discovery]"},
    {"[discovery lan]\n", 1, "takes no name"},
    {"[local a\naddress = h\n", 1, "write a section as a line like [cloud NAME]"},
    {"[local a] address = h\n", 1, "write a section as a line like [cloud NAME]"},
    {LOCAL "alias\n", 3, "neither [section] nor key = value"},
    {LOCAL "= p1\n", 3, "unknown key \"\""},
    {LOCAL "garbage\nalias = p1\n", 3, "neither [section] nor key = value"},
    {LOCAL "alias = " FIFTY TEN "12345\n", 3, "1 to 64"},
    {LOCAL "alias = " FIFTY FIFTY FIFTY FIFTY "\n", 3, "1 to 64"},
    {LOCAL "alias ; = p1\n", 3, "neither [section] nor key = value"},
    {"[cloud b]\nurl = https://h/" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY
         FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "\n",
     2, "at most 1024"},
    {"[local " FIFTY TEN "12345]\n", 1, "give it a name"},
    {"[" FIFTY FIFTY "]\n", 1, "unknown section ["},
    {"[local a]\n[archive]\n", 1, "[local a]: no address"},
    {LOCAL "\n[cloud b]\nurl = https://h/\n", 4, "[cloud b]: no api-key-file"},
    {"[cloud b]\n\napi-key-file = /nonexistent/key\n", 3, "No such file"},
    {"[cloud b]\napi-key-file = credential:../x\n", 2, "credential"},
    {"[cloud b]\nurl = http://example.org/\n", 2, "unencrypted"},
};

static void test_wrongs(void **state)
{
    (void)state;
    setenv("CREDENTIALS_DIRECTORY", "/nonexistent", 1);
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        struct cemm_message message;
        char place[40];
        int r;
        cemm_config_free(load_bytes(wrongs[i].text, strlen(wrongs[i].text), &r, &message));
        assert_true(snprintf(place, sizeof(place), "/cemm.conf: line %d: ", wrongs[i].line) > 0);
        if (r >= 0)
            fail_msg("%s is accepted", wrongs[i].text);
        expect_part(wrongs[i].text, message.text, place);
        expect_part(wrongs[i].text, message.text, wrongs[i].part);
        expect_without(wrongs[i].text, message.text, "\n"); /* one line */
    }
}

/* Bytes after a NUL must not be lost silently. */
static void test_nul(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        int line;
    } rows[] = {
#define BYTES(text) text, sizeof(text) - 1
        {BYTES(LOCAL "alias = p1\0x\n"), 3}, {BYTES(LOCAL "alias = p1\n\0\n"), 4},
        {BYTES(LOCAL "alias = p1\0x"), 3}, /* last line, without its newline */
        {BYTES(LOCAL "alias = p1\0"), 3},    {BYTES("\0" LOCAL), 1},
        {BYTES(LOCAL "; comment\0\n"), 3},
#undef BYTES
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_message message;
        char place[60];
        int r;
        cemm_config_free(load_bytes(rows[i].text, rows[i].length, &r, &message));
        expect_int(rows[i].text, r, -EINVAL);
        assert_true(snprintf(place, sizeof(place), "line %d: the line contains a NUL byte",
                             rows[i].line) > 0);
        expect_part(rows[i].text, message.text, place);
    }
}

/* A line of any length is read completely or refused. */
static void test_line_lengths(void **state)
{
    static char text[CEMM_LINE_MAX + 100];
    struct cemm_message message;
    int r;

    (void)state;
    for (size_t length = 1; length < 5000; length += length < 300 ? 1 : 97) {
        size_t used = (size_t)sprintf(text, LOCAL "[archive]\ndirectory = /");
        memset(text + used, 'x', length);
        strcpy(text + used + length, "\n");
        struct cemm_config *config = load_bytes(text, strlen(text), &r, &message);
        if (r == 0)
            assert_int_equal(strlen(config->archive), length + 1);
        else
            expect_part("long value", message.text, "line 4: directory = /xxx");
        assert_int_equal(r == 0, length + 1 <= 3840);
        cemm_config_free(config);
    }
    for (size_t length = CEMM_LINE_MAX - 1; length <= CEMM_LINE_MAX + 1; length++) {
        size_t used = (size_t)sprintf(text, LOCAL);
        memset(text + used, ' ', length);
        memcpy(text + used, "alias", 5);
        memcpy(text + used + length - 4, "= p1", 5);
        struct cemm_config *config = load_bytes(text, strlen(text), &r, &message);
        if (r == 0)
            assert_string_equal(config->sources[0].aliases.items[0], "p1");
        else
            expect_part("long line", message.text, "line 3: the line is too long");
        assert_int_equal(r == 0, length <= CEMM_LINE_MAX);
        cemm_config_free(config);
    }
}

static void test_key_file(void **state)
{
    char text[4096 + 100];
    struct cemm_message message;
    int r;

    (void)state;
    for (mode_t mode = 0600; mode <= 0640; mode += 040) {
        const char *key = scratch_text("key", "s3cret\n", mode);
        int length = snprintf(text, sizeof(text), "[cloud home]\n\napi-key-file = %s\n", key);
        assert_true(length > 0 && (size_t)length < sizeof(text));
        struct cemm_config *config = load_bytes(text, (size_t)length, &r, &message);
        expect_int(text, r, mode == 0600 ? 0 : -EPERM);
        if (mode == 0600)
            assert_string_equal(config->sources[0].key->text, "s3cret");
        else
            expect_part(text, message.text, "cemm.conf: line 3: key file ");
        expect_without(text, message.text, "s3cret");
        cemm_config_free(config);
    }
}

/* Writes a configuration file whose only source is called `name`. */
static const char *write_conf(const char *place, const char *name)
{
    char text[100];

    assert_true(snprintf(text, sizeof(text), "[local %s]\naddress = h\n", name) > 0);
    return scratch_text(place, text, 0644);
}

/* `name`: what write_conf() was given; "": no file is found. */
static void expect_found(const char *file, const char *name)
{
    struct cemm_config *config = cemm_config_new();
    struct cemm_message message = {""};

    assert_non_null(config);
    if (cemm_config_load(config, file, &message))
        fail_msg("%s: %s", name, message.text);
    if (*name) {
        expect_int(name, (int64_t)config->source_count, 1);
        expect_text(name, config->sources[0].name, name);
        expect_part(name, cemm_config_file(config), scratch_path(""));
    } else {
        expect_int("no file", (int64_t)config->source_count, 0);
        assert_null(cemm_config_file(config));
        assert_non_null(config->zone);
    }
    cemm_config_free(config);
}

static void test_search_order(void **state)
{
    (void)state;
    write_conf("option.conf", "option");
    setenv("CEMM_CONFIG", write_conf("environment.conf", "environment"), 1);
    setenv("XDG_CONFIG_HOME", scratch_path("xdg"), 1);
    setenv("HOME", scratch_path("house"), 1);
    write_conf("xdg/cemm/cemm.conf", "xdg");
    write_conf("house/.config/cemm/cemm.conf", "house");
    expect_found(scratch_path("option.conf"), "option");
    expect_found(NULL, "environment");
    unsetenv("CEMM_CONFIG");
    expect_found(NULL, "xdg");
    setenv("XDG_CONFIG_HOME", "relative", 1); /* the XDG standard ignores relative paths */
    expect_found(NULL, "house");
    unsetenv("XDG_CONFIG_HOME");
    expect_found(NULL, "house");
    setenv("HOME", scratch_path("empty"), 1);
    /* The last place is /etc/cemm/cemm.conf, to which the test must not write. */
    if (access("/etc/cemm/cemm.conf", F_OK) < 0)
        expect_found(NULL, "");
}

/* Relative paths begin at the directory of the file, whatever the working directory is. */
static void test_relative(void **state)
{
    static const char text[] = "[archive]\ndirectory = kept/here\n"
                               "[cloud a]\napi-key-file = a.key\n";
    struct cemm_config *config;
    struct cemm_message message = {""};
    char *before = getcwd(NULL, 0);

    (void)state;
    assert_non_null(before);
    scratch_text("some/where/a.conf", text, 0644);
    scratch_text("some/where/a.key", "s3cret\n", 0600);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(chdir(scratch_path(i == 0 ? "some" : "some/where")), 0);
        config = cemm_config_new();
        assert_non_null(config);
        if (cemm_config_load(config, i == 0 ? "where/a.conf" : "a.conf", &message) != 0)
            fail_msg("%s", message.text);
        assert_int_equal(chdir("/"), 0);
        assert_int_equal(access(config->sources[0].key_file, R_OK), 0);
        assert_true(config->archive[0] == '/');
        expect_part("directory", config->archive, "/some/where");
        expect_part("directory", config->archive, "/kept/here");
        cemm_config_free(config);
    }
    /* Without a file, they begin at the working directory, or at the directory that was passed to
     * cemm_config_base(). */
    config = cemm_config_new();
    assert_non_null(config);
    assert_int_equal(cemm_config_section(config, "archive", "", &message), 0);
    assert_int_equal(cemm_config_set(config, "directory", "here", &message), 0);
    expect_text("current directory", config->archive, "/here");
    cemm_config_free(config);
    config = cemm_config_new();
    assert_non_null(config);
    assert_int_equal(cemm_config_base(config, "/var/lib/collectd"), 0);
    assert_int_equal(cemm_config_section(config, "archive", "", &message), 0);
    assert_int_equal(cemm_config_set(config, "directory", "cemm", &message), 0);
    expect_text("base", config->archive, "/var/lib/collectd/cemm");
    cemm_config_free(config);
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void expect_failure(const char *file, int result, const char *part)
{
    struct cemm_config *config = cemm_config_new();
    struct cemm_message message = {""};

    assert_non_null(config);
    expect_int(part, cemm_config_load(config, file, &message), result);
    expect_part(part, message.text, part);
    cemm_config_free(config);
    config = cemm_config_new();
    assert_non_null(config);
    expect_int(part, cemm_config_load(config, file, NULL), result); /* without a message */
    cemm_config_free(config);
}

/* A file that was named must exist. A file that is found but wrong is not skipped. */
static void test_missing(void **state)
{
    (void)state;
    unsetenv("CEMM_CONFIG");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", scratch_path("home2"), 1);
    write_conf("home2/.config/cemm/cemm.conf", "good");
    expect_failure(scratch_path("absent.conf"), -ENOENT, "absent.conf: No such file");
    setenv("CEMM_CONFIG", scratch_path("gone.conf"), 1);
    expect_failure(NULL, -ENOENT, "gone.conf: No such file");
    unsetenv("CEMM_CONFIG");
    expect_failure(scratch_path("home2"), -EIO, "can't be read");
    scratch_text("home2/.config/cemm/cemm.conf", "speed = 9\n", 0644);
    expect_failure(NULL, -EINVAL, "unknown key \"speed\"");
    /* Here the key file is missing, not the configuration file. */
    scratch_text("home2/.config/cemm/cemm.conf", "[cloud a]\napi-key-file = /nonexistent/k\n",
                 0644);
    expect_failure(NULL, -EINVAL, "/nonexistent/k");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),  cmocka_unit_test(test_wrongs),
        cmocka_unit_test(test_nul),      cmocka_unit_test(test_line_lengths),
        cmocka_unit_test(test_key_file), cmocka_unit_test(test_search_order),
        cmocka_unit_test(test_relative), cmocka_unit_test(test_missing),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
