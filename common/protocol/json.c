/*
 * One pass over the bytes, by recursive descent. They end in a NUL, which is no
 * part of JSON, so that nothing here looks for the end: it is where reading
 * stops, and only then told from a NUL in the middle.
 */
#include "common/protocol/json.h"

#include "common/base/limits.h"
#include "common/base/quoted.h"
#include "common/protocol/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_PER_NODE 6 /* [1742511540000,404], has 20 for three */

struct reader {
    struct cemm_json json;
    size_t capacity; /* of nodes */
    const char *p;
    const char *end;
    int depth;
    size_t members; /* most in one object */
    size_t escaped; /* bytes of names that have escapes */
    int error;
    const char *problem;
};

static bool refuse(struct reader *reader, const char *problem)
{
    reader->error = -EIO;
    reader->problem = problem;
    return false;
}

/* What stands here is wrong, if there is anything. */
static bool stop(struct reader *reader, const char *problem)
{
    return refuse(reader, reader->p == reader->end ? "it ends in the middle" : problem);
}

static bool not_json(struct reader *reader)
{
    return stop(reader, "it is not JSON");
}

static bool no_value(struct reader *reader)
{
    if (reader->depth == 0)
        return refuse(reader, "it is not JSON");
    return refuse(reader, "it has a value that is neither a number nor true, false or null");
}

/* ---- nodes -------------------------------------------------------------- */

static bool grow(struct reader *reader)
{
    size_t capacity = reader->capacity ? 2 * reader->capacity
                                       : (size_t)(reader->end - reader->p) / BYTES_PER_NODE + 16;
    struct cemm_node *nodes = reallocarray(reader->json.nodes, capacity, sizeof(*nodes));

    if (!nodes) {
        reader->error = -ENOMEM;
        return false;
    }
    reader->json.nodes = nodes;
    reader->capacity = capacity;
    return true;
}

/* Adds a node whose text begins at `begin` and ends where we are. */
static inline bool add(struct reader *reader, enum cemm_kind_of_json kind, const char *begin)
{
    if (reader->json.count == reader->capacity && !grow(reader))
        return false;
    reader->json.nodes[reader->json.count++] = (struct cemm_node){
        .kind = kind,
        .size = 1,
        .begin = (uint32_t)(begin - reader->json.bytes),
        .length = (uint32_t)(reader->p - begin),
    };
    return true;
}

/* ---- values ------------------------------------------------------------- */

static bool read_value(struct reader *reader);

/* Where the next thing begins that is not blank. */
static inline char skip_blanks(struct reader *reader)
{
    while (*reader->p == ' ' || *reader->p == '\n' || *reader->p == '\r' || *reader->p == '\t')
        reader->p++;
    return *reader->p;
}

static bool read_string(struct reader *reader)
{
    const char *begin = reader->p;

    return cemm_quoted_skip(&reader->p) ? add(reader, CEMM_JSON_STRING, begin) : not_json(reader);
}

/* Opens a list or an object; `ret_index` is the place of its node. */
static bool enter(struct reader *reader, enum cemm_kind_of_json kind, size_t *ret_index)
{
    *ret_index = reader->json.count;
    if (++reader->depth > CEMM_DEPTH_MAX)
        return refuse(reader, "it is nested too deeply");
    return add(reader, kind, reader->p++);
}

static bool leave(struct reader *reader, size_t index, char bracket)
{
    struct cemm_node *node = &reader->json.nodes[index];

    if (skip_blanks(reader) != bracket)
        return not_json(reader);
    reader->p++;
    reader->depth--;
    node->size = (uint32_t)(reader->json.count - index);
    node->length = (uint32_t)(reader->p - reader->json.bytes) - node->begin;
    return true;
}

/* True if a comma tells that there is more, which we stand at then. */
static bool go_on(struct reader *reader)
{
    if (skip_blanks(reader) != ',')
        return false;
    reader->p++;
    skip_blanks(reader);
    return true;
}

