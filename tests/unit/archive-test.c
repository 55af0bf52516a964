/*
 * Tests the files of the archive: they are written completely or not at all and
 * can be read back, and errors of the file system are reported.
 */
#include "check.h"
#include "common/archive/archive.h"
#include "common/base/limits.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The archive's directory does not exist before its first file is written. */
static int begin(void **state)
{
    int r = scratch_setup(state);

    *state = r == 0 ? strdup(scratch_path("a/b")) : NULL;
    return *state ? 0 : -1;
}

static int end(void **state)
{
    free(*state);
    return scratch_teardown(state);
}

static struct cemm_query query_of(enum cemm_endpoint endpoint, enum cemm_span span)
{
    return (struct cemm_query){
        .uid = {"00-1E-C0-85-96-CC"},
        .alias = "p1",
        .endpoint = endpoint,
        .period = {.span = span,
                   .year = 2024,
                   .month = span == CEMM_YEAR ? 1 : 3,
                   .day = span == CEMM_DAY ? 31 : 1},
    };
}

/* Returns the path of `name` in the archive. */
static const char *path_in(const char *name)
{
    char below[256];

    assert_true(snprintf(below, sizeof(below), "a/b/%s", name) < (int)sizeof(below));
    return scratch_path(below);
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(path_in(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_there(const char *name)
{
    return access(path_in(name), F_OK) == 0;
}

static mode_t mode_of(const char *name)
{
    struct stat about;

    assert_int_equal(stat(path_in(name), &about), 0);
    return about.st_mode & 07777;
}

/* The paths must not change: backups and users depend on them. */
static void test_paths(void **state)
{
    static const struct {
        enum cemm_endpoint endpoint;
        enum cemm_span span;
        const char *path;
    } rows[] = {
        {CEMM_DATA, CEMM_DAY, "00-1E-C0-85-96-CC/p1/data/day/2024/03/2024-03-31.json"},
        {CEMM_DATA, CEMM_MONTH, "00-1E-C0-85-96-CC/p1/data/month/2024/2024-03.json"},
        {CEMM_DATA, CEMM_YEAR, "00-1E-C0-85-96-CC/p1/data/year/2024.json"},
        {CEMM_TOTALS, CEMM_DAY, "00-1E-C0-85-96-CC/p1/totals/2024/03/2024-03-31.json"},
    };
    const char *archive = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_query query = query_of(rows[i].endpoint, rows[i].span);
        int64_t fetched;
        size_t length;
        char *bytes;
        assert_false(cemm_archive_has(archive, &query));
        assert_int_equal(
            cemm_archive_read(archive, CEMM_ARCHIVE_ANSWER, &query, &bytes, &length, &fetched),
            -ENOENT);
        assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, rows[i].path, 20),
                         0);
        assert_true(is_there(rows[i].path));
        assert_true(cemm_archive_has(archive, &query));
        assert_int_equal(
            cemm_archive_read(archive, CEMM_ARCHIVE_ANSWER, &query, &bytes, &length, &fetched), 0);
        assert_int_equal(length, 20);
        assert_memory_equal(bytes, rows[i].path, 20);
        assert_int_equal(bytes[20], '\0');
        assert_true(fetched > CEMM_TIME_MIN);
        free(bytes);
        /* An answer without a sample would be in another file. */
        assert_int_equal(
            cemm_archive_read(archive, CEMM_ARCHIVE_EMPTY, &query, &bytes, &length, &fetched),
            -ENOENT);
    }
    assert_int_equal(mode_of("00-1E-C0-85-96-CC/p1/data") & 07, 0);
    assert_int_equal(mode_of(rows[0].path) & ~0640U, 0);
}

/* While a file is rewritten, readers see the old file or the new one. */
static void test_whole(void **state)
{
    const char *archive = *state;
    struct cemm_query query = query_of(CEMM_DATA, CEMM_DAY);
    static char text[250000];
    int status;

    memset(text, 'a', sizeof(text));
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, text, sizeof(text)),
                     0);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 200; i++) {
            memset(text, 'a' + i % 26, sizeof(text));
            if (cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, text, sizeof(text)) < 0)
                _exit(1);
        }
        _exit(0);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        size_t length;
        char *bytes;
        assert_int_equal(
            cemm_archive_read(archive, CEMM_ARCHIVE_ANSWER, &query, &bytes, &length, NULL), 0);
        assert_int_equal(length, sizeof(text));
        for (size_t i = 1; i < length; i++)
            if (bytes[i] != bytes[0])
                fail_msg("torn at %zu", i);
        free(bytes);
    }
    assert_int_equal(status, 0);
}

