/* crc32c_x86.c - CRC-32C by SSE4.2's instruction and PCLMUL
 *
 * The instruction takes three cycles, and one can start each cycle: three neighbouring strides run
 * side by side. Each of the first two CRCs is then moved past the strides after it, multiplied by
 * x^(8 * distance) mod P. The carry-less product of two bit-reversed numbers is one bit low, and a
 * CRC of it moves it by 32 more, so the constants are x^(8 * distance - 33) mod P, bit-reversed.
 */

#include "kernels.h"

#if defined(OTLITE_CPU_X86)

#include <immintrin.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("sse4.2,pclmul"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("sse4.2,pclmul")
#endif

static inline uint64_t load64(const uint8_t *src)
{
    uint64_t word;
    memcpy(&word, src, sizeof word);
    return word;
}

static inline __m128i multiply(uint64_t crc, uint32_t factor)
{
    return _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)factor),
                                0);
}

static inline uint64_t three_strides(uint64_t crc, const uint8_t *p, size_t stride, uint32_t past2,
                                     uint32_t past1)
{
    uint64_t second = 0, third = 0;
    for (size_t i = 0; i < stride; i += 8) {
        crc = _mm_crc32_u64(crc, load64(p + i));
        second = _mm_crc32_u64(second, load64(p + stride + i));
        third = _mm_crc32_u64(third, load64(p + 2 * stride + i));
    }
    __m128i moved = _mm_xor_si128(multiply(crc, past2), multiply(second, past1));
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(moved)) ^ third;
}

static uint32_t crc32c(uint32_t start, const void *src, size_t n)
{
    const uint8_t *p = src;
    uint64_t crc = ~start; /* the top half stays zero */
    for (; n >= 3 * 256; p += 3 * 256, n -= 3 * 256)
        crc = three_strides(crc, p, 256, 0xdd7e3b0c, 0xb9e02b86);
    for (; n >= 3 * 64; p += 3 * 64, n -= 3 * 64)
        crc = three_strides(crc, p, 64, 0x0d3b6092, 0x9e4addf8);
    for (; n >= 8; p += 8, n -= 8)
        crc = _mm_crc32_u64(crc, load64(p));
    for (; n > 0; p++, n--)
        crc = _mm_crc32_u8((uint32_t)crc, *p);
    return ~(uint32_t)crc;
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const struct otlite_kernels otlite_kernels_crc = {
    .name = "crc",
    .needs = OTLITE_CPU_SSE42 | OTLITE_CPU_PCLMUL,
    .crc32c = crc32c,
};

#endif
