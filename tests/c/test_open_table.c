/* test_open_table.c - the table of open spans: names, a full table, entries that are another's by now, threads */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>

#include "opening.h"

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
    for (uint32_t way = 4; way < 16; way++) { /* how often, and which entries they are */
        uint32_t times_named = way / 4;
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
            region->header->open_hint = (way + 3 * i) % 4;
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

/* ---- Entries ---- */

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
    RUN(test_names);
    RUN(test_a_new_name);
    RUN(test_a_new_name_by_half);
    RUN(test_a_full_table);
    RUN(test_a_hint);
    RUN(test_an_old_entry);
    RUN(test_any_order);
    RUN(test_threads);
    return check_end();
}
