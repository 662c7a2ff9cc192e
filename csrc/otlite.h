/* otlite.h - record OpenTelemetry spans into one fixed block of memory, as OTLP bytes.
 *
 * What it does: encodes each ended span once, as OTLP protobuf, straight into chunks of a block of memory
 * that the caller gives; hands runs of those bytes out as the body of an ExportTraceServiceRequest; frees
 * them when the caller says that the receiver has acknowledged them.
 *
 * What it does not do: it never allocates, prints, aborts, reads the environment or starts a thread. Only
 * csrc/port talks to the operating system, and only where a call below says so.
 *
 * The simplest use (csrc/example/record.c is this, whole):
 *
 *     otlite_kernels_select(NULL); // this machine's best; scalar without it
 *     otlite_region_init(&region, memory, size, &options);
 *     otlite_resource_register(&region, resource_bytes, resource_size, NULL, 0, &resource);
 *     otlite_scope_register(&region, scope_bytes, scope_size, NULL, 0, &scope);
 *     otlite_scratch_init(&scratch, block, sizeof block);
 *     otlite_scratch_attribute(&scratch, hash, key, &value, OTLITE_NO_LIMIT);
 *     otlite_span_record(&region, &span, resource, scope);
 *     while (otlite_batch_collect(&region, &limits, &batch) == OTLITE_OK) { send; otlite_batch_acknowledge(...); }
 *
 * Threads: any number may record at once; one at a time may collect and settle batches; tables may be
 * changed from any thread. A scratch, an id generator, ticks, a line of JSON and an HTTP answer belong to one thread
 * at a time.
 */
#ifndef OTLITE_H
#define OTLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OTLITE_CHECKED __attribute__((warn_unused_result))
#else
#define OTLITE_CHECKED
#endif

/* ---- Status ------------------------------------------------------------------------------------------ */

enum otlite_status {
    OTLITE_OK = 0,
    OTLITE_EMPTY,      /* nothing to collect */
    OTLITE_NO_ROOM,    /* the caller's buffer is too small; nothing was changed */
    OTLITE_DROPPED,    /* the record was not kept; the reason is counted */
    OTLITE_STALE,      /* a handle whose table entry was given to another; register again */
    OTLITE_TABLE_FULL, /* no table entry is free */
    OTLITE_GONE,       /* a chunk of the batch was overwritten meanwhile; collect anew */
    OTLITE_BUSY,       /* another thread is collecting, or a batch is out */
    OTLITE_INVALID,    /* an argument out of range */
    OTLITE_FOREIGN,    /* no region that outlives its process, but something else */
    OTLITE_VERSION,    /* a region of another version, byte order or word size */
    OTLITE_DAMAGED,    /* a region whose header is not what was written */
    OTLITE_TRUNCATED,  /* a region that was longer */
    OTLITE_MALFORMED,  /* the peer's bytes are not what the protocol says */
    OTLITE_HTTP2,      /* the peer speaks HTTP/2, as gRPC does */
    OTLITE_TIMEOUT,
    OTLITE_CLOSED, /* the peer closed before the answer was whole */
    OTLITE_SYSTEM, /* the operating system refused; errno tells */
};

/* The name of a status, for messages: "no room". Never NULL. */
const char *otlite_status_text(enum otlite_status status);

/* ---- Text -------------------------------------------------------------------------------------------- */

enum otlite_text_kind {
    OTLITE_TEXT_UTF8 = 0, /* valid UTF-8 (ASCII included), copied as it is; length in bytes */
    OTLITE_TEXT_LATIN1,   /* one byte a code point */
    OTLITE_TEXT_UCS2,     /* two bytes a code point, native order; each surrogate becomes U+FFFD */
    OTLITE_TEXT_UCS4,     /* four bytes a code point */
    OTLITE_TEXT_CHARS,    /* bytes of unknown origin: each invalid UTF-8 sequence becomes U+FFFD */
};

/* No text and no bytes are longer than this, in code units: sizes stay below 2^32. */
#define OTLITE_TEXT_MAX (1u << 28)

struct otlite_text {
    const void *data;
    uint32_t length; /* in code units of its kind, at most OTLITE_TEXT_MAX */
    uint32_t kind;   /* enum otlite_text_kind */
};

/* ---- CPU kernels: which implementation runs (cpu/kernels.h has the table itself) ----------------------- */

/* Chooses the table by name, or the best one for NULL. Call before other threads use the library.
 * 0: chosen. 1: known, but this machine lacks it; the best below was chosen. -1: unknown; nothing changed. */
int otlite_kernels_select(const char *name);

/* The name of the table in use: "scalar", "crc", "avx2", "avx512", "neon". */
const char *otlite_kernels_name(void);

