/*
 * libcemm reads the energy data of CEMM Basic and CEMM Plus meters, over the
 * LAN and through the manufacturer's cloud. This header is its manual.
 *
 *     struct cemm_config *config = cemm_config_new();
 *     cemm_config_load(config, NULL, &message);
 *     struct cemm *cemm = cemm_new(config, CEMM_BACKOFF_POLLER, NULL, NULL);
 *     cemm_get(cemm, &query, 0, take_answer, &done, NULL);
 *     while (!done)
 *         cemm_turn(cemm, -1, NULL, 0);
 *     cemm_free(cemm);
 *     cemm_config_free(config);
 *
 * Whole programs, with their errors handled, are in examples/libcemm.
 *
 * Results. Functions that return int return 0 or a negative errno; functions
 * that create an object return NULL if there is no memory. Any call may fail
 * with -ENOMEM.
 *
 * Ownership. Arguments are used only during the call, unless stated otherwise.
 * Returned strings and arrays belong to the object that they were obtained
 * from. Functions that free an object accept NULL.
 *
 * Threads. Only one thread at a time may use a context and the objects that
 * came from it. The exception is cemm_wakeup(), which any thread may call.
 *
 * Times are milliseconds since 1970 (UTC), unless stated otherwise.
 *
 * Sources. A source is a cloud account, or the address of a device on the LAN.
 * "Cloud" is the manufacturer's remote Open API for CEMM, "LAN" the local API of
 * a device; "§" marks a heading in the manufacturer's description of these APIs.
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

/* ---- context ------------------------------------------------------------ */

struct cemm;
struct cemm_config;

enum cemm_level { CEMM_LOG_ERROR, CEMM_LOG_WARNING, CEMM_LOG_INFO };

/* Takes a line for the log, without a newline. `data` is the `log_data` of cemm_new(). The line is
 * valid only during the call. It never contains an API key. */
typedef void cemm_log_fn(void *data, enum cemm_level level, const char *line);

/* Values for `backoff_max` of cemm_new(): for programs that people wait for and for programs that
 * poll. */
#define CEMM_BACKOFF_INTERACTIVE 10
#define CEMM_BACKOFF_POLLER      300

/*
 * Creates a context, but sends no request yet. `config` must have been finished
 * with cemm_config_load() or cemm_config_finish(), and must outlive the
 * context. A device that does not answer is not asked again for a while. This
 * pause grows with each failure, to at most `backoff_max` seconds. `log` may be NULL.
 */
struct cemm *cemm_new(const struct cemm_config *config, int backoff_max, cemm_log_fn *log,
                      void *log_data);

/* Completes all requests with -ECANCELED and frees the context. Never call it in a completion. */
void cemm_free(struct cemm *cemm);

/*
 * Runs the loop once: sends and receives what is due, runs completions (see
 * cemm_answer_fn), and waits at most `timeout_ms` milliseconds (-1: a minute)
 * until something happens. Like poll(), it also waits for the caller's own
 * descriptors, `extra`, at most 16 (otherwise -E2BIG): `events` may have POLLIN
 * and POLLOUT, and `revents` is set. An error or a hang-up is reported as
 * POLLIN. `extra` may be NULL if there are none. Never call it in a completion.
 */
int cemm_turn(struct cemm *cemm, int timeout_ms, struct pollfd *extra, unsigned extra_count);

/* Ends the wait of cemm_turn(); if it is not running, the wait of its next call. */
void cemm_wakeup(struct cemm *cemm);

/* ---- requests ----------------------------------------------------------- */

#define CEMM_UID_SIZE  18 /* bytes for a uid, with its NUL */
#define CEMM_NAME_SIZE 65 /* bytes for an alias or a channel, with its NUL */

/* Identifies a device: its MAC address in upper case with dashes, "00-1E-C0-85-96-CC". */
struct cemm_uid {
    char text[CEMM_UID_SIZE];
};

enum cemm_span { CEMM_DAY, CEMM_MONTH, CEMM_YEAR };

