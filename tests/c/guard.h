/* guard.h - buffers that lie flush against unmapped pages, and the proof that these are noticed
 *
 * Include it before any system header: it asks for MAP_ANONYMOUS, which strict C11 hides.
 */
#ifndef OTLITE_TEST_GUARD_H
#define OTLITE_TEST_GUARD_H

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE
#endif

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whole pages of memory between two pages that may not be touched. */
struct guard {
    uint8_t *start, *end;
};

/* Room for `size` bytes or more; ends the program when refused. */
static struct guard guard_make(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (size / page + 1) * page;
    uint8_t *map = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + page, room, PROT_READ | PROT_WRITE) != 0) {
        perror("guard_make");
        exit(1);
    }
    return (struct guard){map + page, map + page + room};
}

static void guard_free(struct guard guard)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(guard.start - page, (size_t)(guard.end - guard.start) + 2 * page);
}

/* n bytes that begin where memory begins, or end where it ends. */
enum guard_side { GUARD_BEFORE, GUARD_AFTER, GUARD_SIDES };

static void *guard_place(struct guard guard, enum guard_side side, size_t n)
{
    return side == GUARD_BEFORE ? guard.start : guard.end - n;
}

/* Whether `act` ends a process of its own by touching memory that it may not. */
static inline int guard_kills(void (*act)(void *), void *argument)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would turn it into an exit */
        signal(SIGBUS, SIG_DFL);
        act(argument);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("guard_kills");
        exit(1);
    }
    return WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
}

#endif
