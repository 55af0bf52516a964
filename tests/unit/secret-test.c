/*
 * Tests key files: which modes are accepted, which line is the key, and that a key
 * is never in an error message.
 */
#include "check.h"
#include "common/base/secret.h"
#include "scratch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY       "s3cret-KEY"
#define TEN       "0123456789"
#define HUNDRED   TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONGEST   HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "ABCDEFGHIJKL" /* 512 characters */
#define BLANKS_64 "                                                                "

static const struct {
    const char *row;
    const char *bytes;
    size_t length;
    int result;
    const char *key;
} contents[] = {
#define TEXT(text) text, sizeof(text) - 1
    {"plain", TEXT(KEY "\n"), 0, KEY},
    {"no newline", TEXT(KEY), 0, KEY},
    {"CR LF", TEXT(KEY "\r\n"), 0, KEY},
    {"spaces around it", TEXT(" \t" KEY " \t\r\n"), 0, KEY},
    {"only the first line counts", TEXT(KEY "\nanother\n"), 0, KEY},
    {"NUL in the second line", TEXT(KEY "\nano\0ther\n"), 0, KEY},
    {"every printable character", TEXT("!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\n"), 0,
     "!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"},
    {"longest", TEXT(LONGEST "\n"), 0, LONGEST},
    {"longest, no newline", TEXT(LONGEST), 0, LONGEST},
    {"longest, a long file", TEXT(LONGEST "\n" HUNDRED "\n" HUNDRED "\n" HUNDRED), 0, LONGEST},
    {"empty", TEXT(""), -ENODATA, NULL},
    {"empty first line", TEXT("\n" KEY "\n"), -ENODATA, NULL},
    {"first line of spaces", TEXT(" \t\r\n" KEY "\n"), -ENODATA, NULL},
    {"NUL in it", TEXT(KEY "\0rest\n"), -EILSEQ, NULL},
    {"NUL at the end", TEXT(KEY "\0"), -EILSEQ, NULL},
    {"NUL first", TEXT("\0" KEY "\n"), -EILSEQ, NULL},
    {"a space in it", TEXT(KEY " " KEY "\n"), -EILSEQ, NULL},
    {"control character", TEXT(KEY "\x1b[2J\n"), -EILSEQ, NULL},
    {"CR in it", TEXT(KEY "\r" KEY "\n"), -EILSEQ, NULL},
    {"not ASCII", TEXT(KEY "\xc3\xa9\n"), -EILSEQ, NULL},
    {"byte order mark", TEXT("\xef\xbb\xbf" KEY "\n"), 0, KEY},
    {"one character too long", TEXT(LONGEST "x\n"), -E2BIG, NULL},
    {"one character too long, no newline", TEXT(LONGEST "x"), -E2BIG, NULL},
    {"longer than we read", TEXT(LONGEST LONGEST "\n"), -E2BIG, NULL},
    {"longer than we read, after spaces", TEXT(BLANKS_64 LONGEST LONGEST "\n"), -E2BIG, NULL},
#undef TEXT
};

static void test_contents(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(contents); i++) {
        const char *path = scratch_bytes("key", contents[i].bytes, contents[i].length, 0600);
        struct cemm_secret secret = {"untouched"};
        struct cemm_message message = {"untouched"};
        int r = cemm_secret_load(&secret, path, &message);
        expect_int(contents[i].row, r, contents[i].result);
        if (r == 0) {
            expect_text(contents[i].row, secret.text, contents[i].key);
        } else {
            expect_part(contents[i].row, message.text, "key file ");
            expect_part(contents[i].row, message.text, path);
            expect_without(contents[i].row, message.text, KEY);
            expect_without(contents[i].row, message.text, TEN);
        }
    }
}

