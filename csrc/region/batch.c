/* batch.c - committed records, pinned and grouped by scope, as the body of one request
 *
 * Two passes. The first walks the oldest chunks, pins them, and notes runs: neighbouring records of one scope.
 * The second writes the heads of resource and scopes, with lengths now known, and puts the runs between them: a
 * long run by reference, a short one by copy, and so one whose times are corrected after a step of the clock.
 */
#include "encode/wire.h"
#include "region/layout.h"

/* Below this a copy costs less than one more entry of a vectored write. */
enum { REFERENCE_MIN = 1024 };

/* A clock that a time server keeps moves by less; a larger step says that it was wrong before. In ns. */
#define STEP_MAX UINT64_C(1000000000)

struct item {
    uint32_t chunk, generation, from, to;
};

struct run {
    uint32_t offset; /* from region->data */
    uint32_t size;
    uint32_t next;  /* of the same scope */
    uint64_t shift; /* by how much its times are to be moved */
};

struct group {
    uint32_t size;  /* of its runs */
    uint32_t first; /* NONE: not in this batch */
    uint32_t last;
    uint32_t next; /* group, in order of appearance */
};

#define NONE UINT32_MAX

/* The work area, carved anew for each batch. */
struct work {
    uint32_t *heap; /* chunks, the oldest on top */
    uint32_t heap_size;
    struct item *items;
    uint32_t item_count, item_max;
    struct group *groups; /* by scope */
    uint32_t first_group, last_group;
    struct run *runs;
    uint32_t run_count, run_max;
    struct otlite_segment *segments;
    uint32_t segment_count, segment_max;
    uint8_t *gather;
    uint32_t gather_used, gather_size, gather_flushed;
    uint32_t resource;
    uint32_t anchor; /* the present clock's */
    /* what the body will need */
    size_t body, copied;
    uint32_t references, links;
};

static void *carve(uint8_t **at, size_t size)
{
    void *start = *at;
    *at += (size + 15) & ~(size_t)15;
    return start;
}

static void carve_work(const struct otlite_region *region, struct work *work)
{
    uint8_t *at = region->work;
    memset(work, 0, sizeof *work);
    work->item_max = region->chunk_count / 2;
    work->run_max = region->work_size / 128;
    work->segment_max = region->work_size / 512;
    work->items = carve(&at, work->item_max * sizeof *work->items); /* first: batch_items */
    work->segments = carve(&at, work->segment_max * sizeof *work->segments);
    work->heap = carve(&at, region->chunk_count * sizeof *work->heap);
    work->groups = carve(&at, region->scope_count * sizeof *work->groups);
    work->runs = carve(&at, work->run_max * sizeof *work->runs);
    work->gather = at;
    work->gather_size = region->work_size - (uint32_t)(at - region->work);
    work->first_group = work->last_group = NONE;
    /* acquire: the anchor's value was stored before its number */
    work->anchor = otlite_load_acquire(&region->header->anchor);
    for (uint32_t i = 0; i < region->scope_count; i++)
        work->groups[i].first = NONE;
}

/* ---- Which chunks: a heap by sequence number ---- */

static bool older(const struct otlite_region *region, uint32_t a, uint32_t b)
{
    return (int32_t)(otlite_load_relaxed(&region->chunks[a].sequence) -
                     otlite_load_relaxed(&region->chunks[b].sequence)) < 0;
}

static void sift_down(const struct otlite_region *region, uint32_t *heap, uint32_t size,
                      uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= size)
            return;
        if (child + 1 < size && older(region, heap[child + 1], heap[child]))
            child++;
        if (!older(region, heap[child], heap[at]))
            return;
        uint32_t moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

static void find_candidates(const struct otlite_region *region, struct work *work)
{
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        const struct otlite_chunk *chunk = &region->chunks[i];
        if (chunk_readable(otlite_load_acquire(&chunk->state)) &&
            otlite_load_acquire(&chunk->committed) != otlite_load_acquire(&chunk->acked))
            work->heap[work->heap_size++] = i;
    }
    for (uint32_t i = work->heap_size / 2; i-- > 0;)
        sift_down(region, work->heap, work->heap_size, i);
}

