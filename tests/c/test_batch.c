/* test_batch.c - batches, against a model: every record whole, once, in order, under its own
 * resource and scope, and counted
 *
 * Includes layout.h for what no call shows: the collector's lock, and the chunks that a batch pins.
 */
#include "check.h"
#include "decode.h"
#include "region/layout.h"

/* ---- The model: what became of each record ---- */

enum fate { PENDING, SETTLED, REFUSED, LOST };

enum { RECORDS_MAX = 40000, RESOURCES = 3, SCOPES = 7 };

static struct {
    uint32_t size;
    uint8_t resource, scope, fate;
    bool chained, in_batch;
} made[RECORDS_MAX];

static uint32_t made_count, oldest; /* no record before `oldest` is pending */
static uint64_t pending, overwritten_known, exported, rejected, dropped[OTLITE_LOSSES];

/* ---- The region under test ---- */

static struct otlite_region region;
static void *memory;
static size_t memory_size;
static enum otlite_on_full on_full;
static uint64_t seed;

struct head {
    uint8_t bytes[300];
    struct bytes whole, schema;
    uint32_t handle;
};

static struct head resources[RESOURCES], scopes[SCOPES];

/* Scopes of one name and two schema URLs, and of one schema URL and two names; one without either.
 */
static void make_heads(void)
{
    static const char *const names[] = {"a", "a", "b", "", "a much longer name, as modules have",
                                        "c", "d"};
    static const char *const schemas[] = {"", "https://example.org/schema/1.2.0", "", "", "x", "",
                                          ""};
    uint8_t block[200];

    for (uint32_t i = 0; i < SCOPES; i++) {
        struct head *head = &scopes[i];
        size_t size =
            otlite_scope_encode(head->bytes, text_of(names[i]), text_of(i % 2 ? "1.0" : ""), NULL);
        head->whole = (struct bytes){head->bytes, size};
        head->schema = (struct bytes){(const uint8_t *)schemas[i], strlen(schemas[i])};
        CHECK_EQUAL(otlite_scope_register(&region, head->bytes, size, schemas[i], head->schema.size,
                                          &head->handle),
                    OTLITE_OK);
    }
    for (uint32_t i = 0; i < RESOURCES; i++) {
        struct head *head = &resources[i];
        struct otlite_scratch scratch;
        struct otlite_value value = {.type = OTLITE_INT, .as.integer = i};
        otlite_scratch_init(&scratch, block, sizeof block);
        CHECK_EQUAL(otlite_scratch_attribute(&scratch, 1, text_of("number"), &value, 9), OTLITE_OK);
        size_t size = otlite_resource_encode(head->bytes, i == 0 ? NULL : &scratch);
        head->whole = (struct bytes){head->bytes, size};
        head->schema = (struct bytes){(const uint8_t *)"urn:schema", i == 1 ? 10 : 0};
        CHECK(size <= sizeof head->bytes);
        if (i < region.resource_count)
            CHECK_EQUAL(otlite_resource_register(&region, head->bytes, size, head->schema.data,
                                                 head->schema.size, &head->handle),
                        OTLITE_OK);
        else
            *head = resources[0];
    }
}

static void open_empty(size_t size, enum otlite_on_full policy)
{
    struct otlite_region_options options = {.on_full = policy};
    memory = otlite_map(size);
    memory_size = size;
    on_full = policy;
    CHECK_EQUAL(otlite_region_init(&region, memory, size, &options), OTLITE_OK);
    memset(made, 0, sizeof made);
    memset(dropped, 0, sizeof dropped);
    made_count = oldest = 0;
    pending = overwritten_known = exported = rejected = 0;
}

static void open_region(size_t size, enum otlite_on_full policy)
{
    open_empty(size, policy);
    make_heads();
}

