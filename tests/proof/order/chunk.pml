/* chunk.pml - the protocol of chunks: writers with borrowed slots, one that overwrites, the exporter, an adoption
 *
 * Each inline bears the name of the C function that it stands for (tests/proof/order/test_model.py compares the
 * lists). A store goes to its thread's buffer, and leaves it at some later time: plain and relaxed ones in any
 * order, one with release after all before it. Until then the thread alone sees it, so that each of its later
 * loads may come first. A sequentially consistent store and a read-modify-write wait until the buffer is empty.
 * Adoption finds memory as it is at any moment, what is still in a buffer being lost: all that a machine could leave
 * behind, and more than a killed process does.
 *
 * Not here, but in the explorer: loads that read old values for other reasons, tables, open spans, chained records, an
 * adoption that is killed itself, and what goes on after one.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef RECORDS
#define RECORDS 2 /* of each writer */
#endif
#ifndef ROOM
#define ROOM 1 /* records that a chunk holds */
#endif
#define CHUNKS 2
#define SLOTS 2
#define DEPTH 5 /* of a buffer: more stores without a wait do not occur */
#define TOTAL (WRITERS * RECORDS)
#define EXPORTER WRITERS

/* ---- Words of memory ---- */

#define STATE(c) (c)
#define COMMITTED(c) (CHUNKS + (c))
#define OFFERED(c) (2 * CHUNKS + (c))
#define ACKED(c) (3 * CHUNKS + (c))
#define SEQUENCE(c) (4 * CHUNKS + (c))
#define BYTES(c, r) (5 * CHUNKS + (c) * ROOM + (r))
#define TURN(s) (5 * CHUNKS + CHUNKS * ROOM + (s))
#define FILLS(s) (5 * CHUNKS + CHUNKS * ROOM + SLOTS + (s)) /* the slot's chunk + 1; 0: none */
#define WAKE (5 * CHUNKS + CHUNKS * ROOM + 2 * SLOTS)
#define WORDS (WAKE + 1)

/* A state word, as in csrc/region/layout.h, without the table's hold. */
#define FREE 0
#define TAKEN 1
#define WRITING 2
#define COMPLETE 3
#define IS(state, what) (((state) & 3) == what)
#define READABLE(state) (((state) & 2) != 0)
#define PINNED 4
#define GENERATION 8
#define NEXT(state) (((state) / GENERATION + 1) % 32 * GENERATION)

byte memory[WORDS];

typedef buffer {
    byte count;
    byte word[DEPTH];
    byte value[DEPTH];
    bit release[DEPTH]
};

buffer buffers[WRITERS + 1];

/* Counters are added to in one step. What is known beside memory: which records were kept, and came out. */
byte sequence, exported, lost, refused, reentered, posts, written;
bit kept[TOTAL + 1], received[TOTAL + 1], sent[TOTAL + 1];

/* ---- Accesses ---- */

#define LOAD(to, at)                                                                               \
    d_step {                                                                                       \
        to = memory[at];                                                                           \
        k = 0;                                                                                     \
        do                                                                                         \
        :: k < buffers[me].count ->                                                                \
            if                                                                                     \
            :: buffers[me].word[k] == at -> to = buffers[me].value[k]                              \
            :: else                                                                                \
            fi;                                                                                    \
            k++                                                                                    \
        :: else -> break                                                                           \
        od;                                                                                        \
        k = 0                                                                                      \
    }

#define PUT(at, with, last)                                                                        \
    d_step {                                                                                       \
        assert(buffers[me].count < DEPTH);                                                         \
        buffers[me].word[buffers[me].count] = at;                                                  \
        buffers[me].value[buffers[me].count] = with;                                               \
        buffers[me].release[buffers[me].count] = last;                                             \
        buffers[me].count++                                                                        \
    }

