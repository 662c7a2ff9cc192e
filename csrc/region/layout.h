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

/* Where a test's build may end the process: what is stored before a point is all that another finds. */
#ifdef OTLITE_KILL_POINTS
void otlite_kill_point(const char *name);
#define KILL_POINT(name) otlite_kill_point(name)
#else
#define KILL_POINT(name) ((void)0)
#endif

#define LAYOUT_MAGIC "OTLITE\x1a\x01"
enum { LAYOUT_VERSION = 2, LAYOUT_BYTE_ORDER = 0x01020304 };

enum signal { SIGNAL_SPANS = 0, SIGNALS = 8 };

enum section_type {
    SECTION_SLOTS = 1,
    SECTION_RESOURCES,
    SECTION_SCOPES,
    SECTION_OPEN_STATES,
    SECTION_OPEN,
    SECTION_ARENA,
    SECTION_WORK,
    SECTION_CHUNKS,
    SECTION_DATA,
    SECTIONS = 9
};

struct section {
    uint32_t type, offset, size, count; /* offset from the region's start, in bytes */
};

enum { ANCHORS = 64, RESOURCES_MIN = 8 /* as many lives of a process */, RESOURCES_MAX = 64 };

enum table_kind { TABLE_RESOURCES = 0, TABLE_SCOPES, TABLES };

struct otlite_header {
    /* Every version has these four here. */
    uint8_t magic[8];
    uint32_t version, byte_order, word_size;
    uint32_t durable; /* the records are sealed */
    uint32_t size;    /* of the region */
    uint32_t chunk_size;
    struct section sections[SECTIONS];
    uint32_t seal; /* of all above, stored last: none of it changes any more */

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
    uint32_t adopting;               /* an adoption began, and did not end */
    uint8_t boot_id[OTLITE_BOOT_ID]; /* of the boot that the anchors belong to */
    uint32_t anchor_seals[ANCHORS];
    uint64_t anchors[ANCHORS]; /* wall clock minus boot clock */
    /* Below: the snapshot's alone. */
    uint32_t seen_recorded, seen_exported, seen_rejected, seen_lost[OTLITE_LOSSES], seen_unanswered;
    uint32_t seen_open_missed, seen_open_cut;
    struct otlite_stats totals;
    /* Of open spans: apart from what each record looks at. */
    uint32_t open_hint; /* an entry that is likely to be free; NO_ENTRY: none was */
    uint32_t open_missed, open_cut;
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

/* A span that is open: its entry, and a word apart, so that looking for a free one is cheap. */
enum {
    OPEN_NAME = 76,
    OPEN_HAS_PARENT = 1,
    OPEN_EXPLICIT_TIME = 2,
    OPEN_NAME_CUT = 4,
    OPEN_AGAIN = 8, /* it took the place of another entry of this span */
    OPEN_BITS = 15
};

struct otlite_open_span {
    uint32_t seal; /* of all below, its place, and its scope and resource; 0: of none */
    uint32_t flags;
    uint64_t start;
    uint8_t trace_id[16], span_id[8], parent_span_id[8];
    uint8_t bits, kind, anchor, name_size;
    uint8_t name[OPEN_NAME];
};

/* Its state word: what the entry is, its scope and resource, and how often it was given away. */
enum {
    OPEN_FREE = 0,
    OPEN_FILLING, /* or being emptied */
    OPEN_WHOLE,
    OPEN_STATE = 3,
    OPEN_SCOPE_SHIFT = 2,
    OPEN_RESOURCE_SHIFT = 15,
    OPEN_GENERATION_SHIFT = 21
};

#define NO_ENTRY UINT32_MAX
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
    uint32_t next;      /* of a chained record */
    uint32_t used;      /* the writer's: bytes of records */
    uint32_t unchecked; /* adopted: its records' seals are looked at when they are batched */
    uint32_t unmoved;   /* adopted from another boot: no step of this one's clock was theirs */
    uint32_t watched;   /* somebody knows the place of one of its records */
    uint32_t reserved[4];
};

struct record_index {
    uint32_t end; /* of the record, from the chunk's start; of a chained record its whole size */
    uint16_t scope;
    uint8_t anchor;
    uint8_t flags;
    uint32_t seal; /* of a durable region */
};

enum { RECORD_EXPLICIT_TIME = 1, RECORD_CHAINED = 2, RECORD_FLAGS = 3 };

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

static inline uint32_t open_scope(uint32_t state)
{
    return state >> OPEN_SCOPE_SHIFT & HANDLE_INDEX;
}

static inline uint32_t open_resource(uint32_t state)
{
    return state >> OPEN_RESOURCE_SHIFT & (RESOURCES_MAX - 1);
}

