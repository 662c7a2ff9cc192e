/* deaths.c - what the next process finds when this one is killed: in each state, and with each late store missing
 *
 * The shipped recovery reads a copy of the memory, then adopts it, twice, and sends what there is. A state's memory has
 * the stores of each thread in order, as they were executed; the logs of memory.c say which of them may yet be
 * missing. Of those at most one is, at a time.
 */
#include <stdalign.h>
#include <string.h>

#include "setting.h"

static alignas(64) uint32_t copy[WORDS];

/* Sets of records. */
struct left {
    uint32_t pending, offered, damaged;
};

static uint32_t count(uint32_t set)
{
    return (uint32_t)__builtin_popcount(set);
}

static uint32_t read_record(const struct otlite_image *image, const struct otlite_found *found)
{
    uint32_t words[LONG / 4] = {0};
    for (size_t at = 0; at < found->size;) {
        struct otlite_segment part = otlite_image_bytes(image, found, at);
        bool fits = part.size != 0 && part.size <= sizeof words - at;
        CHECK(fits);
        if (!fits)
            return 0;
        memcpy((uint8_t *)words + at, part.data, part.size);
        at += part.size;
    }
    uint32_t word = whole((const uint8_t *)words, found->size);
    CHECK(found->size == ((word & NUMBER) < 24 ? RECORD : LONG));
    CHECK(found->scope.size == 4 &&
          ((const uint8_t *)found->scope.data)[3] == '0' + (word >> SCOPE_SHIFT & 0xff));
    return 1u << (word & NUMBER);
}

/* By image.c, which does not write. */
static struct left read_image(void)
{
    struct otlite_image image;
    struct otlite_found found;
    struct left left = {0};
    CHECK(otlite_image_open(&image, copy, OTLITE_REGION_MIN) == OTLITE_OK);
    while (otlite_image_next(&image, &found)) {
        if (found.fate == OTLITE_ACKNOWLEDGED)
            continue;
        uint32_t record = read_record(&image, &found);
        CHECK((left.pending & record) == 0);
        left.pending |= record;
        left.offered |= found.fate == OTLITE_OFFERED ? record : 0;
    }
    left.damaged = (uint32_t)image.damaged;
    CHECK((left.pending & ~world.results[STARTED]) == 0); /* none invented */
    CHECK((left.pending & world.results[SETTLED]) == 0);  /* none that was done with */
    uint32_t sent = world.results[OFFERED] | world.results[EXPORTED];
    CHECK((left.pending & sent & ~left.offered) == 0);
    return left;
}

static struct otlite_adoption adopt(struct otlite_region *next)
{
    struct otlite_region_options options = region.options;
    struct otlite_adoption told = {0};
    options.wake = NULL;
    CHECK(otlite_region_adopt(next, copy, OTLITE_REGION_MIN, &options, &told) == OTLITE_OK);
    return told;
}

/* All that an adopted region sends. */
static uint32_t drain(struct otlite_region *next)
{
    struct otlite_batch batch;
    uint32_t sent = 0;
    while (collect(next, &batch) == OTLITE_OK) {
        sent = records_of(&batch, sent);
        otlite_batch_acknowledge(next, &batch, 0);
    }
    for (uint32_t i = 0; i < next->chunk_count; i++)
        CHECK(chunk_is(next->chunks[i].state, CHUNK_FREE));
    return sent;
}