/* Which table runs and why, as text: `table NAME REASON`, then a line `KERNEL TABLE REASON` for each kernel, as one
 * that a table lacks is the next one's. Returns the length; the text, ended by a NUL, is cut to `size`. */
size_t otlite_cpu_describe(char *dst, size_t size);

/* ---- Time -------------------------------------------------------------------------------------------- */

/* The boot clock for who reads it often: the processor's counter, where the system trusts that too, else the
 * clock itself. Never backwards, but when that is by over 1 ms. Within 1 us of it while its rate holds; when that
 * changes, within 1 ms of the change times that. All zero, it is the clock itself. */
struct otlite_ticks {
    uint64_t tick, ns; /* read together */
    uint64_t rate;     /* ns a tick, times 2^32 */
    uint64_t reach;    /* ticks after `tick` for which the rate will do; 0: it is not known */
    uint64_t base_tick, base_ns;
    uint64_t floor;  /* what was told already, at most */
    uint32_t strays; /* times in a row that the clock was found elsewhere */
    bool trusted;
};

void otlite_ticks_init(struct otlite_ticks *ticks);
/* ns since boot, as otlite_clock_boot. */
uint64_t otlite_ticks_boot(struct otlite_ticks *ticks);

/* ---- Identifiers ------------------------------------------------------------------------------------- */

/* Seeded from the operating system at first use, after `otlite_ids_reset`, and again each second of use. */
struct otlite_ids {
    uint64_t state[4];
    uint64_t reseed_at; /* boot clock, ns; 0: unseeded */
    uint32_t from_os;   /* draw each identifier from the operating system */
    uint32_t failures;  /* draws that the system refused: the generator stood in */
};

void otlite_ids_init(struct otlite_ids *ids, bool from_os);
void otlite_ids_reset(struct otlite_ids *ids);
/* Fills a trace id (16 bytes) and/or a span id (8 bytes), never all zero; either pointer may be NULL.
 * `now` is the boot clock. Not for secrets: xoshiro256++ unless `from_os`. */
void otlite_ids_next(struct otlite_ids *ids, uint64_t now, uint8_t *trace_id, uint8_t *span_id);

/* ---- Scratch: what is recorded of a live span ---------------------------------------------------------- */

#define OTLITE_NO_LIMIT UINT32_MAX

enum otlite_list { OTLITE_ATTRIBUTES = 0, OTLITE_EVENTS, OTLITE_LINKS, OTLITE_LISTS };

/* One block of the caller's memory: encoded fields of Span grow up from its start, an index of them down
 * from its end. Setting a key again replaces it and moves it to the end, as the specification's map does. */
struct otlite_scratch {
    uint8_t *block;
    uint32_t size;
    uint32_t used;                  /* bytes of fields, replaced ones included */
    uint32_t fields;                /* in the index, replaced ones included */
    uint32_t live[OTLITE_LISTS];    /* fields that will be sent */
    uint32_t dropped[OTLITE_LISTS]; /* fields evicted or refused, as OTLP counts them */
    uint32_t sent_bytes;            /* bytes of the live fields */
    uint64_t seen;                  /* a filter over the hashes of attribute keys */
    uint8_t tags[16];               /* a hash byte of each of the first entries: tag16_match */
};

enum otlite_value_type {
    OTLITE_NONE = 0,
    OTLITE_BOOL,
    OTLITE_INT,
    OTLITE_DOUBLE,
    OTLITE_TEXT,
    OTLITE_BYTES
};

struct otlite_value {
    uint32_t type; /* enum otlite_value_type */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct otlite_text text;
        struct {
            const void *data;
            uint32_t length;
        } bytes;
    } as;
};

void otlite_scratch_init(struct otlite_scratch *scratch, void *block, uint32_t size);

/* Moves what is recorded to a larger block, dropping replaced fields. NO_ROOM if it does not fit. */
OTLITE_CHECKED enum otlite_status otlite_scratch_move(struct otlite_scratch *scratch, void *block,
                                                      uint32_t size);

/* Sets an attribute of the span. `hash` is any hash of the key, the same for the same key. At `limit`
 * attributes the oldest is evicted and counted (as the stock SDK does); at limit 0 the new one is counted.
 * NO_ROOM: move to a larger block and call again. */
OTLITE_CHECKED enum otlite_status otlite_scratch_attribute(struct otlite_scratch *scratch,
                                                           uint64_t hash, struct otlite_text key,
                                                           const struct otlite_value *value,
                                                           uint32_t limit);

/* Takes an attribute away, if it is there; `key` is OTLITE_TEXT_UTF8. */
void otlite_scratch_remove(struct otlite_scratch *scratch, uint64_t hash, struct otlite_text key);

/* A field composed by hand: nested values, events, links. Calls between begin and end write it; when one ran
 * out of room, `end` says NO_ROOM and leaves the scratch as it was before `begin`. */
