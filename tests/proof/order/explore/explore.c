/* explore.c - all schedules of a scenario's threads, depth first, up to a number of preemptions
 *
 * A thread runs until its next access to an atomic word that another one stores or loads too; all others commute with
 * whatever comes between. There a state is put into normal form, and hashed; one that was met with as much left of
 * both bounds (preemptions, loads of old values) is not gone on from again. That is sound: what a thread does next
 * hangs on its stack, its registers and what it reads, all of which are hashed, and the normal form drops
 * only what no access can tell (memory_normalise). A hash has 58 bits: among ten million states two
 * would be taken for one in 1 of 5000 runs. Who uses which word is learnt; when more is, all begins anew.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "explore.h"
#include "otlite.h"

enum { STACK = 64 << 10, DEPTH_MAX = 4096, STEPS_MAX = 8192, CHOICES_MAX = 64, CLEARED = 1024 };

struct thread {
    jmp_buf context;
    uint8_t *low;               /* of what its stack holds */
    struct operation operation; /* the next one; in `perform`, the last */
    bool finished;
    bool alone; /* nobody else went on since the last one */
    bool paused;
};

static struct thread threads[THREADS];
static uint8_t stacks[THREADS][STACK] __attribute__((aligned(64)));
static jmp_buf scheduler;
static unsigned running = THREADS;
static const struct scenario *scenario;
static bool
    learning; /* this execution found out more of who uses what: its end is a new beginning */

/* ---- Threads ---- */

unsigned explore_thread(void)
{
    return running;
}

__attribute__((noinline)) static void yield(void)
{
    struct thread *thread = &threads[running];
    uint8_t *low = __builtin_alloca(16);
    memset(low, 0, 16);
    thread->low = low;
    if (_setjmp(thread->context) == 0)
        _longjmp(scheduler, 1);
}

static void pause(void)
{
    threads[running].paused = true;
    yield();
}

bool explore_pause(void)
{
    if (scenario->each_store)
        pause();
    return scenario->each_store;
}

void explore_system_call(void)
{
    if (running != THREADS)
        world.log[running].count = 0;
}

static void perform(struct operation *operation)
{
    if (running == THREADS) {
        memory_alone(operation);
        return;
    }
    if (scenario->each_store) {
        (void)explore_pause();
        memory_only(running, operation);
        return;
    }
    /* table.c looks at a turn over and over: being preempted between two looks is like being preempted before the
     * first or after the last. */
    const struct thread *thread = &threads[running];
    const struct site *site = operation->site;
    bool again = thread->alone && thread->operation.site == site &&
                 thread->operation.word == operation->word && site->function != NULL &&
                 strcmp(site->function, "writers_passed") == 0;
    if (!memory_contested(running, operation) || again) {
        if (memory_orders(running, operation))
            pause(); /* the last state in which those stores are late */
        memory_perform(running, operation, memory_choices(running, operation, 0));
        return;
    }
    threads[running].operation = *operation;
    yield();
    *operation = threads[running].operation;
}

/* The two steps of what is one when not torn. */
static uint32_t torn_load(uint32_t *word)
{
    static struct site site = {.access = ACCESS_LOAD, .order = SEQ, .name = "a torn one's load"};
    return explore_load(&site, word);
}

static void torn_store(uint32_t *word, uint32_t value)
{
    static struct site site = {.access = ACCESS_STORE, .order = SEQ, .name = "a torn one's store"};
    explore_store(&site, word, value);
}

uint32_t explore_load(struct site *site, const uint32_t *word)
{
    struct operation operation = {.site = site, .word = (uint32_t *)(uintptr_t)word};
    perform(&operation);
    return operation.loaded;
}

void explore_store(struct site *site, uint32_t *word, uint32_t value)
{
    if (site->never)
        return;
    struct operation operation = {.site = site, .word = word, .value = value};
    perform(&operation);
}

uint32_t explore_exchange(struct site *site, uint32_t *word, uint32_t value)
{
    struct operation operation = {.site = site, .word = word, .value = value};
    if (site->torn) {
        operation.loaded = torn_load(word);
        torn_store(word, value);
    } else {
        perform(&operation);
    }
    return operation.loaded;
}

