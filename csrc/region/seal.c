/* seal.c - checksums, and what they vouch for once the process that wrote them is dead */
#include "cpu/kernels.h"
#include "region/layout.h"

static uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
    return otlite_kernels_active()->crc32c(crc, bytes, size);
}

uint32_t otlite_header_seal(const struct otlite_header *header)
{
    return crc32c(0, header, offsetof(struct otlite_header, seal));
}

uint32_t otlite_anchor_seal(const struct otlite_header *header, uint32_t anchor)
{
    return crc32c(anchor + 1, &header->anchors[anchor], sizeof *header->anchors);
}

/* A table entry's bytes, in short. */
struct digest {
    uint32_t hash, size, schema_size;
};

static struct digest digest_of(const struct otlite_entry *entry)
{
    return (struct digest){entry->hash, entry->size, entry->schema_size};
}

uint32_t otlite_record_seal(const struct otlite_region *region, uint32_t index, uint32_t start,
                            const struct record_index *record)
{
    const struct otlite_chunk *chunk = &region->chunks[index];
    struct {
        uint32_t sequence;
        struct digest resource, scope;
        uint8_t record[offsetof(struct record_index, seal)];
    } about = {otlite_load_relaxed(&chunk->sequence),
               digest_of(&region->resources[chunk->resource]),
               digest_of(&region->scopes[record->scope]),
               {0}};
    memcpy(about.record, record, sizeof about.record);
    uint32_t crc = crc32c(0, &about, sizeof about);
    if ((record->flags & RECORD_CHAINED) == 0)
        return crc32c(crc, chunk_data(region, index) + start, record->end - start);
    size_t part = otlite_region_inline_max(region);
    for (size_t left = record->end;; part = region->chunk_size) {
        part = part < left ? part : left;
        crc = crc32c(crc, chunk_data(region, index), part);
        left -= part;
        if (left == 0)
            return crc;
        index = region->chunks[index].next;
    }
}

uint32_t otlite_open_seal(const struct otlite_region *region, uint32_t index, uint32_t state)
{
    const struct otlite_open_span *entry = &region->open[index];
    const struct {
        uint32_t index;
        struct digest resource, scope;
    } about = {index, digest_of(&region->resources[open_resource(state)]),
               digest_of(&region->scopes[open_scope(state)])};
    uint32_t crc = crc32c(0, &about, sizeof about);
    crc = crc32c(crc, &entry->flags,
                 offsetof(struct otlite_open_span, name) - sizeof entry->seal + entry->name_size);
    return crc != 0 ? crc : 1;
}

/* Whether the links that a chain of `size` bytes needs are there. */
static bool has_links(const struct otlite_region *region, uint32_t index, size_t size)
{
    size_t room = otlite_region_inline_max(region);
    if (size <= room || size > otlite_region_record_max(region))
        return false;
    for (; room < size; room += region->chunk_size) {
        index = region->chunks[index].next;
        if (index >= region->chunk_count ||
            !chunk_is(otlite_load_relaxed(&region->chunks[index].state), CHUNK_LINK))
            return false;
    }
    return true;
}

static bool in_use(const struct otlite_entry *table, uint32_t count, uint32_t index)
{
    return index < count && otlite_load_relaxed(&table[index].used) == 1;
}

bool otlite_record_whole(const struct otlite_region *region, uint32_t chunk, uint32_t record,
                         uint32_t committed)
{
    const struct record_index index = *chunk_index(region, chunk, record);
    uint32_t start = record == 0 ? 0 : chunk_index(region, chunk, record - 1)->end;
    if (!in_use(region->resources, region->resource_count, region->chunks[chunk].resource) ||
        !in_use(region->scopes, region->scope_count, index.scope) || index.anchor >= ANCHORS ||
        (index.flags & ~RECORD_FLAGS) != 0)
        return false;
    if ((index.flags & RECORD_CHAINED) != 0) {
        if (committed != 1 || !has_links(region, chunk, index.end))
            return false;
    } else if (start >= index.end ||
               index.end > region->chunk_size - committed * sizeof(struct record_index)) {
        return false;
    }
    return otlite_record_seal(region, chunk, start, &index) == index.seal;
}

bool otlite_open_whole(const struct otlite_region *region, uint32_t index, uint32_t state)
{
    const struct otlite_open_span *entry = &region->open[index];
    return in_use(region->resources, region->resource_count, open_resource(state)) &&
           in_use(region->scopes, region->scope_count, open_scope(state)) &&
           entry->name_size <= OPEN_NAME && entry->anchor < ANCHORS && entry->kind <= 4 &&
           (entry->bits & ~OPEN_BITS) == 0 && entry->seal == otlite_open_seal(region, index, state);
}

struct cursors otlite_chunk_cursors(const struct otlite_region *region, uint32_t index)
{
    const struct otlite_chunk *chunk = &region->chunks[index];
    uint32_t state = otlite_load_acquire(&chunk->state);
    uint32_t most = region->chunk_size / (uint32_t)sizeof(struct record_index);
    /* Taken with records in it: by an overwriter that had not done with it, or a chain not yet published. */
    struct cursors cursors = {.committed = otlite_load_acquire(&chunk->committed),
                              .offered = otlite_load_acquire(&chunk->offered),
                              .acked = otlite_load_acquire(&chunk->acked),
                              .kept = chunk_readable(state) || chunk_is(state, CHUNK_TAKEN)};
    if (cursors.committed > most) {
        cursors.damaged = 1;
        for (cursors.committed = 0; cursors.committed < most; cursors.committed++)
            if (!otlite_record_whole(region, index, cursors.committed, cursors.committed + 1))
                break;
    }
    if (cursors.acked > cursors.committed)
        cursors.acked = 0; /* once too often rather than not at all */
    if (cursors.offered < cursors.acked)
        cursors.offered = cursors.acked; /* acknowledged, and never said to be offered */
    if (cursors.offered > cursors.committed)
        cursors.offered = cursors.committed;
    if (!cursors.kept)
        cursors.damaged += cursors.committed - cursors.acked;
    return cursors;
}
