/* decimal.c - integers and doubles as text
 *
 * Doubles by Raffaello Giulietti, "The Schubfach way to render doubles" (2020), section 9 in Alexander Bolz's
 * form, which asks for one digit less where one will do (5e-324). Integers only, so that no rounding mode and no
 * x87 register has a say.
 */
#include <stdbool.h>
#include <string.h>

#include "encode/decimal.h"

/* ---- Integers ---- */

static uint32_t digits_of(uint64_t value)
{
    uint32_t digits = 1;
    for (; value >= 10000; value /= 10000)
        digits += 4;
    return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

static void put_digits(uint8_t *at, uint32_t digits, uint64_t value)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    for (; digits >= 2; digits -= 2, value /= 100)
        memcpy(at + digits - 2, pairs + 2 * (value % 100), 2);
    if (digits != 0)
        at[0] = (uint8_t)('0' + value);
}

uint8_t *otlite_put_decimal(uint8_t *at, uint64_t value)
{
    uint32_t digits = digits_of(value);
    put_digits(at, digits, value);
    return at + digits;
}

/* ---- Powers of ten ---- */

struct words2 {
    uint64_t high, low;
};

/* By halves: not every target has a product of 128 bits. */
static struct words2 multiply(uint64_t a, uint64_t b)
{
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t low = a0 * b0, middle = a1 * b0 + (low >> 32), other = a0 * b1 + (uint32_t)middle;
    return (struct words2){a1 * b1 + (middle >> 32) + (other >> 32), other << 32 | (uint32_t)low};
}

enum { POWER_STEP = 28, POWER_FIRST = -11 * POWER_STEP, POWER_EXACT = 55 };

/* The first 192 bits of each 28th power of ten, the least 10^-308. */
static const uint64_t powers[][3] = {
    {0xe61acf033d1a45df, 0x6fb92487298e33bd, 0xadd7728c20b99bd1}, /* -308 */
    {0xe858ad248f5c22c9, 0xd1b3400f8f9cff68, 0xf910f9f648232f14}, /* -280 */
    {0xea9c227723ee8bcb, 0x465e15a979c1cadc, 0x0a0ce827eac11f2d}, /* -252 */
    {0xece53cec4a314ebd, 0xa4f8bf5635246428, 0x4609ac5c7899ca36}, /* -224 */
    {0xef340a98172aace4, 0x86fb897116c87c34, 0x9c39c1da4c49278d}, /* -196 */
    {0xf18899b1bc3f8ca1, 0xdc44e6c3cb279ac1, 0xf80f36174730ca34}, /* -168 */
    {0xf3e2f893dec3f126, 0x5a89dba3c3efccfa, 0xd8ecb58659be9c90}, /* -140 */
    {0xf64335bcf065d37d, 0x4d4617b5ff4a16d5, 0xaa09501d5954a559}, /* -112 */
    {0xf8a95fcf88747d94, 0x75a44c6397ce912a, 0x33cca6c06b07b74d}, /* -84 */
    {0xfb158592be068d2e, 0xeed6e2f0f0d56712, 0xac2e4f162cfad40a}, /* -56 */
    {0xfd87b5f28300ca0d, 0x8bca9d6e188853fc, 0x76dcb60081ce0fa5}, /* -28 */
    {0x8000000000000000, 0x0000000000000000, 0x0000000000000000}, /* 0 */
    {0x813f3978f8940984, 0x4000000000000000, 0x0000000000000000}, /* 28 */
    {0x82818f1281ed449f, 0xbff8f10e7a8921a4, 0x2000000000000000}, /* 56 */
    {0x83c7088e1aab65db, 0x792667c6da79e0fa, 0x0861d3ee22d1cc53}, /* 84 */
    {0x850fadc09923329e, 0x03e2cf6bc604ddb0, 0x74a7ef0198791097}, /* 112 */
    {0x865b86925b9bc5c2, 0x0b8a2392ba45a9b2, 0x5c6658d409fb8bf7}, /* 140 */
    {0x87aa9aff79042286, 0x90fb44d2f05d0842, 0xfb118fc9c217a1d2}, /* 168 */
    {0x88fcf317f22241e2, 0x441fece3bdf81f03, 0x12f274928400100d}, /* 196 */
    {0x8a5296ffe33cc92f, 0x82bd6b70d99aaa6f, 0xbc10c5c5cda97c8d}, /* 224 */
    {0x8bab8eefb6409c1a, 0x1ad089b6c2f7548e, 0x25c7b885ba466e37}, /* 252 */
    {0x8d07e33455637eb2, 0xdb0b487b6423e1e8, 0x7ec63730f500b406}, /* 280 */
    {0x8e679c2f5e44ff8f, 0x570f09eaa7ea7648, 0x5961db50c6d2b886}, /* 308 */
};

static const uint64_t powers_of_five[POWER_STEP] = {
    1u,
    5u,
    25u,
    125u,
    625u,
    3125u,
    15625u,
    78125u,
    390625u,
    1953125u,
    9765625u,
    48828125u,
    244140625u,
    1220703125u,
    6103515625u,
    30517578125u,
    152587890625u,
    762939453125u,
    3814697265625u,
    19073486328125u,
    95367431640625u,
    476837158203125u,
    2384185791015625u,
    11920928955078125u,
    59604644775390625u,
    298023223876953125u,
    1490116119384765625u,
    7450580596923828125u,
};

/* The first 128 bits of 10^k, rounded up; k is -292 to 324. Of 192 bits times a power of five, the first 128 are
 * those of the exact power for each of these k; up to 10^55 there are no more. */
