/* test_kernels.c - every kernel of every table that runs here gives what an oracle gives, and
 * touches nothing outside its buffers
 *
 * Every table meets the same inputs, so those that equal the oracle equal the scalar one. Every
 * check is first run on a kernel with a planted fault, and must find it.
 */

#include "guard.h"

#include <string.h>

#include "check.h"
#include "cpu/kernels.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SCALAR otlite_kernels_scalar

/* None, a few, and around each width that a vector, a stride or a page may have. */
static const size_t lengths[] = {
    0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   15,  16,  17,  23,  24,   25,   31,   32,
    33,  47,  48,  49,  63,  64,  65,  95,  96,  97,  127, 128, 129, 191, 192,  193,  255,  256,
    257, 383, 384, 385, 511, 512, 513, 767, 768, 769, 959, 960, 961, 962, 4095, 4096, 4097,
};
#define LONGEST 4097
#define SHORT_ENOUGH 65 /* to try something at every place */

static struct guard input, output;
static uint8_t expected[4 * LONGEST + 8];
static uint32_t units[LONGEST];
static bool quiet; /* a planted fault is being looked for */

static const uint64_t seed = 88172645463325252;
static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) % below);
}

/* Where all would take a minute, a sixteenth of the bytes that are no edge of a range. */
static bool passed_over(uint32_t byte)
{
    return check_emulated() && (byte & 0x0f) != 0 && (byte & 0x0f) != 0x0f && draw(16) != 0;
}

static bool wrong_at(const struct otlite_kernels *k, const char *what, size_t n, size_t detail)
{
    if (!quiet)
        fprintf(stderr, "%s: %s is wrong at length %zu (%#zx)\n", k->name, what, n, detail);
    return false;
}

/* ---- To UTF-8 ---- */

static size_t oracle_put(uint8_t *dst, uint32_t c)
{
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length; i-- > 1; c >>= 6)
        dst[i] = (uint8_t)(0x80 + c % 64);
    dst[0] = (uint8_t)(marks[length] + c);
    return length;
}

static bool has_utf8(uint32_t c)
{
    return c < 0xd800 || (c > 0xdfff && c <= 0x10ffff);
}

/* The first n of `units`, cut to `width` bytes, with the room that is promised and no more. */
static bool encodes_units(const struct otlite_kernels *k, size_t width, enum guard_side side,
                          size_t n, size_t detail)
{
    const uint32_t mask = width == 1 ? 0xff : width == 2 ? 0xffff : 0xffffffff;
    void *src = guard_place(input, side, n * width);
    uint8_t *dst = guard_place(output, side, n * (width == 1 ? 2 : width == 2 ? 3 : 4));
    size_t expected_size = 0, size;

    for (size_t i = 0; i < n; i++) {
        uint32_t c = units[i] & mask;
        expected_size += oracle_put(expected + expected_size, has_utf8(c) ? c : 0xfffd);
        if (width == 1)
            ((uint8_t *)src)[i] = (uint8_t)c;
        else if (width == 2)
            ((uint16_t *)src)[i] = (uint16_t)c;
        else
            ((uint32_t *)src)[i] = c;
    }
    size = width == 1   ? k->latin1_to_utf8(dst, src, n)
           : width == 2 ? k->ucs2_to_utf8(dst, src, n)
                        : k->ucs4_to_utf8(dst, src, n);
    return (size == expected_size && memcmp(dst, expected, size) == 0) ||
           wrong_at(k, "to UTF-8", n, detail);
}

enum mix { ASCII, FIFTH_LATIN1, SHORT, FIFTH_ANY, ANY, LARGEST, MIXES };

static uint32_t draw_unit(enum mix mix)
{
    static const uint32_t below[] = {0x80, 0x800, 0x10000, 0x110000, UINT32_MAX};
    switch (mix) {
    case ASCII:
        return draw(0x80);
    case FIFTH_LATIN1:
        return draw(5) ? draw(0x80) : 0x80 + draw(0x80);
    case SHORT:
        return draw(0x800);
    case FIFTH_ANY:
        return draw(5) ? draw(0x80) : draw_unit(ANY);
    case ANY:
        return draw(8) ? draw(below[draw(COUNT(below))]) : 0xd800 + draw(0x800);
    default:
        return 0x10ffff;
    }
}

