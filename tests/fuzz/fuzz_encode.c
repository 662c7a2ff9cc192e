/* fuzz_encode.c - spans that are recorded by any calls: a strict reader finds what a plain model says
 *
 * The model holds values as trees, their text in UTF-8 by another way, and lists in the order of the calls.
 */
#include "encode/wire.h"
#include "fuzz.h"

enum { NODES = 1024, FIELDS = 256, OPERATIONS = 100, ROOM = 1 << 18, TEXT_MAX = 40000, DEPTH = 6 };
enum { ARRAY = OTLITE_BYTES + 1, MAP, VALUE_TYPES };

/* A value, or a field of a list: an attribute, an event, a link. */
struct node {
    uint32_t type; /* enum otlite_value_type, ARRAY, MAP */
    uint64_t number;
    struct otlite_text key, text;     /* as given; of an event its name */
    struct bytes key_utf8, text_utf8; /* as expected */
    uint8_t ids[24];
    uint32_t dropped, flags;
    uint32_t child, next; /* 0: none */
};

static struct {
    struct node nodes[NODES];
    uint32_t node_count;
    uint8_t utf8[ROOM];
    size_t utf8_used;
    void *kept[NODES * 2];
    uint32_t kept_count;
    uint32_t lists[OTLITE_LISTS][FIELDS], counts[OTLITE_LISTS], dropped[OTLITE_LISTS];
    uint64_t hash_mask;
} model;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return otlite_kernels_select(NULL);
}

/* ---- Text, by the slow way ---- */

/* The length of the valid sequence that begins here; 0 where none does. */
static size_t sequence_at(const uint8_t *at, size_t n)
{
    static const uint8_t masks[] = {0x80, 0xe0, 0xf0, 0xf8}, marks[] = {0, 0xc0, 0xe0, 0xf0};
    for (size_t length = 1; length <= 4 && length <= n; length++) {
        if ((at[0] & masks[length - 1]) != marks[length - 1])
            continue;
        uint32_t c = at[0] & (uint8_t)~masks[length - 1];
        for (size_t i = 1; i < length; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return 0;
            c = c << 6 | (at[i] & 63);
        }
        uint8_t again[4];
        bool same = c <= 0x10ffff && put_code_point(again, c) == again + length &&
                    memcmp(again, at, length) == 0;
        return same ? length : 0;
    }
    return 0;
}

static uint32_t unit_at(const struct otlite_text *text, uint32_t i)
{
    if (text->kind == OTLITE_TEXT_UCS2)
        return ((const uint16_t *)text->data)[i];
    if (text->kind == OTLITE_TEXT_UCS4)
        return ((const uint32_t *)text->data)[i];
    return ((const uint8_t *)text->data)[i];
}

static struct bytes utf8_of(const struct otlite_text *text)
{
    uint8_t *start = model.utf8 + model.utf8_used, *at = start;
    for (uint32_t i = 0; i < text->length;) {
        const uint8_t *here = (const uint8_t *)text->data + i;
        size_t valid = text->kind == OTLITE_TEXT_CHARS ? sequence_at(here, text->length - i) : 0;
        if (text->kind == OTLITE_TEXT_UTF8) {
            *at++ = *here;
        } else if (valid != 0) {
            memcpy(at, here, valid);
            at += valid;
            i += (uint32_t)valid - 1;
        } else {
            uint32_t c = unit_at(text, i);
            at = put_code_point(at, text->kind == OTLITE_TEXT_CHARS || c > 0x10ffff ? 0xfffd : c);
        }
        i++;
    }
    model.utf8_used = (size_t)(at - model.utf8);
    return (struct bytes){start, (size_t)(at - start)};
}

/* Of any kind, in memory that ends where the text does; now and then long enough for longer lengths. */
static struct otlite_text take_text(struct source *source, struct bytes *utf8)
{
    static const uint8_t widths[] = {1, 1, 2, 4, 1};
    static uint32_t units[TEXT_MAX / 4 + 1];
    uint32_t kind = take_below(source, 5), times = take_below(source, 64) == 1 ? 120 : 1;
    struct bytes bytes = take_bytes(source, 300);
    size_t size = 0, room = (ROOM - model.utf8_used) / 4;
    bool kept = model.kept_count < NODES * 2;