static void test_modes(void **state)
{
    static const struct {
        const char *row;
        mode_t mode;
        int result;
    } rows[] = {
        {"0600", 0600, 0},      {"0400", 0400, 0},      {"0700", 0700, 0},
        {"0640", 0640, -EPERM}, {"0620", 0620, -EPERM}, {"0604", 0604, -EPERM},
        {"0602", 0602, -EPERM}, {"0644", 0644, -EPERM}, {"0444", 0444, -EPERM},
        {"0666", 0666, -EPERM}, {"0440", 0440, -EPERM},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *path = scratch_text("key", KEY "\n", rows[i].mode);
        struct cemm_secret secret = {""};
        struct cemm_message message = {""};
        expect_int(rows[i].row, cemm_secret_load(&secret, path, &message), rows[i].result);
        expect_text(rows[i].row, secret.text, rows[i].result ? "" : KEY);
        if (rows[i].result)
            expect_part(rows[i].row, message.text, "chmod 600");
        expect_without(rows[i].row, message.text, KEY);
        assert_int_equal(unlink(path), 0);
    }
}

static void expect_failure(const char *file, int result, const char *part)
{
    struct cemm_secret secret = {"untouched"};
    struct cemm_message message = {""};

    expect_int(file, cemm_secret_load(&secret, file, &message), result);
    expect_part(file, message.text, part);
    expect_text(file, secret.text, "untouched");
    expect_int(file, cemm_secret_load(&secret, file, NULL), result);
}

static void test_no_regular_file(void **state)
{
    char deep[PATH_MAX + 10];

    (void)state;
    assert_int_equal(mkdir(scratch_path("directory"), 0700), 0);
    assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
    alarm(20); /* opening a FIFO without a writer must not block */
    expect_failure(scratch_path("missing"), -ENOENT, "No such file");
    expect_failure(scratch_path("missing/key"), -ENOENT, "No such file");
    expect_failure(scratch_path("directory"), -EINVAL, "not a regular file");
    expect_failure(scratch_path("fifo"), -EINVAL, "not a regular file");
    expect_failure("/dev/zero", -EINVAL, "not a regular file");
    alarm(0);
    memset(deep, 'x', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    expect_failure(deep, -ENAMETOOLONG, "too long");
}

static void test_symbolic_link(void **state)
{
    struct cemm_secret secret;
    struct cemm_message message;

    (void)state;
    assert_int_equal(symlink(scratch_text("real", KEY "\n", 0600), scratch_path("link")), 0);
    assert_int_equal(cemm_secret_load(&secret, scratch_path("link"), &message), 0);
    assert_string_equal(secret.text, KEY);
    scratch_text("real", KEY "\n", 0644);
    assert_int_equal(cemm_secret_load(&secret, scratch_path("link"), &message), -EPERM);
}

static void test_credential(void **state)
{
    struct cemm_secret secret = {""};
    struct cemm_message message;

    (void)state;
    unsetenv("CREDENTIALS_DIRECTORY");
    expect_failure("credential:home", -ENOENT, "$CREDENTIALS_DIRECTORY is unset");
    setenv("CREDENTIALS_DIRECTORY", "", 1);
    expect_failure("credential:home", -ENOENT, "$CREDENTIALS_DIRECTORY is unset");
    scratch_text("credentials/home", KEY "\n", 0440); /* systemd's mode, which is not checked */
    scratch_text("credentials/bad", "\n", 0400);
    scratch_text("outside", KEY "\n", 0600);
    setenv("CREDENTIALS_DIRECTORY", scratch_path("credentials"), 1);
    assert_int_equal(cemm_secret_load(&secret, "credential:home", &message), 0);
    assert_string_equal(secret.text, KEY);
    expect_failure("credential:missing", -ENOENT, "No such file");
    expect_failure("credential:bad", -ENODATA, "no key on its first line");
    expect_failure("credential:", -EINVAL, "is not the name of a systemd credential");
    expect_failure("credential:../outside", -EINVAL, "is not the name of a systemd credential");
    expect_failure("credential:..", -EINVAL, "not a regular file");
}

static void test_wipe(void **state)
{
    static const struct cemm_secret blank;
    struct cemm_secret secret = {KEY};

    (void)state;
    cemm_secret_wipe(&secret);
    assert_memory_equal(&secret, &blank, sizeof(secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_no_regular_file), cmocka_unit_test(test_symbolic_link),
        cmocka_unit_test(test_credential),      cmocka_unit_test(test_wipe),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
