/* test_scratch.c - attributes, events and links of a live span: a map that keeps the order in which
 * keys were set */
#include "guard.h"

#include "check.h"
#include "decode.h"

static uint64_t seed = 88172645463325252;

/* ---- A block that grows as a live span's does, flush against unmapped pages ---- */

static struct guard block;
static unsigned long moves;

static void start(struct otlite_scratch *scratch, uint32_t size)
{
    block = guard_make(size);
    otlite_scratch_init(scratch, guard_place(block, GUARD_AFTER, size), size);
    moves = 0;
}

static void move(struct otlite_scratch *scratch, uint32_t size)
{
    struct guard larger = guard_make(size);
    CHECK_EQUAL(otlite_scratch_move(scratch, guard_place(larger, GUARD_AFTER, size), size),
                OTLITE_OK);
    guard_free(block);
    block = larger;
    moves++;
}

static void set(struct otlite_scratch *scratch, uint64_t hash, struct otlite_text key,
                const struct otlite_value *value, uint32_t limit)
{
    enum otlite_status status;
    while ((status = otlite_scratch_attribute(scratch, hash, key, value, limit)) == OTLITE_NO_ROOM)
        move(scratch, scratch->size * 2);
    CHECK_EQUAL(status, OTLITE_OK);
}

static void touch(void *at)
{
    *(volatile uint8_t *)at = 0;
}

static void test_the_guard_is_noticed(void)
{
    struct otlite_scratch scratch;
    start(&scratch, 256);
    CHECK(guard_kills(touch, scratch.block + scratch.size));
    CHECK(!guard_kills(touch, scratch.block + scratch.size - 1));
    guard_free(block);
}

static struct otlite_value integer(int64_t value)
{
    return (struct otlite_value){.type = OTLITE_INT, .as.integer = value};
}

/* The live field, as a reader of its message; what encode sends is the same, with tag and length.
 */
static struct reader field_of(const struct otlite_scratch *scratch, enum otlite_list list,
                              uint32_t index)
{
    struct bytes message = {0};
    uint32_t size = 0;
    CHECK(otlite_scratch_field(scratch, list, index, &message.data, &size));
    message.size = size;
    return read_bytes(message);
}

/* Every list as it is sent, and field by field, agree; the guard page behind the bytes is not
 * touched. */
static void check_encoding(const struct otlite_scratch *scratch)
{
    static const uint32_t number[OTLITE_LISTS] = {9, 11, 13};
    struct guard out = guard_make(scratch->sent_bytes);
    uint8_t *at = guard_place(out, GUARD_AFTER, scratch->sent_bytes);
    const uint8_t *data;
    uint32_t size;

    for (int list = 0; list < OTLITE_LISTS; list++) {
        size_t written = otlite_scratch_encode(scratch, (enum otlite_list)list, at);
        struct reader sent = read_bytes((struct bytes){at, written});
        for (uint32_t i = 0; i < scratch->live[list]; i++) {
            CHECK(otlite_scratch_field(scratch, (enum otlite_list)list, i, &data, &size));
            CHECK(next_bytes_are(&sent, number[list], (struct bytes){data, size}));
        }
        CHECK(read_all(&sent));
        CHECK(!otlite_scratch_field(scratch, (enum otlite_list)list, scratch->live[list], &data,
                                    &size));
        at += written;
    }
    CHECK(at == out.end);
    guard_free(out);
}

static void check_integer_attribute(const struct otlite_scratch *scratch, uint32_t index,
                                    const char *key, int64_t value)
{
    struct reader field = field_of(scratch, OTLITE_ATTRIBUTES, index);
    CHECK(next_bytes_are(&field, 1, (struct bytes){(const uint8_t *)key, strlen(key)}));
    struct reader any = next_message(&field, 2);
    CHECK(next_value_is(&any, 3, VARINT, (uint64_t)value));
    CHECK(read_all(&any) && read_all(&field));
}

/* ---- Attributes ---- */

