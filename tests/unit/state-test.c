/*
 * Tests which minutes were sent to each sink (an output with a name, or "" if there
 * is only one) and which are missing, and the state file: after restarts, after
 * damage, and with another window.
 */
#include "check.h"
#include "common/base/file.h"
#include "common/base/limits.h"
#include "common/model/document.h"
#include "common/model/ledger.h"
#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW    INT64_C(1700000000000)       /* 20 s into a minute */
#define MINUTE INT64_C(60000)               /* milliseconds */
#define AT(n)  (NOW - 20000 - MINUTE * (n)) /* the beginning of the minute n minutes ago */
#define HOUR   INT64_C(3600)                /* seconds, the unit of a window */
#define CSV    "csv/my node"

static const struct cemm_uid one = {"00-1E-C0-85-96-CC"};
static const struct cemm_uid other = {"D8-80-39-46-22-B5"};

static int64_t steady = 1000; /* the monotonic clock */

int64_t __wrap_cemm_clock_wall(void);
int64_t __wrap_cemm_clock_steady(void);

int64_t __wrap_cemm_clock_wall(void)
{
    return NOW;
}

int64_t __wrap_cemm_clock_steady(void)
{
    return steady;
}

static struct cemm_ledger *begin(int64_t window)
{
    static const char *const sinks[] = {""};
    struct cemm_ledger *ledger = cemm_ledger_new(window, sinks, 1);

    assert_non_null(ledger);
    return ledger;
}

static struct cemm_ledger_entry *power(struct cemm_ledger *ledger)
{
    struct cemm_ledger_entry *entry = cemm_ledger_entry(ledger, &one, "p1", "electric_power");

    assert_non_null(entry);
    return entry;
}

/* Returns all ranges that a sink lacks, as "FROM-UNTIL …" in minutes before NOW. */
static const char *missing_to(struct cemm_ledger_entry *entry, const char *sink)
{
    static char text[4096];
    int64_t from = 0;
    int64_t until = 0;
    size_t length = 0;

    text[0] = '\0';
    while (cemm_ledger_missing(entry, sink, until, NOW, &from, &until)) {
        assert_true(from < until && from % MINUTE == 0 && until % MINUTE == 0);
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%lld-%lld",
                                   length ? " " : "", (long long)((AT(0) - from) / MINUTE),
                                   (long long)((AT(0) - until) / MINUTE));
        assert_true(length < sizeof(text));
    }
    return text;
}

static const char *missing_of(struct cemm_ledger *ledger)
{
    return missing_to(power(ledger), "");
}

static int mark(struct cemm_ledger *ledger, int64_t time)
{
    return cemm_ledger_mark(power(ledger), "", time);
}

static void mark_all(struct cemm_ledger *ledger, int first, int last)
{
    for (int i = first; i >= last; i--)
        assert_true(mark(ledger, AT(i)) >= 0);
}

