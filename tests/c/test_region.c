/* test_region.c - a region of any size: what it holds, what it loses when full, its clock, and who
 * is woken
 *
 * Includes layout.h for one thing: the directory in the header that lets another process read a
 * region.
 */
#define _GNU_SOURCE
#include "wall.h"

#include "guard.h"

#include "check.h"
#include "decode.h"
#include "region/layout.h"

/* ---- A region, and what is in it ---- */

static struct guard memory;
static struct otlite_region region;
static uint32_t resource, scope;

static void open_region(size_t size, enum otlite_on_full on_full)
{
    struct otlite_region_options options = {.on_full = on_full};
    memory = guard_make(size);
    enum guard_side side = size % 64 == 0 ? GUARD_AFTER : GUARD_BEFORE;
    memset(guard_place(memory, side, size), 0xa5, size);
    CHECK_EQUAL(otlite_region_init(&region, guard_place(memory, side, size), size, &options),
                OTLITE_OK);
    resource = register_resource(&region, "");
    scope = register_scope(&region, "scope", "");
}

static struct otlite_stats stats_now(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    uint64_t gone = stats.exported + stats.rejected;
    for (int loss = 0; loss < OTLITE_LOSSES; loss++)
        gone += stats.dropped[loss];
    CHECK_EQUAL(stats.recorded, gone + stats.pending);
    CHECK_EQUAL(stats.pending, otlite_region_count(&region));
    return stats;
}

static enum otlite_status record(uint64_t number, uint32_t name_size)
{
    struct otlite_span span = numbered_span(number, name_size);
    return otlite_span_record(&region, &span, resource, scope);
}

static enum otlite_status append_sized(uint64_t number, size_t size)
{
    uint8_t *field = sized_field(number, size);
    if (!CHECK(field != NULL))
        return OTLITE_INVALID;
    enum otlite_status status =
        otlite_region_append(&region, field, size, resource, scope, 0, false);
    free(field);
    return status;
}

struct drained {
    uint64_t first, last, count, breaks; /* breaks: where a number is not the one before plus one */
};

static void note_number(void *context, const struct record *found)
{
    struct drained *drained = context;
    uint64_t number = number_of(found->field);
    CHECK(number != UINT64_MAX);
    if (drained->count == 0)
        drained->first = number;
    else if (number != drained->last + 1)
        drained->breaks++;
    drained->last = number;
    drained->count++;
}

/* Collects and acknowledges until nothing is left. */
static struct drained drain(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    struct drained drained = {0};
    while (otlite_batch_collect(&region, &limits, &batch) == OTLITE_OK) {
        struct bytes body = join_segments(&batch);
        CHECK(read_request(body, note_number, &drained));
        free((void *)(uintptr_t)body.data);
        otlite_batch_acknowledge(&region, &batch, 0);
    }
    CHECK_EQUAL(stats_now().pending, 0);
    return drained;
}

/* ---- Layout ---- */

static void test_init_refuses(void)
{
    struct otlite_region_options options = {0}, odd = {.on_full = OTLITE_DROP_NEWEST + 1};
    uint8_t *at = otlite_map(1 << 20);
    if (!CHECK(at != NULL))
        return;
    CHECK_EQUAL(otlite_region_init(&region, at, 0, &options), OTLITE_INVALID);
    CHECK_EQUAL(otlite_region_init(&region, at, OTLITE_REGION_MIN - 1, &options), OTLITE_INVALID);
    CHECK_EQUAL(otlite_region_init(&region, at, (size_t)OTLITE_REGION_MAX + 1, &options),
                OTLITE_INVALID);
    CHECK_EQUAL(otlite_region_init(&region, at, SIZE_MAX, &options), OTLITE_INVALID);
    for (int by = 1; by < 64; by *= 2)
        CHECK_EQUAL(otlite_region_init(&region, at + by, OTLITE_REGION_MIN, &options),
                    OTLITE_INVALID);
    CHECK_EQUAL(otlite_region_init(&region, at, OTLITE_REGION_MIN, &odd), OTLITE_INVALID);
    odd = (struct otlite_region_options){.open_spans = 1}; /* where nobody would find them */
    CHECK_EQUAL(otlite_region_init(&region, at, OTLITE_REGION_MIN, &odd), OTLITE_INVALID);
    CHECK_EQUAL(otlite_region_init(&region, at, OTLITE_REGION_MIN, &options), OTLITE_OK);
    otlite_unmap(at, 1 << 20);
    at = otlite_map(OTLITE_REGION_MAX); /* of which a thousandth is touched */
    if (CHECK(at != NULL))
        CHECK_EQUAL(otlite_region_init(&region, at, OTLITE_REGION_MAX, &options), OTLITE_OK);
    otlite_unmap(at, OTLITE_REGION_MAX);
}

