/* test_recover.c - what is left in memory by a process that died: told from anything else, read, taken over
 *
 * Here the memory is copied as a death would leave it. Processes that die: test_deaths.c, test_kills.c. Bytes that
 * nobody wrote: test_damage.c. Includes layout.h, to change what lies in a region.
 */
#define _GNU_SOURCE
#include "left.h"

/* ---- What it is ---- */

static enum otlite_status check_with(size_t at, uint32_t word, size_t size)
{
    memcpy(copy, memory, SIZE);
    memcpy(copy + at, &word, sizeof word);
    return otlite_region_check(copy, size);
}

static void test_what_it_is(void)
{
    open_with(&durable_options);
    struct otlite_header *header = (void *)copy;
    CHECK_EQUAL(otlite_region_check(memory, SIZE), OTLITE_OK);
    CHECK_EQUAL(otlite_region_check(memory, SIZE + 4096), OTLITE_OK);
    CHECK_EQUAL(otlite_region_check(memory, SIZE - 1), OTLITE_TRUNCATED);
    CHECK_EQUAL(otlite_region_check(memory, 100), OTLITE_TRUNCATED);
    CHECK_EQUAL(otlite_region_check(memory, 7), OTLITE_FOREIGN);
    CHECK_EQUAL(otlite_region_check(memory, 0), OTLITE_FOREIGN);
    CHECK_EQUAL(otlite_region_check(memory + 8, SIZE - 8), OTLITE_INVALID);
    CHECK_EQUAL(check_with(0, 0, SIZE), OTLITE_FOREIGN);
    CHECK_EQUAL(check_with(4, 0x7f454c46, SIZE), OTLITE_FOREIGN);
    CHECK_EQUAL(check_with(offsetof(struct otlite_header, version), 1, SIZE), OTLITE_VERSION);
    CHECK_EQUAL(check_with(offsetof(struct otlite_header, version), 3, SIZE), OTLITE_VERSION);
    CHECK_EQUAL(check_with(offsetof(struct otlite_header, byte_order), 0x04030201, SIZE),
                OTLITE_VERSION);
    CHECK_EQUAL(check_with(offsetof(struct otlite_header, word_size), sizeof(void *) ^ 12, SIZE),
                OTLITE_VERSION);
    CHECK_EQUAL(check_with(offsetof(struct otlite_header, size), SIZE - 64, SIZE), OTLITE_DAMAGED);
    CHECK_EQUAL(check_with(offsetof(struct otlite_header, chunk_size), 64, SIZE), OTLITE_DAMAGED);
    CHECK_EQUAL(check_with(offsetof(struct otlite_header, seal), 0, SIZE), OTLITE_DAMAGED);
    /* a header that fits itself, and says what no region of ours does */
    memcpy(copy, memory, SIZE);
    header->sections[SECTION_ARENA - 1].size = UINT32_MAX;
    header->seal = otlite_header_seal(header);
    CHECK_EQUAL(otlite_region_check(copy, SIZE), OTLITE_DAMAGED);
    for (uint32_t size = 0; size < SIZE; size += 4093) {
        memcpy(copy, memory, SIZE);
        header->size = size;
        header->seal = otlite_header_seal(header);
        CHECK_EQUAL(otlite_region_check(copy, SIZE), OTLITE_DAMAGED);
    }
    static _Alignas(64) struct otlite_header head = {.version = LAYOUT_VERSION + 1,
                                                     .byte_order = LAYOUT_BYTE_ORDER};
    memcpy(head.magic, LAYOUT_MAGIC, sizeof head.magic);
    CHECK_EQUAL(otlite_region_check(&head, sizeof head), OTLITE_VERSION); /* a header alone */
    CHECK_EQUAL(otlite_region_check(&head, sizeof head - 1), OTLITE_TRUNCATED);
    open_with(&(struct otlite_region_options){0}); /* its records bear no seals */
    CHECK_EQUAL(otlite_region_check(memory, SIZE), OTLITE_FOREIGN);
}

static void test_refuses(void)
{
    struct otlite_region_options options = {0};
    struct otlite_image image;
    open_with(&durable_options);
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &options, NULL),
                OTLITE_INVALID);
    options = durable_options;
    options.on_full = OTLITE_DROP_NEWEST + 1;
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &options, NULL),
                OTLITE_INVALID);
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE - 1, &durable_options, NULL),
                OTLITE_TRUNCATED);
    memory[0]++;
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &durable_options, NULL),
                OTLITE_FOREIGN);
    CHECK_EQUAL(otlite_image_open(&image, memory, SIZE), OTLITE_FOREIGN);
    for (size_t off = 1; off < 64; off++)
        CHECK_EQUAL(otlite_region_check(memory + off, SIZE - 64), OTLITE_INVALID);
}

