#include "common/base/limits.h"
#include "common/format/format.h"

int cemm_render(const struct cemm_document *document, enum cemm_form form,
                const struct cemm_zone *zone, char **ret_text, size_t *ret_length)
{
    struct cemm_buffer out = CEMM_BUFFER_INIT(CEMM_RENDERED_MAX);

    switch (form) {
    case CEMM_FORM_JSON:
        cemm_write_json(&out, document);
        break;
    case CEMM_FORM_CSV:
        cemm_write_csv(&out, document, zone);
        break;
    case CEMM_FORM_INFLUX:
        cemm_write_influx(&out, document);
        break;
    case CEMM_FORM_CSV_ROWS:
        cemm_write_csv_rows(&out, document, zone);
        break;
    case CEMM_FORM_JSON_ROWS:
        cemm_write_json_rows(&out, document, zone);
        break;
    }
    return cemm_buffer_steal(&out, ret_text, ret_length);
}