static bool read_list(struct reader *reader)
{
    size_t index;

    if (!enter(reader, CEMM_JSON_LIST, &index))
        return false;
    if (skip_blanks(reader) != ']') {
        do
            if (!read_value(reader))
                return false;
        while (go_on(reader));
    }
    return leave(reader, index, ']');
}

static bool read_member(struct reader *reader)
{
    size_t name = reader->json.count;

    if (*reader->p != '"')
        return not_json(reader);
    if (!read_string(reader))
        return false;
    const struct cemm_node *node = &reader->json.nodes[name];
    const char *text = cemm_node_text(&reader->json, node);
    if (memchr(text, '\\', node->length)) {
        reader->escaped += node->length;
        if (cemm_quoted_holds_nul(text, node->length))
            return refuse(reader, "a name in it holds a NUL");
    }
    if (skip_blanks(reader) != ':')
        return not_json(reader);
    reader->p++;
    skip_blanks(reader);
    return read_value(reader);
}

static bool read_object(struct reader *reader)
{
    size_t index, members = 0;

    if (!enter(reader, CEMM_JSON_OBJECT, &index))
        return false;
    if (skip_blanks(reader) != '}') {
        do {
            members++;
            if (!read_member(reader))
                return false;
        } while (go_on(reader));
    }
    if (members > reader->members)
        reader->members = members;
    return leave(reader, index, '}');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool read_word(struct reader *reader)
{
    static const char *const known[] = {"null", "true", "false"};
    const char *begin = reader->p;
    bool cut = false;

    while (is_letter(*reader->p))
        reader->p++;
    size_t length = (size_t)(reader->p - begin);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strncmp(known[i], begin, length) != 0)
            continue;
        if (!known[i][length])
            return add(reader, i == 0 ? CEMM_JSON_NULL : CEMM_JSON_BOOLEAN, begin);
        cut = true;
    }
    return length == 0 || (cut && reader->p == reader->end) ? not_json(reader) : no_value(reader);
}

static bool read_number(struct reader *reader)
{
    const char *begin = reader->p;
    int64_t integer;

    switch (cemm_number_skip(&reader->p, &integer)) {
    case CEMM_NUMBER_INTEGER:
        if (!add(reader, CEMM_JSON_INTEGER, begin))
            return false;
        reader->json.nodes[reader->json.count - 1].integer = integer;
        return true;
    case CEMM_NUMBER_REAL:
        return add(reader, CEMM_JSON_REAL, begin);
    case CEMM_NUMBER_NONE:
        return reader->p == begin + 1 && is_letter(*reader->p) /* -Infinity */
                   ? no_value(reader)
                   : stop(reader, "it has a number that is not written as JSON");
    case CEMM_NUMBER_TOO_LARGE:
        break;
    }
    return refuse(reader, "it has a number that is out of range");
}

static bool read_value(struct reader *reader)
{
    switch (*reader->p) {
    case '[':
        return read_list(reader);
    case '{':
        return read_object(reader);
    case '"':
        return read_string(reader);
    default:
        return *reader->p == '-' || cemm_is_digit(*reader->p) ? read_number(reader)
                                                              : read_word(reader);
    }
}

/* ---- members of the same name ------------------------------------------- */

struct name {
    const char *text;
    size_t length;
};

static int compare_names(const void *left, const void *right)
{
    const struct name *a = left, *b = right;

    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    return memcmp(a->text, b->text, a->length);
}

/* Its name without quotes; `decoded` has room for all that have escapes. */
static struct name name_of(const struct cemm_json *json, const struct cemm_node *node,
                           struct cemm_buffer *decoded)
{
    struct name name = {cemm_node_text(json, node) + 1, node->length - 2};

    if (!memchr(name.text, '\\', name.length))
        return name;
    size_t begin = decoded->length;
    cemm_quoted_decode(decoded, name.text - 1, node->length);
    return (struct name){decoded->data + begin, decoded->length - begin};
}

static bool names_differ(const struct cemm_json *json, const struct cemm_node *object,
                         struct name *names, struct cemm_buffer *decoded)
{
    size_t count = 0;