static struct otlite_stats check_stats(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&region, &stats);
    uint64_t overwritten = stats.dropped[OTLITE_LOSS_OVERWRITTEN];
    CHECK_EQUAL(stats.recorded, made_count);
    CHECK_EQUAL(stats.exported, exported);
    CHECK_EQUAL(stats.rejected, rejected);
    for (int loss = OTLITE_LOSS_OVERWRITTEN + 1; loss < OTLITE_LOSSES; loss++)
        CHECK_EQUAL(stats.dropped[loss], dropped[loss]);
    CHECK(overwritten >= overwritten_known);
    CHECK(overwritten == 0 || on_full == OTLITE_OVERWRITE_OLDEST);
    CHECK_EQUAL(stats.pending, pending - (overwritten - overwritten_known));
    CHECK_EQUAL(otlite_region_count(&region), stats.pending);
    return stats;
}

/* ---- Recording ---- */

static void record(uint32_t resource, uint32_t scope, uint32_t name_size)
{
    uint32_t number = made_count++;
    struct otlite_span span = numbered_span(number, name_size);
    enum otlite_status status =
        otlite_span_record(&region, &span, resources[resource].handle, scopes[scope].handle);
    uint8_t *field = malloc(otlite_span_encode_bound(&span));
    size_t size = otlite_span_encode(field, &span);
    made[number].resource = (uint8_t)resource;
    made[number].scope = (uint8_t)scope;
    made[number].size = (uint32_t)size;
    if (status == OTLITE_NO_ROOM)
        status = otlite_region_append(&region, field, size, resources[resource].handle,
                                      scopes[scope].handle, 0, true);
    free(field);
    made[number].chained = size > otlite_region_inline_max(&region);
    if (status == OTLITE_OK) {
        pending++;
        return;
    }
    CHECK_EQUAL(status, OTLITE_DROPPED);
    bool too_large = size > otlite_region_record_max(&region);
    CHECK(too_large || on_full == OTLITE_DROP_NEWEST);
    dropped[too_large ? OTLITE_LOSS_TOO_LARGE : OTLITE_LOSS_FULL]++;
    made[number].fate = REFUSED;
}

static void record_some(uint32_t count)
{
    static uint32_t resource, scope;
    for (; count > 0 && made_count < RECORDS_MAX; count--) {
        if (draw(&seed, 40) == 0)
            resource = draw(&seed, RESOURCES);
        if (draw(&seed, 3) == 0)
            scope = draw(&seed, SCOPES);
        uint32_t longest = draw(&seed, 20) ? 300 : (uint32_t)otlite_region_inline_max(&region);
        if (draw(&seed, 100) == 0)
            longest = (uint32_t)otlite_region_record_max(&region) + 100;
        record(resource, scope, draw(&seed, longest));
    }
}

/* ---- A batch ---- */

static struct {
    uint32_t numbers[RECORDS_MAX], count;
    int resource;
    int scope; /* of the group that is read */
    bool scope_seen[SCOPES];
} read_so_far;

static void check_record(void *context, const struct record *found)
{
    uint64_t number = number_of(found->field);
    (void)context;
    if (!CHECK(number < made_count))
        return;
    uint32_t resource = made[number].resource, scope = made[number].scope;
    CHECK_EQUAL(made[number].fate, PENDING);
    CHECK_EQUAL(made[number].size, found->field.size);
    CHECK(same_bytes(found->resource, resources[resource].whole));
    CHECK(same_bytes(found->resource_schema, resources[resource].schema));
    CHECK(same_bytes(found->scope, scopes[scope].whole));
    CHECK(same_bytes(found->scope_schema, scopes[scope].schema));
    CHECK(!made[number].in_batch);
    if ((int)scope != read_so_far.scope) { /* a scope comes once */
        CHECK(!read_so_far.scope_seen[scope]);
        read_so_far.scope = (int)scope;
        read_so_far.scope_seen[scope] = true;
    } else if (read_so_far.count > 0) { /* and its records in order, long ones aside */
        uint32_t last = read_so_far.numbers[read_so_far.count - 1];
        CHECK(number > last || made[number].chained != made[last].chained);
    }
    made[number].in_batch = true;
    read_so_far.numbers[read_so_far.count++] = (uint32_t)number;
    read_so_far.resource = (int)resource;
}

