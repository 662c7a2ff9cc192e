/* json.c - a request's body, from protobuf to OTLP/JSON
 *
 * One pass over the bytes, and a stack of the messages that are open. A step writes less than OTLITE_JSON_ROOM
 * bytes, or goes on with a string: so it stops wherever the caller's room ends, and goes on wherever a segment does.
 */
#include "encode/decimal.h"
#include "encode/names.h"
#include "encode/wire.h"

/* ---- Fields ---- */

/* The field, or NULL for one that OTLP does not have, or has of another type: protobuf skips both. */
static const struct field *find_field(uint32_t message, uint64_t tag)
{
    uint32_t number = TAG_NUMBER(tag);
    if (number >= json_messages[message].count || json_messages[message].fields[number].tag != tag)
        return NULL;
    return &json_messages[message].fields[number];
}

/* ---- Reading, over the ends of segments ---- */

static size_t here(const struct otlite_json *json)
{
    return (size_t)(json->limit - json->at);
}

static size_t position(const struct otlite_json *json)
{
    return json->limit_at - here(json);
}

/* Afterwards there is a byte at json->at, or none in any segment. */
static void advance(struct otlite_json *json, size_t size)
{
    while (size >= here(json) && json->segment_count != 0) {
        size -= here(json);
        if (json->segments->size != 0) {
            json->at = json->segments->data;
            json->limit = json->at + json->segments->size;
            json->limit_at += json->segments->size;
        } else {
            json->at = json->limit;
        }
        json->segments++;
        json->segment_count--;
    }
    json->at += size;
}

/* The next `size` bytes, at most those of `joined`, in one piece. There are so many. */
static const uint8_t *peek(struct otlite_json *json, size_t size)
{
    size_t part = here(json), done = 0;
    if (size <= part)
        return json->at;
    const uint8_t *from = json->at;
    for (const struct otlite_segment *next = json->segments;; next++) {
        if (part > size - done)
            part = size - done;
        put_raw(json->joined + done, from, part);
        done += part;
        if (done == size)
            return json->joined;
        from = next->data;
        part = next->size;
    }
}

static bool take_varint(struct otlite_json *json, size_t end, uint64_t *value)
{
    size_t most = end - position(json) < 10 ? end - position(json) : 10;
    if (most != 0 && *json->at < 0x80) { /* nearly every tag and length */
        *value = *json->at;
        advance(json, 1);
        return true;
    }
    const uint8_t *at = peek(json, most);
    *value = 0;
    for (size_t i = 0; i < most; i++) {
        *value |= (uint64_t)(at[i] & 0x7f) << (7 * i);
        if (at[i] < 0x80) {
            bool fits = i < 9 || at[i] <= 1;
            advance(json, i + 1);
            return fits;
        }
    }
    return false;
}

static bool take_fixed(struct otlite_json *json, size_t end, size_t size, uint64_t *value)
{
    if (end - position(json) < size)
        return false;
    const uint8_t *at = peek(json, size);
    *value = 0;
    for (size_t i = 0; i < size; i++)
        *value |= (uint64_t)at[i] << (8 * i);
    advance(json, size);
    return true;
}

/* The value; of bytes their length, which the message that ends at `end` holds. */
static bool take_value(struct otlite_json *json, size_t end, uint32_t type, uint64_t *value)
{
    switch (type) {
    case WIRE_VARINT:
        return take_varint(json, end, value);
    case WIRE_FIXED64:
        return take_fixed(json, end, 8, value);
    case WIRE_FIXED32:
        return take_fixed(json, end, 4, value);
    case WIRE_BYTES:
        return take_varint(json, end, value) && *value <= end - position(json);
    default: /* groups, which OTLP never had */
        return false;
    }
}

/* ---- Strings: what follows of one, as far as there is room ---- */

struct out {
    uint8_t *at, *limit;
};

static size_t room(const struct out *out)
{
    return (size_t)(out->limit - out->at);
}

static void put(struct out *out, char c)
{
    *out->at++ = (uint8_t)c;
}

