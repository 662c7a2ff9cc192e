/* region.c - laying a region out, its clock, its counters, and who is woken when */
#include "region/layout.h"

enum { SLOTS_MAX = 64, ALIGNMENT = 64 };

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static uint32_t align(uint32_t value)
{
    return (value + ALIGNMENT - 1) & ~(uint32_t)(ALIGNMENT - 1);
}

/* Enters a section of `count` items, and moves past it. */
static void add_section(struct otlite_header *header, enum section_type type, uint32_t *offset,
                        uint32_t item, uint32_t count)
{
    uint32_t size = align(item * count);
    header->sections[type - 1] = (struct section){type, *offset, size, count};
    *offset += size;
}

void otlite_region_lay_out(struct otlite_header *header, uint32_t size, uint32_t open_spans)
{
    uint32_t offset = align(sizeof *header);
    uint32_t chunk_size = 4096;
    while (chunk_size < 65536 && chunk_size * 256 < size)
        chunk_size *= 2;
    header->size = size;
    header->chunk_size = chunk_size;
    add_section(header, SECTION_SLOTS, &offset, sizeof(struct otlite_slot),
                clamp(size / chunk_size / 8, 2, SLOTS_MAX));
    add_section(header, SECTION_RESOURCES, &offset, sizeof(struct otlite_entry),
                clamp(size / 65536, RESOURCES_MIN, RESOURCES_MAX));
    uint32_t scopes = clamp(size / 2048, 16, 1u << HANDLE_BITS);
    add_section(header, SECTION_SCOPES, &offset, sizeof(struct otlite_entry), scopes);
    /* Half as many as scopes, so that they cannot keep all of those. */
    open_spans = clamp(open_spans, 0, scopes / 2);
    add_section(header, SECTION_OPEN_STATES, &offset, sizeof(uint32_t), open_spans);
    add_section(header, SECTION_OPEN, &offset, sizeof(struct otlite_open_span), open_spans);
    add_section(header, SECTION_ARENA, &offset, 1, clamp(size / 16, 4096, 1u << 20));
    add_section(header, SECTION_WORK, &offset, 1, clamp(size / 8, 8192, 2u << 20));
    /* The gather buffer, most of the work area, holds the heads of all resources and scopes together. */
    uint32_t chunks = (size - offset) / (chunk_size + (uint32_t)sizeof(struct otlite_chunk));
    while (align(offset + chunks * (uint32_t)sizeof(struct otlite_chunk)) +
               (size_t)chunks * chunk_size >
           size)
        chunks--;
    add_section(header, SECTION_CHUNKS, &offset, sizeof(struct otlite_chunk), chunks);
    add_section(header, SECTION_DATA, &offset, chunk_size, chunks);
}

void otlite_region_attach(struct otlite_region *region, const void *memory)
{
    uint8_t *base = (uint8_t *)(uintptr_t)memory;
    const struct section *sections = ((struct otlite_header *)(void *)base)->sections;
    region->base = base;
    region->header = (struct otlite_header *)(void *)base;
    region->slots = (struct otlite_slot *)(void *)(base + sections[SECTION_SLOTS - 1].offset);
    region->resources =
        (struct otlite_entry *)(void *)(base + sections[SECTION_RESOURCES - 1].offset);
    region->scopes = (struct otlite_entry *)(void *)(base + sections[SECTION_SCOPES - 1].offset);
    region->open_states = (uint32_t *)(void *)(base + sections[SECTION_OPEN_STATES - 1].offset);
    region->open = (struct otlite_open_span *)(void *)(base + sections[SECTION_OPEN - 1].offset);
    region->arena = base + sections[SECTION_ARENA - 1].offset;
    region->work = base + sections[SECTION_WORK - 1].offset;
    region->chunks = (struct otlite_chunk *)(void *)(base + sections[SECTION_CHUNKS - 1].offset);
    region->data = base + sections[SECTION_DATA - 1].offset;
    region->slot_count = sections[SECTION_SLOTS - 1].count;
    region->resource_count = sections[SECTION_RESOURCES - 1].count;
    region->scope_count = sections[SECTION_SCOPES - 1].count;
    region->open_count = sections[SECTION_OPEN - 1].count;
    region->arena_size = sections[SECTION_ARENA - 1].size;
    region->work_size = sections[SECTION_WORK - 1].size;
    region->chunk_count = sections[SECTION_CHUNKS - 1].count;
    region->chunk_size = region->header->chunk_size;
    region->open_last = 0;
}

