/* test_bounds.c - a region where something just fits, and what lies next to its parts
 *
 * Includes layout.h, to look at and to change what lies in a region.
 */
#define _GNU_SOURCE
#include "guard.h"
#include "left.h"

/* ---- After a death ---- */

/* The rooms that damaged entries leave among others are had by the next, though there is no more. */
static void test_holes_among_entries(void)
{
    static uint8_t scope[100];
    uint32_t handle, kept = 0;
    open_with(&durable_options);
    record_some(0, SCOPES);
    for (uint32_t i = 0; kept == i; i++) {
        memcpy(scope, &i, sizeof i);
        kept += otlite_scope_register(&recorder.region, scope, sizeof scope, "", 0, &handle) ==
                OTLITE_OK;
        CHECK_EQUAL(otlite_region_append(&recorder.region, "x", 1, recorder.resource, handle, 0, 0),
                    OTLITE_OK);
    }
    CHECK(kept > 100);
    die();
    struct otlite_region left;
    otlite_region_attach(&left, copy);
    for (uint32_t i = 50; i < 70; i += 2)
        left.scopes[i].hash ^= 1;
    CHECK_EQUAL(adopt().records, SCOPES + kept + 1);
    for (uint32_t i = 0; i < 10; i++) {
        memset(scope, (int)(200 + i), sizeof scope);
        CHECK_EQUAL(otlite_scope_register(&recorder.region, scope, sizeof scope, "", 0, &handle),
                    OTLITE_OK);
        CHECK_EQUAL(handle & HANDLE_INDEX, 50 + 2 * i);
    }
    CHECK_EQUAL(otlite_scope_register(&recorder.region, scope, 99, "", 0, &handle),
                OTLITE_TABLE_FULL);
}

/* A record of just as many bytes as a chunk, or a chain, can hold comes back. */
static void test_a_record_as_long_as_a_chunk(void)
{
    for (size_t less = 0; less < 6; less++) {
        open_with(&durable_options);
        size_t size = less < 3 ? otlite_region_inline_max(&recorder.region) - less
                               : otlite_region_record_max(&recorder.region) - (less - 3);
        uint8_t *field = sized_field(1, size);
        if (!CHECK(field != NULL))
            continue;
        CHECK_EQUAL(otlite_region_append(&recorder.region, field, size, recorder.resource,
                                         recorder.scopes[1], 0, false),
                    OTLITE_OK);
        free(field);
        die();
        CHECK_EQUAL(adopt().records, 1);
        drain_into(&recorder.region, &findings);
        CHECK_EQUAL(findings.records, 1);
        CHECK_EQUAL(balanced_stats(&recorder.region).dropped[OTLITE_LOSS_DAMAGED], 0);
    }
}

/* A chunk of which nobody knows whose it is: all that it held is counted. */
static void test_a_chunk_of_nobody(void)
{
    for (uint32_t resource = 1; resource < 100; resource += 98) {
        open_with(&durable_options);
        record_some(0, 3);
        for (uint32_t i = 0; i < recorder.region.chunk_count; i++)
            if (recorder.region.chunks[i].committed == 3)
                recorder.region.chunks[i].resource = resource;
        die();
        struct otlite_adoption told = adopt();
        CHECK_EQUAL(told.damaged, 3);
        CHECK_EQUAL(told.records, 0);
        struct otlite_stats stats = balanced_stats(&recorder.region);
        CHECK_EQUAL(stats.adopted, 3);
        CHECK_EQUAL(stats.dropped[OTLITE_LOSS_DAMAGED], 3);
        CHECK_EQUAL(stats.chunks_used, 0);
    }
}

/* A chunk of another signal is given up, and whose it is next has it as any other. */
static void test_a_chunk_of_another_signal(void)
{
    open_with(&durable_options);
    record_some(0, 3);
    for (uint32_t i = 0; i < recorder.region.chunk_count; i++)
        recorder.region.chunks[i].signal = 3;
    die();
    CHECK_EQUAL(adopt().damaged, 3);
    register_all(&recorder, "");
    record_some(0, 30);
    die();
    CHECK_EQUAL(adopt().records, 30);
}

