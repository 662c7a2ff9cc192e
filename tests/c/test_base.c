/* test_base.c - names of statuses and losses; what the atomic accesses promise of a single word */
#include <pthread.h>
#include <string.h>

#include "base/atomics.h"
#include "check.h"
#include "otlite.h"

static void test_status_text(void)
{
    CHECK(strcmp(otlite_status_text(OTLITE_OK), "ok") == 0);
    CHECK(strcmp(otlite_status_text(OTLITE_NO_ROOM), "no room") == 0);
    CHECK(strcmp(otlite_status_text(OTLITE_SYSTEM), "system") == 0);
    CHECK(strcmp(otlite_status_text((enum otlite_status)(OTLITE_SYSTEM + 1)), "unknown") == 0);
    CHECK(strcmp(otlite_status_text((enum otlite_status) - 1), "unknown") == 0);
    for (int i = 0; i <= OTLITE_SYSTEM; i++) {
        const char *text = otlite_status_text((enum otlite_status)i);
        if (CHECK(text != NULL))
            CHECK(text[0] != '\0' && strcmp(text, "unknown") != 0);
    }
}

static void test_loss_text(void)
{
    static const char *const expected[] = {
        "overwritten", "full",    "too_large", "table_full",           "reentered",
        "no_memory",   "refused", "shutdown",  "unsupported_protocol", "damaged"};

    CHECK_EQUAL(OTLITE_LOSSES, sizeof expected / sizeof *expected);
    for (int i = 0; i < OTLITE_LOSSES; i++)
        CHECK(strcmp(otlite_loss_text((enum otlite_loss)i), expected[i]) == 0);
    CHECK(otlite_loss_text(OTLITE_LOSSES) == NULL);
    CHECK(otlite_loss_text((enum otlite_loss) - 1) == NULL);
}

static void test_atomic_results(void)
{
    uint32_t word = 0;

    otlite_store_relaxed(&word, 1);
    CHECK_EQUAL(otlite_load_relaxed(&word), 1);
    otlite_store_release(&word, 2);
    CHECK_EQUAL(otlite_load_acquire(&word), 2);
    otlite_store_seq(&word, 3);
    CHECK_EQUAL(otlite_load_seq(&word), 3);
    CHECK_EQUAL(otlite_exchange_seq(&word, UINT32_MAX), 3);
    CHECK_EQUAL(otlite_add_relaxed(&word, 5), UINT32_MAX);
    CHECK_EQUAL(word, 4);

    uint32_t expected = 7;
    CHECK(!otlite_compare_exchange(&word, &expected, 9));
    CHECK_EQUAL(expected, 4);
    CHECK_EQUAL(word, 4);
    CHECK(otlite_compare_exchange(&word, &expected, 9));
    CHECK_EQUAL(expected, 4);
    CHECK_EQUAL(word, 9);
}

#define ROUNDS 100000

static uint32_t added, swapped;

static void *count_up(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        otlite_add_relaxed(&added, 1);
        uint32_t seen = otlite_load_relaxed(&swapped);
        while (!otlite_compare_exchange(&swapped, &seen, seen + 1))
            continue;
    }
    return NULL;
}

static void test_no_update_is_lost(void)
{
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQUAL(added, 3 * ROUNDS);
    CHECK_EQUAL(swapped, 3 * ROUNDS);
}

int main(void)
{
    RUN(test_status_text);
    RUN(test_loss_text);
    RUN(test_atomic_results);
    RUN(test_no_update_is_lost);
    return check_end();
}