static void expect_kept(const char *archive, const struct cemm_query *query, const char *text)
{
    char *bytes;

    assert_int_equal(cemm_archive_read(archive, CEMM_ARCHIVE_ANSWER, query, &bytes, NULL, NULL), 0);
    assert_string_equal(bytes, text);
    free(bytes);
}

/* Temporary files that a killed program has left behind are removed if they are old; if they are
 * new, a program may still be writing them. Files with a time in the future, symbolic links and
 * FIFOs are also removed, but a directory is an error. */
static void test_abandoned(void **state)
{
    static const char name[] = "00-1E-C0-85-96-CC/p1/data/day/2024/03/.2024-03-31.json.new";
    const char *archive = *state;
    struct cemm_query query = query_of(CEMM_DATA, CEMM_DAY);
    struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    struct timespec ahead[2] = {{.tv_sec = 4000000000}, {.tv_sec = 4000000000}};
    const char *path = path_in(name);

    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "1", 1), 0);
    put(name, "ha");
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "2", 1), 0);
    assert_true(is_there(name)); /* its writer may still be about to rename it */
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "3", 1), 0);
    assert_false(is_there(name));
    expect_kept(archive, &query, "3");

    put(name, "ha");
    assert_int_equal(utimensat(AT_FDCWD, path, ahead, 0), 0);
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "4", 1), 0);
    expect_kept(archive, &query, "4");
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "5", 1), 0);
    expect_kept(archive, &query, "5");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "6", 1), 0);
    expect_kept(archive, &query, "6");
    assert_false(is_there(name));
    assert_int_equal(mkdir(path, 0700), 0); /* is not removed */
    assert_true(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "7", 1) < 0);
}

static void test_damaged(void **state)
{
    static const char name[] = "00-1E-C0-85-96-CC/p1/data/day/2024/03/2024-03-31.json";
    static const char aside[] = "00-1E-C0-85-96-CC/p1/data/day/2024/03/2024-03-31.json.damaged";
    const char *archive = *state;
    struct cemm_query query = query_of(CEMM_DATA, CEMM_DAY);
    struct cemm_message message;
    char *bytes;

    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "{", 1), 0);
    assert_int_equal(cemm_archive_put_aside(archive, &query, &message), 0);
    assert_non_null(strstr(message.text, aside));
    assert_true(is_there(aside));
    assert_false(is_there(name));
    assert_int_equal(cemm_archive_put_aside(archive, &query, &message), -ENOENT);

    /* A file that is longer than an answer may be is not read. */
    put(name, "");
    const char *path = path_in(name);
    assert_int_equal(truncate(path, CEMM_ANSWER_MAX + 1), 0);
    assert_int_equal(cemm_archive_read(archive, CEMM_ARCHIVE_ANSWER, &query, &bytes, NULL, NULL),
                     -EFBIG);
    /* Instead of the file there is a FIFO. Reading it must not block. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(cemm_archive_read(archive, CEMM_ARCHIVE_ANSWER, &query, &bytes, NULL, NULL),
                     -EINVAL);
}

/* The file of an answer without a sample begins with a list of sources, so it may be longer than
 * the file of another answer. */
static void test_longest_empty(void **state)
{
    static char text[CEMM_EMPTY_MAX + 1];
    const char *archive = *state;
    struct cemm_query query = query_of(CEMM_DATA, CEMM_DAY);
    size_t length;
    char *bytes;

    memset(text, 'x', sizeof(text));
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_EMPTY, &query, text, CEMM_EMPTY_MAX),
                     0);
    assert_int_equal(cemm_archive_read(archive, CEMM_ARCHIVE_EMPTY, &query, &bytes, &length, NULL),
                     0);
    assert_int_equal(length, CEMM_EMPTY_MAX);
    free(bytes);
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_EMPTY, &query, text, sizeof(text)),
                     0);
    assert_int_equal(cemm_archive_read(archive, CEMM_ARCHIVE_EMPTY, &query, &bytes, &length, NULL),
                     -EFBIG);
}

