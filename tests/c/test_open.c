/* test_open.c - spans that are open: what a successor is told of them, whatever became of the process
 *
 * Processes that die: test_open_kills.c. Includes layout.h, to change what lies in a region.
 */
#define _GNU_SOURCE
#include "wall.h"

#include "opening.h"

/* ---- What is told ---- */

static uint8_t copy[SIZE];

static void test_what_was_open(void)
{
    open_region(SIZE, 1000, 0);
    CHECK_EQUAL(stats_now().open_spans, SIZE / 4096); /* no more than that */
    CHECK_EQUAL(otlite_region_open_spans(memory, size), SIZE / 4096);
    CHECK_EQUAL(otlite_region_open_spans(memory, size - 1), 0); /* it is cut */
    open_some(0, OPEN);
    for (uint32_t number = 0; number < OPEN; number += 2)
        CHECK_EQUAL(end_number(&recorder, number, &spans[number]), OTLITE_OK);
    for (uint32_t number = 1; number < OPEN; number += 10)
        otlite_open_end(&recorder.region, spans[number].open);
    CHECK_EQUAL(stats_now().open_used, OPEN / 2 - OPEN / 10);
    CHECK_EQUAL(stats_now().recorded, OPEN / 2);
    memcpy(copy, memory, SIZE);
    for (int again = 0; again < 3; again++) {
        CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
        CHECK(memcmp(memory, copy, SIZE) == 0);
        CHECK_EQUAL(opened.wrong + opened.damaged, 0);
        CHECK_EQUAL(opened.spans, OPEN - OPEN / 10);
        CHECK_EQUAL(opened.in_table, OPEN / 2 - OPEN / 10);
    }
    for (uint32_t number = 0; number < OPEN; number++) {
        CHECK_EQUAL(opened.recorded[number], number % 2 == 0);
        CHECK_EQUAL(opened.unfinished[number], number % 2 == 1 && number % 10 != 1);
    }
    for (int again = 0; again < 3; again++) {
        struct otlite_adoption told = adopt(0);
        CHECK_EQUAL(told.records, OPEN - OPEN / 10);
        CHECK_EQUAL(told.unfinished, again == 0 ? OPEN / 2 - OPEN / 10 : 0);
        CHECK_EQUAL(told.damaged + told.offered, 0);
        CHECK_EQUAL(balanced_stats(&recorder.region).adopted, OPEN - OPEN / 10);
        CHECK_EQUAL(stats_now().open_used, 0);
        CHECK_EQUAL(stats_now().open_spans, SIZE / 4096);
    }
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.wrong, 0);
    CHECK_EQUAL(opened.spans, OPEN - OPEN / 10);
    CHECK_EQUAL(times(opened.unfinished, 0, OPEN), OPEN / 2 - OPEN / 10);
    CHECK_EQUAL(balanced_stats(&recorder.region).chunks_used, 0);
    register_all(&recorder, "");
    open_some(0, OPEN); /* and on */
    CHECK_EQUAL(adopt(0).unfinished, OPEN);
}

static void test_without_a_table(void)
{
    open_region(SIZE, 0, 0);
    open_some(0, 3);
    CHECK_EQUAL(spans[0].open, 0);
    otlite_open_end(&recorder.region, 0);
    otlite_open_end(&recorder.region, 1);
    CHECK_EQUAL(end_number(&recorder, 0, &spans[0]), OTLITE_OK);
    CHECK_EQUAL(stats_now().open_spans + stats_now().open_used + stats_now().open_missed, 0);
    CHECK_EQUAL(adopt(0).unfinished, 0);
}

/* Whichever span had its record when the process died, and not yet the end of its entry: it is there once. */
static void test_a_record_without_its_end(void)
{
    for (uint32_t number = 0; number < OPEN; number++) {
        if (number % 16 == 15) /* a chain is published with its end: test_open_kills.c */
            continue;
        open_region(SIZE, 1000, 0);
        open_some(0, OPEN);
        struct otlite_span span = spans[number];
        span.open = 0;
        CHECK_EQUAL(end_number(&recorder, number, &span), OTLITE_OK);
        CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
        CHECK_EQUAL(opened.wrong + opened.damaged, 0);
        CHECK_EQUAL(opened.spans, OPEN);
        CHECK(opened.recorded[number] == 1 && opened.unfinished[number] == 0);
        struct otlite_adoption told = adopt(0);
        CHECK_EQUAL(told.unfinished, OPEN - 1);
        CHECK_EQUAL(told.records, OPEN);
        CHECK_EQUAL(stats_now().open_used, 0);
        drain_opened(&recorder.region, &opened);
        CHECK_EQUAL(opened.wrong, 0);
        CHECK_EQUAL(times(opened.unfinished, 0, OPEN), OPEN - 1);
        CHECK(opened.recorded[number] == 1 && opened.unfinished[number] == 0);
    }
}

