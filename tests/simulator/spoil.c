/*
 * Damages genuine answers. Each fault damages them in one way, and so shows which check a client
 * lacks.
 *
 * The faults edit the text of an answer, because no JSON library would write such answers. All
 * samples are [milliseconds,value], so one loop over these pairs does most kinds of damage; other
 * kinds insert text at a known place, or replace the whole text.
 */
#include "spoil.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES   100000
#define SAMPLES   1000000
#define NAME_SIZE 10240
#define CHANNELS  1000

/* ---- a new text -------------------------------------------------------------------------- */

static int take_stream(struct answer *answer, FILE *out, char **text, size_t *length)
{
    bool bad = ferror(out) != 0;

    if (fclose(out) != 0 || bad) {
        free(*text);
        return -ENOMEM;
    }
    answer_take(answer, 200, ANSWER_JSON, *text, *length);
    return 0;
}

/* ---- the samples ------------------------------------------------------------------------- */

struct pair {
    const char *time;
    int time_length;
    const char *value;
    int value_length;
};

typedef void write_pair(FILE *out, const struct pair *pair, const char *text);

/* Whether a sample that is not [0,0] begins here, and where it ends. */
static bool find_pair(const char *text, struct pair *ret_pair, const char **ret_end)
{
    size_t digits = *text == '[' ? strspn(text + 1, "0123456789") : 0;
    const char *comma = text + 1 + digits;
    size_t length;

    if (digits != 13 || *comma != ',')
        return false;
    length = strcspn(comma + 1, ",]");
    if (comma[1 + length] != ']')
        return false;
    *ret_pair = (struct pair){text + 1, (int)digits, comma + 1, (int)length};
    *ret_end = comma + 1 + length + 1;
    return true;
}

/* Replaces each sample by what `write` makes of it. If `until`, a place in the body, is not NULL,
 * the samples after it stay as they are. */
static int each_pair_until(struct answer *answer, const char *until, write_pair *write,
                           const char *text)
{
    char *damaged = NULL;
    size_t length;
    FILE *out = open_memstream(&damaged, &length);

    if (!out)
        return -ENOMEM;
    for (const char *c = answer->body ? answer->body : ""; *c;) {
        struct pair pair;
        const char *end;

        if ((!until || c < until) && find_pair(c, &pair, &end)) {
            write(out, &pair, text);
            c = end;
        } else {
            putc(*c++, out);
        }
    }
    return take_stream(answer, out, &damaged, &length);
}

static int each_pair(struct answer *answer, write_pair *write, const char *text)
{
    return each_pair_until(answer, NULL, write, text);
}

static void write_time(FILE *out, const struct pair *pair, const char *text)
{
    fprintf(out, "[%s,%.*s]", text, pair->value_length, pair->value);
}

static void write_value(FILE *out, const struct pair *pair, const char *text)
{
    fprintf(out, "[%.*s,%s]", pair->time_length, pair->time, text);
}

static void write_seconds(FILE *out, const struct pair *pair, const char *text)
{
    (void)text;
    fprintf(out, "[%.*s,%.*s]", pair->time_length - 3, pair->time, pair->value_length, pair->value);
}

static void write_whole(FILE *out, const struct pair *pair, const char *text)
{
    (void)pair;
    fputs(text, out);
}

static void write_more(FILE *out, const struct pair *pair, const char *text)
{
    fprintf(out, "[%.*s,%.*s%s]", pair->time_length, pair->time, pair->value_length, pair->value,
            text);
}

static void write_quoted(FILE *out, const struct pair *pair, const char *text)
{
    (void)text;
    fprintf(out, "[\"%.*s\",%.*s]", pair->time_length, pair->time, pair->value_length, pair->value);
}

/* Writes a sample as if the meter's clock were wrong by `text` milliseconds. */
static void write_shifted(FILE *out, const struct pair *pair, const char *text)
{
    fprintf(out, "[%lld,%.*s]", strtoll(pair->time, NULL, 10) + strtoll(text, NULL, 10),
            pair->value_length, pair->value);
}

static void write_fraction(FILE *out, const struct pair *pair, const char *text)
{
    fprintf(out, "[%.*s%s,%.*s]", pair->time_length, pair->time, text, pair->value_length,
            pair->value);
}

