/* decode.h - a strict reader of protobuf and of requests, and what the tests of the core record
 *
 * Strict: a varint, a length included, that is longer than it need be is refused, and so is a field
 * that stands after one of a higher number. Field numbers are those of opentelemetry-proto.
 */
#ifndef DECODE_H
#define DECODE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "otlite.h"

struct bytes {
    const uint8_t *data;
    size_t size;
};

static inline bool same_bytes(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* ---- Protobuf ---- */

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct field {
    uint32_t number, wire;
    uint64_t value;     /* of all but BYTES */
    struct bytes bytes; /* of BYTES */
    struct bytes whole; /* with tag and length */
};

struct reader {
    const uint8_t *at, *end;
    uint32_t last; /* field number */
    bool bad;
};

static inline struct reader read_bytes(struct bytes bytes)
{
    return (struct reader){.at = bytes.data, .end = bytes.data + bytes.size};
}

static inline uint64_t read_little(struct reader *reader, int size)
{
    uint64_t value = 0;

    if (reader->end - reader->at < size) {
        reader->bad = true;
        return 0;
    }
    for (int i = 0; i < size; i++)
        value |= (uint64_t)*reader->at++ << (8 * i);
    return value;
}

static inline uint64_t read_varint(struct reader *reader)
{
    uint64_t value = 0;

    for (int shift = 0; shift < 70 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            reader->bad |= (byte == 0 && shift != 0) || (shift == 63 && byte > 1);
            return value;
        }
    }
    reader->bad = true;
    return 0;
}

/* False at the end of the message, and when `bad`. */
static inline bool read_field(struct reader *reader, struct field *field)
{
    if (reader->bad || reader->at == reader->end)
        return false;
    const uint8_t *start = reader->at;
    uint64_t tag = read_varint(reader);
    *field = (struct field){.number = (uint32_t)(tag >> 3), .wire = (uint32_t)(tag & 7)};
    reader->bad |= tag >> 32 != 0 || field->number == 0 || field->number < reader->last;
    reader->last = field->number;
    if (field->wire == VARINT) {
        field->value = read_varint(reader);
    } else if (field->wire == FIXED64 || field->wire == FIXED32) {
        field->value = read_little(reader, field->wire == FIXED64 ? 8 : 4);
    } else if (field->wire == BYTES) {
        uint64_t size = read_varint(reader);
        reader->bad |= size > (uint64_t)(reader->end - reader->at);
        if (!reader->bad)
            field->bytes = (struct bytes){reader->at, (size_t)size};
        reader->at += field->bytes.size;
    } else {
        reader->bad = true;
    }
    field->whole = (struct bytes){start, (size_t)(reader->at - start)};
    return !reader->bad;
}

/* The next field is this one, or else the reader is bad. */
static inline struct field next_field(struct reader *reader, uint32_t number, enum wire wire)
{
    struct field field = {0};

    if (!read_field(reader, &field) || field.number != number || field.wire != (uint32_t)wire)
        reader->bad = true;
    return reader->bad ? (struct field){0} : field;
}

static inline struct reader next_message(struct reader *reader, uint32_t number)
{
    return read_bytes(next_field(reader, number, BYTES).bytes);
}

static inline bool next_value_is(struct reader *reader, uint32_t number, enum wire wire,
                                 uint64_t value)
{
    return next_field(reader, number, wire).value == value && !reader->bad;
}

static inline bool next_bytes_are(struct reader *reader, uint32_t number, struct bytes bytes)
{
    return same_bytes(next_field(reader, number, BYTES).bytes, bytes) && !reader->bad;
}

static inline bool read_all(const struct reader *reader)
{
    return !reader->bad && reader->at == reader->end;
}

/* ---- Requests ---- */

/* A record of ExportTraceServiceRequest, and the heads that it lies under: resource and scope as
 * they were registered. */
struct record {
    struct bytes resource, resource_schema, scope, scope_schema;
    struct bytes field; /* ScopeSpans.spans */
};

/* What a batch's body is: one ResourceSpans, its resource first, its schema URL last, its
 * ScopeSpans likewise, none of them empty. False when it is not that. */
