/* test_json.c - a request's body as OTLP/JSON: known lines, parted anywhere, damaged, and within its bounds
 *
 * tests/oracle/test_json.py compares far more of it with protobuf's own JSON.
 */
#include "json.h"

/* ---- A batch ---- */

static uint8_t memory[OTLITE_REGION_MIN] __attribute__((aligned(64)));
static struct otlite_region region;
static struct otlite_batch batch;

static void record_span(void)
{
    static const struct otlite_region_options options;
    static const struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    static uint8_t block[1024];
    struct otlite_scratch scratch;
    struct otlite_composer composer;
    struct otlite_span span = {.has_parent = true, .kind = 1, .status = 2, .flags = 0x101};
    struct otlite_value values[] = {
        {.type = OTLITE_TEXT, .as.text = text_of("\"\\/\b\f\n\r\t\x01\x1f\x7f €😀")},
        {.type = OTLITE_BOOL, .as.boolean = false},
        {.type = OTLITE_INT, .as.integer = INT64_MIN},
        {.type = OTLITE_DOUBLE, .as.real = 0.1},
        {.type = OTLITE_BYTES, .as.bytes = {"\xfb\xff\x00\x01 ten bytes more", 19}},
    };

    for (uint8_t i = 0; i < 16; i++)
        span.trace_id[i] = i;
    memset(span.span_id, 0xab, 8);
    memset(span.parent_span_id, 0xcd, 8);
    span.start = 1;
    span.end = UINT64_MAX;
    span.name = text_of("GET /");
    span.trace_state = text_of("a=b");
    span.status_message = text_of("no");
    span.scratch = &scratch;
    otlite_scratch_init(&scratch, block, sizeof block);
    for (uint32_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct otlite_text key = {&"abcde"[i], 1, OTLITE_TEXT_UTF8};
        CHECK(!otlite_scratch_attribute(&scratch, i, key, &values[i], OTLITE_NO_LIMIT));
    }
    otlite_compose_begin(&composer, &scratch, OTLITE_EVENTS);
    otlite_compose_event(&composer, text_of("e"), 7);
    otlite_compose_tail(&composer, 3, 0);
    CHECK(!otlite_compose_end(&composer, 0, OTLITE_NO_LIMIT));
    otlite_compose_begin(&composer, &scratch, OTLITE_LINKS);
    otlite_compose_link(&composer, span.trace_id, span.span_id);
    CHECK(!otlite_compose_end(&composer, 0, OTLITE_NO_LIMIT));
    CHECK(!otlite_region_init(&region, memory, sizeof memory, &options));
    CHECK(!otlite_span_record(&region, &span, register_resource(&region, "r"),
                              register_scope(&region, "s", "u")));
    CHECK(!otlite_batch_collect(&region, &limits, &batch));
}

static const char batch_line[] =
    "{\"resourceSpans\":[{\"resource\":{},\"scopeSpans\":[{\"scope\":{\"name\":\"s\"},\"spans\":[{"
    "\"traceId\":\"000102030405060708090a0b0c0d0e0f\",\"spanId\":\"abababababababab\","
    "\"traceState\":\"a=b\",\"parentSpanId\":\"cdcdcdcdcdcdcdcd\",\"name\":\"GET /\",\"kind\":2,"
    "\"startTimeUnixNano\":\"1\",\"endTimeUnixNano\":\"18446744073709551615\",\"attributes\":["
    "{\"key\":\"a\",\"value\":{\"stringValue\":\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f €😀\"}},"
    "{\"key\":\"b\",\"value\":{\"boolValue\":false}},"
    "{\"key\":\"c\",\"value\":{\"intValue\":\"-9223372036854775808\"}},"
    "{\"key\":\"d\",\"value\":{\"doubleValue\":0.1}},"
    "{\"key\":\"e\",\"value\":{\"bytesValue\":\"+/8AASB0ZW4gYnl0ZXMgbW9yZQ==\"}}],"
    "\"events\":[{\"timeUnixNano\":\"7\",\"name\":\"e\",\"droppedAttributesCount\":3}],"
    "\"links\":[{\"traceId\":\"000102030405060708090a0b0c0d0e0f\",\"spanId\":\"abababababababab\"}]"
    ","
    "\"status\":{\"message\":\"no\",\"code\":2},\"flags\":257}],\"schemaUrl\":\"u\"}],"
    "\"schemaUrl\":\"r\"}]}";

static void a_batch_is_a_line(void)
{
    CHECK_EQUAL(transcode(batch.segments, batch.segment_count, 4096, GUARD_AFTER), OTLITE_EMPTY);
    CHECK(strcmp(line, batch_line) == 0);
}

