/*
 * What numbers are worth: to the bit what strtod() says in the C locale.
 */
#include "check.h"
#include "common/protocol/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const fractions[] = {
    "0.0",
    "-0.0",
    "1.0",
    "0.1",
    "-2.5",
    "0.14208984375",
    "4519.435546875",
    "1350.5639648438",
    "-393.11401367188",
    "12345678.9012345",
    "123456789012345.0",
    "9007199254740993.0",
    "0.30000000000000004",
    "2.2250738585072014e-308",
    "5e-324",
    "1.7976931348623157e308",
    "1e22",
    "1E+23",
    "8.5e-7",
    "0.000000000000001",
    "99999999999999.9",
    "0.1234567890123456789",
};

/* Exactly the double that strtod() reads, -0 included. */
static void expect_number(const char *text)
{
    double wanted = strtod(text, NULL);
    double got = cemm_number_real(text, strlen(text));

    if (memcmp(&wanted, &got, sizeof(got)) != 0)
        fail_msg("%s: got %.17g, wanted %.17g", text, got, wanted);
}

static void test_doubles(void **state)
{
    char text[40];

    (void)state;
    for (size_t i = 0; i < COUNT(fractions); i++)
        expect_number(fractions[i]);
    srand(1);
    for (int i = 0; i < 100000; i++) {
        double number = (double)rand() / RAND_MAX * pow(10, rand() % 9) - 1000;
        assert_true(snprintf(text, sizeof(text), "%.*f", 1 + rand() % 12, number) > 0);
        expect_number(text);
    }
}

static void test_integers(void **state)
{
    static const struct {
        const char *text;
        int64_t number;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"7", 7},
        {"-1607", -1607},
        {"1496326765000", 1496326765000},
        {"999999999999999999", 999999999999999999},
        {"-999999999999999999", -999999999999999999},
        {"1000000000000000000", 1000000000000000000},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    int64_t number;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *p = rows[i].text;
        assert_int_equal(cemm_number_skip(&p, &number), CEMM_NUMBER_INTEGER);
        expect_int(rows[i].text, number, rows[i].number);
        assert_string_equal(p, "");
    }
}

/* Where a program has chosen a locale with a decimal comma: meson.build has one made. */
static void test_locale(void **state)
{
    static const char comma[] = "de_DE.UTF-8";
    int64_t integer;

    (void)state;
    for (size_t i = 0; i < COUNT(fractions); i++) {
        const char *p = fractions[i];
        assert_non_null(setlocale(LC_NUMERIC, comma));
        assert_string_equal(localeconv()->decimal_point, ",");
        assert_int_equal(cemm_number_skip(&p, &integer), CEMM_NUMBER_REAL);
        double got = cemm_number_real(fractions[i], strlen(fractions[i]));
        setlocale(LC_NUMERIC, "C");
        double wanted = strtod(fractions[i], NULL);
        assert_memory_equal(&got, &wanted, sizeof(got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_locale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