/* A chain that ends in what is no chunk is not whole, whatever lies there; nothing behind the region is read. */
static void test_a_chain_beyond_the_last_chunk(void)
{
    struct otlite_region *region = &recorder.region;
    struct guard guard = guard_make(SIZE);
    CHECK_EQUAL(
        otlite_region_init(region, guard_place(guard, GUARD_AFTER, SIZE), SIZE, &durable_options),
        OTLITE_OK);
    register_all(&recorder, "");
    struct otlite_chunk chunk = {.state = CHUNK_LINK};
    const uint8_t *behind = (const uint8_t *)&region->chunks[region->chunk_count];
    CHECK_EQUAL(otlite_region_append(region, &chunk, sizeof chunk, recorder.resource,
                                     recorder.scopes[0], 0, false),
                OTLITE_OK);
    CHECK(memcmp(behind, &chunk, sizeof chunk) == 0);
    size_t size = otlite_region_inline_max(region) + region->chunk_size;
    uint8_t *field = sized_field(1, size);
    if (!CHECK(field != NULL))
        return;
    CHECK_EQUAL(
        otlite_region_append(region, field, size, recorder.resource, recorder.scopes[1], 0, false),
        OTLITE_OK);
    free(field);
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        struct otlite_chunk *head = &region->chunks[i];
        if (!chunk_is(head->state, CHUNK_COMPLETE) || head->next == NO_CHUNK)
            continue;
        CHECK(otlite_record_whole(region, i, 0, 1));
        for (uint32_t beyond = 0; beyond < 2; beyond++) {
            head->next = beyond ? UINT32_MAX : region->chunk_count;
            CHECK(!otlite_record_whole(region, i, 0, 1));
        }
    }
    guard_free(guard);
}

/* Adopts a region of which only the first page, where the header is, can be written. */
static void adopt_at_most_the_header(void *shared)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    mprotect((uint8_t *)shared + page, SIZE - page, PROT_READ);
    CHECK(otlite_region_adopt(&recorder.region, shared, SIZE, &durable_options, NULL));
}

/* Whoever dies while he adopts leaves word of it. */
static void test_a_death_in_the_middle_of_an_adoption(void)
{
    struct guard guard = guard_make(SIZE);
    void *shared = mmap(guard.start, SIZE, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    struct otlite_header *header = shared;
    if (!CHECK(shared == guard.start))
        return;
    open_with(&durable_options);
    record_some(0, 30);
    memcpy(shared, memory, SIZE);
    CHECK(guard_kills(adopt_at_most_the_header, shared));
    CHECK_EQUAL(header->adopting, 1);
    header->lost[OTLITE_LOSS_DAMAGED] = 7; /* as if it had come that far */
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, shared, SIZE, &durable_options, NULL),
                OTLITE_OK);
    CHECK_EQUAL(header->adopting, 0);
    CHECK_EQUAL(balanced_stats(&recorder.region).dropped[OTLITE_LOSS_DAMAGED], 7);
    CHECK_EQUAL(balanced_stats(&recorder.region).pending, 30);
    guard_free(guard);
}

static void open_more_than_there_is_room_for(void)
{
    for (uint32_t i = 0; i < 8; i++) {
        struct otlite_span span = {.name = {long_text(), 200, OTLITE_TEXT_UTF8}};
        (void)!otlite_open_begin(&recorder.region, &span, recorder.resource, recorder.scopes[0]);
    }
}

/* What the dead one counted, and had told of, is not counted again: all begin at nothing. */
static void test_counters_begin_anew(void)
{
    struct otlite_region_options options = durable_options;
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .max_records = 3};
    struct otlite_batch batch;
    struct otlite_stats stats;
    options.open_spans = 4;
    open_with(&options);
    open_more_than_there_is_room_for();
    record_some(0, 40);
    for (int answered = 0; answered < 2; answered++) {
        CHECK_EQUAL(otlite_batch_collect(&recorder.region, &limits, &batch), OTLITE_OK);
        otlite_batch_offer(&recorder.region, &batch);
        otlite_batch_drop(&recorder.region, &batch, OTLITE_LOSS_REFUSED, answered);
    }
    CHECK_EQUAL(otlite_batch_collect(&recorder.region, &limits, &batch), OTLITE_OK);
    otlite_batch_acknowledge(&recorder.region, &batch, 1);
    otlite_region_lost(&recorder.region, OTLITE_LOSS_TOO_LARGE);
    stats = balanced_stats(&recorder.region);
    CHECK(stats.recorded == 41 && stats.exported == 2 && stats.rejected == 1);
    CHECK(stats.unanswered == 3 && stats.open_missed == 4 && stats.open_cut == 4);
    CHECK(stats.dropped[OTLITE_LOSS_REFUSED] == 6 && stats.dropped[OTLITE_LOSS_TOO_LARGE] == 1);
    otlite_open_end(&recorder.region, 1);
    open_more_than_there_is_room_for(); /* which nobody asks after any more */
    die();
    CHECK_EQUAL(adopt().records, 31 + 4);
    stats = balanced_stats(&recorder.region);
    CHECK_EQUAL(stats.adopted, 31 + 4);
    CHECK_EQUAL(stats.recorded + stats.exported + stats.rejected + stats.unanswered, 0);
    CHECK_EQUAL(stats.open_missed + stats.open_cut + stats.open_used, 0);
    for (int loss = 0; loss < OTLITE_LOSSES; loss++)
        CHECK_EQUAL(stats.dropped[loss], 0);
}

