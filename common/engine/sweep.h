/*
 * A sweep: the realtime data of all selected meters, once, afresh. First the
 * devices of all its sources, so that a device has its LAN route before it is
 * read; then each device's meters, and each meter as soon as it is known, so
 * that no device waits for another. It ends when nothing is pending.
 *
 * A METER may name what no list has: of Modbus there are 247 aliases, and a
 * device without io tells of none. So an alias that exists by name is asked for
 * where it is not known. Most devices do not have it; that is no failure of
 * theirs, and not told where the METER is about no one device.
 *
 * Sweeps that may overlap go further: each device is then read at its own pace,
 * and no list is waited for where there is an older one.
 */
#ifndef CEMM_ENGINE_SWEEP_H
#define CEMM_ENGINE_SWEEP_H

#include "common/engine/cache.h"

/* As cemm_sweep(). */
int cemm_sweep_start(struct cemm_cache *cache, const struct cemm_selection *selection,
                     cemm_sweep_fn *meter, void *data);

#endif
