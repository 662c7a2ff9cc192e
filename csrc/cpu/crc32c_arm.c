/* crc32c_arm.c - CRC-32C by Arm's instruction
 *
 * One chain: a word a step. (Strides side by side, as on x86, need a carry-less product of 64 bits,
 * which the processors of many boards have not.)
 */

#include "kernels.h"

#if defined(OTLITE_CPU_ARM)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("crc"))), apply_to = function)
#elif defined(__aarch64__)
#pragma GCC push_options
#pragma GCC target("+crc")
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8-a+crc+simd")
#endif

#include <string.h>

/* As arm_acle.h has them: GCC's own, for 32 bits, does not compile where the whole build has no CRC. */
#if defined(__clang__)
#define crc32cb __builtin_arm_crc32cb
#define crc32cw __builtin_arm_crc32cw
#define crc32cd __builtin_arm_crc32cd
#elif defined(__aarch64__)
#define crc32cb __builtin_aarch64_crc32cb
#define crc32cw __builtin_aarch64_crc32cw
#define crc32cd __builtin_aarch64_crc32cx
#else
#define crc32cb __builtin_arm_crc32cb
#define crc32cw __builtin_arm_crc32cw
#endif

static uint32_t crc32c(uint32_t crc, const void *src, size_t n)
{
    const uint8_t *p = src;
    crc = ~crc;
#if defined(__aarch64__)
    for (uint64_t word; n >= 8; p += 8, n -= 8) {
        memcpy(&word, p, 8);
        crc = crc32cd(crc, word);
    }
#endif
    for (uint32_t word; n >= 4; p += 4, n -= 4) {
        memcpy(&word, p, 4);
        crc = crc32cw(crc, word);
    }
    for (; n > 0; p++, n--)
        crc = crc32cb(crc, *p);
    return ~crc;
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct otlite_kernels otlite_kernels_crc = {
    .name = "crc",
    .needs = OTLITE_CPU_CRC32,
    .crc32c = crc32c,
};

#endif
