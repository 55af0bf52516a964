/* Discovery packets: the good one, and those that a client has to survive. See junk.c. */
#pragma once

#include <stdio.h>

#define MAC_SIZE sizeof("00:1E:C0:00:00:01")

/* The content of a packet. */
struct beacon_fields {
    const char *ip;
    const char *mac;     /* NULL: left out */
    const char *version; /* NULL: left out */
};

void beacon_write(FILE *out, const struct beacon_fields *fields);

/* How many kinds of junk there are, and one of them. */
int junk_count(void);
/* `other_mac` is the MAC of a device that is not at `ip`. */
void junk_write(FILE *out, int kind, const char *ip, const char *other_mac);