static struct words2 power_of_ten(int k)
{
    int step = (k - POWER_FIRST) / POWER_STEP;
    const uint64_t *power = powers[step];
    uint64_t five = powers_of_five[k - POWER_FIRST - step * POWER_STEP];
    struct words2 high = multiply(power[0], five), middle = multiply(power[1], five);
    struct words2 low = multiply(power[2], five);
    middle.low += low.high;
    middle.high += middle.low < low.high;
    high.low += middle.high;
    high.high += high.low < middle.high;
    /* high.high, high.low, middle.low: 5^0 leaves the first word empty */
    if (high.high == 0) {
        high = (struct words2){high.low, middle.low};
    } else {
        int shift = __builtin_clzll(high.high);
        if (shift != 0) {
            high.high = high.high << shift | high.low >> (64 - shift);
            high.low = high.low << shift | middle.low >> (64 - shift);
        }
    }
    if (k < 0 || k > POWER_EXACT)
        high.low++; /* of none of these all ones */
    return high;
}

/* ---- Doubles ---- */

struct decimal {
    uint64_t digits;
    int exponent;
};

/* The first 64 bits of power * scaled / 2^64, its last bit set where more would follow ("round to odd"). */
static uint64_t scale(struct words2 power, uint64_t scaled)
{
    struct words2 low = multiply(power.low, scaled), high = multiply(power.high, scaled);
    high.low += low.high;
    high.high += high.low < low.high;
    return high.high | (high.low > 1);
}

/* Floors of q * log10(2), of that plus log10(3/4), and of k * log2(10): exact for every exponent of a double. */
static int floor_shift(int value, int bits)
{
    return value >= 0 ? value >> bits : -((-value + (1 << bits) - 1) >> bits);
}

/* The shortest decimal in the interval that rounds to significand * 2^exponent, its nearer neighbour below at a
 * quarter of a unit where `narrow`. */
static struct decimal shortest(uint64_t significand, int exponent, bool narrow)
{
    int k = floor_shift(exponent * 1262611 - (narrow ? 524031 : 0), 22);
    int shift = exponent + floor_shift(-k * 1741647, 19) + 1;
    struct words2 power = power_of_ten(-k);
    uint64_t lower = scale(power, (4 * significand - 2 + narrow) << shift);
    uint64_t value = scale(power, 4 * significand << shift);
    uint64_t upper = scale(power, (4 * significand + 2) << shift);
    if (significand % 2 != 0) { /* the bounds of the interval round to the even neighbour */
        lower++;
        upper--;
    }
    uint64_t units = value / 4, tens = units / 10;
    if (units >= 10) {
        bool below = lower <= 40 * tens, above = 40 * tens + 40 <= upper;
        if (below != above)
            return (struct decimal){tens + above, k + 1};
    }
    bool below = lower <= 4 * units, above = 4 * units + 4 <= upper;
    if (below != above)
        return (struct decimal){units + above, k};
    uint64_t middle = 4 * units + 2;
    return (struct decimal){units + (value > middle || (value == middle && units % 2 != 0)), k};
}

enum { FRACTION_BITS = 52, EXPONENT_MAX = 0x7ff, EXPONENT_BIAS = 1023 + FRACTION_BITS };

static struct decimal decimal_of(uint64_t bits)
{
    uint64_t fraction = bits & ((UINT64_C(1) << FRACTION_BITS) - 1);
    int biased = (int)(bits >> FRACTION_BITS & EXPONENT_MAX);
    if (biased == 0)
        return fraction == 0 ? (struct decimal){0, 0}
                             : shortest(fraction, 1 - EXPONENT_BIAS, false);
    uint64_t significand = fraction | UINT64_C(1) << FRACTION_BITS;
    int exponent = biased - EXPONENT_BIAS;
    bool whole = exponent <= 0 && exponent >= -FRACTION_BITS &&
                 (significand & ((UINT64_C(1) << -exponent) - 1)) == 0;
    if (whole)
        return (struct decimal){significand >> -exponent, 0};
    return shortest(significand, exponent, fraction == 0 && biased > 1);
}

static uint8_t *put_exponent(uint8_t *at, int exponent)
{
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    uint32_t size = (uint32_t)(exponent < 0 ? -exponent : exponent);
    if (size >= 100)
        return otlite_put_decimal(at, size);
    put_digits(at, 2, size);
    return at + 2;
}

static uint8_t *put_zeros(uint8_t *at, int count)
{
    memset(at, '0', (size_t)count);
    return at + count;
}

uint8_t *otlite_put_double(uint8_t *at, uint64_t bits)
{
    struct decimal decimal = decimal_of(bits);
    uint8_t text[20];
    int digits = (int)(otlite_put_decimal(text, decimal.digits) - text);
    int point = digits + decimal.exponent; /* digits before the point */
    while (digits > 1 && text[digits - 1] == '0')
        digits--;
    if (bits >> 63 != 0)
        *at++ = '-';
    if (point > 16 || point <= -4) {
        *at++ = text[0];
        if (digits > 1) {
            *at++ = '.';
            memcpy(at, text + 1, (size_t)digits - 1);
            at += digits - 1;
        }
        return put_exponent(at, point - 1);
    }
    int before = point < 0 ? 0 : point < digits ? point : digits;
    if (before == 0)
        *at++ = '0';
    memcpy(at, text, (size_t)before);
    at = put_zeros(at + before, point > digits ? point - digits : 0);
    *at++ = '.';
    if (before == digits) {
        *at++ = '0';
        return at;
    }
    at = put_zeros(at, point < 0 ? -point : 0);
    memcpy(at, text + before, (size_t)(digits - before));
    return at + (digits - before);
}
