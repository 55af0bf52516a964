/*
 * Which minutes were given and which are missing, and the file that remembers
 * it: over restarts, over damage, and over another window.
 */
#include "check.h"
#include "common/base/limits.h"
#include "common/model/minutes.h"
#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW    INT64_C(1700000000000) /* 20 s into a minute */
#define MINUTE INT64_C(60000)
#define AT(n)  (NOW - 20000 - (n)*MINUTE) /* the beginning of the minute n minutes ago */
#define HOUR   INT64_C(3600)

static const struct cemm_uid one = {"00-1E-C0-85-96-CC"};
static const struct cemm_uid other = {"D8-80-39-46-22-B5"};
static const struct cemm_minutes_key power = {"", &one, "p1", "electric_power"};

static struct cemm_minutes *begin(int64_t window)
{
    struct cemm_minutes *minutes = cemm_minutes_new(window);

    assert_non_null(minutes);
    return minutes;
}

/* All stretches that are missing, as "FROM-UNTIL …" in minutes ago. */
static const char *missing_of(const struct cemm_minutes *minutes,
                              const struct cemm_minutes_key *key)
{
    static char text[4096];
    int64_t from = 0;
    int64_t until = 0;
    size_t length = 0;

    text[0] = '\0';
    while (cemm_minutes_missing(minutes, key, until, NOW, &from, &until)) {
        assert_true(from < until && from % MINUTE == 0 && until % MINUTE == 0);
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%lld-%lld",
                                   length ? " " : "", (long long)((AT(0) - from) / MINUTE),
                                   (long long)((AT(0) - until) / MINUTE));
        assert_true(length < sizeof(text));
    }
    return text;
}

static void mark_all(struct cemm_minutes *minutes, int first, int last)
{
    for (int i = first; i >= last; i--)
        assert_true(cemm_minutes_mark(minutes, &power, AT(i)) >= 0);
}

