/* memory.c - what a load may return and which plain accesses are ordered, by C11's rules
 *
 * An atomic word is a list of messages in modification order, which is the order of execution. A view says for each
 * word which of them are too old to be read: reading or writing one moves the own view, acquiring joins the view
 * that a release left in the message. A sequentially consistent load reads nothing older than the last
 * sequentially consistent store. A read-modify-write reads the newest, and hands on the view of what it
 * replaced (release sequences as of C20: other stores end them). A compare-exchange that fails is a load.
 * Left out are executions in which a load takes its value from a store that comes later (no compiler and processor
 * of ours does that), and those in which plainly ordered stores of two threads to two words overtake each other
 * crosswise: that takes two words that are stored to blindly, and the run says how many there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"

struct world world;

/* Where the variables of csrc/port/terminate.c lie, which the Makefile makes extern there. */
#define PLACE(name, word) __asm__(".globl " #name "\n.set " #name ", world + 4 * " #word)
PLACE(watching, 1264);
PLACE(timer_owner, 1265);
PLACE(came, 1266);
PLACE(watch, 1268);
_Static_assert(WORDS == 1280, "the last 16 words are these, and a scenario's semaphore");

unsigned memory_locations, memory_undone = WORDS;

/* Learnt over all executions. */
static struct {
    uint8_t location[WORDS]; /* of a word, + 1; 0: it is plain */
    uint16_t word[LOCATIONS];
    uint8_t readers[LOCATIONS]; /* threads that load it, and could read an old value */
    uint8_t parties[LOCATIONS], writers[LOCATIONS];
    bool blindly[LOCATIONS]; /* stored to by a thread that did not know the newest value */
    uint8_t users[WORDS];    /* threads that access it plainly */
    uint16_t shared[WORDS];  /* plain words of several threads */
    uint16_t touched[WORDS];
    unsigned shared_count, touched_count;
    bool grown;
    bool logs;
    unsigned unlogged, unlogged_end; /* words whose stores are not */
} known;

bool memory_learnt(void)
{
    bool grown = known.grown;
    known.grown = false;
    return grown;
}

static void learn(uint8_t *set, unsigned thread)
{
    if (thread < THREADS && (*set & 1u << thread) == 0) {
        *set = (uint8_t)(*set | 1u << thread);
        known.grown = true;
    }
}

void memory_forget(void)
{
    memset(&known, 0, sizeof known);
    memory_locations = 0;
}

void memory_begin(void)
{
    memset(&world, 0, sizeof world);
    for (unsigned thread = 0; thread < THREADS; thread++)
        world.view[thread].at[CLOCKS + thread] = 1;
}

static unsigned number_of(const uint32_t *word)
{
    size_t at = (size_t)(word - world.memory);
    if (word < world.memory || at >= WORDS)
        return WORDS;
    return (unsigned)at;
}

static unsigned location_of(const uint32_t *word)
{
    unsigned at = number_of(word);
    if (at == WORDS)
        explore_fail("an atomic access outside the region", word, THREADS);
    if (known.location[at] == 0) {
        if (memory_locations == LOCATIONS) {
            fputs("explore: more atomic words than LOCATIONS\n", stderr);
            exit(2); /* also while it is learnt which they are: what is noted lies behind */
        }
        known.word[memory_locations] = (uint16_t)at;
        known.location[at] = (uint8_t)++memory_locations;
        known.grown = true;
    }
    unsigned location = known.location[at] - 1u;
    if (world.location[location].count == 0) { /* nobody touched it yet */
        world.location[location].count = 1;
        world.location[location].message[0] = (struct message){.value = world.memory[at], .seq = 1};
    }
    return location;
}

static void join(struct view *view, const struct view *other)
{
    for (size_t i = 0; i < sizeof *view; i++)
        view->at[i] = view->at[i] > other->at[i] ? view->at[i] : other->at[i];
}

/* ---- Stores that may come late ----
 *
 * Between two stores of one thread to two words, C11 puts an order only where the later one is a release, or a
 * read-modify-write that acquires and releases stands between: else the compiler may make them in the other order,
 * and a kill may come between. (What the processor has of a killed thread, it completes.) A store that another
 * thread has read, or whose word another has stored to, is not late any more; with a late one those that the thread
 * made later to its word are late too. */

void memory_log(const void *from, size_t size)
{
    known.logs = true;
    known.unlogged = (unsigned)((const uint32_t *)from - world.memory);
    known.unlogged_end = known.unlogged + (unsigned)(size / 4);
}

