/* own_time.h - how long a call took, and how long without what a busy machine took: for bounds
 *
 *     struct own_time own = own_time_now();
 *     uint64_t took, without = own_time_since(&own, &took);
 */
#ifndef OWN_TIME_H
#define OWN_TIME_H

#include <stdio.h>

#include "otlite.h"

struct own_time {
    uint64_t start, stalled[2]; /* ns */
};

/* For how long some task of the machine has waited for the resource, ns; 0 if that is not known. */
static inline uint64_t own_time_stalled(const char *resource)
{
    unsigned long long us = 0;
    FILE *file = fopen(resource, "r");

    if (file == NULL)
        return 0;
    if (fscanf(file, "some %*s %*s %*s total=%llu", &us) != 1)
        us = 0;
    fclose(file);
    return us * 1000;
}

static inline struct own_time own_time_now(void)
{
    struct own_time now = {
        .stalled = {own_time_stalled("/proc/pressure/cpu"), own_time_stalled("/proc/pressure/io")}};

    now.start = otlite_clock_boot();
    return now;
}

/* ns, all of them in *took; without: a fourth at least, as the machine tells of any task that waited,
 * not of ours. */
static inline uint64_t own_time_since(const struct own_time *from, uint64_t *took)
{
    uint64_t stalled = 0;

    *took = otlite_clock_boot() - from->start;
    struct own_time now = own_time_now();
    for (int i = 0; i < 2; i++)
        if (from->stalled[i] != 0 && now.stalled[i] > from->stalled[i] &&
            now.stalled[i] - from->stalled[i] > stalled)
            stalled = now.stalled[i] - from->stalled[i];
    uint64_t quarter = *took / 4;
    return *took - (stalled < *took - quarter ? stalled : *took - quarter);
}

#endif
