/* test_json.c - a request's body as OTLP/JSON: known lines, parted anywhere, damaged, and within its bounds
 *
 * tests/oracle/test_json.py compares far more of it with protobuf's own JSON.
 */
#include "guard.h"

#include "check.h"
#include "decode.h"

enum { LINE_MAX_SIZE = 1 << 14 };

static struct guard input, output;

/* ---- Bodies ---- */

struct body {
    uint8_t bytes[2048];
    size_t size;
};

static struct body raw(const char *bytes, size_t size)
{
    struct body body = {.size = size};
    if (size > sizeof body.bytes)
        abort();
    memcpy(body.bytes, bytes, size);
    return body;
}

#define RAW(bytes) raw(bytes, sizeof(bytes) - 1)

static struct body join(struct body a, struct body b)
{
    if (b.size > sizeof a.bytes - a.size)
        abort();
    memcpy(a.bytes + a.size, b.bytes, b.size);
    a.size += b.size;
    return a;
}

/* A field of number 1 to 15 that holds this. */
static struct body within(uint32_t number, struct body content)
{
    char head[] = {(char)(number * 8 + BYTES), (char)(content.size | 0x80),
                   (char)(content.size >> 7)};
    if (content.size < 0x80)
        head[1] = (char)content.size;
    return join(raw(head, content.size < 0x80 ? 2 : 3), content);
}

static struct body request_of(struct body span)
{
    return within(1, within(2, within(2, span)));
}

static struct body span_of(struct body value)
{
    return request_of(within(9, within(2, value)));
}

/* ---- Lines ---- */

static char line[LINE_MAX_SIZE];
static struct otlite_json json;

/* The whole line in `line`, written `room` bytes at a time, flush against what may not be touched. */
static enum otlite_status transcode(const struct otlite_segment *segments, size_t count,
                                    size_t room, enum guard_side side)
{
    uint8_t *dst = guard_place(output, side, room);
    size_t size = 0, written;
    enum otlite_status status;

    otlite_json_begin(&json, segments, count);
    while ((status = otlite_json_next(&json, dst, room, &written)) == OTLITE_OK) {
        if (written == 0 || written > room || size + written >= sizeof line)
            abort();
        memcpy(line + size, dst, written);
        size += written;
    }
    line[size] = 0;
    CHECK_EQUAL(otlite_json_next(&json, dst, room, &written), status);
    return status;
}

static enum otlite_status transcode_bytes(const void *bytes, size_t size)
{
    enum otlite_status statuses[GUARD_SIDES];

    for (enum guard_side side = 0; side < GUARD_SIDES; side++) {
        void *src = guard_place(input, side, size);
        memcpy(src, bytes, size);
        struct otlite_segment whole = {src, size};
        statuses[side] = transcode(&whole, 1, OTLITE_JSON_ROOM, side);
    }
    CHECK_EQUAL(statuses[0], statuses[1]);
    return statuses[0];
}

static bool is_line(struct body body, const char *expected)
{
    bool same = CHECK_EQUAL(transcode_bytes(body.bytes, body.size), OTLITE_EMPTY) &
                (strcmp(line, expected) == 0);
    if (!same)
        fprintf(stderr, "    is %s\n    not %s\n", line, expected);
    return same;
}

static bool refused(struct body body)
{
    return transcode_bytes(body.bytes, body.size) == OTLITE_MALFORMED;
}

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