/* Nor when of the entries before it, a word's worth at a time, none is open. */
static void test_a_record_without_its_end_among_others(void)
{
    for (uint32_t number = 0; number < OPEN; number++) {
        if (number / 32 % 2 == 0 || number % 16 == 15)
            continue;
        open_region(SIZE, 1000, 0);
        open_some(0, OPEN);
        for (uint32_t other = 0; other < OPEN; other++)
            if (other / 32 % 2 == 0)
                CHECK_EQUAL(end_number(&recorder, other, &spans[other]), OTLITE_OK);
        spans[number].open = 0;
        CHECK_EQUAL(end_number(&recorder, number, &spans[number]), OTLITE_OK);
        CHECK_EQUAL(adopt(0).unfinished, 32 + OPEN % 32 - 1);
        drain_opened(&recorder.region, &opened);
        CHECK(opened.recorded[number] == 1 && opened.unfinished[number] == 0);
    }
}

/* Nor is it told of twice when its record is not in the first chunk. */
static void test_a_record_elsewhere_without_its_end(void)
{
    struct otlite_span span;
    open_region(SIZE, 1000, 0);
    open_some(0, 2);
    uint32_t number = 2;
    for (; stats_now().chunks_used < 3; number++) {
        CHECK_EQUAL(open_number(&recorder, number, &span), OTLITE_OK);
        CHECK_EQUAL(end_number(&recorder, number, &span), OTLITE_OK);
    }
    spans[0].open = 0;
    CHECK_EQUAL(end_number(&recorder, 0, &spans[0]), OTLITE_OK);
    struct otlite_adoption told = adopt(0);
    CHECK_EQUAL(told.unfinished, 1);
    CHECK_EQUAL(told.records, number);
}

/* Nor when it is a chain, and its process died before it was published. */
static void test_a_chain_that_was_not_published(void)
{
    uint32_t chains = 0;
    open_region(SIZE, 1000, 0);
    open_some(0, 16);
    spans[15].open = 0;
    CHECK_EQUAL(end_number(&recorder, 15, &spans[15]), OTLITE_OK);
    for (uint32_t i = 0; i < recorder.region.chunk_count; i++) {
        struct otlite_chunk *chunk = &recorder.region.chunks[i];
        if (!chunk_is(chunk->state, CHUNK_COMPLETE))
            continue;
        chunk->state = (chunk->state & ~(uint32_t)CHUNK_STATE) | CHUNK_TAKEN;
        chains++;
    }
    CHECK_EQUAL(chains, 1);
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK(opened.recorded[15] == 1 && opened.unfinished[15] == 0);
    struct otlite_adoption told = adopt(0);
    CHECK_EQUAL(told.unfinished, 15);
    CHECK_EQUAL(told.records, 16);
}

/* Nor in a table of one place. */
static void test_one_place(void)
{
    open_region(SIZE, 1, 0);
    open_some(0, 1);
    spans[0].open = 0;
    CHECK_EQUAL(end_number(&recorder, 0, &spans[0]), OTLITE_OK);
    struct otlite_adoption told = adopt(0);
    CHECK_EQUAL(told.unfinished, 0);
    CHECK_EQUAL(told.records, 1);
}

/* A record that says it is longer than its chunk hides nobody's entry. */
static void test_a_record_beyond_its_chunk(void)
{
    open_region(SIZE, 1000, 0);
    open_some(0, 3);
    struct otlite_span span = spans[1];
    span.open = 0;
    CHECK_EQUAL(end_number(&recorder, 1, &span), OTLITE_OK);
    for (uint32_t i = 0; i < recorder.region.chunk_count; i++)
        if (recorder.region.chunks[i].committed == 1)
            chunk_index(&recorder.region, i, 0)->end =
                recorder.region.chunk_size - (uint32_t)sizeof(struct record_index) + 1;
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.damaged, 1);
    CHECK_EQUAL(times(opened.unfinished, 0, 3), 3);
    CHECK_EQUAL(adopt(0).unfinished, 3);
}

