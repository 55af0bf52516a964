/*
 * Discovery packets, which anybody on the LAN may send.
 */
#include "tests/fuzz/fuzz.h"

#include "common/protocol/beacon.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cemm_beacon beacon;
    struct cemm_message message = {.text = ""};
    struct cemm_uid uid;
    char *text = fuzz_text(bytes, size);
    int r = cemm_beacon_read(text, size, &beacon, &message);

    MUST(r == 1 || r == 0 || r == -EIO);
    MUST(r != -EIO || message.text[0]);
    MUST(r != 1 || cemm_uid_parse(beacon.uid.text, &uid));
    MUST(r != 1 || !beacon.type[0] || cemm_name_valid(beacon.type));
    free(text);
    return 0;
}