uint32_t explore_add(struct site *site, uint32_t *word, uint32_t value)
{
    struct operation operation = {.site = site, .word = word, .value = value};
    if (site->torn) {
        operation.loaded = torn_load(word);
        torn_store(word, operation.loaded + value);
    } else {
        perform(&operation);
    }
    return operation.loaded;
}

bool explore_compare(struct site *site, uint32_t *word, uint32_t *expected, uint32_t desired)
{
    struct operation operation = {
        .site = site, .word = word, .value = desired, .expected = *expected};
    if (site->torn) {
        operation.loaded = torn_load(word);
        operation.swapped = operation.loaded == *expected;
        if (operation.swapped)
            torn_store(word, desired);
    } else {
        perform(&operation);
    }
    if (!operation.swapped)
        *expected = operation.loaded;
    return operation.swapped;
}

void explore_post(uint32_t *word)
{
    static struct site site = {.access = ACCESS_ADD, .order = SEQ, .name = "post"};
    (void)explore_add(&site, word, 1);
}

void explore_wait(uint32_t *word)
{
    static struct site site = {.access = ACCESS_WAIT, .order = SEQ, .name = "wait"};
    struct operation operation = {.site = &site, .word = word};
    perform(&operation);
}

static void run_thread(void)
{
    if (scenario->thread[running] != NULL)
        scenario->thread[running]();
    memset(&threads[running], 0, sizeof *threads);
    threads[running].low = stacks[running] + STACK;
    threads[running].finished = true;
    _longjmp(scheduler, 1);
}

static void switch_to(unsigned number)
{
    struct thread *thread = &threads[number];
    running = number;
    if (_setjmp(scheduler) == 0) {
        if (thread->low == NULL) {
            ucontext_t context;
            getcontext(&context);
            context.uc_stack.ss_sp = stacks[number];
            context.uc_stack.ss_size = STACK;
            context.uc_link = NULL;
            makecontext(&context, run_thread, 0);
            setcontext(&context);
        }
        /* what lies there is another execution's, and would tell equal states apart */
        memset(thread->low - CLEARED, 0, CLEARED);
        _longjmp(thread->context, 1);
    }
    running = THREADS;
}

/* At a state that is new. */
static void look(void)
{
    if (!learning && scenario->always != NULL)
        scenario->always();
}

/* Lets a thread go on until its next access that is a point, or its end. */
static void resume(unsigned number)
{
    do {
        threads[number].paused = false;
        switch_to(number);
        if (threads[number].paused)
            look();
    } while (threads[number].paused);
}

static unsigned finished_threads(void)
{
    unsigned set = 0;
    for (unsigned i = 0; i < THREADS; i++)
        set |= (unsigned)threads[i].finished << i;
    return set;
}

/* ---- The way to a state, and choices there ---- */

struct choice {
    uint8_t thread, message;
    bool preempts;
    uint8_t stale; /* how many newer ones it leaves out */
};

struct frame {
    struct choice choices[CHOICES_MAX];
    unsigned count, next;
    struct budget left;
    size_t saved; /* where in `snapshots` */
};

static struct frame frames[DEPTH_MAX];
static unsigned depth;
static uint8_t *snapshots;
static size_t snapshots_size = (size_t)1 << 30;
static struct budget bounds = {3, 2};
static uint64_t transitions, executions;
unsigned long long explore_deaths;

struct step {
    struct choice choice;
    const struct site *site;
    uint32_t word, loaded, value;
    bool swapped;
};

static struct step steps[STEPS_MAX];
static unsigned step_count, step_of_frame[DEPTH_MAX];

/* Writes the state behind the snapshots that are kept: to be hashed, and perhaps kept. */
static size_t save(size_t at)
{
    uint8_t *to = snapshots + at;
    memcpy(to, threads, sizeof threads);
    to += sizeof threads;
    for (unsigned i = 0; i < THREADS; i++) {
        size_t size = threads[i].finished ? 0 : (size_t)(stacks[i] + STACK - threads[i].low);
        memcpy(to, threads[i].low, size);
        to += size;
    }
    size_t end = (size_t)(to - snapshots) + memory_save(to);
    memset(snapshots + end, 0, 31);
    return (end + 31) & ~(size_t)31;
}

