/*
 * What `cemm history` and `cemm energy` share: fetching the documents of each
 * meter in each period, and writing what the command makes of them.
 */
#ifndef CEMM_EXEC_HISTORY_RUN_H
#define CEMM_EXEC_HISTORY_RUN_H

#include "plugin/exec/command.h"
#include "plugin/exec/output.h"

#define HISTORY_SLOTS 32 /* documents under way, or waiting for earlier documents */

struct history_meter {
    struct history *history;
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    struct cemm_period since; /* first day with data; year 0: not known */
    bool down;                /* its retries failed: no more retries until it answers */
    bool elsewhere;           /* its device is in another shard (cemm.conf(5)); this was reported */
    bool has_data;            /* set by the command */
    size_t failed;            /* number of successive failed periods; one message reports them */
    struct cemm_period failed_first;
    struct cemm_period failed_last;
    struct finding failure; /* the first of these failures */
};

/* A document of a history, and its request. */
struct history_slot {
    size_t period_index;
    size_t meter_index;
    size_t part; /* which of the meter's documents in the period it is */
    struct cemm_period period;
    struct history_meter *meter;
    bool last; /* it is the last document of the period */
    enum { WAITING, IN_FLIGHT, DONE } state;
    unsigned retries;
    int64_t again; /* end of the pause before a retry (monotonic); 0: none */
    int result;
    struct cemm_document *document; /* NULL unless `result` is 0 */
    struct cemm_message message;
};

/* How a command uses the documents. Functions that return int return 0 or a negative errno. */
struct history_use {
    /* Number of documents of a meter in a period. If there are several, the last one is requested
     * only after all documents before it were taken. */
    size_t parts;
    size_t lead_in; /* extra periods requested before the range */
    /* At first, `query` asks for the period's CEMM_DATA. `ask` changes it to ask for the slot's
     * document, or returns false: the document is not needed, and counts as absent. `ask` NULL:
     * every document is CEMM_DATA. */
    bool (*ask)(void *data, const struct history_slot *slot, struct cemm_query *query);
    int (*begin)(void *data); /* prints what comes before all rows */
    /* Takes the next answer, in order; prints what is complete, and flushes it. */
    int (*take)(void *data, const struct history_slot *slot);
    int (*end)(void *data);     /* prints what comes after all rows */
    bool (*report)(void *data); /* prints messages at the end; false: something failed */
};

/* A history must not move. */
struct history {
    const struct exec_options *options;
    const struct history_use *use;
    void *data;                   /* for the functions of `use` */
    struct collection collection; /* what the search for meters has found */
    struct cemm *cemm;
    struct output output;
    struct history_meter *meters; /* sorted */
    size_t meter_count;
    struct cemm_period first; /* including the lead-in */
    size_t period_count;
    bool failed;  /* the exit status is 1 */
    bool printed; /* set by the command when it prints a row */

    /* The members below are used only by history-run.c. */
    size_t pending; /* number of searches for first days that are under way */
    size_t width;   /* number of documents of all meters in a period */
    size_t total;   /* number of documents in all */
    struct history_slot slots[HISTORY_SLOTS];
    size_t head; /* number of the oldest document that was not taken yet */
    size_t next; /* number of the next document to request */
    size_t in_flight;
};

enum exec_exit history_command(struct history *history); /* needs `options`, `use` and `data` */

/* Reports `what`, and the current time in the configured zone, in case that zone is wrong. */
void history_report_empty(const struct history *history, const char *what);

#endif
