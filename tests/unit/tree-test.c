/*
 * Tests the tree of the mount: which names exist, what each name means, and that
 * every listed name can be looked up and gives the same name again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fs/tree.h"

#define NOW 1711897200 /* 2024-03-31T17:00:00+02:00, the day on which clocks change */

#define UID   "00-1E-C0-85-96-CC"
#define METER UID "/p1"
#define DAY   METER "/data/day"
#define MONTH METER "/data/month"
#define YEAR  METER "/data/year"
#define TOTAL METER "/totals"

struct fixture {
    struct cemm_zone *zone;
    struct tree_clock clock;
};

/* In this order: a meter about which we know only that it is in the cloud, one whose data begins in
 * November, one whose first day is known only from some of its sources, and one that is only on the
 * LAN. */
static const struct tree_meter unknown = {.totals = true};
static const struct tree_meter known = {true, true, true, {CEMM_DAY, 2022, 11, 15}};
static const struct tree_meter partly = {true, true, false, {CEMM_DAY, 2022, 11, 15}};
static const struct tree_meter local = {false, true, true, {CEMM_DAY, 2022, 11, 15}};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.zone = cemm_zone_new("Europe/Amsterdam");
    fixture.clock = (struct tree_clock){.zone = fixture.zone, .now = NOW};
    *state = &fixture;
    return fixture.zone ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    cemm_zone_free(fixture->zone);
    return 0;
}

/* Follows a path from the root. Returns false if a name in it does not exist. */
static bool walk_as(const struct tree_meter *meter, const struct tree_clock *clock,
                    const char *text, struct path *ret_path)
{
    char copy[256];
    char *rest = copy;
    char *name;

    *ret_path = tree_root;
    assert_true((size_t)snprintf(copy, sizeof(copy), "%s", text) < sizeof(copy));
    while ((name = strsep(&rest, "/"))) {
        if (*name != '\0' && !tree_child(ret_path, name, clock, meter, ret_path))
            return false;
    }
    return true;
}

static bool walk(const struct tree_clock *clock, const char *text, struct path *ret_path)
{
    return walk_as(&unknown, clock, text, ret_path);
}

