/* chunk.c - recording: borrow a slot, reserve room in its chunk, write, commit */
#include "encode/wire.h"
#include "region/layout.h"

/* What receivers take at most. */
enum { RECORD_MAX = 64 << 20 };

/* ---- Slots ---- */

static struct otlite_slot *borrow_slot(struct otlite_region *region)
{
    for (uint32_t i = 0; i < region->slot_count; i++) {
        uint32_t turn = otlite_load_relaxed(&region->slots[i].turn);
        if (turn % 2 == 0 && otlite_compare_exchange(&region->slots[i].turn, &turn, turn + 1))
            return &region->slots[i];
    }
    return NULL;
}

static void return_slot(struct otlite_slot *slot)
{
    /* release: what we wrote of slot and chunk, against the next borrower's compare_exchange */
    otlite_store_release(&slot->turn, otlite_load_relaxed(&slot->turn) + 1);
}

static void count_recorded(struct otlite_slot *slot)
{
    otlite_store_release(&slot->recorded, otlite_load_relaxed(&slot->recorded) + 1);
}

static void count_lost(struct otlite_region *region, enum otlite_loss loss, uint32_t records)
{
    otlite_add_relaxed(&region->header->lost[loss], records);
}

/* The span is not kept: why is counted, and told where somebody asks. */
static enum otlite_status lose(struct otlite_region *region, const struct otlite_span *span,
                               enum otlite_loss loss)
{
    count_lost(region, loss, 1);
    if (span->place != NULL)
        span->place->loss = loss;
    return OTLITE_DROPPED;
}

/* ---- Chunks ---- */

/* Gives back the links of a chained record; the head stays ours. */
static void free_links(struct otlite_region *region, struct otlite_chunk *head)
{
    uint32_t link = head->next;
    head->next = NO_CHUNK;
    while (link != NO_CHUNK) {
        uint32_t next = region->chunks[link].next;
        otlite_chunk_free(region, link);
        link = next;
    }
}

static void clear_cursors(struct otlite_chunk *chunk)
{
    /* release: what is lost with it was counted before */
    otlite_store_release(&chunk->committed, 0);
    KILL_POINT("free");
    /* release: in this order, lest what was settled is taken for pending by who adopts the chunk half cleared */
    otlite_store_release(&chunk->offered, 0);
    otlite_store_release(&chunk->acked, 0);
}

void otlite_chunk_clear(struct otlite_chunk *chunk)
{
    clear_cursors(chunk);
    uint32_t generation = otlite_load_relaxed(&chunk->state) / CHUNK_GENERATION + 1;
    /* release: zeroed cursors before the chunk is free, against the taker's compare_exchange */
    otlite_store_release(&chunk->state, generation * CHUNK_GENERATION | CHUNK_FREE);
}

void otlite_chunk_free(struct otlite_region *region, uint32_t index)
{
    struct otlite_chunk *chunk = &region->chunks[index];
    if (chunk_is(otlite_load_relaxed(&chunk->state), CHUNK_TAKEN))
        free_links(region, chunk);
    otlite_chunk_clear(chunk);
    if (index < otlite_load_relaxed(&region->header->free_hint))
        otlite_store_relaxed(&region->header->free_hint, index);
}

bool otlite_chunk_hold(struct otlite_chunk *chunk, uint32_t hold, uint32_t *generation)
{
    uint32_t state = otlite_load_acquire(&chunk->state);
    while (chunk_readable(state) && (state & hold) == 0) {
        if (otlite_compare_exchange(&chunk->state, &state, state | hold)) {
            *generation = state / CHUNK_GENERATION;
            return true;
        }
    }
    return false;
}

static bool take(struct otlite_chunk *chunk, uint32_t state)
{
    return otlite_compare_exchange(&chunk->state, &state,
                                   (state & ~(uint32_t)CHUNK_STATE) | CHUNK_TAKEN);
}

/* Asked after each step that may have been the last, of the chunk as it is then: whoever comes last frees it. */
static void free_if_settled(struct otlite_region *region, uint32_t index)
{
    struct otlite_chunk *chunk = &region->chunks[index];
    uint32_t state = otlite_load_seq(&chunk->state);
    if (chunk_is(state, CHUNK_COMPLETE) && (state & CHUNK_HELD) == 0 &&
        otlite_load_seq(&chunk->acked) == otlite_load_seq(&chunk->committed) && take(chunk, state))
        otlite_chunk_free(region, index);
}