static void test_values_of_every_type(void)
{
    static const uint8_t raw[] = {0, 0xff, 0x80, 7};
    struct otlite_scratch scratch;
    struct otlite_value values[] = {
        {.type = OTLITE_NONE},
        {.type = OTLITE_BOOL, .as.boolean = true},
        {.type = OTLITE_BOOL, .as.boolean = false},
        {.type = OTLITE_INT, .as.integer = 0},
        {.type = OTLITE_INT, .as.integer = INT64_MIN},
        {.type = OTLITE_DOUBLE, .as.real = -1.5},
        {.type = OTLITE_TEXT, .as.text = text_of("")},
        {.type = OTLITE_TEXT, .as.text = text_of("caf\xc3\xa9")},
        {.type = OTLITE_BYTES, .as.bytes = {raw, sizeof raw}},
    };
    const struct {
        uint32_t number;
        enum wire wire;
        uint64_t value;
        struct bytes bytes;
    } expected[] = {
        {0, VARINT, 0, {0}}, /* AnyValue without a field is null */
        {2, VARINT, 1, {0}},
        {2, VARINT, 0, {0}},
        {3, VARINT, 0, {0}},
        {3, VARINT, UINT64_C(1) << 63, {0}},
        {4, FIXED64, UINT64_C(0xbff8000000000000), {0}},
        {1, BYTES, 0, {NULL, 0}},
        {1, BYTES, 0, {(const uint8_t *)"caf\xc3\xa9", 5}},
        {7, BYTES, 0, {raw, 4}},
    };
    char key[] = "key0";

    start(&scratch, 64);
    for (uint32_t i = 0; i < sizeof values / sizeof *values; i++, key[3]++)
        set(&scratch, i, text_of(key), &values[i], OTLITE_NO_LIMIT);
    key[3] = '0';
    for (uint32_t i = 0; i < sizeof values / sizeof *values; i++, key[3]++) {
        struct reader field = field_of(&scratch, OTLITE_ATTRIBUTES, i);
        CHECK(next_bytes_are(&field, 1, (struct bytes){(uint8_t *)key, 4}));
        struct reader any = next_message(&field, 2);
        if (expected[i].number != 0) {
            struct field value = next_field(&any, expected[i].number, expected[i].wire);
            CHECK_EQUAL(value.value, expected[i].value);
            CHECK(same_bytes(value.bytes, expected[i].bytes));
        }
        CHECK(read_all(&any) && read_all(&field));
    }
    CHECK(moves > 0);
    check_encoding(&scratch);
    guard_free(block);
}

/* Bytes under a key whose size is known, past the length of which a byte is enough. */
static void test_bytes_of_every_length(void)
{
    struct otlite_scratch scratch;

    for (uint32_t length = 0; length < 300; length++) {
        struct bytes bytes = {(const uint8_t *)long_text(), length};
        struct otlite_value value = {.type = OTLITE_BYTES, .as.bytes = {bytes.data, length}};
        start(&scratch, 1024);
        set(&scratch, 1, text_of("key"), &value, OTLITE_NO_LIMIT);
        struct reader field = field_of(&scratch, OTLITE_ATTRIBUTES, 0);
        CHECK(next_bytes_are(&field, 1, (struct bytes){(const uint8_t *)"key", 3}));
        struct reader any = next_message(&field, 2);
        CHECK(next_bytes_are(&any, 7, bytes));
        CHECK(read_all(&any) && read_all(&field));
        check_encoding(&scratch);
        guard_free(block);
    }
}

/* Key and value of every kind, at lengths where a length takes one byte more. Set twice, the key is
 * one. */
