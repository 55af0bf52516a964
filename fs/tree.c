/*
 * The tree as two tables: the fixed names, and a function for each directory
 * whose names are data. A new folder is a new row.
 *
 * Each date and device has one spelling, so that a file has one path; other
 * spellings are links.
 */
#include "fs/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct path tree_root = {.kind = PATH_ROOT};

/* ---- the tables --------------------------------------------------------- */

/* `history` is that of the child; in PATH_HISTORY, also that of the parent. */
static const struct fixed {
    enum path_kind parent;
    const char *name;
    enum path_kind kind;
    enum cemm_form form;
    enum tree_history history;
    int ago;
} fixed_names[] = {
    {PATH_ROOT, "status", PATH_STATUS, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PATH_ROOT, "status.json", PATH_STATUS_JSON, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PATH_DEVICE, "info.json", PATH_DEVICE_INFO, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PATH_DEVICE, "io.json", PATH_IO, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PATH_DEVICE, "io.csv", PATH_IO, CEMM_FORM_CSV, HISTORY_NONE, 0},
    {PATH_METER, "info.json", PATH_INFO, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PATH_METER, "realtime.json", PATH_REALTIME, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PATH_METER, "realtime.csv", PATH_REALTIME, CEMM_FORM_CSV, HISTORY_NONE, 0},
    {PATH_METER, "realtime", PATH_CHANNELS, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PATH_METER, "data", PATH_DATA, CEMM_FORM_JSON, HISTORY_NONE, 0},
    {PATH_METER, "totals", PATH_HISTORY, CEMM_FORM_JSON, HISTORY_TOTALS, 0},
    {PATH_DATA, "day", PATH_HISTORY, CEMM_FORM_JSON, HISTORY_DAYS, 0},
    {PATH_DATA, "month", PATH_HISTORY, CEMM_FORM_JSON, HISTORY_MONTHS, 0},
    {PATH_DATA, "year", PATH_HISTORY, CEMM_FORM_JSON, HISTORY_YEARS, 0},
    {PATH_HISTORY, "today.json", PATH_NEAR_LINK, CEMM_FORM_JSON, HISTORY_DAYS, 0},
    {PATH_HISTORY, "today.csv", PATH_NEAR_LINK, CEMM_FORM_CSV, HISTORY_DAYS, 0},
    {PATH_HISTORY, "yesterday.json", PATH_NEAR_LINK, CEMM_FORM_JSON, HISTORY_DAYS, 1},
    {PATH_HISTORY, "yesterday.csv", PATH_NEAR_LINK, CEMM_FORM_CSV, HISTORY_DAYS, 1},
    {PATH_HISTORY, "this-month.json", PATH_NEAR_LINK, CEMM_FORM_JSON, HISTORY_MONTHS, 0},
    {PATH_HISTORY, "this-month.csv", PATH_NEAR_LINK, CEMM_FORM_CSV, HISTORY_MONTHS, 0},
    {PATH_HISTORY, "this-year.json", PATH_NEAR_LINK, CEMM_FORM_JSON, HISTORY_YEARS, 0},
    {PATH_HISTORY, "this-year.csv", PATH_NEAR_LINK, CEMM_FORM_CSV, HISTORY_YEARS, 0},
    {PATH_HISTORY, "today.json", PATH_NEAR_LINK, CEMM_FORM_JSON, HISTORY_TOTALS, 0},
    {PATH_HISTORY, "today.csv", PATH_NEAR_LINK, CEMM_FORM_CSV, HISTORY_TOTALS, 0},
};

static const struct history {
    enum cemm_endpoint endpoint;
    enum cemm_span span;
} histories[] = {
    [HISTORY_DAYS] = {CEMM_DATA, CEMM_DAY},
    [HISTORY_MONTHS] = {CEMM_DATA, CEMM_MONTH},
    [HISTORY_YEARS] = {CEMM_DATA, CEMM_YEAR},
    [HISTORY_TOTALS] = {CEMM_TOTALS, CEMM_DAY},
};