/* ---- What is in it ---- */

enum { ACKED = 40, OFFERED = 50, MADE = 90 };

/* Sends `count`, and has the answer where `answered`. */
static void send_some(uint32_t count, bool answered)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .max_records = count};
    struct otlite_batch batch;
    CHECK_EQUAL(otlite_batch_collect(&recorder.region, &limits, &batch), OTLITE_OK);
    CHECK_EQUAL(batch.records, count);
    otlite_batch_offer(&recorder.region, &batch);
    if (answered)
        otlite_batch_acknowledge(&recorder.region, &batch, 0);
}

static void leave_some(void)
{
    open_with(&durable_options);
    record_some(0, ACKED);
    for (int i = 0; i < ACKED; i += 4)
        send_some(4, true);
    record_some(ACKED, MADE);
    send_some(OFFERED - ACKED, false);
    die();
}

static void test_reads_what_was_recorded(void)
{
    leave_some();
    memcpy(memory, copy, SIZE);
    CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
    CHECK(memcmp(memory, copy, SIZE) == 0);
    CHECK_EQUAL(findings.strange + findings.damaged, 0);
    CHECK_EQUAL(times_in(ACKED, MADE, 1), MADE - ACKED);
    CHECK_EQUAL(findings.fates[OTLITE_PENDING], MADE - OFFERED);
    CHECK_EQUAL(findings.fates[OTLITE_OFFERED], OFFERED - ACKED);
    CHECK(findings.fates[OTLITE_ACKNOWLEDGED] > 0);
}

static void test_reads_in_order(void)
{
    struct otlite_image image;
    struct otlite_found found;
    uint64_t expected = 0;
    open_with(&durable_options);
    record_some(0, 1000); /* round and round */
    CHECK_EQUAL(otlite_image_open(&image, memory, SIZE), OTLITE_OK);
    while (otlite_image_next(&image, &found)) {
        struct otlite_segment piece = otlite_image_bytes(&image, &found, 0);
        struct reader outer = read_bytes((struct bytes){piece.data, 40});
        uint64_t number;
        memcpy(&number, outer.at + 4 + (outer.at[1] > 127) + (outer.at[2] > 127) + 8, 8);
        if (expected == 0)
            expected = number;
        CHECK_EQUAL(number, expected++);
        CHECK(found.wall_offset == recorder.region.header->anchors[0] && !found.explicit_time);
        CHECK_EQUAL(found.scope_schema.size, number % SCOPES == 2 ? 5 : 0);
        CHECK(found.resource.size == 2 && found.resource_schema.size == 0);
        CHECK_EQUAL(otlite_image_bytes(&image, &found, found.size).size, 0);
    }
    CHECK_EQUAL(expected, 1000);
    CHECK_EQUAL(image.damaged, 0);
}

static void test_adopts_what_was_recorded(void)
{
    leave_some();
    for (int again = 0; again < 3; again++) { /* who adopts may die, too */
        struct otlite_adoption told = adopt();
        CHECK_EQUAL(told.records, MADE - ACKED);
        CHECK_EQUAL(told.offered, OFFERED - ACKED);
        CHECK_EQUAL(told.damaged, 0);
        struct otlite_stats stats = balanced_stats(&recorder.region);
        CHECK_EQUAL(stats.adopted, MADE - ACKED);
        CHECK_EQUAL(stats.pending, MADE - ACKED);
        CHECK_EQUAL(stats.recorded + stats.exported, 0);
        if (again == 2)
            break;
        die();
    }
    register_all(&recorder, "");
    record_some(MADE, 2 * MADE);
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(findings.strange, 0);
    CHECK_EQUAL(times_in(ACKED, 2 * MADE, 1), 2 * MADE - ACKED);
    CHECK_EQUAL(findings.records, 2 * MADE - ACKED);
    struct otlite_stats stats = balanced_stats(&recorder.region);
    CHECK_EQUAL(stats.exported, 2 * MADE - ACKED);
    CHECK_EQUAL(stats.pending, 0);
    die();
    CHECK_EQUAL(adopt().records, 0);
    CHECK_EQUAL(balanced_stats(&recorder.region).chunks_used, 0);
}