static void test_missing(void **state)
{
    static const struct {
        const char *row;
        int marks[8]; /* minutes ago; 0 ends them */
        const char *missing;
    } rows[] = {
        {"nothing was sent: the whole window", {0}, "10-1"},
        {"the minute that has just ended", {1}, "10-1"},
        {"one in the middle", {5}, "10-5 4-1"},
        {"two that touch", {5, 4}, "10-5 3-1"},
        {"the same, the other way round", {4, 5}, "10-5 3-1"},
        {"two, and those between", {7, 3, 6, 4, 5}, "10-7 2-1"},
        {"the oldest of the window", {10}, "9-1"},
        {"one before the window", {11}, "10-1"},
        {"the newest that can be missing", {2}, "10-2"},
        {"all", {10, 9, 8, 7, 6, 5, 4}, "3-1"},
        {"the same twice", {8, 8, 6}, "10-8 7-6 5-1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_ledger *ledger = begin(10 * 60 + 20); /* NOW is 20 s into a minute */
        for (size_t j = 0; j < COUNT(rows[i].marks) && rows[i].marks[j]; j++)
            assert_true(mark(ledger, AT(rows[i].marks[j]) + 59999) >= 0);
        expect_text(rows[i].row, missing_of(ledger), rows[i].missing);
        cemm_ledger_free(ledger);
    }
    cemm_ledger_free(NULL);
}

/* A minute in the middle of which the window begins is not in the window. */
static void test_edges(void **state)
{
    struct cemm_ledger *ledger = begin(10 * 60 + 19);
    int64_t from = 0;
    int64_t until = 0;

    (void)state;
    expect_text("the window begins within a minute", missing_of(ledger), "9-1");
    assert_true(cemm_ledger_missing(power(ledger), "", AT(5) + 1, NOW, &from, &until));
    expect_int("a search from within a minute finds the next minute", from, AT(4));
    assert_true(cemm_ledger_missing(power(ledger), "", AT(5), NOW, &from, &until));
    expect_int("a search from the beginning of a minute finds that minute", from, AT(5));
    /* Minute 1 has ended, but its sample may still arrive until minute 0, the current one, ends. */
    assert_true(cemm_ledger_missing(power(ledger), "", AT(5), AT(0) + 59999, &from, &until));
    expect_int("a minute that has just ended is not missing yet", until, AT(1));
    assert_true(cemm_ledger_missing(power(ledger), "", AT(5), AT(0) + 60000, &from, &until));
    expect_int("a minute later it is", until, AT(0));
    assert_false(cemm_ledger_missing(power(ledger), "", AT(1), NOW, &from, &until));
    assert_false(cemm_ledger_missing(power(ledger), "", AT(-5), NOW, &from, &until));
    assert_false(cemm_ledger_missing(power(ledger), "", 0, 0, &from, &until));
    cemm_ledger_free(ledger);
}

static void test_marks(void **state)
{
    struct cemm_ledger *ledger = begin(HOUR);
    char name[CEMM_SINK_SIZE];
    int count = 1;

    (void)state;
    expect_int("new", mark(ledger, AT(3)), 1);
    expect_int("same minute", mark(ledger, AT(3) + 59999), 0);
    expect_int("next", mark(ledger, AT(3) + 60000), 1);
    expect_int("ahead of our clock", mark(ledger, AT(-14)), 1);
    expect_int("the same again", mark(ledger, AT(-14)), 0);
    expect_int("never read", mark(ledger, 0), -EINVAL);
    expect_int("a live sample that was never read", cemm_ledger_mark(power(ledger), NULL, 0),
               -EINVAL);
    expect_int("an invalid name", cemm_ledger_mark(power(ledger), "tab\there", NOW), -ENOMEM);
    while (snprintf(name, sizeof(name), "csv/%d", count) > 0 &&
           cemm_ledger_mark(power(ledger), name, NOW) == 1)
        count++;
    expect_int("a bounded number of sinks", count, CEMM_SINKS_MAX);
    cemm_ledger_free(ledger);
}

static void test_names(void **state)
{
    static const struct {
        const char *row;
        const char *alias;
        const char *channel;
        bool good;
    } rows[] = {
        {"good", "p1", "t1", true},
        {"another series", "p1", "t2", true},
        {"an invalid alias", "p1/x", "t1", false},
        {"an empty channel", "p1", "", false},
    };
    struct cemm_ledger *ledger = begin(HOUR);
    const struct cemm_ledger_entry *first = cemm_ledger_entry(ledger, &one, "p1", "t1");

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_ledger_entry *entry =
            cemm_ledger_entry(ledger, &one, rows[i].alias, rows[i].channel);
        expect_int(rows[i].row, entry != NULL, rows[i].good);
        if (!entry)
            continue;
        expect_int(rows[i].row, entry == first, strcmp(rows[i].channel, "t1") == 0);
        expect_text(rows[i].row, cemm_ledger_names(entry).channel, rows[i].channel);
        assert_ptr_equal(cemm_ledger_names(entry).uid, cemm_ledger_names(first).uid);
        assert_ptr_equal(cemm_ledger_names(entry).alias, cemm_ledger_names(first).alias);
    }
    expect_int("another meter", cemm_ledger_entry(ledger, &one, "han", "t1") == first, false);
    assert_ptr_equal(cemm_ledger_entry(ledger, &one, "p1", "t1"), first);
    cemm_ledger_free(ledger);
}

