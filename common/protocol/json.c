#include "common/protocol/json.h"

#include "common/base/limits.h"
#include "common/protocol/guard.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

struct binder {
    const char *cursor;
    const char *end;
    size_t members;
};

/* Hangs each number's own text on its object, in the order of the document, and counts members. */
static void bind(struct json_object *object, struct binder *binder)
{
    size_t length;

    switch (json_object_get_type(object)) {
    case json_type_int:
    case json_type_double:
        json_object_set_userdata(
            object, (void *)cemm_guard_number(&binder->cursor, binder->end, &length), NULL);
        break;
    case json_type_array:
        for (size_t i = 0; i < json_object_array_length(object); i++)
            bind(json_object_array_get_idx(object, i), binder);
        break;
    case json_type_object: {
        json_object_object_foreach (object, name, member) {
            (void)name;
            binder->members++;
            bind(member, binder);
        }
        break;
    }
    default:
        break;
    }
}

/* json-c counts a level for a scalar, too, hence the + 1; but none for an empty list, so that the
 * guard counts as well. */
static int tokenise(const char *bytes, size_t length, struct json_object **ret_root,
                    const char **ret_problem)
{
    struct json_tokener *tokener = json_tokener_new_ex(CEMM_DEPTH_MAX + 1);

    if (!tokener)
        return -ENOMEM;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    /* The closing NUL is handed in, too: it tells json-c that a number has ended. */
    *ret_root = json_tokener_parse_ex(tokener, bytes, (int)length + 1);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    bool ended = error == json_tokener_continue || json_tokener_get_parse_end(tokener) >= length;
    json_tokener_free(tokener);
    if (error == json_tokener_success)
        return 0;
    json_object_put(*ret_root);
    *ret_problem = error == json_tokener_error_depth ? "it is nested too deeply"
                   : ended                           ? "it ends in the middle"
                                                     : "it is not JSON";
    return -EIO;
}

/* What is wrong with a document that json-c has accepted; NULL: nothing. */
static const char *object_problem(struct json_object *root, const char *bytes, size_t length,
                                  const struct cemm_guard *guard)
{
    struct binder binder = {.cursor = bytes, .end = bytes + length};

    if (guard->complaint)
        return guard->complaint;
    bind(root, &binder);
    if (binder.members != guard->members)
        return "it has two members of the same name";
    return json_object_is_type(root, json_type_object) ? NULL : "an object was expected";
}

int cemm_json_read(const char *bytes, size_t length, struct json_object **ret_root,
                   const char **ret_problem)
{
    *ret_problem = length == 0                                     ? "it is empty"
                   : length > CEMM_ANSWER_MAX || length >= INT_MAX ? "it is too long"
                                                                   : NULL;
    if (*ret_problem)
        return -EIO;
    struct cemm_guard guard = cemm_guard_inspect(bytes, length);
    int r = tokenise(bytes, length, ret_root, ret_problem);
    if (r < 0)
        return r;
    *ret_problem = object_problem(*ret_root, bytes, length, &guard);
    if (!*ret_problem)
        return 0;
    json_object_put(*ret_root);
    return -EIO;
}

const char *cemm_json_text(struct json_object *object)
{
    if (!json_object_is_type(object, json_type_string))
        return NULL;
    const char *text = json_object_get_string(object);
    return strlen(text) == (size_t)json_object_get_string_len(object) ? text : NULL;
}
