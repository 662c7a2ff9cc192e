/* fuzz.h - what an input says, taken from its bytes, and how a target tells that something is wrong
 *
 * An input that has ended says 0, so that each one means something.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "decode.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition) ((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

_Noreturn static inline void fuzz_fail(const char *text, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, text);
    abort();
}

static inline void *room_of(size_t bound)
{
    void *room = malloc(bound);
    if (room == NULL)
        abort();
    return room;
}

struct source {
    const uint8_t *at, *end;
};

static inline struct source source_of(const uint8_t *data, size_t size)
{
    return (struct source){data, data + size};
}

static inline bool has_more(const struct source *source)
{
    return source->at < source->end;
}

static inline uint64_t take_word(struct source *source, uint32_t size)
{
    uint64_t word = 0;
    for (uint32_t i = 0; i < size && has_more(source); i++)
        word |= (uint64_t)*source->at++ << (8 * i);
    return word;
}

/* Of one byte: `below` is at most 256. */
static inline uint32_t take_below(struct source *source, uint32_t below)
{
    return (uint32_t)take_word(source, 1) % below;
}

/* A number of 0 to 8 bytes, or one near 2^64. */
static inline uint64_t take_number(struct source *source)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 8};
    uint32_t choice = take_below(source, sizeof sizes + 1);
    return choice < sizeof sizes ? take_word(source, sizes[choice]) : 0 - take_word(source, 1);
}

/* At most `most` bytes, in place. */
static inline struct bytes take_bytes(struct source *source, size_t most)
{
    size_t size = take_word(source, 1);
    if (size == 255)
        size = take_word(source, 2);
    size_t left = (size_t)(source->end - source->at);
    size = size < left ? size : left;
    size = size < most ? size : most;
    struct bytes bytes = {source->at, size};
    source->at += size;
    return bytes;
}

/* A copy that ends where memory ends, to be freed. */
static inline void *exact_copy(const void *data, size_t size)
{
    void *copy = malloc(size);
    if (copy == NULL && size != 0)
        abort();
    if (size != 0)
        memcpy(copy, data, size);
    return copy;
}

#endif