/* Each row differs from the first row in only one field. */
static void test_series(void **state)
{
    struct cemm_ledger *ledger = begin(10 * 60 + 20);
    const struct {
        struct cemm_ledger_entry *entry;
        const char *sink;
    } rows[] = {
        {power(ledger), ""},
        {power(ledger), CSV},
        {cemm_ledger_entry(ledger, &other, "p1", "electric_power"), ""},
        {cemm_ledger_entry(ledger, &one, "s01", "electric_power"), ""},
        {cemm_ledger_entry(ledger, &one, "p1", "flow"), ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        expect_text("untouched by the others", missing_to(rows[i].entry, rows[i].sink), "10-1");
        assert_int_equal(cemm_ledger_mark(rows[i].entry, rows[i].sink, AT(5)), 1);
    }
    for (size_t i = 0; i < COUNT(rows); i++)
        expect_text("its own", missing_to(rows[i].entry, rows[i].sink), "10-5 4-1");
    cemm_ledger_free(ledger);
}

/* Live samples count as sent to all sinks of this run if the API has minutes of their channel. */
static void test_live(void **state)
{
    static const char *const sinks[] = {"csv", "write_graphite"};
    struct cemm_ledger *ledger = cemm_ledger_new(10 * 60 + 20, sinks, 2);
    struct cemm_ledger_entry *t1 = cemm_ledger_entry(ledger, &one, "p1", "t1");

    (void)state;
    assert_non_null(ledger);
    assert_int_equal(cemm_ledger_mark(power(ledger), "of another run", AT(8)), 1);
    assert_int_equal(cemm_ledger_mark(power(ledger), NULL, AT(5)), 0);
    assert_int_equal(cemm_ledger_mark(t1, NULL, AT(5)), 0);
    expect_text("one sink", missing_to(power(ledger), "csv"), "10-5 4-1");
    expect_text("the other sink", missing_to(power(ledger), "write_graphite"), "10-5 4-1");
    expect_text("not the sink of another run", missing_to(power(ledger), "of another run"),
                "10-8 7-1");
    expect_text("t1 has no minutes", missing_to(t1, "csv"), "10-1");
    cemm_ledger_free(ledger);
}

/* Adds every second minute, in an order in which a wrong insertion would fail, and then the others.
 */
static void test_many(void **state)
{
    struct cemm_ledger *ledger = begin(1001 * 60);
    int64_t from;
    int64_t until;

    (void)state;
    for (int i = 0; i < 500; i++)
        assert_int_equal(mark(ledger, AT(2 + i * 7 % 500 * 2)), 1);
    assert_true(cemm_ledger_missing(power(ledger), "", AT(900), NOW, &from, &until));
    expect_int("one gap", from, AT(899));
    expect_int("of one minute", until, AT(898));
    mark_all(ledger, 1001, 2);
    expect_text("nothing left", missing_of(ledger), "");
    cemm_ledger_free(ledger);
}

/* The number of gaps is bounded: the oldest ones are dropped. */
static void test_bounded(void **state)
{
    struct cemm_ledger *ledger = begin(CEMM_WINDOW_MAX);
    const int last = 2 * CEMM_STRETCHES_MAX + 20;
    int64_t from;
    int64_t until;

    (void)state;
    for (int i = last; i > 0; i -= 2)
        assert_int_equal(mark(ledger, AT(i)), 1);
    assert_true(cemm_ledger_missing(power(ledger), "", AT(last), NOW, &from, &until));
    assert_true(from > AT(last) + 10 * MINUTE && from < AT(last) + 40 * MINUTE);
    cemm_ledger_free(ledger);
}

/* ---- the state file -------------------------------------------------------------- */

static void load(struct cemm_ledger *ledger, const char *path, int result)
{
    struct cemm_message message = {""};

    expect_int(path, cemm_ledger_load(ledger, path, &message), result);
    if (result)
        expect_part("the message", message.text, path);
}

static void save(struct cemm_ledger *ledger, bool whole, int result)
{
    struct cemm_message message = {""};

    expect_int("saved", cemm_ledger_save(ledger, whole, &message), result);
    if (result)
        expect_part("the message", message.text, ledger->path);
}

/* Offers a sample with the time `newest`, in an answer that arrived `later` ms after that time.
 * Returns whether the sample was already known. */
static bool knows(struct cemm_ledger *ledger, int64_t newest, int64_t later)
{
    struct cemm_document document = {.source = (char[]){"local a"}, .fetched = newest + later};
    const struct cemm_sample sample = {.time = newest, .value = 1};

    return !cemm_ledger_accept(power(ledger), &document, &sample);
}

static void test_file(void **state)
{
    const char *path = scratch_path("state");
    struct cemm_ledger *ledger = begin(10 * 60 + 20);
    struct stat stat_buffer;

    (void)state;
    load(ledger, path, CEMM_ABSENT);
    mark_all(ledger, 8, 6);
    mark_all(ledger, 3, 3);
    assert_int_equal(cemm_ledger_mark(power(ledger), NULL, NOW - 5), 0);
    save(ledger, true, 0);
    save(ledger, true, 0); /* replaces the existing file */
    assert_int_equal(stat(path, &stat_buffer), 0);
    expect_int("not readable by others", stat_buffer.st_mode & 0027, 0);
    assert_int_equal(access(scratch_path("state.new"), F_OK), -1);
    cemm_ledger_free(ledger);

    ledger = begin(20 * 60 + 20); /* a wider window */
    load(ledger, path, 0);
    expect_text("read back", missing_of(ledger), "20-8 5-3 2-1");
    assert_true(knows(ledger, NOW - 5, 0));
    assert_true(knows(ledger, NOW - 5, -900000));  /* a meter's clock may be this fast */
    assert_false(knows(ledger, NOW - 5, -900001)); /* recorded while our clock was wrong */
    mark_all(ledger, 20, 9);
    save(ledger, true, 0);
    cemm_ledger_free(ledger);

    ledger = begin(6 * 60 + 20); /* a narrower window */
    load(ledger, path, 0);
    expect_text("less is missing", missing_of(ledger), "5-3 2-1");
    save(ledger, true, 0);
    cemm_ledger_free(ledger);

    ledger = begin(20 * 60 + 20); /* the narrower window has lost nothing */
    load(ledger, path, 0);
    expect_text("wide again", missing_of(ledger), "5-3 2-1");
    cemm_ledger_free(ledger);
}

static void append(const char *path, const char *text)
{
    FILE *file = fopen(path, "a");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* END ends the lines that are written together, as a whole file. Lines that are appended later
 * follow it. */
#define HEADER       "cemm minutes 2\n"
#define END          "end\n"
#define SENT(ranges) "\t00-1E-C0-85-96-CC\tp1\telectric_power\t" ranges "\n"
#define LINE(start)  SENT(start "+1")

/* A line that was appended is used. A line without its newline is not used, and does no harm. */
static void test_append(void **state)
{
    const char *path =
        scratch_text("state", HEADER SENT("1699999500+3") LINE("1699999680") END, 0600);
    struct cemm_ledger *ledger = begin(10 * 60 + 20);

    (void)state;
    append(path, LINE("1699999740"));
    append(path, "\t00-1E-C0-85-96-CC\tp1\telectric_power\t1699999800+1");
    load(ledger, path, -EBADMSG);
    expect_text("the half line is not used", missing_of(ledger), "10-8 3-1");
    append(path, "\n" SENT("@1699999999993"));
    load(ledger, path, 0);
    expect_text("with its newline, the line is used", missing_of(ledger), "10-8 2-1");
    assert_true(knows(ledger, NOW - 7, 0));
    cemm_ledger_free(ledger);
}

/* The whole file is written first, then lines are appended. If appending fails, the whole file is
 * written again. */
static void test_save(void **state)
{
    static const struct {
        const char *row;
        int minute;       /* the minute that is marked before saving; 0: none */
        bool whole;       /* the whole file is requested */
        bool away;        /* the file's directory is missing */
        int later;        /* milliseconds since the previous row */
        int result;       /* the returned value */
        const char *text; /* the content of the file; NULL: there is no file */
    } rows[] = {
        {"nothing was sent", 0, true, false, 0, 0, NULL},
        {"the whole file at first", 8, false, false, 0, 0, HEADER LINE("1699999500") END},
        {"nothing new", 0, false, false, 0, 0, HEADER LINE("1699999500") END},
        {"a minute", 6, false, false, 0, 0, HEADER LINE("1699999500") END LINE("1699999620")},
        {"the same minute again", 6, false, false, 0, 0,
         HEADER LINE("1699999500") END LINE("1699999620")},
        {"the whole file", 0, true, false, 0, 0, HEADER SENT("1699999500+1 1699999620+1") END},
        {"a minute that can't be saved", 7, false, true, 0, -ENOENT, NULL},
        {"the failure is reported once", 5, false, true, 0, 0, NULL},
        {"it is not tried again for five minutes", 0, false, false, 299999, 0,
         HEADER SENT("1699999500+1 1699999620+1") END},
        {"then it is tried again", 0, false, false, 1, 1, HEADER SENT("1699999500+4") END},
        {"a minute again", 4, false, false, 0, 0,
         HEADER SENT("1699999500+4") END LINE("1699999740")},
        {"the whole file from time to time", 3, false, false, 300000, 0,
         HEADER SENT("1699999500+6") END},
    };
    struct cemm_ledger *ledger = begin(HOUR);
    char path[200];
    char *bytes;
    struct stat about;

    (void)state;
    (void)scratch_text("here/other", "", 0600);
    strcpy(path, scratch_path("here/state"));
    load(ledger, path, CEMM_ABSENT);
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (rows[i].minute)
            assert_true(mark(ledger, AT(rows[i].minute)) >= 0);
        if (rows[i].away)
            assert_int_equal(rename(scratch_path("here"), scratch_path("there")), 0);
        steady += rows[i].later;
        save(ledger, rows[i].whole, rows[i].result);
        int r = cemm_file_read(path, 1000, &bytes, &about);
        expect_int(rows[i].row, r, rows[i].text ? 0 : -ENOENT);
        if (r == 0) {
            expect_text(rows[i].row, bytes, rows[i].text);
            free(bytes);
        }
        if (rows[i].away)
            assert_int_equal(rename(scratch_path("there"), scratch_path("here")), 0);
    }
    cemm_ledger_free(ledger);
}

/* If too many lines are waiting to be saved, they are dropped, and the whole file is written. */
static void test_too_many_lines(void **state)
{
    const char *path = scratch_path("state");
    struct cemm_ledger *ledger = begin(CEMM_WINDOW_MAX);
    char *bytes;
    struct stat about;

    (void)state;
    load(ledger, path, CEMM_ABSENT);
    mark_all(ledger, 30001, 30001);
    save(ledger, false, 0);
    for (int i = 30000; i > 0; i--) {
        assert_int_equal(mark(ledger, AT(i)), 1);
        assert_true(ledger->lines.length <= CEMM_UNSAVED_MAX);
    }
    save(ledger, false, 0);
    assert_int_equal(cemm_file_read(path, 1000, &bytes, &about), 0);
    expect_part("all of them, as one", bytes, "+30001\n" END);
    free(bytes);
    cemm_ledger_free(ledger);
}

/* The file has the newest sample of each series, and the minutes of each sink. */
static void test_text(void **state)
{
    struct cemm_ledger *ledger = begin(HOUR);
    char *text;
    size_t length;

    (void)state;
    assert_true(mark(ledger, NOW - INT64_C(40) * 86400000) == 1);
    assert_int_equal(cemm_state_text(ledger, NOW, &text, &length), 0);
    expect_text("old minutes are dropped: a header alone", text, HEADER END);
    free(text);
    /* The time of the last sample is kept, so a repetition is not new, even a year later. */
    assert_int_equal(cemm_ledger_mark(power(ledger), NULL, NOW - INT64_C(400) * 86400000), 0);
    assert_int_equal(cemm_state_text(ledger, NOW, &text, &length), 0);
    expect_text("the last sample", text, HEADER SENT("@1665440000000") END);
    free(text);
    assert_int_equal(cemm_ledger_mark(power(ledger), CSV, AT(4)), 1);
    assert_int_equal(cemm_ledger_mark(power(ledger), "csv", AT(4)), 1);
    assert_int_equal(cemm_ledger_mark(power(ledger), NULL, AT(3)), 0);
    assert_int_equal(cemm_state_text(ledger, NOW, &text, &length), 0);
    expect_text("of all sinks", text,
                HEADER SENT("@1699999800000") LINE("1699999800")
                    CSV LINE("1699999740") "csv" LINE("1699999740") END);
    free(text);
    cemm_ledger_free(ledger);
}

static void expect_state(const char *path, const char *text)
{
    struct stat about;
    char *bytes;

    assert_int_equal(cemm_file_read(path, 1000, &bytes, &about), 0);
    expect_text(path, bytes, text);
    free(bytes);
}

#define GOOD "\t00-1E-C0-85-96-CC\tp1\telectric_power\t1699999800+3\n"

/* If a file is damaged, none of its lines is used, and what was marked before is forgotten. */
static void test_damage(void **state)
{
    static const struct {
        const char *row;
        const char *text;
        int result;
    } rows[] = {
        {"empty", "", -EBADMSG},
        {"half a header", "cemm min", -EBADMSG},
        {"another version", "cemm minutes 3\n" GOOD END, -EBADMSG},
        {"two ends", HEADER GOOD END END, -EBADMSG},
        {"an earlier version", "cemm minutes 1\n" GOOD END, -EBADMSG},
        {"good", HEADER GOOD END, 0},
        {"header and end", HEADER END, 0},
        {"no header", GOOD, -EBADMSG},
        {"an empty line", HEADER END "\n" GOOD, -EBADMSG},
        {"too few fields", HEADER END GOOD "\t00-1E-C0-85-96-CC\tp1\n", -EBADMSG},
        {"too many fields", HEADER END GOOD "\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+3\t\n",
         -EBADMSG},
        {"an invalid uid", HEADER END "\tgarden\tp1\tx\t1699999800+3\n", -EBADMSG},
        {"an invalid sink", HEADER END "a\001b\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+3\n",
         -EBADMSG},
        {"a path", HEADER END "\t00-1E-C0-85-96-CC\t../p1\tx\t1699999800+3\n", -EBADMSG},
        {"no count", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t1699999800\n", -EBADMSG},
        {"count 0", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+0\n", -EBADMSG},
        {"negative", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+-1\n", -EBADMSG},
        {"not a full minute", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t1699999801+1\n", -EBADMSG},
        {"in 1970", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t60+1\n", -EBADMSG},
        {"beyond int64", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+99999999999999999999\n",
         -EBADMSG},
        {"a space too many", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t1699999800+1 \n", -EBADMSG},
        {"nothing sent", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t\n", -EBADMSG},
        {"newest as text", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t@now\n", -EBADMSG},
        {"newest is not the last of the minutes",
         HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t@1699999800000 1699999800+1\n", 0},
        {"a cadence", HEADER END GOOD "\t00-1E-C0-85-96-CC\tp1\tx\t@1699999800000 /60\n", 0},
        {"only a cadence", HEADER END GOOD "\t00-1E-C0-85-96-CC\tp1\tx\t/60\n", 0},
        {"a cadence of a pulse meter", HEADER END GOOD "\t00-1E-C0-85-96-CC\ts01\tx\t/60\n", 0},
        {"a cadence of nothing", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t/0\n", -EBADMSG},
        {"a cadence of a day", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t/86400\n", -EBADMSG},
        {"a cadence as text", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t/hour\n", -EBADMSG},
        {"a cadence not last", HEADER END "\t00-1E-C0-85-96-CC\tp1\tx\t/60 @1699999800000\n",
         -EBADMSG},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_ledger *ledger = begin(10 * 60 + 20);
        struct cemm_message message;
        const char *path = scratch_text("state", rows[i].text, 0600);
        mark_all(ledger, 5, 5);
        expect_int(rows[i].row, cemm_ledger_load(ledger, path, &message), rows[i].result);
        if (rows[i].result) {
            expect_text(rows[i].row, missing_of(ledger), "10-1");
            expect_part(rows[i].row, message.text, "may be sent again");
        }
        cemm_ledger_free(ledger);
    }
}

/* A truncated file is reported, its remaining lines are used, a copy is kept, and the next file is
 * complete again. */
static void test_cut(void **state)
{
    static const struct {
        const char *row;
        const char *text;
        const char *missing;
        const char *then; /* what is still missing when minute 5 has been sent, too */
    } rows[] = {
        {"within a line", HEADER GOOD "\t00-1E-C", "10-3", "10-5 4-3"},
        {"between two lines", HEADER GOOD, "10-3", "10-5 4-3"},
        {"before the first line", HEADER, "10-1", "10-5 4-1"},
        {"within the end", HEADER GOOD "en", "10-3", "10-5 4-3"},
        {"before the newline of the end", HEADER GOOD "end", "10-3", "10-5 4-3"},
        {"within an appended line", HEADER END GOOD "\t00-1E-C", "10-3", "10-5 4-3"},
    };
    char aside[200];

    (void)state;
    strcpy(aside, scratch_path("state.damaged"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_ledger *ledger = begin(10 * 60 + 20);
        struct cemm_message message;
        const char *path = scratch_text("state", rows[i].text, 0600);
        expect_int(rows[i].row, cemm_ledger_load(ledger, path, &message), -EBADMSG);
        expect_part(rows[i].row, message.text, "is truncated: what it lacks may be sent again");
        expect_part(rows[i].row, message.text, aside);
        expect_text(rows[i].row, missing_of(ledger), rows[i].missing);
        assert_int_equal(access(path, F_OK), 0);
        assert_int_equal(cemm_ledger_mark(power(ledger), NULL, AT(5)), 0);
        save(ledger, false, 0);
        cemm_ledger_free(ledger);
        ledger = begin(10 * 60 + 20);
        expect_int(rows[i].row, cemm_ledger_load(ledger, path, &message), 0);
        expect_text(rows[i].row, missing_of(ledger), rows[i].then);
        expect_state(aside, rows[i].text);
        cemm_ledger_free(ledger);
    }
}

static void test_unusable(void **state)
{
    struct cemm_ledger *ledger = begin(HOUR);
    const char *directory = scratch_path(".");

    (void)state;
    scratch_bytes("state", HEADER END "\0\n", 17, 0600);
    load(ledger, scratch_path("state"), -EBADMSG);
    load(ledger, directory, -EINVAL);
    cemm_ledger_free(ledger);
}

/* A symbolic link is kept and its target is written. Only a regular file is replaced. Nothing is
 * written to an existing file that has the name of the temporary file. */
static void test_links(void **state)
{
    struct cemm_ledger *ledger = begin(HOUR);
    char precious[200], path[200], fifo[200], temporary[200];
    struct stat about;

    (void)state;
    strcpy(precious, scratch_text("precious", "precious", 0600));
    strcpy(path, scratch_path("link"));
    strcpy(fifo, scratch_path("fifo"));
    strcpy(temporary, scratch_path("target.new"));
    assert_int_equal(symlink("target", path), 0);
    assert_int_equal(link(precious, temporary), 0);
    load(ledger, path, CEMM_ABSENT);
    assert_true(mark(ledger, AT(8)) >= 0);
    save(ledger, true, 0);
    assert_int_equal(lstat(path, &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    expect_state(scratch_path("target"), HEADER LINE("1699999500") END);
    assert_int_equal(mkfifo(temporary, 0600), 0);
    assert_true(mark(ledger, AT(7)) >= 0);
    save(ledger, true, 0);
    assert_int_equal(symlink("precious", temporary), 0);
    assert_true(mark(ledger, AT(6)) >= 0);
    save(ledger, true, 0);
    expect_state(scratch_path("target"), HEADER SENT("1699999500+3") END);
    expect_state(precious, "precious");
    cemm_ledger_free(ledger);

    ledger = begin(HOUR);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    load(ledger, fifo, -EINVAL);
    assert_true(mark(ledger, AT(8)) >= 0);
    save(ledger, true, -EINVAL);
    assert_int_equal(lstat(fifo, &about), 0);
    assert_true(S_ISFIFO(about.st_mode));
    cemm_ledger_free(ledger);
}

/* The interval of a series, which is learned from samples, survives a restart. A pulse meter has no
 * interval. */
static void test_cadence(void **state)
{
    static const char before[] = HEADER END SENT("@1699999900000");
    const char *path = scratch_text("state", before, 0600);
    struct cemm_document document = {.source = (char *)"local a", .fetched = NOW};
    struct cemm_ledger *ledger = begin(HOUR);
    unsigned seconds = 1;

    (void)state;
    load(ledger, path, 0);
    struct cemm_ledger_entry *pulse = cemm_ledger_entry(ledger, &one, "s01", "electric_power");
    for (int i = 1; i <= 3; i++) {
        const struct cemm_sample sample = {.time = INT64_C(1699999900000) + i * 30000};
        assert_true(cemm_ledger_accept(power(ledger), &document, &sample));
        assert_true(cemm_ledger_accept(pulse, &document, &sample));
        assert_int_equal(cemm_ledger_mark(power(ledger), NULL, sample.time), 0);
        expect_int("two samples are enough", cemm_ledger_cadence(power(ledger), &seconds), i > 1);
        expect_int("30 s", seconds, i > 1 ? 30 : 0);
        expect_int("a pulse meter's cadence is known without samples",
                   cemm_ledger_cadence(pulse, &seconds), true);
        expect_int("a pulse meter has no interval", seconds, 0);
        save(ledger, false, 0);
    }
    expect_state(path, HEADER SENT("@1699999930000") LINE("1699999920") END SENT("/30")
                           SENT("@1699999960000") SENT("@1699999990000") LINE("1699999980"));
    load(ledger, path, 0);
    expect_int("after a restart", cemm_ledger_cadence(power(ledger), &seconds), true);
    expect_int("the interval is as before", seconds, 30);
    const struct cemm_sample later = {.time = NOW + 7 * HOUR * 1000};
    document.fetched = later.time;
    assert_true(cemm_ledger_accept(power(ledger), &document, &later));
    assert_int_equal(cemm_ledger_mark(power(ledger), NULL, later.time), 0);
    save(ledger, true, 0);
    expect_state(path, HEADER SENT("@1700025200000 /30") SENT("1699999920+2 1700025180+1") END);
    load(ledger, path, 0);
    assert_true(cemm_ledger_cadence(power(ledger), &seconds));
    expect_int("after hours without a sample", seconds, 30);
    append(path, SENT("/300"));
    load(ledger, path, 0);
    assert_true(cemm_ledger_cadence(power(ledger), &seconds));
    expect_int("a later line replaces it", seconds, 300);
    cemm_ledger_free(ledger);
}

/* A file with too many sinks was not written by us, so it is refused. */
static void test_sinks(void **state)
{
    char text[8000] = HEADER END;
    struct cemm_ledger *ledger = begin(HOUR);
    size_t length = strlen(text);

    (void)state;
    for (int i = 1; i < CEMM_SINKS_MAX; i++)
        length +=
            (size_t)snprintf(text + length, sizeof(text) - length, "csv/%d" LINE("1699999500"), i);
    load(ledger, scratch_text("state", text, 0600), 0);
    (void)snprintf(text + length, sizeof(text) - length, "csv" LINE("1699999500"));
    load(ledger, scratch_text("state", text, 0600), -EBADMSG);
    cemm_ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test_setup_teardown(test_file, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_append, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_save, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_too_many_lines, scratch_setup, scratch_teardown),
        cmocka_unit_test(test_text),
        cmocka_unit_test_setup_teardown(test_damage, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_cut, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_unusable, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_links, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_cadence, scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_sinks, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