static const char *const suffixes[] = {
    [CEMM_FORM_JSON] = ".json",
    [CEMM_FORM_CSV] = ".csv",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The parents of HISTORY and PERIOD and the endpoint of PERIOD depend on the history. */
static const struct facts {
    enum tree_type type;
    enum path_kind parent;
    enum cemm_endpoint endpoint; /* CEMM_DEVICES, which no file shows: none */
} facts[] = {
    [PATH_ROOT] = {TREE_DIRECTORY, PATH_ROOT},
    [PATH_STATUS] = {TREE_FILE, PATH_ROOT},
    [PATH_STATUS_JSON] = {TREE_FILE, PATH_ROOT},
    [PATH_DEVICE] = {TREE_DIRECTORY, PATH_ROOT},
    [PATH_DEVICE_LINK] = {TREE_LINK, PATH_ROOT},
    [PATH_DEVICE_INFO] = {TREE_FILE, PATH_DEVICE, CEMM_ROOT},
    [PATH_IO] = {TREE_FILE, PATH_DEVICE, CEMM_IO},
    [PATH_METER] = {TREE_DIRECTORY, PATH_DEVICE, CEMM_REALTIME},
    [PATH_INFO] = {TREE_FILE, PATH_METER, CEMM_INFO},
    [PATH_REALTIME] = {TREE_FILE, PATH_METER, CEMM_REALTIME},
    [PATH_CHANNELS] = {TREE_DIRECTORY, PATH_METER, CEMM_REALTIME},
    [PATH_CHANNEL] = {TREE_FILE, PATH_CHANNELS, CEMM_REALTIME},
    [PATH_DATA] = {TREE_DIRECTORY, PATH_METER},
    [PATH_HISTORY] = {TREE_DIRECTORY, PATH_DATA},
    [PATH_YEAR] = {TREE_DIRECTORY, PATH_HISTORY},
    [PATH_MONTH] = {TREE_DIRECTORY, PATH_YEAR},
    [PATH_PERIOD] = {TREE_FILE, PATH_MONTH},
    [PATH_PERIOD_LINK] = {TREE_LINK, PATH_HISTORY},
    [PATH_NEAR_LINK] = {TREE_LINK, PATH_HISTORY},
};

enum tree_type tree_type(const struct path *path)
{
    return facts[path->kind].type;
}

/* ---- texts -------------------------------------------------------------- */

/* All texts fit: names are bounded by cemm.h, years by tree_child(). */
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

static void copy_text(char *to, size_t size, const char *from)
{
    print(to, size, "%s", from);
}

int path_compare(const struct path *a, const struct path *b)
{
    const int differences[] = {
        (int)a->kind - (int)b->kind,
        (int)a->form - (int)b->form,
        (int)a->history - (int)b->history,
        a->ago - b->ago,
        cemm_period_compare(&a->period, &b->period),
        strcmp(a->uid.text, b->uid.text),
        strcmp(a->alias, b->alias),
        strcmp(a->channel, b->channel),
    };
    for (size_t i = 0; i < COUNT(differences); i++) {
        if (differences[i] != 0)
            return differences[i];
    }
    return 0;
}

uint64_t tree_hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return tree_hash_bytes(hash, text, strlen(text) + 1);
}

/* ---- dates -------------------------------------------------------------- */

static enum cemm_span span_of(const struct path *path)
{
    return histories[path->history].span;
}

static bool has_begun(const struct cemm_period *period, const struct tree_clock *clock)
{
    struct cemm_period now = cemm_period_at(clock->zone, period->span, clock->now);
    return cemm_period_compare(period, &now) <= 0;
}

/* Whether a period lies before the first day with data. */
static bool is_before_data(const struct cemm_period *period, const struct tree_meter *meter)
{
    struct cemm_period first = meter->first;
    first.span = period->span;
    first.month = period->span == CEMM_YEAR ? 1 : first.month;
    first.day = period->span == CEMM_DAY ? first.day : 1;
    return cemm_period_compare(period, &first) < 0;
}

