/* check.h - CHECK, CHECK_EQUAL and RUN: a failure is printed and counted, and the program goes on
 *
 *     static void test_one(void) { CHECK_EQUAL(1 + 1, 2); }
 *     int main(void) { RUN(test_one); return check_end(); }
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned long checks_made, checks_failed;

/* Both give the outcome: `if (!CHECK(pointer != NULL)) return;` */
#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(actual, expected)                                                              \
    check_equal((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
#define RUN(test) (test(), check_done(#test))

/* Whether an emulator of user programs stands for the kernel: who starts one sets the variable
 * (tests/cpus/run.py). It knows no seccomp filter and no mark for fork, and is slow. */
static inline bool check_emulated(void)
{
    static int emulated = -1;
    if (emulated < 0)
        emulated = getenv("OTLITE_EMULATED") != NULL;
    return emulated == 1;
}

static inline bool check_that(bool holds, const char *text, const char *file, int line)
{
    checks_made++;
    if (holds)
        return true;
    checks_failed++;
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
    return false;
}

static inline bool check_equal(long long actual, long long expected, const char *text,
                               const char *file, int line)
{
    bool same = check_that(actual == expected, text, file, line);
    if (!same)
        fprintf(stderr, "    is %lld (0x%llx), not %lld (0x%llx)\n", actual,
                (unsigned long long)actual, expected, (unsigned long long)expected);
    return same;
}

/* A test that checked nothing has failed. */
static inline void check_done(const char *test)
{
    static unsigned long made, failed;
    if (checks_made == made)
        check_that(false, "the test checks something", test, 0);
    printf("%-40s %8lu checks, %lu failed\n", test, checks_made - made, checks_failed - failed);
    fflush(stdout); /* not once more by each forked child */
    made = checks_made, failed = checks_failed;
}

static inline int check_end(void)
{
    return checks_made == 0 || checks_failed != 0;
}

#endif
