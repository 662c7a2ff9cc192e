/* scratch.c - the attributes, events and links of a live span, encoded as they come */
#include "cpu/kernels.h"
#include "encode/wire.h"
#include "record/fields_index.h"

void otlite_scratch_init(struct otlite_scratch *scratch, void *block, uint32_t size)
{
    memset(scratch, 0, sizeof *scratch);
    scratch->block = block;
    scratch->size = size & ~(uint32_t)(alignof(struct scratch_field) - 1);
}

enum otlite_status otlite_scratch_move(struct otlite_scratch *scratch, void *block, uint32_t size)
{
    (void)otlite_scratch_compact(scratch);
    struct otlite_scratch moved = *scratch;
    moved.block = block;
    moved.size = size & ~(uint32_t)(alignof(struct scratch_field) - 1);
    if (scratch_room(&moved) == 0)
        return OTLITE_NO_ROOM;
    memcpy(moved.block, scratch->block, scratch->used);
    if (scratch->fields != 0)
        memcpy(field_at(&moved, scratch->fields - 1), field_at(scratch, scratch->fields - 1),
               scratch->fields * sizeof(struct scratch_field));
    *scratch = moved;
    return OTLITE_OK;
}

bool otlite_scratch_compact(struct otlite_scratch *scratch)
{
    uint32_t fields = scratch->fields;
    if (scratch->live[0] + scratch->live[1] + scratch->live[2] == fields)
        return false;
    scratch->used = scratch->fields = 0;
    for (uint32_t i = 0; i < fields; i++) {
        struct scratch_field field = *field_at(scratch, i);
        if (!field.live)
            continue;
        memmove(scratch->block + scratch->used, scratch->block + field.offset, field.size);
        field.offset = scratch->used;
        scratch->used += field.size;
        if (scratch->fields < sizeof scratch->tags)
            scratch->tags[scratch->fields] = (uint8_t)(field.hash >> 24);
        *field_at(scratch, scratch->fields++) = field;
    }
    return true;
}

static void kill_field(struct otlite_scratch *scratch, struct scratch_field *field)
{
    field->live = 0;
    scratch->live[field->list]--;
    scratch->sent_bytes -= field->size;
}

static bool same_key(const struct otlite_scratch *scratch, const struct scratch_field *field,
                     uint32_t hash, const uint8_t *key, uint32_t key_size)
{
    return field->live && field->list == OTLITE_ATTRIBUTES && field->hash == hash &&
           field->key_size == key_size &&
           memcmp(scratch->block + field->offset + field->key_at, key, key_size) == 0;
}

/* The live attribute with this key. The filter answers for most new keys, the tags for the rest. */
static struct scratch_field *find_key(const struct otlite_scratch *scratch, uint32_t hash,
                                      const uint8_t *key, uint32_t key_size)
{
    const uint32_t tagged = sizeof scratch->tags;
    uint32_t candidates =
        otlite_kernels_active()->tag16_match(scratch->tags, (uint8_t)(hash >> 24));
    if (scratch->fields < tagged)
        candidates &= (1u << scratch->fields) - 1;
    for (; candidates != 0; candidates &= candidates - 1) {
        struct scratch_field *field = field_at(scratch, (uint32_t)__builtin_ctz(candidates));
        if (same_key(scratch, field, hash, key, key_size))
            return field;
    }
    for (uint32_t i = tagged; i < scratch->fields; i++) {
        struct scratch_field *field = field_at(scratch, i);
        if (same_key(scratch, field, hash, key, key_size))
            return field;
    }
    return NULL;
}

static void evict_oldest(struct otlite_scratch *scratch, enum otlite_list list)
{
    for (uint32_t i = 0; i < scratch->fields; i++) {
        struct scratch_field *field = field_at(scratch, i);
        if (field->live && field->list == (uint8_t)list) {
            kill_field(scratch, field);
            scratch->dropped[list]++;
            return;
        }
    }
}

/* Multiplied, as hashes of short keys may differ in few bits. */
static uint32_t fold(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32) * 0x9E3779B1u;
}

/* Inlined by force: the call costs a sixth of a usual attribute. */
__attribute__((always_inline)) static inline void enter(struct otlite_scratch *scratch,
                                                        enum otlite_list list, uint64_t hash,
                                                        uint32_t size, uint32_t key_at,
                                                        uint32_t key_size, uint32_t limit)
{
    uint32_t folded = fold(hash);
    if (list == OTLITE_ATTRIBUTES) {
        uint64_t bit = 1ull << (folded >> 26);
        if ((scratch->seen & bit) != 0) {
            struct scratch_field *old =
                find_key(scratch, folded, scratch->block + scratch->used + key_at, key_size);
            if (old != NULL)
                kill_field(scratch, old);
        }
        scratch->seen |= bit;
    }
    if (scratch->live[list] >= limit)
        evict_oldest(scratch, list);
    if (scratch->fields < sizeof scratch->tags)
        scratch->tags[scratch->fields] = (uint8_t)(folded >> 24);
    *field_at(scratch, scratch->fields++) = (struct scratch_field){
        .offset = scratch->used,
        .size = size,
        .hash = folded,
        .key_size = key_size,
        .key_at = (uint8_t)key_at,
        .list = (uint8_t)list,
        .live = 1,
    };
    scratch->used += size;
    scratch->sent_bytes += size;
    scratch->live[list]++;
}

void otlite_scratch_enter(struct otlite_scratch *scratch, enum otlite_list list, uint64_t hash,
                          uint32_t size, uint32_t key_at, uint32_t key_size, uint32_t limit)
{
    enter(scratch, list, hash, size, key_at, key_size, limit);
}

