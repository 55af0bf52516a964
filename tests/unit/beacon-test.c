/*
 * Tests discovery packets: which packets are answers, which are our own query, and
 * which are junk. Anyone on the network can send any of these, so the rows include
 * packets of an attacker as well as those in the API's documentation.
 */
#include "check.h"
#include "common/base/limits.h"
#include "common/protocol/beacon.h"

#include <errno.h>
#include <json-c/json_c_version.h>
#include <stdio.h>
#include <stdlib.h>

/* The packets in the documentation's example, as printed by Python. */
#define SEEN_BASIC                                                                        \
    "{\"ip\": \"192.168.2.153\", \"mac\": \"D8:80:39:46:22:B5\", \"version\": \"1.23\", " \
    "\"type\": \"CEMM_basic\", \"init_state\": 1}"
#define SEEN_NEWER                                                                        \
    "{\"ip\": \"192.168.2.115\", \"mac\": \"00:1E:C0:85:96:CC\", \"version\": \"1.24\", " \
    "\"type\": \"CEMM_basic\", \"init_state\": 1}"

#define MAC           "\"mac\": \"00:1E:C0:85:96:CC\""
#define WITH_MAC(mac) "{\"mac\": " mac ", \"version\": \"1.24\"}"
#define CORE(version) "{" MAC ", \"version\": " version "}"
#define UID           "00-1E-C0-85-96-CC"

#define TEN     "[[[[[[[[[["
#define TEN_END "]]]]]]]]]]"

/* Reads a packet. There is no NUL after its `length` bytes, so that reading beyond it is detected.
 */
static int read_packet(const char *text, size_t length, struct cemm_beacon *ret_beacon,
                       struct cemm_message *message)
{
    char *bytes = malloc(length + !length);

    assert_non_null(bytes);
    memcpy(bytes, text, length);
    int r = cemm_beacon_read(bytes, length, ret_beacon, message);
    free(bytes);
    return r;
}

struct answer_row {
    const char *row;
    const char *text;
    const char *uid;
    const char *type;
    const char *version;
};

