/*
 * A list of objects as CSV (io.csv): one column for each member, in
 * the order in which they first appear, one row for each object. RFC 4180 with
 * bare newlines; only fields that need it are quoted.
 */
#include "common/base/json.h"
#include "common/format/format.h"

#include <errno.h>
#include <string.h>

struct columns {
    const char *names[CEMM_COLUMNS_MAX];
    size_t count;
};

/* ---- fields ------------------------------------------------------------- */

static void write_field(struct cemm_buffer *out, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) {
        cemm_buffer_text(out, text);
        return;
    }
    cemm_buffer_char(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            cemm_buffer_char(out, '"');
        cemm_buffer_char(out, *text);
    }
    cemm_buffer_char(out, '"');
}

/* Nested values are written as JSON; null is an empty field. */
static void write_value(struct cemm_buffer *out, struct json_object *value)
{
    if (!value)
        return;
    const char *text = json_object_is_type(value, json_type_string)
                           ? json_object_get_string(value)
                           : json_object_to_json_string_ext(
                                 value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (text)
        write_field(out, text);
    else
        out->error = -ENOMEM;
}

/* ---- the table ---------------------------------------------------------- */

static int add_column(struct columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->names[i], name) == 0)
            return 0;
    if (columns->count == CEMM_COLUMNS_MAX)
        return -E2BIG;
    columns->names[columns->count++] = name;
    return 0;
}

static int find_columns(struct json_object *list, struct columns *columns)
{
    size_t length = json_object_array_length(list);
    int r = 0;

    for (size_t i = 0; i < length && r == 0; i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        if (!json_object_is_type(entry, json_type_object))
            continue;
        json_object_object_foreach (entry, name, value) {
            (void)value;
            r = add_column(columns, name);
            if (r < 0)
                break;
        }
    }
    return r;
}

static void write_header(struct cemm_buffer *out, const struct columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (i > 0)
            cemm_buffer_char(out, ',');
        write_field(out, columns->names[i]);
    }
    cemm_buffer_char(out, '\n');
}

static void write_entry(struct cemm_buffer *out, const struct columns *columns,
                        struct json_object *entry)
{
    for (size_t i = 0; i < columns->count; i++) {
        struct json_object *value = NULL;
        if (i > 0)
            cemm_buffer_char(out, ',');
        if (json_object_is_type(entry, json_type_object))
            (void)json_object_object_get_ex(entry, columns->names[i], &value);
        write_value(out, value);
    }
    cemm_buffer_char(out, '\n');
}

void cemm_write_table(struct cemm_buffer *out, const struct cemm_document *document)
{
    struct json_object *root = cemm_document_json(document);
    struct json_object *list = cemm_json_member(root, "data", json_type_array);
    struct columns columns = {.count = 0};
    int r = list ? find_columns(list, &columns) : -ENOMEM;

    if (r == 0) {
        write_header(out, &columns);
        for (size_t i = 0; i < json_object_array_length(list); i++)
            write_entry(out, &columns, json_object_array_get_idx(list, i));
    } else {
        out->error = r;
    }
    cemm_json_put(root, document->length);
}
