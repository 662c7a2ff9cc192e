/* wire.h - protobuf primitives: sizes, and writers that return where they stopped
 *
 * No writer checks for room: whoever calls has reserved the bound.
 */
#ifndef OTLITE_ENCODE_WIRE_H
#define OTLITE_ENCODE_WIRE_H

#include <string.h>

#include "cpu/kernels.h"
#include "otlite.h"
#include "encode/fields.h"

static inline uint32_t varint_size(uint64_t value)
{
    uint32_t bits = 63u ^ (uint32_t)__builtin_clzll(value | 1);
    return (bits * 9 + 73) / 64;
}

static inline uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* Tags are constants: this folds into one or two stores. */
static inline uint8_t *put_tag(uint8_t *at, uint32_t tag)
{
    return put_varint(at, tag);
}

/* Compilers make one store of four such bytes, but a loop of eight. */
static inline uint8_t *put_fixed32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
    return at + 4;
}

static inline uint8_t *put_fixed64(uint8_t *at, uint64_t value)
{
    return put_fixed32(put_fixed32(at, (uint32_t)value), (uint32_t)(value >> 32));
}

/* Names, keys and values are short: two copies that overlap cost less than a call. */
static inline uint8_t *put_raw(uint8_t *at, const void *src, size_t size)
{
    const uint8_t *from = src;
    if (size > 32) {
        memcpy(at, from, size);
    } else if (size >= 16) {
        memcpy(at, from, 16);
        memcpy(at + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        memcpy(at, from, 8);
        memcpy(at + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(at, from, 4);
        memcpy(at + size - 4, from + size - 4, 4);
    } else if (size != 0) {
        at[0] = from[0];
        at[size / 2] = from[size / 2];
        at[size - 1] = from[size - 1];
    }
    return at + size;
}

static inline size_t bytes_field_bound(size_t size)
{
    return 1 + varint_size(size) + size;
}

static inline uint8_t *put_bytes_field(uint8_t *at, uint32_t tag, const void *src, size_t size)
{
    at = put_varint(put_tag(at, tag), size);
    return put_raw(at, src, size);
}

/* Writes the length of the `size` bytes at `body`, `reserved` bytes after `length`; returns the message's end.
 * Lengths stay minimal, so the body moves where the reserve was not exact: seldom, and never far. */
static inline uint8_t *put_length(uint8_t *length, uint32_t reserved, size_t size)
{
    uint32_t exact = varint_size(size);
    if (exact != reserved)
        memmove(length + exact, length + reserved, size);
    put_varint(length, size);
    return length + exact + size;
}

static inline size_t text_bound(struct otlite_text text)
{
    static const uint8_t per_unit[] = {1, 2, 3, 4, 3};
    return (size_t)text.length * per_unit[text.kind];
}

/* Writes length and UTF-8 of any kind of text. */
uint8_t *otlite_text_encode(uint8_t *at, struct otlite_text text);

static inline uint8_t *put_text_field(uint8_t *at, uint32_t tag, struct otlite_text text)
{
    at = put_tag(at, tag);
    if (text.kind == OTLITE_TEXT_UTF8)
        return put_raw(put_varint(at, text.length), text.data, text.length);
    return otlite_text_encode(at, text);
}

/* Moves start, end and event times of encoded spans (ScopeSpans.spans, one after the other) by `ns`, modulo
 * 2^64; to no earlier than 1970. Any bytes will do. */
void otlite_spans_shift(uint8_t *spans, size_t size, uint64_t ns);

/* What an encoded span says of itself, as far as it lies within `size` bytes; any bytes will do. */
struct span_glance {
    const uint8_t *trace_id, *span_id; /* NULL: not found */
    uint64_t end;                      /* 0: not found */
};
struct span_glance otlite_span_glance(const uint8_t *span, size_t size);

static inline size_t text_field_bound(struct otlite_text text)
{
    return bytes_field_bound(text_bound(text));
}

/* ---- The body of AnyValue for a scalar: a usual attribute is written without a call ---- */

static inline size_t value_bound(const struct otlite_value *value)
{
    switch (value->type) {
    case OTLITE_BOOL:
        return 2;
    case OTLITE_INT:
        return 1 + varint_size((uint64_t)value->as.integer);
    case OTLITE_DOUBLE:
        return 9;
    case OTLITE_TEXT:
        return bytes_field_bound(text_bound(value->as.text));
    case OTLITE_BYTES:
        return bytes_field_bound(value->as.bytes.length);
    default:
        return 0;
    }
}

/* Inlined by force: the call costs a tenth of a usual attribute. */
__attribute__((always_inline)) static inline uint8_t *put_value(uint8_t *at,
                                                                const struct otlite_value *value)
{
    uint64_t bits;
    switch (value->type) {
    case OTLITE_BOOL:
        return put_varint(put_tag(at, ANY_BOOL), value->as.boolean);
    case OTLITE_INT:
        return put_varint(put_tag(at, ANY_INT), (uint64_t)value->as.integer);
    case OTLITE_DOUBLE:
        memcpy(&bits, &value->as.real, sizeof bits);
        return put_fixed64(put_tag(at, ANY_DOUBLE), bits);
    case OTLITE_TEXT: /* field by field: a load of length and kind at once would wait for their two stores */
        at = put_tag(at, ANY_STRING);
        if (value->as.text.kind != OTLITE_TEXT_UTF8)
            return otlite_text_encode(at, value->as.text);
        at = put_varint(at, value->as.text.length);
        return put_raw(at, value->as.text.data, value->as.text.length);
    case OTLITE_BYTES:
        return put_bytes_field(at, ANY_BYTES, value->as.bytes.data, value->as.bytes.length);
    default:
        return at;
    }
}

#endif
