/* detect.c - which instruction sets this machine has, and its operating system has enabled */

#include "../otlite.h"
#include "counter.h"
#include "kernels.h"

/* Where a feature is reported: of x86 by the processor, of Arm by the operating system. */
enum word { LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, HWCAP, HWCAP2, WORDS };

#if defined(__aarch64__)
enum { NEON_BIT = 1, CRC32_WORD = HWCAP, CRC32_BIT = 7 };
#else
enum { NEON_BIT = 12, CRC32_WORD = HWCAP2, CRC32_BIT = 4 };
#endif

/* Register state that the operating system must save, as bits of XCR0. */
enum os_state { ANY = 0, YMM = 0x06, ZMM = 0xe6 };

static const struct feature {
    uint32_t bit;
    uint8_t word; /* enum word */
    uint8_t shift;
    uint8_t state; /* enum os_state */
    const char *name;
} features[] = {
    {OTLITE_CPU_SSSE3, LEAF1_ECX, 9, ANY, "ssse3"},
    {OTLITE_CPU_SSE41, LEAF1_ECX, 19, ANY, "sse4.1"},
    {OTLITE_CPU_SSE42, LEAF1_ECX, 20, ANY, "sse4.2"},
    {OTLITE_CPU_POPCNT, LEAF1_ECX, 23, ANY, "popcnt"},
    {OTLITE_CPU_PCLMUL, LEAF1_ECX, 1, ANY, "pclmul"},
    {OTLITE_CPU_AVX2, LEAF7_EBX, 5, YMM, "avx2"},
    {OTLITE_CPU_BMI2, LEAF7_EBX, 8, ANY, "bmi2"},
    {OTLITE_CPU_AVX512F, LEAF7_EBX, 16, ZMM, "avx512f"},
    {OTLITE_CPU_AVX512BW, LEAF7_EBX, 30, ZMM, "avx512bw"},
    {OTLITE_CPU_AVX512DQ, LEAF7_EBX, 17, ZMM, "avx512dq"},
    {OTLITE_CPU_AVX512VL, LEAF7_EBX, 31, ZMM, "avx512vl"},
    {OTLITE_CPU_AVX512VBMI, LEAF7_ECX, 1, ZMM, "avx512vbmi"},
    {OTLITE_CPU_AVX512VBMI2, LEAF7_ECX, 6, ZMM, "avx512vbmi2"},
    {OTLITE_CPU_NEON, HWCAP, NEON_BIT, ANY, "neon"},
    {OTLITE_CPU_CRC32, CRC32_WORD, CRC32_BIT, ANY, "crc32"},
};

#define COUNT (sizeof features / sizeof features[0])

const char *otlite_cpu_feature_name(uint32_t bit)
{
    for (size_t i = 0; i < COUNT; i++)
        if (features[i].bit == bit)
            return features[i].name;
    return NULL;
}

#if defined(__x86_64__)

struct registers {
    uint32_t eax, ebx, ecx, edx;
};

/* Our own, for compilers and C libraries whose __builtin_cpu_supports needs a run-time library. */
static struct registers cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct registers r;
    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

static uint32_t xgetbv0(void)
{
    uint32_t eax, edx;
    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

/* Returns the state that the operating system saves. */
static uint32_t read_words(uint32_t words[WORDS])
{
    const uint32_t osxsave_and_avx = 1u << 27 | 1u << 28;
    uint32_t leaves = cpuid(0, 0).eax;

    if (leaves >= 1)
        words[LEAF1_ECX] = cpuid(1, 0).ecx;
    if (leaves >= 7) {
        struct registers r = cpuid(7, 0);
        words[LEAF7_EBX] = r.ebx;
        words[LEAF7_ECX] = r.ecx;
    }
    /* Without OSXSAVE the instruction itself is illegal. */
    return (words[LEAF1_ECX] & osxsave_and_avx) == osxsave_and_avx ? xgetbv0() : 0;
}

bool otlite_cpu_counter_steady(void)
{
    const uint32_t extended = 0x80000000u;
    return cpuid(extended, 0).eax >= extended + 7 && (cpuid(extended + 7, 0).edx >> 8 & 1) != 0;
}

#elif defined(OTLITE_CPU_ARM)

static uint32_t read_words(uint32_t words[WORDS])
{
    words[HWCAP] = otlite_hwcap(false);
    words[HWCAP2] = otlite_hwcap(true);
#if defined(__aarch64__)
    words[HWCAP] |= 1u << NEON_BIT; /* part of the architecture's baseline, whoever is asked */
#endif
    return 0;
}

#else

static uint32_t read_words(uint32_t words[WORDS])
{
    (void)words;
    return 0;
}

#endif

#if !defined(__x86_64__)

bool otlite_cpu_counter_steady(void)
{
    return false; /* counter.h reads none */
}

#endif

uint32_t otlite_cpu_features(void)
{
    uint32_t words[WORDS] = {0}, found = 0;
    uint32_t enabled = read_words(words);

    for (size_t i = 0; i < COUNT; i++) {
        const struct feature *f = &features[i];
        if ((words[f->word] >> f->shift & 1) && (enabled & f->state) == f->state)
            found |= f->bit;
    }
    return found;
}
