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

/* `history` is the one that the name leads into, or, in PLACE_HISTORY, the one that has it. */
static const struct fixed {
    enum place_kind parent;
    const char *name;
    enum place_kind kind;
    enum cemm_form form;
    enum tree_history history;
    int ago;
} fixed_names[] = {
    {PLACE_ROOT, "status", PLACE_STATUS, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PLACE_ROOT, "status.json", PLACE_STATUS_JSON, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PLACE_DEVICE, "info.json", PLACE_DEVICE_INFO, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PLACE_DEVICE, "io.json", PLACE_IO, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PLACE_DEVICE, "io.csv", PLACE_IO, CEMM_FORM_CSV, HISTORY_NONE, 0},
    {PLACE_METER, "info.json", PLACE_INFO, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PLACE_METER, "realtime.json", PLACE_REALTIME, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PLACE_METER, "realtime.csv", PLACE_REALTIME, CEMM_FORM_CSV, HISTORY_NONE, 0},
    {PLACE_METER, "realtime", PLACE_CHANNELS, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PLACE_METER, "data", PLACE_DATA, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PLACE_METER, "totals", PLACE_HISTORY, CEMM_FORM_JSON, HISTORY_TOTALS, 0},
    {PLACE_DATA, "day", PLACE_HISTORY, CEMM_FORM_JSON, HISTORY_DAYS, 0},
    {PLACE_DATA, "month", PLACE_HISTORY, CEMM_FORM_JSON, HISTORY_MONTHS, 0},
    {PLACE_DATA, "year", PLACE_HISTORY, CEMM_FORM_JSON, HISTORY_YEARS, 0},
    {PLACE_HISTORY, "today.json", PLACE_NEAR_LINK, CEMM_FORM_JSON, HISTORY_DAYS, 0},
    {PLACE_HISTORY, "today.csv", PLACE_NEAR_LINK, CEMM_FORM_CSV, HISTORY_DAYS, 0},
    {PLACE_HISTORY, "yesterday.json", PLACE_NEAR_LINK, CEMM_FORM_JSON, HISTORY_DAYS, 1},
    {PLACE_HISTORY, "yesterday.csv", PLACE_NEAR_LINK, CEMM_FORM_CSV, HISTORY_DAYS, 1},
    {PLACE_HISTORY, "this-month.json", PLACE_NEAR_LINK, CEMM_FORM_JSON, HISTORY_MONTHS, 0},
    {PLACE_HISTORY, "this-month.csv", PLACE_NEAR_LINK, CEMM_FORM_CSV, HISTORY_MONTHS, 0},
    {PLACE_HISTORY, "this-year.json", PLACE_NEAR_LINK, CEMM_FORM_JSON, HISTORY_YEARS, 0},
    {PLACE_HISTORY, "this-year.csv", PLACE_NEAR_LINK, CEMM_FORM_CSV, HISTORY_YEARS, 0},
    {PLACE_HISTORY, "today.json", PLACE_NEAR_LINK, CEMM_FORM_JSON, HISTORY_TOTALS, 0},
    {PLACE_HISTORY, "today.csv", PLACE_NEAR_LINK, CEMM_FORM_CSV, HISTORY_TOTALS, 0},
};

/* What the files of each folder of periods are. */
static const struct history {
    enum cemm_endpoint endpoint;
    enum cemm_span span;
} histories[] = {
    [HISTORY_DAYS] = {CEMM_DATA, CEMM_DAY},
    [HISTORY_MONTHS] = {CEMM_DATA, CEMM_MONTH},
    [HISTORY_YEARS] = {CEMM_DATA, CEMM_YEAR},
    [HISTORY_TOTALS] = {CEMM_TOTALS, CEMM_DAY},
};

/* In which kind of directory the files of a span lie. */
static const enum place_kind holders[] = {
    [CEMM_DAY] = PLACE_MONTH,
    [CEMM_MONTH] = PLACE_YEAR,
    [CEMM_YEAR] = PLACE_HISTORY,
};