void otlite_chunk_release(struct otlite_region *region, uint32_t index, uint32_t hold)
{
    struct otlite_chunk *chunk = &region->chunks[index];
    uint32_t state = otlite_load_relaxed(&chunk->state);
    while (!otlite_compare_exchange(&chunk->state, &state, state & ~hold)) {
    }
    free_if_settled(region, index);
}

static uint32_t take_free(struct otlite_region *region)
{
    uint32_t hint = otlite_load_relaxed(&region->header->free_hint);
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        uint32_t index = hint + i < region->chunk_count ? hint + i : hint + i - region->chunk_count;
        uint32_t state = otlite_load_relaxed(&region->chunks[index].state);
        if (chunk_is(state, CHUNK_FREE) && take(&region->chunks[index], state)) {
            otlite_store_relaxed(&region->header->free_hint,
                                 index + 1 < region->chunk_count ? index + 1 : 0);
            return index;
        }
    }
    return NO_CHUNK;
}

/* The oldest complete chunk that nobody holds; what it still held is counted as overwritten. */
static uint32_t take_oldest(struct otlite_region *region)
{
    for (uint32_t tries = 0; tries < region->chunk_count; tries++) {
        uint32_t oldest = NO_CHUNK, oldest_state = 0, oldest_sequence = 0;
        for (uint32_t i = 0; i < region->chunk_count; i++) {
            uint32_t state = otlite_load_acquire(&region->chunks[i].state);
            uint32_t sequence = otlite_load_relaxed(&region->chunks[i].sequence);
            if (!chunk_is(state, CHUNK_COMPLETE) || (state & CHUNK_HELD) != 0)
                continue;
            if (oldest == NO_CHUNK || (int32_t)(sequence - oldest_sequence) < 0) {
                oldest = i;
                oldest_state = state;
                oldest_sequence = sequence;
            }
        }
        if (oldest == NO_CHUNK)
            return NO_CHUNK;
        struct otlite_chunk *chunk = &region->chunks[oldest];
        if (!take(chunk, oldest_state))
            continue;
        KILL_POINT("overwrite");
        uint32_t acked = otlite_load_relaxed(&chunk->acked);
        uint32_t offered = otlite_load_relaxed(&chunk->offered);
        if (offered > acked)
            otlite_add_relaxed(&region->header->unanswered, offered - acked);
        count_lost(region, OTLITE_LOSS_OVERWRITTEN, otlite_load_relaxed(&chunk->committed) - acked);
        KILL_POINT("overwrite");
        clear_cursors(chunk); /* first: who adopts it meanwhile would miss the links */
        free_links(region, chunk);
        return oldest;
    }
    return NO_CHUNK;
}

static uint32_t take_chunk(struct otlite_region *region)
{
    uint32_t index = take_free(region);
    if (index == NO_CHUNK && region->options.on_full == OTLITE_OVERWRITE_OLDEST) {
        index = take_oldest(region);
        if (index == NO_CHUNK) /* what was there may have been given back between the two looks */
            index = take_free(region);
    }
    if (index != NO_CHUNK) {
        region->chunks[index].next = NO_CHUNK;
        region->chunks[index].used = 0;
    }
    return index;
}

/* Says whose records a chunk that we took will hold, and gives it its turn. */
static void open_chunk(struct otlite_region *region, uint32_t index, uint32_t resource)
{
    struct otlite_chunk *chunk = &region->chunks[index];
    otlite_store_relaxed(&chunk->sequence, otlite_add_relaxed(&region->header->sequence, 1));
    chunk->signal = SIGNAL_SPANS;
    chunk->resource = resource;
    chunk->unchecked = chunk->unmoved = 0;
    otlite_store_relaxed(&chunk->watched, 0);
}

/* Makes an opened chunk readable: in `state`, under a new generation. */
static void publish(struct otlite_region *region, uint32_t index, uint32_t state)
{
    struct otlite_chunk *chunk = &region->chunks[index];
    uint32_t generation = otlite_load_relaxed(&chunk->state) / CHUNK_GENERATION + 1;
    /* seq: fields and cursors before the state, against whoever pins it, and against otlite_region_arm */
    otlite_store_seq(&chunk->state, generation * CHUNK_GENERATION | state);
}

