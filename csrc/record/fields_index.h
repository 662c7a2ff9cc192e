/* fields_index.h - the index of a scratch: entries that grow down from the end of its block */
#ifndef OTLITE_RECORD_FIELDS_INDEX_H
#define OTLITE_RECORD_FIELDS_INDEX_H

#include <stdalign.h>

#include "otlite.h"

struct scratch_field {
    uint32_t offset, size; /* in the block: tag, length and message */
    uint32_t hash;
    uint32_t key_size;
    uint8_t key_at; /* from offset */
    uint8_t list;
    uint8_t live;
};

static inline struct scratch_field *field_at(const struct otlite_scratch *scratch, uint32_t index)
{
    return (struct scratch_field *)(void *)(scratch->block + scratch->size) - 1 - index;
}

static inline size_t scratch_room(const struct otlite_scratch *scratch)
{
    size_t taken = scratch->used + (size_t)(scratch->fields + 1) * sizeof(struct scratch_field);
    return taken < scratch->size ? scratch->size - taken : 0;
}

/* The bytes of a field's tag, of one byte here, and of its length. */
static inline uint32_t field_head(const uint8_t *field)
{
    uint32_t head = 1;
    while (field[head] & 0x80)
        head++;
    return head + 1;
}

/* Enters the field at [used, used + size) into the index, and applies replacement and limit. */
void otlite_scratch_enter(struct otlite_scratch *scratch, enum otlite_list list, uint64_t hash,
                          uint32_t size, uint32_t key_at, uint32_t key_size, uint32_t limit);

/* Drops the bytes of replaced fields. True when that made room. */
bool otlite_scratch_compact(struct otlite_scratch *scratch);

#endif
