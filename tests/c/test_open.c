/* test_open.c - spans that are open: what a successor is told of them, whatever became of the process
 *
 * Processes that die: test_open_kills.c. Includes layout.h, to change what lies in a region.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>

#include "opened.h"

enum { SIZE = 1 << 20, SMALL = 64 << 10, TABLE = 16 /* of a small one */, OPEN = 100 };

static _Alignas(64) uint8_t memory[SIZE], copy[SIZE];
static struct recorder recorder;
static struct opened opened;
static struct otlite_span spans[NUMBERS];
static size_t size;

static struct otlite_region_options options_of(uint32_t open_spans)
{
    struct otlite_region_options options = durable_options;
    options.open_spans = open_spans;
    return options;
}

static void open_region(size_t of_size, uint32_t open_spans, uint32_t on_full)
{
    struct otlite_region_options options = options_of(open_spans);
    options.on_full = on_full;
    size = of_size;
    memset(memory, 0xa5, sizeof memory);
    CHECK_EQUAL(otlite_region_init(&recorder.region, memory, size, &options), OTLITE_OK);
    register_all(&recorder, "");
}

static void open_some(uint32_t from, uint32_t to)
{
    for (uint32_t number = from; number < to; number++)
        CHECK_EQUAL(open_number(&recorder, number, &spans[number]), OTLITE_OK);
}

static struct otlite_adoption adopt(uint32_t on_full)
{
    struct otlite_adoption told = {0};
    struct otlite_region_options options = options_of(0); /* the table that is there stays */
    options.on_full = on_full;
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, size, &options, &told), OTLITE_OK);
    return told;
}

static struct otlite_stats stats_now(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&recorder.region, &stats);
    return stats;
}

static uint32_t times(const uint8_t *found, uint32_t from, uint32_t to)
{
    uint32_t count = 0;
    for (uint32_t number = from; number < to; number++)
        count += found[number];
    return count;
}

/* ---- What is told ---- */

static void test_what_was_open(void)
{
    open_region(SIZE, 1000, 0);
    CHECK_EQUAL(stats_now().open_spans, SIZE / 4096); /* no more than that */
    open_some(0, OPEN);
    for (uint32_t number = 0; number < OPEN; number += 2)
        CHECK_EQUAL(end_number(&recorder, number, &spans[number]), OTLITE_OK);
    for (uint32_t number = 1; number < OPEN; number += 10)
        otlite_open_end(&recorder.region, spans[number].open);
    CHECK_EQUAL(stats_now().open_used, OPEN / 2 - OPEN / 10);
    CHECK_EQUAL(stats_now().recorded, OPEN / 2);
    memcpy(copy, memory, SIZE);
    for (int again = 0; again < 3; again++) {
        CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
        CHECK(memcmp(memory, copy, SIZE) == 0);
        CHECK_EQUAL(opened.wrong + opened.damaged, 0);
        CHECK_EQUAL(opened.spans, OPEN - OPEN / 10);
        CHECK_EQUAL(opened.in_table, OPEN / 2 - OPEN / 10);
    }
    for (uint32_t number = 0; number < OPEN; number++) {
        CHECK_EQUAL(opened.recorded[number], number % 2 == 0);
        CHECK_EQUAL(opened.unfinished[number], number % 2 == 1 && number % 10 != 1);
    }
    for (int again = 0; again < 3; again++) {
        struct otlite_adoption told = adopt(0);
        CHECK_EQUAL(told.records, OPEN - OPEN / 10);
        CHECK_EQUAL(told.unfinished, again == 0 ? OPEN / 2 - OPEN / 10 : 0);
        CHECK_EQUAL(told.damaged + told.offered, 0);
        CHECK_EQUAL(balanced_stats(&recorder.region).adopted, OPEN - OPEN / 10);
        CHECK_EQUAL(stats_now().open_used, 0);
        CHECK_EQUAL(stats_now().open_spans, SIZE / 4096);
    }
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.wrong, 0);
    CHECK_EQUAL(opened.spans, OPEN - OPEN / 10);
    CHECK_EQUAL(times(opened.unfinished, 0, OPEN), OPEN / 2 - OPEN / 10);
    CHECK_EQUAL(balanced_stats(&recorder.region).chunks_used, 0);
    register_all(&recorder, "");
    open_some(0, OPEN); /* and on */
    CHECK_EQUAL(adopt(0).unfinished, OPEN);
}