static uint32_t pop_oldest(const struct otlite_region *region, struct work *work)
{
    uint32_t oldest = work->heap[0];
    work->heap[0] = work->heap[--work->heap_size];
    sift_down(region, work->heap, work->heap_size, 0);
    return oldest;
}

/* ---- First pass: runs ---- */

static size_t entry_overhead(const struct otlite_entry *entry)
{
    return entry->size + bytes_field_bound(entry->schema_size) + 6;
}

/* By how much the clock has stepped since a record took its times; 0 where that is no more than STEP_MAX, where
 * a time was given, where they are another boot's, and where there is no room to gather the record even when it
 * goes alone. */
static uint64_t shift_of(const struct otlite_region *region, const struct work *work,
                         const struct otlite_chunk *chunk, const struct record_index *index,
                         uint32_t size)
{
    const uint64_t *anchors = region->header->anchors;
    uint64_t shift = anchors[work->anchor] - anchors[index->anchor % ANCHORS];
    if (shift + STEP_MAX <= 2 * STEP_MAX || (index->flags & RECORD_EXPLICIT_TIME) != 0 ||
        chunk->unmoved)
        return 0;
    size_t heads = entry_overhead(&region->resources[work->resource]) + 6 +
                   entry_overhead(&region->scopes[index->scope]);
    return heads + size <= work->gather_size ? shift : 0;
}

/* Adds the record at [start, start + size) to the batch; false when it belongs to the next one. */
static bool add_record(const struct otlite_region *region, struct work *work,
                       const struct otlite_batch_limits *limits, uint32_t start, uint32_t size,
                       uint16_t scope, uint64_t shift, bool adjoins)
{
    struct group *group = &work->groups[scope];
    struct run *last = work->run_count == 0 ? NULL : &work->runs[work->run_count - 1];
    bool extends = adjoins && group->first != NONE && group->last == work->run_count - 1 &&
                   last->shift == shift;
    size_t overhead = group->first == NONE ? entry_overhead(&region->scopes[scope]) : 0;
    size_t copied = work->copied + overhead + size;
    uint32_t references = work->references, links = 0; /* chunks of a chain beside its head */
    if (size > otlite_region_inline_max(region))
        links = (uint32_t)((size + sizeof(struct record_index) - 1) / region->chunk_size);
    references += links;
    if (!limits->gather && shift == 0) {
        uint32_t before = extends ? last->size : 0;
        if (before >= REFERENCE_MIN) {
            copied -= size;
        } else if (before + size >= REFERENCE_MIN) {
            copied -= before + size;
            references++;
        }
    }
    bool first = work->run_count == 0;
    if (!first && (work->body + overhead + size > limits->max_bytes || copied > work->gather_size ||
                   2 * references + 2 > work->segment_max ||
                   work->item_count + 1 + work->links + links > work->item_max ||
                   (!extends && work->run_count == work->run_max)))
        return false;
    work->body += overhead + size;
    work->copied = copied;
    work->references = references;
    work->links += links;
    if (extends) {
        last->size += size;
        group->size += size;
        return true;
    }
    work->runs[work->run_count] = (struct run){start, size, NONE, shift};
    if (group->first == NONE) {
        *group = (struct group){0, work->run_count, work->run_count, NONE};
        if (work->first_group == NONE)
            work->first_group = scope;
        else
            work->groups[work->last_group].next = scope;
        work->last_group = scope;
    } else {
        work->runs[group->last].next = work->run_count;
        group->last = work->run_count;
    }
    group->size += size;
    work->run_count++;
    return true;
}

/* Takes what fits of a pinned chunk; returns the number of records, and whether the batch is now full. */
static uint32_t add_chunk(const struct otlite_region *region, struct work *work,
                          const struct otlite_batch_limits *limits, const struct item *item,
                          uint32_t records, bool *full)
{
    const struct otlite_chunk *chunk = &region->chunks[item->chunk];
    uint32_t base = item->chunk * region->chunk_size;
    uint32_t record = item->from;
    for (; record < item->to; record++) {
        const struct record_index *index = chunk_index(region, item->chunk, record);
        uint32_t start = record == 0 ? 0 : chunk_index(region, item->chunk, record - 1)->end;
        uint32_t size = index->end - start;
        /* The next batch begins with it, and so gives it up. */
        if (chunk->unchecked && record != item->from &&
            !otlite_record_whole(region, item->chunk, record, item->to))
            break;
        if ((limits->max_records != 0 && records + (record - item->from) == limits->max_records) ||
            !add_record(region, work, limits, base + start, size, index->scope,
                        shift_of(region, work, chunk, index, size), record != item->from)) {
            *full = true;
            break;
        }
    }
    return record - item->from;
}