struct otlite_composer {
    struct otlite_scratch *scratch;
    uint8_t *at;
    uint8_t *limit;
    uint32_t list;
    uint32_t key_at, key_size; /* of an attribute: where its key lies in the field */
    bool overflow;
};

/* Messages that open within the field. */
enum otlite_message {
    OTLITE_EVENT_ATTRIBUTE, /* Event.attributes */
    OTLITE_LINK_ATTRIBUTE,  /* Link.attributes */
    OTLITE_KEY_VALUE,       /* KeyValue.value */
    OTLITE_ARRAY,           /* AnyValue.array_value */
    OTLITE_MAP,             /* AnyValue.kvlist_value */
    OTLITE_ITEM,            /* ArrayValue.values, KeyValueList.values */
};

void otlite_compose_begin(struct otlite_composer *composer, struct otlite_scratch *scratch,
                          enum otlite_list list);
/* KeyValue.key. */
void otlite_compose_key(struct otlite_composer *composer, struct otlite_text key);
void otlite_compose_event(struct otlite_composer *composer, struct otlite_text name, uint64_t time);
void otlite_compose_link(struct otlite_composer *composer, const uint8_t trace_id[16],
                         const uint8_t span_id[8]);
/* After its attributes: what Event and Link count as dropped, and Link's flags (0 for an event). */
void otlite_compose_tail(struct otlite_composer *composer, uint32_t dropped_attributes,
                         uint32_t flags);
/* Returns the mark that its close takes. */
size_t otlite_compose_open(struct otlite_composer *composer, enum otlite_message message);
void otlite_compose_close(struct otlite_composer *composer, size_t mark);
/* Of AnyValue. */
void otlite_compose_scalar(struct otlite_composer *composer, const struct otlite_value *value);
OTLITE_CHECKED enum otlite_status otlite_compose_end(struct otlite_composer *composer,
                                                     uint64_t hash, uint32_t limit);

/* Reads fields back, in the order in which they will be sent. `index` counts live fields of the list.
 * The bytes are the field's message: KeyValue, Event or Link, without tag and length. */
bool otlite_scratch_field(const struct otlite_scratch *scratch, enum otlite_list list,
                          uint32_t index, const uint8_t **data, uint32_t *size);

/* Writes a list's live fields, as Span holds them, to dst, which has room for sent_bytes. Returns the bytes
 * written. */
size_t otlite_scratch_encode(const struct otlite_scratch *scratch, enum otlite_list list,
                             uint8_t *dst);

/* ---- Encoding ---------------------------------------------------------------------------------------- */

/* Every length is minimal: the bytes are canonical protobuf, fields in the order of their numbers. */

struct otlite_span {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_span_id[8];
    bool has_parent;
    bool explicit_time;  /* one of its times was given: none is corrected for clock steps */
    uint8_t kind;        /* 0..4 as in the API: internal, server, client, producer, consumer */
    uint8_t status;      /* 0..2: unset, ok, error */
    uint8_t anchor;      /* the clock anchor of its times (otlite_region_clock) */
    uint32_t open;       /* its entry of the table of open spans; 0: none */
    uint32_t flags;      /* OTLP SpanFlags */
    uint64_t start, end; /* ns since 1970 */
    struct otlite_text name;
    struct otlite_text trace_state; /* the header's form: a=1,b=2 */
    struct otlite_text status_message;
    const struct otlite_scratch *scratch; /* NULL: no attributes, events, links */
    struct otlite_place
        *place; /* filled as it is recorded; NULL: nobody will ask what became of it */
};

/* An upper bound of what otlite_span_encode writes. */
size_t otlite_span_encode_bound(const struct otlite_span *span);
/* Writes ScopeSpans.spans (tag, length, Span) to dst, which has room for the bound. Returns the bytes written. */
size_t otlite_span_encode(uint8_t *dst, const struct otlite_span *span);

/* Resource and scope, as register takes them: the field of ResourceSpans and of ScopeSpans, which all signals
 * share. `attributes` is a scratch with attributes only, or NULL. Each writes at most its bound. */
size_t otlite_resource_encode_bound(const struct otlite_scratch *attributes);
size_t otlite_resource_encode(uint8_t *dst, const struct otlite_scratch *attributes);
size_t otlite_scope_encode_bound(struct otlite_text name, struct otlite_text version,
                                 const struct otlite_scratch *attributes);
size_t otlite_scope_encode(uint8_t *dst, struct otlite_text name, struct otlite_text version,
                           const struct otlite_scratch *attributes);

/* ---- Region ------------------------------------------------------------------------------------------ */

#define OTLITE_REGION_MIN (64u * 1024u)
#define OTLITE_REGION_MAX (1u << 30)