static void test_without_a_table(void)
{
    open_region(SIZE, 0, 0);
    open_some(0, 3);
    CHECK_EQUAL(spans[0].open, 0);
    otlite_open_end(&recorder.region, 0);
    otlite_open_end(&recorder.region, 1);
    CHECK_EQUAL(end_number(&recorder, 0, &spans[0]), OTLITE_OK);
    CHECK_EQUAL(stats_now().open_spans + stats_now().open_used + stats_now().open_missed, 0);
    CHECK_EQUAL(adopt(0).unfinished, 0);
}

static uint64_t longest_of(uint32_t *found)
{
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.wrong, 0);
    uint64_t longest = opened.longest;
    (void)adopt(0);
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.wrong, 0);
    CHECK_EQUAL(opened.longest, longest);
    *found = times(opened.unfinished, 0, OPEN);
    return longest;
}

/* The end is the last moment that the region tells of, and no earlier than the start. */
static void test_the_end(void)
{
    uint32_t found;
    open_region(SIZE, 1000, 0);
    open_some(0, 1);
    CHECK_EQUAL(longest_of(&found), 0);
    CHECK_EQUAL(found, 1);
    open_region(SIZE, 1000, 0);
    open_some(0, 51);
    CHECK_EQUAL(longest_of(&found), 50); /* the last one's start */
    CHECK_EQUAL(found, 51);
    open_region(SIZE, 1000, 0);
    open_some(0, 3);
    CHECK_EQUAL(end_number(&recorder, 2, &spans[2]), OTLITE_OK);
    spans[4] = opened_span(&recorder.region, 4);
    spans[4].start += 700;
    spans[4].end = spans[4].start + 300;
    CHECK_EQUAL(
        otlite_span_record(&recorder.region, &spans[4], recorder.resource, recorder.scopes[1]),
        OTLITE_OK);
    CHECK_EQUAL(otlite_image_open(&(struct otlite_image){0}, memory, size), OTLITE_OK);
    (void)adopt(0);
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.wrong, 1);
    CHECK_EQUAL(opened.longest, 1004);
    /* times that somebody gave say nothing of when that was */
    open_region(SIZE, 1000, 0);
    open_some(0, 2);
    spans[4] = opened_span(&recorder.region, 4);
    spans[4].explicit_time = true;
    spans[4].end = UINT64_MAX / 2;
    CHECK_EQUAL(
        otlite_span_record(&recorder.region, &spans[4], recorder.resource, recorder.scopes[1]),
        OTLITE_OK);
    spans[5] = opened_span(&recorder.region, 5);
    spans[5].explicit_time = true;
    spans[5].start += 100000;
    CHECK_EQUAL(
        otlite_open_begin(&recorder.region, &spans[5], recorder.resource, recorder.scopes[2]),
        OTLITE_OK);
    (void)adopt(0);
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.longest, 1);
    CHECK_EQUAL(opened.unfinished[0] + opened.unfinished[1], 2);
}

/* An anchor that is not what it was says nothing. */
static void test_the_end_without_a_clock(void)
{
    open_region(SIZE, 1000, 0);
    open_some(0, 51);
    recorder.region.header->anchor_seals[0] ^= 1;
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.wrong + opened.longest, 0);
    CHECK_EQUAL(times(opened.unfinished, 0, 51), 51);
}

/* ---- Names ---- */

/* As many whole characters as there is room for: from the start, one after the other. */
static size_t cut_at(struct bytes utf8)
{
    size_t at = 0;
    while (at < utf8.size) {
        size_t next = at + 1;
        while (next < utf8.size && (utf8.data[next] & 0xc0) == 0x80)
            next++;
        if (next > NAME_ROOM)
            break;
        at = next;
    }
    return at;
}

static void check_name(struct otlite_text text, struct bytes utf8)
{
    struct otlite_span span = {.name = text};
    uint64_t cut = stats_now().open_cut;
    size_t kept = cut_at(utf8);
    CHECK_EQUAL(otlite_open_begin(&recorder.region, &span, recorder.resource, recorder.scopes[0]),
                OTLITE_OK);
    const struct otlite_open_span *entry =
        &recorder.region.open[(span.open - 1) % recorder.region.open_count];
    CHECK(
        same_bytes((struct bytes){entry->name, entry->name_size}, (struct bytes){utf8.data, kept}));
    CHECK_EQUAL((entry->bits & OPEN_NAME_CUT) != 0, kept < utf8.size);
    CHECK_EQUAL(stats_now().open_cut - cut, kept < utf8.size);
    otlite_open_end(&recorder.region, span.open);
}

