/* kernels_scalar.c - the kernels in plain C: the reference for every other table */

#include <string.h>

#include "kernels.h"

/* The top bits of eight bytes, in any byte order. */
#define HIGH_BITS UINT64_C(0x8080808080808080)

static uint64_t load64(const void *src)
{
    uint64_t word;
    memcpy(&word, src, sizeof word);
    return word;
}

/* ---- To UTF-8 ---- */

/* One byte or two, without a branch: which bytes are ASCII is often unpredictable. */
static uint8_t *put_latin1(uint8_t *out, uint8_t c)
{
    out[0] = c < 0x80 ? c : (uint8_t)(0xc0 | c >> 6);
    out[1] = 0x80 | (c & 0x3f);
    return out + 1 + (c >> 7);
}

static size_t latin1_to_utf8(uint8_t *dst, const uint8_t *src, size_t n)
{
    uint8_t *out = dst;
    size_t i = 0;

    for (; n - i >= 8; i += 8) {
        uint64_t word = load64(src + i);
        if ((word & HIGH_BITS) == 0) {
            memcpy(out, &word, 8);
            out += 8;
        } else {
            for (size_t k = 0; k < 8; k++)
                out = put_latin1(out, src[i + k]);
        }
    }
    for (; i < n; i++)
        out = put_latin1(out, src[i]);
    return (size_t)(out - dst);
}

static uint8_t *put_code_point(uint8_t *out, uint32_t c)
{
    if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
        c = 0xfffd;

    if (c < 0x80) {
        *out++ = (uint8_t)c;
    } else if (c < 0x800) {
        *out++ = (uint8_t)(0xc0 | c >> 6);
        *out++ = (uint8_t)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (uint8_t)(0xe0 | c >> 12);
        *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (c & 0x3f));
    } else {
        *out++ = (uint8_t)(0xf0 | c >> 18);
        *out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (c & 0x3f));
    }
    return out;
}

static size_t ucs2_to_utf8(uint8_t *dst, const uint16_t *src, size_t n)
{
    uint8_t *out = dst;
    size_t i = 0;

    for (; n - i >= 4; i += 4) {
        const uint16_t *u = src + i;
        if (((u[0] | u[1] | u[2] | u[3]) & ~0x7f) == 0) {
            for (size_t k = 0; k < 4; k++)
                *out++ = (uint8_t)u[k];
        } else {
            for (size_t k = 0; k < 4; k++)
                out = put_code_point(out, u[k]);
        }
    }
    for (; i < n; i++)
        out = put_code_point(out, src[i]);
    return (size_t)(out - dst);
}

static size_t ucs4_to_utf8(uint8_t *dst, const uint32_t *src, size_t n)
{
    uint8_t *out = dst;
    for (size_t i = 0; i < n; i++)
        out = put_code_point(out, src[i]);
    return (size_t)(out - dst);
}

/* ---- UTF-8 validation ---- */

/* The length of the sequence at src, 0 if it is not well formed (Unicode 15, table 3-7). */
static size_t sequence(const uint8_t *src, size_t n)
{
    uint8_t lead = src[0], least = 0x80, most = 0xbf;
    size_t length;

    if (lead < 0x80)
        return 1;
    if (lead < 0xc2)
        return 0;
    if (lead < 0xe0) {
        length = 2;
    } else if (lead < 0xf0) {
        length = 3;
        if (lead == 0xe0)
            least = 0xa0; /* below: fits two bytes */
        else if (lead == 0xed)
            most = 0x9f; /* above: a surrogate */
    } else if (lead < 0xf5) {
        length = 4;
        if (lead == 0xf0)
            least = 0x90; /* below: fits three bytes */
        else if (lead == 0xf4)
            most = 0x8f; /* above: over 0x10FFFF */
    } else {
        return 0;
    }

    if (n < length || src[1] < least || src[1] > most)
        return 0;
    for (size_t k = 2; k < length; k++)
        if ((src[k] & 0xc0) != 0x80)
            return 0;
    return length;
}

