#include "common/config/trust.h"

#include "common/base/file.h"
#include "common/base/limits.h"
#include "common/base/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How a certificate begins and ends (RFC 7468, and OpenSSL's own kind). */
static const struct {
    const char *begin;
    const char *end;
} frames[] = {
    {"-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"},
    {"-----BEGIN TRUSTED CERTIFICATE-----", "-----END TRUSTED CERTIFICATE-----"},
    {"-----BEGIN X509 CERTIFICATE-----", "-----END X509 CERTIFICATE-----"},
};

static const char *find_begin(const char *text, size_t *ret_frame)
{
    const char *first = NULL;

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        const char *place = strstr(text, frames[i].begin);
        if (place && (!first || place < first)) {
            first = place;
            *ret_frame = i;
        }
    }
    return first;
}

/* Base64 of what begins as each certificate does, with a sequence, up to its end. */
static bool whole(const char *text, const char *end)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t count = 0;

    text += strspn(text, " \t\r\n");
    if (*text != 'M')
        return false;
    for (; text < end; text++) {
        if (strchr(" \t\r\n", *text))
            continue;
        if (!strchr(letters, *text) && *text != '=')
            return false;
        count++;
    }
    return count % 4 == 0;
}

/* Every certificate in it; what stands between them is for people. */
static bool check_text(const char *text)
{
    size_t frame = 0;
    bool any = false;

    while ((text = find_begin(text, &frame))) {
        text += strlen(frames[frame].begin);
        const char *end = strstr(text, frames[frame].end);
        if (!end || !whole(text, end))
            return false;
        text = end;
        any = true;
    }
    return any;
}

int cemm_trust_check(const char *path, struct cemm_words *words)
{
    struct stat about;
    char *text;
    int r = cemm_file_read(path, CEMM_TRUST_MAX, &text, &about);

    if (r < 0) {
        cemm_words_set(words, "ca-file %.200s: %s", path,
                       r == -EFBIG ? "no file, or too long for one of certificates" : strerror(-r));
        return r;
    }
    bool good = strlen(text) == (size_t)about.st_size && check_text(text);
    free(text);
    if (good)
        return 0;
    cemm_words_set(words, "ca-file %.200s: holds no certificate in PEM, or a broken one", path);
    return -EINVAL;
}
