/*
 * The shape of the mount as two tables: the names that are fixed, and, for
 * each directory whose names are data, the function that reads one. A new
 * folder of the mount is a new row.
 *
 * Only one spelling is accepted for each date and device, so that a file has
 * one path; the convenient other spellings are links.
 */
#include "fs/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct place tree_root = {.kind = PLACE_ROOT};

/* ---- the tables --------------------------------------------------------- */

static const struct fixed {
    enum place_kind parent;
    const char *name;
    enum place_kind kind;
    enum cemm_form form;
    int ago;
} fixed_names[] = {
    {PLACE_ROOT, "status", PLACE_STATUS},
    {PLACE_METER, "realtime.json", PLACE_REALTIME, CEMM_FORM_JSON},
    {PLACE_METER, "realtime.csv", PLACE_REALTIME, CEMM_FORM_CSV},
    {PLACE_METER, "realtime", PLACE_CHANNELS},
    {PLACE_METER, "data", PLACE_DATA},
    {PLACE_DATA, "day", PLACE_HISTORY},
    {PLACE_HISTORY, "today.json", PLACE_NEAR_LINK, CEMM_FORM_JSON, 0},
    {PLACE_HISTORY, "today.csv", PLACE_NEAR_LINK, CEMM_FORM_CSV, 0},
    {PLACE_HISTORY, "yesterday.json", PLACE_NEAR_LINK, CEMM_FORM_JSON, 1},
    {PLACE_HISTORY, "yesterday.csv", PLACE_NEAR_LINK, CEMM_FORM_CSV, 1},
};

static const struct suffix {
    const char *text;
    enum cemm_form form;
} suffixes[] = {
    {".json", CEMM_FORM_JSON},
    {".csv", CEMM_FORM_CSV},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct place_facts {
    enum tree_type type;
    enum place_kind parent;
} facts[] = {
    [PLACE_ROOT] = {TREE_DIRECTORY, PLACE_ROOT},
    [PLACE_STATUS] = {TREE_FILE, PLACE_ROOT},
    [PLACE_DEVICE] = {TREE_DIRECTORY, PLACE_ROOT},
    [PLACE_DEVICE_LINK] = {TREE_LINK, PLACE_ROOT},
    [PLACE_METER] = {TREE_DIRECTORY, PLACE_DEVICE},
    [PLACE_REALTIME] = {TREE_FILE, PLACE_METER},
    [PLACE_CHANNELS] = {TREE_DIRECTORY, PLACE_METER},
    [PLACE_CHANNEL] = {TREE_FILE, PLACE_CHANNELS},
    [PLACE_DATA] = {TREE_DIRECTORY, PLACE_METER},
    [PLACE_HISTORY] = {TREE_DIRECTORY, PLACE_DATA},
    [PLACE_YEAR] = {TREE_DIRECTORY, PLACE_HISTORY},
    [PLACE_MONTH] = {TREE_DIRECTORY, PLACE_YEAR},
    [PLACE_PERIOD] = {TREE_FILE, PLACE_MONTH},
    [PLACE_PERIOD_LINK] = {TREE_LINK, PLACE_HISTORY},
    [PLACE_NEAR_LINK] = {TREE_LINK, PLACE_HISTORY},
};

enum tree_type tree_type(const struct place *place)
{
    return facts[place->kind].type;
}

/* ---- texts -------------------------------------------------------------- */

/* Every text in here fits: names are bounded by cemm.h, years by tree_child(). */
__attribute__((format(printf, 3, 4))) static void print(char *text, size_t size, const char *format,
                                                        ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, size, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= size)
        text[0] = '\0';
}

static const char *suffix_of(enum cemm_form form)
{
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        if (suffixes[i].form == form)
            return suffixes[i].text;
    }
    return "";
}

static void copy_text(char *to, size_t size, const char *from)
{
    print(to, size, "%s", from);
}

/* ---- dates -------------------------------------------------------------- */

static struct cemm_period today(const struct tree_clock *clock)
{
    return cemm_period_at(clock->zone, CEMM_DAY, clock->now);
}

