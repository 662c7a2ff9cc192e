/* utf8_avx512.c - text to UTF-8 by AVX-512's compression of bytes
 *
 * Each unit is encoded in a lane of its own, and the bytes that are used move together. Vectors
 * are of 256 bits: texts are short, and masks save them a rest that is done unit by unit.
 */

#include "by_hand.h"

#if defined(OTLITE_CPU_X86)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,popcnt,bmi2,avx512bw,avx512vl,avx512vbmi2"))),                     \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,popcnt,bmi2,avx512bw,avx512vl,avx512vbmi2")
#endif

#include "utf8_x86.h"

/* The lowest n bits, all for 32 and more. */
static inline uint32_t first(size_t n)
{
    return _bzhi_u32(~0u, (unsigned)n);
}

static inline uint8_t *put(uint8_t *out, __m256i text, uint32_t used)
{
    unsigned size = ones(used);
    _mm256_mask_storeu_epi8(out, first(size), _mm256_maskz_compress_epi8(used, text));
    return out + size;
}

/* n of 16 units, all below 0x800. */
static inline uint8_t *put_short(uint8_t *out, __m256i units, size_t n)
{
    __mmask16 wide = _mm256_cmpgt_epi16_mask(units, _mm256_set1_epi16(0x7f));
    __m256i trail = _mm256_and_si256(_mm256_slli_epi16(units, 8), _mm256_set1_epi16(0x3f00));
    __m256i two = _mm256_or_si256(_mm256_srli_epi16(units, 6), trail);
    two = _mm256_or_si256(two, _mm256_set1_epi16((short)0x80c0));
    __m256i text = _mm256_mask_mov_epi16(units, wide, two);
    uint32_t used = _pdep_u32(wide, 0xaaaaaaaa) | 0x55555555;
    return put(out, text, used & first(2 * n));
}

/* n of 8 units of any value. */
static inline uint8_t *put_any(uint8_t *out, __m256i units, size_t n)
{
    __m256i gap, text = encode_lanes(units, &gap);
    return put(out, text, used_bytes(text) & first(4 * n));
}

/* Each stores blocks of 32 units as far as they are ASCII, and returns how many units these are. */

static inline size_t ascii_run1(uint8_t *out, const uint8_t *src, size_t n)
{
    size_t i = 0;
    for (; n - i >= 32; i += 32) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(src + i));
        if (_mm256_movemask_epi8(a) != 0)
            break;
        _mm256_storeu_si256((__m256i *)(out + i), a);
    }
    return i;
}

static inline size_t ascii_run2(uint8_t *out, const uint16_t *src, size_t n)
{
    size_t i = 0;
    for (; n - i >= 32; i += 32) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(src + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(src + i + 16));
        if (!_mm256_testz_si256(_mm256_or_si256(a, b), _mm256_set1_epi16((short)0xff80)))
            break;
        __m256i text = _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xd8);
        _mm256_storeu_si256((__m256i *)(out + i), text);
    }
    return i;
}

static inline size_t ascii_run4(uint8_t *out, const uint32_t *src, size_t n)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    size_t i = 0;
    for (; n - i >= 32; i += 32) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(src + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(src + i + 8));
        __m256i c = _mm256_loadu_si256((const __m256i *)(src + i + 16));
        __m256i d = _mm256_loadu_si256((const __m256i *)(src + i + 24));
        __m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
        if (!_mm256_testz_si256(any, _mm256_set1_epi32((int)0xffffff80)))
            break;
        __m256i text = _mm256_packus_epi16(_mm256_packus_epi32(a, b), _mm256_packus_epi32(c, d));
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_permutevar8x32_epi32(text, order));
    }
    return i;
}

size_t otlite_latin1_to_utf8_avx512(uint8_t *dst, const uint8_t *src, size_t n)
{
    uint8_t *out = dst;
    while (n > 0) {
        size_t taken = n < 32 ? n : 32;
        __m256i units = _mm256_maskz_loadu_epi8(first(taken), src);
        if (_mm256_movepi8_mask(units) == 0) {
            _mm256_mask_storeu_epi8(out, first(taken), units);
            taken += ascii_run1(out + taken, src + taken, n - taken);
            out += taken;
        } else {
            __m128i low = _mm256_castsi256_si128(units), high = _mm256_extracti128_si256(units, 1);
            out = put_short(out, _mm256_cvtepu8_epi16(low), taken < 16 ? taken : 16);
            if (taken > 16)
                out = put_short(out, _mm256_cvtepu8_epi16(high), taken - 16);
        }
        src += taken;
        n -= taken;
    }
    return (size_t)(out - dst);
}

size_t otlite_ucs2_to_utf8_avx512(uint8_t *dst, const uint16_t *src, size_t n)
{
    const __m256i not_ascii = _mm256_set1_epi16((short)0xff80);
    const __m256i not_short = _mm256_set1_epi16((short)0xf800);
    uint8_t *out = dst;

    while (n > 0) {
        size_t taken = n < 16 ? n : 16;
        __mmask16 mask = (__mmask16)first(taken);
        __m256i units = _mm256_maskz_loadu_epi16(mask, src);
        if (_mm256_testz_si256(units, not_ascii)) {
            _mm_mask_storeu_epi8(out, mask, _mm256_cvtepi16_epi8(units));
            taken += ascii_run2(out + taken, src + taken, n - taken);
            out += taken;
        } else if (_mm256_testz_si256(units, not_short)) {
            out = put_short(out, units, taken);
        } else {
            __m128i low = _mm256_castsi256_si128(units), high = _mm256_extracti128_si256(units, 1);
            out = put_any(out, _mm256_cvtepu16_epi32(low), taken < 8 ? taken : 8);
            if (taken > 8)
                out = put_any(out, _mm256_cvtepu16_epi32(high), taken - 8);
        }
        src += taken;
        n -= taken;
    }
    return (size_t)(out - dst);
}

size_t otlite_ucs4_to_utf8_avx512(uint8_t *dst, const uint32_t *src, size_t n)
{
    const __m256i not_ascii = _mm256_set1_epi32((int)0xffffff80);
    uint8_t *out = dst;

    while (n > 0) {
        size_t taken = n < 8 ? n : 8;
        __mmask8 mask = (__mmask8)first(taken);
        __m256i units = _mm256_maskz_loadu_epi32(mask, src);
        if (_mm256_testz_si256(units, not_ascii)) {
            _mm_mask_storeu_epi8(out, mask, _mm256_cvtepi32_epi8(units));
            taken += ascii_run4(out + taken, src + taken, n - taken);
            out += taken;
        } else {
            out = put_any(out, units, taken);
        }
        src += taken;
        n -= taken;
    }
    return (size_t)(out - dst);
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
