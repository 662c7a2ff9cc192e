/* opened.h - open spans whose number says all of them, and what is found of them after a death
 *
 * A number's span has its scope, parent, kind, flags, start and name by it. As a record it has no attributes; as one
 * that was open, those that say so.
 */
#ifndef OPENED_H
#define OPENED_H

#include "death.h"

enum { START = 1000000, NAME_ROOM = 76 };

static inline size_t opened_name_size(uint64_t number)
{
    return (size_t)(number % 16 == 15 ? 5000 : number % 5 == 4 ? 60 + number % 37 : number % 40);
}

static inline struct otlite_span opened_span(const struct otlite_region *region, uint64_t number)
{
    struct otlite_span span = {
        .has_parent = number % 3 != 0,
        .kind = (uint8_t)(number % 5),
        .flags = 0x101 + (uint32_t)(number % 2) * 0x200,
        .name = {long_text() + number % NAME_STARTS, (uint32_t)opened_name_size(number), 0},
    };
    uint64_t id = number + 1, parent = number + 7;
    span.start = otlite_region_clock(region, START + number, &span.anchor);
    memcpy(span.trace_id + 8, &id, 8);
    span.trace_id[0] = 0x77;
    memcpy(span.span_id, &id, 8);
    memcpy(span.parent_span_id, &parent, 8);
    return span;
}

static inline enum otlite_status open_number(struct recorder *recorder, uint64_t number,
                                             struct otlite_span *span)
{
    *span = opened_span(&recorder->region, number);
    return otlite_open_begin(&recorder->region, span, recorder->resource,
                             recorder->scopes[number % SCOPES]);
}

/* One in 16 is a chain. */
static inline enum otlite_status end_number(struct recorder *recorder, uint64_t number,
                                            struct otlite_span *span)
{
    uint8_t bytes[6000];
    uint32_t scope = recorder->scopes[number % SCOPES];
    span->end = span->start + 5;
    if (span->name.length < 1000)
        return otlite_span_record(&recorder->region, span, recorder->resource, scope);
    size_t size = otlite_span_encode(bytes, span);
    return otlite_span_append(&recorder->region, span, bytes, size, recorder->resource, scope);
}

struct opened {
    const struct otlite_header *header;
    uint8_t unfinished[NUMBERS], recorded[NUMBERS];
    uint64_t spans, wrong, damaged, in_table;
    uint64_t longest; /* that one which was open lasted */
};

/* Whose clock the spans began by, where the one at hand may be damaged. */
static const struct otlite_header *undamaged;

enum what { WRONG, RECORD, UNFINISHED };

static inline bool attribute_is(struct reader *span, const char *key)
{
    struct reader attribute = next_message(span, 9);
    bool named = next_bytes_are(&attribute, 1, (struct bytes){(const uint8_t *)key, strlen(key)});
    struct reader value = next_message(&attribute, 2);
    return named && next_value_is(&value, 2, VARINT, 1) && read_all(&value) && read_all(&attribute);
}

/* Whether it is that number's span, each field of it. */
static inline enum what what_is(const struct opened *opened, struct bytes field, uint64_t number,
                                uint64_t *lasted)
{
    const struct otlite_region region = {.header = (void *)(uintptr_t)opened->header};
    struct otlite_span expected = opened_span(&region, number);
    struct reader outer = read_bytes(field), span = next_message(&outer, 2);
    size_t size = opened_name_size(number);
    bool right = next_bytes_are(&span, 1, (struct bytes){expected.trace_id, 16}) &&
                 next_bytes_are(&span, 2, (struct bytes){expected.span_id, 8});
    if (expected.has_parent)
        right &= next_bytes_are(&span, 4, (struct bytes){expected.parent_span_id, 8});
    struct bytes name = {0};
    if (span.at < span.end && *span.at == (5 << 3 | BYTES))
        name = next_field(&span, 5, BYTES).bytes;
    right &= next_value_is(&span, 6, VARINT, expected.kind + 1u);
    right &= next_value_is(&span, 7, FIXED64, opened->header->anchors[0] + START + number);
    *lasted = next_field(&span, 8, FIXED64).value - expected.start;
    bool unfinished = span.at < span.end && *span.at == (9 << 3 | BYTES);
    if (unfinished) {
        right &= attribute_is(&span, "otlp_lite.unfinished");
        if (size > NAME_ROOM) {
            right &= attribute_is(&span, "otlp_lite.name_cut");
            size = NAME_ROOM;
        }
    }
    right &= same_bytes(name, (struct bytes){(const uint8_t *)expected.name.data, size});
    struct reader status = next_message(&span, 15);
    right &= unfinished ? next_value_is(&status, 3, VARINT, 2) : status.at == status.end;
    right &= next_value_is(&span, 16, FIXED32, expected.flags) && read_all(&span);
    right &= read_all(&outer) && read_all(&status) && *lasted >> 62 == 0;
    return !right ? WRONG : unfinished ? UNFINISHED : RECORD;
}

static inline enum what note_opened(struct opened *opened, struct bytes field, struct bytes scope)
{
    static const char *const names[SCOPES] = {"one", "another", "the third"};
    struct reader outer = read_bytes(field), span = next_message(&outer, 2);
    struct bytes trace_id = next_field(&span, 1, BYTES).bytes;
    struct reader reader = read_bytes(scope), inner = next_message(&reader, 1);
    uint64_t number = 0, lasted = 0;
    opened->spans++;
    if (trace_id.size == 16)
        memcpy(&number, trace_id.data + 8, 8);
    const char *name = names[--number % SCOPES];
    enum what what = number < NUMBERS ? what_is(opened, field, number, &lasted) : WRONG;
    if (!next_bytes_are(&inner, 1, (struct bytes){(const uint8_t *)name, strlen(name)}))
        what = WRONG;
    if (what == WRONG) {
        opened->wrong++;
        return WRONG;
    }
    ++*(what == UNFINISHED ? &opened->unfinished[number] : &opened->recorded[number]);
    if (what == UNFINISHED && lasted > opened->longest)
        opened->longest = lasted;
    return what;
}

static inline void note_opened_record(void *opened, const struct record *record)
{
    (void)note_opened(opened, record->field, record->scope);
}

/* Reads without writing; what is acknowledged is left out. */
static inline enum otlite_status read_opened(const void *memory, size_t size, struct opened *opened)
{
    static uint8_t bytes[1 << 16];
    static struct otlite_image image;
    struct otlite_found found;
    memset(opened, 0, sizeof *opened);
    opened->header = undamaged != NULL ? undamaged : memory;
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
        opened->wrong += at != found.size;
        if (found.fate == OTLITE_ACKNOWLEDGED)
            continue;
        enum what what = note_opened(opened, (struct bytes){bytes, found.size},
                                     (struct bytes){found.scope.data, found.scope.size});
        opened->wrong += what == RECORD && found.unfinished;
        opened->in_table += found.unfinished;
    }
    opened->damaged = image.damaged;
    return OTLITE_OK;
}

/* Sends all: what the receiver finds. */
static inline void drain_opened(struct otlite_region *region, struct opened *opened)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 16};
    struct otlite_batch batch;
    memset(opened, 0, sizeof *opened);
    opened->header = undamaged != NULL ? undamaged : region->header;
    while (otlite_batch_collect(region, &limits, &batch) == OTLITE_OK) {
        struct bytes body = join_segments(&batch);
        opened->wrong += !read_request(body, note_opened_record, opened);
        free((void *)(uintptr_t)body.data);
        otlite_batch_acknowledge(region, &batch, 0);
    }
}

#endif
