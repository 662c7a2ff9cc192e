/* setting.c - a small region, records, an exporter, and what must hold in each state and at each end */
#include <stdalign.h>
#include <string.h>

#include "setting.h"

/* A small region: that of otlite_region_init, with fewer and smaller chunks. */
struct otlite_region region;
uint32_t scope;
uint32_t *posts;
static uint32_t resource;

enum { CHUNK_SIZE = 64, SPANS_CHUNK = 128, WORK = 1024, ARENA = 512, RESOURCES = 2 };

static struct {
    uint32_t slots, scopes, chunks, chunk_size, open_spans;
} small;

/* In the place of the core's (small.h). It says that the region is of a `size` that is allowed. */
void otlite_region_lay_out(struct otlite_header *header, uint32_t size, uint32_t open_spans)
{
    (void)open_spans; /* the scenario says it, also where the region is not durable */
    const uint32_t items[SECTIONS][2] = {{sizeof(struct otlite_slot), small.slots},
                                         {sizeof(struct otlite_entry), RESOURCES},
                                         {sizeof(struct otlite_entry), small.scopes},
                                         {sizeof(uint32_t), small.open_spans},
                                         {sizeof(struct otlite_open_span), small.open_spans},
                                         {1, ARENA},
                                         {1, WORK},
                                         {sizeof(struct otlite_chunk), small.chunks},
                                         {small.chunk_size, small.chunks}};
    uint32_t offset = (sizeof *header + 63) & ~63u;
    header->size = size;
    header->chunk_size = small.chunk_size;
    for (uint32_t i = 0; i < SECTIONS; i++) {
        uint32_t section = (items[i][0] * items[i][1] + 63) & ~63u;
        header->sections[i] = (struct section){i + 1, offset, section, items[i][1]};
        offset += section;
    }
    if (offset > sizeof world.memory - 64)
        explore_fail("the region is larger than WORDS", NULL, THREADS);
}

/* The clocks of csrc/port: the boot clock stands still, the wall clock is the scenario's. */
uint64_t otlite_clock_boot(void)
{
    return 1000;
}

uint64_t otlite_clock_wall(void)
{
    return 1000 + world.results[WALL];
}

static void open_with(const struct otlite_region_options *options)
{
    CHECK(otlite_region_init(&region, world.memory, OTLITE_REGION_MIN, options) == OTLITE_OK);
    posts = &world.memory[WORDS - 1];
    register_first();
}

void expect_open(uint32_t spans)
{
    small.open_spans = spans;
}

void open_region(uint32_t chunks, uint32_t slots, uint32_t scopes, uint32_t on_full)
{
    small.chunks = chunks;
    small.chunk_size = CHUNK_SIZE;
    small.slots = slots;
    small.scopes = scopes;
    open_with(&(struct otlite_region_options){.on_full = on_full});
}

static void open_sealed(uint32_t chunks, uint32_t chunk_size, uint32_t scopes)
{
    small.chunks = chunks;
    small.chunk_size = chunk_size;
    small.slots = 2;
    small.scopes = scopes;
    open_with(&(struct otlite_region_options){.on_full = OTLITE_OVERWRITE_OLDEST, .durable = true});
    memory_log(region.work, region.work_size); /* it is no part of what is left */
}

void open_durable(uint32_t chunks, uint32_t scopes)
{
    open_sealed(chunks, CHUNK_SIZE, scopes);
}

void open_spans(uint32_t chunks, uint32_t spans)
{
    expect_open(spans);
    open_sealed(chunks, SPANS_CHUNK, 1);
}

void adopt_region(void)
{
    struct otlite_region next;
    CHECK(otlite_region_adopt(&next, world.memory, OTLITE_REGION_MIN, &region.options, NULL) ==
          OTLITE_OK);
    region = next;
}

void register_resource(const char *name)
{
    CHECK(otlite_resource_register(&region, name, strlen(name), NULL, 0, &resource) == OTLITE_OK);
}

void register_first(void)
{
    register_resource("Rrrr");
    CHECK(otlite_scope_register(&region, "Sc00", 4, NULL, 0, &scope) == OTLITE_OK);
}

enum otlite_status record_span(struct otlite_span *span)
{
    return otlite_span_record(&region, span, resource, scope);
}

