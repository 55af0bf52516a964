#include "common/format/format.h"

/* After each call, position[i] is the first sample of series i that is not before merge->time. */
bool cemm_merge_next(struct cemm_merge *merge)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < merge->count; i++) {
        const struct cemm_series *series = &merge->series[i];
        merge->position[i] += cemm_merge_sample(merge, i) != NULL;
        if (merge->position[i] < series->count && series->samples[merge->position[i]].time < next)
            next = series->samples[merge->position[i]].time;
    }
    merge->time = next;
    return next < INT64_MAX;
}

const struct cemm_sample *cemm_merge_sample(const struct cemm_merge *merge, size_t index)
{
    const struct cemm_series *series = &merge->series[index];
    size_t position = merge->position[index];

    if (position >= series->count || series->samples[position].time != merge->time)
        return NULL;
    return &series->samples[position];
}
