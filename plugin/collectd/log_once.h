/*
 * Which devices of a block are in trouble, so that each is logged once when it
 * fails and once when it is back.
 */
#ifndef CEMM_COLLECTD_TROUBLE_H
#define CEMM_COLLECTD_TROUBLE_H

#include "common/cemm.h"

struct troubles;

/* `label` stands before every line and must outlive it. NULL: no memory. */
struct troubles *troubles_new(const char *label);
void troubles_free(struct troubles *troubles); /* NULL is allowed */

/* How one request ended; `uid` and `alias` NULL where it was about none. What was asked for with
 * success is in trouble no more; nor is what it is a part of, as a whole. */
void troubles_note(struct troubles *troubles, const struct cemm_uid *uid, const char *alias,
                   int result, const char *words);

#endif