enum otlite_status open_span(struct otlite_span *span, uint32_t number, bool long_name)
{
    static const char name[] =
        "Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00Sc00"
        "Sc00Sc00";
    *span = (struct otlite_span){.start = number, .name = {name, long_name ? 80 : 4, 0}};
    memset(span->span_id, (int)number, sizeof span->span_id);
    enum otlite_status status = otlite_open_begin(&region, span, resource, scope);
    CHECK(status == OTLITE_OK || status == OTLITE_TABLE_FULL || status == OTLITE_STALE);
    world.results[MISSED] += status == OTLITE_TABLE_FULL;
    world.results[CUT] += status == OTLITE_OK && long_name;
    return status;
}

bool is_open(const struct otlite_span *span)
{
    const struct otlite_open_span *entry = &region.open[(span->open - 1) & HANDLE_INDEX];
    return entry->start == span->start && memcmp(entry->span_id, span->span_id, 8) == 0 &&
           memcmp(entry->trace_id, span->trace_id, 16) == 0;
}

/* ---- Records of words that say the same: a mark, their scope's number and their own ---- */

static void fill(uint32_t *words, size_t size, uint32_t word)
{
    for (size_t i = 0; i < size / 4; i++)
        words[i] = word;
}

enum otlite_status append(uint32_t number, size_t size, uint32_t under, uint32_t name)
{
    uint32_t words[LONG / 4];
    fill(words, size, MARK | name << SCOPE_SHIFT | number);
    world.results[STARTED] |= 1u << number;
    return otlite_region_append(&region, words, size, resource, under, 0, false);
}

enum otlite_status append_placed(uint32_t number, struct otlite_place *place)
{
    uint32_t words[RECORD / 4];
    const struct otlite_span span = {.place = place};
    fill(words, RECORD, MARK | number);
    world.results[STARTED] |= 1u << number;
    return otlite_span_append(&region, &span, words, RECORD, resource, scope);
}

void note(uint32_t number, enum otlite_status status)
{
    CHECK(status == OTLITE_OK || status == OTLITE_DROPPED);
    world.results[BEGUN]++;
    if (status == OTLITE_OK)
        world.results[KEPT] |= 1u << number;
    else
        world.results[REFUSED] += 1;
}

void record(uint32_t number)
{
    note(number, append(number, RECORD, scope, 0));
}

uint32_t whole(const uint8_t *at, size_t size)
{
    uint32_t words[LONG / 4];
    memcpy(words, at, size);
    for (size_t i = 1; i < size / 4; i++)
        CHECK(words[i] == words[0]);
    CHECK((words[0] & 0xffff0000) == MARK);
    return words[0];
}

/* ---- The exporter ---- */

enum otlite_status collect(struct otlite_region *of, struct otlite_batch *batch)
{
    const struct otlite_batch_limits limits = {.max_bytes = 400, .gather = true};
    return otlite_batch_collect(of, &limits, batch);
}

/* The body is a head, then for each scope a head and its records: all but the records is a scope's name and lengths. */
uint32_t records_of(const struct otlite_batch *batch, uint32_t met)
{
    const uint8_t *body = batch->segments[0].data;
    uint32_t found = 0, name = UINT32_MAX;
    CHECK(batch->segment_count == 1);
    for (size_t at = 0; at + 4 <= batch->size;) {
        uint32_t word;
        memcpy(&word, body + at, 4);
        if (memcmp(body + at, "Sc", 2) == 0) {
            name = (uint32_t)(body[at + 3] - '0');
            at += 4;
        } else if ((word & 0xffff0000) == MARK) {
            size_t size = (word & NUMBER) < 24 ? RECORD : LONG;
            CHECK(size <= batch->size - at);
            CHECK(whole(body + at, size) == word);
            CHECK((word >> SCOPE_SHIFT & 0xff) == name);
            CHECK((met >> (word & NUMBER) & 1) == 0); /* not twice */
            met |= 1u << (word & NUMBER);
            at += size;
            found++;
        } else {
            at++;
        }
    }
    CHECK(found == batch->records);
    return met;
}

void read_body(const struct otlite_batch *batch)
{
    world.results[EXPORTED] = records_of(batch, world.results[EXPORTED]);
}

bool export_once(void)
{
    struct otlite_batch batch;
    enum otlite_status status = collect(&region, &batch);
    CHECK(status == OTLITE_OK || status == OTLITE_EMPTY);
    if (status == OTLITE_OK) {
        otlite_batch_offer(&region, &batch);
        explore_system_call(); /* which sends it */
        read_body(&batch);
        otlite_batch_acknowledge(&region, &batch, 0);
        world.results[SETTLED] = world.results[EXPORTED];
    }
    return status == OTLITE_OK;
}

