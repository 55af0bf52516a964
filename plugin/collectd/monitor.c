/*
 * Who watches the meters wants to know that they are watched. Each device has
 * a record, which the thread that does the I/O fills and collectd's thread
 * reads; both hold the lock for memory only. What is due is put together under
 * the lock and handed to collectd after it: a notification runs whatever the
 * administrator has set up.
 *
 * A device is silent when requests of it fail, and none has succeeded for
 * several intervals: one answer that comes late is no reason to wake anybody.
 * A meter is silent when it stands still although it is answered for (spec §2),
 * or when its requests alone fail: others of its device have succeeded for
 * several intervals since. Each has its notifications, and its end.
 */
#include "plugin/collectd/monitor.h"

#include <pthread.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/collectd/dispatch.h"

#define SOURCES_MAX      8 /* of one device that are told apart */
#define SILENT_INTERVALS 3

struct source {
    char *name;  /* "cloud-home"; NULL: none further */
    double took; /* seconds */
    bool told;
};

/* How requests of a device, or of one of its meters, fare. */
struct fate {
    int64_t good; /* monotonic: the last success; before any, the first request's end */
    bool failing; /* the last request */
    bool silent;  /* as the last notification said */
    char words[NOTIF_MAX_MSG_LEN / 2]; /* why the last one that failed did */
};

struct meter {
    struct meter *next;
    char alias[CEMM_NAME_SIZE];
    int64_t interval; /* of the block that asks for it most often */
    int64_t newest;   /* Unix milliseconds of its last answer's newest sample; 0: none yet */
    bool still;       /* it is answered for, but has measured nothing for long */
    struct fate fate;
};

struct record {
    struct record *next;
    struct cemm_uid uid;
    const struct block *block;
    struct source sources[SOURCES_MAX];
    struct meter *meters; /* as many as the library knows, which has a limit */
    int64_t due;          /* monotonic: when to report next */
    derive_t errors;
    struct fate fate; /* of all that is asked of it */
};

struct monitor {
    pthread_mutex_t lock;
    void *tree; /* of struct record */
    struct record *first;
    int64_t due; /* monotonic: when anything has to be said at the earliest */
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

    for (size_t i = 0; i < SOURCES_MAX; i++)
        free(record->sources[i].name);
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

static int64_t patience_of(const struct record *record)
{
    return record->fate.good + SILENT_INTERVALS * record->block->interval;
}

static bool device_silent(const struct record *record, int64_t now)
{
    return record->fate.failing && (record->fate.silent || now >= patience_of(record));
}

/* That requests of it alone fail is seen by those of others: where all fail, it is the device. */
static bool meter_silent(const struct record *record, const struct meter *meter)
{
    const struct fate *fate = &meter->fate;

    if (meter->still)
        return true;
    return fate->failing &&
           (fate->silent || record->fate.good - fate->good >= SILENT_INTERVALS * meter->interval);
}

/* ---- when -------------------------------------------------------------------------- */

static bool any_meter_news(const struct record *record)
{
    for (const struct meter *meter = record->meters; meter; meter = meter->next)
        if (meter_silent(record, meter) != meter->fate.silent)
            return true;
    return false;
}

/* Locked. Who is silent, or no longer, may have to be said before the values are due. */
static void bring_forward(struct monitor *monitor, const struct record *record)
{
    const struct fate *fate = &record->fate;
    int64_t due = record->due;

    if (any_meter_news(record) || (fate->silent && !fate->failing))
        due = 0;
    else if (fate->failing && !fate->silent && patience_of(record) < due)
        due = patience_of(record);
    if (due < monitor->due)
        monitor->due = due;
}

/* ---- taking notes ------------------------------------------------------------------ */

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
    *record = (struct record){.uid = *uid, .block = block, .fate.good = now};
    if (!tsearch(record, &monitor->tree, compare)) {
        free(record);
        return NULL;
    }
    record->next = monitor->first;
    monitor->first = record;
    return record;
}

