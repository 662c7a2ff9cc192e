/* test_cpu.c - the facts about this machine are right, and the chosen table follows from them */

#include <string.h>

#include "check.h"
#include "cpu/kernels.h"
#include "otlite.h"

static const uint32_t features[] = {
    OTLITE_CPU_SSSE3,    OTLITE_CPU_SSE41,       OTLITE_CPU_SSE42,    OTLITE_CPU_POPCNT,
    OTLITE_CPU_PCLMUL,   OTLITE_CPU_AVX2,        OTLITE_CPU_BMI2,     OTLITE_CPU_AVX512F,
    OTLITE_CPU_AVX512BW, OTLITE_CPU_AVX512DQ,    OTLITE_CPU_AVX512VL, OTLITE_CPU_AVX512VBMI,
    OTLITE_CPU_NEON,     OTLITE_CPU_AVX512VBMI2, OTLITE_CPU_CRC32,
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
    CHECK((otlite_cpu_features() & ~(uint32_t)OTLITE_CPU_CRC32) == OTLITE_CPU_NEON);
    CHECK(((otlite_cpu_features() & OTLITE_CPU_CRC32) != 0) == (otlite_hwcap(false) >> 7 & 1));
#elif defined(__arm__)
    uint32_t neon = otlite_hwcap(false) >> 12 & 1 ? OTLITE_CPU_NEON : 0;
    uint32_t crc32 = otlite_hwcap(true) >> 4 & 1 ? OTLITE_CPU_CRC32 : 0;
    CHECK(otlite_cpu_features() == (neon | crc32));
#else
    CHECK(otlite_cpu_features() == 0);
#endif
}

static bool runs(const struct otlite_kernels *table)
{
    return (otlite_cpu_features() & table->needs) == table->needs;
}

static bool is_whole(const struct otlite_kernels *table)
{
#define HAS(kernel) &&table->kernel != NULL
    return true OTLITE_KERNELS(HAS);
}

/* Whether each function is that of the first of the tables that has it and what it needs. */
static bool is_mixed_of(const struct otlite_kernels *table,
                        const struct otlite_kernels *const *list, uint32_t features)
{
    bool same = true;
#define FIRST_OF(kernel)                                                                           \
    {                                                                                              \
        size_t i = 0;                                                                              \
        while (list[i]->kernel == NULL || (features & list[i]->needs) != list[i]->needs)           \
            i++;                                                                                   \
        same = same && table->kernel == list[i]->kernel;                                           \
    }
    OTLITE_KERNELS(FIRST_OF)
    return same;
}

static void list_has_each_name_once_and_ends_with_scalar(void)
{
    size_t n = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n);

    CHECK(n >= 1 && strcmp(list[n - 1]->name, "scalar") == 0 && list[n - 1]->needs == 0);
    CHECK(is_whole(list[n - 1]));
#if defined(__x86_64__)
    CHECK(n == 4 && strcmp(list[0]->name, "avx512") == 0 && strcmp(list[1]->name, "avx2") == 0);
#elif defined(__aarch64__) || defined(__arm__)
    CHECK(n == 3 && strcmp(list[0]->name, "neon") == 0 && strcmp(list[1]->name, "crc") == 0);
#else
    CHECK(n == 1);
#endif
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(list[k]->needs != 0 && strcmp(list[i]->name, list[k]->name) != 0);
}

/* Below VBMI2, AVX-512 slows the processor down. Each other part implies F, but a hypervisor may hide that one alone. */
static void avx512_needs_vbmi2(void)
{
    static const uint32_t needed[] = {OTLITE_CPU_AVX512F, OTLITE_CPU_AVX512BW, OTLITE_CPU_AVX512VL,
                                      OTLITE_CPU_AVX512VBMI2};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        struct otlite_kernels chosen = {0};
        CHECK(otlite_kernels_choose("avx512", UINT32_MAX & ~needed[i], &chosen) >= 0);
        CHECK(strcmp(chosen.name, "avx512") != 0);
    }
}

static void unknown_names_change_nothing(void)
{
    static const char *const names[] = {"", "sse", "AVX2", "avx", "avx22", "scalar ", " scalar"};
    const struct otlite_kernels *before = otlite_kernels_active();
    const char *name = before->name;
    struct otlite_kernels chosen = {.name = "untouched"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        CHECK(otlite_kernels_select(names[i]) == -1);
        CHECK(otlite_kernels_active() == before && before->name == name);
        CHECK(otlite_kernels_choose(names[i], UINT32_MAX, &chosen) == -1);
        CHECK(strcmp(chosen.name, "untouched") == 0);
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
        CHECK(is_mixed_of(otlite_kernels_active(), list + expected, otlite_cpu_features()));
        CHECK(strcmp(otlite_kernels_name(), list[expected]->name) == 0);
    }

    size_t best = 0;
    while (!runs(list[best]))
        best++;
    CHECK(otlite_kernels_select(NULL) == 0);
    CHECK(strcmp(otlite_kernels_name(), list[best]->name) == 0);
}