#define STORE(at, with) PUT(at, with, 0)
#define STORE_RELEASE(at, with) PUT(at, with, 1)
#define STORE_SEQ(at, with) atomic { buffers[me].count == 0 -> memory[at] = with }
/* Planted faults: what commit stores is released, but not sequentially consistent; or not even that. */
#ifdef WEAK
#define STORE_COMMITTED(at, with) STORE_RELEASE(at, with)
#elif defined TORN
#define STORE_COMMITTED(at, with) STORE(at, with)
#else
#define STORE_COMMITTED(at, with) STORE_SEQ(at, with)
#endif
/* Planted fault: what clear_cursors stores last is not ordered after the rest. */
#ifdef UNORDERED
#define STORE_LAST(at, with) STORE(at, with)
#else
#define STORE_LAST(at, with) STORE_RELEASE(at, with)
#endif
#define COMPARE_EXCHANGE(at, expected, desired)                                                    \
    atomic {                                                                                       \
        buffers[me].count == 0 ->                                                                  \
        if                                                                                         \
        :: memory[at] == expected -> memory[at] = desired; swapped = 1                             \
        :: else -> expected = memory[at]; swapped = 0                                              \
        fi                                                                                         \
    }

/* Stores of thread `me` become visible: any that is the first to its word, a release when it is the first of all. */
proctype visible(byte me)
{
    byte i, k;
end:
    do
    :: atomic {
        buffers[me].count > 0 ->
        i = 0;
        do
        :: i + 1 < buffers[me].count -> i++
        :: break
        od;
        k = 0;
        do
        :: k < i && buffers[me].word[k] != buffers[me].word[i] && !buffers[me].release[i] -> k++
        :: else -> break
        od;
        if
        :: k < i -> i = 0 /* not before the first */
        :: else
        fi;
        memory[buffers[me].word[i]] = buffers[me].value[i];
        do
        :: i + 1 < buffers[me].count ->
            buffers[me].word[i] = buffers[me].word[i + 1];
            buffers[me].value[i] = buffers[me].value[i + 1];
            buffers[me].release[i] = buffers[me].release[i + 1];
            i++
        :: else -> break
        od;
        buffers[me].count--;
        buffers[me].word[buffers[me].count] = 0;
        buffers[me].value[buffers[me].count] = 0;
        buffers[me].release[buffers[me].count] = 0;
        i = 0;
        k = 0
    }
    od
}

/* ---- chunk.c: slots ---- */

inline borrow_slot()
{
    slot = 0;
    swapped = 0;
    do
    :: slot < SLOTS && !swapped ->
        LOAD(value, TURN(slot));
        if
        :: value % 2 == 0 -> COMPARE_EXCHANGE(TURN(slot), value, value + 1)
        :: else
        fi;
        if
        :: swapped
        :: else -> slot++
        fi
    :: else -> break
    od
}

inline return_slot()
{
    LOAD(value, TURN(slot));
    STORE_RELEASE(TURN(slot), value + 1)
}

/* ---- chunk.c: chunks ---- */

inline clear_cursors(c)
{
    STORE_RELEASE(COMMITTED(c), 0);
    STORE_RELEASE(OFFERED(c), 0);
    STORE_LAST(ACKED(c), 0)
}

inline otlite_chunk_clear(c)
{
    clear_cursors(c);
    LOAD(value, STATE(c));
    STORE_RELEASE(STATE(c), NEXT(value) + FREE)
}

inline otlite_chunk_free(c)
{
    otlite_chunk_clear(c)
}

inline take(c, state)
{
    COMPARE_EXCHANGE(STATE(c), state, (state - (state & 3)) + TAKEN)
}

/* Loads are sequentially consistent: they do not wait for the buffer, in which only the stores are held back. */
inline free_if_settled(c)
{
    LOAD(value, STATE(c));
    if
    :: IS(value, COMPLETE) && (value & PINNED) == 0 ->
        LOAD(one, ACKED(c));
        LOAD(other, COMMITTED(c));
        if
        :: one == other ->
            take(c, value);
            if
            :: swapped -> otlite_chunk_free(c)
            :: else
            fi
        :: else
        fi
    :: else
    fi
}

inline otlite_chunk_hold(c)
{
    LOAD(value, STATE(c));
    swapped = 0;
    do
    :: !swapped && READABLE(value) && (value & PINNED) == 0 ->
        COMPARE_EXCHANGE(STATE(c), value, value + PINNED)
    :: else -> break
    od
}

inline otlite_chunk_release(c)
{
    LOAD(value, STATE(c));
    swapped = 0;
    do
    :: !swapped -> COMPARE_EXCHANGE(STATE(c), value, value - PINNED)
    :: else -> break
    od;
    free_if_settled(c)
}