/* Whether a period lies in its directory. */
static bool is_within(const struct path *parent, const struct cemm_period *period)
{
    return parent->kind == PATH_HISTORY ||
           (period->year == parent->period.year &&
            (parent->kind == PATH_YEAR || period->month == parent->period.month));
}

/* Whether it is certain that there is no data: then the name does not exist. */
static bool is_too_old(const struct cemm_period *period, const struct tree_meter *meter)
{
    return period->year < CEMM_YEAR_FIRST || (meter->known && is_before_data(period, meter));
}

/* "2024-03-31.csv", "2024-03.csv", "2024.csv" */
static bool parse_file(const char *name, struct path *path)
{
    char date[TREE_NAME_SIZE];
    size_t length = strcspn(name, ".");
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        if (strcmp(name + length, suffixes[i]) != 0)
            continue;
        path->form = (enum cemm_form)i;
        print(date, sizeof(date), "%.*s", (int)length, name);
        return cemm_period_parse(span_of(path), date, &path->period);
    }
    return false;
}

/* "03" */
static bool parse_month(const char *name, struct cemm_period *period)
{
    char date[TREE_NAME_SIZE];
    print(date, sizeof(date), "%04d-%s", period->year, name);
    return cemm_period_parse(CEMM_MONTH, date, period);
}

/* ---- name to path ------------------------------------------------------ */

static bool parse_name(const char *name, char ret_name[CEMM_NAME_SIZE])
{
    copy_text(ret_name, CEMM_NAME_SIZE, name);
    return cemm_name_valid(name);
}

/* Reads a name that is data; `path` is the parent before and the child afterwards. */
static bool parse_child(const char *name, struct path *path)
{
    switch (path->kind) {
    case PATH_ROOT:
        if (!cemm_uid_parse(name, &path->uid))
            return false;
        path->kind = strcmp(name, path->uid.text) == 0 ? PATH_DEVICE : PATH_DEVICE_LINK;
        return true;
    case PATH_DEVICE:
        path->kind = PATH_METER;
        return parse_name(name, path->alias);
    case PATH_CHANNELS:
        path->kind = PATH_CHANNEL;
        return parse_name(name, path->channel);
    case PATH_HISTORY:
        path->kind = span_of(path) == CEMM_YEAR ? PATH_PERIOD : PATH_PERIOD_LINK;
        if (parse_file(name, path))
            return true;
        path->kind = PATH_YEAR;
        return span_of(path) != CEMM_YEAR && cemm_period_parse(CEMM_YEAR, name, &path->period);
    case PATH_YEAR:
        path->kind = span_of(path) == CEMM_MONTH ? PATH_PERIOD : PATH_MONTH;
        return path->kind == PATH_PERIOD ? parse_file(name, path)
                                         : parse_month(name, &path->period);
    case PATH_MONTH:
        path->kind = PATH_PERIOD;
        return parse_file(name, path);
    default:
        return false;
    }
}

/* Whether the row applies to this directory. */
static bool is_fixed_in(const struct fixed *row, const struct path *parent,
                        const struct tree_meter *meter)
{
    if (row->parent != parent->kind)
        return false;
    if (parent->kind == PATH_HISTORY)
        return row->history == parent->history;
    return row->history != HISTORY_TOTALS || meter->totals;
}

static struct path fixed_path(const struct fixed *row, const struct path *parent)
{
    struct path path = *parent;
    path.kind = row->kind;
    path.form = row->form;
    path.history = row->history;
    path.ago = row->ago;
    return path;
}

