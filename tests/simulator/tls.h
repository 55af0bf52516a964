/* The cloud's certificate and its key. See tls.c. */
#pragma once

#include "options.h"

struct tls {
    char *cert; /* PEM; NULL: no TLS */
    char *key;
    const char *priority;
};

/* Returns 0, or prints a message with the file's name and returns a negative errno. */
int tls_load(struct tls *tls, const struct options *options);
void tls_clear(struct tls *tls);