/* The directory: sections in order, apart, whole, and inside of the region. */
static void check_layout(uint8_t *at, size_t size)
{
    static const size_t item[SECTIONS] = {64, 32, 32, 4, 128, 1, 1, 64, 0};
    struct otlite_region_options options = {.durable = true,
                                            .open_spans = (uint32_t)size % 3 * 1000};
    struct otlite_stats stats;

    CHECK_EQUAL(otlite_region_init(&region, at, size, &options), OTLITE_OK);
    const struct otlite_header *header = (const void *)at;
    size_t end = sizeof *header;
    for (uint32_t i = 0; i < SECTIONS; i++) {
        const struct section *section = &header->sections[i];
        CHECK_EQUAL(section->type, i + 1);
        CHECK(section->offset >= end && section->offset % 64 == 0);
        if (i == SECTION_OPEN_STATES - 1 || i == SECTION_OPEN - 1)
            CHECK(section->count <= options.open_spans && section->count <= size / 4096 &&
                  (section->count != 0) == (options.open_spans != 0));
        else
            CHECK(section->count > (i < SECTION_CHUNKS - 1 ? 0 : 7));
        size_t each = i == SECTION_DATA - 1 ? header->chunk_size : item[i];
        CHECK(section->size >= each * section->count);
        end = section->offset + (size_t)section->size;
    }
    CHECK(end <= size);
    CHECK(header->chunk_size == 4096 ||
          header->chunk_size / 2 * 256 < size); /* 128 to 256 chunks */
    CHECK(header->chunk_size == 65536 || (size_t)header->chunk_size * 256 >= size);
    CHECK(header->chunk_size >= 4096 && header->chunk_size <= 65536);
    CHECK(size - end < 2 * header->chunk_size); /* and nothing is wasted */
    otlite_region_stats(&region, &stats);
    uint32_t slots = header->sections[SECTION_SLOTS - 1].count;
    CHECK(slots >= 2 && slots * 4 <= stats.chunks);
    CHECK_EQUAL(stats.chunks, header->sections[SECTION_DATA - 1].count);
    CHECK(header->sections[SECTION_WORK - 1].size <=
          size / 4); /* the gather buffer is part of it */
    CHECK(otlite_region_inline_max(&region) < header->chunk_size);
    CHECK(otlite_region_record_max(&region) > otlite_region_inline_max(&region));
    CHECK(otlite_region_record_max(&region) <= size / 4);
}

static void test_sizes(void)
{
    const size_t largest = 64 << 20;
    uint8_t *at = otlite_map(largest);
    if (!CHECK(at != NULL))
        return;
    for (size_t size = OTLITE_REGION_MIN; size < OTLITE_REGION_MIN + 4300; size++)
        check_layout(at, size);
    for (size_t size = OTLITE_REGION_MIN; size < largest; size += size / 61 + 1)
        check_layout(at, size);
    for (size_t power = OTLITE_REGION_MIN; power <= largest; power *= 2)
        for (int by = -1; by <= 1; by++)
            if (power + (size_t)by >= OTLITE_REGION_MIN && power + (size_t)by <= largest)
                check_layout(at, power + (size_t)by);
    otlite_unmap(at, largest);
}

/* ---- Full ---- */

static const size_t some_sizes[] = {64 << 10, 65537,         100000, 128 << 10,
                                    1 << 20,  (1 << 20) + 1, 4 << 20};
#define SOME_SIZES (sizeof some_sizes / sizeof *some_sizes)

/* A region that is told it has a page more than it has. */
static void fill_beyond(void *at)
{
    struct otlite_region_options options = {0};
    if (otlite_region_init(&region, at, OTLITE_REGION_MIN + 4096, &options) != OTLITE_OK)
        return;
    resource = register_resource(&region, "");
    scope = register_scope(&region, "scope", "");
    for (uint64_t number = 0; number < 2000; number++)
        (void)record(number, 100);
}

static void test_the_guard_is_noticed(void)
{
    struct guard guard = guard_make(OTLITE_REGION_MIN);
    CHECK(guard_kills(fill_beyond, guard_place(guard, GUARD_AFTER, OTLITE_REGION_MIN)));
    guard_free(guard);
}

