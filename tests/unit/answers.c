#include "answers.h"

#include "check.h"
#include "common/protocol/answer.h"

#include <stdlib.h>

struct cemm_query answer_query(enum cemm_endpoint endpoint, const char *alias, enum cemm_span span)
{
    struct cemm_query query = {
        .uid = {"00-1E-C0-85-96-CC"},
        .endpoint = endpoint,
        .period = {.span = span, .year = 2017, .month = 1, .day = 1},
    };

    assert_true(strlen(alias) < sizeof(query.alias));
    strcpy(query.alias, alias);
    return query;
}

int answer_try(const struct cemm_query *query, const char *bytes, size_t length, int64_t now,
               struct cemm_document **ret_document, struct cemm_message *ret_message)
{
    /* The copy has no NUL, so that reading beyond it is detected. cemm_answer_read() frees it. */
    char *copy = malloc(length ? length : 1);

    assert_non_null(copy);
    memcpy(copy, bytes, length);
    *ret_document = NULL;
    ret_message->text[0] = '\0';
    return cemm_answer_read(query, copy, length, now, ret_document, ret_message);
}

struct cemm_document *answer(enum cemm_endpoint endpoint, const char *alias, enum cemm_span span,
                             const char *text)
{
    struct cemm_query query = answer_query(endpoint, alias, span);
    struct cemm_document *document;
    struct cemm_message message;
    int r = answer_try(&query, text, strlen(text), ANSWER_NOW, &document, &message);

    if (r)
        fail_msg("%s: %s", text, message.text);
    return document;
}