static void test_names(void)
{
    static struct sample sample;
    uint64_t state = 3;
    open_region(SMALL, 1, 0);
    CHECK_EQUAL(recorder.region.open_count, 1);
    for (uint32_t kind = 0; kind <= OTLITE_TEXT_CHARS; kind++)
        for (uint32_t length = 0; length < 120; length++)
            for (uint32_t odd = 0; odd < 4; odd++) {
                make_sample(&sample, &state, kind, length, odd);
                check_name(sample.text, sample.utf8);
            }
    /* sequences of each size across the place where it is cut, also where their bytes are not known to be any */
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (uint32_t kind = OTLITE_TEXT_UTF8; kind <= OTLITE_TEXT_CHARS; kind += OTLITE_TEXT_CHARS)
        for (int each = 0; each < 4; each++)
            for (uint32_t before = 0; before < 90; before++) {
                char text[200];
                memset(text, 'x', sizeof text);
                for (uint32_t at = before; at < 100; at += (uint32_t)strlen(characters[each]))
                    memcpy(text + at, characters[each], strlen(characters[each]));
                uint32_t length = before + 100 / 4 * (uint32_t)strlen(characters[each]);
                length = length < 100 ? length : before + (uint32_t)strlen(characters[each]);
                check_name((struct otlite_text){text, length, kind},
                           (struct bytes){(uint8_t *)text, length});
            }
}

static void test_a_new_name(void)
{
    open_region(SMALL, 3, 0);
    spans[0] = opened_span(&recorder.region, 0);
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "name %d", i);
        spans[0].name = text_of(name);
        CHECK_EQUAL(
            otlite_open_begin(&recorder.region, &spans[0], recorder.resource, recorder.scopes[0]),
            OTLITE_OK);
        CHECK_EQUAL(stats_now().open_used, 1);
    }
    open_some(1, 3); /* no room for one more: the old name stays */
    spans[0].name = text_of("none");
    uint32_t before = spans[0].open;
    CHECK_EQUAL(
        otlite_open_begin(&recorder.region, &spans[0], recorder.resource, recorder.scopes[0]),
        OTLITE_TABLE_FULL);
    CHECK_EQUAL(spans[0].open, before);
    CHECK_EQUAL(stats_now().open_missed, 1);
    struct otlite_image image;
    struct otlite_found found;
    int times_found = 0;
    CHECK_EQUAL(otlite_image_open(&image, memory, size), OTLITE_OK);
    while (otlite_image_next(&image, &found)) {
        struct otlite_segment bytes = otlite_image_bytes(&image, &found, 0);
        times_found += memmem(bytes.data, bytes.size, "name 49", 7) != NULL;
    }
    CHECK_EQUAL(times_found, 1);
    otlite_open_end(&recorder.region, spans[0].open);
    CHECK_EQUAL(stats_now().open_used, 2);
    CHECK_EQUAL(adopt(0).unfinished, 2);
}

/* Killed while both are there: the new one is told, once. */
static void test_a_new_name_by_half(void)
{
    struct otlite_open_span old;
    for (uint32_t times_named = 1; times_named < 4; times_named++) {
        open_region(SMALL, 4, 0);
        struct otlite_region *region = &recorder.region;
        uint32_t index = 0, state = 0;
        spans[0] = opened_span(region, 0);
        for (uint32_t i = 0; i < times_named; i++) {
            spans[0].name = i + 1 < times_named ? text_of("other") : opened_span(region, 0).name;
            index = (spans[0].open - 1) & HANDLE_INDEX;
            if (i != 0) {
                old = region->open[index];
                state = region->open_states[index];
            }
            CHECK_EQUAL(otlite_open_begin(region, &spans[0], recorder.resource, recorder.scopes[0]),
                        OTLITE_OK);
        }
        if (times_named > 1) {
            region->open[index] = old;
            region->open_states[index] = state;
        }
        CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
        CHECK_EQUAL(opened.spans, 1);
        CHECK_EQUAL(opened.damaged, 0);
        if (times_named < 3) /* later, both took another's place */
            CHECK_EQUAL(opened.unfinished[0], 1);
        CHECK_EQUAL(adopt(0).unfinished, 1);
    }
}

