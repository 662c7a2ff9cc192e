/* test_tables.c - resources and scopes: kept once, given to others when no record needs them, never before
 *
 * Includes layout.h for one thing: the lock of the tables, which no call leaves taken.
 */
#include "check.h"
#include "decode.h"
#include "region/layout.h"

static struct otlite_region region;
static void *memory;
static size_t memory_size;
static uint32_t resource;

static void wake_nobody(void *context)
{
    (void)context;
}

static void (*when_woken)(void *) = wake_nobody;

static void call_when_woken(void *context)
{
    when_woken(context);
}

static void open_region_as(size_t size, const struct otlite_region_options *options)
{
    memory = otlite_map(size);
    memory_size = size;
    CHECK_EQUAL(otlite_region_init(&region, memory, size, options), OTLITE_OK);
    resource = register_resource(&region, "");
    CHECK(resource != UINT32_MAX);
}

static void open_region(size_t size)
{
    struct otlite_region_options options = {.on_full = OTLITE_DROP_NEWEST, .wake = call_when_woken};
    open_region_as(size, &options);
}

static void close_region(void)
{
    otlite_unmap(memory, memory_size);
}

static uint32_t scope_slots(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    return stats.scopes;
}

/* The scope of this number; the number of a span under it is the same, or that plus a multiple of
 * 10000. */
static uint32_t numbered_scope(uint32_t number)
{
    char name[24];
    snprintf(name, sizeof name, "scope %u", number);
    return register_scope(&region, name, "");
}

static enum otlite_status record(uint32_t number, uint32_t scope)
{
    struct otlite_span span = numbered_span(number, 20);
    return otlite_span_record(&region, &span, resource, scope);
}

static enum otlite_status record_chain(uint32_t number, uint32_t scope)
{
    size_t size = otlite_region_record_max(&region);
    uint8_t *field = sized_field(number, size);
    if (!CHECK(field != NULL))
        return OTLITE_INVALID;
    enum otlite_status status =
        otlite_region_append(&region, field, size, resource, scope, 0, false);
    free(field);
    return status;
}

static void check_scope_of(void *context, const struct record *found)
{
    char name[24];
    uint64_t number = number_of(found->field);
    CHECK(number != UINT64_MAX);
    snprintf(name, sizeof name, "scope %u", (uint32_t)number % 10000);
    struct reader field = read_bytes(found->scope), scope = next_message(&field, 1);
    CHECK(next_bytes_are(&scope, 1, (struct bytes){(uint8_t *)name, strlen(name)}));
    ++*(uint64_t *)context;
}

/* Collects and settles `most` batches of `records`; the number of records, each under its own
 * scope. */
static uint64_t drain(uint32_t most, uint32_t records)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .max_records = records};
    struct otlite_batch batch;
    uint64_t count = 0;
    while (most-- > 0 && otlite_batch_collect(&region, &limits, &batch) == OTLITE_OK) {
        struct bytes body = join_segments(&batch);
        CHECK(read_request(body, check_scope_of, &count));
        free((void *)(uintptr_t)body.data);
        otlite_batch_acknowledge(&region, &batch, 0);
    }
    return count;
}

/* ---- Identity ---- */

