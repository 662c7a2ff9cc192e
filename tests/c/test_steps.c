/* test_steps.c - after a step of the wall clock what has not left is corrected, and what was given is not
 *
 * A span's events lie 1 and 2 ms after its start, its end 5 ms after it: whatever the clock does, that stays.
 */
#define _GNU_SOURCE
#include "wall.h"

#include "check.h"
#include "decode.h"

#define SECOND INT64_C(1000000000)
#define MILLISECOND 1000000

static void *memory;
static size_t memory_size;
static struct otlite_region region;
static uint32_t resource, scopes[2];

static struct {
    uint64_t boot;  /* when it began */
    uint64_t given; /* its start, where that was given */
} made[10000];
static uint32_t made_count, seen, corrected;
static int64_t at_start; /* stepped_ns of the records that are expected uncorrected */

static void open_region(size_t size)
{
    struct otlite_region_options options = {.on_full = OTLITE_DROP_NEWEST};
    memory = otlite_map(memory_size = size);
    CHECK_EQUAL(otlite_region_init(&region, memory, size, &options), OTLITE_OK);
    resource = register_resource(&region, "");
    scopes[0] = register_scope(&region, "one", "");
    scopes[1] = register_scope(&region, "another", "urn:schema");
    made_count = seen = corrected = 0;
}

static void put_event(struct otlite_scratch *scratch, const char *name, uint64_t time)
{
    struct otlite_composer composer;
    otlite_compose_begin(&composer, scratch, OTLITE_EVENTS);
    otlite_compose_event(&composer, text_of(name), time);
    otlite_compose_tail(&composer, 3, 0);
    CHECK_EQUAL(otlite_compose_end(&composer, 0, 128), OTLITE_OK);
}

/* A span that is named by nothing, but has all that comes before, between and after its times. */
static void record(uint64_t given, uint32_t scope, uint32_t name_size)
{
    uint8_t block[400], anchor;
    struct otlite_scratch scratch;
    struct otlite_value value = long_value(150);
    uint64_t boot = otlite_clock_boot(), start = otlite_region_clock(&region, boot, &anchor);
    start = given != 0 ? given : start;
    otlite_scratch_init(&scratch, block, sizeof block);
    CHECK_EQUAL(otlite_scratch_attribute(&scratch, 1, text_of("key"), &value, 9), OTLITE_OK);
    CHECK_EQUAL(otlite_scratch_attribute(&scratch, 2, text_of("more"), &value, 1), OTLITE_OK);
    put_event(&scratch, "first", start + MILLISECOND);
    put_event(&scratch, "", start + 2 * MILLISECOND);
    struct otlite_span span = numbered_span(made_count, name_size);
    span.trace_state = text_of("a=1");
    span.has_parent = true;
    span.start = start;
    span.end = start + 5 * MILLISECOND;
    span.anchor = anchor;
    span.explicit_time = given != 0;
    span.scratch = &scratch;
    span.status = 2;
    span.status_message = text_of("wrong");
    span.flags = 0x101;
    uint8_t *bytes = malloc(otlite_span_encode_bound(&span));
    if (bytes == NULL)
        abort();
    CHECK_EQUAL(otlite_region_append(&region, bytes, otlite_span_encode(bytes, &span), resource,
                                     scopes[scope], anchor, span.explicit_time),
                OTLITE_OK);
    free(bytes);
    made[made_count].boot = boot;
    made[made_count++].given = given;
}

static uint64_t time_of(struct field event)
{
    struct reader reader = read_bytes(event.bytes);
    return next_field(&reader, 1, FIXED64).value;
}

static void check_record(void *context, const struct record *found)
{
    (void)context;
    struct reader outer = read_bytes(found->field), span = next_message(&outer, 2);
    struct field field;
    uint64_t number = UINT64_MAX, times[4] = {0};
    for (int events = 0; read_field(&span, &field);) {
        if (field.number == 2)
            memcpy(&number, field.bytes.data, sizeof number);
        if (field.number == 7 || field.number == 8)
            times[field.number == 7 ? 0 : 3] = field.value;
        if (field.number == 11 && CHECK(events < 2))
            times[1 + events++] = time_of(field);
    }
    if (!CHECK(read_all(&span) && number < made_count))
        return;
    seen++;
    CHECK_EQUAL(times[1] - times[0], MILLISECOND);
    CHECK_EQUAL(times[2] - times[0], 2 * MILLISECOND);
    CHECK_EQUAL(times[3] - times[0], 5 * MILLISECOND);
    if (made[number].given != 0) {
        CHECK_EQUAL(times[0], made[number].given);
        return;
    }
    uint64_t offset = otlite_clock_wall() - otlite_clock_boot();
    int64_t off = (int64_t)(times[0] - made[number].boot - offset);
    if (off > -100 * MILLISECOND && off < 100 * MILLISECOND)
        corrected++;
    else
        CHECK(off > at_start - stepped_ns - 100 * MILLISECOND &&
              off < at_start - stepped_ns + 100 * MILLISECOND);
}