/* Adopted records are the oldest, and make room like any other: nothing leaks over many lives. */
static void test_many_lives(void)
{
    uint64_t made = 0, pending = 0;
    open_with(&durable_options);
    for (int life = 0; life < 200; life++) {
        uint64_t records = 1 + (uint64_t)life * 37 % 300;
        record_some(made, made + records);
        made += records;
        pending = balanced_stats(&recorder.region).pending;
        die();
        CHECK_EQUAL(adopt().records, pending);
        register_all(&recorder, "");
    }
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(findings.strange, 0);
    CHECK_EQUAL(times_in(made - pending, made, 1), pending);
    CHECK_EQUAL(findings.records, pending);
    CHECK_EQUAL(balanced_stats(&recorder.region).chunks_used, 0);
}

/* Each life has a resource of its own, as with a process's number in it: the newest can always record. */
static void test_a_resource_each(void)
{
    uint64_t lost = 0;
    open_with(&durable_options);
    for (uint32_t life = 0; life < 300; life++) {
        char url[16];
        snprintf(url, sizeof url, "%u", life);
        register_all(&recorder, url);
        record_some(life * 2, life * 2 + 2);
        if (life == 0) { /* what of it was sent is not lost when it makes room */
            struct otlite_batch_limits one = {.max_bytes = 1 << 20, .max_records = 1};
            struct otlite_batch batch;
            CHECK_EQUAL(otlite_batch_collect(&recorder.region, &one, &batch), OTLITE_OK);
            otlite_batch_acknowledge(&recorder.region, &batch, 0);
        }
        die();
        (void)adopt();
        struct otlite_stats stats = balanced_stats(&recorder.region);
        lost += stats.dropped[OTLITE_LOSS_OVERWRITTEN];
        CHECK_EQUAL(lost + stats.pending, 2 * (life + 1) - 1);
    }
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(findings.strange, 0);
    CHECK(times_in(570, 600, 1) == 30 && findings.records < 600); /* the table has 16 */
    (void)balanced_stats(&recorder.region);
}

/* ---- What is not whole ---- */

static void test_a_damaged_record(void)
{
    static const uint64_t some[] = {45, 46, 48 /* a chain */, 60, MADE - 1};
    for (size_t damaged = 1; damaged <= sizeof some / sizeof *some; damaged++) {
        leave_some();
        for (size_t i = 0; i < damaged; i++) { /* the number in the trace id, wherever it lies */
            uint8_t id[24] = {0};
            memcpy(id + 8, &some[i], 8);
            id[16] = 2 << 3 | BYTES;
            id[17] = 8;
            size_t data = (size_t)(recorded_data - memory); /* a batch's work area has copies */
            uint8_t *at = memmem(copy + data, SIZE - data, id, 18);
            if (CHECK(at != NULL))
                at[17] ^= 1;
        }
        memcpy(memory, copy, SIZE);
        CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
        CHECK_EQUAL(findings.damaged, damaged);
        CHECK_EQUAL(times_in(ACKED, MADE, 1), MADE - ACKED - damaged);
        CHECK_EQUAL(adopt().records, MADE - ACKED);
        drain_into(&recorder.region, &findings);
        CHECK_EQUAL(findings.strange, 0);
        CHECK_EQUAL(findings.records, MADE - ACKED - damaged);
        struct otlite_stats stats = balanced_stats(&recorder.region);
        CHECK_EQUAL(stats.dropped[OTLITE_LOSS_DAMAGED], damaged);
        CHECK_EQUAL(stats.pending, 0);
        CHECK_EQUAL(stats.chunks_used, 0);
    }
}

/* A scope whose bytes are another's takes its records with it, and its room can be had again. */
static void test_a_damaged_scope(void)
{
    leave_some();
    uint8_t *at = memmem(copy, SIZE, "another", 7);
    if (CHECK(at != NULL))
        *at ^= 1;
    (void)adopt();
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(findings.strange, 0);
    CHECK_EQUAL(findings.records, MADE - ACKED - (MADE / 3 - (ACKED + 1) / 3));
    register_all(&recorder, "");
    record_some(0, MADE);
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(times_in(0, MADE, 1), MADE);
    CHECK_EQUAL(findings.strange, 0);
    (void)balanced_stats(&recorder.region);
}