/* Wall clock minus boot clock. A thread may be interrupted between reading the one and the other: the quickest
 * of a few readings counts. */
static uint64_t wall_offset(void)
{
    uint64_t offset = 0, least = UINT64_MAX;
    for (int i = 0; i < 4; i++) {
        uint64_t before = otlite_clock_boot(), wall = otlite_clock_wall();
        uint64_t took = otlite_clock_boot() - before;
        if (took < least) {
            offset = wall - before - took / 2;
            least = took;
        }
    }
    return offset;
}

static void set_anchor(struct otlite_header *header, uint32_t anchor, uint64_t offset)
{
    header->anchors[anchor] = offset;
    header->anchor_seals[anchor] = otlite_anchor_seal(header, anchor);
}

enum otlite_status otlite_region_init(struct otlite_region *region, void *memory, size_t size,
                                      const struct otlite_region_options *options)
{
    if (size < OTLITE_REGION_MIN || size > OTLITE_REGION_MAX ||
        ((uintptr_t)memory & (ALIGNMENT - 1)) != 0 || options->on_full > OTLITE_DROP_NEWEST ||
        (options->open_spans != 0 && !options->durable))
        return OTLITE_INVALID;
    struct otlite_header *header = memory;
    memset(header, 0, sizeof *header);
    memcpy(header->magic, LAYOUT_MAGIC, sizeof header->magic);
    header->version = LAYOUT_VERSION;
    header->byte_order = LAYOUT_BYTE_ORDER;
    header->word_size = sizeof(void *);
    header->durable = options->durable;
    memcpy(header->boot_id, options->boot_id, sizeof header->boot_id);
    otlite_region_lay_out(header, (uint32_t)size, options->open_spans);
    otlite_region_attach(region, memory);
    KILL_POINT("creation");
    region->options = *options;
    memset(region->slots, 0, region->slot_count * sizeof *region->slots);
    memset(region->resources, 0, region->resource_count * sizeof *region->resources);
    memset(region->scopes, 0, region->scope_count * sizeof *region->scopes);
    memset(region->open_states, 0, region->open_count * sizeof *region->open_states);
    memset(region->open, 0, region->open_count * sizeof *region->open);
    memset(region->chunks, 0, region->chunk_count * sizeof *region->chunks);
    for (uint32_t i = 0; i < region->slot_count; i++)
        for (uint32_t signal = 0; signal < SIGNALS; signal++)
            region->slots[i].chunk[signal] = NO_CHUNK;
    set_anchor(header, 0, wall_offset());
    KILL_POINT("creation");
    /* release: a region is one from here on, and has all that it needs */
    otlite_store_release(&header->seal, otlite_header_seal(header));
    return OTLITE_OK;
}

uint64_t otlite_region_clock(const struct otlite_region *region, uint64_t boot, uint8_t *anchor)
{
    /* acquire: the anchor's value was stored before its number */
    uint32_t current = otlite_load_acquire(&region->header->anchor);
    *anchor = (uint8_t)current;
    return region->header->anchors[current] + boot;
}

uint64_t otlite_region_clock_at(const struct otlite_region *region, uint64_t boot, uint8_t anchor)
{
    return region->header->anchors[anchor % ANCHORS] + boot;
}

bool otlite_region_reanchor(struct otlite_region *region, uint64_t tolerance)
{
    struct otlite_header *header = region->header;
    uint32_t current = otlite_load_relaxed(&header->anchor);
    uint64_t offset = wall_offset();
    uint64_t moved = offset - header->anchors[current];
    if (moved + tolerance <= 2 * tolerance)
        return false;
    uint32_t next = (current + 1) % ANCHORS;
    set_anchor(header, next, offset);
    /* release: against the acquire of otlite_region_clock */
    otlite_store_release(&header->anchor, next);
    return true;
}

bool otlite_region_same_boot(const struct otlite_region *region)
{
    static const uint8_t unknown[OTLITE_BOOT_ID];
    const uint8_t *boot_id = region->options.boot_id;
    return memcmp(region->header->boot_id, boot_id, OTLITE_BOOT_ID) == 0 &&
           memcmp(boot_id, unknown, OTLITE_BOOT_ID) != 0;
}

/* An anchor of another boot says nothing of steps since: such a record's times are right, or no longer to be put
 * right, and its chunk is `unmoved`. Those of the same boot go on being moved with the clock. */
