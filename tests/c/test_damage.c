/* test_damage.c - bytes that nobody wrote, where a region was left: no crash, no look beyond the end, no wrong record
 *
 * DAMAGES=n: so many random ones instead of 20000.
 */
#include "guard.h"

#include "death.h"

enum { SIZE = 64 << 10, MADE = 120 };

static uint8_t left[SIZE], intact[SIZE];
static struct guard place;
static uint8_t *memory;
static struct recorder recorder;
static struct findings findings;
static uint64_t statuses[OTLITE_SYSTEM + 1], damaged, kept;

/* A region that is full, has overwritten, sent, offered and chained. */
static void leave_one(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .max_records = 2};
    struct otlite_batch batch;
    place = guard_make(SIZE - 1);
    memory = place.start;
    CHECK_EQUAL(place.end - place.start, SIZE);
    memset(memory, 0, SIZE);
    CHECK_EQUAL(otlite_region_init(&recorder.region, memory, SIZE, &durable_options), OTLITE_OK);
    register_all(&recorder, "");
    for (uint64_t number = 0; number < MADE; number++)
        CHECK_EQUAL(record_number(&recorder, number), OTLITE_OK);
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(otlite_batch_collect(&recorder.region, &limits, &batch), OTLITE_OK);
        otlite_batch_offer(&recorder.region, &batch);
        if (i < 3)
            otlite_batch_acknowledge(&recorder.region, &batch, 0);
    }
    memcpy(left, memory, SIZE);
    CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
    CHECK(findings.fates[OTLITE_PENDING] > 10 && findings.fates[OTLITE_OFFERED] > 0 &&
          findings.fates[OTLITE_ACKNOWLEDGED] > 0);
}

static bool wrong(void)
{
    uint64_t twice = findings.highest >= MADE;
    for (uint32_t number = 0; number < MADE; number++)
        twice += findings.times[number] > 1;
    return !CHECK_EQUAL(findings.strange + twice, 0);
}

/* Reads, adopts, sends and uses what lies there; false when any of it goes wrong. */
static bool use(size_t size)
{
    struct otlite_adoption told;
    memcpy(intact, memory, size);
    enum otlite_status status = read_image(memory, size, &findings);
    statuses[status]++;
    bool well = CHECK(memcmp(intact, memory, size) == 0);
    if (status != OTLITE_OK)
        return CHECK_EQUAL(
                   otlite_region_adopt(&recorder.region, memory, size, &durable_options, &told),
                   status) &&
               well;
    well &= !wrong();
    uint64_t found = findings.records;
    damaged += findings.damaged != 0;
    well &= CHECK_EQUAL(
        otlite_region_adopt(&recorder.region, memory, size, &durable_options, &told), OTLITE_OK);
    (void)balanced_stats(&recorder.region);
    drain_into(&recorder.region, &findings);
    kept += findings.records;
    well &= !wrong() && CHECK(findings.records <= found);
    struct otlite_stats stats = balanced_stats(&recorder.region);
    well &= CHECK_EQUAL(stats.pending + stats.chunks_used, 0);
    register_all(&recorder, "");
    for (uint64_t number = 0; number < 8; number++)
        well &= CHECK_EQUAL(record_number(&recorder, number), OTLITE_OK);
    drain_into(&recorder.region, &findings);
    return CHECK_EQUAL(findings.records, 8) && !wrong() && well;
}

static void restore(void)
{
    memcpy(memory, left, SIZE);
}

/* Each byte of all that is not records, in four ways; in an emulator, which is slow, in one of them. */
static void test_each_byte_of_what_is_not_data(void)
{
    const struct otlite_header *header = (const void *)left;
    const struct section *work = &header->sections[SECTION_WORK - 1];
    const struct section *data = &header->sections[SECTION_DATA - 1];
    for (uint32_t at = 0; at < data->offset; at++) {
        if (at == work->offset)
            at += work->size;
        for (uint32_t way = check_emulated() ? at % 4 : 0; way < 4;
             way += check_emulated() ? 4 : 1) {
            static const uint8_t flips[] = {0x01, 0x80, 0xff, 0x02};
            restore();
            memory[at] ^= flips[way];
            if (!use(SIZE)) {
                fprintf(stderr, "byte %u of %u, flipped by %02x\n", at, data->offset, flips[way]);
                return;
            }
        }
    }
    CHECK(statuses[OTLITE_OK] > 0 && statuses[OTLITE_FOREIGN] > 0 && statuses[OTLITE_VERSION] > 0 &&
          statuses[OTLITE_DAMAGED] > 0 && damaged > 0);
}

