/* test_open_kills.c - a process with open spans is killed at each point between two stores, and at any moment; so are
 * those who take over: each span is found once, as a record or as one that was open, and none that had not begun
 *
 * Built with the region's files that have these points (KILL_POINT in layout.h). KILLS=n: of each point so many
 * instead of 50; DEATHS=n: so many at any moment instead of 100.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <time.h>

#include "opened.h"

enum { SIZE = 64 << 10, LARGE = 4 << 20, TABLE = 16, SPANS = 500, WRITERS = 4 };

static const char *const points[] = {"open",      "close", "commit", "reserve",     "chunk change",
                                     "overwrite", "free",  "chain",  "acknowledge", "adoption"};
enum { CLOSE = 1, COMMIT = 2, POINTS = sizeof points / sizeof *points, ADOPTION = POINTS - 1 };

/* What its writer knows of each span, in memory that outlives it: stored before what it says begins, and after what it
 * says is done. */
enum stage { NOTHING, OPENING, OPENED, NAMED, RECORDING, UNTOLD, KEPT, DROPPED, ENDING, ENDED };

static struct shared {
    uint32_t passed[POINTS];
    uint8_t stage[NUMBERS], sent[NUMBERS];
    uint32_t begun;
} * shared;

static uint32_t deadly = POINTS, deadly_turn;
static struct recorder recorder;
static struct opened opened;
static uint64_t seed;

void otlite_kill_point(const char *name);

void otlite_kill_point(const char *name)
{
    uint32_t point = 0;
    while (point < POINTS && strcmp(points[point], name) != 0)
        point++;
    if (deadly < POINTS && point < POINTS && ++shared->passed[point] == deadly_turn &&
        point == deadly)
        kill(getpid(), SIGKILL);
}

static void now(uint32_t number, enum stage stage)
{
    __atomic_store_n(&shared->stage[number], (uint8_t)stage, __ATOMIC_SEQ_CST);
}

static void note_sent(void *context, const struct record *record)
{
    (void)context;
    struct reader outer = read_bytes(record->field), span = next_message(&outer, 2);
    uint64_t number;
    memcpy(&number, next_field(&span, 1, BYTES).bytes.data + 8, 8);
    if (number - 1 < NUMBERS)
        __atomic_store_n(&shared->sent[number - 1], 1, __ATOMIC_SEQ_CST);
}

static bool send_some(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 8000};
    struct otlite_batch batch;
    if (otlite_batch_collect(&recorder.region, &limits, &batch) != OTLITE_OK)
        return false;
    struct bytes body = join_segments(&batch);
    if (!read_request(body, note_sent, NULL))
        _exit(4);
    free((void *)(uintptr_t)body.data);
    otlite_batch_acknowledge(&recorder.region, &batch, 0);
    return true;
}

static void begin_number(uint32_t number, struct otlite_span *span)
{
    now(number, OPENING);
    __atomic_add_fetch(&shared->begun, 1, __ATOMIC_SEQ_CST);
    if (open_number(&recorder, number, span) == OTLITE_OK)
        now(number, OPENED);
    else
        now(number, ENDED); /* no entry: nothing is told of it */
}

static void finish_number(uint32_t number, struct otlite_span *span, uint64_t *state)
{
    if (draw(state, 5) == 0 && span->open != 0) { /* a new name, as it was: of both, one is found */
        now(number, NAMED);
        (void)!otlite_open_begin(&recorder.region, span, recorder.resource,
                                 recorder.scopes[number % SCOPES]);
        now(number, OPENED);
    }
    if (draw(state, 8) == 0) {
        now(number, ENDING);
        otlite_open_end(&recorder.region, span->open);
        now(number, ENDED);
        return;
    }
    now(number, span->open != 0 ? RECORDING : UNTOLD);
    now(number, end_number(&recorder, number, span) == OTLITE_OK ? KEPT : DROPPED);
}

/* What is there of each number, by what its writer knew. `lenient`: what was recorded may be overwritten. */
static uint64_t check_found(bool lenient)
{
    uint64_t missing = 0;
    CHECK_EQUAL(opened.wrong, 0);
    CHECK_EQUAL(opened.damaged, 0);
    for (uint32_t number = 0; number < NUMBERS; number++) {
        uint32_t unfinished = opened.unfinished[number], recorded = opened.recorded[number];
        uint32_t both = unfinished + recorded;
        bool sent = shared->sent[number] != 0, well = true;
        switch (shared->stage[number]) {
        case NOTHING:
        case DROPPED:
        case ENDED:
            well = both == 0;
            break;
        case OPENING:
        case ENDING:
            well = both == unfinished && both <= 1;
            break;
        case OPENED:
        case NAMED:
            well = unfinished == 1 && recorded == 0;
            break;
        case RECORDING:
            well = both == 1 || (both == 0 && (sent || lenient));
            break;
        case UNTOLD: /* it had no entry */
            well = unfinished == 0 && recorded <= 1;
            break;
        case KEPT:
            well = unfinished == 0 && (recorded == 1 || (recorded == 0 && (sent || lenient)));
            missing += recorded == 0 && !sent;
            break;
        }
        if (sent)
            well &= unfinished == 0;
        if (!well) {
            CHECK(well);
            fprintf(stderr, "span %u: stage %u, sent %u, found %u times open and %u times ended\n",
                    number, shared->stage[number], sent, unfinished, recorded);
            break;
        }
    }
    return missing;
}

