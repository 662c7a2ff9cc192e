/* open.c - spans that are open: a fixed table in the region, so that a successor can tell what a dead process was about
 *
 * An entry is claimed by a compare-exchange of its state word, filled, sealed and published by a store of that word.
 * Its end goes the same way back; the seal is gone before the entry is free. What a death leaves:
 *
 *   filling        nothing: it had not begun, or it has ended
 *   whole          a span, unless its record is the last of a chunk that is being written, or was not published yet:
 *                  the record comes first, and the slot is held until the entry has ended
 *   whole, twice   a span that took a new name: the one that took the other's place
 *   anything else  damage
 */
#include "encode/wire.h"
#include "region/layout.h"

enum { AGAIN = 64 /* spans that a full table turns away between two looks through it */ };

/* ---- The living ---- */

/* An entry that was free, now being filled. A full table is looked through only now and then. (Where threads race, one
 * may find nothing while another's entry gets free: that is found by the next look, or by the next end.) */
static uint32_t claim(struct otlite_region *region, uint32_t refers)
{
    struct otlite_header *header = region->header;
    uint32_t first = otlite_load_relaxed(&header->open_hint);
    if (first == NO_ENTRY) {
        if (otlite_load_relaxed(&header->open_missed) % AGAIN != 0)
            return NO_ENTRY;
        first = 0;
    }
    for (uint32_t i = 0; i < region->open_count; i++) {
        uint32_t index =
            first + i < region->open_count ? first + i : first + i - region->open_count;
        uint32_t *word = &region->open_states[index];
        uint32_t state = otlite_load_relaxed(word);
        if ((state & OPEN_STATE) != OPEN_FREE)
            continue;
        uint32_t generation = state >> OPEN_GENERATION_SHIFT << OPEN_GENERATION_SHIFT;
        if (otlite_compare_exchange(word, &state, generation | refers | OPEN_FILLING)) {
            otlite_store_relaxed(&header->open_hint,
                                 index + 1 < region->open_count ? index + 1 : 0);
            return index;
        }
    }
    otlite_store_relaxed(&header->open_hint, NO_ENTRY);
    return NO_ENTRY;
}

/* Under the next generation, so that this one's handles end nothing any more. */
static void give_back(struct otlite_region *region, uint32_t index)
{
    uint32_t generation =
        (otlite_load_relaxed(&region->open_states[index]) >> OPEN_GENERATION_SHIFT) + 1;
    /* release: all that was read and written of the entry and its scope, against the next one's compare_exchange
     * and the look of who gives the scope away */
    otlite_store_release(&region->open_states[index], generation << OPEN_GENERATION_SHIFT);
    otlite_store_relaxed(&region->header->open_hint, index);
}

void otlite_open_clear(struct otlite_region *region, uint32_t index)
{
    uint32_t *word = &region->open_states[index];
    /* release: the span's record before the end of its entry */
    otlite_store_release(word, (otlite_load_relaxed(word) & ~(uint32_t)OPEN_STATE) | OPEN_FILLING);
    KILL_POINT("close");
    /* release: in this order, lest an entry that is whole has no seal */
    otlite_store_release(&region->open[index].seal, 0);
    KILL_POINT("close");
    give_back(region, index);
    KILL_POINT("close");
}

/* At most OPEN_NAME bytes of UTF-8, no character by half; true when it was longer. */
static bool put_name(struct otlite_open_span *entry, struct otlite_text name)
{
    enum {
        UNITS = OPEN_NAME + 3
    }; /* as many as may give OPEN_NAME bytes, and the end of a sequence */
    uint8_t encoded[2 + 4 * UNITS];
    const uint8_t *bytes = name.data;
    size_t size = name.length;
    if (name.kind != OTLITE_TEXT_UTF8) {
        name.length = name.length < UNITS ? name.length : UNITS;
        const uint8_t *end = otlite_text_encode(encoded, name);
        bytes = encoded + (encoded[0] < 0x80 ? 1 : 2);
        size = (size_t)(end - bytes);
    }
    bool cut = size > OPEN_NAME;
    if (cut)
        for (size = OPEN_NAME; size != 0 && (bytes[size] & 0xc0) == 0x80;)
            size--;
    put_raw(entry->name, bytes, size);
    entry->name_size = (uint8_t)size;
    return cut;
}

