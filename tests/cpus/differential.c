/* differential.c - random vectors through a table's kernel and the scalar one, where there is no system
 *
 * For bochs.py: an emulated processor runs this from its first instruction on, with no C library, on
 * buffers that end where memory ends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu/kernels.h"

enum { LONGEST = 300 };
enum plant { NOTHING, WRONG_BYTE, READ_PAST_END };

/* What bochs.py writes before, and reads after. */
struct task {
    uint64_t input_end, output_end, expected; /* the room before each end, and from `expected` on */
    uint64_t seed;
    uint32_t kernel, count, plant;
    uint32_t features, lacks; /* what the processor says, and otlite_kernels_choose */
    uint32_t done, wrong;     /* vectors that were equal, and 1 if the next was not */
    char asked[16], table[16];
};

/* ---- What the compiler wants of a C library ---- */

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    void *at = dst;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(src), "+c"(n) : : "memory");
    return dst;
}

void *memset(void *dst, int value, size_t n)
{
    void *at = dst;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(value) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (; n > 0; x++, y++, n--)
        if (*x != *y)
            return *x - *y;
    return 0;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return *a - *b;
}

/* ---- Vectors ---- */

static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) * below >> 32);
}

/* Mostly what a vector or two hold. */
static size_t draw_length(void)
{
    return draw(16) ? draw(50) : draw(LONGEST + 1);
}

static void put_unit(uint8_t *at, size_t i, size_t width, uint32_t c)
{
    if (width == 1)
        at[i] = (uint8_t)c;
    else if (width == 2)
        ((uint16_t *)at)[i] = (uint16_t)c;
    else
        ((uint32_t *)at)[i] = c;
}

/* ASCII, and others here and there: none, some, or nearly all. */
static void fill_units(uint8_t *at, size_t n, size_t width)
{
    static const uint32_t most[] = {0x100, 0x800, 0x10000, 0x110000, UINT32_MAX};
    for (size_t i = 0; i < n; i++)
        put_unit(at, i, width, draw(0x80));
    for (uint32_t others = draw(2) ? draw((uint32_t)n + 1) : draw(4); n > 0 && others > 0;
         others--) {
        uint32_t kind = draw(6), place = draw((uint32_t)n);
        put_unit(at, place, width, kind == 5 ? 0xd7ff + draw(0x802) : draw(most[kind]));
    }
}

/* Valid UTF-8, cut where it ends, with a byte or two changed now and then. */
static void fill_text(uint8_t *at, size_t n)
{
    static uint32_t units[LONGEST];
    static uint8_t text[4 * LONGEST];
    fill_units((uint8_t *)units, n, 4);
    otlite_kernels_scalar.ucs4_to_utf8(text, units, n);
    memcpy(at, text, n);
    for (uint32_t changes = n > 0 && draw(2) ? draw(3) : 0; changes > 0; changes--)
        at[draw((uint32_t)n)] = (uint8_t)draw(256);
}

static void fill_digits(uint8_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t) "0123456789abcdef"[draw(16)];
    if (n > 0 && draw(3) == 0)
        at[draw((uint32_t)n)] = (uint8_t)draw(256);
}

static void fill_bytes(uint8_t *at, size_t n)
{
    uint32_t most = draw(2) ? 256 : 4;
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)draw(most);
}

/* ---- Kernels ---- */

/* What a kernel returned, and how many bytes it wrote. */
struct outcome {
    uint64_t returned;
    size_t written;
};

typedef struct outcome subject(const struct otlite_kernels *k, uint8_t *dst, const void *src,
                               size_t n, uint32_t extra);

#define SUBJECT(name, call, size)                                                                  \
    static struct outcome run_##name(const struct otlite_kernels *k, uint8_t *dst,                 \
                                     const void *src, size_t n, uint32_t extra)                    \
    {                                                                                              \
        uint64_t returned = (uint64_t)(call);                                                      \
        (void)dst, (void)n, (void)extra;                                                           \
        return (struct outcome){returned, size};                                                   \
    }

SUBJECT(latin1_to_utf8, k->latin1_to_utf8(dst, src, n), returned)
SUBJECT(ucs2_to_utf8, k->ucs2_to_utf8(dst, src, n), returned)
SUBJECT(ucs4_to_utf8, k->ucs4_to_utf8(dst, src, n), returned)
SUBJECT(utf8_valid_prefix, k->utf8_valid_prefix(src, n), 0)
SUBJECT(hex_encode, (k->hex_encode((char *)dst, src, n), 0), 2 * n)
SUBJECT(hex_decode, k->hex_decode(dst, src, n), returned == 0 ? n : 0)
SUBJECT(crc32c, k->crc32c(extra, src, n), 0)
SUBJECT(tag16_match, k->tag16_match(src, (uint8_t)extra), 0)

/* In the order of OTLITE_KERNELS: bytes a unit read, and room a unit. */
static const struct {
    subject *run;
    uint32_t reads, room;
} subjects[] = {
    {run_latin1_to_utf8, 1, 2}, {run_ucs2_to_utf8, 2, 3},
    {run_ucs4_to_utf8, 4, 4},   {run_utf8_valid_prefix, 1, 0},
    {run_hex_encode, 1, 2},     {run_hex_decode, 2, 1},
    {run_crc32c, 1, 0},         {run_tag16_match, 1, 0},
};
enum { VALID = 3, DECODE = 5, TAG16 = 7 };

void differential(struct task *task)
{
    struct otlite_kernels table;
    uint32_t kernel = task->kernel, reads = subjects[kernel].reads;
    subject *run = subjects[kernel].run;

    state = task->seed;
    task->features = otlite_cpu_features();
    task->lacks = (uint32_t)otlite_kernels_choose(task->asked, task->features, &table);
    for (size_t i = 0; i < sizeof task->table - 1 && (i == 0 || task->table[i - 1]); i++)
        task->table[i] = table.name[i];
    for (task->done = 0; task->done < task->count; task->done++) {
        size_t n = kernel == TAG16 ? 16 : draw_length();
        uint32_t extra = draw(4) ? draw(4) : draw(UINT32_MAX);
        uint8_t *src = (uint8_t *)task->input_end - reads * n;
        uint8_t *dst = (uint8_t *)task->output_end - subjects[kernel].room * n;
        uint8_t *expected = (uint8_t *)task->expected;
        if (kernel < VALID)
            fill_units(src, n, reads);
        else if (kernel == VALID)
            fill_text(src, n);
        else if (kernel == DECODE)
            fill_digits(src, 2 * n);
        else
            fill_bytes(src, n);

        struct outcome right = run(&otlite_kernels_scalar, expected, src, n, extra);
        struct outcome mine = run(&table, dst, src, n, extra);
        if (task->plant == WRONG_BYTE && task->done > 500)
            mine.returned ^= 1;
        if (task->plant == READ_PAST_END && task->done > 500)
            *(volatile const uint8_t *)task->input_end;
        task->wrong = mine.returned != right.returned || memcmp(dst, expected, right.written) != 0;
        if (task->wrong)
            return;
    }
}
