/*
 * Tests the answers of a meter while its missing minutes are fetched: the answers
 * wait in order, and none is lost if there are too many of them. Backfill is simulated.
 */
#include "answers.h"
#include "check.h"
#include "plugin/exec/missed.h"
#include "scratch.h"

#include <stdio.h>

#define ANSWERS 100 /* more than can wait */

static struct {
    struct cemm_ledger *ledger;
    struct missed missed;
    const struct cemm_backfill_rules *rules;
    void *user;   /* the user of the current round */
    bool lacking; /* whether minutes are missing */
    size_t sent;
} fake;

/* ---- what missed.c calls ----------------------------------------------------------- */

struct cemm_backfill *cemm_backfill_new(struct cemm *cemm, struct cemm_ledger *ledger,
                                        const struct cemm_backfill_rules *rules, void *data)
{
    (void)cemm;
    (void)ledger;
    (void)data;
    fake.rules = rules;
    return (struct cemm_backfill *)&fake;
}

void cemm_backfill_free(struct cemm_backfill *backfill)
{
    (void)backfill;
}

bool cemm_backfill_live(struct cemm_backfill *backfill, struct cemm_ledger_entry *entry,
                        int64_t limit, void *user)
{
    (void)backfill;
    (void)entry;
    (void)limit;
    fake.user = user;
    return fake.lacking;
}

void message_print(enum cemm_level level, const char *format, ...)
{
    (void)level;
    fail_msg("%s", format);
}

/* ---- the stream -------------------------------------------------------------------- */

/* Checks that each sample is the next one, and that it is new. */
static void send_samples(void *data, const struct cemm_document *document, bool old)
{
    struct cemm_document *picked = cemm_ledger_pick(fake.ledger, document, NULL);
    size_t count = 0;

    (void)data;
    assert_false(old);
    assert_non_null(picked);
    const struct cemm_series *series = cemm_document_series(picked, &count);
    assert_int_equal(count, 1);
    assert_int_equal(series->count, 1);
    assert_int_equal((int)series->samples[0].value, (int)fake.sent++);
    cemm_document_unref(picked);
}

static void take(struct missed_meter *meter, int number)
{
    char text[100];
    snprintf(text, sizeof(text), "{\"data\":{\"electric_power\":[%lld,%d]}}",
             (long long)(ANSWER_NOW - 10000 * (ANSWERS - number)), number);
    struct cemm_document *document = answer(CEMM_REALTIME, "p1", CEMM_DAY, text);
    missed_take(&fake.missed, meter, document);
    cemm_document_unref(document);
}

static void test_too_many(void **state)
{
    static const char *const sinks[] = {""};
    struct missed_meter meter = {0};

    (void)state;
    fake.ledger = cemm_ledger_new(MISSED_WINDOW, sinks, 1);
    assert_non_null(fake.ledger);
    assert_int_equal(
        missed_open(&fake.missed, scratch_path("state"), NULL, fake.ledger, send_samples, NULL), 0);
    fake.lacking = true;
    for (int i = 0; i < ANSWERS; i++)
        take(&meter, i);
    assert_int_equal(fake.sent + fake.missed.waiting, ANSWERS);
    fake.lacking = false;
    fake.rules->done(&fake.missed, &(struct cemm_backfill_job){.user = fake.user});
    assert_int_equal(fake.missed.waiting, 0);
    assert_int_equal(fake.sent, ANSWERS);
    cemm_backfill_free(fake.missed.backfill);
    cemm_ledger_free(fake.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_too_many, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
