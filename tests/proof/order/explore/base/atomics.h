/* atomics.h - the nine accesses of csrc/base/atomics.h, given to the explorer
 *
 * Found before the core's own by the order of include paths. Each call is a site: a place in the source that can be
 * listed, and weakened, by name.
 */
#ifndef OTLITE_BASE_ATOMICS_H
#define OTLITE_BASE_ATOMICS_H

#include <stdbool.h>
#include <stdint.h>

enum access { ACCESS_LOAD, ACCESS_STORE, ACCESS_EXCHANGE, ACCESS_ADD, ACCESS_COMPARE, ACCESS_WAIT };
enum order { RELAXED, ACQUIRE, RELEASE, ACQUIRE_RELEASE, SEQ };

struct site {
    const char *file, *function, *name, *word;
    int line, number; /* number: of its twins on one line or in one function, from 1 */
    enum access access;
    enum order order; /* weakened by --weaken */
    bool torn;        /* weakened: what is one step becomes two */
    bool never;       /* weakened: a store that is forgotten */
};

uint32_t explore_load(struct site *site, const uint32_t *word);
void explore_store(struct site *site, uint32_t *word, uint32_t value);
uint32_t explore_exchange(struct site *site, uint32_t *word, uint32_t value);
uint32_t explore_add(struct site *site, uint32_t *word, uint32_t value);
bool explore_compare(struct site *site, uint32_t *word, uint32_t *expected, uint32_t desired);

#define EXPLORE_SITE(name_, text, access_, order_)                                                 \
    (__extension__({                                                                               \
        static struct site site_ = {__FILE__, __func__, name_,  text,  __LINE__,                   \
                                    1,        access_,  order_, false, false};                     \
        static struct site *listed_ __attribute__((section("sites"), used)) = &site_;              \
        &site_;                                                                                    \
    }))

#define otlite_load_relaxed(word)                                                                  \
    explore_load(EXPLORE_SITE("load_relaxed", #word, ACCESS_LOAD, RELAXED), word)
#define otlite_load_acquire(word)                                                                  \
    explore_load(EXPLORE_SITE("load_acquire", #word, ACCESS_LOAD, ACQUIRE), word)
#define otlite_load_seq(word) explore_load(EXPLORE_SITE("load_seq", #word, ACCESS_LOAD, SEQ), word)
#define otlite_store_relaxed(word, value)                                                          \
    explore_store(EXPLORE_SITE("store_relaxed", #word, ACCESS_STORE, RELAXED), word, value)
#define otlite_store_release(word, value)                                                          \
    explore_store(EXPLORE_SITE("store_release", #word, ACCESS_STORE, RELEASE), word, value)
#define otlite_store_seq(word, value)                                                              \
    explore_store(EXPLORE_SITE("store_seq", #word, ACCESS_STORE, SEQ), word, value)
#define otlite_exchange_seq(word, value)                                                           \
    explore_exchange(EXPLORE_SITE("exchange_seq", #word, ACCESS_EXCHANGE, SEQ), word, value)
#define otlite_add_relaxed(word, value)                                                            \
    explore_add(EXPLORE_SITE("add_relaxed", #word, ACCESS_ADD, RELAXED), word, value)
#define otlite_compare_exchange(word, expected, desired)                                           \
    explore_compare(EXPLORE_SITE("compare_exchange", #word, ACCESS_COMPARE, SEQ), word, expected,  \
                    desired)

#endif
