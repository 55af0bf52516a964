/*
 * Who watches the meters wants to know that they are watched. Each device has
 * a record, which the thread that does the I/O fills and collectd's thread
 * reads; both hold the lock for memory only. What is due is put together under
 * the lock and handed to collectd after it: a notification runs whatever the
 * administrator has set up.
 *
 * A device is silent when requests of it fail, and none has succeeded for
 * several intervals: one answer that comes late is no reason to wake anybody.
 * It is silent, too, when it answers for a meter that stands still.
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

struct record {
    struct record *next;
    struct cemm_uid uid;
    const struct block *block;
    struct source sources[SOURCES_MAX];
    int64_t newest; /* Unix milliseconds of the newest sample; 0: none yet */
    int64_t good;   /* monotonic: the last success; before any, the first request's end */
    int64_t due;    /* monotonic: when to report next */
    derive_t errors;
    bool failing;               /* the last request */
    char still[CEMM_NAME_SIZE]; /* a meter that is silent although it is answered for; "": none */
    int64_t still_since;        /* Unix milliseconds of its newest sample */
    bool silent;                /* as the last notification said */
    char words[NOTIF_MAX_MSG_LEN / 2];
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

/* ---- when -------------------------------------------------------------------------- */

static int64_t patience_of(const struct record *record)
{
    return record->good + SILENT_INTERVALS * record->block->interval;
}

/* Locked. That a device is silent, or no longer, may have to be said before its values are due. */
static void bring_forward(struct monitor *monitor, const struct record *record)
{
    int64_t due = record->due;

    if (record->still[0] ? !record->silent : record->silent && !record->failing)
        due = 0;
    else if (record->failing && !record->silent && patience_of(record) < due)
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
    *record = (struct record){.uid = *uid, .block = block, .good = now};
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

static void note_still(struct record *record, const struct cemm_document *document)
{
    const char *alias = cemm_document_query(document)->alias;
    int64_t newest = cemm_document_newest(document);

    if (cemm_meter_silent(alias, cemm_document_type(document), newest, record->block->interval,
                          cemm_clock_wall())) {
        snprintf(record->still, sizeof(record->still), "%s", alias);
        record->still_since = newest;
    } else if (strcmp(record->still, alias) == 0) {
        record->still[0] = '\0';
    }
}

static void note_success(struct record *record, const struct cemm_document *document, int64_t now)
{
    int64_t newest = cemm_document_newest(document);

    note_source(record, document);
    if (newest > record->newest)
        record->newest = newest;
    record->failing = false;
    record->good = now;
    note_still(record, document);
}

static void note_failure(struct record *record, const char *words)
{
    record->errors++;
    record->failing = true;
    snprintf(record->words, sizeof(record->words), "%s", words); /* cut: it is for people */
}

void monitor_note(struct monitor *monitor, const struct block *block, const struct cemm_uid *uid,
                  const struct cemm_answer *answer, int64_t now)
{
    struct record *record;

    pthread_mutex_lock(&monitor->lock);
    record = record_of(monitor, block, uid, now);
    if (record && block->interval < record->block->interval)
        record->block = block;
    if (record && answer->result == 0 && answer->document)
        note_success(record, answer->document, now);
    else if (record && answer->result != 0)
        note_failure(record, answer->words);
    if (record)
        bring_forward(monitor, record);
    pthread_mutex_unlock(&monitor->lock);
}

/* ---- reporting ---------------------------------------------------------------------- */

static double age_of(const struct record *record)
{
    double age = (double)(cemm_clock_wall() - record->newest) / 1000;

    return age > 0 ? age : 0; /* a meter's clock may run a little fast */
}

static void report_values(const struct record *record)
{
    for (size_t i = 0; i < SOURCES_MAX && record->sources[i].name; i++) {
        if (!record->sources[i].told)
            dispatch_own(record->block, &record->uid, "response_time", record->sources[i].name,
                         (value_t){.gauge = record->sources[i].took});
    }
    if (record->newest)
        dispatch_own(record->block, &record->uid, "gauge", "age",
                     (value_t){.gauge = age_of(record)});
    dispatch_own(record->block, &record->uid, "derive", "errors",
                 (value_t){.derive = record->errors});
}

static void notify(const struct record *record)
{
    notification_t notification = {
        .severity = record->silent ? NOTIF_FAILURE : NOTIF_OKAY,
        .time = cdtime(),
    };

    dispatch_fill(notification.host, dispatch_host(record->block));
    dispatch_fill(notification.plugin, "cemm");
    dispatch_fill(notification.plugin_instance, record->uid.text);
    dispatch_fill(notification.type, "gauge");
    dispatch_fill(notification.type_instance, "age");
    if (record->silent && record->still[0] && !record->failing)
        snprintf(notification.message, sizeof(notification.message),
                 "CEMM %s is silent: %s has measured nothing for %.0f minutes", record->uid.text,
                 record->still, (double)(cemm_clock_wall() - record->still_since) / 60000);
    else if (record->silent)
        snprintf(notification.message, sizeof(notification.message), "CEMM %s is silent: %s",
                 record->uid.text, record->words);
    else
        snprintf(notification.message, sizeof(notification.message), "CEMM %s answers again",
                 record->uid.text);
    plugin_dispatch_notification(&notification);
}

/* Locked. True if that is news. */
static bool judge(struct record *record, int64_t now)
{
    bool failed = record->failing && (record->silent || now >= patience_of(record));
    bool silent = failed || record->still[0];
    bool news = silent != record->silent;

    record->silent = silent;
    return news;
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

/* Puts off what it can't hand over under the lock: a copy of the record will do. The names in it
 * stay as long as the record itself. */
static void report(struct monitor *monitor, struct record *record, int64_t now)
{
    struct record copy;
    bool news;
    bool due;

    pthread_mutex_lock(&monitor->lock);
    news = judge(record, now);
    due = take_turn(record, now);
    if (due || news)
        copy = *record;
    for (size_t i = 0; due && i < SOURCES_MAX; i++)
        record->sources[i].told = true;
    bring_forward(monitor, record);
    pthread_mutex_unlock(&monitor->lock);
    if (due)
        report_values(&copy);
    if (news)
        notify(&copy);
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