    for (room = room < TEXT_MAX ? room : TEXT_MAX; kept && times > 0 && bytes.size <= room - size;
         times--) {
        memcpy((uint8_t *)units + size, bytes.data, bytes.size);
        size += bytes.size;
    }
    struct otlite_text text = {NULL, (uint32_t)(size / widths[kind]), kind};
    if (kept)
        text.data = model.kept[model.kept_count++] =
            exact_copy(units, (size_t)text.length * widths[kind]);
    *utf8 = utf8_of(&text);
    return text;
}

static uint64_t hash_of(struct bytes key)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.data[i]) * 1099511628211u;
    return hash & model.hash_mask;
}

/* ---- What is recorded ---- */

/* 0 where there is no room for one more. */
static uint32_t new_node(void)
{
    if (model.node_count == NODES)
        return 0;
    memset(&model.nodes[model.node_count], 0, sizeof *model.nodes);
    return model.node_count++;
}

static void take_scalar(struct source *source, struct node *node)
{
    node->type = take_below(source, ARRAY);
    if (node->type == OTLITE_TEXT || node->type == OTLITE_BYTES) {
        node->text = take_text(source, &node->text_utf8);
        if (node->type == OTLITE_BYTES) {
            static const uint8_t widths[] = {1, 1, 2, 4, 1};
            node->text.length *= widths[node->text.kind];
            node->text_utf8 = (struct bytes){node->text.data, node->text.length};
        }
    } else if (node->type != OTLITE_NONE) {
        node->number = take_number(source);
        node->number = node->type == OTLITE_BOOL ? node->number & 1 : node->number;
    }
}

static uint32_t take_value(struct source *source, uint32_t depth);

static void take_children(struct source *source, uint32_t parent, uint32_t depth, bool keys)
{
    uint32_t *link = &model.nodes[parent].child;
    for (uint32_t count = take_below(source, 4); count > 0; count--) {
        uint32_t child = take_value(source, depth);
        if (child == 0)
            return;
        if (keys)
            model.nodes[child].key = take_text(source, &model.nodes[child].key_utf8);
        *link = child;
        link = &model.nodes[child].next;
    }
}

static uint32_t take_value(struct source *source, uint32_t depth)
{
    uint32_t index = new_node(), nested = take_below(source, 4);
    if (index == 0)
        return 0;
    struct node *node = &model.nodes[index];
    if (nested >= 2 && depth < DEPTH) {
        node->type = nested == 2 ? ARRAY : MAP;
        take_children(source, index, depth + 1, node->type == MAP);
    } else {
        take_scalar(source, node);
    }
    return index;
}

/* The double's bits too, as a union may be read. */
static struct otlite_value value_of(const struct node *node)
{
    struct otlite_value value = {.type = node->type};
    if (node->type == OTLITE_BOOL)
        value.as.boolean = node->number != 0;
    else if (node->type == OTLITE_TEXT)
        value.as.text = node->text;
    else if (node->type == OTLITE_BYTES)
        value.as.bytes.data = node->text.data, value.as.bytes.length = node->text.length;
    else
        memcpy(&value.as.integer, &node->number, sizeof node->number);
    return value;
}

/* ---- Calls ---- */

static void compose_pair(struct otlite_composer *composer, const struct node *node);

static void compose_value(struct otlite_composer *composer, const struct node *node)
{
    if (node->type < ARRAY) {
        struct otlite_value value = value_of(node);
        otlite_compose_scalar(composer, &value);
        return;
    }
    size_t list = otlite_compose_open(composer, node->type == ARRAY ? OTLITE_ARRAY : OTLITE_MAP);
    for (uint32_t child = node->child; child != 0; child = model.nodes[child].next) {
        size_t item = otlite_compose_open(composer, OTLITE_ITEM);
        if (node->type == ARRAY)
            compose_value(composer, &model.nodes[child]);
        else
            compose_pair(composer, &model.nodes[child]);
        otlite_compose_close(composer, item);
    }
    otlite_compose_close(composer, list);
}

