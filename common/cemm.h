/*
 * libcemm: energy data from CEMM meters, by the cloud's Open API and by the
 * LAN's. The value types that all rooms share, and the calls that programs
 * make. This header stands alone; nothing else is installed.
 *
 * Documents it speaks of: "cloud" is the remote Open API, "LAN" the local
 * one, both published by the maker for CEMM Basic and Plus.
 *
 * Errors. A call that can fail returns 0, a negative errno when something
 * broke, or a positive enum cemm_outcome, which is part of the job. Words for
 * people come in a struct cemm_words; an API key is never in them.
 *
 * Threads. One thread at a time may use a struct cemm and what hangs on it;
 * only cemm_wakeup() may be called from any thread. Completions run inside
 * cemm_turn() or cemm_cancel(), never inside the call that asked.
 */
#ifndef CEMM_H
#define CEMM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CEMM_NAME_SIZE  65  /* room for an alias or a channel, with its NUL */
#define CEMM_UID_SIZE   18  /* room for a uid, with its NUL */
#define CEMM_TIME_SIZE  40  /* room for a time in ISO 8601, with its NUL */
#define CEMM_WORDS_SIZE 320 /* room for one message, with its NUL */

/* What a request can come to besides success (0) and a failure (< 0). */
enum cemm_outcome {
    CEMM_ABSENT = 1, /* every source that has this endpoint says that it is not there */
    CEMM_DENIED = 2, /* the key has no right to it (403) */
};

struct cemm_words {
    char text[CEMM_WORDS_SIZE];
};

