/*
 * What stands at an address of the LAN where a CEMM Basic or Plus was expected.
 * Pure: what it answered is handed in.
 */
#ifndef CEMM_PROTOCOL_STRANGER_H
#define CEMM_PROTOCOL_STRANGER_H

#include <stdbool.h>
#include <stddef.h>

/* Where a CEMM 3.0 says who it is, without a key; its API is not below /open-api/v1/. */
#define CEMM_STRANGER_PATH "api/v1/public/cemm"

/* Of what speaks TLS, and no HTTP. */
#define CEMM_STRANGER_TLS "this port is for HTTPS; a CEMM on the LAN is read by plain HTTP"

/* What the answer to a request for the root (`body` may be NULL) tells, for people; NULL: nothing
 * that can be told. */
const char *cemm_stranger_root(int status, const char *body, size_t length);

/* Likewise, of the answer to CEMM_STRANGER_PATH. */
const char *cemm_stranger_public(int status, const char *body, size_t length);

#endif