/* Where the newest give way, a table full of resources keeps the records of the dead. */
static void test_a_full_table_where_the_newest_give_way(void)
{
    struct otlite_region_options options = durable_options;
    options.on_full = OTLITE_DROP_NEWEST;
    open_with(&options);
    for (uint32_t i = 0; i < recorder.region.resource_count; i++) {
        char url[16];
        snprintf(url, sizeof url, "%u", i);
        register_all(&recorder, i == 0 ? "" : url);
        CHECK(recorder.resource != UINT32_MAX);
        record_some(3 * i, 3 * i + 3);
    }
    uint64_t made = 3 * recorder.region.resource_count;
    die();
    memcpy(memory, copy, SIZE);
    struct otlite_adoption told;
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &options, &told), OTLITE_OK);
    CHECK_EQUAL(told.records, made);
    CHECK_EQUAL(balanced_stats(&recorder.region).pending, made);
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(times_in(0, made, 1), made);
}

/* A full table gives the arena's last room to one that needs just that. */
static void test_the_last_room_of_a_full_table(void)
{
    static uint8_t bytes[SIZE];
    struct otlite_region *region = &recorder.region;
    uint32_t handle;
    open_with(&durable_options);
    for (uint32_t i = 0; i < region->scope_count; i++) {
        memcpy(bytes, &i, sizeof i);
        CHECK_EQUAL(otlite_scope_register(region, bytes, 8, "", 0, &handle), OTLITE_OK);
    }
    uint32_t left = region->arena_size - region->header->arena_used;
    CHECK(left > 1000 && left < region->arena_size);
    CHECK_EQUAL(otlite_scope_register(region, bytes, left + 1, "", 0, &handle), OTLITE_TABLE_FULL);
    CHECK_EQUAL(otlite_scope_register(region, bytes, left, "", 0, &handle), OTLITE_OK);
    CHECK_EQUAL(region->header->arena_used, region->arena_size);
    CHECK_EQUAL(otlite_region_append(region, bytes, 8, recorder.resource, handle, 0, true),
                OTLITE_OK); /* it stays; the others have 64 bytes each */
    for (uint32_t i = 0; i < 100; i++) {
        memcpy(bytes, &i, sizeof i);
        CHECK_EQUAL(otlite_scope_register(region, bytes, 64, "", 0, &handle), OTLITE_OK);
    }
}

/* Files of one version are laid out the same: whoever changes this changes LAYOUT_VERSION. */
static void test_the_layout_of_this_version(void)
{
    static const struct {
        uint32_t size, open_spans, chunk_size;
        struct {
            uint32_t offset, count;
        } sections[SECTIONS];
    } known[] = {
        {64u << 10,
         0,
         4096,
         {{1344, 2},
          {1472, 8},
          {1728, 32},
          {2752, 0},
          {2752, 0},
          {2752, 4096},
          {6848, 8192},
          {15040, 12},
          {15808, 12}}},
        {1u << 20,
         1000,
         4096,
         {{1344, 32},
          {3392, 16},
          {3904, 512},
          {20288, 256},
          {21312, 256},
          {54080, 65536},
          {119616, 131072},
          {250688, 191},
          {262912, 191}}},
        {64u << 20,
         1000,
         65536,
         {{1344, 64},
          {5440, 64},
          {7488, 8192},
          {269632, 1000},
          {273664, 1000},
          {401664, 1048576},
          {1450240, 2097152},
          {3547392, 968},
          {3609344, 968}}},
    };
    CHECK_EQUAL(LAYOUT_VERSION, 2);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct otlite_header header = {0};
        otlite_region_lay_out(&header, known[i].size, known[i].open_spans);
        CHECK_EQUAL(header.chunk_size, known[i].chunk_size);
        for (int section = 0; section < SECTIONS; section++) {
            CHECK_EQUAL(header.sections[section].offset, known[i].sections[section].offset);
            CHECK_EQUAL(header.sections[section].count, known[i].sections[section].count);
        }
    }
}