static inline bool read_request(struct bytes body, void (*each)(void *, const struct record *),
                                void *context)
{
    enum { SCHEMA_URL = 3 };
    struct reader request = read_bytes(body);
    struct bytes resource_spans = next_field(&request, 1, BYTES).bytes;
    struct reader reader = read_bytes(resource_spans), scopes;
    struct record record = {.resource = next_field(&reader, 1, BYTES).whole};
    struct field field = {0}, inner;

    for (scopes = reader; read_field(&reader, &field) && field.number == 2;) {
    }
    if (field.number == SCHEMA_URL && field.wire == BYTES && field.bytes.size != 0)
        record.resource_schema = field.bytes;
    else
        reader.bad |= field.number != 2;
    reader.bad |= field.wire != BYTES;
    while (!reader.bad && read_field(&scopes, &field) && field.number == 2) {
        struct reader spans = read_bytes(field.bytes);
        record.scope = next_field(&spans, 1, BYTES).whole;
        record.scope_schema = (struct bytes){0};
        struct reader ahead = spans;
        while (read_field(&ahead, &inner))
            if (inner.number == SCHEMA_URL && inner.bytes.size != 0)
                record.scope_schema = inner.bytes;
        size_t seen = 0;
        for (; read_field(&spans, &inner) && inner.number == 2; seen++) {
            record.field = inner.whole;
            spans.bad |= inner.wire != BYTES;
            each(context, &record);
        }
        reader.bad |= seen == 0 || !read_all(&ahead) || !read_all(&spans);
    }
    return read_all(&request) && read_all(&reader);
}

/* The segments of a batch as one piece, to be freed; size 0 when they are not what the batch says.
 */
static inline struct bytes join_segments(const struct otlite_batch *batch)
{
    uint8_t *all = malloc(batch->size + 1);
    size_t size = 0;

    if (all == NULL)
        abort();
    for (uint32_t i = 0; i < batch->segment_count; i++) {
        if (batch->segments[i].size > batch->size - size)
            return (struct bytes){all, 0};
        memcpy(all + size, batch->segments[i].data, batch->segments[i].size);
        size += batch->segments[i].size;
    }
    return (struct bytes){all, size == batch->size ? size : 0};
}

/* ---- What is recorded ---- */

/* xorshift64*: a number below `below`. Each thread has its own state, not 0. */
static inline uint32_t draw(uint64_t *state, uint32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * UINT64_C(0x2545F4914F6CDD1D) >> 32) % below);
}

static inline struct otlite_text text_of(const char *utf8)
{
    return (struct otlite_text){utf8, (uint32_t)strlen(utf8), OTLITE_TEXT_UTF8};
}

/* Texts of every kind, and what they are in UTF-8 by a slow and obvious way. */

enum { SAMPLE_MAX = 20000 };

struct sample {
    struct otlite_text text;
    struct bytes utf8;
    uint32_t units[SAMPLE_MAX];
    uint8_t written[4 * SAMPLE_MAX];
};

static inline uint8_t *put_code_point(uint8_t *at, uint32_t c)
{
    if (c >= 0xd800 && c < 0xe000)
        c = 0xfffd;
    if (c < 0x80) {
        *at++ = (uint8_t)c;
    } else if (c < 0x800) {
        *at++ = (uint8_t)(0xc0 | c >> 6);
        *at++ = (uint8_t)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *at++ = (uint8_t)(0xe0 | c >> 12);
        *at++ = (uint8_t)(0x80 | (c >> 6 & 63));
        *at++ = (uint8_t)(0x80 | (c & 63));
    } else {
        *at++ = (uint8_t)(0xf0 | c >> 18);
        *at++ = (uint8_t)(0x80 | (c >> 12 & 63));
        *at++ = (uint8_t)(0x80 | (c >> 6 & 63));
        *at++ = (uint8_t)(0x80 | (c & 63));
    }
    return at;
}

/* `length` units; one in `odd` is not ASCII (0: none is). CHARS: the odd unit is a byte that UTF-8
 * never has. */
static inline void make_sample(struct sample *sample, uint64_t *state, uint32_t kind,
                               uint32_t length, uint32_t odd)
{
    static const uint32_t highest[] = {0x7f, 0xff, 0xffff, 0x10ffff, 0xff};
    uint8_t *at = sample->written;

    for (uint32_t i = 0; i < length; i++) {
        uint32_t c = ' ' + draw(state, 95);
        if (odd != 0 && kind != OTLITE_TEXT_UTF8 && draw(state, odd) == 0)
            c = kind == OTLITE_TEXT_CHARS ? 0xff : 0x80 + draw(state, highest[kind] - 0x7f);
        at = put_code_point(at, kind == OTLITE_TEXT_CHARS && c == 0xff ? 0xfffd : c);
        if (kind == OTLITE_TEXT_UCS2)
            ((uint16_t *)sample->units)[i] = (uint16_t)c;
        else if (kind == OTLITE_TEXT_UCS4)
            sample->units[i] = c;
        else
            ((uint8_t *)sample->units)[i] = (uint8_t)c;
    }
    sample->text = (struct otlite_text){sample->units, length, kind};
    sample->utf8 = (struct bytes){sample->written, (size_t)(at - sample->written)};
}

