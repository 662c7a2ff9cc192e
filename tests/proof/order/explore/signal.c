/* signal.c - SIGTERM comes to one thread while another begins, or ceases, to wait for it: csrc/port/terminate.c
 *
 * The handler runs on thread B. What it shares with the other lies in the world's last words (memory.c); of the system
 * there is what tells the end of the process.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "otlite.h"
#include "setting.h"

static void (*handler)(int, siginfo_t *, void *);

pid_t __wrap_getpid(void);
int __wrap_kill(pid_t process, int number);
int __wrap_raise(int number);
void (*__wrap_signal(int number, void (*disposition)(int)))(int);
int __wrap_sigaction(int number, const struct sigaction *new, struct sigaction *old);

pid_t __wrap_getpid(void)
{
    return 7;
}

int __wrap_kill(pid_t process, int number)
{
    CHECK(process == 7 && number == SIGTERM);
    world.results[ENDED]++;
    return 0;
}

int __wrap_raise(int number)
{
    return __wrap_kill(7, number);
}

void (*__wrap_signal(int number, void (*disposition)(int)))(int)
{
    CHECK(number == SIGTERM && disposition == SIG_DFL);
    return SIG_DFL;
}

int __wrap_sigaction(int number, const struct sigaction *new, struct sigaction *old)
{
    CHECK(number == SIGTERM && new != NULL &&old == NULL);
    handler = new->sa_sigaction;
    return 0;
}

void otlite_waker_post(void *waker)
{
    CHECK(waker == posts);
    explore_post(posts);
}

void signal_begin(void)
{
    posts = &world.memory[WORDS - 1];
    CHECK(otlite_term_catch());
}

void watched_begin(void)
{
    signal_begin();
    watch_term();
}

void watch_term(void)
{
    otlite_term_watch(posts, 0);
}

void watch_no_more_term(void)
{
    otlite_term_watch(NULL, 0);
}

void receive_term(void)
{
    siginfo_t info = {.si_code = SI_USER};
    handler(SIGTERM, &info, NULL);
}

/* Nobody waits any more, or not yet: whoever is told, it ends the process. */
void has_ended(void)
{
    CHECK(world.results[ENDED] != 0);
}

void has_ended_or_woken(void)
{
    CHECK(world.results[ENDED] != 0 || (*posts == 1 && otlite_term_came()));
}
