#include "common/format/format.h"

/* position[i] is the first sample of series i at or after the step's time. */
bool cemm_merge_next(struct cemm_merge *merge)
{
    bool found = false;
    int64_t next = 0;

    for (size_t i = 0; i < merge->count; i++) {
        if (cemm_merge_sample(merge, i))
            merge->position[i]++;
        if (merge->position[i] >= merge->series[i].count)
            continue;
        int64_t time = merge->series[i].samples[merge->position[i]].time;
        if (!found || time < next)
            next = time;
        found = true;
    }
    merge->time = next;
    return found;
}

const struct cemm_sample *cemm_merge_sample(const struct cemm_merge *merge, size_t index)
{
    const struct cemm_series *series = &merge->series[index];
    size_t position = merge->position[index];

    if (position >= series->count || series->samples[position].time != merge->time)
        return NULL;
    return &series->samples[position];
}
