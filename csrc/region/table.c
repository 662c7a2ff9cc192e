/* table.c - resources and scopes: bytes that many records share, kept once */
#include "region/layout.h"

enum { ARENA_STEP = 64 };

static uint32_t hash_bytes(const uint8_t *bytes, size_t size, uint32_t hash)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

struct table {
    struct otlite_entry *entries;
    uint32_t count;
    bool scopes;
};

/* Marks the entries that an unsettled record refers to. Chunks that are being taken or given back hold none. */
static void mark(struct otlite_region *region, struct table table)
{
    for (uint32_t i = 0; i < table.count; i++)
        table.entries[i].marked = 0;
    for (uint32_t i = 0; i < region->chunk_count; i++) {
        struct otlite_chunk *chunk = &region->chunks[i];
        uint32_t generation;
        if (!otlite_chunk_hold(chunk, CHUNK_SCANNED, &generation))
            continue;
        if (!table.scopes)
            table.entries[chunk->resource].marked = 1;
        uint32_t committed = table.scopes ? otlite_load_acquire(&chunk->committed) : 0;
        for (uint32_t record = otlite_load_acquire(&chunk->acked); record < committed; record++)
            table.entries[chunk_index(region, i, record)->scope].marked = 1;
        otlite_chunk_release(region, i, CHUNK_SCANNED);
    }
}

static bool slots_idle(const struct otlite_region *region)
{
    for (uint32_t i = 0; i < region->slot_count; i++)
        if (otlite_load_seq(&region->slots[i].busy) != 0)
            return false;
    return true;
}

/* An entry with room for `size` that no record refers to. Its generation moves first, so that a writer either
 * sees the new one (STALE) or is seen here, busy: slot and generation are both sequentially consistent. */
static struct otlite_entry *evict(struct otlite_region *region, struct table table, uint32_t size)
{
    mark(region, table);
    for (uint32_t i = 0; i < table.count; i++) {
        struct otlite_entry *entry = &table.entries[i];
        if (!entry->used || entry->marked || entry->capacity < size)
            continue;
        otlite_store_seq(&entry->generation, otlite_load_relaxed(&entry->generation) + 1);
        if (!slots_idle(region))
            return NULL;
        mark(region, table);
        if (!entry->marked)
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

/* An entry never used; or one that is needed no more: with room enough, or else with new room. */
static struct otlite_entry *find_entry(struct otlite_region *region, struct table table,
                                       uint32_t size)
{
    for (uint32_t i = 0; i < table.count; i++) {
        struct otlite_entry *entry = &table.entries[i];
        if (entry->used)
            continue;
        if (!give_room(region, entry, size))
            break;
        otlite_store_relaxed(&entry->used, 1); /* for statistics, which take no lock */
        return entry;
    }
    struct otlite_entry *entry = evict(region, table, size);
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
    uint32_t hash = hash_bytes(schema_url, schema_url_size, hash_bytes(bytes, size, 2166136261u));
    struct otlite_entry *entry = NULL;
    for (uint32_t i = 0; i < table.count && entry == NULL; i++) {
        struct otlite_entry *known = &table.entries[i];
        const uint8_t *stored = region->arena + known->offset;
        if (known->used && known->hash == hash && known->size == size &&
            known->schema_size == schema_url_size && memcmp(stored, bytes, size) == 0 &&
            (schema_url_size == 0 || memcmp(stored + size, schema_url, schema_url_size) == 0))
            entry = known;
    }
    if (entry == NULL) {
        uint32_t needed = (uint32_t)(size + schema_url_size);
        entry = find_entry(region, table, needed);
        if (entry == NULL)
            return OTLITE_TABLE_FULL;
        entry->hash = hash;
        entry->size = (uint32_t)size;
        entry->schema_size = (uint32_t)schema_url_size;
        memcpy(region->arena + entry->offset, bytes, size);
        if (schema_url_size != 0)
            memcpy(region->arena + entry->offset + size, schema_url, schema_url_size);
    }
    uint32_t generation = otlite_load_relaxed(&entry->generation) & HANDLE_INDEX;
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
    struct table table = {region->resources, region->resource_count, false};
    return enter_locked(region, table, bytes, size, schema_url, schema_url_size, handle);
}

enum otlite_status otlite_scope_register(struct otlite_region *region, const void *bytes,
                                         size_t size, const void *schema_url,
                                         size_t schema_url_size, uint32_t *handle)
{
    struct table table = {region->scopes, region->scope_count, true};
    return enter_locked(region, table, bytes, size, schema_url, schema_url_size, handle);
}
