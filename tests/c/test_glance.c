/* test_glance.c - spans looked at as the bytes of a dead process: what is read of them lies within them */
#include "guard.h"

#include "check.h"
#include "encode/wire.h"

/* What a glance finds: of bytes that nobody vouches for, as far as they are fields that lie within them. */
static void test_a_glance(void)
{
    enum { TRACE = 2, SPAN = 20, END = 30, SIZE = 39 };
    static const struct {
        const char *between; /* the trace's name and the span's */
        size_t size;
        bool passed;
    } fields[] = {
        {"", 0, true},
        {"\x1a\x00", 2, true},
        {"\x1a\x03xyz", 5, true},
        {"\x18\xff\x7f", 3, true},
        {"\x19\x12\x08\x12\x08\x12\x08\x12\x08", 9, true},
        {"\x1d\x12\x08\x12\x08", 5, true},
        {"\x1a\x7f", 2, false}, /* beyond the end */
        {"\x1b", 1, false},     /* groups, and types that there are none of */
        {"\x1c", 1, false},
        {"\x1e", 1, false},
        {"\x1f", 1, false},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        uint8_t span[SIZE] = {0x12, SIZE - TRACE};
        size_t size = SIZE + fields[i].size;
        struct guard guard = guard_make(size);
        uint8_t *at = guard_place(guard, GUARD_AFTER, size);
        memcpy(span + TRACE, "\x0a\x10the trace's name", 18);
        memcpy(span + SPAN, "\x12\x08its name", 10);
        memcpy(span + END, "\x41\2\0\0\0\0\0\0\0", 9);
        memcpy(at, span, SPAN);
        memcpy(at + SPAN, fields[i].between, fields[i].size);
        memcpy(at + SPAN + fields[i].size, span + SPAN, SIZE - SPAN);
        struct span_glance glance = otlite_span_glance(at, size);
        CHECK(glance.trace_id == at + TRACE + 2);
        CHECK(glance.span_id == (fields[i].passed ? at + SPAN + fields[i].size + 2 : NULL));
        CHECK_EQUAL(glance.end, fields[i].passed ? 2 : 0);
        for (size_t cut = 0; cut < SPAN; cut++) /* the last byte of the trace's name is missing */
            CHECK(otlite_span_glance(at, cut).trace_id == NULL);
        guard_free(guard);
    }
}

int main(void)
{
    RUN(test_a_glance);
    return check_end();
}