inline take_free()
{
    chunk = 0;
    swapped = 0;
    do
    :: chunk < CHUNKS && !swapped ->
        LOAD(value, STATE(chunk));
        if
        :: IS(value, FREE) -> take(chunk, value)
        :: else
        fi;
        if
        :: swapped
        :: else -> chunk++
        fi
    :: else -> break
    od
}

inline take_oldest()
{
    tries = 0;
    swapped = 0;
    do
    :: tries < CHUNKS && !swapped ->
        chunk = CHUNKS;
        i = 0;
        do
        :: i < CHUNKS ->
            LOAD(value, STATE(i));
            LOAD(one, SEQUENCE(i));
            if
            :: IS(value, COMPLETE) && (value & PINNED) == 0 && (chunk == CHUNKS || one < age) ->
                chunk = i;
                found = value;
                age = one
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        age = 0;
        if
        :: chunk == CHUNKS -> break
        :: else ->
            take(chunk, found);
            if
            :: swapped ->
                LOAD(one, ACKED(chunk));
                LOAD(other, COMMITTED(chunk));
                lost = lost + other - one;
                clear_cursors(chunk)
            :: else -> chunk = CHUNKS
            fi
        fi;
        found = 0;
        tries++
    :: else -> break
    od;
    tries = 0
}

inline open_chunk(c)
{
    STORE(SEQUENCE(c), sequence);
    sequence++
}

inline publish(c)
{
    LOAD(value, STATE(c));
    STORE_SEQ(STATE(c), NEXT(value) + WRITING)
}

inline complete(c)
{
    LOAD(value, STATE(c));
    swapped = 0;
    do
    :: !swapped -> COMPARE_EXCHANGE(STATE(c), value, (value - (value & 3)) + COMPLETE)
    :: else -> break
    od;
    free_if_settled(c)
}

inline wake_for()
{
    LOAD(value, WAKE);
    if
    :: value ->
        atomic {
            buffers[me].count == 0 ->
            posts = posts + memory[WAKE];
            memory[WAKE] = 0
        }
    :: else
    fi
}

inline leave_chunk()
{
    STORE(FILLS(slot), 0);
    complete(chunk);
    wake_for()
}

/* The chunk of this slot with room for one more, or a new one; CHUNKS: there is none. */
inline reserve()
{
    LOAD(value, FILLS(slot));
    if
    :: value != 0 ->
        chunk = value - 1;
        LOAD(value, COMMITTED(chunk));
        if
        :: value == ROOM ->
            leave_chunk();
            chunk = CHUNKS
        :: else
        fi
    :: else -> chunk = CHUNKS
    fi;
    if
    :: chunk == CHUNKS ->
        take_free();
        if
        :: !swapped -> take_oldest()
        :: else
        fi;
        if
        :: !swapped -> take_free()
        :: else
        fi;
        if
        :: swapped ->
            open_chunk(chunk);
            publish(chunk);
            STORE(FILLS(slot), chunk + 1)
        :: else -> chunk = CHUNKS
        fi
    :: else
    fi
}

inline commit()
{
    LOAD(value, COMMITTED(chunk));
    STORE(BYTES(chunk, value), number);
    kept[number] = 1;
    STORE_COMMITTED(COMMITTED(chunk), value + 1);
    wake_for()
}

proctype writer(byte me)
{
    byte slot, chunk, value, one, other, found, age, tries, i, k, number = me * RECORDS;
    bit swapped;
    do
    :: number < (me + 1) * RECORDS ->
        number++;
        borrow_slot();
        if
        :: swapped ->
            reserve();
            if
            :: chunk < CHUNKS -> commit()
            :: else -> refused++
            fi;
            return_slot()
        :: else -> reentered++
        fi
    :: else -> break
    od;
    buffers[me].count == 0 -> written++
}

/* ---- batch.c and region.c: the exporter ---- */

/* Whether there is something to collect, after saying that it wants to be woken. */
inline otlite_region_arm()
{
    STORE_SEQ(WAKE, 1);
    ready = 0;
    chunk = 0;
    do
    :: chunk < CHUNKS && !ready ->
        LOAD(value, STATE(chunk));
        if
        :: READABLE(value) ->
            LOAD(one, COMMITTED(chunk));
            LOAD(other, ACKED(chunk));
            ready = (one != other)
        :: else
        fi;
        chunk++
    :: else -> break
    od;
    if
    :: ready -> STORE_SEQ(WAKE, 0)
    :: else
    fi
}

