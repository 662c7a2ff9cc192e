/* test_open_damage.c - a table of open spans with bytes that nobody wrote: no span that was not open, none twice
 *
 * DAMAGES=n: ten times so many random ones instead of 20000.
 */
#define _GNU_SOURCE
#include "guard.h"
#include "opening.h"

static uint8_t left[SMALL];
static uint64_t sound, told_damaged;

/* `elsewhere`: not the table alone is damaged. */
static bool use_damaged(uint32_t most, bool elsewhere)
{
    bool well = CHECK_EQUAL(read_opened(memory, SMALL, &opened), OTLITE_OK);
    well &= CHECK_EQUAL(opened.wrong, 0);
    uint64_t found = opened.spans;
    uint32_t unfinished = times(opened.unfinished, 0, most);
    told_damaged += opened.damaged != 0;
    for (uint32_t number = 0; number < most; number++)
        well &= CHECK(opened.unfinished[number] + opened.recorded[number] <= 1 &&
                      opened.unfinished[number] <= (number < TABLE && number % 4 != 3));
    struct otlite_adoption told = adopt(0);
    (void)balanced_stats(&recorder.region);
    drain_opened(&recorder.region, &opened);
    well &= CHECK_EQUAL(opened.wrong, 0);
    if (elsewhere)
        well &= CHECK(opened.spans <= found);
    else
        well &= CHECK_EQUAL(opened.spans, found);
    well &= CHECK_EQUAL(told.unfinished, unfinished);
    well &= CHECK(times(opened.unfinished, 0, most) <= unfinished);
    well &= CHECK_EQUAL(stats_now().open_used + balanced_stats(&recorder.region).pending, 0);
    sound += unfinished;
    register_all(&recorder, "");
    for (uint32_t number = 0; number < TABLE; number++)
        well &= CHECK_EQUAL(open_number(&recorder, number, &spans[number]), OTLITE_OK);
    return well;
}

static void leave_open(void)
{
    open_region(SMALL, TABLE, 0);
    open_some(0, TABLE);
    for (uint32_t number = 0; number < TABLE; number++)
        if (number % 4 == 3)
            CHECK_EQUAL(end_number(&recorder, number, &spans[number]), OTLITE_OK);
    memcpy(left, memory, SMALL);
}

/* An entry in another's place, its word with it, is not that span a second time. */
static void test_an_entry_elsewhere(void)
{
    leave_open();
    struct otlite_region *region = &recorder.region;
    for (uint32_t from = 0; from < TABLE; from += 3)
        for (uint32_t to = 0; to < TABLE; to++) {
            memcpy(memory, left, SMALL);
            region->open[to] = region->open[from];
            region->open_states[to] = region->open_states[from];
            if (!use_damaged(TABLE, false))
                return;
        }
}

/* Each byte of the table, in four ways. */
static void test_each_byte(void)
{
    leave_open();
    const struct otlite_header *header = (const void *)left;
    const struct section *states = &header->sections[SECTION_OPEN_STATES - 1];
    const struct section *entries = &header->sections[SECTION_OPEN - 1];
    for (uint32_t at = states->offset; at < entries->offset + entries->size; at++)
        for (int way = 0; way < 4; way++) {
            static const uint8_t flips[] = {0x01, 0x80, 0xff, 0x02};
            memcpy(memory, left, SMALL);
            memory[at] ^= flips[way];
            if (!use_damaged(TABLE, false)) {
                fprintf(stderr, "byte %u, flipped by %02x\n", at, flips[way]);
                return;
            }
        }
    CHECK(sound > 10000 && told_damaged > 1000);
    printf("%llu open spans found, %llu times one was damaged\n", (unsigned long long)sound,
           (unsigned long long)told_damaged);
}

