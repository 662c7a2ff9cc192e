/* table.c - resources and scopes: bytes that many records share, kept once */
#include "region/layout.h"

enum {
    ARENA_STEP = 64,
    LOOKS = 256 /* at a borrowed slot: a writer that runs has returned it by then */
};

static uint32_t hash_more(const uint8_t *bytes, size_t size, uint32_t hash)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

static uint32_t hash_entry(const uint8_t *bytes, size_t size, const uint8_t *schema_url,
                           size_t schema_url_size)
{
    return hash_more(schema_url, schema_url_size, hash_more(bytes, size, 2166136261u));
}

struct table {
    struct otlite_entry *entries;
    uint32_t count;
    enum table_kind kind;
};

static struct table table_of(const struct otlite_region *region, enum table_kind kind)
{
    return kind == TABLE_RESOURCES ? (struct table){region->resources, region->resource_count, kind}
                                   : (struct table){region->scopes, region->scope_count, kind};
}

/* Marks the entries that an unsettled record or an open span refers to. Chunks that are being taken or given back hold none. */
static void mark(struct otlite_region *region, struct table table)
{
    for (uint32_t i = 0; i < table.count; i++)
        table.entries[i].marked = 0;
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        struct otlite_chunk *chunk = &region->chunks[i];
        uint32_t generation;
        if (!otlite_chunk_hold(chunk, CHUNK_SCANNED, &generation))
            continue;
        if (table.kind == TABLE_RESOURCES)
            table.entries[chunk->resource].marked = 1;
        uint32_t committed =
            table.kind == TABLE_SCOPES ? otlite_load_acquire(&chunk->committed) : 0;
        for (uint32_t record = otlite_load_acquire(&chunk->acked); record < committed; record++) {
            uint16_t scope = chunk_index(region, i, record)->scope;
            if (scope < table.count) /* of an adopted record it may be anything */
                table.entries[scope].marked = 1;
        }
        otlite_chunk_release(region, i, CHUNK_SCANNED);
    }
    for (uint32_t i = 0; i < region->open_count; i++) {
        /* seq: whoever opens a span stores this word and then loads the generation, `condemn` has stored the
         * generation before; one of the two sees the other. acquire: who had the entry has read its scope */
        uint32_t state = otlite_load_seq(&region->open_states[i]);
        uint32_t index = table.kind == TABLE_RESOURCES ? open_resource(state) : open_scope(state);
        if ((state & OPEN_STATE) != OPEN_FREE && index < table.count)
            table.entries[index].marked = 1;
    }
}

/* An entry changes hands in two steps, as memory does under RCU. First it is condemned: its generation moves, and
 * each slot's turn is noted. It is free once every slot has been idle, or has moved on, since: a writer takes its
 * slot first and then looks at the generation, so that it either saw the new one (STALE) or had its slot then.
 * Slot and generation are both sequentially consistent. Of a full table one entry is condemned ahead of time, so
 * that who registers finds it free. Whose entry it was may register again meanwhile, and has it back. */
static void condemn(struct otlite_region *region, struct table table, uint32_t index)
{
    struct otlite_entry *entry = &table.entries[index];
    otlite_store_seq(&entry->generation, otlite_load_relaxed(&entry->generation) + 1);
    for (uint32_t i = 0; i < region->slot_count; i++)
        region->slots[i].turn_seen[table.kind] = otlite_load_seq(&region->slots[i].turn);
    region->header->condemned[table.kind] = index + 1;
    region->header->next_victim[table.kind] = (index + 1) % table.count;
}

/* Condemns the next entry with room for `size` that the last `mark` found unused, the one before aside. */
static bool condemn_next(struct otlite_region *region, struct table table, uint32_t size)
{
    uint32_t first = region->header->next_victim[table.kind];
    for (uint32_t i = 0; i + 1 < table.count; i++) {
        uint32_t index = (first + i) % table.count;
        const struct otlite_entry *entry = &table.entries[index];
        if (entry->used && !entry->marked && entry->capacity >= size) {
            condemn(region, table, index);
            return true;
        }
    }
    return false;
}

static bool writers_passed(const struct otlite_region *region, enum table_kind kind)
{
    for (uint32_t i = 0; i < region->slot_count; i++) {
        const struct otlite_slot *slot = &region->slots[i];
        uint32_t turn = slot->turn_seen[kind], looks = LOOKS;
        while (turn % 2 != 0 && otlite_load_seq(&slot->turn) == turn)
            if (looks-- == 0)
                return false;
    }
    return true;
}

