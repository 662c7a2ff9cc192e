/* compose.c - fields of a scratch written by hand: nested values, events, links */
#include "encode/wire.h"
#include "record/fields_index.h"

static const uint8_t list_tag[OTLITE_LISTS] = {SPAN_ATTRIBUTES, SPAN_EVENTS, SPAN_LINKS};

void otlite_compose_begin(struct otlite_composer *composer, struct otlite_scratch *scratch,
                          enum otlite_list list)
{
    (void)otlite_scratch_compact(scratch); /* what the field will need is not known yet */
    size_t room = scratch_room(scratch);
    *composer = (struct otlite_composer){
        .scratch = scratch,
        .at = scratch->block + scratch->used,
        .limit = scratch->block + scratch->used + room,
        .list = list,
        .overflow = room < 2,
    };
    if (!composer->overflow) { /* one byte is reserved for the length until the field ends */
        composer->at[0] = list_tag[list];
        composer->at += 2;
    }
}

static bool fits(struct otlite_composer *composer, size_t bound)
{
    if (bound > (size_t)(composer->limit - composer->at))
        composer->overflow = true;
    return !composer->overflow;
}

void otlite_compose_key(struct otlite_composer *composer, struct otlite_text key)
{
    if (!fits(composer, text_field_bound(key)))
        return;
    uint8_t *start = composer->at;
    composer->at = put_text_field(start, KEY_VALUE_KEY, key);
    if (composer->list == OTLITE_ATTRIBUTES && composer->key_at == 0) {
        uint32_t head = field_head(start);
        composer->key_at =
            (uint32_t)(start - (composer->scratch->block + composer->scratch->used)) + head;
        composer->key_size = (uint32_t)(composer->at - start) - head;
    }
}

void otlite_compose_event(struct otlite_composer *composer, struct otlite_text name, uint64_t time)
{
    if (!fits(composer, 9 + text_field_bound(name)))
        return;
    if (time != 0)
        composer->at = put_fixed64(put_tag(composer->at, EVENT_TIME), time);
    if (name.length != 0)
        composer->at = put_text_field(composer->at, EVENT_NAME, name);
}

void otlite_compose_link(struct otlite_composer *composer, const uint8_t trace_id[16],
                         const uint8_t span_id[8])
{
    if (!fits(composer, 28))
        return;
    composer->at = put_bytes_field(composer->at, LINK_TRACE_ID, trace_id, 16);
    composer->at = put_bytes_field(composer->at, LINK_SPAN_ID, span_id, 8);
}

void otlite_compose_tail(struct otlite_composer *composer, uint32_t dropped_attributes,
                         uint32_t flags)
{
    if (!fits(composer, 11))
        return;
    bool link = composer->list == OTLITE_LINKS;
    if (dropped_attributes != 0)
        composer->at = put_varint(
            put_tag(composer->at, link ? LINK_DROPPED_ATTRIBUTES : EVENT_DROPPED_ATTRIBUTES),
            dropped_attributes);
    if (link && flags != 0)
        composer->at = put_fixed32(put_tag(composer->at, LINK_FLAGS), flags);
}

size_t otlite_compose_open(struct otlite_composer *composer, enum otlite_message message)
{
    static const uint8_t tags[] = {EVENT_ATTRIBUTES, LINK_ATTRIBUTES, KEY_VALUE_VALUE,
                                   ANY_ARRAY,        ANY_MAP,         LIST_VALUES};
    if (!fits(composer, 2))
        return 0;
    composer->at[0] = tags[message];
    composer->at += 2;
    return (size_t)(composer->at - composer->scratch->block);
}

void otlite_compose_close(struct otlite_composer *composer, size_t mark)
{
    if (composer->overflow)
        return;
    uint8_t *body = composer->scratch->block + mark;
    size_t size = (size_t)(composer->at - body);
    if (fits(composer, varint_size(size) - 1))
        composer->at = put_length(body - 1, 1, size);
}

void otlite_compose_scalar(struct otlite_composer *composer, const struct otlite_value *value)
{
    if (fits(composer, value_bound(value)))
        composer->at = put_value(composer->at, value);
}

enum otlite_status otlite_compose_end(struct otlite_composer *composer, uint64_t hash,
                                      uint32_t limit)
{
    struct otlite_scratch *scratch = composer->scratch;
    uint8_t *start = scratch->block + scratch->used;
    if (limit == 0) {
        scratch->dropped[composer->list]++;
        return OTLITE_OK;
    }
    otlite_compose_close(composer, scratch->used + 2);
    if (composer->overflow)
        return OTLITE_NO_ROOM;
    uint32_t size = (uint32_t)(composer->at - start);
    uint32_t grown = field_head(start) - 2; /* over the one byte reserved for the length */
    otlite_scratch_enter(scratch, (enum otlite_list)composer->list, hash, size,
                         composer->key_at + grown, composer->key_size, limit);
    return OTLITE_OK;
}
