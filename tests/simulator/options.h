/* The command line of cemm-sim. See options.c. */
#pragma once

#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

#define METERS_MAX  16
#define DEVICES_MAX 4096
#define LAN_MAX     1024

enum promise_body {
    PROMISE_JSON,
    PROMISE_TEXT,
    PROMISE_EMPTY,
};

struct options {
    int devices;
    int lan;
    int cloud_port;
    int lan_port;
    char *meter_list; /* what `meters` points into */
    const char *meters[METERS_MAX];
    int meter_count;
    const char *prefix;
    char *key;
    const char *zone;
    int64_t promise_ms;
    enum promise_body promise_body;
    int retry_after; /* -1: none */
    bool lan_io;
    const char *since; /* NULL: two years before now */
    int64_t now_ms;    /* -1: the real time */
    double speed;
    struct faults faults;
    const char *control;
    const char *log;
    bool help;
    bool print;
    char **words; /* uid, alias, channel, time of --print */
};

/* -EINVAL: the line that says what is wrong has gone to stderr. */
int options_parse(int argc, char **argv, struct options *ret_options);
void options_free(struct options *options);
