/* test_places.c - what became of a record, by its place, against what each batch holds and what is counted */
#include "check.h"
#include "decode.h"
#include "otlite.h"

enum fate { NONE, PENDING, SETTLED, OVERWRITTEN, LOST };

enum { RECORDS = 6000, MEMORY_SIZE = 128 << 10 };

static struct otlite_region region;
static void *memory;
static uint32_t resource, scope;
static struct otlite_place places[RECORDS];
static enum fate fates[RECORDS];
static uint64_t seed;

static void open_region(enum otlite_on_full on_full)
{
    struct otlite_region_options options = {.on_full = on_full};
    memory = otlite_map(MEMORY_SIZE);
    CHECK_EQUAL(otlite_region_init(&region, memory, MEMORY_SIZE, &options), OTLITE_OK);
    resource = register_resource(&region, "places");
    scope = register_scope(&region, "places", "");
}

/* One in 13 is a chain, one in 400 too large; one in 3 is not asked after. */
static void record(uint32_t number)
{
    static uint8_t bytes[70000];
    uint32_t size = number % 400 == 399 ? 60000 : number % 13 == 12 ? 9000 : draw(&seed, 600);
    struct otlite_span span = numbered_span(number, size);
    places[number] = (struct otlite_place){.chunk = UINT32_MAX, .loss = OTLITE_LOSSES};
    if (number % 3 != 2)
        span.place = &places[number];
    enum otlite_status status = OTLITE_NO_ROOM;
    if (number % 7 != 6) /* else encoded before, as a chain has to be */
        status = otlite_span_record(&region, &span, resource, scope);
    if (status == OTLITE_NO_ROOM)
        status = otlite_span_append(&region, &span, bytes, otlite_span_encode(bytes, &span),
                                    resource, scope);
    if (number % 3 == 2)
        return;
    CHECK_EQUAL(status == OTLITE_OK, places[number].chunk != UINT32_MAX);
    CHECK_EQUAL(status == OTLITE_DROPPED, places[number].loss != OTLITE_LOSSES);
    fates[number] = status == OTLITE_OK ? PENDING : LOST;
}

static void look(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (fates[i] == PENDING && !otlite_place_kept(&region, &places[i]))
            fates[i] = OVERWRITTEN;
}

static void note_held(void *context, const struct record *record)
{
    uint64_t number = number_of(record->field);
    if (CHECK(number < RECORDS))
        ((uint8_t *)context)[number]++;
}