static const struct {
    const char *text;
    enum path_kind kind;
    enum tree_type type;
} names[] = {
    {"", PATH_ROOT, TREE_DIRECTORY},
    {"status", PATH_STATUS, TREE_FILE},
    {"status.json", PATH_STATUS_JSON, TREE_FILE},
    {UID "/info.json", PATH_DEVICE_INFO, TREE_FILE},
    {UID "/io.json", PATH_IO, TREE_FILE},
    {UID "/io.csv", PATH_IO, TREE_FILE},
    {METER "/info.json", PATH_METER_INFO, TREE_FILE},
    {UID, PATH_DEVICE, TREE_DIRECTORY},
    {"00-1e-c0-85-96-cc", PATH_DEVICE_LINK, TREE_LINK},
    {"00:1E:C0:85:96:CC", PATH_DEVICE_LINK, TREE_LINK},
    {METER, PATH_METER, TREE_DIRECTORY},
    {UID "/p1-gas", PATH_METER, TREE_DIRECTORY},
    {METER "/realtime.json", PATH_REALTIME, TREE_FILE},
    {METER "/realtime.csv", PATH_REALTIME, TREE_FILE},
    {METER "/realtime", PATH_CHANNELS, TREE_DIRECTORY},
    {METER "/realtime/electric_power", PATH_CHANNEL, TREE_FILE},
    {METER "/realtime/something.new", PATH_CHANNEL, TREE_FILE},
    {METER "/data", PATH_DATA, TREE_DIRECTORY},
    {DAY, PATH_HISTORY, TREE_DIRECTORY},
    {DAY "/2010", PATH_YEAR, TREE_DIRECTORY},
    {DAY "/2024", PATH_YEAR, TREE_DIRECTORY},
    {DAY "/2024/03", PATH_MONTH, TREE_DIRECTORY},
    {DAY "/2023/12", PATH_MONTH, TREE_DIRECTORY},
    {DAY "/2024/03/2024-03-31.csv", PATH_PERIOD, TREE_FILE},
    {DAY "/2024/03/2024-03-01.json", PATH_PERIOD, TREE_FILE},
    {DAY "/2024/02/2024-02-29.json", PATH_PERIOD, TREE_FILE},
    {DAY "/2010/01/2010-01-01.csv", PATH_PERIOD, TREE_FILE},
    {DAY "/2024-03-31.csv", PATH_PERIOD_LINK, TREE_LINK},
    {DAY "/2010-01-01.json", PATH_PERIOD_LINK, TREE_LINK},
    {DAY "/today.csv", PATH_RECENT_LINK, TREE_LINK},
    {DAY "/today.json", PATH_RECENT_LINK, TREE_LINK},
    {DAY "/yesterday.csv", PATH_RECENT_LINK, TREE_LINK},
    {DAY "/yesterday.json", PATH_RECENT_LINK, TREE_LINK},
    {MONTH, PATH_HISTORY, TREE_DIRECTORY},
    {MONTH "/2024", PATH_YEAR, TREE_DIRECTORY},
    {MONTH "/2024/2024-03.json", PATH_PERIOD, TREE_FILE},
    {MONTH "/2024/2024-03.csv", PATH_PERIOD, TREE_FILE},
    {MONTH "/2010/2010-01.csv", PATH_PERIOD, TREE_FILE},
    {MONTH "/2024-03.csv", PATH_PERIOD_LINK, TREE_LINK},
    {MONTH "/this-month.json", PATH_RECENT_LINK, TREE_LINK},
    {MONTH "/this-month.csv", PATH_RECENT_LINK, TREE_LINK},
    {YEAR, PATH_HISTORY, TREE_DIRECTORY},
    {YEAR "/2024.json", PATH_PERIOD, TREE_FILE},
    {YEAR "/2010.csv", PATH_PERIOD, TREE_FILE},
    {YEAR "/this-year.json", PATH_RECENT_LINK, TREE_LINK},
    {YEAR "/this-year.csv", PATH_RECENT_LINK, TREE_LINK},
    {TOTAL, PATH_HISTORY, TREE_DIRECTORY},
    {TOTAL "/2024", PATH_YEAR, TREE_DIRECTORY},
    {TOTAL "/2024/03", PATH_MONTH, TREE_DIRECTORY},
    {TOTAL "/2024/03/2024-03-31.json", PATH_PERIOD, TREE_FILE},
    {TOTAL "/2024/03/2024-03-31.csv", PATH_PERIOD, TREE_FILE},
    {TOTAL "/2024-03-31.csv", PATH_PERIOD_LINK, TREE_LINK},
    {TOTAL "/today.json", PATH_RECENT_LINK, TREE_LINK},
    {TOTAL "/today.csv", PATH_RECENT_LINK, TREE_LINK},
};

static void test_names(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct path path;

        if (!walk(&fixture->clock, names[i].text, &path) || path.kind != names[i].kind ||
            tree_type(&path) != names[i].type)
            fail_msg("%s", names[i].text);
    }
}

static const char *const refused[] = {"Status",
                                      "status.txt",
                                      ".Trash",
                                      "00-1E-C0-85-96",
                                      "00-1E-C0-85-96-CC-01",
                                      "00-1E-C0-85-96-CG",
                                      "status/x",
                                      UID "/..",
                                      UID "/.",
                                      UID "/p 1",
                                      METER "/realtime.xml",
                                      METER "/realtime.json/x",
                                      METER "/realtime/a b",
                                      METER "/realtime/..",
                                      METER "/data/week",
                                      METER "/data/day.csv",
                                      DAY "/2009",
                                      DAY "/2025",
                                      DAY "/24",
                                      DAY "/02024",
                                      DAY "/+024",
                                      DAY "/2024/00",
                                      DAY "/2024/04",
                                      DAY "/2024/13",
                                      DAY "/2024/3",
                                      DAY "/2024/03/2024-04-01.csv",
                                      DAY "/2024/03/2024-02-29.csv",
                                      DAY "/2024/02/2024-02-30.csv",
                                      DAY "/2024/03/2024-03-31",
                                      DAY "/2024/03/2024-03-31.txt",
                                      DAY "/2024/03/2024-03-31.csv.csv",
                                      DAY "/2024/03/2024-3-31.csv",
                                      DAY "/2024/03/31.csv",
                                      DAY "/2024/03/.csv",
                                      DAY "/2024/03/today.csv",
                                      DAY "/2024-04-01.csv",
                                      DAY "/2009-12-31.csv",
                                      DAY "/2023-02-29.csv",
                                      DAY "/tomorrow.csv",
                                      DAY "/today",
                                      DAY "/this-month.csv",
                                      DAY "/2024-03.csv",
                                      DAY "/2024.csv",
                                      DAY "/2024/2024-03.csv",
                                      MONTH "/2024/03",
                                      MONTH "/2024/2024-04.csv",
                                      MONTH "/2024/2023-03.csv",
                                      MONTH "/2024/2024-3.csv",
                                      MONTH "/2024/2024-03-31.csv",
                                      MONTH "/2024/2024-13.csv",
                                      MONTH "/2024-04.json",
                                      MONTH "/2009-12.json",
                                      MONTH "/2024.csv",
                                      MONTH "/today.csv",
                                      MONTH "/last-month.csv",
                                      YEAR "/2024",
                                      YEAR "/2025.csv",
                                      YEAR "/2009.csv",
                                      YEAR "/2024-03.csv",
                                      YEAR "/02024.csv",
                                      YEAR "/today.csv",
                                      TOTAL "/yesterday.csv",
                                      TOTAL "/2024/2024-03.csv",
                                      TOTAL "/2024/03/2024-04-01.csv",
                                      TOTAL ".json",
                                      METER "/data/totals",
                                      METER "/info.csv",
                                      METER "/io.json"};

