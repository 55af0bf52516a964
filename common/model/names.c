/*
 * The names of devices and meters. A text from outside becomes a name only by
 * these rules.
 */
#include "common/base/limits.h"
#include "common/frontend.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

bool cemm_uid_parse(const char *text, struct cemm_uid *ret_uid)
{
    struct cemm_uid uid;
    char separator = text[0] && text[1] ? text[2] : '\0';

    if (separator != '-' && separator != ':')
        return false;
    for (int i = 0; i < CEMM_UID_SIZE - 1; i++) {
        unsigned char c = (unsigned char)text[i];
        if (i % 3 == 2 ? c != (unsigned char)separator : !isxdigit(c))
            return false;
        uid.text[i] = i % 3 == 2 ? '-' : (char)toupper(c);
    }
    if (text[CEMM_UID_SIZE - 1] != '\0')
        return false;
    uid.text[CEMM_UID_SIZE - 1] = '\0';
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
