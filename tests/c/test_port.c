/* test_port.c - clocks, the processor, entropy, memory across fork, and the waker */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "otlite.h"
#include "own_time.h"

#define MILLISECOND UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

static uint64_t system_clock(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void test_clocks(void)
{
    for (int i = 0; i < 1000; i++) {
        uint64_t before = system_clock(CLOCK_BOOTTIME), now = otlite_clock_boot();
        CHECK(before <= now && now <= system_clock(CLOCK_BOOTTIME));
    }
    /* The wall clock may be stepped meanwhile: once in three tries it is not. */
    bool between = false;
    for (int i = 0; i < 3 && !between; i++) {
        uint64_t before = system_clock(CLOCK_REALTIME), now = otlite_clock_wall();
        between = before <= now && now <= system_clock(CLOCK_REALTIME);
    }
    CHECK(between);
}

/* ---- The processor ---- */

/* The C library asks for the same words. */
static void test_hwcap(void)
{
    CHECK_EQUAL(otlite_hwcap(false), (uint32_t)getauxval(AT_HWCAP));
    CHECK_EQUAL(otlite_hwcap(true), (uint32_t)getauxval(AT_HWCAP2));
}

static void test_entropy(void)
{
    static uint8_t first[100001], second[100001];
    long set = 0;

    first[100000] = 0xa5;
    CHECK_EQUAL(otlite_entropy(first, 100000), OTLITE_OK);
    CHECK_EQUAL(otlite_entropy(second, 100000), OTLITE_OK);
    CHECK_EQUAL(first[100000], 0xa5);
    CHECK(memcmp(first, second, 100000) != 0);
    for (int i = 0; i < 100000; i++)
        set += __builtin_popcount(first[i]);
    CHECK(labs(set - 400000) < 6 * 448); /* 800000 bits, 6 deviations */
    CHECK(memcmp(first + 99900, (uint8_t[100]){0}, 100) != 0);
    CHECK_EQUAL(otlite_entropy(NULL, 0), OTLITE_OK);
}

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
    (void)signal;
    ticks++;
}

/* A signal each millisecond, to no handler that restarts calls. */
static timer_t start_ticking(void)
{
    struct sigaction action = {.sa_handler = tick};
    struct itimerspec each = {{0, (long)MILLISECOND}, {0, (long)MILLISECOND}};
    timer_t timer;

    ticks = 0;
    sigaction(SIGALRM, &action, NULL);
    CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    timer_settime(timer, 0, &each, NULL);
    return timer;
}

/* A large draw that signals interrupt comes in parts: none of it is left out. */
static void test_entropy_and_signals(void)
{
    const size_t size = 16 << 20;
    uint8_t *bytes = calloc(size, 1);
    size_t zeros = 0;

    if (!CHECK(bytes != NULL))
        return;
    timer_t timer = start_ticking();
    int draws = 0;
    do { /* where signals come late, anew */
        memset(bytes, 0, size);
        ticks = 0;
        CHECK_EQUAL(otlite_entropy(bytes, size), OTLITE_OK);
    } while (ticks <= 3 && ++draws < 100);
    timer_delete(timer);
    CHECK(ticks > 3);
    for (size_t i = 0; i < size; i++)
        zeros += bytes[i] == 0;
    CHECK(zeros > 65536 - 6 * 256 && zeros < 65536 + 6 * 256); /* of 2^24, 6 deviations */
    free(bytes);
}

static void test_map(void)
{
    const size_t size = 3 << 20;
    uint8_t *memory = otlite_map(size), any = 0;

    if (!CHECK(memory != NULL))
        return;
    for (size_t i = 0; i < size; i++)
        any |= memory[i];
    CHECK_EQUAL(any, 0);
    memset(memory, 1, size);
    otlite_unmap(memory, size);
    unsigned char resident;
    CHECK(mincore(memory, 4096, &resident) != 0);          /* it is gone */
    CHECK(otlite_map(SIZE_MAX - (SIZE_MAX >> 4)) == NULL); /* of 32 bits, a half may be had */
    CHECK(otlite_map(0) == NULL);
}

static void test_map_shared(void)
{
    char name[] = "/tmp/otlite-port-XXXXXX";
    const size_t size = 1 << 16;
    int file = mkstemp(name), status = 0;

    if (!CHECK(file >= 0 && unlink(name) == 0 && ftruncate(file, (off_t)size) == 0))
        return;
    uint8_t *one = otlite_map_shared(file, size), *other = otlite_map_shared(file, size);
    if (!CHECK(one != NULL && other != NULL && one != other))
        return;
    one[0] = 7;
    one[size - 1] = 8;
    CHECK_EQUAL(other[0], 7);
    CHECK_EQUAL(other[size - 1], 8);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        if (check_emulated()) /* it takes the mark and ignores it */
            raise(SIGSEGV);
        one[0] = 9;
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    CHECK_EQUAL(other[0], 7);
    otlite_unmap(one, size);
    otlite_unmap(other, size);
    close(file);
    CHECK(otlite_map_shared(file, size) == NULL);
}

/* A child's answer to "is the page zeroed?", -1 when it died. */
static int wiped_in(pid_t child, const uint8_t *page, size_t size)
{
    int result = -1;

    if (child == 0) {
        uint8_t any = 0;
        for (size_t i = 0; i < size; i++)
            any |= page[i];
        _exit(any == 0);
    }
    waitpid(child, &result, 0);
    return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

/* A fork that the C library does not see. */
static pid_t bare_clone(void)
{
#if defined(__s390x__)
    return (pid_t)syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
    return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

/* Whether the kernel says that the mapping at `page` carries the mark. */
static bool marked(const void *page)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[1024];
    unsigned long start, end;
    bool here = false, found = false;

    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) /* else a line about that mapping */
            here = start == (unsigned long)page;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, " wf") != NULL;
    }
    if (maps != NULL)
        fclose(maps);
    return found;
}