/* ---- At each point ---- */

static const struct otlite_region_options options = {
    .durable = true, .boot_id = "this one", .open_spans = TABLE};

static void live(void *memory)
{
    static struct otlite_span spans[SPANS];
    uint32_t open[TABLE], count = 0;
    uint64_t state = 42;
    if (otlite_region_init(&recorder.region, memory, SIZE, &options) != OTLITE_OK)
        _exit(2);
    register_all(&recorder, "");
    for (uint32_t number = 0; number < SPANS;) {
        if (count < TABLE - 1 && draw(&state, 3) != 0) {
            begin_number(number, &spans[number]);
            open[count++] = number++;
        } else if (count != 0) {
            uint32_t at = draw(&state, count);
            finish_number(open[at], &spans[open[at]], &state);
            open[at] = open[--count];
        }
        if (draw(&state, 60) == 0)
            (void)send_some();
    }
}

static void inherit(void *memory)
{
    if (otlite_region_adopt(&recorder.region, memory, SIZE, &options, NULL) != OTLITE_OK)
        _exit(2);
}

static bool killed_at(uint32_t point, uint32_t turn, void (*act)(void *), void *memory)
{
    int status = 0;
    memset(shared->passed, 0, sizeof shared->passed);
    pid_t child = fork();
    if (child == 0) {
        deadly = point < POINTS ? point : POINTS - 1;
        deadly_turn = turn;
        act(memory);
        _exit(0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
          (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

static uint32_t kills[POINTS], wanted = 50;

static void die_and_inherit(void *memory, uint32_t point, uint32_t turn)
{
    struct otlite_adoption told;
    memset(memory, 0, SIZE);
    memset(shared, 0, sizeof *shared);
    kills[point] += killed_at(point, turn, live, memory);
    CHECK_EQUAL(read_opened(memory, SIZE, &opened), OTLITE_OK);
    const struct otlite_header *header = memory;
    uint64_t overwritten = header->lost[OTLITE_LOSS_OVERWRITTEN];
    CHECK(check_found(overwritten != 0) <= overwritten);
    uint64_t found = opened.spans;
    bool inherited = false;
    static const uint32_t within[] = {ADOPTION, ADOPTION, CLOSE, COMMIT};
    for (uint32_t at = 1 + turn % 5; kills[ADOPTION] < 20 * wanted; at += 11) {
        uint32_t where = within[at % 4];
        inherited = true;
        if (!killed_at(where, where == ADOPTION ? at : 1 + at % 30, inherit, memory))
            break;
        kills[where]++;
        CHECK_EQUAL(read_opened(memory, SIZE, &opened), OTLITE_OK);
        (void)check_found(true);
    }
    uint64_t made_room = inherited ? header->lost[OTLITE_LOSS_OVERWRITTEN] : 0;
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &options, &told), OTLITE_OK);
    struct otlite_stats stats = balanced_stats(&recorder.region);
    made_room += stats.dropped[OTLITE_LOSS_OVERWRITTEN];
    CHECK(told.records <= found && told.records + made_room >= found);
    CHECK_EQUAL(told.damaged + stats.dropped[OTLITE_LOSS_FULL] + stats.open_used, 0);
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.spans, told.records);
    CHECK(check_found(overwritten + made_room != 0) <= overwritten + made_room);
    CHECK_EQUAL(balanced_stats(&recorder.region).chunks_used, 0);
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &options, &told), OTLITE_OK);
    CHECK_EQUAL(told.records + told.unfinished, 0);
}

