/* terminate.c - SIGTERM, where its disposition is the default: it wakes who ends the process in order */
#define _GNU_SOURCE
#include "../otlite.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* Written by otlite_term_watch, read by the handler. */
static void *volatile watcher;
static volatile pid_t watching; /* the process: a forked child has no thread that waits */
static volatile sig_atomic_t came;

static void on_term(int number)
{
    int saved = errno;
    if (watcher != NULL && watching == getpid()) {
        came = 1;
        otlite_waker_post(watcher);
    } else {
        signal(number, SIG_DFL);
        raise(number); /* blocked while its handler runs: it comes when we return */
    }
    errno = saved;
}

bool otlite_term_catch(void)
{
    struct sigaction now, ours = {.sa_handler = on_term, .sa_flags = SA_RESTART};
    if (sigaction(SIGTERM, NULL, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0)
        return false;
    if (now.sa_handler == on_term)
        return true;
    sigemptyset(&ours.sa_mask);
    return now.sa_handler == SIG_DFL && sigaction(SIGTERM, &ours, NULL) == 0;
}

void otlite_term_watch(void *waker)
{
    watcher = NULL;
    came = 0;
    watching = getpid();
    watcher = waker;
}

bool otlite_term_came(void)
{
    return came != 0 && watching == getpid();
}

void otlite_term_end(void)
{
    struct sigaction now;
    watcher = NULL;
    if (sigaction(SIGTERM, NULL, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 &&
        now.sa_handler == on_term)
        signal(SIGTERM, SIG_DFL);
    kill(getpid(), SIGTERM);
}