/* Names are stretches of one long text that repeats after 251 bytes. */
enum { NAME_MAX_SIZE = 1 << 22, NAME_STARTS = 251 };

static inline const char *long_text(void)
{
    static char *text;

    if (text == NULL) {
        text = malloc(NAME_MAX_SIZE + NAME_STARTS);
        if (text == NULL)
            abort();
        for (size_t i = 0; i < NAME_MAX_SIZE + NAME_STARTS; i++)
            text[i] = (char)(' ' + i % NAME_STARTS * 89 % 95);
    }
    return text;
}

static inline struct otlite_value long_value(uint32_t size)
{
    struct otlite_text text = {long_text(), size, OTLITE_TEXT_UTF8};
    return (struct otlite_value){.type = OTLITE_TEXT, .as.text = text};
}

/* A span that tells its number by its ids, its times and where in the long text its name begins. */
static inline struct otlite_span numbered_span(uint64_t number, uint32_t name_size)
{
    struct otlite_span span = {.kind = 2, .start = number + 1, .end = number + 2};

    span.name = (struct otlite_text){long_text() + number % NAME_STARTS, name_size, 0};
    memcpy(span.trace_id + 8, &number, sizeof number);
    memcpy(span.span_id, &number, sizeof number);
    return span;
}

/* The number of a numbered span, from its field ScopeSpans.spans; UINT64_MAX when it is damaged. */
static inline uint64_t number_of(struct bytes field)
{
    struct reader outer = read_bytes(field), span = next_message(&outer, 2);
    struct bytes trace_id = next_field(&span, 1, BYTES).bytes;
    uint64_t number;

    if (trace_id.size != 16)
        return UINT64_MAX;
    memcpy(&number, trace_id.data + 8, sizeof number);
    next_bytes_are(&span, 2, (struct bytes){trace_id.data + 8, 8});
    struct bytes name = span.at < span.end && *span.at == (5 << 3 | BYTES)
                            ? next_field(&span, 5, BYTES).bytes
                            : (struct bytes){0};
    const uint8_t *expected = (const uint8_t *)long_text() + number % NAME_STARTS;
    bool whole =
        name.size <= NAME_MAX_SIZE && same_bytes(name, (struct bytes){expected, name.size});
    whole &= next_value_is(&span, 6, VARINT, 3) && next_value_is(&span, 7, FIXED64, number + 1) &&
             next_value_is(&span, 8, FIXED64, number + 2) &&
             next_bytes_are(&span, 15, (struct bytes){0});
    return whole && read_all(&span) && read_all(&outer) ? number : UINT64_MAX;
}

/* A numbered span whose field ScopeSpans.spans is `size` bytes long, to be freed; NULL where no
 * name gives that size. */
static inline uint8_t *sized_field(uint64_t number, size_t size)
{
    for (size_t name = size > 90 ? size - 90 : 0; name < size; name++) {
        struct otlite_span span = numbered_span(number, (uint32_t)name);
        size_t bound = otlite_span_encode_bound(&span);
        if (bound < size)
            continue;
        uint8_t *field = malloc(bound);
        if (field == NULL)
            abort();
        if (otlite_span_encode(field, &span) == size)
            return field;
        free(field);
    }
    return NULL;
}

static inline uint32_t register_resource(struct otlite_region *region, const char *schema_url)
{
    uint8_t bytes[16];
    uint32_t handle = UINT32_MAX;
    size_t size = otlite_resource_encode(bytes, NULL);

    if (otlite_resource_register(region, bytes, size, schema_url, strlen(schema_url), &handle))
        return UINT32_MAX;
    return handle;
}

static inline uint32_t register_scope(struct otlite_region *region, const char *name,
                                      const char *schema_url)
{
    uint8_t bytes[512];
    uint32_t handle = UINT32_MAX;

    if (otlite_scope_encode_bound(text_of(name), text_of(""), NULL) > sizeof bytes)
        abort();
    size_t size = otlite_scope_encode(bytes, text_of(name), text_of(""), NULL);
    if (otlite_scope_register(region, bytes, size, schema_url, strlen(schema_url), &handle))
        return UINT32_MAX;
    return handle;
}

#endif
