/* kernels_avx2.c - the kernels for x86-64 with AVX2, SSE4.2's CRC and PCLMUL */

#if defined(__x86_64__)

#ifdef __AVX2__
#error "Build without -mavx2 and -march: plain code would then use AVX2 where it may be missing."
#endif

#include <immintrin.h>
#include <string.h>

#include "kernels.h"

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,popcnt,pclmul"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,popcnt,pclmul")
#endif

static inline __m128i load128(const void *src)
{
    return _mm_loadu_si128(src);
}

static inline __m256i load256(const void *src)
{
    return _mm256_loadu_si256(src);
}

static inline uint64_t load64(const uint8_t *src)
{
    uint64_t word;
    memcpy(&word, src, sizeof word);
    return word;
}

static inline unsigned ones(unsigned bits)
{
    return (unsigned)_mm_popcnt_u32(bits);
}

/* ---- To UTF-8 ----
 *
 * Each unit is encoded in a lane of its own. Two neighbours are joined by one shift: when the text
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
    __m256i gap = _mm256_permutevar8x32_epi32(gaps, fewer);

    /* Six bits a byte, the last byte on top. */
    __m256i last = _mm256_slli_epi32(units, 24);
    __m256i text =
        _mm256_or_si256(_mm256_permutevar8x32_epi32(marks, fewer), _mm256_srli_epi32(units, 18));
    __m256i bits = _mm256_and_si256(_mm256_srli_epi32(units, 4), _mm256_set1_epi32(0x3f00));
    text = _mm256_or_si256(text, bits);
    bits = _mm256_and_si256(_mm256_slli_epi32(units, 10), _mm256_set1_epi32(0x3f0000));
    text = _mm256_or_si256(text, bits);
    bits = _mm256_and_si256(last, _mm256_set1_epi32(0x3f000000));
    text = _mm256_blendv_epi8(last, _mm256_or_si256(text, bits), two);
    unsigned used = (unsigned)_mm256_movemask_epi8(text) | 0x88888888;

    text = _mm256_srlv_epi32(text, _mm256_blend_epi32(zero, gap, 0xaa));
    text = _mm256_srlv_epi64(text, _mm256_blend_epi32(gap, zero, 0xaa));
    out = store_lanes(out, _mm256_castsi256_si128(text), ones(used & 0xff), ones(used & 0xffff));
    return store_lanes(out, _mm256_extracti128_si256(text, 1), ones(used & 0xff0000),
                       ones(used & 0xffff0000));
}

static size_t latin1_to_utf8(uint8_t *dst, const uint8_t *src, size_t n)
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

static size_t ucs2_to_utf8(uint8_t *dst, const uint16_t *src, size_t n)
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

static size_t ucs4_to_utf8(uint8_t *dst, const uint32_t *src, size_t n)
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

/* ---- UTF-8 validation ----
 *
 * Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte" (2021). Whether two
 * neighbouring bytes are wrong together is decided by three nibbles. Each picks the set of faults
 * that it allows, one bit a fault; a fault that all three allow is there. A third and a fourth byte
 * is then compared with what the bytes two and three before it demand.
 */

enum fault {
    SHORT = 1,       /* a lead byte, then no continuation */
    STRAY = 2,       /* ASCII, then a continuation */
    OVERLONG2 = 4,   /* c0, c1 */
    OVERLONG3 = 8,   /* e0 80..9f */
    SURROGATE = 16,  /* ed a0..bf */
    LARGE = 32,      /* f4 90..bf, f5..ff 90..bf */
    FORBIDDEN8 = 64, /* f0 80..8f (overlong), f5..ff 80..8f (large) */
    PAIR = 128,      /* two continuations: due as a third or fourth byte, else a fault */
};

/* Whatever the first byte's low nibble is; and if that says 5 to 15, as f5..ff do. */
#define ANY (SHORT | STRAY | PAIR)
#define HIGH (ANY | LARGE | FORBIDDEN8)
#define SECOND8 (STRAY | PAIR | OVERLONG2 | OVERLONG3 | FORBIDDEN8)
#define SECOND9 (STRAY | PAIR | OVERLONG2 | OVERLONG3 | LARGE)
#define SECONDA (STRAY | PAIR | OVERLONG2 | SURROGATE | LARGE)

#define FOUR(x) x, x, x, x

static const uint8_t first_high[16] = {
    FOUR(STRAY),
    FOUR(STRAY),
    FOUR(PAIR),
    SHORT | OVERLONG2,
    SHORT,
    SHORT | OVERLONG3 | SURROGATE,
    SHORT | LARGE | FORBIDDEN8,
};
static const uint8_t first_low[16] = {
    ANY | OVERLONG2 | OVERLONG3 | FORBIDDEN8,
    ANY | OVERLONG2,
    ANY,
    ANY,
    ANY | LARGE,
    FOUR(HIGH),
    FOUR(HIGH),
    HIGH | SURROGATE,
    HIGH,
    HIGH,
};
static const uint8_t second_high[16] = {
    FOUR(SHORT), FOUR(SHORT), SECOND8, SECOND9, SECONDA, SECONDA, FOUR(SHORT),
};