static void test_same_bytes_same_handle(void)
{
    static const struct {
        const char *bytes, *schema;
        size_t size, schema_size;
    } pairs[] = {
        {"\x0a\x02\x0a", "", 3, 0},
        {"\x0a\x02\x0a", "u", 3, 1},
        {"\x0a\x02", "\x0au", 2, 2},
        {"\x0a\x02\x0au", "", 4, 0},
        {"", "", 0, 0},
        {"", "\x0a\x02\x0a", 0, 3},
        {"a\0b", "c\0d", 3, 3},
        {"a\0b", "c\0e", 3, 3},
        {"a\0c", "c\0d", 3, 3},
        {"\xff\xfe", "\xc3\xa9 url", 2, 6},
        {"", "\x0a\x02\x0b", 0, 3},
        /* of one hash each, by FNV-1a */
        {"declinate", "", 9, 0},
        {"macallums", "", 9, 0},
        {"costarring", "", 10, 0},
        {"liquid", "", 6, 0},
    };
    enum { PAIRS = sizeof pairs / sizeof *pairs };
    uint32_t resources[PAIRS], scopes[PAIRS], again;

    open_region(1 << 20);
    for (size_t i = 0; i < PAIRS; i++) {
        CHECK_EQUAL(otlite_resource_register(&region, pairs[i].bytes, pairs[i].size,
                                             pairs[i].schema, pairs[i].schema_size, &resources[i]),
                    OTLITE_OK);
        CHECK_EQUAL(otlite_scope_register(&region, pairs[i].bytes, pairs[i].size, pairs[i].schema,
                                          pairs[i].schema_size, &scopes[i]),
                    OTLITE_OK);
    }
    for (size_t i = 0; i < PAIRS; i++) {
        for (size_t k = 0; k < i; k++)
            CHECK(resources[i] != resources[k] && scopes[i] != scopes[k]);
        CHECK_EQUAL(otlite_resource_register(&region, pairs[i].bytes, pairs[i].size,
                                             pairs[i].schema, pairs[i].schema_size, &again),
                    OTLITE_OK);
        CHECK_EQUAL(again, resources[i]);
        CHECK_EQUAL(otlite_scope_register(&region, pairs[i].bytes, pairs[i].size, pairs[i].schema,
                                          pairs[i].schema_size, &again),
                    OTLITE_OK);
        CHECK_EQUAL(again, scopes[i]);
    }
    close_region();
}

static void keep_heads(void *context, const struct record *found)
{
    *(struct record *)context = *found;
}

/* A schema URL of any length comes out as it went in, the lengths around it included. */
static void test_schema_urls_of_every_length(void)
{
    static char url[17001];
    memset(url, 'u', sizeof url - 1);
    open_region(4 << 20);
    for (uint32_t length = 0; length <= 17000; length += length < 300 ? 1 : 1000) {
        struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
        struct otlite_batch batch;
        struct record found = {0};
        url[length] = 0;
        resource = register_resource(&region, url);
        uint32_t scope = register_scope(&region, "scope", url);
        if (resource == UINT32_MAX || scope == UINT32_MAX) { /* the arena is full */
            close_region();
            open_region(4 << 20);
            resource = register_resource(&region, url);
            scope = register_scope(&region, "scope", url);
        }
        CHECK_EQUAL(record(1, scope), OTLITE_OK);
        CHECK_EQUAL(otlite_batch_collect(&region, &limits, &batch), OTLITE_OK);
        struct bytes body = join_segments(&batch), expected = {(const uint8_t *)url, length};
        CHECK(read_request(body, keep_heads, &found));
        CHECK(same_bytes(found.resource_schema, expected) &&
              same_bytes(found.scope_schema, expected));
        free((void *)(uintptr_t)body.data);
        otlite_batch_acknowledge(&region, &batch, 0);
        url[length] = 'u';
    }
    close_region();
}

static void test_handles_out_of_range(void)
{
    open_region(64 << 10);
    uint32_t scope = numbered_scope(1);
    CHECK_EQUAL(record(1, UINT32_MAX), OTLITE_STALE);
    CHECK_EQUAL(record(1, scope + (1u << 16)), OTLITE_STALE);
    CHECK_EQUAL(record(1, scope_slots()), OTLITE_STALE);
    CHECK_EQUAL(record_chain(1, scope_slots()), OTLITE_STALE);
    uint32_t known = resource;
    resource = UINT32_MAX;
    CHECK_EQUAL(record(1, scope), OTLITE_STALE);
    resource = known;
    CHECK_EQUAL(record(1, scope), OTLITE_OK);
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    CHECK_EQUAL(stats.recorded, 1); /* one that is stale is not counted: the caller tries again */
    close_region();
}

/* ---- Eviction ---- */