static void compose_pair(struct otlite_composer *composer, const struct node *node)
{
    otlite_compose_key(composer, node->key);
    size_t value = otlite_compose_open(composer, OTLITE_KEY_VALUE);
    compose_value(composer, node);
    otlite_compose_close(composer, value);
}

static enum otlite_status record_field(struct otlite_scratch *scratch, enum otlite_list list,
                                       const struct node *node, bool composed, uint32_t limit)
{
    struct otlite_composer composer;
    uint64_t hash = list == OTLITE_ATTRIBUTES ? hash_of(node->key_utf8) : 0;
    if (!composed) {
        struct otlite_value value = value_of(node);
        return otlite_scratch_attribute(scratch, hash, node->key, &value, limit);
    }
    otlite_compose_begin(&composer, scratch, list);
    if (list == OTLITE_ATTRIBUTES) {
        compose_pair(&composer, node);
        return otlite_compose_end(&composer, hash, limit);
    }
    if (list == OTLITE_EVENTS)
        otlite_compose_event(&composer, node->text, node->number);
    else
        otlite_compose_link(&composer, node->ids, node->ids + 16);
    for (uint32_t child = node->child; child != 0; child = model.nodes[child].next) {
        size_t pair = otlite_compose_open(&composer, list == OTLITE_EVENTS ? OTLITE_EVENT_ATTRIBUTE
                                                                           : OTLITE_LINK_ATTRIBUTE);
        compose_pair(&composer, &model.nodes[child]);
        otlite_compose_close(&composer, pair);
    }
    otlite_compose_tail(&composer, node->dropped, node->flags);
    return otlite_compose_end(&composer, hash, limit);
}

static void move(struct otlite_scratch *scratch, uint32_t size)
{
    struct otlite_scratch before = *scratch;
    void *block = room_of(size);
    if (otlite_scratch_move(scratch, block, size) == OTLITE_OK) {
        free(before.block);
        return;
    }
    REQUIRE(scratch->block == before.block && scratch->sent_bytes == before.sent_bytes);
    free(block);
}

static void forget(enum otlite_list list, uint32_t at)
{
    model.counts[list]--;
    memmove(&model.lists[list][at], &model.lists[list][at + 1],
            (model.counts[list] - at) * sizeof **model.lists);
}

/* The present value of a key; FIELDS where it has none. */
static uint32_t find(struct bytes key)
{
    for (uint32_t i = 0; i < model.counts[OTLITE_ATTRIBUTES]; i++)
        if (same_bytes(model.nodes[model.lists[OTLITE_ATTRIBUTES][i]].key_utf8, key))
            return i;
    return FIELDS;
}

static void expect_field(enum otlite_list list, uint32_t node, uint32_t limit)
{
    if (limit == 0) {
        model.dropped[list]++;
        return;
    }
    uint32_t old = list == OTLITE_ATTRIBUTES ? find(model.nodes[node].key_utf8) : FIELDS;
    if (old != FIELDS)
        forget(list, old);
    if (model.counts[list] >= limit) {
        forget(list, 0);
        model.dropped[list]++;
    }
    model.lists[list][model.counts[list]++] = node;
}

static void take_field(struct source *source, struct otlite_scratch *scratch, uint32_t choice)
{
    static const enum otlite_list lists[] = {OTLITE_ATTRIBUTES, OTLITE_ATTRIBUTES,
                                             OTLITE_ATTRIBUTES, OTLITE_EVENTS, OTLITE_LINKS};
    enum otlite_list list = lists[choice];
    uint32_t limit = take_below(source, 6), size = 1;
    limit = limit == 5 ? OTLITE_NO_LIMIT : limit == 4 ? 128 : limit;
    uint32_t index = choice == 2 ? take_value(source, 0) : new_node();
    if (index == 0 || model.counts[list] == FIELDS)
        return;
    struct node *node = &model.nodes[index];
    if (choice < 2)
        take_scalar(source, node);
    if (choice < 3) {
        node->key = take_text(source, &node->key_utf8);
    } else {
        node->number = take_number(source);
        node->text = take_text(source, &node->text_utf8);
        node->dropped = (uint32_t)take_number(source);
        node->flags = (uint32_t)take_number(source);
        for (size_t i = 0; i < sizeof node->ids; i++)
            node->ids[i] = (uint8_t)(node->number + i);
        take_children(source, index, 1, true);
    }
    expect_field(list, index, limit);
    while (record_field(scratch, list, node, choice >= 2, limit) == OTLITE_NO_ROOM) {
        REQUIRE(scratch->size < ROOM * 4);
        move(scratch, scratch->size * 2 + 64 * size++);
    }
}