static void test_missing(void **state)
{
    static const struct {
        const char *row;
        int marks[8]; /* minutes ago; 0 ends them */
        const char *missing;
    } rows[] = {
        {"nothing was given: the whole window", {0}, "10-1"},
        {"the last one", {1}, "10-1"},
        {"one in the middle", {5}, "10-5 4-1"},
        {"two that touch", {5, 4}, "10-5 3-1"},
        {"the same, the other way round", {4, 5}, "10-5 3-1"},
        {"two, and what lies between", {7, 3, 6, 4, 5}, "10-7 2-1"},
        {"the oldest of the window", {10}, "9-1"},
        {"one before the window", {11}, "10-1"},
        {"the newest that can be missing", {2}, "10-2"},
        {"all", {10, 9, 8, 7, 6, 5, 4}, "3-1"},
        {"the same twice", {8, 8, 6}, "10-8 7-6 5-1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_minutes *minutes = begin(10 * 60 + 20); /* NOW is 20 s into a minute */
        for (size_t j = 0; j < COUNT(rows[i].marks) && rows[i].marks[j]; j++)
            assert_true(cemm_minutes_mark(minutes, &power, AT(rows[i].marks[j]) + 59999) >= 0);
        expect_text(rows[i].row, missing_of(minutes, &power), rows[i].missing);
        cemm_minutes_free(minutes);
    }
    cemm_minutes_free(NULL);
}

/* A minute that is cut by the window's beginning is not in it. */
static void test_edges(void **state)
{
    struct cemm_minutes *minutes = begin(10 * 60 + 19);
    int64_t from = 0;
    int64_t until = 0;

    (void)state;
    expect_text("the window begins within a minute", missing_of(minutes, &power), "9-1");
    assert_true(cemm_minutes_missing(minutes, &power, AT(5) + 1, NOW, &from, &until));
    expect_int("from within a minute: the next one", from, AT(4));
    assert_true(cemm_minutes_missing(minutes, &power, AT(5), NOW, &from, &until));
    expect_int("from its beginning: that one", from, AT(5));
    /* Minute 0 is under way, 1 has ended at 0 s: at 59.999 s it may still come. */
    assert_true(cemm_minutes_missing(minutes, &power, AT(5), AT(0) + 59999, &from, &until));
    expect_int("just over is not missing yet", until, AT(1));
    assert_true(cemm_minutes_missing(minutes, &power, AT(5), AT(0) + 60000, &from, &until));
    expect_int("a minute later it is", until, AT(0));
    assert_false(cemm_minutes_missing(minutes, &power, AT(1), NOW, &from, &until));
    assert_false(cemm_minutes_missing(minutes, &power, AT(-5), NOW, &from, &until));
    assert_false(cemm_minutes_missing(minutes, &power, 0, 0, &from, &until));
    cemm_minutes_free(minutes);
}

static void test_marks(void **state)
{
    struct cemm_minutes *minutes = begin(HOUR);
    const struct cemm_minutes_key wrong[] = {
        {"", &one, "p1/x", "electric_power"},
        {"", &one, "p1", ""},
        {"tab\there", &one, "p1", "electric_power"},
        {"", &(struct cemm_uid){"garden"}, "p1", "electric_power"},
    };

    (void)state;
    expect_int("new", cemm_minutes_mark(minutes, &power, AT(3)), 1);
    expect_int("same minute", cemm_minutes_mark(minutes, &power, AT(3) + 59999), 0);
    expect_int("next", cemm_minutes_mark(minutes, &power, AT(3) + 60000), 1);
    expect_int("ahead of our clock", cemm_minutes_mark(minutes, &power, AT(-14)), 1);
    expect_int("that again", cemm_minutes_mark(minutes, &power, AT(-14)), 0);
    expect_int("never read", cemm_minutes_mark(minutes, &power, 0), -ENOMEM);
    for (size_t i = 0; i < COUNT(wrong); i++)
        expect_int("a name that is none", cemm_minutes_mark(minutes, &wrong[i], NOW), -ENOMEM);
    cemm_minutes_free(minutes);
}

/* Each of these differs from `power` in one thing only. */
static void test_series(void **state)
{
    const struct cemm_minutes_key keys[] = {
        power,
        {"write_graphite/my node", &one, "p1", "electric_power"},
        {"", &other, "p1", "electric_power"},
        {"", &one, "s01", "electric_power"},
        {"", &one, "p1", "flow"},
    };
    struct cemm_minutes *minutes = begin(10 * 60 + 20);

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++) {
        expect_text("untouched by the others", missing_of(minutes, &keys[i]), "10-1");
        assert_int_equal(cemm_minutes_mark(minutes, &keys[i], AT(5)), 1);
        assert_int_equal(cemm_minutes_note(minutes, &keys[i], NOW - (int)i), 0);
    }
    for (size_t i = 0; i < COUNT(keys); i++) {
        expect_text("its own", missing_of(minutes, &keys[i]), "10-5 4-1");
        expect_int("its newest", cemm_minutes_newest(minutes, &keys[i], NOW), NOW - (int)i);
    }
    cemm_minutes_free(minutes);
}

/* Every second minute, in an order that a bad insertion would mind, then the rest. */
static void test_many(void **state)
{
    struct cemm_minutes *minutes = begin(1001 * 60);
    int64_t from;
    int64_t until;

    (void)state;
    for (int i = 0; i < 500; i++)
        assert_int_equal(cemm_minutes_mark(minutes, &power, AT(2 + i * 7 % 500 * 2)), 1);
    assert_true(cemm_minutes_missing(minutes, &power, AT(900), NOW, &from, &until));
    expect_int("one gap", from, AT(899));
    expect_int("of one minute", until, AT(898));
    mark_all(minutes, 1001, 2);
    expect_text("nothing left", missing_of(minutes, &power), "");
    cemm_minutes_free(minutes);
}

/* The number of gaps is bounded: the oldest ones are given up. */
static void test_bounded(void **state)
{
    struct cemm_minutes *minutes = begin(CEMM_WINDOW_MAX);
    const int last = 2 * CEMM_STRETCHES_MAX + 20;
    int64_t from;
    int64_t until;

    (void)state;
    for (int i = last; i > 0; i -= 2)
        assert_int_equal(cemm_minutes_mark(minutes, &power, AT(i)), 1);
    assert_true(cemm_minutes_missing(minutes, &power, AT(last), NOW, &from, &until));
    assert_true(from > AT(last) + 10 * MINUTE && from < AT(last) + 40 * MINUTE);
    cemm_minutes_free(minutes);
}

