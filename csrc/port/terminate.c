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

#define SECOND UINT64_C(1000000000)

/* What the handler needs, of the process `watching`: a forked child has neither that thread nor that timer. */
static struct {
    void *waker;
    timer_t timer;
    bool timed;
    uint64_t bound;
} watch;
static uint32_t watching;
static uint32_t timer_owner;
static uint32_t came;

static bool watched(void)
{
    /* seq: what otlite_term_watch wrote before; and on_term's second look, after its exchange of `came` */
    return otlite_load_seq(&watching) == (uint32_t)getpid();
}

/* `bound` ns from now the timer ends the process; 0: never. */
static bool set_timer(uint64_t bound)
{
    struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(bound / SECOND), .tv_nsec = (long)(bound % SECOND)}};
    return timer_settime(watch.timer, 0, &spec, NULL) == 0;
}

static bool make_timer(void)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    event.sigev_value.sival_ptr = &watch;
    if (timer_owner != (uint32_t)getpid() &&
        timer_create(CLOCK_MONOTONIC, &event, &watch.timer) != 0)
        return false;
    timer_owner = (uint32_t)getpid();
    return set_timer(0); /* of a wait before */
}

static void on_term(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    bool late = info->si_code == SI_TIMER && info->si_value.sival_ptr == &watch;
    bool waited_for = !late && watched();
    (void)context;
    if (waited_for && otlite_exchange_seq(&came, 1) == 0) {
        if (watch.timed)
            set_timer(watch.bound);
        otlite_waker_post(watch.waker);
    }
    /* Asked anew: watch_no_more, in another thread, sees that it came, or we see that nobody waits. Process 1 is
     * spared by the kernel: the default would only be the last that we hear of it. */
    if (!(waited_for && watched()) && getpid() != 1) {
        signal(number, SIG_DFL);
        raise(number); /* blocked while its handler runs: it comes when we return */
    }
    errno = saved;
}

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_term;
}

bool otlite_term_is_default(void)
{
    struct sigaction now;
    return sigaction(SIGTERM, NULL, &now) == 0 &&
           (is_ours(&now) || ((now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL));
}

bool otlite_term_is_caught(void)
{
    struct sigaction now;
    return sigaction(SIGTERM, NULL, &now) == 0 && is_ours(&now);
}

bool otlite_term_catch(void)
{
    struct sigaction ours = {.sa_sigaction = on_term,
                             .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigemptyset(&ours.sa_mask);
    return sigaction(SIGTERM, &ours, NULL) == 0;
}

/* Whether SIGTERM came while it was waited for. */
static bool watch_no_more(void)
{
    if (!watched())
        return false;
    otlite_store_seq(&watching, 0);
    if (watch.timed)
        set_timer(0);
    return otlite_load_seq(&came) != 0;
}

void otlite_term_watch(void *waker, uint64_t bound)
{
    if (waker == NULL) {
        if (watch_no_more())
            kill(getpid(), SIGTERM);
        return;
    }
    if (watched() && watch.timed)
        set_timer(0);
    /* The same again is at no moment without one who waits. */
    if (!watched() || waker != watch.waker || bound != watch.bound) {
        otlite_store_seq(&watching, 0);
        watch.waker = waker;
        watch.bound = bound;
        watch.timed = bound != 0 && make_timer();
    }
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
    watch_no_more();
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
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
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
