/* The HTTP side: one loop, one socket for the cloud and one for each LAN device. See server.c. */
#pragma once

#include "world.h"

struct server;

/* Listens on all sockets. A negative errno has been explained on stderr. */
int server_new(struct world *world, struct server **ret_server);
void server_free(struct server *server);

/* Writes the line that says where it listens. */
int server_ready(const struct server *server);
/* Serves until SIGTERM or SIGINT. */
int server_run(struct server *server);