/* Whether the year, month or day that `place` stands for has begun, and is not too old. */
static bool in_range(const struct cemm_period *period, const struct tree_clock *clock)
{
    struct cemm_period now = cemm_period_at(clock->zone, period->span, clock->now);

    return period->year >= TREE_FIRST_YEAR && cemm_period_compare(period, &now) <= 0;
}

static bool parse_digits(const char *text, size_t digits, int *ret_number)
{
    int number = 0;

    if (strlen(text) != digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        number = number * 10 + (text[i] - '0');
    }
    *ret_number = number;
    return true;
}

/* "2024-03-31.csv" */
static bool parse_file(const char *name, struct place *place)
{
    char date[TREE_NAME_SIZE];
    size_t length = strlen(name);

    for (size_t i = 0; i < COUNT(suffixes); i++) {
        size_t end = strlen(suffixes[i].text);

        if (length <= end || length >= sizeof(date) ||
            strcmp(name + length - end, suffixes[i].text) != 0)
            continue;
        memcpy(date, name, length - end);
        date[length - end] = '\0';
        place->form = suffixes[i].form;
        return cemm_period_parse(CEMM_DAY, date, &place->period);
    }
    return false;
}

/* ---- name to place ------------------------------------------------------ */

static bool child_of_root(const char *name, const struct tree_clock *clock, struct place *place)
{
    (void)clock;
    if (!cemm_uid_parse(name, &place->uid))
        return false;
    place->kind = strcmp(name, place->uid.text) == 0 ? PLACE_DEVICE : PLACE_DEVICE_LINK;
    return true;
}

static bool child_of_device(const char *name, const struct tree_clock *clock, struct place *place)
{
    (void)clock;
    place->kind = PLACE_METER;
    copy_text(place->alias, sizeof(place->alias), name);
    return cemm_name_valid(name);
}

static bool child_of_channels(const char *name, const struct tree_clock *clock, struct place *place)
{
    (void)clock;
    place->kind = PLACE_CHANNEL;
    copy_text(place->channel, sizeof(place->channel), name);
    return cemm_name_valid(name);
}

static bool child_of_history(const char *name, const struct tree_clock *clock, struct place *place)
{
    if (parse_file(name, place)) {
        place->kind = PLACE_PERIOD_LINK;
        return in_range(&place->period, clock);
    }
    place->kind = PLACE_YEAR;
    place->period = (struct cemm_period){.span = CEMM_YEAR, .month = 1, .day = 1};
    return parse_digits(name, 4, &place->period.year) && in_range(&place->period, clock);
}

static bool child_of_year(const char *name, const struct tree_clock *clock, struct place *place)
{
    place->kind = PLACE_MONTH;
    place->period.span = CEMM_MONTH;
    return parse_digits(name, 2, &place->period.month) && place->period.month >= 1 &&
           place->period.month <= 12 && in_range(&place->period, clock);
}

static bool child_of_month(const char *name, const struct tree_clock *clock, struct place *place)
{
    struct cemm_period month = place->period;

    place->kind = PLACE_PERIOD;
    return parse_file(name, place) && place->period.year == month.year &&
           place->period.month == month.month && in_range(&place->period, clock);
}

typedef bool child_fn(const char *name, const struct tree_clock *clock, struct place *place);

static child_fn *const children[] = {
    [PLACE_ROOT] = child_of_root,
    [PLACE_DEVICE] = child_of_device,
    [PLACE_CHANNELS] = child_of_channels,
    [PLACE_HISTORY] = child_of_history,
    [PLACE_YEAR] = child_of_year,
    [PLACE_MONTH] = child_of_month,
    [PLACE_NEAR_LINK] = NULL, /* the last kind: the table has a row for each */
};

bool tree_child(const struct place *parent, const char *name, const struct tree_clock *clock,
                struct place *ret_place)
{
    struct place place = *parent;

    for (size_t i = 0; i < COUNT(fixed_names); i++) {
        const struct fixed *row = &fixed_names[i];

        if (row->parent != parent->kind || strcmp(row->name, name) != 0)
            continue;
        place.kind = row->kind;
        place.form = row->form;
        place.ago = row->ago;
        *ret_place = place;
        return true;
    }
    if (!children[parent->kind] || !children[parent->kind](name, clock, &place))
        return false;
    *ret_place = place;
    return true;
}