/* If a file has the name of a directory that is needed, that is an error, and nothing is lost. */
static void test_in_the_way(void **state)
{
    const char *archive = *state;
    struct cemm_query query = query_of(CEMM_DATA, CEMM_DAY);
    struct cemm_query totals = query_of(CEMM_TOTALS, CEMM_DAY);

    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "1", 1), 0);
    put("00-1E-C0-85-96-CC/p1/totals", "mine");
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &totals, "1", 1), -ENOTDIR);
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ANSWER, &query, "1", 1), 0);
}

/* A note is a file of the archive without an answer: a meter's first day with data, or the zone. */
static void expect_note(const char *archive, enum cemm_archive_kind kind,
                        const struct cemm_query *query, const char *wanted)
{
    char *text = NULL;

    assert_int_equal(cemm_archive_read(archive, kind, query, &text, NULL, NULL), 0);
    assert_string_equal(text, wanted);
    free(text);
}

static void test_notes(void **state)
{
    const char *archive = *state;
    const struct cemm_query query = query_of(CEMM_DATA, CEMM_DAY);
    static char too_long[CEMM_NOTE_MAX + 2];
    char *text;

    assert_int_equal(cemm_archive_read(archive, CEMM_ARCHIVE_FIRST, &query, &text, NULL, NULL),
                     -ENOENT);
    assert_int_equal(cemm_archive_read(archive, CEMM_ARCHIVE_ZONE, NULL, &text, NULL, NULL),
                     -ENOENT);
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_FIRST, &query, "2014-05-03\n", 11),
                     0);
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ZONE, NULL, "UTC\n", 4), 0);
    assert_int_equal(cemm_archive_write(archive, CEMM_ARCHIVE_ZONE, NULL, "Europe/Amsterdam\n", 17),
                     0);
    expect_note(archive, CEMM_ARCHIVE_FIRST, &query, "2014-05-03\n");
    expect_note(archive, CEMM_ARCHIVE_ZONE, NULL, "Europe/Amsterdam\n");
    assert_true(is_there("00-1E-C0-85-96-CC/p1/.first") && is_there(".zone"));
    memset(too_long, 'x', CEMM_NOTE_MAX + 1);
    put("00-1E-C0-85-96-CC/p1/.first", too_long);
    assert_int_equal(cemm_archive_read(archive, CEMM_ARCHIVE_FIRST, &query, &text, NULL, NULL),
                     -EFBIG);
}

/* Appends the last octet of the uid, and the alias. */
static int take_name(void *data, const struct cemm_uid *uid, const char *alias)
{
    char *names = data;

    assert_true(strlen(names) < 100);
    sprintf(names + strlen(names), "%s/%s ", uid->text + 15, alias);
    return 0;
}

static int stop_at_once(void *data, const struct cemm_uid *uid, const char *alias)
{
    (void)data;
    (void)uid;
    (void)alias;
    return -ECANCELED;
}

static void test_meters(void **state)
{
    const char *archive = *state;
    const struct cemm_uid uid = {"00-1E-C0-85-96-CC"};
    char names[200] = "";

    assert_int_equal(cemm_archive_each(archive, take_name, names), 0);
    assert_string_equal(names, "");
    assert_int_equal(cemm_archive_add_meter(archive, &uid, "s01"), 0);
    assert_int_equal(cemm_archive_add_meter(archive, &uid, "s01"), 0);
    put("00-1E-C0-85-96-CC/file", "");
    put("note.txt", "");
    for (const char *const *name = (const char *const[]){"lost+found", "00:1e:c0:85:96:cc",
                                                         "00-1E-C0-85-96-CC/.git", NULL};
         *name; name++) {
        assert_int_equal(mkdir(path_in(*name), 0700), 0);
    }
    assert_int_equal(cemm_archive_each(archive, take_name, names), 0);
    assert_string_equal(names, "CC/s01 ");
    assert_int_equal(cemm_archive_each(archive, stop_at_once, NULL), -ECANCELED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paths, begin, end),
        cmocka_unit_test_setup_teardown(test_whole, begin, end),
        cmocka_unit_test_setup_teardown(test_abandoned, begin, end),
        cmocka_unit_test_setup_teardown(test_damaged, begin, end),
        cmocka_unit_test_setup_teardown(test_longest_empty, begin, end),
        cmocka_unit_test_setup_teardown(test_in_the_way, begin, end),
        cmocka_unit_test_setup_teardown(test_notes, begin, end),
        cmocka_unit_test_setup_teardown(test_meters, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