static bool every_mix_at_every_length(const struct otlite_kernels *k, size_t width)
{
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (unsigned round = 0; round < 8 * MIXES; round++) {
            for (size_t i = 0; i < lengths[l]; i++)
                units[i] = draw_unit(round / 2 % MIXES);
            if (!encodes_units(k, width, round % GUARD_SIDES, lengths[l], round))
                return false;
        }
    return true;
}

/* The first and last of each range, the surrogates among them. */
static bool every_edge_at_every_place(const struct otlite_kernels *k, size_t width)
{
    static const uint32_t edges[] = {
        0,       0x7f,    0x80,    0xff,     0x100,    0x7ff,    0x800,      0xfff,      0x1000,
        0xd7ff,  0xd800,  0xdbff,  0xdc00,   0xdfff,   0xe000,   0xfffd,     0xffff,     0x10000,
        0x3ffff, 0x40000, 0xfffff, 0x100000, 0x10ffff, 0x110000, 0x7fffffff, 0x80000000, 0xffffffff,
    };
    for (size_t l = 0; lengths[l] <= SHORT_ENOUGH; l++)
        for (size_t place = 0; place < lengths[l]; place++)
            for (size_t e = 0; e < COUNT(edges); e++) {
                for (size_t i = 0; i < lengths[l]; i++)
                    units[i] = 'a' + i % 16;
                units[place] = edges[e];
                if (!encodes_units(k, width, GUARD_BEFORE, lengths[l], edges[e]) ||
                    !encodes_units(k, width, GUARD_AFTER, lengths[l], edges[e]))
                    return false;
            }
    return true;
}

static bool every_value(const struct otlite_kernels *k, size_t width)
{
    const uint32_t values = width == 1 ? 0x100 : width == 2 ? 0x10000 : 0x111000;
    const uint32_t n = width == 1 ? 0x100 : 0x1000;
    for (uint32_t first = 0; first < values; first += n) {
        for (uint32_t i = 0; i < n; i++)
            units[i] = first + i;
        if (!encodes_units(k, width, GUARD_AFTER, n, first))
            return false;
    }
    return true;
}

static bool encodes(const struct otlite_kernels *k, size_t width)
{
    return every_mix_at_every_length(k, width) && every_edge_at_every_place(k, width) &&
           every_value(k, width);
}

static bool latin1_to_utf8(const struct otlite_kernels *k)
{
    return k->latin1_to_utf8(NULL, NULL, 0) == 0 && encodes(k, 1);
}

static bool ucs2_to_utf8(const struct otlite_kernels *k)
{
    return k->ucs2_to_utf8(NULL, NULL, 0) == 0 && encodes(k, 2);
}

static bool ucs4_to_utf8(const struct otlite_kernels *k)
{
    return k->ucs4_to_utf8(NULL, NULL, 0) == 0 && encodes(k, 4);
}

/* ---- UTF-8 validation ---- */

/* Decodes a character, then asks whether it would have been written so. 0: not well formed. */
static size_t oracle_character(const uint8_t *src, size_t n)
{
    uint8_t again[4];
    size_t length = 0; /* the ones at the top of the lead byte, 0 for ASCII */
    while (length < 8 && src[0] >> (7 - length) & 1)
        length++;
    if (length == 0)
        return 1;
    if (length == 1 || length > 4 || length > n)
        return 0;

    uint32_t c = src[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (src[i] >> 6 != 2)
            return 0;
        c = c * 64 + src[i] % 64;
    }
    return has_utf8(c) && oracle_put(again, c) == length ? length : 0;
}

static size_t oracle_prefix(const uint8_t *src, size_t n)
{
    size_t i = 0, length = 1;
    while (i < n && length > 0)
        i += length = oracle_character(src + i, n - i);
    return i;
}

static bool mutated_texts(const struct otlite_kernels *k)
{
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (unsigned round = 0; round < 200; round++) {
            size_t n = lengths[l], size = 0;
            uint8_t *src = guard_place(input, round % GUARD_SIDES, n);
            while (size < n) { /* the last character may be cut: one more case */
                uint32_t c = draw_unit(round / 2 % MIXES);
                size += oracle_put(expected + size, has_utf8(c) ? c : 0xfffd);
            }
            memcpy(src, expected, n);
            for (unsigned mutations = n ? draw(3) : 0; mutations > 0; mutations--)
                src[draw((uint32_t)n)] = (uint8_t)draw(256);
            if (k->utf8_valid_prefix(src, n) != oracle_prefix(src, n))
                return wrong_at(k, "utf8_valid_prefix", n, round);
        }
    return true;
}