/* ---- the state file -------------------------------------------------------------- */

static void load(struct cemm_minutes *minutes, const char *path, int result)
{
    struct cemm_words words = {""};

    expect_int(path, cemm_minutes_load(minutes, path, &words), result);
    if (result)
        expect_part("the words", words.text, path);
}

/* All three steps. */
static int keep(struct cemm_minutes *minutes, const char *path, bool whole,
                struct cemm_words *words)
{
    struct cemm_minutes_news news;

    assert_int_equal(cemm_minutes_take(minutes, whole, NOW, &news), 0);
    int r = cemm_minutes_write(&news, path, words);
    cemm_minutes_settle(minutes, &news, r);
    return r;
}

static void save(struct cemm_minutes *minutes, const char *path)
{
    struct cemm_words words = {""};

    if (keep(minutes, path, true, &words) != 0)
        fail_msg("%s", words.text);
}

static void test_file(void **state)
{
    const char *path = scratch_path("state");
    struct cemm_minutes *minutes = begin(10 * 60 + 20);
    struct stat stat_buffer;

    (void)state;
    load(minutes, path, CEMM_ABSENT);
    mark_all(minutes, 8, 6);
    mark_all(minutes, 3, 3);
    assert_int_equal(cemm_minutes_note(minutes, &power, NOW - 5), 0);
    save(minutes, path);
    save(minutes, path); /* over the one that is there */
    assert_int_equal(stat(path, &stat_buffer), 0);
    expect_int("not for everybody", stat_buffer.st_mode & 0027, 0);
    assert_int_equal(access(scratch_path("state.new"), F_OK), -1);
    cemm_minutes_free(minutes);

    minutes = begin(20 * 60 + 20); /* a wider window */
    load(minutes, path, 0);
    expect_text("read back", missing_of(minutes, &power), "20-8 5-3 2-1");
    expect_int("the newest", cemm_minutes_newest(minutes, &power, NOW), NOW - 5);
    expect_int("as far ahead as a sample may be",
               cemm_minutes_newest(minutes, &power, NOW - 5 - 900000), NOW - 5);
    expect_int("noted while our clock was wrong",
               cemm_minutes_newest(minutes, &power, NOW - 6 - 900000), 0);
    mark_all(minutes, 20, 9);
    save(minutes, path);
    cemm_minutes_free(minutes);

    minutes = begin(6 * 60 + 20); /* a narrower one */
    load(minutes, path, 0);
    expect_text("less", missing_of(minutes, &power), "5-3 2-1");
    save(minutes, path);
    cemm_minutes_free(minutes);

    minutes = begin(20 * 60 + 20); /* nothing was forgotten over it */
    load(minutes, path, 0);
    expect_text("wide again", missing_of(minutes, &power), "5-3 2-1");
    cemm_minutes_free(minutes);
}

/* One line more counts at once; half a line does not count, and does no harm. */
static void test_append(void **state)
{
    const char *path = scratch_path("state");
    struct cemm_minutes *minutes = begin(10 * 60 + 20);
    struct cemm_buffer line = CEMM_BUFFER_INIT(1000);
    char key[CEMM_KEY_SIZE];

    (void)state;
    assert_true(cemm_record_key(&power, key));
    assert_int_equal(cemm_minutes_append(path, "x", 1), -ENOENT);
    mark_all(minutes, 8, 6);
    save(minutes, path);
    for (int i = 5; i > 2; i--) {
        cemm_buffer_reset(&line);
        cemm_minutes_line(&line, key, AT(i) + 30000, false);
        assert_true(line.length > 0);
        assert_int_equal(cemm_minutes_append(path, line.data, line.length - (i == 3)), 0);
    }
    load(minutes, path, 0);
    expect_text("two lines and a half", missing_of(minutes, &power), "10-8 3-1");
    save(minutes, path);
    cemm_buffer_reset(&line);
    cemm_minutes_line(&line, key, NOW - 7, true);
    assert_int_equal(cemm_minutes_append(path, line.data, line.length), 0);
    cemm_buffer_clear(&line);
    load(minutes, path, 0);
    expect_int("the newest as a line", cemm_minutes_newest(minutes, &power, NOW), NOW - 7);
    expect_text("which is no minute", missing_of(minutes, &power), "10-8 3-1");
    cemm_minutes_free(minutes);
}