static void test_stale_after_eviction(void)
{
    open_region(64 << 10);
    uint32_t slots = scope_slots(), handles[64];
    for (uint32_t i = 0; i < slots; i++)
        handles[i] = numbered_scope(i);
    for (uint32_t i = 0; i < slots; i++)
        CHECK_EQUAL(record(i, handles[i]), OTLITE_OK);
    CHECK_EQUAL(numbered_scope(100), UINT32_MAX); /* each is needed */
    CHECK_EQUAL(drain(1, 3), 3);                  /* three are not */
    for (uint32_t i = 100; i < 103; i++)
        CHECK_EQUAL(record(i, numbered_scope(i)), OTLITE_OK);
    CHECK_EQUAL(numbered_scope(103), UINT32_MAX);
    for (uint32_t i = 0; i < slots; i++)
        CHECK_EQUAL(record(i, handles[i]), i < 3 ? OTLITE_STALE : OTLITE_OK);
    for (uint32_t i = 3; i < slots; i++)
        CHECK_EQUAL(numbered_scope(i), handles[i]); /* known, and where it was */
    CHECK_EQUAL(drain(UINT32_MAX, 0), 2 * (slots - 3) + 3);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t anew = numbered_scope(i);
        CHECK(anew != handles[i]);
        CHECK_EQUAL(record(i, anew), OTLITE_OK);
    }
    CHECK_EQUAL(drain(UINT32_MAX, 0), 3);
    close_region();
}

/* Far more scopes than entries, in rounds of records that wait, that leave, that are chains, that a
 * batch holds. */
static void test_needed_entries_stay(void)
{
    static uint32_t handles[10000];
    uint64_t seed = 1, recorded = 0, full = 0, drained = 0;

    open_region(128 << 10);
    memset(handles, 0xff, sizeof handles);
    for (uint32_t i = 0; i < 40000; i++) {
        uint32_t number = draw(&seed, draw(&seed, 2) ? 50 : 10000);
        bool chain = draw(&seed, 200) == 0;
        enum otlite_status status =
            chain ? record_chain(number, handles[number]) : record(number, handles[number]);
        if (status == OTLITE_STALE) {
            handles[number] = numbered_scope(number);
            full += handles[number] == UINT32_MAX;
            if (handles[number] == UINT32_MAX)
                continue;
            status =
                chain ? record_chain(number, handles[number]) : record(number, handles[number]);
        }
        CHECK(status == OTLITE_OK || status == OTLITE_DROPPED);
        recorded += status == OTLITE_OK;
        if (draw(&seed, 30) == 0)
            drained += drain(1 + draw(&seed, 3), draw(&seed, 2) ? 0 : 7);
    }
    drained += drain(UINT32_MAX, 0);
    CHECK_EQUAL(drained, recorded);
    CHECK(full > 100); /* and there was need */
    close_region();
}

/* A released batch's records need their entries still. */
static void test_entries_of_a_batch_stay(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    open_region(64 << 10);
    uint32_t slots = scope_slots();
    for (uint32_t i = 0; i < slots; i++)
        CHECK_EQUAL(record(i, numbered_scope(i)), OTLITE_OK);
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &batch), OTLITE_OK);
    CHECK_EQUAL(numbered_scope(100), UINT32_MAX);
    otlite_batch_release(&region, &batch);
    CHECK_EQUAL(numbered_scope(100), UINT32_MAX);
    CHECK_EQUAL(otlite_batch_repin(&region, &batch), OTLITE_OK);
    CHECK_EQUAL(numbered_scope(100), UINT32_MAX);
    otlite_batch_drop(&region, &batch, OTLITE_LOSS_REFUSED, true);
    for (uint32_t i = 0; i < slots; i++)
        CHECK_EQUAL(record(100 + i, numbered_scope(100 + i)), OTLITE_OK);
    CHECK_EQUAL(drain(UINT32_MAX, 0), slots);
    close_region();
}

/* Whichever entry alone may go, it is found; but for the one that was given out last. */
static void test_the_only_one_that_may_go(void)
{
    for (uint32_t spare = 0, slots = 1; spare < slots; spare++) {
        open_region(64 << 10);
        slots = scope_slots();
        for (uint32_t i = 0; i < slots; i++) {
            uint32_t scope = numbered_scope(i);
            CHECK(i == spare || record(i, scope) == OTLITE_OK);
        }
        for (uint32_t first = 0; first < slots; first++) {
            region.header->next_victim[TABLE_SCOPES] = first;
            region.header->condemned[TABLE_SCOPES] = 0;
            uint32_t scope = numbered_scope(100 + first);
            CHECK_EQUAL(scope == UINT32_MAX, first == (spare + 1) % slots);
            CHECK(scope == UINT32_MAX || (scope & HANDLE_INDEX) == spare);
        }
        close_region();
    }
}

