/* utf8_avx2.c - text to UTF-8 by AVX2, by hand: docs/kernels.md has the figures */

#include "by_hand.h"

#if defined(OTLITE_CPU_X86)

#ifdef __AVX2__
#error "Build without -mavx2 and -march: plain code would then use AVX2 where it may be missing."
#endif

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,popcnt")
#endif

#include "utf8_x86.h"

static inline __m128i load128(const void *src)
{
    return _mm_loadu_si128(src);
}

static inline __m256i load256(const void *src)
{
    return _mm256_loadu_si256(src);
}

/* Each unit is encoded in a lane of its own. Two neighbours are joined by one shift: when the text
 * of the lower ends at the top of its lane, and that of the upper starts at the bottom, the two are
 * one text, and the lower one's gap is shifted out. In the end four 64-bit lanes hold 8 bytes or
 * fewer each, then zeros; they are stored in order, each over the zeros of the one before.
 */

/* Stores two lanes, of which `first` and both together hold that many bytes. */
static inline uint8_t *store_lanes(uint8_t *out, __m128i lanes, unsigned first, unsigned both)
{
    _mm_storel_epi64((__m128i *)out, lanes);
    _mm_storeh_pi((__m64 *)(out + first), _mm_castsi128_ps(lanes));
    return out + both;
}

/* 16 units below 0x800, of one byte or two, to four lanes. */
static inline __m256i encode_short(__m256i units)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i ascii = _mm256_cmpeq_epi16(_mm256_srli_epi16(units, 7), zero);
    __m256i gap = _mm256_and_si256(ascii, _mm256_set1_epi16(8)); /* bits unused, of 16 */

    __m256i shifted = _mm256_slli_epi16(units, 8);
    __m256i one = _mm256_blend_epi16(units, shifted, 0x55);
    __m256i trail = _mm256_and_si256(shifted, _mm256_set1_epi16(0x3f00));
    __m256i two = _mm256_or_si256(_mm256_srli_epi16(units, 6), trail);
    two = _mm256_or_si256(two, _mm256_set1_epi16((short)0x80c0));
    __m256i text = _mm256_blendv_epi8(two, one, ascii);

    /* Pairs of units, at the bottom of 32 bits. */
    text = _mm256_srlv_epi32(text, _mm256_and_si256(gap, _mm256_set1_epi32(0xffff)));
    /* Pairs of these: the upper moved down by the gaps of the lower. */
    __m256i gaps = _mm256_madd_epi16(gap, _mm256_set1_epi64x(0x00010001));
    __m256i upper = _mm256_srlv_epi64(_mm256_blend_epi32(zero, text, 0xaa), gaps);
    return _mm256_or_si256(_mm256_blend_epi32(text, zero, 0xaa), upper);
}

/* 16 units below 0x800; `wide` has a bit for each that is not ASCII. Writes within 32 bytes. */
static inline uint8_t *put16(uint8_t *out, __m256i units, unsigned wide)
{
    __m256i text = encode_short(units);
    out =
        store_lanes(out, _mm256_castsi256_si128(text), 4 + ones(wide & 0xf), 8 + ones(wide & 0xff));
    return store_lanes(out, _mm256_extracti128_si256(text, 1), 4 + ones(wide & 0xf00),
                       8 + ones(wide & 0xff00));
}

/* 8 units of any value. Writes within 32 bytes, within 26 if the units are below 0x10000. */
static inline uint8_t *put8(uint8_t *out, __m256i units)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i gap, text = encode_lanes(units, &gap);
    unsigned used = used_bytes(text);

    text = _mm256_srlv_epi32(text, _mm256_blend_epi32(zero, gap, 0xaa));
    text = _mm256_srlv_epi64(text, _mm256_blend_epi32(gap, zero, 0xaa));
    out = store_lanes(out, _mm256_castsi256_si128(text), ones(used & 0xff), ones(used & 0xffff));
    return store_lanes(out, _mm256_extracti128_si256(text, 1), ones(used & 0xff0000),
                       ones(used & 0xffff0000));
}

size_t otlite_latin1_to_utf8_avx2(uint8_t *dst, const uint8_t *src, size_t n)
{
    uint8_t *out = dst;
    for (; n >= 16; src += 16, n -= 16) {
        __m128i units = load128(src);
        unsigned wide = (unsigned)_mm_movemask_epi8(units);
        if (wide == 0) {
            _mm_storeu_si128((__m128i *)out, units);
            out += 16;
        } else {
            out = put16(out, _mm256_cvtepu8_epi16(units), wide);
        }
    }
    if (n >= 8) {
        __m128i units = _mm_loadl_epi64((const __m128i *)src);
        unsigned wide = (unsigned)_mm_movemask_epi8(units);
        __m128i text = _mm256_castsi256_si128(encode_short(_mm256_cvtepu8_epi16(units)));
        out = store_lanes(out, text, 4 + ones(wide & 0xf), 8 + ones(wide));
        src += 8;
        n -= 8;
    }
    return (size_t)(out - dst) + otlite_kernels_scalar.latin1_to_utf8(out, src, n);
}

size_t otlite_ucs2_to_utf8_avx2(uint8_t *dst, const uint16_t *src, size_t n)
{
    const __m128i not_ascii = _mm_set1_epi16((short)0xff80);
    const __m128i not_short = _mm_set1_epi16((short)0xf800);
    uint8_t *out = dst;

    for (; n >= 16; src += 16, n -= 16) {
        __m128i low = load128(src), high = load128(src + 8);
        __m128i any = _mm_or_si128(low, high), packed = _mm_packus_epi16(low, high);
        if (_mm_testz_si128(any, not_ascii)) {
            _mm_storeu_si128((__m128i *)out, packed);
            out += 16;
        } else if (_mm_testz_si128(any, not_short)) {
            out = put16(out, _mm256_set_m128i(high, low), (unsigned)_mm_movemask_epi8(packed));
        } else if (n > 16) { /* put8 may write two bytes more than 8 units have room for */
            out = put8(out, _mm256_cvtepu16_epi32(low));
            out = put8(out, _mm256_cvtepu16_epi32(high));
        } else {
            break;
        }
    }
    for (; n > 8; src += 8, n -= 8)
        out = put8(out, _mm256_cvtepu16_epi32(load128(src)));
    return (size_t)(out - dst) + otlite_kernels_scalar.ucs2_to_utf8(out, src, n);
}

size_t otlite_ucs4_to_utf8_avx2(uint8_t *dst, const uint32_t *src, size_t n)
{
    const __m256i not_ascii = _mm256_set1_epi32((int)0xffffff80);
    uint8_t *out = dst;

    for (; n >= 8; src += 8, n -= 8) {
        __m256i units = load256(src);
        if (_mm256_testz_si256(units, not_ascii)) {
            __m128i low = _mm256_castsi256_si128(units), high = _mm256_extracti128_si256(units, 1);
            __m128i packed = _mm_packus_epi32(low, high);
            _mm_storel_epi64((__m128i *)out, _mm_packus_epi16(packed, packed));
            out += 8;
        } else {
            out = put8(out, units);
        }
    }
    return (size_t)(out - dst) + otlite_kernels_scalar.ucs4_to_utf8(out, src, n);
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