static void test_refused(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct path path;

        if (walk(&fixture->clock, refused[i], &path))
            fail_msg("%s", refused[i]);
    }
}

/* The names that exist, and some that do not, if the first day is known. */
static const struct {
    const char *text;
    bool there;
} known_names[] = {
    {DAY "/2021", false},
    {DAY "/2022", true},
    {DAY "/2022/10", false},
    {DAY "/2022/11", true},
    {DAY "/2022/11/2022-11-14.csv", false},
    {DAY "/2022/11/2022-11-15.csv", true},
    {DAY "/2022-11-14.csv", false},
    {DAY "/2022-11-15.json", true},
    {DAY "/2023/01/2023-01-01.csv", true},
    {DAY "/2024/03/2024-03-31.csv", true},
    {DAY "/2024-04-01.csv", false},
    {MONTH "/2021", false},
    {MONTH "/2022/2022-10.csv", false},
    {MONTH "/2022/2022-11.csv", true},
    {MONTH "/2022-11.csv", true},
    {MONTH "/2022-10.csv", false},
    {YEAR "/2021.csv", false},
    {YEAR "/2022.csv", true},
    {TOTAL "/2022/11/2022-11-14.csv", false},
    {TOTAL "/2022/11/2022-11-15.csv", true},
};

static void test_known(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(known_names) / sizeof(known_names[0]); i++) {
        struct path path;

        if (walk_as(&known, &fixture->clock, known_names[i].text, &path) != known_names[i].there)
            fail_msg("%s", known_names[i].text);
        if (strstr(known_names[i].text, "2024-04") == NULL &&
            !walk_as(&partly, &fixture->clock, known_names[i].text, &path))
            fail_msg("%s, although there may be data before the first day", known_names[i].text);
    }
}

/* Without the cloud there are no totals. */
static void test_local(void **state)
{
    struct fixture *fixture = *state;
    struct path path;

    assert_false(walk_as(&local, &fixture->clock, TOTAL, &path));
    assert_true(walk_as(&local, &fixture->clock, DAY, &path));
}

/* Names of 65 to 255 characters: no name in the mount is that long. */
static void test_long_names(void **state)
{
    struct fixture *fixture = *state;
    static const char *const directories[] = {"", UID, METER "/realtime", DAY, DAY "/2024/03"};
    char name[256];

    memset(name, '2', sizeof(name) - 1);
    for (size_t length = CEMM_NAME_SIZE; length < sizeof(name); length++) {
        name[sizeof(name) - 1] = '\0';
        for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
            struct path directory, path;

            assert_true(walk(&fixture->clock, directories[i], &directory));
            assert_false(tree_child(&directory, name + sizeof(name) - 1 - length, &fixture->clock,
                                    &unknown, &path));
        }
    }
}

