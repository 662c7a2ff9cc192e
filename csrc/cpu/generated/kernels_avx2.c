/* kernels_avx2.c - the kernels for x86-64 with AVX2, as ../generate.py writes them */

#include "../by_hand.h"

#if defined(OTLITE_CPU_X86)

#include <immintrin.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,popcnt")
#endif

static inline __m128i look_up16(const uint8_t table[16], __m128i at)
{
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)table), at);
}

static inline __m256i look_up32(const uint8_t table[16], __m256i at)
{
    __m128i once = _mm_loadu_si128((const __m128i *)table);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(once), at);
}

static const uint8_t hex_digits[16] = {48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100,
    101, 102};
static const uint8_t first_high[16] = {2, 2, 2, 2, 2, 2, 2, 2, 128, 128, 128, 128, 5, 1, 25, 97};
static const uint8_t first_low[16] = {207, 135, 131, 131, 163, 227, 227, 227, 227, 227, 227, 227,
    227, 243, 227, 227};
static const uint8_t second_high[16] = {1, 1, 1, 1, 1, 1, 1, 1, 206, 174, 182, 182, 1, 1, 1, 1};

/* Each byte comes in 16 bits: its high nibble goes first, its low one after. */
static inline void hex_encode16(char *dst, const uint8_t *src)
{
    __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(src)));
    __m256i nibbles = _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi16(wide, 4),
        _mm256_slli_epi16(wide, 8)), _mm256_set1_epi8((char)0xf));
    __m256i result = look_up32(hex_digits, nibbles);
    _mm256_storeu_si256((__m256i *)(dst), result);
}

/* Each byte comes in 16 bits: its high nibble goes first, its low one after. */
static inline void hex_encode8(char *dst, const uint8_t *src)
{
    __m128i wide = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(src)));
    __m128i nibbles = _mm_and_si128(_mm_or_si128(_mm_srli_epi16(wide, 4), _mm_slli_epi16(wide, 8)),
        _mm_set1_epi8((char)0xf));
    __m128i result = look_up16(hex_digits, nibbles);
    _mm_storeu_si128((__m128i *)(dst), result);
}

static void hex_encode(char *dst, const uint8_t *src, size_t n)
{
    if (n >= 16) {
        for (size_t i = 0; i < n - 16; i += 16)
            hex_encode16(dst + 2 * i, src + i);
        hex_encode16(dst + 2 * (n - 16), src + (n - 16));
        return;
    }
    if (n >= 8) {
        for (size_t i = 0; i < n - 8; i += 8)
            hex_encode8(dst + 2 * i, src + i);
        hex_encode8(dst + 2 * (n - 8), src + (n - 8));
        return;
    }
    otlite_kernels_scalar.hex_encode(dst, src, n);
}

/* Two digits a byte. */
static inline __m256i hex_decode16(uint8_t *dst, const char *src)
{
    __m256i text = _mm256_loadu_si256((const __m256i *)(src));
    __m256i digit = _mm256_sub_epi8(text, _mm256_set1_epi8((char)0x30));
    __m256i letter = _mm256_sub_epi8(text, _mm256_set1_epi8((char)0x61));
    __m256i is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8((char)0x9)),
        digit);
    __m256i value = _mm256_blendv_epi8(_mm256_add_epi8(letter, _mm256_set1_epi8((char)0xa)), digit,
        is_digit);
    __m256i result = _mm256_maddubs_epi16(value, _mm256_set1_epi16(0x0110));
    _mm_storeu_si128((__m128i *)(dst),
        _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi16(result, result),
        0x08)));
    return _mm256_or_si256(is_digit, _mm256_cmpeq_epi8(_mm256_min_epu8(letter,
        _mm256_set1_epi8((char)0x5)), letter));
}

/* Two digits a byte. */
static inline __m128i hex_decode8(uint8_t *dst, const char *src)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(src));
    __m128i digit = _mm_sub_epi8(text, _mm_set1_epi8((char)0x30));
    __m128i letter = _mm_sub_epi8(text, _mm_set1_epi8((char)0x61));
    __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8((char)0x9)), digit);
    __m128i value = _mm_blendv_epi8(_mm_add_epi8(letter, _mm_set1_epi8((char)0xa)), digit,
        is_digit);
    __m128i result = _mm_maddubs_epi16(value, _mm_set1_epi16(0x0110));
    _mm_storel_epi64((__m128i *)(dst), _mm_packus_epi16(result, result));
    return _mm_or_si128(is_digit, _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8((char)0x5)),
        letter));
}

static int hex_decode(uint8_t *dst, const char *src, size_t n)
{
    if (n >= 16) {
        __m256i good = _mm256_set1_epi8(-1);
        for (size_t i = 0; i < n - 16; i += 16)
            good = _mm256_and_si256(good, hex_decode16(dst + i, src + 2 * i));
        good = _mm256_and_si256(good, hex_decode16(dst + (n - 16), src + 2 * (n - 16)));
        return _mm256_movemask_epi8(good) == -1 ? 0 : -1;
    }
    if (n >= 8) {
        __m128i good = _mm_set1_epi8(-1);
        for (size_t i = 0; i < n - 8; i += 8)
            good = _mm_and_si128(good, hex_decode8(dst + i, src + 2 * i));
        good = _mm_and_si128(good, hex_decode8(dst + (n - 8), src + 2 * (n - 8)));
        return _mm_movemask_epi8(good) == 0xffff ? 0 : -1;
    }
    return otlite_kernels_scalar.hex_decode(dst, src, n);
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
    if (n < 32) /* short texts are ASCII more often than not */
        otlite_skip_ascii(&at, &n);
    if (n == 0)
        return (size_t)(at - src);

    for (;; at += 32, n -= 32) {
        __m256i now; /* zeros after the end show a character that is cut */
        now = _mm256_setzero_si256();
        if (n < 32)
            memcpy(&now, at, n);
        else
            now = _mm256_loadu_si256((const __m256i *)(at));
        if (_mm256_movemask_epi8(_mm256_or_si256(before, now)) != 0) {
            __m256i faults = utf8_valid_prefix_faults(before, now);
            if (!_mm256_testz_si256(faults, faults))
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
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(tags)),
        _mm_set1_epi8((char)tag)));
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct otlite_kernels otlite_kernels_avx2 = {
    .name = "avx2",
    .needs = OTLITE_CPU_AVX2 | OTLITE_CPU_POPCNT,
    .latin1_to_utf8 = otlite_latin1_to_utf8_avx2,
    .ucs2_to_utf8 = otlite_ucs2_to_utf8_avx2,
    .ucs4_to_utf8 = otlite_ucs4_to_utf8_avx2,
    .utf8_valid_prefix = utf8_valid_prefix,
    .hex_encode = hex_encode,
    .hex_decode = hex_decode,
    .tag16_match = tag16_match,
};

#endif