/* A full chunk is left to the collector, unless all its records are settled. */
static void complete(struct otlite_region *region, uint32_t index)
{
    struct otlite_chunk *chunk = &region->chunks[index];
    uint32_t state = otlite_load_relaxed(&chunk->state);
    while (!otlite_compare_exchange(&chunk->state, &state,
                                    (state & ~(uint32_t)CHUNK_STATE) | CHUNK_COMPLETE)) {
    }
    free_if_settled(region, index);
}

static void wake_for(struct otlite_region *region, uint32_t event)
{
    uint32_t wake = otlite_load_seq(&region->header->wake);
    if (wake >= event &&
        otlite_exchange_seq(&region->header->wake, OTLITE_WAKE_NEVER) != OTLITE_WAKE_NEVER &&
        region->options.wake != NULL)
        region->options.wake(region->options.context);
}

/* ---- Records ---- */

static bool has_room(const struct otlite_region *region, const struct otlite_chunk *chunk,
                     size_t bound)
{
    size_t index = (otlite_load_relaxed(&chunk->committed) + 1) * sizeof(struct record_index);
    return chunk->used + bound + index <= region->chunk_size;
}

/* The slot's chunk takes no more records. */
static void leave_chunk(struct otlite_region *region, struct otlite_slot *slot)
{
    uint32_t index = slot->chunk[SIGNAL_SPANS];
    if (index == NO_CHUNK)
        return;
    slot->chunk[SIGNAL_SPANS] = NO_CHUNK;
    KILL_POINT("chunk change");
    complete(region, index);
    KILL_POINT("chunk change");
    wake_for(region, OTLITE_WAKE_CHUNK);
}

/* The chunk of this slot with room for `bound` bytes more, a new one where it must; NO_CHUNK when full. */
static uint32_t reserve(struct otlite_region *region, struct otlite_slot *slot, uint32_t resource,
                        size_t bound)
{
    uint32_t index = slot->chunk[SIGNAL_SPANS];
    if (index != NO_CHUNK) {
        if (region->chunks[index].resource == resource &&
            has_room(region, &region->chunks[index], bound))
            return index;
        leave_chunk(region, slot);
    }
    index = take_chunk(region);
    if (index != NO_CHUNK) {
        KILL_POINT("reserve");
        open_chunk(region, index, resource);
        KILL_POINT("reserve");
        publish(region, index, CHUNK_WRITING);
        KILL_POINT("reserve");
        slot->chunk[SIGNAL_SPANS] = index;
    }
    return index;
}

/* Its bytes are written, and its index is complete but for this. */
static void seal(const struct otlite_region *region, uint32_t index, uint32_t start,
                 struct record_index *record)
{
    if (region->options.durable)
        record->seal = otlite_record_seal(region, index, start, record);
}

/* An open span ends here, while its record is the last of a chunk that is not complete: so otlite_open_find knows,
 * after a death in between, that it is there already. */
static void end_open(struct otlite_region *region, uint32_t open)
{
    if (open != 0)
        otlite_open_end(region, open);
}

/* Says where the next record of a chunk will lie, to who asked; the chunk is to be published `publications` times
 * before it is read. Before it is committed: by then the collector sees that somebody asked. */
static void tell_place(struct otlite_region *region, uint32_t index, uint32_t publications,
                       struct otlite_place *place)
{
    if (place == NULL)
        return;
    struct otlite_chunk *chunk = &region->chunks[index];
    place->chunk = index;
    place->generation = (otlite_load_relaxed(&chunk->state) / CHUNK_GENERATION + publications) %
                        (UINT32_MAX / CHUNK_GENERATION + 1);
    place->record = otlite_load_relaxed(&chunk->committed);
    otlite_store_relaxed(&chunk->watched, 1);
}

bool otlite_place_kept(const struct otlite_region *region, const struct otlite_place *place)
{
    uint32_t state = otlite_load_relaxed(&region->chunks[place->chunk].state);
    return chunk_readable(state) && state / CHUNK_GENERATION == place->generation;
}

