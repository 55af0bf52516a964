/*
 * What is remembered of each series, one record for each in the C library's
 * tree. There are many, so a record takes no more than it needs: so many bytes
 * of whoever keeps it, and behind them its key, which is what the tree holds.
 */
#ifndef CEMM_MODEL_RECORD_H
#define CEMM_MODEL_RECORD_H

#include "common/cemm.h"

/* Room for a key as one text, as a line of the state file begins: TAKER <tab> UID <tab> ALIAS <tab>
 * CHANNEL. */
#define CEMM_KEY_SIZE (CEMM_TAKER_SIZE + CEMM_UID_SIZE + 2 * CEMM_NAME_SIZE)

/* False: one of its texts may not be in a key. */
bool cemm_record_key(const struct cemm_minutes_key *key, char ret_text[CEMM_KEY_SIZE]);

/* Whether a text may be a taker's name: it stands between tabs. */
bool cemm_taker_valid(const char *taker);

/* The record of a series, of `size` bytes; NULL: there is none. */
void *cemm_record_find(void *const *tree, size_t size, const struct cemm_minutes_key *key);

/* The same, made of zeroes if need be; NULL: no memory, or a text that may not be in a key. */
void *cemm_record_get(void **tree, size_t size, const struct cemm_minutes_key *key);

/* The record that ends with that key of the tree, and the key that it ends with. */
void *cemm_record_of(char *key, size_t size);
const char *cemm_record_text(const void *record, size_t size);

#endif
