/* test_segments.c - a batch has as many segments as it has room for: records that are referred to, chains among them */
#include "decode.h"

#include "check.h"
#include "region/layout.h"

static struct otlite_region region;
static uint32_t resource;
static uint64_t seen;

static void note(void *context, const struct record *found)
{
    (void)context;
    uint64_t number = number_of(found->field);
    if (CHECK(number < 64 && (seen >> number & 1) == 0))
        seen |= UINT64_C(1) << number;
}

/* One record of each scope, so that heads stand between all: `size` bytes, or of each seventh `chain`. */
static void record(uint32_t number, size_t size, size_t chain)
{
    static uint8_t field[64 << 10];
    char name[16];
    struct otlite_span span =
        numbered_span(number, (uint32_t)(number % 7 == 6 && chain != 0 ? chain : size));
    snprintf(name, sizeof name, "scope %u", number);
    uint32_t scope = register_scope(&region, name, "");
    CHECK_EQUAL(otlite_region_append(&region, field, otlite_span_encode(field, &span), resource,
                                     scope, 0, true),
                OTLITE_OK);
}

static void test_as_many_as_there_is_room_for(void)
{
    static const size_t sizes[] = {64 << 10, 100000, 200000};
    struct otlite_region_options options = {.on_full = OTLITE_DROP_NEWEST};
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t links = 0; links < 4; links++) {
            void *memory = otlite_map(sizes[i]);
            CHECK_EQUAL(otlite_region_init(&region, memory, sizes[i], &options), OTLITE_OK);
            resource = register_resource(&region, "");
            size_t chain = links == 0 ? 0 : links * otlite_region_inline_max(&region) + 20;
            uint32_t count = sizes[i] < 100000 ? 7 : sizes[i] < 200000 ? 14 : 21;
            if (chain + 100 > otlite_region_record_max(&region))
                chain = 0;
            for (uint32_t number = 0; number < count; number++)
                record(number, 1100, chain);
            seen = 0;
            while (otlite_batch_collect(&region, &limits, &batch) == OTLITE_OK) {
                CHECK(batch.segment_count <= region.work_size / 512);
                struct bytes body = join_segments(&batch);
                CHECK(read_request(body, note, NULL));
                free((void *)(uintptr_t)body.data);
                otlite_batch_acknowledge(&region, &batch, 0);
            }
            CHECK_EQUAL(seen, (UINT64_C(1) << count) - 1);
            otlite_unmap(memory, sizes[i]);
        }
}

int main(void)
{
    RUN(test_as_many_as_there_is_room_for);
    return check_end();
}