/* What an entry says of its room nothing vouches for; what others left is room again. */
static void test_damaged_room_of_an_entry(void)
{
    static uint8_t long_scope[400];
    uint32_t handle;
    for (int lost = 0; lost < 2; lost++) {
        open_with(&durable_options);
        record_some(0, 3);
        die();
        struct otlite_region left;
        otlite_region_attach(&left, copy);
        for (uint32_t i = 0; i < left.scope_count; i++) {
            left.scopes[i].capacity = UINT32_MAX;
            left.scopes[i].hash ^= lost == 1 && i != 2;
        }
        left.resources[0].capacity = UINT32_MAX - 63;
        (void)adopt();
        size_t size = left.arena_size, none = 0, limit = size / sizeof long_scope - 2;
        CHECK(limit > 8);
        for (size_t i = 0; i < limit; i++) {
            memcpy(long_scope, &i, sizeof i);
            none += otlite_scope_register(&recorder.region, long_scope, sizeof long_scope, "", 0,
                                          &handle) != OTLITE_OK;
        }
        CHECK_EQUAL(none, 0);
        drain_into(&recorder.region, &findings);
        CHECK_EQUAL(findings.records, lost == 1 ? 1 : 3);
        CHECK_EQUAL(findings.strange, 0);
        register_all(&recorder, "another's");
        for (uint32_t i = 0; i < SCOPES; i++)
            CHECK(recorder.scopes[i] != UINT32_MAX);
        CHECK(recorder.resource != UINT32_MAX);
    }
}

/* An entry that is whole, and not the one under which the records were made: they are not sent under it. */
static void test_an_entry_of_another(void)
{
    const uint64_t third = MADE / 3 - (ACKED + 1) / 3;
    open_with(&durable_options);
    uint32_t other = register_resource(&recorder.region, "urn:other") & HANDLE_INDEX;
    record_some(ACKED, MADE);
    struct otlite_entry *scopes = recorder.region.scopes, *resources = recorder.region.resources;
    scopes[recorder.scopes[1] & HANDLE_INDEX] = scopes[recorder.scopes[0] & HANDLE_INDEX];
    CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
    CHECK_EQUAL(findings.strange, 0);
    CHECK_EQUAL(findings.records, MADE - ACKED - third);
    CHECK_EQUAL(findings.damaged, third);
    resources[recorder.resource & HANDLE_INDEX] = resources[other];
    CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
    CHECK_EQUAL(findings.damaged, MADE - ACKED);
}

/* More records than a chunk can have: those that are whole are read, and that it is so is counted. */
static void test_a_damaged_count(void)
{
    open_with(&durable_options);
    record_some(0, 3);
    for (uint32_t i = 0; i < recorder.region.chunk_count; i++) {
        if (recorder.region.chunks[i].committed == 3)
            recorder.region.chunks[i].committed = UINT32_MAX;
    }
    CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
    CHECK_EQUAL(times_in(0, 3, 1), 3);
    CHECK_EQUAL(findings.damaged, 1);
}

/* Records in a chunk that says it has none: they are counted. */
static void test_a_chunk_that_seems_free(void)
{
    for (uint32_t state = CHUNK_FREE; state < 8; state++) {
        open_with(&durable_options);
        record_some(0, 5);
        for (uint32_t i = 0; i < recorder.region.chunk_count; i++)
            if (recorder.region.chunks[i].committed == 5) {
                recorder.region.chunks[i].state = state;
                recorder.region.chunks[i].offered = recorder.region.chunks[i].acked = 2;
            }
        uint32_t kept =
            state == CHUNK_TAKEN || state == CHUNK_WRITING || state == CHUNK_COMPLETE ? 3 : 0;
        CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
        CHECK_EQUAL(findings.records, kept);
        CHECK_EQUAL(findings.damaged, 3 - kept);
        die();
        struct otlite_adoption told = adopt();
        CHECK_EQUAL(told.records, kept);
        CHECK_EQUAL(told.damaged, 3 - kept);
    }
}

/* A record of no bytes is none, even with a seal. */
static void test_an_empty_record(void)
{
    open_with(&durable_options);
    record_some(0, 3);
    struct otlite_region *region = &recorder.region;
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        if (region->chunks[i].committed != 3)
            continue;
        struct record_index *index = chunk_index(region, i, 2);
        uint32_t start = chunk_index(region, i, 1)->end;
        CHECK(otlite_record_whole(region, i, 2, 3));
        index->end = start;
        index->seal = otlite_record_seal(region, i, start, index);
        CHECK(!otlite_record_whole(region, i, 2, 3));
    }
    CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
    CHECK_EQUAL(times_in(0, 2, 1), 2);
    CHECK_EQUAL(findings.damaged, 1);
}

