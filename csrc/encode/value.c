/* value.c - text of every kind as OTLP bytes; scalars are in wire.h */
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

static size_t encode_text(uint8_t *dst, struct otlite_text text)
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

uint8_t *otlite_text_encode(uint8_t *at, struct otlite_text text)
{
    uint32_t reserved = varint_size(text_bound(text));
    return put_length(at, reserved, encode_text(at + reserved, text));
}