/* ---- place to name ------------------------------------------------------ */

static const char *fixed_name(const struct place *place)
{
    for (size_t i = 0; i < COUNT(fixed_names); i++) {
        const struct fixed *row = &fixed_names[i];

        if (row->kind == place->kind && row->form == place->form && row->ago == place->ago)
            return row->name;
    }
    return "";
}

static void period_name(const struct place *place, char *ret_name, size_t size)
{
    char date[TREE_NAME_SIZE];

    cemm_period_format(&place->period, date, sizeof(date));
    print(ret_name, size, "%.16s%s", date, suffix_of(place->form));
}

void tree_name(const struct place *place, char ret_name[TREE_NAME_SIZE])
{
    switch (place->kind) {
    case PLACE_DEVICE:
    case PLACE_DEVICE_LINK:
        copy_text(ret_name, TREE_NAME_SIZE, place->uid.text);
        break;
    case PLACE_METER:
        copy_text(ret_name, TREE_NAME_SIZE, place->alias);
        break;
    case PLACE_CHANNEL:
        copy_text(ret_name, TREE_NAME_SIZE, place->channel);
        break;
    case PLACE_YEAR:
        print(ret_name, TREE_NAME_SIZE, "%04d", place->period.year);
        break;
    case PLACE_MONTH:
        print(ret_name, TREE_NAME_SIZE, "%02d", place->period.month);
        break;
    case PLACE_PERIOD:
    case PLACE_PERIOD_LINK:
        period_name(place, ret_name, TREE_NAME_SIZE);
        break;
    default:
        copy_text(ret_name, TREE_NAME_SIZE, fixed_name(place));
    }
}

void tree_target(const struct place *place, const struct tree_clock *clock,
                 char ret_target[TREE_LINK_SIZE])
{
    struct place file = *place;
    char name[TREE_NAME_SIZE];

    if (place->kind == PLACE_DEVICE_LINK) {
        copy_text(ret_target, TREE_LINK_SIZE, place->uid.text);
        return;
    }
    if (place->kind == PLACE_NEAR_LINK) {
        struct cemm_period day = today(clock);

        file.period = cemm_period_step(&day, -place->ago);
    }
    period_name(&file, name, sizeof(name));
    print(ret_target, TREE_LINK_SIZE, "%04d/%02d/%.32s", file.period.year, file.period.month, name);
}

/* ---- listings ----------------------------------------------------------- */

/* How many numbers a directory of periods has: days of the month, months of the year. */
static int last_number(const struct place *parent)
{
    struct cemm_period month = parent->period;
    struct cemm_period last;

    if (parent->kind == PLACE_YEAR)
        return 12;
    month.span = CEMM_MONTH;
    month = cemm_period_step(&month, 1);
    last = (struct cemm_period){CEMM_DAY, month.year, month.month, 1};
    last = cemm_period_step(&last, -1);
    return last.day;
}

static int list_months(const struct place *parent, const struct tree_clock *clock,
                       tree_entry_fn *entry, void *data)
{
    struct place place = *parent;
    int result = 0;

    place.kind = PLACE_MONTH;
    place.period.span = CEMM_MONTH;
    for (int i = 1; i <= last_number(parent) && result == 0; i++) {
        char name[TREE_NAME_SIZE];

        place.period.month = i;
        if (!in_range(&place.period, clock))
            break;
        tree_name(&place, name);
        result = entry(data, name, TREE_DIRECTORY);
    }
    return result;
}

static int list_files(const struct place *parent, const struct tree_clock *clock,
                      tree_entry_fn *entry, void *data)
{
    struct place place = *parent;
    int result = 0;

    place.kind = PLACE_PERIOD;
    place.period.span = CEMM_DAY;
    for (int i = 1; i <= last_number(parent) && result == 0; i++) {
        place.period.day = i;
        if (!in_range(&place.period, clock))
            break;
        for (size_t j = 0; j < COUNT(suffixes) && result == 0; j++) {
            char name[TREE_NAME_SIZE];

            place.form = suffixes[j].form;
            tree_name(&place, name);
            result = entry(data, name, TREE_FILE);
        }
    }
    return result;
}