static void forget_late(struct log *log, unsigned at)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < log->count; i++)
        if (log->late[i].word != at)
            log->late[kept++] = log->late[i];
    log->count = kept;
}

static void others_forget(unsigned thread, unsigned at)
{
    for (unsigned other = 0; other < THREADS; other++)
        if (other != thread)
            forget_late(&world.log[other], at);
}

/* Before the store. */
static void log_store(unsigned thread, unsigned at)
{
    struct log *log = &world.log[thread];
    if (!known.logs || (at >= known.unlogged && at < known.unlogged_end))
        return;
    others_forget(thread, at);
    if (log->count == LATES)
        explore_fail("more late stores than LATES", &world.memory[at], THREADS);
    else
        log->late[log->count++] = (struct late){(uint16_t)at, world.memory[at]};
}

bool memory_undo(uint32_t *copy, unsigned number)
{
    memory_undone = WORDS;
    for (unsigned thread = 0; thread < THREADS; thread++) {
        const struct log *log = &world.log[thread];
        for (unsigned i = 0; i < log->count; i++) {
            const struct late *late = &log->late[i];
            if (late->before != world.memory[late->word] && number-- == 0) {
                memory_undone = late->word;
                copy[late->word] = late->before;
                return true;
            }
        }
    }
    return false;
}

/* ---- Plain accesses ---- */

/* Who uses a plain word; what is learnt here makes the run begin anew, before anything is made of it. */
static void learn_user(unsigned thread, unsigned at)
{
    uint8_t users = known.users[at];
    learn(&known.users[at], thread);
    if (users == 0)
        known.touched[known.touched_count++] = (uint16_t)at;
    else if ((users & (users - 1)) == 0 && users != known.users[at])
        known.shared[known.shared_count++] = (uint16_t)at;
}

static void check_atomic(unsigned thread, unsigned at, bool write)
{
    unsigned number = known.location[at] - 1u;
    if (write)
        explore_fail("a plain store to an atomic word", &world.memory[at], THREADS);
    if (world.location[number].count != 0 &&
        world.view[thread].at[number] < world.location[number].count - 1)
        explore_fail("a plain load of an atomic word, without order", &world.memory[at], THREADS);
}

static void check_word(unsigned thread, unsigned at, bool write, bool atomic)
{
    struct shadow *shadow = &world.shadow[at];
    const uint8_t *clock = &world.view[thread].at[CLOCKS];
    if (!atomic && known.location[at] != 0) {
        check_atomic(thread, at, write);
        return;
    }
    if (!atomic)
        learn_user(thread, at);
    for (unsigned other = 0; other < THREADS; other++)
        if (other != thread && (shadow->written[other] > clock[other] ||
                                (write && shadow->read[other] > clock[other])))
            explore_fail(atomic ? "an atomic access and a plain one without order"
                                : "two plain accesses without order",
                         &world.memory[at], other);
    if (!atomic)
        (write ? shadow->written : shadow->read)[thread] = clock[thread];
}

void memory_plain(const void *address, size_t size, bool write)
{
    unsigned thread = explore_thread();
    size_t offset = (size_t)((const uint8_t *)address - (const uint8_t *)world.memory);
    if (thread == THREADS || (const uint8_t *)address < (const uint8_t *)world.memory ||
        offset >= sizeof world.memory)
        return;
    bool only = write && explore_pause();
    for (size_t at = offset / 4; at <= (offset + size - 1) / 4 && size != 0; at++) {
        if (!only)
            check_word(thread, (unsigned)at, write, false);
        if (write)
            log_store(thread, (unsigned)at);
    }
}

/* ---- Atomic accesses ---- */

static bool acquires(enum order order)
{
    return order == ACQUIRE || order == ACQUIRE_RELEASE || order == SEQ;
}

static bool releases(enum order order)
{
    return order == RELEASE || order == ACQUIRE_RELEASE || order == SEQ;
}

/* The oldest message that a load may read. */
static unsigned oldest(unsigned thread, unsigned number, enum order order)
{
    const struct location *location = &world.location[number];
    unsigned least = world.view[thread].at[number];
    for (unsigned i = location->count; order == SEQ && i-- > least + 1;)
        if (location->message[i].seq)
            return i;
    return least;
}

int memory_choices(unsigned thread, const struct operation *operation, int choice)
{
    unsigned number = location_of(operation->word);
    const struct location *location = &world.location[number];
    enum access access = operation->site->access;
    int newest = location->count - 1;
    if (choice == 0)
        return newest;
    if (access != ACCESS_LOAD && access != ACCESS_COMPARE)
        return -1;
    learn(&known.readers[number], thread);
    int least = (int)oldest(thread, number, operation->site->order);
    for (int i = newest - 1; i >= least; i--) {
        if (access == ACCESS_COMPARE && location->message[i].value == operation->expected)
            continue;
        if (--choice == 0)
            return i;
    }
    return -1;
}

