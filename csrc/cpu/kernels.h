/* kernels.h - the kernel tables, what each promises, and the facts by which one is chosen.
 *
 * A table is a named list of functions for one instruction set. detect.c says what this machine
 * has, policy.c which tables are worth using. Most are written by generate.py from one description
 * (docs/kernels.md); what is faster by hand stands beside it, in a file for each instruction set.
 */
#ifndef OTLITE_CPU_KERNELS_H
#define OTLITE_CPU_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where tables beside the scalar one are built. 32-bit Arm: where the compiler can be told of NEON
 * for a function, or has it for all. */
#if defined(__x86_64__)
#define OTLITE_CPU_X86 1
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define OTLITE_CPU_ARM 1
#elif defined(__ARM_ARCH) && __ARM_ARCH >= 7 && defined(__ARMEL__) && defined(__ARM_FP) &&         \
    (defined(__ARM_NEON) || !defined(__clang__))
#define OTLITE_CPU_ARM 1
#endif

enum otlite_cpu_feature {
    OTLITE_CPU_SSSE3 = 1 << 0,
    OTLITE_CPU_SSE41 = 1 << 1,
    OTLITE_CPU_SSE42 = 1 << 2,
    OTLITE_CPU_POPCNT = 1 << 3,
    OTLITE_CPU_PCLMUL = 1 << 4,
    OTLITE_CPU_AVX2 = 1 << 5,
    OTLITE_CPU_BMI2 = 1 << 6,
    OTLITE_CPU_AVX512F = 1 << 7,
    OTLITE_CPU_AVX512BW = 1 << 8,
    OTLITE_CPU_AVX512DQ = 1 << 9,
    OTLITE_CPU_AVX512VL = 1 << 10,
    OTLITE_CPU_AVX512VBMI = 1 << 11,
    OTLITE_CPU_AVX512VBMI2 = 1 << 12,
    OTLITE_CPU_NEON = 1 << 13,
    OTLITE_CPU_CRC32 = 1 << 14, /* Arm's */
};

/* Every function may be called from any thread, and keeps no state. No buffer may overlap another.
 * None reads outside the n units at src, nor writes outside the room that is stated; what it writes
 * past its result, within that room, is unspecified. n may be 0, and a pointer then anything.
 *
 * In a table of the list a function is NULL where that instruction set has nothing better than the
 * tables after it; in one that was chosen, none is. */
struct otlite_kernels {
    const char *name; /* "scalar", "avx2" */
    uint32_t needs;   /* OTLITE_CPU_ bits, all of them */

    /* n code units to UTF-8; the bytes written. dst has room for 2n, 3n, 4n bytes. Every surrogate
     * is a lone one (CPython never pairs them), and becomes U+FFFD; so does a unit above 0x10FFFF.
     */
    size_t (*latin1_to_utf8)(uint8_t *dst, const uint8_t *src, size_t n);
    size_t (*ucs2_to_utf8)(uint8_t *dst, const uint16_t *src, size_t n);
    size_t (*ucs4_to_utf8)(uint8_t *dst, const uint32_t *src, size_t n);

    /* The length of the longest prefix that is whole, valid UTF-8: n when all of it is. */
    size_t (*utf8_valid_prefix)(const uint8_t *src, size_t n);

    /* n bytes to 2n lower-case digits, without a NUL. */
    void (*hex_encode)(char *dst, const uint8_t *src, size_t n);
    /* n bytes from 2n digits, lower case only as traceparent demands. 0, or -1 at any other
     * character; dst is then unspecified. */
    int (*hex_decode)(uint8_t *dst, const char *src, size_t n);

    /* CRC-32C (Castagnoli) of what gave `crc` (0 at the start) followed by these n bytes. */
    uint32_t (*crc32c)(uint32_t crc, const void *src, size_t n);

    /* Bit i is set where tags[i] == tag. */
    uint32_t (*tag16_match)(const uint8_t tags[16], uint8_t tag);
};

/* X(name) for each of these functions. */
#define OTLITE_KERNELS(X)                                                                          \
    X(latin1_to_utf8)                                                                              \
    X(ucs2_to_utf8)                                                                                \
    X(ucs4_to_utf8)                                                                                \
    X(utf8_valid_prefix)                                                                           \
    X(hex_encode)                                                                                  \
    X(hex_decode)                                                                                  \
    X(crc32c)                                                                                      \
    X(tag16_match)

/* The reference. Every build has it, every machine runs it, and it has every function. */
extern const struct otlite_kernels otlite_kernels_scalar;

/* The table in use, never NULL: the scalar one before otlite_kernels_select (otlite.h). */
const struct otlite_kernels *otlite_kernels_active(void);

/* Every table in this build, best first, runnable here or not; scalar is the last. */
const struct otlite_kernels *const *otlite_kernels_list(size_t *n);

/* What otlite_kernels_select chooses on a machine with these features, and its result: 0, 1 or -1.
 * Each function is that of the first table, from the named one on, that has it and runs there; a
 * table of another architecture stands for all of this one's. On -1 *chosen is left alone. */
int otlite_kernels_choose(const char *name, uint32_t features, struct otlite_kernels *chosen);

/* The features that this machine has and its operating system has enabled. Asks the processor anew
 * at each call, which a hypervisor may make slow. */
uint32_t otlite_cpu_features(void);

/* "avx2" for OTLITE_CPU_AVX2; NULL for anything that is not exactly one known bit. */
const char *otlite_cpu_feature_name(uint32_t bit);

#endif
