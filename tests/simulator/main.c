/*
 * cemm-sim simulates the CEMM cloud and any number of CEMMs on the LAN.
 *
 * The demo and all end-to-end tests use it; it is not installed. It answers as the vendor's
 * documentation says (document.c), with data that is a function of time (data.c), and simulates
 * faults on request (fault.c). See --help.
 */
#include "options.h"
#include "server.h"
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 2

static int serve(struct world *world)
{
    struct server *server;
    int r = server_new(world, &server);

    if (r < 0)
        return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
    r = server_ready(server);
    if (r == 0)
        r = server_run(server);
    if (r < 0)
        fprintf(stderr, "cemm-sim: %s\n", strerror(-r));
    server_free(server);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct options options;
    struct world world;
    int status = EXIT_SUCCESS;
    int r = options_parse(argc, argv, &options);

    if (r < 0)
        status = EXIT_USAGE;
    else if (!options.help) {
        r = world_new(&options, &world);
        if (r < 0) {
            status = r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
        } else {
            status = options.print ? world_print(&world) : serve(&world);
            world_free(&world);
        }
    }
    options_free(&options);
    return status;
}