    cemm_buffer_reset(decoded);
    for (const struct cemm_node *node = cemm_node_first(object); node < cemm_node_end(object);
         node = cemm_node_next(node + 1))
        names[count++] = name_of(json, node, decoded);
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 1; i < count; i++)
        if (compare_names(&names[i - 1], &names[i]) == 0)
            return false;
    return true;
}

static bool check_names(struct reader *reader)
{
    const struct cemm_json *json = &reader->json;
    struct name *names = calloc(reader->members + 1, sizeof(*names));
    struct cemm_buffer decoded = CEMM_BUFFER_INIT(CEMM_ANSWER_MAX);

    /* What is decoded is no longer than it was, so that names that point there stay. */
    bool fine = names && (!reader->escaped || cemm_buffer_reserve(&decoded, reader->escaped) == 0);
    if (!fine)
        reader->error = -ENOMEM;
    for (size_t i = 0; fine && i < json->count; i++)
        if (json->nodes[i].kind == CEMM_JSON_OBJECT &&
            !names_differ(json, &json->nodes[i], names, &decoded))
            fine = refuse(reader, "it has two members of the same name");
    cemm_buffer_clear(&decoded);
    free(names);
    return fine;
}

/* ---- the whole ---------------------------------------------------------- */

static bool read_root(struct reader *reader)
{
    skip_blanks(reader);
    if (!read_value(reader))
        return false;
    skip_blanks(reader);
    if (reader->p != reader->end)
        return not_json(reader);
    if (reader->json.nodes[0].kind != CEMM_JSON_OBJECT)
        return refuse(reader, "an object was expected");
    return check_names(reader);
}

int cemm_json_read(const char *bytes, size_t length, struct cemm_json *ret_json,
                   const char **ret_problem)
{
    struct reader reader = {.json.bytes = bytes, .p = bytes, .end = bytes + length};

    *ret_problem = length == 0 ? "it is empty" : length > CEMM_ANSWER_MAX ? "it is too long" : NULL;
    if (*ret_problem)
        return -EIO;
    if (read_root(&reader)) {
        *ret_json = reader.json;
        return 0;
    }
    free(reader.json.nodes);
    *ret_problem = reader.problem;
    return reader.error;
}

void cemm_json_free(struct cemm_json *json)
{
    free(json->nodes);
    json->nodes = NULL;
}

double cemm_node_number(const struct cemm_json *json, const struct cemm_node *node)
{
    const char *text = cemm_node_text(json, node);

    if (node->kind == CEMM_JSON_REAL)
        return cemm_number_real(text, node->length);
    return node->integer == 0 && *text == '-' ? -0.0 : (double)node->integer;
}

const struct cemm_node *cemm_json_member(const struct cemm_json *json,
                                         const struct cemm_node *object, const char *name)
{
    char text[64];

    if (!cemm_node_is(object, CEMM_JSON_OBJECT))
        return NULL;
    for (const struct cemm_node *node = cemm_node_first(object); node < cemm_node_end(object);
         node = cemm_node_next(node + 1))
        if (cemm_json_string(json, node, text, sizeof(text)) && strcmp(text, name) == 0)
            return node + 1;
    return NULL;
}

bool cemm_json_string(const struct cemm_json *json, const struct cemm_node *node, char *ret_text,
                      size_t size)
{
    if (!cemm_node_is(node, CEMM_JSON_STRING))
        return false;
    const char *string = cemm_node_text(json, node);
    /* The caller's memory, which holds all that the limit lets in: nothing is allocated. */
    struct cemm_buffer text = {
        .data = ret_text, .capacity = size, .room = size - 1, .limit = size - 1};
    ret_text[0] = '\0';
    if (!memchr(string, '\\', node->length))
        cemm_buffer_append(&text, string + 1, node->length - 2);
    else if (!cemm_quoted_holds_nul(string, node->length))
        cemm_quoted_decode(&text, string, node->length);
    else
        return false;
    return !text.error;
}