enum otlite_loss {
    OTLITE_LOSS_OVERWRITTEN = 0,      /* the region was full: the oldest made room */
    OTLITE_LOSS_FULL,                 /* the region was full, and drops the newest */
    OTLITE_LOSS_TOO_LARGE,            /* over otlite_region_record_max */
    OTLITE_LOSS_TABLE_FULL,           /* no room for one more resource or scope */
    OTLITE_LOSS_REENTERED,            /* every writer slot was busy */
    OTLITE_LOSS_NO_MEMORY,            /* the caller had no memory to encode it */
    OTLITE_LOSS_REFUSED,              /* the receiver refused the request for good */
    OTLITE_LOSS_SHUTDOWN,             /* still unsent when the caller gave up */
    OTLITE_LOSS_UNSUPPORTED_PROTOCOL, /* the receiver speaks another */
    OTLITE_LOSS_DAMAGED,              /* adopted, but its bytes are not what was recorded */
    OTLITE_LOSSES
};

/* The name of a reason, as statistics show it: "overwritten". NULL out of range. */
const char *otlite_loss_text(enum otlite_loss loss);

enum otlite_on_full { OTLITE_OVERWRITE_OLDEST = 0, OTLITE_DROP_NEWEST };

#define OTLITE_BOOT_ID 16
#define OTLITE_OPEN_MAX 4096

struct otlite_region_options {
    uint32_t on_full;            /* enum otlite_on_full */
    void (*wake)(void *context); /* from a recording thread: the collector should look */
    void *context;
    /* The memory outlives the process, as a shared file's does: each record is sealed by a CRC-32C. */
    bool durable;
    /* Of a durable region: for so many spans it is told while they are open, and at most one for each 4 KiB of it,
     * nor more than OTLITE_OPEN_MAX. 0: no table of them. */
    uint32_t open_spans;
    /* Of one that is adopted to be emptied, with on_full DROP_NEWEST: spans that were open and find no room stay in their
     * table, for otlite_open_adopt. */
    bool open_wait;
    /* Any name of this boot, by which another process knows whether the clock anchors hold; all zero: unknown. */
    uint8_t boot_id[OTLITE_BOOT_ID];
};

/* The caller's handle on a region. Private, but for its size. */
struct otlite_region {
    uint8_t *base;
    struct otlite_header *header;
    struct otlite_chunk *chunks;
    struct otlite_slot *slots;
    struct otlite_entry *resources;
    struct otlite_entry *scopes;
    uint32_t *open_states;
    struct otlite_open_span *open;
    uint8_t *arena;
    uint8_t *work; /* what collecting needs */
    uint8_t *data;
    uint32_t chunk_size, chunk_count, slot_count;
    uint32_t resource_count, scope_count, open_count, arena_size, work_size;
    uint64_t open_last; /* moment that the dead process told of, boot clock */
    struct otlite_region_options options;
};

/* Lays a region out in memory (64-byte aligned, zeroed or not), OTLITE_REGION_MIN to _MAX bytes. Who dies in it leaves
 * nothing that otlite_region_check calls a region. */
OTLITE_CHECKED enum otlite_status otlite_region_init(struct otlite_region *region, void *memory,
                                                     size_t size,
                                                     const struct otlite_region_options *options);

/* The largest record that a region keeps, in bytes. */
size_t otlite_region_record_max(const struct otlite_region *region);
/* The largest record that fits a chunk: larger ones need otlite_region_append. */
size_t otlite_region_inline_max(const struct otlite_region *region);

/* Tables. The bytes are copied; the same bytes give the same handle. A scope's and a resource's bytes come
 * from otlite_scope_encode and otlite_resource_encode; schema URLs are UTF-8, empty for none. An entry that
 * no record refers to may be given to another: recording under its old handle says STALE. */
OTLITE_CHECKED enum otlite_status otlite_resource_register(struct otlite_region *region,
                                                           const void *bytes, size_t size,
                                                           const void *schema_url,
                                                           size_t schema_url_size,
                                                           uint32_t *handle);
OTLITE_CHECKED enum otlite_status otlite_scope_register(struct otlite_region *region,
                                                        const void *bytes, size_t size,
                                                        const void *schema_url,
                                                        size_t schema_url_size, uint32_t *handle);

/* The wall time of the boot clock `boot` under the current anchor, whose number goes to `anchor`. Times taken
 * with one anchor run backwards only if the boot clock does. All in ns. */
uint64_t otlite_region_clock(const struct otlite_region *region, uint64_t boot, uint8_t *anchor);
/* The wall time of the boot clock `boot` under an earlier anchor. */
uint64_t otlite_region_clock_at(const struct otlite_region *region, uint64_t boot, uint8_t anchor);
/* Takes a new anchor when the wall clock has moved by over `tolerance` ns. True when it did. An anchor's number
 * is used again after 64 new ones. From the thread that collects batches: they correct what is over a second off
 * the newest anchor. */