static void test_resources_are_evicted_too(void)
{
    char url[16];
    open_region(64 << 10);
    uint32_t scope = numbered_scope(7), first = resource, taken = 1;
    CHECK_EQUAL(record(7, scope), OTLITE_OK);
    for (; taken < 100; taken++) {
        snprintf(url, sizeof url, "url %u", taken % 1000);
        resource = register_resource(&region, url);
        if (resource == UINT32_MAX)
            break;
        CHECK_EQUAL(record(7, scope), OTLITE_OK);
    }
    CHECK(taken >= 2 && taken < 64); /* not for ever */
    CHECK_EQUAL(drain(1, 0),
                1); /* the first resource's; its chunk was left for another's, and is free */
    resource = register_resource(&region, url);
    CHECK(resource != UINT32_MAX);
    CHECK_EQUAL(record(7, scope), OTLITE_OK);
    resource = first;
    CHECK_EQUAL(record(7, scope), OTLITE_STALE);
    CHECK_EQUAL(drain(UINT32_MAX, 0), taken);
    close_region();
}

/* ---- No room ---- */

static void test_arena_full(void)
{
    static uint8_t bytes[2 << 20];
    uint32_t handle, known = 0;
    open_region(64 << 10);
    CHECK_EQUAL(otlite_scope_register(&region, bytes, sizeof bytes, "", 0, &handle),
                OTLITE_TABLE_FULL);
    CHECK_EQUAL(otlite_resource_register(&region, bytes, sizeof bytes, "", 0, &handle),
                OTLITE_TABLE_FULL);
    CHECK_EQUAL(otlite_scope_register(&region, bytes, SIZE_MAX - 2, bytes, 3, &handle),
                OTLITE_TABLE_FULL);
    CHECK_EQUAL(otlite_scope_register(&region, "", 0, bytes, SIZE_MAX, &handle), OTLITE_TABLE_FULL);
    for (; known < 100; known++) {
        bytes[0] = (uint8_t)known;
        if (otlite_scope_register(&region, bytes, 700, "", 0, &handle) != OTLITE_OK)
            break;
        CHECK_EQUAL(record(known, handle), OTLITE_OK);
    }
    CHECK(known >= 4 && known < scope_slots());
    CHECK_EQUAL(otlite_scope_register(&region, bytes, 1, "", 0, &handle),
                OTLITE_OK); /* a small one fits still */
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &batch), OTLITE_OK);
    CHECK_EQUAL(batch.records, known);
    otlite_batch_acknowledge(&region, &batch, 0);
    for (uint32_t i = 0; i < known; i++) { /* in the room of those that left */
        bytes[0] = (uint8_t)(100 + i);
        CHECK_EQUAL(otlite_scope_register(&region, bytes, 699 - i, "", 0, &handle), OTLITE_OK);
        CHECK_EQUAL(record(known, handle), OTLITE_OK);
    }
    CHECK_EQUAL(otlite_scope_register(&region, bytes, 650, "", 0, &handle), OTLITE_TABLE_FULL);
    close_region();
}

/* The arena is given out by steps of 64 bytes: none is lost to an entry that fills its own. */
static void test_arena_to_the_last_step(void)
{
    static uint8_t bytes[448];
    uint32_t handle;
    open_region(64 << 10); /* whose resource has the first step */
    for (uint32_t i = 0; i < 9; i++) {
        bytes[0] = (uint8_t)i;
        CHECK_EQUAL(otlite_scope_register(&region, bytes, sizeof bytes, "", 0, &handle), OTLITE_OK);
        CHECK_EQUAL(record(i, handle), OTLITE_OK);
    }
    CHECK_EQUAL(region.header->arena_used, region.arena_size);
    CHECK_EQUAL(otlite_scope_register(&region, "x", 1, "", 0, &handle), OTLITE_TABLE_FULL);
    close_region();
}

