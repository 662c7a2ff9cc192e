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
    if (!otlite_term_catch() || !otlite_term_catch())
        _exit(21);
    otlite_term_watch(waker);
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

static void forks(void)
{
    int status = 0;
    if (!otlite_term_catch())
        _exit(21);
    otlite_term_watch(new_waker());
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
    if (otlite_term_catch())
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
    if (!otlite_term_catch())
        _exit(21);
    otlite_term_watch(new_waker());
    signal(SIGTERM, handle);
    otlite_term_end(); /* not ours to end */
    _exit(seen == SIGTERM ? 3 : 27);
}

static void test_ends(void)
{
    CHECK_EQUAL(end_of(waits), SIGTERM);
    CHECK_EQUAL(end_of(nobody_waits), SIGTERM);
    CHECK_EQUAL(end_of(forks), 1003);
    CHECK_EQUAL(end_of(ignores), 1003);
    CHECK_EQUAL(end_of(handles_later), 1003);
}

int main(void)
{
    RUN(test_ends);
    return check_end();
}
