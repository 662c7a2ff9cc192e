/* counter.h - the processor's own counter of time: a register read, where there is one worth reading */
#ifndef OTLITE_CPU_COUNTER_H
#define OTLITE_CPU_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)

static inline uint64_t otlite_cpu_counter(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

#else

/* Elsewhere the system's clock costs little more than its counter. */
static inline uint64_t otlite_cpu_counter(void)
{
    return 0;
}

#endif

/* detect.c: whether it runs at one rate whatever the processor does. */
bool otlite_cpu_counter_steady(void);

#endif