inline otlite_batch_offer()
{
    LOAD(value, OFFERED(chunk));
    if
    :: value < to -> STORE_RELEASE(OFFERED(chunk), to)
    :: else
    fi
}

inline settle()
{
    STORE_SEQ(ACKED(chunk), to);
    otlite_chunk_release(chunk)
}

/* Of each chunk what is committed; as a batch of one chunk, or given back unread. */
inline collect_items()
{
    chunk = 0;
    do
    :: chunk < CHUNKS ->
        otlite_chunk_hold(chunk);
        if
        :: swapped ->
            LOAD(from, ACKED(chunk));
            LOAD(to, COMMITTED(chunk));
            i = from;
            do
            :: i < to ->
                LOAD(value, BYTES(chunk, i));
                assert(value != 0 && kept[value]); /* whole, and none invented */
                assert(!received[value]);          /* none twice */
                received[value] = 1;
                exported++;
                i++
            :: else -> break
            od;
            if
            :: from != to ->
                otlite_batch_offer();
                atomic { /* the system call that sends: no store is made after it that stood before */
                    buffers[me].count == 0 ->
                    i = from;
                    do
                    :: i < to -> sent[memory[BYTES(chunk, i)]] = 1; i++
                    :: else -> break
                    od
                };
                settle()
            :: else -> otlite_chunk_release(chunk)
            fi;
            i = 0;
            from = 0;
            to = 0
        :: else
        fi;
        chunk++
    :: else -> break
    od
}


proctype exporter(byte me)
{
    byte chunk, value, one, other, from, to, i, k;
    bit swapped, ready;
    do
    :: exported + lost + refused + reentered == TOTAL -> break
    :: else ->
        otlite_region_arm();
        if
        :: ready
        :: else ->
            if
            :: posts > 0 -> posts = 0
            :: exported + lost + refused + reentered == TOTAL -> break
            fi
        fi;
        collect_items()
    od;
    written == WRITERS;
    assert(exported + lost + refused + reentered == TOTAL);
done:
    skip
}

/* ---- seal.c and recover.c: adoption ----
 * At any moment: what is there and not acknowledged is whole, was recorded, and is told of as offered when it was sent. */

inline otlite_chunk_cursors(c)
{
    committed = memory[COMMITTED(c)];
    offered = memory[OFFERED(c)];
    acked = memory[ACKED(c)];
    there = READABLE(memory[STATE(c)]) || IS(memory[STATE(c)], TAKEN);
    assert(committed <= ROOM);
    if
    :: acked > committed -> acked = 0
    :: else
    fi;
    if
    :: offered < acked -> offered = acked
    :: else
    fi
}

inline keep(c)
{
    r = acked;
    do
    :: r < committed ->
        value = memory[BYTES(c, r)];
        assert(value != 0 && kept[value] && !again[value]);
        assert(!received[value] || memory[STATE(c)] & PINNED);
        assert(!sent[value] || r < offered);
        again[value] = 1;
        r++
    :: else -> break
    od
}

inline adopt_chunks()
{
    do
    :: c < CHUNKS ->
        otlite_chunk_cursors(c);
        if
        :: there -> keep(c)
        :: else
        fi;
        c++
    :: else -> break
    od
}

inline otlite_region_adopt()
{
    d_step { adopt_chunks() }
}

#ifndef LIVE
proctype adoption()
{
    byte c, r, value, committed, offered, acked;
    bit there, again[TOTAL + 1];
    otlite_region_adopt()
}
#endif

init
{
    byte n = 0;
    atomic {
        do
        :: n < WRITERS ->
            run writer(n);
            run visible(n);
            n++
        :: else -> break
        od;
        run exporter(EXPORTER);
        run visible(EXPORTER);
#ifndef LIVE
        run adoption()
#endif
    }
}

#ifdef LIVE
/* Whatever was recorded leaves: no record is slept through, no wait goes on for ever. */
ltl flushed { <> (exported + lost + refused + reentered == TOTAL) }
#endif
