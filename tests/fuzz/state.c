/*
 * State files: what has been given. A damaged one is as good as none; what is
 * read must read the same once it is written.
 */
#include "tests/fuzz/fuzz.h"

#include "common/model/minutes.h"

#include <errno.h>
#include <string.h>

#define NOW INT64_C(1800000000000)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cemm_minutes *minutes = cemm_minutes_new(86400);
    struct cemm_words words = {.text = ""};
    char *text;
    char *again;
    size_t length;
    size_t same;

    MUST(minutes);
    int r = cemm_minutes_load(minutes, fuzz_file(bytes, size), &words);
    MUST(r <= 0 && r != -ENOMEM && (r == 0 || words.text[0]));
    MUST(cemm_minutes_text(minutes, NOW, &text, &length) == 0);
    MUST(cemm_minutes_load(minutes, fuzz_file((uint8_t *)text, length), &words) == 0);
    MUST(cemm_minutes_text(minutes, NOW, &again, &same) == 0);
    MUST(same == length && memcmp(text, again, length) == 0);
    free(text);
    free(again);
    cemm_minutes_free(minutes);
    return 0;
}
