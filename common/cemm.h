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

/* ---- time --------------------------------------------------------------- */

/* A time zone as a value; the process's TZ is neither read later nor changed. */
struct cemm_zone;

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

/* The period that holds the moment `seconds`, and one that is `steps` periods away. */
struct cemm_period cemm_period_at(const struct cemm_zone *zone, enum cemm_span span,
                                  int64_t seconds);
struct cemm_period cemm_period_step(const struct cemm_period *period, int steps);

/* ISO 8601 in the zone, with offset; milliseconds only where they are not 0. */
void cemm_time_format(const struct cemm_zone *zone, int64_t milliseconds,
                      char ret_text[CEMM_TIME_SIZE]);

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

/* Whether it will not change any more: its period had closed when it was fetched, by our clock and
 * by what the answer says of the time (spec §2). */
bool cemm_document_closed(const struct cemm_document *document);

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

/*
 * Finds devices (`uid` NULL) or one device's meters, from all sources. When it
 * ends well or in part, they stand in the tables below. The answer has no
 * document: 0, CEMM_ABSENT (no such device), or the first failure met; what
 * was found all the same, and what was known before, is in the tables.
 */
int cemm_find(struct cemm *cemm, const struct cemm_uid *uid, int64_t max_age_ms,
              cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* Runs the completion with -ECANCELED, now. The fetch itself goes on: others may want it. */
void cemm_cancel(struct cemm_ticket *ticket);

/* A device that is known, or NULL past the last; valid until the next cemm_turn(). */
struct cemm_device;
const struct cemm_device *cemm_device_at(const struct cemm *cemm, size_t index);
const struct cemm_device *cemm_device_named(const struct cemm *cemm, const struct cemm_uid *uid);
const struct cemm_uid *cemm_device_uid(const struct cemm_device *device);

/* A meter's alias, or NULL past the last; in the order of their names. */
const char *cemm_device_alias(const struct cemm_device *device, size_t index);

/* A meter's type as io or its info has it ("solar_energy"); "" where none was told. */
const char *cemm_device_type(const struct cemm_device *device, const char *alias);

/*
 * From now on, closed periods are kept in the archive's directory and taken
 * from there, and the meters that it knows are known. Nothing is made on disk
 * before there is something to keep. Where it can't be read or written, that
 * is logged, and all else goes on.
 */
void cemm_archive_use(struct cemm *cemm);

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

/* ---- */

/* "0.1.0" */
const char *cemm_version(void);

#ifdef __cplusplus
}
#endif

#endif
