/* test_threads.c - many threads record, one collects: every record whole, once, and counted; nobody
 * sleeps through one
 *
 * The threads keep their findings to themselves, and are checked when they have ended.
 */
#define _DEFAULT_SOURCE

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "check.h"
#include "decode.h"

enum { WRITERS_MAX = 64, NUMBER_BITS = 40 };

#define SECOND UINT64_C(1000000000)

static struct otlite_region region;
static void *memory;
static uint32_t stop;

/* By how much less than all of it the environment wants: 1 is all. */
static uint32_t shorter(void)
{
    const char *times = getenv("SHORTER");
    return times != NULL && atoi(times) > 1 ? (uint32_t)atoi(times) : 1;
}

static bool stopped(void)
{
    return __atomic_load_n(&stop, __ATOMIC_RELAXED) != 0;
}

static void open_region(size_t size, const struct otlite_region_options *options)
{
    memory = otlite_map(size);
    CHECK_EQUAL(otlite_region_init(&region, memory, size, options), OTLITE_OK);
    __atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
    (void)long_text();
}

static void sleep_for(uint64_t ns)
{
    uint64_t until = otlite_clock_boot() + ns;
    while (otlite_clock_boot() < until)
        usleep(1000);
}

/* ---- Writers ---- */

struct writer {
    pthread_t thread;
    uint64_t id, most; /* it records `most` spans at most */
    uint64_t made, kept, refused, table_full, wrong;
    uint8_t *seen; /* the collector's: a bit for each number */
};

static struct writer writers[WRITERS_MAX];

enum { SHARED_SCOPES = 3, PRIVATE_SCOPES = 200 };

static uint32_t resource, shared_scopes[SHARED_SCOPES];

/* Counts what the region said of a record. */
static void note_status(struct writer *writer, enum otlite_status status)
{
    writer->made++;
    if (status == OTLITE_OK)
        writer->kept++;
    else if (status == OTLITE_DROPPED)
        writer->refused++;
    else
        writer->wrong++;
}

/* Leaves the collector some time, so that it takes part and not only looks on. */
static uint32_t pause_every;

static void rest(uint64_t *state)
{
    if (pause_every != 0 && draw(state, pause_every) == 0)
        usleep(100);
}

/* One record in 16 is a chain. */
static enum otlite_status record_span(uint64_t number, uint64_t *state, uint32_t of, uint32_t scope)
{
    if (draw(state, 16) != 0) {
        struct otlite_span span = numbered_span(number, draw(state, 400));
        return otlite_span_record(&region, &span, of, scope);
    }
    uint8_t bytes[9000];
    struct otlite_span span = numbered_span(number, 5000 + draw(state, 3800));
    size_t size = otlite_span_encode(bytes, &span);
    return otlite_region_append(&region, bytes, size, of, scope, 0, false);
}

static void *write_spans(void *argument)
{
    struct writer *writer = argument;
    uint64_t state = writer->id + 1;
    while (!stopped() && writer->made < writer->most) {
        uint64_t number = writer->id << NUMBER_BITS | writer->made;
        note_status(writer,
                    record_span(number, &state, resource, shared_scopes[number % SHARED_SCOPES]));
        rest(&state);
    }
    return NULL;
}

/* Registers, from any thread; another that is at it is waited for. */
static enum otlite_status enter_scope(uint32_t name, uint32_t *handle)
{
    char text[16];
    uint8_t bytes[64];
    snprintf(text, sizeof text, "scope %u", name % 1000);
    size_t size = otlite_scope_encode(bytes, text_of(text), text_of(""), NULL);
    enum otlite_status status;
    while ((status = otlite_scope_register(&region, bytes, size, "", 0, handle)) == OTLITE_BUSY)
        sched_yield();
    return status;
}

static enum otlite_status enter_resource(uint32_t version, uint32_t *handle)
{
    char url[16];
    uint8_t bytes[8];
    snprintf(url, sizeof url, "url %u", version % 1000);
    size_t size = otlite_resource_encode(bytes, NULL);
    enum otlite_status status;
    while ((status = otlite_resource_register(&region, bytes, size, url, strlen(url), handle)) ==
           OTLITE_BUSY)
        sched_yield();
    return status;
}