static const struct {
    const char *text;
    int64_t now;
    const char *target;
} links[] = {
    {DAY "/today.csv", NOW, "2024/03/2024-03-31.csv"},
    {DAY "/yesterday.json", NOW, "2024/03/2024-03-30.json"},
    {DAY "/today.csv", 1711839600, "2024/03/2024-03-31.csv"},     /* 00:00:00+01:00 */
    {DAY "/today.csv", 1711839599, "2024/03/2024-03-30.csv"},     /* 23:59:59+01:00 */
    {DAY "/today.csv", 1711922399, "2024/03/2024-03-31.csv"},     /* 23:59:59+02:00 */
    {DAY "/today.csv", 1711922400, "2024/04/2024-04-01.csv"},     /* 00:00:00+02:00 */
    {DAY "/yesterday.csv", 1704067200, "2023/12/2023-12-31.csv"}, /* 2024-01-01 01:00 */
    {DAY "/2024-02-29.csv", NOW, "2024/02/2024-02-29.csv"},
    {"00:1e:c0:85:96:cc", NOW, UID},
    {MONTH "/this-month.csv", NOW, "2024/2024-03.csv"},
    {MONTH "/this-month.json", 1711922400, "2024/2024-04.json"},
    {MONTH "/2023-12.csv", NOW, "2023/2023-12.csv"},
    {YEAR "/this-year.csv", NOW, "2024.csv"},
    {YEAR "/this-year.json", 1704063600, "2024.json"}, /* 2024-01-01 00:00 */
    {YEAR "/this-year.json", 1704063599, "2023.json"},
    {TOTAL "/today.csv", NOW, "2024/03/2024-03-31.csv"},
    {TOTAL "/2024-02-29.json", NOW, "2024/02/2024-02-29.json"},
};

static void test_links(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        struct tree_clock clock = {.zone = fixture->zone, .now = links[i].now};
        struct path path, target, again;

        assert_true(walk(&clock, links[i].text, &path));
        assert_string_equal(tree_target(&path, &clock, 0, &target), links[i].target);
        /* The target of the link exists. */
        assert_true(walk(&clock, target.text, &again));
        assert_string_equal(target.text, again.text);
        assert_int_equal(target.kind, again.kind);
        assert_int_equal(target.format, again.format);
        assert_int_equal(target.query.endpoint, again.query.endpoint);
        assert_int_equal(target.span, again.span);
        assert_int_equal(target.ago, again.ago);
        assert_string_equal(target.query.uid.text, again.query.uid.text);
        assert_string_equal(target.query.alias, again.query.alias);
        assert_int_equal(cemm_period_compare(&target.query.period, &again.query.period), 0);
        assert_int_equal(tree_type(&target),
                         path.kind == PATH_DEVICE_LINK ? TREE_DIRECTORY : TREE_FILE);
    }
}

/* A path has a name and a parent, and looking up the name in the parent gives the path again. */
static void test_back(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *slash = strrchr(names[i].text, '/');
        const char *last = slash ? slash + 1 : names[i].text;
        struct path path, above, parent, again;

        assert_true(walk(&fixture->clock, names[i].text, &path));
        assert_string_equal(path.text, names[i].text);
        assert_string_equal(tree_name(&path), last);
        above = path;
        assert_true(tree_cut(above.text));
        assert_true(walk(&fixture->clock, above.text, &parent));
        assert_string_equal(above.text, parent.text);
        assert_true(tree_child(&parent, last, &fixture->clock, &unknown, &again));
        assert_string_equal(path.text, again.text);
        assert_true(tree_cause(&path) == tree_cause(&again));
    }
    struct path root = tree_root;
    assert_false(tree_cut(root.text));
}

/* The twin of a period's file has the other extension, and its own twin is the first file. */
static void test_twins(void **state)
{
    struct fixture *fixture = *state;
    static const char *const pairs[][2] = {
        {DAY "/2024/03/2024-03-01.csv", DAY "/2024/03/2024-03-01.json"},
        {MONTH "/2024/2024-02.csv", MONTH "/2024/2024-02.json"},
        {YEAR "/2023.csv", YEAR "/2023.json"},
        {TOTAL "/2024/03/2024-03-01.csv", TOTAL "/2024/03/2024-03-01.json"},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct path path;

        assert_true(walk(&fixture->clock, pairs[i][0], &path));
        struct path twin = tree_twin(&path);
        assert_string_equal(twin.text, pairs[i][1]);
        assert_int_equal(twin.format, CEMM_FORMAT_JSON);
        assert_string_equal(tree_twin(&twin).text, pairs[i][0]);
    }
}

/* `st_ino` depends on the hash: FNV-1a with 64 bits, checked with its authors' test vectors. */
static void test_hash(void **state)
{
    (void)state;
    assert_true(cemm_hash(CEMM_HASH, "", 0) == 0xcbf29ce484222325);
    assert_true(cemm_hash(CEMM_HASH, "a", 1) == 0xaf63dc4c8601ec8c);
    assert_true(cemm_hash(CEMM_HASH, "foobar", 6) == 0x85944171f73967e8);
}

