/*
 * The names of devices and meters. A text from outside becomes a name only by these rules.
 */
#include "common/model/names.h"

#include "common/base/limits.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool cemm_uid_parse(const char *text, struct cemm_uid *ret_uid)
{
    struct cemm_uid uid = {""};
    char separator = strlen(text) == CEMM_UID_SIZE - 1 ? text[2] : '\0';

    if (separator != '-' && separator != ':')
        return false;
    for (int i = 0; i < CEMM_UID_SIZE - 1; i++) {
        unsigned char c = (unsigned char)text[i];
        if (i % 3 == 2 ? c != (unsigned char)separator : !isxdigit(c))
            return false;
        uid.text[i] = i % 3 == 2 ? '-' : (char)toupper(c);
    }
    *ret_uid = uid;
    return true;
}

bool cemm_name_valid(const char *name)
{
    static const bool allowed[UCHAR_MAX + 1] = {
        ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true,
        ['_'] = true,         ['.'] = true,         ['-'] = true,
    };
    size_t length = 0;

    while (length <= CEMM_NAME_MAX && allowed[(unsigned char)name[length]])
        length++;
    return length >= 1 && length <= CEMM_NAME_MAX && name[length] == '\0' &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool cemm_selector_parse(const char *text, struct cemm_selector *ret_selector)
{
    const char *slash = strchr(text, '/');
    const char *alias = slash ? slash + 1 : text;
    char uid[CEMM_UID_SIZE] = "";

    *ret_selector = (struct cemm_selector){0};
    if (!slash && cemm_uid_parse(text, &ret_selector->uid))
        return true;
    if (slash && slash - text < CEMM_UID_SIZE)
        memcpy(uid, text, (size_t)(slash - text));
    if (!cemm_name_valid(alias) || (slash && !cemm_uid_parse(uid, &ret_selector->uid)))
        return false;
    strcpy(ret_selector->alias, alias);
    return true;
}

bool cemm_selected(const struct cemm_selection *selection, const struct cemm_uid *uid,
                   const char *alias)
{
    for (size_t i = 0; i < selection->meter_count; i++) {
        const struct cemm_selector *meter = &selection->meters[i];
        if ((!meter->uid.text[0] || strcmp(meter->uid.text, uid->text) == 0) &&
            (!alias || !meter->alias[0] || strcmp(meter->alias, alias) == 0))
            return true;
    }
    return selection->meter_count == 0;
}

/* ---- aliases ------------------------------------------------------------- */

#define MODBUS_ADDRESS_MAX 247
#define SILENT_INTERVALS   3

/* The documented aliases and `emucs-gas`, which is not documented, but firmware 2.26 lists it. */
const struct cemm_alias cemm_aliases[] = {
    {"p1", true, CEMM_ALIAS_SMART},
    {"p1-gas", true, CEMM_ALIAS_GAS},
    {"p1-usb", false, CEMM_ALIAS_SMART},
    {"han", true, CEMM_ALIAS_SMART},
    {"emucs", false, CEMM_ALIAS_SMART},
    {"emucs-usb", false, CEMM_ALIAS_SMART},
    {"emucs-gas", false, CEMM_ALIAS_GAS},
    {"dlms-usb", false, CEMM_ALIAS_SMART},
    {"s01", true, CEMM_ALIAS_PULSE},
    {"s02", true, CEMM_ALIAS_PULSE},
    {"s03", true, CEMM_ALIAS_PULSE},
    {"pulse-1", false, CEMM_ALIAS_PULSE},
    {"pulse-2", false, CEMM_ALIAS_PULSE},
    {"pulse-3", false, CEMM_ALIAS_PULSE},
    {CEMM_USAGE_ALIAS, false, CEMM_ALIAS_OTHER},
    {NULL, false, CEMM_ALIAS_OTHER},
};

/* Whether an alias is one of "mb1" … "mb247": a Modbus address, without leading zeros. */
static bool is_modbus(const char *alias)
{
    if (strncmp(alias, "mb", 2) != 0 || !isdigit((unsigned char)alias[2]) || alias[2] == '0')
        return false;
    char *end;
    long address = strtol(alias + 2, &end, 10);
    return *end == '\0' && end - alias <= 5 && address <= MODBUS_ADDRESS_MAX;
}

const struct cemm_alias *cemm_alias_find(const char *alias)
{
    static const struct cemm_alias modbus = {"mb", false, CEMM_ALIAS_MODBUS};
    const struct cemm_alias *row = cemm_aliases;

    if (is_modbus(alias))
        return &modbus;
    while (row->name && strcmp(row->name, alias) != 0)
        row++;
    return row;
}

bool cemm_meter_silent(const char *alias, const char *type, int64_t newest, int64_t interval_ms,
                       int64_t now)
{
    enum cemm_alias_kind kind = cemm_alias_find(alias)->kind;
    bool never_sleeps = kind == CEMM_ALIAS_MODBUS && strcmp(type, "solar_energy") != 0;
    int64_t age = now - newest;

    if (newest == 0 || (kind != CEMM_ALIAS_SMART && !never_sleeps))
        return false;
    return age > CEMM_SILENT_AGE && age > SILENT_INTERVALS * interval_ms;
}

/* ---- shards --------------------------------------------------------------- */

/*
 * Rendezvous hashing: each shard gets a score for the device, and the highest score wins. So a new
 * shard takes an equal part from each of the others, and no device moves between the others.
 *
 * The score is the finalizer of splitmix64 over the uid's FNV-1a hash and the number of the shard.
 * It must never change, or programs of different versions would read a device twice, or never.
 */
static uint64_t mix(uint64_t bits)
{
    bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
    return bits ^ bits >> 31;
}

unsigned cemm_shard_of(const struct cemm_uid *uid, unsigned shards)
{
    uint64_t device = cemm_hash(CEMM_HASH, uid->text, strlen(uid->text));
    uint64_t best = 0;
    unsigned winner = 1;

    for (unsigned shard = 1; shard <= shards; shard++) {
        uint64_t score = mix(device + shard * UINT64_C(0x9e3779b97f4a7c15));
        if (score <= best)
            continue;
        best = score;
        winner = shard;
    }
    return winner;
}
