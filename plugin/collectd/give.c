#include "plugin/collectd/give.h"

#include <string.h>

_Static_assert(CEMM_FIELD_SIZE <= DATA_MAX_NAME_LEN, "an identity must fit collectd's fields");

void give_fill(char field[DATA_MAX_NAME_LEN], const char *text)
{
    size_t length = strnlen(text, DATA_MAX_NAME_LEN - 1);

    memcpy(field, text, length);
    field[length] = '\0';
}

const char *give_host(const struct block *block)
{
    return *block->host ? block->host : hostname_g;
}

/* A value stays valid until the next one can be there: gas comes once an hour. */
static int64_t interval_of(const struct block *block, const struct cemm_identity *identity)
{
    int64_t cadence = (int64_t)identity->cadence * 1000;

    return cadence > block->interval ? cadence : block->interval;
}

value_list_t give_list(const struct block *block, const struct cemm_identity *identity,
                       int64_t time, value_t *value)
{
    value_list_t list = VALUE_LIST_INIT;

    list.values = value;
    list.values_len = 1;
    list.time = time ? MS_TO_CDTIME_T(time) : cdtime();
    list.interval = MS_TO_CDTIME_T(interval_of(block, identity));
    give_fill(list.host, give_host(block));
    give_fill(list.plugin, "cemm");
    give_fill(list.plugin_instance, identity->plugin_instance);
    give_fill(list.type, identity->type);
    give_fill(list.type_instance, identity->type_instance);
    return list;
}