bool otlite_region_reanchor(struct otlite_region *region, uint64_t tolerance);

/* Records a span. OK; DROPPED (counted); STALE; NO_ROOM: over inline_max, encode it yourself and append it. OK and
 * DROPPED end its entry among the open spans. */
OTLITE_CHECKED enum otlite_status otlite_span_record(struct otlite_region *region,
                                                     const struct otlite_span *span,
                                                     uint32_t resource, uint32_t scope);
/* Where a record lies. Who keeps one can learn what becomes of its record: until it is settled, by each batch that is
 * about to be; if its chunk is another's by then, it was overwritten. */
struct otlite_place {
    uint32_t chunk, generation,
        record;            /* chunk: UINT32_MAX, as the caller sets it, of what is not recorded */
    enum otlite_loss loss; /* why, when it was DROPPED */
};

/* Whether the record may still be sent: false once its chunk was given to others. What was settled, as a batch, is known
 * from otlite_batch_watched, and not from here. */
bool otlite_place_kept(const struct otlite_region *region, const struct otlite_place *place);
/* Nobody will ask after any record of its chunk; a later one that has a place says again that somebody does. Not beside
 * a recording of one that has: the caller, who alone knows of all places, sees to it. */
void otlite_place_leave(struct otlite_region *region, const struct otlite_place *place);

/* Records bytes that otlite_span_encode wrote, in a chain of chunks where they need one. */
OTLITE_CHECKED enum otlite_status otlite_region_append(struct otlite_region *region,
                                                       const void *bytes, size_t size,
                                                       uint32_t resource, uint32_t scope,
                                                       uint8_t anchor, bool explicit_time);
/* The same for a span, which says its anchor, whether a time was given, and its entry among the open ones: that
 * ends. */
OTLITE_CHECKED enum otlite_status otlite_span_append(struct otlite_region *region,
                                                     const struct otlite_span *span,
                                                     const void *bytes, size_t size,
                                                     uint32_t resource, uint32_t scope);
/* Counts a record that the caller could not make. */
void otlite_region_lost(struct otlite_region *region, enum otlite_loss loss);

struct otlite_stats {
    uint64_t recorded; /* ended, kept or not */
    uint64_t adopted;  /* left by a process that died, and taken over */
    uint64_t exported; /* acknowledged */
    uint64_t rejected; /* acknowledged, but refused by the receiver (partial success) */
    uint64_t dropped[OTLITE_LOSSES];
    uint64_t
        unanswered; /* of those dropped, at most so many were offered without an answer for good: the receiver may have them */
    uint64_t pending;     /* recorded + adopted - exported - rejected - dropped */
    uint64_t open_missed; /* spans that found no entry among the open ones, recorded or not */
    uint64_t open_cut;    /* open spans whose names were too long for their entry */
    uint32_t chunks, chunks_used, scopes, scopes_used, open_spans, open_used;
};

/* A snapshot. Callers serialise; call it at least once every 2^32 records. */
void otlite_region_stats(struct otlite_region *region, struct otlite_stats *stats);
/* Counts unacknowledged records chunk by chunk: what `pending` must equal when no thread is recording. */
uint64_t otlite_region_count(const struct otlite_region *region);

/* ---- Open spans: what a process that is killed was about ------------------------------------------------ */

/* Tells a durable region's successors of a span that has begun: of its identifiers, kind, flags, start and name, which
 * is cut to 76 bytes of UTF-8 at most. `span->open` becomes its entry; where it has one, this one takes its place (a
 * new name). Who is killed at any moment leaves it whole or not at all. It keeps resource and scope registered.
 * OK, also without a table, and then `open` is left; TABLE_FULL: no entry is free (counted open_missed); STALE. After
 * the last two an entry that it has stays, under the old name. */
OTLITE_CHECKED enum otlite_status otlite_open_begin(struct otlite_region *region,
                                                    struct otlite_span *span, uint32_t resource,
                                                    uint32_t scope);
/* Ends an entry of a span that is not to be recorded: those that are end with their record, in such an order that
 * recovery finds one of both. 0 is let be, and so is one that has ended, until its place was taken 2048 times. Never
 * after a fork, in the child. */
void otlite_open_end(struct otlite_region *region, uint32_t open);
/* Counts a span, as open_missed, that the caller could register no scope for. */
void otlite_open_lost(struct otlite_region *region);
/* Makes records of those that waited for room (open_wait), as many as find some: all, once nothing else is pending.
 * Returns how many; they count as adopted from here on. Of the collector, while nobody records. */
uint32_t otlite_open_adopt(struct otlite_region *region);

/* Waiting for records: says what should call `wake`. ANY: the next record. CHUNK: the next filled chunk.
 * Returns true when there is something to collect already (then nothing is armed). */
