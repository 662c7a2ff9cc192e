/* by_hand.h - what generated tables take from elsewhere: kernels by hand, and the ends of theirs
 *
 * docs/kernels.md has the figures for which kernels stay by hand.
 */
#ifndef OTLITE_CPU_BY_HAND_H
#define OTLITE_CPU_BY_HAND_H

#include <string.h>

#include "kernels.h"

size_t otlite_latin1_to_utf8_avx2(uint8_t *dst, const uint8_t *src, size_t n);
size_t otlite_ucs2_to_utf8_avx2(uint8_t *dst, const uint16_t *src, size_t n);
size_t otlite_ucs4_to_utf8_avx2(uint8_t *dst, const uint32_t *src, size_t n);

size_t otlite_latin1_to_utf8_avx512(uint8_t *dst, const uint8_t *src, size_t n);
size_t otlite_ucs2_to_utf8_avx512(uint8_t *dst, const uint16_t *src, size_t n);
size_t otlite_ucs4_to_utf8_avx512(uint8_t *dst, const uint32_t *src, size_t n);

/* Goes over words of eight ASCII bytes. */
static inline void otlite_skip_ascii(const uint8_t **at, size_t *n)
{
    for (uint64_t word; *n >= sizeof word; *at += sizeof word, *n -= sizeof word) {
        memcpy(&word, *at, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
}

/* utf8_valid_prefix of what begins at src, where all before `at` is valid, but for its last
 * character, which may go on there for n bytes or fewer. */
static inline size_t otlite_utf8_valid_prefix_from(const uint8_t *src, const uint8_t *at, size_t n)
{
    for (int back = 1; back <= 3 && at - src >= back; back++) {
        if ((at[-back] & 0xc0) != 0x80) {
            at -= back;
            n += (size_t)back;
            break;
        }
    }
    return (size_t)(at - src) + otlite_kernels_scalar.utf8_valid_prefix(at, n);
}

#endif