static void test_answers(void **state)
{
    static const struct answer_row rows[] = {
        {"the documentation's first packet", SEEN_BASIC, "D8-80-39-46-22-B5", "CEMM_basic", "1.23"},
        {"the documentation's second packet", SEEN_NEWER, UID, "CEMM_basic", "1.24"},
        {"the second packet, with line ends",
         "{\n    \"ip\": \"192.168.2.115\",\n    " MAC ",\n    \"version\": \"1.24\",\n"
         "    \"type\": \"CEMM_basic\",\n    \"init_state\": 1\n}",
         UID, "CEMM_basic", "1.24"},
        {"the minimum", CORE("\"1.24\""), UID, "", "1.24"},
        {"unknown members", "{\"x\": [null, {\"mac\": 1}], " MAC ", \"version\": \"1.24\"}", UID,
         "", "1.24"},
        {"an ip that is not an address", "{\"ip\": 7, " MAC ", \"version\": \"1.24\"}", UID, "",
         "1.24"},
        {"MAC in lower case", WITH_MAC("\"00:1e:c0:85:96:cc\""), UID, "", "1.24"},
        {"MAC with dashes", WITH_MAC("\"00-1E-C0-85-96-CC\""), UID, "", "1.24"},
        {"an empty type", "{" MAC ", \"version\": \"1.24\", \"type\": \"\"}", UID, "", "1.24"},
        {"a type that is not a text", "{" MAC ", \"version\": \"1.24\", \"type\": 5}", UID, "",
         "1.24"},
        {"a type that is not a name",
         "{" MAC ", \"version\": \"1.24\", \"type\": \"\\u001b[31mCEMM\"}", UID, "", "1.24"},
        {"a type that is cut by a NUL",
         "{" MAC ", \"version\": \"1.24\", \"type\": \"CEMM\\u0000_x\"}", UID, "", "1.24"},
        {"another type", "{" MAC ", \"version\": \"1.24\", \"type\": \"CEMM_plus\"}", UID,
         "CEMM_plus", "1.24"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_beacon beacon;
        struct cemm_message message = {""};
        expect_int(rows[i].row, read_packet(rows[i].text, strlen(rows[i].text), &beacon, &message),
                   1);
        expect_text(rows[i].row, beacon.uid.text, rows[i].uid);
        expect_text(rows[i].row, beacon.type, rows[i].type);
        expect_text(rows[i].row, beacon.version, rows[i].version);
    }
}

/* Tests the version of the firmware (the core): it must be 1.23 or later. */
static void test_core(void **state)
{
    static const struct {
        const char *text;
        int result;
    } rows[] = {
        {CORE("\"1.23\""), 1},     {CORE("\"1.24\""), 1},
        {CORE("\"1.100\""), 1},    {CORE("\"2.0\""), 1},
        {CORE("\"10.0\""), 1},     {CORE("\"1.23.4\""), 1},
        {CORE("\"1.22\""), -EIO},  {CORE("\"1.9\""), -EIO},
        {CORE("\"1.2\""), -EIO},   {CORE("\"0.99\""), -EIO},
        {CORE("\"1\""), -EIO},     {CORE("\"1.\""), -EIO},
        {CORE("\".24\""), -EIO},   {CORE("\"x\""), -EIO},
        {CORE("\"1.x\""), -EIO},   {CORE("\"v1.24\""), -EIO},
        {CORE("\"\""), -EIO},      {CORE("1.24"), -EIO},
        {CORE("null"), -EIO},      {"{" MAC "}", -EIO},
        {CORE("\"1 .24\""), -EIO}, {CORE("[\"1.24\"]"), -EIO},
        {CORE("\"-1.24\""), -EIO}, {CORE("\"1.24 \""), -EIO},
        {CORE("\"1.-24\""), -EIO}, {CORE("\"1.24\\u0000\""), -EIO},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_beacon beacon;
        struct cemm_message message = {""};
        expect_int(rows[i].text, read_packet(rows[i].text, strlen(rows[i].text), &beacon, &message),
                   rows[i].result);
        if (rows[i].result < 0)
            expect_part(rows[i].text, message.text, "1.23 or later");
    }
}

static void test_query(void **state)
{
    static const struct {
        const char *text;
        int result;
    } rows[] = {
        {"cemm_query", 0},        {"cemm_quer", -EIO},   {"cemm_query\n", -EIO},
        {"CEMM_QUERY", -EIO},     {" cemm_query", -EIO}, {"cemm_querycemm_query", -EIO},
        {"\"cemm_query\"", -EIO},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_beacon beacon;
        expect_int(rows[i].text, read_packet(rows[i].text, strlen(rows[i].text), &beacon, NULL),
                   rows[i].result);
    }
}

static void test_junk(void **state)
{
    static const struct {
        const char *row;
        const char *text;
        size_t length; /* 0: the text ends at its NUL */
        const char *message;
    } rows[] = {
        {"nothing", "", 0, "it is empty"},
        {"a NUL", "\0", 1, ""},
        {"a NUL after an answer", SEEN_NEWER "\0", sizeof(SEEN_NEWER), ""},
        {"a NUL in a name", "{\"mac\0\": 1}", 11, ""},
        {"words", "CEMM 00:1E:C0:85:96:CC at 192.168.2.115", 0, "not JSON"},
        {"bytes", "\xff\xfe\x00\x01\x80", 5, "not JSON"},
        {"half an answer", "{\"ip\": \"192.168.2.115\", " MAC, 0, "it is cut off"},
        {"more after an answer", SEEN_NEWER "x", 0, "not JSON"},
        {"two answers", SEEN_NEWER SEEN_NEWER, 0, ""},
#if JSON_C_VERSION_NUM != (18 << 8) /* 0.18 has no usable strict mode, see base/json.c */
        {"a comment", "/**/" SEEN_NEWER, 0, ""},
#endif
        {"not UTF-8", "{" MAC ", \"version\": \"1.24\", \"x\": \"\xc3\"}", 0, ""},
        {"a list", "[" SEEN_NEWER "]", 0, "an object was expected"},
        {"a text", "\"cemm\"", 0, "an object was expected"},
        {"a number", "1 ", 0, "an object was expected"},
        {"null", "null ", 0, "an object was expected"},
        {"empty", "{}", 0, "\"mac\""},
        {"no MAC", "{\"ip\": \"192.168.2.115\", \"version\": \"1.24\"}", 0, "\"mac\""},
        {"MAC: null", WITH_MAC("null"), 0, "\"mac\""},
        {"MAC: number", WITH_MAC("1"), 0, "\"mac\""},
        {"MAC: a list", WITH_MAC("[\"00:1E:C0:85:96:CC\"]"), 0, "\"mac\""},
        {"MAC: an empty text", WITH_MAC("\"\""), 0, "\"mac\""},
        {"MAC: short", WITH_MAC("\"00:1E:C0:85:96\""), 0, "\"mac\""},
        {"MAC: long", WITH_MAC("\"00:1E:C0:85:96:CC:00\""), 0, "\"mac\""},
        {"MAC: a path", WITH_MAC("\"../00:1E:C0:FF:FF\""), 0, "\"mac\""},
        {"MAC: mixed", WITH_MAC("\"00:1E-C0:85-96:CC\""), 0, "\"mac\""},
        {"MAC: no hex", WITH_MAC("\"00:1E:C0:85:96:CG\""), 0, "\"mac\""},
        {"MAC: a NUL after it", WITH_MAC("\"00:1E:C0:85:96:CC\\u0000\""), 0, "\"mac\""},
        {"nested",
         "{" MAC ", \"version\": \"1.24\", \"x\": " TEN TEN TEN TEN TEN_END TEN_END TEN_END TEN_END
         "}",
         0, "nesting too deep"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_beacon beacon;
        struct cemm_message message = {""};
        size_t length = rows[i].length ? rows[i].length : strlen(rows[i].text);
        expect_int(rows[i].row, read_packet(rows[i].text, length, &beacon, &message), -EIO);
        expect_part(rows[i].row, message.text, "not an answer from a CEMM: ");
        expect_part(rows[i].row, message.text, rows[i].message);
    }
}

/* Spaces after an answer are valid JSON, so the test makes answers of any length with them. */
static void test_length(void **state)
{
    static const struct {
        const char *row;
        size_t length;
        int result;
    } rows[] = {
        {"longest", CEMM_DATAGRAM_MAX, 1},
        {"too long", CEMM_DATAGRAM_MAX + 1, -EIO},
        {"much too long", 65507, -EIO},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cemm_beacon beacon;
        char *text = malloc(rows[i].length);
        assert_non_null(text);
        memset(text, ' ', rows[i].length);
        memcpy(text, SEEN_NEWER, strlen(SEEN_NEWER));
        expect_int(rows[i].row, read_packet(text, rows[i].length, &beacon, NULL), rows[i].result);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers), cmocka_unit_test(test_core),   cmocka_unit_test(test_query),
        cmocka_unit_test(test_junk),    cmocka_unit_test(test_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
