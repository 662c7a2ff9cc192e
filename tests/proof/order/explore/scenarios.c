/* scenarios.c - what the explorer's threads do */
#include "setting.h"

/* ---- overwrite ---- */

static void overwrite_begin(void)
{
    open_region(3, 2, 1, OTLITE_OVERWRITE_OLDEST);
}

static void newest_begin(void)
{
    open_region(3, 2, 1, OTLITE_DROP_NEWEST);
}

static void three_records(void)
{
    for (uint32_t i = 0; i < 3; i++)
        record(i);
}

static void three_more(void)
{
    for (uint32_t i = 3; i < 6; i++)
        record(i);
}

/* ---- tight: two chunks, so that each writer meets the other's and the exporter's ---- */

static void tight_begin(void)
{
    open_region(2, 2, 1, OTLITE_OVERWRITE_OLDEST);
    record(10); /* a full chunk to begin with */
    record(11);
}

static void one_record(void)
{
    record(0);
}

static void two_records(void)
{
    record(1);
    record(2);
}

static void export_thrice(void)
{
    export_twice();
    (void)export_once();
}

/* ---- release: the exporter backs off, and pins again ---- */

static void export_again(void)
{
    struct otlite_batch batch;
    if (collect(&region, &batch) != OTLITE_OK)
        return;
    otlite_batch_offer(&region, &batch);
    otlite_batch_release(&region, &batch);
    enum otlite_status status = otlite_batch_repin(&region, &batch);
    CHECK(status == OTLITE_OK || status == OTLITE_GONE);
    if (status == OTLITE_OK) {
        read_body(&batch);
        otlite_batch_acknowledge(&region, &batch, 0);
    }
}

/* ---- drop: a batch is given up, and what another offer left without an answer is counted ---- */

static void lose_one(void)
{
    world.results[BEGUN]++;
    world.results[GONE]++;
    otlite_region_lost(&region, OTLITE_LOSS_SHUTDOWN);
}

static void record_and_lose(void)
{
    record(0);
    lose_one();
}

static void record_two_and_lose(void)
{
    two_records();
    lose_one();
}

static void offer_and_drop(void)
{
    struct otlite_batch batch;
    if (collect(&region, &batch) != OTLITE_OK)
        return;
    uint32_t before = world.results[EXPORTED];
    read_body(&batch);
    world.results[OFFERED] |= world.results[EXPORTED];
    world.results[EXPORTED] = before;
    otlite_batch_offer(&region, &batch);
    otlite_batch_release(&region, &batch);
    if (collect(&region, &batch) != OTLITE_OK)
        return;
    read_body(&batch);
    world.results[OFFERED] |= world.results[EXPORTED];
    world.results[EXPORTED] = before;
    otlite_batch_offer(&region, &batch);
    world.results[GIVEN_UP] = batch.records;
    otlite_batch_drop(&region, &batch, OTLITE_LOSS_SHUTDOWN, false);
}

/* Of what was offered, all that was not exported in the end is counted as unanswered. */
static void drop_end(void)
{
    struct otlite_stats stats;
    balance();
    otlite_region_stats(&region, &stats);
    CHECK(stats.unanswered ==
          (uint32_t)__builtin_popcount(world.results[OFFERED] & ~world.results[EXPORTED]));
}

/* ---- wake: nobody sleeps through a record ---- */

static void wake(void *context)
{
    (void)context;
    explore_post(posts);
}

static void wake_begin(void)
{
    open_region(3, 2, 1, OTLITE_OVERWRITE_OLDEST);
    region.options.wake = wake;
}

static void sleep_and_export(enum otlite_wake event)
{
    for (int i = 0; i < 2; i++) {
        if (!otlite_region_arm(&region, event))
            explore_wait(posts);
        (void)export_once();
    }
}

static void sleep_for_any(void)
{
    sleep_and_export(OTLITE_WAKE_ANY);
}

static void sleep_for_chunk(void)
{
    sleep_and_export(OTLITE_WAKE_CHUNK);
}

/* Whoever waits still, waits with reason. */
static void slept_well(void)
{
    uint32_t armed = region.header->wake, ready = 0;
    for (uint32_t i = 0; i < region.chunk_count; i++) {
        const struct otlite_chunk *chunk = &region.chunks[i];
        if (armed == OTLITE_WAKE_ANY ? chunk_readable(chunk->state)
                                     : chunk_is(chunk->state, CHUNK_COMPLETE))
            ready += chunk->committed - chunk->acked;
    }
    CHECK(armed == OTLITE_WAKE_NEVER || ready == 0);
    balance();
}

/* ---- chain: a record of two chunks, overwritten or exported whole ---- */

static void chain_begin(void)
{
    open_region(8, 2, 1, OTLITE_OVERWRITE_OLDEST);
    region.chunk_count = 8;
    note(24, append(24, LONG, scope, 0));
    for (uint32_t i = 10; i < 20; i++)
        record(i);
}

static void chain_first(void)
{
    note(25, append(25, LONG, scope, 0));
}

static void chain_second(void)
{
    note(26, append(26, LONG, scope, 0));
}

