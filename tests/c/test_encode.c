/* test_encode.c - spans, events, links, resources and scopes: what went in is what a strict reader
 * finds */
#include "guard.h"

#include "check.h"
#include "decode.h"
#include "record/fields_index.h"

static uint64_t seed = 6364136223846793005;

/* ---- The reader itself ---- */

static bool reads(const char *bytes, size_t size)
{
    struct reader reader = read_bytes((struct bytes){(const uint8_t *)bytes, size});
    struct field field;
    while (read_field(&reader, &field)) {
    }
    return read_all(&reader);
}

#define READS(bytes) reads(bytes, sizeof(bytes) - 1)

/* Each fault is one byte away from a message that is read. */
static void test_the_reader_is_strict(void)
{
    CHECK(READS(""));
    CHECK(READS("\x0a\x02hi\x10\x80\x01"));
    CHECK(!READS("\x0a\x82\x00hi\x10\x80\x01"));   /* a length longer than it need be */
    CHECK(!READS("\x0a\x02hi\x10\x80\x81\x00"));   /* a value likewise */
    CHECK(!READS("\x8a\x00\x02hi"));               /* a tag likewise */
    CHECK(!READS("\x0a\x03hi"));                   /* cut short */
    CHECK(!READS("\x0a\x02hi\x10\x80"));           /* cut in a varint */
    CHECK(!READS("\x0a\x02hi\x10\x01\x0a\x02hi")); /* out of order */
    CHECK(!READS("\x02\x02hi"));                   /* field 0 */
    CHECK(!READS("\x0b\x0c"));                     /* a group */
    CHECK(READS("\x11\1\2\3\4\5\6\7\x8\x1d\1\2\3\4"));
    CHECK(!READS("\x11\1\2\3\4\5\6\7\x8\x1d\1\2\3"));
    CHECK(READS("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    CHECK(!READS("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));     /* 65 bits */
    CHECK(!READS("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01")); /* eleven bytes */
}

/* One ResourceSpans of two scopes, one of them with a schema URL, and faults in it. */
static void count_record(void *context, const struct record *record)
{
    *(size_t *)context += record->field.size;
}

static bool reads_request(const char *bytes, size_t size)
{
    size_t seen = 0;
    return read_request((struct bytes){(const uint8_t *)bytes, size}, count_record, &seen) &&
           seen != 0;
}

#define READS_REQUEST(bytes) reads_request(bytes, sizeof(bytes) - 1)

static void test_the_request_reader_is_strict(void)
{
    CHECK(READS_REQUEST(
        "\x0a\x15\x0a\x00\x12\x04\x0a\x00\x12\x00\x12\x07\x0a\x00\x12\x00\x1a\x01u\x1a\x02uu"));
    CHECK(READS_REQUEST("\x0a\x08\x0a\x00\x12\x04\x0a\x00\x12\x00"));
    CHECK(!READS_REQUEST("\x0a\x06\x12\x04\x0a\x00\x12\x00"));                 /* no resource */
    CHECK(!READS_REQUEST("\x0a\x06\x0a\x00\x12\x02\x0a\x00"));                 /* no span */
    CHECK(!READS_REQUEST("\x0a\x02\x0a\x00"));                                 /* no scope */
    CHECK(!READS_REQUEST("\x0a\x08\x0a\x00\x12\x04\x0a\x00\x12\x00\x0a\x00")); /* two resources */
    CHECK(!READS_REQUEST(
        "\x0a\x0b\x0a\x00\x12\x07\x0a\x00\x1a\x01u\x12\x00")); /* the schema URL before a span */
    CHECK(!READS_REQUEST(
        "\x0a\x0a\x0a\x00\x12\x04\x0a\x00\x12\x00\x1a\x00")); /* an empty schema URL */
    CHECK(
        !READS_REQUEST("\x0a\x0a\x0a\x00\x12\x04\x0a\x00\x12\x00\x22\x00")); /* an unknown field */
}

/* ---- Events and links ---- */

static struct guard block;

static void start(struct otlite_scratch *scratch, uint32_t size)
{
    block = guard_make(size);
    otlite_scratch_init(scratch, guard_place(block, GUARD_AFTER, size), size);
}