static void test_texts_of_every_kind_and_length(void)
{
    static const uint32_t lengths[] = {
        0,   1,   2,   3,   4,    15,   31,   32,   40,   42,   43,    60,    63,    64,    118,
        126, 127, 128, 129, 4094, 4096, 5459, 5462, 8189, 8192, 16370, 16382, 16383, 16384, 16390};
    static struct sample key, value;

    for (uint32_t kind = OTLITE_TEXT_UTF8; kind <= OTLITE_TEXT_CHARS; kind++)
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            for (uint32_t odd = 0; odd < 4; odd++) {
                struct otlite_scratch scratch;
                start(&scratch, 256);
                make_sample(&key, &seed, kind, lengths[i], odd);
                make_sample(&value, &seed, kind, lengths[sizeof lengths / sizeof *lengths - 1 - i],
                            odd);
                struct otlite_value text = {.type = OTLITE_TEXT, .as.text = value.text},
                                    one = integer(1);
                set(&scratch, 7, key.text, &one, OTLITE_NO_LIMIT);
                set(&scratch, 7, text_of("another key"), &one, OTLITE_NO_LIMIT);
                set(&scratch, 7, key.text, &text, OTLITE_NO_LIMIT);
                CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 2);
                struct reader field = field_of(&scratch, OTLITE_ATTRIBUTES, 1);
                CHECK(next_bytes_are(&field, 1, key.utf8));
                struct reader any = next_message(&field, 2);
                CHECK(next_bytes_are(&any, 1, value.utf8));
                CHECK(read_all(&any) && read_all(&field));
                /* Under a key whose size is known. */
                set(&scratch, 8, text_of("k"), &text, OTLITE_NO_LIMIT);
                field = field_of(&scratch, OTLITE_ATTRIBUTES, 2);
                CHECK(next_bytes_are(&field, 1, (struct bytes){(const uint8_t *)"k", 1}));
                any = next_message(&field, 2);
                CHECK(next_bytes_are(&any, 1, value.utf8));
                CHECK(read_all(&any) && read_all(&field));
                otlite_scratch_remove(&scratch, 8, text_of("k"));
                check_encoding(&scratch);
                /* The same key in UTF-8 is the same key. */
                struct otlite_text utf8 = {key.utf8.data, (uint32_t)key.utf8.size,
                                           OTLITE_TEXT_UTF8};
                set(&scratch, 7, utf8, &one, OTLITE_NO_LIMIT);
                CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 2);
                guard_free(block);
            }
}

/* Contracts of the header: a key set again moves to the end, the oldest goes at the limit, limit 0
 * refuses. */
static void test_replace_evict_refuse(void)
{
    struct otlite_scratch scratch;
    struct otlite_value value;
    start(&scratch, 1024);

    value = integer(1), set(&scratch, 1, text_of("a"), &value, 3);
    value = integer(2), set(&scratch, 2, text_of("b"), &value, 3);
    value = integer(3), set(&scratch, 1, text_of("a"), &value, 3);
    CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 2);
    check_integer_attribute(&scratch, 0, "b", 2);
    check_integer_attribute(&scratch, 1, "a", 3);
    value = integer(4), set(&scratch, 3, text_of("c"), &value, 3);
    value = integer(5),
    set(&scratch, 2, text_of("b"), &value, 3); /* at the limit, and known: none is lost */
    CHECK_EQUAL(scratch.dropped[OTLITE_ATTRIBUTES], 0);
    value = integer(6), set(&scratch, 4, text_of("d"), &value, 3); /* a is the oldest now */
    CHECK_EQUAL(scratch.dropped[OTLITE_ATTRIBUTES], 1);
    CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 3);
    check_integer_attribute(&scratch, 0, "c", 4);
    check_integer_attribute(&scratch, 1, "b", 5);
    check_integer_attribute(&scratch, 2, "d", 6);
    check_encoding(&scratch);
    value = integer(7), set(&scratch, 5, text_of("e"), &value, 0);
    CHECK_EQUAL(scratch.dropped[OTLITE_ATTRIBUTES], 2);
    CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 3);
    guard_free(block);

    start(&scratch, 1024);
    for (int i = 0; i < 20; i++)
        value = integer(i), set(&scratch, 0, text_of(i % 2 ? "odd" : "even"), &value, 1);
    CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 1);
    CHECK_EQUAL(scratch.dropped[OTLITE_ATTRIBUTES], 19);
    check_integer_attribute(&scratch, 0, "odd", 19);
    guard_free(block);
}

/* The map that a scratch must be: keys in the order in which they were last set. */
struct model {
    uint32_t key[1100];
    int64_t value[1100];
    uint32_t count, dropped;
};

static void model_set(struct model *model, uint32_t key, int64_t value, uint32_t limit)
{
    uint32_t at = 0;
    while (at < model->count && model->key[at] != key)
        at++;
    if (limit == 0) {
        model->dropped++;
        return;
    }
    if (at == model->count && model->count >= limit) {
        at = 0;
        model->dropped++;
    }
    if (at < model->count) {
        model->count--;
        memmove(model->key + at, model->key + at + 1, (model->count - at) * sizeof *model->key);
        memmove(model->value + at, model->value + at + 1,
                (model->count - at) * sizeof *model->value);
    }
    model->key[model->count] = key;
    model->value[model->count++] = value;
}