#define GIVEN(stretches) "\t00-1E-C0-85-96-CC\tp1\telectric_power\t" stretches "\n"
#define LINE(start)      GIVEN(start "+1")

/* The file whole at first, then lines, then whole again when that has failed. */
static void test_news(void **state)
{
    static const struct {
        const char *row;
        int minute;       /* that is marked before; 0: none */
        bool whole;       /* asked for */
        int result;       /* that is told after */
        const char *text; /* NULL: nothing is new */
        bool is_whole;
    } rows[] = {
        {"at first", 8, false, 0, "cemm minutes 1\n" LINE("1699999500"), true},
        {"nothing is new", 0, false, 0, NULL, false},
        {"nor if all is asked for", 0, true, 0, NULL, false},
        {"a minute", 6, false, 0, LINE("1699999620"), false},
        {"once", 6, false, 0, NULL, false},
        {"all of it, because it has grown", 0, true, 0,
         "cemm minutes 1\n" GIVEN("1699999500+1 1699999620+1"), true},
        {"a minute that fails", 7, false, -EIO, LINE("1699999560"), false},
        {"so all of it", 0, false, -EIO, "cemm minutes 1\n" GIVEN("1699999500+3"), true},
        {"again", 5, false, 0, "cemm minutes 1\n" GIVEN("1699999500+4"), true},
        {"and it is well", 4, false, 0, LINE("1699999740"), false},
    };
    struct cemm_minutes *minutes = begin(HOUR);

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_minutes_news news;
        if (rows[i].minute)
            assert_true(cemm_minutes_mark(minutes, &power, AT(rows[i].minute)) >= 0);
        assert_int_equal(cemm_minutes_take(minutes, rows[i].whole, NOW, &news), 0);
        expect_int(rows[i].row, news.text != NULL, rows[i].text != NULL);
        expect_int(rows[i].row, news.whole, rows[i].is_whole);
        if (news.text) {
            expect_text(rows[i].row, news.text, rows[i].text);
            expect_int(rows[i].row, (int64_t)news.length, (int64_t)strlen(news.text));
        }
        cemm_minutes_settle(minutes, &news, rows[i].result);
    }
    cemm_minutes_free(minutes);
}

/* Lines that nobody fetches are not kept for ever: then the file is written whole. */
static void test_too_many_lines(void **state)
{
    struct cemm_minutes *minutes = begin(CEMM_WINDOW_MAX);
    struct cemm_minutes_news news;

    (void)state;
    assert_int_equal(cemm_minutes_take(minutes, false, NOW, &news), 0);
    cemm_minutes_settle(minutes, &news, 0);
    for (int i = 30000; i > 0; i--) {
        assert_int_equal(cemm_minutes_mark(minutes, &power, AT(i)), 1);
        assert_true(minutes->lines.length <= CEMM_LINES_MAX);
    }
    assert_int_equal(cemm_minutes_take(minutes, false, NOW, &news), 0);
    expect_int("whole", news.whole, true);
    expect_part("all of them", news.text, "+30000\n");
    cemm_minutes_settle(minutes, &news, 0);
    cemm_minutes_free(minutes);
}

