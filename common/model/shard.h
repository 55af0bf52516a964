/*
 * Shards: several programs share an account, and each reads a part of its
 * devices.
 */
#ifndef CEMM_MODEL_SHARD_H
#define CEMM_MODEL_SHARD_H

#include "common/frontend.h"

/* Which of the shards 1 to `shards` a device belongs to. It is the same on all machines and in all
 * versions. */
unsigned cemm_shard_of(const struct cemm_uid *uid, unsigned shards);

#endif