static void check_model(const struct otlite_scratch *scratch, const struct model *model)
{
    char key[16];
    CHECK_EQUAL(scratch->live[OTLITE_ATTRIBUTES], model->count);
    CHECK_EQUAL(scratch->dropped[OTLITE_ATTRIBUTES], model->dropped);
    for (uint32_t i = 0; i < model->count; i++) {
        snprintf(key, sizeof key, "key%u", model->key[i]);
        check_integer_attribute(scratch, i, key, model->value[i]);
    }
    check_encoding(scratch);
}

/* Equal, nearly equal, equal once folded to 32 bits, and well spread. */
static uint64_t hash_of(uint32_t key, int way)
{
    switch (way) {
    case 0:
        return 42;
    case 1:
        return key % 3;
    case 2:
        return (uint64_t)key << 32 | key;
    case 3:
        return (uint64_t)key << 26;
    default:
        return (key + 1) * UINT64_C(0x9E3779B97F4A7C15);
    }
}

static void test_against_a_map(void)
{
    static struct model model;
    static const uint32_t keys[] = {4, 15, 16, 17, 33, 64, 65, 200, 1000},
                          limits[] = {UINT32_MAX, 128, 16, 5};
    char key[16];

    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (size_t l = 0; l < sizeof limits / sizeof *limits; l++)
            for (int way = 0; way < 5; way++) {
                struct otlite_scratch scratch;
                start(&scratch, 128);
                memset(&model, 0, sizeof model);
                for (uint32_t i = 0; i < 2 * keys[k] + 50; i++) {
                    uint32_t chosen = i < keys[k] ? i : draw(&seed, keys[k]);
                    struct otlite_value value =
                        integer((int64_t)draw(&seed, 1u << 30) << draw(&seed, 33));
                    snprintf(key, sizeof key, "key%u", chosen);
                    set(&scratch, hash_of(chosen, way), text_of(key), &value, limits[l]);
                    model_set(&model, chosen, value.as.integer, limits[l]);
                }
                check_model(&scratch, &model);
                guard_free(block);
            }
}

static void compose_text(struct otlite_scratch *scratch, struct otlite_text key,
                         const struct otlite_value *text)
{
    struct otlite_composer composer;
    do {
        otlite_compose_begin(&composer, scratch, OTLITE_ATTRIBUTES);
        otlite_compose_key(&composer, key);
        size_t mark = otlite_compose_open(&composer, OTLITE_KEY_VALUE);
        otlite_compose_scalar(&composer, text);
        otlite_compose_close(&composer, mark);
    } while (otlite_compose_end(&composer, 1, 1) == OTLITE_NO_ROOM &&
             (move(scratch, scratch->size * 2), true));
}

/* A block that holds the live fields and one more never grows, however often they are replaced or
 * evicted. */
static void test_replaced_values_take_no_room(void)
{
    struct otlite_scratch scratch;

    for (int way = 0; way < 4; way++)
        for (uint32_t longest = 1; longest < 400; longest += 7) {
            /* twice a field's bytes and heads, and three entries of the index */
            start(&scratch, (2 * (longest + 3 + 12) + 3 * 20 + 3) & ~3u);
            for (uint32_t i = 0; i < 200; i++) {
                struct otlite_value value = long_value(longest - i % 3 * longest / 3);
                struct otlite_text key = text_of(way >= 2 && i % 2 ? "two" : "one");
                if (way % 2)
                    compose_text(&scratch, key, &value);
                else
                    set(&scratch, 1, key, &value, 1);
            }
            CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 1);
            CHECK_EQUAL(scratch.dropped[OTLITE_ATTRIBUTES], way >= 2 ? 199 : 0);
            CHECK_EQUAL(moves, 0);
            check_encoding(&scratch);
            guard_free(block);
        }
}

static void test_remove(void)
{
    struct otlite_scratch scratch;
    start(&scratch, 1024);
    for (int64_t i = 0; i < 3; i++)
        set(&scratch, (uint64_t)i,
            text_of(i == 0   ? "a"
                    : i == 1 ? "b"
                             : "c"),
            &(struct otlite_value){.type = OTLITE_INT, .as.integer = i}, 9);
    otlite_scratch_remove(&scratch, 1, text_of("b"));
    otlite_scratch_remove(&scratch, 1, text_of("b"));
    otlite_scratch_remove(&scratch, 7, text_of("never there"));
    CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 2);
    CHECK_EQUAL(scratch.dropped[OTLITE_ATTRIBUTES], 0);
    check_integer_attribute(&scratch, 0, "a", 0);
    check_integer_attribute(&scratch, 1, "c", 2);
    check_encoding(&scratch);
    guard_free(block);
}

