/* test_image.c - what a dead process left, read where it lies: from any place in a record, and all that it can be */
#define _GNU_SOURCE
#include "left.h"

/* A chain's bytes from each place in it: as far as they lie together, and no farther. */
static void test_a_chain_from_anywhere(void)
{
    struct otlite_image image;
    struct otlite_found found;
    open_with(&durable_options);
    size_t part = otlite_region_inline_max(&recorder.region);
    size_t size = part + 2 * recorder.region.chunk_size + 100;
    uint8_t *field = sized_field(1, size);
    if (!CHECK(field != NULL))
        return;
    CHECK_EQUAL(otlite_region_append(&recorder.region, field, size, recorder.resource,
                                     recorder.scopes[1], 0, false),
                OTLITE_OK);
    CHECK_EQUAL(otlite_image_open(&image, memory, SIZE), OTLITE_OK);
    CHECK(otlite_image_next(&image, &found));
    CHECK_EQUAL(found.size, size);
    size_t end = part; /* of what lies together */
    for (size_t offset = 0; offset < size; offset++) {
        if (offset == end)
            end += recorder.region.chunk_size;
        struct otlite_segment bytes = otlite_image_bytes(&image, &found, offset);
        CHECK_EQUAL(bytes.size, (end < size ? end : size) - offset);
        CHECK(bytes.size <= size - offset && memcmp(bytes.data, field + offset, bytes.size) == 0);
    }
    CHECK_EQUAL(otlite_image_bytes(&image, &found, size).size, 0);
    CHECK(!otlite_image_next(&image, &found));
    free(field);
}

static bool is_text(struct otlite_segment segment, const char *text)
{
    return segment.size == strlen(text) && memcmp(segment.data, text, segment.size) == 0;
}

/* Each record, and each span that was open, comes with the bytes of its resource and its scope. */
static void test_whose_it_is(void)
{
    struct otlite_region_options options = durable_options;
    struct otlite_region *region = &recorder.region;
    struct otlite_image image;
    struct otlite_found found;
    struct otlite_span span = {.span_id = {1}, .trace_id = {1}, .kind = 1};
    uint32_t resource, scope;
    options.open_spans = 4;
    open_with(&options);
    CHECK_EQUAL(otlite_region_open_spans(memory, SIZE), 4);
    CHECK_EQUAL(
        otlite_resource_register(region, "resource", 8, "urn:of the resource", 19, &resource),
        OTLITE_OK);
    CHECK_EQUAL(otlite_scope_register(region, "a scope", 7, "urn:of it", 9, &scope), OTLITE_OK);
    CHECK_EQUAL(otlite_span_record(region, &span, resource, scope), OTLITE_OK);
    span.span_id[0] = 2;
    CHECK_EQUAL(otlite_open_begin(region, &span, resource, scope), OTLITE_OK);
    CHECK_EQUAL(otlite_image_open(&image, memory, SIZE), OTLITE_OK);
    for (int open = 0; open < 2; open++) {
        CHECK(otlite_image_next(&image, &found));
        CHECK_EQUAL(found.unfinished, open);
        CHECK(is_text(found.resource, "resource") && is_text(found.scope, "a scope"));
        CHECK(is_text(found.resource_schema, "urn:of the resource"));
        CHECK(is_text(found.scope_schema, "urn:of it"));
    }
    CHECK(!otlite_image_next(&image, &found));
}

/* Of two chunks of one age, which damage alone makes, the first comes first. */
static void test_two_chunks_of_one_age(void)
{
    struct otlite_region *region = &recorder.region;
    struct otlite_image image;
    struct otlite_found found;
    uint64_t expected = 0;
    open_with(&durable_options);
    for (uint64_t number = 0; region->chunks[2].committed < 2; number++) {
        uint8_t *field = sized_field(number, 1000);
        if (!CHECK(field != NULL && number < 100))
            return;
        CHECK_EQUAL(otlite_region_append(region, field, 1000, recorder.resource, recorder.scopes[0],
                                         0, true),
                    OTLITE_OK);
        free(field);
    }
    for (uint32_t chunk = 1; chunk < 3; chunk++) {
        region->chunks[chunk].sequence = region->chunks[0].sequence;
        for (uint32_t i = 0, start = 0; i < region->chunks[chunk].committed; i++) {
            struct record_index *index = chunk_index(region, chunk, i);
            index->seal = otlite_record_seal(region, chunk, start, index);
            start = index->end;
        }
    }
    CHECK_EQUAL(otlite_image_open(&image, memory, SIZE), OTLITE_OK);
    for (; otlite_image_next(&image, &found); expected++) {
        struct otlite_segment bytes = otlite_image_bytes(&image, &found, 0);
        CHECK_EQUAL(number_of((struct bytes){bytes.data, bytes.size}), expected);
    }
    CHECK_EQUAL(expected, balanced_stats(region).recorded);
}

/* As many open spans as a table can have. */
static void test_the_largest_table(void)
{
    static struct otlite_image image;
    struct otlite_region_options options = durable_options;
    struct otlite_found found;
    size_t size = 32 << 20;
    void *map = otlite_map(size);
    uint32_t count = 0;
    if (!CHECK(map != NULL))
        return;
    options.open_spans = OTLITE_OPEN_MAX;
    CHECK_EQUAL(otlite_region_init(&recorder.region, map, (uint32_t)size, &options), OTLITE_OK);
    CHECK_EQUAL(recorder.region.open_count, OTLITE_OPEN_MAX);
    register_all(&recorder, "");
    for (uint32_t i = 0; i < OTLITE_OPEN_MAX; i++) {
        struct otlite_span span = {.start = 1, .kind = 1};
        memcpy(span.span_id, &i, sizeof i);
        span.trace_id[0] = 1;
        CHECK_EQUAL(
            otlite_open_begin(&recorder.region, &span, recorder.resource, recorder.scopes[0]),
            OTLITE_OK);
    }
    CHECK_EQUAL(otlite_image_open(&image, map, size), OTLITE_OK);
    while (otlite_image_next(&image, &found))
        count += found.unfinished;
    CHECK_EQUAL(count, OTLITE_OPEN_MAX);
    CHECK_EQUAL(image.damaged, 0);
    otlite_unmap(map, size);
}

int main(void)
{
    (void)otlite_kernels_select(NULL);
    RUN(test_a_chain_from_anywhere);
    RUN(test_whose_it_is);
    RUN(test_two_chunks_of_one_age);
    RUN(test_the_largest_table);
    return check_end();
}