bool memory_contested(unsigned thread, const struct operation *operation)
{
    unsigned number = location_of(operation->word);
    learn(&known.parties[number], thread);
    if (operation->site->access != ACCESS_LOAD)
        learn(&known.writers[number], thread);
    return known.writers[number] != 0 && (known.parties[number] & (known.parties[number] - 1)) != 0;
}

static void append(unsigned thread, unsigned number, const struct operation *operation,
                   const struct message *replaced)
{
    struct location *location = &world.location[number];
    struct view *view = &world.view[thread];
    if (replaced == NULL && operation->site->order != SEQ && view->at[number] < location->count - 1)
        known.blindly[number] = true;
    if (location->count == MESSAGES)
        explore_fail("more values of one word than MESSAGES", operation->word, THREADS);
    struct message *message = &location->message[location->count];
    enum order order = operation->site->order;
    view->at[number] = location->count;
    message->value = operation->value;
    message->seq = order == SEQ;
    if (releases(order))
        message->view = *view;
    else
        memset(&message->view, 0, sizeof message->view);
    message->view.at[number] = location->count;
    if (replaced != NULL)
        join(&message->view, &replaced->view);
    if (releases(order) && view->at[CLOCKS + thread]++ == UINT8_MAX)
        explore_fail("a clock overflows", NULL, THREADS);
    location->count++;
    world.memory[known.word[number]] = operation->value;
}

/* A compare-exchange that failed. */
static const struct site a_load = {.access = ACCESS_LOAD, .order = SEQ};

/* What an access does to its thread's log, before it stores. */
static void log_atomic(unsigned thread, unsigned at, const struct site *site, bool loads,
                       bool newest)
{
    struct log *log = &world.log[thread];
    if (loads && newest)
        others_forget(thread, at);
    if (site->access == ACCESS_LOAD)
        return;
    if (loads && acquires(site->order) && releases(site->order)) {
        log->count = 0;
        others_forget(thread, at);
        return;
    }
    if (releases(site->order))
        log->count = 0;
    log_store(thread, at);
}

void memory_perform(unsigned thread, struct operation *operation, int read)
{
    unsigned number = location_of(operation->word);
    struct location *location = &world.location[number];
    const struct site *site = operation->site;
    struct message *message = &location->message[read];
    bool stores = site->access != ACCESS_LOAD, loads = site->access != ACCESS_STORE;
    if (site->access == ACCESS_COMPARE) {
        operation->swapped = read == location->count - 1 && message->value == operation->expected;
        stores = operation->swapped;
    }
    check_word(thread, known.word[number], stores, true);
    if (known.logs)
        log_atomic(thread, known.word[number], stores ? site : &a_load, loads,
                   read == location->count - 1);
    if (loads) {
        operation->loaded = message->value;
        if (world.view[thread].at[number] < read)
            world.view[thread].at[number] = (uint8_t)read;
        if (acquires(site->order))
            join(&world.view[thread], &message->view);
    }
    if (site->access == ACCESS_ADD)
        operation->value += operation->loaded;
    if (site->access == ACCESS_WAIT)
        operation->value = operation->loaded - 1;
    if (stores)
        append(thread, number, operation, loads ? message : NULL);
}

void memory_alone(struct operation *operation)
{
    uint32_t *word = operation->word;
    operation->loaded = *word;
    operation->swapped = *word == operation->expected;
    switch (operation->site->access) {
    case ACCESS_LOAD:
        break;
    case ACCESS_COMPARE:
        if (operation->swapped)
            *word = operation->value;
        break;
    case ACCESS_ADD:
        *word += operation->value;
        break;
    default:
        *word = operation->value;
    }
}

bool memory_orders(unsigned thread, const struct operation *operation)
{
    const struct site *site = operation->site;
    return world.log[thread].count != 0 && site->access != ACCESS_LOAD && releases(site->order);
}

void memory_only(unsigned thread, struct operation *operation)
{
    bool swaps =
        operation->site->access != ACCESS_COMPARE || *operation->word == operation->expected;
    log_atomic(thread, number_of(operation->word), swaps ? operation->site : &a_load,
               operation->site->access != ACCESS_STORE, true);
    memory_alone(operation);
}

unsigned memory_stored_blindly(void)
{
    unsigned count = 0;
    for (unsigned i = 0; i < memory_locations; i++)
        count += known.blindly[i];
    return count;
}

