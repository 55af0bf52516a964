/*
 * A device is silent if requests for it fail, and none has succeeded for
 * several intervals: a single late answer is not worth an alarm. A meter is
 * silent if its CEMM answers but has no new sample of it, or if only its
 * requests fail while others of its device have succeeded for several
 * intervals. Both have their own notifications.
 *
 * The library logs sources that do not answer and answers that can't be used.
 * It does not log a meter that has disappeared: this file does, with one line
 * when the first meter of a device is gone, and one when all of them are back.
 */
#include "plugin/collectd/monitor.h"

#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/dispatch.h"

#define SOURCES_MAX      8 /* of one device, at most */
#define SILENT_INTERVALS 3

struct source {
    char name[CEMM_NAME_SIZE + 8]; /* "cloud-home"; "": no more sources */
    double took;                   /* seconds */
    bool reported;
};

/* How requests about a device, or one of its meters, have ended. */
struct status {
    int64_t good; /* monotonic: the last success; before any, the first request's end */
    bool failing; /* the last request */
    bool silent;  /* as the last notification said */
    bool absent;  /* no source has it; of a device: as a whole */
    char message[NOTIF_MAX_MSG_LEN / 2]; /* why the last one that failed did; cut */
};

struct meter {
    struct meter *next;
    char alias[CEMM_NAME_SIZE];
    int64_t interval; /* of the block that asks for it most often */
    int64_t newest;   /* Unix milliseconds of its last answer's newest sample; 0: none yet */
    bool stalled;     /* answers come, but have no new sample for a long time */
    struct status status;
};

struct record {
    struct record *next;
    struct cemm_uid uid;
    const struct block *block;
    struct source sources[SOURCES_MAX];
    struct meter *meters; /* as many as the library has, which is limited */
    int64_t due;          /* monotonic: when to report next */
    derive_t errors;
    int absences;         /* how many of the device and its meters are absent */
    struct status status; /* of all that is asked of it */
};

struct monitor {
    void *tree; /* of struct record */
    struct record *first;
    int64_t due; /* monotonic: the earliest report of any record */
};

struct monitor *monitor_new(void)
{
    return calloc(1, sizeof(struct monitor));
}

static void record_free(void *data)
{
    struct record *record = data;

    while (record->meters) {
        struct meter *meter = record->meters;

        record->meters = meter->next;
        free(meter);
    }
    free(record);
}

void monitor_free(struct monitor *monitor)
{
    if (!monitor)
        return;
    tdestroy(monitor->tree, record_free);
    free(monitor);
}

/* ---- who is silent ------------------------------------------------------------------ */

static bool device_silent(const struct record *record, int64_t now)
{
    const struct status *status = &record->status;

    return status->failing &&
           (status->silent || now - status->good >= SILENT_INTERVALS * record->block->interval);
}

/* If all requests fail, the device is silent, not the meter. */
static bool meter_silent(const struct record *record, const struct meter *meter)
{
    const struct status *status = &meter->status;

    if (meter->stalled)
        return true;
    return status->failing && (status->silent || record->status.good - status->good >=
                                                     SILENT_INTERVALS * meter->interval);
}

/* Sends a notification about the meter; NULL: about the device. The meter's name is part of the
 * notification's identity, so that one meter's end does not end another's. */
