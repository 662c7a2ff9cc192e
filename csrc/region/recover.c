/* recover.c - a region that a dead process left, taken over where it lies
 *
 * The process may have died between any two of its stores. What each of its threads leaves then:
 *
 *   in a slot          its turn is odd; the chunk it filled is WRITING, and no slot names it where it was being left
 *   in commit          bytes and index beyond `committed`: not recorded
 *   from a free chunk  TAKEN without cursors, LINK without a head: not recorded
 *   overwriting        TAKEN with its cursors as they were: not yet overwritten; `committed` is the first to go
 *   appending a chain  TAKEN and committed: recorded, if not yet published
 *   in a table         an entry whose hash is not its bytes', to which no unsettled record refers
 *   collecting         pins and locks; `offered` for what may have left, `acked` for what was settled
 *   in an open span    its entry, whole or not at all: open.c
 *
 * Adopting may end in the same way: each step can be done again. What is counted as lost is counted before it is
 * taken away, so that dying in between counts it twice rather than not at all.
 */
#include "region/layout.h"

struct adoption {
    struct otlite_region *region;
    uint32_t *owner;                     /* of each link: its head + 1; lies in the work area */
    uint32_t open[OTLITE_OPEN_MAX / 32]; /* entries whose spans are to be records */
    struct otlite_adoption told;
};

static void count_damaged(struct adoption *adoption, uint32_t records)
{
    otlite_add_relaxed(&adoption->region->header->lost[OTLITE_LOSS_DAMAGED], records);
}

/* The dead process's counters told of its own; but what an adoption gave up stays counted if that one died. */
static void begin(struct otlite_region *region)
{
    struct otlite_header *header = region->header;
    bool again = header->adopting == 1;
    header->collecting = header->registering = header->batch_pinned = 0;
    header->wake = OTLITE_WAKE_NEVER;
    header->free_hint = header->open_hint = 0;
    header->open_missed = header->open_cut = header->seen_open_missed = header->seen_open_cut = 0;
    header->unslotted = header->exported = header->rejected = 0;
    header->seen_recorded = header->seen_exported = header->seen_rejected = 0;
    header->seen_unanswered = 0;
    memset(header->seen_lost, 0, sizeof header->seen_lost);
    memset(&header->totals, 0, sizeof header->totals);
    for (uint32_t i = 0; i < OTLITE_LOSSES; i++)
        if (!again ||
            (i != OTLITE_LOSS_DAMAGED && i != OTLITE_LOSS_OVERWRITTEN && i != OTLITE_LOSS_FULL))
            header->lost[i] = 0;
    if (!again)
        header->unanswered = 0;
    KILL_POINT("adoption");
    /* release: the counters before the word that says they are an adoption's */
    otlite_store_release(&header->adopting, 1);
    for (uint32_t i = 0; i < region->slot_count; i++) {
        struct otlite_slot *slot = &region->slots[i];
        otlite_store_relaxed(&slot->turn, (otlite_load_relaxed(&slot->turn) + 1) & ~UINT32_C(1));
        otlite_store_relaxed(&slot->recorded, 0);
        for (uint32_t signal = 0; signal < SIGNALS; signal++)
            slot->chunk[signal] = NO_CHUNK;
    }
}

/* Whether the links of the chain that begins here are there, and no other's; makes them its own. */
static bool claim_links(const struct adoption *adoption, uint32_t head)
{
    struct otlite_region *region = adoption->region;
    size_t size = chunk_index(region, head, 0)->end, room = otlite_region_inline_max(region);
    if (size <= room || size > otlite_region_record_max(region))
        return false;
    uint32_t last = head;
    for (; room < size; room += region->chunk_size) {
        uint32_t link = region->chunks[last].next;
        if (link >= region->chunk_count || adoption->owner[link] != 0 ||
            !chunk_is(otlite_load_relaxed(&region->chunks[link].state), CHUNK_LINK))
            return false;
        adoption->owner[link] = head + 1;
        last = link;
    }
    region->chunks[last].next = NO_CHUNK;
    return true;
}