/* ---- Room ---- */

static void test_a_full_table(void)
{
    open_region(SMALL, 1000, 0);
    open_some(0, TABLE);
    CHECK_EQUAL(stats_now().open_used, TABLE);
    for (uint32_t number = TABLE; number < 1000; number++) {
        CHECK_EQUAL(open_number(&recorder, number, &spans[number]), OTLITE_TABLE_FULL);
        CHECK_EQUAL(spans[number].open, 0);
    }
    CHECK_EQUAL(stats_now().open_missed, 1000 - TABLE);
    CHECK_EQUAL(end_number(&recorder, TABLE, &spans[TABLE]), OTLITE_OK); /* without an entry */
    otlite_open_end(&recorder.region, spans[7].open);
    open_some(7, 8);
    otlite_open_lost(&recorder.region);
    CHECK_EQUAL(stats_now().open_missed, 1001 - TABLE);
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.wrong, 0);
    CHECK_EQUAL(times(opened.unfinished, 0, TABLE), TABLE);
    CHECK_EQUAL(opened.spans, TABLE + 1);
    CHECK_EQUAL(adopt(0).unfinished, TABLE);
    CHECK_EQUAL(stats_now().open_missed, 0); /* of this life */
}

/* A hint that another thread left behind, and what it hides. */
static void test_a_hint(void)
{
    open_region(SMALL, TABLE, 0);
    for (uint32_t hint = 0; hint <= TABLE; hint++) {
        recorder.region.header->open_hint = hint < TABLE ? hint : NO_ENTRY;
        uint32_t tries = 1;
        while (open_number(&recorder, 0, &spans[0]) != OTLITE_OK && tries < 1000)
            tries++;
        CHECK(tries == 1 || (hint == TABLE && tries <= 65));
        otlite_open_end(&recorder.region, spans[0].open);
        for (uint32_t i = 0; hint >= TABLE - 1 && i < 2; i++) { /* some that are missed */
            recorder.region.header->open_hint = NO_ENTRY;
            (void)!open_number(&recorder, 1, &spans[1]);
            otlite_open_end(&recorder.region, spans[1].open);
        }
    }
}

/* An entry that has ended is another's by now. */
static void test_an_old_entry(void)
{
    open_region(SMALL, 1, 0);
    open_some(0, 1);
    otlite_open_end(&recorder.region, spans[0].open);
    for (uint32_t i = 1; i < 3000; i++) {
        open_some(i, i + 1);
        for (uint32_t old = i < 2000 ? 0 : i - 2000; old < i; old += 1 + i / 10)
            otlite_open_end(&recorder.region, spans[old].open);
        if (!CHECK_EQUAL(stats_now().open_used, 1))
            return;
        otlite_open_end(&recorder.region, spans[i].open);
    }
    otlite_open_end(&recorder.region, UINT32_MAX);
    otlite_open_end(&recorder.region, 2);
    CHECK_EQUAL(stats_now().open_used, 0);
}

/* In any order: an entry is found as long as there is one, and none but that. */
static void test_any_order(void)
{
    static uint32_t live[TABLE];
    uint64_t state = 9, missed = 0;
    uint32_t count = 0;
    open_region(SMALL, TABLE, 0);
    for (uint32_t number = 0; number < 100000; number++) {
        struct otlite_span *span = &spans[number % NUMBERS];
        if (draw(&state, 8 + number / 20000) < 5) {
            bool full = count == TABLE;
            if (CHECK_EQUAL(open_number(&recorder, number, span),
                            full ? OTLITE_TABLE_FULL : OTLITE_OK) &&
                !full)
                live[count++] = number;
            missed += full;
        } else if (count != 0) {
            uint32_t at = draw(&state, count);
            span = &spans[live[at]];
            live[at] = live[--count];
            otlite_open_end(&recorder.region, span->open);
            otlite_open_end(&recorder.region, span->open); /* once more: nothing */
        }
        if (!CHECK_EQUAL(stats_now().open_used, count))
            return;
    }
    CHECK(missed > 100);
    CHECK_EQUAL(stats_now().open_missed, missed);
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.wrong + opened.damaged, 0);
    for (uint32_t i = 0; i < count; i++)
        CHECK_EQUAL(opened.unfinished[live[i]], 1);
    CHECK_EQUAL(opened.spans, count);
}

