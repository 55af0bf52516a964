/*
 * Tests how much memory the worst answers within the limits take, because json-c
 * needs much memory for little text. Each answer is read and rendered in a
 * separate process, which must not stay much larger afterwards: its resident
 * memory is compared. Memory that the process already had, such as an emulator's,
 * is not counted. Under an emulator, the memory in use is compared instead: there,
 * much of what malloc() returned stays resident after free().
 */
#include "answers.h"
#include "check.h"
#include "common/base/limits.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLACK 8192 /* KiB by which the process may have grown at the end */

static const struct {
    const char *row;
    enum cemm_endpoint endpoint;
    const char *begin;
    const char *unit;
    const char *end;
    size_t length;
    long most; /* MiB */
} rows[] = {
    {"an answer of empty objects", CEMM_REALTIME, "{\"data\":{},\"x\":[", "{},", "0]}",
     CEMM_ANSWER_MAX, 80},
    {"the same, deeply nested", CEMM_REALTIME, "{\"data\":{},\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
     "{},", "0]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", CEMM_ANSWER_MAX, 110},
    {"objects with a member each", CEMM_REALTIME, "{\"data\":{},\"x\":[", "{\"\":{}},", "0]}",
     CEMM_ANSWER_MAX, 80},
    {"rows of a day", CEMM_DATA, "{\"data\":{\"t1\":[", "[0,0],", "[0,0]]}}", CEMM_ANSWER_MAX, 40},
    {"a list of devices, with empty objects", CEMM_DEVICES, "{\"data\":[],\"x\":[", "{},", "0]}",
     CEMM_DEVLIST_MAX, 1200},
};

/* Whether a sanitizer or valgrind is used. Both need many times the memory of the program. */
static bool is_watched(void)
{
#ifdef __SANITIZE_ADDRESS__
    return true;
#else
    const char *preload = getenv("LD_PRELOAD");

    return preload && strstr(preload, "vgpreload");
#endif
}

/* Makes the answer of a row: `begin`, `unit` as often as it fits, `end`. The caller frees it. */
static char *make(size_t i)
{
    size_t unit = strlen(rows[i].unit), end = strlen(rows[i].end);
    char *text = malloc(rows[i].length + 1);
    size_t used = strlen(rows[i].begin);

    assert_non_null(text);
    strcpy(text, rows[i].begin);
    for (; used + unit + end <= rows[i].length; used += unit)
        memcpy(text + used, rows[i].unit, unit);
    strcpy(text + used, rows[i].end);
    return text;
}

/* Returns the resident memory of the process in KiB. */
static long resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long all, pages = -1;

    if (file && fscanf(file, "%ld %ld", &all, &pages) != 2)
        pages = -1;
    if (file)
        fclose(file);
    return pages < 0 ? -1 : pages * (sysconf(_SC_PAGESIZE) >> 10);
}

/* Returns the resident memory or, under an emulator, the memory in use by malloc(), in KiB. */
static long held(void)
{
    struct mallinfo2 heap = mallinfo2();

    return getenv("MESON_EXE_WRAPPER") ? (long)((heap.uordblks + heap.hblkhd) >> 10) : resident();
}

/* Called in a process of its own. Returns the exit status of the process: 0 on success. */
static int read_and_render(size_t i, const char *text)
{
    struct cemm_query query = answer_query(rows[i].endpoint, "p1", CEMM_DAY);
    long before = held();
    struct cemm_document *document;
    struct cemm_message message;
    char *rendered = NULL;
    size_t length;

    if (answer_try(&query, text, strlen(text), ANSWER_NOW, &document, &message) < 0)
        return 1;
    if (rows[i].endpoint != CEMM_DEVICES && /* a list of devices can't be rendered */
        cemm_render(document, CEMM_FORMAT_JSON, NULL, &rendered, &length) < 0)
        return 2;
    free(rendered);
    cemm_document_unref(document);
    return before > 0 && held() < before + SLACK ? 0 : 3;
}

static void test_peak(void **state)
{
    (void)state;
    if (is_watched())
        skip();
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *text = make(i);
        struct rusage usage;
        int status;
        long before = resident();
        pid_t pid = fork();
        if (pid == 0)
            _exit(read_and_render(i, text));
        assert_true(pid > 0);
        assert_true(wait4(pid, &status, 0, &usage) == pid);
        free(text);
        expect_int(rows[i].row, status, 0);
        long took = (usage.ru_maxrss - before) >> 10;
        print_message("%s: %ld MiB\n", rows[i].row, took);
        if (took > rows[i].most)
            fail_msg("%s: %ld MiB, wanted at most %ld", rows[i].row, took, rows[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