/* A batch takes the oldest: what it passed over, of its resource and size class, is gone. */
static void find_lost(void)
{
    for (int chained = 0; chained < 2; chained++) {
        uint32_t newest = 0;
        for (uint32_t i = 0; i < read_so_far.count; i++)
            if (made[read_so_far.numbers[i]].chained == chained && read_so_far.numbers[i] > newest)
                newest = read_so_far.numbers[i];
        for (uint32_t i = oldest; i < newest; i++) {
            if (made[i].fate != PENDING || made[i].in_batch || made[i].chained != chained ||
                made[i].resource != read_so_far.resource)
                continue;
            made[i].fate = LOST;
            overwritten_known++;
            pending--;
        }
    }
    CHECK(overwritten_known == 0 || on_full == OTLITE_OVERWRITE_OLDEST);
}

static size_t bytes_outside_of_chunks(const struct otlite_batch *batch)
{
    size_t size = 0;
    for (uint32_t i = 0; i < batch->segment_count; i++) {
        const uint8_t *at = batch->segments[i].data;
        CHECK(at >= (uint8_t *)memory &&
              at + batch->segments[i].size <= (uint8_t *)memory + memory_size);
        CHECK(batch->segments[i].size > 0);
        if (at < region.data)
            size += batch->segments[i].size;
    }
    return size;
}

static void check_batch(const struct otlite_batch *batch, const struct otlite_batch_limits *limits,
                        struct bytes body)
{
    read_so_far.count = 0;
    read_so_far.scope = -1;
    memset(read_so_far.scope_seen, 0, sizeof read_so_far.scope_seen);
    CHECK(read_request(body, check_record, NULL));
    CHECK_EQUAL(read_so_far.count, batch->records);
    CHECK(batch->size <= limits->max_bytes || batch->records == 1);
    CHECK(limits->max_records == 0 || batch->records <= limits->max_records);
    CHECK_EQUAL(bytes_outside_of_chunks(batch), batch->copied);
    CHECK(!limits->gather || batch->segment_count == 1 || batch->records == 1);
    uint32_t pinned = 0; /* chunks, those of chains included */
    for (uint32_t i = 0; i < region.chunk_count; i++)
        if ((otlite_load_relaxed(&region.chunks[i].state) & CHUNK_PINNED) != 0)
            for (uint32_t link = i; link != NO_CHUNK; link = region.chunks[link].next)
                pinned++;
    CHECK(pinned > 0 && pinned <= region.chunk_count / 2);
    find_lost();
}

static void settled(void)
{
    for (uint32_t i = 0; i < read_so_far.count; i++)
        made[read_so_far.numbers[i]].fate = SETTLED;
    pending -= read_so_far.count;
    while (oldest < made_count && made[oldest].fate != PENDING)
        oldest++;
}

static void settle(struct otlite_batch *batch)
{
    uint32_t records = batch->records, refused = draw(&seed, 3) ? 0 : draw(&seed, records + 4);
    settled();
    if (draw(&seed, 8) == 0) {
        enum otlite_loss loss = draw(&seed, 2) ? OTLITE_LOSS_REFUSED : OTLITE_LOSS_SHUTDOWN;
        dropped[loss] += records;
        otlite_batch_drop(&region, batch, loss, draw(&seed, 2));
    } else {
        refused =
            refused > records ? records : refused; /* the receiver may claim more than it got */
        exported += records - refused;
        rejected += refused;
        otlite_batch_acknowledge(&region, batch,
                                 refused == records && draw(&seed, 2) ? UINT32_MAX : refused);
    }
    CHECK(!batch->pinned);
    check_stats();
    otlite_batch_acknowledge(&region, batch, 0); /* a second answer changes nothing */
    otlite_batch_drop(&region, batch, OTLITE_LOSS_REFUSED, true);
    otlite_batch_release(&region, batch);
    CHECK_EQUAL(otlite_batch_repin(&region, batch), OTLITE_INVALID);
}

/* The batch is what it was: pinned, or pinned again. */
static void check_unchanged(const struct otlite_batch *batch, struct bytes body)
{
    struct bytes now = join_segments(batch);
    CHECK(same_bytes(now, body));
    free((void *)(uintptr_t)now.data);
}

