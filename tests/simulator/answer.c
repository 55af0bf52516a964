/*
 * An HTTP answer before it is sent.
 *
 * The code that makes documents, and the faults that damage them, use only these functions and not
 * the HTTP library.
 */
#include "answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void answer_clear(struct answer *answer)
{
    free(answer->body);
    free(answer->location);
    *answer = (struct answer){.retry_after = -1};
}

void answer_take(struct answer *answer, unsigned status, const char *type, char *body,
                 size_t length)
{
    answer_clear(answer);
    answer->status = status;
    answer->type = type;
    answer->body = body;
    answer->length = length;
    answer->sent = length;
}

int answer_copy(struct answer *answer, unsigned status, const char *type, const char *body)
{
    char *copy = strdup(body);

    if (!copy)
        return -ENOMEM;
    answer_take(answer, status, type, copy, strlen(copy));
    return 0;
}

int answer_error(struct answer *answer, unsigned status)
{
    char *body;

    if (asprintf(&body, "{\"error\":%u}", status) < 0)
        return -ENOMEM;
    answer_take(answer, status, ANSWER_JSON, body, strlen(body));
    return 0;
}