void otlite_region_adopt_anchors(struct otlite_region *region)
{
    struct otlite_header *header = region->header;
    bool same = otlite_region_same_boot(region);
    uint64_t offset = wall_offset();
    if (header->anchor >= ANCHORS)
        header->anchor = 0;
    if (!same && region->options.open_wait)
        return; /* nothing in it will move, and the spans that wait are told by the anchors of their own boot */
    for (uint32_t i = 0; i < ANCHORS; i++)
        if (!same || header->anchor_seals[i] != otlite_anchor_seal(header, i))
            set_anchor(header, i, offset);
    KILL_POINT("adoption");
    memcpy(header->boot_id, region->options.boot_id, OTLITE_BOOT_ID);
    (void)otlite_region_reanchor(region, 1000000);
}

void otlite_region_lost(struct otlite_region *region, enum otlite_loss loss)
{
    otlite_add_relaxed(&region->header->unslotted, 1);
    otlite_add_relaxed(&region->header->lost[loss], 1);
}

/* Adds what a 32-bit counter gained since the last look. */
static void fold(uint64_t *total, uint32_t *seen, uint32_t now)
{
    *total += (uint32_t)(now - *seen);
    *seen = now;
}

void otlite_region_stats(struct otlite_region *region, struct otlite_stats *stats)
{
    struct otlite_header *header = region->header;
    struct otlite_stats *totals = &header->totals;
    /* What leaves is read before what came: a record in between shows as pending, never as minus one. */
    fold(&totals->exported, &header->seen_exported, otlite_load_acquire(&header->exported));
    fold(&totals->rejected, &header->seen_rejected, otlite_load_acquire(&header->rejected));
    uint64_t gone = totals->exported + totals->rejected;
    for (uint32_t i = 0; i < OTLITE_LOSSES; i++) {
        fold(&totals->dropped[i], &header->seen_lost[i], otlite_load_acquire(&header->lost[i]));
        gone += totals->dropped[i];
    }
    fold(&totals->unanswered, &header->seen_unanswered, otlite_load_acquire(&header->unanswered));
    fold(&totals->open_missed, &header->seen_open_missed,
         otlite_load_relaxed(&header->open_missed));
    fold(&totals->open_cut, &header->seen_open_cut, otlite_load_relaxed(&header->open_cut));
    uint32_t recorded = otlite_load_acquire(&header->unslotted);
    for (uint32_t i = 0; i < region->slot_count; i++)
        recorded += otlite_load_acquire(&region->slots[i].recorded);
    fold(&totals->recorded, &header->seen_recorded, recorded);
    /* the counters are relaxed: another thread's may show what left before what came */
    uint64_t came = totals->recorded + totals->adopted;
    totals->pending = gone < came ? came - gone : 0;
    totals->chunks = region->chunk_count;
    totals->chunks_used = totals->scopes_used = 0;
    for (uint32_t i = 0; i < region->chunk_count; i++)
        totals->chunks_used += !chunk_is(otlite_load_relaxed(&region->chunks[i].state), CHUNK_FREE);
    totals->scopes = region->scope_count;
    for (uint32_t i = 0; i < region->scope_count; i++)
        totals->scopes_used += otlite_load_relaxed(&region->scopes[i].used);
    totals->open_spans = region->open_count;
    totals->open_used = 0;
    for (uint32_t i = 0; i < region->open_count; i++)
        totals->open_used +=
            (otlite_load_relaxed(&region->open_states[i]) & OPEN_STATE) != OPEN_FREE;
    *stats = *totals;
}

uint64_t otlite_region_count(const struct otlite_region *region)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        const struct otlite_chunk *chunk = &region->chunks[i];
        if (chunk_readable(otlite_load_acquire(&chunk->state)))
            count += otlite_load_acquire(&chunk->committed) - otlite_load_acquire(&chunk->acked);
    }
    return count;
}

bool otlite_region_arm(struct otlite_region *region, enum otlite_wake wake)
{
    /* seq: a writer stores `committed` and then loads `wake`, we store `wake` and then load `committed`; one
     * of the two sees the other */
    otlite_store_seq(&region->header->wake, wake);
    if (wake == OTLITE_WAKE_NEVER)
        return false;
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        const struct otlite_chunk *chunk = &region->chunks[i];
        uint32_t state = otlite_load_seq(&chunk->state);
        if (!(wake == OTLITE_WAKE_ANY ? chunk_readable(state) : chunk_is(state, CHUNK_COMPLETE)))
            continue;
        if (otlite_load_seq(&chunk->committed) != otlite_load_seq(&chunk->acked)) {
            otlite_store_seq(&region->header->wake, OTLITE_WAKE_NEVER);
            return true;
        }
    }
    return false;
}