static struct reader field_of(const struct otlite_scratch *scratch, enum otlite_list list,
                              uint32_t index)
{
    struct bytes message = {0};
    uint32_t size = 0;
    CHECK(otlite_scratch_field(scratch, list, index, &message.data, &size));
    message.size = size;
    return read_bytes(message);
}

static enum otlite_status compose_event(struct otlite_scratch *scratch, const char *name,
                                        uint64_t time, uint32_t attributes, uint32_t dropped,
                                        uint32_t limit)
{
    struct otlite_composer composer;
    struct otlite_value value = {.type = OTLITE_INT, .as.integer = 9};

    otlite_compose_begin(&composer, scratch, OTLITE_EVENTS);
    otlite_compose_event(&composer, text_of(name), time);
    for (uint32_t i = 0; i < attributes; i++) {
        size_t attribute = otlite_compose_open(&composer, OTLITE_EVENT_ATTRIBUTE);
        otlite_compose_key(&composer, text_of("nest"));
        size_t any = otlite_compose_open(&composer, OTLITE_KEY_VALUE);
        otlite_compose_scalar(&composer, &value);
        otlite_compose_close(&composer, any);
        otlite_compose_close(&composer, attribute);
    }
    otlite_compose_tail(&composer, dropped, 0x300);
    return otlite_compose_end(&composer, 0, limit);
}

static enum otlite_status compose_link(struct otlite_scratch *scratch, const uint8_t ids[24],
                                       uint32_t attributes, uint32_t dropped, uint32_t flags)
{
    struct otlite_composer composer;
    struct otlite_value value = {.type = OTLITE_BOOL, .as.boolean = true};

    otlite_compose_begin(&composer, scratch, OTLITE_LINKS);
    otlite_compose_link(&composer, ids, ids + 16);
    for (uint32_t i = 0; i < attributes; i++) {
        size_t attribute = otlite_compose_open(&composer, OTLITE_LINK_ATTRIBUTE);
        otlite_compose_key(&composer, text_of("key"));
        size_t any = otlite_compose_open(&composer, OTLITE_KEY_VALUE);
        otlite_compose_scalar(&composer, &value);
        otlite_compose_close(&composer, any);
        otlite_compose_close(&composer, attribute);
    }
    otlite_compose_tail(&composer, dropped, flags);
    return otlite_compose_end(&composer, 0, OTLITE_NO_LIMIT);
}

static void check_pairs(struct reader *message, uint32_t number, uint32_t count, const char *key,
                        uint32_t value_number, uint64_t value)
{
    for (uint32_t i = 0; i < count; i++) {
        struct reader pair = next_message(message, number);
        CHECK(next_bytes_are(&pair, 1, (struct bytes){(const uint8_t *)key, strlen(key)}));
        struct reader any = next_message(&pair, 2);
        CHECK(next_value_is(&any, value_number, VARINT, value));
        CHECK(read_all(&any) && read_all(&pair));
    }
}