struct seen {
    const struct path *directory;
    const struct tree_clock *clock;
    const struct tree_meter *meter;
    char text[8192];
    size_t count;
};

static int see(void *data, const struct path *listed)
{
    struct seen *seen = data;
    const char *name = tree_name(listed);
    struct path path;

    assert_true(tree_child(seen->directory, name, seen->clock, seen->meter, &path));
    assert_string_equal(path.text, listed->text);
    assert_int_equal(path.kind, listed->kind);
    assert_int_equal(path.format, listed->format);
    assert_int_equal(path.ago, listed->ago);
    assert_int_equal(path.span, listed->span);
    assert_int_equal(path.query.endpoint, listed->query.endpoint);
    assert_int_equal(cemm_period_compare(&path.query.period, &listed->query.period), 0);
    assert_true(strlen(seen->text) + strlen(name) + 2 < sizeof(seen->text));
    strcat(strcat(seen->text, name), " ");
    seen->count++;
    return 0;
}

static const struct {
    const struct tree_meter *meter;
    const char *text;
    size_t count;
    const char *names; /* NULL: not compared */
} listings[] = {
    {&unknown, "", 2, "status status.json "},
    {&unknown, UID, 3, "info.json io.json io.csv "},
    {&unknown, METER, 6, "info.json realtime.json realtime.csv realtime data totals "},
    {&local, METER, 5, "info.json realtime.json realtime.csv realtime data "},
    {&unknown, METER "/realtime", 0, ""},
    {&unknown, METER "/data", 3, "day month year "},
    {&unknown, DAY, 4, "today.json today.csv yesterday.json yesterday.csv "},
    {&unknown, DAY "/2023", 0, ""},
    {&unknown, DAY "/2023/02", 0, ""},
    {&known, DAY, 7, "today.json today.csv yesterday.json yesterday.csv 2022 2023 2024 "},
    {&partly, DAY, 7, "today.json today.csv yesterday.json yesterday.csv 2022 2023 2024 "},
    {&known, DAY "/2024", 3, "01 02 03 "},
    {&known, DAY "/2023", 12, "01 02 03 04 05 06 07 08 09 10 11 12 "},
    {&known, DAY "/2022", 2, "11 12 "},
    {&known, DAY "/2024/02", 58, NULL},
    {&known, DAY "/2023/02", 56, NULL},
    {&known, DAY "/2024/03", 62, NULL},
    {&known, DAY "/2023/12", 62, NULL},
    {&known, DAY "/2022/11", 32, NULL},
    {&known, MONTH, 5, "this-month.json this-month.csv 2022 2023 2024 "},
    {&known, MONTH "/2022", 4, "2022-11.json 2022-11.csv 2022-12.json 2022-12.csv "},
    {&known, MONTH "/2023", 24, NULL},
    {&known, MONTH "/2024", 6, NULL},
    {&known, YEAR, 8,
     "this-year.json this-year.csv 2022.json 2022.csv 2023.json 2023.csv 2024.json 2024.csv "},
    {&known, TOTAL, 5, "today.json today.csv 2022 2023 2024 "},
    {&known, TOTAL "/2022", 2, "11 12 "},
    {&known, TOTAL "/2022/11", 32, NULL},
    {&known, TOTAL "/2024/03", 62, NULL},
};

static void test_listings(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++) {
        const struct tree_meter *meter = listings[i].meter;
        struct path path;
        struct seen seen = {.directory = &path, .clock = &fixture->clock, .meter = meter};

        assert_true(walk(&fixture->clock, listings[i].text, &path));
        assert_int_equal(tree_list(&path, &fixture->clock, meter, see, &seen), 0);
        if (seen.count != listings[i].count)
            fail_msg("%s: %zu names", listings[i].text, seen.count);
        if (listings[i].names)
            assert_string_equal(seen.text, listings[i].names);
    }
}

/* On the 15th, the listing of the month ends with the 15th. */
static void test_listing_of_now(void **state)
{
    struct fixture *fixture = *state;
    struct tree_clock clock = {.zone = fixture->zone, .now = NOW - 16 * 86400};
    struct path path;
    struct seen seen = {.directory = &path, .clock = &clock, .meter = &known};

    assert_true(walk(&clock, DAY "/2024/03", &path));
    assert_int_equal(tree_list(&path, &clock, &known, see, &seen), 0);
    assert_int_equal(seen.count, 30);
    assert_non_null(strstr(seen.text, "2024-03-15.csv"));
    assert_null(strstr(seen.text, "2024-03-16.csv"));
}