/* The condemned entry, if no writer can hold its handle any more; NULL, and condemned still, while one may. */
static struct otlite_entry *take_condemned(struct otlite_region *region, struct table table)
{
    uint32_t *condemned = &region->header->condemned[table.kind];
    if (*condemned == 0 || !writers_passed(region, table.kind))
        return NULL;
    struct otlite_entry *entry = &table.entries[*condemned - 1];
    *condemned = 0;
    mark(region, table); /* also what was recorded under the handle until it moved */
    return entry;
}

/* An entry with room for `size` that no record refers to. NULL also when a writer was interrupted with a slot:
 * it is not waited for, and whoever registers next finds it gone by. */
static struct otlite_entry *evict(struct otlite_region *region, struct table table, uint32_t size)
{
    if (region->header->condemned[table.kind] == 0) {
        mark(region, table);
        (void)condemn_next(region, table, size);
    }
    for (uint32_t i = 0; i < table.count; i++) {
        struct otlite_entry *entry = take_condemned(region, table);
        if (entry == NULL)
            return NULL;
        (void)condemn_next(region, table, size);
        if (!entry->marked && entry->capacity >= size)
            return entry;
    }
    return NULL;
}

/* Room in the arena comes in steps, so that the next of an entry's tenants is likely to fit as well. */
static bool give_room(struct otlite_region *region, struct otlite_entry *entry, uint32_t size)
{
    uint32_t capacity = (size + ARENA_STEP - 1) & ~(uint32_t)(ARENA_STEP - 1);
    if (capacity > region->arena_size - region->header->arena_used)
        return false;
    entry->offset = region->header->arena_used;
    entry->capacity = capacity;
    region->header->arena_used += capacity;
    return true;
}

/* An entry that is nobody's: with room that an adoption left it, or else with new room. */
static struct otlite_entry *find_unused(struct otlite_region *region, struct table table,
                                        uint32_t size)
{
    struct otlite_entry *unused = NULL;
    for (uint32_t i = 0; i < table.count; i++) {
        struct otlite_entry *entry = &table.entries[i];
        if (entry->used)
            continue;
        if (entry->capacity != 0 && entry->capacity >= size)
            return entry;
        if (unused == NULL || entry->capacity < unused->capacity)
            unused = entry;
    }
    return unused != NULL && give_room(region, unused, size) ? unused : NULL;
}

/* An entry that is nobody's; or one that is needed no more: with room enough, or else with new room. */
static struct otlite_entry *find_entry(struct otlite_region *region, struct table table,
                                       uint32_t size)
{
    struct otlite_entry *entry = find_unused(region, table, size);
    if (entry != NULL) {
        otlite_store_relaxed(&entry->used, 1); /* for statistics, which take no lock */
        return entry;
    }
    entry = evict(region, table, size);
    if (entry == NULL && size <= region->arena_size - region->header->arena_used) {
        entry = evict(region, table, 0);
        if (entry != NULL && !give_room(region, entry, size))
            return NULL;
    }
    return entry;
}

static enum otlite_status enter(struct otlite_region *region, struct table table, const void *bytes,
                                size_t size, const void *schema_url, size_t schema_url_size,
                                uint32_t *handle)
{
    if (size > region->arena_size || schema_url_size > region->arena_size - size)
        return OTLITE_TABLE_FULL;
    uint32_t hash = hash_entry(bytes, size, schema_url, schema_url_size);
    struct otlite_entry *entry = NULL;
    for (uint32_t i = 0; i < table.count && entry == NULL; i++) {
        struct otlite_entry *known = &table.entries[i];
        const uint8_t *stored = region->arena + known->offset;
        if (known->used && known->hash == hash && known->size == size &&
            known->schema_size == schema_url_size && memcmp(stored, bytes, size) == 0 &&
            (schema_url_size == 0 || memcmp(stored + size, schema_url, schema_url_size) == 0))
            entry = known;
    }
    if (entry != NULL &&
        region->header->condemned[table.kind] == (size_t)(entry - table.entries) + 1)
        region->header->condemned[table.kind] = 0;
    if (entry == NULL) {
        uint32_t needed = (uint32_t)(size + schema_url_size);
        entry = find_entry(region, table, needed);
        if (entry == NULL)
            return OTLITE_TABLE_FULL;
        KILL_POINT("register");
        entry->hash = hash;
        KILL_POINT("register");
        entry->size = (uint32_t)size;
        entry->schema_size = (uint32_t)schema_url_size;
        memcpy(region->arena + entry->offset, bytes, size);
        if (schema_url_size != 0)
            memcpy(region->arena + entry->offset + size, schema_url, schema_url_size);
    }
    uint32_t generation = otlite_load_relaxed(&entry->generation) & HANDLE_GENERATION;
    *handle = generation << HANDLE_BITS | (uint32_t)(entry - table.entries);
    return OTLITE_OK;
}