void otlite_place_leave(struct otlite_region *region, const struct otlite_place *place)
{
    if (otlite_place_kept(region, place))
        otlite_store_relaxed(&region->chunks[place->chunk].watched, 0);
}

static void commit(struct otlite_region *region, uint32_t index, struct record_index record,
                   uint32_t open)
{
    struct otlite_chunk *chunk = &region->chunks[index];
    uint32_t committed = otlite_load_relaxed(&chunk->committed);
    KILL_POINT("commit");
    *chunk_index(region, index, committed) = record;
    KILL_POINT("commit");
    chunk->used = record.end;
    KILL_POINT("commit");
    /* seq: bytes and index before the cursor; and the cursor before our look at `wake` */
    otlite_store_seq(&chunk->committed, committed + 1);
    KILL_POINT("commit");
    end_open(region, open);
    wake_for(region, OTLITE_WAKE_ANY);
}

size_t otlite_region_inline_max(const struct otlite_region *region)
{
    return region->chunk_size - sizeof(struct record_index);
}

size_t otlite_region_record_max(const struct otlite_region *region)
{
    size_t chunks = region->chunk_count / 4; /* of 8 at least */
    size_t size = chunks * region->chunk_size - sizeof(struct record_index);
    return size < RECORD_MAX ? size : RECORD_MAX;
}

/* What a record begins with: a slot, and handles that are valid while it is borrowed. */
static enum otlite_status begin(struct otlite_region *region, const struct otlite_span *span,
                                uint32_t resource, uint32_t scope, struct otlite_slot **slot)
{
    *slot = borrow_slot(region);
    if (*slot == NULL) {
        otlite_region_lost(region, OTLITE_LOSS_REENTERED);
        if (span->place != NULL)
            span->place->loss = OTLITE_LOSS_REENTERED;
        return OTLITE_DROPPED;
    }
    if (!handle_valid(region->scopes, region->scope_count, scope) ||
        !handle_valid(region->resources, region->resource_count, resource)) {
        return_slot(*slot);
        return OTLITE_STALE;
    }
    count_recorded(*slot);
    return OTLITE_OK;
}

static enum otlite_status encode_span(struct otlite_region *region, struct otlite_slot *slot,
                                      const struct otlite_span *span, size_t bound,
                                      uint32_t resource, uint32_t scope)
{
    uint32_t index = reserve(region, slot, resource, bound);
    if (index == NO_CHUNK)
        return lose(region, span, OTLITE_LOSS_FULL);
    uint32_t used = region->chunks[index].used;
    size_t size = otlite_span_encode(chunk_data(region, index) + used, span);
    struct record_index record = {
        .end = used + (uint32_t)size,
        .scope = (uint16_t)scope,
        .anchor = span->anchor,
        .flags = span->explicit_time ? RECORD_EXPLICIT_TIME : 0,
    };
    seal(region, index, used, &record);
    tell_place(region, index, 0, span->place);
    commit(region, index, record, span->open);
    return OTLITE_OK;
}

enum otlite_status otlite_span_record(struct otlite_region *region, const struct otlite_span *span,
                                      uint32_t resource, uint32_t scope)
{
    size_t bound = otlite_span_encode_bound(span);
    if (bound > otlite_region_inline_max(region))
        return OTLITE_NO_ROOM;
    struct otlite_slot *slot;
    enum otlite_status status = begin(region, span, resource, scope, &slot);
    if (status == OTLITE_OK) {
        status =
            encode_span(region, slot, span, bound, resource & HANDLE_INDEX, scope & HANDLE_INDEX);
        return_slot(slot);
    }
    if (status == OTLITE_DROPPED)
        end_open(region, span->open);
    return status;
}

enum otlite_status otlite_span_adopt(struct otlite_region *region, const struct otlite_span *span,
                                     uint32_t resource, uint32_t scope)
{
    struct otlite_slot *slot = &region->slots[0];
    size_t bound = otlite_span_encode_bound(span);
    if (region->options.open_wait && reserve(region, slot, resource, bound) == NO_CHUNK)
        return OTLITE_NO_ROOM;
    return encode_span(region, slot, span, bound, resource, scope);
}

void otlite_span_adopted(struct otlite_region *region)
{
    leave_chunk(region, &region->slots[0]);
}

