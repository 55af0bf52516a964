/*
 * Documents for tests, made from API answers.
 */
#ifndef TESTS_UNIT_ANSWERS_H
#define TESTS_UNIT_ANSWERS_H

#include "common/model/document.h"

#define ANSWER_NOW \
    INT64_C(1496400000000) /* when answer() fetches a document: 2017-06-02 12:40 in Amsterdam */

/* Returns a query for a device. If the endpoint has periods, the period begins on 2017-01-01. */
struct cemm_query answer_query(enum cemm_endpoint endpoint, const char *alias, enum cemm_span span);

/* Parses `bytes` as the answer to `query`; returns the result of cemm_answer_read().
 * `ret_message` is empty if there is no error. */
int answer_try(const struct cemm_query *query, const char *bytes, size_t length, int64_t now,
               struct cemm_document **ret_document, struct cemm_message *ret_message);

/* Parses `text`, which must be a valid answer. The caller unrefs the document. */
struct cemm_document *answer(enum cemm_endpoint endpoint, const char *alias, enum cemm_span span,
                             const char *text);

#endif
