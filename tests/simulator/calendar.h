/* Days, months and years in the meters' time zone. See calendar.c. */
#pragma once

#include <stdint.h>

struct calendar;

enum period {
    PERIOD_DAY,
    PERIOD_MONTH,
    PERIOD_YEAR,
};

struct date {
    int year;
    int month;   /* 1 to 12 */
    int day;     /* 1 to 31 */
    int weekday; /* 0 (Sunday) to 6 */
    int yearday; /* 0 to 365 */
};

/* Makes a calendar. -EINVAL: there is no such time zone. */
int calendar_new(const char *zone, struct calendar **ret_calendar);
void calendar_free(struct calendar *calendar);

/* Returns the offset from UTC in seconds (positive: east) at a moment. */
int64_t calendar_offset(const struct calendar *calendar, int64_t utc);
struct date calendar_date(const struct calendar *calendar, int64_t utc);

/* Returns the first second of a local date. Months and days out of range carry over, as in
 * mktime().
 */
int64_t calendar_start(const struct calendar *calendar, int year, int month, int day);

/* Returns the first second of the period that contains a moment, and the first second after it. */
void calendar_period(const struct calendar *calendar, enum period period, int64_t utc,
                     int64_t *ret_start, int64_t *ret_end);