static const struct suffix {
    const char *text;
    enum cemm_form form;
} suffixes[] = {
    {".json", CEMM_FORM_JSON},
    {".csv", CEMM_FORM_CSV},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The parents of HISTORY and PERIOD depend on the history; see parent_kind(). */
static const struct place_facts {
    enum tree_type type;
    enum place_kind parent;
} facts[] = {
    [PLACE_ROOT] = {TREE_DIRECTORY, PLACE_ROOT},
    [PLACE_STATUS] = {TREE_FILE, PLACE_ROOT},
    [PLACE_STATUS_JSON] = {TREE_FILE, PLACE_ROOT},
    [PLACE_DEVICE] = {TREE_DIRECTORY, PLACE_ROOT},
    [PLACE_DEVICE_LINK] = {TREE_LINK, PLACE_ROOT},
    [PLACE_DEVICE_INFO] = {TREE_FILE, PLACE_DEVICE},
    [PLACE_IO] = {TREE_FILE, PLACE_DEVICE},
    [PLACE_METER] = {TREE_DIRECTORY, PLACE_DEVICE},
    [PLACE_INFO] = {TREE_FILE, PLACE_METER},
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
    va_start(arguments, format);
    int length = vsnprintf(text, size, format, arguments);
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

static enum cemm_span span_of(const struct place *place)
{
    return histories[place->history].span;
}

static struct cemm_period current(const struct tree_clock *clock, enum cemm_span span)
{
    return cemm_period_at(clock->zone, span, clock->now);
}

static bool has_begun(const struct cemm_period *period, const struct tree_clock *clock)
{
    struct cemm_period now = current(clock, period->span);
    return cemm_period_compare(period, &now) <= 0;
}

/* Whether a period lies before the one that holds the first data that were found. */
static bool is_before_data(const struct cemm_period *period, const struct tree_meter *meter)
{
    struct cemm_period first = meter->first;
    first.span = period->span;
    first.month = period->span == CEMM_YEAR ? 1 : first.month;
    first.day = period->span == CEMM_DAY ? first.day : 1;
    return cemm_period_compare(period, &first) < 0;
}

/* Whether that can be: then its name does not exist. */
static bool is_too_old(const struct cemm_period *period, const struct tree_meter *meter)
{
    return period->year < CEMM_YEAR_FIRST || (meter->known && is_before_data(period, meter));
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

/* "2024-03-31.csv", "2024-03.csv", "2024.csv" */
static bool parse_file(const char *name, enum cemm_span span, struct place *place)
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
        return cemm_period_parse(span, date, &place->period);
    }
    return false;
}

/* ---- name to place ------------------------------------------------------ */

static bool child_of_root(const char *name, struct place *place)
{
    if (!cemm_uid_parse(name, &place->uid))
        return false;
    place->kind = strcmp(name, place->uid.text) == 0 ? PLACE_DEVICE : PLACE_DEVICE_LINK;
    return true;
}

static bool child_of_device(const char *name, struct place *place)
{
    place->kind = PLACE_METER;
    copy_text(place->alias, sizeof(place->alias), name);
    return cemm_name_valid(name);
}

static bool child_of_channels(const char *name, struct place *place)
{
    place->kind = PLACE_CHANNEL;
    copy_text(place->channel, sizeof(place->channel), name);
    return cemm_name_valid(name);
}

static bool child_of_history(const char *name, struct place *place)
{
    enum cemm_span span = span_of(place);
    if (parse_file(name, span, place)) {
        place->kind = span == CEMM_YEAR ? PLACE_PERIOD : PLACE_PERIOD_LINK;
        return true;
    }
    place->kind = PLACE_YEAR;
    place->period = (struct cemm_period){.span = CEMM_YEAR, .month = 1, .day = 1};
    return span != CEMM_YEAR && parse_digits(name, 4, &place->period.year);
}

static bool child_of_year(const char *name, struct place *place)
{
    int year = place->period.year;
    if (span_of(place) == CEMM_MONTH) {
        place->kind = PLACE_PERIOD;
        return parse_file(name, CEMM_MONTH, place) && place->period.year == year;
    }
    place->kind = PLACE_MONTH;
    place->period.span = CEMM_MONTH;
    return parse_digits(name, 2, &place->period.month) && place->period.month >= 1 &&
           place->period.month <= 12;
}

static bool child_of_month(const char *name, struct place *place)
{
    struct cemm_period month = place->period;
    place->kind = PLACE_PERIOD;
    return parse_file(name, CEMM_DAY, place) && place->period.year == month.year &&
           place->period.month == month.month;
}

/* Reads a name that is data; `place` is the parent before and the child afterwards. */
typedef bool child_fn(const char *name, struct place *place);

static child_fn *const children[] = {
    [PLACE_ROOT] = child_of_root,
    [PLACE_DEVICE] = child_of_device,
    [PLACE_CHANNELS] = child_of_channels,
    [PLACE_HISTORY] = child_of_history,
    [PLACE_YEAR] = child_of_year,
    [PLACE_MONTH] = child_of_month,
    [PLACE_NEAR_LINK] = NULL, /* the last kind: the table has a row for each */
};

/* Whether this row of the table belongs into this directory. */
static bool is_fixed_in(const struct fixed *row, const struct place *parent,
                        const struct tree_meter *meter)
{
    if (row->parent != parent->kind)
        return false;
    if (parent->kind == PLACE_HISTORY)
        return row->history == parent->history;
    return row->history != HISTORY_TOTALS || meter->totals;
}

bool tree_child(const struct place *parent, const char *name, const struct tree_clock *clock,
                const struct tree_meter *meter, struct place *ret_place)
{
    bool periods = tree_holds_periods(parent);
    struct place place = *parent;
    for (size_t i = 0; i < COUNT(fixed_names); i++) {
        const struct fixed *row = &fixed_names[i];
        if (!is_fixed_in(row, parent, meter) || strcmp(row->name, name) != 0)
            continue;
        place.kind = row->kind;
        place.form = row->form;
        place.history = row->history;
        place.ago = row->ago;
        *ret_place = place;
        return true;
    }
    if (!children[parent->kind] || !children[parent->kind](name, &place))
        return false;
    if (periods && (!has_begun(&place.period, clock) || is_too_old(&place.period, meter)))
        return false;
    *ret_place = place;
    return true;
}

/* ---- place to name ------------------------------------------------------ */

static const char *fixed_name(const struct place *place)
{
    for (size_t i = 0; i < COUNT(fixed_names); i++) {
        const struct fixed *row = &fixed_names[i];
        if (row->kind == place->kind && row->form == place->form &&
            row->history == place->history && row->ago == place->ago)
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
        struct cemm_period now = current(clock, span_of(place));
        file.period = cemm_period_step(&now, -place->ago);
    }
    period_name(&file, name, sizeof(name));
    switch (span_of(place)) {
    case CEMM_DAY:
        print(ret_target, TREE_LINK_SIZE, "%04d/%02d/%.32s", file.period.year, file.period.month,
              name);
        break;
    case CEMM_MONTH:
        print(ret_target, TREE_LINK_SIZE, "%04d/%.32s", file.period.year, name);
        break;
    case CEMM_YEAR:
        print(ret_target, TREE_LINK_SIZE, "%.32s", name);
        break;
    }
}

/* ---- listings ----------------------------------------------------------- */

bool tree_holds_periods(const struct place *place)
{
    return place->kind == PLACE_HISTORY || place->kind == PLACE_YEAR || place->kind == PLACE_MONTH;
}

/* The first period that may be listed in a directory; its span is that of the directory's names. */
static struct cemm_period first_of(const struct place *parent, const struct tree_meter *meter)
{
    struct cemm_period period = {CEMM_YEAR, meter->first.year, 1, 1};
    if (parent->kind == PLACE_HISTORY)
        return period;
    period = parent->period;
    period.span = parent->kind == PLACE_YEAR ? CEMM_MONTH : CEMM_DAY;
    return period;
}

/* Whether a period still lies in the directory where it was counted up from the first. */
static bool is_within(const struct place *parent, const struct cemm_period *period)
{
    return parent->kind == PLACE_HISTORY ||
           (period->year == parent->period.year &&
            (parent->kind == PLACE_YEAR || period->month == parent->period.month));
}

static int list_period(struct place *place, tree_entry_fn *entry, void *data)
{
    bool directory = place->period.span != span_of(place);
    char name[TREE_NAME_SIZE];
    int r = 0;
    place->kind = directory ? PLACE_YEAR : PLACE_PERIOD;
    if (directory && place->period.span == CEMM_MONTH)
        place->kind = PLACE_MONTH;
    for (size_t i = 0; i < (directory ? 1 : COUNT(suffixes)) && r == 0; i++) {
        place->form = suffixes[i].form;
        tree_name(place, name);
        r = entry(data, name, directory ? TREE_DIRECTORY : TREE_FILE);
    }
    return r;
}

static int list_periods(const struct place *parent, const struct tree_clock *clock,
                        const struct tree_meter *meter, tree_entry_fn *entry, void *data)
{
    struct place place = *parent;
    struct cemm_period period = first_of(parent, meter);
    int r = 0;
    for (; r == 0 && is_within(parent, &period) && has_begun(&period, clock);
         period = cemm_period_step(&period, 1)) {
        place.period = period;
        if (!is_before_data(&period, meter))
            r = list_period(&place, entry, data);
    }
    return r;
}

int tree_list(const struct place *parent, const struct tree_clock *clock,
              const struct tree_meter *meter, tree_entry_fn *entry, void *data)
{
    int r = 0;
    for (size_t i = 0; i < COUNT(fixed_names) && r == 0; i++) {
        if (is_fixed_in(&fixed_names[i], parent, meter))
            r = entry(data, fixed_names[i].name, facts[fixed_names[i].kind].type);
    }
    if (r == 0 && tree_holds_periods(parent) && meter->found)
        r = list_periods(parent, clock, meter, entry, data);
    return r;
}

/* ---- what a place needs ------------------------------------------------- */

bool tree_query(const struct place *place, struct cemm_query *ret_query)
{
    struct cemm_query query = {.uid = place->uid};
    switch (place->kind) {
    case PLACE_DEVICE_INFO:
        query.endpoint = CEMM_ROOT;
        break;
    case PLACE_IO:
        query.endpoint = CEMM_IO;
        break;
    case PLACE_INFO:
        query.endpoint = CEMM_INFO;
        break;
    case PLACE_METER:
    case PLACE_REALTIME:
    case PLACE_CHANNELS:
    case PLACE_CHANNEL:
        query.endpoint = CEMM_REALTIME;
        break;
    case PLACE_PERIOD:
        query.endpoint = histories[place->history].endpoint;
        query.period = place->period;
        break;
    default:
        return false;
    }
    copy_text(query.alias, sizeof(query.alias), place->alias);
    *ret_query = query;
    return true;
}

uint64_t tree_cause(const struct place *place)
{
    struct place cause = {.kind = PLACE_PERIOD};
    struct cemm_query query;
    if (tree_holds_periods(place)) {
        cause = (struct place){.kind = PLACE_HISTORY, .uid = place->uid};
        copy_text(cause.alias, sizeof(cause.alias), place->alias);
        return place_hash(&cause);
    }
    if (!tree_query(place, &query))
        return place_hash(place);
    cause.ago = (int)query.endpoint;
    cause.uid = query.uid;
    cause.period = query.period;
    copy_text(cause.alias, sizeof(cause.alias), query.alias);
    return place_hash(&cause);
}

int64_t tree_closed_at(const struct place *place, const struct cemm_zone *zone)
{
    if (place->kind != PLACE_PERIOD)
        return INT64_MAX;
    return cemm_period_closed(zone, &place->period);
}

static enum place_kind parent_kind(const struct place *place)
{
    if (place->kind == PLACE_PERIOD)
        return holders[span_of(place)];
    if (place->kind == PLACE_HISTORY && place->history == HISTORY_TOTALS)
        return PLACE_METER;
    return facts[place->kind].parent;
}

/* Takes from a place what directories of this kind do not have. */
static void strip(struct place *parent)
{
    bool in_history = tree_holds_periods(parent);
    bool in_device = parent->kind == PLACE_DEVICE;
    parent->form = CEMM_FORM_JSON;
    parent->ago = 0;
    parent->channel[0] = '\0';
    if (in_device)
        parent->alias[0] = '\0';
    if (!in_history)
        parent->history = HISTORY_NONE;
    if (parent->kind == PLACE_MONTH)
        parent->period =
            (struct cemm_period){CEMM_MONTH, parent->period.year, parent->period.month, 1};
    else if (parent->kind == PLACE_YEAR)
        parent->period = (struct cemm_period){CEMM_YEAR, parent->period.year, 1, 1};
    else
        parent->period = (struct cemm_period){.span = CEMM_DAY};
}

bool tree_parent(const struct place *place, struct place *ret_parent)
{
    struct place parent = *place;
    if (place->kind == PLACE_ROOT)
        return false;
    parent.kind = parent_kind(place);
    if (parent.kind == PLACE_ROOT)
        parent = tree_root;
    else
        strip(&parent);
    *ret_parent = parent;
    return true;
}

uint64_t tree_hash_path(const struct place *place)
{
    struct place at = *place;
    uint64_t hash = PLACE_HASH;
    char name[TREE_NAME_SIZE];
    do {
        tree_name(&at, name);
        hash = place_hash_bytes(hash, name, strlen(name) + 1);
    } while (tree_parent(&at, &at));
    return hash;
}