static void test_events_and_links(void)
{
    static const uint32_t dropped[] = {0, 127, 128, UINT32_MAX};
    struct otlite_scratch scratch;
    struct otlite_value one = {.type = OTLITE_INT, .as.integer = 1};
    uint8_t ids[24];

    for (uint8_t i = 0; i < sizeof ids; i++)
        ids[i] = (uint8_t)(0xf0 + i);
    start(&scratch, 8192);
    CHECK_EQUAL(otlite_scratch_attribute(&scratch, 3, text_of("nest"), &one, 1), OTLITE_OK);
    for (uint32_t i = 0; i < 12; i++) {
        CHECK_EQUAL(compose_event(&scratch, i % 3 ? "event" : "", i % 2 ? UINT64_MAX - i : 0, i,
                                  dropped[i % 4], 10),
                    OTLITE_OK);
        CHECK_EQUAL(compose_link(&scratch, ids, i, dropped[3 - i % 4], i % 2 ? 0x301 : 0),
                    OTLITE_OK);
    }
    CHECK_EQUAL(compose_event(&scratch, "refused", 1, 0, 0, 0), OTLITE_OK);
    CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 1); /* an event's keys are its own */
    CHECK_EQUAL(scratch.live[OTLITE_EVENTS], 10);
    CHECK_EQUAL(scratch.dropped[OTLITE_EVENTS], 3);
    CHECK_EQUAL(scratch.live[OTLITE_LINKS], 12);
    for (uint32_t i = 2; i < 12; i++) {
        struct reader event = field_of(&scratch, OTLITE_EVENTS, i - 2);
        CHECK(i % 2 == 0 || next_value_is(&event, 1, FIXED64, UINT64_MAX - i));
        CHECK(i % 3 == 0 || next_bytes_are(&event, 2, (struct bytes){(const uint8_t *)"event", 5}));
        check_pairs(&event, 3, i, "nest", 3, 9);
        CHECK(dropped[i % 4] == 0 || next_value_is(&event, 4, VARINT, dropped[i % 4]));
        CHECK(read_all(&event));
    }
    for (uint32_t i = 0; i < 12; i++) {
        struct reader link = field_of(&scratch, OTLITE_LINKS, i);
        CHECK(next_bytes_are(&link, 1, (struct bytes){ids, 16}));
        CHECK(next_bytes_are(&link, 2, (struct bytes){ids + 16, 8}));
        check_pairs(&link, 4, i, "key", 2, true);
        CHECK(dropped[3 - i % 4] == 0 || next_value_is(&link, 5, VARINT, dropped[3 - i % 4]));
        CHECK(i % 2 == 0 || next_value_is(&link, 6, FIXED32, 0x301));
        CHECK(read_all(&link));
    }
    guard_free(block);
}

/* ---- Spans ---- */

/* Encodes where the bound ends at an unmapped page. */
static struct bytes encode(const struct otlite_span *span, struct guard *out)
{
    size_t bound = otlite_span_encode_bound(span);
    *out = guard_make(bound);
    uint8_t *at = guard_place(*out, GUARD_AFTER, bound);
    size_t size = otlite_span_encode(at, span);
    CHECK(size <= bound);
    return (struct bytes){at, size};
}

static void encode_one_byte_short(void *out)
{
    struct otlite_span span = {.name = text_of("name"), .start = 1, .end = 2};
    uint8_t whole[512];
    size_t size = otlite_span_encode(whole, &span);
    otlite_span_encode((uint8_t *)guard_place(*(struct guard *)out, GUARD_AFTER, size) + 1, &span);
}

static void test_the_guard_is_noticed(void)
{
    struct guard out = guard_make(512);
    CHECK(guard_kills(encode_one_byte_short, &out));
    guard_free(out);
}

struct texts {
    struct sample name, trace_state, status_message;
};

static void check_text(struct reader *reader, uint32_t number, struct bytes utf8)
{
    CHECK(utf8.size == 0 || next_bytes_are(reader, number, utf8));
}

static void check_list(struct reader *reader, const struct otlite_scratch *scratch,
                       enum otlite_list list, uint32_t number)
{
    const uint8_t *data;
    uint32_t size;
    for (uint32_t i = 0; otlite_scratch_field(scratch, list, i, &data, &size); i++)
        CHECK(next_bytes_are(reader, number, (struct bytes){data, size}));
    if (scratch->dropped[list] != 0)
        CHECK(next_value_is(reader, number + 1, VARINT, scratch->dropped[list]));
}

/* Field by field, in the order of trace.proto. */
static void check_span(const struct otlite_span *span, const struct texts *texts)
{
    struct guard out;
    struct reader reader = read_bytes(encode(span, &out)), body = next_message(&reader, 2);

    CHECK(read_all(&reader));
    CHECK(next_bytes_are(&body, 1, (struct bytes){span->trace_id, 16}));
    CHECK(next_bytes_are(&body, 2, (struct bytes){span->span_id, 8}));
    check_text(&body, 3, texts->trace_state.utf8);
    CHECK(!span->has_parent || next_bytes_are(&body, 4, (struct bytes){span->parent_span_id, 8}));
    check_text(&body, 5, texts->name.utf8);
    CHECK(
        next_value_is(&body, 6, VARINT, span->kind + 1u)); /* the API counts from 0, OTLP from 1 */
    CHECK(span->start == 0 || next_value_is(&body, 7, FIXED64, span->start));
    CHECK(span->end == 0 || next_value_is(&body, 8, FIXED64, span->end));
    if (span->scratch != NULL) {
        check_list(&body, span->scratch, OTLITE_ATTRIBUTES, 9);
        check_list(&body, span->scratch, OTLITE_EVENTS, 11);
        check_list(&body, span->scratch, OTLITE_LINKS, 13);
    }
    struct reader status = next_message(&body, 15);
    check_text(&status, 2, texts->status_message.utf8);
    CHECK(span->status == 0 || next_value_is(&status, 3, VARINT, span->status));
    CHECK(read_all(&status));
    CHECK(span->flags == 0 || next_value_is(&body, 16, FIXED32, span->flags));
    CHECK(read_all(&body));
    guard_free(out);
}

