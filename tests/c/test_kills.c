/* test_kills.c - a process is killed at each point between two stores of the region's that matters, and then between
 * those of who takes over: what had been recorded is there, whole, once
 *
 * Built with the region's files that have these points (KILL_POINT in layout.h). KILLS=n: of each point so many
 * instead of 50.
 */
#define _GNU_SOURCE
#include <stdio.h>

#include "death.h"

enum { SIZE = 64 << 10, RECORDS = 260 };

static const char *const points[] = {"creation",     "register",  "reserve",     "commit",
                                     "chunk change", "overwrite", "free",        "chain",
                                     "batch",        "offer",     "acknowledge", "adoption"};
enum { POINTS = sizeof points / sizeof *points, ADOPTION = POINTS - 1 };

/* Shared with the children: how often each point was passed. */
static uint32_t *passed;
static uint32_t deadly = POINTS, deadly_turn;

void otlite_kill_point(const char *name);

void otlite_kill_point(const char *name)
{
    uint32_t point = 0;
    while (point < POINTS && strcmp(points[point], name) != 0)
        point++;
    if (point == POINTS)
        _exit(5);
    if (++passed[point] == deadly_turn && point == deadly)
        kill(getpid(), SIGKILL);
}

static struct recorder recorder;
static struct ledger ledger;
static struct findings findings;

/* One thread, so that each turn of a point is the same in every life. */
static void live(void *memory)
{
    uint64_t state = 42;
    if (otlite_region_init(&recorder.region, memory, SIZE, &durable_options) != OTLITE_OK)
        _exit(2);
    register_all(&recorder, "");
    for (uint32_t number = 0; number < RECORDS; number++) {
        record_noted(&recorder, &ledger, number);
        char name[16];
        snprintf(name, sizeof name, "s%u", number);
        if (number % 4 == 0) /* more than there is room for: entries change hands */
            (void)register_scope(&recorder.region, name, "urn:y");
        if (number % 32 == 0)
            register_all(&recorder, "");
        if (draw(&state, 16) == 0)
            send_noted(&recorder, &ledger, &state);
    }
}

static void inherit(void *memory)
{
    if (otlite_region_adopt(&recorder.region, memory, SIZE, &durable_options, NULL) != OTLITE_OK)
        _exit(2);
}

/* Whether a process that does `act` was killed at the `turn`th pass of `point`. */
static bool killed_at(uint32_t point, uint32_t turn, void (*act)(void *), void *memory)
{
    int status = 0;
    memset(passed, 0, POINTS * sizeof *passed);
    pid_t child = fork();
    if (child == 0) {
        deadly = point;
        deadly_turn = turn;
        act(memory);
        _exit(0);
    }
    if (act == live)
        close(ledger.ends[1]);
    while (act == live && ledger_read(&ledger)) {
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
          (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

static uint32_t kills[POINTS], wanted = 50;

/* A death at this turn of a point of recording or sending; then deaths of its successors, until one lives. */
static void die_and_inherit(void *memory, uint32_t point, uint32_t turn)
{
    struct otlite_adoption told;
    memset(memory, 0, SIZE);
    ledger_open(&ledger);
    kills[point] += killed_at(point, turn, live, memory);
    close(ledger.ends[0]);
    if (otlite_region_check(memory, SIZE) != OTLITE_OK) {
        CHECK_EQUAL(ledger.entries[RECORDED], 0);
        CHECK(point == 0);
        return;
    }
    const struct otlite_header *header = memory;
    uint32_t overwritten = header->lost[OTLITE_LOSS_OVERWRITTEN];
    CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
    check_against(&ledger, &findings, 1, overwritten);
    uint64_t found = findings.records;
    for (uint32_t at = 1 + turn % 5; kills[ADOPTION] < 4 * wanted; at += 7) {
        if (!killed_at(ADOPTION, at, inherit, memory))
            break;
        kills[ADOPTION]++;
        CHECK_EQUAL(read_image(memory, SIZE, &findings), OTLITE_OK);
        CHECK_EQUAL(findings.records, found);
        check_against(&ledger, &findings, 1, overwritten);
    }
    CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, SIZE, &durable_options, &told),
                OTLITE_OK);
    CHECK_EQUAL(told.records, found);
    CHECK_EQUAL(balanced_stats(&recorder.region).adopted, found);
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(findings.records, found);
    check_against(&ledger, &findings, 1, overwritten);
    CHECK_EQUAL(balanced_stats(&recorder.region).chunks_used, 0);
    register_all(&recorder, "");
    for (uint32_t number = 0; number < 10; number++)
        CHECK_EQUAL(record_number(&recorder, number), OTLITE_OK);
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(findings.records, 10);
    CHECK_EQUAL(findings.strange, 0);
}

static void test_kill_points(void)
{
    uint32_t turns[POINTS];
    void *memory = shared_memory(SIZE);
    if (getenv("KILLS") != NULL)
        wanted = (uint32_t)atoi(getenv("KILLS"));
    passed = shared_memory(4096);
    ledger_open(&ledger);
    CHECK(!killed_at(POINTS, 0, live, memory));
    close(ledger.ends[0]);
    memcpy(turns, passed, sizeof turns);
    for (uint32_t point = 0; point < ADOPTION; point++) {
        CHECK(turns[point] > 0);
        for (uint32_t kill = 0; kill < wanted && turns[point] > 0; kill++)
            die_and_inherit(memory, point, 1 + kill * turns[point] / wanted);
    }
    for (uint32_t point = 0; point < POINTS; point++) {
        printf("%-16s passed %5u times, killed at %4u\n", points[point],
               point < ADOPTION ? turns[point] : 0, kills[point]);
        CHECK(kills[point] >= wanted);
    }
}

int main(void)
{
    (void)otlite_kernels_select(NULL);
    RUN(test_kill_points);
    return check_end();
}