/* Filled several times over, to the last byte, before an unmapped page. */
static void test_overwrites_the_oldest(void)
{
    for (size_t i = 0; i < SOME_SIZES; i++)
        for (uint32_t name = 0; name <= 1000; name += 500) {
            open_region(some_sizes[i], OTLITE_OVERWRITE_OLDEST);
            uint64_t records = 3 * some_sizes[i] / (name + 60);
            for (uint64_t number = 0; number < records; number++)
                CHECK_EQUAL(record(number, name), OTLITE_OK);
            struct otlite_stats stats = stats_now();
            CHECK_EQUAL(stats.recorded, records);
            CHECK_EQUAL(stats.chunks_used, stats.chunks);
            CHECK(stats.dropped[OTLITE_LOSS_OVERWRITTEN] > records / 2);
            CHECK(stats.pending * (name + 60 + 20) >
                  some_sizes[i] / 2); /* most of a region is records */
            struct drained drained = drain();
            CHECK_EQUAL(drained.count, stats.pending);
            CHECK_EQUAL(drained.first, stats.dropped[OTLITE_LOSS_OVERWRITTEN]);
            CHECK_EQUAL(drained.last, records - 1);
            CHECK_EQUAL(drained.breaks, 0);
            guard_free(memory);
        }
}

static void test_drops_the_newest(void)
{
    for (size_t i = 0; i < SOME_SIZES; i++) {
        open_region(some_sizes[i], OTLITE_DROP_NEWEST);
        for (int again = 0; again < 3; again++) {
            uint64_t records = 2 * some_sizes[i] / 160, kept = 0;
            uint64_t lost_before = stats_now().dropped[OTLITE_LOSS_FULL];
            for (uint64_t number = 0; number < records; number++) {
                enum otlite_status status = record(number, 100);
                CHECK(status == OTLITE_OK || status == OTLITE_DROPPED);
                kept += status == OTLITE_OK;
            }
            struct otlite_stats stats = stats_now();
            CHECK_EQUAL(stats.pending, kept);
            CHECK_EQUAL(stats.dropped[OTLITE_LOSS_FULL] - lost_before, records - kept);
            CHECK(kept < records);
            struct drained drained = drain();
            CHECK_EQUAL(drained.first, 0);
            CHECK_EQUAL(drained.count, kept);
            CHECK_EQUAL(drained.breaks, 0);
        }
        guard_free(memory);
    }
}

/* ---- Large records ---- */

static void test_large_records(void)
{
    for (size_t i = 0; i < SOME_SIZES; i++)
        for (int on_full = OTLITE_OVERWRITE_OLDEST; on_full <= OTLITE_DROP_NEWEST; on_full++) {
            open_region(some_sizes[i], (enum otlite_on_full)on_full);
            size_t one = otlite_region_inline_max(&region),
                   most = otlite_region_record_max(&region);
            size_t chunk = one + sizeof(struct record_index);
            size_t sizes[] = {one - 1,         one,         one + 1,         one + 13,
                              one + chunk - 1, one + chunk, one + chunk + 1, one + chunk + 5,
                              most - 1,        most,        most + 1,        2 * most};
            uint64_t too_large = 0;
            for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
                CHECK_EQUAL(record(1, 10), OTLITE_OK);
                bool fits = sizes[k] <= most;
                CHECK_EQUAL(append_sized(2, sizes[k]), fits ? OTLITE_OK : OTLITE_DROPPED);
                too_large += !fits;
                CHECK_EQUAL(stats_now().dropped[OTLITE_LOSS_TOO_LARGE], too_large);
                struct drained drained = drain();
                CHECK_EQUAL(drained.count, 1 + fits);
                CHECK(stats_now().chunks_used <= 1);
            }
            CHECK_EQUAL(stats_now().exported, 22);
            guard_free(memory);
        }
}

/* Two records that fill a chunk to the last byte, or would by a few: neither loses any. */
static void test_to_the_last_byte(void)
{
    open_region(64 << 10, OTLITE_OVERWRITE_OLDEST);
    size_t one = otlite_region_inline_max(&region);
    for (size_t first = 200; first < 1000; first += 83)
        for (size_t less = 0; less < 40; less++) {
            CHECK_EQUAL(append_sized(1, first), OTLITE_OK);
            CHECK_EQUAL(append_sized(2, one - first - less), OTLITE_OK);
            CHECK_EQUAL(append_sized(3, one), OTLITE_OK);
            struct drained drained = drain();
            CHECK_EQUAL(drained.count, 3);
            CHECK_EQUAL(drained.breaks, 0);
        }
    guard_free(memory);
}