static int stop(void *data, const struct path *path)
{
    (void)path;
    return ++*(int *)data == 3 ? -7 : 0;
}

static void test_listing_ends_early(void **state)
{
    struct fixture *fixture = *state;
    struct path path;
    int count = 0;

    assert_true(walk(&fixture->clock, DAY "/2024/03", &path));
    assert_int_equal(tree_list(&path, &fixture->clock, &known, stop, &count), -7);
    assert_int_equal(count, 3);
}

static const struct {
    const char *text;
    enum cemm_endpoint endpoint;
    const char *alias;
    struct cemm_period period; /* only for history */
} queries[] = {
    {METER, CEMM_REALTIME, "p1", {0}},
    {METER "/realtime/t1", CEMM_REALTIME, "p1", {0}},
    {METER "/info.json", CEMM_INFO, "p1", {0}},
    {UID "/info.json", CEMM_ROOT, "", {0}},
    {UID "/io.csv", CEMM_IO, "", {0}},
    {DAY "/2024/02/2024-02-29.csv", CEMM_DATA, "p1", {CEMM_DAY, 2024, 2, 29}},
    {MONTH "/2024/2024-02.csv", CEMM_DATA, "p1", {CEMM_MONTH, 2024, 2, 1}},
    {YEAR "/2023.csv", CEMM_DATA, "p1", {CEMM_YEAR, 2023, 1, 1}},
    {TOTAL "/2024/02/2024-02-29.csv", CEMM_TOTALS, "p1", {CEMM_DAY, 2024, 2, 29}},
};

static void test_queries(void **state)
{
    struct fixture *fixture = *state;
    struct path path;

    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        const struct cemm_period *period = &queries[i].period;

        assert_true(walk(&fixture->clock, queries[i].text, &path));
        assert_int_equal(path.query.endpoint, queries[i].endpoint);
        assert_string_equal(path.query.uid.text, UID);
        assert_string_equal(path.query.alias, queries[i].alias);
        assert_int_equal(path.query.period.span, period->span);
        assert_int_equal(cemm_period_compare(&path.query.period, period), 0);
    }
    static const char *const none[] = {"", "status", "status.json", UID, METER "/data"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_true(walk(&fixture->clock, none[i], &path));
        assert_int_equal(path.query.endpoint, CEMM_DEVICES);
    }
}

/* tree_cause() is the same for all files of a document. It is also the same for all directories of
 * periods of a meter. */
static void test_causes(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *a, *b;
        bool same;
    } pairs[] = {
        {METER "/realtime.json", METER "/realtime/t1", true},
        {DAY "/2024/03/2024-03-01.csv", DAY "/2024/03/2024-03-01.json", true},
        {DAY "/2024/03/2024-03-01.csv", DAY "/2024/03/2024-03-02.csv", false},
        {DAY "/2024/03/2024-03-01.csv", TOTAL "/2024/03/2024-03-01.csv", false},
        {DAY "/2024/01/2024-01-01.csv", MONTH "/2024/2024-01.csv", false},
        {YEAR "/2024.csv", MONTH "/2024/2024-01.csv", false},
        {METER "/realtime.json", UID "/p1-gas/realtime.json", false},
        {DAY, MONTH, true},
        {DAY "/2024", TOTAL, true},
        {DAY, UID "/p1-gas/data/day", false},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct path a, b;

        assert_true(walk(&fixture->clock, pairs[i].a, &a));
        assert_true(walk(&fixture->clock, pairs[i].b, &b));
        if ((tree_cause(&a) == tree_cause(&b)) != pairs[i].same)
            fail_msg("%s, %s", pairs[i].a, pairs[i].b);
    }
}

/* A day and a month close a day after their end. */
static void test_closed(void **state)
{
    struct fixture *fixture = *state;
    struct path path;

    assert_true(walk(&fixture->clock, DAY "/2024/03/2024-03-31.csv", &path));
    assert_int_equal(cemm_period_closed(fixture->zone, &path.query.period), 1711922400 + 86400);
    assert_true(walk(&fixture->clock, MONTH "/2024/2024-03.csv", &path));
    assert_int_equal(cemm_period_closed(fixture->zone, &path.query.period), 1711922400 + 86400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_listings),
        cmocka_unit_test(test_listing_of_now),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_listing_ends_early),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_causes),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
