/*
 * A sweep reads the realtime data of all selected meters once, afresh. First
 * come the devices of all its sources, so that a device has its LAN route
 * before it is read; then each device's meters, and each meter as soon as it is
 * known, so that no device waits for another. It ends when nothing is pending.
 *
 * A METER may name what no list has: there are 247 aliases of Modbus, and a
 * device without io lists none. So such an alias is asked for where it is not
 * known. Most devices do not have it. That is no failure, and is not reported
 * unless METER names the device.
 *
 * Sweeps that may overlap go further: each device is read at its own pace, and
 * no list is waited for if there is an older one.
 */
#ifndef CEMM_ENGINE_SWEEP_H
#define CEMM_ENGINE_SWEEP_H

#include "common/engine/cache.h"

/* As cemm_sweep(). */
int cemm_sweep_start(struct cemm_cache *cache, const struct cemm_selection *selection,
                     cemm_sweep_fn *meter, void *data);

#endif
