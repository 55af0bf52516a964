#include "common/model/alias.h"

#include "common/cemm.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MODBUS_ADDRESS_MAX 247

/* `emucs-gas` is in no document; real firmware lists it (field notes, LAN device). */
const struct cemm_alias cemm_aliases[] = {
    {"p1", true, true},         {"p1-gas", true, true},    {"p1-usb", false, true},
    {"han", true, true},        {"emucs", false, true},    {"emucs-usb", false, true},
    {"emucs-gas", false, true}, {"dlms-usb", false, true}, {"s01", true, true},
    {"s02", true, true},        {"s03", true, true},       {"pulse-1", false, true},
    {"pulse-2", false, true},   {"pulse-3", false, true},  {CEMM_ALIAS_USAGE, false, true},
    {NULL, false, false},
};

bool cemm_alias_modbus(const char *alias)
{
    if (strncmp(alias, "mb", 2) != 0 || !isdigit((unsigned char)alias[2]) || alias[2] == '0')
        return false;
    char *end;
    long address = strtol(alias + 2, &end, 10);
    return *end == '\0' && end - alias <= 5 && address <= MODBUS_ADDRESS_MAX;
}

bool cemm_alias_in_cloud(const char *alias)
{
    for (const struct cemm_alias *a = cemm_aliases; a->name; a++)
        if (strcmp(a->name, alias) == 0)
            return a->cloud;
    return false;
}

bool cemm_alias_documented(const char *alias)
{
    for (const struct cemm_alias *a = cemm_aliases; a->name; a++)
        if (strcmp(a->name, alias) == 0)
            return true;
    return cemm_alias_modbus(alias);
}
