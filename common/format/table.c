/*
 * A list of objects as CSV (io.csv): one column for each member, in
 * the order in which they first appear, one row for each object. RFC 4180 with
 * bare newlines; only fields that need it are quoted.
 */
#include "common/base/json.h"
#include "common/format/format.h"

#include <errno.h>
#include <string.h>

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

/* An object with the names of all members, in the order in which they first appear; NULL: no
 * memory. */
static struct json_object *find_columns(struct json_object *list)
{
    struct json_object *columns = json_object_new_object();

    for (size_t i = 0; columns && i < json_object_array_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        if (!json_object_is_type(entry, json_type_object))
            continue;
        json_object_object_foreach (entry, name, value) {
            (void)value;
            if (json_object_object_add(columns, name, NULL) < 0) {
                json_object_put(columns);
                return NULL;
            }
        }
    }
    return columns;
}

static void write_header(struct cemm_buffer *out, struct json_object *columns)
{
    const char *comma = "";

    json_object_object_foreach (columns, name, value) {
        (void)value;
        cemm_buffer_text(out, comma);
        write_field(out, name);
        comma = ",";
    }
    cemm_buffer_char(out, '\n');
}

static void write_entry(struct cemm_buffer *out, struct json_object *columns,
                        struct json_object *entry)
{
    const char *comma = "";

    json_object_object_foreach (columns, name, none) {
        struct json_object *value = none;
        (void)json_object_object_get_ex(entry, name, &value);
        cemm_buffer_text(out, comma);
        write_value(out, value);
        comma = ",";
    }
    cemm_buffer_char(out, '\n');
}

void cemm_write_table(struct cemm_buffer *out, const struct cemm_document *document)
{
    struct json_object *root = cemm_document_json(document);
    struct json_object *list = cemm_json_member(root, "data", json_type_array);
    struct json_object *columns = list ? find_columns(list) : NULL;

    if (!columns) {
        out->error = -ENOMEM;
    } else if (json_object_object_length(columns) > CEMM_COLUMNS_MAX) {
        out->error = -E2BIG;
    } else {
        write_header(out, columns);
        for (size_t i = 0; i < json_object_array_length(list); i++)
            write_entry(out, columns, json_object_array_get_idx(list, i));
    }
    json_object_put(columns);
    cemm_json_put(root, document->length);
}