static void recover(void)
{
    explore_deaths++;
    const uint32_t *results = world.results;
    struct otlite_region next;
    struct otlite_stats stats;
    struct left left = read_image();
    const uint32_t *lost = ((const struct otlite_header *)(const void *)copy)->lost;
    uint32_t gone = lost[OTLITE_LOSS_OVERWRITTEN] + lost[OTLITE_LOSS_DAMAGED];
    (void)adopt(&next);
    struct otlite_adoption told = adopt(&next);
    CHECK(told.damaged == 0);
    /* Of a chunk that was being overwritten too, which image.c says nothing of. */
    uint32_t damaged = (uint32_t)told.records - count(left.pending);
    CHECK(damaged >= left.damaged && damaged <= count(results[BROKEN]));
    /* What append returned OK for is there, was sent, or is counted. */
    CHECK(count(results[KEPT] & ~results[EXPORTED] & ~left.pending) <= gone + damaged);
    CHECK(told.offered >= count(left.offered));
    CHECK(drain(&next) == left.pending);
    otlite_region_stats(&next, &stats);
    CHECK(stats.pending == 0 && stats.adopted == told.records);
    CHECK(stats.dropped[OTLITE_LOSS_DAMAGED] == damaged);
}

void recovered_here(void)
{
    memcpy(copy, world.memory, sizeof copy);
    recover();
    for (unsigned i = 0; memcpy(copy, world.memory, sizeof copy), memory_undo(copy, i); i++)
        recover();
}

/* ---- While thread A adopts ---- */

/* Whoever adopts next finds each record, or counts it: once too often rather than not at all. An adoption that is over
 * has counted by itself; what the dead process had counted of its own is no part of that. */
static void adopt_again(void)
{
    const uint32_t *results = world.results;
    explore_deaths++;
    const struct otlite_header header = *(const struct otlite_header *)(const void *)copy;
    struct otlite_region next;
    struct otlite_stats stats;
    uint32_t broken = count(results[BROKEN]), gone = results[GONE];
    uint32_t records = (uint32_t)adopt(&next).records, sent = drain(&next);
    otlite_region_stats(&next, &stats);
    uint32_t overwritten = (uint32_t)stats.dropped[OTLITE_LOSS_OVERWRITTEN];
    uint32_t damaged = (uint32_t)stats.dropped[OTLITE_LOSS_DAMAGED];
    uint32_t missing = count(results[KEPT] & ~sent);
    CHECK((sent & ~results[KEPT]) == 0);
    CHECK(records == count(sent) && stats.pending == 0);
    CHECK(stats.adopted == records + damaged + overwritten);
    CHECK(missing <= gone && overwritten + damaged <= 2 * (gone + broken));
    if (header.adopting == 0) {
        damaged += header.lost[OTLITE_LOSS_DAMAGED];
        overwritten += header.lost[OTLITE_LOSS_OVERWRITTEN];
    }
    CHECK(missing + broken <= overwritten + damaged);
}

void adopted_here(void)
{
    memcpy(copy, world.memory, sizeof copy);
    adopt_again();
    for (unsigned i = 0; memcpy(copy, world.memory, sizeof copy), memory_undo(copy, i); i++)
        adopt_again();
}

void adopted_whole(void)
{
    struct otlite_stats stats;
    while (export_once()) {
    }
    otlite_region_stats(&region, &stats);
    CHECK(stats.dropped[OTLITE_LOSS_DAMAGED] == count(world.results[BROKEN]));
    CHECK(stats.dropped[OTLITE_LOSS_OVERWRITTEN] == world.results[GONE]);
    CHECK(count(world.results[KEPT] & ~world.results[EXPORTED]) == world.results[GONE]);
    CHECK(stats.pending == 0 && otlite_region_count(&region) == 0);
}

/* ---- While thread A makes a region ---- */

static void open_unfinished(void)
{
    struct otlite_image image;
    struct otlite_found found;
    struct otlite_region next;
    explore_deaths++;
    if (otlite_image_open(&image, copy, OTLITE_REGION_MIN) != OTLITE_OK)
        return;
    CHECK(!otlite_image_next(&image, &found) && image.damaged == 0);
    struct otlite_adoption told = adopt(&next);
    CHECK(told.records == 0 && told.damaged == 0);
}

void created_here(void)
{
    memcpy(copy, world.memory, sizeof copy);
    open_unfinished();
    for (unsigned i = 0; memcpy(copy, world.memory, sizeof copy), memory_undo(copy, i); i++)
        open_unfinished();
}
