/* explore.h - the parts of the explorer: memory as C11 orders it, threads that take turns, scenarios
 *
 * The shipped files of csrc/region run on coroutines. Each atomic access is a point where another thread may go on, and
 * where a load may return any value that C11 lets it; each plain access of the region is checked against the
 * happens-before order of all before it. All that changes lies in `world`, so that a state can be kept, hashed and
 * come back to.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stddef.h>

#include "base/atomics.h"

enum {
    THREADS = 3,
    WORDS = 1280,   /* of memory that the threads share */
    LOCATIONS = 77, /* atomic words of it */
    CLOCKS = LOCATIONS,
    MESSAGES = 32, /* values of one word that some thread may still read */
    RESULTS = 32,  /* words of what a scenario notes, memory no thread shares */
    LATES = 512    /* stores of one thread that may come late */
};

/* What is known: of each atomic word the oldest value that may still be read; of each thread how far its plain
 * accesses happened before. */
struct view {
    uint8_t at[LOCATIONS + THREADS]; /* from CLOCKS on: of a thread */
};

/* A value that was stored to an atomic word, and what whoever acquires it knows then. */
struct message {
    uint32_t value;
    uint32_t seq; /* stored in the one order of all sequentially consistent accesses */
    struct view view;
};

struct location {
    uint8_t count; /* of its messages: those that some thread may still read, the newest last */
    struct message message[MESSAGES];
};

/* Who accessed a plain word last, in terms of its clock; 0: before the threads began, or known to all. */
struct shadow {
    uint8_t written[THREADS], read[THREADS];
};

/* A store that a thread made, and that may come after others which it made later: a killed process may have made
 * those and not this one. */
struct late {
    uint16_t word;
    uint32_t before; /* what it replaced */
};

struct log {
    uint32_t count;
    struct late late[LATES];
};

struct world {
    _Alignas(64) uint32_t memory[WORDS];
    struct shadow shadow[WORDS];
    struct view view[THREADS];
    struct location location[LOCATIONS];
    uint32_t results[RESULTS];
    struct log log[THREADS]; /* of a scenario of deaths */
};

extern struct world world;

/* ---- memory.c ---- */

/* What a thread is about to do to an atomic word. */
struct operation {
    struct site *site;
    uint32_t *word;
    uint32_t value, expected;
    /* answers */
    uint32_t loaded;
    bool swapped;
};

/* The message that `choice` of an operation reads, counted from the newest (0); -1: there are no more. */
int memory_choices(unsigned thread, const struct operation *operation, int choice);
void memory_perform(unsigned thread, struct operation *operation, int message);
/* While nobody else runs: the newest value, ordered after everything. */
void memory_alone(struct operation *operation);
/* The same of the one thread that there is, whose stores are logged. */
void memory_only(unsigned thread, struct operation *operation);
/* A plain access by the running thread, of the world's memory or any other. */
void memory_plain(const void *address, size_t size, bool write);
/* Drops what nobody can tell apart any more: two worlds that behave alike become equal byte by byte. */
void memory_normalise(unsigned finished);
/* Before another scenario: nothing is known. Before each execution from the start: zeroed. */
void memory_forget(void);
void memory_begin(void);
/* Whether more became known of who uses which word: then all is explored anew. */
bool memory_learnt(void);
/* Whether some thread stores this word and another accesses it: only then does it matter who comes first. */
bool memory_contested(unsigned thread, const struct operation *operation);
size_t memory_save(uint8_t *to);
void memory_load(const uint8_t *from);
extern unsigned memory_locations;
/* How many words some thread stored to, relaxed or released, without knowing the newest value. */
unsigned memory_stored_blindly(void);

/* Begins to keep the logs, but of stores to `from` and the next `size` bytes. */
void memory_log(const void *from, size_t size);
/* Whether stores that may be late now may not be after the operation. */
bool memory_orders(unsigned thread, const struct operation *operation);
/* Takes late store number `number`, of those of all threads that changed a word, out of a copy of the memory; false:
 * there are no more. */
bool memory_undo(uint32_t *copy, unsigned number);
/* The word of the store that was taken out last; WORDS: none. */
extern unsigned memory_undone;

/* ---- states.c ---- */

/* What is left of both bounds. */
struct budget {
    unsigned preemptions, stale;
};

enum { BOUND_MAX = 7 };

void states_begin(void);
/* Of `size` bytes, a multiple of 32. */
uint64_t states_hash(const uint8_t *at, size_t size, uint64_t hash);
/* Whether a state is met for the first time with so much left. */
bool states_new(uint64_t hash, struct budget left);
unsigned long long states_count(void);

/* ---- sites.c ---- */

const char *site_file(const struct site *site);
/* Before all else: tells twins apart. */
void sites_number(void);
/* As in "chunk.c:commit:store_seq(&chunk->committed)#1=release"; ends the process when there is no such site. */
void sites_weaken(const char *mutation);
void sites_list(void);

/* ---- explore.c ---- */

/* The running thread's number; THREADS: none, the scenario's own begin or end. */
unsigned explore_thread(void);
/* Notes what must not be, with the way that led there; the run ends. */
void explore_fail(const char *what, const void *where, unsigned other);
/* Before a store. True where the scenario asks for that: this was a state too, and the thread is alone. */
bool explore_pause(void);
/* How often the threads were killed, and what they left was looked at. */
extern unsigned long long explore_deaths;
/* The running thread calls the system: no store of its own comes later than what that does. */
void explore_system_call(void);
/* A semaphore of the scenario's; waits for ever where nobody posts. */
void explore_post(uint32_t *word);
void explore_wait(uint32_t *word);

/* ---- scenarios.c ---- */

struct scenario {
    const char *name, *what;
    void (*begin)(void);
    void (*thread[THREADS])(void); /* NULL: there is one less */
    void (*end)(void);             /* after all threads have, or wait in vain */
    void (*always)(void);          /* in each state */
    bool each_store;               /* each store, of whatever word, leads to a state */
};

extern const struct scenario scenarios[];

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : explore_fail("not so: " #condition, NULL, THREADS))

#endif
