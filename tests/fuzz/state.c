/*
 * State files, which record what has been sent. Whatever file was read, the text that
 * is then written must be the same after it is read and written again.
 */
#include "tests/fuzz/fuzz.h"

#include "common/model/ledger.h"

#include <errno.h>
#include <string.h>

#define NOW INT64_C(1800000000000)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cemm_ledger *ledger = cemm_ledger_new(86400, NULL, 0);
    struct cemm_message message = {.text = ""};
    char *text;
    char *again;
    size_t length;
    size_t again_length;

    MUST(ledger);
    int r = cemm_ledger_load(ledger, fuzz_file(bytes, size), &message);
    MUST(r <= 0 && r != -ENOMEM && (r == 0 || message.text[0]));
    MUST(cemm_state_text(ledger, NOW, &text, &length) == 0);
    MUST(cemm_ledger_load(ledger, fuzz_file((uint8_t *)text, length), &message) == 0);
    MUST(cemm_state_text(ledger, NOW, &again, &again_length) == 0);
    MUST(again_length == length && memcmp(text, again, length) == 0);
    free(text);
    free(again);
    cemm_ledger_free(ledger);
    return 0;
}
