#include "common/model/record.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

bool cemm_taker_valid(const char *taker)
{
    for (const char *c = taker; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return strlen(taker) < CEMM_TAKER_SIZE;
}

/* Without a look at whether the parts may be in a key: of one that may not, there is no record.
 * False: it is too long, so that there is none either. */
static bool join(const struct cemm_minutes_key *key, char ret_text[CEMM_KEY_SIZE])
{
    const char *const parts[] = {key->taker, key->uid->text, key->alias, key->channel};
    static const size_t sizes[] = {CEMM_TAKER_SIZE, CEMM_UID_SIZE, CEMM_NAME_SIZE, CEMM_NAME_SIZE};
    char *end = ret_text;

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        size_t length = strlen(parts[i]);
        if (length >= sizes[i])
            return false;
        memcpy(end, parts[i], length);
        end += length;
        *end++ = '\t';
    }
    end[-1] = '\0';
    return true;
}

bool cemm_record_key(const struct cemm_minutes_key *key, char ret_text[CEMM_KEY_SIZE])
{
    struct cemm_uid uid;
    const struct cemm_minutes_key canonical = {key->taker, &uid, key->alias, key->channel};

    return cemm_taker_valid(key->taker) && cemm_name_valid(key->alias) &&
           cemm_name_valid(key->channel) && cemm_uid_parse(key->uid->text, &uid) &&
           join(&canonical, ret_text);
}

void *cemm_record_of(char *key, size_t size)
{
    return key - size;
}

const char *cemm_record_text(const void *record, size_t size)
{
    return (const char *)record + size;
}

static void *find(void *const *tree, size_t size, const char *text)
{
    char **found = tfind(text, tree, compare);

    return found ? cemm_record_of(*found, size) : NULL;
}

/* Each sample of each sweep is looked for here, and mostly there. */
void *cemm_record_find(void *const *tree, size_t size, const struct cemm_minutes_key *key)
{
    char text[CEMM_KEY_SIZE];
    void *record = join(key, text) ? find(tree, size, text) : NULL;

    if (record)
        return record;
    return cemm_record_key(key, text) ? find(tree, size, text) : NULL;
}

void *cemm_record_get(void **tree, size_t size, const struct cemm_minutes_key *key)
{
    char text[CEMM_KEY_SIZE];
    char *record = cemm_record_find(tree, size, key);

    if (record || !cemm_record_key(key, text))
        return record;
    record = calloc(1, size + strlen(text) + 1);
    if (!record)
        return NULL;
    strcpy(record + size, text);
    if (tsearch(record + size, tree, compare))
        return record;
    free(record);
    return NULL;
}