static void fill(struct otlite_region *region, uint32_t index, const struct otlite_span *span)
{
    struct otlite_open_span *entry = &region->open[index];
    entry->flags = span->flags;
    entry->start = span->start;
    memcpy(entry->trace_id, span->trace_id, sizeof entry->trace_id);
    memcpy(entry->span_id, span->span_id, sizeof entry->span_id);
    memcpy(entry->parent_span_id, span->parent_span_id, sizeof entry->parent_span_id);
    entry->kind = span->kind;
    entry->anchor = span->anchor;
    bool cut = put_name(entry, span->name);
    entry->bits = (uint8_t)((span->has_parent ? OPEN_HAS_PARENT : 0) |
                            (span->explicit_time ? OPEN_EXPLICIT_TIME : 0) |
                            (cut ? OPEN_NAME_CUT : 0) | (span->open != 0 ? OPEN_AGAIN : 0));
    if (cut)
        otlite_add_relaxed(&region->header->open_cut, 1);
}

enum otlite_status otlite_open_begin(struct otlite_region *region, struct otlite_span *span,
                                     uint32_t resource, uint32_t scope)
{
    if (region->open_count == 0)
        return OTLITE_OK;
    uint32_t refers = (resource & (RESOURCES_MAX - 1)) << OPEN_RESOURCE_SHIFT |
                      (scope & HANDLE_INDEX) << OPEN_SCOPE_SHIFT;
    uint32_t index = claim(region, refers);
    if (index == NO_ENTRY) {
        otlite_open_lost(region);
        return OTLITE_TABLE_FULL;
    }
    KILL_POINT("open");
    /* From here on scope and resource stay what they are, if they still are: see `mark` in table.c. */
    if (!handle_valid(region->scopes, region->scope_count, scope) ||
        !handle_valid(region->resources, region->resource_count, resource)) {
        give_back(region, index);
        return OTLITE_STALE;
    }
    uint32_t state =
        (otlite_load_relaxed(&region->open_states[index]) & ~(uint32_t)OPEN_STATE) | OPEN_WHOLE;
    fill(region, index, span);
    KILL_POINT("open");
    otlite_store_relaxed(&region->open[index].seal, otlite_open_seal(region, index, state));
    KILL_POINT("open");
    /* release: the entry before the word that says it is whole */
    otlite_store_release(&region->open_states[index], state);
    KILL_POINT("open");
    uint32_t before = span->open;
    span->open = (state >> OPEN_GENERATION_SHIFT << HANDLE_BITS | index) + 1;
    otlite_open_end(region, before);
    return OTLITE_OK;
}

void otlite_open_lost(struct otlite_region *region)
{
    otlite_add_relaxed(&region->header->open_missed, 1);
}

void otlite_open_end(struct otlite_region *region, uint32_t open)
{
    uint32_t index = (open - 1) & HANDLE_INDEX;
    if (open == 0 || index >= region->open_count)
        return;
    uint32_t state = otlite_load_relaxed(&region->open_states[index]);
    if ((state & OPEN_STATE) == OPEN_WHOLE &&
        state >> OPEN_GENERATION_SHIFT == (open - 1) >> HANDLE_BITS)
        otlite_open_clear(region, index);
}

/* ---- The dead ---- */

static bool is_found(const uint32_t *found, uint32_t index)
{
    return (found[index / 32] >> index % 32 & 1) != 0;
}

static void leave_out(uint32_t *found, uint32_t index)
{
    found[index / 32] &= ~(UINT32_C(1) << index % 32);
}