void export_twice(void)
{
    (void)export_once();
    (void)export_once();
}

/* ---- What holds ---- */

/* In each state, of a region that is not durable: what would be read where all threads were killed there, each
 * having made its stores in order. */
void killed_here(void)
{
    for (uint32_t i = 0; i < region.open_count; i++) {
        uint32_t state = region.open_states[i];
        const struct otlite_open_span *entry = &region.open[i];
        const struct otlite_entry *under = &region.scopes[open_scope(state)];
        if ((state & OPEN_STATE) == OPEN_FREE)
            CHECK(entry->seal == 0);
        if ((state & OPEN_STATE) != OPEN_WHOLE)
            continue;
        CHECK(entry->seal == otlite_open_seal(&region, i, state));
        CHECK(memcmp(region.arena + under->offset, entry->name, 4) == 0);
        for (uint32_t at = 0; at < 8; at++)
            CHECK(entry->span_id[at] == entry->start);
    }
    for (uint32_t i = 0; i < region.chunk_count; i++) {
        const struct otlite_chunk *chunk = &region.chunks[i];
        if (!chunk_readable(chunk->state))
            continue;
        CHECK(chunk->acked <= chunk->committed);
        CHECK(chunk->offered <= chunk->committed);
        CHECK(chunk->resource == 0);
        for (uint32_t other = 0; other < i; other++)
            CHECK(!chunk_readable(region.chunks[other].state) ||
                  region.chunks[other].sequence != chunk->sequence);
        for (uint32_t at = chunk->acked; at < chunk->committed; at++) {
            const struct record_index *index = chunk_index(&region, i, at);
            if (index->flags & RECORD_CHAINED) {
                CHECK(at == 0 && index->end == LONG && chunk->next < region.chunk_count);
                CHECK(chunk_is(region.chunks[chunk->next].state, CHUNK_LINK));
                CHECK(region.chunks[chunk->next].next == NO_CHUNK);
                size_t part = otlite_region_inline_max(&region);
                CHECK(whole(chunk_data(&region, i), part) ==
                      whole(chunk_data(&region, chunk->next), LONG - part));
            } else {
                CHECK(index->end == (at + 1) * RECORD && index->scope < region.scope_count);
                (void)whole(chunk_data(&region, i) + at * RECORD, RECORD);
            }
        }
    }
}

/* At the end: each record was exported once, or is counted; each chunk can be had again. */
void balance(void)
{
    struct otlite_stats stats;
    while (export_once()) {
    }
    otlite_region_stats(&region, &stats);
    uint32_t exported = (uint32_t)__builtin_popcount(world.results[EXPORTED]);
    CHECK(stats.recorded == world.results[BEGUN]);
    CHECK(stats.exported == exported);
    CHECK(stats.pending == 0);
    CHECK(otlite_region_count(&region) == 0);
    CHECK(exported + stats.dropped[OTLITE_LOSS_OVERWRITTEN] + stats.dropped[OTLITE_LOSS_DAMAGED] +
              world.results[GIVEN_UP] ==
          (uint32_t)__builtin_popcount(world.results[KEPT]));
    CHECK(stats.dropped[OTLITE_LOSS_DAMAGED] <=
          (uint32_t)__builtin_popcount(world.results[BROKEN]));
    CHECK(stats.dropped[OTLITE_LOSS_SHUTDOWN] == world.results[GIVEN_UP] + world.results[GONE]);
    CHECK(stats.dropped[OTLITE_LOSS_FULL] + stats.dropped[OTLITE_LOSS_REENTERED] ==
          world.results[REFUSED]);
    CHECK((world.results[EXPORTED] & ~world.results[KEPT]) == 0);
    uint32_t writing = 0, left = 0;
    for (uint32_t i = 0; i < region.slot_count; i++) {
        CHECK(region.slots[i].turn % 2 == 0);
        left += region.slots[i].chunk[SIGNAL_SPANS] != NO_CHUNK;
    }
    for (uint32_t i = 0; i < region.chunk_count; i++) {
        uint32_t state = region.chunks[i].state;
        CHECK(chunk_is(state, CHUNK_FREE) || chunk_is(state, CHUNK_WRITING));
        CHECK((state & CHUNK_HELD) == 0);
        writing += chunk_is(state, CHUNK_WRITING);
    }
    CHECK(writing == left);
}
