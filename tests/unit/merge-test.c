/*
 * Tests the merging of several series: there is a step for each different time,
 * oldest first, with the series that have a sample at that time.
 */
#include "check.h"
#include "common/format/format.h"

#define SERIES  4
#define SAMPLES 6

static const struct {
    const char *row;
    int64_t times[SERIES][SAMPLES]; /* 0: end */
    size_t series;
    const char *steps; /* "TIME:SERIES…" for each step; 'a' is the first series */
} cases[] = {
    {"no series", {{0}}, 0, ""},
    {"an empty series", {{0}}, 1, ""},
    {"one series", {{1, 2, 3}}, 1, "1:a 2:a 3:a "},
    {"two with the same times", {{1, 2}, {1, 2}}, 2, "1:ab 2:ab "},
    {"one after the other", {{1, 2}, {3, 4}}, 2, "1:a 2:a 3:b 4:b "},
    {"the other way round", {{3, 4}, {1, 2}}, 2, "1:b 2:b 3:a 4:a "},
    {"interleaved", {{1, 3, 5}, {2, 3, 4}}, 2, "1:a 2:b 3:ab 4:b 5:a "},
    {"empty series between others", {{0}, {2}, {0}, {1, 2}}, 4, "1:d 2:bd "},
    {"of different lengths", {{1, 2, 3, 4, 5}, {3}, {5}}, 3, "1:a 2:a 3:ab 4:a 5:ac "},
    {"before 1970", {{-5, 7}, {-5, -4}}, 2, "-5:ab -4:b 7:a "},
};

static void test_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cemm_sample samples[SERIES][SAMPLES] = {0};
        struct cemm_series series[SERIES] = {0};
        struct cemm_merge merge = {.series = series, .count = cases[i].series};
        struct cemm_buffer steps = CEMM_BUFFER_INIT(1000);
        for (size_t s = 0; s < cases[i].series; s++) {
            series[s].samples = samples[s];
            for (; cases[i].times[s][series[s].count]; series[s].count++)
                samples[s][series[s].count].time = cases[i].times[s][series[s].count];
        }
        cemm_buffer_text(&steps, "");
        while (cemm_merge_next(&merge)) {
            cemm_buffer_format(&steps, "%lld:", (long long)merge.time);
            for (size_t s = 0; s < cases[i].series; s++) {
                const struct cemm_sample *sample = cemm_merge_sample(&merge, s);
                if (!sample)
                    continue;
                expect_int(cases[i].row, sample->time, merge.time);
                cemm_buffer_char(&steps, (char)('a' + s));
            }
            cemm_buffer_char(&steps, ' ');
        }
        expect_text(cases[i].row, steps.data, cases[i].steps);
        assert_false(cemm_merge_next(&merge)); /* there is still no step */
        cemm_buffer_clear(&steps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
