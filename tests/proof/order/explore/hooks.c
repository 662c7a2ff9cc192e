/* hooks.c - what the explored files call where they access memory plainly */
#include <string.h>

#include "cpu/kernels.h"
#include "explore.h"

/* What the compiler calls for -fsanitize=thread, and the string functions in its place: it leaves those alone. */
#define HOOK(size)                                                                                 \
    void __tsan_read##size(void *at);                                                              \
    void __tsan_write##size(void *at);                                                             \
    void __tsan_unaligned_read##size(void *at);                                                    \
    void __tsan_unaligned_write##size(void *at);                                                   \
    void __tsan_read##size(void *at)                                                               \
    {                                                                                              \
        memory_plain(at, size, false);                                                             \
    }                                                                                              \
    void __tsan_write##size(void *at)                                                              \
    {                                                                                              \
        memory_plain(at, size, true);                                                              \
    }                                                                                              \
    void __tsan_unaligned_read##size(void *at)                                                     \
    {                                                                                              \
        memory_plain(at, size, false);                                                             \
    }                                                                                              \
    void __tsan_unaligned_write##size(void *at)                                                    \
    {                                                                                              \
        memory_plain(at, size, true);                                                              \
    }
HOOK(1)
HOOK(2)
HOOK(4)
HOOK(8)
HOOK(16)

void __tsan_init(void);
void __tsan_func_entry(void *at);
void __tsan_func_exit(void);
void __tsan_read_range(void *at, size_t size);
void __tsan_write_range(void *at, size_t size);
void *explore_memcpy(void *to, const void *from, size_t size);
void *explore_memset(void *to, int byte, size_t size);
int explore_memcmp(const void *one, const void *other, size_t size);
const struct otlite_kernels *explore_kernels_active(void);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *at)
{
    (void)at;
}

void __tsan_func_exit(void)
{
}

void __tsan_read_range(void *at, size_t size)
{
    memory_plain(at, size, false);
}

void __tsan_write_range(void *at, size_t size)
{
    memory_plain(at, size, true);
}

void *explore_memcpy(void *to, const void *from, size_t size)
{
    memory_plain(from, size, false);
    memory_plain(to, size, true);
    return memcpy(to, from, size);
}

void *explore_memset(void *to, int byte, size_t size)
{
    memory_plain(to, size, true);
    return memset(to, byte, size);
}

int explore_memcmp(const void *one, const void *other, size_t size)
{
    memory_plain(one, size, false);
    memory_plain(other, size, false);
    return memcmp(one, other, size);
}

static uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
    memory_plain(bytes, size, false);
    return otlite_kernels_active()->crc32c(crc, bytes, size);
}

/* In the place of otlite_kernels_active: the kernels lie outside what is compiled with hooks. */
const struct otlite_kernels *explore_kernels_active(void)
{
    static struct otlite_kernels table;
    table = *otlite_kernels_active();
    table.crc32c = crc32c;
    return &table;
}
