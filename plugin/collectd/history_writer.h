/*
 * The thread that gives history to its writers, and saves the state file:
 * both may have to wait, which neither collectd's threads nor the loop may.
 */
#ifndef CEMM_COLLECTD_HISTORY_WRITER_H
#define CEMM_COLLECTD_HISTORY_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "plugin/collectd/config.h"

struct history_writer;

/* Minutes of one series for one writer, oldest first. */
struct batch {
    struct batch *next;
    struct cemm_fill *fill; /* that they are for */
    const char *writer;
    const struct block *block;
    struct cemm_ledger_entry *entry;
    struct cemm_document *rows; /* that `samples` are of */
    const struct cemm_sample *samples;
    size_t count;
    size_t given; /* how many the writer took, from the first on */
    int status;   /* 0, what the writer returned, or HISTORY_NOT_LIVE */
};

#define HISTORY_NOT_LIVE (-1000) /* collectd does not know the series just now */

/* Starts the thread; `done` is called by it when there is a batch to be taken back. NULL: it is
 * logged why. `ledger` must outlive it. */
struct history_writer *history_writer_start(struct cemm_ledger *ledger, void (*done)(void *data),
                                            void *data);

/* Ends the thread after the value that it is just giving, and frees all. NULL is allowed. */
void history_writer_stop(struct history_writer *writer);

/* Hands a batch over, which comes back. */
void history_writer_give(struct history_writer *writer, struct batch *batch);

/* One that is done, for batch_free(). NULL: none. */
struct batch *history_writer_take(struct history_writer *writer);

/* There is something new in the ledger. */
void history_writer_nudge(struct history_writer *writer);

/* By the thread of the loop, or when that has ended. */
void batch_free(struct batch *batch);

#endif
