/* resource.c - resource and scope, the heads that records of every signal share */
#include "encode/wire.h"

static uint8_t *put_attributes(uint8_t *at, uint32_t tag, const struct otlite_scratch *attributes)
{
    const uint8_t *data;
    uint32_t size;
    for (uint32_t i = 0; otlite_scratch_field(attributes, OTLITE_ATTRIBUTES, i, &data, &size); i++)
        at = put_bytes_field(at, tag, data, size);
    return at;
}

static size_t attributes_bound(const struct otlite_scratch *attributes)
{
    return attributes == NULL ? 0 : attributes->sent_bytes;
}

size_t otlite_resource_encode_bound(const struct otlite_scratch *attributes)
{
    return bytes_field_bound(attributes_bound(attributes));
}

size_t otlite_resource_encode(uint8_t *dst, const struct otlite_scratch *attributes)
{
    uint8_t *length = put_tag(dst, RESOURCE_SPANS_RESOURCE);
    uint32_t reserved = varint_size(attributes_bound(attributes));
    uint8_t *end = length + reserved;
    if (attributes != NULL)
        end = put_attributes(end, RESOURCE_ATTRIBUTES, attributes);
    return (size_t)(put_length(length, reserved, (size_t)(end - length) - reserved) - dst);
}

static size_t scope_bound(struct otlite_text name, struct otlite_text version,
                          const struct otlite_scratch *attributes)
{
    return text_field_bound(name) + text_field_bound(version) + attributes_bound(attributes) + 6;
}

size_t otlite_scope_encode_bound(struct otlite_text name, struct otlite_text version,
                                 const struct otlite_scratch *attributes)
{
    return bytes_field_bound(scope_bound(name, version, attributes));
}

size_t otlite_scope_encode(uint8_t *dst, struct otlite_text name, struct otlite_text version,
                           const struct otlite_scratch *attributes)
{
    uint8_t *length = put_tag(dst, SCOPE_SPANS_SCOPE);
    uint32_t reserved = varint_size(scope_bound(name, version, attributes));
    uint8_t *end = length + reserved;
    if (name.length != 0)
        end = put_text_field(end, SCOPE_NAME, name);
    if (version.length != 0)
        end = put_text_field(end, SCOPE_VERSION, version);
    if (attributes != NULL) {
        end = put_attributes(end, SCOPE_ATTRIBUTES, attributes);
        if (attributes->dropped[OTLITE_ATTRIBUTES] != 0)
            end = put_varint(put_tag(end, SCOPE_DROPPED_ATTRIBUTES),
                             attributes->dropped[OTLITE_ATTRIBUTES]);
    }
    return (size_t)(put_length(length, reserved, (size_t)(end - length) - reserved) - dst);
}
