/*
 * Local days, months and years, and where they lie in time, clock changes included. GLib's
 * GTimeZone reads the zone database itself. We read TZ only once, for the system's zone, and never
 * set it, because inside collectd it is not ours to change.
 */
#include "common/model/period.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LATE_HOUR       21 /* no clock goes back by more than three hours */
#define SECONDS_PER_DAY INT64_C(86400)
#define QUARTER         900 /* since 1972, clocks have changed only at full quarter-hours of UTC */
#define OFFSET_SPAN     (1 << 18) /* seconds; more than any two offsets can differ by */

struct cemm_zone {
    GTimeZone *zone;
    /* A cache: the quarter-hour that was looked up last and its offset, packed into one number.
     * GLib's search takes as long as the rest of writing a time, and times come in order. */
    _Atomic int64_t known;
};

struct cemm_zone *cemm_zone_new(const char *name)
{
    struct cemm_zone *zone = calloc(1, sizeof(*zone));

    if (!zone)
        return NULL;
    zone->zone = name ? g_time_zone_new_identifier(name) : g_time_zone_new_local();
    if (!zone->zone) {
        free(zone);
        return NULL;
    }
    return zone;
}

void cemm_zone_free(struct cemm_zone *zone)
{
    if (!zone)
        return;
    g_time_zone_unref(zone->zone);
    free(zone);
}

const char *cemm_zone_name(const struct cemm_zone *zone)
{
    return g_time_zone_get_identifier(zone->zone);
}

static int64_t search_offset(const struct cemm_zone *zone, int64_t seconds)
{
    int interval = g_time_zone_find_interval(zone->zone, G_TIME_TYPE_UNIVERSAL, seconds);
    return interval < 0 ? 0 : g_time_zone_get_offset(zone->zone, interval);
}

int64_t cemm_zone_offset(const struct cemm_zone *zone, int64_t seconds)
{
    /* To callers a zone is constant, because the cache does not change any result. */
    _Atomic int64_t *known = &((struct cemm_zone *)zone)->known;
    int64_t quarter = seconds / QUARTER;
    int64_t found = atomic_load_explicit(known, memory_order_relaxed);

    if (seconds < QUARTER) /* an empty cache looks like quarter-hour 0 */
        return search_offset(zone, seconds);
    if (found / OFFSET_SPAN != quarter) {
        found = quarter * OFFSET_SPAN + OFFSET_SPAN / 2 + search_offset(zone, seconds);
        atomic_store_explicit(known, found, memory_order_relaxed);
    }
    return found % OFFSET_SPAN - OFFSET_SPAN / 2;
}

static struct tm tm_of(const struct cemm_period *period)
{
    return (struct tm){
        .tm_year = period->year - 1900, .tm_mon = period->month - 1, .tm_mday = period->day};
}

/* Returns the moment at which a wall clock shows `wall`. If the clock skips that time, returns the
 * moment of the jump. If the clock shows it twice, one `type` gives the first moment and the
 * other the second, even if neither is in daylight time. */
static int64_t moment_of(const struct cemm_zone *zone, GTimeType type, gint64 wall)
{
    int interval = g_time_zone_adjust_time(zone->zone, type, &wall);

    return wall - g_time_zone_get_offset(zone->zone, interval);
}

/* Returns the first moment of a period. If the clock shows 00:00 twice, the period begins at the
 * first of these moments. */
int64_t cemm_period_start(const struct cemm_zone *zone, const struct cemm_period *period)
{
    struct tm tm = tm_of(period);
    int64_t wall = timegm(&tm);
    int64_t in_daylight = moment_of(zone, G_TIME_TYPE_DAYLIGHT, wall);
    int64_t in_standard = moment_of(zone, G_TIME_TYPE_STANDARD, wall);

    return in_daylight < in_standard ? in_daylight : in_standard;
}

int64_t cemm_period_end(const struct cemm_zone *zone, const struct cemm_period *period)
{
    struct cemm_period next = cemm_period_step(period, 1);
    return cemm_period_start(zone, &next);
}

int64_t cemm_period_closed(const struct cemm_zone *zone, const struct cemm_period *period)
{
    return cemm_period_end(zone, period) + SECONDS_PER_DAY;
}

