/*
 * Looks for CEMMs on the LAN, which takes two seconds.
 *
 *   cc discover.c $(pkg-config --cflags --libs libcemm) -o discover
 *   ./discover
 */
#include <cemm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_end(void *data, const struct cemm_answer *answer)
{
    bool *done = data;

    if (answer->result != 0)
        fprintf(stderr, "%s\n", answer->message);
    *done = true;
}

static void print_devices(const struct cemm *cemm)
{
    struct cemm_discovered device;

    for (size_t i = 0; cemm_discovered_at(cemm, i, &device); i++)
        printf("%s at %s: %s, core %s\n", device.uid.text, device.address, device.type,
               device.core);
}

/* Prints why devices may not have been found. */
static void print_state(const struct cemm *cemm)
{
    struct cemm_discovery_state state;

    cemm_discovery_at(cemm, &state);
    fprintf(stderr, "%u broadcast addresses asked\n", state.asked);
    if (!state.own_port)
        fprintf(stderr, "another program holds UDP port 9777\n");
    if (state.message[0])
        fprintf(stderr, "%s\n", state.message);
}

int main(void)
{
    struct cemm_config *config = cemm_config_new();
    struct cemm_message message;
    struct cemm *cemm = NULL;
    bool done = false;
    int result = -1;

    /* No file is read. With an empty configuration, the network is searched. */
    if (config && cemm_config_finish(config, &message) == 0)
        cemm = cemm_new(config, CEMM_BACKOFF_INTERACTIVE, NULL, NULL);
    if (cemm)
        result = cemm_discover(cemm, take_end, &done, NULL);
    while (result == 0 && !done)
        result = cemm_turn(cemm, -1, NULL, 0);
    if (result == 0) {
        print_devices(cemm);
        print_state(cemm);
    }
    cemm_free(cemm);
    cemm_config_free(config);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