static void it_stops_and_goes_on_anywhere(void)
{
    struct bytes body = join_segments(&batch);
    size_t written = 1;

    for (size_t cut = 0; cut <= body.size; cut++) {
        struct otlite_segment pieces[] = {
            {NULL, 0},
            {guard_place(input, GUARD_AFTER, cut), cut},
            {NULL, 0},
            {guard_place(input, GUARD_BEFORE, 0), body.size - cut},
        };
        memcpy(guard_place(input, GUARD_AFTER, cut), body.data, cut);
        memcpy(guard_place(input, GUARD_BEFORE, 0), body.data + cut, body.size - cut);
        for (size_t room = OTLITE_JSON_ROOM; room < OTLITE_JSON_ROOM + 20; room++) {
            CHECK_EQUAL(transcode(pieces, 4, room, (enum guard_side)(room % 2)), OTLITE_EMPTY);
            CHECK(strcmp(line, batch_line) == 0);
        }
    }
    otlite_json_begin(&json, NULL, 0);
    CHECK_EQUAL(otlite_json_next(&json, line, OTLITE_JSON_ROOM - 1, &written), OTLITE_INVALID);
    CHECK_EQUAL(written, 0);
    free((void *)(uintptr_t)body.data);
}

/* ---- Damage ---- */

static void a_body_that_is_cut_is_refused(void)
{
    struct bytes body = join_segments(&batch);

    for (size_t size = 0; size < body.size; size++)
        CHECK_EQUAL(transcode_bytes(body.data, size), size == 0 ? OTLITE_EMPTY : OTLITE_MALFORMED);
    free((void *)(uintptr_t)body.data);
}

static void damage_stays_within_its_bounds(void)
{
    struct bytes body = join_segments(&batch);
    uint8_t *damaged = (uint8_t *)(uintptr_t)body.data;
    unsigned long whole = 0, refusals = 0;

    for (size_t at = 0; at < body.size; at++) {
        uint8_t byte = damaged[at];
        for (unsigned other = 0; other < 256; other++) {
            damaged[at] = (uint8_t)other;
            bool read = transcode_bytes(damaged, body.size) == OTLITE_EMPTY;
            whole += read;
            refusals += !read;
        }
        damaged[at] = byte;
    }
    CHECK(whole > 1000 && refusals > 1000);
    free(damaged);
}

static void what_no_encoder_writes_is_refused(void)
{
    static const char eleven[] = "\x70\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01";

    CHECK(is_line(RAW(""), "{}"));
    CHECK(is_line(request_of(RAW("\x30\x05\x78\x01")), /* kind 5; field 15 as a number is unknown */
                  "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"kind\":5}]}]}]}"));
    CHECK(refused(request_of(RAW("\x30"))));                    /* cut behind a tag */
    CHECK(refused(request_of(RAW("\x2a\x02n"))));               /* a text longer than its span */
    CHECK(refused(request_of(RAW("\x39\1\2\3\4\5\6\7"))));      /* seven bytes of eight */
    CHECK(refused(request_of(RAW("\x02\x00"))));                /* field 0 */
    CHECK(refused(request_of(RAW("\x33\x34"))));                /* a group */
    CHECK(refused(request_of(raw(eleven, sizeof eleven - 1)))); /* an endless varint */
    CHECK(refused(request_of(RAW("\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\2")))); /* 65 bits */
    CHECK(refused(request_of(RAW("\xf0\xff\xff\xff\xff\x01\1")))); /* a tag of more than 32 bits */
    CHECK(refused(request_of(RAW("\x30\1\x30\1"))));               /* a field twice */
    CHECK(refused(request_of(RAW("\x30\1\x30\0"))));               /* and if that is the default */
    CHECK(refused(request_of(RAW("\x4a\0\x30\1\x4a\0"))));         /* a list in two places */
    CHECK(refused(span_of(RAW("\x10\1\x18\1"))));                  /* two values */
    CHECK(!refused(request_of(RAW("\x4a\0\x8a\1\1a\x4a\0")))); /* an unknown field within a list */
}

static void depth_is_bounded(void)
{
    enum { AROUND = 6 }; /* request, resource, scope, span, attribute, and the value of it */
    struct body deepest = RAW(""), too_deep = RAW("\x2a\0");

    for (int depth = AROUND; depth < OTLITE_JSON_DEPTH; depth += 2) { /* an array, a value */
        deepest = within(5, within(1, deepest));
        too_deep = within(5, within(1, too_deep));
    }
    CHECK(!refused(span_of(deepest)));
    CHECK(refused(span_of(too_deep)));
}

/* ---- Values ---- */

