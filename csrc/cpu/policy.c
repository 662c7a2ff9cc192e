/* policy.c - which kernel table is worth using, and the one in use */

#include <string.h>

#include "../otlite.h"
#include "kernels.h"

#define ON_ANY(...) __VA_ARGS__
#if defined(__x86_64__)
#define ON_X86(...) __VA_ARGS__
#else
#define ON_X86(...)
#endif

/* The tables, best first. A name is known everywhere, its table built only where it can run. */
#define TABLES(X)                                                                                  \
    X(avx2, ON_X86)                                                                                \
    X(scalar, ON_ANY)

#define DECLARE(isa, where) where(extern const struct otlite_kernels otlite_kernels_##isa;)
#define ROW(isa, where) {.name = #isa, where(.table = &otlite_kernels_##isa)},
#define BUILT(isa, where) where(&otlite_kernels_##isa, )

TABLES(DECLARE)

static const struct row {
    const char *name;
    const struct otlite_kernels *table; /* NULL: not in this build */
} rows[] = {TABLES(ROW)};

static const struct otlite_kernels *const built[] = {TABLES(BUILT)};

#define ROWS (sizeof rows / sizeof rows[0])

/* Written before other threads use the library, and not again. */
static const struct otlite_kernels *active = &otlite_kernels_scalar;

static int runs(const struct otlite_kernels *table, uint32_t features)
{
    return table && (features & table->needs) == table->needs;
}

int otlite_kernels_choose(const char *name, uint32_t features, const struct otlite_kernels **chosen)
{
    size_t asked = 0;
    while (name && asked < ROWS && strcmp(rows[asked].name, name) != 0)
        asked++;
    if (asked == ROWS)
        return -1;

    size_t i = asked;
    while (!runs(rows[i].table, features)) /* scalar, the last, runs anywhere */
        i++;
    *chosen = rows[i].table;
    return name && i != asked;
}

int otlite_kernels_select(const char *name)
{
    return otlite_kernels_choose(name, otlite_cpu_features(), &active);
}

const struct otlite_kernels *otlite_kernels_active(void)
{
    return active;
}

const char *otlite_kernels_name(void)
{
    return active->name;
}

const struct otlite_kernels *const *otlite_kernels_list(size_t *n)
{
    *n = sizeof built / sizeof built[0];
    return built;
}
