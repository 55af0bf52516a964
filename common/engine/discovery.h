/*
 * Discovery (LAN §discovery broadcast). A scan broadcasts a query, listens for a while, and treats
 * each answer as a claim that a device is at the address the packet came from. The device is used
 * there only after the claim was confirmed: the root document ("root") at that address must name
 * the same MAC. Addresses in a packet are ignored.
 *
 * Each discovered address is a source with one route. A device that answers from a new address
 * loses its old address once it is confirmed at the new one.
 *
 * Anybody on the LAN can send packets, so their cost is limited: an address has one source and one
 * claim at a time, and one request for its root confirms or refutes the claim. Sources are reused:
 * if there are too many, a new claim gets the source of the oldest unconfirmed claim.
 */
#ifndef CEMM_ENGINE_DISCOVERY_H
#define CEMM_ENGINE_DISCOVERY_H

#include "common/engine/registry.h"

#define CEMM_DISCOVERY_TIMEOUT_MS 10000 /* for answers from discovered sources */

struct cemm_discovery {
    struct cemm_registry *registry;
    const struct cemm_config *config;
    int fd;           /* the socket of a scan; -1: none is open */
    bool port_warned; /* another program has the port, which was logged */
    bool scanning;
    unsigned scan;  /* number of scans so far */
    unsigned order; /* number of claims so far; an address counts once per scan */
    struct cemm_timer timer;
    struct cemm_discovery_state state; /* its `message` points to the next member */
    struct cemm_message message;
};

void cemm_discovery_init(struct cemm_discovery *discovery, struct cemm_registry *registry,
                         const struct cemm_config *config);

void cemm_discovery_clear(struct cemm_discovery *discovery);

/* Starts a scan, unless one is under way or the last one ended at most `max_age` ago. */
void cemm_discovery_scan(struct cemm_discovery *discovery, int64_t max_age);

/* Called when the root at the source's address has named the device `uid`. Accepts the
 * device if there is room for it, and a claim named it or it was confirmed at this address before.
 * True: it was accepted, and loses its old address. False: the source now has no device. */
bool cemm_discovery_confirm(struct cemm_discovery *discovery, struct cemm_source *source,
                            const struct cemm_uid *uid);

/* Logs, once, that the request for the root of a claimed address has failed. */
void cemm_discovery_failed(const struct cemm_source *source, const char *message);

#endif
