/*
 * Fixed names are in a table. All other names are data (uids, aliases,
 * channels, dates); parse_child() parses them.
 *
 * Each device has one spelling and each period one directory, so that a file
 * has only one path; its other names are links.
 */
#include "fs/tree.h"

#include <stdio.h>
#include <string.h>

const struct path tree_root = {.kind = PATH_ROOT};

/* ---- the tables --------------------------------------------------------- */

/* Several directories have the kind PATH_HISTORY. In a row with this parent, `endpoint` and `span`
 * also say in which of these directories the name appears. */
static const struct fixed {
    enum path_kind parent;
    const char *name;
    enum path_kind kind;
    enum cemm_format format;
    enum cemm_endpoint endpoint; /* CEMM_DEVICES: it shows no document */
    enum cemm_span span;
    int ago;
} fixed_names[] = {
    {PATH_ROOT, "status", PATH_STATUS, CEMM_FORMAT_JSON, CEMM_DEVICES, CEMM_DAY, 0},
    {PATH_ROOT, "status.json", PATH_STATUS_JSON, CEMM_FORMAT_JSON, CEMM_DEVICES, CEMM_DAY, 0},
    {PATH_DEVICE, "info.json", PATH_DEVICE_INFO, CEMM_FORMAT_JSON, CEMM_ROOT, CEMM_DAY, 0},
    {PATH_DEVICE, "io.json", PATH_IO, CEMM_FORMAT_JSON, CEMM_IO, CEMM_DAY, 0},
    {PATH_DEVICE, "io.csv", PATH_IO, CEMM_FORMAT_CSV, CEMM_IO, CEMM_DAY, 0},
    {PATH_METER, "info.json", PATH_METER_INFO, CEMM_FORMAT_JSON, CEMM_INFO, CEMM_DAY, 0},
    {PATH_METER, "realtime.json", PATH_REALTIME, CEMM_FORMAT_JSON, CEMM_REALTIME, CEMM_DAY, 0},
    {PATH_METER, "realtime.csv", PATH_REALTIME, CEMM_FORMAT_CSV, CEMM_REALTIME, CEMM_DAY, 0},
    {PATH_METER, "realtime", PATH_CHANNELS, CEMM_FORMAT_JSON, CEMM_REALTIME, CEMM_DAY, 0},
    {PATH_METER, "data", PATH_DATA, CEMM_FORMAT_JSON, CEMM_DEVICES, CEMM_DAY, 0},
    {PATH_METER, "totals", PATH_HISTORY, CEMM_FORMAT_JSON, CEMM_TOTALS, CEMM_DAY, 0},
    {PATH_DATA, "day", PATH_HISTORY, CEMM_FORMAT_JSON, CEMM_DATA, CEMM_DAY, 0},
    {PATH_DATA, "month", PATH_HISTORY, CEMM_FORMAT_JSON, CEMM_DATA, CEMM_MONTH, 0},
    {PATH_DATA, "year", PATH_HISTORY, CEMM_FORMAT_JSON, CEMM_DATA, CEMM_YEAR, 0},
    {PATH_HISTORY, "today.json", PATH_RECENT_LINK, CEMM_FORMAT_JSON, CEMM_DATA, CEMM_DAY, 0},
    {PATH_HISTORY, "today.csv", PATH_RECENT_LINK, CEMM_FORMAT_CSV, CEMM_DATA, CEMM_DAY, 0},
    {PATH_HISTORY, "yesterday.json", PATH_RECENT_LINK, CEMM_FORMAT_JSON, CEMM_DATA, CEMM_DAY, 1},
    {PATH_HISTORY, "yesterday.csv", PATH_RECENT_LINK, CEMM_FORMAT_CSV, CEMM_DATA, CEMM_DAY, 1},
    {PATH_HISTORY, "this-month.json", PATH_RECENT_LINK, CEMM_FORMAT_JSON, CEMM_DATA, CEMM_MONTH, 0},
    {PATH_HISTORY, "this-month.csv", PATH_RECENT_LINK, CEMM_FORMAT_CSV, CEMM_DATA, CEMM_MONTH, 0},
    {PATH_HISTORY, "this-year.json", PATH_RECENT_LINK, CEMM_FORMAT_JSON, CEMM_DATA, CEMM_YEAR, 0},
    {PATH_HISTORY, "this-year.csv", PATH_RECENT_LINK, CEMM_FORMAT_CSV, CEMM_DATA, CEMM_YEAR, 0},
    {PATH_HISTORY, "today.json", PATH_RECENT_LINK, CEMM_FORMAT_JSON, CEMM_TOTALS, CEMM_DAY, 0},
    {PATH_HISTORY, "today.csv", PATH_RECENT_LINK, CEMM_FORMAT_CSV, CEMM_TOTALS, CEMM_DAY, 0},
};

