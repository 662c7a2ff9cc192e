/* kernels_neon.c - the kernels for Arm with NEON, in 64 bits and 32, as ../generate.py writes them
    */

#include "../by_hand.h"

#if defined(OTLITE_CPU_ARM)

#if defined(__arm__) && !defined(__clang__)
#pragma GCC push_options
#pragma GCC target("fpu=neon")
#endif

#include <arm_neon.h>
#include <string.h>

#define to16 vreinterpretq_u16_u8
#define to32 vreinterpretq_u32_u8
#define from16 vreinterpretq_u8_u16

static inline uint64_t either_half(uint8x16_t v)
{
    return vget_lane_u64(vreinterpret_u64_u8(vorr_u8(vget_low_u8(v), vget_high_u8(v))), 0);
}

static inline uint8x16_t look_up(const uint8_t table[16], uint8x16_t at)
{
#if defined(__aarch64__)
    return vqtbl1q_u8(vld1q_u8(table), at);
#else
    const uint8x8x2_t halves = {{vld1_u8(table), vld1_u8(table + 8)}};
    return vcombine_u8(vtbl2_u8(halves, vget_low_u8(at)), vtbl2_u8(halves, vget_high_u8(at)));
#endif
}

/* Bit i of byte i, added up in each half. */
static inline uint32_t bits(uint8x16_t mask)
{
    static const uint8_t places[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t each = vandq_u8(mask, vld1q_u8(places));
    uint8x8_t sum = vpadd_u8(vget_low_u8(each), vget_high_u8(each));
    sum = vpadd_u8(sum, sum);
    sum = vpadd_u8(sum, sum);
    return vget_lane_u16(vreinterpret_u16_u8(sum), 0);
}

static const uint8_t hex_digits[16] = {48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100,
    101, 102};
static const uint8_t first_high[16] = {2, 2, 2, 2, 2, 2, 2, 2, 128, 128, 128, 128, 5, 1, 25, 97};
static const uint8_t first_low[16] = {207, 135, 131, 131, 163, 227, 227, 227, 227, 227, 227, 227,
    227, 243, 227, 227};
static const uint8_t second_high[16] = {1, 1, 1, 1, 1, 1, 1, 1, 206, 174, 182, 182, 1, 1, 1, 1};

/* Each byte comes in 16 bits: its high nibble goes first, its low one after. */
static inline void hex_encode8(char *dst, const uint8_t *src)
{
    uint8x16_t wide = from16(vmovl_u8(vld1_u8((const uint8_t *)(src))));
    uint8x16_t nibbles = vandq_u8(vorrq_u8(from16(vshrq_n_u16(to16(wide), 4)),
        from16(vshlq_n_u16(to16(wide), 8))), vdupq_n_u8(0xf));
    uint8x16_t result = look_up(hex_digits, nibbles);
    vst1q_u8((uint8_t *)(dst), result);
}

static void hex_encode(char *dst, const uint8_t *src, size_t n)
{
    if (n >= 8) {
        for (size_t i = 0; i < n - 8; i += 8)
            hex_encode8(dst + 2 * i, src + i);
        hex_encode8(dst + 2 * (n - 8), src + (n - 8));
        return;
    }
    otlite_kernels_scalar.hex_encode(dst, src, n);
}

/* Two digits a byte. */
static inline uint8x16_t hex_decode8(uint8_t *dst, const char *src)
{
    uint8x16_t text = vld1q_u8((const uint8_t *)(src));
    uint8x16_t digit = vsubq_u8(text, vdupq_n_u8(0x30));
    uint8x16_t letter = vsubq_u8(text, vdupq_n_u8(0x61));
    uint8x16_t is_digit = vcleq_u8(digit, vdupq_n_u8(0x9));
    uint8x16_t value = vbslq_u8(is_digit, digit, vaddq_u8(letter, vdupq_n_u8(0xa)));
    uint8x16_t result = from16(vorrq_u16(vshlq_n_u16(to16(value), 4), vshrq_n_u16(to16(value), 8)));
    vst1_u8(dst, vmovn_u16(to16(result)));
    return vorrq_u8(is_digit, vcleq_u8(letter, vdupq_n_u8(0x5)));
}

static int hex_decode(uint8_t *dst, const char *src, size_t n)
{
    if (n >= 8) {
        uint8x16_t good = vdupq_n_u8(255);
        for (size_t i = 0; i < n - 8; i += 8)
            good = vandq_u8(good, hex_decode8(dst + i, src + 2 * i));
        good = vandq_u8(good, hex_decode8(dst + (n - 8), src + 2 * (n - 8)));
        return either_half(vmvnq_u8(good)) == 0 ? 0 : -1;
    }
    return otlite_kernels_scalar.hex_decode(dst, src, n);
}

/* Not zero at a fault: Keiser and Lemire, 2021 (described.py). */
static inline uint8x16_t utf8_valid_prefix_faults(uint8x16_t before, uint8x16_t now)
{
    uint8x16_t back1 = vextq_u8(before, now, 16 - 1);
    uint8x16_t back2 = vextq_u8(before, now, 16 - 2);
    uint8x16_t back3 = vextq_u8(before, now, 16 - 3);
    uint8x16_t by_high = look_up(first_high, vshrq_n_u8(back1, 4));
    uint8x16_t by_low = look_up(first_low, vandq_u8(back1, vdupq_n_u8(0xf)));
    uint8x16_t by_second = look_up(second_high, vshrq_n_u8(now, 4));
    uint8x16_t pair = vandq_u8(vandq_u8(by_high, by_low), by_second);
    uint8x16_t third = vqsubq_u8(back2, vdupq_n_u8(0x60));
    uint8x16_t fourth = vqsubq_u8(back3, vdupq_n_u8(0x70));
    uint8x16_t due = vandq_u8(vorrq_u8(third, fourth), vdupq_n_u8(0x80));
    return veorq_u8(pair, due);
}

static size_t utf8_valid_prefix(const uint8_t *src, size_t n)
{
    const uint8_t *at = src;
    uint8x16_t before = vdupq_n_u8(0);
    if (n < 16) /* short texts are ASCII more often than not */
        otlite_skip_ascii(&at, &n);
    if (n == 0)
        return (size_t)(at - src);

    for (;; at += 16, n -= 16) {
        uint8x16_t now; /* zeros after the end show a character that is cut */
        now = vdupq_n_u8(0);
        if (n < 16)
            memcpy(&now, at, n);
        else
            now = vld1q_u8((const uint8_t *)(at));
        if ((either_half(vorrq_u8(before, now)) & UINT64_C(0x8080808080808080)) != 0) {
            uint8x16_t faults = utf8_valid_prefix_faults(before, now);
            if (either_half(faults) != 0)
                break;
        }
        if (n < 16)
            return (size_t)(at - src) + n;
        before = now;
    }
    return otlite_utf8_valid_prefix_from(src, at, n);
}

/* A bit for each that is equal. */
static uint32_t tag16_match(const uint8_t tags[16], uint8_t tag)
{
    return bits(vceqq_u8(vld1q_u8((const uint8_t *)(tags)), vdupq_n_u8(tag)));
}

static size_t latin1_to_utf8(uint8_t *dst, const uint8_t *src, size_t n)
{
    uint8_t *out = dst;
    for (; n >= 16; src += 16, n -= 16) {
        uint8x16_t a = vld1q_u8((const uint8_t *)(src));

        if (either_half(vandq_u8(a, vdupq_n_u8(0x80))) != 0) {
            out += otlite_kernels_scalar.latin1_to_utf8(out, src, 16);
        } else {
            vst1q_u8((uint8_t *)(out), a);
            out += 16;
        }
    }
    return (size_t)(out - dst) + otlite_kernels_scalar.latin1_to_utf8(out, src, n);
}

static size_t ucs2_to_utf8(uint8_t *dst, const uint16_t *src, size_t n)
{
    uint8_t *out = dst;
    for (; n >= 16; src += 16, n -= 16) {
        uint8x16_t a = vld1q_u8((const uint8_t *)(src));
        uint8x16_t b = vld1q_u8((const uint8_t *)(src + 8));
        uint8x16_t beyond = vandq_u8(vorrq_u8(a, b), from16(vdupq_n_u16(0xff80)));
        if (either_half(beyond) != 0) {
            out += otlite_kernels_scalar.ucs2_to_utf8(out, src, 16);
        } else {
            vst1q_u8((uint8_t *)(out), vcombine_u8(vmovn_u16(to16(a)), vmovn_u16(to16(b))));
            out += 16;
        }
    }
    return (size_t)(out - dst) + otlite_kernels_scalar.ucs2_to_utf8(out, src, n);
}

static size_t ucs4_to_utf8(uint8_t *dst, const uint32_t *src, size_t n)
{
    uint8_t *out = dst;
    for (; n >= 16; src += 16, n -= 16) {
        uint8x16_t a = vld1q_u8((const uint8_t *)(src));
        uint8x16_t b = vld1q_u8((const uint8_t *)(src + 4));
        uint8x16_t c = vld1q_u8((const uint8_t *)(src + 8));
        uint8x16_t d = vld1q_u8((const uint8_t *)(src + 12));
        uint8x16_t beyond = vandq_u8(vorrq_u8(vorrq_u8(vorrq_u8(a, b), c), d),
            vreinterpretq_u8_u32(vdupq_n_u32(0xffffff80)));
        uint8x16_t low = from16(vcombine_u16(vmovn_u32(to32(a)), vmovn_u32(to32(b))));
        if (either_half(beyond) != 0) {
            out += otlite_kernels_scalar.ucs4_to_utf8(out, src, 16);
        } else {
            vst1q_u8((uint8_t *)(out), vcombine_u8(vmovn_u16(to16(low)),
                vmovn_u16(to16(from16(vcombine_u16(vmovn_u32(to32(c)), vmovn_u32(to32(d))))))));
            out += 16;
        }
    }
    return (size_t)(out - dst) + otlite_kernels_scalar.ucs4_to_utf8(out, src, n);
}

#if defined(__arm__) && !defined(__clang__)
#pragma GCC pop_options
#endif

const struct otlite_kernels otlite_kernels_neon = {
    .name = "neon",
    .needs = OTLITE_CPU_NEON,
    .latin1_to_utf8 = latin1_to_utf8,
    .ucs2_to_utf8 = ucs2_to_utf8,
    .ucs4_to_utf8 = ucs4_to_utf8,
    .utf8_valid_prefix = utf8_valid_prefix,
    .hex_encode = hex_encode,
    .hex_decode = hex_decode,
    .tag16_match = tag16_match,
};

#endif
