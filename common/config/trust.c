#include "common/config/trust.h"

#include "common/base/file.h"
#include "common/base/limits.h"
#include "common/base/message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN        "-----BEGIN "
#define BLANK        " \t\r\n"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The labels of certificates (RFC 7468, and OpenSSL's own). */
static const char *const labels[] = {"CERTIFICATE-----", "TRUSTED CERTIFICATE-----",
                                     "X509 CERTIFICATE-----"};

/* Whether the text is Base64 up to `end`, and begins with a DER sequence, as every certificate
 * does. */
static bool is_complete(const char *text, const char *end)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
    size_t count = 0;

    text += strspn(text, BLANK);
    if (*text != 'M')
        return false;
    while (text < end) {
        size_t run = strspn(text, letters);
        if (run == 0)
            return false;
        count += run;
        text += run + strspn(text + run, BLANK);
    }
    return count % 4 == 0;
}

/* Checks every certificate; text between them is ignored. */
static bool check_text(const char *text)
{
    bool any = false;
    char frame[64];

    while ((text = strstr(text, BEGIN))) {
        text += strlen(BEGIN);
        size_t i = 0;
        while (i < COUNT(labels) && strncmp(text, labels[i], strlen(labels[i])) != 0)
            i++;
        if (i == COUNT(labels))
            continue;
        (void)snprintf(frame, sizeof(frame), "-----END %s", labels[i]);
        text += strlen(labels[i]);
        const char *end = strstr(text, frame);
        if (!end || !is_complete(text, end))
            return false;
        text = end;
        any = true;
    }
    return any;
}

int cemm_trust_check(const char *path, struct cemm_message *message)
{
    struct stat st;
    char *text;
    int r = cemm_file_read(path, CEMM_TRUST_MAX, &text, &st);

    if (r < 0)
        return cemm_message_fail(message, r, "ca-file %.200s: %s", path,
                                 r == -EFBIG    ? "too long for a file of certificates"
                                 : r == -EINVAL ? "not a regular file"
                                                : strerror(-r));
    bool good = strlen(text) == (size_t)st.st_size && check_text(text);
    free(text);
    if (good)
        return 0;
    return cemm_message_fail(
        message, -EINVAL, "ca-file %.200s: contains no PEM certificate, or an invalid one", path);
}
