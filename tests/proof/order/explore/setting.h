/* setting.h - what scenarios are made of: setting.c */
#ifndef SETTING_H
#define SETTING_H

#include "explore.h"
#include "region/layout.h"

/* Small: that of otlite_region_init, with fewer and smaller chunks. */
extern struct otlite_region region;
extern uint32_t scope;  /* the handle of "Sc00" */
extern uint32_t *posts; /* the semaphore that wakes the exporter */

/* What the threads note. Sets of records are bits; what two threads note may not hang on who comes first. STARTED are
 * those that may have been recorded, SETTLED those whose acknowledging is over, BROKEN those that a dead process left
 * damaged. */
enum note {
    KEPT,
    REFUSED,
    EXPORTED,
    OFFERED,
    GIVEN_UP,
    BEGUN,
    GONE,
    WALL,
    STARTED,
    SETTLED,
    BROKEN,
    ENDED,
    MISSED,
    CUT,
    PLACES /* and on: four words a record */
};

/* Records are words that say the same: a mark, their scope's number, and their own. From 24 on they are LONG. */
enum { RECORD = 16, LONG = 80, MARK = 0x52450000, NUMBER = 31, SCOPE_SHIFT = 8 };

/* What is opened from here on has a table of so many open spans. */
void expect_open(uint32_t spans);
/* Of `chunks`, with so many `slots` and room for so many `scopes`. */
void open_region(uint32_t chunks, uint32_t slots, uint32_t scopes, uint32_t on_full);
/* The same, durable. */
void open_durable(uint32_t chunks, uint32_t scopes);
/* The same, with chunks for spans, which are larger than records, and a table of so many that are open. */
void open_spans(uint32_t chunks, uint32_t spans);
/* By another process, in whose place we are from here on. */
void adopt_region(void);
/* Under the first resource and the first scope: the handles, anew. */
void register_first(void);
/* Whose records come next. */
void register_resource(const char *name);
/* Tells of a span under the first scope, whose name is that scope's, over and over; STALE, or noted. */
enum otlite_status open_span(struct otlite_span *span, uint32_t number, bool long_name);
/* Ends it, and records it. */
enum otlite_status record_span(struct otlite_span *span);
/* Whether its entry is its own still. */
bool is_open(const struct otlite_span *span);
/* Appends a record of `size` under a scope's handle; `name` is the scope's number. */
enum otlite_status append(uint32_t number, size_t size, uint32_t under, uint32_t name);
/* A short record under the first scope, whose place is told. */
enum otlite_status append_placed(uint32_t number, struct otlite_place *place);
/* Notes what became of it. */
void note(uint32_t number, enum otlite_status status);
/* Both, of a short record under the first scope. */
void record(uint32_t number);

/* Which word a record of so many bytes consists of; the run fails if it is torn. */
uint32_t whole(const uint8_t *at, size_t size);

enum otlite_status collect(struct otlite_region *of, struct otlite_batch *batch);
/* The records of a batch: each whole, under its own scope, and none in `met`. */
uint32_t records_of(const struct otlite_batch *batch, uint32_t met);
/* Notes them as exported. */
void read_body(const struct otlite_batch *batch);
/* Collects, offers, reads and acknowledges; false: there was nothing. */
bool export_once(void);
void export_twice(void);

/* places.c */
void places_begin(void);
void place_two(void);
void place_two_more(void);
void export_placed(void);
void places_end(void);

/* durable.c */
void durable_begin(void);
void offer_and_export(void);
void links_begin(void);
void export_first(void);
void sealed_begin(void);
void adopted_begin(void);
void dead_begin(void);
void full_begin(void);
void litter(void);
void create(void);
void created(void);

/* unfinished.c */
void crowd_begin(void);
void crowd_first(void);
void crowd_second(void);
void spans_begin(void);
void span_first(void);
void span_second(void);
void spans_told(void);
void spans_end(void);

/* signal.c */
void signal_begin(void);
void watched_begin(void);
void watch_term(void);
void watch_no_more_term(void);
void receive_term(void);
void has_ended(void);
void has_ended_or_woken(void);

/* In each state. */
void killed_here(void);
/* deaths.c: the same of a durable region, by the C that recovers it. */
void recovered_here(void);
/* deaths.c: the same while thread A adopts; and that what was left is as it was, after. */
void adopted_here(void);
/* deaths.c: while it makes a region. */
void created_here(void);
void adopted_whole(void);
/* At the end. */
void balance(void);

#endif