static void test_private_page(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *page = otlite_private_page();

    if (!CHECK(page != NULL))
        return;
    CHECK(otlite_private_page() == page);
    CHECK_EQUAL(page[0] | page[size - 1], 0);
    memset(page, 7, size);
    CHECK_EQUAL(wiped_in(fork(), page, size), 1);
    CHECK_EQUAL(page[0], 7); /* the parent keeps its own */
    CHECK_EQUAL(page[size - 1], 7);

    /* The mark alone: a bare clone runs no handler. An emulator takes the mark and ignores it. */
    bool mark = !check_emulated();
    CHECK_EQUAL(marked(page), mark);
    CHECK_EQUAL(wiped_in(bare_clone(), page, size), mark);
    printf("survives fork by %s\n", mark ? "mark and handler" : "handler");

    /* The handler alone, as where the mark is refused or ignored. */
    CHECK_EQUAL(madvise(page, size, MADV_KEEPONFORK), 0);
    CHECK_EQUAL(wiped_in(bare_clone(), page, size), 0);
    CHECK_EQUAL(wiped_in(fork(), page, size), 1);
    CHECK_EQUAL(madvise(page, size, MADV_WIPEONFORK), 0);
    CHECK_EQUAL(page[0], 7);
}

/* ---- The waker ---- */

static void *waker;
static uint64_t waited, own_waited; /* the last time, ns; without what a busy machine took */

static bool wait_for(uint64_t milliseconds)
{
    struct own_time own = own_time_now();
    bool posted = otlite_waker_wait(waker, own.start + milliseconds * MILLISECOND);

    own_waited = own_time_since(&own, &waited);
    return posted;
}

static void test_waker_alone(void)
{
    CHECK(!otlite_waker_wait(waker, 1)); /* long past */
    uint64_t busy = system_clock(CLOCK_THREAD_CPUTIME_ID);
    CHECK(!wait_for(1000));
    CHECK(waited >= 1000 * MILLISECOND && own_waited < 1500 * MILLISECOND);
    CHECK(system_clock(CLOCK_THREAD_CPUTIME_ID) - busy <
          (check_emulated() ? 100 : 10) * MILLISECOND); /* it slept */

    for (int i = 0; i < 3; i++)
        otlite_waker_post(waker);
    CHECK(otlite_waker_wait(waker, 0));
    CHECK(!wait_for(10)); /* one wait took all three */
    otlite_waker_post(waker);
    CHECK(otlite_waker_wait(waker, 1)); /* posted counts, deadline past or not */
    otlite_waker_post(waker);
    CHECK(wait_for(10000));
    CHECK(own_waited < 500 * MILLISECOND);
    otlite_waker_post(waker);
    CHECK(otlite_waker_wait(waker, UINT64_MAX));
}

static void *post_later(void *milliseconds)
{
    usleep((useconds_t)(*(int *)milliseconds * 1000));
    otlite_waker_post(waker);
    return NULL;
}

static void test_waker_across_threads(void)
{
    int delay = 30;
    pthread_t thread;

    for (int bounded = 0; bounded < 2; bounded++) {
        struct own_time own = own_time_now(); /* it may be asleep by the time that we go on */
        pthread_create(&thread, NULL, post_later, &delay);
        CHECK(bounded ? wait_for(10000) : otlite_waker_wait(waker, 0));
        CHECK(own_time_since(&own, &waited) < 500 * MILLISECOND);
        CHECK(waited >= 30 * MILLISECOND);
        pthread_join(thread, NULL);
    }

    delay = 100;
    pthread_create(&thread, NULL, post_later, &delay);
    CHECK(!wait_for(20));
    CHECK(otlite_waker_wait(waker, 0));
    pthread_join(thread, NULL);
}

static void post_from_handler(int signal)
{
    (void)signal;
    otlite_waker_post(waker);
}

static void *signal_later(void *thread)
{
    usleep(30000);
    pthread_kill(*(pthread_t *)thread, SIGUSR1);
    return NULL;
}

/* Signals neither end a wait nor lengthen it; a handler may post. */
static void test_waker_and_signals(void)
{
    struct sigaction action = {.sa_handler = post_from_handler};

    timer_t timer = start_ticking();
    CHECK(!wait_for(60));
    timer_delete(timer);
    CHECK(ticks > 5);
    CHECK(waited >= 60 * MILLISECOND && own_waited < 500 * MILLISECOND);

    pthread_t self = pthread_self(), thread;
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, signal_later, &self);
    CHECK(otlite_waker_wait(waker, 0));
    pthread_join(thread, NULL);
}

static void *leave(void *argument)
{
    pthread_exit(argument);
}

/* In a process of its own, which can open no file any more. */
static void test_threads_exit(void)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        pthread_t thread;
        void *left = NULL;
        otlite_exits_prepare();
        setrlimit(RLIMIT_NOFILE, &none);
        pthread_create(&thread, NULL, leave, &status);
        pthread_join(thread, &left);
        _exit(left == &status ? 3 : 4);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

int main(void)
{
    RUN(test_threads_exit); /* first: whoever loads it does so for all */
    RUN(test_clocks);
    RUN(test_hwcap);
    RUN(test_entropy);
    RUN(test_entropy_and_signals);
    RUN(test_map);
    RUN(test_map_shared);
    RUN(test_private_page);
    waker = malloc(otlite_waker_size());
    if (CHECK_EQUAL(otlite_waker_init(waker), OTLITE_OK)) {
        RUN(test_waker_alone);
        RUN(test_waker_across_threads);
        RUN(test_waker_and_signals);
    }
    free(waker);
    return check_end();
}