static void forget_batch(void)
{
    for (uint32_t i = 0; i < read_so_far.count; i++)
        made[read_so_far.numbers[i]].in_batch = false;
}

static bool collect(bool settle_at_once);

/* Some of a batch was overwritten: at least one of its records never comes again. */
static void check_gone(void)
{
    static uint32_t numbers[RECORDS_MAX];
    uint32_t count = read_so_far.count, lost = 0;
    CHECK(on_full == OTLITE_OVERWRITE_OLDEST);
    memcpy(numbers, read_so_far.numbers, count * sizeof *numbers);
    forget_batch();
    while (collect(true)) {
    }
    for (uint32_t i = oldest; i < made_count; i++)
        if (made[i].fate == PENDING) {
            made[i].fate = LOST;
            overwritten_known++;
            pending--;
        }
    for (uint32_t i = 0; i < count; i++)
        lost += made[numbers[i]].fate == LOST;
    CHECK(lost > 0);
    CHECK_EQUAL(check_stats().pending, 0);
}

static unsigned long gone_seen, repinned_seen;

static void release_and_return(struct otlite_batch *batch, struct bytes body)
{
    uint32_t most = draw(&seed, 2) ? 20 : 600;
    otlite_batch_release(&region, batch);
    CHECK(!batch->pinned);
    record_some(draw(&seed, most));
    enum otlite_status status = otlite_batch_repin(&region, batch);
    CHECK(status == OTLITE_OK || status == OTLITE_GONE);
    if (status == OTLITE_GONE) {
        gone_seen++;
        check_gone();
        return;
    }
    repinned_seen++;
    CHECK_EQUAL(otlite_batch_repin(&region, batch), OTLITE_INVALID); /* it is pinned */
    check_unchanged(batch, body);
    settle(batch);
    forget_batch();
}

static bool collect(bool settle_at_once)
{
    static const uint32_t sizes[] = {0, 150, 1000, 5000, 30000, 1 << 20},
                          counts[] = {0, 0, 1, 2, 30, 500};
    struct otlite_batch_limits limits = {.max_bytes = sizes[draw(&seed, 6)],
                                         .max_records = counts[draw(&seed, 6)]};
    struct otlite_batch batch;
    limits.gather = draw(&seed, 2);
    uint64_t before = check_stats().pending;
    enum otlite_status status = otlite_batch_collect(&region, &limits, &batch);
    CHECK_EQUAL(status, before == 0 ? OTLITE_EMPTY : OTLITE_OK);
    if (status != OTLITE_OK)
        return false;
    CHECK(batch.pinned && batch.records > 0);
    struct bytes body = join_segments(&batch);
    check_batch(&batch, &limits, body);
    check_stats();
    uint32_t fate = settle_at_once ? 0 : draw(&seed, 3);
    if (fate == 1) { /* recording goes on meanwhile, as much as it likes */
        otlite_batch_offer(&region, &batch);
        record_some(draw(&seed, 500));
        check_unchanged(&batch, body);
    }
    if (fate == 2) {
        release_and_return(&batch, body);
    } else {
        settle(&batch);
        forget_batch();
    }
    free((void *)(uintptr_t)body.data);
    return true;
}

static void run_model(size_t size, enum otlite_on_full policy, uint32_t rounds)
{
    open_region(size, policy);
    for (uint32_t round = 0; round < rounds; round++) {
        record_some(draw(&seed, draw(&seed, 10) ? 60 : (uint32_t)(size / 400)));
        struct otlite_stats stats = check_stats();
        CHECK_EQUAL(otlite_region_arm(&region, OTLITE_WAKE_ANY), stats.pending != 0);
        for (uint32_t batches = draw(&seed, 4); batches > 0; batches--)
            collect(false);
    }
    while (collect(true)) {
    }
    struct otlite_stats stats = check_stats();
    CHECK_EQUAL(stats.pending, 0);
    CHECK(stats.chunks_used <= 1); /* the one that is being filled */
    otlite_unmap(memory, memory_size);
}