static struct cemm_period period_of(enum cemm_span span, const struct tm *tm)
{
    return (struct cemm_period){
        .span = span,
        .year = tm->tm_year + 1900,
        .month = span == CEMM_YEAR ? 1 : tm->tm_mon + 1,
        .day = span == CEMM_DAY ? tm->tm_mday : 1,
    };
}

struct cemm_period cemm_period_at(const struct cemm_zone *zone, enum cemm_span span,
                                  int64_t seconds)
{
    time_t local = (time_t)(seconds + cemm_zone_offset(zone, seconds));
    struct tm tm;

    gmtime_r(&local, &tm);
    struct cemm_period period = period_of(span, &tm);
    /* If a clock goes back over midnight, it shows the old date again in the new day. */
    if (tm.tm_hour >= LATE_HOUR && seconds >= cemm_period_end(zone, &period))
        period = cemm_period_step(&period, 1);
    return period;
}

/* timegm() normalizes a month or a day that is out of range. */
struct cemm_period cemm_period_step(const struct cemm_period *period, int steps)
{
    struct tm tm = tm_of(period);
    int *stepping[] = {
        [CEMM_DAY] = &tm.tm_mday, [CEMM_MONTH] = &tm.tm_mon, [CEMM_YEAR] = &tm.tm_year};

    *stepping[period->span] += steps;
    (void)timegm(&tm);
    return period_of(period->span, &tm);
}

int cemm_period_compare(const struct cemm_period *a, const struct cemm_period *b)
{
    int r = a->year - b->year;

    if (r == 0)
        r = a->month - b->month;
    return r ? r : a->day - b->day;
}

void cemm_period_format(const struct cemm_period *period, char *ret_text, size_t size)
{
    static const int lengths[] = {[CEMM_DAY] = 10, [CEMM_MONTH] = 7, [CEMM_YEAR] = 4};
    char text[40];
    int length = lengths[period->span];

    (void)snprintf(text, sizeof(text), "%04d-%02d-%02d", period->year, period->month, period->day);
    if (size && snprintf(ret_text, size, "%.*s", length, text) >= (int)size)
        ret_text[0] = '\0';
}

/* Only a date that exists is the same again after parsing and formatting. */
bool cemm_period_parse(enum cemm_span span, const char *text, struct cemm_period *ret_period)
{
    static const char *const forms[] = {
        [CEMM_DAY] = "%Y-%m-%d", [CEMM_MONTH] = "%Y-%m", [CEMM_YEAR] = "%Y"};
    struct tm tm = {.tm_mday = 1};
    char again[16];

    (void)strptime(text, forms[span], &tm);
    (void)timegm(&tm);
    struct cemm_period period = period_of(span, &tm);
    cemm_period_format(&period, again, sizeof(again));
    if (period.year < 1970 || strcmp(again, text) != 0)
        return false;
    *ret_period = period;
    return true;
}

/* Writes a number with leading zeros, then `after`. Returns the end of what it wrote. */
static char *put(char *out, int number, int digits, char after)
{
    for (int i = digits; i > 0; number /= 10)
        out[--i] = (char)('0' + number % 10);
    out[digits] = after;
    return out + digits + 1;
}

/* Does not use strftime(), which is slow: a year of minutes has half a million timestamps. */
void cemm_time_format(const struct cemm_zone *zone, int64_t milliseconds,
                      char ret_text[CEMM_TIME_SIZE])
{
    int64_t seconds = milliseconds / 1000 - (milliseconds % 1000 < 0);
    int fraction = (int)(milliseconds - seconds * 1000);
    int offset = (int)cemm_zone_offset(zone, seconds);
    int minutes = (offset < 0 ? -offset : offset) / 60;
    char sign = offset < 0 ? '-' : '+';
    time_t local = (time_t)(seconds + offset);
    struct tm tm;

    gmtime_r(&local, &tm);
    char *out = put(ret_text, tm.tm_year + 1900, 4, '-');
    out = put(out, tm.tm_mon + 1, 2, '-');
    out = put(out, tm.tm_mday, 2, 'T');
    out = put(out, tm.tm_hour, 2, ':');
    out = put(out, tm.tm_min, 2, ':');
    out = put(out, tm.tm_sec, 2, fraction ? '.' : sign);
    if (fraction)
        out = put(out, fraction, 3, sign);
    out = put(out, minutes / 60, 2, ':');
    put(out, minutes % 60, 2, '\0');
}