/* What an adoption gave up stays counted when that process died before it was done; what the dead counted does not. */
static void test_an_adoption_that_was_not_done(void)
{
    struct otlite_header *header = (void *)copy;
    for (int again = 0; again < 2; again++) {
        leave_some();
        header->adopting = (uint32_t)again;
        header->lost[OTLITE_LOSS_DAMAGED] = 5;
        header->lost[OTLITE_LOSS_OVERWRITTEN] = 3;
        header->lost[OTLITE_LOSS_REFUSED] = 2;
        header->unanswered = 1;
        CHECK_EQUAL(adopt().records, MADE - ACKED);
        struct otlite_stats stats = balanced_stats(&recorder.region);
        CHECK_EQUAL(stats.adopted, MADE - ACKED + again * 8);
        CHECK_EQUAL(stats.dropped[OTLITE_LOSS_DAMAGED], again * 5);
        CHECK_EQUAL(stats.dropped[OTLITE_LOSS_REFUSED], 0);
        CHECK_EQUAL(stats.unanswered, again);
    }
}

/* Chunks that are filled later come later, whatever the header says. */
static void test_a_damaged_sequence(void)
{
    leave_some();
    ((struct otlite_header *)(void *)copy)->sequence = 1;
    CHECK_EQUAL(adopt().records, MADE - ACKED);
    uint32_t sequence = recorder.region.header->sequence;
    for (uint32_t i = 0; i < recorder.region.chunk_count; i++)
        if (chunk_readable(recorder.region.chunks[i].state))
            CHECK(recorder.region.chunks[i].sequence < sequence);
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(findings.records, MADE - ACKED);
}

/* As many scopes as you like after an adoption, and those of pending records stay as they are. */
static void test_scopes_after_adoption(void)
{
    leave_some();
    (void)adopt();
    /* a record whose scope lies beyond the table, in room of the arena that nobody has */
    struct otlite_region *region = &recorder.region;
    uint32_t chunk = 0, beyond = region->scope_count + 1500;
    while (!chunk_readable(region->chunks[chunk].state) || region->chunks[chunk].committed < 2)
        chunk++;
    chunk_index(region, chunk, region->chunks[chunk].committed - 1)->scope = (uint16_t)beyond;
    const uint8_t *past = (const uint8_t *)&region->scopes[beyond];
    CHECK(past > region->arena + 32000 && past < region->arena + region->arena_size);
    for (int i = 0; i < 2000; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        CHECK(register_scope(region, name, "urn:y") != UINT32_MAX);
    }
    CHECK(past[offsetof(struct otlite_entry, marked)] == 0xa5);
    drain_into(region, &findings);
    CHECK_EQUAL(findings.strange, 0);
    CHECK_EQUAL(findings.records, MADE - ACKED - 1);
    CHECK_EQUAL(balanced_stats(region).dropped[OTLITE_LOSS_DAMAGED], 1);
}

/* ---- Clock ---- */

#define SECOND INT64_C(1000000000)

static uint64_t start_found;

static void note_start(void *context, const struct record *record)
{
    (void)context;
    struct reader outer = read_bytes(record->field), span = next_message(&outer, 2);
    struct field field;
    while (read_field(&span, &field))
        if (field.number == 7)
            start_found = field.value;
}

/* Recorded, or left open, under a later `anchor`, on a boot whose name is known or not: when it began. */
static uint64_t leave_span(bool open, bool known, uint32_t anchor)
{
    struct otlite_region_options options = durable_options;
    options.open_spans = 8;
    stepped_ns = 0;
    if (!known)
        memset(options.boot_id, 0, sizeof options.boot_id);
    open_with(&options);
    for (uint32_t i = 0; i < anchor; i++) {
        stepped_ns += SECOND / 100;
        CHECK(otlite_region_reanchor(&recorder.region, 1000000));
    }
    struct otlite_span span = numbered_span(1, 10);
    span.start = otlite_region_clock(&recorder.region, 12345, &span.anchor);
    span.end = span.start + 1;
    CHECK_EQUAL(
        (open ? otlite_open_begin(&recorder.region, &span, recorder.resource, recorder.scopes[0])
              : otlite_span_record(&recorder.region, &span, recorder.resource, recorder.scopes[0])),
        OTLITE_OK);
    die();
    return span.start;
}

static void adopt_as(const char *boot_id, bool open_wait)
{
    struct otlite_region_options options = durable_options;
    options.open_wait = open_wait;
    memset(options.boot_id, 0, sizeof options.boot_id);
    memcpy(options.boot_id, boot_id, strlen(boot_id));
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &options, NULL), OTLITE_OK);
}

