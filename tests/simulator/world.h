/* All that is simulated: devices, their meters, the clock. See world.c. */
#pragma once

#include "calendar.h"
#include "data.h"
#include "options.h"
#include "promise.h"
#include "simclock.h"

#define UID_SIZE sizeof("00-1E-C0-00-00-01")

struct device {
    char uid[UID_SIZE];
    struct meter *meters[METERS_MAX]; /* in the order of options.meters */
};

struct world {
    struct options *options;
    struct calendar *calendar;
    struct simclock clock;
    int64_t since;
    struct device *devices;
    struct promises promises;
};

/* -EINVAL: zone or date are invalid; a message was printed. */
int world_new(struct options *options, struct world *ret_world);
void world_free(struct world *world);

/* The uid of the device of this number; -EOVERFLOW. */
int world_uid(int number, char ret_uid[static UID_SIZE]);
struct device *world_device(const struct world *world, const char *uid);
/* The index of an alias in options.meters; -ENOENT. */
int world_meter(const struct world *world, const char *alias);
/* The oracle: one line on stdout for each time. Returns the exit status. */
int world_print(const struct world *world);