/* More scopes and resources than there is room for, registered as they are needed. */
static void *write_under_many_heads(void *argument)
{
    struct writer *writer = argument;
    uint64_t state = writer->id + 1;
    uint32_t handles[PRIVATE_SCOPES], of = resource;
    enter_resource(0, &of);
    for (uint32_t i = 0; i < PRIVATE_SCOPES; i++)
        handles[i] = UINT32_MAX;
    while (!stopped() && writer->made < writer->most) {
        uint64_t number = writer->id << NUMBER_BITS | writer->made;
        uint32_t *handle = &handles[writer->made / 8 % PRIVATE_SCOPES];
        enum otlite_status status = record_span(number, &state, of, *handle);
        while (status == OTLITE_STALE) {
            status = enter_resource((uint32_t)(writer->made / 500), &of);
            if (status == OTLITE_OK)
                status = enter_scope((uint32_t)(handle - handles), handle);
            if (status == OTLITE_OK)
                status = record_span(number, &state, of, *handle);
        }
        if (status == OTLITE_TABLE_FULL) {
            otlite_region_lost(&region, OTLITE_LOSS_TABLE_FULL);
            writer->table_full++;
            writer->made++;
        } else {
            note_status(writer, status);
        }
        rest(&state);
    }
    return NULL;
}

/* ---- The collector ---- */

struct collector {
    pthread_t thread;
    uint64_t records, wrong, under_wrong_scope, twice, ahead;
    bool many_heads;
};

static void note_record(void *context, const struct record *found)
{
    struct collector *collector = context;
    uint64_t number = number_of(found->field);
    uint64_t id = number >> NUMBER_BITS, at = number & ((UINT64_C(1) << NUMBER_BITS) - 1);
    collector->records++;
    if (id >= WRITERS_MAX || writers[id].seen == NULL || at >= writers[id].most) {
        collector->wrong++;
        return;
    }
    uint8_t bit = (uint8_t)(1 << at % 8);
    collector->twice += (writers[id].seen[at / 8] & bit) != 0;
    writers[id].seen[at / 8] |= bit;
    char name[16];
    uint64_t expected = collector->many_heads ? at / 8 % PRIVATE_SCOPES : number % SHARED_SCOPES;
    snprintf(name, sizeof name, "scope %u", (uint32_t)expected % 1000);
    struct reader field = read_bytes(found->scope), scope = next_message(&field, 1);
    collector->under_wrong_scope +=
        !next_bytes_are(&scope, 1, (struct bytes){(uint8_t *)name, strlen(name)});
    if (collector->many_heads)
        collector->wrong += found->resource_schema.size < 5;
}

static bool collect_once(struct collector *collector, uint64_t *state)
{
    static const uint32_t counts[] = {0, 0, 1, 50};
    struct otlite_batch_limits limits = {.max_bytes = 1000 + draw(state, 100000),
                                         .max_records = counts[draw(state, 4)]};
    struct otlite_batch batch;
    struct otlite_stats stats;
    limits.gather = draw(state, 2);
    enum otlite_status status = otlite_batch_collect(&region, &limits, &batch);
    otlite_region_stats(&region, &stats);
    collector->ahead += stats.pending > stats.recorded; /* more went than came */
    if (status == OTLITE_EMPTY)
        return false;
    uint64_t before = collector->records;
    for (uint32_t tries = draw(state, 8) ? 0 : 2; tries > 0 && status == OTLITE_OK; tries--) {
        otlite_batch_offer(&region, &batch);
        otlite_batch_release(&region, &batch);
        sched_yield();
        status = otlite_batch_repin(&region, &batch);
    }
    if (status != OTLITE_OK) {
        collector->wrong += status != OTLITE_GONE;
        return true;
    }
    struct bytes body = join_segments(&batch);
    collector->wrong += !read_request(body, note_record, collector);
    collector->wrong += collector->records - before != batch.records;
    free((void *)(uintptr_t)body.data);
    otlite_batch_acknowledge(&region, &batch, 0);
    return true;
}