static void bytes_are_base64(void)
{
    /* of RFC 4648, section 10 */
    static const char *const expected[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                           "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    char bytes[3 * 50], text[256] = "\"bytesValue\":\"";

    for (size_t size = 0; size < sizeof expected / sizeof *expected; size++) {
        snprintf(text, sizeof text, "\"bytesValue\":\"%s\"", expected[size]);
        CHECK(is_value(within(7, raw("foobar", size)), text));
    }
    size_t at = strlen("\"bytesValue\":\"");
    for (int i = 0; i < 50; i++) {
        memcpy(bytes + 3 * i, "foo", 3);
        memcpy(text + at + 4 * i, "Zm9v\"", 6);
    }
    CHECK(is_value(within(7, raw(bytes, sizeof bytes)), text));
}

/* Identifiers of any length, though OTLP's have 16 and 8 bytes. */
static void identifiers_are_hexadecimal(void)
{
    char bytes[100], text[512], digits[2 * sizeof bytes + 1];

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
        snprintf(digits + 2 * i, 3, "%02x", (unsigned)(i * 7 & 0xff));
    }
    snprintf(text, sizeof text,
             "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"spanId\":\"%s\"}]}]}]}", digits);
    CHECK(is_line(request_of(within(2, raw(bytes, sizeof bytes))), text));
}

static void defaults_are_left_out_but_for_values(void)
{
    CHECK(is_line(
        request_of(RAW("\x0a\0\x30\0\x39\0\0\0\0\0\0\0\0\x50\0\x7a\0\x85\1\1\0\0\0")),
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"status\":{},\"flags\":1}]}]}]}"));
    CHECK(is_value(RAW("\x0a\0"), "\"stringValue\":\"\""));
    CHECK(is_value(RAW("\x10\0"), "\"boolValue\":false"));
    CHECK(is_value(RAW("\x10\2"), "\"boolValue\":true"));
    CHECK(is_value(RAW("\x18\0"), "\"intValue\":\"0\""));
    CHECK(is_value(RAW("\x2a\0"), "\"arrayValue\":{}"));
    CHECK(is_value(RAW("\x32\2\x0a\0"), "\"kvlistValue\":{\"values\":[{}]}"));
    /* an enum of 64 bits, negative as protobuf writes it, and a count of which 32 are left */
    CHECK(is_line(
        request_of(RAW("\x30\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\x50\x81\x80\x80\x80\x10")),
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"kind\":-1,"
        "\"droppedAttributesCount\":1}]}]}]}"));
}

/* Parted anywhere, with any room: it is the line. */
static void is_line_in_any_room(struct body body, const char *expected)
{
    for (size_t room = OTLITE_JSON_ROOM; room < OTLITE_JSON_ROOM + 40; room++)
        for (enum guard_side side = 0; side < GUARD_SIDES; side++) {
            uint8_t *src = guard_place(input, side, body.size);
            size_t first = body.size * (room % 7) / 6;
            memcpy(src, body.bytes, body.size);
            first = first < body.size ? first : body.size;
            struct otlite_segment parts[] = {{src, first}, {src + first, body.size - first}};
            CHECK_EQUAL(transcode(parts, 2, room, side), OTLITE_EMPTY);
            CHECK(strcmp(line, expected) == 0);
        }
}