enum otlite_wake { OTLITE_WAKE_NEVER = 0, OTLITE_WAKE_CHUNK, OTLITE_WAKE_ANY };
bool otlite_region_arm(struct otlite_region *region, enum otlite_wake wake);

/* ---- Batch: committed records, grouped, as the body of one request -------------------------------------- */

struct otlite_segment {
    const void *data; /* as struct iovec */
    size_t size;
};

struct otlite_batch_limits {
    uint32_t max_bytes;   /* of the body; one larger record goes alone */
    uint32_t max_records; /* 0: no limit */
    bool gather; /* one segment (TLS, compression) where the work area has room for the body */
};

struct otlite_batch {
    const struct otlite_segment *segments;
    uint32_t segment_count;
    uint32_t records;
    size_t size;   /* of the body, all segments together */
    size_t copied; /* of these, bytes that were gathered by copy */
    /* private */
    uint32_t item_count;
    uint32_t number;
    uint32_t anchor;
    bool pinned;
};

/* Collects the oldest committed records of one resource; their chunks stay pinned until the batch is settled or
 * released. OK, EMPTY, or BUSY: another thread is collecting, or a batch is pinned. The segments point into the
 * region. A span that began over a second off the present anchor has start, end and events moved to it, in a
 * copy; not one of whose times one was given, nor one that the work area (an eighth of the region) cannot hold. */
OTLITE_CHECKED enum otlite_status otlite_batch_collect(struct otlite_region *region,
                                                       const struct otlite_batch_limits *limits,
                                                       struct otlite_batch *batch);
/* The next part of a pinned batch, from number `*next` on, in whose chunk somebody knows the place of a record: the chunk,
 * its generation, and which of its records are in the batch. False: there is no other. Whoever gives places away asks
 * this before each acknowledge and drop, and cannot miss a record whose place was known as it was committed. */
struct otlite_part {
    uint32_t chunk, generation, from, to; /* records [from, to) */
};
bool otlite_batch_watched(const struct otlite_region *region, const struct otlite_batch *batch,
                          uint32_t *next, struct otlite_part *part);
/* Notes that the batch is about to leave: recovery can tell what may have arrived. */
void otlite_batch_offer(struct otlite_region *region, const struct otlite_batch *batch);
/* The receiver answered for good: `rejected` of the records were refused, the rest is exported. Frees. */
void otlite_batch_acknowledge(struct otlite_region *region, struct otlite_batch *batch,
                              uint32_t rejected);
/* The records are given up for `loss`. `answered`: each offer of them was, so that the receiver has none. Frees. */
void otlite_batch_drop(struct otlite_region *region, struct otlite_batch *batch,
                       enum otlite_loss loss, bool answered);
/* Unpins, so that a full region may overwrite the records while the caller backs off. */
void otlite_batch_release(struct otlite_region *region, struct otlite_batch *batch);
/* Pins a released batch again. GONE: some of it was overwritten, or meanwhile another batch was collected or a
 * new anchor taken. */
OTLITE_CHECKED enum otlite_status otlite_batch_repin(struct otlite_region *region,
                                                     struct otlite_batch *batch);

/* ---- JSON ---------------------------------------------------------------------------------------------- */

/* A request's body as OTLP/JSON, on one line without its end: identifiers in hexadecimal, enums as integers, 64-bit
 * integers as strings, other bytes in base64, doubles as short as reads back the same, each byte that begins no
 * valid UTF-8 as U+FFFD. What is the default is left out, and so are fields that OTLP 1.11 does not have.
 *
 *     otlite_json_begin(&json, batch.segments, batch.segment_count);
 *     while ((status = otlite_json_next(&json, buffer, sizeof buffer, &written)) == OTLITE_OK) write it;
 *     // EMPTY: the line is whole
 */
#define OTLITE_JSON_ROOM 64   /* the least room to write to */
#define OTLITE_JSON_DEPTH 100 /* messages within each other, protobuf's own limit */

struct otlite_json_frame {
    size_t end;
    uint32_t seen; /* a bit a field */
    uint8_t message, list;
};

/* Private. It refers to the segments, which stay as they are until the line is whole. */
struct otlite_json {
    const struct otlite_segment *segments; /* that are still to come */
    size_t segment_count;
    const uint8_t *at, *limit; /* of the present one */
    size_t limit_at;           /* where `limit` lies in the body */
    size_t text;               /* bytes left of a string */
    size_t valid;              /* of these, bytes that are known to be UTF-8 */
    uint32_t form, depth, status;
    uint8_t joined[64]; /* bytes from both sides of the segment's end */
    struct otlite_json_frame frames[OTLITE_JSON_DEPTH];
};

