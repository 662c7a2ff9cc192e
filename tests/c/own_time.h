/* own_time.h - how long a call took, less what a busy machine took: for bounds
 *
 *     struct own_time own = own_time_now();
 *     CHECK(own_time_since(&own) < 500000000);
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

/* ns, a fourth of them at least: the machine tells of any task that waited, not of ours. */
static inline uint64_t own_time_since(const struct own_time *from)
{
    uint64_t took = otlite_clock_boot() - from->start, stalled = 0;
    struct own_time now = own_time_now();

    for (int i = 0; i < 2; i++)
        if (now.stalled[i] - from->stalled[i] > stalled)
            stalled = now.stalled[i] - from->stalled[i];
    return took > stalled && took - stalled > took / 4 ? took - stalled : took / 4;
}

#endif