static void strings_go_on_where_room_ends(void)
{
    static const char around[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{";
    static const char some[] = "é€😀a"; /* of two, three and four bytes */
    char bytes[30 * (sizeof some - 1)], expected[1024], *at;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = some[i % (sizeof some - 1)];
    snprintf(expected, sizeof expected, "%s\"name\":\"%.*s\"}]}]}]}", around, (int)sizeof bytes,
             bytes);
    is_line_in_any_room(request_of(within(5, raw(bytes, sizeof bytes))), expected);
    for (size_t size = 0; size < 100; size++) {
        at = expected + sprintf(expected, "%s\"spanId\":\"", around);
        for (size_t i = 0; i < size; i++)
            at += sprintf(at, "%02x", (uint8_t)bytes[i]);
        strcpy(at, "\"}]}]}]}");
        if (size != 0)
            is_line_in_any_room(request_of(within(2, raw(bytes, size))), expected);
        at =
            expected + sprintf(expected, "%s\"attributes\":[{\"value\":{\"bytesValue\":\"", around);
        for (size_t i = 0; i + 3 <= size; i += 3)
            at += sprintf(at, "Zm9v");
        strcpy(at, size % 3 == 0   ? "\"}}]}]}]}]}"
                   : size % 3 == 1 ? "Zg==\"}}]}]}]}]}"
                                   : "Zm8=\"}}]}]}]}]}");
        for (size_t i = 0; i < size; i++)
            bytes[i] = "foo"[i % 3];
        is_line_in_any_room(span_of(within(7, raw(bytes, size))), expected);
    }
}

/* A byte that is no UTF-8, behind as many that are as you like, is none wherever room ends. */
static void what_is_no_text_is_none_where_room_ends(void)
{
    static const char some[] = "é€😀a";
    for (size_t before = 0; before < 20; before++) {
        char bytes[300], expected[600], *from = bytes, *to;
        to = expected +
             sprintf(expected, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"");
        for (size_t i = 0; i < before + 8; i++) {
            if (i == before) {
                *from++ = (char)0xff;
                to = stpcpy(to, "\xEF\xBF\xBD");
            }
            from = stpcpy(from, some);
            to = stpcpy(to, some);
        }
        strcpy(to, "\"}]}]}]}");
        is_line_in_any_room(request_of(within(5, raw(bytes, (size_t)(from - bytes)))), expected);
    }
}

/* Each character of ASCII at each place among letters. */
static void what_json_escapes_is_escaped(void)
{
    static const char around[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"";
    for (int c = 0; c < 128; c++)
        for (int at = 0; at < 17; at++) {
            char name[] = "abcdefghijklmnopq", text[8], expected[128];
            const char *letter = c == 0 ? NULL : strchr("\bb\tt\nn\ff\rr", c);
            name[at] = (char)c;
            if (c == '"' || c == '\\')
                snprintf(text, sizeof text, "\\%c", c);
            else if (letter != NULL && c < ' ')
                snprintf(text, sizeof text, "\\%c", letter[1]);
            else
                snprintf(text, sizeof text, c < ' ' ? "\\u%04x" : "%c", (unsigned)c);
            snprintf(expected, sizeof expected, "%s%.*s%s%s\"}]}]}]}", around, at, name, text,
                     name + at + 1);
            CHECK(is_line(request_of(within(5, raw(name, sizeof name - 1))), expected));
        }
}

static void text_that_is_no_utf8_is_replaced(void)
{
    static const char around[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"";
    char expected[512];

    snprintf(expected, sizeof expected, "%s%s\"}]}]}]}", around,
             "a\xEF\xBF\xBD€\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(is_line(request_of(within(5, RAW("a\xff\xe2\x82\xac\xe2\x82"))), expected));
    snprintf(expected, sizeof expected, "%s%s\"}]}]}]}", around,
             "\xEF\xBF\xBD\xEF\xBF\xBDé\xEF\xBF\xBD"
             "é\xEF\xBF\xBD\xEF\xBF\xBDz");
    CHECK(is_line(request_of(within(5, RAW("\xff\x80\xc3\xa9\xff\xc3\xa9\xc3\xc3z"))), expected));
}

/* ---- The guards themselves ---- */

struct lie {
    size_t more_input, more_room;
};

static void tell_a_lie(void *argument)
{
    const struct lie *lie = argument;
    static char name[100];
    struct body body = request_of(within(5, raw(name, sizeof name)));
    void *src = guard_place(input, GUARD_AFTER, body.size - lie->more_input);
    memcpy(src, body.bytes, body.size - lie->more_input);
    struct otlite_segment whole = {src, body.size};
    size_t written;

    otlite_json_begin(&json, &whole, 1);
    void *dst = guard_place(output, GUARD_AFTER, 256 - lie->more_room);
    while (otlite_json_next(&json, dst, 256, &written) == OTLITE_OK) {
    }
}

static void any_touch_outside_is_fatal(void)
{
    CHECK(!guard_kills(tell_a_lie, &(struct lie){0, 0}));
    CHECK(guard_kills(tell_a_lie, &(struct lie){1, 0}));
    CHECK(guard_kills(tell_a_lie, &(struct lie){0, 16}));
}

int main(void)
{
    input = guard_make(1 << 12);
    output = guard_make(1 << 14);
    otlite_kernels_select(NULL);
    RUN(any_touch_outside_is_fatal);
    record_span();
    RUN(a_batch_is_a_line);
    RUN(it_stops_and_goes_on_anywhere);
    RUN(a_body_that_is_cut_is_refused);
    RUN(what_no_encoder_writes_is_refused);
    RUN(depth_is_bounded);
    RUN(bytes_are_base64);
    RUN(identifiers_are_hexadecimal);
    RUN(defaults_are_left_out_but_for_values);
    RUN(what_json_escapes_is_escaped);
    RUN(text_that_is_no_utf8_is_replaced);
    RUN(strings_go_on_where_room_ends);
    RUN(what_is_no_text_is_none_where_room_ends);
    RUN(damage_stays_within_its_bounds);
    guard_free(input);
    guard_free(output);
    return check_end();
}
