/* ticks.c - the boot clock at the price of a register: the processor's counter, set by the system's clock each
 * millisecond of use
 *
 * Two readings of the clock cost more than all else that recording a span does in C. Between two readings at most
 * a millisecond apart the counter tells the time, at the rate that it had over the last 10 ms to 1 s; a first rate
 * waits for a second that agrees. What the clock does (adjustments, a suspend, a machine that is moved) shows at
 * the next reading.
 */
#include "cpu/counter.h"
#include "otlite.h"

#define MILLISECOND UINT64_C(1000000)
/* The shortest time over which a rate is measured, so that what two readings are apart does not matter; the
 * longest, so that it is the rate of now. */
#define BASE_MIN (10 * MILLISECOND)
#define BASE_MAX (1000 * MILLISECOND)
#define STRAYS_MAX 8   /* readings in a row that the counter missed: it is no clock any more */
#define WIDTH_MAX 1024 /* ticks about a reading of the clock, a tenth of which it takes */

void otlite_ticks_init(struct otlite_ticks *ticks)
{
    *ticks = (struct otlite_ticks){
        .trusted = otlite_cpu_counter_steady() && otlite_counter_trusted(),
    };
}

/* A rate is measured anew from this reading on. */
static void begin_base(struct otlite_ticks *ticks, uint64_t tick, uint64_t ns)
{
    ticks->base_tick = tick;
    ticks->base_ns = ns;
}

/* What the counter says of the reading at `tick`, if it may say anything. */
static uint64_t extrapolated(const struct otlite_ticks *ticks, uint64_t tick)
{
    uint64_t passed = tick - ticks->tick;
    bool sensible = ticks->reach != 0 && passed < 16 * ticks->reach;
    return sensible ? ticks->ns + (passed * ticks->rate >> 32) : 0;
}

/* From what may have been told on, until the clock is there; but not for long. */
static void raise_floor(struct otlite_ticks *ticks, uint64_t ns)
{
    uint64_t most = ticks->reach != 0 ? ticks->ns + (ticks->reach * ticks->rate >> 32) : 0;
    if (most > ticks->floor)
        ticks->floor = most;
    if (ticks->floor > ns + MILLISECOND)
        ticks->floor = 0; /* the clock went back, or another machine's began */
}

static uint64_t not_before_floor(const struct otlite_ticks *ticks, uint64_t ns)
{
    return ns > ticks->floor ? ns : ticks->floor;
}

/* The counter and the clock do not agree. */
static void count_stray(struct otlite_ticks *ticks)
{
    if (++ticks->strays == STRAYS_MAX)
        ticks->trusted = false;
}

static void measure_rate(struct otlite_ticks *ticks, uint64_t tick, uint64_t ns)
{
    uint64_t passed = tick - ticks->base_tick, took = ns - ticks->base_ns;
    if (took < BASE_MIN)
        return;
    /* Up to a second, or the clock leapt: 2^32 ns fit, and no counter runs slower than one tick a ns / 2^10, or faster
     * than 2^6. */
    uint64_t rate = took <= UINT32_MAX && passed >= took >> 10 ? (took << 32) / passed : 0;
    uint64_t change = rate > ticks->rate ? rate - ticks->rate : ticks->rate - rate;
    if (rate >> 26 == 0 || rate >> 42 != 0 || (ticks->rate != 0 && change > ticks->rate >> 10)) {
        if (ticks->rate != 0 && took <= UINT32_MAX) /* not for having been asked late */
            count_stray(ticks);
        ticks->rate = ticks->reach = 0; /* not the counter or the clock that they were */
        begin_base(ticks, tick, ns);
        return;
    }
    if (ticks->rate != 0)
        ticks->reach = (MILLISECOND << 32) / rate;
    /* Nothing vouches for a first one: the next is measured apart. */
    if (ticks->rate == 0 || took > BASE_MAX)
        begin_base(ticks, tick, ns);
    ticks->rate = rate;
}

static uint64_t read_both(struct otlite_ticks *ticks)
{
    uint64_t before = otlite_cpu_counter(), ns = otlite_clock_boot();
    uint64_t width = otlite_cpu_counter() - before, tick = before + width / 2;
    raise_floor(ticks, ns);
    if (width > WIDTH_MAX) /* interrupted between the two: the next call tries again */
        return not_before_floor(ticks, ns);
    if (ticks->base_ns == 0)
        begin_base(ticks, tick, ns);
    uint64_t told = extrapolated(ticks, tick);
    uint64_t apart = told > ns ? told - ns : ns - told;
    if (told != 0 && apart > MILLISECOND / 1000) {
        /* The clock runs otherwise now: a long base would hide it. */
        ticks->rate = ticks->reach = 0;
        begin_base(ticks, tick, ns);
        count_stray(ticks);
    } else {
        if (told != 0)
            ticks->strays = 0;
        measure_rate(ticks, tick, ns);
    }
    ticks->tick = tick;
    ticks->ns = ns;
    return not_before_floor(ticks, ns);
}

uint64_t otlite_ticks_boot(struct otlite_ticks *ticks)
{
    if (ticks->reach != 0) {
        uint64_t passed = otlite_cpu_counter() - ticks->tick;
        if (passed < ticks->reach)
            return not_before_floor(ticks, ticks->ns + (passed * ticks->rate >> 32));
    }
    if (ticks->trusted)
        return read_both(ticks);
    uint64_t ns = otlite_clock_boot();
    raise_floor(ticks, ns); /* of the time when it was */
    return not_before_floor(ticks, ns);
}
