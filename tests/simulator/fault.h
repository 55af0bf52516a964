/* Faults: each has a name, and acts on the requests whose path matches its glob. See fault.c. */
#pragma once

#include "answer.h"

#include <stdbool.h>
#include <stdint.h>

#define FAULT_FOREVER INT64_MAX

struct fault_row;
struct promises;
struct spoiler;
struct wire_fault;

/* A fault. Exactly one of `row` (a fault of fault.c), `spoiler` (of spoil.c) and `wire` (of wire.c)
 * is set. */
struct fault {
    const struct fault_row *row;
    const struct spoiler *spoiler;
    const struct wire_fault *wire;
    long argument;
    char *glob;
};

struct faults {
    struct fault *list;
    int count;
};

/* Adds a fault. -EINVAL: it is not of the form NAME[=ARG]@GLOB, there is no such name, or the
 * argument is wrong. */
int faults_add(struct faults *faults, const char *spec);
/* Adds the faults in a file, which has one in each line. */
int faults_add_file(struct faults *faults, const char *path);
/* Replaces all faults with those in a file. If there is an error, the faults stay as they were. */
int faults_replace(struct faults *faults, const char *path);
void faults_clear(struct faults *faults);
void faults_help(void);

/* Returns the time to wait before answering: milliseconds or FAULT_FOREVER. Here and below, `where`
 * is the request as API:UID:PATH, and `path` is only PATH. `idle` is the time for which the
 * connection has been idle, in milliseconds. */
int64_t faults_wait(const struct faults *faults, const char *where, const char *path, int64_t idle);
/* Returns the fault that changes or replaces the answer, or NULL. */
const struct fault *faults_find(const struct faults *faults, const char *where, const char *path);
/* Whether the fault changes the genuine answer, which is the answer that would be sent without a
 * fault. */
bool fault_needs_answer(const struct fault *fault);
int fault_apply(const struct fault *fault, struct promises *promises, struct answer *answer);