/* Each is known everywhere; where it is none of the architecture's, the best of that runs. */
static void names_of_other_architectures_give_the_best(void)
{
    static const char *const names[] = {"avx512", "avx2", "neon"};
    struct otlite_kernels best = {0}, chosen = {0};
    size_t n = 0, foreign = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n);

    CHECK(otlite_kernels_choose(NULL, UINT32_MAX, &best) == 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool built = false;
        for (size_t k = 0; k < n; k++)
            built = built || strcmp(list[k]->name, names[i]) == 0;
        if (built)
            continue;
        foreign++;
        CHECK(otlite_kernels_choose(names[i], UINT32_MAX, &chosen) == 1);
        CHECK(strcmp(chosen.name, best.name) == 0);
    }
    CHECK(foreign >= 1);
}

/* Of other machines than this one. */
static void tables_are_chosen_with_all_they_need(void)
{
    size_t n = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n);
    struct otlite_kernels chosen = {0};

    CHECK(otlite_kernels_choose(NULL, UINT32_MAX, &chosen) == 0);
    CHECK(strcmp(chosen.name, list[0]->name) == 0 && is_mixed_of(&chosen, list, UINT32_MAX));
    CHECK(otlite_kernels_choose(NULL, 0, &chosen) == 0 && strcmp(chosen.name, "scalar") == 0);
    CHECK(otlite_kernels_choose("scalar", UINT32_MAX, &chosen) == 0 && is_whole(&chosen));
    CHECK(strcmp(chosen.name, "scalar") == 0 && is_mixed_of(&chosen, list + n - 1, UINT32_MAX));
    CHECK(otlite_kernels_choose("avx2", 0, &chosen) == 1 && strcmp(chosen.name, "scalar") == 0);

    for (size_t i = 0; i + 1 < n; i++) {
        CHECK(otlite_kernels_choose(list[i]->name, list[i]->needs, &chosen) == 0);
        CHECK(strcmp(chosen.name, list[i]->name) == 0 && is_whole(&chosen));
        CHECK(is_mixed_of(&chosen, list + i, list[i]->needs));
        for (unsigned bit = 0; bit < 32; bit++) {
            uint32_t missing = list[i]->needs & UINT32_C(1) << bit;
            if (missing == 0)
                continue;
            CHECK(otlite_kernels_choose(list[i]->name, ~missing, &chosen) == 1);
            CHECK(strcmp(chosen.name, list[i]->name) != 0 && is_whole(&chosen));
            CHECK(otlite_kernels_choose(NULL, ~missing, &chosen) == 0);
            CHECK(strcmp(chosen.name, list[i]->name) != 0);
        }
    }
}

/* ---- The description ---- */

/* Line i of the text; NULL after the last. */
static const char *line_of(const char *text, size_t i)
{
    for (; i > 0 && text; i--)
        text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL;
    return text && *text ? text : NULL;
}

static bool begins(const char *text, const char *start)
{
    return text && strncmp(text, start, strlen(start)) == 0;
}

static void the_description_names_each_kernel_and_why(void)
{
    static char text[4096], shorter[100];
    size_t n = 0, lines = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n);

    CHECK(otlite_kernels_select(NULL) == 0);
    size_t length = otlite_cpu_describe(text, sizeof text);
    CHECK(length > 100 && length < sizeof text && strlen(text) == length);
    CHECK(begins(text, "table ") && begins(text + 6, otlite_kernels_name()));
    if (runs(list[0]))
        CHECK(strstr(line_of(text, 0), " the best of this build\n") != NULL);
    else
        CHECK(strstr(line_of(text, 0), " needs ") != NULL);
#define A_LINE(kernel) CHECK(begins(line_of(text, ++lines), #kernel " "));
    OTLITE_KERNELS(A_LINE)
    CHECK(line_of(text, lines + 1) == NULL);

    CHECK(otlite_cpu_describe(shorter, sizeof shorter) == length);
    CHECK(strlen(shorter) == sizeof shorter - 1 && begins(text, shorter));
    CHECK(otlite_cpu_describe(NULL, 0) == length);

    CHECK(otlite_kernels_select("scalar") == 0);
    otlite_cpu_describe(text, sizeof text);
    CHECK(begins(text, "table scalar "));
    if (n > 1 && runs(list[0])) {
        CHECK(begins(text, "table scalar chosen, though this machine has "));
        CHECK(strstr(text, "crc32c scalar chosen, though this machine has crc\n") != NULL ||
              !runs(list[n - 2]));
    }
    CHECK(otlite_kernels_select(NULL) == 0);
}

static void scalar_runs_before_selection(void)
{
    CHECK(strcmp(otlite_kernels_active()->name, "scalar") == 0);
    CHECK(strcmp(otlite_kernels_name(), "scalar") == 0);
}

/* With the argument `tables`: their names alone, for tests/cpus. */
static int print_tables(void)
{
    size_t n = 0;
    const struct otlite_kernels *const *list = otlite_kernels_list(&n);
    for (size_t i = 0; i < n; i++)
        if (runs(list[i]))
            puts(list[i]->name);
    return 0;
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "tables") == 0)
        return print_tables();
    RUN(scalar_runs_before_selection); /* first: the others select */
    RUN(features_are_single_named_bits);
    RUN(facts_are_those_the_compiler_finds);
    RUN(list_has_each_name_once_and_ends_with_scalar);
    RUN(avx512_needs_vbmi2);
    RUN(unknown_names_change_nothing);
    RUN(names_force_a_table_or_the_best_below);
    RUN(names_of_other_architectures_give_the_best);
    RUN(tables_are_chosen_with_all_they_need);
    RUN(the_description_names_each_kernel_and_why);
    return check_end();
}
