/* All that is simulated: devices, their meters and the clock. See world.c. */
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
    int64_t since; /* the first second that has data */
    struct device *devices;
    struct promises promises;
};

/* Makes the world. -EINVAL: --zone, --since or --clock is wrong, and a message was printed. */
int world_new(struct options *options, struct world *ret_world);
void world_free(struct world *world);

/* Returns the uid of the device with this number, or -EOVERFLOW. */
int world_uid(int number, char ret_uid[static UID_SIZE]);
/* Returns the device with this uid, or NULL. */
struct device *world_device(const struct world *world, const char *uid);
/* Returns the index of an alias in options.meters, or -ENOENT. */
int world_meter(const struct world *world, const char *alias);
/* Prints the values that --print asks for, one line for each time. Returns the exit status. */
int world_print(const struct world *world);
