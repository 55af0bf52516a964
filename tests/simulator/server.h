/* The HTTP side: one loop, one socket for the cloud and one for each LAN device. See server.c. */
#pragma once

#include "world.h"

struct server;

/* Listens on all sockets. Returns 0 or a negative errno. A message says which socket or file can't
 * be opened. */
int server_new(struct world *world, struct server **ret_server);
void server_free(struct server *server);

/* Prints the line with the addresses. */
int server_ready(const struct server *server);
/* Serves until SIGTERM or SIGINT. */
int server_run(struct server *server);