static void send_news(const struct record *record, const struct meter *meter)
{
    const struct status *status = meter ? &meter->status : &record->status;
    const char *alias = meter ? meter->alias : "";
    notification_t notification = {
        .severity = status->silent ? NOTIF_FAILURE : NOTIF_OKAY,
        .time = cdtime(),
    };
    char *message = notification.message;
    size_t size = sizeof(notification.message);
    char name[CEMM_UID_SIZE + CEMM_NAME_SIZE + 2];

    dispatch_fill(notification.host, dispatch_host(record->block));
    dispatch_fill(notification.plugin, "cemm");
    dispatch_fill(notification.plugin_instance, record->uid.text);
    dispatch_fill(notification.type, "gauge");
    snprintf(notification.type_instance, sizeof(notification.type_instance), "%s%sage", alias,
             meter ? "-" : "");
    snprintf(name, sizeof(name), "%s%s%s", record->uid.text, meter ? ": " : "", alias);
    if (!status->silent)
        snprintf(message, size, "CEMM %s %s", name, meter ? "is back" : "answers again");
    else if (meter && meter->stalled)
        snprintf(message, size, "CEMM %s is silent: it has measured nothing for %.0f minutes", name,
                 (double)(cemm_clock_wall() - meter->newest) / 60000);
    else
        snprintf(message, size, "CEMM %s is silent: %s", name, status->message);
    plugin_dispatch_notification(&notification);
}

/* Sends what has changed. */
static void notify(struct record *record, int64_t now)
{
    bool silent = device_silent(record, now);

    if (silent != record->status.silent) {
        record->status.silent = silent;
        send_news(record, NULL);
    }
    for (struct meter *meter = record->meters; meter; meter = meter->next) {
        silent = meter_silent(record, meter);
        if (silent == meter->status.silent)
            continue;
        meter->status.silent = silent;
        send_news(record, meter);
    }
}

/* ---- taking notes ------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    return strcmp(((const struct record *)left)->uid.text,
                  ((const struct record *)right)->uid.text);
}

/* NULL: no memory; the next answer may find some. */
static struct record *record_of(struct monitor *monitor, const struct answer *answer)
{
    const struct record key = {.uid = answer->meter.uid};
    struct record **found = tfind(&key, &monitor->tree, compare);
    struct record *record;

    if (found)
        return *found;
    record = calloc(1, sizeof(*record));
    if (!record)
        return NULL;
    *record = (struct record){
        .uid = answer->meter.uid, .block = answer->block, .status.good = answer->ended};
    if (!tsearch(record, &monitor->tree, compare)) {
        free(record);
        return NULL;
    }
    record->next = monitor->first;
    monitor->first = record;
    monitor->due = 0;
    return record;
}

static void note_source(struct record *record, const struct answer *answer)
{
    struct source *source = record->sources;
    char name[sizeof(source->name)];

    memcpy(name, answer->source, sizeof(name));
    for (char *c = name; *c; c++) /* "cloud home": an identifier has no spaces */
        *c = *c == ' ' || *c == '/' ? '-' : *c;
    while (*source->name && strcmp(source->name, name) != 0) {
        if (++source == record->sources + SOURCES_MAX)
            return;
    }
    memcpy(source->name, name, sizeof(name));
    source->took = (double)answer->took / 1000;
    source->reported = false;
}

/* NULL: no memory; the next answer may find some. */
static struct meter *meter_of(struct record *record, const struct answer *answer)
{
    struct meter *meter = record->meters;

    while (meter && strcmp(meter->alias, answer->meter.alias) != 0)
        meter = meter->next;
    if (!meter) {
        meter = calloc(1, sizeof(*meter));
        if (!meter)
            return NULL;
        meter->next = record->meters;
        meter->interval = answer->block->interval;
        meter->status.good = answer->ended;
        memcpy(meter->alias, answer->meter.alias, sizeof(meter->alias));
        record->meters = meter;
    }
    if (answer->block->interval < meter->interval)
        meter->interval = answer->block->interval;
    return meter;
}

/* A device that was silent answers again: its meters are given as long to do so, too. */
static void excuse_meters(struct record *record, int64_t now)
{
    for (struct meter *meter = record->meters; meter; meter = meter->next)
        meter->status.good = now;
}

static void note_status(struct status *status, const struct answer *answer)
{
    status->failing = answer->result != 0;
    if (status->failing)
        memcpy(status->message, answer->message, sizeof(status->message));
    else
        status->good = answer->ended;
}