/* Whatever becomes of a record, the entry ends. */
static void test_records_that_are_lost(void)
{
    static uint8_t large[SMALL];
    open_region(SMALL, TABLE, OTLITE_DROP_NEWEST);
    uint32_t number = 0;
    for (;; number++) {
        open_some(number, number + 1);
        if (end_number(&recorder, number, &spans[number]) == OTLITE_DROPPED)
            break;
    }
    CHECK_EQUAL(stats_now().open_used, 0);
    open_some(15, 16);
    CHECK_EQUAL(end_number(&recorder, 15, &spans[15]), OTLITE_DROPPED);
    CHECK_EQUAL(stats_now().open_used, 0);
    open_some(0, 1);
    CHECK_EQUAL(otlite_span_append(&recorder.region, &spans[0], large, sizeof large,
                                   recorder.resource, recorder.scopes[0]),
                OTLITE_DROPPED);
    CHECK_EQUAL(stats_now().open_used, 0);
    CHECK_EQUAL(stats_now().dropped[OTLITE_LOSS_TOO_LARGE], 1);
    for (uint32_t i = 0; i < recorder.region.slot_count; i++)
        recorder.region.slots[i].turn++;
    open_some(0, 2);
    CHECK_EQUAL(end_number(&recorder, 0, &spans[0]), OTLITE_DROPPED);
    CHECK_EQUAL(otlite_span_append(&recorder.region, &spans[1], large, 10, recorder.resource,
                                   recorder.scopes[1]),
                OTLITE_DROPPED);
    CHECK_EQUAL(stats_now().open_used, 0);
    CHECK_EQUAL(stats_now().dropped[OTLITE_LOSS_REENTERED], 2);
    CHECK_EQUAL(adopt(OTLITE_DROP_NEWEST).unfinished, 0);
}

/* Where the dead one left no room, its open spans take that of the oldest, or are counted. */
static void test_adoption_without_room(void)
{
    for (uint32_t on_full = 0; on_full < 2; on_full++) {
        open_region(SMALL, TABLE, OTLITE_DROP_NEWEST);
        open_some(0, TABLE);
        uint32_t number = 100;
        while (record_number(&recorder, number * 14) == OTLITE_OK) /* none of them long */
            number++;
        uint32_t made = number - 100;
        for (int again = 0; again < 2; again++) {
            struct otlite_adoption told = adopt(on_full);
            struct otlite_stats stats = balanced_stats(&recorder.region);
            uint64_t gone = stats.dropped[OTLITE_LOSS_OVERWRITTEN];
            if (again) {
                CHECK_EQUAL(told.unfinished + gone + stats.dropped[OTLITE_LOSS_FULL], 0);
            } else if (on_full == OTLITE_OVERWRITE_OLDEST) {
                CHECK(gone > 0 && gone < made);
                CHECK_EQUAL(told.unfinished, TABLE);
                CHECK_EQUAL(told.records, made - gone + TABLE);
                CHECK_EQUAL(stats.adopted, made + TABLE);
            } else {
                CHECK_EQUAL(stats.dropped[OTLITE_LOSS_FULL], TABLE);
                CHECK_EQUAL(told.unfinished + gone, 0);
                CHECK_EQUAL(told.records, made);
                CHECK_EQUAL(stats.adopted, made + TABLE);
            }
            CHECK_EQUAL(stats.open_used, 0);
        }
        drain_opened(&recorder.region, &opened);
        CHECK_EQUAL(times(opened.unfinished, 0, TABLE),
                    on_full == OTLITE_OVERWRITE_OLDEST ? TABLE : 0);
    }
}

/* What an adoption found no room for stays counted when that process died before it was done. */
static void test_an_adoption_that_was_not_done(void)
{
    for (uint32_t again = 0; again < 2; again++) {
        open_region(SMALL, TABLE, 0);
        open_some(0, 3);
        recorder.region.header->adopting = again;
        recorder.region.header->lost[OTLITE_LOSS_FULL] = 4;
        CHECK_EQUAL(adopt(0).unfinished, 3);
        struct otlite_stats stats = balanced_stats(&recorder.region);
        CHECK_EQUAL(stats.dropped[OTLITE_LOSS_FULL], 4 * again);
        CHECK_EQUAL(stats.adopted, 3 + 4 * again);
    }
}