/* A chunk's last record, of a chain what lies in its head; size 0: none. */
static struct otlite_segment last_record(const struct otlite_region *region, uint32_t chunk,
                                         uint32_t committed)
{
    const struct otlite_segment none = {chunk_data(region, chunk), 0};
    if (committed == 0)
        return none;
    const struct record_index *index = chunk_index(region, chunk, committed - 1);
    uint32_t start = committed == 1 ? 0 : chunk_index(region, chunk, committed - 2)->end;
    uint32_t end = index->end;
    size_t most = region->chunk_size - committed * sizeof *index;
    if (committed == 1 && (index->flags & RECORD_CHAINED) != 0)
        end = end < most ? end : (uint32_t)most;
    if (start >= end || end > most)
        return none;
    return (struct otlite_segment){chunk_data(region, chunk) + start, end - start};
}

/* Leaves out the entries of a span, but for one. */
static void leave_out_span(const struct otlite_region *region, uint32_t *found,
                           const uint8_t *trace_id, const uint8_t *span_id, uint32_t but)
{
    for (uint32_t i = 0; i < region->open_count; i++) {
        const struct otlite_open_span *entry = &region->open[i];
        if (i != but && is_found(found, i) &&
            memcmp(entry->trace_id, trace_id, sizeof entry->trace_id) == 0 &&
            memcmp(entry->span_id, span_id, sizeof entry->span_id) == 0)
            leave_out(found, i);
    }
}

/* Leaves out the entry whose span's record is the last of the chunk. */
static void leave_out_recorded(const struct otlite_region *region, uint32_t *found, uint32_t chunk)
{
    uint32_t state = otlite_load_relaxed(&region->chunks[chunk].state);
    if (!chunk_is(state, CHUNK_WRITING) && !chunk_is(state, CHUNK_TAKEN))
        return;
    struct otlite_segment record =
        last_record(region, chunk, otlite_chunk_cursors(region, chunk).committed);
    struct span_glance glance = otlite_span_glance(record.data, record.size);
    if (glance.trace_id != NULL && glance.span_id != NULL)
        leave_out_span(region, found, glance.trace_id, glance.span_id, NO_ENTRY);
}

/* Leaves out the entries whose place this one took. */
static void leave_out_replaced(const struct otlite_region *region, uint32_t *found, uint32_t index)
{
    const struct otlite_open_span *entry = &region->open[index];
    if (is_found(found, index) && (entry->bits & OPEN_AGAIN) != 0)
        leave_out_span(region, found, entry->trace_id, entry->span_id, index);
}

void otlite_open_find(const struct otlite_region *region, uint32_t *found, uint32_t *damaged)
{
    uint32_t resource = NO_ENTRY, scope = NO_ENTRY; /* whose bytes were looked at last */
    *damaged = 0;
    for (uint32_t i = 0; i < region->open_count; i++) {
        uint32_t state = otlite_load_relaxed(&region->open_states[i]);
        uint32_t what = state & OPEN_STATE;
        if (what == OPEN_WHOLE && otlite_open_whole(region, i, state) &&
            (open_resource(state) == resource ||
             otlite_entry_whole(region, &region->resources[open_resource(state)])) &&
            (open_scope(state) == scope ||
             otlite_entry_whole(region, &region->scopes[open_scope(state)]))) {
            resource = open_resource(state);
            scope = open_scope(state);
            found[i / 32] |= UINT32_C(1) << i % 32;
        } else if (what == OPEN_FREE ? region->open[i].seal != 0 : what != OPEN_FILLING) {
            ++*damaged;
        }
    }
    for (uint32_t i = 0; i < region->chunk_count && region->open_count != 0; i++)
        leave_out_recorded(region, found, i);
    for (uint32_t i = 0; i < region->open_count; i++)
        leave_out_replaced(region, found, i);
}

/* The boot clock's reading for a time that was taken under this anchor; 0: not known. */
static uint64_t boot_of(const struct otlite_region *region, uint64_t time, uint32_t anchor)
{
    const struct otlite_header *header = region->header;
    if (header->anchor_seals[anchor] != otlite_anchor_seal(header, anchor))
        return 0;
    uint64_t boot = time - header->anchors[anchor];
    return boot >> 63 != 0 ? 0 : boot;
}

