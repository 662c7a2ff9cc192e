/* opening.h - a region with a table of open spans, in memory that the test may change */
#ifndef OPENING_H
#define OPENING_H

#include "opened.h"

enum { SIZE = 1 << 20, SMALL = 64 << 10, TABLE = 16 /* of a small one */, OPEN = 100 };

static _Alignas(64) uint8_t memory[SIZE];
static struct recorder recorder;
static struct opened opened;
static struct otlite_span spans[NUMBERS];
static size_t size;

static inline struct otlite_region_options options_of(uint32_t open_spans)
{
    struct otlite_region_options options = durable_options;
    options.open_spans = open_spans;
    return options;
}

static inline void open_region(size_t of_size, uint32_t open_spans, uint32_t on_full)
{
    struct otlite_region_options options = options_of(open_spans);
    options.on_full = on_full;
    size = of_size;
    memset(memory, 0xa5, sizeof memory);
    CHECK_EQUAL(otlite_region_init(&recorder.region, memory, size, &options), OTLITE_OK);
    register_all(&recorder, "");
}

static inline void open_some(uint32_t from, uint32_t to)
{
    for (uint32_t number = from; number < to; number++)
        CHECK_EQUAL(open_number(&recorder, number, &spans[number]), OTLITE_OK);
}

static inline struct otlite_adoption adopt(uint32_t on_full)
{
    struct otlite_adoption told = {0};
    struct otlite_region_options options = options_of(0); /* the table that is there stays */
    options.on_full = on_full;
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, size, &options, &told), OTLITE_OK);
    return told;
}

static inline struct otlite_stats stats_now(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&recorder.region, &stats);
    return stats;
}

static inline uint32_t times(const uint8_t *found, uint32_t from, uint32_t to)
{
    uint32_t count = 0;
    for (uint32_t number = from; number < to; number++)
        count += found[number];
    return count;
}

#endif
