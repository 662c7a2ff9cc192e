/* test_ticks.c - the counter keeps to the boot clock, goes on, and leaves the word to the clock when in doubt */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "otlite.h"

enum { MICROSECOND = 1000, MILLISECOND = 1000 * MICROSECOND };

static struct otlite_ticks ticks;

static void rest(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* How far the ticks are from the clock that was read before and after, ns. */
static uint64_t distance(void)
{
    uint64_t before = otlite_clock_boot(), told = otlite_ticks_boot(&ticks);
    uint64_t after = otlite_clock_boot();
    return told < before ? before - told : told > after ? told - after : 0;
}

/* Reads until the rate is known. */
static bool knows_its_rate(void)
{
    uint64_t start = otlite_clock_boot();
    while (ticks.trusted && ticks.reach == 0 &&
           otlite_clock_boot() < start + 10000 * (uint64_t)MILLISECOND)
        (void)otlite_ticks_boot(&ticks);
    return ticks.reach != 0;
}

static void warm_up(void)
{
    otlite_ticks_init(&ticks);
    CHECK_EQUAL(knows_its_rate(), ticks.trusted);
}

static void test_keeps_to_the_clock(void)
{
    uint64_t far = 0;
    warm_up();
    uint64_t start = otlite_clock_boot();
    for (uint64_t i = 0; otlite_clock_boot() < start + 1500 * (uint64_t)MILLISECOND; i++) {
        far += distance() > MICROSECOND;
        if (i % 1000 == 0)
            rest((long)(i % 7000) * 300); /* to beyond the reach, now and then */
    }
    CHECK_EQUAL(far, 0);
}

static void test_never_backwards(void)
{
    uint64_t last = 0, backwards = 0;
    warm_up();
    for (int i = 0; i < 5000000; i++) {
        uint64_t now = otlite_ticks_boot(&ticks);
        backwards += now < last;
        last = now;
    }
    CHECK_EQUAL(backwards, 0);
}

static void test_all_zero_is_the_clock(void)
{
    memset(&ticks, 0, sizeof ticks);
    for (int i = 0; i < 1000; i++)
        CHECK_EQUAL(distance(), 0);
    CHECK_EQUAL(ticks.reach, 0);
}

/* As after a suspend, or on another machine: counter and clock have parted. */
static void test_the_clock_has_the_last_word(void)
{
    for (int kind = 0; kind < 4; kind++) {
        warm_up();
        if (!ticks.trusted) {
            CHECK_EQUAL(distance(), 0);
            continue;
        }
        if (kind == 0)
            ticks.tick -= UINT64_C(1) << 50, ticks.base_tick -= UINT64_C(1) << 50;
        else if (kind == 1)
            ticks.tick += UINT64_C(1) << 50, ticks.base_tick += UINT64_C(1) << 50;
        else if (kind == 2) /* an hour of which the counter knows nothing */
            ticks.ns -= 3600000 * (uint64_t)MILLISECOND,
                ticks.base_ns -= 3600000 * (uint64_t)MILLISECOND;
        else
            ticks.rate *= 2;
        rest(2 * MILLISECOND);
        CHECK(distance() < MICROSECOND);
        rest(20 * MILLISECOND);
        for (int i = 0; i < 1000; i++)
            CHECK(distance() < MICROSECOND);
        CHECK(knows_its_rate()); /* anew */
    }
}

/* The counter leaps before its rate is known: a machine that is moved just then. */
static void test_a_first_rate_that_cannot_be(void)
{
    for (int bits = 16; bits < 64; bits++) {
        otlite_ticks_init(&ticks);
        while (ticks.trusted && ticks.base_ns == 0)
            (void)otlite_ticks_boot(&ticks);
        ticks.base_tick -= UINT64_C(1) << bits;
        for (int base = 0; base < 2; base++) {
            rest(11 * MILLISECOND);
            for (int i = 0; i < 100; i++)
                (void)otlite_ticks_boot(&ticks);
            rest(2 * MILLISECOND);
            CHECK(distance() < MICROSECOND);
        }
    }
}

/* It leaps once more while a second rate is measured, and each time that one is: first it is not believed, then it is
 * no clock any more. */
static void test_rates_that_never_agree(void)
{
    otlite_ticks_init(&ticks);
    uint64_t start = otlite_clock_boot(), rate = 0;
    while (ticks.trusted && otlite_clock_boot() < start + 10000 * (uint64_t)MILLISECOND) {
        rest(MILLISECOND);
        CHECK(distance() < MICROSECOND);
        CHECK_EQUAL(ticks.reach, 0);
        if (ticks.rate != 0 && rate == 0)
            ticks.base_tick -= UINT64_C(1) << 30;
        rate = ticks.rate;
    }
    CHECK(!ticks.trusted);
}

/* The counter is used where the system itself tells the time by it, and nowhere else. */
static void test_trusted_as_the_system_does(void)
{
    char name[32] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r");
    if (file != NULL) {
        (void)!fgets(name, sizeof name, file);
        fclose(file);
    }
    CHECK_EQUAL(otlite_counter_trusted(), strcmp(name, "tsc\n") == 0);
    otlite_ticks_init(&ticks);
    CHECK(!ticks.trusted || otlite_counter_trusted());
}

int main(void)
{
    RUN(test_trusted_as_the_system_does);
    RUN(test_keeps_to_the_clock);
    RUN(test_never_backwards);
    RUN(test_all_zero_is_the_clock);
    RUN(test_the_clock_has_the_last_word);
    RUN(test_a_first_rate_that_cannot_be);
    RUN(test_rates_that_never_agree);
    return check_end();
}
