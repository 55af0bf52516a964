#include "plugin/collectd/dispatch.h"

_Static_assert(CEMM_FIELD_SIZE <= DATA_MAX_NAME_LEN, "an identity must fit collectd's fields");

const char *dispatch_host(const struct block *block)
{
    return *block->host ? block->host : hostname_g;
}

/* Sets the host even if it is collectd's own, because plugin_write() does not add it. */
static void fill(struct value *value, const struct block *block, const char *uid, const char *type,
                 const char *instance)
{
    value_list_t *list = &value->list;

    *list = (value_list_t)VALUE_LIST_INIT;
    list->values = &value->number;
    list->values_len = 1;
    list->interval = MS_TO_CDTIME_T(block->interval);
    sstrncpy(list->host, dispatch_host(block), sizeof(list->host));
    sstrncpy(list->plugin, "cemm", sizeof(list->plugin));
    sstrncpy(list->plugin_instance, uid, sizeof(list->plugin_instance));
    sstrncpy(list->type, type, sizeof(list->type));
    sstrncpy(list->type_instance, instance, sizeof(list->type_instance));
}

bool dispatch_make(struct value *ret_value, const struct block *block,
                   struct cemm_ledger_entry *entry, int64_t time, double number)
{
    struct cemm_ledger_names names = cemm_ledger_names(entry);
    struct cemm_identity identity;
    unsigned cadence;

    if (!cemm_identify(names.alias, names.channel, &identity))
        return false;
    fill(ret_value, block, names.uid->text, identity.type, identity.type_instance);
    ret_value->number.gauge = number * identity.factor;
    ret_value->list.time = MS_TO_CDTIME_T(time);
    /* A value must not expire before the next one can arrive: gas may be measured once an hour. */
    if (!cemm_ledger_cadence(entry, &cadence))
        cadence = identity.cadence;
    if ((int64_t)cadence * 1000 > block->interval)
        ret_value->list.interval = TIME_T_TO_CDTIME_T(cadence);
    return true;
}

void dispatch_own(const struct block *block, const struct cemm_uid *uid, const char *type,
                  const char *instance, value_t number)
{
    struct value value = {.number = number};

    fill(&value, block, uid->text, type, instance);
    value.list.time = cdtime();
    plugin_dispatch_values(&value.list);
}