/* ---- Tables ---- */

/* An open span keeps its scope and its resource. */
static void test_scopes_of_open_spans(void)
{
    uint32_t handle;
    open_region(SMALL, TABLE, 0);
    struct otlite_region *region = &recorder.region;
    uint32_t first = recorder.scopes[0], resource = recorder.resource;
    open_some(0, 6);
    for (uint32_t i = 0; i < 500; i++) {
        char name[16];
        snprintf(name, sizeof name, "scope %u", i);
        handle = register_scope(region, name, "");
        CHECK(handle != UINT32_MAX);
        snprintf(name, sizeof name, "urn:%u", i);
        CHECK(register_resource(region, name) != UINT32_MAX);
    }
    struct otlite_span span = opened_span(region, 0);
    CHECK_EQUAL(otlite_open_begin(region, &span, resource, first), OTLITE_OK);
    otlite_open_end(region, span.open);
    CHECK_EQUAL(stats_now().open_used, 6);
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.wrong + opened.damaged, 0);
    CHECK_EQUAL(times(opened.unfinished, 0, 6), 6);
    for (uint32_t i = 0; i < 6; i++)
        otlite_open_end(region, spans[i].open);
    /* and now their entries are given to others */
    for (uint32_t i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "other %u", i);
        CHECK(register_scope(region, name, "") != UINT32_MAX);
    }
    CHECK(memmem(region->arena, region->arena_size, "another", 7) == NULL);
    CHECK_EQUAL(open_number(&recorder, 0, &spans[0]), OTLITE_STALE);
    CHECK_EQUAL(spans[0].open, 0);
    CHECK_EQUAL(otlite_open_begin(region, &spans[0], resource, UINT32_MAX), OTLITE_STALE);
    CHECK_EQUAL(otlite_open_begin(region, &spans[0], UINT32_MAX, handle), OTLITE_STALE);
    CHECK_EQUAL(stats_now().open_used, 0);
    register_all(&recorder, "");
    open_some(0, TABLE);
}

/* As many lives as you like, each with a resource of its own, each killed with spans open. */
static void test_many_lives(void)
{
    uint64_t found = 0;
    open_region(SMALL, TABLE, 0);
    for (uint32_t life = 0; life < 300; life++) {
        char url[16];
        snprintf(url, sizeof url, "%u", life);
        register_all(&recorder, url);
        open_some(life * TABLE, life * TABLE + TABLE);
        for (uint32_t i = 0; i < 4; i++)
            CHECK_EQUAL(end_number(&recorder, life * TABLE + i, &spans[life * TABLE + i]),
                        OTLITE_OK);
        CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
        CHECK_EQUAL(times(opened.unfinished, life * TABLE, life * TABLE + TABLE), TABLE - 4);
        CHECK_EQUAL(adopt(0).unfinished, TABLE - 4);
        (void)balanced_stats(&recorder.region);
        if (life % 5 != 4)
            continue;
        drain_opened(&recorder.region, &opened);
        CHECK_EQUAL(opened.wrong, 0);
        CHECK_EQUAL(times(opened.unfinished, life * TABLE, life * TABLE + TABLE), TABLE - 4);
        found += opened.spans;
    }
    CHECK(found > 100 * TABLE);
}

