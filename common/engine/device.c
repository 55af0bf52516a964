#include "common/engine/device.h"

#include "common/base/limits.h"
#include "common/base/words.h"
#include "common/model/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ------------------------------------------------------------------ */

/* The index of `name`, or where to insert it. */
static size_t name_place(const struct cemm_names *names, const char *name)
{
    size_t place = 0;

    while (place < names->count && strcmp(names->items[place], name) < 0)
        place++;
    return place;
}

bool cemm_names_have(const struct cemm_names *names, const char *name)
{
    size_t place = name_place(names, name);

    return place < names->count && strcmp(names->items[place], name) == 0;
}

int cemm_names_add(struct cemm_names *names, const char *name)
{
    size_t place = name_place(names, name);

    if (cemm_names_have(names, name) || names->count >= CEMM_METERS_MAX)
        return 0;
    char(*items)[CEMM_NAME_SIZE] = reallocarray(names->items, names->count + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    names->items = items;
    memmove(items + place + 1, items + place, (names->count - place) * sizeof(*items));
    strncpy(items[place], name, sizeof(*items) - 1);
    items[place][sizeof(*items) - 1] = '\0';
    names->count++;
    return 0;
}

void cemm_names_clear(struct cemm_names *names)
{
    free(names->items);
    *names = (struct cemm_names){0};
}

/* ---- meters ----------------------------------------------------------------- */

struct cemm_meter *cemm_device_meter(const struct cemm_device *device, const char *alias)
{
    for (size_t i = 0; i < device->fact_count; i++)
        if (strcmp(device->facts[i].alias, alias) == 0)
            return &device->facts[i];
    return NULL;
}

struct cemm_meter *cemm_device_meter_get(struct cemm_device *device, const char *alias)
{
    struct cemm_meter *meter = cemm_device_meter(device, alias);

    if (meter || device->fact_count >= CEMM_METERS_MAX)
        return meter;
    struct cemm_meter *facts =
        reallocarray(device->facts, device->fact_count + 1, sizeof(*device->facts));
    if (!facts)
        return NULL;
    device->facts = facts;
    meter = &facts[device->fact_count++];
    *meter = (struct cemm_meter){.type = ""};
    memcpy(meter->alias, alias, strnlen(alias, sizeof(meter->alias) - 1));
    return meter;
}

void cemm_device_take_types(struct cemm_device *device, const struct cemm_document *document)
{
    bool one = document->query.endpoint == CEMM_INFO; /* all of it is about this meter */

    for (size_t i = 0; i < document->io_count; i++) {
        const char *alias = one ? document->query.alias : document->io[i].alias;
        const char *type = document->io[i].type;
        struct cemm_meter *meter =
            alias[0] && type[0] ? cemm_device_meter_get(device, alias) : NULL;
        if (!meter)
            continue; /* if memory runs out, its type stays empty */
        strcpy(meter->type, type);
    }
}

const char *cemm_device_type(const struct cemm_device *device, const char *alias)
{
    const struct cemm_meter *meter = cemm_device_meter(device, alias);

    return meter ? meter->type : "";
}

/* ---- devices ---------------------------------------------------------------- */

struct cemm_device *cemm_device_new(const struct cemm_uid *uid)
{
    struct cemm_device *device = calloc(1, sizeof(*device));

    if (!device)
        return NULL;
    device->uid = *uid;
    TAILQ_INIT(&device->routes);
    TAILQ_INIT(&device->searchers);
    return device;
}

void cemm_device_free(struct cemm_device *device)
{
    cemm_words_drop(&device->outcomes.last_words);
    cemm_names_clear(&device->meters);
    free(device->facts);
    free(device);
}

void cemm_outcomes_note(struct cemm_outcomes *outcomes, int64_t wall, int result,
                        const struct cemm_words *words)
{
    if (result == 0) {
        outcomes->last_success = wall;
    } else if (result != CEMM_ABSENT && words) {
        outcomes->last_failure = wall;
        cemm_words_keep(&outcomes->last_words, words);
    }
}

const struct cemm_uid *cemm_device_uid(const struct cemm_device *device)
{
    return &device->uid;
}

const char *cemm_device_alias(const struct cemm_device *device, size_t index)
{
    return index < device->meters.count ? device->meters.items[index] : NULL;
}

void cemm_device_state(const struct cemm_device *device, struct cemm_device_state *ret_state)
{
    *ret_state = (struct cemm_device_state){
        .last_success = device->outcomes.last_success,
        .last_failure = device->outcomes.last_failure,
        .last_words = device->outcomes.last_failure
                          ? cemm_words_kept(&device->outcomes.last_words)->text
                          : "",
    };
}
