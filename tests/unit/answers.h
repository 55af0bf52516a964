/*
 * Documents for tests, made from API answers.
 */
#ifndef TESTS_UNIT_ANSWERS_H
#define TESTS_UNIT_ANSWERS_H

#include "common/model/document.h"

#define ANSWER_NOW \
    INT64_C(1496400000000) /* 2017-06-02 12:40 in Amsterdam: after the documentation's examples */

/* Returns a query for a device. `span` is only for DATA; the period is the first one of 2017. */
struct cemm_query answer_query(enum cemm_endpoint endpoint, const char *alias, enum cemm_span span);

/* Parses `bytes` as the answer to `query`; returns the result of cemm_answer_read().
 * `ret_message` is always set. */
int answer_try(const struct cemm_query *query, const char *bytes, size_t length, int64_t now,
               struct cemm_document **ret_document, struct cemm_message *ret_message);

/* Parses `text`, which must be valid. The caller unrefs the document. */
struct cemm_document *answer(enum cemm_endpoint endpoint, const char *alias, enum cemm_span span,
                             const char *text);

#endif
