/*
 * Which devices of a block fail, so that each is logged once when it begins to
 * fail and once when it is back.
 */
#ifndef CEMM_COLLECTD_LOG_ONCE_H
#define CEMM_COLLECTD_LOG_ONCE_H

#include "common/frontend.h"

struct log_once;

/* `label` stands before every line and must outlive it. NULL: no memory. */
struct log_once *log_once_new(const char *label);
void log_once_free(struct log_once *log); /* NULL is allowed */

/* How one request ended; `uid` and `alias` are NULL where it was about none. A success ends the
 * failure of the meter, of its device as a whole, and of the block as a whole. */
void log_once_note(struct log_once *log, const struct cemm_uid *uid, const char *alias, int result,
                   const char *words);

#endif
