/*
 * A device is silent if requests for it fail, and none has succeeded for
 * several intervals: a single late answer is not worth an alarm. A meter is
 * silent if its device answers, but has had no new sample of the meter for a
 * long time. A meter is also silent if requests for it have failed for several
 * intervals, while other requests to its device have succeeded. Devices and
 * meters have separate notifications.
 *
 * This file logs that a meter has disappeared, because the library does not.
 */
#include "plugin/collectd/monitor.h"

#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/dispatch.h"

#define SOURCES_MAX      8 /* sources of one device that are reported */
#define SILENT_INTERVALS 3

struct source {
    char name[CEMM_NAME_SIZE + 8]; /* "cloud-home"; "": not used yet */
    double took;                   /* its last response time, in seconds */
    bool reported;                 /* `took` has been dispatched */
};

/* How the requests about a meter, or about a device as a whole, have ended. */
struct meter {
    struct meter *next;
    char alias[CEMM_NAME_SIZE]; /* "": the device as a whole: all its requests count */
    int64_t interval;           /* the shortest interval of the blocks that read it */
    int64_t last_good;          /* monotonic: the last success or, before any, the first failure */
    bool failing;               /* the last request failed */
    bool silent;                /* as the last notification said */
    bool absent;                /* no source has it */
    bool stalled;               /* answers arrive, but have had no new sample for a long time */
    int64_t newest; /* Unix ms: the newest sample of the last answer that had one; 0: none */
    char message[NOTIF_MAX_MSG_LEN / 2]; /* why the last failed request failed; truncated */
};

struct device {
    struct device *next;
    struct cemm_uid uid;
    const struct block *block; /* the block with the shortest interval of those that read it */
    struct source sources[SOURCES_MAX];
    struct meter self; /* the device as a whole; the list of its meters begins here */
    int64_t due;       /* monotonic: when it is reported next */
    derive_t errors;
    bool incomplete; /* a meter is absent */
};

static void device_free(void *data)
{
    struct device *device = data;

    while (device->self.next) {
        struct meter *meter = device->self.next;

        device->self.next = meter->next;
        free(meter);
    }
    free(device);
}

void monitor_clear(struct monitor *monitor)
{
    tdestroy(monitor->tree, device_free);
}

/* ---- who is silent ------------------------------------------------------------------ */

/* Whether a device or a meter is silent. A meter's silence counts only up to its device's last
 * success, because if all requests fail, only the device is silent. */
static bool is_silent(const struct device *device, const struct meter *meter, int64_t now)
{
    int64_t end = meter == &device->self ? now : device->self.last_good;
    bool expired = end - meter->last_good >= SILENT_INTERVALS * meter->interval;

    return meter->stalled || (meter->failing && (meter->silent || expired));
}

/* Sends a notification. Its identity contains the meter's name, so that an OKAY for one meter does
 * not clear another meter's FAILURE. */
static void send_notification(const struct device *device, const struct meter *meter)
{
    const char *alias = meter->alias;
    notification_t notification;
    char *message = notification.message;
    size_t size = sizeof(notification.message);
    char name[CEMM_UID_SIZE + CEMM_NAME_SIZE + 2];

    notification_init(&notification, meter->silent ? NOTIF_FAILURE : NOTIF_OKAY, NULL,
                      dispatch_host(device->block), "cemm", device->uid.text, "gauge", NULL);
    notification.time = cdtime();
    snprintf(notification.type_instance, sizeof(notification.type_instance), "%s%sage", alias,
             *alias ? "-" : "");
    snprintf(name, sizeof(name), "%s%s%s", device->uid.text, *alias ? ": " : "", alias);
    if (!meter->silent)
        snprintf(message, size, "CEMM %s %s", name, *alias ? "is back" : "answers again");
    else if (meter->stalled)
        snprintf(message, size, "CEMM %s is silent: it has measured nothing for %.0f minutes", name,
                 (double)(cemm_clock_wall() - meter->newest) / 60000);
    else
        snprintf(message, size, "CEMM %s is silent: %s", name, meter->message);
    plugin_dispatch_notification(&notification);
}

/* Sends a notification if the device, or one of its meters, has fallen silent or has returned. */
static void notify(struct device *device, int64_t now)
{
    for (struct meter *meter = &device->self; meter; meter = meter->next) {
        bool silent = is_silent(device, meter, now);
        if (silent == meter->silent)
            continue;
        meter->silent = silent;
        send_notification(device, meter);
    }
}

/* ---- answers ------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    return strcmp(((const struct device *)left)->uid.text,
                  ((const struct device *)right)->uid.text);
}

/* Finds or adds the device of an answer. NULL: no memory; the answer is then not counted. */
static struct device *device_of(struct monitor *monitor, const struct answer *answer)
{
    const struct device key = {
        .next = monitor->first,
        .uid = answer->meter.uid,
        .block = answer->block,
        .self = {.interval = answer->block->interval, .last_good = answer->ended},
    };
    bool new;
    struct device *device = cemm_tree_get(&monitor->tree, &key, sizeof(key), compare, &new);

    if (new) {
        monitor->first = device;
        monitor->due = 0;
    }
    return device;
}

static void add_source(struct device *device, const struct answer *answer)
{
    struct source *source = device->sources;
    char name[sizeof(source->name)];

    memcpy(name, answer->source, sizeof(name));
    for (char *c = name; *c; c++) /* "cloud home" becomes "cloud-home" */
        *c = *c == ' ' || *c == '/' ? '-' : *c;
    while (*source->name && strcmp(source->name, name) != 0) {
        if (++source == device->sources + SOURCES_MAX)
            return;
    }
    memcpy(source->name, name, sizeof(name));
    source->took = (double)answer->took / 1000;
    source->reported = false;
}

