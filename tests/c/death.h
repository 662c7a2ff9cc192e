/* death.h - a region in memory that outlives who records there, what is recorded, and what is found
 *
 * Numbered spans (decode.h) whose number says all of them: of an even one the name's size, of each seventh that it is
 * a chain, its scope, and its resource.
 */
#ifndef DEATH_H
#define DEATH_H

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "decode.h"
#include "region/layout.h"

enum { SCOPES = 3, NUMBERS = 1 << 17 };

static const struct otlite_region_options durable_options = {.durable = true,
                                                             .boot_id = "this one"};

static inline void *shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

/* What who records holds of a region. */
struct recorder {
    struct otlite_region region;
    uint32_t resource, scopes[SCOPES];
};

static inline void register_all(struct recorder *recorder, const char *resource)
{
    static const char *const names[SCOPES] = {"one", "another", "the third"};
    recorder->resource = register_resource(&recorder->region, resource);
    for (int i = 0; i < SCOPES; i++)
        recorder->scopes[i] = register_scope(&recorder->region, names[i], i == 2 ? "urn:x" : "");
}

static inline size_t name_size(uint64_t number)
{
    return (size_t)(number % 7 == 6 ? 5000 + number % 11 * 300 : number % 400);
}

static inline enum otlite_status record_number(struct recorder *recorder, uint64_t number)
{
    uint8_t bytes[9000];
    struct otlite_span span = numbered_span(number, (uint32_t)name_size(number));
    uint32_t scope = recorder->scopes[number % SCOPES];
    if (name_size(number) < 1000)
        return otlite_span_record(&recorder->region, &span, recorder->resource, scope);
    size_t size = otlite_span_encode(bytes, &span);
    return otlite_region_append(&recorder->region, bytes, size, recorder->resource, scope, 0,
                                false);
}

/* How often each number was found, and what was found beside. */
struct findings {
    uint8_t times[NUMBERS];
    bool unsaid[NUMBERS]; /* found, and not said to be offered */
    uint64_t records, highest, strange, fates[3], damaged;
};

static inline void note(struct findings *findings, struct bytes field, struct bytes scope)
{
    static const char *const names[SCOPES] = {"one", "another", "the third"};
    uint64_t number = number_of(field);
    findings->records++;
    if (number >= NUMBERS) {
        findings->strange++;
        return;
    }
    struct reader reader = read_bytes(scope), inner = next_message(&reader, 1);
    const char *name = names[number % SCOPES];
    if (!next_bytes_are(&inner, 1, (struct bytes){(const uint8_t *)name, strlen(name)}))
        findings->strange++;
    findings->times[number]++;
    findings->highest = number > findings->highest ? number : findings->highest;
}

/* Reads without writing, the bytes of each record by pieces. Acknowledged ones are not noted. */
static inline enum otlite_status read_image(const void *memory, size_t size,
                                            struct findings *findings)
{
    static uint8_t bytes[1 << 20];
    struct otlite_image image;
    struct otlite_found found;
    memset(findings, 0, sizeof *findings);
    enum otlite_status status = otlite_image_open(&image, memory, size);
    if (status != OTLITE_OK)
        return status;
    while (otlite_image_next(&image, &found)) {
        size_t at = 0;
        struct otlite_segment piece;
        for (; (piece = otlite_image_bytes(&image, &found, at)).size != 0; at += piece.size) {
            if (piece.size > sizeof bytes - at)
                break;
            memcpy(bytes + at, piece.data, piece.size);
        }
        findings->strange += at != found.size;
        findings->fates[found.fate]++;
        findings->strange += found.fate == OTLITE_ACKNOWLEDGED &&
                             number_of((struct bytes){bytes, found.size}) >= NUMBERS;
        if (found.fate == OTLITE_ACKNOWLEDGED)
            continue;
        struct bytes field = {bytes, found.size};
        note(findings, field, (struct bytes){found.scope.data, found.scope.size});
        uint64_t number = number_of(field);
        if (number < NUMBERS)
            findings->unsaid[number] = found.fate == OTLITE_PENDING;
    }
    findings->damaged = image.damaged;
    return OTLITE_OK;
}

static inline void note_record(void *findings, const struct record *record)
{
    note(findings, record->field, record->scope);
}

/* Sends all: what the receiver finds. */
static inline void drain_into(struct otlite_region *region, struct findings *findings)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 16};
    struct otlite_batch batch;
    memset(findings, 0, sizeof *findings);
    while (otlite_batch_collect(region, &limits, &batch) == OTLITE_OK) {
        struct bytes body = join_segments(&batch);
        findings->strange += !read_request(body, note_record, findings);
        free((void *)(uintptr_t)body.data);
        otlite_batch_acknowledge(region, &batch, 0);
    }
}

static inline struct otlite_stats balanced_stats(struct otlite_region *region)
{
    struct otlite_stats stats;
    otlite_region_stats(region, &stats);
    uint64_t gone = stats.exported + stats.rejected;
    for (int loss = 0; loss < OTLITE_LOSSES; loss++)
        gone += stats.dropped[loss];
    CHECK_EQUAL(stats.recorded + stats.adopted, gone + stats.pending);
    CHECK_EQUAL(stats.pending, otlite_region_count(region));
    return stats;
}

