/*
 * Names of periods, and moments in several time zones, some of which have unusual
 * clock changes.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/limits.h"
#include "common/frontend.h"

#include <string.h>

static void check_name(enum cemm_span span, const char *name)
{
    struct cemm_period period;
    char text[64];

    if (!cemm_period_parse(span, name, &period))
        return;
    cemm_period_format(&period, text, sizeof(text));
    MUST(strcmp(text, name) == 0);
}

static void check_moment(const struct cemm_zone *zone, enum cemm_span span, int64_t seconds)
{
    struct cemm_period period = cemm_period_at(zone, span, seconds);
    int64_t start = cemm_period_start(zone, &period);
    int64_t end = cemm_period_end(zone, &period);
    struct cemm_period next = cemm_period_step(&period, 1);
    struct cemm_period back = cemm_period_step(&next, -1);

    MUST(start <= seconds && seconds < end);
    MUST(cemm_period_start(zone, &next) == end);
    MUST(cemm_period_compare(&period, &back) == 0 && cemm_period_compare(&period, &next) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const names[] = {"Europe/Amsterdam",  "Europe/Oslo",
                                        "America/St_Johns",  "Australia/Lord_Howe",
                                        "America/Sao_Paulo", "Asia/Kolkata"};
    static struct cemm_zone *zones[sizeof(names) / sizeof(names[0])];
    char *name = fuzz_text(bytes, size);
    char text[CEMM_TIME_SIZE];
    int64_t moment = 0;

    if (!zones[0])
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            MUST((zones[i] = cemm_zone_new(names[i])));
    for (int span = CEMM_DAY; span <= CEMM_YEAR; span++)
        check_name((enum cemm_span)span, name);
    memcpy(&moment, bytes, size < sizeof(moment) ? size : sizeof(moment));
    moment =
        CEMM_TIME_MIN + (int64_t)((uint64_t)moment % (uint64_t)(CEMM_TIME_MAX - CEMM_TIME_MIN));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (int span = CEMM_DAY; span <= CEMM_YEAR; span++)
            check_moment(zones[i], (enum cemm_span)span, moment / 1000);
        cemm_time_format(zones[i], moment, text);
        MUST(strlen(text) >= 25);
    }
    free(name);
    return 0;
}