/* ---- Damage ---- */

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
    for (int round = 0; round < 20000; round++) {
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

/* ---- Threads ---- */

enum { THREADS = 64, ROUNDS = 3000 };

static struct turn {
    pthread_t thread;
    uint32_t id;
    uint64_t opened, missed, recorded, wrong;
    struct recorder recorder; /* the same region; its own handles */
} turns[THREADS];

static bool is_mine(const struct otlite_span *span)
{
    const struct otlite_region *region = &recorder.region;
    uint32_t index = (span->open - 1) & HANDLE_INDEX;
    uint32_t state = otlite_load_relaxed(&region->open_states[index]);
    return (state & OPEN_STATE) == OPEN_WHOLE &&
           memcmp(region->open[index].span_id, span->span_id, 8) == 0 &&
           region->open[index].seal == otlite_open_seal(region, index, state);
}

/* The handles were given to another meanwhile: registers anew, as other threads may, too. */
static void renew(struct turn *turn, uint64_t number)
{
    static const char *const names[SCOPES] = {"one", "another", "the third"};
    uint8_t bytes[64];
    size_t written = otlite_scope_encode(bytes, text_of(names[number % SCOPES]), text_of(""), NULL);
    while (otlite_scope_register(&recorder.region, bytes, written, "urn:x",
                                 number % SCOPES == 2 ? 5 : 0,
                                 &turn->recorder.scopes[number % SCOPES]) == OTLITE_BUSY)
        sched_yield();
}

static void *open_and_end(void *argument)
{
    struct turn *turn = argument;
    uint64_t state = turn->id + 1;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct otlite_span span[3];
        uint32_t number = (turn->id * ROUNDS + round) % NUMBERS;
        for (uint32_t i = 0; i < 3; i++) {
            enum otlite_status status;
            while ((status = open_number(&turn->recorder, number, &span[i])) == OTLITE_STALE)
                renew(turn, number);
            turn->opened += status == OTLITE_OK;
            turn->missed += status == OTLITE_TABLE_FULL;
            turn->wrong += status != OTLITE_OK && status != OTLITE_TABLE_FULL;
        }
        for (uint32_t i = 0; i < 3; i++) {
            turn->wrong += span[i].open != 0 && !is_mine(&span[i]);
            if (draw(&state, 2) == 0) {
                enum otlite_status status;
                while ((status = end_number(&turn->recorder, number, &span[i])) == OTLITE_STALE)
                    renew(turn, number);
                turn->wrong += status != OTLITE_OK && status != OTLITE_DROPPED;
                turn->recorded++;
            } else {
                otlite_open_end(&recorder.region, span[i].open);
            }
        }
    }
    return NULL;
}

static void test_threads(void)
{
    uint64_t begun = 0, missed = 0, recorded = 0, wrong = 0;
    open_region(SMALL, TABLE, 0);
    (void)long_text();
    for (uint32_t i = 0; i < THREADS; i++) {
        turns[i] = (struct turn){.id = i, .recorder = recorder};
        CHECK_EQUAL(pthread_create(&turns[i].thread, NULL, open_and_end, &turns[i]), 0);
    }
    for (uint32_t i = 0; i < 200; i++) { /* scopes come and go meanwhile, and statistics are read */
        char name[16];
        snprintf(name, sizeof name, "scope %u", i);
        uint32_t handle;
        uint8_t bytes[64];
        size_t written = otlite_scope_encode(bytes, text_of(name), text_of(""), NULL);
        (void)!otlite_scope_register(&recorder.region, bytes, written, "", 0, &handle);
        CHECK(stats_now().open_used <= TABLE);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(turns[i].thread, NULL);
        begun += turns[i].opened;
        missed += turns[i].missed;
        recorded += turns[i].recorded;
        wrong += turns[i].wrong;
    }
    CHECK_EQUAL(wrong, 0);
    CHECK_EQUAL(begun + missed, 3 * THREADS * ROUNDS);
    CHECK(begun > TABLE);
    struct otlite_stats stats = balanced_stats(&recorder.region);
    CHECK_EQUAL(stats.open_missed, missed);
    CHECK_EQUAL(stats.recorded, recorded);
    CHECK_EQUAL(stats.open_used, 0);
    register_all(&recorder, "");
    open_some(0, TABLE); /* each entry can be had again */
    CHECK_EQUAL(adopt(0).unfinished, TABLE);
}

int main(void)
{
    (void)otlite_kernels_select(NULL);
    RUN(test_what_was_open);
    RUN(test_without_a_table);
    RUN(test_the_end);
    RUN(test_the_end_without_a_clock);
    RUN(test_names);
    RUN(test_a_new_name);
    RUN(test_a_new_name_by_half);
    RUN(test_a_full_table);
    RUN(test_a_hint);
    RUN(test_an_old_entry);
    RUN(test_any_order);
    RUN(test_records_that_are_lost);
    RUN(test_adoption_without_room);
    RUN(test_an_adoption_that_was_not_done);
    RUN(test_scopes_of_open_spans);
    RUN(test_many_lives);
    RUN(test_an_entry_elsewhere);
    RUN(test_each_byte);
    RUN(test_random_damage);
    RUN(test_threads);
    return check_end();
}
