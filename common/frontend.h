/*
 * The functions of libcemm that our own programs (plugin/collectd, plugin/exec,
 * fs) use besides cemm.h: formats, sweeps, archive, ledger, backfill. This
 * header is not installed, and may change with every release. So its functions
 * have a version node of their own in libcemm.map.
 */
#ifndef CEMM_FRONTEND_H
#define CEMM_FRONTEND_H

#include "common/cemm.h"

#include <stdio.h>
#include <sys/stat.h>

/* Writes a message, truncated if it does not fit. `message` may be NULL. */
void cemm_message_set(struct cemm_message *message, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Limits log lines about single devices: one cause may produce thousands. Initially all zeroes. */
struct cemm_line_limit {
    int64_t since; /* when the counting of `lines` began */
    unsigned lines;
};

/* Whether another line may be logged at `now` (monotonic milliseconds). For the first line that is
 * not allowed, sets *ret_instead to a line to log in its place; otherwise *ret_instead is "". */
bool cemm_line_allowed(struct cemm_line_limit *limit, int64_t now,
                       struct cemm_message *ret_instead);

/* Prepares a process that will hold a key and open sockets: no core dumps, no SIGPIPE, descriptors
 * 0 to 2 open. Call it first in main(). */
void cemm_process_prepare(void);

/* The FNV-1a hash. Pass CEMM_HASH in the first call, and the previous result to hash more bytes. */
#define CEMM_HASH UINT64_C(0xcbf29ce484222325)
uint64_t cemm_hash(uint64_t hash, const void *bytes, size_t length);

/* Finds the object in a tree (tsearch(3)) that equals `key`, or adds a copy of `key`, which has
 * `size` bytes. *ret_new: whether it was added. NULL: no memory. */
void *cemm_tree_get(void **tree, const void *key, size_t size,
                    int (*compare)(const void *, const void *), bool *ret_new);

/* ---- names and times ----------------------------------------------------- */

/* Whether a name from outside may be used as a file name, a tag or an identifier. */
bool cemm_name_valid(const char *name);

/* Creates the zone with an IANA name ("Europe/Amsterdam"), or the system's zone if `name` is NULL.
 * Returns NULL if there is no such zone. */
struct cemm_zone *cemm_zone_new(const char *name);
void cemm_zone_free(struct cemm_zone *zone);

/* The current time in milliseconds: since 1970, and of the monotonic clock. */
int64_t cemm_clock_wall(void);
int64_t cemm_clock_steady(void);

#define CEMM_SOURCES_MAX 1024     /* accounts and LAN addresses of a configuration */
#define CEMM_YEAR_FIRST  2010     /* no CEMM is older: no earlier data is requested */
#define CEMM_EMPTY_AGE   86400000 /* ms until a closed period without a sample is fetched again */

/* When a period closes (seconds since 1970). Data that is fetched later does not change. */
int64_t cemm_period_closed(const struct cemm_zone *zone, const struct cemm_period *period);

/* Compares two periods of the same span by time; the result is like that of strcmp(). */
int cemm_period_compare(const struct cemm_period *a, const struct cemm_period *b);

/* ---- collectd's names (collectd-cemm(5)) --------------------------------- */

#define CEMM_FIELD_SIZE 128 /* room for one of collectd's fields, with its NUL */

/* How collectd identifies a channel. */
struct cemm_identity {
    const char *type;                    /* a type in collectd's own types.db */
    char type_instance[CEMM_FIELD_SIZE]; /* <alias>-<channel> */
    double factor;                       /* converts the API's unit to the type's */
    unsigned cadence;                    /* assumed seconds between samples; 0: not known */
};

/* False: `type_instance` would be too long, so the channel can't be sent to collectd. */
bool cemm_identify(const char *alias, const char *channel, struct cemm_identity *ret_identity);

/* ---- documents ---------------------------------------------------------- */

/* How long the request took (milliseconds), including repeats after HTTP 202, but not the wait for
 * a free connection. */
int64_t cemm_document_took(const struct cemm_document *document);

/* The meter's type, as cemm_device_type() returns it. */
const char *cemm_document_type(const struct cemm_document *document);

/* Whether no channel has a sample. */
bool cemm_document_empty(const struct cemm_document *document);

/* How many samples were left out because they were more than 15 minutes ahead of our clock. */
size_t cemm_document_ahead(const struct cemm_document *document);

/* ---- texts -------------------------------------------------------------- */

enum cemm_format {
    CEMM_FORMAT_JSON,        /* the whole document, indented by two */
    CEMM_FORMAT_CSV,         /* cemmfs's CSV, with its header line: cemmfs(1) */
    CEMM_FORMAT_OPENMETRICS, /* history: one sample per line, metric by metric, oldest first; no
                              * HELP, TYPE or EOF, because other documents may continue a metric */
};

/* Writes a document as text. The caller frees *ret_text, which ends in a NUL that *ret_length does
 * not count. Returns -E2BIG if the text would be too long. */
int cemm_render(const struct cemm_document *document, enum cemm_format format,
                const struct cemm_zone *zone, char **ret_text, size_t *ret_length);

/* Formats in which several documents can be joined: they have a row for each moment or sample. */
enum cemm_rows {
    CEMM_ROWS_CSV,    /* uid,alias,channel,value,unit,time,type: one row per sample, no header */
    CEMM_ROWS_JSON,   /* the same as JSON objects, one per line */
    CEMM_ROWS_INFLUX, /* InfluxDB line protocol: cemm(1) */
    CEMM_ROWS_PUTVAL, /* collectd's plain text protocol. Identifiers are those of
                       * cemm_identify(), and end in "-day", "-month" or "-year" where history
                       * must not get into a realtime series */
};

#define CEMM_CSV_ROWS_HEADER "uid,alias,channel,value,unit,time,type\n"

/* What the formats need besides the documents. */
struct cemm_render_options {
    const struct cemm_zone *zone; /* CSV, JSON: the zone of the times */
    bool unsampled;               /* CSV, JSON: channels without a sample have a row, at the end */
    const char *host;             /* PUTVAL: HOST of the identifiers */
    double interval;              /* PUTVAL: seconds; a series' own cadence is used if longer */
    size_t *ret_refused;          /* PUTVAL: counts the rows that are left out because their names
                                   * do not fit collectd's fields; may be NULL */
};

/* Writes several documents as one text, oldest sample first. Samples with the same time have the
 * order of their documents. Otherwise like cemm_render(). */
int cemm_render_joined(const struct cemm_document *const *documents, size_t count,
                       enum cemm_rows rows, const struct cemm_render_options *options,
                       char **ret_text, size_t *ret_length);

/* A result for cemm_render_prometheus(), about a meter; about a device, if `alias` is ""; or about
 * a source whose devices could not be listed, if `uid` is "", too. */
struct cemm_result {
    const char *uid;
    const char *alias;
    const char *source;                   /* name of a source that failed, or NULL */
    const char *type;                     /* of a meter that failed: cemm_device_type(), or NULL */
    const struct cemm_document *document; /* realtime data; NULL: the request failed */
};

/*
 * Writes results as Prometheus's text format, in base units, without timestamps: all samples of a
 * metric together, under one HELP and TYPE. Results about one device must be adjacent. `before` is
 * an earlier text or NULL. A counter that is lower than in `before`, but by less than 1 kWh or 1 m3
 * (sources round differently), keeps the earlier value. So does cemm_last_sample_timestamp_seconds
 * of a meter that failed or has no sample. Otherwise like cemm_render().
 */
int cemm_render_prometheus(const struct cemm_result *results, size_t count, const char *before,
                           char **ret_text, size_t *ret_length);

/* Writes HELP and TYPE for a line of CEMM_FORMAT_OPENMETRICS. Otherwise like cemm_render(). */
int cemm_openmetrics_head(const char *line, char **ret_text, size_t *ret_length);

/* json-c's own type; use its functions. */
struct json_object;

/* Parses the received JSON again; the caller frees it with json_object_put(). NULL: no memory. */
struct json_object *cemm_document_json(const struct cemm_document *document);

/* Prints JSON as CEMM_FORMAT_JSON does. Otherwise like cemm_render(). */
int cemm_json_print(struct json_object *object, char **ret_text, size_t *ret_length);

/*
 * Adds a value to an object or, if `name` is NULL, to an array. The names in one object must be
 * constants and differ. Takes ownership of the value, and returns it. If memory runs out, or `to`
 * or `value` is NULL, sets *failed and returns NULL.
 */
struct json_object *cemm_json_add(bool *failed, struct json_object *to, const char *name,
                                  struct json_object *value);

/* Adds a text in the same way; if `text` is NULL, adds a JSON null. */
void cemm_json_add_text(bool *failed, struct json_object *to, const char *name, const char *text);

/* Like open_memstream(), but the stream can't seek. If memory runs out, writing and fclose() fail,
 * and *ret_text is then NULL. Returns NULL if there is no memory. */
FILE *cemm_text_open(char **ret_text, size_t *ret_length);

/* ---- files -------------------------------------------------------------- */

/* Reads a file. The caller frees *ret_bytes, which are followed by a NUL; *ret_st has their length.
 * -EFBIG: it is longer than `limit`; -EINVAL: it is not a regular file. */
int cemm_file_read(const char *path, size_t limit, char **ret_bytes, struct stat *ret_st);

/* Writes all bytes, with as many calls of write() as necessary. */
int cemm_file_write(int fd, const char *bytes, size_t length);

/* The path to which `path` leads if symbolic links are followed; it need not exist. The caller
 * frees it. NULL: errno says why. */
char *cemm_link_target(const char *path);

/* ---- configuration ------------------------------------------------------ */

/* The path of the user's configuration file. The caller frees it. NULL: no home, or no memory. */
char *cemm_config_user_path(void);

/* Whether devices are discovered by broadcast. By default they are, unless there is a [local]. */
bool cemm_config_discovers(const struct cemm_config *config);

/* The file that was read; NULL: none. */
const char *cemm_config_file(const struct cemm_config *config);

/* The archive's directory: as configured, else the first of $STATE_DIRECTORY, /var/lib/cemm (for
 * root), $XDG_DATA_HOME/cemm and ~/.local/share/cemm. NULL: there is none. */
const char *cemm_config_archive(const struct cemm_config *config);

/* ---- devices, meters, documents ----------------------------------------- */

/* Requests a document that nobody waits for. Its source serves requests of cemm_get() first. */
void cemm_prefetch(struct cemm *cemm, const struct cemm_query *query, int64_t max_age_ms);

/* The cached document if cemm_get() would use it, else NULL. The caller unrefs it. */
struct cemm_document *cemm_peek(struct cemm *cemm, const struct cemm_query *query,
                                int64_t max_age_ms);

/* Looks for one device, but not for its meters, and ends as soon as a source has listed it.
 * Otherwise like cemm_find(). */
int cemm_locate(struct cemm *cemm, const struct cemm_uid *uid, int64_t max_age_ms,
                cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/*
 * Limits a wait, which then ends with -ETIMEDOUT even if the request is still in a queue. The limit
 * results from the timeouts of the sources that may answer `query`. The request continues, and its
 * answer is cached for the next caller. If the wait is for a device or its meters, only the uid and
 * endpoint of `query` are used; if it is for the devices of all sources, `query` is NULL.
 */
void cemm_limit(struct cemm_ticket *ticket, const struct cemm_query *query);

/*
 * Whether a meter's data has stopped although its device answers: at `now`, the newest sample,
 * taken at `newest` (0: none; the result is false), is older than 10 minutes and older than three
 * times `interval_ms`, which is the longer of the meter's interval and the caller's.
 * Only smart meters, and Modbus meters other than "solar_energy", can be silent:
 * an inverter sleeps at night, and a pulse meter sends nothing without a flow.
 */
bool cemm_meter_silent(const char *alias, const char *type, int64_t newest, int64_t interval_ms,
                       int64_t now);

/* Whether a meter with this alias was found. `device` may be NULL. */
bool cemm_device_has(const struct cemm_device *device, const char *alias);

/* The name of the cloud account that reaches the device ("home"); NULL: none is known. */
const char *cemm_device_account(const struct cemm_device *device);

/* The last success and the last failure of requests in this run; a time of 0 means never. */
struct cemm_outcomes {
    int64_t last_success;
    int64_t last_failure;              /* no answer came, or it could not be used */
    struct cemm_message *last_message; /* why, or NULL; valid until the next cemm_turn() */
};

/* How requests to a device ended, for all sources together. */
const struct cemm_outcomes *cemm_device_outcomes(const struct cemm_device *device);

/* Whether `alias` may be requested: no filter excludes it, and it was found, is documented, or is
 * configured as extra-alias. Any other alias is treated as absent without a request. */
bool cemm_alias_allowed(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias);

/* Whether a source may have this endpoint for the meter or, if `alias` is "", for the device.
 * Considers the sources that reach the device (all sources, if none is known to reach it), and
 * accounts that have not listed their devices yet, but no source that has reported the meter
 * absent. Ignores the filters of LAN sources. For IO with an alias: whether a list of meters may
 * name the meter. The cloud's lists never do, because they have no aliases. */
bool cemm_offers(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                 enum cemm_endpoint endpoint);

/* ---- energy of intervals (cemm(1) energy) --------------------------------- */

#define CEMM_QUARTERS_MAX 108 /* in a day: no zone has had a day of more than 27 hours */

/* What the forward and reverse sides of a meter's amounts are. */
enum cemm_quantity {
    CEMM_QUANTITY_NONE,   /* nothing was measured */
    CEMM_QUANTITY_GRID,   /* import and export of a smart meter */
    CEMM_QUANTITY_ENERGY, /* forward and reverse energy of other meters */
    CEMM_QUANTITY_GAS,    /* forward only */
    CEMM_QUANTITY_VOLUME, /* forward only */
};

/* How amounts were calculated. If the days of an interval have different bases, the interval has
 * the basis that is last in this list. */
enum cemm_basis {
    CEMM_BASIS_NONE,
    CEMM_BASIS_HOURS,    /* from hourly amounts, as the API gives them */
    CEMM_BASIS_READINGS, /* from minutes, scaled to the meter's own readings */
    CEMM_BASIS_NET,      /* from minutes, scaled to the day's net energy in the month's data */
    CEMM_BASIS_MINUTES,  /* from minutes */
};

enum { CEMM_FORWARD, CEMM_REVERSE, CEMM_SIDES };

struct cemm_amount {
    double sides[CEMM_SIDES]; /* whole Wh or litres */
    unsigned count;           /* number of minutes (CEMM_BASIS_HOURS: hours) that have data */
};

/* The quarter-hours of a day. */
struct cemm_energy_day {
    int64_t start; /* seconds since 1970 */
    int64_t end;
    enum cemm_quantity quantity;
    enum cemm_basis basis;
    bool refused;       /* a scaling factor was too far from 1, and was not used */
    bool total_known;   /* the meter's own total is known */
    double unallocated; /* Wh of that total (forward - reverse) that are in no quarter-hour */
    unsigned count;     /* as in struct cemm_amount */
    size_t quarter_count;
    struct cemm_amount quarters[CEMM_QUARTERS_MAX];
};

/* The documents from which a day's energy is computed; NULL: there is none. */
struct cemm_energy_input {
    const struct cemm_document *minutes; /* DATA of the day */
    const struct cemm_document *before;  /* TOTALS of the day before */
    const struct cemm_document *after;   /* TOTALS of the day */
    const struct cemm_document *month;   /* DATA of the month */
};

/* Whether meters with that alias may have readings (TOTALS). */
bool cemm_energy_has_readings(const char *alias);

/* Whether input->month is needed, because the readings do not tell what the meter has counted. */
bool cemm_energy_needs_month(const struct cemm_zone *zone, const struct cemm_energy_input *input,
                             const struct cemm_period *period, int64_t now);

/* Computes the energy of a day. `now`: seconds since 1970. */
void cemm_energy_of(const struct cemm_zone *zone, const struct cemm_energy_input *input,
                    const struct cemm_period *period, int64_t now, struct cemm_energy_day *ret_day);

/* Lengths of intervals, which are in the meter's zone except for CEMM_BY_UTC_HOUR. */
enum cemm_by { CEMM_BY_QUARTER, CEMM_BY_HOUR, CEMM_BY_DAY, CEMM_BY_MONTH, CEMM_BY_UTC_HOUR };

/* The interval to which cemm_interval_add() adds. Initially all zeroes. */
struct cemm_interval {
    bool begun;
    int64_t start;
    struct cemm_amount amount;
    enum cemm_basis basis;
    bool total_known; /* as in struct cemm_energy_day; only days and months have it */
    double unallocated;
};

typedef void cemm_interval_fn(void *data, const struct cemm_interval *interval);

/* Adds the next day; calls `give` for each interval that ended by `now` (seconds since 1970). */
void cemm_interval_add(struct cemm_interval *interval, const struct cemm_zone *zone,
                       enum cemm_by by, const struct cemm_energy_day *day, int64_t now,
                       cemm_interval_fn *give, void *data);

/* ---- archive ------------------------------------------------------------ */

struct cemm_archive_state {
    const char *directory;
    size_t read; /* answers that were read in this run */
    size_t written;
    size_t damaged;      /* files that were put aside */
    int64_t failed;      /* when reading or writing last failed; 0: never */
    const char *message; /* what failed then */
};

/* False: no archive is used. The texts are valid until the next cemm_turn(). */
bool cemm_archive_at(const struct cemm *cemm, struct cemm_archive_state *ret_state);

/* Whether the archive now has the answer to `query`. */
bool cemm_archived(const struct cemm *cemm, const struct cemm_query *query);

/* Whether the archive has any TOTALS of a meter. */
bool cemm_archived_totals(const struct cemm *cemm, const struct cemm_uid *uid, const char *alias);

/*
 * Looks for a meter's first day with data, unless it is known. Each source that
 * reaches the meter and was not asked before is sent one request for each
 * year's data, then one for the data of the first month that has any. The
 * result is 0 even if there is no data at all. Otherwise like cemm_find().
 */
int cemm_find_first(struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                    cemm_answer_fn *done, void *data, struct cemm_ticket **ret_ticket);

/* The first day found so far. False: there is none. *ret_known: whether the search is complete, and
 * thus no known source has earlier data. */
bool cemm_first_day(struct cemm *cemm, const struct cemm_uid *uid, const char *alias,
                    struct cemm_period *ret_day, bool *ret_known);

/* ---- sweeps: each reads all selected meters once ------------------------- */

/* A METER argument: "uid/alias", "uid" or "alias". A missing part is "", and matches any. */
struct cemm_selector {
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    bool answered; /* for the caller's own use; the library ignores it */
};

bool cemm_selector_parse(const char *text, struct cemm_selector *ret_selector);

/* Which meters are read. If an entry of `meters` names an alias that cemm_alias_allowed() permits,
 * the meter is requested even if no list of meters has it, unless all sources of the device have
 * said that it is absent; the callback is not called for such a meter if its result is CEMM_ABSENT.
 * But if every entry has a uid and a permitted alias, each meter is requested, and the callback is
 * called for it. The pointers must stay valid until the sweep has ended. */
struct cemm_selection {
    const char *source;           /* only meters of this source ("cloud home"); NULL: all */
    struct cemm_selector *meters; /* only meters that match an entry; no entries: all */
    size_t meter_count;           /* must be 0 if there is a `source` (else -EINVAL) */
    /* The sweep may start while earlier sweeps are running, so that a device that hangs does not
     * delay others. Meters that are still being read are skipped, and known meters are read
     * immediately; new lists of devices and meters are used by a later sweep. */
    bool overlaps;
};

/* Whether `selection` includes a meter; if `alias` is "", the device itself; if it is NULL, any of
 * the device's meters. True if its `meters` has no entries. Its `source` is ignored. */
bool cemm_selected(const struct cemm_selection *selection, const struct cemm_uid *uid,
                   const char *alias);

/*
 * Called for each meter with its realtime answer, when the answer arrives.
 * `alias` is NULL if a device's meters could not be determined; `uid` is NULL,
 * too, if a source's devices could not be determined. At the end, called once
 * with `answer` NULL.
 */
typedef void cemm_sweep_fn(void *data, const struct cemm_uid *uid, const char *alias,
                           const struct cemm_answer *answer);

/* Reads the realtime data of all selected meters once. The cache is not used, and not filled unless
 * cemm_get() has requested the same. Requests may wait for a free connection before their timeouts
 * begin; cemm_free() ends the sweep. An answer's result may also be -ENODATA: there was no sample.
 * Returns -EALREADY if an earlier sweep that this one would overlap has found no device yet. */
int cemm_sweep(struct cemm *cemm, const struct cemm_selection *selection, cemm_sweep_fn *meter,
               void *data);

/* ---- sources ------------------------------------------------------------ */

/* One way to reach devices. */
struct cemm_source_state {
    const char *name;    /* "cloud home" */
    bool cloud;          /* an account */
    const char *address; /* URL without the key, or host[:port] */
    size_t devices;      /* known devices that it reaches */
    struct cemm_outcomes outcomes;
    size_t left_out;  /* parts of its answers that lack the documented form, and were skipped */
    size_t elsewhere; /* devices of the account in other shards (cemm.conf(5)) */
};

/* The state of source `index`, if there is one. Texts are valid until the next cemm_turn(). */
bool cemm_source_at(const struct cemm *cemm, size_t index, struct cemm_source_state *ret_state);

/* Whether an account has this device, but the device belongs to another shard, which the message
 * then names. */
bool cemm_elsewhere(const struct cemm *cemm, const struct cemm_uid *uid,
                    struct cemm_message *ret_message);

/* ---- what was sent (collectd-cemm(5) Backfill; cemm(1) stream --state) --- */

#define CEMM_WINDOW_MAX 2678400 /* seconds: 31 days */
#define CEMM_SINK_SIZE  128     /* room for a sink's name, with its NUL */

/* Records, for each series, the newest sample that was sent, and which minutes were sent to each
 * sink. A sink is one output. Any thread may use the ledger. */
struct cemm_ledger;

/* One series: a channel of a meter. It and its names live as long as the ledger. */
struct cemm_ledger_entry;

/* Whether a text may be a sink's name: it is short, and has no control characters. */
bool cemm_sink_valid(const char *sink);

/* `window`: how far back (seconds) missing minutes are looked for, at most CEMM_WINDOW_MAX.
 * `sinks`: the names of all outputs; if there is only one, its name may be "". Returns NULL if
 * there is no memory, a name is not valid (cemm_sink_valid()), or there are too many sinks. */
struct cemm_ledger *cemm_ledger_new(int64_t window, const char *const *sinks, size_t count);
void cemm_ledger_free(struct cemm_ledger *ledger);

/* The entry of a series. NULL: no memory, or an invalid name. */
struct cemm_ledger_entry *cemm_ledger_entry(struct cemm_ledger *ledger, const struct cemm_uid *uid,
                                            const char *alias, const char *channel);

struct cemm_ledger_names {
    const struct cemm_uid *uid;
    const char *alias;
    const char *channel;
};
struct cemm_ledger_names cemm_ledger_names(const struct cemm_ledger_entry *entry);

/* Whether a sample of a realtime document is to be sent now. If so, the sample counts as accepted.
 * It must be newer than the sample that was accepted last. A meter reading from another source is
 * refused if it is less than 1 kWh or m3 below that sample: cloud and LAN round differently. */
bool cemm_ledger_accept(struct cemm_ledger_entry *entry, const struct cemm_document *document,
                        const struct cemm_sample *sample);

/* How often the series is measured: the shortest gap between the last eight accepted samples,
 * rounded up to 10, 30, 60, 300 or 3600 s. Returns false, and 0 seconds, if it is not known yet;
 * true, and 0, for a pulse meter, which has no interval. */
bool cemm_ledger_cadence(struct cemm_ledger_entry *entry, unsigned *ret_seconds);

/* Copies a realtime document. If a channel's sample is not to be sent now (cemm_ledger_accept()),
 * the sample in `shown`, the document that was sent before, replaces it. Without such a sample, or
 * if `shown` is NULL, the channel is left out. The caller unrefs the result. NULL: no memory. */
struct cemm_document *cemm_ledger_pick(struct cemm_ledger *ledger,
                                       const struct cemm_document *document,
                                       const struct cemm_document *shown);

/*
 * Records that a sample of this time was sent to `sink`, which now has this minute. If `sink` is
 * NULL, the sample was sent live, to all sinks, and is not sent again, even in a later run. Returns
 * 1 if the minute is new to `sink`, else 0; -EINVAL: `time` is out of range; -ENOMEM, also if
 * the sink's name is invalid.
 */
int cemm_ledger_mark(struct cemm_ledger_entry *entry, const char *sink, int64_t time);

/*
 * Reads the state file. Call it first; `path` must outlive the ledger. Returns 0; CEMM_ABSENT if
 * there is none; -EBADMSG if it is damaged or truncated (then it is kept under another name); or
 * another negative errno. Unless 0 is returned, `message` says for the log what was found, and what
 * follows from it. Only -ENOMEM should end the program.
 */
int cemm_ledger_load(struct cemm_ledger *ledger, const char *path, struct cemm_message *message);

/*
 * Appends to the state file what was sent since the last call; rewrites the file from time to time,
 * or if `whole` is true. The file is valid even if the program is killed. Nothing is written until
 * something was sent in this run. Waits for the disk, but does not delay other threads; only one
 * thread may call it. Returns 0; a negative errno if writing begins to fail (then it is tried less
 * often); or 1 if writing works again. `message`, for the log, is set unless 0 is returned.
 */
int cemm_ledger_save(struct cemm_ledger *ledger, bool whole, struct cemm_message *message);

/* ---- backfill: minutes that were missed ---------------------------------- */

/*
 * The API has one row per minute of electric_power and flow. Minutes that were
 * not sent to a sink of the ledger are fetched, and sent to that sink, oldest
 * first. A round handles all missing minutes of one series for one sink.
 */
struct cemm_backfill;

/* The backfill of one series for one sink. */
struct cemm_backfill_job {
    struct cemm_ledger_entry *entry;
    const char *sink;
    void *user; /* the caller's own: from the last cemm_backfill_live() before the round */
};

struct cemm_backfill_rules {
    int64_t delay_ms;    /* from a live sample to the backfill of minutes before it; 0: none */
    int64_t max_age_ms;  /* how old a day's document may be */
    size_t rows_max;     /* at most this many rows are given to one call of `send` */
    unsigned rounds_max; /* at most this many rounds run at a time; used only if there is a delay */
    /* Sends rows, all of one channel, and marks them in the ledger. Returns 0 if all were sent; 1
     * if cemm_backfill_sent() will be called; -EAGAIN if the sink works, but can't take this series
     * now; or another negative errno if the sink fails: it is then paused, longer each time. */
    int (*send)(void *data, struct cemm_backfill_job *job, struct cemm_document *rows);
    void (*done)(void *data, struct cemm_backfill_job *job); /* a round has ended; may be NULL */
};

/* Free it after `cemm`, whose completions use it, and before `ledger`. */
struct cemm_backfill *cemm_backfill_new(struct cemm *cemm, struct cemm_ledger *ledger,
                                        const struct cemm_backfill_rules *rules, void *data);
void cemm_backfill_free(struct cemm_backfill *backfill);

/* Reports a live sample of a series. Missing minutes that ended at least a minute before `limit`
 * (Unix milliseconds) may be fetched. True: a round is running, and `done` will be called. */
bool cemm_backfill_live(struct cemm_backfill *backfill, struct cemm_ledger_entry *entry,
                        int64_t limit, void *user);

/* Reports the end of a sending for which `send` returned 1. `sent` is the number of rows that were
 * sent, `result` is what `send` would have returned. Must not be called in `send`. Returns flags:
 * the sink works again, or begins to fail. */
enum { CEMM_SINK_RECOVERED = 1 << 0, CEMM_SINK_FAILED = 1 << 1 };
unsigned cemm_backfill_sent(struct cemm_backfill_job *job, size_t sent, int result);

/* Begins the rounds that are due at `now` (monotonic milliseconds). Returns the milliseconds until
 * the next one; -1: none is due before the next live sample or the end of a round. */
int64_t cemm_backfill_step(struct cemm_backfill *backfill, int64_t now);

#endif
