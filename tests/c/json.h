/* json.h - bodies of requests built by hand, and the lines that they are as OTLP/JSON; include it before system headers */
#ifndef JSON_H
#define JSON_H

#include "guard.h"

#include "check.h"
#include "decode.h"

enum { LINE_MAX_SIZE = 1 << 14 };

static struct guard input, output;

/* ---- Bodies ---- */

struct body {
    uint8_t bytes[2048];
    size_t size;
};

static inline struct body raw(const char *bytes, size_t size)
{
    struct body body = {.size = size};
    if (size > sizeof body.bytes)
        abort();
    memcpy(body.bytes, bytes, size);
    return body;
}

#define RAW(bytes) raw(bytes, sizeof(bytes) - 1)

static inline struct body join(struct body a, struct body b)
{
    if (b.size > sizeof a.bytes - a.size)
        abort();
    memcpy(a.bytes + a.size, b.bytes, b.size);
    a.size += b.size;
    return a;
}

/* A field of number 1 to 15 that holds this. */
static inline struct body within(uint32_t number, struct body content)
{
    char head[] = {(char)(number * 8 + BYTES), (char)(content.size | 0x80),
                   (char)(content.size >> 7)};
    if (content.size < 0x80)
        head[1] = (char)content.size;
    return join(raw(head, content.size < 0x80 ? 2 : 3), content);
}

static inline struct body request_of(struct body span)
{
    return within(1, within(2, within(2, span)));
}

static inline struct body span_of(struct body value)
{
    return request_of(within(9, within(2, value)));
}

/* ---- Lines ---- */

static char line[LINE_MAX_SIZE];
static struct otlite_json json;

/* The whole line in `line`, written `room` bytes at a time, flush against what may not be touched. */
static inline enum otlite_status transcode(const struct otlite_segment *segments, size_t count,
                                           size_t room, enum guard_side side)
{
    uint8_t *dst = guard_place(output, side, room);
    size_t size = 0, written;
    enum otlite_status status;

    otlite_json_begin(&json, segments, count);
    while ((status = otlite_json_next(&json, dst, room, &written)) == OTLITE_OK) {
        if (written == 0 || written > room || size + written >= sizeof line)
            abort();
        memcpy(line + size, dst, written);
        size += written;
    }
    line[size] = 0;
    CHECK_EQUAL(otlite_json_next(&json, dst, room, &written), status);
    return status;
}

static inline enum otlite_status transcode_bytes(const void *bytes, size_t size)
{
    enum otlite_status statuses[GUARD_SIDES];

    for (enum guard_side side = 0; side < GUARD_SIDES; side++) {
        void *src = guard_place(input, side, size);
        memcpy(src, bytes, size);
        struct otlite_segment whole = {src, size};
        statuses[side] = transcode(&whole, 1, OTLITE_JSON_ROOM, side);
    }
    CHECK_EQUAL(statuses[0], statuses[1]);
    return statuses[0];
}

static inline bool is_line(struct body body, const char *expected)
{
    bool same = CHECK_EQUAL(transcode_bytes(body.bytes, body.size), OTLITE_EMPTY) &
                (strcmp(line, expected) == 0);
    if (!same)
        fprintf(stderr, "    is %s\n    not %s\n", line, expected);
    return same;
}

static inline bool refused(struct body body)
{
    return transcode_bytes(body.bytes, body.size) == OTLITE_MALFORMED;
}

/* What a request of one span writes for the value of its one attribute. */
static inline bool is_value(struct body value, const char *text)
{
    static const char around[] = "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
                                 "\"attributes\":[{\"value\":{";
    char expected[512];

    snprintf(expected, sizeof expected, "%s%s}}]}]}]}]}", around, text);
    return is_line(span_of(value), expected);
}

#endif
