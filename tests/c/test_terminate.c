/* test_terminate.c - SIGTERM wakes who waits for it, ends the others as ever, and leaves other handlers alone */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "otlite.h"

/* How a child ended that ran `life`: the signal, or 1000 + its exit status. */
static int end_of(void (*life)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        life();
        _exit(7);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 1000 + WEXITSTATUS(status);
}

static void *new_waker(void)
{
    void *waker = malloc(otlite_waker_size());
    if (waker == NULL || otlite_waker_init(waker) != OTLITE_OK)
        _exit(20);
    return waker;
}

static void waits(void)
{
    void *waker = new_waker();
    if (!otlite_term_is_default() || otlite_term_is_caught() || !otlite_term_catch() ||
        !otlite_term_is_default() || !otlite_term_is_caught())
        _exit(21);
    otlite_term_watch(waker, 0);
    if (otlite_term_came())
        _exit(22);
    raise(SIGTERM);
    if (!otlite_term_came() || !otlite_waker_wait(waker, 0))
        _exit(23);
    otlite_term_end();
}

static void nobody_waits(void)
{
    if (!otlite_term_catch())
        _exit(21);
    raise(SIGTERM);
}

static void waits_in_vain(void)
{
    uint64_t begun = otlite_clock_boot();
    if (!otlite_term_catch())
        _exit(21);
    otlite_term_watch(new_waker(), 200000000);
    raise(SIGTERM);
    raise(SIGTERM); /* the same wish */
    while (otlite_clock_boot() - begun < 150000000)
        ;
    if (!otlite_term_came())
        _exit(22);
    while (otlite_clock_boot() - begun < 60000000000) /* nobody ends it: the timer does */
        ;
    _exit(23);
}

static void waits_again(void)
{
    void *waker = new_waker();
    uint64_t begun = otlite_clock_boot();
    if (!otlite_term_catch())
        _exit(21);
    otlite_term_watch(waker, 100000000);
    raise(SIGTERM);
    otlite_term_watch(waker, 100000000); /* and what was counting down stands still */
    if (otlite_term_came())
        _exit(22);
    while (otlite_clock_boot() - begun < 300000000)
        ;
    otlite_term_watch(NULL, 0);
    if (otlite_term_came())
        _exit(24);
    _exit(3);
}

static void waits_without_a_bound(void)
{
    void *waker = new_waker();
    uint64_t begun = otlite_clock_boot();
    if (!otlite_term_catch())
        _exit(21);
    otlite_term_watch(waker, 100000000);
    raise(SIGTERM);
    otlite_term_watch(waker, 0); /* the last word holds */
    raise(SIGTERM);
    while (otlite_clock_boot() - begun < 300000000)
        ;
    _exit(otlite_term_came() ? 3 : 22);
}

static void waits_no_more(void)
{
    if (!otlite_term_catch())
        _exit(21);
    otlite_term_watch(new_waker(), 0);
    raise(SIGTERM);
    otlite_term_watch(NULL, 0); /* nobody does what it asks for: it ends the process */
    _exit(25);
}

static void forks(void)
{
    int status = 0;
    if (!otlite_term_catch())
        _exit(21);
    otlite_term_watch(new_waker(), 0);
    pid_t child = fork();
    if (child == 0) {
        if (otlite_term_came())
            _exit(24);
        raise(SIGTERM); /* its parent's thread waits, not ours */
        _exit(25);
    }
    waitpid(child, &status, 0);
    _exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 3 : 26);
}

static void ignores(void)
{
    signal(SIGTERM, SIG_IGN);
    if (otlite_term_is_default() || otlite_term_is_caught())
        _exit(21);
    raise(SIGTERM);
    _exit(3);
}

static volatile sig_atomic_t seen;

static void handle(int number)
{
    seen = number;
}

static void handles_later(void)
{
    uint64_t begun = otlite_clock_boot();
    if (!otlite_term_catch())
        _exit(21);
    otlite_term_watch(new_waker(), 100000000);
    raise(SIGTERM);
    signal(SIGTERM, handle);
    otlite_term_end(); /* not ours to end */
    if (seen != SIGTERM)
        _exit(27);
    seen = 0;
    while (otlite_clock_boot() - begun < 300000000) /* nor told twice */
        ;
    _exit(seen == 0 ? 3 : 30);
}

static void takes_over_what_there_is(void)
{
    signal(SIGTERM, SIG_IGN);
    if (otlite_term_is_default() || !otlite_term_catch())
        _exit(21);
    raise(SIGTERM);
    _exit(25);
}

static void blocks_signals(void)
{
    void *saved = malloc(otlite_signals_size());
    if (saved == NULL)
        _exit(20);
    signal(SIGUSR1, handle);
    otlite_signals_block(saved);
    raise(SIGUSR1);
    if (seen != 0)
        _exit(28);
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (sigismember(&blocked, faults[i]))
            _exit(31);
    otlite_signals_restore(saved);
    _exit(seen == SIGUSR1 ? 3 : 29);
}

static void test_signals(void)
{
    CHECK_EQUAL(end_of(blocks_signals), 1003);
}

static void test_ends(void)
{
    CHECK_EQUAL(end_of(waits), SIGTERM);
    CHECK_EQUAL(end_of(nobody_waits), SIGTERM);
    CHECK_EQUAL(end_of(waits_in_vain), SIGTERM);
    CHECK_EQUAL(end_of(waits_again), 1003);
    CHECK_EQUAL(end_of(waits_without_a_bound), 1003);
    CHECK_EQUAL(end_of(waits_no_more), SIGTERM);
    CHECK_EQUAL(end_of(takes_over_what_there_is), SIGTERM);
    CHECK_EQUAL(end_of(forks), 1003);
    CHECK_EQUAL(end_of(ignores), 1003);
    CHECK_EQUAL(end_of(handles_later), 1003);
}

int main(void)
{
    RUN(test_ends);
    RUN(test_signals);
    return check_end();
}
