/* kernels_avx512.c - the kernels for AVX-512 from VBMI2 on, as ../generate.py writes them */

#include "../by_hand.h"

#if defined(OTLITE_CPU_X86)

#include <immintrin.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,popcnt,bmi2,avx512bw,avx512vl,avx512vbmi2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,popcnt,bmi2,avx512bw,avx512vl,avx512vbmi2")
#endif

static inline __m256i look_up32(const uint8_t table[16], __m256i at)
{
    __m128i once = _mm_loadu_si128((const __m128i *)table);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(once), at);
}

/* The lowest n bits, all for 32 and more. */
static inline uint32_t first(size_t n)
{
    return _bzhi_u32(~0u, n < 32 ? (unsigned)n : 32);
}

static const uint8_t hex_digits[16] = {48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100,
    101, 102};
static const uint8_t first_high[16] = {2, 2, 2, 2, 2, 2, 2, 2, 128, 128, 128, 128, 5, 1, 25, 97};
static const uint8_t first_low[16] = {207, 135, 131, 131, 163, 227, 227, 227, 227, 227, 227, 227,
    227, 243, 227, 227};
static const uint8_t second_high[16] = {1, 1, 1, 1, 1, 1, 1, 1, 206, 174, 182, 182, 1, 1, 1, 1};

/* Each byte comes in 16 bits: its high nibble goes first, its low one after. */
static inline void hex_encode16(char *dst, const uint8_t *src, size_t n)
{
    __m256i wide = _mm256_cvtepu8_epi16(_mm_maskz_loadu_epi8((__mmask16)first(n), src));
    __m256i nibbles = _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi16(wide, 4),
        _mm256_slli_epi16(wide, 8)), _mm256_set1_epi8((char)0xf));
    __m256i result = look_up32(hex_digits, nibbles);
    _mm256_mask_storeu_epi8(dst, first(2 * n), result);
}

static void hex_encode(char *dst, const uint8_t *src, size_t n)
{
    for (; n > 16; dst += 32, src += 16, n -= 16)
        hex_encode16(dst, src, 16);
    hex_encode16(dst, src, n);
}

/* Two digits a byte. */
static inline __mmask32 hex_decode16(uint8_t *dst, const char *src, size_t n)
{
    __m256i text = _mm256_mask_loadu_epi8(_mm256_set1_epi8((char)'0'), first(2 * n), src);
    __m256i digit = _mm256_sub_epi8(text, _mm256_set1_epi8((char)0x30));
    __m256i letter = _mm256_sub_epi8(text, _mm256_set1_epi8((char)0x61));
    __mmask32 is_digit = _mm256_cmple_epu8_mask(digit, _mm256_set1_epi8((char)0x9));
    __m256i value = _mm256_mask_blend_epi8(is_digit, _mm256_add_epi8(letter,
        _mm256_set1_epi8((char)0xa)), digit);
    __m256i result = _mm256_maddubs_epi16(value, _mm256_set1_epi16(0x0110));
    _mm_mask_storeu_epi8(dst, (__mmask16)first(n), _mm256_cvtepi16_epi8(result));
    return is_digit | _mm256_cmple_epu8_mask(letter, _mm256_set1_epi8((char)0x5));
}

static int hex_decode(uint8_t *dst, const char *src, size_t n)
{
    __mmask32 good = (__mmask32)-1;
    for (; n > 16; dst += 16, src += 32, n -= 16)
        good = good & hex_decode16(dst, src, 16);
    good = good & hex_decode16(dst, src, n);
    return good == (__mmask32)-1 ? 0 : -1;
}

/* Not zero at a fault: Keiser and Lemire, 2021 (described.py). */
static inline __m256i utf8_valid_prefix_faults(__m256i before, __m256i now)
{
    __m256i back1 = _mm256_alignr_epi8(now, _mm256_permute2x128_si256(before, now, 0x21), 16 - 1);
    __m256i back2 = _mm256_alignr_epi8(now, _mm256_permute2x128_si256(before, now, 0x21), 16 - 2);
    __m256i back3 = _mm256_alignr_epi8(now, _mm256_permute2x128_si256(before, now, 0x21), 16 - 3);
    __m256i by_high = look_up32(first_high, _mm256_and_si256(_mm256_srli_epi16(back1, 4),
        _mm256_set1_epi8(15)));
    __m256i by_low = look_up32(first_low, _mm256_and_si256(back1, _mm256_set1_epi8((char)0xf)));
    __m256i by_second = look_up32(second_high, _mm256_and_si256(_mm256_srli_epi16(now, 4),
        _mm256_set1_epi8(15)));
    __m256i pair = _mm256_and_si256(_mm256_and_si256(by_high, by_low), by_second);
    __m256i third = _mm256_subs_epu8(back2, _mm256_set1_epi8((char)0x60));
    __m256i fourth = _mm256_subs_epu8(back3, _mm256_set1_epi8((char)0x70));
    __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(pair, due);
}

static size_t utf8_valid_prefix(const uint8_t *src, size_t n)
{
    const uint8_t *at = src;
    __m256i before = _mm256_setzero_si256();

    for (;; at += 32, n -= 32) {
        __m256i now; /* zeros after the end show a character that is cut */
        now = _mm256_mask_loadu_epi8(_mm256_setzero_si256(), first(n), at);
        if (_mm256_movepi8_mask(_mm256_or_si256(before, now)) != 0) {
            __m256i faults = utf8_valid_prefix_faults(before, now);
            if (_mm256_test_epi8_mask(faults, faults) != 0)
                break;
        }
        if (n < 32)
            return (size_t)(at - src) + n;
        before = now;
    }
    return otlite_utf8_valid_prefix_from(src, at, n);
}

/* A bit for each that is equal. */
static uint32_t tag16_match(const uint8_t tags[16], uint8_t tag)
{
    return _mm_cmpeq_epi8_mask(_mm_loadu_si128((const __m128i *)(tags)), _mm_set1_epi8((char)tag));
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct otlite_kernels otlite_kernels_avx512 = {
    .name = "avx512",
    .needs = OTLITE_CPU_AVX2 | OTLITE_CPU_POPCNT | OTLITE_CPU_BMI2 | OTLITE_CPU_AVX512F |
        OTLITE_CPU_AVX512BW | OTLITE_CPU_AVX512VL | OTLITE_CPU_AVX512VBMI2,
    .latin1_to_utf8 = otlite_latin1_to_utf8_avx512,
    .ucs2_to_utf8 = otlite_ucs2_to_utf8_avx512,
    .ucs4_to_utf8 = otlite_ucs4_to_utf8_avx512,
    .utf8_valid_prefix = utf8_valid_prefix,
    .hex_encode = hex_encode,
    .hex_decode = hex_decode,
    .tag16_match = tag16_match,
};

#endif
