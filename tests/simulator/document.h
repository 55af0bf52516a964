/* The JSON documents of both APIs. See document.c. */
#pragma once

#include "world.h"

#include <stdio.h>

enum api {
    API_CLOUD,
    API_LAN,
};

/* How a value is written: as it is, or with two decimals. */
enum rounding {
    ROUND_NOT,
    ROUND_NEAREST,
    ROUND_DOWN,
};

/* Each writes one document. -ENOMEM; the owner of `out` checks it for errors. */
void document_devices(const struct world *world, FILE *out);
void document_lan_root(const struct world *world, const struct device *device, FILE *out);
void document_io(const struct world *world, enum api api, int only, FILE *out);
int document_realtime(const struct world *world, struct device *device, int index, enum api api,
                      FILE *out);
int document_history(const struct world *world, struct device *device, int index, enum api api,
                     enum period period, int64_t utc, FILE *out);
int document_totals(const struct world *world, struct device *device, int index, int64_t utc,
                    FILE *out);

/* Rounds a value to hundredths. The others write JSON: hundredths, a value, a sample. */
int64_t document_hundredths(int64_t value, enum rounding rounding);
void document_number(FILE *out, int64_t hundredths);
void document_value(FILE *out, int64_t value, enum rounding rounding);
void document_sample(FILE *out, const struct sample *sample, enum rounding rounding);
/* An inverter's single register as `data` has it; `totals` splits it into t1 and t2. */
void document_register(FILE *out, int64_t low, int64_t high, enum rounding rounding);
/* How an API rounds, except for `totals` of realtime, which rounds down. */
enum rounding document_rounding(const struct world *world, enum api api);
/* The core version of the LAN devices. */
const char *document_core(const struct world *world);
/* The meter that a channel of a meter comes from: p1 shows the gas of p1-gas. NULL: none. */
struct meter *document_meter(const struct world *world, struct device *device, int index,
                             enum channel channel);