/* KeyValue with its tag and length. `key_at` and `key_size` tell where the key went. */
static uint8_t *put_attribute(uint8_t *at, struct otlite_text key, const struct otlite_value *value,
                              uint32_t value_size, uint32_t reserved, uint32_t *key_at,
                              uint32_t *key_size)
{
    uint8_t *length = at + 1;
    at[0] = SPAN_ATTRIBUTES;
    uint8_t *body = length + reserved;
    uint8_t *key_end = put_text_field(body, KEY_VALUE_KEY, key);
    uint32_t key_head = field_head(body);
    *key_size = (uint32_t)(key_end - body) - key_head;
    uint8_t *value_length = put_tag(key_end, KEY_VALUE_VALUE);
    uint32_t value_reserved = varint_size(value_size);
    uint8_t *value_end = put_value(value_length + value_reserved, value);
    value_end = put_length(value_length, value_reserved,
                           (size_t)(value_end - value_length) - value_reserved);
    uint8_t *end = put_length(length, reserved, (size_t)(value_end - body));
    *key_at = 1 + varint_size((size_t)(value_end - body)) + key_head;
    return end;
}

/* Any attribute: out of line, so that the usual one saves no registers for it. */
__attribute__((noinline)) static enum otlite_status attribute_at_length(
    struct otlite_scratch *scratch, uint64_t hash, struct otlite_text key,
    const struct otlite_value *value, uint32_t limit)
{
    uint32_t key_at, key_size;
    size_t value_size = value_bound(value);
    size_t body_bound = text_field_bound(key) + bytes_field_bound(value_size);
    size_t bound = bytes_field_bound(body_bound);
    if (bound > scratch_room(scratch) &&
        !(otlite_scratch_compact(scratch) && bound <= scratch_room(scratch)))
        return OTLITE_NO_ROOM;
    uint8_t *start = scratch->block + scratch->used;
    uint8_t *end = put_attribute(start, key, value, (uint32_t)value_size, varint_size(body_bound),
                                 &key_at, &key_size);
    otlite_scratch_enter(scratch, OTLITE_ATTRIBUTES, hash, (uint32_t)(end - start), key_at,
                         key_size, limit);
    return OTLITE_OK;
}

/* A KeyValue whose key and text are short takes one byte for each length. */
enum {
    SHORT_MAX = 127,    /* the KeyValue */
    SHORT_OVERHEAD = 15 /* in it: tags and lengths of key and value, and the longest number */
};

/* The bytes of a value that vary, as far as they are known before they are written. */
static size_t known_size(const struct otlite_value *value)
{
    if (value->type == OTLITE_TEXT)
        return value->as.text.kind == OTLITE_TEXT_UTF8 ? value->as.text.length : SIZE_MAX / 2;
    return value->type == OTLITE_BYTES ? value->as.bytes.length : 0;
}

enum otlite_status otlite_scratch_attribute(struct otlite_scratch *scratch, uint64_t hash,
                                            struct otlite_text key,
                                            const struct otlite_value *value, uint32_t limit)
{
    if (limit == 0) {
        scratch->dropped[OTLITE_ATTRIBUTES]++;
        return OTLITE_OK;
    }
    if (key.kind != OTLITE_TEXT_UTF8 ||
        key.length + known_size(value) > SHORT_MAX - SHORT_OVERHEAD ||
        2 + SHORT_MAX > scratch_room(scratch))
        return attribute_at_length(scratch, hash, key, value, limit);
    uint8_t *start = scratch->block + scratch->used;
    uint8_t *tag = put_raw(start + 4, key.data, key.length);
    uint8_t *end = put_value(tag + 2, value);
    start[0] = SPAN_ATTRIBUTES;
    start[1] = (uint8_t)(end - start - 2);
    start[2] = KEY_VALUE_KEY;
    start[3] = (uint8_t)key.length;
    tag[0] = KEY_VALUE_VALUE;
    tag[1] = (uint8_t)(end - tag - 2);
    enter(scratch, OTLITE_ATTRIBUTES, hash, (uint32_t)(end - start), 4, key.length, limit);
    return OTLITE_OK;
}

void otlite_scratch_remove(struct otlite_scratch *scratch, uint64_t hash, struct otlite_text key)
{
    struct scratch_field *field = find_key(scratch, fold(hash), key.data, key.length);
    if (field != NULL)
        kill_field(scratch, field);
}

bool otlite_scratch_field(const struct otlite_scratch *scratch, enum otlite_list list,
                          uint32_t index, const uint8_t **data, uint32_t *size)
{
    for (uint32_t i = 0; i < scratch->fields; i++) {
        const struct scratch_field *field = field_at(scratch, i);
        if (!field->live || field->list != (uint8_t)list || index-- != 0)
            continue;
        uint32_t head = field_head(scratch->block + field->offset);
        *data = scratch->block + field->offset + head;
        *size = field->size - head;
        return true;
    }
    return false;
}

size_t otlite_scratch_encode(const struct otlite_scratch *scratch, enum otlite_list list,
                             uint8_t *dst)
{
    if (scratch->live[list] == scratch->fields)
        return (size_t)(put_raw(dst, scratch->block, scratch->used) - dst);
    if (scratch->live[list] == 0)
        return 0;
    uint8_t *at = dst;
    for (uint32_t i = 0; i < scratch->fields; i++) {
        const struct scratch_field *field = field_at(scratch, i);
        if (field->live && field->list == (uint8_t)list)
            at = put_raw(at, scratch->block + field->offset, field->size);
    }
    return (size_t)(at - dst);
}