/* What a request of one span writes for the value of its one attribute. */
static bool is_value(struct body value, const char *text)
{
    static const char around[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
                                 "\"attributes\":[{\"value\":{";
    char expected[512];

    snprintf(expected, sizeof expected, "%s%s}}]}]}]}]}", around, text);
    return is_line(span_of(value), expected);
}

static void doubles_are_short_and_exact(void)
{
    /* as Python's repr() has them: the ends of what there is, then one for each power that a table holds */
    static const struct {
        uint64_t bits;
        const char *text;
    } doubles[] = {
        {UINT64_C(0), "0.0"},
        {UINT64_C(1) << 63, "-0.0"},
        {UINT64_C(1), "5e-324"},
        {UINT64_C(0x000fffffffffffff), "2.225073858507201e-308"},
        {UINT64_C(0x0010000000000000), "2.2250738585072014e-308"},
        {UINT64_C(0x7fefffffffffffff), "1.7976931348623157e+308"},
        {UINT64_C(0x3ff0000000000000), "1.0"},
        {UINT64_C(0x3fb999999999999a), "0.1"},
        {UINT64_C(0x3f1a36e2eb1c432d), "0.0001"},
        {UINT64_C(0x3ee4f8b588e368f1), "1e-05"},
        {UINT64_C(0xc341c37937e08000), "-1e+16"},
        /* one digit less would be halfway to a neighbour, and so the even one's */
        {UINT64_C(0x4350000000000001), "1.8014398509481988e+16"},
        {UINT64_C(0x4350000000000007), "1.8014398509482012e+16"},
        {UINT64_C(0x4341c37937e07fff), "9999999999999998.0"},
        {UINT64_C(0x44b52d02c7e14af6), "1e+23"},
        {UINT64_C(0x7ff0000000000000), "\"Infinity\""},
        {UINT64_C(0xfff0000000000000), "\"-Infinity\""},
        {UINT64_C(0xfff8000000000001), "\"NaN\""},
        {UINT64_C(0x4da0000000000000), "8.424983333484575e+65"},
        {UINT64_C(0x7a90000000000000), "2.323463919496536e+282"},
        {UINT64_C(0x0512bd1311072231), "3.150362997740591e-284"},
        {UINT64_C(0x0f10000000000000), "3.931365215818563e-236"},
        {UINT64_C(0xd3a0000000000000), "-6.674959487252844e+94"},
        {UINT64_C(0xf165c8ce36e2f24b), "-1.7731771340406067e+238"},
        {UINT64_C(0xa4042bb3d4341aad), "-3.4689113360577604e-135"},
        {UINT64_C(0x4590000000000000), "1.2379400392853803e+27"},
        {UINT64_C(0xf5ff0c03bb5d7385), "-2.3867941279108224e+260"},
        {UINT64_C(0xd7288ff68c320f89), "-7.383774522286572e+111"},
        {UINT64_C(0x3bb4a570294c4ea3), "4.372011950115731e-21"},
        {UINT64_C(0xb36cc9aa78a330a1), "-5.598332947858096e-61"},
        {UINT64_C(0xac70000000000000), "-1.1985091468012028e-94"},
        {UINT64_C(0xe9d0000000000000), "-4.8988833106573424e+201"},
        {UINT64_C(0x950b16ffc3e1ac3b), "-2.636813653663825e-207"},
        {UINT64_C(0x5b69dc230af5ac87), "2.2944316143364266e+132"},
        {UINT64_C(0xf6e7d078e55b85dd), "-5.999082603950621e+264"},
        {UINT64_C(0x272515cdf74c3816), "4.082713725883186e-120"},
        {UINT64_C(0xdc82f2526911c9dd), "-4.406752242068116e+137"},
        {UINT64_C(0xae17584a9ed9c621), "-1.1735269392979418e-86"},
        {UINT64_C(0x9e20000000000000), "-1.3892242184281734e-163"},
        {UINT64_C(0x92b0000000000000), "-1.1331388749451398e-218"},
        {UINT64_C(0x9240000000000000), "-8.852647460508905e-221"},
        {UINT64_C(0x350d775dfb53e13d), "3.845528683369538e-53"},
        {UINT64_C(0x8bd5bb710a77ec0c), "-1.1856791944074171e-251"},
        {UINT64_C(0xd5b8c2551f4d4cc5), "-8.872654319336494e+104"},
        {UINT64_C(0xff353728c6173d94), "-5.819533907617707e+304"},
        {UINT64_C(0x705620733deaaddd), "1.3740877127823242e+233"},
        {UINT64_C(0xa5be57d93fa3549b), "-7.003943386909698e-127"},
        {UINT64_C(0x6330000000000000), "6.038339879714466e+169"},
        {UINT64_C(0xf1b31705e656cae2), "-4.9723419501000775e+239"},
        {UINT64_C(0x41e0000000000000), "2147483648.0"},
        {UINT64_C(0x38eaf8cae0bc9aa3), "1.6233089135211508e-34"},
        {UINT64_C(0xe10ad788c48016c8), "-2.9482307643519324e+159"},
        {UINT64_C(0x819be1a066749dbc), "-6.505163275424064e-301"},
        {UINT64_C(0x4022000000000000), "9.0"},
        {UINT64_C(0x4024000000000000), "10.0"},
        {UINT64_C(0x40fe240000000000), "123456.0"},
        {UINT64_C(0x4011666666666666), "4.35"},
        {UINT64_C(0x3f5437c5692b3cc5), "0.001234"},
        {UINT64_C(0x405edd2f1a9fbe77), "123.456"},
        {UINT64_C(0x3e8421f5f40d8376), "1.5e-07"},
        {UINT64_C(0x441ac4da03bc47e4), "1.2345e+20"},
        {UINT64_C(0x3d30000000000000), "5.684341886080802e-14"},
        {UINT64_C(0x43b0000000000000), "1.152921504606847e+18"},
        {UINT64_C(0x7fe0000000000000), "8.98846567431158e+307"},
        {UINT64_C(0x4480f0cf064dd592), "1e+22"},
        {UINT64_C(0x3de75d57df90fadf), "1.7e-10"},
        {UINT64_C(0x4340000000000000), "9007199254740992.0"},
        {UINT64_C(0x3fd3333333333333), "0.3"},
        {UINT64_C(0x3fe5555555555555), "0.6666666666666666"},
        {UINT64_C(0x54b249ad2594c37d), "1e+100"},
        {UINT64_C(0x0000000000000003), "1.5e-323"},
        {UINT64_C(0x430c6bf526340000), "1000000000000000.0"},
        {UINT64_C(0x43118b54f22aeb00), "1234567890123456.0"},
        {UINT64_C(0x3f0a36e2eb1c432d), "5e-05"},
        {UINT64_C(0x4058ff5c28f5c28f), "99.99"},
    };

    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        char value[9] = {0x21}, text[64];
        for (int byte = 0; byte < 8; byte++)
            value[1 + byte] = (char)(doubles[i].bits >> (8 * byte));
        snprintf(text, sizeof text, "\"doubleValue\":%s", doubles[i].text);
        CHECK(is_value(raw(value, sizeof value), text));
    }
}