static int apply_time(const char *text, struct answer *answer)
{
    return each_pair(answer, write_time, text);
}

static int apply_value(const char *text, struct answer *answer)
{
    return each_pair(answer, write_value, text);
}

static int apply_seconds(const char *text, struct answer *answer)
{
    return each_pair(answer, write_seconds, text);
}

static int apply_pair(const char *text, struct answer *answer)
{
    return each_pair(answer, write_whole, text);
}

static int apply_longer_pair(const char *text, struct answer *answer)
{
    return each_pair(answer, write_more, text);
}

static int apply_quoted_time(const char *text, struct answer *answer)
{
    return each_pair(answer, write_quoted, text);
}

static int apply_fraction(const char *text, struct answer *answer)
{
    return each_pair(answer, write_fraction, text);
}

static int apply_shift(const char *text, struct answer *answer)
{
    return each_pair(answer, write_shifted, text);
}

/* Damages only `data`. `totals` follows it and keeps the times of the CEMM's clock. */
static int apply_frozen(const char *text, struct answer *answer)
{
    const char *totals = answer->body ? strstr(answer->body, "\"totals\":") : NULL;

    return each_pair_until(answer, totals, write_shifted, text);
}

/* Swaps every second sample of a list with the previous one. */
static int apply_disorder(const char *text, struct answer *answer)
{
    char *damaged = NULL;
    size_t length;
    FILE *out = open_memstream(&damaged, &length);

    (void)text;
    if (!out)
        return -ENOMEM;
    for (const char *c = answer->body ? answer->body : ""; *c;) {
        struct pair first, second;
        const char *end, *end_of_second;

        if (find_pair(c, &first, &end) && *end == ',' &&
            find_pair(end + 1, &second, &end_of_second)) {
            fprintf(out, "%.*s,%.*s", (int)(end_of_second - end - 1), end + 1, (int)(end - c), c);
            c = end_of_second;
        } else {
            putc(*c++, out);
        }
    }
    return take_stream(answer, out, &damaged, &length);
}

/* ---- names and bytes ------------------------------------------------------------------------ */

/* Inserts `text` and then `separator` at `place` in the body. */
static int insert_at(struct answer *answer, const char *place, const char *text,
                     const char *separator)
{
    char *damaged = NULL;
    size_t length;
    FILE *out = open_memstream(&damaged, &length);

    if (!out)
        return -ENOMEM;
    fprintf(out, "%.*s%s%s%s", (int)(place - answer->body), answer->body, text, separator, place);
    return take_stream(answer, out, &damaged, &length);
}

/* Inserts `text` after the first `mark`, if there is one. */
static int insert_after(struct answer *answer, const char *mark, const char *text)
{
    const char *place = answer->body ? strstr(answer->body, mark) : NULL;

    return place ? insert_at(answer, place + strlen(mark), text, "") : 0;
}

/* Inserts `text` after `"data":{` or `"data":[{`, as the first member. */
static int apply_member(const char *text, struct answer *answer)
{
    static const char data[] = "\"data\":";
    const char *place = answer->body ? strstr(answer->body, data) : NULL;

    if (!place)
        return 0;
    place += strlen(data);
    return insert_at(answer, place + strspn(place, "[{"), text, ",");
}

static int apply_entries(const char *text, struct answer *answer)
{
    return insert_after(answer, "\"data\":[", text);
}

/* Inserts rows, only into histories, because realtime has no lists of samples. */
static int apply_rows(const char *text, struct answer *answer)
{
    return strstr(answer->body ? answer->body : "", ":[[") ? insert_after(answer, ":[", text) : 0;
}

static int apply_long_name(const char *text, struct answer *answer)
{
    char name[NAME_SIZE + 64] = "\"";

    memset(name + 1, 'n', NAME_SIZE);
    memcpy(name + 1 + NAME_SIZE, text, strlen(text) + 1);
    return apply_member(name, answer);
}

