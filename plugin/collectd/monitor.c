/*
 * Each device has a record, which the loop's thread fills and collectd's thread
 * reads; both hold the lock only while they copy. Values and notifications are
 * made under the lock and dispatched after it, because a notification may run
 * any program of the administrator.
 *
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

#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/dispatch.h"

#define SOURCES_MAX      8 /* of one device, at most */
#define SILENT_INTERVALS 3

struct source {
    char name[CEMM_NAME_SIZE + 8]; /* "cloud-home"; "": none further */
    double took;                   /* seconds */
    bool reported;
};

/* How requests about a device, or one of its meters, have ended. */
struct status {
    int64_t good; /* monotonic: the last success; before any, the first request's end */
    bool failing; /* the last request */
    bool silent;  /* as the last notification said */
    bool absent;  /* no source has it; of a device: as a whole */
    char message[NOTIF_MAX_MSG_LEN / 2]; /* why the last one that failed did */
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
    pthread_mutex_t lock;
    void *tree; /* of struct record */
    struct record *first;
    int64_t due; /* monotonic: the earliest report of any record */
};

struct monitor *monitor_new(void)
{
    struct monitor *monitor = calloc(1, sizeof(*monitor));

    if (monitor && pthread_mutex_init(&monitor->lock, NULL) != 0) {
        free(monitor);
        return NULL;
    }
    return monitor;
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
    pthread_mutex_destroy(&monitor->lock);
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

/* ---- taking notes ------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    return strcmp(((const struct record *)left)->uid.text,
                  ((const struct record *)right)->uid.text);
}

/* NULL: no memory; the next answer may find some. */
static struct record *record_of(struct monitor *monitor, const struct block *block,
                                const struct cemm_uid *uid, int64_t now)
{
    const struct record key = {.uid = *uid};
    struct record **found = tfind(&key, &monitor->tree, compare);
    struct record *record;

    if (found)
        return *found;
    record = calloc(1, sizeof(*record));
    if (!record)
        return NULL;
    *record = (struct record){.uid = *uid, .block = block, .status.good = now};
    if (!tsearch(record, &monitor->tree, compare)) {
        free(record);
        return NULL;
    }
    record->next = monitor->first;
    monitor->first = record;
    return record;
}

static void note_source(struct record *record, const struct cemm_document *document)
{
    struct source *source = record->sources;
    char name[sizeof(source->name)];

    snprintf(name, sizeof(name), "%s", cemm_document_source(document));
    for (char *c = name; *c; c++) /* "cloud home": an identifier has no spaces */
        *c = *c == ' ' || *c == '/' ? '-' : *c;
    while (*source->name && strcmp(source->name, name) != 0) {
        if (++source == record->sources + SOURCES_MAX)
            return;
    }
    memcpy(source->name, name, sizeof(name));
    source->took = (double)cemm_document_took(document) / 1000;
    source->reported = false;
}

/* NULL: no memory; the next answer may find some. */
static struct meter *meter_of(struct record *record, const struct block *block, const char *alias,
                              int64_t now)
{
    struct meter *meter = record->meters;

    while (meter && strcmp(meter->alias, alias) != 0)
        meter = meter->next;
    if (!meter) {
        meter = calloc(1, sizeof(*meter));
        if (!meter)
            return NULL;
        *meter =
            (struct meter){.next = record->meters, .interval = block->interval, .status.good = now};
        strncpy(meter->alias, alias, sizeof(meter->alias) - 1);
        record->meters = meter;
    }
    if (block->interval < meter->interval)
        meter->interval = block->interval;
    return meter;
}

static void note_status(struct status *status, const struct cemm_answer *answer, int64_t now)
{
    status->failing = answer->result != 0;
    if (status->failing) /* cut: it is for people */
        snprintf(status->message, sizeof(status->message), "%s", answer->words);
    else
        status->good = now;
}

static void note_measured(struct meter *meter, const struct cemm_document *document, unsigned pace)
{
    int64_t pace_ms = pace * INT64_C(1000);
    int64_t interval = meter->interval > pace_ms ? meter->interval : pace_ms;
    int64_t newest = cemm_document_newest(document);

    if (newest) /* else the last time that it was measured counts */
        meter->newest = newest;
    meter->stalled = cemm_meter_silent(meter->alias, cemm_document_type(document), meter->newest,
                                       interval, cemm_clock_wall());
}

static void set_absent(struct record *record, struct status *status, bool absent)
{
    record->absences += absent - status->absent;
    status->absent = absent;
}

/* 1: something of the device is absent now; -1: nothing is any more; 0: neither has changed. */
static int note_absence(struct record *record, struct status *status, int result)
{
    bool before = record->absences > 0;

    if (result == CEMM_ABSENT)
        set_absent(record, status, true);
    if (result == 0) {
        set_absent(record, status, false);
        set_absent(record, &record->status, false);
    }
    return (record->absences > 0) - before;
}

/* Returns as note_absence(). */
static int note(struct record *record, const struct block *block, struct meter *meter,
                const struct cemm_answer *answer, unsigned pace, int64_t now)
{
    if (block->interval < record->block->interval)
        record->block = block;
    note_status(&record->status, answer, now);
    if (meter)
        note_status(&meter->status, answer, now);
    if (answer->result != 0)
        record->errors++;
    if (answer->document)
        note_source(record, answer->document);
    if (answer->document && meter)
        note_measured(meter, answer->document, pace);
    return note_absence(record, meter ? &meter->status : &record->status, answer->result);
}

/* Whether the record is new, or a notification may be due, which does not wait for the next
 * report. */
static bool is_news(const struct record *record, const struct meter *meter)
{
    return !record->due || record->status.failing || record->status.silent ||
           (meter && meter_silent(record, meter) != meter->status.silent);
}

void monitor_note(struct monitor *monitor, const struct block *block, const struct cemm_uid *uid,
                  const char *alias, const struct cemm_answer *answer, unsigned pace, int64_t now)
{
    struct record *record;
    int absence = 0;

    pthread_mutex_lock(&monitor->lock);
    record = record_of(monitor, block, uid, now);
    if (record) {
        struct meter *meter = alias ? meter_of(record, block, alias, now) : NULL;

        absence = note(record, block, meter, answer, pace, now);
        if (is_news(record, meter))
            monitor->due = 0;
    }
    pthread_mutex_unlock(&monitor->lock);
    if (absence > 0)
        plugin_log(LOG_WARNING, "cemm plugin: %s: %s %s%s%s", block->label, uid->text,
                   alias ? alias : "", alias ? ": " : "", answer->words);
    else if (absence < 0)
        plugin_log(LOG_INFO, "cemm plugin: %s: %s is back", block->label, uid->text);
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

static void report_values(const struct record *record, int64_t newest)
{
    double age = (double)(cemm_clock_wall() - newest) / 1000;

    for (size_t i = 0; i < SOURCES_MAX && *record->sources[i].name; i++) {
        if (!record->sources[i].reported)
            dispatch_own(record->block, &record->uid, "response_time", record->sources[i].name,
                         (value_t){.gauge = record->sources[i].took});
    }
    if (newest) /* a meter's clock may be a little ahead */
        dispatch_own(record->block, &record->uid, "gauge", "age",
                     (value_t){.gauge = age > 0 ? age : 0});
    dispatch_own(record->block, &record->uid, "derive", "errors",
                 (value_t){.derive = record->errors});
}

/* Under the lock. About the meter; NULL: about the device. The meter's name is part of the
 * notification's identity, so that one meter's end does not end another's. */
static void make_notification(notification_t *notification, const struct record *record,
                              const struct meter *meter)
{
    const struct status *status = meter ? &meter->status : &record->status;
    const char *alias = meter ? meter->alias : "";
    char *message = notification->message;
    size_t size = sizeof(notification->message);
    char name[CEMM_UID_SIZE + CEMM_NAME_SIZE + 2];

    *notification = (notification_t){
        .severity = status->silent ? NOTIF_FAILURE : NOTIF_OKAY,
        .time = cdtime(),
    };
    dispatch_fill(notification->host, dispatch_host(record->block));
    dispatch_fill(notification->plugin, "cemm");
    dispatch_fill(notification->plugin_instance, record->uid.text);
    dispatch_fill(notification->type, "gauge");
    snprintf(notification->type_instance, sizeof(notification->type_instance), "%s%sage", alias,
             meter ? "-" : "");
    snprintf(name, sizeof(name), "%s%s%s", record->uid.text, meter ? ": " : "", alias);
    if (!status->silent)
        snprintf(message, size, "CEMM %s %s", name, meter ? "is back" : "answers again");
    else if (meter && meter->stalled)
        snprintf(message, size, "CEMM %s is silent: it has measured nothing for %.0f minutes", name,
                 (double)(cemm_clock_wall() - meter->newest) / 60000);
    else
        snprintf(message, size, "CEMM %s is silent: %s", name, status->message);
}

/* Under the lock. Makes one notification that is due, and marks it as sent. */
static bool take_news(struct record *record, int64_t now, notification_t *ret_notification)
{
    bool silent = device_silent(record, now);

    if (silent != record->status.silent) {
        record->status.silent = silent;
        make_notification(ret_notification, record, NULL);
        return true;
    }
    for (struct meter *meter = record->meters; meter; meter = meter->next) {
        silent = meter_silent(record, meter);
        if (silent == meter->status.silent)
            continue;
        meter->status.silent = silent;
        make_notification(ret_notification, record, meter);
        return true;
    }
    return false;
}

/* Under the lock. True if its values are due. */
static bool take_turn(struct record *record, int64_t now)
{
    if (now < record->due)
        return false;
    /* On a fixed grid, so that one late report does not shift the later ones. */
    if (!record->due || now - record->due >= record->block->interval)
        record->due = now;
    record->due += record->block->interval;
    return true;
}

static void notify_all(struct monitor *monitor, struct record *record, int64_t now)
{
    notification_t notification;
    bool news = true;

    while (news) {
        pthread_mutex_lock(&monitor->lock);
        news = take_news(record, now, &notification);
        if (!news && record->due < monitor->due)
            monitor->due = record->due;
        pthread_mutex_unlock(&monitor->lock);
        if (news)
            plugin_dispatch_notification(&notification);
    }
}

/* Nothing is dispatched under the lock, so this uses a copy of the record. */
static void report(struct monitor *monitor, struct record *record, int64_t now)
{
    struct record copy;
    int64_t newest = 0;
    bool due;

    pthread_mutex_lock(&monitor->lock);
    due = take_turn(record, now);
    if (due) {
        newest = newest_of(record);
        copy = *record;
        for (size_t i = 0; i < SOURCES_MAX; i++)
            record->sources[i].reported = true;
    }
    pthread_mutex_unlock(&monitor->lock);
    if (due)
        report_values(&copy, newest);
    notify_all(monitor, record, now);
}

/* Records are only inserted at the head, and never removed. */
void monitor_report(struct monitor *monitor, int64_t now)
{
    struct record *record;

    pthread_mutex_lock(&monitor->lock);
    record = now >= monitor->due ? monitor->first : NULL;
    if (record)
        monitor->due = INT64_MAX;
    pthread_mutex_unlock(&monitor->lock);
    for (; record; record = record->next)
        report(monitor, record, now);
}