static inline __m256i pick(const uint8_t table[16], __m256i nibbles)
{
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(load128(table)), nibbles);
}

/* Zero where no fault is seen in `now`, the 32 bytes after `before`. */
static inline __m256i faults(__m256i before, __m256i now)
{
    const __m256i nibble = _mm256_set1_epi8(15), top = _mm256_set1_epi8((char)0x80);
    __m256i across = _mm256_permute2x128_si256(before, now, 0x21);
    __m256i back1 = _mm256_alignr_epi8(now, across, 15);
    __m256i back2 = _mm256_alignr_epi8(now, across, 14);
    __m256i back3 = _mm256_alignr_epi8(now, across, 13);

    __m256i pair = pick(first_high, _mm256_and_si256(_mm256_srli_epi16(back1, 4), nibble));
    pair = _mm256_and_si256(pair, pick(first_low, _mm256_and_si256(back1, nibble)));
    pair = _mm256_and_si256(pair,
                            pick(second_high, _mm256_and_si256(_mm256_srli_epi16(now, 4), nibble)));

    /* The top bit is set two after e0..ff and three after f0..ff. */
    __m256i third = _mm256_subs_epu8(back2, _mm256_set1_epi8(0xe0 - 0x80));
    __m256i fourth = _mm256_subs_epu8(back3, _mm256_set1_epi8(0xf0 - 0x80));
    __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), top);
    return _mm256_xor_si256(pair, due);
}

static size_t utf8_valid_prefix(const uint8_t *src, size_t n)
{
    const uint8_t *at = src;
    __m256i before = _mm256_setzero_si256();

    if (n < 32) /* short texts are ASCII more often than not */
        for (; n >= 8 && (load64(at) & UINT64_C(0x8080808080808080)) == 0; at += 8)
            n -= 8;
    if (n == 0)
        return (size_t)(at - src);

    for (;; at += 32, n -= 32) {
        __m256i now =
            _mm256_setzero_si256(); /* a NUL after the end shows a character that is cut */
        if (n >= 32)
            now = load256(at);
        else
            memcpy(&now, at, n);
        if (_mm256_movemask_epi8(_mm256_or_si256(before, now)) != 0) {
            __m256i found = faults(before, now);
            if (!_mm256_testz_si256(found, found))
                break;
        }
        if (n < 32)
            return (size_t)(at - src) + n;
        before = now;
    }
    /* All before `at` is valid, but for its last character, which may go on here. */
    for (int back = 1; back <= 3 && at - src >= back; back++) {
        if ((at[-back] & 0xc0) != 0x80) {
            at -= back;
            n += (size_t)back;
            break;
        }
    }
    return (size_t)(at - src) + otlite_kernels_scalar.utf8_valid_prefix(at, n);
}

/* ---- Hexadecimal ----
 *
 * A rest shorter than a vector is done as the last whole vector, over what is done already.
 */

/* A nibble in each byte, the high one first, to digits. */
static inline __m256i digits(__m256i bytes16)
{
    const __m256i table = _mm256_broadcastsi128_si256(load128("0123456789abcdef"));
    __m256i nibbles = _mm256_or_si256(_mm256_srli_epi16(bytes16, 4), _mm256_slli_epi16(bytes16, 8));
    return _mm256_shuffle_epi8(table, _mm256_and_si256(nibbles, _mm256_set1_epi8(15)));
}

static inline void encode16(char *dst, const uint8_t *src)
{
    _mm256_storeu_si256((__m256i *)dst, digits(_mm256_cvtepu8_epi16(load128(src))));
}

static inline void encode8(char *dst, const uint8_t *src)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)src);
    __m256i text = digits(_mm256_cvtepu8_epi16(bytes));
    _mm_storeu_si128((__m128i *)dst, _mm256_castsi256_si128(text));
}

static void hex_encode(char *dst, const uint8_t *src, size_t n)
{
    if (n < 8) {
        otlite_kernels_scalar.hex_encode(dst, src, n);
    } else if (n < 16) {
        encode8(dst, src);
        encode8(dst + 2 * (n - 8), src + n - 8);
    } else {
        for (size_t i = 0; i < n - 16; i += 16)
            encode16(dst + 2 * i, src + i);
        encode16(dst + 2 * (n - 16), src + n - 16);
    }
}