static void take_operation(struct source *source, struct otlite_scratch *scratch)
{
    struct bytes key;
    uint32_t choice = take_below(source, 8);
    if (choice < 5) {
        take_field(source, scratch, choice);
    } else if (choice < 7) {
        struct otlite_text text = take_text(source, &key);
        text = (struct otlite_text){key.data, (uint32_t)key.size, OTLITE_TEXT_UTF8};
        otlite_scratch_remove(scratch, hash_of(key), text);
        uint32_t at = find(key);
        if (at != FIELDS)
            forget(OTLITE_ATTRIBUTES, at);
    } else {
        move(scratch, (uint32_t)take_word(source, 2));
    }
}

/* ---- What is found ---- */

static void require_pair(struct bytes pair, const struct node *node);

static void require_value(struct bytes any, const struct node *node)
{
    static const uint8_t numbers[] = {0, 2, 3, 4, 1, 7, 5, 6};
    struct reader reader = read_bytes(any), items;
    uint32_t number = numbers[node->type];
    switch (node->type) {
    case OTLITE_NONE:
        break;
    case OTLITE_BOOL:
    case OTLITE_INT:
        REQUIRE(next_value_is(&reader, number, VARINT, node->number));
        break;
    case OTLITE_DOUBLE:
        REQUIRE(next_value_is(&reader, number, FIXED64, node->number));
        break;
    case OTLITE_TEXT:
    case OTLITE_BYTES:
        REQUIRE(next_bytes_are(&reader, number, node->text_utf8));
        break;
    default:
        items = next_message(&reader, number);
        for (uint32_t child = node->child; child != 0; child = model.nodes[child].next) {
            struct bytes item = next_field(&items, 1, BYTES).bytes;
            REQUIRE(!items.bad);
            if (node->type == ARRAY)
                require_value(item, &model.nodes[child]);
            else
                require_pair(item, &model.nodes[child]);
        }
        REQUIRE(read_all(&items));
    }
    REQUIRE(read_all(&reader));
}

static void require_pair(struct bytes pair, const struct node *node)
{
    struct reader reader = read_bytes(pair);
    REQUIRE(next_bytes_are(&reader, 1, node->key_utf8));
    struct bytes value = next_field(&reader, 2, BYTES).bytes;
    REQUIRE(read_all(&reader));
    require_value(value, node);
}

/* A time, moved. */
static uint64_t moved(uint64_t time, uint64_t shift)
{
    uint64_t sum = time + shift;
    return time == 0 ? 0 : (int64_t)shift < 0 && sum > time ? 0 : sum;
}

static bool next_time_is(struct reader *reader, uint32_t number, uint64_t time, uint64_t shift)
{
    return time == 0 || next_value_is(reader, number, FIXED64, moved(time, shift));
}

static void require_event_or_link(struct bytes message, enum otlite_list list,
                                  const struct node *node, uint64_t shift)
{
    struct reader reader = read_bytes(message);
    uint32_t attributes = list == OTLITE_EVENTS ? 3 : 4;
    if (list == OTLITE_EVENTS) {
        REQUIRE(next_time_is(&reader, 1, node->number, shift));
        REQUIRE(node->text_utf8.size == 0 || next_bytes_are(&reader, 2, node->text_utf8));
    } else {
        REQUIRE(next_bytes_are(&reader, 1, (struct bytes){node->ids, 16}));
        REQUIRE(next_bytes_are(&reader, 2, (struct bytes){node->ids + 16, 8}));
    }
    for (uint32_t child = node->child; child != 0; child = model.nodes[child].next) {
        struct bytes pair = next_field(&reader, attributes, BYTES).bytes;
        REQUIRE(!reader.bad);
        require_pair(pair, &model.nodes[child]);
    }
    REQUIRE(node->dropped == 0 || next_value_is(&reader, attributes + 1, VARINT, node->dropped));
    REQUIRE(list == OTLITE_EVENTS || node->flags == 0 ||
            next_value_is(&reader, 6, FIXED32, node->flags));
    REQUIRE(read_all(&reader));
}