/* A chunk whose records can be had as far as its descriptor tells. */
static bool can_keep(const struct adoption *adoption, uint32_t index, const struct cursors *cursors)
{
    struct otlite_region *region = adoption->region;
    struct otlite_chunk *chunk = &region->chunks[index];
    if (!cursors->kept || cursors->committed == cursors->acked || chunk->signal != SIGNAL_SPANS ||
        chunk->resource >= region->resource_count || region->resources[chunk->resource].used != 1)
        return false;
    if (cursors->committed == 1 && (chunk_index(region, index, 0)->flags & RECORD_CHAINED) != 0)
        return claim_links(adoption, index);
    chunk->next = NO_CHUNK;
    return true;
}

static void keep(struct adoption *adoption, uint32_t index, const struct cursors *cursors)
{
    struct otlite_header *header = adoption->region->header;
    struct otlite_chunk *chunk = &adoption->region->chunks[index];
    uint32_t state = otlite_load_relaxed(&chunk->state);
    uint32_t sequence = otlite_load_relaxed(&chunk->sequence);
    if ((int32_t)(sequence - header->sequence) >= 0)
        header->sequence = sequence + 1;
    otlite_store_relaxed(&chunk->acked, cursors->acked);
    otlite_store_relaxed(&chunk->offered, cursors->offered);
    otlite_store_relaxed(&chunk->committed, cursors->committed);
    chunk->unchecked = 1;
    if (!otlite_region_same_boot(adoption->region))
        chunk->unmoved = 1;
    /* release: the cursors are in order before the chunk is complete */
    otlite_store_release(&chunk->state,
                         (state / CHUNK_GENERATION + 1) * CHUNK_GENERATION | CHUNK_COMPLETE);
}

static void adopt_chunks(struct adoption *adoption)
{
    struct otlite_region *region = adoption->region;
    adoption->owner = (uint32_t *)(void *)region->work;
    memset(adoption->owner, 0, region->chunk_count * sizeof *adoption->owner);
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        struct otlite_chunk *chunk = &region->chunks[i];
        uint32_t state = otlite_load_relaxed(&chunk->state);
        struct cursors cursors = otlite_chunk_cursors(region, i);
        bool kept = can_keep(adoption, i, &cursors);
        /* What an overwriter had taken, and is not whole, had been counted. */
        if (!kept && chunk_readable(state))
            cursors.damaged += cursors.committed - cursors.acked;
        if (cursors.damaged != 0)
            count_damaged(adoption, cursors.damaged);
        KILL_POINT("adoption");
        if (kept)
            keep(adoption, i, &cursors);
        else if (!chunk_is(state, CHUNK_LINK))
            otlite_chunk_clear(chunk);
        KILL_POINT("adoption");
    }
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        struct otlite_chunk *chunk = &region->chunks[i];
        uint32_t head = adoption->owner[i];
        if (chunk_is(otlite_load_relaxed(&chunk->state), CHUNK_LINK) &&
            (head == 0 ||
             !chunk_is(otlite_load_relaxed(&region->chunks[head - 1].state), CHUNK_COMPLETE)))
            otlite_chunk_clear(chunk);
        KILL_POINT("adoption");
    }
}

/* Of the open spans leaves those alone that are to be records: while each chunk tells still what was recorded last. */
static void sort_out_open(struct adoption *adoption)
{
    struct otlite_region *region = adoption->region;
    uint32_t damaged;
    otlite_open_find(region, adoption->open, &damaged);
    region->open_last = otlite_open_last(region, adoption->open);
    if (damaged != 0)
        count_damaged(adoption, damaged);
    for (uint32_t i = 0; i < region->open_count; i++) {
        KILL_POINT("adoption");
        if ((adoption->open[i / 32] >> i % 32 & 1) == 0 &&
            ((otlite_load_relaxed(&region->open_states[i]) & OPEN_STATE) != OPEN_FREE ||
             region->open[i].seal != 0))
            otlite_open_clear(region, i);
    }
}

/* Makes records of them. An entry ends when its record is there: should we die in between, the next one finds it so. */
static void record_open(struct adoption *adoption)
{
    struct otlite_region *region = adoption->region;
    for (uint32_t i = 0; i < region->open_count; i++) {
        struct unfinished unfinished;
        if ((adoption->open[i / 32] >> i % 32 & 1) == 0)
            continue;
        otlite_open_restore(region, i, region->open_last, &unfinished);
        if (!otlite_region_same_boot(region))
            unfinished.span.explicit_time = true; /* as `unmoved` */
        enum otlite_status status =
            otlite_span_adopt(region, &unfinished.span, unfinished.resource, unfinished.scope);
        if (status == OTLITE_NO_ROOM)
            break; /* nor will the next find any */
        adoption->told.unfinished += status == OTLITE_OK;
        KILL_POINT("adoption");
        otlite_open_clear(region, i);
    }
    otlite_span_adopted(region);
}