/* Finds or adds the meter of an answer. NULL: no memory; the answer is then not counted. */
static struct meter *meter_of(struct device *device, const struct answer *answer)
{
    struct meter *meter = &device->self;

    while (meter && strcmp(meter->alias, answer->meter.alias) != 0)
        meter = meter->next;
    if (meter)
        return meter;
    meter = calloc(1, sizeof(*meter));
    if (!meter)
        return NULL;
    meter->next = device->self.next;
    meter->interval = answer->block->interval;
    meter->last_good = answer->ended;
    memcpy(meter->alias, answer->meter.alias, sizeof(meter->alias));
    device->self.next = meter;
    return meter;
}

static void add_result(struct meter *meter, const struct answer *answer)
{
    if (answer->block->interval < meter->interval)
        meter->interval = answer->block->interval;
    meter->failing = answer->result != 0;
    if (answer->result == 0 || answer->result == CEMM_ABSENT)
        meter->absent = meter->failing;
    if (meter->failing)
        memcpy(meter->message, answer->message, sizeof(meter->message));
    else
        meter->last_good = answer->ended;
}

static void add_newest(struct meter *meter, const struct answer *answer)
{
    int64_t cadence_ms = answer->cadence * INT64_C(1000);
    int64_t interval = meter->interval > cadence_ms ? meter->interval : cadence_ms;

    if (answer->newest) /* otherwise the previous newest sample still counts */
        meter->newest = answer->newest;
    meter->stalled =
        cemm_meter_silent(meter->alias, answer->type, meter->newest, interval, cemm_clock_wall());
}

/* Logs when a device that had all its meters loses one, and when all its meters are back. The lines
 * are limited in number, like the library's own lines. */
static void log_absence(struct monitor *monitor, struct device *device, const struct answer *answer)
{
    const char *alias = answer->meter.alias;
    struct cemm_message instead;
    bool incomplete = false;

    for (const struct meter *meter = &device->self; meter; meter = meter->next)
        incomplete |= meter->absent;
    if (incomplete == device->incomplete)
        return;
    device->incomplete = incomplete;
    if (!cemm_line_allowed(&monitor->lines, cemm_clock_steady(), &instead)) {
        if (*instead.text)
            plugin_log(LOG_WARNING, "cemm plugin: %s", instead.text);
    } else if (incomplete) {
        plugin_log(LOG_WARNING, "cemm plugin: %s: %s %s%s%s", answer->block->label,
                   device->uid.text, alias, *alias ? ": " : "", answer->message);
    } else {
        plugin_log(LOG_INFO, "cemm plugin: %s: %s is back", answer->block->label, device->uid.text);
    }
}

void monitor_add(struct monitor *monitor, const struct answer *answer)
{
    struct device *device = device_of(monitor, answer);
    struct meter *meter = device ? meter_of(device, answer) : NULL;

    if (!meter)
        return;
    if (answer->block->interval < device->block->interval)
        device->block = answer->block;
    /* When a device returns, each of its meters gets the full time again before it is silent. */
    bool returns = device->self.silent && answer->result == 0;
    for (struct meter *other = &device->self; returns && other; other = other->next)
        other->last_good = answer->ended;
    add_result(&device->self, answer);
    add_result(meter, answer);
    if (answer->result != 0)
        device->errors++;
    if (*answer->source)
        add_source(device, answer);
    if (*answer->source && meter != &device->self)
        add_newest(meter, answer);
    log_absence(monitor, device, answer);
    notify(device, answer->ended);
}

/* ---- reporting ---------------------------------------------------------------------- */

/* The time of the device's newest sample or, while meters are silent, of the newest sample of the
 * meter that has been silent for longest, so that other meters do not hide it. 0: there is none. */
static int64_t newest_of(const struct device *device, int64_t now)
{
    int64_t newest_silent = 0;
    int64_t newest = 0;

    for (const struct meter *meter = &device->self; meter; meter = meter->next) {
        if (is_silent(device, meter, now) && meter->newest &&
            (!newest_silent || meter->newest < newest_silent))
            newest_silent = meter->newest;
        if (meter->newest > newest)
            newest = meter->newest;
    }
    return newest_silent ? newest_silent : newest;
}

static void report_values(struct device *device, int64_t now)
{
    int64_t newest = newest_of(device, now);
    double age = (double)(cemm_clock_wall() - newest) / 1000;

    for (struct source *source = device->sources;
         source < device->sources + SOURCES_MAX && *source->name; source++) {
        if (!source->reported)
            dispatch_own(device->block, &device->uid, "response_time", source->name,
                         (value_t){.gauge = source->took});
        source->reported = true;
    }
    if (newest) /* the age is never negative, even if a meter's clock is a little ahead */
        dispatch_own(device->block, &device->uid, "gauge", "age",
                     (value_t){.gauge = age > 0 ? age : 0});
    dispatch_own(device->block, &device->uid, "derive", "errors",
                 (value_t){.derive = device->errors});
}

static void report(struct device *device, int64_t now)
{
    report_values(device, now);
    notify(device, now);
    /* Reports are due on a fixed grid, so that one late report does not shift the later ones. */
    if (!device->due || now - device->due >= device->block->interval)
        device->due = now;
    device->due += device->block->interval;
}

void monitor_report(struct monitor *monitor, int64_t now)
{
    if (now < monitor->due)
        return;
    monitor->due = INT64_MAX;
    for (struct device *device = monitor->first; device; device = device->next) {
        if (now >= device->due)
            report(device, now);
        if (device->due < monitor->due)
            monitor->due = device->due;
    }
}
