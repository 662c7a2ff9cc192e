/* policy.c - which kernel tables are worth using, the one in use, and why it is that */

#include <string.h>

#include "../otlite.h"
#include "kernels.h"

#define ON_ANY(...) __VA_ARGS__
#if defined(OTLITE_CPU_X86)
#define ON_X86(...) __VA_ARGS__
#else
#define ON_X86(...)
#endif
#if defined(OTLITE_CPU_ARM)
#define ON_ARM(...) __VA_ARGS__
#else
#define ON_ARM(...)
#endif
#define ON_EITHER(...) ON_X86(__VA_ARGS__) ON_ARM(__VA_ARGS__)

/* The tables, best first. A name is known everywhere, its table built only where it can run. */
#define TABLES(X)                                                                                  \
    X(avx512, ON_X86)                                                                              \
    X(avx2, ON_X86)                                                                                \
    X(neon, ON_ARM)                                                                                \
    X(crc, ON_EITHER)                                                                              \
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
static struct otlite_kernels mixed;
static const struct otlite_kernels *active = &otlite_kernels_scalar;

static bool runs(const struct otlite_kernels *table, uint32_t features)
{
    return table && (features & table->needs) == table->needs;
}

/* The row of a name, 0 for NULL; ROWS if it is unknown. */
static size_t find(const char *name)
{
    size_t i = 0;
    while (name && i < ROWS && strcmp(rows[i].name, name) != 0)
        i++;
    return i;
}

int otlite_kernels_choose(const char *name, uint32_t features, struct otlite_kernels *chosen)
{
    size_t asked = find(name);
    if (asked == ROWS)
        return -1;

    /* What is below a table of another architecture is all that this one has. */
    size_t first = rows[asked].table ? asked : 0;
    while (!runs(rows[first].table, features)) /* scalar, the last, runs anywhere */
        first++;
    *chosen = *rows[first].table;
    for (size_t i = first + 1; i < ROWS; i++) {
        if (!runs(rows[i].table, features))
            continue;
#define TAKE(kernel)                                                                               \
    if (!chosen->kernel)                                                                           \
        chosen->kernel = rows[i].table->kernel;
        OTLITE_KERNELS(TAKE)
    }
    return name && first != asked;
}

int otlite_kernels_select(const char *name)
{
    struct otlite_kernels chosen;
    int lacks = otlite_kernels_choose(name, otlite_cpu_features(), &chosen);

    if (lacks >= 0) {
        mixed = chosen; /* whole: none is NULL meanwhile, should another thread use it after all */
        active = &mixed;
    }
    return lacks;
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

/* ---- Why ---- */

struct text {
    char *dst;
    size_t size, length;
};

static void put(struct text *text, const char *word)
{
    for (; *word; word++, text->length++)
        if (text->length + 1 < text->size)
            text->dst[text->length] = *word;
}

/* `what`, which of the tables that have it runs, and why none before it does: the first of these
 * was not asked for, or cannot run here. */
static void tell(struct text *text, const char *what, const bool has[ROWS])
{
    uint32_t features = otlite_cpu_features();
    size_t used = find(active->name), better = 0;

    while (!has[used] || !runs(rows[used].table, features))
        used++;
    while (better < used && !has[better])
        better++;

    put(text, what);
    put(text, " ");
    put(text, rows[used].name);
    if (better == used) {
        put(text, " the best of this build");
    } else if (runs(rows[better].table, features)) {
        put(text, " chosen, though this machine has ");
        put(text, rows[better].name);
    } else {
        uint32_t lacking = rows[better].table->needs & ~features;
        put(text, " as ");
        put(text, rows[better].name);
        put(text, " needs");
        for (uint32_t bit = 1; bit != 0; bit <<= 1)
            if (lacking & bit) {
                put(text, " ");
                put(text, otlite_cpu_feature_name(bit));
            }
    }
    put(text, "\n");
}

size_t otlite_cpu_describe(char *dst, size_t size)
{
    struct text text = {dst, size, 0};
    bool has[ROWS];

    for (size_t i = 0; i < ROWS; i++)
        has[i] = rows[i].table != NULL;
    tell(&text, "table", has);

#define TELL(kernel)                                                                               \
    for (size_t i = 0; i < ROWS; i++)                                                              \
        has[i] = rows[i].table && rows[i].table->kernel;                                           \
    tell(&text, #kernel, has);
    OTLITE_KERNELS(TELL)

    if (size > 0)
        dst[text.length < size ? text.length : size - 1] = '\0';
    return text.length;
}
