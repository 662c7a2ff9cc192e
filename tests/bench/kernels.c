/* kernels.c - times every kernel of every table that runs here, one line of JSON each
 *
 * The tables take turns, round by round, so that a slow moment of the machine falls on all of them.
 * Each round runs over enough different inputs that branches cannot be learnt by heart. n counts
 * units of input for the encoders, bytes of input elsewhere, and bytes of output for hex_decode.
 */

#define _POSIX_C_SOURCE 200809L

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/kernels.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS 25
#define ROUND_NS 50000.0
#define INPUT_BYTES 16384
#define MAX_TABLES 8

static uint32_t input[INPUT_BYTES / 4];
static uint8_t output[4 * INPUT_BYTES];
static volatile size_t sink;

static uint64_t random_state = 88172645463325252;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 32) % below);
}

/* ---- What is measured ---- */

struct walk {
    size_t n, step, end; /* inputs of n units lie `step` bytes apart, up to `end` */
};

/* Calls through the table, as the library does; the sum keeps the calls from being dropped. */
#define SUBJECT(name, call)                                                                        \
    static size_t name(const struct otlite_kernels *k, struct walk walk, size_t calls)             \
    {                                                                                              \
        size_t sum = 0, at = 0;                                                                    \
        for (size_t i = 0; i < calls; i++) {                                                       \
            const void *src = (const uint8_t *)input + at;                                         \
            sum += (size_t)(call);                                                                 \
            at = at + walk.step == walk.end ? 0 : at + walk.step;                                  \
        }                                                                                          \
        return sum;                                                                                \
    }

SUBJECT(latin1, k->latin1_to_utf8(output, src, walk.n))
SUBJECT(ucs2, k->ucs2_to_utf8(output, src, walk.n))
SUBJECT(ucs4, k->ucs4_to_utf8(output, src, walk.n))
SUBJECT(validate, k->utf8_valid_prefix(src, walk.n))
SUBJECT(hex_encode, (k->hex_encode((char *)output, src, walk.n), 0))
SUBJECT(hex_decode, k->hex_decode(output, src, walk.n))
SUBJECT(crc32c, k->crc32c(0, src, walk.n))
SUBJECT(tag16, k->tag16_match(src, (uint8_t)i))

enum fill { ASCII, FIFTH, OTHER, UTF8, BYTES, DIGITS };

static const struct subject {
    const char *kernel, *data;
    size_t (*calls)(const struct otlite_kernels *kernels, struct walk walk, size_t calls);
    enum fill fill;
    size_t unit; /* bytes of input per n */
    size_t sizes[4];
} subjects[] = {
    {"latin1_to_utf8", "20% non-ASCII", latin1, FIFTH, 1, {24, 64, 256, 4096}},
    {"latin1_to_utf8", "100% non-ASCII", latin1, OTHER, 1, {24, 256}},
    {"latin1_to_utf8", "ASCII", latin1, ASCII, 1, {24, 256}},
    {"ucs2_to_utf8", "20% non-ASCII", ucs2, FIFTH, 2, {24, 256}},
    {"ucs2_to_utf8", "100% non-ASCII", ucs2, OTHER, 2, {24, 256}},
    {"ucs2_to_utf8", "ASCII", ucs2, ASCII, 2, {24, 256}},
    {"ucs4_to_utf8", "20% non-ASCII", ucs4, FIFTH, 4, {24, 256}},
    {"ucs4_to_utf8", "100% non-ASCII", ucs4, OTHER, 4, {24, 256}},
    {"ucs4_to_utf8", "ASCII", ucs4, ASCII, 4, {24, 256}},
    {"utf8_valid_prefix", "20% non-ASCII", validate, UTF8, 1, {24, 64, 256, 4096}},
    {"utf8_valid_prefix", "ASCII", validate, ASCII, 1, {24, 256}},
    {"hex_encode", "random", hex_encode, BYTES, 1, {8, 16, 256}},
    {"hex_decode", "valid", hex_decode, DIGITS, 2, {8, 16, 256}},
    {"crc32c", "random", crc32c, BYTES, 1, {16, 64, 200, 4096}},
    {"tag16_match", "random", tag16, BYTES, 1, {16}},
};

/* ---- Inputs ---- */

