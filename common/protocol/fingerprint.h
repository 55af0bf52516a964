/*
 * Tells what answers at a LAN address if it is not a CEMM Basic or Plus. Pure: no network.
 */
#ifndef CEMM_PROTOCOL_FINGERPRINT_H
#define CEMM_PROTOCOL_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>

/* Where a CEMM 3.0 identifies itself without a key; its API is not below /open-api/v1/. */
#define CEMM_FINGERPRINT_PATH "api/v1/public/cemm"

/* The message for a port that speaks TLS instead of HTTP. */
#define CEMM_FINGERPRINT_TLS "this port is for HTTPS; a CEMM on the LAN is read over plain HTTP"

/* Returns a message about what answered a request for the root document. NULL: it may be a CEMM
 * Basic or Plus, or can't be identified. `body` may be NULL if `length` is 0. */
const char *cemm_fingerprint_root(int status, const char *body, size_t length);

/* The same for an answer to a request for CEMM_FINGERPRINT_PATH. */
const char *cemm_fingerprint_public(int status, const char *body, size_t length);

#endif