/* The digits of a number's text, without sign, point, exponent and the zeros around them. */
static void digits_in(const char *text, char *digits)
{
    char *end = digits, *last = digits;
    for (; *text != 0 && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (end != digits || *text != '0')) {
            *end++ = *text;
            last = *text != '0' ? end : last;
        }
    *last = 0;
}

/* The C library reads it back as the same, and has no shorter text that it does, nor one of that length which is nearer. */
static void is_shortest(uint64_t bits)
{
    static const char before[] = "\"doubleValue\":";
    char value[9] = {4 << 3 | 1}, nearest[40], expected[40], digits[40];
    double real;
    memcpy(value + 1, &bits, sizeof bits);
    memcpy(&real, &bits, sizeof real);
    struct body body = span_of(raw(value, sizeof value));
    CHECK_EQUAL(transcode_bytes(body.bytes, body.size), OTLITE_EMPTY);
    const char *text = strstr(line, before);
    if (!CHECK(text != NULL))
        return;
    text += strlen(before);
    char *end;
    double read = strtod(text, &end);
    CHECK(*end == '}' && memcmp(&read, &real, sizeof real) == 0);
    int precision = 0;
    do
        snprintf(nearest, sizeof nearest, "%.*e", precision++, real);
    while (strtod(nearest, NULL) != real);
    digits_in(text, digits);
    digits_in(nearest, expected);
    if (!CHECK(strcmp(digits, expected) == 0))
        fprintf(stderr, "    %.20s is not %s\n", text, nearest);
}