static const char *const suffixes[] = {
    [CEMM_FORMAT_JSON] = ".json",
    [CEMM_FORMAT_CSV] = ".csv",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum tree_type tree_type(const struct path *path)
{
    return path->kind <= PATH_MONTH         ? TREE_DIRECTORY
           : path->kind <= PATH_RECENT_LINK ? TREE_LINK
                                            : TREE_FILE;
}

bool tree_is_info(const struct path *path)
{
    return path->kind == PATH_DEVICE_INFO || path->kind == PATH_METER_INFO;
}

/* ---- texts -------------------------------------------------------------- */

/* The text fits: cemm.h limits the length of names, and tree_child() the range of years. */
static void append(struct path *path, const char *name, const char *suffix)
{
    size_t length = strlen(path->text);
    (void)snprintf(path->text + length, sizeof(path->text) - length, "%s%s%s",
                   length > 0 ? "/" : "", name, suffix);
}

/* Appends the name of the period's file ("2024-03-31.csv"), or of a directory above it ("03"). */
static void append_period(struct path *path)
{
    const struct cemm_period *period = &path->query.period;
    char date[16];
    cemm_period_format(period, date, sizeof(date));
    path->kind = period->span == path->span  ? PATH_PERIOD
                 : period->span == CEMM_YEAR ? PATH_YEAR
                                             : PATH_MONTH;
    if (path->kind == PATH_PERIOD)
        append(path, date, suffixes[path->format]);
    else
        append(path, path->kind == PATH_YEAR ? date : date + strlen("2024-"), "");
}

const char *tree_name(const struct path *path)
{
    const char *slash = strrchr(path->text, '/');
    return slash ? slash + 1 : path->text;
}

bool tree_cut(char *text)
{
    char *slash = strrchr(text, '/');
    if (text[0] == '\0')
        return false;
    *(slash ? slash : text) = '\0';
    return true;
}

/* ---- dates -------------------------------------------------------------- */

static bool has_begun(const struct cemm_period *period, const struct tree_clock *clock)
{
    struct cemm_period now = cemm_period_at(clock->zone, period->span, clock->now);
    return cemm_period_compare(period, &now) <= 0;
}

/* Whether the whole period is before the first day with data. */
static bool is_before_data(const struct cemm_period *period, const struct tree_meter *meter)
{
    struct cemm_period next = cemm_period_step(period, 1);
    next.span = CEMM_DAY; /* the first day of that period */
    return cemm_period_compare(&next, &meter->first) <= 0;
}

/* Whether a period lies in the directory `parent`. */
static bool is_within(const struct path *parent, const struct cemm_period *period)
{
    return parent->kind == PATH_HISTORY ||
           (period->year == parent->query.period.year &&
            (parent->kind == PATH_YEAR || period->month == parent->query.period.month));
}

/* "2024-03-31.csv", "2024-03.csv", "2024.csv" */
static bool parse_file(const char *name, struct path *path)
{
    char date[16];
    size_t length = strcspn(name, ".");
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        if (strcmp(name + length, suffixes[i]) != 0)
            continue;
        path->format = (enum cemm_format)i;
        (void)snprintf(date, sizeof(date), "%.*s", (int)length, name);
        return cemm_period_parse(path->span, date, &path->query.period);
    }
    return false;
}

static bool parse_month(const char *name, struct cemm_period *period)
{
    char date[16];
    (void)snprintf(date, sizeof(date), "%04d-%s", period->year, name);
    return cemm_period_parse(CEMM_MONTH, date, period);
}

/* ---- name to path ------------------------------------------------------ */

/* Parses a name that is data, and changes `path` from the parent to the child. */
static bool parse_child(const char *name, struct path *path)
{
    switch (path->kind) {
    case PATH_ROOT:
        if (!cemm_uid_parse(name, &path->query.uid))
            return false;
        path->kind = strcmp(name, path->query.uid.text) == 0 ? PATH_DEVICE : PATH_DEVICE_LINK;
        return true;
    case PATH_DEVICE:
        path->kind = PATH_METER;
        path->query.endpoint = CEMM_REALTIME;
        (void)snprintf(path->query.alias, sizeof(path->query.alias), "%s", name);
        return cemm_name_valid(name);
    case PATH_CHANNELS:
        path->kind = PATH_CHANNEL;
        return cemm_name_valid(name);
    case PATH_HISTORY:
        path->kind = path->span == CEMM_YEAR ? PATH_PERIOD : PATH_PERIOD_LINK;
        if (parse_file(name, path))
            return true;
        path->kind = PATH_YEAR;
        return path->span != CEMM_YEAR && cemm_period_parse(CEMM_YEAR, name, &path->query.period);
    case PATH_YEAR:
        path->kind = path->span == CEMM_MONTH ? PATH_PERIOD : PATH_MONTH;
        return path->kind == PATH_PERIOD ? parse_file(name, path)
                                         : parse_month(name, &path->query.period);
    case PATH_MONTH:
        path->kind = PATH_PERIOD;
        return parse_file(name, path);
    default:
        return false;
    }
}

