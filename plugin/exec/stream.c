/*
 * `cemm stream`: reads all meters repeatedly, in sweeps, for collectors that
 * keep a program running (Telegraf execd, collectd exec) and for
 * node_exporter.
 *
 * Each answer is written immediately, and no sample is written twice. If a sweep
 * waits for a device, the next sweep begins alongside it, so the other devices
 * are read in time. While the library waits for an answer, it does not send the
 * request again.
 *
 * Prometheus needs all meters together: the latest answer of each meter is
 * kept, and all are written (a snapshot) when a sweep ends or takes too long.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/exec/missed.h"
#include "plugin/exec/output.h"
#include "plugin/exec/render.h"
#include "plugin/exec/session.h"
#include "plugin/exec/wait.h"

/* How long the next sweep, or a snapshot, waits for a running sweep (milliseconds). */
#define GRACE_MS 1000

#define TYPE_PAUSE_MS (10 * 60 * 1000)      /* between two requests for a meter's type */
#define TYPE_AGE_MS   (24 * 60 * 60 * 1000) /* how old the answer may be */

#define SWEEPS_MAX 64         /* sweeps under way at once */
#define INPUT_MAX  (64 << 10) /* bytes: all that a pipe holds */

/* A meter, a failed device (no alias) or a failed source (no uid). An entry never moves. */
struct latest {
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    char source[CEMM_NAME_SIZE + 8];
    struct cemm_document *shown; /* for Prometheus; kept during failures, so counters continue */
    struct missed_meter missed;  /* answers that wait for missed minutes */
    int64_t asked;               /* when its type was last requested (monotonic); 0: never */
    bool up;                     /* its last result was an answer */
    size_t sweep; /* number of the newest sweep when the last result arrived; 0: none yet */
};

struct stream {
    const struct exec_options *options;
    struct session session;
    struct cemm_ledger *ledger;
    struct missed missed; /* used only with --state */
    struct render render;
    void *entries; /* tree of struct latest */
    size_t entry_count;
    int64_t interval;     /* milliseconds */
    int64_t due;          /* when the next sweep is due without --stdin (monotonic) */
    int64_t began;        /* when the last sweep began (monotonic) */
    size_t sweeps;        /* number of sweeps begun */
    size_t pending;       /* number of sweeps under way */
    bool swept;           /* a sweep has ended */
    bool wanted;          /* a line of stdin has asked for a sweep */
    bool ended;           /* stdin has ended */
    char *before;         /* the text last written for Prometheus */
    int64_t snapshot_due; /* when a snapshot is written even during a sweep (monotonic) */
    bool changed;         /* an answer has arrived since the last snapshot */
    bool unwritable;      /* the output could not be written; this was reported */
    int error;
};

static bool is_prometheus(const struct stream *stream)
{
    return stream->options->format == EXEC_FORMAT_PROMETHEUS;
}

/* ---- meters -------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct latest *a = left;
    const struct latest *b = right;
    int r = strcmp(a->uid.text, b->uid.text);
    if (r == 0)
        r = strcmp(a->alias, b->alias);
    return r != 0 ? r : strcmp(a->source, b->source);
}

/* Finds or makes an entry; a name that is NULL counts as "". NULL: no memory. */
static struct latest *get_entry(struct stream *stream, const struct cemm_uid *uid,
                                const char *alias, const char *source)
{
    struct latest key = {0};
    bool new;
    if (uid)
        key.uid = *uid;
    copy_text(key.alias, sizeof(key.alias), alias);
    copy_text(key.source, sizeof(key.source), source);
    struct latest *entry = cemm_tree_get(&stream->entries, &key, sizeof(key), compare, &new);
    stream->entry_count += new;
    return entry;
}

static void free_entry(void *data)
{
    struct latest *entry = data;
    cemm_document_unref(entry->shown);
    missed_drop(&entry->missed);
    free(entry);
}

/* ---- rows ---------------------------------------------------------------------- */

/* If stdout can't be written, the program ends; if a file can't, it goes on and tries again. */
static void end_output(struct stream *stream, struct output *output, int r)
{
    r = output_end(output, r);
    if (r < 0 && !stream->unwritable)
        message_failure(&output->message, r);
    stream->unwritable = r < 0;
    if (r < 0 && !output->path)
        stream->error = r;
}

/* Writes the rows of a document; `document` NULL: only what comes before all rows. */
static void write_rows(struct stream *stream, const struct cemm_document *document)
{
    struct output output;
    int r = output_begin(&output, NULL);
    if (r == 0)
        r = render_rows(&stream->render, &document, document != NULL, output.stream);
    end_output(stream, &output, r);
}

/* Writes those rows of a realtime answer that are new, or (`old`) missed minutes. A signal does not
 * end the program between writing rows and recording that they were written. */
static void put(void *data, const struct cemm_document *document, bool old)
{
    struct stream *stream = data;
    struct cemm_document *picked = old ? NULL : cemm_ledger_pick(stream->ledger, document, NULL);
    const struct cemm_document *rows = old ? document : picked;
    if (!rows)
        stream->error = -ENOMEM;
    else if (stream->error == 0)
        write_rows(stream, rows);
    if (stream->options->state && stream->error == 0)
        stream->error = missed_save(&stream->missed, rows, old);
    cemm_document_unref(picked);
}