/* By place, the records of a batch; and by its bytes, whether these are all. */
static void settle(const struct otlite_batch *batch, uint32_t count)
{
    static uint8_t held[RECORDS];
    memset(held, 0, sizeof held);
    struct bytes body = join_segments(batch);
    CHECK(read_request(body, note_held, held));
    free((uint8_t *)(uintptr_t)body.data);
    struct otlite_part part;
    uint32_t parts = 0;
    for (uint32_t next = 0; otlite_batch_watched(&region, batch, &next, &part); parts++) {
        for (uint32_t i = 0; i < count; i++) {
            const struct otlite_place *place = &places[i];
            if (fates[i] != PENDING || place->chunk != part.chunk ||
                place->generation != part.generation || place->record < part.from ||
                place->record >= part.to)
                continue;
            fates[i] = SETTLED;
            CHECK_EQUAL(held[i], 1);
            held[i] = 0;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        CHECK(i % 3 == 2 || held[i] == 0);
    CHECK(parts <= batch->records);
}

static void run(enum otlite_on_full on_full, uint64_t start)
{
    seed = start;
    memset(fates, 0, sizeof fates);
    open_region(on_full);
    struct otlite_batch batch, kept = {0};
    uint64_t settled = 0;
    for (uint32_t number = 0; number < RECORDS; number++) {
        record(number);
        if (draw(&seed, 40) != 0)
            continue;
        struct otlite_batch_limits limits = {.max_bytes = 1000 + draw(&seed, 60000),
                                             .max_records = draw(&seed, 2) * (1 + draw(&seed, 30))};
        look(number + 1);
        if (otlite_batch_repin(&region, &kept) == OTLITE_OK)
            batch = kept;
        else if (otlite_batch_collect(&region, &limits, &batch) != OTLITE_OK)
            continue;
        otlite_batch_offer(&region, &batch);
        if (draw(&seed, 3) == 0) {
            otlite_batch_release(&region, &batch);
            kept = batch;
            continue;
        }
        settle(&batch, number + 1);
        settled += batch.records;
        if (draw(&seed, 2) == 0)
            otlite_batch_acknowledge(&region, &batch, draw(&seed, 2));
        else
            otlite_batch_drop(&region, &batch, OTLITE_LOSS_REFUSED, true);
    }
    look(RECORDS);
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    uint64_t found[5] = {0}, asked = 0;
    for (uint32_t i = 0; i < RECORDS; i++)
        if (i % 3 != 2) {
            asked++;
            found[fates[i]]++;
        }
    CHECK_EQUAL(found[NONE], 0);
    CHECK_EQUAL(found[PENDING] + found[SETTLED] + found[OVERWRITTEN] + found[LOST], asked);
    CHECK(found[PENDING] <= stats.pending && found[SETTLED] <= settled);
    CHECK(found[OVERWRITTEN] <= stats.dropped[OTLITE_LOSS_OVERWRITTEN]);
    CHECK(found[SETTLED] > 100);
    CHECK(found[on_full == OTLITE_OVERWRITE_OLDEST ? OVERWRITTEN : LOST] > 100);
    otlite_unmap(memory, MEMORY_SIZE);
}

static void test_each_place_tells(void)
{
    for (uint64_t start = 1; start <= 6; start++)
        run(start % 2 ? OTLITE_OVERWRITE_OLDEST : OTLITE_DROP_NEWEST, start);
}

/* With a place for each record the fates add up to what is counted, by reason. */
static void add_up(enum otlite_on_full on_full)
{
    uint64_t lost[OTLITE_LOSSES] = {0}, pending = 0;
    memset(fates, 0, sizeof fates);
    open_region(on_full);
    for (uint32_t number = 0; number < RECORDS; number++) {
        if (number % 3 == 2)
            continue;
        record(number);
        if (fates[number] == LOST)
            lost[places[number].loss]++;
        if (number % 13 != 12 || number % 10 != 0) /* after a chain its links, too, are another's */
            continue;
        struct otlite_stats stats;
        look(number + 1);
        otlite_region_stats(&region, &stats);
        pending = lost[OTLITE_LOSS_OVERWRITTEN] = 0;
        for (uint32_t i = 0; i <= number; i++) {
            pending += fates[i] == PENDING;
            lost[OTLITE_LOSS_OVERWRITTEN] += fates[i] == OVERWRITTEN;
        }
        CHECK_EQUAL(pending, stats.pending);
        for (int loss = 0; loss < OTLITE_LOSSES; loss++)
            CHECK_EQUAL(lost[loss], stats.dropped[loss]);
    }
    bool overwrites = on_full == OTLITE_OVERWRITE_OLDEST;
    CHECK(pending > 5 && lost[overwrites ? OTLITE_LOSS_OVERWRITTEN : OTLITE_LOSS_FULL] > 100);
    CHECK(lost[OTLITE_LOSS_TOO_LARGE] > 0);
    otlite_unmap(memory, MEMORY_SIZE);
}

static void test_they_add_up(void)
{
    add_up(OTLITE_OVERWRITE_OLDEST);
    add_up(OTLITE_DROP_NEWEST);
}

/* A chunk that nobody asks after any more is none that a collector has to stop for, until somebody asks again. */
static void test_left(void)
{
    struct otlite_batch_limits all = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    struct otlite_part part;
    open_region(OTLITE_OVERWRITE_OLDEST);
    record(0);
    record(1);
    CHECK_EQUAL(otlite_batch_collect(&region, &all, &batch), OTLITE_OK);
    uint32_t next = 0;
    CHECK(otlite_batch_watched(&region, &batch, &next, &part));
    CHECK_EQUAL(part.from, 0);
    CHECK_EQUAL(part.to, 2);
    CHECK(!otlite_batch_watched(&region, &batch, &next, &part));
    otlite_place_leave(&region, &places[0]);
    next = 0;
    CHECK(!otlite_batch_watched(&region, &batch, &next, &part));
    record(3);
    next = 0;
    CHECK(otlite_batch_watched(&region, &batch, &next, &part));
    otlite_batch_release(&region, &batch);
    next = 0;
    CHECK(!otlite_batch_watched(&region, &batch, &next, &part));
    for (uint32_t number = 2; number < RECORDS; number += 3) /* the chunk is given away */
        record(number);
    CHECK_EQUAL(otlite_batch_collect(&region, &all, &batch), OTLITE_OK);
    next = 0;
    CHECK(!otlite_batch_watched(&region, &batch, &next, &part));
    otlite_batch_release(&region, &batch);
    otlite_unmap(memory, MEMORY_SIZE);

    open_region(OTLITE_OVERWRITE_OLDEST);
    record(2); /* one that nobody asks after */
    CHECK_EQUAL(otlite_batch_collect(&region, &all, &batch), OTLITE_OK);
    next = 0;
    CHECK(!otlite_batch_watched(&region, &batch, &next, &part));
    otlite_batch_release(&region, &batch);
    otlite_unmap(memory, MEMORY_SIZE);
}

int main(void)
{
    RUN(test_each_place_tells);
    RUN(test_they_add_up);
    RUN(test_left);
    return check_end();
}