/* Of an adopted chunk: gives up the damaged records that come next; returns the first that is whole. */
static uint32_t skip_damaged(struct otlite_region *region, const struct item *item)
{
    uint32_t record = item->from;
    while (record < item->to && !otlite_record_whole(region, item->chunk, record, item->to))
        record++;
    if (record != item->from) {
        otlite_add_relaxed(&region->header->lost[OTLITE_LOSS_DAMAGED], record - item->from);
        /* seq: as in settle */
        otlite_store_seq(&region->chunks[item->chunk].acked, record);
    }
    return record;
}

static uint32_t collect_items(struct otlite_region *region, struct work *work,
                              const struct otlite_batch_limits *limits)
{
    uint32_t records = 0;
    bool full = false;
    while (work->heap_size != 0 && work->item_count < work->item_max && !full) {
        struct item item = {.chunk = pop_oldest(region, work)};
        struct otlite_chunk *chunk = &region->chunks[item.chunk];
        if (!otlite_chunk_hold(chunk, CHUNK_PINNED, &item.generation))
            continue;
        if (work->item_count == 0) {
            work->resource = chunk->resource;
            work->body = work->copied = entry_overhead(&region->resources[chunk->resource]) + 6;
        }
        item.from = otlite_load_acquire(&chunk->acked);
        /* acquire: the bytes and the index of what is committed */
        item.to = otlite_load_acquire(&chunk->committed);
        if (chunk->unchecked)
            item.from = skip_damaged(region, &item);
        KILL_POINT("batch");
        uint32_t added = 0;
        if (chunk->resource == work->resource)
            added = add_chunk(region, work, limits, &item, records, &full);
        if (added == 0) {
            otlite_chunk_release(region, item.chunk, CHUNK_PINNED);
            continue;
        }
        item.to = item.from + added;
        work->items[work->item_count++] = item;
        records += added;
    }
    return records;
}

/* ---- Second pass: the body ---- */

static void add_segment(struct work *work, const void *data, size_t size)
{
    work->segments[work->segment_count++] = (struct otlite_segment){data, size};
}

static void flush_gathered(struct work *work)
{
    if (work->gather_used != work->gather_flushed)
        add_segment(work, work->gather + work->gather_flushed,
                    work->gather_used - work->gather_flushed);
    work->gather_flushed = work->gather_used;
}

static void put_gathered(struct work *work, const void *data, size_t size)
{
    work->gather_used =
        (uint32_t)(put_raw(work->gather + work->gather_used, data, size) - work->gather);
}

static void put_head(struct work *work, uint32_t tag, size_t size)
{
    uint8_t *at = work->gather + work->gather_used;
    work->gather_used = (uint32_t)(put_varint(put_tag(at, tag), size) - work->gather);
}

static void refer(struct work *work, const void *data, size_t size)
{
    flush_gathered(work);
    add_segment(work, data, size);
}

/* The bytes of a record that needed several chunks lie in the chain that begins at its head. */
static void put_chain(const struct otlite_region *region, struct work *work, uint32_t head,
                      size_t size, bool gather)
{
    size_t part = otlite_region_inline_max(region);
    for (uint32_t index = head; size != 0; index = region->chunks[index].next) {
        part = part < size ? part : size;
        if (gather)
            put_gathered(work, chunk_data(region, index), part);
        else
            refer(work, chunk_data(region, index), part);
        size -= part;
        part = region->chunk_size;
    }
}

static void put_run(const struct otlite_region *region, struct work *work, const struct run *run,
                    bool gather)
{
    uint8_t *copy = work->gather + work->gather_used;
    gather = gather || run->shift != 0;
    if (run->size > otlite_region_inline_max(region))
        put_chain(region, work, run->offset / region->chunk_size, run->size, gather);
    else if (gather || run->size < REFERENCE_MIN)
        put_gathered(work, region->data + run->offset, run->size);
    else
        refer(work, region->data + run->offset, run->size);
    if (run->shift != 0)
        otlite_spans_shift(copy, run->size, run->shift);
}