/* `segments`, in order, are the body of an ExportTraceServiceRequest; they may part it anywhere. */
void otlite_json_begin(struct otlite_json *json, const struct otlite_segment *segments,
                       size_t count);
/* Writes as much of the line as there is room for, but for up to OTLITE_JSON_ROOM bytes. OK: more may follow.
 * EMPTY: there is no more. INVALID: `size` is below OTLITE_JSON_ROOM. MALFORMED: the body is not a request, nests
 * deeper than OTLITE_JSON_DEPTH, or has a field twice, two values in one, or a repeated field in two places, which
 * no encoder writes; what was written before is to be thrown away. */
OTLITE_CHECKED enum otlite_status otlite_json_next(struct otlite_json *json, void *dst, size_t size,
                                                   size_t *written);

/* ---- Recovery: what a process left that died ------------------------------------------------------------ */

/* A durable region in memory that outlives its process (MAP_SHARED) is whole after each store: whenever the process is
 * killed, what was recorded is there, and nothing is there by half. The caller sees to it that its process is dead:
 * nothing else touches the memory during these calls. They survive any bytes, and read none beyond `size`. */

/* What these bytes are: OK, or FOREIGN, VERSION, DAMAGED, TRUNCATED; INVALID: not 64-byte aligned. */
OTLITE_CHECKED enum otlite_status otlite_region_check(const void *memory, size_t size);
/* For how many open spans it has a table; 0 where it is no region. */
uint32_t otlite_region_open_spans(const void *memory, size_t size);

struct otlite_adoption {
    uint64_t records;    /* that will be sent, those that are found damaged by then aside */
    uint64_t offered;    /* of these, may have arrived already */
    uint64_t damaged;    /* known to be: counted so */
    uint64_t unfinished; /* spans that were open, and are records now, if they found room */
};

/* Takes a dead process's region over where it lies, which is INVALID unless the options say durable; else as check.
 * Its unacknowledged records are pending again, under their own resource; those that are not what was recorded are
 * counted `damaged`, at the latest when they would be sent. Its tables stay: register anew. Its counters begin
 * anew. Times that were taken on another boot stay as they are, whatever steps the clock of this one makes. A process
 * that dies meanwhile leaves a region that can be adopted. Bounded by chunks and table entries, not by bytes of
 * records: of those it reads the last ones of a few chunks, where spans were open. `adoption` may be NULL.
 *
 * Spans that were open become records of status ERROR, with the attribute `otlp_lite.unfinished` = true, and
 * `otlp_lite.name_cut` = true where that is so; they take the room that newer records would (or wait: open_wait), and count as adopted.
 * Their end is the last moment that the region tells of (the latest start of such a span, or end of what was last
 * recorded in some chunk), and no earlier than their start. A table keeps its size, whatever the options say. */
OTLITE_CHECKED enum otlite_status otlite_region_adopt(struct otlite_region *region, void *memory,
                                                      size_t size,
                                                      const struct otlite_region_options *options,
                                                      struct otlite_adoption *adoption);

/* The same without writing: the records of an image, in order of their chunks. */
struct otlite_image {
    uint64_t damaged; /* found so far, and passed over */
    /* private */
    struct otlite_region region;
    uint64_t age; /* of the chunk; the next one is younger */
    uint32_t chunk, record, checked_resource, checked_scope;
    uint64_t last; /* that the region tells of, boot clock */
    uint32_t open; /* the next entry */
    uint32_t unfinished[OTLITE_OPEN_MAX / 32];
    uint8_t bytes[512]; /* of the present one */
};

enum otlite_fate { OTLITE_PENDING = 0, OTLITE_OFFERED /* may have arrived */, OTLITE_ACKNOWLEDGED };

struct otlite_found {
    struct otlite_segment resource, resource_schema, scope, scope_schema; /* as registered */
    size_t size;
    uint64_t wall_offset; /* wall minus boot clock, by the anchor of its times; 0: not known */
    enum otlite_fate fate;
    bool explicit_time;
    bool unfinished; /* a span that was open; after all others */
    /* private */
    uint32_t chunk, start;
};

OTLITE_CHECKED enum otlite_status otlite_image_open(struct otlite_image *image, const void *memory,
                                                    size_t size);
/* The next whole record; false after the last. */
bool otlite_image_next(struct otlite_image *image, struct otlite_found *found);
/* The bytes of a record, from `offset` on as far as they lie together; size 0 at its end. Those of an unfinished one
 * are there until the next is asked for. */
struct otlite_segment otlite_image_bytes(const struct otlite_image *image,
                                         const struct otlite_found *found, size_t offset);

/* ---- HTTP/1.1, without I/O ----------------------------------------------------------------------------- */

