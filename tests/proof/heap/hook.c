/* hook.c - loaded before all else (LD_PRELOAD): tells who asks for memory of the heap
 *
 * Of C: functions that were compiled with -finstrument-functions tell when they are entered and left. What is asked
 * for meanwhile is written to the file HEAP_LOG, a line for each: what, the outermost such function, and who asked,
 * as file and offset.
 *
 * Of Python: heap_watch() puts itself before CPython's three allocators; heap_begin() and heap_end() count.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MALLOC, RAW, MEM, OBJ, COUNTERS };

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void __cyg_profile_func_enter(void *function, void *site);
void __cyg_profile_func_exit(void *function, void *site);
int heap_watch(void);
void heap_begin(void);
unsigned long heap_end(int counter);

/* No call to find them, which might ask for memory itself. */
static __thread __attribute__((tls_model("initial-exec"))) int depth;
static __thread __attribute__((tls_model("initial-exec"))) void *outermost;

static unsigned long counts[COUNTERS];
static __thread __attribute__((tls_model("initial-exec"))) int counting;

void __cyg_profile_func_enter(void *function, void *site)
{
    (void)site;
    if (depth++ == 0)
        outermost = function;
}

void __cyg_profile_func_exit(void *function, void *site)
{
    (void)function, (void)site;
    depth--;
}

static unsigned long within(const Dl_info *where, const void *at)
{
    return (unsigned long)((uintptr_t)at - (uintptr_t)where->dli_fbase);
}

static void tell(const char *what, const void *caller)
{
    char line[1200];
    Dl_info function = {0}, asking = {0};
    const char *path = getenv("HEAP_LOG");
    int kept = errno, outer = depth;
    depth = 0; /* what this asks for is not theirs */
    if (path != NULL && dladdr(outermost, &function) != 0 && dladdr(caller, &asking) != 0) {
        int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
        int size =
            snprintf(line, sizeof line, "%s %#lx %s %#lx\n", what, within(&function, outermost),
                     asking.dli_fname, within(&asking, caller));
        if (write(file, line, (size_t)size) != size)
            abort();
        close(file);
    }
    depth = outer;
    errno = kept;
}

static void count(const char *what, const void *caller)
{
    if (depth > 0)
        tell(what, caller);
    if (counting)
        counts[MALLOC]++;
}

#define COUNT(what) count(what, __builtin_return_address(0))

void *malloc(size_t size)
{
    COUNT("malloc");
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    COUNT("calloc");
    return __libc_calloc(number, size);
}

void *realloc(void *block, size_t size)
{
    COUNT("realloc");
    return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size)
{
    COUNT("memalign");
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    COUNT("aligned_alloc");
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    COUNT("posix_memalign");
    *block = __libc_memalign(alignment, size);
    return *block == NULL ? ENOMEM : 0;
}

/* ---- CPython ---- */

/* PyMemAllocatorEx, and the functions of it, found where the process has them. */
struct allocator {
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t number, size_t size);
    void *(*realloc)(void *context, void *block, size_t size);
    void (*free)(void *context, void *block);
};

static struct allocator theirs[COUNTERS];
static const int domains[COUNTERS] = {MALLOC, RAW, MEM, OBJ};

static void count_domain(void *context)
{
    if (counting)
        counts[*(const int *)context]++;
}

static void *domain_malloc(void *context, size_t size)
{
    const struct allocator *under = &theirs[*(const int *)context];
    count_domain(context);
    return under->malloc(under->context, size);
}

static void *domain_calloc(void *context, size_t number, size_t size)
{
    const struct allocator *under = &theirs[*(const int *)context];
    count_domain(context);
    return under->calloc(under->context, number, size);
}

static void *domain_realloc(void *context, void *block, size_t size)
{
    const struct allocator *under = &theirs[*(const int *)context];
    count_domain(context);
    return under->realloc(under->context, block, size);
}

static void domain_free(void *context, void *block)
{
    const struct allocator *under = &theirs[*(const int *)context];
    under->free(under->context, block);
}

int heap_watch(void)
{
    void (*get)(int, struct allocator *), (*set)(int, struct allocator *);
    *(void **)&get = dlsym(RTLD_DEFAULT, "PyMem_GetAllocator");
    *(void **)&set = dlsym(RTLD_DEFAULT, "PyMem_SetAllocator");
    if (get == NULL || set == NULL)
        return -1;
    for (int domain = RAW; domain < COUNTERS; domain++) {
        struct allocator ours = {(void *)(uintptr_t)&domains[domain], domain_malloc, domain_calloc,
                                 domain_realloc, domain_free};
        get(domain - RAW, &theirs[domain]);
        set(domain - RAW, &ours);
    }
    return 0;
}

void heap_begin(void)
{
    memset(counts, 0, sizeof counts);
    counting = 1;
}

/* Of 0 malloc and its kin, 1 PyMem_Raw, 2 PyMem, 3 PyObject. */
unsigned long heap_end(int counter)
{
    counting = 0;
    return counts[counter];
}