static void put_escaped(struct out *out, uint8_t c)
{
    static const char letters[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    put(out, '\\');
    if (c >= ' ') {
        put(out, (char)c);
    } else if (c < sizeof letters && letters[c] != 0) {
        put(out, letters[c]);
    } else {
        out->at = put_raw(out->at, "u00", 3);
        otlite_kernels_active()->hex_encode((char *)out->at, &c, 1);
        out->at += 2;
    }
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
/* Whether any of the eight bytes is below n, which is at most 128. */
#define ANY_BELOW(word, n) (((word)-EACH(n)) & ~(word)&EACH(0x80))

/* Eight bytes that are written as they are. */
static bool plain(uint64_t word, bool valid)
{
    uint64_t quotes = word ^ EACH('"'), slashes = word ^ EACH('\\');
    return (ANY_BELOW(word, ' ') | ANY_BELOW(quotes, 1) | ANY_BELOW(slashes, 1) |
            (valid ? 0 : word & EACH(0x80))) == 0;
}

/* `last`: no byte of the string comes after these, so that a sequence that they cut is cut for good. Each of these
 * leaves room for the quotation mark, and returns how many bytes it took. `known` of the first are UTF-8: who stops for
 * want of room may do so within a sequence. */
static size_t put_text(struct out *out, const uint8_t *src, size_t size, bool last, size_t *known)
{
    enum { WORD = 8 };
    size_t at = 0, valid = *known;
    while (at < size && room(out) > WORD) {
        if (size - at >= WORD) {
            uint64_t word;
            memcpy(&word, src + at, WORD);
            if (plain(word, at + WORD <= valid)) {
                memcpy(out->at, &word, WORD);
                out->at += WORD;
                at += WORD;
                continue;
            }
        }
        uint8_t c = src[at];
        if (c >= 0x80 && at >= valid) {
            valid = at + otlite_kernels_active()->utf8_valid_prefix(src + at, size - at);
            if (valid != at)
                continue;
            if (!last && size - at < 4)
                break;
            out->at = put_raw(out->at, "\xEF\xBF\xBD", 3);
        } else if (c < ' ' || c == '"' || c == '\\') {
            put_escaped(out, c);
        } else {
            put(out, (char)c);
        }
        at++;
    }
    *known = valid > at ? valid - at : 0;
    return at;
}

static size_t put_hex(struct out *out, const uint8_t *src, size_t size)
{
    if (size > (room(out) - 1) / 2)
        size = (room(out) - 1) / 2;
    otlite_kernels_active()->hex_encode((char *)out->at, src, size);
    out->at += 2 * size;
    return size;
}

static size_t put_base64(struct out *out, const uint8_t *src, size_t size, bool last)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (; at < size && room(out) > 4 && (last || size - at >= 3); at += 3) {
        size_t left = size - at;
        uint32_t bits = (uint32_t)src[at] << 16;
        bits |= left > 1 ? (uint32_t)src[at + 1] << 8 : 0;
        bits |= left > 2 ? src[at + 2] : 0;
        put(out, digits[bits >> 18]);
        put(out, digits[bits >> 12 & 63]);
        put(out, left > 1 ? digits[bits >> 6 & 63] : '=');
        put(out, left > 2 ? digits[bits & 63] : '=');
    }
    return at < size ? at : size;
}

/* What the segment has of the string; where that may be too little to go on with, some more bytes, too. */
static void put_string(struct otlite_json *json, struct out *out)
{
    enum { ENOUGH = 4 };
    size_t size = here(json) < json->text ? here(json) : json->text;
    if (size < ENOUGH)
        size = json->text < sizeof json->joined ? json->text : sizeof json->joined;
    const uint8_t *src = peek(json, size);
    bool last = size == json->text;
    if (json->form == TEXT)
        size = put_text(out, src, size, last, &json->valid);
    else if (json->form == HEX)
        size = put_hex(out, src, size);
    else
        size = put_base64(out, src, size, last);
    advance(json, size);
    json->text -= size;
    if (json->text == 0) {
        put(out, '"');
        json->form = 0;
    }
}

/* ---- Messages ---- */

static bool open_message(struct otlite_json *json, struct out *out, uint32_t message, size_t size)
{
    if (json->depth == OTLITE_JSON_DEPTH)
        return false;
    put(out, '{');
    json->frames[json->depth++] =
        (struct otlite_json_frame){.end = position(json) + size, .message = (uint8_t)message};
    return true;
}

static void close_list(struct otlite_json_frame *frame, struct out *out)
{
    if (frame->list != 0)
        put(out, ']');
    frame->list = 0;
}

/* All before the field's value. False when its name stands in this object already, or for a second value of AnyValue. */
static bool put_name(struct otlite_json_frame *frame, struct out *out, const struct field *field)
{
    uint32_t number = TAG_NUMBER(field->tag), bit = UINT32_C(1) << number;
    if (frame->list == number) {
        put(out, ',');
        return true;
    }
    if ((frame->seen & (frame->message == ANY_VALUE ? UINT32_MAX : bit)) != 0)
        return false;
    close_list(frame, out);
    if (frame->seen != 0)
        put(out, ',');
    memcpy(out->at, field->name, NAME_ROOM);
    out->at += field->name_size;
    frame->seen |= bit;
    if (field->repeated) {
        put(out, '[');
        frame->list = (uint8_t)number;
    }
    return true;
}

static void put_number(struct out *out, uint64_t value, bool negative)
{
    if (negative)
        put(out, '-');
    out->at = otlite_put_decimal(out->at, negative ? -value : value);
}

static void put_double(struct out *out, uint64_t bits)
{
    static const char *const names[] = {"\"Infinity\"", "\"-Infinity\"", "\"NaN\""};
    const uint64_t infinity = UINT64_C(0x7ff) << 52, sign = UINT64_C(1) << 63;
    if ((bits & infinity) != infinity) {
        out->at = otlite_put_double(out->at, bits);
        return;
    }
    const char *name = names[(bits & ~sign) != infinity ? 2 : (bits & sign) != 0];
    out->at = put_raw(out->at, name, strlen(name));
}

_Static_assert(2 + NAME_ROOM + 1 + DOUBLE_TEXT_MAX <= OTLITE_JSON_ROOM, "room for a step");

static bool put_field(struct otlite_json *json, struct out *out, const struct field *field,
                      uint64_t value)
{
    switch (field->form) {
    case MESSAGE:
        return open_message(json, out, field->child, (size_t)value);
    case BOOLEAN:
        out->at = value != 0 ? put_raw(out->at, "true", 4) : put_raw(out->at, "false", 5);
        break;
    case INT32:
        put_number(out, value, value >> 63 != 0);
        break;
    case UINT32:
        put_number(out, value, false);
        break;
    case UINT64:
    case INT64:
        put(out, '"');
        put_number(out, value, field->form == INT64 && value >> 63 != 0);
        put(out, '"');
        break;
    case DOUBLE:
        put_double(out, value);
        break;
    default: /* put_string goes on with it */
        put(out, '"');
        json->form = field->form;
        json->text = (size_t)value;
    }
    return true;
}

/* As protobuf does with more bits than the type has. */
static uint64_t narrow(uint32_t form, uint64_t value)
{
    if (form == INT32)
        return (uint64_t)(int64_t)(int32_t)(uint32_t)value;
    return form == UINT32 ? (uint32_t)value : value;
}

static bool step(struct otlite_json *json, struct out *out)
{
    struct otlite_json_frame *frame = &json->frames[json->depth - 1];
    if (position(json) == frame->end) {
        close_list(frame, out);
        put(out, '}');
        json->depth--;
        return true;
    }
    uint64_t tag, value;
    if (!take_varint(json, frame->end, &tag) || tag > UINT32_MAX || TAG_NUMBER(tag) == 0 ||
        !take_value(json, frame->end, TAG_TYPE(tag), &value))
        return false;
    const struct field *field = find_field(frame->message, tag);
    if (field == NULL) {
        if (TAG_TYPE(tag) == WIRE_BYTES)
            advance(json, (size_t)value);
        return true;
    }
    value = narrow(field->form, value);
    if (value == 0 && field->form != MESSAGE && !field->repeated && frame->message != ANY_VALUE)
        return (frame->seen >> TAG_NUMBER(tag) & 1) == 0; /* the default, which JSON leaves out */
    return put_name(frame, out, field) && put_field(json, out, field, value);
}

/* ---- The line ---- */

void otlite_json_begin(struct otlite_json *json, const struct otlite_segment *segments,
                       size_t count)
{
    static const uint8_t nothing[1];
    json->segments = segments;
    json->segment_count = count;
    json->at = json->limit = nothing;
    json->limit_at = json->text = json->valid = 0;
    for (size_t i = 0; i < count; i++)
        json->text += segments[i].size;
    json->form = MESSAGE;
    json->depth = 0;
    json->status = OTLITE_OK;
    advance(json, 0);
}

static bool go_on(struct otlite_json *json, struct out *out)
{
    if (json->form == 0)
        return step(json, out);
    if (json->form != MESSAGE) {
        put_string(json, out);
        return true;
    }
    json->form = 0;
    return open_message(json, out, REQUEST, json->text);
}

enum otlite_status otlite_json_next(struct otlite_json *json, void *dst, size_t size,
                                    size_t *written)
{
    *written = 0;
    if (size < OTLITE_JSON_ROOM)
        return OTLITE_INVALID;
    struct out out = {dst, (uint8_t *)dst + size};
    while (json->status == OTLITE_OK && room(&out) >= OTLITE_JSON_ROOM) {
        if (!go_on(json, &out))
            json->status = OTLITE_MALFORMED;
        else if (json->depth == 0)
            json->status = OTLITE_EMPTY;
    }
    *written = (size_t)(out.at - (uint8_t *)dst);
    if (json->status == OTLITE_MALFORMED)
        return OTLITE_MALFORMED;
    return *written == 0 ? OTLITE_EMPTY : OTLITE_OK;
}