static void test_old_minutes_are_dropped(void **state)
{
    struct cemm_minutes *minutes = begin(HOUR);
    char *text;
    size_t length;

    (void)state;
    assert_true(cemm_minutes_mark(minutes, &power, NOW - INT64_C(40) * 86400000) == 1);
    assert_int_equal(cemm_minutes_text(minutes, NOW, &text, &length), 0);
    expect_text("a header alone", text, "cemm minutes 1\n");
    free(text);
    /* The time of the last sample stays: one that comes again is no news after a year either. */
    assert_int_equal(cemm_minutes_note(minutes, &power, NOW - INT64_C(400) * 86400000), 0);
    assert_int_equal(cemm_minutes_text(minutes, NOW, &text, &length), 0);
    expect_text("the last sample", strchr(text, '@'), "@1665440000000\n");
    free(text);
    cemm_minutes_free(minutes);
}

#define GOOD "\t00-1E-C0-85-96-CC\tp1\telectric_power\t1699999800+3\n"

static void test_damage(void **state)
{
    static const struct {
        const char *row;
        const char *text;
        int result;
    } rows[] = {
        {"good", "cemm minutes 1\n" GOOD, 0},
        {"header alone", "cemm minutes 1\n", 0},
        {"torn last line", "cemm minutes 1\n" GOOD "\t00-1E-C", 0},
        {"empty", "", -EBADMSG},
        {"half a header", "cemm min", -EBADMSG},
        {"another version", "cemm minutes 2\n" GOOD, -EBADMSG},
        {"no header", GOOD, -EBADMSG},
        {"an empty line", "cemm minutes 1\n\n" GOOD, -EBADMSG},
        {"too few fields", "cemm minutes 1\n" GOOD "\t00-1E-C0-85-96-CC\tp1\n", -EBADMSG},
        {"too many", "cemm minutes 1\n" GOOD "\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+3\t\n",
         -EBADMSG},
        {"a uid that is none", "cemm minutes 1\n\tgarden\tp1\tx\t1699999800+3\n", -EBADMSG},
        {"a taker that is none", "cemm minutes 1\na\001b\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+3\n",
         -EBADMSG},
        {"a path", "cemm minutes 1\n\t00-1E-C0-85-96-CC\t../p1\tx\t1699999800+3\n", -EBADMSG},
        {"no count", "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t1699999800\n", -EBADMSG},
        {"count 0", "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+0\n", -EBADMSG},
        {"negative", "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+-1\n", -EBADMSG},
        {"no full minute", "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t1699999801+1\n", -EBADMSG},
        {"in 1970", "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t60+1\n", -EBADMSG},
        {"beyond int64",
         "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+99999999999999999999\n", -EBADMSG},
        {"a space too many", "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+1 \n",
         -EBADMSG},
        {"nothing given", "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t\n", -EBADMSG},
        {"newest in words", "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t@now\n", -EBADMSG},
        {"newest not last",
         "cemm minutes 1\n\t00-1E-C0-85-96-CC\tp1\tx\t@1699999800000 1699999800+1\n", -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_minutes *minutes = begin(10 * 60 + 20);
        struct cemm_words words;
        const char *path = scratch_text("state", rows[i].text, 0600);
        mark_all(minutes, 5, 5);
        expect_int(rows[i].row, cemm_minutes_load(minutes, path, &words), rows[i].result);
        if (rows[i].result) {
            expect_text(rows[i].row, missing_of(minutes, &power), "10-1");
            expect_part(rows[i].row, words.text, "nothing counts as given");
        }
        cemm_minutes_free(minutes);
    }
}

static void test_unusable(void **state)
{
    struct cemm_minutes *minutes = begin(HOUR);
    struct cemm_words words = {""};
    const char *directory = scratch_path(".");

    (void)state;
    scratch_bytes("state", "cemm minutes 1\n\0\n", 17, 0600);
    load(minutes, scratch_path("state"), -EBADMSG);
    load(minutes, directory, -EBADMSG);
    assert_true(keep(minutes, scratch_path("none/state"), false, &words) == -ENOENT);
    expect_part("says which", words.text, "none/state");
    cemm_minutes_free(minutes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test_setup_teardown(test_file, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_append, scratch_setup, scratch_teardown),
        cmocka_unit_test(test_news),
        cmocka_unit_test(test_too_many_lines),
        cmocka_unit_test(test_old_minutes_are_dropped),
        cmocka_unit_test_setup_teardown(test_damage, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_unusable, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
