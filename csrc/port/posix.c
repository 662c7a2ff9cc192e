/* posix.c - clocks, the processor, entropy, memory and the waker, on Linux and its POSIX kin */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <execinfo.h>
#endif

#include "otlite.h"

#define SECOND UINT64_C(1000000000)

/* ---- Clocks ---- */

#ifdef CLOCK_BOOTTIME
#define CLOCK_BOOT CLOCK_BOOTTIME
#else
#define CLOCK_BOOT CLOCK_MONOTONIC
#endif

static uint64_t read_clock(clockid_t clock)
{
    struct timespec time;

    /* Sandboxes and emulators that know no boot clock know this one. */
    if (clock_gettime(clock, &time) != 0)
        clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

uint64_t otlite_clock_boot(void)
{
    return read_clock(CLOCK_BOOT);
}

uint64_t otlite_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

/* Linux measures each counter against the others, and turns away from one that drifts or differs. */
bool otlite_counter_trusted(void)
{
    static const char place[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    char name[4] = "";
    int file = open(place, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return false;
    ssize_t size = read(file, name, sizeof name);
    close(file);
    return size == 4 && memcmp(name, "tsc\n", 4) == 0;
}

/* ---- Processor ---- */

uint32_t otlite_hwcap(bool second)
{
#ifdef __linux__
    return (uint32_t)getauxval(second ? AT_HWCAP2 : AT_HWCAP);
#else
    (void)second;
    return 0;
#endif
}

/* ---- Entropy ---- */

/* Never waits: a machine that has just booted may have none yet, and refuses. */
enum otlite_status otlite_entropy(void *dst, size_t size)
{
    uint8_t *at = dst;

    while (size > 0) {
        ssize_t drawn = getrandom(at, size, GRND_NONBLOCK);
        if (drawn < 0 && errno == EINTR)
            continue;
        if (drawn <= 0)
            return OTLITE_SYSTEM;
        at += drawn;
        size -= (size_t)drawn;
    }
    return OTLITE_OK;
}

/* ---- Memory ---- */

void *otlite_map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

void otlite_unmap(void *memory, size_t size)
{
    munmap(memory, size);
}

void *otlite_map_shared(int descriptor, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);

    if (memory == MAP_FAILED)
        return NULL;
#ifdef MADV_DONTFORK
    (void)madvise(memory, size, MADV_DONTFORK);
#endif
    return memory;
}

static void *private_page;
static size_t private_page_size;

static void wipe_private_page(void)
{
    memset(private_page, 0, private_page_size);
}

static void make_private_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = otlite_map(size);

    if (page == NULL)
        return;
    private_page = page;
    private_page_size = size;
    /* The mark also holds where fork's handlers do not run (a bare clone), the handler also where
     * the mark is refused (before Linux 4.14) or accepted and ignored (qemu-user). */
#ifdef MADV_WIPEONFORK
    madvise(page, size, MADV_WIPEONFORK);
#endif
    if (pthread_atfork(NULL, NULL, wipe_private_page) != 0) {
        private_page = NULL;
        otlite_unmap(page, size);
    }
}

void *otlite_private_page(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_private_page);
    return private_page;
}

/* ---- Waker ---- */

struct otlite_waker {
    sem_t posts;
};

size_t otlite_waker_size(void)
{
    return sizeof(struct otlite_waker);
}

enum otlite_status otlite_waker_init(void *memory)
{
    struct otlite_waker *waker = memory;

    return sem_init(&waker->posts, 0, 0) == 0 ? OTLITE_OK : OTLITE_SYSTEM;
}

void otlite_waker_post(void *memory)
{
    struct otlite_waker *waker = memory;

    sem_post(&waker->posts); /* refused only when the count is full: then it is posted already */
}

/* No semaphore waits by the boot clock, so the wait is cut into slices: after a suspend, or where
 * only the wall clock will do and was set back, a wait is late by a slice at most. */
#if defined(__GLIBC__) && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 30))
#define WAIT_CLOCK CLOCK_MONOTONIC
#define WAIT_SLICE (60 * SECOND)
#define wait_until(posts, time) sem_clockwait(posts, WAIT_CLOCK, time)
#else
#define WAIT_CLOCK CLOCK_REALTIME
#define WAIT_SLICE SECOND
#define wait_until(posts, time) sem_timedwait(posts, time)
#endif

/* Waits for a post, for `span` ns or less. True when posted. */
static bool wait_slice(sem_t *posts, uint64_t span)
{
    struct timespec until;

    clock_gettime(WAIT_CLOCK, &until);
    span = (span < WAIT_SLICE ? span : WAIT_SLICE) + (uint64_t)until.tv_nsec;
    until.tv_sec += (time_t)(span / SECOND);
    until.tv_nsec = (long)(span % SECOND);
    return wait_until(posts, &until) == 0;
}

bool otlite_waker_wait(void *memory, uint64_t deadline)
{
    struct otlite_waker *waker = memory;
    bool posted = sem_trywait(&waker->posts) == 0;

    while (!posted) {
        if (deadline == 0) {
            posted = sem_wait(&waker->posts) == 0;
            continue;
        }
        uint64_t now = otlite_clock_boot();
        if (now >= deadline)
            return false;
        posted = wait_slice(&waker->posts, deadline - now);
    }
    while (sem_trywait(&waker->posts) == 0)
        continue;
    return true;
}

/* ---- Threads ---- */

void otlite_exits_prepare(void)
{
#ifdef __GLIBC__
    void *frame; /* it loads libgcc_s for both, and for good */
    (void)backtrace(&frame, 1);
#endif
}