static void test_against_the_model(void)
{
    static const size_t sizes[] = {64 << 10, 65599, 100000, 200000, 1 << 20, (1 << 20) + 77};
    for (uint64_t round = 0; round < 24; round++) {
        seed = 7046029254386353131 + round;
        run_model(sizes[round % 6], round / 6 % 2 ? OTLITE_DROP_NEWEST : OTLITE_OVERWRITE_OLDEST,
                  150);
    }
    CHECK(gone_seen > 50 && repinned_seen > 50);
}

/* ---- Heads ---- */

static void visit_one(void *context, const struct record *found)
{
    *(struct record *)context = *found;
}

/* Gathered beside schema URLs of any length, a record of any size leaves nothing outside of the
 * buffer: the rest of the region is as it was. */
static void test_gathering_beside_long_heads(void)
{
    static char url[4097];
    memset(url, 'u', sizeof url - 1);
    for (uint32_t schema = 0; schema <= 2000; schema += 400)
        for (uint32_t name = 0; name < 12000; name += name < 4200 ? 100 : 1300)
            for (int gather = 0; gather < 2; gather++) {
                struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .gather = gather};
                struct otlite_batch batch;
                struct record found = {0};
                open_empty(64 << 10, OTLITE_DROP_NEWEST);
                url[schema] = 0;
                resources[0].handle = register_resource(&region, url);
                scopes[0].handle = register_scope(&region, "scope", url);
                CHECK(resources[0].handle != UINT32_MAX && scopes[0].handle != UINT32_MAX);
                record(0, 0, name);
                for (int chunk = 0; chunk < 6; chunk++)
                    record(0, 0, 3000);
                struct otlite_stats before = check_stats();
                CHECK_EQUAL(otlite_batch_collect(&region, &limits, &batch), OTLITE_OK);
                struct bytes body = join_segments(&batch);
                CHECK(read_request(body, visit_one, &found));
                CHECK_EQUAL(found.resource_schema.size, schema);
                CHECK_EQUAL(found.scope_schema.size, schema);
                free((void *)(uintptr_t)body.data);
                struct otlite_stats after = check_stats();
                CHECK_EQUAL(after.chunks_used, before.chunks_used);
                otlite_batch_release(&region, &batch);
                url[schema] = 'u';
                otlite_unmap(memory, memory_size);
            }
}

/* As many long runs as chunks can hold, of scopes in turn: each is a segment of its own, with heads between. */
/* The name of a span that is as long with it. */
static uint32_t name_within(size_t size)
{
    static uint8_t field[128 << 10];
    if (!CHECK(size + 100 < sizeof field))
        return 0;
    for (uint32_t name = (uint32_t)size; name > 0; name--) {
        struct otlite_span span = numbered_span(0, name);
        if (otlite_span_encode(field, &span) == size)
            return name;
    }
    return 0;
}

static void test_many_references(void)
{
    static const size_t sizes[] = {64 << 10, 200000, 1 << 20};
    for (size_t i = 0; i < 3; i++)
        for (uint32_t chained = 0; chained < 3; chained++) {
            open_region(sizes[i], OTLITE_DROP_NEWEST);
            seed = i + 1;
            uint32_t least =
                name_within(otlite_region_inline_max(&region) + 1); /* a byte in a link */
            CHECK(least != 0);
            uint32_t room = (uint32_t)(sizes[i] / otlite_region_inline_max(&region)),
                     kept = made_count;
            for (uint32_t number = 0; number < 4 * room; number++)
                record(0, number % SCOPES,
                       chained == 2 ? least
                       : chained    ? 3000 + draw(&seed, 6000)
                                    : 1024 + draw(&seed, 100));
            kept = (uint32_t)pending;
            while (collect(true)) {
            }
            CHECK_EQUAL(exported + rejected + dropped[OTLITE_LOSS_REFUSED] +
                            dropped[OTLITE_LOSS_SHUTDOWN],
                        kept);
            otlite_unmap(memory, memory_size);
        }
}

/* A batch of as many scopes as there are, each with a schema URL, and a record or two. */
static void count_heads(void *context, const struct record *found)
{
    CHECK(number_of(found->field) != UINT64_MAX);
    *(uint32_t *)context += found->scope_schema.size == 3;
}

