/* durable.c - what the threads of durable regions do, where the others of scenarios.c do not do it, and what they find */
#include <string.h>

#include "setting.h"

/* ---- durable, links, sealed: what is killed there is recovered ---- */

void durable_begin(void)
{
    open_durable(2, 1);
    record(10);
    record(11);
}

/* What was sent without an answer may have arrived: who adopts it is told so. */
void offer_and_export(void)
{
    struct otlite_batch batch;
    if (collect(&region, &batch) != OTLITE_OK)
        return;
    otlite_batch_offer(&region, &batch);
    explore_system_call(); /* which sends it */
    world.results[OFFERED] = records_of(&batch, 0);
    otlite_batch_release(&region, &batch);
    (void)export_once();
}

void links_begin(void)
{
    open_durable(8, 1);
    note(24, append(24, LONG, scope, 0));
    for (uint32_t i = 10; i < 20; i++)
        record(i);
}

void export_first(void)
{
    (void)export_once();
}

void sealed_begin(void)
{
    uint32_t other;
    open_durable(3, 3);
    CHECK(otlite_scope_register(&region, "Sc01", 4, NULL, 0, &other) == OTLITE_OK);
    CHECK(otlite_scope_register(&region, "Sc02", 4, NULL, 0, &other) == OTLITE_OK);
}

/* ---- adopted: threads go on where another process was killed ---- */

void adopted_begin(void)
{
    open_durable(3, 2);
    for (uint32_t i = 10; i < 14; i++)
        record(i);
    chunk_data(&region, 0)[0] ^= 1;
    world.results[BROKEN] = 1u << 10;
    adopt_region();
    register_first();
    world.results[BEGUN] = 0;
}

/* ---- adoption, room: one thread adopts, and is killed at each store ---- */

/* What a killed process leaves of every kind (recover.c), with what it had counted itself. */
void dead_begin(void)
{
    open_durable(8, 2);
    for (uint32_t i = 0; i < 6; i++)
        record(i);
    note(24, append(24, LONG, scope, 0));
    record(6);
    struct otlite_chunk *chunks = region.chunks;
    chunks[0].offered = 2;
    chunks[0].acked = 1;
    chunks[1].state = (chunks[1].state & ~(uint32_t)CHUNK_STATE) | CHUNK_TAKEN;
    chunks[2].resource = 77; /* damaged */
    chunks[6].state = CHUNK_LINK;
    region.slots[0].turn++;
    struct otlite_header *header = region.header;
    header->collecting = header->registering = header->batch_pinned = 1;
    header->lost[OTLITE_LOSS_DAMAGED] = header->lost[OTLITE_LOSS_OVERWRITTEN] = 99;
    world.results[BROKEN] = 1 << 4 | 1 << 5;
    world.results[KEPT] &= ~world.results[BROKEN] & ~1u;
}

/* The table of resources is full. */
void full_begin(void)
{
    open_durable(8, 2);
    record(0);
    record(1);
    note(24, append(24, LONG, scope, 0));
    register_resource("Ssss");
    record(2);
    region.chunks[0].offered = region.chunks[0].acked = 1;
    region.header->lost[OTLITE_LOSS_OVERWRITTEN] = 99;
    world.results[KEPT] &= ~1u;
    world.results[GONE] = 2;
}

/* ---- creation: one thread makes a region where anything lies ---- */

void litter(void)
{
    durable_begin();
    memset(region.header, 0, sizeof *region.header);
}

void create(void)
{
    struct otlite_region new;
    CHECK(otlite_region_init(&new, world.memory, OTLITE_REGION_MIN, &region.options) == OTLITE_OK);
}

void created(void)
{
    CHECK(otlite_region_check(world.memory, OTLITE_REGION_MIN) == OTLITE_OK);
}