/* The bytes alone, then within ASCII, inside a vector and across the end of one. */
static bool finds_prefix(const struct otlite_kernels *k, const uint8_t *bytes, size_t size)
{
    static const size_t offsets[] = {13, 29, 30, 31};
    uint8_t *src = guard_place(input, GUARD_AFTER, size), followed[5];
    memcpy(src, bytes, size);
    if (k->utf8_valid_prefix(src, size) != oracle_prefix(src, size))
        return wrong_at(k, "utf8_valid_prefix", size, bytes[0]);

    memcpy(followed, bytes, size);
    followed[size] = 'a';
    size_t prefix = oracle_prefix(followed, size + 1);
    src = guard_place(input, GUARD_AFTER, 64);
    for (size_t o = 0; o < COUNT(offsets); o++) {
        memset(src, 'a', 64);
        memcpy(src + offsets[o], bytes, size);
        if (k->utf8_valid_prefix(src, 64) != (prefix > size ? 64 : offsets[o] + prefix))
            return wrong_at(k, "utf8_valid_prefix", offsets[o], bytes[0]);
    }
    return true;
}

/* All sequences of one to three bytes; 0 stands for every ASCII byte that comes first. */
static bool every_short_sequence(const struct otlite_kernels *k)
{
    for (uint32_t s = 0; s < 1u << 24; s = s == 0xffff ? 0x800000 : s + 1) {
        if (passed_over(s) || passed_over(s >> 8))
            continue;
        const uint8_t bytes[3] = {(uint8_t)(s >> 16), (uint8_t)(s >> 8), (uint8_t)s};
        for (size_t size = (s & 0xffff) == 0 ? 1 : (s & 0xff) == 0 ? 2 : 3; size <= 3; size++)
            if (!finds_prefix(k, bytes, size))
                return false;
    }
    return true;
}