static void test_no_room_changes_nothing(void)
{
    bool fitted = false;

    for (uint32_t size = 0; size < 200; size += 4) {
        struct otlite_scratch scratch;
        struct otlite_value value = integer(1), text = long_value(size);
        start(&scratch, size);
        bool fits = otlite_scratch_attribute(&scratch, 1, text_of("k"), &value, OTLITE_NO_LIMIT) ==
                    OTLITE_OK;
        CHECK(fits || (!fitted && size < 64));
        fitted = fits;
        CHECK_EQUAL(otlite_scratch_attribute(&scratch, 2, text_of("long"), &text, 1),
                    OTLITE_NO_ROOM);
        CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], fits);
        CHECK_EQUAL(scratch.dropped[OTLITE_ATTRIBUTES], 0);
        if (fits)
            check_integer_attribute(&scratch, 0, "k", 1);
        check_encoding(&scratch);
        guard_free(block);
    }
}

/* A move takes the live fields alone, and fails where they do not fit. */
static void test_move(void)
{
    struct otlite_scratch scratch;
    struct otlite_value value = integer(1);
    uint32_t fits = UINT32_MAX;

    for (uint32_t size = 0; size <= 512; size += 4) {
        struct guard other = guard_make(size);
        start(&scratch, 4096);
        for (int i = 0; i < 60; i++)
            set(&scratch, 1, text_of(i % 2 ? "replaced" : "kept"), &value, OTLITE_NO_LIMIT);
        enum otlite_status status =
            otlite_scratch_move(&scratch, guard_place(other, GUARD_AFTER, size), size);
        if (status == OTLITE_OK && size < fits)
            fits = size;
        CHECK(status == (size >= fits ? OTLITE_OK : OTLITE_NO_ROOM));
        CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 2);
        check_integer_attribute(&scratch, 0, "kept", 1);
        check_integer_attribute(&scratch, 1, "replaced", 1);
        check_encoding(&scratch);
        guard_free(other);
        guard_free(block);
    }
    CHECK(fits < 160);                              /* 60 fields take over a thousand */
    for (uint32_t size = 400; size < 420; size++) { /* of any size, its index is aligned */
        static uint32_t first[110], second[110];
        otlite_scratch_init(&scratch, first, size);
        CHECK_EQUAL(scratch.size, size & ~3u);
        CHECK_EQUAL(otlite_scratch_move(&scratch, second, size + 7), OTLITE_OK);
        CHECK_EQUAL(scratch.size, (size + 7) & ~3u);
    }
}

/* ---- Composed fields ---- */

enum { DEPTH = 6 };

/* An attribute of maps in arrays in maps, whose innermost text has `length` bytes. */
static enum otlite_status compose_nest(struct otlite_scratch *scratch, uint32_t length,
                                       uint32_t limit)
{
    struct otlite_composer composer;
    struct otlite_value text = long_value(length);
    size_t marks[3 * DEPTH], open = 0;

    otlite_compose_begin(&composer, scratch, OTLITE_ATTRIBUTES);
    otlite_compose_key(&composer, text_of("nest"));
    marks[open++] = otlite_compose_open(&composer, OTLITE_KEY_VALUE);
    for (int depth = 0; depth < DEPTH; depth++) {
        marks[open++] = otlite_compose_open(&composer, depth % 2 ? OTLITE_MAP : OTLITE_ARRAY);
        marks[open++] = otlite_compose_open(&composer, OTLITE_ITEM);
        if (depth % 2) {
            otlite_compose_key(&composer, text_of("k"));
            marks[open++] = otlite_compose_open(&composer, OTLITE_KEY_VALUE);
        }
    }
    otlite_compose_scalar(&composer, &text);
    while (open > 0)
        otlite_compose_close(&composer, marks[--open]);
    return otlite_compose_end(&composer, 3, limit);
}

