#include "common/model/alias.h"

#include "common/base/limits.h"
#include "common/frontend.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MODBUS_ADDRESS_MAX 247
#define SILENT_INTERVALS   3

/* `emucs-gas` is undocumented, but real firmware lists it. */
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
    {CEMM_ALIAS_USAGE, false, CEMM_ALIAS_OTHER},
    {NULL, false, CEMM_ALIAS_OTHER},
};

/* The row of an alias; the last row if there is none. */
static const struct cemm_alias *find(const char *alias)
{
    const struct cemm_alias *row = cemm_aliases;

    while (row->name && strcmp(row->name, alias) != 0)
        row++;
    return row;
}

/* "mb1" … "mb247": a Modbus address, without leading zeros. */
static bool is_modbus(const char *alias)
{
    if (strncmp(alias, "mb", 2) != 0 || !isdigit((unsigned char)alias[2]) || alias[2] == '0')
        return false;
    char *end;
    long address = strtol(alias + 2, &end, 10);
    return *end == '\0' && end - alias <= 5 && address <= MODBUS_ADDRESS_MAX;
}

enum cemm_alias_kind cemm_alias_kind(const char *alias)
{
    return is_modbus(alias) ? CEMM_ALIAS_MODBUS : find(alias)->kind;
}

bool cemm_meter_silent(const char *alias, const char *type, int64_t newest, int64_t interval_ms,
                       int64_t now)
{
    enum cemm_alias_kind kind = cemm_alias_kind(alias);
    bool awake = kind == CEMM_ALIAS_MODBUS && strcmp(type, "solar_energy") != 0;
    int64_t age = now - newest;

    if (newest == 0 || (kind != CEMM_ALIAS_SMART && !awake))
        return false;
    return age > CEMM_SILENT_AGE && age > SILENT_INTERVALS * interval_ms;
}

bool cemm_alias_in_cloud(const char *alias)
{
    return find(alias)->cloud;
}

bool cemm_alias_documented(const char *alias)
{
    return find(alias)->name || is_modbus(alias);
}