/* Identifiers of spans may come again in other traces: neither a record nor a new name ends another trace's span. */
static void test_a_span_id_in_two_traces(void)
{
    for (int recorded = 0; recorded < 2; recorded++) {
        struct otlite_image image;
        struct otlite_found found;
        uint32_t unfinished = 0;
        open_region(SIZE, 1000, 0);
        open_some(0, 2);
        memcpy(spans[1].span_id, spans[0].span_id, 8);
        spans[1].trace_id[0] ^= 1;
        otlite_open_end(&recorder.region, spans[1].open);
        spans[1].open = 0;
        for (int renamed = 0; renamed < 2 - recorded; renamed++)
            CHECK_EQUAL(otlite_open_begin(&recorder.region, &spans[1], recorder.resource,
                                          recorder.scopes[0]),
                        OTLITE_OK);
        if (recorded)
            CHECK_EQUAL(end_number(&recorder, 1, &spans[1]), OTLITE_OK);
        CHECK_EQUAL(otlite_image_open(&image, memory, size), OTLITE_OK);
        while (otlite_image_next(&image, &found))
            unfinished += found.unfinished;
        CHECK_EQUAL(unfinished, recorded ? 1 : 2);
        CHECK_EQUAL(adopt(0).unfinished, recorded ? 1 : 2);
    }
}

/* Of entries that are damaged each is counted, and all the others are had. */
static void test_damaged_entries_are_counted(void)
{
    for (uint32_t damaged = 0; damaged < 5; damaged++) {
        open_region(SIZE, 1000, 0);
        open_some(0, OPEN);
        for (uint32_t i = 0; i < damaged; i++)
            recorder.region.open[i * 17].trace_id[3] ^= 1;
        CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
        CHECK_EQUAL(opened.damaged, damaged);
        struct otlite_adoption told = adopt(0);
        CHECK_EQUAL(told.damaged, damaged);
        CHECK_EQUAL(told.unfinished, OPEN - damaged);
        CHECK_EQUAL(balanced_stats(&recorder.region).dropped[OTLITE_LOSS_DAMAGED], damaged);
        CHECK_EQUAL(stats_now().open_used, 0);
    }
}

/* ---- Room ---- */

/* Whatever becomes of a record, the entry ends. */
static void test_records_that_are_lost(void)
{
    static uint8_t large[SMALL];
    open_region(SMALL, TABLE, OTLITE_DROP_NEWEST);
    uint32_t number = 0;
    for (;; number++) {
        open_some(number, number + 1);
        if (end_number(&recorder, number, &spans[number]) == OTLITE_DROPPED)
            break;
    }
    CHECK_EQUAL(stats_now().open_used, 0);
    open_some(15, 16);
    CHECK_EQUAL(end_number(&recorder, 15, &spans[15]), OTLITE_DROPPED);
    CHECK_EQUAL(stats_now().open_used, 0);
    open_some(0, 1);
    CHECK_EQUAL(otlite_span_append(&recorder.region, &spans[0], large, sizeof large,
                                   recorder.resource, recorder.scopes[0]),
                OTLITE_DROPPED);
    CHECK_EQUAL(stats_now().open_used, 0);
    CHECK_EQUAL(stats_now().dropped[OTLITE_LOSS_TOO_LARGE], 1);
    for (uint32_t i = 0; i < recorder.region.slot_count; i++)
        recorder.region.slots[i].turn++;
    open_some(0, 2);
    CHECK_EQUAL(end_number(&recorder, 0, &spans[0]), OTLITE_DROPPED);
    CHECK_EQUAL(otlite_span_append(&recorder.region, &spans[1], large, 10, recorder.resource,
                                   recorder.scopes[1]),
                OTLITE_DROPPED);
    CHECK_EQUAL(stats_now().open_used, 0);
    CHECK_EQUAL(stats_now().dropped[OTLITE_LOSS_REENTERED], 2);
    CHECK_EQUAL(adopt(OTLITE_DROP_NEWEST).unfinished, 0);
}

