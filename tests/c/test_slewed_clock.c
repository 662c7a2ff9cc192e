/* test_slewed_clock.c - the ticks over a simulated counter and clock: told time waits, and never runs backwards */
#define OTLITE_CPU_COUNTER_H /* in place of the processor's */
#include <stdbool.h>
#include <stdint.h>

#include "check.h"
#include "otlite.h"

static const double TICKS_A_NS = 3;
static double real_ns; /* what has passed, at 5 ns a reading of the counter */
static double clock_ns, since_ns,
    slope;                    /* the clock: `clock_ns` at `since_ns`, and a slope from there */
static double interrupted_ns; /* between the next reading of the clock and what follows */

static uint64_t otlite_cpu_counter(void)
{
    real_ns += 5;
    return (uint64_t)(real_ns * TICKS_A_NS);
}

static bool otlite_cpu_counter_steady(void)
{
    return true;
}

static uint64_t clock_now(void)
{
    return (uint64_t)(clock_ns + (real_ns - since_ns) * slope);
}

static uint64_t simulated_clock(void)
{
    real_ns += 10;
    uint64_t now = clock_now();
    real_ns += 10 + interrupted_ns;
    interrupted_ns = 0;
    return now;
}

static bool simulated_trust(void)
{
    return true;
}

#define otlite_clock_boot simulated_clock
#define otlite_counter_trusted simulated_trust
#define otlite_ticks_init simulated_ticks_init
#define otlite_ticks_boot simulated_ticks_boot
void simulated_ticks_init(struct otlite_ticks *ticks);
uint64_t simulated_ticks_boot(struct otlite_ticks *ticks);
#include "record/ticks.c"

static struct otlite_ticks ticks;

static void slew(double to)
{
    clock_ns += (real_ns - since_ns) * slope;
    since_ns = real_ns;
    slope = to;
}

/* Reads for `seconds`, a reading each `step` ns; returns how far the ticks were from the clock in the last half. */
static double read_on(double seconds, double step, bool interrupt)
{
    double end = real_ns + seconds * 1e9, half = real_ns + seconds * 0.5e9, worst = 0;
    uint64_t last = 0, backwards = 0, count = 0;
    while (real_ns < end) {
        if (interrupt && count++ % 1700 == 0)
            interrupted_ns = 500000;
        uint64_t told = simulated_ticks_boot(&ticks);
        double off = (double)told - (double)clock_now();
        off = off < 0 ? -off : off;
        if (real_ns > half && off > worst && off < 400000) /* not what an interruption took */
            worst = off;
        backwards += told < last;
        last = told;
        real_ns += step;
    }
    CHECK_EQUAL(backwards, 0);
    return worst;
}

static void begin(void)
{
    real_ns = since_ns = 1e12;
    clock_ns = 5e12;
    slope = 1;
    simulated_ticks_init(&ticks);
}

/* chronyd slews by up to 83333 ppm, the kernel's NTP by 500. */
static void test_a_clock_that_is_slewed(void)
{
    static const double ppm[] = {-50, 50, -500, 500, -5000, 5000, -83333, 83333};
    double step = check_emulated() ? 40000 : 2000;
    for (unsigned i = 0; i < sizeof ppm / sizeof *ppm; i++)
        for (int interrupt = 0; interrupt < 2; interrupt++) {
            begin();
            (void)read_on(2.1, step, false); /* the base is a tenth of a second old */
            CHECK(ticks.reach != 0 && ticks.trusted && ticks.strays == 0);
            CHECK(clock_now() - ticks.base_ns < 200000000); /* begun anew after a second */
            slew(1 + ppm[i] / 1e6);
            CHECK(read_on(0.1, step, interrupt) <= 1000);
            CHECK(read_on(3, step, interrupt) <= 1000);
            CHECK(ticks.reach != 0 && ticks.trusted && ticks.strays == 0);
        }
}

/* A leap is one stray, from which a new rate is measured; what agrees again wipes it out, and what never does is no
 * counter to tell the time by. */
static void test_a_clock_that_leaps(void)
{
    begin();
    (void)read_on(2.1, 2000, false);
    CHECK(ticks.reach != 0 && ticks.strays == 0);
    clock_ns += 1e5;
    (void)read_on(0.002, 2000, false);
    CHECK(ticks.trusted && ticks.reach == 0 && ticks.strays == 1);
    CHECK(clock_now() - ticks.base_ns < 3000000);
    (void)read_on(0.1, 2000, false);
    CHECK(ticks.trusted && ticks.reach != 0 && ticks.strays == 0);
    for (int i = 0; i < 10000 && ticks.trusted; i++) {
        clock_ns += ticks.reach != 0 ? 1e5 : 0;
        (void)read_on(0.001, 2000, false);
    }
    CHECK(!ticks.trusted);

    begin();
    for (int i = 0; i < 100 && ticks.reach == 0; i++)
        (void)read_on(0.001, 2000, false);
    CHECK(ticks.reach != 0);
    clock_ns += 1e6; /* much, for a base as young: it is in no rate */
    (void)read_on(0.002, 2000, false);
    for (int i = 0; i < 100 && ticks.reach == 0; i++) {
        CHECK_EQUAL(ticks.strays, 1);
        (void)read_on(0.001, 2000, false);
    }
    CHECK(ticks.reach != 0);
}

/* A machine that has just begun: its clock is near 0, and the counter was not 0 when that was. */
static void test_a_clock_that_has_just_begun(void)
{
    begin();
    real_ns = since_ns = 1e9;
    clock_ns = 1.2e9;
    for (int i = 0; i < 40 && ticks.reach == 0; i++) {
        (void)read_on(0.001, 2000, false);
        CHECK(ticks.trusted && ticks.strays == 0);
    }
    CHECK(ticks.reach != 0);
}

/* Who asks after minutes, or whose clock leaps before the rate is known, has no counter that strays. */
static void test_who_asks_late(void)
{
    begin();
    for (int i = 0; i < 5; i++) {
        (void)read_on(0.1, 2000, false);
        CHECK(ticks.trusted && ticks.reach != 0 && ticks.strays == 0);
        real_ns += 60e9;
        (void)simulated_ticks_boot(&ticks);
        CHECK(ticks.trusted && ticks.strays == 0);
    }
    begin();
    (void)simulated_ticks_boot(&ticks);
    clock_ns += 1e9;
    real_ns += 2e3;
    (void)simulated_ticks_boot(&ticks);
    CHECK(ticks.trusted && ticks.strays == 0 && ticks.rate == 0);
    CHECK(clock_now() - ticks.base_ns < 1000000);
}

int main(void)
{
    RUN(test_a_clock_that_leaps);
    RUN(test_a_clock_that_has_just_begun);
    RUN(test_who_asks_late);
    RUN(test_a_clock_that_is_slewed);
    return check_end();
}