/* Latin-1: any; UCS-2: accents, Cyrillic and Han; UCS-4: pictographs. */
static uint32_t draw_other(size_t unit)
{
    static const uint32_t first[] = {0xc0, 0x410, 0x4e00};
    if (unit == 1)
        return 0x80 + draw(0x80);
    return unit == 2 ? first[draw(3)] + draw(0x40) : 0x1f300 + draw(0x100);
}

static void put_unit(size_t at, size_t unit, uint32_t c)
{
    if (unit == 1)
        ((uint8_t *)input)[at] = (uint8_t)c;
    else if (unit == 2)
        ((uint16_t *)input)[at] = (uint16_t)c;
    else
        input[at] = c;
}

/* n bytes of valid UTF-8. */
static void put_utf8(uint8_t *dst, size_t n)
{
    uint8_t character[4];
    for (size_t i = 0, size; i < n; i += size) {
        uint32_t c = draw(5) ? draw(0x80) : draw_other(2);
        size = otlite_kernels_scalar.ucs4_to_utf8(character, &c, 1);
        if (size > n - i) {
            character[0] = 'a';
            size = 1;
        }
        memcpy(dst + i, character, size);
    }
}

static void fill_input(const struct subject *subject, size_t n)
{
    for (size_t i = 0; i < INPUT_BYTES / subject->unit; i++) {
        bool other = subject->fill == OTHER || (subject->fill == FIFTH && draw(5) == 0);
        uint32_t c = other ? draw_other(subject->unit) : draw(0x80);
        if (subject->fill == BYTES)
            c = draw(256);
        else if (subject->fill == DIGITS)
            c = (uint8_t) "0123456789abcdef"[draw(16)] * 0x101u;
        put_unit(i, subject->unit, c);
    }
    for (size_t i = 0; subject->fill == UTF8 && i + n <= INPUT_BYTES; i += n)
        put_utf8((uint8_t *)input + i, n);
}

/* ---- Timing ---- */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ns a call, the call and the loop around it included. */
static double time_calls(const struct subject *subject, const struct otlite_kernels *k, size_t n,
                         size_t calls)
{
    struct walk walk = {n, n * subject->unit, 0};
    walk.end = INPUT_BYTES / walk.step * walk.step;
    double start = now_ns();
    sink = subject->calls(k, walk, calls);
    return (now_ns() - start) / (double)calls;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The tables that run here, whole. "crc" is measured as what the others take from it. */
static size_t runnable(struct otlite_kernels runs[MAX_TABLES])
{
    size_t tables = 0, n = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n);

    for (size_t i = 0; i < n && tables < MAX_TABLES; i++)
        if (strcmp(list[i]->name, "crc") != 0)
            tables +=
                otlite_kernels_choose(list[i]->name, otlite_cpu_features(), &runs[tables]) == 0;
    return tables;
}

static void measure(const struct subject *subject, size_t n)
{
    static double rounds[MAX_TABLES][ROUNDS];
    struct otlite_kernels runs[MAX_TABLES];
    size_t tables = runnable(runs), calls[MAX_TABLES];

    fill_input(subject, n);
    for (size_t r = 0; r <= ROUNDS; r++) /* the first finds out how many calls fill a round */
        for (size_t t = 0; t < tables; t++) {
            if (r == 0)
                calls[t] = 1 + (size_t)(ROUND_NS / time_calls(subject, &runs[t], n, 200));
            else
                rounds[t][r - 1] = time_calls(subject, &runs[t], n, calls[t]);
        }

    for (size_t t = 0; t < tables; t++) {
        qsort(rounds[t], ROUNDS, sizeof rounds[t][0], ascending);
        printf("{\"kernel\": \"%s\", \"table\": \"%s\", \"n\": %zu, \"unit_bytes\": %zu, "
               "\"data\": \"%s\", \"ns_best\": %.2f, \"ns_median\": %.2f}\n",
               subject->kernel, runs[t].name, n, subject->unit, subject->data, rounds[t][0],
               rounds[t][ROUNDS / 2]);
    }
}

int main(void)
{
    for (size_t s = 0; s < COUNT(subjects); s++)
        for (size_t i = 0; i < COUNT(subjects[s].sizes) && subjects[s].sizes[i] > 0; i++)
            measure(&subjects[s], subjects[s].sizes[i]);
    return 0;
}