static bool sequences_of_four(const struct otlite_kernels *k)
{
    static const uint8_t edges[] = {0, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (unsigned lead = 0xe0; lead < 0x100; lead++)
        for (unsigned second = 0; second < 0x100; second++) {
            if (passed_over(second))
                continue;
            for (size_t i = 0; i < COUNT(edges) * COUNT(edges); i++) {
                const uint8_t bytes[4] = {(uint8_t)lead, (uint8_t)second, edges[i / COUNT(edges)],
                                          edges[i % COUNT(edges)]};
                if (!finds_prefix(k, bytes, 4))
                    return false;
            }
        }
    return true;
}

static bool utf8_valid_prefix(const struct otlite_kernels *k)
{
    return k->utf8_valid_prefix(NULL, 0) == 0 && mutated_texts(k) && every_short_sequence(k) &&
           sequences_of_four(k);
}

/* ---- Hexadecimal ---- */

static const char digits[] = "0123456789abcdef";

static bool hex_encode(const struct otlite_kernels *k)
{
    k->hex_encode(NULL, NULL, 0);
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (unsigned round = 0; round < 16; round++) {
            size_t n = lengths[l];
            uint8_t *src = guard_place(input, round % GUARD_SIDES, n);
            char *dst = guard_place(output, round % GUARD_SIDES, 2 * n);
            for (size_t i = 0; i < n; i++) {
                src[i] = (uint8_t)(round < 2 ? i : draw(256));
                snprintf((char *)expected + 2 * i, 3, "%02x", src[i]);
            }
            k->hex_encode(dst, src, n);
            if (memcmp(dst, expected, 2 * n) != 0)
                return wrong_at(k, "hex_encode", n, round);
        }
    return true;
}

static bool decodes(const struct otlite_kernels *k, enum guard_side side, const char *src, size_t n)
{
    uint8_t *dst = guard_place(output, side, n);
    int result = 0;
    for (size_t i = 0; i < n; i++) {
        const char *high = memchr(digits, src[2 * i], 16),
                   *low = memchr(digits, src[2 * i + 1], 16);
        if (high && low)
            expected[i] = (uint8_t)((high - digits) * 16 + (low - digits));
        else
            result = -1;
    }
    return k->hex_decode(dst, src, n) == result && (result != 0 || memcmp(dst, expected, n) == 0);
}

static bool hex_decode(const struct otlite_kernels *k)
{
    if (k->hex_decode(NULL, NULL, 0) != 0)
        return wrong_at(k, "hex_decode", 0, 0);
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (unsigned round = 0; round < 16; round++) {
            size_t n = lengths[l];
            char *src = guard_place(input, round % GUARD_SIDES, 2 * n);
            for (size_t i = 0; i < 2 * n; i++)
                src[i] = digits[draw(16)];
            if (!decodes(k, round % GUARD_SIDES, src, n))
                return wrong_at(k, "hex_decode", n, round);
            if (n > SHORT_ENOUGH || round >= GUARD_SIDES)
                continue;
            for (size_t place = 0; place < 2 * n; place++) {
                char right = src[place];
                for (unsigned any = 0; any < 256; any++) {
                    src[place] = (char)any;
                    if (!decodes(k, round % GUARD_SIDES, src, n))
                        return wrong_at(k, "hex_decode", n, any);
                }
                src[place] = right;
            }
        }
    return true;
}

/* ---- CRC-32C ---- */

/* The remainder as in the definition, a bit at a time. */
static uint32_t oracle_crc32c(uint32_t crc, const uint8_t *src, size_t n)
{
    crc = ~crc;
    for (size_t i = 0; i < 8 * n; i++) {
        uint32_t bit = (crc ^ (uint32_t)src[i / 8] >> i % 8) & 1;
        crc = crc >> 1 ^ (bit ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* The check value of the catalogue, and the vectors of RFC 3720, B.4. */
static bool published_crcs(const struct otlite_kernels *k)
{
    uint8_t zeros[32] = {0}, ones[32], up[32], down[32];
    for (size_t i = 0; i < 32; i++) {
        ones[i] = 0xff;
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    return k->crc32c(0, "123456789", 9) == 0xe3069283 && k->crc32c(0, zeros, 32) == 0x8a9136aa &&
           k->crc32c(0, ones, 32) == 0x62a8ab43 && k->crc32c(0, up, 32) == 0x46dd794e &&
           k->crc32c(0, down, 32) == 0x113fdb5c && k->crc32c(0x12345678, NULL, 0) == 0x12345678;
}

static bool crc32c(const struct otlite_kernels *k)
{
    if (!published_crcs(k))
        return wrong_at(k, "crc32c of a published vector", 0, 0);
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (unsigned round = 0; round < 8; round++) {
            size_t n = lengths[l], cut = draw((uint32_t)n + 1);
            uint8_t *src = guard_place(input, round % GUARD_SIDES, n);
            uint32_t start = round < 2 ? 0 : draw(UINT32_MAX);
            for (size_t i = 0; i < n; i++)
                src[i] = (uint8_t)draw(256);
            uint32_t crc = oracle_crc32c(start, src, n);
            if (k->crc32c(start, src, n) != crc)
                return wrong_at(k, "crc32c", n, start);
            if (k->crc32c(k->crc32c(start, src, cut), src + cut, n - cut) != crc)
                return wrong_at(k, "crc32c in two parts", n, cut);
        }
    return true;
}

/* ---- Tags ---- */

static bool tag16_match(const struct otlite_kernels *k)
{
    for (uint32_t set = 0; set < 1u << 16; set++) {
        uint8_t *tags = guard_place(input, set % GUARD_SIDES, 16);
        uint8_t tag = (uint8_t)draw(256);
        for (unsigned i = 0; i < 16; i++)
            tags[i] = set >> i & 1 ? tag : (uint8_t)(tag + 1 + draw(255));
        if (k->tag16_match(tags, tag) != set)
            return wrong_at(k, "tag16_match", 16, set);
    }
    return true;
}

static bool (*const checks[])(const struct otlite_kernels *) = {
    latin1_to_utf8, ucs2_to_utf8, ucs4_to_utf8, utf8_valid_prefix,
    hex_encode,     hex_decode,   crc32c,       tag16_match,
};

static void every_kernel_of_every_table(void)
{
    size_t n = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n);
    const char *only = getenv("OTLP_LITE_CPU");
    for (size_t i = 0; i < n; i++) {
        struct otlite_kernels whole;
        bool runs = otlite_kernels_choose(list[i]->name, otlite_cpu_features(), &whole) == 0;
        if (only != NULL && strcmp(only, list[i]->name) != 0)
            continue;
        printf("table %s%s\n", list[i]->name, runs ? "" : ": this machine cannot run it");
        for (size_t c = 0; runs && c < COUNT(checks); c++) {
            random_state = seed;
            CHECK(checks[c](&whole));
        }
    }
}

/* ---- Planted faults ---- */

static size_t wrong_latin1(uint8_t *dst, const uint8_t *src, size_t n)
{
    size_t size = SCALAR.latin1_to_utf8(dst, src, n);
    if (n == 33)
        dst[size - 1] ^= 1;
    return size;
}

static size_t wrong_ucs2(uint8_t *dst, const uint16_t *src, size_t n)
{
    size_t size = SCALAR.ucs2_to_utf8(dst, src, n);
    if (n == SHORT_ENOUGH && src[n - 1] == 0xdfff)
        dst[size - 1] = 0xbf;
    return size;
}

static size_t wrong_ucs4(uint8_t *dst, const uint32_t *src, size_t n)
{
    size_t size = SCALAR.ucs4_to_utf8(dst, src, n);
    if (n > 0x123 && src[0x123] == 0xd123)
        dst[size / 2] ^= 1;
    return size;
}

static size_t wrong_prefix(const uint8_t *src, size_t n)
{
    bool planted = n == 64 && memcmp(src + 31, "\xed\xa0\x80", 3) == 0;
    return planted ? n : SCALAR.utf8_valid_prefix(src, n);
}

static void wrong_hex_encode(char *dst, const uint8_t *src, size_t n)
{
    SCALAR.hex_encode(dst, src, n);
    if (n > 0 && dst[2 * n - 1] == 'f')
        dst[2 * n - 1] = 'F';
}

static int wrong_hex_decode(uint8_t *dst, const char *src, size_t n)
{
    return n == 17 && src[33] == 'A' ? 0 : SCALAR.hex_decode(dst, src, n);
}

static uint32_t wrong_crc32c(uint32_t crc, const void *src, size_t n)
{
    return SCALAR.crc32c(crc, src, n) ^ (n == 961);
}

static uint32_t wrong_tag16(const uint8_t tags[16], uint8_t tag)
{
    return SCALAR.tag16_match(tags, tag) & 0x7fff;
}

static void every_check_finds_its_planted_fault(void)
{
    static const struct otlite_kernels wrong = {
        "wrong",          0,
        wrong_latin1,     wrong_ucs2,
        wrong_ucs4,       wrong_prefix,
        wrong_hex_encode, wrong_hex_decode,
        wrong_crc32c,     wrong_tag16,
    };
    quiet = true;
    for (size_t c = 0; c < COUNT(checks); c++) {
        random_state = seed;
        CHECK(!checks[c](&wrong));
    }
    quiet = false;
}

static size_t reads_past_the_end(uint8_t *dst, const uint8_t *src, size_t n)
{
    *(volatile const uint8_t *)(src + n);
    return SCALAR.latin1_to_utf8(dst, src, n);
}

static size_t reads_before_the_start(uint8_t *dst, const uint8_t *src, size_t n)
{
    *(volatile const uint8_t *)(src - 1);
    return SCALAR.latin1_to_utf8(dst, src, n);
}

static size_t writes_past_the_room(uint8_t *dst, const uint8_t *src, size_t n)
{
    *(volatile uint8_t *)(dst + 2 * n) = 0;
    return SCALAR.latin1_to_utf8(dst, src, n);
}

static void run_latin1(void *kernels)
{
    random_state = seed;
    every_mix_at_every_length(kernels, 1);
}

static void any_touch_outside_is_fatal(void)
{
    struct otlite_kernels kernels = SCALAR;
    CHECK(!guard_kills(run_latin1, &kernels));
    kernels.latin1_to_utf8 = reads_past_the_end;
    CHECK(guard_kills(run_latin1, &kernels));
    kernels.latin1_to_utf8 = reads_before_the_start;
    CHECK(guard_kills(run_latin1, &kernels));
    kernels.latin1_to_utf8 = writes_past_the_room;
    CHECK(guard_kills(run_latin1, &kernels));
}

int main(void)
{
    input = guard_make(4 * LONGEST);
    output = guard_make(4 * LONGEST);
    RUN(any_touch_outside_is_fatal);
    RUN(every_check_finds_its_planted_fault);
    RUN(every_kernel_of_every_table);
    guard_free(input);
    guard_free(output);
    return check_end();
}
