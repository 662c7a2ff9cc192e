/* states.c - which states were met, and with how much left of both bounds */
#include <stdlib.h>
#include <string.h>

#include "explore.h"

static uint64_t *table;
static size_t table_size = (size_t)1 << 20, table_used;

void states_begin(void)
{
    if (table == NULL)
        table = calloc(table_size, sizeof *table);
    else
        memset(table, 0, table_size * sizeof *table);
    if (table == NULL)
        abort();
    table_used = 0;
}

unsigned long long states_count(void)
{
    return table_used;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Of `size` bytes, a multiple of 32. */
uint64_t states_hash(const uint8_t *at, size_t size, uint64_t hash)
{
    uint64_t a = hash, b = 1, c = 2, d = 3, word[4];
    for (const uint8_t *end = at + size; at < end; at += sizeof word) {
        memcpy(word, at, sizeof word);
        a = mix(a, word[0]);
        b = mix(b, word[1]);
        c = mix(c, word[2]);
        d = mix(d, word[3]);
    }
    return mix(mix(mix(a, b), c), d);
}

static void grow_table(void)
{
    uint64_t *old = table;
    size_t size = table_size;
    table_size *= 2;
    table = calloc(table_size, sizeof *table);
    if (table == NULL)
        abort();
    for (size_t i = 0; i < size; i++) {
        if (old[i] == 0)
            continue;
        size_t at = (old[i] >> 6) & (table_size - 1);
        while (table[at] != 0)
            at = (at + 1) & (table_size - 1);
        table[at] = old[i];
    }
    free(old);
}

enum { LEFT_BITS = 3, LEFT_MASK = BOUND_MAX };

/* Whether a state is met for the first time with so much left. An entry is 58 bits of hash, and both bounds. */
bool states_new(uint64_t hash, struct budget left)
{
    const uint64_t bounds_mask = (1 << 2 * LEFT_BITS) - 1;
    uint64_t key = (hash | 1 << 2 * LEFT_BITS) & ~bounds_mask;
    uint64_t entry = key | left.preemptions << LEFT_BITS | left.stale;
    size_t at = (hash >> 2 * LEFT_BITS) & (table_size - 1);
    while (table[at] != 0 && (table[at] & ~bounds_mask) != key)
        at = (at + 1) & (table_size - 1);
    if (table[at] != 0 && (table[at] >> LEFT_BITS & LEFT_MASK) >= left.preemptions &&
        (table[at] & LEFT_MASK) >= left.stale)
        return false;
    bool met = table[at] != 0;
    table[at] = entry;
    if (!met) {
        if (++table_used > table_size / 2)
            grow_table();
    }
    return true;
}