static void fill_random(void *at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)at)[i] = (uint8_t)draw(&seed, 256);
}

static uint32_t draw_length(void)
{
    static const uint32_t longest[] = {1, 30, 140, 300, 17000};
    return draw(&seed, longest[draw(&seed, draw(&seed, 20) ? 4 : 5)]);
}

static struct otlite_span draw_span(struct texts *texts)
{
    struct otlite_span span;
    memset(&span, 0, sizeof span);
    fill_random(span.trace_id, 16);
    fill_random(span.span_id, 8);
    fill_random(span.parent_span_id, 8);
    span.has_parent = draw(&seed, 2);
    span.kind = (uint8_t)draw(&seed, 5);
    span.status = (uint8_t)draw(&seed, 3);
    span.flags = draw(&seed, 2) ? draw(&seed, UINT32_MAX) : 0;
    span.start = draw(&seed, 4) ? (uint64_t)draw(&seed, UINT32_MAX) << draw(&seed, 33) : 0;
    span.end = draw(&seed, 4) ? UINT64_MAX - draw(&seed, 1000) : 0;
    make_sample(&texts->name, &seed, draw(&seed, 5), draw_length(), draw(&seed, 4));
    make_sample(&texts->trace_state, &seed, draw(&seed, 2) ? 0 : 4, draw_length(), 3);
    make_sample(&texts->status_message, &seed, draw(&seed, 5), draw_length(), draw(&seed, 4));
    span.name = texts->name.text;
    span.trace_state = texts->trace_state.text;
    span.status_message = texts->status_message.text;
    return span;
}

static void fill_scratch(struct otlite_scratch *scratch)
{
    static const uint32_t counts[] = {0, 1, 127, 128, UINT32_MAX};
    uint32_t attributes = draw(&seed, 6), events = draw(&seed, 4), links = draw(&seed, 3);
    uint8_t ids[24];

    start(scratch, 8192);
    for (uint32_t i = 0; i < attributes; i++) {
        struct otlite_value value = {.type = OTLITE_INT,
                                     .as.integer = (int64_t)draw(&seed, 1000) << 20};
        char key[] = {'k', (char)('a' + i), 0};
        CHECK_EQUAL(otlite_scratch_attribute(scratch, i, text_of(key), &value, OTLITE_NO_LIMIT),
                    OTLITE_OK);
        if (i == 2) /* a link among the attributes: lists are gathered apart */
            CHECK_EQUAL(compose_event(scratch, "between", 1, 1, 0, OTLITE_NO_LIMIT), OTLITE_OK);
    }
    for (uint32_t i = 0; i < events; i++)
        CHECK_EQUAL(compose_event(scratch, "event", i, draw(&seed, 20), 0, OTLITE_NO_LIMIT),
                    OTLITE_OK);
    fill_random(ids, sizeof ids);
    for (uint32_t i = 0; i < links; i++)
        CHECK_EQUAL(compose_link(scratch, ids, draw(&seed, 20), 0, 0x300), OTLITE_OK);
    for (int list = 0; list < OTLITE_LISTS; list++)
        scratch->dropped[list] = counts[draw(&seed, 5)];
}

static void test_spans(void)
{
    static struct texts texts;
    struct otlite_scratch scratch;

    for (int i = 0; i < 4000; i++) {
        struct otlite_span span = draw_span(&texts);
        if (i % 4 != 0) {
            fill_scratch(&scratch);
            span.scratch = &scratch;
        }
        check_span(&span, &texts);
        if (i % 4 != 0)
            guard_free(block);
    }
}

