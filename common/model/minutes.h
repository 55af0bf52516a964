/*
 * Minutes given, as its two files share them: minutes.c keeps them, and
 * minutes_file.c writes and reads them.
 */
#ifndef CEMM_MODEL_MINUTES_H
#define CEMM_MODEL_MINUTES_H

#include "common/base/buffer.h"
#include "common/cemm.h"
#include "common/model/record.h"

/* Minutes since 1970, the end not included. Until 2100 they need 27 bits. */
struct cemm_stretch {
    int32_t from;
    int32_t until;
};

/* The minutes of one series that one taker was given: stretches in order, with gaps between. A
 * record (record.h). */
struct cemm_given {
    struct cemm_stretch *stretches;
    uint32_t count;
    uint32_t room;
    int64_t newest; /* cemm_minutes_note(); 0: never */
};

struct cemm_minutes {
    void *tree; /* of records: struct cemm_given */
    int64_t window;
    struct cemm_buffer lines; /* that the file has not got yet */
    size_t grown;             /* bytes added to it since it was written whole */
    bool behind;              /* it lacks what is not in `lines` either */
};

/* The entry of a series, made if need be; NULL: no memory, or a text that may not be in a key. */
struct cemm_given *cemm_minutes_entry(struct cemm_minutes *minutes,
                                      const struct cemm_minutes_key *key);

/* A stretch was given: 1 where some of it is new, 0 where not, or -ENOMEM. */
int cemm_given_add(struct cemm_given *given, struct cemm_stretch added);

/* Forgets everything. */
void cemm_minutes_clear(struct cemm_minutes *minutes);

/* A minute was marked, or (`newest`) a sample noted: the file is to be told. */
void cemm_minutes_tell(struct cemm_minutes *minutes, const struct cemm_given *given, int64_t time,
                       bool newest);

/* The file's whole text, which the caller frees; and writing it, with a sync. */
int cemm_minutes_text(const struct cemm_minutes *minutes, int64_t now, char **ret_text,
                      size_t *ret_length);
int cemm_minutes_store(const char *path, const char *text, size_t length, struct cemm_words *words);

/* A line of it that begins with a record's key. And adding lines to the file. */
void cemm_minutes_line(struct cemm_buffer *lines, const char *key, int64_t time, bool newest);
int cemm_minutes_append(const char *path, const char *lines, size_t length);

#endif