static void *collect_spans(void *argument)
{
    struct collector *collector = argument;
    uint64_t state = 1;
    while (!stopped())
        if (!collect_once(collector, &state))
            sched_yield();
    return NULL;
}

/* ---- Writers and a collector for a while; then all of it adds up ---- */

static struct otlite_stats run(uint32_t count, uint64_t most, void *(*write)(void *), uint64_t ns)
{
    struct collector collector = {.many_heads = write == write_under_many_heads};
    struct otlite_stats stats;
    uint64_t state = 1, made = 0, kept = 0, refused = 0, table_full = 0;

    ns /= shorter();
    memset(writers, 0, sizeof writers);
    for (uint32_t i = 0; i < count; i++)
        writers[i] =
            (struct writer){.id = i, .most = most, .seen = calloc((size_t)most / 8 + 1, 1)};
    CHECK_EQUAL(pthread_create(&collector.thread, NULL, collect_spans, &collector), 0);
    for (uint32_t i = 0; i < count; i++)
        CHECK_EQUAL(pthread_create(&writers[i].thread, NULL, write, &writers[i]), 0);
    sleep_for(ns);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (uint32_t i = 0; i < count; i++)
        pthread_join(writers[i].thread, NULL);
    pthread_join(collector.thread, NULL);
    while (collect_once(&collector, &state)) {
    }
    for (uint32_t i = 0; i < count; i++) {
        CHECK_EQUAL(writers[i].wrong, 0);
        made += writers[i].made;
        kept += writers[i].kept;
        refused += writers[i].refused;
        table_full += writers[i].table_full;
        free(writers[i].seen);
    }
    otlite_region_stats(&region, &stats);
    printf("    %u bytes, %u writers: %llu made, %llu exported, %llu overwritten, %llu full, %llu "
           "reentered, %llu table full\n",
           (unsigned)(region.chunk_size * region.chunk_count), count, (unsigned long long)made,
           (unsigned long long)stats.exported,
           (unsigned long long)stats.dropped[OTLITE_LOSS_OVERWRITTEN],
           (unsigned long long)stats.dropped[OTLITE_LOSS_FULL],
           (unsigned long long)stats.dropped[OTLITE_LOSS_REENTERED],
           (unsigned long long)stats.dropped[OTLITE_LOSS_TABLE_FULL]);
    CHECK_EQUAL(collector.wrong, 0);
    CHECK_EQUAL(collector.under_wrong_scope, 0);
    CHECK_EQUAL(collector.twice, 0);
    CHECK_EQUAL(collector.ahead, 0);
    CHECK_EQUAL(stats.recorded, made);
    CHECK_EQUAL(stats.exported, collector.records);
    CHECK_EQUAL(stats.exported + stats.dropped[OTLITE_LOSS_OVERWRITTEN], kept);
    CHECK_EQUAL(stats.dropped[OTLITE_LOSS_FULL] + stats.dropped[OTLITE_LOSS_REENTERED], refused);
    CHECK_EQUAL(stats.dropped[OTLITE_LOSS_TABLE_FULL], table_full);
    CHECK_EQUAL(stats.pending, 0);
    CHECK_EQUAL(otlite_region_count(&region), 0);
    CHECK(stats.exported > 0);
    return stats;
}

static void open_shared(size_t size, enum otlite_on_full on_full)
{
    open_region(size, &(struct otlite_region_options){.on_full = on_full});
    resource = register_resource(&region, "");
    for (uint32_t i = 0; i < SHARED_SCOPES; i++)
        CHECK_EQUAL(enter_scope(i, &shared_scopes[i]), OTLITE_OK);
}

static void test_eight_writers(void)
{
    static const size_t sizes[] = {64 << 10, 1 << 20};
    for (int i = 0; i < 2; i++)
        for (int on_full = OTLITE_OVERWRITE_OLDEST; on_full <= OTLITE_DROP_NEWEST; on_full++)
            for (pause_every = 0; pause_every <= 50; pause_every += 50) {
                open_shared(sizes[i], (enum otlite_on_full)on_full);
                struct otlite_stats stats =
                    run(8, 1 << 24, write_spans, pause_every != 0 ? SECOND : SECOND / 2);
                if (i == 1 && on_full == OTLITE_OVERWRITE_OLDEST) /* room can always be made */
                    CHECK_EQUAL(stats.dropped[OTLITE_LOSS_FULL], 0);
                otlite_unmap(memory, sizes[i]);
            }
}

