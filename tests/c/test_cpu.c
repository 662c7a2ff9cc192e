/* test_cpu.c - the facts about this machine are right, and the chosen table follows from them */

#include <string.h>

#include "check.h"
#include "cpu/kernels.h"
#include "otlite.h"

static const uint32_t features[] = {
    OTLITE_CPU_SSSE3,    OTLITE_CPU_SSE41,       OTLITE_CPU_SSE42,    OTLITE_CPU_POPCNT,
    OTLITE_CPU_PCLMUL,   OTLITE_CPU_AVX2,        OTLITE_CPU_BMI2,     OTLITE_CPU_AVX512F,
    OTLITE_CPU_AVX512BW, OTLITE_CPU_AVX512DQ,    OTLITE_CPU_AVX512VL, OTLITE_CPU_AVX512VBMI,
    OTLITE_CPU_NEON,     OTLITE_CPU_AVX512VBMI2,
};
#define FEATURES (sizeof features / sizeof features[0])

static void features_are_single_named_bits(void)
{
    uint32_t seen = 0;
    size_t named = 0;

    for (size_t i = 0; i < FEATURES; i++) {
        CHECK(features[i] != 0 && (features[i] & (features[i] - 1)) == 0);
        CHECK((seen & features[i]) == 0);
        seen |= features[i];
        CHECK(otlite_cpu_feature_name(features[i]) != NULL);
        for (size_t k = 0; k < i; k++)
            CHECK(
                strcmp(otlite_cpu_feature_name(features[i]), otlite_cpu_feature_name(features[k])));
    }
    for (unsigned bit = 0; bit < 32; bit++)
        named += otlite_cpu_feature_name(UINT32_C(1) << bit) != NULL;
    CHECK(named == FEATURES);
    CHECK(otlite_cpu_feature_name(0) == NULL);
    CHECK(otlite_cpu_feature_name(OTLITE_CPU_AVX2 | OTLITE_CPU_SSE42) == NULL);
    CHECK((otlite_cpu_features() & ~seen) == 0);
}

/* The compiler's run-time library asks the processor too. */
static void facts_are_those_the_compiler_finds(void)
{
#if defined(__x86_64__)
    uint32_t expected = 0;
    __builtin_cpu_init();
#define ASK(name, bit) expected |= __builtin_cpu_supports(name) ? (uint32_t)(bit) : 0
    ASK("ssse3", OTLITE_CPU_SSSE3);
    ASK("sse4.1", OTLITE_CPU_SSE41);
    ASK("sse4.2", OTLITE_CPU_SSE42);
    ASK("popcnt", OTLITE_CPU_POPCNT);
    ASK("pclmul", OTLITE_CPU_PCLMUL);
    ASK("avx2", OTLITE_CPU_AVX2);
    ASK("bmi2", OTLITE_CPU_BMI2);
    ASK("avx512f", OTLITE_CPU_AVX512F);
    ASK("avx512bw", OTLITE_CPU_AVX512BW);
    ASK("avx512dq", OTLITE_CPU_AVX512DQ);
    ASK("avx512vl", OTLITE_CPU_AVX512VL);
    ASK("avx512vbmi", OTLITE_CPU_AVX512VBMI);
    ASK("avx512vbmi2", OTLITE_CPU_AVX512VBMI2);
    CHECK(otlite_cpu_features() == expected);
#elif defined(__aarch64__)
    CHECK(otlite_cpu_features() == OTLITE_CPU_NEON);
#else
    CHECK(otlite_cpu_features() == 0);
#endif
}

static bool runs(const struct otlite_kernels *table)
{
    return (otlite_cpu_features() & table->needs) == table->needs;
}

static void list_is_whole_and_ends_with_scalar(void)
{
    size_t n = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n);

    CHECK(n >= 1 && strcmp(list[n - 1]->name, "scalar") == 0 && list[n - 1]->needs == 0);
#if defined(__x86_64__)
    CHECK(n >= 2 && strcmp(list[n - 2]->name, "avx2") == 0 && list[n - 2]->needs != 0);
#endif
    for (size_t i = 0; i < n; i++) {
        CHECK(list[i]->latin1_to_utf8 && list[i]->ucs2_to_utf8 && list[i]->ucs4_to_utf8);
        CHECK(list[i]->utf8_valid_prefix && list[i]->hex_encode && list[i]->hex_decode);
        CHECK(list[i]->crc32c && list[i]->tag16_match);
        for (size_t k = 0; k < i; k++)
            CHECK(strcmp(list[i]->name, list[k]->name) != 0);
    }
}

static void unknown_names_change_nothing(void)
{
    static const char *const names[] = {"", "sse", "AVX2", "avx", "avx22", "scalar ", " scalar"};
    const struct otlite_kernels *before = otlite_kernels_active();
    const struct otlite_kernels *chosen = before;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK(otlite_kernels_select(names[i]) == -1);
        CHECK(otlite_kernels_active() == before);
        CHECK(otlite_kernels_choose(names[i], UINT32_MAX, &chosen) == -1 && chosen == before);
    }
}

static void names_force_a_table_or_the_best_below(void)
{
    size_t n = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n);

    for (size_t i = 0; i < n; i++) {
        size_t expected = i;
        while (!runs(list[expected]))
            expected++;
        CHECK(otlite_kernels_select(list[i]->name) == (expected != i));
        CHECK(otlite_kernels_active() == list[expected]);
        CHECK(strcmp(otlite_kernels_name(), list[expected]->name) == 0);
    }

    size_t best = 0;
    while (!runs(list[best]))
        best++;
    CHECK(otlite_kernels_select(NULL) == 0 && otlite_kernels_active() == list[best]);
}

/* Of other machines than this one. */
static void tables_are_chosen_with_all_they_need(void)
{
    size_t n = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n), *chosen = NULL;
    const struct otlite_kernels *scalar = list[n - 1];

    CHECK(otlite_kernels_choose(NULL, UINT32_MAX, &chosen) == 0 && chosen == list[0]);
    CHECK(otlite_kernels_choose(NULL, 0, &chosen) == 0 && chosen == scalar);
    CHECK(otlite_kernels_choose("scalar", UINT32_MAX, &chosen) == 0 && chosen == scalar);
    CHECK(otlite_kernels_choose("avx2", 0, &chosen) == 1 && chosen == scalar);

    for (size_t i = 0; i + 1 < n; i++) {
        CHECK(otlite_kernels_choose(list[i]->name, list[i]->needs, &chosen) == 0);
        CHECK(chosen == list[i]);
        for (unsigned bit = 0; bit < 32; bit++) {
            uint32_t missing = list[i]->needs & UINT32_C(1) << bit;
            if (missing == 0)
                continue;
            CHECK(otlite_kernels_choose(list[i]->name, ~missing, &chosen) == 1 &&
                  chosen != list[i]);
            CHECK(otlite_kernels_choose(NULL, ~missing, &chosen) == 0 && chosen != list[i]);
        }
    }
}

static void scalar_runs_before_selection(void)
{
    CHECK(strcmp(otlite_kernels_active()->name, "scalar") == 0);
    CHECK(strcmp(otlite_kernels_name(), "scalar") == 0);
}

int main(void)
{
    RUN(scalar_runs_before_selection); /* first: the others select */
    RUN(features_are_single_named_bits);
    RUN(facts_are_those_the_compiler_finds);
    RUN(list_is_whole_and_ends_with_scalar);
    RUN(unknown_names_change_nothing);
    RUN(names_force_a_table_or_the_best_below);
    RUN(tables_are_chosen_with_all_they_need);
    return check_end();
}
