/* left.h - a region as a death leaves it, in memory that the test may change; define _GNU_SOURCE before */
#ifndef LEFT_H
#define LEFT_H

#include "wall.h"

#include "death.h"

enum { SIZE = 1 << 20 };

static _Alignas(64) uint8_t memory[SIZE], copy[SIZE];
static struct recorder recorder;
static struct findings findings;
static const uint8_t *recorded_data;

static inline void open_with(const struct otlite_region_options *options)
{
    memset(memory, 0xa5, sizeof memory);
    CHECK_EQUAL(otlite_region_init(&recorder.region, memory, SIZE, options), OTLITE_OK);
    register_all(&recorder, "");
}

static inline void record_some(uint64_t from, uint64_t to)
{
    for (uint64_t number = from; number < to; number++)
        CHECK_EQUAL(record_number(&recorder, number), OTLITE_OK);
}

/* The process dies, and another has this in its hands. */
static inline void die(void)
{
    recorded_data = recorder.region.data;
    memcpy(copy, memory, SIZE);
    memset(&recorder, 0xa5, sizeof recorder);
}

static inline struct otlite_adoption adopt(void)
{
    struct otlite_adoption told = {0};
    memcpy(memory, copy, SIZE);
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &durable_options, &told),
                OTLITE_OK);
    return told;
}

static inline uint64_t times_in(uint64_t from, uint64_t to, uint8_t times)
{
    uint64_t count = 0;
    for (uint64_t number = from; number < to; number++)
        count += findings.times[number] == times;
    return count;
}

#endif
