/*
 * Days, months and years in the meters' time zone.
 *
 * The API's days are those of the meter's zone, and each year one day has 23 and one has 25 hours.
 * GLib's GTimeZone accepts any zone by name; libc would need $TZ, which affects the whole process.
 * Dates are converted to and from seconds with timegm() and gmtime_r(), which depend on no zone.
 */
#include "calendar.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <time.h>

struct calendar {
    GTimeZone *zone;
};

int calendar_new(const char *zone, struct calendar **ret_calendar)
{
    struct calendar *calendar = calloc(1, sizeof(*calendar));

    if (!calendar)
        return -ENOMEM;
    calendar->zone = g_time_zone_new_identifier(zone);
    if (!calendar->zone) {
        free(calendar);
        return -EINVAL;
    }
    *ret_calendar = calendar;
    return 0;
}

void calendar_free(struct calendar *calendar)
{
    if (!calendar)
        return;
    g_time_zone_unref(calendar->zone);
    free(calendar);
}

int64_t calendar_offset(const struct calendar *calendar, int64_t utc)
{
    int interval = g_time_zone_find_interval(calendar->zone, G_TIME_TYPE_UNIVERSAL, utc);

    return g_time_zone_get_offset(calendar->zone, interval);
}

struct date calendar_date(const struct calendar *calendar, int64_t utc)
{
    time_t local = utc + calendar_offset(calendar, utc);
    struct tm tm;

    gmtime_r(&local, &tm);
    return (struct date){
        .year = tm.tm_year + 1900,
        .month = tm.tm_mon + 1,
        .day = tm.tm_mday,
        .weekday = tm.tm_wday,
        .yearday = tm.tm_yday,
    };
}

int64_t calendar_start(const struct calendar *calendar, int year, int month, int day)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
    gint64 local = timegm(&tm);
    /* If midnight occurs twice, the day begins at the first of the two, which is in summer time. If
     * midnight is skipped, the day begins at the end of the gap. */
    int interval = g_time_zone_adjust_time(calendar->zone, G_TIME_TYPE_DAYLIGHT, &local);

    return local - g_time_zone_get_offset(calendar->zone, interval);
}

void calendar_period(const struct calendar *calendar, enum period period, int64_t utc,
                     int64_t *ret_start, int64_t *ret_end)
{
    struct date date = calendar_date(calendar, utc);

    switch (period) {
    case PERIOD_DAY:
        *ret_start = calendar_start(calendar, date.year, date.month, date.day);
        *ret_end = calendar_start(calendar, date.year, date.month, date.day + 1);
        break;
    case PERIOD_MONTH:
        *ret_start = calendar_start(calendar, date.year, date.month, 1);
        *ret_end = calendar_start(calendar, date.year, date.month + 1, 1);
        break;
    case PERIOD_YEAR:
        *ret_start = calendar_start(calendar, date.year, 1, 1);
        *ret_end = calendar_start(calendar, date.year + 1, 1, 1);
        break;
    }
}