/* ---- snapshots ------------------------------------------------------------------ */

static void keep(struct stream *stream, struct latest *entry, const struct cemm_document *document)
{
    struct cemm_document *picked = cemm_ledger_pick(stream->ledger, document, entry->shown);
    if (!picked) {
        stream->error = -ENOMEM;
        return;
    }
    cemm_document_unref(entry->shown);
    entry->shown = picked;
}

struct snapshot {
    const struct stream *stream;
    struct cemm_result *results;
    size_t count;
};

/* Failures of devices and sources are left out once they are over. */
static void add_result(const void *node, VISIT visit, void *data)
{
    struct snapshot *snapshot = data;
    const struct latest *entry = *(struct latest *const *)node;
    bool over = entry->alias[0] == '\0' && entry->sweep < snapshot->stream->sweeps;
    if (over || (visit != postorder && visit != leaf))
        return;
    snapshot->results[snapshot->count++] = (struct cemm_result){
        .uid = entry->uid.text,
        .alias = entry->alias,
        .source = entry->source,
        .type = render_type(snapshot->stream->session.cemm, &entry->uid, entry->alias),
        .document = entry->up ? entry->shown : NULL,
    };
}

static void put_snapshot(struct stream *stream)
{
    struct snapshot snapshot = {
        .stream = stream,
        .results = calloc(stream->entry_count + 1, sizeof(*snapshot.results)),
    };
    struct output output;
    char *text = NULL;
    size_t length = 0;
    if (snapshot.results)
        twalk_r(stream->entries, add_result, &snapshot); /* sorted */
    int r = snapshot.results ? cemm_render_prometheus(snapshot.results, snapshot.count,
                                                      stream->before, &text, &length)
                             : -ENOMEM;
    free(snapshot.results);
    if (r < 0) {
        stream->error = r;
        return;
    }
    r = output_begin(&output, stream->options->output);
    if (r == 0)
        fwrite(text, 1, length, output.stream);
    end_output(stream, &output, r);
    free(stream->before);
    stream->before = text;
    stream->changed = false;
    stream->snapshot_due = cemm_clock_steady() + GRACE_MS;
}

/* ---- answers --------------------------------------------------------------------- */

/* After the first sweep, reports METERs that match nothing, because they may be typos. */
static void end_sweep(struct stream *stream)
{
    const struct cemm_selection *selection = &stream->options->selection;
    struct cemm_message message;
    bool first = !stream->swept;
    stream->swept = true;
    stream->pending--;
    if (first && session_found_nothing(&stream->session)) {
        session_explain_nothing(&stream->session);
        return;
    }
    for (size_t i = 0; first && i < selection->meter_count; i++) {
        const struct cemm_selector *meter = &selection->meters[i];
        if (options_missing(meter, stream->session.cemm, &message))
            message_about(CEMM_LOG_WARNING, meter->uid.text, meter->alias, message.text);
    }
}

/* Requests the meter's type if it is unknown: a METER uid/alias is read without the list of meters,
 * which has the types. */
static void seek_type(struct stream *stream, struct latest *entry,
                      const struct cemm_document *document)
{
    struct cemm *cemm = stream->session.cemm;
    struct cemm_query query = *cemm_document_query(document);
    int64_t now = cemm_clock_steady();
    bool untyped = stream->options->format == EXEC_FORMAT_INFLUX ||
                   stream->options->format == EXEC_FORMAT_PUTVAL;
    if (untyped || *render_type(cemm, &entry->uid, entry->alias) != '\0' ||
        (entry->asked != 0 && now - entry->asked < TYPE_PAUSE_MS))
        return;
    entry->asked = now;
    query.endpoint = CEMM_INFO;
    if (!cemm_offers(cemm, &query.uid, query.alias, query.endpoint)) {
        query.endpoint = CEMM_IO; /* the device's list of meters */
        query.alias[0] = '\0';
    }
    if (cemm_offers(cemm, &query.uid, query.alias, query.endpoint))
        cemm_prefetch(cemm, &query, TYPE_AGE_MS);
}

static void take_answer(void *data, const struct cemm_uid *uid, const char *alias,
                        const struct cemm_answer *answer)
{
    struct stream *stream = data;
    if (stream->error != 0)
        return; /* the stream is ending, or the context is being freed */
    if (!answer) {
        end_sweep(stream);
        return;
    }
    bool good = answer->result == 0;
    const char *source = uid ? NULL : render_source(stream->session.cemm, answer->message);
    struct latest *entry = get_entry(stream, uid, alias, source);
    if (!entry) {
        stream->error = -ENOMEM;
        return;
    }
    options_mark(stream->options, entry->uid.text, entry->alias);
    /* The library does not log that a meter has become absent. */
    if (answer->result == CEMM_ABSENT && (entry->up || entry->sweep == 0))
        message_about(CEMM_LOG_WARNING, entry->uid.text, entry->alias, answer->message);
    else if (good && is_prometheus(stream))
        keep(stream, entry, answer->document);
    else if (good && stream->options->state)
        missed_take(&stream->missed, &entry->missed, answer->document);
    else if (good)
        put(stream, answer->document, false);
    if (good)
        seek_type(stream, entry, answer->document);
    entry->up = good;
    entry->sweep = stream->sweeps;
    stream->changed = true;
}

