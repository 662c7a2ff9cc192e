/* test_deaths.c - a process that records and sends is killed at any moment: what it had recorded is there, whole, once
 *
 * DEATHS=n: so many deaths instead of 200.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "death.h"

enum { THREADS_MAX = 4 };

static struct recorder recorder;
static struct ledger ledger;
static struct findings findings;
static uint64_t seed;
static uint32_t threads;
static bool patient;

static void *record_until_killed(void *argument)
{
    uint64_t state = seed + *(uint32_t *)argument;
    for (uint32_t number = *(uint32_t *)argument; number < NUMBERS; number += threads) {
        record_noted(&recorder, &ledger, number);
        if (patient && draw(&state, 4) == 0) /* lest the region is always full */
            nanosleep(&(struct timespec){.tv_nsec = (long)draw(&state, 100000)}, NULL);
    }
    return NULL;
}

static void live(void *memory, size_t size, const struct otlite_region_options *options)
{
    static uint32_t first[THREADS_MAX];
    uint64_t state = seed;
    if (otlite_region_init(&recorder.region, memory, size, options) != OTLITE_OK)
        _exit(2);
    register_all(&recorder, "");
    (void)long_text();
    for (uint32_t i = 0; i < threads; i++) {
        pthread_t thread;
        first[i] = i;
        if (pthread_create(&thread, NULL, record_until_killed, &first[i]) != 0)
            _exit(2);
    }
    for (;;)
        if (!send_noted(&recorder, &ledger, &state) || draw(&state, 4) == 0)
            nanosleep(&(struct timespec){.tv_nsec = (long)draw(&state, 400000)}, NULL);
}

static void *kill_later(void *argument)
{
    uint64_t state = seed;
    nanosleep(&(struct timespec){.tv_nsec = 500000 + (long)draw(&state, 10000000)}, NULL);
    kill(*(pid_t *)argument, SIGKILL);
    return NULL;
}

/* The number of records that its successor found. */
static uint64_t one_death(uint32_t round)
{
    static const size_t sizes[] = {64 << 10, 128 << 10, 1 << 20};
    size_t size = sizes[round % 3];
    struct otlite_region_options options = durable_options;
    struct otlite_adoption told;
    pthread_t killer;
    int status = 0;
    void *memory = shared_memory(size);
    seed = round * UINT64_C(0x9e3779b97f4a7c15) + 1;
    threads = 2 + round % 3;
    patient = round / 6 % 2 == 1;
    options.on_full = round / 3 % 2 == 0 ? OTLITE_OVERWRITE_OLDEST : OTLITE_DROP_NEWEST;
    ledger_open(&ledger);
    pid_t child = fork();
    if (child == 0)
        live(memory, size, &options);
    close(ledger.ends[1]);
    CHECK(child > 0 && pthread_create(&killer, NULL, kill_later, &child) == 0);
    while (ledger_read(&ledger)) {
    }
    pthread_join(killer, NULL);
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    close(ledger.ends[0]);

    if (otlite_region_check(memory, size) != OTLITE_OK) { /* killed before it had one */
        CHECK_EQUAL(ledger.entries[RECORDED], 0);
        munmap(memory, size);
        return 0;
    }
    const struct otlite_header *header = memory;
    uint32_t overwritten = header->lost[OTLITE_LOSS_OVERWRITTEN];
    CHECK_EQUAL(read_image(memory, size, &findings), OTLITE_OK);
    check_against(&ledger, &findings, threads, overwritten);
    uint64_t found = findings.records, offered = findings.fates[OTLITE_OFFERED];

    for (int again = 0; again < 2; again++) {
        CHECK_EQUAL(otlite_region_adopt(&recorder.region, memory, size, &options, &told),
                    OTLITE_OK);
        CHECK_EQUAL(told.records, found);
        CHECK_EQUAL(told.offered, offered);
        CHECK_EQUAL(balanced_stats(&recorder.region).adopted, found);
    }
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(findings.records, found);
    check_against(&ledger, &findings, threads, overwritten);
    register_all(&recorder, "");
    for (uint32_t number = 0; number < 20; number++)
        CHECK_EQUAL(record_number(&recorder, number), OTLITE_OK);
    drain_into(&recorder.region, &findings);
    CHECK_EQUAL(findings.strange, 0);
    CHECK_EQUAL(findings.records, 20);
    CHECK_EQUAL(balanced_stats(&recorder.region).exported, found + 20);
    munmap(memory, size);
    return found;
}

/* A ledger by hand, and findings that are at odds with it in each way. */
static void test_the_ledger_notices(void)
{
    static const uint32_t recorded[] = {0, 1, 2, 3, 4, 5, 6}, refused = 7, sent[] = {0, 1, 2};
    ledger_open(&ledger);
    ledger_write(&ledger, RECORDED, recorded, 7);
    ledger_write(&ledger, TRIED, &refused, 1);
    ledger_write(&ledger, SENT, sent, 3);
    ledger_write(&ledger, SETTLED, sent, 2);
    close(ledger.ends[1]);
    while (ledger_read(&ledger)) {
    }
    close(ledger.ends[0]);
    memset(&findings, 0, sizeof findings);
    for (uint32_t number = 2; number < 9; number++)
        findings.times[number] = number != 7; /* 8: nobody knows of it yet */
    struct verdict verdict = judge(&ledger, &findings, 1);
    CHECK(verdict.lost + verdict.invented + verdict.twice + verdict.settled + verdict.unsaid == 0);
    findings.times[1] = 1; /* settled */
    findings.unsaid[2] = true;
    findings.times[3] = 0;                      /* lost */
    findings.times[4] = 2;                      /* twice */
    findings.times[7] = findings.times[10] = 1; /* refused; invented */
    verdict = judge(&ledger, &findings, 1);
    CHECK(verdict.lost == 1 && verdict.invented == 2 && verdict.twice == 1);
    CHECK(verdict.settled == 1 && verdict.unsaid == 1);
}

static void test_deaths(void)
{
    const char *rounds = getenv("DEATHS");
    uint64_t made = 0, kept = 0, sent = 0, refused = 0;
    uint32_t deaths = rounds != NULL ? (uint32_t)atoi(rounds) : 200;
    for (uint32_t round = 0; round < deaths; round++) {
        kept += one_death(round);
        made += ledger.entries[RECORDED];
        sent += ledger.entries[SENT];
        refused += ledger.entries[TRIED];
    }
    CHECK(deaths < 50 || (made > 1000 && kept > 1000 && sent > 1000 && refused > 0));
    printf("%u deaths: %llu recorded, %llu refused, %llu sent, %llu found\n", deaths,
           (unsigned long long)made, (unsigned long long)refused, (unsigned long long)sent,
           (unsigned long long)kept);
}

int main(void)
{
    (void)otlite_kernels_select(NULL);
    RUN(test_the_ledger_notices);
    RUN(test_deaths);
    return check_end();
}