/* The year that is now; any other can be opened by name. */
static int list_years(const struct place *parent, const struct tree_clock *clock,
                      tree_entry_fn *entry, void *data)
{
    struct place place = *parent;
    char name[TREE_NAME_SIZE];

    place.kind = PLACE_YEAR;
    place.period = today(clock);
    tree_name(&place, name);
    return entry(data, name, TREE_DIRECTORY);
}

int tree_list(const struct place *parent, const struct tree_clock *clock, tree_entry_fn *entry,
              void *data)
{
    int result = 0;

    for (size_t i = 0; i < COUNT(fixed_names) && result == 0; i++) {
        if (fixed_names[i].parent == parent->kind)
            result = entry(data, fixed_names[i].name, facts[fixed_names[i].kind].type);
    }
    if (result != 0)
        return result;
    switch (parent->kind) {
    case PLACE_HISTORY:
        return list_years(parent, clock, entry, data);
    case PLACE_YEAR:
        return list_months(parent, clock, entry, data);
    case PLACE_MONTH:
        return list_files(parent, clock, entry, data);
    default:
        return 0;
    }
}

/* ---- what a place needs ------------------------------------------------- */

bool tree_query(const struct place *place, struct cemm_query *ret_query)
{
    struct cemm_query query = {.uid = place->uid};

    switch (place->kind) {
    case PLACE_METER:
    case PLACE_REALTIME:
    case PLACE_CHANNELS:
    case PLACE_CHANNEL:
        query.endpoint = CEMM_REALTIME;
        break;
    case PLACE_PERIOD:
        query.endpoint = CEMM_DATA;
        query.period = place->period;
        break;
    default:
        return false;
    }
    copy_text(query.alias, sizeof(query.alias), place->alias);
    *ret_query = query;
    return true;
}

int64_t tree_closed_at(const struct place *place, const struct cemm_zone *zone)
{
    if (place->kind != PLACE_PERIOD)
        return INT64_MAX;
    return cemm_period_end(zone, &place->period) + TREE_CLOSED;
}

bool tree_parent(const struct place *place, struct place *ret_parent)
{
    struct place parent = *place;

    if (place->kind == PLACE_ROOT)
        return false;
    parent.kind = facts[place->kind].parent;
    switch (parent.kind) {
    case PLACE_ROOT:
        parent = tree_root;
        break;
    case PLACE_DEVICE:
        parent.alias[0] = '\0';
        break;
    default:
        break;
    }
    parent.form = CEMM_FORM_JSON;
    parent.ago = 0;
    parent.channel[0] = '\0';
    if (parent.kind == PLACE_YEAR) {
        parent.period = (struct cemm_period){CEMM_YEAR, place->period.year, 1, 1};
    } else if (parent.kind == PLACE_MONTH) {
        parent.period.span = CEMM_MONTH;
        parent.period.day = 1;
    } else {
        parent.period = (struct cemm_period){.span = CEMM_DAY};
    }
    *ret_parent = parent;
    return true;
}

/* ---- places as keys ----------------------------------------------------- */

bool tree_same(const struct place *a, const struct place *b)
{
    return a->kind == b->kind && a->form == b->form && a->ago == b->ago &&
           strcmp(a->uid.text, b->uid.text) == 0 && strcmp(a->alias, b->alias) == 0 &&
           strcmp(a->channel, b->channel) == 0 && a->period.span == b->period.span &&
           a->period.year == b->period.year && a->period.month == b->period.month &&
           a->period.day == b->period.day;
}

/* FNV-1a */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

uint64_t tree_hash(const struct place *place)
{
    const int numbers[] = {(int)place->kind,   (int)place->form,    place->ago,
                           place->period.year, place->period.month, place->period.day};
    uint64_t hash = 0xcbf29ce484222325u;

    hash = hash_bytes(hash, place->uid.text, strlen(place->uid.text) + 1);
    hash = hash_bytes(hash, place->alias, strlen(place->alias) + 1);
    hash = hash_bytes(hash, place->channel, strlen(place->channel) + 1);
    return hash_bytes(hash, numbers, sizeof(numbers));
}