static size_t utf8_valid_prefix(const uint8_t *src, size_t n)
{
    size_t i = 0;
    while (i < n) {
        if (n - i >= 8 && (load64(src + i) & HIGH_BITS) == 0) {
            i += 8;
            continue;
        }
        size_t length = sequence(src + i, n - i);
        if (length == 0)
            break;
        i += length;
    }
    return i;
}

/* ---- Hexadecimal ---- */

static void hex_encode(char *dst, const uint8_t *src, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        dst[2 * i] = digits[src[i] >> 4];
        dst[2 * i + 1] = digits[src[i] & 15];
    }
}

/* A digit's value + 1; 0 for what is no lower-case digit. */
static const uint8_t digit_values[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static int hex_decode(uint8_t *dst, const char *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned high = digit_values[(uint8_t)src[2 * i]];
        unsigned low = digit_values[(uint8_t)src[2 * i + 1]];
        if (high == 0 || low == 0)
            return -1;
        dst[i] = (uint8_t)((high - 1) << 4 | (low - 1));
    }
    return 0;
}

/* ---- CRC-32C, eight bytes a step ----
 *
 * tables[s][b] is the CRC of byte b followed by s zero bytes. A CRC is linear: the entry of b is
 * the exclusive or of those of its bits. So eight constants give a table of 256: BITS1 lists the
 * sums of none and of the first, and each further level repeats the one below with one more
 * constant added. The constant of bit k in table s is x^(8s + 39 - k) mod P, bit-reversed as
 * everything here.
 */

#define BITS1(v, a) (v), (v) ^ (a)
#define BITS2(v, a, b) BITS1(v, a), BITS1((v) ^ (b), a)
#define BITS3(v, a, b, c) BITS2(v, a, b), BITS2((v) ^ (c), a, b)
#define BITS4(v, a, b, c, d) BITS3(v, a, b, c), BITS3((v) ^ (d), a, b, c)
#define BITS5(v, a, b, c, d, e) BITS4(v, a, b, c, d), BITS4((v) ^ (e), a, b, c, d)
#define BITS6(v, a, b, c, d, e, f) BITS5(v, a, b, c, d, e), BITS5((v) ^ (f), a, b, c, d, e)
#define BITS7(v, a, b, c, d, e, f, g) BITS6(v, a, b, c, d, e, f), BITS6((v) ^ (g), a, b, c, d, e, f)
#define SUMS(a, b, c, d, e, f, g, h) BITS7(0u, a, b, c, d, e, f, g), BITS7(h, a, b, c, d, e, f, g)

static const uint32_t tables[8][256] = {
    {SUMS(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc,
          0x82f63b78)},
    {SUMS(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604,
          0xfbc3faf9)},
    {SUMS(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9,
          0x8b277743)},
    {SUMS(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7,
          0x52a0c93f)},
    {SUMS(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae,
          0x6ea2d55c)},
    {SUMS(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb,
          0x1c08b7d6)},
    {SUMS(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a,
          0xf56e0ef4)},
    {SUMS(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32,
          0x34019664)},
};

static uint32_t load32_le(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t crc32c(uint32_t crc, const void *src, size_t n)
{
    const uint8_t *p = src;
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t low = crc ^ load32_le(p), high = load32_le(p + 4);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
              tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
    }
    while (n--)
        crc = crc >> 8 ^ tables[0][(crc ^ *p++) & 0xff];
    return ~crc;
}

/* ---- Tags ---- */

static uint32_t tag16_match(const uint8_t tags[16], uint8_t tag)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < 16; i++)
        found |= (uint32_t)(tags[i] == tag) << i;
    return found;
}

const struct otlite_kernels otlite_kernels_scalar = {
    .name = "scalar",
    .needs = 0,
    .latin1_to_utf8 = latin1_to_utf8,
    .ucs2_to_utf8 = ucs2_to_utf8,
    .ucs4_to_utf8 = ucs4_to_utf8,
    .utf8_valid_prefix = utf8_valid_prefix,
    .hex_encode = hex_encode,
    .hex_decode = hex_decode,
    .crc32c = crc32c,
    .tag16_match = tag16_match,
};
