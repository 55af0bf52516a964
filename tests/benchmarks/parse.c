/*
 * Shows the minimal cost of reading answers: json-c parses them, and nothing else
 * is done.
 *
 *   parse FILE...          prints the number of values
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static size_t count(struct json_object *object)
{
    size_t n = 1;

    if (json_object_is_type(object, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(object); i++)
            n += count(json_object_array_get_idx(object, i));
    } else if (json_object_is_type(object, json_type_object)) {
        json_object_object_foreach (object, key, value) {
            (void)key;
            n += count(value);
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    size_t n = 0;

    for (int i = 1; i < argc; i++) {
        struct json_object *object = json_object_from_file(argv[i]);

        if (!object) {
            fprintf(stderr, "%s: %s\n", argv[i], errno ? strerror(errno) : "no JSON");
            return 1;
        }
        n += count(object);
        json_object_put(object);
    }
    printf("%zu\n", n);
    return 0;
}
