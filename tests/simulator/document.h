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

/* Each of these writes a document. Those that return int return 0 or -ENOMEM. The caller checks
 * `out` for errors. `index` is a meter's place in options.meters. `only` is the index of one meter,
 * or -1 for all. */
void document_devices(const struct world *world, FILE *out);
void document_lan_root(const struct world *world, const struct device *device, FILE *out);
void document_io(const struct world *world, enum api api, int only, FILE *out);
int document_realtime(const struct world *world, struct device *device, int index, enum api api,
                      FILE *out);
int document_history(const struct world *world, struct device *device, int index, enum api api,
                     enum period period, int64_t utc, FILE *out);
int document_totals(const struct world *world, struct device *device, int index, int64_t utc,
                    FILE *out);

/* document_hundredths() rounds a value to hundredths. The others write hundredths, a value or a
 * sample as JSON. */
int64_t document_hundredths(int64_t value, enum rounding rounding);
void document_number(FILE *out, int64_t hundredths);
void document_value(FILE *out, int64_t value, enum rounding rounding);
void document_sample(FILE *out, const struct sample *sample, enum rounding rounding);
/* Writes the single register of an inverter as `data` of realtime has it. (`totals` splits it into
 * t1 and t2.) */
void document_register(FILE *out, int64_t low, int64_t high, enum rounding rounding);
/* Returns how an API rounds values. Only `totals` of realtime differs: it rounds down. */
enum rounding document_rounding(const struct world *world, enum api api);
/* Returns the core version of the LAN devices. */
const char *document_core(const struct world *world);
/* Returns the meter that measures a channel of the meter `index`: p1 shows the gas of p1-gas. NULL:
 * there is none. */
struct meter *document_meter(const struct world *world, struct device *device, int index,
                             enum channel channel);
