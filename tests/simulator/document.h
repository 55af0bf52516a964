/* The JSON documents of both APIs. See document.c. */
#pragma once

#include "world.h"

#include <stdio.h>

enum api {
    API_CLOUD,
    API_LAN,
};

/* Each writes one document. -ENOMEM; what went wrong with `out` is for its owner to see. */
void document_devices(const struct world *world, FILE *out);
void document_lan_root(const struct device *device, FILE *out);
void document_io(const struct world *world, enum api api, int only, FILE *out);
int document_realtime(const struct world *world, struct device *device, int index, enum api api,
                      FILE *out);
int document_history(const struct world *world, struct device *device, int index, enum api api,
                     enum period period, int64_t utc, FILE *out);
int document_totals(const struct world *world, struct device *device, int index, int64_t utc,
                    FILE *out);

void document_value(FILE *out, int64_t value);
/* The meter that a channel of a meter comes from: p1 shows the gas of p1-gas. NULL: none. */
struct meter *document_meter(const struct world *world, struct device *device, int index,
                             enum channel channel);
