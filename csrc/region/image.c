/* image.c - a region that a dead process left, read where it lies and never written */
#include "region/layout.h"

enum { ALIGNMENT = 64 };

static uint32_t swapped(uint32_t word)
{
    return word >> 24 | (word >> 8 & 0xff00) | (word << 8 & 0xff0000) | word << 24;
}

enum otlite_status otlite_region_check(const void *memory, size_t size)
{
    const struct otlite_header *header = memory;
    if (((uintptr_t)memory & (ALIGNMENT - 1)) != 0)
        return OTLITE_INVALID;
    if (size < sizeof header->magic ||
        memcmp(header->magic, LAYOUT_MAGIC, sizeof header->magic) != 0)
        return OTLITE_FOREIGN;
    if (size < sizeof *header)
        return OTLITE_TRUNCATED;
    if (header->byte_order == swapped(LAYOUT_BYTE_ORDER) || header->version != LAYOUT_VERSION ||
        header->word_size != sizeof(void *))
        return OTLITE_VERSION;
    if (header->seal != otlite_header_seal(header) || header->size < OTLITE_REGION_MIN ||
        header->size > OTLITE_REGION_MAX)
        return OTLITE_DAMAGED;
    if (header->size > size)
        return OTLITE_TRUNCATED;
    struct otlite_header expected = {.chunk_size = 0};
    otlite_region_lay_out(&expected, header->size);
    if (header->chunk_size != expected.chunk_size ||
        memcmp(header->sections, expected.sections, sizeof expected.sections) != 0)
        return OTLITE_DAMAGED;
    return header->durable == 1 ? OTLITE_OK : OTLITE_FOREIGN;
}

enum otlite_status otlite_image_open(struct otlite_image *image, const void *memory, size_t size)
{
    enum otlite_status status = otlite_region_check(memory, size);
    if (status != OTLITE_OK)
        return status;
    memset(image, 0, sizeof *image);
    otlite_region_attach(&image->region, memory);
    image->age = UINT64_MAX;
    image->chunk = image->checked_resource = image->checked_scope = NO_CHUNK;
    return OTLITE_OK;
}

/* The oldest chunk that is younger than the last; of two of one age, which damage alone makes, the first. */
static bool next_chunk(struct otlite_image *image)
{
    const struct otlite_region *region = &image->region;
    uint32_t sequence = otlite_load_relaxed(&region->header->sequence);
    uint64_t best = 0;
    image->chunk = NO_CHUNK;
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        const struct otlite_chunk *chunk = &region->chunks[i];
        uint64_t age = (uint64_t)(sequence - otlite_load_relaxed(&chunk->sequence)) << 32 |
                       (region->chunk_count - i);
        if (age < image->age && age > best) {
            best = age;
            image->chunk = i;
        }
    }
    image->age = best;
    image->record = 0;
    return image->chunk != NO_CHUNK;
}

/* Looks at an entry's bytes once for a run of records. */
static bool entry_whole(const struct otlite_region *region, const struct otlite_entry *table,
                        uint32_t index, uint32_t *checked)
{
    if (*checked != index && !otlite_entry_whole(region, &table[index]))
        return false;
    *checked = index;
    return true;
}

static struct otlite_segment entry_bytes(const struct otlite_region *region,
                                         const struct otlite_entry *entry)
{
    return (struct otlite_segment){region->arena + entry->offset, entry->size};
}

static struct otlite_segment entry_schema(const struct otlite_region *region,
                                          const struct otlite_entry *entry)
{
    return (struct otlite_segment){region->arena + entry->offset + entry->size, entry->schema_size};
}

static void tell(const struct otlite_image *image, const struct cursors *cursors,
                 struct otlite_found *found)
{
    const struct otlite_region *region = &image->region;
    const struct otlite_header *header = region->header;
    uint32_t record = image->record;
    const struct record_index *index = chunk_index(region, image->chunk, record);
    const struct otlite_entry *resource = &region->resources[region->chunks[image->chunk].resource];
    const struct otlite_entry *scope = &region->scopes[index->scope];
    uint32_t start = record == 0 ? 0 : chunk_index(region, image->chunk, record - 1)->end;
    bool anchored =
        header->anchor_seals[index->anchor] == otlite_anchor_seal(header, index->anchor);
    *found = (struct otlite_found){
        .resource = entry_bytes(region, resource),
        .resource_schema = entry_schema(region, resource),
        .scope = entry_bytes(region, scope),
        .scope_schema = entry_schema(region, scope),
        .size = index->end - start,
        .wall_offset = anchored ? header->anchors[index->anchor] : 0,
        .fate = record < cursors->acked     ? OTLITE_ACKNOWLEDGED
                : record < cursors->offered ? OTLITE_OFFERED
                                            : OTLITE_PENDING,
        .explicit_time = (index->flags & RECORD_EXPLICIT_TIME) != 0,
        .chunk = image->chunk,
        .start = start,
    };
}

bool otlite_image_next(struct otlite_image *image, struct otlite_found *found)
{
    const struct otlite_region *region = &image->region;
    while (image->chunk != NO_CHUNK || next_chunk(image)) {
        uint32_t chunk = image->chunk;
        struct cursors cursors = otlite_chunk_cursors(region, chunk);
        if (image->record == 0)
            image->damaged += cursors.damaged;
        for (; cursors.kept && image->record < cursors.committed; image->record++) {
            if (otlite_record_whole(region, chunk, image->record, cursors.committed) &&
                entry_whole(region, region->resources, region->chunks[chunk].resource,
                            &image->checked_resource) &&
                entry_whole(region, region->scopes,
                            chunk_index(region, chunk, image->record)->scope,
                            &image->checked_scope)) {
                tell(image, &cursors, found);
                image->record++;
                return true;
            }
            /* Of an acknowledged record the scope may be another's by now. */
            if (image->record >= cursors.acked &&
                chunk_readable(otlite_load_relaxed(&region->chunks[chunk].state)))
                image->damaged++;
        }
        image->chunk = NO_CHUNK;
    }
    return false;
}

struct otlite_segment otlite_image_bytes(const struct otlite_image *image,
                                         const struct otlite_found *found, size_t offset)
{
    const struct otlite_region *region = &image->region;
    if (offset >= found->size)
        return (struct otlite_segment){NULL, 0};
    uint32_t chunk = found->chunk;
    size_t part = otlite_region_inline_max(region), left = found->size - offset;
    if (found->size <= part)
        return (struct otlite_segment){chunk_data(region, chunk) + found->start + offset, left};
    for (; offset >= part; part = region->chunk_size) {
        offset -= part;
        chunk = region->chunks[chunk].next;
    }
    return (struct otlite_segment){chunk_data(region, chunk) + offset,
                                   left < part - offset ? left : part - offset};
}