/* Nor is a byte of a chunk left: of pairs that fill one each as many find room as there are chunks. */
static void test_pairs_that_fill_a_chunk(void)
{
    open_region(64 << 10, OTLITE_DROP_NEWEST);
    size_t both = otlite_region_inline_max(&region) - sizeof(struct record_index), first = 200;
    uint32_t pairs = 0;
    while (append_sized(2 * pairs, first) == OTLITE_OK) {
        CHECK_EQUAL(append_sized(2 * pairs + 1, both - first), OTLITE_OK);
        pairs++;
    }
    CHECK_EQUAL(pairs, region.chunk_count);
    CHECK_EQUAL(drain().count, 2 * pairs);
    guard_free(memory);
}

/* A span whose bound is over inline_max is refused uncounted: the caller appends it. */
static void test_no_room_inline(void)
{
    open_region(64 << 10, OTLITE_OVERWRITE_OLDEST);
    size_t most = otlite_region_inline_max(&region);
    uint32_t taken = 0;
    for (uint32_t name = 3900; name < 4100; name++) {
        struct otlite_span span = numbered_span(name, name);
        bool fits = otlite_span_encode_bound(&span) <= most;
        CHECK_EQUAL(record(name, name), fits ? OTLITE_OK : OTLITE_NO_ROOM);
        CHECK_EQUAL(stats_now().recorded, taken += fits);
    }
    CHECK(taken > 0 && taken < 200);
    guard_free(memory);
}

/* Chains that are overwritten, or that find no room, give all their chunks back. */
static void test_chains_when_full(void)
{
    for (int on_full = OTLITE_OVERWRITE_OLDEST; on_full <= OTLITE_DROP_NEWEST; on_full++) {
        open_region(64 << 10, (enum otlite_on_full)on_full);
        size_t most = otlite_region_record_max(&region);
        uint64_t kept = 0;
        for (uint64_t number = 0; number < 100; number++)
            kept += append_sized(number, most - (size_t)(number % 7)) == OTLITE_OK;
        struct otlite_stats stats = stats_now();
        uint32_t held = stats.chunks / 3; /* each takes three chunks */
        CHECK_EQUAL(kept, on_full == OTLITE_DROP_NEWEST ? held : 100);
        CHECK_EQUAL(stats.pending, held);
        CHECK_EQUAL(stats.dropped[on_full == OTLITE_DROP_NEWEST ? OTLITE_LOSS_FULL
                                                                : OTLITE_LOSS_OVERWRITTEN],
                    100 - held);
        struct drained drained = drain();
        CHECK_EQUAL(drained.count, held);
        CHECK_EQUAL(drained.breaks, 0);
        CHECK_EQUAL(drained.first, on_full == OTLITE_DROP_NEWEST ? 0 : 100 - held);
        CHECK_EQUAL(stats_now().chunks_used, 0);
        guard_free(memory);
    }
}

/* Small and large in turn, far more than there is room for: nothing leaks, and all is counted. */
static void test_chains_among_small_ones(void)
{
    uint64_t state = 99;
    for (int on_full = OTLITE_OVERWRITE_OLDEST; on_full <= OTLITE_DROP_NEWEST; on_full++) {
        open_region(100000, (enum otlite_on_full)on_full);
        for (uint64_t number = 0; number < 4000; number++) {
            enum otlite_status status = number % 5
                                            ? record(number, draw(&state, 900))
                                            : append_sized(number, 4000 + draw(&state, 9000));
            CHECK(status == OTLITE_OK ||
                  (status == OTLITE_DROPPED && on_full == OTLITE_DROP_NEWEST));
            if (number % 611 == 610)
                drain();
            (void)stats_now();
        }
        drain();
        CHECK(stats_now().chunks_used <= 1);
        guard_free(memory);
    }
}

/* ---- Losses that the caller counts ---- */

static void test_lost(void)
{
    open_region(64 << 10, OTLITE_OVERWRITE_OLDEST);
    for (int loss = 0; loss < OTLITE_LOSSES; loss++) {
        CHECK(otlite_loss_text((enum otlite_loss)loss) != NULL);
        for (int times = 0; times <= loss; times++)
            otlite_region_lost(&region, (enum otlite_loss)loss);
    }
    CHECK(otlite_loss_text(OTLITE_LOSSES) == NULL);
    struct otlite_stats stats = stats_now();
    for (int loss = 0; loss < OTLITE_LOSSES; loss++)
        CHECK_EQUAL(stats.dropped[loss], loss + 1);
    CHECK_EQUAL(stats.recorded, OTLITE_LOSSES * (OTLITE_LOSSES + 1) / 2);
    CHECK_EQUAL(stats.pending, 0);
    guard_free(memory);
}

