/* utf8_x86.h - eight units of any value as UTF-8, each in a lane of its own
 *
 * For utf8_avx2.c and utf8_avx512.c, which include it where their instructions are enabled.
 */
#ifndef OTLITE_CPU_UTF8_X86_H
#define OTLITE_CPU_UTF8_X86_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

static inline unsigned ones(unsigned bits)
{
    return (unsigned)_mm_popcnt_u32(bits);
}

/* The last byte of each on top of its 32 bits, zeros below the first: *gap of them, in bits. */
static inline __m256i encode_lanes(__m256i units, __m256i *gap)
{
    __m256i large = _mm256_cmpeq_epi32(_mm256_max_epu32(units, _mm256_set1_epi32(0x110000)), units);
    __m256i surrogate =
        _mm256_cmpeq_epi32(_mm256_srli_epi32(units, 11), _mm256_set1_epi32(0xd800 >> 11));
    __m256i bad = _mm256_or_si256(large, surrogate);
    if (!_mm256_testz_si256(bad, bad)) /* rare */
        units = _mm256_blendv_epi8(units, _mm256_set1_epi32(0xfffd), bad);

    __m256i two = _mm256_cmpgt_epi32(units, _mm256_set1_epi32(0x7f));
    __m256i three = _mm256_cmpgt_epi32(units, _mm256_set1_epi32(0x7ff));
    __m256i four = _mm256_cmpgt_epi32(units, _mm256_set1_epi32(0xffff));
    __m256i fewer = _mm256_add_epi32(_mm256_add_epi32(two, three), four); /* 1 - the length */

    /* Entry `fewer` modulo 8: the bits unused, of 32, and the marks of the bytes. */
    const __m256i gaps = _mm256_setr_epi32(24, 0, 0, 0, 0, 0, 8, 16);
    const __m256i marks =
        _mm256_setr_epi32(0, 0, 0, 0, 0, (int)0x808080f0, (int)0x8080e000, (int)0x80c00000);
    *gap = _mm256_permutevar8x32_epi32(gaps, fewer);

    /* Six bits a byte, the last byte on top. */
    __m256i last = _mm256_slli_epi32(units, 24);
    __m256i text =
        _mm256_or_si256(_mm256_permutevar8x32_epi32(marks, fewer), _mm256_srli_epi32(units, 18));
    __m256i bits = _mm256_and_si256(_mm256_srli_epi32(units, 4), _mm256_set1_epi32(0x3f00));
    text = _mm256_or_si256(text, bits);
    bits = _mm256_and_si256(_mm256_slli_epi32(units, 10), _mm256_set1_epi32(0x3f0000));
    text = _mm256_or_si256(text, bits);
    bits = _mm256_and_si256(last, _mm256_set1_epi32(0x3f000000));
    return _mm256_blendv_epi8(last, _mm256_or_si256(text, bits), two);
}

/* A bit for each byte of such lanes that belongs to its text. */
static inline unsigned used_bytes(__m256i lanes)
{
    return (unsigned)_mm256_movemask_epi8(lanes) | 0x88888888;
}

#endif