/* And what is in them bears the same seals, which are of words in the machine's order. */
static void test_the_seals_of_this_version(void)
{
    static const uint8_t bytes[] = {0x12, 0x04, 0x2a, 0x02, 'h', 'i'};
    const uint32_t little = 1;
    struct otlite_region_options options = durable_options;
    struct otlite_region *region = &recorder.region;
    struct otlite_span span = {.start = 5, .end = 5, .explicit_time = true, .kind = 1};
    options.open_spans = 4;
    open_with(&options);
    memset(span.trace_id, 0x11, sizeof span.trace_id);
    memset(span.span_id, 0x22, sizeof span.span_id);
    span.name = (struct otlite_text){"hi", 2, OTLITE_TEXT_UTF8};
    CHECK_EQUAL(otlite_open_begin(region, &span, recorder.resource, recorder.scopes[0]), OTLITE_OK);
    CHECK_EQUAL(otlite_region_append(region, bytes, sizeof bytes, recorder.resource,
                                     recorder.scopes[0], 0, true),
                OTLITE_OK);
    uint32_t chunk = 0;
    while (chunk < region->chunk_count - 1 && region->chunks[chunk].committed == 0)
        chunk++;
    if (*(const uint8_t *)&little == 0)
        return;
    CHECK_EQUAL(otlite_header_seal(&(struct otlite_header){.version = 2}), 0x5c47ec03);
    CHECK_EQUAL(chunk_index(region, chunk, 0)->seal, 0xc230d1aa);
    CHECK_EQUAL(region->open[span.open - 1].seal, 0xf9c98a86);
    region->header->anchors[3] = 12345;
    CHECK_EQUAL(otlite_anchor_seal(region->header, 3), 0x8e445c2c);
}

/* A file may be as large as a region can be, and no larger. */
static void test_a_file_of_the_greatest_size(void)
{
    static _Alignas(64) struct otlite_header header;
    for (uint32_t more = 0; more < 2; more++) {
        memset(&header, 0, sizeof header);
        memcpy(header.magic, LAYOUT_MAGIC, sizeof header.magic);
        header.version = LAYOUT_VERSION;
        header.byte_order = LAYOUT_BYTE_ORDER;
        header.word_size = sizeof(void *);
        header.durable = 1;
        otlite_region_lay_out(&header, OTLITE_REGION_MAX + more, 0);
        header.seal = otlite_header_seal(&header);
        CHECK_EQUAL(otlite_region_check(&header, OTLITE_REGION_MAX + (size_t)more),
                    more ? OTLITE_DAMAGED : OTLITE_OK);
        CHECK_EQUAL(otlite_region_check(&header, OTLITE_REGION_MAX - 1),
                    more ? OTLITE_DAMAGED : OTLITE_TRUNCATED);
    }
}

/* An entry is whole that ends just where the arena does, and none that goes on. */
static void test_entries_at_the_arenas_end(void)
{
    enum { LONGEST = 128, STEP = 64 };
    struct otlite_region *region = &recorder.region;
    uint8_t bytes[LONGEST];
    uint32_t handle;
    open_with(&durable_options);
    for (uint32_t size = 0; size <= LONGEST; size += STEP)
        for (uint32_t schema = 0; schema <= size; schema += STEP) {
            memset(bytes, (int)(size + schema), sizeof bytes);
            CHECK_EQUAL(otlite_scope_register(region, bytes, size - schema, bytes, schema, &handle),
                        OTLITE_OK);
            struct otlite_entry *entry = &region->scopes[handle & HANDLE_INDEX];
            CHECK(otlite_entry_whole(region, entry));
            uint32_t offset = entry->offset;
            memcpy(bytes, region->arena + offset, size);
            memcpy(region->arena + region->arena_size - size, bytes, size);
            entry->offset = region->arena_size - size;
            CHECK(otlite_entry_whole(region, entry));
            for (uint32_t beyond = STEP; beyond <= LONGEST; beyond += STEP) {
                entry->offset = region->arena_size - size + beyond;
                memcpy(region->arena + entry->offset, bytes,
                       size); /* as far as into the work area */
                CHECK(!otlite_entry_whole(region, entry));
            }
            entry->offset = offset;
            entry->used = 0;
        }
}