/* Two slots for 64 threads: whoever finds both taken does not wait. */
static void test_more_writers_than_slots(void)
{
    pause_every = 0;
    open_shared(64 << 10, OTLITE_OVERWRITE_OLDEST);
    struct otlite_stats stats = run(64, 1 << 21, write_spans, 2 * SECOND);
    CHECK(stats.dropped[OTLITE_LOSS_REENTERED] > 0);
    otlite_unmap(memory, 64 << 10);
}

static void test_tables_change_meanwhile(void)
{
    pause_every = 50;
    open_region(128 << 10, &(struct otlite_region_options){.on_full = OTLITE_OVERWRITE_OLDEST});
    struct otlite_stats stats = run(4, 1 << 24, write_under_many_heads, 2 * SECOND);
    CHECK_EQUAL(stats.scopes_used, stats.scopes); /* so that entries were given to others */
    otlite_unmap(memory, 128 << 10);
}

/* ---- Waking ---- */

static uint64_t rounds, turn; /* and those that the collector has answered */

static void spin(uint64_t *state, uint32_t most)
{
    for (volatile uint32_t left = draw(state, most); left > 0; left--) {
    }
}

/* Both spin a while, so that commits meet the moment at which the collector goes to sleep. */
static void *write_in_turn(void *argument)
{
    struct writer *writer = argument;
    uint64_t state = 1;
    for (uint64_t round = 0; round < rounds && !stopped(); round++) {
        struct otlite_span span = numbered_span(round, 0);
        note_status(writer, otlite_span_record(&region, &span, resource, shared_scopes[0]));
        for (uint32_t spins = 1; __atomic_load_n(&turn, __ATOMIC_RELAXED) == round; spins++)
            if (spins % 4096 == 0 && sched_yield() == 0 && stopped())
                break;
        spin(&state, 200);
    }
    return NULL;
}

/* The writer goes on when its record was collected: one that nobody is woken for is one that the
 * wait's end finds. */
static void test_no_record_is_slept_through(void)
{
    struct writer writer = {0};
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    void *waker = malloc(otlite_waker_size());
    uint64_t missed = 0, waits = 0, state = 2;

    if (!CHECK_EQUAL(otlite_waker_init(waker), OTLITE_OK))
        return;
    open_region(64 << 10,
                &(struct otlite_region_options){.wake = otlite_waker_post, .context = waker});
    resource = register_resource(&region, "");
    CHECK_EQUAL(enter_scope(0, &shared_scopes[0]), OTLITE_OK);
    turn = 0;
    rounds = 100000 / shorter();
    CHECK_EQUAL(pthread_create(&writer.thread, NULL, write_in_turn, &writer), 0);
    for (uint64_t round = 0; round < rounds && missed == 0; round++) {
        while (otlite_batch_collect(&region, &limits, &batch) == OTLITE_EMPTY && missed == 0) {
            if (otlite_region_arm(&region, OTLITE_WAKE_ANY))
                continue;
            waits++;
            missed += !otlite_waker_wait(waker, otlite_clock_boot() + 10 * SECOND);
        }
        if (missed == 0)
            otlite_batch_acknowledge(&region, &batch, 0);
        __atomic_store_n(&turn, round + 1, __ATOMIC_RELAXED);
        spin(&state, 500);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(writer.thread, NULL);
    printf("    %llu rounds, %llu waits\n", (unsigned long long)turn, (unsigned long long)waits);
    CHECK_EQUAL(missed, 0);
    CHECK_EQUAL(writer.kept, rounds);
    CHECK(waits > 0);
    otlite_unmap(memory, 64 << 10);
    free(waker);
}

int main(void)
{
    RUN(test_eight_writers);
    RUN(test_more_writers_than_slots);
    RUN(test_tables_change_meanwhile);
    RUN(test_no_record_is_slept_through);
    return check_end();
}
