/*
 * `cemm history`: what the meters have measured, day by day, month by month or
 * year by year, oldest first.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/exec/exec.h"
#include "plugin/exec/history-find.h"
#include "plugin/exec/history-run.h"

/* Periods from which on it is worth to ask first since when there is data at all. */
#define LONG_RANGE 366

static enum exec_exit run(struct history *history)
{
    if (!history_set_range(history)) {
        history_say_empty(history, history->options->to.year != 0
                                       ? "no meter can have data of that time"
                                       : "that time has not come yet");
        return EXEC_USAGE;
    }
    enum exec_exit end = history_find(history);
    if (end != EXEC_OK)
        return end;
    int r = history->period_count > LONG_RANGE ? history_find_first(history) : 0;
    if (r < 0) {
        speech_say(history->speech, CEMM_LOG_ERROR, "the first days could not be found: %s",
                   strerror(-r));
        return EXEC_FAILED;
    }
    return history_run(history);
}

/* Answers and their texts come and go, one like the other. By default malloc() hands such large
 * pieces back to the kernel each time, which makes and clears their pages anew. */
static void keep_memory(void)
{
#ifdef M_TRIM_THRESHOLD /* glibc */
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 8 << 20);
#endif
}

enum exec_exit exec_history(const struct exec_options *options, struct speech *speech)
{
    struct session session;
    struct history history = {.options = options, .speech = speech, .session = &session};
    keep_memory();
    enum exec_exit end = session_open(&session, SESSION_LONG, options, speech);
    if (end == EXEC_OK)
        end = session_check(&session, speech);
    if (end == EXEC_OK) {
        history.cemm = session.cemm;
        cemm_archive_use(history.cemm);
        end = run(&history);
        session.cemm = history.cemm;
    }
    session_close(&session);
    free(history.meters);
    return end;
}
