/* terminate.c - SIGTERM, where its disposition is the default: it wakes who ends the process in order, in time */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/atomics.h"
#include "otlite.h"

/* What the handler needs, of the process `watching`: a forked child has neither that thread nor that timer. */
static struct {
    void *waker;
    timer_t timer;
    bool timed;
    struct itimerspec bound;
} watch;
static uint32_t watching;
static uint32_t timer_owner;
static uint32_t came;

static bool watched(void)
{
    /* acquire: what otlite_term_watch wrote before */
    return otlite_load_acquire(&watching) == (uint32_t)getpid();
}

static void on_term(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    bool late = info->si_code == SI_TIMER && info->si_value.sival_ptr == &watch;
    (void)context;
    if (watched() && !late) {
        if (otlite_exchange_seq(&came, 1) == 0) { /* the same wish again changes nothing */
            if (watch.timed)
                timer_settime(watch.timer, 0, &watch.bound, NULL);
            otlite_waker_post(watch.waker);
        }
    } else {
        signal(number, SIG_DFL);
        raise(number); /* blocked while its handler runs: it comes when we return */
    }
    errno = saved;
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_term;
}

bool otlite_term_catch(bool over)
{
    struct sigaction now,
        ours = {.sa_sigaction = on_term, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    if (sigaction(SIGTERM, NULL, &now) != 0)
        return false;
    if (is_ours(&now))
        return true;
    if (!over && ((now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL))
        return false;
    sigemptyset(&ours.sa_mask);
    return sigaction(SIGTERM, &ours, NULL) == 0;
}

static bool make_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    event.sigev_value.sival_ptr = &watch;
    if (timer_owner != (uint32_t)getpid() &&
        timer_create(CLOCK_MONOTONIC, &event, &watch.timer) != 0)
        return false;
    timer_owner = (uint32_t)getpid();
    memset(&watch.bound, 0, sizeof watch.bound); /* of a wait before, stopped */
    return timer_settime(watch.timer, 0, &watch.bound, NULL) == 0;
}

void otlite_term_watch(void *waker, uint64_t bound)
{
    otlite_store_release(&watching, 0);
    if (waker == NULL)
        return;
    watch.waker = waker;
    watch.timed = bound != 0 && make_timer();
    watch.bound.it_value.tv_sec = (time_t)(bound / 1000000000);
    watch.bound.it_value.tv_nsec = (long)(bound % 1000000000);
    otlite_store_relaxed(&came, 0);
    /* release: all of that, against the handler's load */
    otlite_store_release(&watching, (uint32_t)getpid());
}

bool otlite_term_came(void)
{
    return watched() && otlite_load_relaxed(&came) != 0;
}

void otlite_term_end(void)
{
    struct sigaction now;
    otlite_store_release(&watching, 0);
    if (sigaction(SIGTERM, NULL, &now) == 0 && is_ours(&now))
        signal(SIGTERM, SIG_DFL);
    kill(getpid(), SIGTERM);
}

size_t otlite_signals_size(void)
{
    return sizeof(sigset_t);
}

void otlite_signals_block(void *saved)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    sigemptyset(&before);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    memcpy(saved, &before, sizeof before);
}

void otlite_signals_restore(const void *saved)
{
    sigset_t before;
    memcpy(&before, saved, sizeof before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