/* A day, month or year in the meter's time zone. `month` is 1 to 12, `day` 1 to 31. For CEMM_YEAR
 * both are 1; for CEMM_MONTH `day` is 1. */
struct cemm_period {
    enum cemm_span span;
    int year;
    int month;
    int day;
};

/* What can be requested. Each comment gives the API (cloud, LAN or both), the heading in that API's
 * documentation if the endpoint has its own, the URL in quotes, and the content. */
enum cemm_endpoint {
    CEMM_DEVICES,  /* cloud §Request linked CEMMs, "cemm/": the devices; only for cemm_find() */
    CEMM_ROOT,     /* LAN §CEMM information, "/": about the device */
    CEMM_IO,       /* both (cloud: §Request an I/O of a CEMM), "io/": a device's meters */
    CEMM_INFO,     /* cloud §Request an I/O of a CEMM using an alias, "<alias>/": about a meter */
    CEMM_REALTIME, /* both, "<alias>/realtime/": the newest sample of each channel */
    CEMM_DATA,     /* both, "<alias>/data/": minutes of a day, days of a month, months of a year */
    CEMM_TOTALS,   /* cloud §Request meter readings, "<alias>/totals/": readings of a day */
};

/* A request. `alias` is a meter's alias ("p1", "s01"), or "" for ROOT and IO. Only DATA and TOTALS
 * use `period`; for TOTALS it must be a day. */
struct cemm_query {
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    enum cemm_endpoint endpoint;
    struct cemm_period period;
};

/* Results greater than 0: the document does not exist, or access to it was denied. */
enum cemm_outcome {
    CEMM_ABSENT = 1, /* all sources with this endpoint report: no such document (HTTP 404, 412) */
    CEMM_DENIED = 2, /* the key was rejected, or does not permit the request (HTTP 401, 403) */
};

/*
 * How a request ended. `result` is 0, an enum cemm_outcome, or
 *   -ETIMEDOUT     no answer came in time,
 *   -EHOSTUNREACH  each source is unreachable or, after a failure, must not be asked again yet,
 *   -EIO           the answer was a server error, or not a valid document,
 *   -ENOMEM        memory ran out,
 *   -ECANCELED     cemm_cancel() or cemm_free() ended it.
 */
struct cemm_answer {
    int result;
    struct cemm_document *document; /* set if `result` is 0; NULL for cemm_find() and
                                       cemm_discover() */
    const char *message;            /* for people; "" if `result` is 0. It never contains a key */
};

/*
 * A completion: called once for each request that was accepted, within
 * cemm_turn(), cemm_cancel() or cemm_free(). It may start more requests.
 * `answer` and its members are valid only during the call; cemm_document_ref()
 * keeps the document.
 */
typedef void cemm_answer_fn(void *data, const struct cemm_answer *answer);

/* A request that was accepted. It is freed after its completion has run. */
struct cemm_ticket;

/*
 * Gets a document from the cache, the archive, the LAN or the cloud, in this
 * order. A cached document is used if it was received at most `max_age_ms` ago.
 * A period closes a day after its end; from then on its document is fetched
 * only once, or once a day if it has no sample. Requests for the same document
 * share one fetch. `ret_ticket` may be NULL.
 *
 * Returns 0 if `done` will be called, or a negative errno if it will not:
 * -EINVAL if `alias` or `period` does not fit the endpoint, -ECANCELED within
 * cemm_free().
 */
