/* fuzz_json.c - a request's body as OTLP/JSON: whole or in pieces the line that a slow reader of messages writes
 *
 * An input is a body; or says one by its fields, with lengths that are right.
 */
#include <math.h>

#include "fuzz.h"

enum { BODY = 4096, LINE = 1 << 18, PIECES = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return otlite_kernels_select(NULL);
}

/* ---- OTLP's messages: opentelemetry-proto 1.11 ---- */

enum form { MESSAGE, TEXT, BASE64, HEX, BOOLEAN, SIGNED32, UNSIGNED32, SIGNED64, UNSIGNED64, REAL };

enum message {
    NO_MESSAGE,
    REQUEST,
    RESOURCE_SPANS,
    RESOURCE,
    ENTITY_REF,
    SCOPE_SPANS,
    SCOPE,
    SPAN,
    EVENT,
    LINK,
    STATUS,
    KEY_VALUE,
    ANY_VALUE,
    ARRAY_VALUE,
    KEY_VALUE_LIST,
};

/* `messages` says the same of a repeated field. */
struct row {
    enum message of;
    uint32_t number, wire;
    enum form form;
    const char *name;
    enum message one, many;
    bool repeated;
};

static const struct row rows[] = {
    {REQUEST, 1, BYTES, MESSAGE, "resourceSpans", 0, RESOURCE_SPANS, true},
    {RESOURCE_SPANS, 1, BYTES, MESSAGE, "resource", RESOURCE, 0, false},
    {RESOURCE_SPANS, 2, BYTES, MESSAGE, "scopeSpans", 0, SCOPE_SPANS, true},
    {RESOURCE_SPANS, 3, BYTES, TEXT, "schemaUrl", 0, 0, false},
    {RESOURCE, 1, BYTES, MESSAGE, "attributes", 0, KEY_VALUE, true},
    {RESOURCE, 2, VARINT, UNSIGNED32, "droppedAttributesCount", 0, 0, false},
    {RESOURCE, 3, BYTES, MESSAGE, "entityRefs", 0, ENTITY_REF, true},
    {ENTITY_REF, 1, BYTES, TEXT, "schemaUrl", 0, 0, false},
    {ENTITY_REF, 2, BYTES, TEXT, "type", 0, 0, false},
    {ENTITY_REF, 3, BYTES, TEXT, "idKeys", 0, 0, true},
    {ENTITY_REF, 4, BYTES, TEXT, "descriptionKeys", 0, 0, true},
    {SCOPE_SPANS, 1, BYTES, MESSAGE, "scope", SCOPE, 0, false},
    {SCOPE_SPANS, 2, BYTES, MESSAGE, "spans", 0, SPAN, true},
    {SCOPE_SPANS, 3, BYTES, TEXT, "schemaUrl", 0, 0, false},
    {SCOPE, 1, BYTES, TEXT, "name", 0, 0, false},
    {SCOPE, 2, BYTES, TEXT, "version", 0, 0, false},
    {SCOPE, 3, BYTES, MESSAGE, "attributes", 0, KEY_VALUE, true},
    {SCOPE, 4, VARINT, UNSIGNED32, "droppedAttributesCount", 0, 0, false},
    {SPAN, 1, BYTES, HEX, "traceId", 0, 0, false},
    {SPAN, 2, BYTES, HEX, "spanId", 0, 0, false},
    {SPAN, 3, BYTES, TEXT, "traceState", 0, 0, false},
    {SPAN, 4, BYTES, HEX, "parentSpanId", 0, 0, false},
    {SPAN, 5, BYTES, TEXT, "name", 0, 0, false},
    {SPAN, 6, VARINT, SIGNED32, "kind", 0, 0, false},
    {SPAN, 7, FIXED64, UNSIGNED64, "startTimeUnixNano", 0, 0, false},
    {SPAN, 8, FIXED64, UNSIGNED64, "endTimeUnixNano", 0, 0, false},
    {SPAN, 9, BYTES, MESSAGE, "attributes", 0, KEY_VALUE, true},
    {SPAN, 10, VARINT, UNSIGNED32, "droppedAttributesCount", 0, 0, false},
    {SPAN, 11, BYTES, MESSAGE, "events", 0, EVENT, true},
    {SPAN, 12, VARINT, UNSIGNED32, "droppedEventsCount", 0, 0, false},
    {SPAN, 13, BYTES, MESSAGE, "links", 0, LINK, true},
    {SPAN, 14, VARINT, UNSIGNED32, "droppedLinksCount", 0, 0, false},
    {SPAN, 15, BYTES, MESSAGE, "status", STATUS, 0, false},
    {SPAN, 16, FIXED32, UNSIGNED32, "flags", 0, 0, false},
    {EVENT, 1, FIXED64, UNSIGNED64, "timeUnixNano", 0, 0, false},
    {EVENT, 2, BYTES, TEXT, "name", 0, 0, false},
    {EVENT, 3, BYTES, MESSAGE, "attributes", 0, KEY_VALUE, true},
    {EVENT, 4, VARINT, UNSIGNED32, "droppedAttributesCount", 0, 0, false},
    {LINK, 1, BYTES, HEX, "traceId", 0, 0, false},
    {LINK, 2, BYTES, HEX, "spanId", 0, 0, false},
    {LINK, 3, BYTES, TEXT, "traceState", 0, 0, false},
    {LINK, 4, BYTES, MESSAGE, "attributes", 0, KEY_VALUE, true},
    {LINK, 5, VARINT, UNSIGNED32, "droppedAttributesCount", 0, 0, false},
    {LINK, 6, FIXED32, UNSIGNED32, "flags", 0, 0, false},
    {STATUS, 2, BYTES, TEXT, "message", 0, 0, false},
    {STATUS, 3, VARINT, SIGNED32, "code", 0, 0, false},
    {KEY_VALUE, 1, BYTES, TEXT, "key", 0, 0, false},
    {KEY_VALUE, 2, BYTES, MESSAGE, "value", ANY_VALUE, 0, false},
    {KEY_VALUE, 3, VARINT, SIGNED32, "keyStrindex", 0, 0, false},
    {ANY_VALUE, 1, BYTES, TEXT, "stringValue", 0, 0, false},
    {ANY_VALUE, 2, VARINT, BOOLEAN, "boolValue", 0, 0, false},
    {ANY_VALUE, 3, VARINT, SIGNED64, "intValue", 0, 0, false},
    {ANY_VALUE, 4, FIXED64, REAL, "doubleValue", 0, 0, false},
    {ANY_VALUE, 5, BYTES, MESSAGE, "arrayValue", ARRAY_VALUE, 0, false},
    {ANY_VALUE, 6, BYTES, MESSAGE, "kvlistValue", KEY_VALUE_LIST, 0, false},
    {ANY_VALUE, 7, BYTES, BASE64, "bytesValue", 0, 0, false},
    {ANY_VALUE, 8, VARINT, SIGNED32, "stringValueStrindex", 0, 0, false},
    {ARRAY_VALUE, 1, BYTES, MESSAGE, "values", 0, ANY_VALUE, true},
    {KEY_VALUE_LIST, 1, BYTES, MESSAGE, "values", 0, KEY_VALUE, true},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct row *find_row(enum message message, uint64_t number, uint64_t wire)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].of == message && rows[i].number == number && rows[i].wire == wire)
            return &rows[i];
    return NULL;
}