/* Bytes, words and stretches of the whole, a few at a time. */
static void test_random_damage(void)
{
    uint64_t state = 7;
    const char *rounds = getenv("DAMAGES");
    uint32_t constant = offsetof(struct otlite_header, sequence);
    for (int round = rounds != NULL     ? atoi(rounds)
                     : check_emulated() ? 2000
                                        : 20000;
         round > 0; round--) {
        restore();
        for (uint32_t times = 1 + draw(&state, 4); times > 0; times--) {
            uint32_t at = constant + draw(&state, SIZE - constant - 64);
            switch (draw(&state, 4)) {
            case 0:
                memset(memory + at, (int)draw(&state, 2) * 255, draw(&state, 64));
                break;
            case 1:
                memcpy(memory + at, memory + constant + draw(&state, SIZE - constant - 64), 16);
                break;
            default:
                memory[at] ^= (uint8_t)(1 << draw(&state, 8));
            }
        }
        if (!use(SIZE)) {
            fprintf(stderr, "%d rounds before the end\n", round);
            return;
        }
    }
    CHECK(kept > 1000);
}

/* A header that is in order, and anything behind it. */
static void test_garbage_behind_a_good_header(void)
{
    uint64_t state = 11;
    uint32_t constant = offsetof(struct otlite_header, sequence);
    for (int round = 0; round < 600; round++) {
        restore();
        for (uint32_t at = constant; at < SIZE; at += 4) {
            uint32_t word = round % 3 == 0 ? draw(&state, UINT32_MAX) : draw(&state, 20);
            if (round % 3 == 2 && draw(&state, 8) != 0)
                continue;
            memcpy(memory + at, &word, 4);
        }
        if (!use(SIZE))
            return;
    }
}

/* Whoever writes a file can seal what he likes: what is no span is let be where times are to be moved. */
static void test_sealed_bytes_that_are_no_span(void)
{
    static const uint8_t far[20] = {0x12, 0xff, 0xff, 0xff, 0xff, 0x07,
                                    0x0a, 0x80, 0x80, 0x80, 0x80, 0x04};
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    uint64_t state = 3;
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[20] = {0x12, 18, 0x0a, (uint8_t)round}; /* and on beyond it */
        if (round == 0)
            memcpy(bytes, far, sizeof bytes);
        for (int i = 0; i < 20 && round > 300; i++)
            bytes[i] = (uint8_t)(draw(&state, 3) == 0 ? draw(&state, 256) : 1 + draw(&state, 64));
        CHECK_EQUAL(otlite_region_init(&recorder.region, memory, SIZE, &durable_options),
                    OTLITE_OK);
        register_all(&recorder, "");
        for (int i = 0; i < 2; i++)
            CHECK_EQUAL(otlite_region_append(&recorder.region, bytes, sizeof bytes,
                                             recorder.resource, recorder.scopes[0], 0, false),
                        OTLITE_OK);
        struct otlite_header *header = recorder.region.header;
        header->anchors[0] -= UINT64_C(10000000000);
        header->anchor_seals[0] = otlite_anchor_seal(header, 0);
        CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &durable_options, NULL),
                    OTLITE_OK);
        CHECK_EQUAL(otlite_batch_collect(&recorder.region, &limits, &batch), OTLITE_OK);
        CHECK_EQUAL(batch.records, 2);
        CHECK_EQUAL(batch.segment_count, 1);
        CHECK(batch.copied == batch.size);
    }
}

/* A reader that is told there is more than there is. */
static void read_beyond(void *at)
{
    memcpy(at, left, SIZE - 4096);
    (void)read_image(at, SIZE, &findings);
}

static void test_the_guard_is_noticed(void)
{
    CHECK(guard_kills(read_beyond, guard_place(place, GUARD_AFTER, SIZE - 4096)));
}

static void test_truncated(void)
{
    memset(statuses, 0, sizeof statuses);
    for (size_t size = 0; size < SIZE; size += size < 4096 ? 1 : 509) {
        memory = place.end - size;
        memory -= (uintptr_t)memory % 64;
        memcpy(memory, left, size);
        if (!use(size))
            return;
    }
    memory = place.start;
    CHECK_EQUAL(statuses[OTLITE_FOREIGN], 8);
    CHECK_EQUAL(statuses[OTLITE_OK] + statuses[OTLITE_DAMAGED] + statuses[OTLITE_VERSION], 0);
}

int main(void)
{
    (void)otlite_kernels_select(NULL);
    RUN(leave_one);
    RUN(test_each_byte_of_what_is_not_data);
    RUN(test_random_damage);
    RUN(test_garbage_behind_a_good_header);
    RUN(test_sealed_bytes_that_are_no_span);
    RUN(test_the_guard_is_noticed);
    RUN(test_truncated);
    guard_free(place);
    return check_end();
}