/* ---- when ------------------------------------------------------------------------- */

static void begin_sweep(struct stream *stream, int64_t now)
{
    stream->wanted = false;
    while (stream->due <= now)
        stream->due += stream->interval;
    stream->began = now;
    if (!stream->changed) /* otherwise a snapshot is waiting already */
        stream->snapshot_due = now + GRACE_MS;
    int r = cemm_sweep(stream->session.cemm, &stream->options->selection, take_answer, stream);
    if (r < 0) {
        stream->error = r;
        return;
    }
    stream->sweeps++;
    stream->pending++;
}

static bool sweep_wanted(const struct stream *stream, int64_t now)
{
    return stream->options->paced_by_stdin ? stream->wanted : stream->due <= now;
}

/* Reads stdin. All lines that have arrived cause a single sweep. */
static void read_input(struct stream *stream)
{
    char bytes[INPUT_MAX];
    ssize_t length = read(STDIN_FILENO, bytes, sizeof(bytes));
    if (length < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    stream->ended = length <= 0;
    if (length > 0 && memchr(bytes, '\n', (size_t)length) != NULL)
        stream->wanted = true;
}

static int64_t deadline(const struct stream *stream, int64_t now)
{
    int64_t first = stream->options->paced_by_stdin ? INT64_MAX : stream->due;
    if (sweep_wanted(stream, now)) /* a sweep is wanted, but not possible yet */
        first = stream->pending < SWEEPS_MAX ? stream->began + GRACE_MS : INT64_MAX;
    if (is_prometheus(stream) && stream->changed && stream->snapshot_due < first)
        first = stream->snapshot_due;
    return first;
}

static void turn(struct stream *stream, int64_t now)
{
    bool listening = stream->options->paced_by_stdin && !stream->ended;
    bool input = false;
    int r = wait_once(stream->session.cemm, deadline(stream, now), !stream->options->output,
                      listening ? &input : NULL);
    if (r > 0)
        signals_die(r);
    if (r < 0)
        stream->error = r;
    if (input)
        read_input(stream);
}

static enum exec_exit run(struct stream *stream)
{
    while (stream->error == 0) {
        int64_t now = cemm_clock_steady();
        bool possible = stream->pending == 0 ||
                        (stream->pending < SWEEPS_MAX && now - stream->began >= GRACE_MS);
        if (possible && sweep_wanted(stream, now))
            begin_sweep(stream, now);
        if (is_prometheus(stream) && stream->changed &&
            (stream->pending == 0 || now >= stream->snapshot_due))
            put_snapshot(stream);
        if (stream->error != 0)
            break;
        bool nothing = stream->sweeps > 0 && session_found_nothing(&stream->session);
        if (stream->ended && !stream->wanted && stream->pending == 0 && stream->missed.waiting == 0)
            return nothing ? EXEC_FAILED : EXEC_OK; /* failed: no device was ever found */
        turn(stream, now);
    }
    message_print(CEMM_LOG_ERROR, "the stream has stopped: %s", strerror(-stream->error));
    return EXEC_FAILED;
}

static void prepare(struct stream *stream)
{
    const char *sink = ""; /* the name of the ledger's only sink (destination), our output */
    double interval = render_interval(stream->options, STREAM_INTERVAL);
    stream->interval = (int64_t)(interval * 1000);
    stream->due = cemm_clock_steady();
    stream->began = stream->due - GRACE_MS; /* the first sweep need not wait */
    render_init(&stream->render, stream->options->format, cemm_zone(stream->session.cemm),
                interval);
    stream->render.lines = true;
    stream->ledger = cemm_ledger_new(MISSED_WINDOW, &sink, stream->options->state != NULL);
    if (!stream->ledger)
        stream->error = -ENOMEM;
    else if (is_prometheus(stream))
        stream->error = output_before(stream->options->output, &stream->before);
    else if (stream->options->state)
        stream->error = missed_open(&stream->missed, stream->options->state, stream->session.cemm,
                                    stream->ledger, put, stream);
    if (stream->error == 0)
        write_rows(stream, NULL);
}

static void clear(struct stream *stream)
{
    stream->error = -ECANCELED; /* makes take_answer() ignore what is still under way */
    session_close(&stream->session);
    tdestroy(stream->entries, free_entry);
    cemm_backfill_free(stream->missed.backfill);
    cemm_ledger_free(stream->ledger);
    free(stream->before);
}

enum exec_exit exec_stream(const struct exec_options *options)
{
    struct stream stream = {.options = options};
    if (!output_check(options->state) || (options->state && !missed_lock(options->state)))
        return EXEC_USAGE;
    enum exec_exit end = session_open(&stream.session, SESSION_POLLING, options);
    if (end == EXEC_OK) {
        prepare(&stream);
        end = run(&stream);
    }
    clear(&stream);
    return end;
}