static void adopt_on(const char *boot_id)
{
    adopt_as(boot_id, false);
}

/* By how much its start has moved when it is sent. */
static int64_t moved_since(uint64_t recorded)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    start_found = 0;
    CHECK_EQUAL(otlite_batch_collect(&recorder.region, &limits, &batch), OTLITE_OK);
    struct bytes body = join_segments(&batch);
    CHECK(read_request(body, note_start, NULL));
    free((void *)(uintptr_t)body.data);
    stepped_ns = 0;
    return (int64_t)(start_found - recorded);
}

/* A span is recorded, the clock set by a day, the region adopted on a boot `boot_id`. */
static int64_t moved_by(const char *boot_id, size_t flipped, uint32_t anchor)
{
    uint64_t recorded = leave_span(false, boot_id[0] != 0, anchor);
    if (flipped != 0)
        copy[flipped] ^= 1;
    stepped_ns = 86400 * SECOND;
    memcpy(memory, copy, SIZE);
    adopt_on(boot_id);
    return moved_since(recorded);
}

static void test_clocks_of_boots(void)
{
    for (uint32_t anchor = 0; anchor < 2 * ANCHORS; anchor += 9) {
        int64_t moved = moved_by("this one", 0, anchor);
        CHECK(moved > 86397 * SECOND && moved < 86401 * SECOND);
        CHECK_EQUAL(moved_by("another", 0, anchor), 0);
        CHECK_EQUAL(moved_by("", 0, anchor), 0);
        /* an anchor that is not what it was moves nothing */
        size_t value = offsetof(struct otlite_header, anchors) + 8 * (anchor % ANCHORS);
        CHECK_EQUAL(moved_by("this one", value + 5, anchor), 0);
    }
}

static void test_an_anchor_that_is_none(void)
{
    for (uint32_t anchor = ANCHORS; anchor < ANCHORS + 2; anchor++) {
        leave_span(false, true, 0);
        memcpy(memory, copy, SIZE);
        ((struct otlite_header *)(void *)memory)->anchor = anchor;
        adopt_as("another", true);
        CHECK(recorder.region.header->anchor < ANCHORS);
    }
}

/* The region is adopted on the boots named, the clock of the last one is set only later. */
static void test_a_clock_that_is_set_after_adoption(void)
{
    static const char *const boots[][2] = {
        {"another", "another"}, {"another", "a third"}, {"", ""}, {"this one", "this one"}};
    for (size_t i = 0; i < sizeof boots / sizeof *boots; i++) {
        for (int open = 0; open < 2; open++) {
            bool same = i == 3;
            uint64_t recorded = leave_span(open != 0, true, 0);
            memcpy(memory, copy, SIZE);
            stepped_ns = same ? 0 : -365 * 86400 * SECOND; /* as where no battery keeps it */
            adopt_on(boots[i][0]);
            adopt_on(boots[i][1]);
            struct otlite_image image;
            struct otlite_found found;
            CHECK_EQUAL(otlite_image_open(&image, memory, SIZE), OTLITE_OK);
            CHECK(otlite_image_next(&image, &found));
            CHECK((found.wall_offset != 0 && !found.explicit_time) == same);
            stepped_ns = same ? 86400 * SECOND : 0;
            CHECK(otlite_region_reanchor(&recorder.region, 1000000));
            int64_t moved = moved_since(recorded) - (same ? 86400 * SECOND : 0);
            CHECK(same ? moved > -SECOND && moved < SECOND : moved == 0);
        }
    }
}

int main(void)
{
    RUN(test_what_it_is);
    RUN(test_refuses);
    RUN(test_reads_what_was_recorded);
    RUN(test_reads_in_order);
    RUN(test_adopts_what_was_recorded);
    RUN(test_many_lives);
    RUN(test_a_resource_each);
    RUN(test_a_damaged_record);
    RUN(test_a_damaged_scope);
    RUN(test_damaged_room_of_an_entry);
    RUN(test_an_entry_of_another);
    RUN(test_a_damaged_count);
    RUN(test_a_chunk_that_seems_free);
    RUN(test_an_empty_record);
    RUN(test_an_adoption_that_was_not_done);
    RUN(test_a_damaged_sequence);
    RUN(test_scopes_after_adoption);
    RUN(test_clocks_of_boots);
    RUN(test_an_anchor_that_is_none);
    RUN(test_a_clock_that_is_set_after_adoption);
    return check_end();
}
