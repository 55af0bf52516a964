/*
 * The discovery datagrams (LAN §discovery broadcast): a query that is broadcast, and the answers
 * from the CEMMs. Pure: no network.
 */
#ifndef CEMM_PROTOCOL_BEACON_H
#define CEMM_PROTOCOL_BEACON_H

#include "common/frontend.h"

#define CEMM_BEACON_PORT  9777
#define CEMM_BEACON_QUERY "cemm_query"

/* What a CEMM reports, except its member `ip`: the packet's source address is used instead. */
struct cemm_beacon {
    struct cemm_uid uid;
    char type[CEMM_NAME_SIZE];    /* "CEMM_basic"; "" if absent or not a plain name */
    char version[CEMM_NAME_SIZE]; /* version of its firmware (the core), "1.24" */
};

/* Reads one datagram. Returns 1 for a CEMM's answer; 0 for our own query, received again; -EIO,
 * with the reason in `message`, for anything else; or -ENOMEM. A core older than 1.23 does not
 * answer, so a packet that claims to come from one is not an answer, either. */
int cemm_beacon_read(const char *bytes, size_t length, struct cemm_beacon *ret_beacon,
                     struct cemm_message *message);

#endif