static void load(size_t at)
{
    const uint8_t *from = snapshots + at;
    memcpy(threads, from, sizeof threads);
    from += sizeof threads;
    for (unsigned i = 0; i < THREADS; i++) {
        size_t size = threads[i].finished ? 0 : (size_t)(stacks[i] + STACK - threads[i].low);
        memcpy(threads[i].low, from, size);
        from += size;
    }
    memory_load(from);
}

/* ---- The search ---- */

static bool is_blocked(const struct thread *thread)
{
    return thread->operation.site->access == ACCESS_WAIT && *thread->operation.word == 0;
}

static void add_choices(struct frame *frame, unsigned thread, bool preempts)
{
    int message;
    for (int i = 0; (message = memory_choices(thread, &threads[thread].operation, i)) >= 0; i++) {
        if (frame->count == CHOICES_MAX)
            abort();
        frame->choices[frame->count++] =
            (struct choice){(uint8_t)thread, (uint8_t)message, preempts, (uint8_t)i};
        if (frame->left.stale == 0)
            break;
    }
}

/* The end of an execution is judged, and leaves no trace. */
static void judge(void)
{
    static uint32_t memory[WORDS], results[RESULTS];
    memcpy(memory, world.memory, sizeof memory);
    memcpy(results, world.results, sizeof results);
    executions++;
    scenario->end();
    memcpy(world.memory, memory, sizeof memory);
    memcpy(world.results, results, sizeof results);
}

/* Where the search goes on from here: none at the end, or when this was explored. Where there is one way only, most
 * states are passed without a look whether they were met: that costs more than it saves. */
static void find_choices(struct frame *frame, unsigned current, struct budget left, size_t *used)
{
    bool goes_on =
        current != THREADS && !threads[current].finished && !is_blocked(&threads[current]);
    frame->count = frame->next = 0;
    frame->left = left;
    frame->saved = *used;
    if (goes_on)
        add_choices(frame, current, false);
    for (unsigned i = 0; i < THREADS && !(goes_on && left.preemptions == 0); i++)
        if (!threads[i].finished && !is_blocked(&threads[i]) && !(goes_on && i == current))
            add_choices(frame, i, goes_on);
    if (frame->count == 1 &&
        threads[frame->choices[0].thread].operation.site->access != ACCESS_COMPARE) {
        look();
        return;
    }
    memory_normalise(finished_threads());
    /* newest first, so that messages keep their places from the end */
    for (unsigned i = 0; i < frame->count; i++)
        frame->choices[i].message = (uint8_t)memory_choices(
            frame->choices[i].thread, &threads[frame->choices[i].thread].operation,
            (int)frame->choices[i].stale);
    *used = save(*used);
    if (*used > snapshots_size - (1 << 20))
        abort();
    uint64_t hash =
        states_hash(snapshots + frame->saved, *used - frame->saved, goes_on ? current : THREADS);
    if (!learning && !states_new(hash, left)) {
        frame->count = 0;
        *used = frame->saved;
        return;
    }
    look();
    if (frame->count == 0)
        judge();
}

static void step(const struct choice *choice)
{
    struct thread *thread = &threads[choice->thread];
    struct operation *operation = &thread->operation;
    running = choice->thread;
    memory_perform(choice->thread, operation, choice->message);
    running = THREADS;
    if (step_count == STEPS_MAX)
        explore_fail("an execution that does not end", NULL, THREADS);
    steps[step_count++] = (struct step){
        .choice = *choice,
        .site = operation->site,
        .word = (uint32_t)(operation->word - world.memory),
        .loaded = operation->loaded,
        .value = operation->value,
        .swapped = operation->swapped,
    };
    transitions++;
    for (unsigned i = 0; i < THREADS; i++)
        threads[i].alone = i == choice->thread;
    resume(choice->thread);
    learning |= memory_learnt();
}