/* Computes the path of a fixed name. False: the row does not apply to this directory. */
static bool fixed_child(const struct path *parent, const struct fixed *row,
                        const struct tree_meter *meter, struct path *ret_path)
{
    if (row->parent != parent->kind)
        return false;
    if (parent->kind == PATH_HISTORY
            ? row->endpoint != parent->query.endpoint || row->span != parent->span
            : row->endpoint == CEMM_TOTALS && !meter->totals)
        return false;
    *ret_path = *parent;
    ret_path->kind = row->kind;
    ret_path->format = row->format;
    ret_path->query.endpoint = row->endpoint;
    ret_path->span = row->span;
    ret_path->ago = row->ago;
    append(ret_path, row->name, "");
    return true;
}

bool tree_child(const struct path *parent, const char *name, const struct tree_clock *clock,
                const struct tree_meter *meter, struct path *ret_path)
{
    for (size_t i = 0; i < COUNT(fixed_names); i++) {
        if (strcmp(fixed_names[i].name, name) == 0 &&
            fixed_child(parent, &fixed_names[i], meter, ret_path))
            return true;
    }
    struct path path = *parent;
    const struct cemm_period *period = &path.query.period;
    if (!parse_child(name, &path))
        return false;
    if (tree_holds_periods(parent) &&
        (!is_within(parent, period) || !has_begun(period, clock) ||
         period->year < CEMM_YEAR_FIRST || (meter->known && is_before_data(period, meter))))
        return false;
    append(&path, name, "");
    *ret_path = path;
    return true;
}

/* ---- links and twins ----------------------------------------------------- */

const char *tree_target(const struct path *link, const struct tree_clock *clock, int ago,
                        struct path *ret_target)
{
    size_t directory = (size_t)(tree_name(link) - link->text);
    struct path target = *link;
    struct cemm_period *period = &target.query.period;
    tree_cut(target.text);
    if (link->kind == PATH_DEVICE_LINK) {
        target.kind = PATH_DEVICE;
        append(&target, link->query.uid.text, "");
    } else {
        if (link->kind == PATH_RECENT_LINK)
            *period = cemm_period_at(clock->zone, link->span, clock->now);
        *period = cemm_period_step(period, -link->ago - ago);
        target.ago = 0;
        for (int span = CEMM_YEAR; span >= (int)link->span; span--) {
            period->span = (enum cemm_span)span;
            append_period(&target);
        }
    }
    *ret_target = target;
    return ret_target->text + directory;
}

struct path tree_twin(const struct path *period)
{
    struct path twin = *period;
    twin.format = period->format == CEMM_FORMAT_CSV ? CEMM_FORMAT_JSON : CEMM_FORMAT_CSV;
    tree_cut(twin.text);
    append_period(&twin);
    return twin;
}

/* ---- listings ----------------------------------------------------------- */

bool tree_holds_periods(const struct path *path)
{
    return path->kind == PATH_HISTORY || path->kind == PATH_YEAR || path->kind == PATH_MONTH;
}

static int list_period(const struct path *parent, const struct cemm_period *period,
                       tree_entry_fn *entry, void *data)
{
    struct path path = *parent;
    path.query.period = *period;
    append_period(&path);
    int r = entry(data, &path);
    if (r != 0 || path.kind != PATH_PERIOD)
        return r;
    struct path twin = tree_twin(&path);
    return entry(data, &twin);
}

static int list_periods(const struct path *parent, const struct tree_clock *clock,
                        const struct tree_meter *meter, tree_entry_fn *entry, void *data)
{
    struct cemm_period period = parent->query.period;
    int r = 0;
    if (parent->kind == PATH_HISTORY)
        period = (struct cemm_period){CEMM_YEAR, meter->first.year, 1, 1};
    else
        period.span = parent->kind == PATH_YEAR ? CEMM_MONTH : CEMM_DAY;
    for (; r == 0 && is_within(parent, &period) && has_begun(&period, clock);
         period = cemm_period_step(&period, 1)) {
        if (!is_before_data(&period, meter))
            r = list_period(parent, &period, entry, data);
    }
    return r;
}

int tree_list(const struct path *parent, const struct tree_clock *clock,
              const struct tree_meter *meter, tree_entry_fn *entry, void *data)
{
    int r = 0;
    for (size_t i = 0; i < COUNT(fixed_names) && r == 0; i++) {
        struct path path;
        if (fixed_child(parent, &fixed_names[i], meter, &path))
            r = entry(data, &path);
    }
    if (r == 0 && tree_holds_periods(parent) && meter->found)
        r = list_periods(parent, clock, meter, entry, data);
    return r;
}

/* ---- causes of failures ------------------------------------------------ */

uint64_t tree_cause(const struct path *path)
{
    struct cemm_query query = path->query;
    char cause[TREE_PATH_SIZE];
    if (query.endpoint == CEMM_DEVICES)
        return cemm_hash(CEMM_HASH, path->text, strlen(path->text));
    if (tree_holds_periods(path)) {
        query.endpoint = CEMM_DEVICES;
        query.period = (struct cemm_period){.span = CEMM_DAY};
    }
    int length = snprintf(cause, sizeof(cause), "%s/%s %d %d %d-%d-%d", query.uid.text, query.alias,
                          (int)query.endpoint, (int)query.period.span, query.period.year,
                          query.period.month, query.period.day);
    return cemm_hash(CEMM_HASH, cause, (size_t)length);
}