static void note_measured(struct meter *meter, const struct answer *answer)
{
    int64_t pace_ms = answer->cadence * INT64_C(1000);
    int64_t interval = meter->interval > pace_ms ? meter->interval : pace_ms;

    if (answer->newest) /* else the last time that it was measured counts */
        meter->newest = answer->newest;
    meter->stalled =
        cemm_meter_silent(meter->alias, answer->type, meter->newest, interval, cemm_clock_wall());
}

static void set_absent(struct record *record, struct status *status, bool absent)
{
    record->absences += absent - status->absent;
    status->absent = absent;
}

/* Logs when the first of the device and its meters has disappeared, and when all are back. */
static void note_absence(struct record *record, struct status *status, const struct answer *answer)
{
    bool before = record->absences > 0;
    const char *alias = answer->meter.alias;

    if (answer->result == CEMM_ABSENT)
        set_absent(record, status, true);
    if (answer->result == 0) {
        set_absent(record, status, false);
        set_absent(record, &record->status, false);
    }
    if (!before && record->absences > 0)
        plugin_log(LOG_WARNING, "cemm plugin: %s: %s %s%s%s", answer->block->label,
                   record->uid.text, alias, *alias ? ": " : "", answer->message);
    else if (before && record->absences == 0)
        plugin_log(LOG_INFO, "cemm plugin: %s: %s is back", answer->block->label, record->uid.text);
}

void monitor_note(struct monitor *monitor, const struct answer *answer)
{
    struct record *record = record_of(monitor, answer);
    bool of_meter = *answer->meter.alias != '\0';
    struct meter *meter = record && of_meter ? meter_of(record, answer) : NULL;

    if (!record)
        return;
    if (answer->block->interval < record->block->interval)
        record->block = answer->block;
    if (record->status.silent && answer->result == 0)
        excuse_meters(record, answer->ended);
    note_status(&record->status, answer);
    if (meter)
        note_status(&meter->status, answer);
    if (answer->result != 0)
        record->errors++;
    if (*answer->source)
        note_source(record, answer);
    if (*answer->source && meter)
        note_measured(meter, answer);
    note_absence(record, meter ? &meter->status : &record->status, answer);
    notify(record, answer->ended);
}

/* ---- reporting ---------------------------------------------------------------------- */

/* The time of the newest sample; while meters are silent, that of the one that has been silent for
 * longest: a fresh meter must not hide it. 0: there is none. */
static int64_t newest_of(const struct record *record)
{
    int64_t silent = 0;
    int64_t newest = 0;

    for (const struct meter *meter = record->meters; meter; meter = meter->next) {
        if (meter_silent(record, meter) && meter->newest && (!silent || meter->newest < silent))
            silent = meter->newest;
        if (meter->newest > newest)
            newest = meter->newest;
    }
    return silent ? silent : newest;
}

static void report_values(struct record *record)
{
    int64_t newest = newest_of(record);
    double age = (double)(cemm_clock_wall() - newest) / 1000;

    for (struct source *source = record->sources;
         source < record->sources + SOURCES_MAX && *source->name; source++) {
        if (!source->reported)
            dispatch_own(record->block, &record->uid, "response_time", source->name,
                         (value_t){.gauge = source->took});
        source->reported = true;
    }
    if (newest) /* a meter's clock may be a little ahead */
        dispatch_own(record->block, &record->uid, "gauge", "age",
                     (value_t){.gauge = age > 0 ? age : 0});
    dispatch_own(record->block, &record->uid, "derive", "errors",
                 (value_t){.derive = record->errors});
}

static void report(struct record *record, int64_t now)
{
    report_values(record);
    notify(record, now);
    /* On a fixed grid, so that one late report does not shift the later ones. */
    if (!record->due || now - record->due >= record->block->interval)
        record->due = now;
    record->due += record->block->interval;
}

void monitor_report(struct monitor *monitor, int64_t now)
{
    if (now < monitor->due)
        return;
    monitor->due = INT64_MAX;
    for (struct record *record = monitor->first; record; record = record->next) {
        if (now >= record->due)
            report(record, now);
        if (record->due < monitor->due)
            monitor->due = record->due;
    }
}
