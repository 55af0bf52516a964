/*
 * A sweep reads the realtime data of all selected meters once, not from the cache. It first finds
 * the devices of all its sources, so that a device has its LAN route before it is read. Then it
 * finds the meters of each device, and reads them as soon as they are known, so that no device
 * waits for another.
 *
 * A METER (struct cemm_selector) may name an alias that no list of meters has, as with Modbus
 * meters of a device without io (find.h). Such an alias is guessed: it is read to see whether it
 * exists. If every METER names a device and an alias, no list is read, and each METER is reported.
 * See also struct cemm_selection.
 */
#ifndef CEMM_ENGINE_SWEEP_H
#define CEMM_ENGINE_SWEEP_H

#include "common/engine/cache.h"

/* Like cemm_sweep(). */
int cemm_sweep_start(struct cemm_cache *cache, const struct cemm_selection *selection,
                     cemm_sweep_fn *report, void *data);

#endif