/* The resource whose records are the oldest; NO_CHUNK where one has none left, so that a new one finds room. */
static uint32_t oldest_resource(const struct otlite_region *region)
{
    const struct otlite_chunk *youngest[RESOURCES_MAX] = {NULL};
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        const struct otlite_chunk *chunk = &region->chunks[i];
        if (!chunk_is(chunk->state, CHUNK_COMPLETE))
            continue;
        const struct otlite_chunk **known = &youngest[chunk->resource];
        if (*known == NULL || (int32_t)(chunk->sequence - (*known)->sequence) > 0)
            *known = chunk;
    }
    for (uint32_t i = 0; i < region->resource_count; i++) {
        if (youngest[i] == NULL)
            return NO_CHUNK;
        if ((int32_t)(youngest[i]->sequence - youngest[oldest]->sequence) < 0)
            oldest = i;
    }
    return oldest;
}

static void tell(struct adoption *adoption)
{
    const struct otlite_region *region = adoption->region;
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        const struct otlite_chunk *chunk = &region->chunks[i];
        if (!chunk_is(chunk->state, CHUNK_COMPLETE))
            continue;
        adoption->told.records += chunk->committed - chunk->acked;
        adoption->told.offered += chunk->offered - chunk->acked;
    }
}

/* Each life may have had a resource of its own, and a table full of the dead's would refuse the living: the oldest
 * make room, as they do in a full region. */
static void leave_room(struct adoption *adoption)
{
    struct otlite_region *region = adoption->region;
    uint32_t resource = oldest_resource(region);
    if (resource == NO_CHUNK || region->options.on_full != OTLITE_OVERWRITE_OLDEST)
        return;
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        struct otlite_chunk *chunk = &region->chunks[i];
        if (!chunk_is(chunk->state, CHUNK_COMPLETE) || chunk->resource != resource)
            continue;
        otlite_add_relaxed(&region->header->lost[OTLITE_LOSS_OVERWRITTEN],
                           chunk->committed - chunk->acked);
        otlite_add_relaxed(&region->header->unanswered, chunk->offered - chunk->acked);
        KILL_POINT("adoption");
        /* release: counted, before it is given up */
        otlite_store_release(&chunk->state, (chunk->state & ~(uint32_t)CHUNK_STATE) | CHUNK_TAKEN);
        otlite_chunk_free(region, i);
    }
}

enum otlite_status otlite_region_adopt(struct otlite_region *region, void *memory, size_t size,
                                       const struct otlite_region_options *options,
                                       struct otlite_adoption *told)
{
    if (!options->durable || options->on_full > OTLITE_DROP_NEWEST)
        return OTLITE_INVALID;
    enum otlite_status status = otlite_region_check(memory, size);
    if (status != OTLITE_OK)
        return status;
    struct adoption adoption = {.region = region};
    otlite_region_attach(region, memory);
    region->options = *options;
    begin(region);
    otlite_tables_adopt(region);
    sort_out_open(&adoption);
    adopt_chunks(&adoption);
    record_open(&adoption);
    leave_room(&adoption);
    otlite_region_adopt_anchors(region);
    struct otlite_header *header = region->header;
    tell(&adoption);
    adoption.told.damaged = header->lost[OTLITE_LOSS_DAMAGED];
    header->totals.adopted = adoption.told.records + adoption.told.damaged +
                             header->lost[OTLITE_LOSS_OVERWRITTEN] + header->lost[OTLITE_LOSS_FULL];
    KILL_POINT("adoption");
    /* release: what it counted, before it is over */
    otlite_store_release(&header->adopting, 0);
    if (told != NULL)
        *told = adoption.told;
    return OTLITE_OK;
}

uint32_t otlite_open_adopt(struct otlite_region *region)
{
    struct adoption adoption = {.region = region};
    uint32_t damaged;
    otlite_open_find(region, adoption.open, &damaged);
    record_open(&adoption);
    region->header->totals.adopted += adoption.told.unfinished;
    return (uint32_t)adoption.told.unfinished;
}