static void require_list(struct reader *span, enum otlite_list list, uint32_t number,
                         uint64_t shift)
{
    for (uint32_t i = 0; i < model.counts[list]; i++) {
        const struct node *node = &model.nodes[model.lists[list][i]];
        struct bytes message = next_field(span, number, BYTES).bytes;
        REQUIRE(!span->bad);
        if (list == OTLITE_ATTRIBUTES)
            require_pair(message, node);
        else
            require_event_or_link(message, list, node, shift);
    }
}

static void require_counted_list(struct reader *span, enum otlite_list list, uint32_t number,
                                 uint64_t shift)
{
    require_list(span, list, number, shift);
    REQUIRE(model.dropped[list] == 0 ||
            next_value_is(span, number + 1, VARINT, model.dropped[list]));
}

static void require_fields(const struct otlite_scratch *scratch)
{
    for (enum otlite_list list = 0; list < OTLITE_LISTS; list++) {
        const uint8_t *data;
        uint32_t size, i = 0;
        REQUIRE(scratch->live[list] == model.counts[list]);
        for (; otlite_scratch_field(scratch, list, i, &data, &size); i++) {
            const struct node *node = &model.nodes[model.lists[list][i]];
            REQUIRE(i < model.counts[list]);
            if (list == OTLITE_ATTRIBUTES)
                require_pair((struct bytes){data, size}, node);
            else
                require_event_or_link((struct bytes){data, size}, list, node, 0);
        }
        REQUIRE(i == model.counts[list]);
    }
}

struct texts {
    struct bytes name, trace_state, status_message;
};

static void require_span(struct bytes field, const struct otlite_span *span,
                         const struct texts *texts, uint64_t shift)
{
    struct reader outer = read_bytes(field), body = next_message(&outer, 2);
    REQUIRE(read_all(&outer));
    REQUIRE(next_bytes_are(&body, 1, (struct bytes){span->trace_id, 16}));
    REQUIRE(next_bytes_are(&body, 2, (struct bytes){span->span_id, 8}));
    REQUIRE(texts->trace_state.size == 0 || next_bytes_are(&body, 3, texts->trace_state));
    REQUIRE(!span->has_parent || next_bytes_are(&body, 4, (struct bytes){span->parent_span_id, 8}));
    REQUIRE(texts->name.size == 0 || next_bytes_are(&body, 5, texts->name));
    REQUIRE(next_value_is(&body, 6, VARINT, span->kind + 1u));
    REQUIRE(next_time_is(&body, 7, span->start, shift));
    REQUIRE(next_time_is(&body, 8, span->end, shift));
    if (span->scratch != NULL) {
        require_counted_list(&body, OTLITE_ATTRIBUTES, 9, shift);
        require_counted_list(&body, OTLITE_EVENTS, 11, shift);
        require_counted_list(&body, OTLITE_LINKS, 13, shift);
    }
    struct reader status = next_message(&body, 15);
    REQUIRE(texts->status_message.size == 0 || next_bytes_are(&status, 2, texts->status_message));
    REQUIRE(span->status == 0 || next_value_is(&status, 3, VARINT, span->status));
    REQUIRE(read_all(&status));
    REQUIRE(span->flags == 0 || next_value_is(&body, 16, FIXED32, span->flags));
    REQUIRE(read_all(&body));
}