static void test_many_scopes_in_a_batch(void)
{
    static const size_t sizes[] = {64 << 10, 1 << 20, 4 << 20, 16 << 20};
    for (size_t i = 0; i < 4; i++) {
        struct otlite_stats stats;
        uint32_t seen = 0, batches = 0, known = 0;
        open_region(sizes[i], OTLITE_DROP_NEWEST);
        otlite_region_stats(&region, &stats);
        for (; known < stats.scopes - SCOPES; known++) {
            char name[24];
            snprintf(name, sizeof name, "scope %u", known);
            uint32_t scope = register_scope(&region, name, "url");
            if (scope == UINT32_MAX)
                break;
            struct otlite_span span = numbered_span(known, 10);
            CHECK_EQUAL(otlite_span_record(&region, &span, resources[0].handle, scope), OTLITE_OK);
        }
        CHECK_EQUAL(known, stats.scopes - SCOPES);
        for (struct otlite_batch batch;; batches++) {
            struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
            if (otlite_batch_collect(&region, &limits, &batch) != OTLITE_OK)
                break;
            struct bytes body = join_segments(&batch);
            CHECK(read_request(body, count_heads, &seen));
            free((void *)(uintptr_t)body.data);
            otlite_batch_acknowledge(&region, &batch, 0);
        }
        CHECK_EQUAL(seen, known);
        CHECK(batches < 4);
        otlite_unmap(memory, memory_size);
    }
}

/* Records that adjoin are sent from where they are: however many, they ask for no room to copy them to. */
static void test_a_run_is_not_copied(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    open_region(1 << 20, OTLITE_DROP_NEWEST);
    while (check_stats().chunks_used < region.chunk_count / 2 - 1)
        record(0, 0, 10);
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &batch), OTLITE_OK);
    CHECK_EQUAL(batch.records, made_count);
    CHECK(batch.size > region.work_size && batch.copied < 1024);
    otlite_unmap(memory, memory_size);
}

static void test_busy(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    open_region(64 << 10, OTLITE_DROP_NEWEST);
    record(0, 0, 1);
    otlite_store_release(&region.header->collecting, 1);
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &batch), OTLITE_BUSY);
    otlite_store_release(&region.header->collecting, 0);
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &batch), OTLITE_OK);
    otlite_unmap(memory, memory_size);
}

/* A batch lies in the work area: there is one at a time, and one that was released may be gone. */
static void test_one_batch_at_a_time(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .max_records = 1};
    struct otlite_batch first, second;
    struct otlite_stats stats;
    open_region(64 << 10, OTLITE_DROP_NEWEST);
    for (uint32_t i = 0; i < 4; i++)
        record(0, 0, 1);
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &first), OTLITE_OK);
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &second), OTLITE_BUSY);
    otlite_batch_release(&region, &first);
    CHECK_EQUAL(otlite_batch_repin(&region, &first), OTLITE_OK);
    otlite_batch_release(&region, &first);
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &second), OTLITE_OK);
    CHECK_EQUAL(otlite_batch_repin(&region, &first), OTLITE_GONE);
    otlite_batch_acknowledge(&region, &second, 0);
    otlite_batch_offer(&region, &second); /* settled: nothing happens */
    otlite_batch_acknowledge(&region, &first, 0);
    limits.max_records = 0;
    CHECK_EQUAL(otlite_batch_collect(&region, &limits, &second), OTLITE_OK);
    CHECK_EQUAL(second.records, 3);
    otlite_batch_drop(&region, &second, OTLITE_LOSS_REFUSED, true);
    otlite_region_stats(&region, &stats);
    CHECK_EQUAL(stats.exported, 1);
    CHECK_EQUAL(stats.dropped[OTLITE_LOSS_REFUSED], 3);
    CHECK_EQUAL(stats.pending, 0);
    otlite_unmap(memory, memory_size);
}

int main(void)
{
    RUN(test_against_the_model);
    RUN(test_gathering_beside_long_heads);
    RUN(test_many_references);
    RUN(test_many_scopes_in_a_batch);
    RUN(test_a_run_is_not_copied);
    RUN(test_busy);
    RUN(test_one_batch_at_a_time);
    return check_end();
}