/* Where the dead one left no room, its open spans take that of the oldest, or are counted. */
static void test_adoption_without_room(void)
{
    for (uint32_t on_full = 0; on_full < 2; on_full++) {
        open_region(SMALL, TABLE, OTLITE_DROP_NEWEST);
        open_some(0, TABLE);
        uint32_t number = 100;
        while (record_number(&recorder, number * 14) == OTLITE_OK) /* none of them long */
            number++;
        uint32_t made = number - 100;
        for (int again = 0; again < 2; again++) {
            struct otlite_adoption told = adopt(on_full);
            struct otlite_stats stats = balanced_stats(&recorder.region);
            uint64_t gone = stats.dropped[OTLITE_LOSS_OVERWRITTEN];
            if (again) {
                CHECK_EQUAL(told.unfinished + gone + stats.dropped[OTLITE_LOSS_FULL], 0);
            } else if (on_full == OTLITE_OVERWRITE_OLDEST) {
                CHECK(gone > 0 && gone < made);
                CHECK_EQUAL(told.unfinished, TABLE);
                CHECK_EQUAL(told.records, made - gone + TABLE);
                CHECK_EQUAL(stats.adopted, made + TABLE);
            } else {
                CHECK_EQUAL(stats.dropped[OTLITE_LOSS_FULL], TABLE);
                CHECK_EQUAL(told.unfinished + gone, 0);
                CHECK_EQUAL(told.records, made);
                CHECK_EQUAL(stats.adopted, made + TABLE);
            }
            CHECK_EQUAL(stats.open_used, 0);
        }
        drain_opened(&recorder.region, &opened);
        CHECK_EQUAL(times(opened.unfinished, 0, TABLE),
                    on_full == OTLITE_OVERWRITE_OLDEST ? TABLE : 0);
    }
}

/* They stay in the table until all else has left, also where that process dies and another adopts; and on another boot,
 * whose clock is a year behind, as long as on this one. */
static void adopt_waiting(const char *boot_id)
{
    struct otlite_region_options options = options_of(0);
    options.on_full = OTLITE_DROP_NEWEST;
    options.open_wait = true;
    memset(options.boot_id, 0, sizeof options.boot_id);
    memcpy(options.boot_id, boot_id, strlen(boot_id));
    open_region(SMALL, TABLE, OTLITE_DROP_NEWEST);
    open_some(0, TABLE);
    uint32_t made = 0;
    while (record_number(&recorder, (100 + made) * 14) == OTLITE_OK) /* none of them long */
        made++;
    stepped_ns = strcmp(boot_id, "this one") == 0 ? 0 : INT64_C(-365) * 86400 * 1000000000;
    for (int again = 0; again < 2; again++) {
        struct otlite_adoption told;
        CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, size, &options, &told),
                    OTLITE_OK);
        struct otlite_stats stats = balanced_stats(&recorder.region);
        CHECK_EQUAL(told.unfinished + stats.dropped[OTLITE_LOSS_FULL], 0);
        CHECK_EQUAL(stats.adopted, made);
        CHECK_EQUAL(stats.open_used, TABLE);
        CHECK_EQUAL(otlite_open_adopt(&recorder.region), 0);
    }
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(times(opened.unfinished, 0, TABLE), 0);
    CHECK_EQUAL(otlite_open_adopt(&recorder.region), TABLE);
    struct otlite_stats stats = balanced_stats(&recorder.region);
    CHECK_EQUAL(stats.adopted, made + TABLE);
    CHECK_EQUAL(stats.pending, TABLE);
    CHECK_EQUAL(stats.open_used, 0);
    stepped_ns = 0;
    (void)otlite_region_reanchor(&recorder.region, 1000000);
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(times(opened.unfinished, 0, TABLE), TABLE);
    CHECK_EQUAL(opened.wrong, 0);
    CHECK_EQUAL(opened.longest, TABLE - 1); /* to the last one's start */
    CHECK_EQUAL(otlite_open_adopt(&recorder.region), 0);
}

static void test_adoption_that_waits_for_room(void)
{
    adopt_waiting("this one");
    adopt_waiting("another");
    adopt_waiting("");
}

/* What an adoption found no room for stays counted when that process died before it was done. */
static void test_an_adoption_that_was_not_done(void)
{
    for (uint32_t again = 0; again < 2; again++) {
        open_region(SMALL, TABLE, 0);
        open_some(0, 3);
        recorder.region.header->adopting = again;
        recorder.region.header->lost[OTLITE_LOSS_FULL] = 4;
        CHECK_EQUAL(adopt(0).unfinished, 3);
        struct otlite_stats stats = balanced_stats(&recorder.region);
        CHECK_EQUAL(stats.dropped[OTLITE_LOSS_FULL], 4 * again);
        CHECK_EQUAL(stats.adopted, 3 + 4 * again);
    }
}

/* ---- Tables ---- */

