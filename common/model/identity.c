/*
 * A channel's place in collectd. Only types of collectd's own types.db are
 * used, so that no writer and no receiver elsewhere needs another one. The
 * plugin and `cemm --format putval` both go by this table: what one of them
 * has collected, the other one continues.
 */
#include "common/frontend.h"

#include <string.h>

#define WH_PER_KWH  1000.0
#define GAS_CADENCE 3600 /* smart meters hand the gas reading on once an hour */

/* First match holds; a name that ends in '*' matches what begins like it. The last row, everything
 * else, is a plain gauge: rate, switch, volume, and channels that nobody has heard of yet. */
static const struct kind {
    const char *channel;
    const char *type;
    double factor;
    unsigned cadence;
} kinds[] = {
    {"electric_power", "power", 1, 0},
    {"t1", "energy_wh", WH_PER_KWH, 0},
    {"t2", "energy_wh", WH_PER_KWH, 0},
    {"t3", "energy_wh", WH_PER_KWH, 0},
    {"t4", "energy_wh", WH_PER_KWH, 0},
    {"electric_energy*", "energy_wh", WH_PER_KWH, 0},
    {"flow", "flow", 1, 0},
    {"gas", "gauge", 1, GAS_CADENCE},
    {"*", "gauge", 1, 0},
};

static bool matches(const char *pattern, const char *channel)
{
    size_t length = strlen(pattern) - 1;

    if (pattern[length] == '*')
        return strncmp(pattern, channel, length) == 0;
    return strcmp(pattern, channel) == 0;
}

bool cemm_identify(const struct cemm_uid *uid, const char *alias, const char *channel,
                   struct cemm_identity *ret_identity)
{
    const struct kind *kind = kinds;
    size_t length = strlen(alias);
    size_t rest = strlen(channel) + 1;

    if (uid->text[0] == '\0' || length + 1 + rest > CEMM_FIELD_SIZE)
        return false;
    memcpy(ret_identity->plugin_instance, uid->text, sizeof(uid->text));
    memcpy(ret_identity->type_instance, alias, length);
    ret_identity->type_instance[length] = '-';
    memcpy(ret_identity->type_instance + length + 1, channel, rest);
    while (!matches(kind->channel, channel))
        kind++;
    ret_identity->type = kind->type;
    ret_identity->factor = kind->factor;
    ret_identity->cadence = kind->cadence;
    return true;
}