/* ---- Behind the last one ---- */

/* Bytes of the first chunk that look like a descriptor: they lie behind the last one, and are none. */
static void test_what_lies_behind_the_descriptors(void)
{
    static const uint32_t states[] = {CHUNK_FREE, CHUNK_WRITING, CHUNK_COMPLETE, CHUNK_LINK};
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    for (uint32_t i = 0; i < 2 * sizeof states / sizeof *states; i++) {
        struct otlite_region_options options = durable_options;
        struct otlite_region *region = &recorder.region;
        options.on_full = i % 2;
        open_with(&options);
        struct otlite_chunk chunk = {.state = states[i / 2],
                                     .committed = i < 2 ? 0 : 3,
                                     .sequence = UINT32_MAX / 2 + 2,
                                     .next = NO_CHUNK};
        const uint8_t *behind = (const uint8_t *)&region->chunks[region->chunk_count];
        CHECK_EQUAL(otlite_region_append(region, &chunk, sizeof chunk, recorder.resource,
                                         recorder.scopes[0], 0, false),
                    OTLITE_OK);
        CHECK(memcmp(behind, &chunk, sizeof chunk) == 0);
        CHECK_EQUAL(balanced_stats(region).pending, 1);
        CHECK_EQUAL(balanced_stats(region).chunks_used, 1);
        CHECK_EQUAL(otlite_region_count(region), 1);
        CHECK(!otlite_region_arm(region, OTLITE_WAKE_CHUNK));
        CHECK_EQUAL(otlite_batch_collect(region, &limits, &batch), OTLITE_OK);
        CHECK_EQUAL(batch.records, 1);
        otlite_batch_release(region, &batch);
        for (uint32_t scopes = 0; scopes < 600; scopes++) {
            char name[16];
            snprintf(name, sizeof name, "%u", scopes);
            CHECK(register_scope(region, name, "") != UINT32_MAX);
        }
        register_all(&recorder, "");
        uint64_t number = 0;
        while (otlite_region_count(region) < 600 && number < 2000)
            (void)record_number(&recorder, number++);
        CHECK(options.on_full == OTLITE_OVERWRITE_OLDEST ||
              memcmp(behind, &chunk, sizeof chunk) == 0);
        die();
        CHECK_EQUAL(read_image(copy, SIZE, &findings), OTLITE_OK);
        CHECK_EQUAL(findings.damaged, 0);
        uint64_t records = findings.records;
        memcpy(memory, copy, SIZE);
        struct otlite_adoption told;
        CHECK_EQUAL(otlite_region_adopt(region, memory, SIZE, &options, &told), OTLITE_OK);
        CHECK_EQUAL(told.records, records);
        CHECK_EQUAL(balanced_stats(region).pending, records);
        CHECK_EQUAL(told.damaged, 0);
    }
}

/* ---- Batches ---- */

/* Records of just the size from which they go by reference, of two scopes in turn. */
static void test_references_by_size(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    for (size_t size = 1022; size < 1027; size++) {
        open_with(&durable_options);
        uint32_t made = 0, seen = 0;
        for (; made < 400; made++) {
            uint8_t *field = sized_field(made, size);
            if (!CHECK(field != NULL))
                return;
            CHECK_EQUAL(otlite_region_append(&recorder.region, field, size, recorder.resource,
                                             recorder.scopes[made % SCOPES], 0, true),
                        OTLITE_OK);
            free(field);
        }
        while (otlite_batch_collect(&recorder.region, &limits, &batch) == OTLITE_OK) {
            struct bytes body = join_segments(&batch);
            memset(&findings, 0, sizeof findings);
            CHECK(read_request(body, note_record, &findings));
            CHECK_EQUAL(findings.strange, 0);
            CHECK_EQUAL(times_in(seen, seen + batch.records, 1), batch.records);
            CHECK(batch.segment_count <= recorder.region.work_size / 512);
            seen += batch.records;
            free((void *)(uintptr_t)body.data);
            otlite_batch_acknowledge(&recorder.region, &batch, 0);
        }
        CHECK_EQUAL(seen, made);
    }
}