/* An open span keeps its scope and its resource. */
static void check_scopes_of_open_spans(uint32_t many)
{
    uint32_t handle;
    open_region(SMALL, TABLE, 0);
    struct otlite_region *region = &recorder.region;
    uint32_t first = recorder.scopes[0], resource = recorder.resource;
    open_some(0, many);
    for (uint32_t i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof name, "scope %u", i);
        handle = register_scope(region, name, "");
        CHECK(handle != UINT32_MAX);
        snprintf(name, sizeof name, "urn:%u", i);
        CHECK(register_resource(region, name) != UINT32_MAX);
    }
    struct otlite_span span = opened_span(region, 0);
    CHECK_EQUAL(otlite_open_begin(region, &span, resource, first), OTLITE_OK);
    otlite_open_end(region, span.open);
    CHECK_EQUAL(stats_now().open_used, many);
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.wrong + opened.damaged, 0);
    CHECK_EQUAL(times(opened.unfinished, 0, many), many);
    for (uint32_t i = 0; i < many; i++)
        otlite_open_end(region, spans[i].open);
    /* and now their entries are given to others */
    for (uint32_t i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "other %u", i);
        CHECK(register_scope(region, name, "") != UINT32_MAX);
    }
    CHECK(memmem(region->arena, region->arena_size, "another", 7) == NULL);
    CHECK_EQUAL(open_number(&recorder, 0, &spans[0]), OTLITE_STALE);
    CHECK_EQUAL(spans[0].open, 0);
    CHECK_EQUAL(otlite_open_begin(region, &spans[0], resource, UINT32_MAX), OTLITE_STALE);
    CHECK_EQUAL(otlite_open_begin(region, &spans[0], UINT32_MAX, handle), OTLITE_STALE);
    CHECK_EQUAL(stats_now().open_used, 0);
    register_all(&recorder, "");
    open_some(0, TABLE);
}

static void test_scopes_of_open_spans(void)
{
    check_scopes_of_open_spans(6);
    check_scopes_of_open_spans(1); /* whose scope is no other's */
}

/* Whichever resource and scope it has, an entry tells of them. */
static void test_each_resource_and_scope(void)
{
    open_region(SIZE, 1000, 0);
    struct otlite_region *region = &recorder.region;
    for (uint32_t i = 0; i < region->resource_count - 1; i++) {
        char name[16];
        snprintf(name, sizeof name, "urn:%u", i);
        uint32_t resource = register_resource(region, name);
        uint32_t scope = register_scope(region, name, "");
        struct otlite_span span = opened_span(region, i);
        CHECK_EQUAL(otlite_open_begin(region, &span, resource, scope), OTLITE_OK);
        CHECK_EQUAL(open_resource(region->open_states[i]), resource & HANDLE_INDEX);
        CHECK_EQUAL(open_scope(region->open_states[i]), scope & HANDLE_INDEX);
    }
}

/* As many lives as you like, each with a resource of its own, each killed with spans open. */
static void test_many_lives(void)
{
    uint64_t found = 0;
    open_region(SMALL, TABLE, 0);
    for (uint32_t life = 0; life < 300; life++) {
        char url[16];
        snprintf(url, sizeof url, "%u", life);
        register_all(&recorder, url);
        open_some(life * TABLE, life * TABLE + TABLE);
        for (uint32_t i = 0; i < 4; i++)
            CHECK_EQUAL(end_number(&recorder, life * TABLE + i, &spans[life * TABLE + i]),
                        OTLITE_OK);
        CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
        CHECK_EQUAL(times(opened.unfinished, life * TABLE, life * TABLE + TABLE), TABLE - 4);
        CHECK_EQUAL(adopt(0).unfinished, TABLE - 4);
        (void)balanced_stats(&recorder.region);
        if (life % 5 != 4)
            continue;
        drain_opened(&recorder.region, &opened);
        CHECK_EQUAL(opened.wrong, 0);
        CHECK_EQUAL(times(opened.unfinished, life * TABLE, life * TABLE + TABLE), TABLE - 4);
        found += opened.spans;
    }
    CHECK(found > 100 * TABLE);
}

int main(void)
{
    (void)otlite_kernels_select(NULL);
    RUN(test_what_was_open);
    RUN(test_a_record_without_its_end);
    RUN(test_a_record_beyond_its_chunk);
    RUN(test_a_record_without_its_end_among_others);
    RUN(test_a_record_elsewhere_without_its_end);
    RUN(test_a_chain_that_was_not_published);
    RUN(test_one_place);
    RUN(test_without_a_table);
    RUN(test_a_span_id_in_two_traces);
    RUN(test_damaged_entries_are_counted);
    RUN(test_records_that_are_lost);
    RUN(test_adoption_without_room);
    RUN(test_adoption_that_waits_for_room);
    RUN(test_an_adoption_that_was_not_done);
    RUN(test_scopes_of_open_spans);
    RUN(test_each_resource_and_scope);
    RUN(test_many_lives);
    return check_end();
}
