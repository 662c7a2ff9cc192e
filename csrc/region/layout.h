/* layout.h - what lies where in a region: header, slots, tables, chunk descriptors, work area, chunks
 *
 * All that several threads touch is a 32-bit word, read and written through base/atomics.h alone. The rest
 * is written by the owner of the slot, of the table lock or of the collector lock, before a word that
 * publishes it.
 */
#ifndef OTLITE_REGION_LAYOUT_H
#define OTLITE_REGION_LAYOUT_H

#include <string.h>

#include "base/atomics.h"
#include "otlite.h"

#define LAYOUT_MAGIC "OTLITE\x1a\x01"
enum { LAYOUT_VERSION = 1, LAYOUT_BYTE_ORDER = 0x01020304 };

enum signal { SIGNAL_SPANS = 0, SIGNALS = 8 };

enum section_type {
    SECTION_SLOTS = 1,
    SECTION_RESOURCES,
    SECTION_SCOPES,
    SECTION_ARENA,
    SECTION_WORK,
    SECTION_CHUNKS,
    SECTION_DATA,
    SECTIONS = 7
};

struct section {
    uint32_t type, offset, size, count; /* offset from the region's start, in bytes */
};

enum { ANCHORS = 64 };

enum table_kind { TABLE_RESOURCES = 0, TABLE_SCOPES, TABLES };

struct otlite_header {
    uint8_t magic[8];
    uint32_t version, byte_order, word_size, chunk_size;
    struct section sections[SECTIONS];
    uint32_t sequence;    /* of the next chunk to be opened */
    uint32_t wake;        /* enum otlite_wake */
    uint32_t collecting;  /* collector lock */
    uint32_t registering; /* table lock */
    uint32_t free_hint;   /* no chunk below it is likely to be free */
    uint32_t anchor;      /* the current one */
    uint32_t arena_used;
    uint32_t batch; /* the collector's: number of the last batch */
    uint32_t batch_pinned;
    uint32_t next_victim[TABLES]; /* the table lock's: where eviction looks first */
    uint32_t condemned[TABLES]; /* the table lock's: index + 1 of an entry that is being evicted */
    uint32_t unslotted;         /* records lost before they had a slot */
    uint32_t exported, rejected;
    uint32_t lost[OTLITE_LOSSES];
    uint32_t unanswered;
    uint64_t anchors[ANCHORS]; /* wall clock minus boot clock */
    /* Below: the snapshot's alone. */
    uint32_t seen_recorded, seen_exported, seen_rejected, seen_lost[OTLITE_LOSSES], seen_unanswered;
    struct otlite_stats totals;
};

/* What a writer borrows for one record. */
struct otlite_slot {
    uint32_t turn; /* odd: borrowed */
    uint32_t recorded;
    uint32_t chunk[SIGNALS];    /* the one it fills; NO_CHUNK before the first */
    uint32_t turn_seen[TABLES]; /* the table lock's: when an entry was condemned */
    uint32_t reserved[4];
};

/* A resource or a scope. Its bytes and then its schema URL's lie in the arena. */
struct otlite_entry {
    uint32_t generation; /* of the handle that is valid */
    uint32_t offset, capacity;
    uint32_t size, schema_size;
    uint32_t hash;
    uint32_t marked; /* found in use by a scan; the table lock's */
    uint32_t used;
};

#define NO_CHUNK UINT32_MAX

/* A chunk's state word: what it is, who keeps it from being given away (a batch; the table lock's holder, while
 * it reads which entries are in use), and how often it was given away. */
enum {
    CHUNK_FREE = 0,
    CHUNK_TAKEN,
    CHUNK_WRITING,
    CHUNK_COMPLETE,
    CHUNK_LINK,
    CHUNK_STATE = 7,
    CHUNK_PINNED = 8,
    CHUNK_SCANNED = 16,
    CHUNK_HELD = CHUNK_PINNED | CHUNK_SCANNED,
    CHUNK_GENERATION = 32
};

struct otlite_chunk {
    uint32_t state;
    uint32_t committed; /* records that may be read; committed >= offered >= acked */
    uint32_t offered;
    uint32_t acked;
    uint32_t sequence;
    uint32_t signal;
    uint32_t resource;
    uint32_t next; /* of a chained record */
    uint32_t used; /* the writer's: bytes of records */
    uint32_t reserved[7];
};

struct record_index {
    uint32_t end; /* of the record, from the chunk's start; of a chained record its whole size */
    uint16_t scope;
    uint8_t anchor;
    uint8_t flags;
    uint32_t crc; /* of a file-backed region */
};

enum { RECORD_EXPLICIT_TIME = 1, RECORD_CHAINED = 2 };

static inline uint8_t *chunk_data(const struct otlite_region *region, uint32_t chunk)
{
    return region->data + (size_t)chunk * region->chunk_size;
}

static inline struct record_index *chunk_index(const struct otlite_region *region, uint32_t chunk,
                                               uint32_t record)
{
    uint8_t *end = chunk_data(region, chunk) + region->chunk_size;
    return (struct record_index *)(void *)end - 1 - record;
}

static inline bool chunk_is(uint32_t state, uint32_t what)
{
    return (state & CHUNK_STATE) == what;
}

static inline bool chunk_readable(uint32_t state)
{
    return chunk_is(state, CHUNK_WRITING) || chunk_is(state, CHUNK_COMPLETE);
}

/* A handle is an index and the generation that makes it valid. Victims take turns, so that a generation comes
 * again only after 2^19 times as many new entries as the table has. */
enum {
    HANDLE_BITS = 13,
    HANDLE_INDEX = (1 << HANDLE_BITS) - 1,
    HANDLE_GENERATION = (1 << (32 - HANDLE_BITS)) - 1
};

static inline bool handle_valid(const struct otlite_entry *table, uint32_t count, uint32_t handle)
{
    uint32_t index = handle & HANDLE_INDEX;
    return index < count &&
           (otlite_load_seq(&table[index].generation) & HANDLE_GENERATION) == handle >> HANDLE_BITS;
}

/* chunk.c: gives a chunk back whose records are settled and that the caller owns by CHUNK_TAKEN. */
void otlite_chunk_free(struct otlite_region *region, uint32_t chunk);

/* chunk.c: holds a readable chunk by CHUNK_PINNED or CHUNK_SCANNED; false when it is not, or is held so already. */
bool otlite_chunk_hold(struct otlite_chunk *chunk, uint32_t hold, uint32_t *generation);
/* chunk.c: lets go; frees the chunk when nobody else holds it, it is complete and all of it is settled. */
void otlite_chunk_release(struct otlite_region *region, uint32_t chunk, uint32_t hold);

#endif
