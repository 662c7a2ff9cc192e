/* unfinished.c - spans of a durable region from their begin to their record: killed anywhere, each is left once
 *
 * As in deaths.c, in each state and with each late store missing.
 */
#include <stdalign.h>
#include <string.h>

#include "encode/wire.h"
#include "setting.h"

enum { FIRST = 1, SECOND };

static alignas(64) uint32_t copy[WORDS];

void spans_begin(void)
{
    open_spans(3, 3);
}

static void begin_and_record(uint32_t number, bool renamed)
{
    struct otlite_span span;
    CHECK(open_span(&span, number, false) == OTLITE_OK);
    explore_system_call(); /* which tells the world of it */
    world.results[STARTED] |= 1u << number;
    if (renamed)
        CHECK(otlite_open_begin(&region, &span, 0, scope) == OTLITE_OK);
    CHECK(record_span(&span) == OTLITE_OK);
    world.results[KEPT] |= 1u << number;
}

void span_first(void)
{
    begin_and_record(FIRST, false);
}

void span_second(void)
{
    begin_and_record(SECOND, true);
}

/* The number that its identifier consists of. */
static uint32_t number_of(const struct otlite_segment bytes)
{
    struct span_glance glance = otlite_span_glance(bytes.data, bytes.size);
    bool found = glance.span_id != NULL;
    CHECK(found);
    for (uint32_t i = 0; found && i < 8; i++)
        CHECK(glance.span_id[i] == glance.span_id[0]);
    return found ? glance.span_id[0] : 0;
}

static void recover_spans(void)
{
    struct otlite_image image;
    struct otlite_found found;
    uint32_t recorded = 0, unfinished = 0, records = 0;
    explore_deaths++;
    CHECK(otlite_image_open(&image, copy, OTLITE_REGION_MIN) == OTLITE_OK);
    while (otlite_image_next(&image, &found)) {
        struct otlite_segment bytes = otlite_image_bytes(&image, &found, 0);
        CHECK(bytes.size == found.size);
        uint32_t number = 1u << number_of(bytes);
        CHECK(((recorded | unfinished) & number) == 0);
        *(found.unfinished ? &unfinished : &recorded) |= number;
        records++;
    }
    CHECK(image.damaged == 0);
    CHECK((world.results[STARTED] & ~(recorded | unfinished)) == 0); /* what had begun is there */
    CHECK((world.results[KEPT] & ~recorded) == 0); /* and what had ended is not open */
    struct otlite_region next;
    struct otlite_region_options options = region.options;
    struct otlite_adoption told;
    options.wake = NULL;
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(otlite_region_adopt(&next, copy, OTLITE_REGION_MIN, &options, &told) == OTLITE_OK);
        CHECK(told.records == records && told.damaged == 0);
        CHECK(told.unfinished == (i == 0 ? (uint32_t)__builtin_popcount(unfinished) : 0));
    }
    CHECK(otlite_region_count(&next) == records);
}

void spans_told(void)
{
    memcpy(copy, world.memory, sizeof copy);
    recover_spans();
    for (unsigned i = 0; memcpy(copy, world.memory, sizeof copy), memory_undo(copy, i); i++)
        recover_spans();
}

void spans_end(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    CHECK(stats.recorded == 2 && stats.pending == 2);
    CHECK(stats.open_used + stats.open_missed == 0);
}

/* ---- crowd: more spans than entries ---- */

void crowd_begin(void)
{
    expect_open(2);
    open_region(2, 2, 1, OTLITE_OVERWRITE_OLDEST);
}

static void open_two(uint32_t number)
{
    struct otlite_span span[2];
    for (uint32_t i = 0; i < 2; i++)
        (void)open_span(&span[i], number, true);
    for (uint32_t i = 0; i < 2; i++)
        CHECK(span[i].open == 0 || is_open(&span[i]));
}

void crowd_first(void)
{
    open_two(1);
}

void crowd_second(void)
{
    open_two(2);
}