int cemm_get(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms,
             cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* Runs the ticket's completion with -ECANCELED. The fetch continues, for other callers. */
void cemm_cancel(struct cemm_ticket *ticket);

/* ---- documents ---------------------------------------------------------- */

/* A measurement: its time by the meter's clock, and its value as a number and as the API's text. */
struct cemm_sample {
    int64_t time;
    double value;
    const char *text; /* not NUL-terminated */
    size_t text_length;
};

/* The samples of a channel ("electric_power", "gas"), oldest first. A channel that was never
 * measured has no samples. If `total` is true, the times are not those of the measurements. */
struct cemm_series {
    char channel[CEMM_NAME_SIZE];
    const char *unit; /* "W", "kWh", "m3", "L/min"; "" if unknown */
    struct cemm_sample *samples;
    size_t count;
    bool total;       /* from "totals" in a realtime answer of the LAN; not from CEMM_TOTALS */
    unsigned cadence; /* always 0, except in our own programs: there, seconds between samples */
};

/* An answer from the API. It never changes, and may outlive the context. */
struct cemm_document;

/* Add and drop a reference. Dropping the last reference frees the document. */
struct cemm_document *cemm_document_ref(struct cemm_document *document);
void cemm_document_unref(struct cemm_document *document);

const struct cemm_query *cemm_document_query(const struct cemm_document *document);

/* All channels of REALTIME, DATA or TOTALS, or the channel of this name. NULL: there is none. */
const struct cemm_series *cemm_document_series(const struct cemm_document *document,
                                               size_t *ret_count);
const struct cemm_series *cemm_document_channel(const struct cemm_document *document,
                                                const char *channel);

/* The JSON that was received, unchanged. */
const char *cemm_document_bytes(const struct cemm_document *document, size_t *ret_length);

/* Which source answered ("cloud home", "local garage", "discovery"), and when. */
const char *cemm_document_source(const struct cemm_document *document);
int64_t cemm_document_fetched(const struct cemm_document *document);

/* The time of the newest sample, not counting series whose `total` is set; 0: there is none. */
int64_t cemm_document_newest(const struct cemm_document *document);

/* Whether the period had already closed when the document was fetched. */
bool cemm_document_closed(const struct cemm_document *document);

/* ---- devices and meters ------------------------------------------------- */

/*
 * Looks for a device's meters, or for devices if `uid` is NULL, at all sources
 * that were not asked within the last `max_age_ms`. The result is 0,
 * CEMM_ABSENT if there is no such device, or the first failure. Even after a
 * failure, the functions below return all devices and meters that were ever
 * found. Otherwise like cemm_get().
 */
int cemm_find(struct cemm *cemm, const struct cemm_uid *uid, int64_t max_age_ms,
              cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* Return a known device, which is valid until the next cemm_turn(). NULL: `index` is too large, or
 * no device with this uid is known. */
struct cemm_device;
const struct cemm_device *cemm_device_at(const struct cemm *cemm, size_t index);
const struct cemm_device *cemm_device_named(const struct cemm *cemm, const struct cemm_uid *uid);
const struct cemm_uid *cemm_device_uid(const struct cemm_device *device);

/* The aliases of the meters that were found, sorted by name. NULL: `index` is too large. */
const char *cemm_device_alias(const struct cemm_device *device, size_t index);

/* What the meter measures ("solar_energy"), from IO or INFO; "" if not known. */
const char *cemm_device_type(const struct cemm_device *device, const char *alias);

/* ---- discovery (LAN §discovery broadcast) -------------------------------- */

/* Looks for devices on the LAN, even if the configuration disables discovery. Takes two seconds.
 * Otherwise like cemm_find(). */
int cemm_discover(struct cemm *cemm, cemm_answer_fn *done, void *data,
                  struct cemm_ticket **ret_ticket);

/* A device that answered a broadcast, and whose root document (CEMM_ROOT) confirmed its MAC. */
struct cemm_discovered {
    struct cemm_uid uid;
    const char *address; /* its IP address */
    const char *type;    /* "CEMM_basic"; "" if the device did not report it */
    const char *core;    /* version of its firmware (CEMM Core), "1.24" */
    bool answered;       /* it answered in the last search, not only in an earlier one */
};

/* The texts are valid until the next cemm_turn(). False: `index` is too large. */
bool cemm_discovered_at(const struct cemm *cemm, size_t index, struct cemm_discovered *ret);

/* How the last search went. */
struct cemm_discovery_state {
    bool enabled;     /* the configuration enables discovery */
    bool own_port;    /* UDP port 9777 was free; otherwise answers to that port are not received */
    int64_t searched; /* when the last search ended; 0: never */
    unsigned asked;   /* number of broadcast addresses that were asked */
    size_t junk;      /* number of packets that were not answers from a device */
    const char *message; /* what went wrong, or "". Valid until the next cemm_turn() */
};
void cemm_discovery_at(const struct cemm *cemm, struct cemm_discovery_state *ret);

/* ---- configuration (cemm.conf(5)) ---------------------------------------- */

#define CEMM_MESSAGE_SIZE 320 /* bytes for a message, with its NUL */

/* A message for people; it never contains an API key. Functions that set one accept NULL. */
struct cemm_message {
    char text[CEMM_MESSAGE_SIZE];
};

/* An empty configuration, to be filled from a file or by calls. */
struct cemm_config *cemm_config_new(void);
void cemm_config_free(struct cemm_config *config);

/*
 * Reads a file and finishes the configuration. If `file` is NULL, reads the
 * file that the programs read: $CEMM_CONFIG, else the user's file, else
 * /etc/cemm/cemm.conf; if there is none, the defaults apply, and devices are
 * discovered on the LAN. On failure `message` has the file, the line and the
 * reason. -EINVAL, -EEXIST, -E2BIG: the content is wrong, or a file that it names
 * is missing; other errors: the file, or a file that it names, can't be read.
 */
int cemm_config_load(struct cemm_config *config, const char *file, struct cemm_message *message);

/*
 * These functions configure without a file. Keys outside of sections, such as
 * "time-zone", come first; then cemm_config_section() opens a section: "cloud"
 * or "local" with a name, "discovery" or "archive" with "". cemm_config_set()
 * sets a key in the section that was opened last, and reads a key file
 * immediately. cemm_config_finish() checks that nothing is missing. -EINVAL:
 * there is no such section or key, or the value is wrong; -EEXIST: the section
 * or key was given before, and can't be repeated.
 */
int cemm_config_section(struct cemm_config *config, const char *kind, const char *name,
                        struct cemm_message *message);
int cemm_config_set(struct cemm_config *config, const char *key, const char *value,
                    struct cemm_message *message);
int cemm_config_finish(struct cemm_config *config, struct cemm_message *message);

/* Relative paths that are set after this call begin at `directory`, not the current directory. */
int cemm_config_base(struct cemm_config *config, const char *directory);

/* From now on, closed periods are stored in the configured archive and read from there. Several
 * programs may share it. Failures to read or write it are logged. */
void cemm_archive_use(struct cemm *cemm);

/* ---- names and times ----------------------------------------------------- */

/* Parses a uid with dashes or colons, in upper or lower case. False: not a uid. */
bool cemm_uid_parse(const char *text, struct cemm_uid *ret_uid);

/* The meters' time zone: the configured zone, else the system's. The configuration owns it. */
struct cemm_zone;
const struct cemm_zone *cemm_zone(const struct cemm *cemm);

/* Parse and format "2024-03-31", "2024-03" or "2024". False: the text is not a valid date. If a
 * formatted text does not fit, it becomes "". */
bool cemm_period_parse(enum cemm_span span, const char *text, struct cemm_period *ret_period);
void cemm_period_format(const struct cemm_period *period, char *ret_text, size_t size);

/* The period that contains a time (seconds since 1970), and the period that is `steps` periods
 * later (if negative: earlier). */
struct cemm_period cemm_period_at(const struct cemm_zone *zone, enum cemm_span span,
                                  int64_t seconds);
struct cemm_period cemm_period_step(const struct cemm_period *period, int steps);

/* The first second of a period, and the first second after it (seconds since 1970). */
int64_t cemm_period_start(const struct cemm_zone *zone, const struct cemm_period *period);
int64_t cemm_period_end(const struct cemm_zone *zone, const struct cemm_period *period);

#define CEMM_TIME_SIZE 40 /* bytes for a time in ISO 8601, with its NUL */

/* "2024-03-31T03:00:00+02:00", with milliseconds if they are not 0. */
void cemm_time_format(const struct cemm_zone *zone, int64_t milliseconds,
                      char ret_text[CEMM_TIME_SIZE]);

/* The version of the library that is loaded, "0.1.0". */
const char *cemm_version(void);

#ifdef __cplusplus
}
#endif

#endif
