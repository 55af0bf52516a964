/*
 * An answer from the API: the bytes that were received, and the values parsed from them.
 */
#ifndef CEMM_MODEL_DOCUMENT_H
#define CEMM_MODEL_DOCUMENT_H

#include "common/frontend.h"

/* An entry of an IO or INFO answer. */
struct cemm_io {
    char alias[CEMM_NAME_SIZE]; /* "" if the answer has no alias (cloud) */
    char type[CEMM_NAME_SIZE];  /* "" if the answer has no type */
};

struct cemm_document {
    unsigned references;
    struct cemm_query query;
    char *source;
    char *deps; /* for a closed period without samples: which sources were asked; NULL: not known */
    char type[CEMM_NAME_SIZE]; /* of the meter; "": not known */
    int64_t fetched;
    int64_t took;   /* milliseconds from the first request to the answer */
    int64_t newest; /* when the newest sample was taken, not counting those of `totals` */
    char *bytes;
    size_t length;
    struct cemm_series *series; /* REALTIME, DATA, TOTALS */
    size_t series_count;
    struct cemm_sample *samples; /* of all series, one series after the other */
    char *texts;                 /* of the samples */
    size_t reserved;             /* bytes of series, samples and texts */
    struct cemm_io *io;          /* IO, INFO */
    size_t io_count;
    struct cemm_uid *uids; /* DEVICES: all; ROOT: the device's own */
    size_t uid_count;
    size_t ahead;                         /* samples left out: too far ahead of our clock */
    bool closed;                          /* its period had closed when it was fetched */
    bool stray;                           /* it had rows before its period, or after its end */
    bool archived;                        /* it is in the archive */
    bool totals;                          /* REALTIME: the answer has the member `totals` */
    size_t skipped;                       /* parts of the answer without the documented form */
    struct cemm_message *skipped_message; /* about the first; read with cemm_message_kept() */
};

/* Makes a document without series. The caller has one reference to it; the document owns `bytes`.
 * If there is no memory, frees `bytes` and returns NULL. */
struct cemm_document *cemm_document_new(const struct cemm_query *query, char *bytes, size_t length);

/* Returns roughly how many bytes of memory a document takes. */
size_t cemm_document_size(const struct cemm_document *document);

/* Makes room for all series and samples that the document will have. Returns 0 or -ENOMEM. */
int cemm_document_reserve(struct cemm_document *document, size_t series, size_t samples);

/* Appends a series, for which there must be room. Its samples follow the previous series'. */
struct cemm_series *cemm_document_add_series(struct cemm_document *document);

/* Copies the samples' texts, and the NUL after each, into the document. Returns 0 or -ENOMEM. */
int cemm_document_own_texts(struct cemm_document *document);

/* Whether the query asks for data of a period. */
bool cemm_query_has_period(const struct cemm_query *query);

/* Orders queries, like strcmp(). Returns 0 if both queries ask for the same document. */
int cemm_query_compare(const struct cemm_query *a, const struct cemm_query *b);

#endif