/* Texts of each kind as an attribute's value, across the lengths where one byte tells of them no more. */
static void test_texts_of_every_kind(void)
{
    static struct sample sample;
    for (uint32_t kind = 0; kind <= OTLITE_TEXT_CHARS; kind++)
        for (uint32_t length = 0; length < 300; length++) {
            struct otlite_scratch scratch;
            start(&scratch, 2048);
            make_sample(&sample, &seed, kind, length, 2);
            struct otlite_value value = {.type = OTLITE_TEXT, .as.text = sample.text};
            CHECK_EQUAL(otlite_scratch_attribute(&scratch, 1, text_of("key"), &value, 10),
                        OTLITE_OK);
            struct reader pair = field_of(&scratch, OTLITE_ATTRIBUTES, 0);
            CHECK(next_bytes_are(&pair, 1, (struct bytes){(const uint8_t *)"key", 3}));
            struct reader any = next_message(&pair, 2);
            CHECK(next_bytes_are(&any, 1, sample.utf8));
            CHECK(read_all(&any) && read_all(&pair));
            guard_free(block);
        }
}

/* Of the least of fields, two bytes and an entry each, as many are had as there is room for. */
static void test_as_many_as_there_is_room_for(void)
{
    for (uint32_t size = 0; size < 200; size += alignof(struct scratch_field)) {
        struct otlite_scratch scratch;
        struct otlite_composer composer;
        start(&scratch, size);
        for (uint32_t i = 0; i <= size / (2 + sizeof(struct scratch_field)); i++) {
            otlite_compose_begin(&composer, &scratch, OTLITE_LINKS);
            CHECK_EQUAL(otlite_compose_end(&composer, 0, 100),
                        (i + 1) * (2 + sizeof(struct scratch_field)) <= size ? OTLITE_OK
                                                                             : OTLITE_NO_ROOM);
        }
        guard_free(block);
    }
}

/* All to 140, then those around 16384; a seventh where memory is mapped slowly. */
static uint32_t next_length(uint32_t length)
{
    uint32_t next = length + (check_emulated() ? 7 : 1);
    return length <= 140 && next > 140 ? 16290 : next;
}

/* A text's length, and those of the messages around it, cross 127/128 and 16383/16384; `full`:
 * nothing is left out. */
static void test_lengths_and_bounds(void)
{
    static struct texts texts;
    struct otlite_scratch scratch;
    struct sample *parts[] = {&texts.name, &texts.trace_state, &texts.status_message};
    start(&scratch, 64);
    for (int list = 0; list < OTLITE_LISTS; list++)
        scratch.dropped[list] = UINT32_MAX;

    for (int full = 0; full < 2; full++)
        for (int part = 0; part < 6; part++)
            for (uint32_t length = 1; length < 16400; length = next_length(length)) {
                struct otlite_span span = {.start = 1, .end = 2};
                for (int i = 0; i < 3; i++)
                    make_sample(parts[i], &seed, 0, full ? 1 : 0, 0);
                make_sample(parts[part % 3], &seed, part < 3 ? 0 : 4, length, 2);
                span.name = texts.name.text;
                span.status_message = texts.status_message.text;
                span.trace_state = texts.trace_state.text;
                if (full) {
                    span.has_parent = true;
                    span.flags = UINT32_MAX;
                    span.status = 2;
                    span.scratch = &scratch;
                }
                check_span(&span, &texts);
            }
    guard_free(block);
}

/* Table 3-7 of the Unicode standard: what is no UTF-8 becomes U+FFFD, and what is stays. */
static void test_bytes_of_unknown_origin(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain", "plain"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a\xff", "a\xef\xbf\xbd"},
        {"\x80z", "\xef\xbf\xbdz"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xc3\xc3\xa9", "\xef\xbf\xbd\xc3\xa9"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* longer than it need be */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct otlite_span span = {.name = text_of(cases[i].in)};
        struct texts *texts = calloc(1, sizeof *texts);
        if (!CHECK(texts != NULL))
            return;
        span.name.kind = OTLITE_TEXT_CHARS;
        texts->name.utf8 = (struct bytes){(const uint8_t *)cases[i].out, strlen(cases[i].out)};
        check_span(&span, texts);
        free(texts);
    }
}