/* Takes the chunks of a chain and copies the bytes there. The head comes back unpublished, or NO_CHUNK. */
static uint32_t fill_chain(struct otlite_region *region, const uint8_t *bytes, size_t size)
{
    uint32_t head = take_chunk(region);
    if (head == NO_CHUNK)
        return NO_CHUNK;
    size_t part = otlite_region_inline_max(region);
    uint32_t last = head;
    for (size_t done = 0;;) {
        part = part < size - done ? part : size - done;
        memcpy(chunk_data(region, last), bytes + done, part);
        done += part;
        if (done == size)
            return head;
        uint32_t link = take_chunk(region);
        if (link == NO_CHUNK) {
            otlite_chunk_free(region, head);
            return NO_CHUNK;
        }
        uint32_t state = otlite_load_relaxed(&region->chunks[link].state);
        otlite_store_relaxed(&region->chunks[link].state,
                             (state & ~(uint32_t)CHUNK_STATE) | CHUNK_LINK);
        KILL_POINT("chain");
        region->chunks[last].next = link;
        KILL_POINT("chain");
        last = link;
        part = region->chunk_size;
    }
}

static enum otlite_status append_chain(struct otlite_region *region, struct otlite_slot *slot,
                                       const uint8_t *bytes, size_t size, uint32_t resource,
                                       struct record_index record, const struct otlite_span *span)
{
    leave_chunk(region, slot); /* records leave in the order of their chunks */
    uint32_t head = fill_chain(region, bytes, size);
    if (head == NO_CHUNK)
        return lose(region, span, OTLITE_LOSS_FULL);
    open_chunk(region, head, resource);
    record.end = (uint32_t)size;
    record.flags |= RECORD_CHAINED;
    seal(region, head, 0, &record);
    tell_place(region, head, 1, span->place);
    *chunk_index(region, head, 0) = record;
    KILL_POINT("chain");
    /* release: what is committed is whole, should nobody come to publish it */
    otlite_store_release(&region->chunks[head].committed, 1);
    KILL_POINT("chain");
    end_open(region, span->open);
    publish(region, head, CHUNK_COMPLETE);
    KILL_POINT("chain");
    wake_for(region, OTLITE_WAKE_CHUNK);
    return OTLITE_OK;
}

static enum otlite_status append(struct otlite_region *region, struct otlite_slot *slot,
                                 const uint8_t *bytes, size_t size, uint32_t resource,
                                 struct record_index record, const struct otlite_span *span)
{
    if (size > otlite_region_record_max(region))
        return lose(region, span, OTLITE_LOSS_TOO_LARGE);
    if (size > otlite_region_inline_max(region))
        return append_chain(region, slot, bytes, size, resource, record, span);
    uint32_t index = reserve(region, slot, resource, size);
    if (index == NO_CHUNK)
        return lose(region, span, OTLITE_LOSS_FULL);
    uint32_t used = region->chunks[index].used;
    memcpy(chunk_data(region, index) + used, bytes, size);
    record.end = used + (uint32_t)size;
    seal(region, index, used, &record);
    tell_place(region, index, 0, span->place);
    commit(region, index, record, span->open);
    return OTLITE_OK;
}

enum otlite_status otlite_span_append(struct otlite_region *region, const struct otlite_span *span,
                                      const void *bytes, size_t size, uint32_t resource,
                                      uint32_t scope)
{
    struct otlite_slot *slot;
    enum otlite_status status = begin(region, span, resource, scope, &slot);
    if (status == OTLITE_OK) {
        struct record_index record = {
            .scope = (uint16_t)(scope & HANDLE_INDEX),
            .anchor = span->anchor,
            .flags = span->explicit_time ? RECORD_EXPLICIT_TIME : 0,
        };
        status = append(region, slot, bytes, size, resource & HANDLE_INDEX, record, span);
        return_slot(slot);
    }
    if (status == OTLITE_DROPPED)
        end_open(region, span->open);
    return status;
}

enum otlite_status otlite_region_append(struct otlite_region *region, const void *bytes,
                                        size_t size, uint32_t resource, uint32_t scope,
                                        uint8_t anchor, bool explicit_time)
{
    const struct otlite_span span = {.anchor = anchor, .explicit_time = explicit_time};
    return otlite_span_append(region, &span, bytes, size, resource, scope);
}