static size_t schema_field_size(const struct otlite_entry *entry)
{
    return entry->schema_size == 0 ? 0 : bytes_field_bound(entry->schema_size);
}

static void put_schema(const struct otlite_region *region, struct work *work, uint32_t tag,
                       const struct otlite_entry *entry)
{
    if (entry->schema_size == 0)
        return;
    put_head(work, tag, entry->schema_size);
    put_gathered(work, region->arena + entry->offset + entry->size, entry->schema_size);
}

static size_t group_size(const struct otlite_region *region, const struct work *work,
                         uint32_t scope)
{
    const struct otlite_entry *entry = &region->scopes[scope];
    return entry->size + work->groups[scope].size + schema_field_size(entry);
}

static size_t put_body(const struct otlite_region *region, struct work *work, bool gather)
{
    const struct otlite_entry *resource = &region->resources[work->resource];
    size_t size = resource->size + schema_field_size(resource);
    for (uint32_t scope = work->first_group; scope != NONE; scope = work->groups[scope].next)
        size += bytes_field_bound(group_size(region, work, scope));
    put_head(work, REQUEST_RESOURCE_SPANS, size);
    put_gathered(work, region->arena + resource->offset, resource->size);
    for (uint32_t scope = work->first_group; scope != NONE; scope = work->groups[scope].next) {
        const struct otlite_entry *entry = &region->scopes[scope];
        put_head(work, RESOURCE_SPANS_SCOPE_SPANS, group_size(region, work, scope));
        put_gathered(work, region->arena + entry->offset, entry->size);
        for (uint32_t run = work->groups[scope].first; run != NONE; run = work->runs[run].next)
            put_run(region, work, &work->runs[run], gather);
        put_schema(region, work, SCOPE_SPANS_SCHEMA_URL, entry);
    }
    put_schema(region, work, RESOURCE_SPANS_SCHEMA_URL, resource);
    flush_gathered(work);
    return bytes_field_bound(size);
}

/* ---- The batch ---- */

/* NULL when the work area holds another batch by now. */
static const struct item *batch_items(const struct otlite_region *region,
                                      const struct otlite_batch *batch)
{
    return batch->number == region->header->batch ? (const void *)region->work : NULL;
}

enum otlite_status otlite_batch_collect(struct otlite_region *region,
                                        const struct otlite_batch_limits *limits,
                                        struct otlite_batch *batch)
{
    uint32_t idle = 0;
    if (!otlite_compare_exchange(&region->header->collecting, &idle, 1))
        return OTLITE_BUSY;
    /* acquire: what its holder still read of the work area, against set_pinned */
    if (otlite_load_acquire(&region->header->batch_pinned)) {
        otlite_store_release(&region->header->collecting, 0);
        return OTLITE_BUSY;
    }
    struct work work;
    carve_work(region, &work);
    find_candidates(region, &work);
    memset(batch, 0, sizeof *batch);
    batch->records = collect_items(region, &work, limits);
    if (batch->records != 0) {
        /* a record that goes alone may be too large to gather; the heads and a short run always fit */
        batch->size = put_body(region, &work, limits->gather && work.copied <= work.gather_size);
        batch->segments = work.segments;
        batch->segment_count = work.segment_count;
        batch->copied = work.gather_used;
        batch->item_count = work.item_count;
        batch->pinned = true;
        KILL_POINT("batch");
    }
    batch->anchor = work.anchor;
    batch->number = ++region->header->batch;
    otlite_store_relaxed(&region->header->batch_pinned, batch->pinned);
    /* release: the work area, against the next collector's compare_exchange */
    otlite_store_release(&region->header->collecting, 0);
    return batch->records == 0 ? OTLITE_EMPTY : OTLITE_OK;
}

