/*
 * Rendezvous hashing: each shard has a score for the device, and the highest
 * wins. So one more shard takes its part evenly from all others, and no device
 * moves between those.
 *
 * The score is the finalizer of splitmix64 over the uid's FNV-1a hash and the
 * number of the shard. It must never change: programs of different versions
 * would ask for a device twice, or not at all.
 */
#include "common/model/shard.h"

#include <string.h>

static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
    return bits ^ bits >> 31;
}

unsigned cemm_shard_of(const struct cemm_uid *uid, unsigned shards)
{
    uint64_t device = cemm_hash(CEMM_HASH, uid->text, strlen(uid->text));
    uint64_t best = 0;
    unsigned winner = 1;

    for (unsigned shard = 1; shard <= shards; shard++) {
        uint64_t score = mix(device + shard * UINT64_C(0x9e3779b97f4a7c15));
        if (score <= best)
            continue;
        best = score;
        winner = shard;
    }
    return winner;
}