/* "cloud home" becomes "cloud-home": an identifier has no spaces. */
static void name_source(char name[CEMM_NAME_SIZE + 8], const char *text)
{
    size_t length = strnlen(text, CEMM_NAME_SIZE + 7);

    memcpy(name, text, length);
    name[length] = '\0';
    for (char *c = name; *c; c++)
        *c = *c == ' ' || *c == '/' ? '-' : *c;
}

static void note_source(struct record *record, const struct cemm_document *document)
{
    char name[CEMM_NAME_SIZE + 8];
    struct source *source = record->sources;

    name_source(name, cemm_document_source(document));
    while (source < record->sources + SOURCES_MAX && source->name &&
           strcmp(source->name, name) != 0)
        source++;
    if (source == record->sources + SOURCES_MAX)
        return;
    if (!source->name)
        source->name = strdup(name);
    if (!source->name)
        return; /* the next answer may find memory */
    source->took = (double)cemm_document_took(document) / 1000;
    source->told = false;
}

/* NULL: no memory; the next answer may find some. */
static struct meter *meter_of(struct record *record, const struct block *block, const char *alias,
                              int64_t now)
{
    struct meter *meter = record->meters;

    while (meter && strcmp(meter->alias, alias) != 0)
        meter = meter->next;
    if (!meter)
        meter = calloc(1, sizeof(*meter));
    if (!meter)
        return NULL;
    if (!*meter->alias) {
        *meter =
            (struct meter){.next = record->meters, .interval = block->interval, .fate.good = now};
        strncpy(meter->alias, alias, sizeof(meter->alias) - 1);
        record->meters = meter;
    }
    if (block->interval < meter->interval)
        meter->interval = block->interval;
    return meter;
}

static void fare(struct fate *fate, const struct cemm_answer *answer, int64_t now)
{
    fate->failing = answer->result != 0;
    if (fate->failing) /* cut: it is for people */
        snprintf(fate->words, sizeof(fate->words), "%s", answer->words);
    else
        fate->good = now;
}

static void note_measured(struct meter *meter, const struct cemm_document *document, unsigned pace)
{
    int64_t pace_ms = pace * INT64_C(1000);
    int64_t interval = meter->interval > pace_ms ? meter->interval : pace_ms;
    int64_t newest = cemm_document_newest(document);

    if (newest) /* else it counts as measured when it last was */
        meter->newest = newest;
    meter->still = cemm_meter_silent(meter->alias, cemm_document_type(document), meter->newest,
                                     interval, cemm_clock_wall());
}

static void note(struct record *record, const struct block *block, const char *alias,
                 const struct cemm_answer *answer, unsigned pace, int64_t now)
{
    struct meter *meter = alias ? meter_of(record, block, alias, now) : NULL;

    if (block->interval < record->block->interval)
        record->block = block;
    fare(&record->fate, answer, now);
    if (meter)
        fare(&meter->fate, answer, now);
    if (answer->result != 0)
        record->errors++;
    if (answer->document)
        note_source(record, answer->document);
    if (answer->document && meter)
        note_measured(meter, answer->document, pace);
}

void monitor_note(struct monitor *monitor, const struct block *block, const struct cemm_uid *uid,
                  const char *alias, const struct cemm_answer *answer, unsigned pace, int64_t now)
{
    struct record *record;

    pthread_mutex_lock(&monitor->lock);
    record = record_of(monitor, block, uid, now);
    if (record) {
        note(record, block, alias, answer, pace, now);
        bring_forward(monitor, record);
    }
    pthread_mutex_unlock(&monitor->lock);
}

/* ---- reporting ---------------------------------------------------------------------- */

