/* Discovery packets: the valid answer, and junk that a client must not be affected by. See junk.c.
 */
#pragma once

#include <stdio.h>

#define MAC_SIZE sizeof("00:1E:C0:00:00:01")

/* The content of a packet. */
struct beacon_fields {
    const char *ip;
    const char *mac;     /* NULL: there is no such field */
    const char *version; /* NULL: there is no such field */
};

void beacon_write(FILE *out, const struct beacon_fields *fields);

/* Returns how many kinds of junk there are. */
int junk_count(void);
/* Writes a kind of junk. `other_mac` is the MAC of a device that is not at `ip`. */
void junk_write(FILE *out, int kind, const char *ip, const char *other_mac);
