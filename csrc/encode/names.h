/* names.h - what OTLP/JSON calls the fields of fields.h, and how it writes their values: for json.c */
#ifndef OTLITE_ENCODE_NAMES_H
#define OTLITE_ENCODE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "encode/fields.h"

enum form {
    MESSAGE = 1,
    TEXT,
    BASE64,
    HEX,
    BOOLEAN,
    INT32, /* enums, too */
    UINT32,
    INT64,
    UINT64,
    DOUBLE,
};

enum message {
    REQUEST,
    RESOURCE_SPANS,
    RESOURCE,
    ENTITY,
    SCOPE_SPANS,
    SCOPE,
    SPAN,
    EVENT,
    LINK,
    STATUS,
    KEY_VALUE,
    ANY_VALUE,
    ARRAY,
    MAP,
};

enum { NAME_ROOM = 27 };

struct field {
    uint8_t tag;
    uint8_t form;
    uint8_t child; /* enum message */
    bool repeated;
    uint8_t name_size;
    char name[NAME_ROOM]; /* "name": */
};

#define FIELD(tag_, name_, form_, child_, repeated_)                                               \
    [TAG_NUMBER(tag_)] = {tag_, form_, child_, repeated_, sizeof name_ + 2, "\"" name_ "\":"}
#define ONE(tag, name, form) FIELD(tag, name, form, 0, false)
#define MANY(tag, name, form) FIELD(tag, name, form, 0, true)
#define MESSAGE_OF(tag, name, child) FIELD(tag, name, MESSAGE, child, false)
#define MESSAGES_OF(tag, name, child) FIELD(tag, name, MESSAGE, child, true)