/* The values of digits, two to a 16-bit lane; sets bits in *bad at any other character. */
static inline __m256i values(__m256i text, __m256i *bad)
{
    const __m256i nine = _mm256_set1_epi8(9), five = _mm256_set1_epi8(5);
    __m256i digit = _mm256_sub_epi8(text, _mm256_set1_epi8('0'));
    __m256i letter = _mm256_sub_epi8(text, _mm256_set1_epi8('a'));
    __m256i is_digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, nine), digit);
    __m256i is_letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, five), letter);
    *bad = _mm256_or_si256(*bad, _mm256_cmpeq_epi8(is_digit, is_letter));

    __m256i value =
        _mm256_blendv_epi8(_mm256_add_epi8(letter, _mm256_set1_epi8(10)), digit, is_digit);
    return _mm256_maddubs_epi16(value, _mm256_set1_epi16(0x0110));
}

static inline void decode16(uint8_t *dst, const char *src, __m256i *bad)
{
    __m256i bytes = values(load256(src), bad);
    bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(bytes, bytes), 0x08);
    _mm_storeu_si128((__m128i *)dst, _mm256_castsi256_si128(bytes));
}

static inline void decode8(uint8_t *dst, const char *src, __m256i *bad)
{
    __m128i bytes = _mm256_castsi256_si128(values(_mm256_broadcastsi128_si256(load128(src)), bad));
    _mm_storel_epi64((__m128i *)dst, _mm_packus_epi16(bytes, bytes));
}

static int hex_decode(uint8_t *dst, const char *src, size_t n)
{
    __m256i bad = _mm256_setzero_si256();
    if (n < 8)
        return otlite_kernels_scalar.hex_decode(dst, src, n);

    if (n < 16) {
        decode8(dst, src, &bad);
        decode8(dst + n - 8, src + 2 * (n - 8), &bad);
    } else {
        for (size_t i = 0; i < n - 16; i += 16)
            decode16(dst + i, src + 2 * i, &bad);
        decode16(dst + n - 16, src + 2 * (n - 16), &bad);
    }
    return _mm256_testz_si256(bad, bad) ? 0 : -1;
}

/* ---- CRC-32C ----
 *
 * The instruction takes three cycles, and one can start each cycle: three neighbouring strides run
 * side by side. Each of the first two CRCs is then moved past the strides after it, multiplied by
 * x^(8 * distance) mod P. The carry-less product of two bit-reversed numbers is one bit low, and a
 * CRC of it moves it by 32 more, so the constants are x^(8 * distance - 33) mod P, bit-reversed.
 */

static inline __m128i multiply(uint64_t crc, uint32_t factor)
{
    return _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)factor),
                                0);
}

static inline uint64_t three_strides(uint64_t crc, const uint8_t *p, size_t stride, uint32_t past2,
                                     uint32_t past1)
{
    uint64_t second = 0, third = 0;
    for (size_t i = 0; i < stride; i += 8) {
        crc = _mm_crc32_u64(crc, load64(p + i));
        second = _mm_crc32_u64(second, load64(p + stride + i));
        third = _mm_crc32_u64(third, load64(p + 2 * stride + i));
    }
    __m128i moved = _mm_xor_si128(multiply(crc, past2), multiply(second, past1));
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(moved)) ^ third;
}

static uint32_t crc32c(uint32_t start, const void *src, size_t n)
{
    const uint8_t *p = src;
    uint64_t crc = ~start; /* the top half stays zero */
    for (; n >= 3 * 256; p += 3 * 256, n -= 3 * 256)
        crc = three_strides(crc, p, 256, 0xdd7e3b0c, 0xb9e02b86);
    for (; n >= 3 * 64; p += 3 * 64, n -= 3 * 64)
        crc = three_strides(crc, p, 64, 0x0d3b6092, 0x9e4addf8);
    for (; n >= 8; p += 8, n -= 8)
        crc = _mm_crc32_u64(crc, load64(p));
    for (; n > 0; p++, n--)
        crc = _mm_crc32_u8((uint32_t)crc, *p);
    return ~(uint32_t)crc;
}

/* ---- Tags ---- */

static uint32_t tag16_match(const uint8_t tags[16], uint8_t tag)
{
    __m128i equal = _mm_cmpeq_epi8(load128(tags), _mm_set1_epi8((char)tag));
    return (uint32_t)_mm_movemask_epi8(equal);
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct otlite_kernels otlite_kernels_avx2 = {
    .name = "avx2",
    .needs = OTLITE_CPU_AVX2 | OTLITE_CPU_SSE42 | OTLITE_CPU_POPCNT | OTLITE_CPU_PCLMUL,
    .latin1_to_utf8 = latin1_to_utf8,
    .ucs2_to_utf8 = ucs2_to_utf8,
    .ucs4_to_utf8 = ucs4_to_utf8,
    .utf8_valid_prefix = utf8_valid_prefix,
    .hex_encode = hex_encode,
    .hex_decode = hex_decode,
    .crc32c = crc32c,
    .tag16_match = tag16_match,
};

#endif