/* One exploration; false: it has to begin anew, knowing more. */
static bool explore(void)
{
    transitions = executions = explore_deaths = 0;
    states_begin();
    depth = step_count = 0;
    learning = false;
    memory_begin();
    memset(threads, 0, sizeof threads);
    scenario->begin();
    for (unsigned i = 0; i < THREADS; i++)
        resume(i);
    memory_normalise(finished_threads());
    learning |= memory_learnt();
    unsigned current = THREADS;
    struct budget left = bounds;
    size_t used = 0;
    for (;;) {
        struct frame *frame = &frames[depth];
        find_choices(frame, current, left, &used);
        if (frame->count > 1) {
            step_of_frame[depth] = step_count;
            if (++depth == DEPTH_MAX)
                abort();
        } else if (frame->count == 1) {
            used = frame->saved;
        } else if (frame->count == 0) {
            if (learning)
                return false;
            used = frame->saved;
            while (depth > 0 && frames[depth - 1].next == frames[depth - 1].count)
                used = frames[--depth].saved;
            if (depth == 0)
                return true;
            frame = &frames[depth - 1];
            load(frame->saved);
            step_count = step_of_frame[depth - 1];
        }
        struct choice choice = frame->choices[frame->next++];
        current = choice.thread;
        left.preemptions = frame->left.preemptions - choice.preempts;
        left.stale = frame->left.stale - (choice.stale != 0);
        step(&choice);
    }
}

/* ---- What was found ---- */

static jmp_buf found;

void explore_fail(const char *what, const void *where, unsigned other)
{
    learning |= memory_learnt();
    if (learning)
        return;
    for (unsigned i = 0; i < step_count; i++) {
        const struct step *each = &steps[i];
        const struct site *site = each->site;
        printf("%4u  %c%s %s:%d %s: %s(%s)", i, 'A' + each->choice.thread,
               each->choice.preempts ? "!" : " ", site_file(site), site->line,
               site->function == NULL ? "" : site->function, site->name,
               site->word == NULL ? "" : site->word);
        if (site->access == ACCESS_COMPARE)
            printf(each->swapped ? " = true, stores %u" : " = false", each->value);
        else if (site->access == ACCESS_LOAD)
            printf(" = %u", each->loaded);
        else
            printf(" stores %u", each->value);
        printf(" [%u]%s\n", each->word, each->choice.stale ? "  (an old value)" : "");
    }
    printf("%s", what);
    if (where != NULL)
        printf(", word %u", (unsigned)((const uint32_t *)where - world.memory));
    if (running != THREADS)
        printf(", in %c at %s:%d", 'A' + running,
               threads[running].operation.site == NULL ? ""
                                                       : site_file(threads[running].operation.site),
               threads[running].operation.site == NULL ? 0 : threads[running].operation.site->line);
    if (other != THREADS)
        printf(", against %c", 'A' + other);
    if (memory_undone != WORDS)
        printf(", where the process was killed without its store to word %u", memory_undone);
    printf("\n");
    _longjmp(found, 1);
}

static bool is_sound(void)
{
    static unsigned begun;
    if (_setjmp(found) != 0) {
        printf("%s (%s): found after %llu states\n", scenario->name, scenario->what,
               states_count());
        return false;
    }
    memory_forget();
    begun = 1;
    while (!explore())
        begun++;
    printf("%s: %llu states, %llu steps, %llu ends, %llu deaths, at most %u preemptions and %u old "
           "values, "
           "%u atomic words, %u stored to blindly; begun %u times\n",
           scenario->name, states_count(), (unsigned long long)transitions,
           (unsigned long long)executions, explore_deaths, bounds.preemptions, bounds.stale,
           memory_locations, memory_stored_blindly(), begun);
    return true;
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    bool any = false;
    sites_number();
    (void)otlite_kernels_select(NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0)
            return sites_list(), 0;
        if (strcmp(argv[i], "--weaken") == 0 && i + 1 < argc)
            sites_weaken(argv[++i]);
        else if (strcmp(argv[i], "--preemptions") == 0 && i + 1 < argc)
            bounds.preemptions = (unsigned)atoi(argv[++i]);
        else if (strcmp(argv[i], "--stale") == 0 && i + 1 < argc)
            bounds.stale = (unsigned)atoi(argv[++i]);
        else
            only = argv[i];
    }
    if (bounds.preemptions > BOUND_MAX || bounds.stale > BOUND_MAX) {
        fprintf(stderr, "explore: a bound over %d\n", BOUND_MAX);
        return 2;
    }
    snapshots = malloc(snapshots_size);
    if (snapshots == NULL)
        abort();
    for (scenario = scenarios; scenario->name != NULL; scenario++) {
        if (only != NULL && strcmp(only, scenario->name) != 0)
            continue;
        any = true;
        if (!is_sound())
            return 1;
    }
    if (!any) {
        fprintf(stderr, "explore: no such scenario: %s\n", only);
        return 2;
    }
    return 0;
}
