/* atomics.h - every atomic access of the core, by name
 *
 * Nothing else in csrc uses __atomic builtins or <stdatomic.h>: a test that explores schedules of
 * threads puts its own versions of these nine functions in their place. Words are plain uint32_t,
 * naturally aligned, because a Cortex-M has no wider compare-and-swap. There is no standalone
 * fence: an ordering belongs to an access, where a reader (and ThreadSanitizer) can see it.
 */
#ifndef OTLITE_BASE_ATOMICS_H
#define OTLITE_BASE_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

/* The word is read whole; nothing is ordered. For statistics and a thread's own words. */
static inline uint32_t otlite_load_relaxed(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* What the thread that stored this value with release, or stronger, wrote before is seen after. */
static inline uint32_t otlite_load_acquire(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* The word is written whole; nothing is ordered. */
static inline void otlite_store_relaxed(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELAXED);
}

/* What this thread wrote before is seen by whoever loads this value with acquire, or stronger. */
static inline void otlite_store_release(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Acquire, and in the one order of all _seq accesses: of two threads that each store a word and
 * then load the other's, at least one sees the other's store. */
static inline uint32_t otlite_load_seq(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* Release, and in the one order of all _seq accesses. */
static inline void otlite_store_seq(uint32_t *word, uint32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* Stores a value and returns the one it replaced, at once: acquire, release, in the one order. */
static inline uint32_t otlite_exchange_seq(uint32_t *word, uint32_t value)
{
    return __atomic_exchange_n(word, value, __ATOMIC_SEQ_CST);
}

/* Adds, wrapping, and returns the value before: no addition is lost; nothing is ordered. */
static inline uint32_t otlite_add_relaxed(uint32_t *word, uint32_t value)
{
    return __atomic_fetch_add(word, value, __ATOMIC_RELAXED);
}

/* Stores `desired` if the word holds `*expected`, and never fails without cause. True: stored;
 * acquire, release, in the one order. False: `*expected` is what it held, as by load_seq. */
static inline bool otlite_compare_exchange(uint32_t *word, uint32_t *expected, uint32_t desired)
{
    return __atomic_compare_exchange_n(word, expected, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

#endif
