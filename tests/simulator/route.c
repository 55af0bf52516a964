/*
 * Makes the genuine answer to a request.
 *
 * From the alias on, the paths of both APIs are the same, so one function parses that part. A
 * request gets an error status if the key does not permit it (only in the cloud), or if the thing
 * that it asks for does not exist. Otherwise it gets a document.
 */
#include "route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LAN_PREFIX "/open-api/v1/"
#define PARTS_MAX  6

/* Splits a path at its slashes, ignoring a slash at the end. Returns the number of parts, or 0 if
 * there are more than PARTS_MAX. */
static int split(char *path, char *parts[PARTS_MAX])
{
    int count = 0;
    size_t length = strlen(path);

    if (length > 0 && path[length - 1] == '/')
        path[length - 1] = '\0';
    while (path && *path) {
        if (count == PARTS_MAX)
            return 0;
        parts[count++] = strsep(&path, "/");
    }
    return count;
}

static bool copy_part(char *to, const char *word)
{
    size_t length = strlen(word);

    if (length >= WORD_SIZE)
        return false;
    memcpy(to, word, length + 1);
    return true;
}

static enum what parse_period(const char *word, enum period *ret_period)
{
    static const char *const names[] = {"day", "month", "year"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(word, names[i]) == 0) {
            *ret_period = (enum period)i;
            return WHAT_HISTORY;
        }
    return WHAT_NOTHING;
}

/* Parses ALIAS, ALIAS/realtime, ALIAS/data/PERIOD or ALIAS/totals. */
static enum what parse_meter(char *parts[], int count, struct target *target)
{
    if (!copy_part(target->alias, parts[0]))
        return WHAT_NOTHING;
    if (count == 1)
        return WHAT_ALIAS;
    if (count == 2 && strcmp(parts[1], "realtime") == 0)
        return WHAT_REALTIME;
    if (count == 2 && strcmp(parts[1], "totals") == 0)
        return WHAT_TOTALS;
    if (count == 3 && strcmp(parts[1], "data") == 0)
        return parse_period(parts[2], &target->period);
    return WHAT_NOTHING;
}

static enum what parse_cloud(char *parts[], int count, struct target *target)
{
    if (count == 0 || strcmp(parts[0], "cemm") != 0)
        return WHAT_NOTHING;
    if (count == 1)
        return WHAT_DEVICES;
    if (!copy_part(target->uid, parts[1]) || count == 2)
        return WHAT_NOTHING;
    if (count == 3 && strcmp(parts[2], "io") == 0)
        return WHAT_IO;
    return parse_meter(parts + 2, count - 2, target);
}

static enum what parse_lan(char *parts[], int count, struct target *target)
{
    enum what what;

    if (count == 0)
        return WHAT_LAN_ROOT;
    if (count == 1 && strcmp(parts[0], "io") == 0)
        return WHAT_IO;
    what = parse_meter(parts, count, target);
    return what == WHAT_ALIAS || what == WHAT_TOTALS ? WHAT_NOTHING : what;
}

void route_parse(const struct world *world, enum api api, const char *path,
                 struct target *ret_target)
{
    const char *prefix = api == API_LAN ? LAN_PREFIX : world->options->prefix;
    size_t length = strlen(prefix);
    char *parts[PARTS_MAX];
    char copy[PATH_MAX_LENGTH];
    int count;

    *ret_target = (struct target){.what = WHAT_NOTHING};
    if (strncmp(path, prefix, length - 1) != 0 || strlen(path) >= sizeof(copy))
        return;
    path += length - 1;
    if (*path == '/')
        path++;
    else if (*path)
        return;
    memcpy(copy, path, strlen(path) + 1);
    count = split(copy, parts);
    ret_target->what = api == API_LAN ? parse_lan(parts, count, ret_target)
                                      : parse_cloud(parts, count, ret_target);
}

/* Returns 0 if the key permits the request and the thing that it asks for exists, otherwise the
 * HTTP status of the refusal. */
static unsigned refuse_cloud(const struct world *world, const struct target *target,
                             const struct query *query)
{
    if (target->what == WHAT_NOTHING)
        return 404;
    if (!query->key || strcmp(query->key, world->options->key) != 0)
        return 403;
    if (target->what == WHAT_DEVICES)
        return 0;
    if (!world_device(world, target->uid))
        return 403;
    if (target->what == WHAT_IO)
        return 0;
    return meter_in_cloud(target->alias) && world_meter(world, target->alias) >= 0 ? 0 : 412;
}

static unsigned refuse_lan(const struct world *world, const struct target *target)
{
    switch (target->what) {
    case WHAT_LAN_ROOT:
        return 0;
    case WHAT_IO:
        return world->options->firmware == FIRMWARE_2_18 ? 404 : 0;
    case WHAT_REALTIME:
    case WHAT_HISTORY:
        return world_meter(world, target->alias) < 0 ? 404 : 0;
    default:
        return 404;
    }
}

/* Parses the parameter `time`. The default is now or, on the LAN, the start of the current period.
 */
static int parse_time(const struct world *world, enum api api, enum period period, const char *text,
                      int64_t *ret_utc)
{
    int64_t end_utc;
    char *end;

    if (!text) {
        *ret_utc = simclock_now(&world->clock) / 1000;
        if (api == API_LAN)
            calendar_period(world->calendar, period, *ret_utc, ret_utc, &end_utc);
        return 0;
    }
    errno = 0;
    *ret_utc = strtoll(text, &end, 10);
    if (errno || end == text || *end || llabs(*ret_utc) > INT64_MAX / 1000)
        return -EINVAL;
    return 0;
}

static int write_document(const struct world *world, struct device *device, enum api api,
                          const struct target *target, int64_t utc, FILE *out)
{
    int index = world_meter(world, target->alias);

    switch (target->what) {
    case WHAT_DEVICES:
        document_devices(world, out);
        return 0;
    case WHAT_LAN_ROOT:
        document_lan_root(world, device, out);
        return 0;
    case WHAT_IO:
        document_io(world, api, -1, out);
        return 0;
    case WHAT_ALIAS:
        document_io(world, api, index, out);
        return 0;
    case WHAT_REALTIME:
        return document_realtime(world, device, index, api, out);
    case WHAT_HISTORY:
        return document_history(world, device, index, api, target->period, utc, out);
    case WHAT_TOTALS:
        return document_totals(world, device, index, utc, out);
    case WHAT_NOTHING:
        break;
    }
    return -EINVAL;
}

int route_answer(struct world *world, struct device *device, const struct target *target,
                 const struct query *query, struct answer *answer)
{
    enum api api = device ? API_LAN : API_CLOUD;
    unsigned refused = device ? refuse_lan(world, target) : refuse_cloud(world, target, query);
    char *body = NULL;
    size_t length = 0;
    int64_t utc;
    FILE *out;
    int r;

    if (refused)
        return answer_error(answer, refused);
    if (parse_time(world, api, target->period, query->time, &utc) < 0)
        return answer_error(answer, 400);
    out = open_memstream(&body, &length);
    if (!out)
        return -ENOMEM;
    if (!device)
        device = world_device(world, target->uid);
    r = write_document(world, device, api, target, utc, out);
    if (fclose(out) != 0 && r == 0)
        r = -ENOMEM;
    if (r < 0) {
        free(body);
        return r;
    }
    answer_take(answer, 200, ANSWER_JSON, body, length);
    return api == API_CLOUD ? promise_gate(&world->promises, query->whole, monotonic_ms(), answer)
                            : 0;
}