bool tree_child(const struct path *parent, const char *name, const struct tree_clock *clock,
                const struct tree_meter *meter, struct path *ret_path)
{
    struct path path = *parent;
    for (size_t i = 0; i < COUNT(fixed_names); i++) {
        const struct fixed *row = &fixed_names[i];
        if (is_fixed_in(row, parent, meter) && strcmp(row->name, name) == 0) {
            *ret_path = fixed_path(row, parent);
            return true;
        }
    }
    if (!parse_child(name, &path))
        return false;
    if (tree_holds_periods(parent) &&
        (!is_within(parent, &path.period) || !has_begun(&path.period, clock) ||
         is_too_old(&path.period, meter)))
        return false;
    *ret_path = path;
    return true;
}

/* ---- path to name ------------------------------------------------------ */

static const char *fixed_name(const struct path *path)
{
    for (size_t i = 0; i < COUNT(fixed_names); i++) {
        const struct fixed *row = &fixed_names[i];
        if (row->kind == path->kind && row->form == path->form && row->history == path->history &&
            row->ago == path->ago)
            return row->name;
    }
    return "";
}

void tree_name(const struct path *path, char ret_name[TREE_NAME_SIZE])
{
    char date[TREE_NAME_SIZE];
    switch (path->kind) {
    case PATH_DEVICE:
    case PATH_DEVICE_LINK:
        copy_text(ret_name, TREE_NAME_SIZE, path->uid.text);
        break;
    case PATH_METER:
        copy_text(ret_name, TREE_NAME_SIZE, path->alias);
        break;
    case PATH_CHANNEL:
        copy_text(ret_name, TREE_NAME_SIZE, path->channel);
        break;
    case PATH_YEAR:
        print(ret_name, TREE_NAME_SIZE, "%04d", path->period.year);
        break;
    case PATH_MONTH:
        print(ret_name, TREE_NAME_SIZE, "%02d", path->period.month);
        break;
    case PATH_PERIOD:
    case PATH_PERIOD_LINK:
        cemm_period_format(&path->period, date, sizeof(date));
        print(ret_name, TREE_NAME_SIZE, "%.16s%s", date, suffixes[path->form]);
        break;
    default:
        copy_text(ret_name, TREE_NAME_SIZE, fixed_name(path));
    }
}

void tree_target(const struct path *path, const struct tree_clock *clock,
                 char ret_target[TREE_LINK_SIZE])
{
    struct path at = *path;
    char name[TREE_NAME_SIZE];
    char below[TREE_LINK_SIZE];
    if (path->kind == PATH_DEVICE_LINK) {
        copy_text(ret_target, TREE_LINK_SIZE, path->uid.text);
        return;
    }
    if (path->kind == PATH_NEAR_LINK) {
        struct cemm_period now = cemm_period_at(clock->zone, span_of(path), clock->now);
        at.period = cemm_period_step(&now, -path->ago);
    }
    at.kind = PATH_PERIOD;
    tree_name(&at, ret_target);
    while (tree_parent(&at, &at) && at.kind != PATH_HISTORY) {
        tree_name(&at, name);
        copy_text(below, sizeof(below), ret_target);
        print(ret_target, TREE_LINK_SIZE, "%.16s/%.32s", name, below);
    }
}

/* ---- listings ----------------------------------------------------------- */

bool tree_holds_periods(const struct path *path)
{
    return path->kind == PATH_HISTORY || path->kind == PATH_YEAR || path->kind == PATH_MONTH;
}

static int list_period(struct path *path, tree_entry_fn *entry, void *data)
{
    if (path->period.span != span_of(path)) {
        path->kind = path->period.span == CEMM_YEAR ? PATH_YEAR : PATH_MONTH;
        return entry(data, path);
    }
    int r = 0;
    path->kind = PATH_PERIOD;
    for (size_t i = 0; i < COUNT(suffixes) && r == 0; i++) {
        path->form = (enum cemm_form)i;
        r = entry(data, path);
    }
    return r;
}

