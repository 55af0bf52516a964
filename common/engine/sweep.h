/*
 * A sweep reads the realtime data of all selected meters once, not from the
 * cache. It first finds the devices of all its sources, so that a device has its
 * LAN route before it is read. Then it finds the meters of each device, and reads
 * them as soon as they are known, so that no device waits for another.
 *
 * A METER (struct cemm_selector) may name an alias that is in no list: a device
 * without io lists none, and the 247 Modbus aliases are not probed (find.h). If
 * every METER names a device and an alias, no list is read, and every METER is
 * reported. For other METERs and overlapping sweeps, see struct cemm_selection.
 */
#ifndef CEMM_ENGINE_SWEEP_H
#define CEMM_ENGINE_SWEEP_H

#include "common/engine/cache.h"

/* Like cemm_sweep(). */
int cemm_sweep_start(struct cemm_cache *cache, const struct cemm_selection *selection,
                     cemm_sweep_fn *meter, void *data);

#endif