/* ---- table: a scope's entry changes hands while records are made under it ---- */

static void table_begin(void)
{
    open_region(3, 2, 3, OTLITE_OVERWRITE_OLDEST);
    uint32_t other;
    CHECK(otlite_scope_register(&region, "Sc01", 4, NULL, 0, &other) == OTLITE_OK);
    CHECK(otlite_scope_register(&region, "Sc02", 4, NULL, 0, &other) == OTLITE_OK);
}

static void table_writer(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        enum otlite_status status = append(i, RECORD, scope, 0);
        if (status != OTLITE_STALE)
            note(i, status);
    }
}

static void table_registrar(void)
{
    uint32_t handle;
    for (uint32_t name = 3; name < 5; name++) {
        char text[] = {'S', 'c', '0', (char)('0' + name)};
        enum otlite_status status = otlite_scope_register(&region, text, 4, NULL, 0, &handle);
        CHECK(status == OTLITE_OK || status == OTLITE_TABLE_FULL || status == OTLITE_BUSY);
        if (status != OTLITE_OK)
            continue;
        status = append(name, RECORD, handle, name);
        if (status != OTLITE_STALE)
            note(name, status);
    }
}

/* ---- registrars: two threads register; one of them finds the table busy ---- */

static void register_one(uint32_t name)
{
    uint32_t handle;
    char text[] = {'S', 'c', '0', (char)('0' + name)};
    enum otlite_status status = otlite_scope_register(&region, text, 4, NULL, 0, &handle);
    CHECK(status == OTLITE_OK || status == OTLITE_TABLE_FULL || status == OTLITE_BUSY);
}

static void registrar_first(void)
{
    register_one(3);
}

static void registrar_second(void)
{
    register_one(4);
}

static void count_used(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    CHECK(stats.scopes_used <= 3);
}

/* ---- collectors: two threads collect; one at a time gets a batch ---- */

static void collectors_begin(void)
{
    open_region(3, 2, 1, OTLITE_OVERWRITE_OLDEST);
    record(10);
    record(11);
    record(12);
}

static void idle_begin(void)
{
    open_region(2, 2, 1, OTLITE_OVERWRITE_OLDEST);
}

static void collect_if_idle(void)
{
    struct otlite_batch batch;
    enum otlite_status status = collect(&region, &batch);
    CHECK(status == OTLITE_OK || status == OTLITE_EMPTY || status == OTLITE_BUSY);
    if (status == OTLITE_OK) {
        read_body(&batch);
        otlite_batch_acknowledge(&region, &batch, 0);
    }
}

/* ---- pair: two collect, each from another chunk that is being filled ---- */

static void pair_begin(void)
{
    open_region(3, 2, 1, OTLITE_OVERWRITE_OLDEST);
    record(10);
    region.slots[0].turn++; /* as if another had it */
    record(11);
    region.slots[0].turn--;
}

/* ---- busy: one who has a batch asks for another, and is refused ---- */

static void collect_twice(void)
{
    struct otlite_batch batch, more;
    enum otlite_status status = collect(&region, &batch);
    CHECK(status == OTLITE_OK || status == OTLITE_EMPTY || status == OTLITE_BUSY);
    if (status == OTLITE_OK) {
        CHECK(collect(&region, &more) == OTLITE_BUSY);
        read_body(&batch);
        otlite_batch_acknowledge(&region, &batch, 0);
    }
}

/* ---- clock: a writer takes its times while the anchor moves ---- */

#define STEPPED UINT32_C(2000000000)

static void clock_reader(void)
{
    uint8_t anchor;
    uint64_t time = otlite_region_clock(&region, 1000, &anchor);
    CHECK(time == (anchor == 0 ? 1000 : STEPPED + 1000));
    CHECK(otlite_region_clock_at(&region, 1000, anchor) == time);
    record(0);
}

static void clock_mover(void)
{
    world.results[WALL] = STEPPED;
    (void)otlite_region_reanchor(&region, 1000000);
    (void)export_once();
}

/* ---- open: an entry is filled and emptied by two threads, while scopes change hands ---- */

static void open_begin(void)
{
    expect_open(1);
    table_begin();
}

static void open_and_end(uint32_t number)
{
    struct otlite_span span;
    for (uint32_t i = 0; i < 2; i++) {
        if (open_span(&span, number, false) != OTLITE_OK)
            continue;
        CHECK(is_open(&span));
        otlite_open_end(&region, span.open);
    }
}

static void open_first(void)
{
    open_and_end(1);
}

static void open_second(void)
{
    open_and_end(2);
}

static void give_scopes_away(void)
{
    for (uint32_t name = 3; name < 5; name++)
        register_one(name);
}

static void open_end(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    CHECK(stats.open_missed == world.results[MISSED]);
    CHECK(stats.open_cut == world.results[CUT]);
    CHECK(stats.open_used == world.results[CUT]);
}

