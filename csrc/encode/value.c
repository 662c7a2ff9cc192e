/* value.c - text and scalar attribute values as OTLP bytes */
#include "encode/wire.h"

/* Bytes of unknown origin: valid runs are copied, each byte that begins no valid sequence becomes U+FFFD. */
static size_t encode_chars(uint8_t *dst, const uint8_t *src, size_t n,
                           const struct otlite_kernels *kernels)
{
    uint8_t *at = dst;
    while (n != 0) {
        size_t valid = kernels->utf8_valid_prefix(src, n);
        at = put_raw(at, src, valid);
        src += valid;
        n -= valid;
        if (n != 0) {
            at = put_raw(at, "\xEF\xBF\xBD", 3);
            src++;
            n--;
        }
    }
    return (size_t)(at - dst);
}

size_t otlite_text_encode(uint8_t *dst, struct otlite_text text)
{
    const struct otlite_kernels *kernels = otlite_kernels_active();
    switch (text.kind) {
    case OTLITE_TEXT_LATIN1:
        return kernels->latin1_to_utf8(dst, text.data, text.length);
    case OTLITE_TEXT_UCS2:
        return kernels->ucs2_to_utf8(dst, text.data, text.length);
    case OTLITE_TEXT_UCS4:
        return kernels->ucs4_to_utf8(dst, text.data, text.length);
    case OTLITE_TEXT_CHARS:
        return encode_chars(dst, text.data, text.length, kernels);
    default:
        return (size_t)(put_raw(dst, text.data, text.length) - dst);
    }
}

size_t otlite_value_bound(const struct otlite_value *value)
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

uint8_t *otlite_value_encode(uint8_t *at, const struct otlite_value *value)
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
    case OTLITE_TEXT:
        return put_text_field(at, ANY_STRING, value->as.text);
    case OTLITE_BYTES:
        return put_bytes_field(at, ANY_BYTES, value->as.bytes.data, value->as.bytes.length);
    default:
        return at;
    }
}
