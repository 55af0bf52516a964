/*
 * Fetches and writes a history: the documents of each meter in each period.
 * `cemm energy` fetches them in the same way, and prints other rows (energy.c).
 */
#ifndef CEMM_EXEC_HISTORY_RUN_H
#define CEMM_EXEC_HISTORY_RUN_H

#include "plugin/exec/openmetrics.h"
#include "plugin/exec/output.h"
#include "plugin/exec/render.h"
#include "plugin/exec/session.h"

/* A meter and its failures; successive failures are one message. */
struct history_meter {
    struct history *history;
    struct cemm_uid uid;
    char alias[CEMM_NAME_SIZE];
    struct cemm_period since; /* first day with data; year 0: not known */
    bool down;                /* its retries failed: none until it answers */
    bool elsewhere;           /* it was reported as left to another shard */
    size_t rows;              /* 0: nothing was written */
    size_t failed;            /* periods that failed without a message so far */
    struct cemm_period failed_first;
    struct cemm_period failed_last;
    int result; /* of the first one */
    struct cemm_message message;
};

/* Whether a document is needed. What is not counts as absent. */
enum history_need {
    HISTORY_NEEDED,
    HISTORY_NOT_NEEDED,
    HISTORY_LATER, /* is not known before all that come before it were taken */
};

/* A document of a history. */
struct history_item {
    size_t period_index;
    size_t meter_index;
    size_t column; /* which of the meter's documents in the period */
    struct cemm_period period;
    struct history_meter *meter;
    bool last; /* of the period */
    bool next; /* all that come before it were taken */
};

/* How another command uses the documents; NULL: the rows of a history are printed. */
struct history_use {
    size_t columns; /* documents of a meter in a period */
    size_t ahead;   /* periods before the range that are asked for */
    /* Completes a query for the period's DATA. */
    enum history_need (*ask)(void *data, const struct history_item *item, struct cemm_query *query);
    /* Takes the answers in order: prints, and returns how many samples were used, or a negative
     * errno. `document` is NULL unless `result` is 0. */
    int (*take)(void *data, const struct history_item *item, int result,
                struct cemm_document *document, FILE *stream);
    /* Prints the text before or (`last`) after all rows. */
    void (*frame)(void *data, bool last, FILE *stream);
    /* Whether rows were printed: samples may belong to intervals that are not over. */
    bool (*any_row)(void *data);
    /* Prints messages at the end; false: something failed. */
    bool (*report)(void *data);
};

struct history {
    const struct exec_options *options;
    const struct history_use *use;
    void *data; /* of `use` */
    struct session session;
    struct history_meter *meters; /* sorted */
    size_t meter_count;
    struct cemm_period first;
    size_t period_count;
    bool failed;    /* exit 1 */
    size_t pending; /* searches under way; `done`: none */
    bool done;

    /* The rest is for history-run.c. */
    struct output output;
    struct render render;
    struct openmetrics openmetrics;
    size_t columns; /* documents of a meter in a period */
    size_t width;   /* documents of a period */
    size_t total;   /* documents */
    struct history_slot *slots;
    size_t slot_count;
    size_t head; /* oldest number that has not been written */
    size_t next; /* next number to ask for */
    size_t in_flight;
    bool left; /* the file was left as it was */
};

/* The command: opens a session, and finds, fetches and writes what the options say. */
enum exec_exit history_command(struct history *history);

/* Reports that there is nothing in the range, with the time in the zone. */
void history_report_empty(const struct history *history, const char *what);

/* Fetches and writes all, and reports failures. */
enum exec_exit history_run(struct history *history);

/* Call it after session_close(), which ends unfinished requests. */
void history_clear(struct history *history);

#endif