/* ---- Clock ---- */

#define MILLISECOND 1000000

static uint64_t clock_now(uint64_t *boot, uint8_t *anchor)
{
    *boot = otlite_clock_boot();
    return otlite_region_clock(&region, *boot, anchor);
}

/* The region's clock keeps to the wall clock, but for what one is slewed meanwhile. */
static bool on_time(void)
{
    uint64_t boot, before = otlite_clock_wall();
    uint8_t anchor;
    uint64_t now = clock_now(&boot, &anchor);
    uint64_t slack = 10 * MILLISECOND;
    return before <= now + slack && now <= otlite_clock_wall() + slack;
}

static void test_clock(void)
{
    uint64_t now, boot, later, first_boot, before = otlite_clock_boot();
    uint8_t anchor, first;

    stepped_ns = 0;
    open_region(64 << 10, OTLITE_OVERWRITE_OLDEST);
    uint64_t wall = clock_now(&first_boot, &first);
    CHECK(before <= first_boot && first_boot <= otlite_clock_boot());
    CHECK(on_time());
    CHECK_EQUAL(otlite_region_clock_at(&region, first_boot, first), wall);
    CHECK_EQUAL(otlite_region_clock_at(&region, first_boot + 5, first), wall + 5);

    static const int64_t steps[] = {900, -900, 1100, -1100, 5000, -86400000, 1100};
    CHECK(!otlite_region_reanchor(&region, 1000 * MILLISECOND));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint8_t last;
        uint64_t start = clock_now(&boot, &last);
        stepped_ns += steps[i] * MILLISECOND;
        uint64_t end = clock_now(&later, &anchor);
        CHECK(end >= start && anchor == last); /* within one anchor no step shows */
        bool moved = steps[i] > 1000 || steps[i] < -1000;
        CHECK_EQUAL(otlite_region_reanchor(&region, 1000 * MILLISECOND), moved);
        CHECK(!otlite_region_reanchor(&region, 1000 * MILLISECOND));
        clock_now(&later, &anchor);
        CHECK_EQUAL(anchor != last, moved);
        CHECK_EQUAL(otlite_region_clock_at(&region, boot, last), start);
        if (!moved)
            stepped_ns -= steps[i] * MILLISECOND;
        CHECK(on_time());
    }
    CHECK_EQUAL(otlite_region_clock_at(&region, first_boot, first), wall);
    for (int i = 0; i < 1000; i++) { /* more anchors than there is room for, each in its turn */
        uint8_t next = (uint8_t)((region.header->anchor + 1) % ANCHORS);
        stepped_ns += 10 * MILLISECOND;
        CHECK(otlite_region_reanchor(&region, 5 * MILLISECOND));
        CHECK(on_time());
        now = clock_now(&boot, &anchor);
        CHECK_EQUAL(otlite_region_clock_at(&region, boot, anchor), now);
        CHECK_EQUAL(anchor, next);
    }
    stepped_ns = 0;
    guard_free(memory);
}

/* Interrupted between one clock and the other, it measures again. */
static void test_slow_clock(void)
{
    for (int slow = 1; slow <= 4; slow++) {
        stepped_ns = 0;
        stalls = slow;
        open_region(64 << 10, OTLITE_OVERWRITE_OLDEST);
        CHECK(stalls == 0 && on_time());
        stalls = slow;
        CHECK(!otlite_region_reanchor(&region, 10 * MILLISECOND));
        stepped_ns = 1000 * MILLISECOND;
        stalls = slow;
        CHECK(otlite_region_reanchor(&region, 10 * MILLISECOND) && stalls == 0 && on_time());
        guard_free(memory);
    }
    stepped_ns = 0;
}

/* ---- Who is woken ---- */

static int woken;

static void count_wake(void *context)
{
    CHECK(context == &memory);
    woken++;
}

static void open_woken(void (*wake)(void *), void *context)
{
    open_region(64 << 10, OTLITE_OVERWRITE_OLDEST);
    struct otlite_region_options options = {.wake = wake, .context = context};
    CHECK_EQUAL(otlite_region_init(&region, region.base, 64 << 10, &options), OTLITE_OK);
    resource = register_resource(&region, "");
    scope = register_scope(&region, "scope", "");
    woken = 0;
}