/* Writes them; what does not fit is cut. `words` may be NULL: then nobody wants to know. */
void cemm_words_set(struct cemm_words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

enum cemm_level { CEMM_LOG_ERROR, CEMM_LOG_WARNING, CEMM_LOG_INFO };

/* Takes one line for the log, without a newline. */
typedef void cemm_log_fn(void *data, enum cemm_level level, const char *line);

/* ---- names -------------------------------------------------------------- */

/* A device's MAC, upper case with dashes: "00-1E-C0-85-96-CC". */
struct cemm_uid {
    char text[CEMM_UID_SIZE];
};

/* Reads a uid written with dashes or colons, in any case; false if it is none. */
bool cemm_uid_parse(const char *text, struct cemm_uid *ret_uid);

/* Whether a name from outside may become a file name, a tag or an identifier (spec §7). */
bool cemm_name_valid(const char *name);

/* Whether `alias` is one that the API documents name, mb1 … mb247 included. */
bool cemm_alias_documented(const char *alias);

/* ---- time --------------------------------------------------------------- */

/* A time zone as a value; the process's TZ is neither read later nor changed. */
struct cemm_zone;

/*
 * `name` is of the IANA database ("Europe/Amsterdam"); NULL is the system's
 * own zone. NULL is returned when there is no such zone. Free with
 * cemm_zone_free().
 */
struct cemm_zone *cemm_zone_new(const char *name);
void cemm_zone_free(struct cemm_zone *zone);

/* The name that it was made by; of the system's own, the one that the system has for it. */
const char *cemm_zone_name(const struct cemm_zone *zone);

/* The time now, in milliseconds: since 1970, and of a clock that never steps. */
int64_t cemm_clock_wall(void);
int64_t cemm_clock_steady(void);

#define CEMM_YEAR_FIRST 2010     /* no CEMM is older: nobody asks for data before */
#define CEMM_EMPTY_AGE  86400000 /* ms for which a closed period without a sample is believed */

enum cemm_span { CEMM_DAY, CEMM_MONTH, CEMM_YEAR };

/* A local day, month or year. month (1–12) and day (1–31) are 1 where the span has none. */
struct cemm_period {
    enum cemm_span span;
    int year;
    int month;
    int day;
};

/* "2024-03-31", "2024-03" or "2024", and nothing else; the date must exist. */
bool cemm_period_parse(enum cemm_span span, const char *text, struct cemm_period *ret_period);
void cemm_period_format(const struct cemm_period *period, char *ret_text, size_t size);

/* First second of the period, and first second after it (Unix seconds). */
int64_t cemm_period_start(const struct cemm_zone *zone, const struct cemm_period *period);
int64_t cemm_period_end(const struct cemm_zone *zone, const struct cemm_period *period);

/* When it is closed (spec §2): what is fetched from then on will not change (Unix seconds). */
int64_t cemm_period_closed(const struct cemm_zone *zone, const struct cemm_period *period);

/* The period that holds the moment `seconds`, and one that is `steps` periods away. */
struct cemm_period cemm_period_at(const struct cemm_zone *zone, enum cemm_span span,
                                  int64_t seconds);
struct cemm_period cemm_period_step(const struct cemm_period *period, int steps);

/* < 0, 0, > 0 as `a` is before, the same as, or after `b`; both of one span. */
int cemm_period_compare(const struct cemm_period *a, const struct cemm_period *b);

/* ISO 8601 in the zone, with offset; milliseconds only where they are not 0. */
void cemm_time_format(const struct cemm_zone *zone, int64_t milliseconds,
                      char ret_text[CEMM_TIME_SIZE]);

/* ---- collectd's names (spec §5) ----------------------------------------- */

#define CEMM_FIELD_SIZE 128 /* room for one of collectd's fields, with its NUL */

/* What a channel is called and counted in where collectd's rules hold. */
struct cemm_identity {
    char plugin_instance[CEMM_FIELD_SIZE]; /* the uid */
    const char *type;                      /* of collectd's own types.db */
    char type_instance[CEMM_FIELD_SIZE];   /* <alias>-<channel> */
    double factor;                         /* from the API's unit to the type's */
    unsigned cadence;                      /* seconds, where none was learned; or 0 */
};

/* False if a name does not fit its field: such a channel cannot be told to collectd. */
bool cemm_identify(const struct cemm_uid *uid, const char *alias, const char *channel,
                   struct cemm_identity *ret_identity);

/* ---- documents ---------------------------------------------------------- */

enum cemm_endpoint {
    CEMM_DEVICES,  /* cloud §Request linked CEMMs: cemm/ */
    CEMM_ROOT,     /* LAN §CEMM information: / */
    CEMM_IO,       /* cloud §Request an I/O of a CEMM; seen on the LAN, too */
    CEMM_INFO,     /* cloud §Request an I/O using an alias: <alias>/ */
    CEMM_REALTIME, /* both: <alias>/realtime/ */
    CEMM_DATA,     /* both: <alias>/data/day|month|year/, as the period's span says */
    CEMM_TOTALS,   /* cloud §Request meter readings: <alias>/totals/ */
};

/* What is asked for. `alias` is empty for a device's own endpoints, `period` unused but for DATA
 * and TOTALS (where its span is CEMM_DAY). */
struct cemm_query {
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    enum cemm_endpoint endpoint;
    struct cemm_period period;
};

/* One measurement: when (Unix milliseconds), how much, and how the API wrote it. */
struct cemm_sample {
    int64_t time;
    double value;
    const char *text; /* lives as long as the document */
    size_t text_length;
};

/* The samples of one channel, oldest first. A channel that was never read has none. */
struct cemm_series {
    char channel[CEMM_NAME_SIZE];
    const char *unit; /* "W", "kWh", "m3", "L/min", or "" where unknown */
    struct cemm_sample *samples;
    size_t count;
    bool total;       /* LAN: out of `totals`, whose stamps are the CEMM's own clock */
    unsigned cadence; /* of what cemm_ledger_pick() gives, as cemm_ledger_cadence(); else 0 */
};

/* An answer of the API: its bytes and what they say. Immutable, counted; not shared by threads. */
struct cemm_document;

struct cemm_document *cemm_document_ref(struct cemm_document *document);
void cemm_document_unref(struct cemm_document *document); /* NULL is allowed */

const struct cemm_query *cemm_document_query(const struct cemm_document *document);
const struct cemm_series *cemm_document_series(const struct cemm_document *document,
                                               size_t *ret_count);
/* That of one channel; NULL: it has none. */
const struct cemm_series *cemm_document_channel(const struct cemm_document *document,
                                                const char *channel);

/* The source that answered, "cloud home"; when it did (Unix milliseconds); the newest sample's
 * time, or 0 where there is none. In a realtime answer of the LAN only `data` has such times: the
 * stamps of `totals` say nothing of when something was measured. */
const char *cemm_document_source(const struct cemm_document *document);
int64_t cemm_document_fetched(const struct cemm_document *document);
int64_t cemm_document_newest(const struct cemm_document *document);

/* What was received, to the byte; it lives as long as the document. */
const char *cemm_document_bytes(const struct cemm_document *document, size_t *ret_length);
/* How long it took to come (milliseconds), promises included, waiting for a free connection not. */
int64_t cemm_document_took(const struct cemm_document *document);

/* The meter's type, as cemm_device_type() says it. */
const char *cemm_document_type(const struct cemm_document *document);

/* Whether it will not change any more: its period had closed when it was fetched, by our clock and
 * by what the answer says of the time (spec §2). */
bool cemm_document_closed(const struct cemm_document *document);

/* Whether it has no sample at all, of whatever channel. */
bool cemm_document_empty(const struct cemm_document *document);

/* How many realtime samples were left out because they lay more than 15 minutes ahead of our clock
 * (spec §2). */
size_t cemm_document_early(const struct cemm_document *document);

/* ---- texts -------------------------------------------------------------- */

enum cemm_form {
    CEMM_FORM_JSON,      /* the whole document, indented by two */
    CEMM_FORM_CSV,       /* cemmfs's CSV, with its header line (spec §4) */
    CEMM_FORM_INFLUX,    /* InfluxDB line protocol (spec §6) */
    CEMM_FORM_CSV_ROWS,  /* uid,alias,channel,value,unit,time,type: one row a sample, no header */
    CEMM_FORM_JSON_ROWS, /* the same as JSON objects, one a line */
};

#define CEMM_CSV_ROWS_HEADER "uid,alias,channel,value,unit,time,type\n"

/*
 * Writes a document as text. The caller frees *ret_text, which ends in a NUL
 * that *ret_length does not count. Fails only for want of memory (-ENOMEM) or
 * of room (-E2BIG).
 */
int cemm_render(const struct cemm_document *document, enum cemm_form form,
                const struct cemm_zone *zone, char **ret_text, size_t *ret_length);

/* The forms in which documents can be joined: a row for each moment or sample. */
enum cemm_rows {
    CEMM_ROWS_CSV,    /* as CEMM_FORM_CSV_ROWS */
    CEMM_ROWS_JSON,   /* as CEMM_FORM_JSON_ROWS */
    CEMM_ROWS_INFLUX, /* as CEMM_FORM_INFLUX */
    CEMM_ROWS_PUTVAL, /* collectd's plain text protocol, identifiers as cemm_identify() has them;
                       * with "-day", "-month" or "-year" behind them where a history must not
                       * become one series with realtime (spec §2) */
};

/* What the forms need besides the documents. */
struct cemm_manner {
    const struct cemm_zone *zone; /* CSV, JSON: of the times */
    const char *host;             /* PUTVAL: HOST of the identifiers */
    double interval;              /* PUTVAL: seconds; a series' own cadence holds if longer */
    size_t *ret_refused;          /* PUTVAL: names that do not fit collectd's fields are counted
                                   * here; may be NULL */
};

/*
 * Writes several documents as one text, oldest sample first; of one moment, in
 * the order of the documents. What was never read has no row. As cemm_render().
 */
int cemm_render_joined(const struct cemm_document *const *documents, size_t count,
                       enum cemm_rows rows, const struct cemm_manner *manner, char **ret_text,
                       size_t *ret_length);

/*
 * One thing that was asked, for cemm_render_prometheus(): a meter and its
 * realtime answer; or what failed, `document` NULL: a meter, a device (`alias`
 * NULL), or a source that told no devices (`uid` NULL, too).
 */
struct cemm_reading {
    const char *uid;
    const char *alias;
    const char *source;
    const char *type; /* of a meter that failed, as cemm_device_type() has it; NULL: none */
    const struct cemm_document *document;
};

/*
 * Writes readings as Prometheus's text format, in base units, without times:
 * all samples of a metric together, under one HELP and TYPE. `before` is an
 * earlier text of this kind or NULL: a counter that lies less than one kWh or
 * m3 below what it says there does not step back, and a meter that has failed
 * keeps the time of its last sample. As cemm_render().
 */
int cemm_render_prometheus(const struct cemm_reading *readings, size_t count, const char *before,
                           char **ret_text, size_t *ret_length);

/* json-c's, whose functions work on them. */
struct json_object;

/* What was received, parsed anew for the caller, who json_object_put()s it. NULL: no memory. */
struct json_object *cemm_document_json(const struct cemm_document *document);

/* Prints JSON as CEMM_FORM_JSON does; results as those of cemm_render(). */
int cemm_json_print(struct json_object *object, char **ret_text, size_t *ret_length);

/* As open_memstream(), but a piece for which there is no memory is an error of the stream, and of
 * its fclose(), after which *ret_text is NULL. There is no position to seek or tell. NULL: no
 * memory. The caller frees *ret_text. */
FILE *cemm_text_open(char **ret_text, size_t *ret_length);

/* The file that is meant by a path: what a link leads to in the end, whether that is there or not.
 * The caller frees it. NULL: errno says why. */
char *cemm_link_target(const char *path);

/* ---- configuration (spec §3) -------------------------------------------- */

struct cemm_config;

struct cemm_config *cemm_config_new(void); /* NULL: no memory */
void cemm_config_free(struct cemm_config *config);

/*
 * Reads an INI file; NULL looks where the programs look ($CEMM_CONFIG, then
 * the user's, then /etc/cemm/cemm.conf). No file at all is no error: the
 * defaults hold. On failure `words` begins with file and line. Ends with
 * cemm_config_finish().
 */
int cemm_config_load(struct cemm_config *config, const char *file, struct cemm_words *words);

/* Relative paths that are set from now on are relative to this directory: by default that of the
 * file that is read, else the current one. 0 or -ENOMEM. */
int cemm_config_base(struct cemm_config *config, const char *directory);

/*
 * The same, piece by piece, for hosts with a configuration of their own: opens
 * a section ("cloud", "local" with a name; "discovery", "archive" with ""),
 * sets a key in the section opened last (before any: the global ones; a key
 * file is read at once; -EEXIST: it was set and is none that can be repeated),
 * and checks that nothing is missing.
 */
int cemm_config_section(struct cemm_config *config, const char *kind, const char *name,
                        struct cemm_words *words);
int cemm_config_set(struct cemm_config *config, const char *key, const char *value,
                    struct cemm_words *words);
int cemm_config_finish(struct cemm_config *config, struct cemm_words *words);

/* The configured zone (else the system's); owned by the configuration. */
const struct cemm_zone *cemm_config_zone(const struct cemm_config *config);

/* Whether devices are looked for by broadcast: as configured; else where no [local] is. */
bool cemm_config_discovers(const struct cemm_config *config);

/* The file that was read; NULL: none. */
const char *cemm_config_file(const struct cemm_config *config);

/* Where closed periods are kept: as configured, else $STATE_DIRECTORY, /var/lib/cemm for root,
 * $XDG_DATA_HOME/cemm, ~/.local/share/cemm. NULL: nowhere. */
const char *cemm_config_archive(const struct cemm_config *config);

/* ---- devices, meters, documents ----------------------------------------- */

struct cemm;

/* Longest rest of a device that does not answer, in seconds: for programs that people wait for,
 * and for those that poll. */
#define CEMM_REST_INTERACTIVE 10
#define CEMM_REST_POLLER      300

/*
 * Makes a context. It reads `config`, which must outlive it, and does no I/O.
 * `log` may be NULL. NULL is returned for want of memory.
 */
struct cemm *cemm_new(const struct cemm_config *config, int rest_max, cemm_log_fn *log,
                      void *log_data);

/* Ends all that is under way (completions fire with -ECANCELED) and frees it. Not from within a
 * completion. NULL is allowed. */
void cemm_free(struct cemm *cemm);

const struct cemm_zone *cemm_zone(const struct cemm *cemm);

/*
 * Does what is due and waits at most `timeout_ms` (-1: a minute)
 * for the network, for the `extra` descriptors, whose revents it fills in, or
 * for cemm_wakeup(). Returns 0 or a negative errno.
 */
int cemm_turn(struct cemm *cemm, int timeout_ms, struct pollfd *extra, unsigned extra_count);

/* Makes cemm_turn() return soon. From any thread. */
void cemm_wakeup(struct cemm *cemm);

/* A request that has not been answered yet. It is gone once its completion has run. */
struct cemm_ticket;

/* How a request ended: 0 with a document, an enum cemm_outcome, or a negative errno (-ETIMEDOUT,
 * -EHOSTUNREACH, -EIO, -ENOMEM, -ECANCELED; of a sweep -ENODATA: answered without a sample). Valid
 * only during the call; `words` is never NULL. */
struct cemm_answer {
    int result;
    struct cemm_document *document; /* cemm_document_ref() it to keep it */
    const char *words;
};

typedef void cemm_answer_fn(void *data, const struct cemm_answer *answer);

/*
 * Asks for a document, of whichever source has it: LAN first, then cloud. One
 * that was fetched at most `max_age_ms` ago is handed over again, and one of a
 * period that had closed before it was fetched for ever (for a day where it
 * has no sample); a request for what is being fetched joins that fetch.
 * `ret_ticket` may be NULL.
 * Returns 0 (the completion will run, once) or a negative errno (it will not).
 */
int cemm_get(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms,
             cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* The same, for what nobody waits for: at its source, all that is asked for by cemm_get() goes
 * before. */
int cemm_get_later(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms,
                   cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* The document itself if it is at hand and that fresh, else NULL. The caller unrefs it. */
struct cemm_document *cemm_peek(struct cemm *cemm, const struct cemm_query *query,
                                int64_t max_age_ms);

/*
 * Finds devices (`uid` NULL) or one device's meters, from all sources. When it
 * ends well or in part, they stand in the tables below. The answer has no
 * document: 0, CEMM_ABSENT (no such device), or the first failure met; what
 * was found all the same, and what was known before, is in the tables.
 */
int cemm_find(struct cemm *cemm, const struct cemm_uid *uid, int64_t max_age_ms,
              cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* Makes sure that one device is known, and ends as soon as some source has named it; as
 * cemm_find(), but it asks for no meters. */
int cemm_locate(struct cemm *cemm, const struct cemm_uid *uid, int64_t max_age_ms,
                cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/*
 * Bounds a wait, which by itself lasts while others are served: it ends with
 * -ETIMEDOUT when the timeouts of the sources that may answer `query`, added
 * up, have passed. What is waited for goes on, and will be there for those who
 * ask next. Of a query for a device or its meters only uid and endpoint count;
 * NULL: it waits for the devices of all sources.
 */
void cemm_limit(struct cemm_ticket *ticket, const struct cemm_query *query);

/* Runs the completion with -ECANCELED, now. The fetch itself goes on: others may want it. */
void cemm_cancel(struct cemm_ticket *ticket);

/* A device that is known, or NULL past the last; valid until the next cemm_turn(). */
struct cemm_device;
const struct cemm_device *cemm_device_at(const struct cemm *cemm, size_t index);
const struct cemm_device *cemm_device_named(const struct cemm *cemm, const struct cemm_uid *uid);
const struct cemm_uid *cemm_device_uid(const struct cemm_device *device);

/* A meter's alias, or NULL past the last; in the order of their names. */
const char *cemm_device_alias(const struct cemm_device *device, size_t index);

/*
 * Whether a meter that answers is silent (spec §2): its newest sample, of
 * `newest` (Unix milliseconds, 0: none), is older at `now` than 10 minutes and
 * than three times `interval_ms`, its own or that of whoever asks. Only smart
 * meters, and Modbus meters of another type than "solar_energy", can be: an
 * inverter sleeps at night, and a pulse meter has no say where nothing flows.
 */
bool cemm_meter_silent(const char *alias, const char *type, int64_t newest, int64_t interval_ms,
                       int64_t now);

/* A meter's type as io or its info has it ("solar_energy"); "" where none was told. */
const char *cemm_device_type(const struct cemm_device *device, const char *alias);

/* The cloud account that reaches it, as the configuration names it ("home"); NULL: none, as far as
 * is known. */
const char *cemm_device_account(const struct cemm_device *device);

/* How a device fared in this run, whichever source was asked. Times are Unix milliseconds, 0:
 * never; the text is valid until the next cemm_turn(). */
struct cemm_device_state {
    int64_t last_success;
    int64_t last_failure;
    const char *last_words; /* what that was; "" if never */
};
void cemm_device_state(const struct cemm_device *device, struct cemm_device_state *ret_state);

/* Whether `alias` may be asked for: found, documented, or configured as extra-alias, and not
 * filtered away. Any other name does not exist, without a request (spec §1). */
bool cemm_alias_allowed(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias);

/* Whether some source that reaches a device has the endpoint of that meter (`alias` empty: of the
 * device itself; with IO: an entry in the list of all), as far as is known; where none is known to
 * reach it, whether any source has. */
bool cemm_offers(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                 enum cemm_endpoint endpoint);

/* ---- archive (spec §2) --------------------------------------------------- */

/*
 * From now on, closed periods are kept in the archive's directory and taken
 * from there, and the meters that it knows are known. Nothing is made on disk
 * before there is something to keep. Where it can't be read or written, that
 * is logged, and all else goes on.
 */
void cemm_archive_use(struct cemm *cemm);

struct cemm_archive_state {
    const char *directory;
    size_t read; /* answers, in this run */
    size_t written;
    size_t damaged;    /* files that were put aside */
    int64_t failed;    /* when it failed last; Unix milliseconds, 0: never */
    const char *words; /* what that was */
};

/* False: it is not used. The texts are valid until the next cemm_turn(). */
bool cemm_archive_at(const struct cemm *cemm, struct cemm_archive_state *ret_state);

/* Whether the archive has that answer now. */
bool cemm_archived(const struct cemm *cemm, const struct cemm_query *query);

/* Whether the archive has any answer of a meter's history at that endpoint, CEMM_DATA or
 * CEMM_TOTALS. */
bool cemm_archived_any(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                       enum cemm_endpoint endpoint);

/*
 * Looks for the first day of which a meter has data, unless that is known, with
 * one request a year and one for the month in it of each source that reaches it
 * and was not asked before; as cemm_find(). Ends with 0 also where there is no
 * data at all.
 */
int cemm_find_first(struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                    cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* That day, as far as it is known: what was found, if only in part. False: none. */
bool cemm_first_day(struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                    struct cemm_period *ret_day);

/* Whether nothing lies before, as long as no other source comes. */
bool cemm_first_known(struct cemm *cemm, const struct cemm_uid *uid, const char *alias);

/* ---- sweeps ------------------------------------------------------------- */

/* Which meters: those of one source ("cloud home"; NULL: of all), and of those the ones that a
 * METER names ("uid/alias", "uid", "alias"); none: all. An alias that cemm_alias_allowed() is asked
 * for also where no list has it; devices that deny it are not told of. The strings must outlive the
 * sweep. */
struct cemm_selection {
    const char *source;
    const char *const *meters;
    size_t meter_count;
    /* Earlier sweeps may still be under way: then a device that hangs holds up nobody. What is
     * still being asked for is left out, and what is known is read at once, without waiting for
     * new lists of devices and meters; those come for a later sweep. */
    bool overlaps;
};

/*
 * Called for each meter with its realtime answer, as they come; for a source
 * or device whose meters could not be found out with `uid` or `alias` NULL;
 * and in the end once with `answer` NULL.
 */
typedef void cemm_sweep_fn(void *data, const struct cemm_uid *uid, const char *alias,
                           const struct cemm_answer *answer);

/* Reads the realtime data of all selected meters once, afresh. What came is not at hand afterwards,
 * unless cemm_get() has asked for it, too. It lasts at most as long as the sources' timeouts;
 * cemm_free() ends it early. -EALREADY: an earlier one that this one would overlap still looks for
 * the first device. */
int cemm_sweep(struct cemm *cemm, const struct cemm_selection *selection, cemm_sweep_fn *meter,
               void *data);

/* ---- discovery (LAN §discovery broadcast) -------------------------------- */

/* A CEMM that answered the broadcast, and whose root document confirmed its MAC. Texts are valid
 * until the next cemm_turn(). */
struct cemm_discovered {
    struct cemm_uid uid;
    const char *address; /* that its packet came from */
    const char *type;    /* "CEMM_basic"; "" if it did not say */
    const char *core;    /* version, "1.24" */
    bool answered;       /* the last look; else an earlier one */
};

/* How the last look went. */
struct cemm_discovery_state {
    bool enabled;      /* by the configuration; cemm_discover() looks all the same */
    bool own_port;     /* UDP 9777 was free: devices that answer only there are heard */
    int64_t looked;    /* Unix milliseconds; 0: never */
    unsigned asked;    /* broadcast addresses */
    size_t junk;       /* packets that were no answers of a CEMM */
    const char *words; /* what hindered it; "": nothing */
};

/* Looks for devices on the LAN now, which takes two seconds; as cemm_find(). */
int cemm_discover(struct cemm *cemm, cemm_answer_fn *done, void *data,
                  struct cemm_ticket **ret_ticket);

/* What was found; false past the last. And how. */
bool cemm_discovered_at(const struct cemm *cemm, size_t index, struct cemm_discovered *ret);
void cemm_discovery_at(const struct cemm *cemm, struct cemm_discovery_state *ret);

/* ---- sources, for people ------------------------------------------------ */

/* One way to reach devices. Times are Unix milliseconds, 0: never. */
struct cemm_source_state {
    const char *name;       /* "cloud home" */
    bool cloud;             /* an account */
    const char *address;    /* URL without the key, or host[:port] */
    size_t devices;         /* that it reaches, as far as known */
    int64_t last_success;   /* last answer that could be used */
    int64_t last_failure;   /* last time that no answer came, or a wrong one */
    const char *last_words; /* what that was; "" if never */
    size_t left_out;        /* parts of its answers that did not fit the API's documents */
};

/* The state of source `index`; false past the last. Texts are valid until the next cemm_turn(). */
bool cemm_source_at(const struct cemm *cemm, size_t index, struct cemm_source_state *ret_state);

/* ---- what was given (spec §2, §5 Backfill, §6 stream --state) ------------- */

#define CEMM_WINDOW_MAX 2678400 /* seconds: 31 days */
#define CEMM_TAKER_SIZE 128     /* room for a taker's name, with its NUL */

/* Remembers, per series, the newest sample that was given, and which minutes were given to whom.
 * Any thread may use it. */
struct cemm_ledger;

/* One series: a channel of a meter. It lives as long as its ledger; so do its names. */
struct cemm_ledger_entry;

/*
 * `window`: how many seconds back minutes may be missing, at most
 * CEMM_WINDOW_MAX. `takers` are those who are given minutes, live or later: ""
 * where there is only one, no control characters, less than CEMM_TAKER_SIZE
 * others; copied. NULL: no memory, or too many.
 */
struct cemm_ledger *cemm_ledger_new(int64_t window, const char *const *takers, size_t count);
void cemm_ledger_free(struct cemm_ledger *ledger); /* NULL is allowed */

/* The entry of a series. NULL: no memory, or a name that is none. */
struct cemm_ledger_entry *cemm_ledger_entry(struct cemm_ledger *ledger, const struct cemm_uid *uid,
                                            const char *alias, const char *channel);

/* Its names. Of two entries of one meter, uid and alias are the same pointers. */
const struct cemm_uid *cemm_ledger_uid(const struct cemm_ledger_entry *entry);
const char *cemm_ledger_alias(const struct cemm_ledger_entry *entry);
const char *cemm_ledger_channel(const struct cemm_ledger_entry *entry);

/* Whether a sample of a realtime document is to be given now; if so it counts as taken. */
enum cemm_verdict {
    CEMM_GIVE,
    CEMM_REPEATED, /* not newer than the last one taken */
    CEMM_WITHHELD, /* the source has changed, and the meter would step back by less than 1: the
                    * cloud and the LAN round differently. Until the reading has passed the last
                    * one. */
    CEMM_NO_ROOM,  /* no memory to remember it: not given */
};
enum cemm_verdict cemm_ledger_take(struct cemm_ledger_entry *entry,
                                   const struct cemm_document *document,
                                   const struct cemm_sample *sample);

/*
 * How often the series is measured: the shortest distance between the last
 * eight samples that were taken, rounded up to 10, 30, 60, 300 or 3600 s.
 * False, and 0: not known yet, so that the next sample tells. 0: the meter has
 * no say, as it counts pulses.
 */
bool cemm_ledger_cadence(struct cemm_ledger_entry *entry, unsigned *ret_seconds);

/* The shortest of a meter's channels, without those of `totals`; 0: none is known. */
unsigned cemm_ledger_pace(struct cemm_ledger *ledger, const struct cemm_document *document);

/*
 * The samples of a realtime document that are to be given now, as a document
 * that holds nothing else. With `shown`, what was given earlier, its samples
 * stand in for those that are repeated or withheld. NULL: no memory. The caller
 * unrefs it.
 */
struct cemm_document *cemm_ledger_pick(struct cemm_ledger *ledger,
                                       const struct cemm_document *document,
                                       const struct cemm_document *shown);

/* A sample that was taken has been given, to all takers: a run that begins with the state file will
 * not give it again. 0, -ENOMEM, or -EINVAL: that is no time. */
int cemm_ledger_gave(struct cemm_ledger_entry *entry, int64_t time);

/* A taker was given something of the minute that `time` (Unix milliseconds) lies in: 1 if nothing
 * was given before, 0 if something was, or -ENOMEM, also for names and times that are none. */
int cemm_ledger_mark(struct cemm_ledger_entry *entry, const char *taker, int64_t time);

/*
 * Reads the state file, before anything else; `path` must outlive the ledger.
 * 0; CEMM_ABSENT: there is none; a negative errno: it can't be read, or is
 * damaged or cut off (-EBADMSG), and kept under another name. `words` say so, and
 * what counts as given: nothing, or what is left of a file that was cut off. That
 * is for the log, and, but for -ENOMEM, no reason to end.
 */
int cemm_ledger_load(struct cemm_ledger *ledger, const char *path, struct cemm_words *words);

/*
 * Adds to the state file what was given since the last time; now and then, or
 * if `whole`, writes it anew. What the file has counts, should the program be
 * killed. Nothing is written as long as nothing was given in this run. Waits
 * for the disk, and holds up nobody else: for one thread.
 * Returns 0: there is nothing to say; a negative errno: from now on it fails,
 * and is tried less often; 1: it goes well again. `words` say which.
 */
int cemm_ledger_save(struct cemm_ledger *ledger, bool whole, struct cemm_words *words);

/* ---- minutes that were missed (spec §5 Backfill, §6 stream --state) ------- */

/*
 * The API has a row a minute of electric_power and flow. Those in which a
 * series was not given anything are fetched and given, oldest first, to each
 * of the ledger's takers by itself.
 */
struct cemm_backfill;

/* A series that is being filled for a taker. */
struct cemm_fill;
struct cemm_ledger_entry *cemm_fill_entry(const struct cemm_fill *fill);
const char *cemm_fill_taker(const struct cemm_fill *fill);
void *cemm_fill_user(const struct cemm_fill *fill); /* that came with its last live sample */

struct cemm_backfill_rules {
    int64_t delay_ms;    /* from a live sample to what was missed before it; 0: at once */
    int64_t max_age_ms;  /* how old a day's document may be */
    size_t rows_max;     /* that are given together */
    unsigned rounds_max; /* series that are being filled at a time, where there is a delay */
    /*
     * Gives rows, all of one channel; what was given is for the callee to mark in the ledger.
     * Returns 0: all of them were; 1: cemm_backfill_gave() will say so; -EAGAIN: not while the
     * series is not live; another negative errno: the taker fails, and rests for longer each time.
     */
    int (*give)(void *data, struct cemm_fill *fill, struct cemm_document *rows);
    /* A round that was under way has come to its end; may be NULL. */
    void (*done)(void *data, struct cemm_fill *fill);
};

/* `cemm` and `ledger` must outlive its use; it is freed after `cemm`, whose completions it waits
 * for, and before `ledger`. NULL: no memory. */
struct cemm_backfill *cemm_backfill_new(struct cemm *cemm, struct cemm_ledger *ledger,
                                        const struct cemm_backfill_rules *rules, void *data);
void cemm_backfill_free(struct cemm_backfill *backfill); /* NULL is allowed */

/* A series has a live sample: minutes that are missing and were over by a minute at `limit` (Unix
 * milliseconds) may be asked for. True: a round is under way, and `done` will be called. */
bool cemm_backfill_live(struct cemm_backfill *backfill, struct cemm_ledger_entry *entry,
                        int64_t limit, void *user);

/* How giving has ended for which `give` returned 1: how many rows were given, and what `give` might
 * have returned. Not from within it. */
void cemm_backfill_gave(struct cemm_fill *fill, size_t given, int result);

/* Begins what is due at `now` (monotonic milliseconds). Returns for how many milliseconds nothing
 * will be; -1: until the next live sample. */
int64_t cemm_backfill_step(struct cemm_backfill *backfill, int64_t now);

/* ---- */

/* "0.1.0" */
const char *cemm_version(void);

#ifdef __cplusplus
}
#endif

#endif
