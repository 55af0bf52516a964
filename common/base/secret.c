#include "common/base/secret.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CREDENTIAL "credential:"
#define FILE_MAX   (64u << 10) /* bytes of a key file, of which only the first line is used */
#define OTHERS     (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)

bool cemm_secret_is_file(const char *name)
{
    return strncmp(name, CREDENTIAL, strlen(CREDENTIAL)) != 0;
}

/* Finds the path that `name` stands for. */
static int locate(const char *name, char path[PATH_MAX], struct cemm_message *message)
{
    const char *directory = "";

    if (!cemm_secret_is_file(name)) {
        name += strlen(CREDENTIAL);
        directory = getenv("CREDENTIALS_DIRECTORY");
        if (!directory || !*directory)
            return cemm_message_fail(
                message, -ENOENT, "%s is a systemd credential, but $CREDENTIALS_DIRECTORY is unset",
                name);
        if (!*name || strchr(name, '/'))
            return cemm_message_fail(message, -EINVAL,
                                     "\"%s\" is not the name of a systemd credential", name);
    }
    int length = snprintf(path, PATH_MAX, "%s%s%s", directory, *directory ? "/" : "", name);
    if (length < 0 || length >= PATH_MAX)
        return cemm_message_fail(message, -ENAMETOOLONG, "the path of the key file is too long");
    return 0;
}

/* Takes the first line of `text`, without surrounding white space. */
static int take_line(char *text, size_t length, struct cemm_secret *secret)
{
    bool has_bom = strncmp(text, "\xEF\xBB\xBF", 3) == 0; /* some editors write a BOM */
    char *end = text + strcspn(text, "\n");

    if (*end == '\0' && end < text + length)
        return -EILSEQ;
    *end = '\0';
    const char *key = cemm_text_trim(has_bom ? text + 3 : text);
    if (!*key)
        return -ENODATA;
    if (!cemm_text_printable(key))
        return -EILSEQ;
    if (strlen(key) > CEMM_KEY_MAX)
        return -E2BIG;
    strcpy(secret->text, key);
    return 0;
}

/* Whether a "path" is perhaps the key itself (hexadecimal), which must then not be logged. */
static bool may_be_key(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    return strlen(name) >= 16 && name[strspn(name, "0123456789abcdefABCDEF")] == '\0';
}

int cemm_secret_load(struct cemm_secret *secret, const char *file, struct cemm_message *message)
{
    char path[PATH_MAX];
    struct stat st;
    char *text;
    int r = locate(file, path, message);

    if (r < 0)
        return r;
    r = cemm_file_read(path, FILE_MAX, &text, &st);
    if (r == -EFBIG || r == -EINVAL)
        return cemm_message_fail(message, -EINVAL,
                                 "key file %s is not a regular file, or is too long", path);
    if (r < 0 && may_be_key(path))
        return cemm_message_fail(
            message, r,
            "the key file can't be read (%s); if this is the key itself, write "
            "it into a file, and name that file here",
            strerror(-r));
    if (r < 0)
        return cemm_message_fail(message, r, "key file %s: %s", path, strerror(-r));
    /* The mode of a credential is not checked, because systemd has set it. */
    if (cemm_secret_is_file(file) && (st.st_mode & OTHERS))
        r = cemm_message_fail(message, -EPERM,
                              "key file %s is accessible to others; run: chmod 600 %s", path, path);
    else
        r = take_line(text, (size_t)st.st_size, secret);
    explicit_bzero(text, (size_t)st.st_size);
    free(text);
    if (r == -ENODATA)
        cemm_message_set(message, "key file %s has no key on its first line", path);
    else if (r < 0 && r != -EPERM)
        cemm_message_set(message, "the first line of key file %s is not an API key", path);
    return r;
}

void cemm_secret_wipe(struct cemm_secret *secret)
{
    explicit_bzero(secret, sizeof(*secret));
}
