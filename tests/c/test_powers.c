/* test_powers.c - the powers of ten that doubles are written by, against those of long division
 *
 * Includes decimal.c, which keeps them to itself.
 */
#include "check.h"

#define otlite_put_decimal put_decimal /* beside the library's */
#define otlite_put_double put_double
#include "encode/decimal.c"

enum { WORDS = 36 /* 10^324 and a bit more */ };

struct whole {
    uint32_t words[WORDS]; /* the least first */
};

static void times(struct whole *number, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < WORDS; i++) {
        carry += (uint64_t)number->words[i] * factor;
        number->words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    CHECK_EQUAL(carry, 0);
}

/* Takes `other` off where it is not the larger. */
static bool take_off(struct whole *number, const struct whole *other)
{
    struct whole less;
    uint64_t borrow = 0;
    for (int i = 0; i < WORDS; i++) {
        uint64_t word = (uint64_t)number->words[i] - other->words[i] - borrow;
        less.words[i] = (uint32_t)word;
        borrow = word >> 63;
    }
    if (borrow == 0)
        *number = less;
    return borrow == 0;
}

/* The first 128 bits of 10^k, rounded up: a bit at a time, of the number itself or of one through it. */
static struct words2 power_by_bits(int k)
{
    struct whole ten = {{1}}, rest = {{1}};
    struct words2 bits = {0, 0};
    int taken = 0, at = 32 * WORDS - 1;
    bool more = false;
    for (int i = 0; i < (k < 0 ? -k : k); i++)
        times(&ten, 10);
    while (taken < 128 || (k >= 0 && at >= 0)) {
        bool bit;
        if (k < 0) {
            times(&rest, 2);
            bit = take_off(&rest, &ten);
        } else {
            bit = at >= 0 && (ten.words[at / 32] >> at % 32 & 1) != 0;
            at--;
        }
        if (taken == 128) {
            more |= bit;
        } else if (taken != 0 || bit) {
            bits.high = bits.high << 1 | bits.low >> 63;
            bits.low = bits.low << 1 | bit;
            taken++;
        }
    }
    for (int i = 0; i < WORDS && k < 0; i++)
        more |= rest.words[i] != 0;
    bits.low += more;
    bits.high += more && bits.low == 0;
    return bits;
}

static void test_powers_of_ten(void)
{
    for (int k = -292; k <= 324; k++) {
        struct words2 known = power_by_bits(k), found = power_of_ten(k);
        CHECK(found.high == known.high && found.low == known.low);
    }
}

int main(void)
{
    RUN(test_powers_of_ten);
    return check_end();
}
