/* test_bounds.c - a region where something just fits, and what lies next to its parts
 *
 * Includes layout.h, to look at and to change what lies in a region.
 */
#define _GNU_SOURCE
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

/* What the dead one counted, and had told of, is not counted again: all begin at nothing. */
static void test_counters_begin_anew(void)
{
    struct otlite_region_options options = durable_options;
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .max_records = 3};
    struct otlite_batch batch;
    struct otlite_stats stats;
    options.open_spans = 4;
    open_with(&options);
    for (uint32_t i = 0; i < 8; i++) {
        struct otlite_span span = {.name = {long_text(), 200, OTLITE_TEXT_UTF8}};
        (void)!otlite_open_begin(&recorder.region, &span, recorder.resource, recorder.scopes[0]);
    }
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
    RUN(test_counters_begin_anew);
    RUN(test_a_full_table_where_the_newest_give_way);
    RUN(test_what_lies_behind_the_descriptors);
    RUN(test_references_by_size);
    RUN(test_chains_go_together);
    RUN(test_a_batch_of_any_size);
    RUN(test_again_under_any_anchor);
    return check_end();
}