/* Words of the table copied over others, stretches of it zeroed or filled, other bytes anywhere. */
static void test_random_damage(void)
{
    const struct otlite_header *header = (const void *)left;
    uint32_t from = header->sections[SECTION_OPEN_STATES - 1].offset;
    uint32_t table = header->sections[SECTION_ARENA - 1].offset - from;
    uint64_t state = 5;
    leave_open();
    undamaged = header;
    const char *fewer = getenv("DAMAGES");
    int rounds = fewer != NULL ? atoi(fewer) * 10 : 20000;
    for (int round = 0; round < rounds; round++) {
        bool elsewhere = false;
        memcpy(memory, left, SMALL);
        for (uint32_t n = 1 + draw(&state, 4); n > 0; n--) {
            uint32_t at = from + draw(&state, table - 64) / 4 * 4;
            switch (draw(&state, 4)) {
            case 0:
                memset(memory + at, (int)draw(&state, 2) * 255, draw(&state, 64));
                break;
            case 1:
                memcpy(memory + at, left + from + draw(&state, table - 64) / 4 * 4,
                       4 * (1 + draw(&state, 16)));
                break;
            case 2:
                memory[from + draw(&state, table)] ^= (uint8_t)(1 << draw(&state, 8));
                break;
            default:
                elsewhere = true;
                at = offsetof(struct otlite_header, sequence);
                at += draw(&state, SMALL - at);
                memory[at] ^= (uint8_t)(1 << draw(&state, 8));
            }
        }
        if (!use_damaged(TABLE, elsewhere)) {
            fprintf(stderr, "round %d\n", round);
            return;
        }
    }
    undamaged = NULL;
}

/* A last record whose name ends where the region does: what is behind the record is not taken for more of it. */
static void test_a_last_record_that_says_it_is_longer(void)
{
    struct guard guard = guard_make(SMALL - 1);
    struct otlite_region_options options = options_of(TABLE);
    struct otlite_region *region = &recorder.region;
    CHECK_EQUAL(otlite_region_init(region, guard_place(guard, GUARD_AFTER, SMALL), SMALL, &options),
                OTLITE_OK);
    register_all(&recorder, "");
    uint32_t last = region->chunk_count - 1;
    region->header->free_hint = last;
    uint8_t *field = sized_field(1, 3900);
    if (!CHECK(field != NULL))
        return;
    for (int record = 0; record < 2; record++)
        CHECK_EQUAL(otlite_region_append(region, field, record == 0 ? 3900 : 16, recorder.resource,
                                         recorder.scopes[0], 0, true),
                    OTLITE_OK);
    free(field);
    CHECK_EQUAL(region->chunks[last].committed, 2);
    uint8_t *record = chunk_data(region, last) + 3900;
    size_t name = (size_t)(guard.end - record) - 5;
    const uint8_t bytes[] = {0x12, 0, 0x2a, (uint8_t)(name | 0x80), (uint8_t)(name >> 7)};
    memcpy(record, bytes, sizeof bytes);
    CHECK_EQUAL(read_opened(region->base, SMALL, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.damaged, 1);
    guard_free(guard);
}

/* A last record with a trace and no span, or the other way round, is nobody's. */
static void test_a_last_record_with_half_of_its_names(void)
{
    for (int half = 0; half < 2; half++) {
        open_region(SMALL, TABLE, 0);
        open_some(0, 3);
        struct otlite_span span = spans[1];
        span.open = 0;
        CHECK_EQUAL(end_number(&recorder, 1, &span), OTLITE_OK);
        uint8_t *at = memmem(recorder.region.data, recorder.region.chunk_size,
                             half ? span.span_id : span.trace_id, half ? 8 : 16);
        if (!CHECK(at != NULL))
            return;
        at[-2] = 0x1a; /* its tag: field 3 */
        CHECK_EQUAL(read_opened(memory, SMALL, &opened), OTLITE_OK);
        CHECK_EQUAL(times(opened.unfinished, 0, 3), 3);
        CHECK_EQUAL(opened.damaged, 1);
    }
}

/* What was damaged is told of once: nothing of it is left for the next who adopts. */
static void test_a_free_entry_with_a_seal(void)
{
    open_region(SMALL, TABLE, 0);
    open_some(0, 3);
    otlite_open_end(&recorder.region, spans[1].open);
    recorder.region.open[(spans[1].open - 1) % TABLE].seal = 7;
    for (int life = 0; life < 3; life++) {
        struct otlite_adoption told = adopt(0);
        CHECK_EQUAL(told.damaged, life == 0);
        CHECK_EQUAL(told.unfinished, life == 0 ? 2 : 0);
        CHECK_EQUAL(told.records, 2);
    }
}

int main(void)
{
    RUN(test_a_free_entry_with_a_seal);
    RUN(test_a_last_record_with_half_of_its_names);
    RUN(test_a_last_record_that_says_it_is_longer);
    (void)otlite_kernels_select(NULL);
    RUN(test_an_entry_elsewhere);
    RUN(test_each_byte);
    RUN(test_random_damage);
    return check_end();
}