/* An answer, parsed as its bytes come. Zero-initialise it with otlite_http_begin. */
struct otlite_http_answer {
    uint8_t
        *body; /* the caller's buffer; a larger body is cut, complete, and sets `close` and `cut` */
    uint32_t body_size, body_used;
    uint16_t status; /* 100..599 */
    bool complete;
    bool close; /* the connection cannot be used again */
    bool cut;
    char retry_after[40]; /* the header's value, "" when absent; longer ones are ignored */
    /* private */
    uint8_t state, flags;
    char line[257]; /* the line being read, with its CR; the rest of a longer one is dropped */
    uint32_t line_used, header_bytes;
    uint64_t remaining;
};

void otlite_http_begin(struct otlite_http_answer *answer, void *body, uint32_t body_size);
/* Takes bytes as they came. Sets `complete` when the answer is whole (bytes after it set `close`).
 * HTTP2: it begins with a SETTINGS frame. MALFORMED: not HTTP/1.x either, or headers over 64 KiB. */
OTLITE_CHECKED enum otlite_status otlite_http_feed(struct otlite_http_answer *answer,
                                                   const void *bytes, size_t size);
/* The peer closed. OK when that ends the answer (no length given), else CLOSED. */
OTLITE_CHECKED enum otlite_status otlite_http_eof(struct otlite_http_answer *answer);

/* ---- Port: the operating system ------------------------------------------------------------------------ */

uint64_t otlite_clock_boot(void); /* ns since boot, suspend included where the system can tell */
uint64_t otlite_clock_wall(void); /* ns since 1970 */
/* What the system says of the processor, as Linux numbers it for each architecture: AT_HWCAP, or AT_HWCAP2 if
 * `second`; 0 where it says nothing. */
uint32_t otlite_hwcap(bool second);
/* Whether the system keeps its own time by the processor's counter. */
bool otlite_counter_trusted(void);
OTLITE_CHECKED enum otlite_status otlite_entropy(void *dst, size_t size);
/* Anonymous memory, zeroed; NULL when refused. */
void *otlite_map(size_t size);
void otlite_unmap(void *memory, size_t size);
/* The first `size` bytes of an open file, shared with whoever maps them too; a forked child has no part in it. NULL
 * when refused; errno tells. The file is as long, and its blocks are reserved, or the first touch ends the process. */
void *otlite_map_shared(int descriptor, size_t size);
/* One private page that a forked child finds zeroed (MADV_WIPEONFORK and pthread_atfork). Once a process. */
void *otlite_private_page(void);

/* A semaphore that one thread waits on. Posting is async-signal-safe. */
struct otlite_waker;
size_t otlite_waker_size(void);
OTLITE_CHECKED enum otlite_status otlite_waker_init(void *memory);
void otlite_waker_post(void *waker);
/* Waits until posted, or until the boot clock reads `deadline` (0: for ever). True when posted; takes all posts. */
bool otlite_waker_wait(void *waker, uint64_t deadline);

/* SIGTERM. Whether its disposition is the default, or ours already. */
bool otlite_term_is_default(void);
/* Whether it is ours. */
bool otlite_term_is_caught(void);
/* Takes it over, whatever its disposition. Until a thread of this process waits for it, it ends the process as ever; but
 * not process 1, which the kernel spares. */
bool otlite_term_catch(void);
/* `waker`, which outlives the process, is posted when it comes, by its handler, whatever the main thread does; again
 * it changes nothing. `bound` ns later it ends the process, whoever is still at work; 0: no bound. A NULL waker:
 * nobody waits; if it has come, it comes again, and ends the process, unless that is process 1. */
void otlite_term_watch(void *waker, uint64_t bound);
/* Whether it came, to this process. */
bool otlite_term_came(void);
/* Gives the disposition back, unless it is another's by now, and sends the signal again. */
void otlite_term_end(void);

/* Blocks the process's signals in the calling thread, and so in the threads that it starts, which take none from
 * the program: all but those of faults. `saved` has otlite_signals_size() bytes, for otlite_signals_restore. */
size_t otlite_signals_size(void);
void otlite_signals_block(void *saved);
void otlite_signals_restore(const void *saved);

/* Loads now what the C library needs for a pthread_exit(), by which CPython before 3.14 ends daemon threads at its own exit:
 * by then there may be no descriptor left to open it with, and the process would abort. */
void otlite_exits_prepare(void);

/* Sends the segments over a connected descriptor and reads one answer. The descriptor is non-blocking.
 * TIMEOUT at the boot clock `deadline`; CLOSED, SYSTEM, MALFORMED, HTTP2 as the names say. `sent` tells whether
 * any byte left. */
OTLITE_CHECKED enum otlite_status otlite_exchange(int descriptor,
                                                  const struct otlite_segment *segments,
                                                  size_t count, struct otlite_http_answer *answer,
                                                  uint64_t deadline, bool *sent);

#ifdef __cplusplus
}
#endif
#endif
