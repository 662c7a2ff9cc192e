/* test_id.c - identifiers: the published vector, distinct, unbiased, reseeded, never zero */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "otlite.h"

#define SECOND UINT64_C(1000000000)
#define DRAWS 1000000

/* The first outputs of xoshiro256++ from the state 1, 2, 3, 4: the vector that rand_xoshiro (Rust)
 * and other ports take from the authors' C program. */
static const uint64_t published[] = {
    UINT64_C(41943041),
    UINT64_C(58720359),
    UINT64_C(3588806011781223),
    UINT64_C(3591011842654386),
    UINT64_C(9228616714210784205),
    UINT64_C(9973669472204895162),
    UINT64_C(14011001112246962877),
    UINT64_C(12406186145184390807),
    UINT64_C(15849039046786891736),
    UINT64_C(10450023813501588000),
};

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint64_t next_span(struct otlite_ids *ids, uint64_t now)
{
    uint8_t span[8];

    otlite_ids_next(ids, now, NULL, span);
    return word_at(span);
}

static struct otlite_ids seeded_with(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t until)
{
    struct otlite_ids ids;

    otlite_ids_init(&ids, false);
    memcpy(ids.state, (uint64_t[4]){a, b, c, d}, sizeof ids.state);
    ids.reseed_at = until;
    return ids;
}

static void test_published_vector(void)
{
    struct otlite_ids ids = seeded_with(1, 2, 3, 4, SECOND);
    uint8_t trace[16], span[8];

    for (size_t i = 0; i + 3 <= sizeof published / sizeof *published; i += 3) {
        otlite_ids_next(&ids, 1, trace, span);
        CHECK_EQUAL(word_at(trace), published[i]);
        CHECK_EQUAL(word_at(trace + 8), published[i + 1]);
        CHECK_EQUAL(word_at(span), published[i + 2]);
    }
    otlite_ids_next(&ids, 1, NULL, span);
    CHECK_EQUAL(word_at(span), published[9]);
    otlite_ids_next(&ids, 1, NULL, NULL); /* draws nothing, harms nothing */
    CHECK_EQUAL(ids.failures, 0);
}

/* The generator's next output is rotl(s0 + s3, 23) + s0: zero for s0 = s3 = 0. */
static void test_never_zero(void)
{
    struct otlite_ids ids = seeded_with(0, 1, 2, 0, SECOND);
    CHECK(next_span(&ids, 1) != 0);

    /* Half of a trace id may be zero: only the whole may not. */
    ids = seeded_with(0, 1, 2, 0, SECOND);
    uint8_t trace[16];
    otlite_ids_next(&ids, 1, trace, NULL);
    CHECK_EQUAL(word_at(trace), 0);
    CHECK(word_at(trace + 8) != 0);
}

static void test_only_what_was_asked_for_is_written(void)
{
    uint8_t bytes[40];
    struct otlite_ids ids;

    for (int from_os = 0; from_os <= 1; from_os++) {
        otlite_ids_init(&ids, from_os);
        memset(bytes, 0xa5, sizeof bytes);
        otlite_ids_next(&ids, 1, bytes + 4, bytes + 28);
        CHECK(memcmp(bytes, "\xa5\xa5\xa5\xa5", 4) == 0);
        CHECK(memcmp(bytes + 20, "\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5", 8) == 0);
        CHECK(memcmp(bytes + 36, "\xa5\xa5\xa5\xa5", 4) == 0);
        CHECK(memcmp(bytes + 4, bytes + 20, 8) != 0 && memcmp(bytes + 12, bytes + 20, 8) != 0);
    }
}

static int compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

/* Each of 64 bits is set in half of 10^6 draws, to within 6 deviations of 500: a sound generator
 * fails this once in 10^7 runs, and repeats one of 10^6 words once in 4 * 10^7. */
static void check_statistics(struct otlite_ids *ids, uint64_t step)
{
    uint64_t *drawn = malloc(DRAWS * sizeof *drawn);
    long set[64] = {0}, repeats = 0, zeros = 0;

    if (!CHECK(drawn != NULL))
        return;
    for (int i = 0; i < DRAWS; i++) {
        drawn[i] = next_span(ids, 1 + (uint64_t)i * step);
        zeros += drawn[i] == 0;
        for (int bit = 0; bit < 64; bit++)
            set[bit] += (long)(drawn[i] >> bit & 1);
    }
    for (int bit = 0; bit < 64; bit++)
        CHECK(labs(set[bit] - DRAWS / 2) < 6 * 500);
    qsort(drawn, DRAWS, sizeof *drawn, compare);
    for (int i = 1; i < DRAWS; i++)
        repeats += drawn[i] == drawn[i - 1];
    CHECK_EQUAL(repeats, 0);
    CHECK_EQUAL(zeros, 0);
    free(drawn);
}

static void test_distinct_and_unbiased(void)
{
    struct otlite_ids ids;

    otlite_ids_init(&ids, false);
    check_statistics(&ids, 10000); /* ten seconds of use: nine reseedings among them */
    otlite_ids_init(&ids, true);
    check_statistics(&ids, 10000);
    CHECK_EQUAL(ids.failures, 0);
}

