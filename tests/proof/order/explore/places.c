/* places.c - who collects a record sees that somebody asks after it, and what no batch had is told by its place */
#include "setting.h"

_Static_assert(sizeof(struct otlite_place) == 16, "four words of what is noted");

enum { PLACED = 4 };

/* Among what is noted: a state is kept with it. */
static struct otlite_place *place_of(uint32_t number)
{
    return (struct otlite_place *)(void *)&world.results[PLACES + 4 * number];
}

void places_begin(void)
{
    open_region(2, 2, 1, OTLITE_OVERWRITE_OLDEST);
}

static void record_placed(uint32_t number)
{
    struct otlite_place *place = place_of(number);
    *place = (struct otlite_place){.chunk = NO_CHUNK, .loss = OTLITE_LOSSES};
    enum otlite_status status = append_placed(number, place);
    CHECK((status == OTLITE_OK) == (place->loss == OTLITE_LOSSES));
    note(number, status);
}

void place_two(void)
{
    record_placed(0);
    record_placed(1);
}

void place_two_more(void)
{
    record_placed(2);
    record_placed(3);
}

/* Those of `held` that the parts of a batch are about. */
static uint32_t placed_in(const struct otlite_batch *batch, uint32_t held)
{
    struct otlite_part part;
    uint32_t told = 0;
    for (uint32_t next = 0; otlite_batch_watched(&region, batch, &next, &part);)
        for (uint32_t i = 0; i < PLACED; i++) {
            const struct otlite_place *place = place_of(i);
            if ((held >> i & 1) != 0 && place->chunk == part.chunk &&
                place->generation == part.generation && place->record >= part.from &&
                place->record < part.to)
                told |= 1u << i;
        }
    return told;
}

void export_placed(void)
{
    struct otlite_batch batch;
    for (int i = 0; i < 2 && collect(&region, &batch) == OTLITE_OK; i++) {
        uint32_t before = world.results[EXPORTED];
        read_body(&batch);
        uint32_t held = world.results[EXPORTED] & ~before;
        CHECK(placed_in(&batch, held) == held);
        otlite_batch_acknowledge(&region, &batch, 0);
        world.results[SETTLED] = world.results[EXPORTED];
    }
}

/* Of those that no batch had, the ones that are kept are pending. */
void places_end(void)
{
    struct otlite_stats stats;
    uint64_t kept = 0;
    for (uint32_t i = 0; i < PLACED; i++)
        if ((world.results[KEPT] & ~world.results[EXPORTED]) >> i & 1)
            kept += otlite_place_kept(&region, place_of(i));
    otlite_region_stats(&region, &stats);
    CHECK(kept == stats.pending);
    balance();
}