static void encode_span(struct source *source, const struct otlite_scratch *scratch)
{
    struct texts texts;
    struct otlite_span span = {.scratch = take_below(source, 8) ? scratch : NULL};
    for (uint8_t i = 0; i < 16; i++)
        span.trace_id[i] = (uint8_t)(i * 3), span.span_id[i / 2] = span.parent_span_id[i / 2] = i;
    span.has_parent = take_below(source, 2);
    span.kind = (uint8_t)take_below(source, 5);
    span.status = (uint8_t)take_below(source, 3);
    span.flags = (uint32_t)take_number(source);
    span.start = take_number(source);
    span.end = take_number(source);
    uint64_t shift = take_number(source);
    span.name = take_text(source, &texts.name);
    span.trace_state = take_text(source, &texts.trace_state);
    span.status_message = take_text(source, &texts.status_message);

    size_t bound = otlite_span_encode_bound(&span);
    uint8_t *bytes = room_of(bound), *two;
    size_t size = otlite_span_encode(bytes, &span);
    REQUIRE(size <= bound);
    require_span((struct bytes){bytes, size}, &span, &texts, 0);
    struct span_glance glance = otlite_span_glance(bytes, size);
    REQUIRE(glance.end == span.end && memcmp(glance.span_id, span.span_id, 8) == 0);
    glance = otlite_span_glance(bytes, take_below(source, 256) * size / 255); /* of less, less */
    REQUIRE(glance.end == 0 || glance.end == span.end);
    two = room_of(2 * size);
    memcpy(two, bytes, size);
    memcpy(two + size, bytes, size);
    otlite_spans_shift(two, 2 * size, shift);
    require_span((struct bytes){two, size}, &span, &texts, shift);
    require_span((struct bytes){two + size, size}, &span, &texts, shift);
    for (int damages = 0; damages < 3; damages++) /* of a file, sealed by whoever made it */
        two[take_below(source, (uint32_t)(2 * size))] = (uint8_t)take_number(source);
    otlite_spans_shift(two, 2 * size, shift);
    free(bytes);
    free(two);
}

static void encode_heads(struct source *source, const struct otlite_scratch *attributes)
{
    struct bytes name_utf8, version_utf8;
    struct otlite_text name = take_text(source, &name_utf8);
    struct otlite_text version = take_text(source, &version_utf8);

    size_t bound = otlite_resource_encode_bound(attributes);
    uint8_t *bytes = room_of(bound);
    size_t size = otlite_resource_encode(bytes, attributes);
    REQUIRE(size <= bound);
    struct reader outer = read_bytes((struct bytes){bytes, size});
    struct reader body = next_message(&outer, 1);
    require_list(&body, OTLITE_ATTRIBUTES, 1, 0);
    REQUIRE(read_all(&body) && read_all(&outer));
    free(bytes);

    bound = otlite_scope_encode_bound(name, version, attributes);
    bytes = room_of(bound);
    size = otlite_scope_encode(bytes, name, version, attributes);
    REQUIRE(size <= bound);
    outer = read_bytes((struct bytes){bytes, size});
    body = next_message(&outer, 1);
    REQUIRE(name_utf8.size == 0 || next_bytes_are(&body, 1, name_utf8));
    REQUIRE(version_utf8.size == 0 || next_bytes_are(&body, 2, version_utf8));
    require_counted_list(&body, OTLITE_ATTRIBUTES, 3, 0);
    REQUIRE(read_all(&body) && read_all(&outer));
    free(bytes);
}

static void begin(struct source *source)
{
    static const uint64_t masks[] = {UINT64_MAX, 0, 3, 0xff00000000};
    model.node_count = 1;
    model.utf8_used = model.kept_count = 0;
    memset(model.counts, 0, sizeof model.counts);
    memset(model.dropped, 0, sizeof model.dropped);
    model.hash_mask = masks[take_below(source, 4)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = source_of(data, size);
    struct otlite_scratch scratch;
    begin(&source);
    uint32_t block = (uint32_t)take_word(&source, 1) * 4;
    otlite_scratch_init(&scratch, room_of(block), block);
    for (uint32_t i = 0; i < OPERATIONS && take_below(&source, 16) != 0; i++)
        take_operation(&source, &scratch);
    require_fields(&scratch);
    encode_span(&source, &scratch);
    if (model.counts[OTLITE_EVENTS] == 0 && model.counts[OTLITE_LINKS] == 0)
        encode_heads(&source, &scratch);
    free(scratch.block);
    for (uint32_t i = 0; i < model.kept_count; i++)
        free(model.kept[i]);
    return 0;
}