static void test_kill_points(void)
{
    uint32_t turns[POINTS];
    void *memory = shared_memory(SIZE);
    CHECK(!killed_at(POINTS, 0, live, memory));
    memcpy(turns, shared->passed, sizeof turns);
    for (uint32_t point = 0; point < ADOPTION; point++) {
        CHECK(turns[point] > 0);
        uint32_t times = point < 3 ? 4 * wanted : wanted;
        for (uint32_t kill = 0; kill < times && turns[point] > 0; kill++)
            die_and_inherit(memory, point, 1 + (uint32_t)((uint64_t)kill * turns[point] / times));
    }
    for (uint32_t point = 0; point < POINTS; point++) {
        printf("%-16s passed %5u times, killed at %4u\n", points[point],
               point < ADOPTION ? turns[point] : 0, kills[point]);
        CHECK(kills[point] >= wanted);
    }
}

/* ---- At any moment ---- */

static void *write_until_killed(void *argument)
{
    static struct otlite_span spans[NUMBERS];
    uint32_t first = *(uint32_t *)argument, open[8], count = 0;
    uint64_t state = seed + first;
    for (uint32_t number = first; number < NUMBERS;) {
        if (count < 8 && draw(&state, 2) == 0) {
            begin_number(number, &spans[number]);
            open[count++] = number;
            number += WRITERS;
        } else if (count != 0) {
            uint32_t at = draw(&state, count);
            finish_number(open[at], &spans[open[at]], &state);
            open[at] = open[--count];
        }
        if (draw(&state, 16) == 0)
            nanosleep(&(struct timespec){.tv_nsec = (long)draw(&state, 20000)}, NULL);
    }
    return NULL;
}

static void live_with_threads(void *memory)
{
    static uint32_t firsts[WRITERS];
    struct otlite_region_options most = options;
    most.open_spans = 16;
    if (otlite_region_init(&recorder.region, memory, LARGE, &most) != OTLITE_OK)
        _exit(2);
    register_all(&recorder, "");
    (void)long_text();
    for (uint32_t i = 0; i < WRITERS; i++) {
        pthread_t thread;
        firsts[i] = i;
        if (pthread_create(&thread, NULL, write_until_killed, &firsts[i]) != 0)
            _exit(2);
    }
    for (;;)
        if (!send_some())
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
}

/* Until so many have begun, however slow the machine is; or for ten seconds. */
static void wait_for(uint32_t begun)
{
    for (int turn = 0; turn < 100000; turn++) {
        if (__atomic_load_n(&shared->begun, __ATOMIC_SEQ_CST) >= begun)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
}

static void test_any_moment(void)
{
    const char *rounds = getenv("DEATHS");
    uint32_t deaths = rounds != NULL ? (uint32_t)atoi(rounds) : 100;
    uint64_t unfinished = 0, recorded = 0, sent = 0, missed = 0;
    void *memory = shared_memory(LARGE);
    for (uint32_t death = 0; death < deaths; death++) {
        struct otlite_adoption told;
        int status = 0;
        memset(memory, 0, 4096);
        memset(shared, 0, sizeof *shared);
        seed = death * UINT64_C(0x9e3779b97f4a7c15) + 1;
        pid_t child = fork();
        if (child == 0)
            live_with_threads(memory);
        uint64_t state = seed;
        wait_for(draw(&state, 2000));
        nanosleep(&(struct timespec){.tv_nsec = (long)draw(&state, 200000)}, NULL);
        kill(child, SIGKILL);
        CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        if (otlite_region_check(memory, LARGE) != OTLITE_OK)
            continue;
        CHECK_EQUAL(read_opened(memory, LARGE, &opened), OTLITE_OK);
        const struct otlite_header *header = memory;
        CHECK_EQUAL(header->lost[OTLITE_LOSS_OVERWRITTEN], 0);
        missed += header->open_missed;
        CHECK_EQUAL(check_found(false), 0);
        uint64_t found = opened.spans;
        CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, LARGE, &options, &told),
                    OTLITE_OK);
        CHECK_EQUAL(told.records, found);
        drain_opened(&recorder.region, &opened);
        CHECK_EQUAL(check_found(false), 0);
        CHECK_EQUAL(opened.spans, found);
        unfinished += told.unfinished;
        recorded += found - told.unfinished;
        for (uint32_t number = 0; number < NUMBERS; number++)
            sent += shared->sent[number];
    }
    printf("%u deaths: %llu were open, %llu recorded, %llu sent, %llu found no entry\n", deaths,
           (unsigned long long)unfinished, (unsigned long long)recorded, (unsigned long long)sent,
           (unsigned long long)missed);
    CHECK(deaths < 50 || (unfinished > 100 && recorded > 100 && sent > 100 && missed > 0));
}

int main(void)
{
    (void)otlite_kernels_select(NULL);
    (void)long_text();
    shared = shared_memory(sizeof *shared);
    if (getenv("KILLS") != NULL)
        wanted = (uint32_t)atoi(getenv("KILLS"));
    RUN(test_kill_points);
    RUN(test_any_moment);
    return check_end();
}