/* ---- Resource and scope ---- */

static void check_attributes(struct reader *reader, uint32_t number,
                             const struct otlite_scratch *scratch)
{
    const uint8_t *data;
    uint32_t size;
    for (uint32_t i = 0;
         scratch != NULL && otlite_scratch_field(scratch, OTLITE_ATTRIBUTES, i, &data, &size); i++)
        CHECK(next_bytes_are(reader, number, (struct bytes){data, size}));
}

static void check_resource(const struct otlite_scratch *attributes)
{
    size_t bound = otlite_resource_encode_bound(attributes);
    struct guard out = guard_make(bound);
    uint8_t *at = guard_place(out, GUARD_AFTER, bound);
    size_t size = otlite_resource_encode(at, attributes);

    CHECK(size <= bound);
    struct reader reader = read_bytes((struct bytes){at, size}),
                  resource = next_message(&reader, 1);
    check_attributes(&resource, 1, attributes);
    CHECK(read_all(&resource) && read_all(&reader));
    guard_free(out);
}

static void check_scope(const struct sample *name, const struct sample *version,
                        const struct otlite_scratch *attributes)
{
    size_t bound = otlite_scope_encode_bound(name->text, version->text, attributes);
    struct guard out = guard_make(bound);
    uint8_t *at = guard_place(out, GUARD_AFTER, bound);
    size_t size = otlite_scope_encode(at, name->text, version->text, attributes);

    CHECK(size <= bound);
    struct reader reader = read_bytes((struct bytes){at, size}), scope = next_message(&reader, 1);
    check_text(&scope, 1, name->utf8);
    check_text(&scope, 2, version->utf8);
    check_attributes(&scope, 3, attributes);
    if (attributes != NULL && attributes->dropped[OTLITE_ATTRIBUTES] != 0)
        CHECK(next_value_is(&scope, 4, VARINT, attributes->dropped[OTLITE_ATTRIBUTES]));
    CHECK(read_all(&scope) && read_all(&reader));
    guard_free(out);
}

static void test_resources_and_scopes(void)
{
    static struct sample name, version;
    struct otlite_scratch scratch;

    make_sample(&name, &seed, 0, 0, 0);
    check_resource(NULL);
    check_scope(&name, &name, NULL);
    for (uint32_t length = 0; length < 16400; length = next_length(length)) {
        struct otlite_value value = long_value(length);
        start(&scratch, 2 * 16400 + 600);
        CHECK_EQUAL(otlite_scratch_attribute(&scratch, 1, text_of("replaced"), &value, 3),
                    OTLITE_OK);
        CHECK_EQUAL(otlite_scratch_attribute(&scratch, 1, text_of("replaced"), &value, 3),
                    OTLITE_OK);
        value.as.text.length = 1;
        CHECK_EQUAL(otlite_scratch_attribute(&scratch, 1, text_of("service.name"), &value, 3),
                    OTLITE_OK);
        check_resource(&scratch);
        make_sample(&name, &seed, length % 5, length, 2);
        make_sample(&version, &seed, 0, length % 7, 0);
        check_scope(&name, &version, NULL);
        check_scope(&version, &name, &scratch);
        scratch.dropped[OTLITE_ATTRIBUTES] = UINT32_MAX;
        check_scope(&name, &version, &scratch);
        guard_free(block);
    }
}

int main(void)
{
    CHECK(otlite_kernels_select(getenv("OTLP_LITE_CPU")) == 0); /* tests/cpus forces each */
    RUN(test_the_reader_is_strict);
    RUN(test_the_request_reader_is_strict);
    RUN(test_the_guard_is_noticed);
    RUN(test_events_and_links);
    RUN(test_spans);
    RUN(test_texts_of_every_kind);
    RUN(test_as_many_as_there_is_room_for);
    RUN(test_lengths_and_bounds);
    RUN(test_bytes_of_unknown_origin);
    RUN(test_resources_and_scopes);
    return check_end();
}