/* Until nothing is left; the number of batches. */
static uint32_t drain(bool gather)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .gather = gather};
    struct otlite_batch batch;
    uint32_t batches = 0;
    for (; otlite_batch_collect(&region, &limits, &batch) == OTLITE_OK; batches++) {
        struct bytes body = join_segments(&batch);
        CHECK(read_request(body, check_record, NULL));
        free((void *)(uintptr_t)body.data);
        otlite_batch_acknowledge(&region, &batch, 0);
    }
    CHECK_EQUAL(seen, made_count);
    return batches;
}

static void step(int64_t ns)
{
    stepped_ns += ns;
    otlite_region_reanchor(&region, MILLISECOND);
}

/* Before, between and after steps; scopes in turn; here and there a time that was given, one record in a chain. */
static void test_each_is_moved_by_what_it_is_off(void)
{
    static const int64_t steps[] = {1720000000 * SECOND, -86400 * SECOND, 2 * SECOND,
                                    900 * MILLISECOND};
    for (int way = 0; way < 4; way++) {
        stepped_ns = -1720000000 * SECOND; /* in 1970, or somewhat later */
        open_region(way < 2 ? 4 << 20 : 128 << 10);
        for (size_t i = 0; i <= sizeof steps / sizeof *steps; i++) {
            for (uint32_t j = 0; j < 20; j++)
                record(j % 7 == 6 ? 1000 + j : 0, j / 3 % 2, j == 10 && way < 2 ? 40000 : j);
            if (i < sizeof steps / sizeof *steps)
                step(steps[i]);
        }
        at_start = stepped_ns - 900 * MILLISECOND; /* those after the last but one */
        drain(way % 2);
        CHECK_EQUAL(corrected, 4 * 18);
        otlite_unmap(memory, memory_size);
    }
}

/* Small steps add up: what is over a second off in all is moved. */
static void test_up_to_a_second_is_let_be(void)
{
    stepped_ns = at_start = 0;
    open_region(64 << 10);
    record(0, 0, 5);
    step(600 * MILLISECOND);
    drain(false);
    CHECK_EQUAL(corrected, 0);
    at_start = stepped_ns;
    record(0, 0, 5);
    step(-600 * MILLISECOND);
    record(0, 0, 5);
    step(-600 * MILLISECOND);
    at_start = stepped_ns + 600 * MILLISECOND;
    drain(false);
    CHECK_EQUAL(corrected, 1);
    otlite_unmap(memory, memory_size);
}

/* More than the work area holds leaves in several batches; one record that it cannot hold stays as it is. */
static void test_the_work_area_bounds_a_batch(void)
{
    stepped_ns = at_start = 0;
    open_region(1 << 20);
    for (uint32_t i = 0; i < 700; i++)
        record(0, 0, 200);
    record(0, 0, 150000);
    record(0, 0, 90000); /* of an eighth of the region, less what batches are made with */
    record(0, 1, 5);
    step(10 * SECOND);
    CHECK(drain(false) > 3);
    CHECK_EQUAL(corrected, 702);
    otlite_unmap(memory, memory_size);
}

/* A batch that waits for its next attempt was made by the clock before. */
static void test_a_batch_is_made_anew_after_a_step(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    stepped_ns = 0;
    open_region(64 << 10);
    record(0, 0, 5);
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &batch), OTLITE_OK);
    otlite_batch_release(&region, &batch);
    CHECK_EQUAL(otlite_batch_repin(&region, &batch), OTLITE_OK);
    otlite_batch_release(&region, &batch);
    step(5 * SECOND);
    CHECK_EQUAL(otlite_batch_repin(&region, &batch), OTLITE_GONE);
    drain(false);
    CHECK_EQUAL(corrected, 1);
    otlite_unmap(memory, memory_size);
}

static void note_start(void *context, const struct record *found)
{
    struct reader outer = read_bytes(found->field), span = next_message(&outer, 2);
    struct field field;
    while (read_field(&span, &field))
        if (field.number == 7)
            *(uint64_t *)context = field.value;
}

/* What would be before 1970 is at its beginning, and not in the year 2554. */
static void test_no_time_is_before_1970(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    uint64_t start = 1;
    stepped_ns = 0;
    open_region(64 << 10);
    record(0, 0, 5);
    usleep(2000);
    step(-(int64_t)otlite_clock_wall() + MILLISECOND);
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &batch), OTLITE_OK);
    struct bytes body = join_segments(&batch);
    CHECK(read_request(body, note_start, &start));
    CHECK_EQUAL(start, 0);
    free((void *)(uintptr_t)body.data);
    otlite_unmap(memory, memory_size);
}

int main(void)
{
    RUN(test_each_is_moved_by_what_it_is_off);
    RUN(test_up_to_a_second_is_let_be);
    RUN(test_the_work_area_bounds_a_batch);
    RUN(test_a_batch_is_made_anew_after_a_step);
    RUN(test_no_time_is_before_1970);
    return check_end();
}