/* When a chunk's last record ended, if that says what time it was, is not of a former life, and is later than `last`,
 * which it is else. What is not later is not worth reading whole: an adoption would take as long as all records do. */
static uint64_t last_end(const struct otlite_region *region, uint32_t chunk, uint64_t last)
{
    uint32_t state = otlite_load_relaxed(&region->chunks[chunk].state);
    if (chunk_is(state, CHUNK_FREE) || chunk_is(state, CHUNK_LINK) ||
        region->chunks[chunk].unchecked)
        return last;
    uint32_t committed = otlite_chunk_cursors(region, chunk).committed;
    if (committed == 0)
        return last;
    const struct record_index *index = chunk_index(region, chunk, committed - 1);
    if ((index->flags & (RECORD_CHAINED | RECORD_EXPLICIT_TIME)) != 0 || index->anchor >= ANCHORS)
        return last;
    struct otlite_segment record = last_record(region, chunk, committed);
    uint64_t end = boot_of(region, otlite_span_glance(record.data, record.size).end, index->anchor);
    return end > last && otlite_record_whole(region, chunk, committed - 1, committed) ? end : last;
}

uint64_t otlite_open_last(const struct otlite_region *region, const uint32_t *found)
{
    uint64_t last = 0;
    for (uint32_t i = 0; i < region->open_count; i++) {
        const struct otlite_open_span *entry = &region->open[i];
        if (!is_found(found, i) || (entry->bits & OPEN_EXPLICIT_TIME) != 0)
            continue;
        uint64_t start = boot_of(region, entry->start, entry->anchor);
        last = start > last ? start : last;
    }
    /* backwards: chunks are filled in turn, so that few are later than all before */
    for (uint32_t i = region->chunk_count; i-- > 0 && last != 0;)
        last = last_end(region, i, last);
    return last;
}

/* The block has room for both. */
static void say(struct unfinished *unfinished, const char *key, uint64_t hash)
{
    const struct otlite_value yes = {.type = OTLITE_BOOL, .as.boolean = true};
    struct otlite_text text = {key, (uint32_t)strlen(key), OTLITE_TEXT_UTF8};
    (void)!otlite_scratch_attribute(&unfinished->scratch, hash, text, &yes, OTLITE_NO_LIMIT);
}

void otlite_open_restore(const struct otlite_region *region, uint32_t index, uint64_t last,
                         struct unfinished *unfinished)
{
    const struct otlite_open_span *entry = &region->open[index];
    uint32_t state = otlite_load_relaxed(&region->open_states[index]);
    struct otlite_span *span = &unfinished->span;
    *span = (struct otlite_span){
        .has_parent = (entry->bits & OPEN_HAS_PARENT) != 0,
        .explicit_time = (entry->bits & OPEN_EXPLICIT_TIME) != 0,
        .kind = entry->kind,
        .status = 2,
        .anchor = entry->anchor,
        .flags = entry->flags,
        .start = entry->start,
        .end = entry->start,
        .name = {entry->name, entry->name_size, OTLITE_TEXT_UTF8},
        .scratch = &unfinished->scratch,
    };
    memcpy(span->trace_id, entry->trace_id, sizeof span->trace_id);
    memcpy(span->span_id, entry->span_id, sizeof span->span_id);
    memcpy(span->parent_span_id, entry->parent_span_id, sizeof span->parent_span_id);
    uint64_t start = boot_of(region, entry->start, entry->anchor);
    if (start != 0 && last > start)
        span->end += last - start;
    otlite_scratch_init(&unfinished->scratch, unfinished->block, sizeof unfinished->block);
    say(unfinished, "otlp_lite.unfinished", 1);
    if ((entry->bits & OPEN_NAME_CUT) != 0)
        say(unfinished, "otlp_lite.name_cut", 2);
    unfinished->resource = open_resource(state);
    unfinished->scope = open_scope(state);
}
