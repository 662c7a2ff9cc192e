/* span.c - one ended span as ScopeSpans.spans, and its times moved afterwards */
#include "encode/wire.h"

/* Everything but texts, status and the scratch's fields: ids, times, kind, counts, flags, tags. */
enum { SPAN_FIXED_BOUND = 18 + 10 + 10 + 2 + 9 + 9 + 3 * 6 + 6 };

static size_t optional_text_bound(struct otlite_text text)
{
    return text.length == 0 ? 0 : text_field_bound(text);
}

static size_t body_bound(const struct otlite_span *span)
{
    size_t bound = SPAN_FIXED_BOUND + optional_text_bound(span->trace_state) +
                   optional_text_bound(span->name) +
                   bytes_field_bound(optional_text_bound(span->status_message) + 2);
    return span->scratch == NULL ? bound : bound + span->scratch->sent_bytes;
}

size_t otlite_span_encode_bound(const struct otlite_span *span)
{
    return bytes_field_bound(body_bound(span));
}

static uint8_t *put_count(uint8_t *at, uint32_t tag, uint32_t count)
{
    return count == 0 ? at : put_varint(put_tag(at, tag), count);
}

static uint8_t *put_scratch(uint8_t *at, const struct otlite_scratch *scratch)
{
    if (scratch->live[OTLITE_ATTRIBUTES] != 0)
        at += otlite_scratch_encode(scratch, OTLITE_ATTRIBUTES, at);
    at = put_count(at, SPAN_DROPPED_ATTRIBUTES, scratch->dropped[OTLITE_ATTRIBUTES]);
    if (scratch->live[OTLITE_EVENTS] != 0)
        at += otlite_scratch_encode(scratch, OTLITE_EVENTS, at);
    at = put_count(at, SPAN_DROPPED_EVENTS, scratch->dropped[OTLITE_EVENTS]);
    if (scratch->live[OTLITE_LINKS] != 0)
        at += otlite_scratch_encode(scratch, OTLITE_LINKS, at);
    return put_count(at, SPAN_DROPPED_LINKS, scratch->dropped[OTLITE_LINKS]);
}

/* Always there, even empty: the stock exporter sends it so. */
static uint8_t *put_status(uint8_t *at, const struct otlite_span *span)
{
    at = put_tag(at, SPAN_STATUS);
    if (span->status == 0 && span->status_message.length == 0)
        return put_varint(at, 0);
    uint32_t reserved = varint_size(text_field_bound(span->status_message) + 2);
    uint8_t *end = at + reserved;
    if (span->status_message.length != 0)
        end = put_text_field(end, STATUS_MESSAGE, span->status_message);
    if (span->status != 0)
        end = put_varint(put_tag(end, STATUS_CODE), span->status);
    return put_length(at, reserved, (size_t)(end - at) - reserved);
}

size_t otlite_span_encode(uint8_t *dst, const struct otlite_span *span)
{
    uint32_t reserved = varint_size(body_bound(span));
    uint8_t *length = put_tag(dst, SCOPE_SPANS_SPANS);
    uint8_t *at = length + reserved;
    at = put_bytes_field(at, SPAN_TRACE_ID, span->trace_id, 16);
    at = put_bytes_field(at, SPAN_SPAN_ID, span->span_id, 8);
    if (span->trace_state.length != 0)
        at = put_text_field(at, SPAN_TRACE_STATE, span->trace_state);
    if (span->has_parent)
        at = put_bytes_field(at, SPAN_PARENT_SPAN_ID, span->parent_span_id, 8);
    if (span->name.length != 0)
        at = put_text_field(at, SPAN_NAME, span->name);
    at = put_varint(put_tag(at, SPAN_KIND), span->kind + 1u);
    if (span->start != 0)
        at = put_fixed64(put_tag(at, SPAN_START), span->start);
    if (span->end != 0)
        at = put_fixed64(put_tag(at, SPAN_END), span->end);
    if (span->scratch != NULL)
        at = put_scratch(at, span->scratch);
    at = put_status(at, span);
    if (span->flags != 0)
        at = put_fixed32(put_tag(at, SPAN_FLAGS), span->flags);
    return (size_t)(put_length(length, reserved, (size_t)(at - length) - reserved) - dst);
}

/* ---- Read back: bytes that lay in a file, so that anything is to be expected ---- */

/* False at the end of the bytes, or of 64 bits. */
static bool read_varint(const uint8_t **at, const uint8_t *limit, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; *at < limit && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static uint64_t fixed64(const uint8_t *at)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

struct field {
    uint64_t tag;
    const uint8_t *value; /* of a varint nothing */
    size_t size;
};

/* The next field; false at the end, and of one that goes on beyond it. */
static bool read_field(const uint8_t **at, const uint8_t *limit, struct field *field)
{
    uint64_t size;
    field->size = 0;
    if (!read_varint(at, limit, &field->tag))
        return false;
    switch (TAG_TYPE(field->tag)) {
    case WIRE_VARINT:
        return read_varint(at, limit, &size);
    case WIRE_FIXED64:
        size = 8;
        break;
    case WIRE_FIXED32:
        size = 4;
        break;
    case WIRE_BYTES:
        if (!read_varint(at, limit, &size))
            return false;
        break;
    default:
        return false;
    }
    if (size > (size_t)(limit - *at))
        return false;
    field->value = *at;
    field->size = (size_t)size;
    *at += size;
    return true;
}

struct span_glance otlite_span_glance(const uint8_t *span, size_t size)
{
    struct span_glance glance = {NULL, NULL, 0};
    const uint8_t *at = span, *limit = span + size;
    uint64_t tag, length;
    struct field field;
    if (!read_varint(&at, limit, &tag) || !read_varint(&at, limit, &length))
        return glance;
    while (read_field(&at, limit, &field) && field.tag <= SPAN_END) {
        if (field.tag == SPAN_TRACE_ID && field.size == 16)
            glance.trace_id = field.value;
        else if (field.tag == SPAN_SPAN_ID && field.size == 8)
            glance.span_id = field.value;
        else if (field.tag == SPAN_END)
            glance.end = fixed64(field.value);
    }
    return glance;
}

/* ---- Times moved ---- */

static void shift_time(uint8_t *at, uint64_t ns)
{
    uint64_t time = fixed64(at);
    bool back = ns >> 63 != 0;
    put_fixed64(at, back && time + ns > time ? 0 : time + ns);
}

/* Fields stand in the order of their numbers: no time comes after the events. */
static void shift_span(uint8_t *span, size_t size, uint64_t ns)
{
    const uint8_t *at = span, *limit = span + size;
    struct field field;
    while (read_field(&at, limit, &field) && field.tag <= SPAN_EVENTS) {
        uint8_t *value = span + (field.value - span);
        if (field.tag == SPAN_START || field.tag == SPAN_END)
            shift_time(value, ns);
        else if (field.tag == SPAN_EVENTS && field.size > 8 && *value == EVENT_TIME)
            shift_time(value + 1, ns);
    }
}

void otlite_spans_shift(uint8_t *spans, size_t size, uint64_t ns)
{
    const uint8_t *at = spans, *limit = spans + size;
    struct field span;
    while (read_field(&at, limit, &span))
        shift_span(spans + (span.value - spans), span.size, ns);
}
