/* The command line of cemm-sim. See options.c. */
#pragma once

#include "fault.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define METERS_MAX  32
#define DEVICES_MAX 100000
#define LAN_MAX     1024
#define FIRST_MAX   (0xffffff - DEVICES_MAX) /* a uid has three octets for the number */

/* The firmware of the LAN devices. */
enum firmware {
    FIRMWARE_2_18, /* as the vendor documents it: no io, no totals */
    FIRMWARE_2_26,
};

enum promise_body {
    PROMISE_JSON,
    PROMISE_TEXT,
    PROMISE_EMPTY,
};

struct meter_name {
    const char *alias;
    const char *like; /* the documented alias whose kind and data it has; usually `alias` */
    const char *type; /* its type in `io`; NULL: the usual one, see document.c */
    bool unlisted;    /* not in `io` */
};

/* A type that replaces the usual type of a meter. */
struct meter_type {
    char *alias; /* allocated together with the type, which follows it */
    const char *type;
};

struct options {
    int devices;
    int first; /* number of the first device */
    int lan;   /* number of devices that are also on the LAN */
    struct in_addr lan_bind[LAN_MAX];
    int lan_bind_count; /* 0: 127.0.0.1, and each device has its own port */
    int cloud_port;
    int lan_port;
    char *meter_list; /* contains the texts of `meters` */
    struct meter_name meters[METERS_MAX];
    int meter_count;
    char *extra_texts[METERS_MAX]; /* contain the texts of `extras` */
    struct meter_name extras[METERS_MAX];
    int extra_count;
    struct meter_type types[METERS_MAX];
    int type_count;
    bool unknown_channel;
    bool next_row;
    bool dsmr5;
    bool gas_stamped_hourly;
    int read_every; /* seconds */
    const char *prefix;
    char *key;
    const char *zone;
    int64_t promise_ms;
    enum promise_body promise_body;
    int retry_after;     /* -1: none */
    int64_t cloud_round; /* in 1/VALUE_ONE */
    enum firmware firmware;
    bool discovery;
    int discovery_port;
    int beacon_to;              /* the port to answer to; 0: the port that sent the query */
    const char *beacon_claim;   /* the address in answers; NULL: the real one */
    const char *beacon_version; /* the version in answers; NULL: the firmware's */
    int beacon_times;
    bool beacon_junk;
    const char *since; /* NULL: two years before now */
    int64_t now_ms;    /* -1: the real time */
    double speed;
    const char *clock; /* a file; NULL: now_ms and speed are used */
    struct faults faults;
    const char *tls_cert;     /* a file; NULL: the cloud has no TLS */
    const char *tls_key;      /* a file */
    const char *tls_priority; /* GnuTLS's priority string; NULL: its default */
    const char *control;      /* a file with faults, or NULL */
    const char *log;          /* a file, or NULL */
    bool log_connections;
    bool help;
    bool print;
    char **arguments; /* uid, alias, channel, times of --print */
    int argument_count;
};

#define HTTP_PORT 80

/* -EINVAL: a message was printed. */
int options_parse(int argc, char **argv, struct options *ret_options);
void options_free(struct options *options);
