/* The discovery broadcast: how the devices on the LAN say where they are. See beacon.c. */
#pragma once

#include "request.h"

struct beacon;

/*
 * Opens the sockets and adds them to the pool's epoll. Returns 0 or a negative errno. If a socket
 * can't be opened, a message is printed.
 */
int beacon_new(struct pool *pool, struct beacon **ret_beacon);
void beacon_free(struct beacon *beacon);

/* Receives a packet from a socket that is readable, and answers it. */
void beacon_take(struct watch *watch);