const struct scenario scenarios[] = {
    {"places",
     "two writers whose records have places, an exporter, two chunks",
     places_begin,
     {place_two, place_two_more, export_placed},
     places_end,
     NULL,
     false},
    {"overwrite",
     "two writers of three records each, an exporter, three chunks",
     overwrite_begin,
     {three_records, three_more, export_twice},
     balance,
     killed_here,
     false},
    {"newest",
     "the same, but what is full drops the newest",
     newest_begin,
     {three_records, three_more, export_twice},
     balance,
     killed_here,
     false},
    {"tight",
     "two chunks, full to begin with",
     tight_begin,
     {one_record, two_records, export_thrice},
     balance,
     killed_here,
     false},
    {"release",
     "an exporter that backs off and pins its batch again",
     tight_begin,
     {one_record, two_records, export_again},
     balance,
     killed_here,
     false},
    {"drop",
     "an exporter that gives a batch up, and writers that have lost a record",
     tight_begin,
     {record_and_lose, record_two_and_lose, offer_and_drop},
     drop_end,
     killed_here,
     false},
    {"wake",
     "an exporter that sleeps until the next record",
     wake_begin,
     {one_record, two_records, sleep_for_any},
     slept_well,
     killed_here,
     false},
    {"chunk",
     "an exporter that sleeps until a chunk is full",
     wake_begin,
     {three_records, NULL, sleep_for_chunk},
     slept_well,
     killed_here,
     false},
    {"chain",
     "records of two chunks where there is room for four",
     chain_begin,
     {chain_first, chain_second, export_twice},
     balance,
     killed_here,
     false},
    {"table",
     "an entry of the table changes hands under a writer",
     table_begin,
     {table_writer, table_registrar, export_twice},
     balance,
     killed_here,
     false},
    {"registrars",
     "two threads that register at once",
     table_begin,
     {registrar_first, registrar_second, NULL},
     balance,
     killed_here,
     false},
    {"statistics",
     "a snapshot is taken meanwhile",
     overwrite_begin,
     {three_records, count_used, export_twice},
     balance,
     killed_here,
     false},
    {"collectors",
     "two threads that collect at once",
     collectors_begin,
     {one_record, collect_if_idle, collect_if_idle},
     balance,
     killed_here,
     false},
    {"pair",
     "two threads that collect, each from another chunk",
     pair_begin,
     {NULL, collect_if_idle, collect_if_idle},
     balance,
     killed_here,
     false},
    {"busy",
     "two threads that collect, of which one asks for more",
     collectors_begin,
     {one_record, collect_twice, collect_if_idle},
     balance,
     killed_here,
     false},
    {"idle",
     "two threads that collect, and find nothing",
     idle_begin,
     {NULL, collect_if_idle, collect_if_idle},
     balance,
     killed_here,
     false},
    {"clock",
     "the clock's anchor moves under a writer",
     overwrite_begin,
     {clock_reader, NULL, clock_mover},
     balance,
     killed_here,
     false},
    {"durable",
     "two chunks, full to begin with, of a region that outlives its process",
     durable_begin,
     {one_record, two_records, offer_and_export},
     balance,
     recovered_here,
     false},
    {"links",
     "a record of two chunks there, which overwrites one",
     links_begin,
     {chain_first, NULL, export_first},
     balance,
     recovered_here,
     false},
    {"sealed",
     "an entry of the table there, of which the seals tell, changes hands",
     sealed_begin,
     {table_writer, table_registrar, export_first},
     balance,
     recovered_here,
     false},
    {"adopted",
     "what a killed process left, one record of it damaged, is overwritten and exported",
     adopted_begin,
     {one_record, two_records, export_twice},
     balance,
     recovered_here,
     false},
    {"adoption",
     "one thread adopts what was left in every state",
     dead_begin,
     {adopt_region, NULL, NULL},
     adopted_whole,
     adopted_here,
     true},
    {"room",
     "one thread adopts a full table of resources",
     full_begin,
     {adopt_region, NULL, NULL},
     adopted_whole,
     adopted_here,
     true},
    {"creation",
     "one thread makes a region, over the records of another",
     litter,
     {create, NULL, NULL},
     created,
     created_here,
     true},
    {"signal",
     "SIGTERM comes while a thread begins to wait for it",
     signal_begin,
     {watch_term, receive_term, NULL},
     has_ended_or_woken,
     NULL,
     false},
    {"ceasing",
     "SIGTERM comes while a thread ceases to wait for it",
     watched_begin,
     {watch_no_more_term, receive_term, NULL},
     has_ended,
     NULL,
     false},
    {"signals",
     "SIGTERM comes to two threads at once",
     watched_begin,
     {NULL, receive_term, receive_term},
     has_ended_or_woken,
     NULL,
     false},
    {"open",
     "two threads with one entry for an open span, and scopes that are given away",
     open_begin,
     {open_first, open_second, give_scopes_away},
     open_end,
     killed_here,
     false},
    {"crowd",
     "two threads that open two spans each where there is room for two",
     crowd_begin,
     {crowd_first, crowd_second, NULL},
     open_end,
     killed_here,
     false},
    {"spans",
     "two threads, each of whose spans is open, then recorded; the one takes a new name",
     spans_begin,
     {span_first, span_second, NULL},
     spans_end,
     spans_told,
     false},
    {0},
};