/* ---- The ledger: a pipe, written after the calls returned, that the dead leave nothing in ---- */

enum entry { TRIED = 1, RECORDED, SENT, SETTLED };

struct ledger {
    int ends[2];
    uint8_t known[NUMBERS]; /* by number: a bit for each entry */
    uint64_t entries[SETTLED + 1];
};

static inline void ledger_open(struct ledger *ledger)
{
    memset(ledger, 0, sizeof *ledger);
    if (pipe(ledger->ends) != 0)
        abort();
}

/* Numbers of one entry; what is written at once is read at once. */
static inline void ledger_write(const struct ledger *ledger, enum entry entry,
                                const uint32_t *numbers, size_t count)
{
    uint32_t words[512];
    while (count != 0) {
        size_t part = count < 512 ? count : 512;
        for (size_t i = 0; i < part; i++)
            words[i] = (uint32_t)entry << 28 | numbers[i];
        if (write(ledger->ends[1], words, part * sizeof *words) < 0)
            _exit(3);
        numbers += part;
        count -= part;
    }
}

/* What is there now, or until the last writer is gone; false when it is. */
static inline bool ledger_read(struct ledger *ledger)
{
    uint32_t words[4096];
    ssize_t size = read(ledger->ends[0], words, sizeof words);
    for (ssize_t i = 0; i < size / 4; i++) {
        ledger->known[words[i] & (NUMBERS - 1)] |= (uint8_t)(1 << (words[i] >> 28));
        ledger->entries[words[i] >> 28]++;
    }
    return size > 0;
}

static inline bool has(uint8_t entries, enum entry entry)
{
    return (entries >> entry & 1) != 0;
}

/* Records, and notes what was said of it. */
static inline void record_noted(struct recorder *recorder, const struct ledger *ledger,
                                uint32_t number)
{
    enum otlite_status status = record_number(recorder, number);
    ledger_write(ledger, status == OTLITE_OK ? RECORDED : TRIED, &number, 1);
}

struct numbers {
    uint32_t all[NUMBERS], count;
};

static inline void note_number(void *context, const struct record *record)
{
    struct numbers *numbers = context;
    numbers->all[numbers->count++] = (uint32_t)number_of(record->field);
}

/* Offers a batch, has it arrive, and has it settled or not; false when there is none. */
static inline bool send_noted(struct recorder *recorder, const struct ledger *ledger,
                              uint64_t *state)
{
    static struct numbers numbers;
    struct otlite_batch_limits limits = {.max_bytes = 1 + draw(state, 20000),
                                         .gather = draw(state, 2) == 0};
    struct otlite_batch batch;
    numbers.count = 0;
    if (otlite_batch_collect(&recorder->region, &limits, &batch) != OTLITE_OK)
        return false;
    struct bytes body = join_segments(&batch);
    if (!read_request(body, note_number, &numbers))
        _exit(4);
    free((void *)(uintptr_t)body.data);
    otlite_batch_offer(&recorder->region, &batch);
    ledger_write(ledger, SENT, numbers.all, numbers.count);
    if (draw(state, 8) == 0) {
        otlite_batch_release(&recorder->region, &batch);
        return true;
    }
    otlite_batch_acknowledge(&recorder->region, &batch, 0);
    ledger_write(ledger, SETTLED, numbers.all, numbers.count);
    return true;
}

struct verdict {
    uint64_t lost, invented, twice, settled, unsaid;
};

/* What was found against what is known: a thread of `threads` records each number that is its own by turns. */
static inline struct verdict judge(const struct ledger *ledger, const struct findings *findings,
                                   uint32_t threads)
{
    struct verdict verdict = {0};
    for (uint32_t number = 0; number < NUMBERS; number++) {
        uint8_t known = ledger->known[number];
        bool found = findings->times[number] != 0;
        /* one record a thread may be whole of which nobody knows */
        bool tried = known != 0 || number < threads || ledger->known[number - threads] != 0;
        verdict.invented += found && (!tried || has(known, TRIED));
        verdict.twice += findings->times[number] > 1;
        verdict.settled += found && has(known, SETTLED);
        verdict.unsaid += findings->unsaid[number] && has(known, SENT);
        verdict.lost += !found && has(known, RECORDED) && !has(known, SENT);
    }
    return verdict;
}

static inline void check_against(const struct ledger *ledger, const struct findings *findings,
                                 uint32_t threads, uint64_t overwritten)
{
    struct verdict verdict = judge(ledger, findings, threads);
    CHECK_EQUAL(findings->strange, 0);
    CHECK_EQUAL(findings->damaged, 0);
    CHECK_EQUAL(verdict.invented + verdict.twice + verdict.settled + verdict.unsaid, 0);
    CHECK(verdict.lost <= overwritten);
}

#endif
