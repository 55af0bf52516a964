/* What a cloud with TLS shows its clients. See tls.c. */
#pragma once

#include "options.h"

struct tls {
    char *cert; /* PEM; NULL: no TLS */
    char *key;
    const char *priority;
};

/* A negative errno: the line that says which file has gone to stderr. */
int tls_load(struct tls *tls, const struct options *options);
void tls_clear(struct tls *tls);
