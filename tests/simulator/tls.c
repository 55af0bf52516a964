/*
 * The cloud's certificate and its key.
 *
 * Each test makes its good and bad certificates and their keys when it runs, so no certificate
 * expires and no key is in the repository. Each test also chooses the TLS versions
 * (--tls-priority).
 */
#include "tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_text(const char *path, char **ret_text)
{
    size_t room = 0;
    ssize_t length = -1;

    errno = 0;
    FILE *file = fopen(path, "re");
    if (file) {
        length = getdelim(ret_text, &room, '\0', file);
        fclose(file);
    }
    if (length > 0)
        return 0;
    fprintf(stderr, "cemm-sim: %s: %s\n", path, errno ? strerror(errno) : "empty");
    return errno ? -errno : -EINVAL;
}

int tls_load(struct tls *tls, const struct options *options)
{
    int r = 0;

    tls->priority = options->tls_priority;
    if (options->tls_cert)
        r = read_text(options->tls_cert, &tls->cert);
    if (r == 0 && options->tls_key)
        r = read_text(options->tls_key, &tls->key);
    return r;
}

void tls_clear(struct tls *tls)
{
    free(tls->cert);
    free(tls->key);
}