static inline bool handle_valid(const struct otlite_entry *table, uint32_t count, uint32_t handle)
{
    uint32_t index = handle & HANDLE_INDEX;
    return index < count &&
           (otlite_load_seq(&table[index].generation) & HANDLE_GENERATION) == handle >> HANDLE_BITS;
}

/* region.c: where the sections lie, or would, in a region of `size` bytes that tells of so many open spans. */
void otlite_region_lay_out(struct otlite_header *header, uint32_t size, uint32_t open_spans);
/* region.c: fills the handle from the header. */
void otlite_region_attach(struct otlite_region *region, const void *memory);
/* region.c: whether what was recorded, and is being adopted, is of the boot that the options name. */
bool otlite_region_same_boot(const struct otlite_region *region);
/* region.c: after an adoption: none but what holds on this boot. */
void otlite_region_adopt_anchors(struct otlite_region *region);

/* seal.c: CRC-32C of the header's constant part. */
uint32_t otlite_header_seal(const struct otlite_header *header);
uint32_t otlite_anchor_seal(const struct otlite_header *header, uint32_t anchor);
/* seal.c: CRC-32C of the bytes of a record that begins at `start` of its chunk, and of all that says whose they are:
 * its index, its chunk's turn, the hashes of its scope and resource. What it reads lies within bounds already. */
uint32_t otlite_record_seal(const struct otlite_region *region, uint32_t chunk, uint32_t start,
                            const struct record_index *record);
/* seal.c: whether record number `record` of `committed` is as it was written; any bytes will do. */
bool otlite_record_whole(const struct otlite_region *region, uint32_t chunk, uint32_t record,
                         uint32_t committed);

/* seal.c: CRC-32C of an entry of the open spans, and of what its state word refers to; never 0. What it reads lies within bounds. */
uint32_t otlite_open_seal(const struct otlite_region *region, uint32_t index, uint32_t state);
/* seal.c: whether it is as it was written; any bytes will do. */
bool otlite_open_whole(const struct otlite_region *region, uint32_t index, uint32_t state);

/* The cursors of a chunk that somebody else's process left, in order and within bounds. */
struct cursors {
    uint32_t committed, offered, acked;
    uint32_t damaged; /* records that are there, but whose number is damaged: at least */
    bool kept;        /* what was committed is to be had */
};

/* seal.c */
struct cursors otlite_chunk_cursors(const struct otlite_region *region, uint32_t chunk);

/* table.c: whether the entry's bytes are those that were registered; any bytes will do. */
bool otlite_entry_whole(const struct otlite_region *region, const struct otlite_entry *entry);
/* table.c: after an adoption: entries that are not whole are given up, and nobody holds a handle. */
void otlite_tables_adopt(struct otlite_region *region);

/* A span that was open when its process died, and what it is made of. */
struct unfinished {
    struct otlite_span span;
    struct otlite_scratch scratch;
    _Alignas(8) uint8_t block[256];
    uint32_t resource, scope; /* indices */
};

/* open.c: sets in `found`, all zero before, a bit for each entry that such a span is to be had from: not for one whose
 * record is there, too. */
void otlite_open_find(const struct otlite_region *region, uint32_t *found, uint32_t *damaged);
/* open.c: the last moment that the region tells of, boot clock; 0: it does not. */
uint64_t otlite_open_last(const struct otlite_region *region, const uint32_t *found);
/* open.c: what was found at `index`, its end the `last` moment. */
void otlite_open_restore(const struct otlite_region *region, uint32_t index, uint64_t last,
                         struct unfinished *unfinished);
/* open.c: makes an entry that is not free a free one. */
void otlite_open_clear(struct otlite_region *region, uint32_t index);

/* chunk.c: records what is not counted as recorded, under indices instead of handles, by the first slot. NO_ROOM:
 * nothing was done, as it is to wait. */
enum otlite_status otlite_span_adopt(struct otlite_region *region, const struct otlite_span *span,
                                     uint32_t resource, uint32_t scope);
/* chunk.c: what it was doing is complete. */
void otlite_span_adopted(struct otlite_region *region);
/* chunk.c: makes a chunk that nobody else touches a free one. */
void otlite_chunk_clear(struct otlite_chunk *chunk);
/* chunk.c: gives a chunk back whose records are settled and that the caller owns by CHUNK_TAKEN. */
void otlite_chunk_free(struct otlite_region *region, uint32_t chunk);

/* chunk.c: holds a readable chunk by CHUNK_PINNED or CHUNK_SCANNED; false when it is not, or is held so already. */
bool otlite_chunk_hold(struct otlite_chunk *chunk, uint32_t hold, uint32_t *generation);
/* chunk.c: lets go; frees the chunk when nobody else holds it, it is complete and all of it is settled. */
void otlite_chunk_release(struct otlite_region *region, uint32_t chunk, uint32_t hold);

#endif