static void test_wake_for_any(void)
{
    open_woken(count_wake, &memory);
    CHECK_EQUAL(record(1, 0), OTLITE_OK); /* nobody waits */
    CHECK_EQUAL(woken, 0);
    CHECK(otlite_region_arm(&region, OTLITE_WAKE_ANY)); /* there is one */
    CHECK_EQUAL(record(2, 0), OTLITE_OK);
    CHECK_EQUAL(woken, 0);
    drain();
    CHECK(!otlite_region_arm(&region, OTLITE_WAKE_ANY));
    CHECK_EQUAL(record(3, 0), OTLITE_OK);
    CHECK_EQUAL(woken, 1);
    CHECK_EQUAL(record(4, 0), OTLITE_OK); /* once */
    CHECK_EQUAL(woken, 1);
    drain();
    CHECK(!otlite_region_arm(&region, OTLITE_WAKE_ANY));
    CHECK(!otlite_region_arm(&region, OTLITE_WAKE_NEVER));
    CHECK_EQUAL(record(5, 0), OTLITE_OK);
    CHECK_EQUAL(woken, 1);
    drain();
    CHECK(!otlite_region_arm(&region, OTLITE_WAKE_ANY));
    CHECK_EQUAL(append_sized(6, 9000), OTLITE_OK);
    CHECK_EQUAL(woken, 2);
    guard_free(memory);
}

static void test_wake_for_a_chunk(void)
{
    open_woken(count_wake, &memory);
    CHECK_EQUAL(record(1, 0), OTLITE_OK);
    CHECK(!otlite_region_arm(&region, OTLITE_WAKE_CHUNK));
    uint64_t number = 2;
    for (; woken == 0 && number < 100; number++)
        CHECK_EQUAL(record(number, 200), OTLITE_OK);
    CHECK(number > 4096 / 300 && number < 4096 / 200 + 2);
    CHECK(otlite_region_arm(&region, OTLITE_WAKE_CHUNK)); /* it is there still */
    for (int i = 0; i < 100; i++)
        CHECK_EQUAL(record(number, 200), OTLITE_OK);
    CHECK_EQUAL(woken, 1);
    drain();
    CHECK(!otlite_region_arm(&region, OTLITE_WAKE_CHUNK));
    CHECK_EQUAL(append_sized(number, 9000), OTLITE_OK);
    CHECK_EQUAL(woken, 2);
    drain();
    CHECK(
        !otlite_region_arm(&region, OTLITE_WAKE_CHUNK)); /* now it leaves no chunk beside its own */
    CHECK_EQUAL(append_sized(number, 9000), OTLITE_OK);
    CHECK_EQUAL(woken, 3);
    guard_free(memory);
}

/* A recording thread that is interrupted, and records: it takes another slot, until there is none.
 */
static int depth, depth_kept;

static void record_within(void *context)
{
    (void)context;
    if (++depth == 100)
        return;
    drain();
    CHECK(!otlite_region_arm(&region, OTLITE_WAKE_ANY));
    depth_kept += record(1, 10) == OTLITE_OK;
}

static void test_reentered(void)
{
    open_woken(record_within, NULL);
    depth = depth_kept = 0;
    CHECK(!otlite_region_arm(&region, OTLITE_WAKE_ANY));
    CHECK_EQUAL(record(1, 10), OTLITE_OK);
    CHECK_EQUAL(depth, 2); /* as many as there are slots */
    CHECK_EQUAL(depth_kept, 1);
    struct otlite_stats stats = stats_now();
    CHECK_EQUAL(stats.recorded, 3);
    CHECK_EQUAL(stats.dropped[OTLITE_LOSS_REENTERED], 1);
    guard_free(memory);
}

int main(void)
{
    RUN(test_init_refuses);
    RUN(test_sizes);
    RUN(test_the_guard_is_noticed);
    RUN(test_overwrites_the_oldest);
    RUN(test_drops_the_newest);
    RUN(test_large_records);
    RUN(test_to_the_last_byte);
    RUN(test_pairs_that_fill_a_chunk);
    RUN(test_no_room_inline);
    RUN(test_chains_when_full);
    RUN(test_chains_among_small_ones);
    RUN(test_lost);
    RUN(test_clock);
    RUN(test_slow_clock);
    RUN(test_wake_for_any);
    RUN(test_wake_for_a_chunk);
    RUN(test_reentered);
    return check_end();
}