/* Twins share a state. Within a second they agree; from the second on they part. */
static void test_reseeded_each_second(void)
{
    struct otlite_ids first, twin;

    otlite_ids_init(&first, false);
    next_span(&first, 5 * SECOND);
    twin = first;
    CHECK_EQUAL(next_span(&first, 6 * SECOND - 1), next_span(&twin, 6 * SECOND - 1));
    CHECK(next_span(&first, 6 * SECOND) != next_span(&twin, 6 * SECOND));
    twin = first;
    CHECK_EQUAL(next_span(&first, 7 * SECOND - 1), next_span(&twin, 7 * SECOND - 1));
    /* A clock that ran backwards: a machine restored from a snapshot. */
    CHECK(next_span(&first, 5 * SECOND) != next_span(&twin, 5 * SECOND));
    twin = first;
    CHECK_EQUAL(next_span(&first, 6 * SECOND - 1), next_span(&twin, 6 * SECOND - 1));
}

static void test_reset_and_first_use_seed(void)
{
    struct otlite_ids first, second;

    otlite_ids_init(&first, false);
    otlite_ids_init(&second, false);
    CHECK(next_span(&first, 0) != next_span(&second, 0));
    second = first;
    otlite_ids_reset(&second);
    CHECK_EQUAL(second.reseed_at, 0);
    CHECK_EQUAL(second.from_os, 0);
    CHECK(next_span(&first, 1) != next_span(&second, 1));
    second = first;
    otlite_ids_reset(&first);
    otlite_ids_reset(&second);
    CHECK(next_span(&first, 1) != next_span(&second, 1));

    otlite_ids_init(&first, true);
    otlite_ids_reset(&first);
    CHECK_EQUAL(first.from_os, 1); /* a reset forgets the seed, not the choice */
}

static void test_from_os_leaves_the_generator_alone(void)
{
    struct otlite_ids ids, twin;

    otlite_ids_init(&ids, true);
    twin = ids;
    CHECK(next_span(&ids, 1) != next_span(&twin, 1));
    CHECK_EQUAL(ids.reseed_at, 0);
    CHECK_EQUAL(ids.state[0] | ids.state[1] | ids.state[2] | ids.state[3], 0);
}

/* Two children that reset draw apart from each other and from the parent; without it, the same. */
static void test_forks_part_after_reset(void)
{
    struct otlite_ids ids;
    uint64_t drawn[4][8];

    otlite_ids_init(&ids, false);
    next_span(&ids, 1);
    for (int child = 0; child < 4; child++) {
        int ends[2];
        if (!CHECK_EQUAL(pipe(ends), 0))
            return;
        pid_t pid = fork();
        if (pid == 0) {
            uint64_t words[8];
            if (child < 2)
                otlite_ids_reset(&ids);
            for (int i = 0; i < 8; i++)
                words[i] = next_span(&ids, 2);
            _exit(write(ends[1], words, sizeof words) != sizeof words);
        }
        CHECK_EQUAL(read(ends[0], drawn[child], sizeof drawn[child]), sizeof drawn[child]);
        waitpid(pid, NULL, 0);
        close(ends[0]);
        close(ends[1]);
    }
    uint64_t mine = next_span(&ids, 2);
    CHECK_EQUAL(drawn[2][0], mine); /* the danger is real */
    CHECK_EQUAL(drawn[3][0], mine);
    for (int i = 0; i < 8; i++)
        CHECK(drawn[0][i] != drawn[1][i] && drawn[0][i] != drawn[2][i] &&
              drawn[1][i] != drawn[2][i]);
}

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* From here on the system refuses entropy to this process. */
static bool refuse_entropy(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof steps / sizeof *steps, steps};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* Runs in a child. The number of the first promise broken, 0 for none, 99 without a filter. */
static int without_entropy(void)
{
    struct otlite_ids ids, other;
    uint8_t byte;

    if (!refuse_entropy())
        return 99;
    if (otlite_entropy(&byte, 1) != OTLITE_SYSTEM)
        return 1;
    otlite_ids_init(&ids, false);
    uint64_t first = next_span(&ids, 1), second = next_span(&ids, 2);
    if (first == 0 || second == 0 || first == second)
        return 2;
    if (ids.failures != 1)
        return 3; /* refused once: it asks again only when a second has gone */
    next_span(&ids, 1 + SECOND);
    if (ids.failures != 2)
        return 4;
    otlite_ids_init(&other, false);
    if (next_span(&other, 1) == first)
        return 5; /* the clocks went on */
    otlite_ids_init(&ids, true);
    if (next_span(&ids, 1) == next_span(&ids, 1) || ids.failures != 3)
        return 6; /* two identifiers and one seed */
    return 0;
}

static void test_refused_entropy_is_counted(void)
{
    pid_t pid = fork();
    int result = -1;

    if (pid == 0)
        _exit(without_entropy());
    waitpid(pid, &result, 0);
    CHECK(WIFEXITED(result));
    CHECK_EQUAL(WEXITSTATUS(result), 0);
}
#endif

int main(void)
{
    RUN(test_published_vector);
    RUN(test_never_zero);
    RUN(test_only_what_was_asked_for_is_written);
    RUN(test_distinct_and_unbiased);
    RUN(test_reseeded_each_second);
    RUN(test_reset_and_first_use_seed);
    RUN(test_from_os_leaves_the_generator_alone);
    RUN(test_forks_part_after_reset);
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
    if (!check_emulated())
        RUN(test_refused_entropy_is_counted);
#endif
    return check_end();
}