bool otlite_batch_watched(const struct otlite_region *region, const struct otlite_batch *batch,
                          uint32_t *next, struct otlite_part *part)
{
    const struct item *items = batch_items(region, batch);
    for (; batch->pinned && *next < batch->item_count; ++*next) {
        const struct item *item = &items[*next];
        if (!otlite_load_relaxed(&region->chunks[item->chunk].watched))
            continue;
        *part = (struct otlite_part){item->chunk, item->generation, item->from, item->to};
        ++*next;
        return true;
    }
    return false;
}

void otlite_batch_offer(struct otlite_region *region, const struct otlite_batch *batch)
{
    const struct item *items = batch_items(region, batch);
    for (uint32_t i = 0; batch->pinned && i < batch->item_count; i++) {
        struct otlite_chunk *chunk = &region->chunks[items[i].chunk];
        if (otlite_load_relaxed(&chunk->offered) <
            items[i].to) /* a larger batch may have been offered before */
            otlite_store_release(&chunk->offered, items[i].to);
        KILL_POINT("offer");
    }
}

static void set_pinned(struct otlite_region *region, struct otlite_batch *batch, bool pinned)
{
    batch->pinned = pinned;
    /* release: another thread may look for a batch meanwhile, and find the work area its own */
    otlite_store_release(&region->header->batch_pinned, pinned);
}

static void settle(struct otlite_region *region, struct otlite_batch *batch)
{
    const struct item *items = batch_items(region, batch);
    for (uint32_t i = 0; i < batch->item_count; i++) {
        /* seq: against the writer that completes this chunk; the later of us two frees it */
        KILL_POINT("acknowledge");
        otlite_store_seq(&region->chunks[items[i].chunk].acked, items[i].to);
        KILL_POINT("acknowledge");
        otlite_chunk_release(region, items[i].chunk, CHUNK_PINNED);
        KILL_POINT("acknowledge");
    }
    set_pinned(region, batch, false);
    batch->item_count = 0;
    batch->records = 0;
}

void otlite_batch_acknowledge(struct otlite_region *region, struct otlite_batch *batch,
                              uint32_t rejected)
{
    if (!batch->pinned)
        return;
    if (rejected > batch->records)
        rejected = batch->records;
    otlite_add_relaxed(&region->header->exported, batch->records - rejected);
    otlite_add_relaxed(&region->header->rejected, rejected);
    settle(region, batch);
}

void otlite_batch_drop(struct otlite_region *region, struct otlite_batch *batch,
                       enum otlite_loss loss, bool answered)
{
    if (!batch->pinned)
        return;
    const struct item *items = batch_items(region, batch);
    for (uint32_t i = 0; !answered && i < batch->item_count; i++) {
        uint32_t offered = otlite_load_relaxed(&region->chunks[items[i].chunk].offered);
        uint32_t end = offered < items[i].to ? offered : items[i].to;
        if (end > items[i].from)
            otlite_add_relaxed(&region->header->unanswered, end - items[i].from);
    }
    otlite_add_relaxed(&region->header->lost[loss], batch->records);
    settle(region, batch);
}

void otlite_batch_release(struct otlite_region *region, struct otlite_batch *batch)
{
    if (!batch->pinned)
        return;
    const struct item *items = batch_items(region, batch);
    for (uint32_t i = 0; i < batch->item_count; i++)
        otlite_chunk_release(region, items[i].chunk, CHUNK_PINNED);
    set_pinned(region, batch, false);
}

enum otlite_status otlite_batch_repin(struct otlite_region *region, struct otlite_batch *batch)
{
    const struct item *items = batch_items(region, batch);
    if (batch->pinned || batch->item_count == 0)
        return OTLITE_INVALID;
    /* acquire: as in carve_work. Its times were corrected to what the clock was then. */
    if (items == NULL || batch->anchor != otlite_load_acquire(&region->header->anchor))
        return OTLITE_GONE;
    for (uint32_t i = 0; i < batch->item_count; i++) {
        uint32_t generation;
        bool pinned = otlite_chunk_hold(&region->chunks[items[i].chunk], CHUNK_PINNED, &generation);
        if (pinned && generation == items[i].generation)
            continue;
        for (uint32_t undo = 0; undo < i + pinned; undo++)
            otlite_chunk_release(region, items[undo].chunk, CHUNK_PINNED);
        return OTLITE_GONE;
    }
    set_pinned(region, batch, true);
    return OTLITE_OK;
}