/* Where all entries are taken by small scopes that nobody needs, and the arena has room, a large one gets in. */
static void test_a_large_one_in_place_of_a_small(void)
{
    static uint8_t bytes[300];
    uint32_t handle;
    open_region(64 << 10);
    for (uint32_t number = 0; number < scope_slots(); number++)
        CHECK(numbered_scope(number) != UINT32_MAX);
    for (uint32_t i = 0; i < 3; i++) {
        bytes[0] = (uint8_t)i;
        CHECK_EQUAL(otlite_scope_register(&region, bytes, sizeof bytes, "", 0, &handle), OTLITE_OK);
        CHECK_EQUAL(record(i, handle), OTLITE_OK);
    }
    close_region();
}

static void test_8192_scopes(void)
{
    static uint32_t handles[8192];
    open_region(32 << 20);
    CHECK_EQUAL(scope_slots(), 8192);
    for (uint32_t i = 0; i < 8192; i++) {
        handles[i] = numbered_scope(i);
        CHECK(handles[i] != UINT32_MAX);
        CHECK_EQUAL(record(i, handles[i]), OTLITE_OK);
    }
    CHECK_EQUAL(numbered_scope(8192), UINT32_MAX);
    for (uint32_t i = 0; i < 8192; i += 97)
        CHECK_EQUAL(numbered_scope(i), handles[i]);
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    CHECK_EQUAL(stats.scopes_used, 8192);
    CHECK_EQUAL(drain(UINT32_MAX, 0), 8192);
    close_region();
}

/* ---- Others at it ---- */

static void test_busy(void)
{
    uint32_t handle = 5;
    open_region(64 << 10);
    otlite_store_release(&region.header->registering, 1);
    CHECK_EQUAL(otlite_scope_register(&region, "a", 1, "", 0, &handle), OTLITE_BUSY);
    CHECK_EQUAL(otlite_resource_register(&region, "a", 1, "", 0, &handle), OTLITE_BUSY);
    CHECK_EQUAL(handle, 5);
    otlite_store_release(&region.header->registering, 0);
    CHECK(numbered_scope(1) != UINT32_MAX);
    close_region();
}

/* A writer is between the check of its handle and its commit, as far as anyone can tell: nothing is
 * evicted. */
static void register_within(void *context)
{
    (void)context;
    CHECK_EQUAL(numbered_scope(200), UINT32_MAX);
}

static void test_no_eviction_under_a_writer(void)
{
    open_region(64 << 10);
    for (uint32_t i = 0; i < scope_slots(); i++)
        CHECK(numbered_scope(i) != UINT32_MAX);
    uint32_t scope = numbered_scope(scope_slots() - 1);
    CHECK(!otlite_region_arm(&region, OTLITE_WAKE_ANY));
    when_woken = register_within;
    CHECK_EQUAL(record(scope_slots() - 1, scope), OTLITE_OK);
    when_woken = wake_nobody;
    CHECK(numbered_scope(200) != UINT32_MAX);
    CHECK_EQUAL(drain(UINT32_MAX, 0), 1);
    close_region();
}

static void register_in_the_next(void *context)
{
    (void)context;
    CHECK(numbered_scope(200) != UINT32_MAX);
}

/* A slot that a writer gave back and another took holds nothing up. */
static void test_eviction_under_the_next_writer(void)
{
    void (*const within[])(void *) = {register_within, register_in_the_next};
    open_region(64 << 10);
    for (uint32_t i = 0; i < scope_slots(); i++)
        CHECK(numbered_scope(i) != UINT32_MAX);
    uint32_t scope = numbered_scope(scope_slots() - 1);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(!otlite_region_arm(&region, OTLITE_WAKE_ANY));
        when_woken = within[i];
        CHECK_EQUAL(record(scope_slots() - 1, scope), OTLITE_OK);
        CHECK_EQUAL(drain(UINT32_MAX, 0), 1);
    }
    when_woken = wake_nobody;
    close_region();
}

/* ---- Handles that are old ---- */