static void doubles_are_what_the_c_library_reads(void)
{
    uint64_t seed = 2463534242;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t random = (uint64_t)draw(&seed, UINT32_MAX) << 32 | draw(&seed, UINT32_MAX);
        if ((random >> 52 & 0x7ff) != 0x7ff)
            is_shortest(random);
        is_shortest(random >> 12 | (UINT64_C(1023) + i % 64)
                                       << 52); /* of the sizes that there are */
    }
    /* 2^50 and some quarters: halfway between two of 17 digits, the even one */
    for (uint64_t i = 1; i < 200; i += 2)
        is_shortest((UINT64_C(0x431) << 52) + i);
    for (uint64_t i = 0; i < 2000; i++)
        is_shortest(i + 1); /* the smallest */
}

static void integers_of_every_length(void)
{
    for (int shift = 0; shift < 64; shift++) {
        uint64_t bits = UINT64_MAX >> shift;
        char value[11] = {0x18}, text[64];
        size_t size = 1;
        for (uint64_t rest = bits; size == 1 || rest != 0; rest >>= 7)
            value[size++] = (char)(rest | (rest >= 0x80 ? 0x80 : 0));
        snprintf(text, sizeof text, "\"intValue\":\"%lld\"", (long long)bits);
        CHECK(is_value(raw(value, size), text));
    }
    for (uint64_t power = 1, digits = 1; digits < 20; digits++, power *= 10)
        for (uint64_t time = power - (power > 1); time <= power; time++) {
            char field[9] = {0x39}, text[128];
            for (int byte = 0; byte < 8; byte++)
                field[1 + byte] = (char)(time >> (8 * byte));
            snprintf(text, sizeof text,
                     "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
                     "\"startTimeUnixNano\":\"%llu\"}]}]}]}",
                     (unsigned long long)time);
            CHECK(is_line(request_of(raw(field, sizeof field)), text));
        }
}

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

/* Of two, three and four bytes each, however the room cuts it. */
static void text_goes_on_within_a_character(void)
{
    static const char around[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"";
    static const char some[] = "é€😀a";
    char name[30 * (sizeof some - 1)], expected[sizeof around + sizeof name + 16];

    for (size_t i = 0; i < sizeof name; i++)
        name[i] = some[i % (sizeof some - 1)];
    struct body body = request_of(within(5, raw(name, sizeof name)));
    snprintf(expected, sizeof expected, "%s%.*s\"}]}]}]}", around, (int)sizeof name, name);
    for (size_t room = OTLITE_JSON_ROOM; room < OTLITE_JSON_ROOM + 40; room++)
        for (enum guard_side side = 0; side < GUARD_SIDES; side++) {
            uint8_t *src = guard_place(input, side, body.size);
            memcpy(src, body.bytes, body.size);
            struct otlite_segment halves[] = {{src, body.size - room},
                                              {src + body.size - room, room}};
            CHECK_EQUAL(transcode(halves, 2, room, side), OTLITE_EMPTY);
            CHECK(strcmp(line, expected) == 0);
        }
}

static void text_that_is_no_utf8_is_replaced(void)
{
    static const char around[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"";
    char expected[512];

    snprintf(expected, sizeof expected, "%s%s\"}]}]}]}", around,
             "a\xEF\xBF\xBD€\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(is_line(request_of(within(5, RAW("a\xff\xe2\x82\xac\xe2\x82"))), expected));
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
    RUN(doubles_are_short_and_exact);
    RUN(integers_of_every_length);
    RUN(bytes_are_base64);
    RUN(identifiers_are_hexadecimal);
    RUN(defaults_are_left_out_but_for_values);
    RUN(text_that_is_no_utf8_is_replaced);
    RUN(text_goes_on_within_a_character);
    RUN(doubles_are_what_the_c_library_reads);
    RUN(damage_stays_within_its_bounds);
    guard_free(input);
    guard_free(output);
    return check_end();
}
