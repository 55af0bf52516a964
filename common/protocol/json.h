/*
 * Reads JSON (RFC 8259) as we need it, which is more strictly than parsers do:
 * what spec §7 wants refused is refused here, and each value stays the text
 * that the API wrote.
 *
 * A document becomes a row of nodes in the order of its text. A list or an
 * object is followed by what is in it, an object by the name and the value of
 * each member. So nothing is allocated for a value, and to step over one is an
 * addition.
 *
 * Why no library. None refuses names that are said twice, NaN, integers beyond
 * 64 bits, zeros in front and NULs in names, and keeps a number's text. With
 * json-c it took a pass over the bytes before it and one behind it to add that,
 * which was half of a parser; and with an object allocated for each number it
 * was most of what a day of minutes cost. Faster ones that Debian has leave the
 * same passes to us (tests/benchmarks/README.md has figures). RFC 8259 will not
 * change, and json-c is asked for a second opinion by the tests and fuzzers.
 */
#ifndef CEMM_PROTOCOL_JSON_H
#define CEMM_PROTOCOL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cemm_kind_of_json {
    CEMM_JSON_NULL,
    CEMM_JSON_BOOLEAN,
    CEMM_JSON_INTEGER, /* fits into 64 bits */
    CEMM_JSON_REAL,    /* finite */
    CEMM_JSON_STRING,
    CEMM_JSON_LIST,
    CEMM_JSON_OBJECT,
};

struct cemm_node {
    enum cemm_kind_of_json kind;
    uint32_t size; /* nodes: itself, and all that are in it */
    uint32_t begin;
    uint32_t length; /* of its text, quotes and brackets included */
    int64_t integer; /* what an integer is worth */
};

struct cemm_json {
    const char *bytes;
    struct cemm_node *nodes; /* the root first */
    size_t count;
};

/*
 * Reads an object from `bytes`, which must be terminated behind `length` and
 * outlive the result. Returns 0; -EIO with the problem in words; or -ENOMEM.
 * On success the caller frees with cemm_json_free().
 */
int cemm_json_read(const char *bytes, size_t length, struct cemm_json *ret_json,
                   const char **ret_problem);
void cemm_json_free(struct cemm_json *json);

/* What is in a list or an object: `for (node = cemm_node_first(it); node < cemm_node_end(it); …)`,
 * with cemm_node_next() for a list. In an object the name's next is its value. */
static inline const struct cemm_node *cemm_node_first(const struct cemm_node *node)
{
    return node + 1;
}

static inline const struct cemm_node *cemm_node_next(const struct cemm_node *node)
{
    return node + node->size;
}

static inline const struct cemm_node *cemm_node_end(const struct cemm_node *node)
{
    return cemm_node_next(node);
}

static inline const char *cemm_node_text(const struct cemm_json *json, const struct cemm_node *node)
{
    return json->bytes + node->begin;
}

/* What a number is worth: the nearest double; -0 for -0. */
double cemm_node_number(const struct cemm_json *json, const struct cemm_node *node);

/* Whether it is there and of that kind. */
static inline bool cemm_node_is(const struct cemm_node *node, enum cemm_kind_of_json kind)
{
    return node && node->kind == kind;
}

/* The value of an object's member; NULL: it has none of that name (of up to 63 bytes), or `object`
 * (may be NULL) is no object. */
const struct cemm_node *cemm_json_member(const struct cemm_json *json,
                                         const struct cemm_node *object, const char *name);

/* What a string says, as a C string. False: `node` (may be NULL) is none, or it does not fit, or a
 * NUL in it would cut it. */
bool cemm_json_string(const struct cemm_json *json, const struct cemm_node *node, char *ret_text,
                      size_t size);

#endif
