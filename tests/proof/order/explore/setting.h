/* setting.h - what scenarios are made of: setting.c */
#ifndef SETTING_H
#define SETTING_H

#include "explore.h"
#include "region/layout.h"

/* Small: that of otlite_region_init, with fewer and smaller chunks. */
extern struct otlite_region region;
extern uint32_t scope;  /* the handle of "Sc00" */
extern uint32_t *posts; /* the semaphore that wakes the exporter */

/* What the threads note. Sets of records are bits; what two threads note may not hang on who comes first. */
enum note { KEPT, REFUSED, EXPORTED, OFFERED, GIVEN_UP, BEGUN, GONE, WALL, MISSED, CUT };

/* Records are words that say the same: a mark, their scope's number, and their own. From 24 on they are LONG. */
enum { RECORD = 16, LONG = 80, MARK = 0x52450000, NUMBER = 31, SCOPE_SHIFT = 8 };

/* Of `chunks`, with so many `slots` and room for so many `scopes`. */
void open_region(uint32_t chunks, uint32_t slots, uint32_t scopes, uint32_t on_full);
/* With a table of so many open spans. */
void add_table(uint32_t entries);
/* Tells of a span under the first scope, whose name is that scope's, over and over; STALE, or noted. */
enum otlite_status open_span(struct otlite_span *span, uint32_t number, bool long_name);
/* Whether its entry is its own still. */
bool is_open(const struct otlite_span *span);
/* Appends a record of `size` under a scope's handle; `name` is the scope's number. */
enum otlite_status append(uint32_t number, size_t size, uint32_t under, uint32_t name);
/* Notes what became of it. */
void note(uint32_t number, enum otlite_status status);
/* Both, of a short record under the first scope. */
void record(uint32_t number);

enum otlite_status collect(struct otlite_batch *batch);
/* Each record whole, under its own scope, and never met before. */
void read_body(const struct otlite_batch *batch);
/* Collects, offers, reads and acknowledges; false: there was nothing. */
bool export_once(void);
void export_twice(void);

/* In each state. */
void killed_here(void);
/* At the end. */
void balance(void);

#endif
