/* id.c - trace and span identifiers, by xoshiro256++ (Blackman, Vigna 2019) or the system */
#include <string.h>

#include "otlite.h"

/* How long a seed is used, so that machines cloned from one snapshot soon part. */
#define SEED_LIFE UINT64_C(1000000000)

static inline uint64_t rotate(uint64_t word, int by)
{
    return word << by | word >> (64 - by);
}

static inline uint64_t next(uint64_t state[4])
{
    uint64_t result = rotate(state[0] + state[3], 23) + state[0];
    uint64_t shifted = state[1] << 17;

    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

/* One step of splitmix64, which spreads what little a clock or an address tells over all bits. */
static uint64_t mix(uint64_t word)
{
    word += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

/* Adds entropy to the state. Where the system refuses, the clocks must do until the next second. */
static void seed(struct otlite_ids *ids, uint64_t now)
{
    uint64_t fresh[4];

    if (otlite_entropy(fresh, sizeof fresh) != OTLITE_OK) {
        ids->failures++;
        fresh[0] = mix(now);
        fresh[1] = mix(fresh[0] ^ otlite_clock_wall());
        fresh[2] = mix(fresh[1] ^ (uintptr_t)ids);
        fresh[3] = mix(fresh[2] ^ otlite_clock_boot());
    }
    for (int i = 0; i < 4; i++)
        ids->state[i] ^= fresh[i];
    ids->reseed_at = now + SEED_LIFE;
}

static bool from_system(struct otlite_ids *ids, uint8_t *id, size_t size)
{
    static const uint8_t zero[16];

    if (otlite_entropy(id, size) == OTLITE_OK && memcmp(id, zero, size) != 0)
        return true;
    ids->failures++;
    return false;
}

/* Unseeded, due, or a clock that ran backwards: anything but 1 .. SEED_LIFE to go. */
static bool is_due(const struct otlite_ids *ids, uint64_t now)
{
    return ids->reseed_at - now - 1 >= SEED_LIFE;
}

static inline void generate(struct otlite_ids *ids, uint64_t now, uint8_t *id, size_t size)
{
    uint64_t words[2];

    if (is_due(ids, now))
        seed(ids, now);
    do {
        words[0] = next(ids->state);
        words[1] = size > sizeof words[0] ? next(ids->state) : 0;
    } while ((words[0] | words[1]) == 0);
    memcpy(id, words, size);
}

void otlite_ids_init(struct otlite_ids *ids, bool from_os)
{
    memset(ids, 0, sizeof *ids);
    ids->from_os = from_os;
}

void otlite_ids_reset(struct otlite_ids *ids)
{
    ids->reseed_at = 0;
}

void otlite_ids_next(struct otlite_ids *ids, uint64_t now, uint8_t *trace_id, uint8_t *span_id)
{
    if (trace_id != NULL && !(ids->from_os && from_system(ids, trace_id, 16)))
        generate(ids, now, trace_id, 16);
    if (span_id != NULL && !(ids->from_os && from_system(ids, span_id, 8)))
        generate(ids, now, span_id, 8);
}