/* ---- The slow reader ---- */

static char expected[LINE];
static size_t expected_size;

static void say(const char *text, size_t size)
{
    REQUIRE(size < LINE - expected_size);
    memcpy(expected + expected_size, text, size);
    expected_size += size;
}

static void say_text(const char *text)
{
    say(text, strlen(text));
}

static bool any_varint(struct reader *reader, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 70 && reader->at < reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        if (shift == 63 && byte > 1)
            return false;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* The length of the valid sequence that begins here; 0 where none does. */
static size_t sequence_at(const uint8_t *at, size_t n)
{
    uint32_t length = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4, c = at[0];
    uint8_t again[4];
    if ((at[0] & 0xc0) == 0x80 || at[0] >= 0xf8 || n < length)
        return 0;
    for (uint32_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        c = (i == 1 ? c & (0x7fu >> length) : c) << 6 | (at[i] & 63);
    }
    return c <= 0x10ffff && put_code_point(again, c) == again + length &&
                   memcmp(again, at, length) == 0
               ? length
               : 0;
}

static void say_string(struct bytes bytes)
{
    static const char shorts[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
    char text[8];
    say("\"", 1);
    for (size_t i = 0; i < bytes.size;) {
        size_t length = sequence_at(bytes.data + i, bytes.size - i);
        const char *known = strchr(shorts, bytes.data[i]);
        if (length == 0) {
            say("\xEF\xBF\xBD", 3);
        } else if (bytes.data[i] != 0 && known != NULL) {
            snprintf(text, sizeof text, "\\%c", letters[known - shorts]);
            say_text(text);
        } else if (bytes.data[i] < ' ') {
            snprintf(text, sizeof text, "\\u%04x", bytes.data[i]);
            say_text(text);
        } else {
            say((const char *)bytes.data + i, length);
        }
        i += length == 0 ? 1 : length;
    }
    say("\"", 1);
}

static void say_hex(struct bytes bytes)
{
    char text[3];
    say("\"", 1);
    for (size_t i = 0; i < bytes.size; i++) {
        snprintf(text, sizeof text, "%02x", bytes.data[i]);
        say_text(text);
    }
    say("\"", 1);
}

static void say_base64(struct bytes bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    say("\"", 1);
    for (size_t bit = 0; bit < 8 * bytes.size; bit += 6) {
        uint32_t value = 0;
        for (size_t i = bit; i < bit + 6; i++) {
            bool set = i / 8 < bytes.size && (bytes.data[i / 8] >> (7 - i % 8) & 1) != 0;
            value = value << 1 | set;
        }
        say(digits + value, 1);
    }
    say_text((const char *[]){"", "==", "="}[bytes.size % 3]);
    say("\"", 1);
}

/* The next decimal of as many digits: of 9.99e9 1.000e10, whose last 0 does no harm. */
static void next_decimal(char *text)
{
    char *at = strchr(text, 'e');
    while (--at >= text && (*at == '9' || *at == '.'))
        *at = *at == '9' ? '0' : '.';
    if (at >= text && *at != '-')
        ++*at;
}

/* As Python's repr(): the fewest digits that read back, of those the nearest. */
static void say_double(uint64_t bits)
{
    double value;
    char text[40], digits[20], out[400];
    int count = 0;
    memcpy(&value, &bits, sizeof value);
    if (isnan(value) || isinf(value)) {
        say_text(isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    for (int more = 0; more < 17; more++) {
        snprintf(text, sizeof text, "%.*e", more, fabs(value));
        if (strtod(text, NULL) == fabs(value))
            break;
        next_decimal(text); /* the interval of a power of two is wider above */
        if (strtod(text, NULL) == fabs(value))
            break;
    }
    for (char *at = text; *at != 'e'; at++)
        if (*at != '.')
            digits[count++] = *at;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    int exponent = atoi(strchr(text, 'e') + 1);
    if (bits >> 63 != 0)
        say("-", 1);
    if (exponent < -4 || exponent >= 16) {
        snprintf(out, sizeof out, "%c%s%.*se%+03d", digits[0], count > 1 ? "." : "", count - 1,
                 digits + 1, exponent);
    } else {
        int decimals = count - 1 - exponent;
        snprintf(out, sizeof out, "%.*f", decimals > 0 ? decimals : 1, strtod(text, NULL));
    }
    say_text(out);
}

static bool say_message(struct bytes bytes, enum message message, uint32_t depth);

static bool say_value(const struct row *row, uint64_t value, struct bytes bytes, uint32_t depth)
{
    char text[32];
    switch (row->form) {
    case MESSAGE:
        return say_message(bytes, row->one + row->many, depth + 1);
    case TEXT:
        say_string(bytes);
        return true;
    case HEX:
        say_hex(bytes);
        return true;
    case BASE64:
        say_base64(bytes);
        return true;
    case REAL:
        say_double(value);
        return true;
    case BOOLEAN:
        say_text(value != 0 ? "true" : "false");
        return true;
    case SIGNED32:
        snprintf(text, sizeof text, "%d", (int32_t)(uint32_t)value);
        break;
    case UNSIGNED32:
        snprintf(text, sizeof text, "%u", (uint32_t)value);
        break;
    case SIGNED64:
        snprintf(text, sizeof text, "\"%lld\"", (long long)value);
        break;
    default:
        snprintf(text, sizeof text, "\"%llu\"", (unsigned long long)value);
    }
    say_text(text);
    return true;
}

/* Of a field that stands alone. */
static bool is_default(const struct row *row, uint64_t value, struct bytes bytes)
{
    bool narrow = row->form == SIGNED32 || row->form == UNSIGNED32;
    return row->wire == BYTES ? bytes.size == 0 : (narrow ? (uint32_t)value : value) == 0;
}

static bool next_any(struct reader *reader, uint64_t *tag, uint64_t *value, struct bytes *bytes)
{
    *bytes = (struct bytes){0};
    if (!any_varint(reader, tag) || *tag > UINT32_MAX || *tag >> 3 == 0)
        return false;
    size_t left = (size_t)(reader->end - reader->at);
    switch (*tag & 7) {
    case VARINT:
        return any_varint(reader, value);
    case FIXED64:
    case FIXED32:
        *value = read_little(reader, (*tag & 7) == FIXED64 ? 8 : 4);
        return !reader->bad;
    case BYTES:
        if (!any_varint(reader, value))
            return false;
        left = (size_t)(reader->end - reader->at);
        if (*value > left)
            return false;
        *bytes = (struct bytes){reader->at, (size_t)*value};
        reader->at += *value;
        return true;
    default:
        return false;
    }
}

static bool say_message(struct bytes bytes, enum message message, uint32_t depth)
{
    struct reader reader = read_bytes(bytes);
    const struct row *open = NULL;
    bool seen[32] = {false}, any = false;
    uint64_t tag, value;
    struct bytes content;

    if (depth >= OTLITE_JSON_DEPTH)
        return false;
    say("{", 1);
    while (reader.at < reader.end) {
        if (!next_any(&reader, &tag, &value, &content))
            return false;
        const struct row *row = find_row(message, tag >> 3, tag & 7);
        if (row == NULL)
            continue;
        if (!row->repeated && row->form != MESSAGE && message != ANY_VALUE &&
            is_default(row, value, content)) {
            if (seen[row->number])
                return false;
            continue;
        }
        if (row != open || !row->repeated) {
            if (seen[row->number] || (message == ANY_VALUE && any))
                return false;
            if (open != NULL && open->repeated)
                say("]", 1);
            say_text(any ? ",\"" : "\"");
            say_text(row->name);
            say_text(row->repeated ? "\":[" : "\":");
        } else {
            say(",", 1);
        }
        seen[row->number] = any = true;
        open = row;
        if (!say_value(row, value, content, depth))
            return false;
    }
    if (open != NULL && open->repeated)
        say("]", 1);
    say("}", 1);
    return true;
}

/* ---- A body that is said by its fields ---- */

static uint8_t body[BODY];

static uint8_t *put_any_varint(uint8_t *at, uint64_t value, bool longer)
{
    for (; value >= 0x80; value >>= 7)
        *at++ = (uint8_t)(value | 0x80);
    *at++ = (uint8_t)(value | (longer ? 0x80 : 0));
    if (longer)
        *at++ = 0;
    return at;
}

/* Writes a message between `at` and `limit`; returns its end. */
static uint8_t *put_message(struct source *source, enum message message, uint8_t *at,
                            uint8_t *limit, uint32_t depth)
{
    enum { HEAD = 16 };
    const struct row *candidates[ROWS];
    uint32_t count = 0, fields = take_below(source, 12);
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].of == message)
            candidates[count++] = &rows[i];
    for (uint32_t last = 0; fields > 0 && limit - at > HEAD; fields--) {
        uint32_t odd = take_below(source, 64), step = take_below(source, 3);
        uint32_t choice = odd < 8 ? take_below(source, count) : last + step;
        const struct row *row = candidates[choice < count ? choice : count - 1];
        last = choice < count ? choice : count - 1;
        uint32_t wire = odd == 9 ? take_below(source, 8) : row->wire;
        uint32_t number = odd == 10 ? take_below(source, 40) : row->number;
        at = put_any_varint(at, number << 3 | wire, odd == 11);
        if (wire == BYTES && row->form == MESSAGE && depth < 2 * OTLITE_JSON_DEPTH) {
            uint8_t *start = at + 3, *end = start;
            if (start < limit)
                end = put_message(source, row->one + row->many, start, limit, depth + 1);
            size_t size = (size_t)(end - start);
            at[0] = (uint8_t)(size | 0x80); /* longer than it need be: any reader takes it */
            at[1] = (uint8_t)(size >> 7 | 0x80);
            at[2] = (uint8_t)(size >> 14);
            at = end;
        } else if (wire == BYTES) {
            struct bytes bytes = take_bytes(source, (size_t)(limit - at) - 4);
            at = put_any_varint(at, bytes.size, odd == 12);
            if (bytes.size != 0)
                memcpy(at, bytes.data, bytes.size);
            at += bytes.size;
        } else {
            uint64_t value = take_number(source);
            size_t size = wire == FIXED64 ? 8 : 4;
            if (wire == VARINT) {
                at = put_any_varint(at, value, false);
                continue;
            }
            for (size_t i = 0; i < size; i++)
                *at++ = (uint8_t)(value >> (8 * i));
        }
    }
    return at;
}

/* Lists within lists, as deep as it says. */
static size_t put_nested(uint8_t *at, uint32_t depth)
{
    static const uint8_t tags[] = {1 << 3 | BYTES, 2 << 3 | BYTES, 2 << 3 | BYTES, 9 << 3 | BYTES,
                                   2 << 3 | BYTES};
    size_t size = 0;
    for (uint32_t i = depth; i-- > 0;) {
        uint8_t tag = i < sizeof tags ? tags[i] : i % 2 ? 5 << 3 | BYTES : 1 << 3 | BYTES;
        memmove(at + 4, at, size);
        at[0] = tag;
        at[1] = (uint8_t)(size | 0x80);
        at[2] = (uint8_t)(size >> 7 | 0x80);
        at[3] = (uint8_t)(size >> 14);
        size += 4;
    }
    return size;
}

/* ---- The line, over pieces ---- */

static char line[LINE];
static size_t line_size;

static enum otlite_status transcode(const uint8_t *bytes, size_t size, struct source *pieces,
                                    bool parted)
{
    static struct otlite_json json;
    struct otlite_segment segments[PIECES];
    size_t count = 0, at = 0, written;
    enum otlite_status status;

    while (count < PIECES - 1 && parted && at < size) {
        size_t part = take_below(pieces, 40);
        part = part < size - at ? part : size - at;
        segments[count++] = (struct otlite_segment){exact_copy(bytes + at, part), part};
        at += part;
    }
    segments[count++] = (struct otlite_segment){exact_copy(bytes + at, size - at), size - at};
    otlite_json_begin(&json, segments, count);
    line_size = 0;
    for (;;) {
        size_t room = OTLITE_JSON_ROOM + (parted ? take_below(pieces, 200) : 4000);
        uint8_t *dst = malloc(room);
        REQUIRE(otlite_json_next(&json, dst, OTLITE_JSON_ROOM - 1, &written) == OTLITE_INVALID);
        status = otlite_json_next(&json, dst, room, &written);
        REQUIRE(written <= room && written < LINE - line_size);
        REQUIRE(status != OTLITE_OK || written > 0);
        memcpy(line + line_size, dst, written);
        line_size += written;
        free(dst);
        if (status != OTLITE_OK)
            break;
    }
    REQUIRE(otlite_json_next(&json, line + line_size, OTLITE_JSON_ROOM, &written) == status);
    for (size_t i = 0; i < count; i++)
        free((void *)(uintptr_t)segments[i].data);
    return status;
}

static void require_line(const uint8_t *bytes, size_t size, struct source pieces)
{
    expected_size = 0;
    bool well = say_message((struct bytes){bytes, size}, REQUEST, 0);
    for (int parted = 0; parted < 2; parted++) {
        enum otlite_status status = transcode(bytes, size, &pieces, parted != 0);
        REQUIRE(status == (well ? OTLITE_EMPTY : OTLITE_MALFORMED));
        if (well && (line_size != expected_size || memcmp(line, expected, line_size) != 0))
            fprintf(stderr, "%.*s\nnot %.*s\n", (int)line_size, line, (int)expected_size, expected);
        REQUIRE(!well || (line_size == expected_size && memcmp(line, expected, line_size) == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = source_of(data, size);
    uint32_t way = take_below(&source, 8);
    struct bytes cuts = take_bytes(&source, 100);
    struct source pieces = source_of(cuts.data, cuts.size);
    size_t left = (size_t)(source.end - source.at);

    if (way == 0)
        require_line(source.at, left < BODY ? left : BODY, pieces);
    else if (way == 1)
        require_line(body, put_nested(body, 60 + take_below(&source, 64)), pieces);
    else
        require_line(body,
                     (size_t)(put_message(&source, REQUEST, body, body + BODY - 64, 0) - body),
                     pieces);
    return 0;
}