static const struct field request_names[] = {
    MESSAGES_OF(REQUEST_RESOURCE_SPANS, "resourceSpans", RESOURCE_SPANS),
};
static const struct field resource_spans_names[] = {
    MESSAGE_OF(RESOURCE_SPANS_RESOURCE, "resource", RESOURCE),
    MESSAGES_OF(RESOURCE_SPANS_SCOPE_SPANS, "scopeSpans", SCOPE_SPANS),
    ONE(RESOURCE_SPANS_SCHEMA_URL, "schemaUrl", TEXT),
};
static const struct field resource_names[] = {
    MESSAGES_OF(RESOURCE_ATTRIBUTES, "attributes", KEY_VALUE),
    ONE(RESOURCE_DROPPED_ATTRIBUTES, "droppedAttributesCount", UINT32),
    MESSAGES_OF(RESOURCE_ENTITIES, "entityRefs", ENTITY),
};
static const struct field entity_names[] = {
    ONE(ENTITY_SCHEMA_URL, "schemaUrl", TEXT),
    ONE(ENTITY_TYPE, "type", TEXT),
    MANY(ENTITY_ID_KEYS, "idKeys", TEXT),
    MANY(ENTITY_DESCRIPTION_KEYS, "descriptionKeys", TEXT),
};
static const struct field scope_spans_names[] = {
    MESSAGE_OF(SCOPE_SPANS_SCOPE, "scope", SCOPE),
    MESSAGES_OF(SCOPE_SPANS_SPANS, "spans", SPAN),
    ONE(SCOPE_SPANS_SCHEMA_URL, "schemaUrl", TEXT),
};
static const struct field scope_names[] = {
    ONE(SCOPE_NAME, "name", TEXT),
    ONE(SCOPE_VERSION, "version", TEXT),
    MESSAGES_OF(SCOPE_ATTRIBUTES, "attributes", KEY_VALUE),
    ONE(SCOPE_DROPPED_ATTRIBUTES, "droppedAttributesCount", UINT32),
};
static const struct field span_names[] = {
    ONE(SPAN_TRACE_ID, "traceId", HEX),
    ONE(SPAN_SPAN_ID, "spanId", HEX),
    ONE(SPAN_TRACE_STATE, "traceState", TEXT),
    ONE(SPAN_PARENT_SPAN_ID, "parentSpanId", HEX),
    ONE(SPAN_NAME, "name", TEXT),
    ONE(SPAN_KIND, "kind", INT32),
    ONE(SPAN_START, "startTimeUnixNano", UINT64),
    ONE(SPAN_END, "endTimeUnixNano", UINT64),
    MESSAGES_OF(SPAN_ATTRIBUTES, "attributes", KEY_VALUE),
    ONE(SPAN_DROPPED_ATTRIBUTES, "droppedAttributesCount", UINT32),
    MESSAGES_OF(SPAN_EVENTS, "events", EVENT),
    ONE(SPAN_DROPPED_EVENTS, "droppedEventsCount", UINT32),
    MESSAGES_OF(SPAN_LINKS, "links", LINK),
    ONE(SPAN_DROPPED_LINKS, "droppedLinksCount", UINT32),
    MESSAGE_OF(SPAN_STATUS, "status", STATUS),
    ONE(SPAN_FLAGS, "flags", UINT32),
};
static const struct field event_names[] = {
    ONE(EVENT_TIME, "timeUnixNano", UINT64),
    ONE(EVENT_NAME, "name", TEXT),
    MESSAGES_OF(EVENT_ATTRIBUTES, "attributes", KEY_VALUE),
    ONE(EVENT_DROPPED_ATTRIBUTES, "droppedAttributesCount", UINT32),
};
static const struct field link_names[] = {
    ONE(LINK_TRACE_ID, "traceId", HEX),
    ONE(LINK_SPAN_ID, "spanId", HEX),
    ONE(LINK_TRACE_STATE, "traceState", TEXT),
    MESSAGES_OF(LINK_ATTRIBUTES, "attributes", KEY_VALUE),
    ONE(LINK_DROPPED_ATTRIBUTES, "droppedAttributesCount", UINT32),
    ONE(LINK_FLAGS, "flags", UINT32),
};
static const struct field status_names[] = {
    ONE(STATUS_MESSAGE, "message", TEXT),
    ONE(STATUS_CODE, "code", INT32),
};
static const struct field key_value_names[] = {
    ONE(KEY_VALUE_KEY, "key", TEXT),
    MESSAGE_OF(KEY_VALUE_VALUE, "value", ANY_VALUE),
    ONE(KEY_VALUE_KEY_INDEX, "keyStrindex", INT32),
};
static const struct field any_value_names[] = {
    ONE(ANY_STRING, "stringValue", TEXT),
    ONE(ANY_BOOL, "boolValue", BOOLEAN),
    ONE(ANY_INT, "intValue", INT64),
    ONE(ANY_DOUBLE, "doubleValue", DOUBLE),
    MESSAGE_OF(ANY_ARRAY, "arrayValue", ARRAY),
    MESSAGE_OF(ANY_MAP, "kvlistValue", MAP),
    ONE(ANY_BYTES, "bytesValue", BASE64),
    ONE(ANY_STRING_INDEX, "stringValueStrindex", INT32),
};
static const struct field array_names[] = {MESSAGES_OF(LIST_VALUES, "values", ANY_VALUE)};
static const struct field map_names[] = {MESSAGES_OF(LIST_VALUES, "values", KEY_VALUE)};

#define NAMES(fields)                                                                              \
    {                                                                                              \
        fields, sizeof fields / sizeof *fields                                                     \
    }
static const struct {
    const struct field *fields; /* by number */
    size_t count;
} json_messages[] = {
    [REQUEST] = NAMES(request_names),
    [RESOURCE_SPANS] = NAMES(resource_spans_names),
    [RESOURCE] = NAMES(resource_names),
    [ENTITY] = NAMES(entity_names),
    [SCOPE_SPANS] = NAMES(scope_spans_names),
    [SCOPE] = NAMES(scope_names),
    [SPAN] = NAMES(span_names),
    [EVENT] = NAMES(event_names),
    [LINK] = NAMES(link_names),
    [STATUS] = NAMES(status_names),
    [KEY_VALUE] = NAMES(key_value_names),
    [ANY_VALUE] = NAMES(any_value_names),
    [ARRAY] = NAMES(array_names),
    [MAP] = NAMES(map_names),
};

#endif
