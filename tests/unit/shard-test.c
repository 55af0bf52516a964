/*
 * Tests the distribution of 10,000 devices to shards: it is even and complete, and
 * a change of the number of shards moves no more devices than necessary. The hash
 * must never change.
 */
#include "check.h"
#include "common/model/names.h"

#include <stdio.h>

#define DEVICES 10000

static unsigned shard_of(unsigned number, unsigned shards)
{
    struct cemm_uid uid;
    int size = snprintf(uid.text, sizeof(uid.text), "00-1E-C0-%02X-%02X-%02X", number >> 16 & 0xff,
                        number >> 8 & 0xff, number & 0xff);

    assert_int_equal(size, CEMM_UID_SIZE - 1);
    return cemm_shard_of(&uid, shards);
}

/* Each device is in exactly one shard, and each shard has its share within 10 %. */
static void test_even(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 10; shards++) {
        unsigned counts[11] = {0};
        for (unsigned i = 0; i < DEVICES; i++) {
            unsigned shard = shard_of(i, shards);
            assert_in_range(shard, 1, shards);
            counts[shard]++;
        }
        for (unsigned shard = 1; shard <= shards; shard++)
            assert_in_range(counts[shard] * shards, DEVICES * 9 / 10, DEVICES * 11 / 10);
    }
}

/* If a shard is added, devices move only to the new shard. */
static void test_movement(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards < 10; shards++) {
        unsigned moved = 0;
        for (unsigned i = 0; i < DEVICES; i++) {
            unsigned before = shard_of(i, shards);
            unsigned now = shard_of(i, shards + 1);
            if (now == before)
                continue;
            assert_int_equal(now, shards + 1);
            moved++;
        }
        assert_in_range(moved * (shards + 1), DEVICES * 9 / 10, DEVICES * 11 / 10);
    }
}

/* The expected shards were calculated by another program. */
static void test_fixed(void **state)
{
    static const struct {
        const char *uid;
        unsigned shards;
        unsigned shard;
    } rows[] = {
        {"00-1E-C0-85-96-CC", 3, 1}, {"00-1E-C0-85-96-CC", 4, 4}, {"00-1E-C0-85-96-CC", 256, 132},
        {"FF-FF-FF-FF-FF-FF", 3, 2}, {"FF-FF-FF-FF-FF-FF", 4, 2}, {"FF-FF-FF-FF-FF-FF", 256, 190},
        {"D8-80-39-00-00-01", 3, 3}, {"D8-80-39-00-00-01", 4, 4}, {"D8-80-39-00-00-01", 256, 116},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_uid uid;
        assert_true(cemm_uid_parse(rows[i].uid, &uid));
        expect_int(rows[i].uid, cemm_shard_of(&uid, rows[i].shards), rows[i].shard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_even),
        cmocka_unit_test(test_movement),
        cmocka_unit_test(test_fixed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