static int list_periods(const struct path *parent, const struct tree_clock *clock,
                        const struct tree_meter *meter, tree_entry_fn *entry, void *data)
{
    struct path path = *parent;
    struct cemm_period *period = &path.period;
    int r = 0;
    if (parent->kind == PATH_HISTORY)
        *period = (struct cemm_period){CEMM_YEAR, meter->first.year, 1, 1};
    else
        period->span = parent->kind == PATH_YEAR ? CEMM_MONTH : CEMM_DAY;
    for (; r == 0 && is_within(parent, period) && has_begun(period, clock);
         *period = cemm_period_step(period, 1)) {
        if (!is_before_data(period, meter))
            r = list_period(&path, entry, data);
    }
    return r;
}

int tree_list(const struct path *parent, const struct tree_clock *clock,
              const struct tree_meter *meter, tree_entry_fn *entry, void *data)
{
    int r = 0;
    for (size_t i = 0; i < COUNT(fixed_names) && r == 0; i++) {
        struct path path = fixed_path(&fixed_names[i], parent);
        if (is_fixed_in(&fixed_names[i], parent, meter))
            r = entry(data, &path);
    }
    if (r == 0 && tree_holds_periods(parent) && meter->found)
        r = list_periods(parent, clock, meter, entry, data);
    return r;
}

/* ---- what a path needs ------------------------------------------------- */

bool tree_query(const struct path *path, struct cemm_query *ret_query)
{
    struct cemm_query query = {.uid = path->uid,
                               .endpoint = path->kind == PATH_PERIOD
                                               ? histories[path->history].endpoint
                                               : facts[path->kind].endpoint,
                               .period = path->period};
    copy_text(query.alias, sizeof(query.alias), path->alias);
    *ret_query = query;
    return query.endpoint != CEMM_DEVICES;
}

uint64_t tree_cause(const struct path *path)
{
    struct cemm_query query;
    bool fetched = tree_query(path, &query);
    if (!fetched && !tree_holds_periods(path))
        return tree_hash(path);
    if (!fetched)
        query.period = (struct cemm_period){.span = CEMM_DAY};
    uint64_t hash = hash_text(TREE_HASH, query.uid.text);
    hash = hash_text(hash, query.alias);
    hash = tree_hash_bytes(hash, &query.endpoint, sizeof(query.endpoint));
    return tree_hash_bytes(hash, &query.period, sizeof(query.period));
}

int64_t tree_closed_at(const struct path *path, const struct cemm_zone *zone)
{
    if (path->kind != PATH_PERIOD)
        return INT64_MAX;
    return cemm_period_closed(zone, &path->period);
}

static enum path_kind parent_kind(const struct path *path)
{
    if (path->kind == PATH_PERIOD && span_of(path) != CEMM_DAY)
        return span_of(path) == CEMM_MONTH ? PATH_YEAR : PATH_HISTORY;
    if (path->kind == PATH_HISTORY && path->history == HISTORY_TOTALS)
        return PATH_METER;
    return facts[path->kind].parent;
}

bool tree_parent(const struct path *path, struct path *ret_parent)
{
    struct path parent = {.kind = parent_kind(path)};
    if (path->kind == PATH_ROOT)
        return false;
    if (parent.kind != PATH_ROOT)
        parent.uid = path->uid;
    if (parent.kind != PATH_ROOT && parent.kind != PATH_DEVICE)
        copy_text(parent.alias, sizeof(parent.alias), path->alias);
    if (tree_holds_periods(&parent))
        parent.history = path->history;
    if (parent.kind == PATH_YEAR)
        parent.period = (struct cemm_period){CEMM_YEAR, path->period.year, 1, 1};
    if (parent.kind == PATH_MONTH)
        parent.period = (struct cemm_period){CEMM_MONTH, path->period.year, path->period.month, 1};
    *ret_parent = parent;
    return true;
}

uint64_t tree_hash(const struct path *path)
{
    struct path at = *path;
    uint64_t hash = TREE_HASH;
    char name[TREE_NAME_SIZE];
    do {
        tree_name(&at, name);
        hash = hash_text(hash, name);
    } while (tree_parent(&at, &at));
    return hash;
}
