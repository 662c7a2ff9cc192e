/* fuzz_kernels.c - each kernel of each table that runs here gives what the scalar one gives */
#include "cpu/kernels.h"
#include "fuzz.h"

enum { TABLES_MAX = 8 };
static struct otlite_kernels tables[TABLES_MAX];
static uint32_t table_count;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    size_t count;
    uint32_t features = otlite_cpu_features();
    const struct otlite_kernels *const *list = otlite_kernels_list(&count);
    for (size_t i = 0; i < count; i++)
        if (otlite_kernels_choose(list[i]->name, features, &tables[table_count]) == 0)
            fprintf(stderr, "table %s\n", tables[table_count++].name);
    REQUIRE(table_count > 0 && table_count <= TABLES_MAX);
    return 0;
}

/* What one kernel made of the input, in a buffer of just the room that it is promised. */
struct outcome {
    uint64_t returned;
    size_t written;
    uint8_t *bytes;
};

typedef struct outcome kernel(const struct otlite_kernels *table, const void *src, size_t n,
                              uint32_t extra);

#define KERNEL(name, room, call, size)                                                             \
    static struct outcome run_##name(const struct otlite_kernels *k, const void *src, size_t n,    \
                                     uint32_t extra)                                               \
    {                                                                                              \
        uint8_t *dst = malloc((room)*n);                                                           \
        if (dst == NULL)                                                                           \
            abort();                                                                               \
        uint64_t returned = (uint64_t)(call);                                                      \
        (void)extra;                                                                               \
        return (struct outcome){returned, size, dst};                                              \
    }

KERNEL(latin1_to_utf8, 2, k->latin1_to_utf8(dst, src, n), returned)
KERNEL(ucs2_to_utf8, 3, k->ucs2_to_utf8(dst, src, n), returned)
KERNEL(ucs4_to_utf8, 4, k->ucs4_to_utf8(dst, src, n), returned)
KERNEL(utf8_valid_prefix, 0, k->utf8_valid_prefix(src, n), 0)
KERNEL(hex_encode, 2, (k->hex_encode((char *)dst, src, n), 0), 2 * n)
KERNEL(hex_decode, 1, k->hex_decode(dst, src, n), returned == 0 ? n : 0)
KERNEL(crc32c, 0, k->crc32c(extra, src, n), 0)
KERNEL(tag16_match, 0, k->tag16_match(src, (uint8_t)extra), 0)

/* In the order of OTLITE_KERNELS: bytes a unit read. */
static const struct {
    kernel *run;
    uint32_t reads;
} kernels[] = {
    {run_latin1_to_utf8, 1}, {run_ucs2_to_utf8, 2},
    {run_ucs4_to_utf8, 4},   {run_utf8_valid_prefix, 1},
    {run_hex_encode, 1},     {run_hex_decode, 2},
    {run_crc32c, 1},         {run_tag16_match, 1},
};
enum { UTF8_VALID_PREFIX = 3, HEX_DECODE = 5, TAG16_MATCH = 7, KERNELS = 8, LONGEST = 700 };

/* Some or all of it is made likely for the kernel: ASCII, digits, or text as the scalar table writes it. */
static size_t shape(uint32_t which, uint32_t way, uint8_t *bytes, size_t size)
{
    static uint8_t text[4 * LONGEST];
    static uint32_t units[LONGEST / 4 + 1];
    uint32_t width = kernels[which].reads;
    if (which == HEX_DECODE && way > 0) {
        for (size_t i = 0; i < size; i++)
            if (way == 1 || bytes[i] < 0xf0)
                bytes[i] = (uint8_t) "0123456789abcdef"[bytes[i] & 15];
    } else if (which == UTF8_VALID_PREFIX && way > 1) {
        memcpy(units, bytes, size / 4 * 4);
        for (size_t i = 0; i < size / 4; i++)
            units[i] &= way == 2 ? 0xffff : 0x1fffff;
        size_t written = otlite_kernels_scalar.ucs4_to_utf8(text, units, size / 4);
        size = written < size ? written : size; /* may cut the last one */
        memcpy(bytes, text, size);
    } else if (way == 1) {
        for (size_t i = 0; i < size; i++)
            bytes[i] = i % width == 0 ? bytes[i] & 0x7f : 0;
    } else if (way == 2 && width == 4) {
        for (size_t i = 0; i < size; i++)
            bytes[i] = i % 4 < 2 ? bytes[i] : 0;
    } else if (way == 3 && width == 4) {
        for (size_t i = 0; i < size; i++)
            bytes[i] = i % 4 < 2 ? bytes[i] : i % 4 == 2 ? bytes[i] & 0x1f : 0;
    }
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[LONGEST];
    struct source source = source_of(data, size);
    uint32_t which = take_below(&source, KERNELS), way = take_below(&source, 4);
    uint32_t repeat = 1 + take_below(&source, 8), extra = (uint32_t)take_number(&source);
    size_t length = 0;

    for (size_t left = (size_t)(source.end - source.at); repeat > 0 && left > 0; repeat--) {
        size_t part = left < LONGEST - length ? left : LONGEST - length;
        memcpy(bytes + length, source.at, part);
        length += part;
    }
    length = shape(which, way, bytes, length);
    size_t n = length / kernels[which].reads;
    if (which == TAG16_MATCH) {
        memset(bytes + length, 0, length < 16 ? 16 - length : 0);
        n = 16;
    }
    void *src = exact_copy(bytes, n * kernels[which].reads);
    struct outcome right = kernels[which].run(&otlite_kernels_scalar, src, n, extra);
    for (uint32_t i = 0; i < table_count; i++) {
        struct outcome mine = kernels[which].run(&tables[i], src, n, extra);
        if (mine.returned != right.returned)
            fprintf(stderr, "kernel %u of %s returned otherwise\n", which, tables[i].name);
        REQUIRE(mine.returned == right.returned);
        REQUIRE(right.written == 0 || memcmp(mine.bytes, right.bytes, right.written) == 0);
        free(mine.bytes);
    }
    free(right.bytes);
    free(src);
    return 0;
}