/* Whichever slot a writer holds, no entry is given away that it may have a handle of. */
static void test_no_eviction_under_any_slot(void)
{
    for (uint32_t busy = 0; busy < 8; busy++) {
        open_region(512 << 10);
        CHECK(region.slot_count >= 8);
        uint32_t number = 0, refused = 0;
        for (; number < scope_slots(); number++)
            CHECK(numbered_scope(number) != UINT32_MAX);
        region.slots[busy].turn++;
        for (uint32_t i = 0; i < 4; i++)
            refused += numbered_scope(number++) == UINT32_MAX;
        CHECK(refused >= 2); /* one may have been condemned before */
        region.slots[busy].turn++;
        CHECK(numbered_scope(number++) != UINT32_MAX);
        CHECK(numbered_scope(number++) != UINT32_MAX);
        close_region();
    }
}

/* Of a full table one entry is condemned ahead: whose it is has it back by registering again. */
static void test_a_condemned_entry_is_had_back(void)
{
    open_region(64 << 10);
    uint32_t slots = scope_slots(), handles[64];
    for (uint32_t i = 0; i < slots; i++)
        handles[i] = numbered_scope(i);
    CHECK_EQUAL(record(100, numbered_scope(100)), OTLITE_OK);
    CHECK_EQUAL(record(1, handles[1]), OTLITE_STALE);
    CHECK_EQUAL(record(2, handles[2]), OTLITE_OK);
    handles[1] = numbered_scope(1);
    uint32_t stale = 0;
    for (uint32_t i = 101; i < 101 + 3 * slots; i++) { /* the entry comes up again and again */
        uint32_t other = numbered_scope(i);
        if (record(1, handles[1]) == OTLITE_STALE) {
            handles[1] = numbered_scope(1);
            CHECK_EQUAL(record(1, handles[1]), OTLITE_OK);
            stale++;
        }
        CHECK_EQUAL(record(i, other), OTLITE_OK);
        CHECK(drain(UINT32_MAX, 0) >= 2); /* each under its scope: drain looks */
    }
    CHECK(stale > 0);
    close_region();
}

static void test_a_handle_does_not_come_again_soon(void)
{
    open_region(64 << 10);
    uint32_t victim = numbered_scope(0);
    for (uint32_t i = 1; i < 1 << 20; i++) {
        uint32_t handle = numbered_scope(i);
        if (handle == UINT32_MAX || handle == victim)
            CHECK_EQUAL(handle, 0);
    }
    CHECK_EQUAL(record(0, victim), OTLITE_STALE);
    close_region();
}

/* What was torn is nobody's after an adoption; a handle that its next tenants were given is theirs, or stale. */
static void test_the_first_entry_was_torn(void)
{
    struct otlite_region_options options = {.on_full = OTLITE_DROP_NEWEST, .durable = true};
    uint32_t handles[64], stale = 0;
    open_region_as(64 << 10, &options);
    CHECK(numbered_scope(0) != UINT32_MAX);
    region.scopes[0].hash++;
    CHECK_EQUAL(otlite_region_adopt(&region, memory, memory_size, &options, NULL), OTLITE_OK);
    resource = register_resource(&region, "");
    for (uint32_t i = 0; i < 64; i++) {
        handles[i] = numbered_scope(i);
        CHECK(handles[i] != UINT32_MAX);
        for (uint32_t k = 0; k <= i; k++)
            stale += record(k, handles[k]) == OTLITE_STALE;
        (void)drain(UINT32_MAX, 0); /* each under its scope: drain looks */
    }
    CHECK(stale > 64);
    close_region();
}

int main(void)
{
    RUN(test_same_bytes_same_handle);
    RUN(test_schema_urls_of_every_length);
    RUN(test_handles_out_of_range);
    RUN(test_stale_after_eviction);
    RUN(test_needed_entries_stay);
    RUN(test_entries_of_a_batch_stay);
    RUN(test_the_only_one_that_may_go);
    RUN(test_resources_are_evicted_too);
    RUN(test_arena_full);
    RUN(test_arena_to_the_last_step);
    RUN(test_a_large_one_in_place_of_a_small);
    RUN(test_8192_scopes);
    RUN(test_busy);
    RUN(test_no_eviction_under_a_writer);
    RUN(test_eviction_under_the_next_writer);
    RUN(test_no_eviction_under_any_slot);
    RUN(test_a_condemned_entry_is_had_back);
    RUN(test_a_handle_does_not_come_again_soon);
    RUN(test_the_first_entry_was_torn);
    return check_end();
}