/* Appends members after the genuine ones. */
static int apply_many_channels(const char *text, struct answer *answer)
{
    const char *body = answer->body ? answer->body : "";
    const char *data = strstr(body, "\"data\":");
    const char *end = data ? strchr(data, '}') : NULL;
    char *damaged = NULL;
    size_t length;
    FILE *out;

    if (!end)
        return 0;
    if (!(out = open_memstream(&damaged, &length)))
        return -ENOMEM;
    fprintf(out, "%.*s", (int)(end - body), body);
    for (int i = 0; i < CHANNELS; i++)
        fprintf(out, "%s\"x%d\":%s", i || end[-1] != '{' ? "," : "", i, text);
    fputs(end, out);
    return take_stream(answer, out, &damaged, &length);
}

static int apply_around(const char *text, struct answer *answer)
{
    const char *before = text;
    const char *after = text + strlen(text) + 1; /* two strings, one after the other */
    char *damaged = NULL;
    size_t length;
    FILE *out = open_memstream(&damaged, &length);

    if (!out)
        return -ENOMEM;
    fprintf(out, "%s%s%s", before, answer->body ? answer->body : "", after);
    return take_stream(answer, out, &damaged, &length);
}

/* ---- other answers -------------------------------------------------------------------------- */

static int apply_body(const char *text, struct answer *answer)
{
    return answer_copy(answer, 200, ANSWER_JSON, text);
}

static int apply_html_type(const char *text, struct answer *answer)
{
    (void)text;
    answer->type = ANSWER_HTML;
    return 0;
}

static int apply_retry_later(const char *text, struct answer *answer)
{
    int r = answer_error(answer, (unsigned)strtoul(text, NULL, 10));

    answer->retry_after = 2;
    return r;
}

static int apply_many_devices(const char *text, struct answer *answer)
{
    char *body = NULL;
    size_t length;
    FILE *out = open_memstream(&body, &length);

    if (!out)
        return -ENOMEM;
    fputs("{\"data\":[", out);
    for (unsigned i = 0; i < DEVICES; i++)
        fprintf(out, "%s{\"uid\":\"%s-%02X-%02X-%02X\"}", i ? "," : "", text, i >> 16 & 0xffU,
                i >> 8 & 0xffU, i & 0xffU);
    fputs("]}", out);
    return take_stream(answer, out, &body, &length);
}

/* Makes an answer with many samples. Rows are copied with memcpy(), because a million calls of
 * printf() would make other requests wait. */
static int apply_many_samples(const char *text, struct answer *answer)
{
    static const char row[] = "[1496268000000,1],";
    const size_t row_length = sizeof(row) - 1;
    size_t room = strlen(text) + SAMPLES * row_length + 64;
    char *body = malloc(room);
    int length = body ? snprintf(body, room, "{\"data\":{\"%s\":[", text) : -1;

    if (length < 0) {
        free(body);
        return -ENOMEM;
    }
    char *end = body + length;
    for (int i = 0; i < SAMPLES; i++, end += row_length)
        memcpy(end, row, row_length);
    memcpy(end - 1, "]}}", sizeof("]}}")); /* in place of the last comma */
    answer_take(answer, 200, ANSWER_JSON, body, (size_t)(end - 1 + 3 - body));
    return 0;
}