/* However many bytes a batch may have, it has no more, unless it is one record. */
static void test_a_batch_of_any_size(void)
{
    struct otlite_batch batch;
    open_with(&durable_options);
    register_all(&recorder, "urn:of the resource");
    record_some(7, 13);
    for (uint32_t size = 0; size < 2000; size++)
        for (int gather = 0; gather < 2; gather++) {
            struct otlite_batch_limits limits = {.max_bytes = size, .gather = gather};
            CHECK_EQUAL(otlite_batch_collect(&recorder.region, &limits, &batch), OTLITE_OK);
            CHECK(batch.size <= size || batch.records == 1);
            CHECK(batch.records == 6 || batch.size + 500 > size); /* and not much less */
            otlite_batch_release(&recorder.region, &batch);
        }
}

/* A batch is had again while the clock is what it was, whichever of its anchors that is. */
static void test_again_under_any_anchor(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    open_with(&durable_options);
    record_some(0, 3);
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(otlite_batch_collect(&recorder.region, &limits, &batch), OTLITE_OK);
        otlite_batch_release(&recorder.region, &batch);
        CHECK_EQUAL(otlite_batch_repin(&recorder.region, &batch), OTLITE_OK);
        otlite_batch_release(&recorder.region, &batch);
        stepped_ns += 3600000000000;
        CHECK(otlite_region_reanchor(&recorder.region, 1000000));
        CHECK_EQUAL(otlite_batch_repin(&recorder.region, &batch), OTLITE_GONE);
    }
    stepped_ns = 0;
}

/* A batch keeps no more than half of the chunks from whoever records, but for one record. */
static void test_a_batch_leaves_half_of_the_chunks(void)
{
    struct otlite_batch_limits limits = {.max_bytes = UINT32_MAX};
    struct otlite_batch batch;
    struct otlite_region *region = &recorder.region;
    for (uint32_t links = 0; links < 3; links++)
        for (uint32_t more = 0; more < 2; more++) {
            open_with(&durable_options);
            size_t size = otlite_region_inline_max(region) + links * region->chunk_size + more;
            uint32_t each = 1 + links + more, half = region->chunk_count / 2;
            for (uint32_t made = 0; made < region->chunk_count / each; made++) {
                uint8_t *field = sized_field(made, size);
                if (!CHECK(field != NULL))
                    return;
                CHECK_EQUAL(otlite_region_append(region, field, size, recorder.resource,
                                                 recorder.scopes[0], 0, true),
                            OTLITE_OK);
                free(field);
            }
            CHECK_EQUAL(otlite_batch_collect(region, &limits, &batch), OTLITE_OK);
            CHECK(batch.records * each <= half && (batch.records + 1) * each > half);
        }
}

/* Long records beside short ones go together as far as a batch's chunks reach, each chunk a segment. */
static void test_chains_go_together(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    open_with(&durable_options);
    uint32_t chunk_size = recorder.region.chunk_size, chunks = 0, made = 0;
    for (uint32_t size = 100; chunks < 40; made++, size = (size + 2 * chunk_size) % 50000) {
        uint8_t *field = sized_field(made, size);
        if (!CHECK(field != NULL))
            return;
        CHECK_EQUAL(otlite_region_append(&recorder.region, field, size, recorder.resource,
                                         recorder.scopes[made % SCOPES], 0, true),
                    OTLITE_OK);
        free(field);
        chunks += size / chunk_size;
    }
    CHECK_EQUAL(otlite_batch_collect(&recorder.region, &limits, &batch), OTLITE_OK);
    CHECK_EQUAL(batch.records, made);
    CHECK(batch.segment_count > chunks);
}

int main(void)
{
    (void)otlite_kernels_select(NULL);
    RUN(test_holes_among_entries);
    RUN(test_a_record_as_long_as_a_chunk);
    RUN(test_a_chunk_of_nobody);
    RUN(test_a_chunk_of_another_signal);
    RUN(test_a_chain_beyond_the_last_chunk);
    RUN(test_a_death_in_the_middle_of_an_adoption);
    RUN(test_counters_begin_anew);
    RUN(test_a_full_table_where_the_newest_give_way);
    RUN(test_the_last_room_of_a_full_table);
    RUN(test_the_layout_of_this_version);
    RUN(test_the_seals_of_this_version);
    RUN(test_a_file_of_the_greatest_size);
    RUN(test_entries_at_the_arenas_end);
    RUN(test_what_lies_behind_the_descriptors);
    RUN(test_references_by_size);
    RUN(test_a_batch_leaves_half_of_the_chunks);
    RUN(test_chains_go_together);
    RUN(test_a_batch_of_any_size);
    RUN(test_again_under_any_anchor);
    return check_end();
}