static enum otlite_status enter_locked(struct otlite_region *region, struct table table,
                                       const void *bytes, size_t size, const void *schema_url,
                                       size_t schema_url_size, uint32_t *handle)
{
    uint32_t open = 0;
    if (!otlite_compare_exchange(&region->header->registering, &open, 1))
        return OTLITE_BUSY;
    enum otlite_status status =
        enter(region, table, bytes, size, schema_url, schema_url_size, handle);
    /* release: the entry, against the next holder's compare_exchange */
    otlite_store_release(&region->header->registering, 0);
    return status;
}

enum otlite_status otlite_resource_register(struct otlite_region *region, const void *bytes,
                                            size_t size, const void *schema_url,
                                            size_t schema_url_size, uint32_t *handle)
{
    struct table table = table_of(region, TABLE_RESOURCES);
    return enter_locked(region, table, bytes, size, schema_url, schema_url_size, handle);
}

enum otlite_status otlite_scope_register(struct otlite_region *region, const void *bytes,
                                         size_t size, const void *schema_url,
                                         size_t schema_url_size, uint32_t *handle)
{
    struct table table = table_of(region, TABLE_SCOPES);
    return enter_locked(region, table, bytes, size, schema_url, schema_url_size, handle);
}

/* ---- After a death ---- */

bool otlite_entry_whole(const struct otlite_region *region, const struct otlite_entry *entry)
{
    uint32_t offset = entry->offset, size = entry->size, schema_size = entry->schema_size;
    if (entry->used != 1 || offset % ARENA_STEP != 0 || offset > region->arena_size ||
        size > region->arena_size - offset || schema_size > region->arena_size - offset - size)
        return false;
    const uint8_t *bytes = region->arena + offset;
    return entry->hash == hash_entry(bytes, size, bytes + size, schema_size);
}

/* Takes the arena's steps in [from, to) as far as they are free; returns where that ended. */
static uint32_t take_steps(uint8_t *taken, uint32_t from, uint32_t to)
{
    for (; from < to && !taken[from]; from++)
        taken[from] = 1;
    return from;
}

static uint32_t steps(uint32_t bytes)
{
    return bytes / ARENA_STEP + (bytes % ARENA_STEP != 0);
}

/* The room between what is taken is that of entries to come, scopes first: there are more of them. */
static void share_holes(struct otlite_region *region, uint8_t *taken)
{
    uint32_t last = region->arena_size / ARENA_STEP, at = 0;
    while (last > 0 && !taken[last - 1])
        last--;
    region->header->arena_used = last * ARENA_STEP;
    for (int kind = TABLES - 1; kind >= 0; kind--) {
        struct table table = table_of(region, (enum table_kind)kind);
        for (uint32_t i = 0; i < table.count; i++) {
            struct otlite_entry *entry = &table.entries[i];
            if (entry->used)
                continue;
            while (at < last && taken[at])
                at++;
            uint32_t end = take_steps(taken, at, last);
            entry->offset = at * ARENA_STEP;
            entry->capacity = (end - at) * ARENA_STEP;
        }
    }
}

/* An entry keeps what its bytes take. How much room it says it has nothing vouches for: believed, one damaged word
 * would leave no room for new entries for ever. */
void otlite_tables_adopt(struct otlite_region *region)
{
    struct otlite_header *header = region->header;
    uint8_t *taken = region->work; /* a byte for each step of the arena */
    memset(taken, 0, region->arena_size / ARENA_STEP);
    for (int kind = 0; kind < TABLES; kind++) {
        struct table table = table_of(region, (enum table_kind)kind);
        header->condemned[kind] = 0;
        header->next_victim[kind] %= table.count;
        for (uint32_t i = 0; i < table.count; i++) {
            struct otlite_entry *entry = &table.entries[i];
            uint32_t first = entry->offset / ARENA_STEP;
            uint32_t end = first + steps(entry->size + entry->schema_size);
            if (otlite_entry_whole(region, entry) && take_steps(taken, first, end) == end)
                entry->capacity = (end - first) * ARENA_STEP;
            else
                *entry = (struct otlite_entry){.generation = entry->generation};
            KILL_POINT("adoption");
        }
    }
    share_holes(region, taken);
}