const struct spoiler spoilers[] = {
    {"null", apply_body, "null", "200 with null"},
    {"array", apply_body, "[]", "200 with an array"},
    {"text", apply_body, "\"data\"", "200 with a text"},
    {"number", apply_body, "1", "200 with a number"},
    {"no-data", apply_body, "{\"io_id\":1}", "an object without data"},
    {"data-null", apply_body, "{\"data\":null}", "data is null"},
    {"data-number", apply_body, "{\"data\":5}", "data is a number"},
    {"data-nested", apply_body, "{\"data\":{\"t1\":{\"t1\":[[]]}}}",
     "data is nested two levels too deep"},
    {"data-list", apply_body, "{\"data\":[[1,2],\"x\",null]}", "data is a list of other values"},
    {"time-negative", apply_time, "-1496268000000", "each sample's time is negative"},
    {"time-zero", apply_time, "0", "each sample's time is 0, but its value is not"},
    {"time-in-seconds", apply_seconds, "", "each sample's time is in seconds"},
    {"time-far", apply_time, "7258118400000", "each sample's time is in 2200"},
    {"time-beyond", apply_time, "99999999999999999999", "each time is beyond 64 bits"},
    {"time-null", apply_time, "null", "each sample's time is null"},
    {"time-text", apply_quoted_time, "", "each sample's time is a text"},
    {"time-fraction", apply_fraction, ".5", "each sample's time has a fraction"},
    {"clock-ahead", apply_shift, "3600000", "the meter's clock has jumped an hour ahead"},
    {"clock-behind", apply_shift, "-3600000", "the meter's clock has jumped an hour back"},
    {"data-frozen", apply_frozen, "-3600000", "data is an hour old, while totals go on"},
    {"disorder", apply_disorder, "", "rows are not in order"},
    {"value-nan", apply_value, "NaN", "each value is NaN"},
    {"value-infinite", apply_value, "-Infinity", "each value is -Infinity"},
    {"value-huge", apply_value, "1e999", "each value is 1e999"},
    {"value-text", apply_value, "\"12\"", "each value is a text"},
    {"value-null", apply_value, "null", "each value is null"},
    {"value-true", apply_value, "true", "each value is true"},
    {"value-list", apply_value, "[1]", "each value is a list"},
    {"never-read", apply_pair, "[0,0]", "each sample is that of a channel that was never read"},
    {"pair-short", apply_pair, "[1496268000000]", "each sample has no value"},
    {"pair-empty", apply_pair, "[]", "each sample is an empty list"},
    {"pair-long", apply_longer_pair, ",1", "each sample has three members"},
    {"pair-object", apply_pair, "{\"time\":1496268000000}", "each sample is an object"},
    {"key-twice", apply_member, "\"t1\":[1496268000000,1],\"t1\":[1496268000000,2]",
     "data has a member twice"},
    {"name-slash", apply_member, "\"../../../etc/passwd\":[1496268000000,1]",
     "a channel's name is a path"},
    {"name-dots", apply_member, "\"..\":[1496268000000,1]", "a channel is named .."},
    {"name-newline", apply_member, "\"a\\nb\":[1496268000000,1]", "a channel's name has a newline"},
    {"name-nul", apply_member, "\"t1\\u0000x\":[1496268000000,1]", "a channel's name has a NUL"},
    {"name-quote", apply_member, "\"a\\\",b=1 \":[1496268000000,1]",
     "a channel's name has quotes, commas and spaces"},
    {"name-long", apply_long_name, "\":[1496268000000,1]", "a channel's name has 10 KiB"},
    {"name-empty", apply_member, "\"\":[1496268000000,1]", "a channel has an empty name"},
    {"bad-utf8", apply_member, "\"\xff\xfe\xc0\x80\":[1496268000000,1]",
     "a channel's name is not UTF-8"},
    {"uid-absurd", apply_body,
     "{\"data\":[{\"uid\":\"../../tmp\"},{\"uid\":\"\"},{\"uid\":\"FF-FF-FF-FF-FF-FF-FF\"}]}",
     "200 with invalid uids"},
    {"uid-twice", apply_body,
     "{\"data\":[{\"uid\":\"00-1E-C0-00-00-01\"},{\"uid\":\"00:1e:c0:00:00:01\"}]}",
     "200 with one uid twice"},
    {"odd-members", apply_member, "\"odd1\":\"text\",\"odd2\":{\"x\":1},\"odd3\":null",
     "data also has a text, an object and null"},
    {"odd-rows", apply_rows, "\"row\",{},[1496268000000],[1,2,3],",
     "a history begins with rows that are not pairs"},
    {"odd-entries", apply_entries,
     "{\"uid\":7},{},null,{\"alias\":5},{\"alias\":\"p1\",\"type\":7},",
     "a list begins with invalid entries"},
    {"many-channels", apply_many_channels, "[1496268000000,1]", "data has 1,000 more channels"},
    {"many-devices", apply_many_devices, "0A-00-00", "200 with 100,000 devices"},
    {"many-samples", apply_many_samples, "electric_power", "200 with a million samples"},
    {"bom", apply_around, "\xef\xbb\xbf\0", "the answer begins with a byte order mark"},
    {"trailing", apply_around, "\0}", "the answer has one brace too many"},
    {"comment", apply_around, "/* */\0", "the answer begins with a comment"},
    {"html-type", apply_html_type, "", "the genuine answer, declared as HTML"},
    {"busy", apply_retry_later, "429", "429 with Retry-After: 2"},
    {"down", apply_retry_later, "503", "503 with Retry-After: 2"},
    {NULL, NULL, NULL, NULL},
};