/* That of the meter that has been silent for longest; without one, that of the newest sample: a
 * meter that is fresh must not hide one that is not. 0: there is none. */
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

    for (size_t i = 0; i < SOURCES_MAX && record->sources[i].name; i++) {
        if (!record->sources[i].told)
            dispatch_own(record->block, &record->uid, "response_time", record->sources[i].name,
                         (value_t){.gauge = record->sources[i].took});
    }
    if (newest) /* a meter's clock may run a little fast */
        dispatch_own(record->block, &record->uid, "gauge", "age",
                     (value_t){.gauge = age > 0 ? age : 0});
    dispatch_own(record->block, &record->uid, "derive", "errors",
                 (value_t){.derive = record->errors});
}

/* Locked. */
static void begin_notification(notification_t *notification, const struct record *record,
                               bool silent)
{
    *notification = (notification_t){
        .severity = silent ? NOTIF_FAILURE : NOTIF_OKAY,
        .time = cdtime(),
    };
    dispatch_fill(notification->host, dispatch_host(record->block));
    dispatch_fill(notification->plugin, "cemm");
    dispatch_fill(notification->plugin_instance, record->uid.text);
    dispatch_fill(notification->type, "gauge");
}

static void notify_device(notification_t *notification, const struct record *record)
{
    const struct fate *fate = &record->fate;

    begin_notification(notification, record, fate->silent);
    dispatch_fill(notification->type_instance, "age");
    if (fate->silent)
        snprintf(notification->message, sizeof(notification->message), "CEMM %s is silent: %s",
                 record->uid.text, fate->words);
    else
        snprintf(notification->message, sizeof(notification->message), "CEMM %s answers again",
                 record->uid.text);
}

/* Its name is in what tells notifications apart, too: the end of one ends no other. */
static void notify_meter(notification_t *notification, const struct record *record,
                         const struct meter *meter)
{
    char *message = notification->message;
    size_t size = sizeof(notification->message);

    begin_notification(notification, record, meter->fate.silent);
    snprintf(notification->type_instance, sizeof(notification->type_instance), "%s-age",
             meter->alias);
    if (!meter->fate.silent)
        snprintf(message, size, "CEMM %s: %s is back", record->uid.text, meter->alias);
    else if (meter->still)
        snprintf(message, size, "CEMM %s: %s is silent: it has measured nothing for %.0f minutes",
                 record->uid.text, meter->alias,
                 (double)(cemm_clock_wall() - meter->newest) / 60000);
    else
        snprintf(message, size, "CEMM %s: %s is silent: %s", record->uid.text, meter->alias,
                 meter->fate.words);
}

/* Locked. One thing that has to be said, and counts as said from then on. */
static bool take_news(struct record *record, int64_t now, notification_t *ret_notification)
{
    bool silent = device_silent(record, now);

    if (silent != record->fate.silent) {
        record->fate.silent = silent;
        notify_device(ret_notification, record);
        return true;
    }
    for (struct meter *meter = record->meters; meter; meter = meter->next) {
        silent = meter_silent(record, meter);
        if (silent == meter->fate.silent)
            continue;
        meter->fate.silent = silent;
        notify_meter(ret_notification, record, meter);
        return true;
    }
    return false;
}

/* Locked. True if its values are due. */
static bool take_turn(struct record *record, int64_t now)
{
    if (now < record->due)
        return false;
    /* On a grid, so that one late look does not shift all that come after it. */
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
        if (!news)
            bring_forward(monitor, record);
        pthread_mutex_unlock(&monitor->lock);
        if (news)
            plugin_dispatch_notification(&notification);
    }
}

/* Puts off what it can't hand over under the lock: a copy of the record will do. The names of
 * sources in it stay as long as the record itself. */
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
    }
    for (size_t i = 0; due && i < SOURCES_MAX; i++)
        record->sources[i].told = true;
    pthread_mutex_unlock(&monitor->lock);
    if (due)
        report_values(&copy, newest);
    notify_all(monitor, record, now);
}

/* Records are only ever put before the first one, and stay. */
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