static void check_nest(struct reader field, uint32_t length)
{
    CHECK(next_bytes_are(&field, 1, (struct bytes){(const uint8_t *)"nest", 4}));
    struct reader any = next_message(&field, 2);
    CHECK(read_all(&field));
    for (int depth = 0; depth < DEPTH; depth++) {
        struct reader list = next_message(&any, depth % 2 ? 6 : 5), item = next_message(&list, 1);
        CHECK(read_all(&any) && read_all(&list));
        any = item;
        if (depth % 2) {
            CHECK(next_bytes_are(&item, 1, (struct bytes){(const uint8_t *)"k", 1}));
            any = next_message(&item, 2);
            CHECK(read_all(&item));
        }
    }
    CHECK(next_bytes_are(&any, 1, (struct bytes){(const uint8_t *)long_text(), length}));
    CHECK(read_all(&any));
}

/* Each of the nested messages crosses 127/128, and 16383/16384, in turn. */
static void test_nested_lengths(void)
{
    struct otlite_scratch scratch;
    for (uint32_t length = 1; length < 16400; length += length == 140 ? 16150 : 1) {
        start(&scratch, 256);
        while (compose_nest(&scratch, length, OTLITE_NO_LIMIT) == OTLITE_NO_ROOM)
            move(&scratch, scratch.size * 2);
        CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 1);
        check_nest(field_of(&scratch, OTLITE_ATTRIBUTES, 0), length);
        check_encoding(&scratch);
        guard_free(block);
    }
}

/* In blocks of every size: it is written whole, or nothing is. */
static void test_composing_out_of_room(void)
{
    struct otlite_scratch scratch;
    uint32_t fits = UINT32_MAX;

    for (uint32_t size = 0; size < 600; size += 4) {
        struct otlite_value value = integer(-1);
        start(&scratch, size);
        bool first = otlite_scratch_attribute(&scratch, 1, text_of("k"), &value, 2) == OTLITE_OK;
        enum otlite_status status = compose_nest(&scratch, 200, 2);
        if (status == OTLITE_OK && size < fits)
            fits = size;
        CHECK_EQUAL(status, size >= fits ? OTLITE_OK : OTLITE_NO_ROOM);
        CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], first + (status == OTLITE_OK));
        if (first)
            check_integer_attribute(&scratch, 0, "k", -1);
        if (status == OTLITE_OK)
            check_nest(field_of(&scratch, OTLITE_ATTRIBUTES, 1), 200);
        check_encoding(&scratch);
        guard_free(block);
    }
    CHECK(fits < 600);
}

/* A composed attribute replaces a plain one, and the other way round; keys inside of maps do not
 * count. */
static void test_composed_keys_are_keys(void)
{
    struct otlite_scratch scratch;
    struct otlite_value value = integer(5);
    start(&scratch, 4096);

    set(&scratch, 3, text_of("nest"), &value, 8);
    set(&scratch, 3, text_of("k"), &value, 8);
    CHECK_EQUAL(compose_nest(&scratch, 300, 8), OTLITE_OK);
    CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 2);
    check_integer_attribute(&scratch, 0, "k", 5);
    check_nest(field_of(&scratch, OTLITE_ATTRIBUTES, 1), 300);
    set(&scratch, 3, text_of("nest"), &value, 8);
    CHECK_EQUAL(scratch.live[OTLITE_ATTRIBUTES], 2);
    check_integer_attribute(&scratch, 1, "nest", 5);
    CHECK_EQUAL(compose_nest(&scratch, 300, 0), OTLITE_OK); /* limit 0: refused, and counted */
    CHECK_EQUAL(scratch.dropped[OTLITE_ATTRIBUTES], 1);
    check_encoding(&scratch);
    guard_free(block);
}

int main(void)
{
    CHECK(otlite_kernels_select(getenv("OTLP_LITE_CPU")) == 0); /* tests/cpus forces each */
    RUN(test_the_guard_is_noticed);
    RUN(test_values_of_every_type);
    RUN(test_bytes_of_every_length);
    RUN(test_texts_of_every_kind_and_length);
    RUN(test_replace_evict_refuse);
    RUN(test_against_a_map);
    RUN(test_replaced_values_take_no_room);
    RUN(test_remove);
    RUN(test_no_room_changes_nothing);
    RUN(test_move);
    RUN(test_nested_lengths);
    RUN(test_composing_out_of_room);
    RUN(test_composed_keys_are_keys);
    return check_end();
}
