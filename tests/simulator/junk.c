/*
 * Discovery packets: the valid answer, and junk that a client must not be affected by.
 *
 * Anybody on the LAN can answer a broadcast. So with --beacon-junk, a set of packets is sent before
 * each answer, and a client must not take any of them for a device. The MAC of a kind of junk is
 * 00:1E:C0:FF:FF:xx, where xx is its index in `kinds`, so that the MAC tells which kind a client
 * has believed. The last kind is an exception: it has the MAC of a device that exists at another
 * address.
 */
#include "junk.h"

#include <stdbool.h>

#define LONG_SIZE  3000 /* more than a packet on Ethernet holds */
#define DEEP_COUNT 600  /* nested arrays; all 1200 brackets fit in a packet */
#define TYPE       "CEMM_basic"
#define VERSION    "1.24"
#define OLD        "1.22" /* a real device with this version does not answer queries */

static void begin_object(FILE *out, const struct beacon_fields *fields)
{
    fprintf(out, "{\"ip\": \"%s\"", fields->ip);
    if (fields->mac)
        fprintf(out, ", \"mac\": \"%s\"", fields->mac);
    if (fields->version)
        fprintf(out, ", \"version\": \"%s\"", fields->version);
    fputs(", \"type\": \"" TYPE "\", \"init_state\": 1", out);
}

void beacon_write(FILE *out, const struct beacon_fields *fields)
{
    begin_object(out, fields);
    putc('}', out);
}

static void put_nothing(FILE *out, const struct beacon_fields *fields)
{
    (void)out;
    (void)fields;
}

/* This packet is valid except for its length. */
static void put_long(FILE *out, const struct beacon_fields *fields)
{
    beacon_write(out, fields);
    while (ftell(out) < LONG_SIZE)
        putc(' ', out);
}

static void put_text(FILE *out, const struct beacon_fields *fields)
{
    fprintf(out, "CEMM %s at %s", fields->mac, fields->ip);
}

static void put_array(FILE *out, const struct beacon_fields *fields)
{
    putc('[', out);
    beacon_write(out, fields);
    putc(']', out);
}

static void put_no_mac(FILE *out, const struct beacon_fields *fields)
{
    beacon_write(out, &(struct beacon_fields){fields->ip, NULL, fields->version});
}

static void put_bad_mac(FILE *out, const struct beacon_fields *fields)
{
    beacon_write(out, &(struct beacon_fields){fields->ip, "../00:1E:C0:FF:FF", fields->version});
}

static void put_old(FILE *out, const struct beacon_fields *fields)
{
    beacon_write(out, &(struct beacon_fields){fields->ip, fields->mac, OLD});
}

static void put_no_version(FILE *out, const struct beacon_fields *fields)
{
    beacon_write(out, &(struct beacon_fields){fields->ip, fields->mac, NULL});
}

static void put_deep(FILE *out, const struct beacon_fields *fields)
{
    begin_object(out, fields);
    fputs(", \"x\": ", out);
    for (int i = 0; i < DEEP_COUNT; i++)
        putc('[', out);
    for (int i = 0; i < DEEP_COUNT; i++)
        putc(']', out);
    putc('}', out);
}

/* A client that is bound to the discovery port receives its own query. This packet looks
 * like that query. */
static void put_echo(FILE *out, const struct beacon_fields *fields)
{
    (void)fields;
    fputs("cemm_query", out);
}

static void (*const kinds[])(FILE *out, const struct beacon_fields *fields) = {
    put_nothing, put_long,       put_text, put_array, put_no_mac,   put_bad_mac,
    put_old,     put_no_version, put_deep, put_echo,  beacon_write,
};

#define KIND_COUNT ((int)(sizeof(kinds) / sizeof(kinds[0])))

int junk_count(void)
{
    return KIND_COUNT;
}

void junk_write(FILE *out, int kind, const char *ip, const char *other_mac)
{
    char mac[MAC_SIZE];
    int length = snprintf(mac, sizeof(mac), "00:1E:C0:FF:FF:%02X", (unsigned)kind & 0xff);
    bool forged = kind == KIND_COUNT - 1;

    if (length == (int)sizeof(mac) - 1)
        kinds[kind](out, &(struct beacon_fields){ip, forged ? other_mac : mac, VERSION});
}