/* ---- States ---- */

/* How many messages of a word nobody can read any more. */
static unsigned outdated(unsigned number, unsigned finished)
{
    unsigned least = world.location[number].count - 1u;
    for (unsigned thread = 0; thread < THREADS; thread++)
        if ((known.readers[number] & ~finished) >> thread & 1 &&
            world.view[thread].at[number] < least)
            least = world.view[thread].at[number];
    return least;
}

/* Of each thread's clock: how many distinct values below one are in use. */
struct ranks {
    uint8_t of[UINT8_MAX + 1];
};

static void use_clocks(struct ranks *ranks, const struct view *view)
{
    for (unsigned i = 0; i < THREADS; i++)
        ranks[i].of[view->at[CLOCKS + i]] = 1;
}

static void move_view(struct view *view, const struct view *gone, const struct ranks *ranks)
{
    for (unsigned i = 0; i < sizeof *view; i++) {
        uint8_t at = view->at[i], least = gone->at[i];
        view->at[i] = (uint8_t)((at > least ? at : least) - least);
    }
    for (unsigned i = 0; i < THREADS; i++)
        view->at[CLOCKS + i] = ranks[i].of[view->at[CLOCKS + i]];
}

void memory_normalise(unsigned finished)
{
    struct view gone = {0};
    struct ranks ranks[THREADS] = {0};
    for (unsigned number = 0; number < memory_locations; number++) {
        struct location *location = &world.location[number];
        if (location->count == 0)
            continue;
        unsigned old = gone.at[number] = (uint8_t)outdated(number, finished);
        if (old != 0) {
            location->count = (uint8_t)(location->count - old);
            memmove(location->message, location->message + old,
                    location->count * sizeof *location->message);
        }
        for (unsigned i = 0; i < location->count; i++)
            use_clocks(ranks, &location->message[i].view);
    }
    for (unsigned thread = 0; thread < THREADS; thread++) {
        if (finished >> thread & 1)
            memset(&world.view[thread], 0, sizeof world.view[thread]);
        use_clocks(ranks, &world.view[thread]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        uint8_t before = 0;
        for (unsigned clock = 0; clock <= UINT8_MAX; clock++) {
            uint8_t used = ranks[i].of[clock];
            ranks[i].of[clock] = before;
            before = (uint8_t)(before + used);
        }
    }
    for (unsigned thread = 0; thread < THREADS; thread++)
        move_view(&world.view[thread], &gone, ranks);
    for (unsigned number = 0; number < memory_locations; number++)
        for (unsigned i = 0; i < world.location[number].count; i++)
            move_view(&world.location[number].message[i].view, &gone, ranks);
    for (unsigned i = 0; i < known.shared_count; i++) {
        struct shadow *shadow = &world.shadow[known.shared[i]];
        for (unsigned thread = 0; thread < THREADS; thread++) {
            shadow->written[thread] = ranks[thread].of[shadow->written[thread]];
            shadow->read[thread] = ranks[thread].of[shadow->read[thread]];
        }
    }
}

/* A state is these pieces, in this order. */
#define PIECES(each)                                                                               \
    each(world.view, sizeof world.view);                                                           \
    each(world.results, sizeof world.results);                                                     \
    for (unsigned i = 0; i < THREADS; i++) {                                                       \
        each(&world.log[i].count, sizeof world.log[i].count);                                      \
        each(world.log[i].late, world.log[i].count * sizeof *world.log[i].late);                   \
    }                                                                                              \
    for (unsigned i = 0; i < known.touched_count; i++)                                             \
        each(&world.memory[known.touched[i]], sizeof *world.memory);                               \
    for (unsigned i = 0; i < known.shared_count; i++)                                              \
        each(&world.shadow[known.shared[i]], sizeof *world.shadow);                                \
    for (unsigned i = 0; i < memory_locations; i++) {                                              \
        struct location *location = &world.location[i];                                            \
        each(&location->count, sizeof location->count);                                            \
        each(&world.memory[known.word[i]], sizeof *world.memory);                                  \
        for (unsigned j = 0; j < location->count; j++)                                             \
            each(&location->message[j], sizeof *location->message);                                \
    }

size_t memory_save(uint8_t *to)
{
    uint8_t *at = to;
#define SAVE(piece, size) (memcpy(at, piece, size), at += (size))
    PIECES(SAVE)
    return (size_t)(at - to);
}

void memory_load(const uint8_t *from)
{
#define LOAD(piece, size) (memcpy(piece, from, size), from += (size))
    PIECES(LOAD)
}
