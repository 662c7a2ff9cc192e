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
    otlite_region_lay_out(&expected, header->size, header->sections[SECTION_OPEN - 1].count);
    if (header->chunk_size != expected.chunk_size ||
        memcmp(header->sections, expected.sections, sizeof expected.sections) != 0)
        return OTLITE_DAMAGED;
    return header->durable == 1 ? OTLITE_OK : OTLITE_FOREIGN;
}

uint32_t otlite_region_open_spans(const void *memory, size_t size)
{
    const struct otlite_header *header = memory;
    if (otlite_region_check(memory, size) != OTLITE_OK)
        return 0;
    return header->sections[SECTION_OPEN - 1].count;
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
    uint32_t damaged;
    otlite_open_find(&image->region, image->unfinished, &damaged);
    image->last = otlite_open_last(&image->region, image->unfinished);
    image->damaged = damaged;
    return OTLITE_OK;
}

/* The oldest chunk that is younger than the last; of two of one age, which damage alone makes, the first. */
static bool next_chunk(struct otlite_image *image)
{
    const struct otlite_region *region = &image->region;
    uint32_t sequence = otlite_load_relaxed(&region->header->sequence);
    uint64_t best = 0;
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

static void tell_of(const struct otlite_region *region, uint32_t resource, uint32_t scope,
                    uint8_t anchor, struct otlite_found *found)
{
    const struct otlite_header *header = region->header;
    bool anchored = header->anchor_seals[anchor] == otlite_anchor_seal(header, anchor);
    *found = (struct otlite_found){
        .resource = entry_bytes(region, &region->resources[resource]),
        .resource_schema = entry_schema(region, &region->resources[resource]),
        .scope = entry_bytes(region, &region->scopes[scope]),
        .scope_schema = entry_schema(region, &region->scopes[scope]),
        .wall_offset = anchored ? header->anchors[anchor] : 0,
    };
}

static void tell(const struct otlite_image *image, const struct cursors *cursors,
                 struct otlite_found *found)
{
    const struct otlite_region *region = &image->region;
    uint32_t record = image->record;
    const struct record_index *index = chunk_index(region, image->chunk, record);
    uint32_t start = record == 0 ? 0 : chunk_index(region, image->chunk, record - 1)->end;
    tell_of(region, region->chunks[image->chunk].resource, index->scope, index->anchor, found);
    found->size = index->end - start;
    found->fate = record < cursors->acked     ? OTLITE_ACKNOWLEDGED
                  : record < cursors->offered ? OTLITE_OFFERED
                                              : OTLITE_PENDING;
    if (region->chunks[image->chunk].unmoved)
        found->wall_offset = 0; /* the anchor is this boot's by now */
    found->explicit_time = (index->flags & RECORD_EXPLICIT_TIME) != 0;
    found->chunk = image->chunk;
    found->start = start;
}

/* The next span that was open; false after the last. */
static bool next_unfinished(struct otlite_image *image, struct otlite_found *found)
{
    const struct otlite_region *region = &image->region;
    for (; image->open < region->open_count; image->open++) {
        if ((image->unfinished[image->open / 32] >> image->open % 32 & 1) == 0)
            continue;
        struct unfinished unfinished;
        otlite_open_restore(region, image->open++, image->last, &unfinished);
        tell_of(region, unfinished.resource, unfinished.scope, unfinished.span.anchor, found);
        found->size = otlite_span_encode(image->bytes, &unfinished.span);
        found->explicit_time = unfinished.span.explicit_time;
        found->unfinished = true;
        found->chunk = NO_CHUNK;
        return true;
    }
    return false;
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
    return next_unfinished(image, found);
}

struct otlite_segment otlite_image_bytes(const struct otlite_image *image,
                                         const struct otlite_found *found, size_t offset)
{
    const struct otlite_region *region = &image->region;
    if (offset >= found->size)
        return (struct otlite_segment){NULL, 0};
    uint32_t chunk = found->chunk;
    if (chunk == NO_CHUNK)
        return (struct otlite_segment){image->bytes + offset, found->size - offset};
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
