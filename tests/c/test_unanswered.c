/* test_unanswered.c - records dropped after they were sent, without an answer for good, are counted apart */
#include "check.h"
#include "otlite.h"

#define MEMORY_SIZE (64u << 10)

static struct otlite_region region;
static void *memory;
static uint32_t resource, scope;

static void open_region(void)
{
    struct otlite_region_options options = {.on_full = OTLITE_OVERWRITE_OLDEST};
    uint8_t head[16];
    memory = otlite_map(MEMORY_SIZE);
    CHECK_EQUAL(otlite_region_init(&region, memory, MEMORY_SIZE, &options), OTLITE_OK);
    size_t size = otlite_scope_encode(head, (struct otlite_text){0}, (struct otlite_text){0}, NULL);
    CHECK_EQUAL(otlite_scope_register(&region, head, size, NULL, 0, &scope), OTLITE_OK);
    size = otlite_resource_encode(head, NULL);
    CHECK_EQUAL(otlite_resource_register(&region, head, size, NULL, 0, &resource), OTLITE_OK);
}

static void record(void)
{
    static const uint8_t bytes[] = {0x12, 0x02, 0x08, 0x01};
    CHECK_EQUAL(otlite_region_append(&region, bytes, sizeof bytes, resource, scope, 0, true),
                OTLITE_OK);
}

static uint64_t unanswered(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    return stats.unanswered;
}

/* What was dropped after it was offered, and not answered for good, is counted: the receiver may have it. */
static void test_unanswered(void)
{
    struct otlite_batch_limits two = {.max_bytes = 1 << 20, .max_records = 2};
    struct otlite_batch_limits all = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    open_region();
    for (uint32_t i = 0; i < 6; i++)
        record();
    CHECK_EQUAL(otlite_batch_collect(&region, &all, &batch), OTLITE_OK);
    otlite_batch_offer(&region, &batch);
    otlite_batch_release(&region, &batch);
    CHECK_EQUAL(otlite_batch_collect(&region, &two, &batch), OTLITE_OK);
    otlite_batch_offer(&region, &batch); /* fewer than before: the rest stays offered */
    otlite_batch_acknowledge(&region, &batch, 0);
    CHECK_EQUAL(unanswered(), 0);
    CHECK_EQUAL(otlite_batch_collect(&region, &two, &batch), OTLITE_OK);
    otlite_batch_drop(&region, &batch, OTLITE_LOSS_REFUSED, true);
    CHECK_EQUAL(unanswered(), 0);
    record(); /* never offered */
    CHECK_EQUAL(otlite_batch_collect(&region, &all, &batch), OTLITE_OK);
    CHECK_EQUAL(batch.records, 3);
    otlite_batch_drop(&region, &batch, OTLITE_LOSS_SHUTDOWN, false);
    CHECK_EQUAL(unanswered(), 2);
    otlite_unmap(memory, MEMORY_SIZE);

    open_region();
    for (uint32_t i = 0; i < 5; i++)
        record();
    for (int answered = 1; answered >= 0; answered--) {
        CHECK_EQUAL(otlite_batch_collect(&region, &two, &batch), OTLITE_OK);
        otlite_batch_offer(&region, &batch);
        if (answered)
            otlite_batch_acknowledge(&region, &batch, 0);
        else
            otlite_batch_release(&region, &batch);
    }
    struct otlite_stats stats = {0};
    for (uint32_t i = 0; i < 100000 && stats.dropped[OTLITE_LOSS_OVERWRITTEN] < 3; i++) {
        record();
        otlite_region_stats(&region, &stats);
    }
    CHECK(stats.dropped[OTLITE_LOSS_OVERWRITTEN] >= 3);
    CHECK_EQUAL(stats.unanswered, 2);
    otlite_unmap(memory, MEMORY_SIZE);
}

/* In each of the chunks of a batch. */
static void test_of_many_chunks(void)
{
    struct otlite_batch_limits all = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    uint64_t count = 0;
    open_region();
    while (otlite_region_count(&region) < 1000)
        record();
    CHECK_EQUAL(otlite_batch_collect(&region, &all, &batch), OTLITE_OK);
    CHECK(batch.item_count > 2);
    count = batch.records;
    otlite_batch_offer(&region, &batch);
    otlite_batch_drop(&region, &batch, OTLITE_LOSS_SHUTDOWN, false);
    CHECK_EQUAL(unanswered(), count);
    otlite_unmap(memory, MEMORY_SIZE);
}

int main(void)
{
    RUN(test_of_many_chunks);
    RUN(test_unanswered);
    return check_end();
}
