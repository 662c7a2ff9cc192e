/* test_http.c - HTTP/1.x answers, split at every byte, are what RFC 9110 and RFC 9112 say */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "otlite.h"

#define ROOM 64 /* of the body's buffer */

struct expectation {
    const char *bytes;
    enum otlite_status status; /* of the first call that is not OK, the end of the input included */
    uint16_t code;
    const char *body;
    bool close;
    const char *retry_after;
};

#define OK OTLITE_OK
#define GONE OTLITE_CLOSED

#define EIGHT "12345678"
#define SIXTY_FOUR EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT
#define LONG SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR

#define ZEROS "0000000000000000" /* 16 */
#define ZEROS_239                                                                                  \
    ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS ZEROS            \
        "000000000000000"
#define HEAD "HTTP/1.1 200 OK\r\n"
#define SIZED(size) "Content-Length: " #size "\r\n"
#define EMPTY SIZED(0) "\r\n"
#define HI SIZED(2) "\r\nhi"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define IN_CHUNKS HEAD CHUNKED "\r\n"

/* clang-format off */

/* Complete before the peer closes; the last byte completes them. */
static const struct expectation whole[] = {
    {HEAD "Content-Length: 5\r\n\r\nhello", OK, 200, "hello", false, ""},
    {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", OK, 200, "hello", false, ""},
    {"HTTP/1.1 200 \r\ncontent-LENGTH:\t5 \t\r\n\r\nhello", OK, 200, "hello", false, ""},
    {"HTTP/1.1 200\r\nContent-Length:5\r\n\r\nhello", OK, 200, "hello", false, ""},
    {"\r\n\n\r\n" HEAD HI, OK, 200, "hi", false, ""},
    {HEAD EMPTY, OK, 200, "", false, ""},
    {HEAD SIZED(64) "\r\n" SIXTY_FOUR, OK, 200, SIXTY_FOUR, false, ""},
    {"HTTP/1.1 599 " LONG "\r\n" EMPTY, OK, 599, "", false, ""},
    {"HTTP/1.1 100 OK\r\n\r\nHTTP/1.1 200 " LONG "\r\n" EMPTY, OK, 200, "", false, ""},
    {HEAD "X: \xe9\xff\r\nY:\r\n" EMPTY, OK, 200, "", false, ""},
    {HEAD "!#$%&'*+-.^_`|~Az09: 1\r\n" EMPTY, OK, 200, "", false, ""},
    {HEAD "X-Long: " LONG "\r\n" HI, OK, 200, "hi", false, ""},
    /* lengths said twice */
    {HEAD SIZED(2) HI, OK, 200, "hi", false, ""},
    {HEAD "Content-Length: 2, 2,\r\n\r\nhi", OK, 200, "hi", false, ""},
    {HEAD "Content-Length: 0002\r\n\r\nhi", OK, 200, "hi", false, ""},
    {HEAD "Content-Length: " ZEROS_239 "2\n\r\nhi", OK, 200, "hi", false, ""}, /* 256 bytes */
    {HEAD "Content-Length: " ZEROS_239 "2\r\n\r\nhi", OK, 200, "hi", false, ""},
    /* no body, whatever the headers say */
    {"HTTP/1.1 204 No Content\r\n\r\n", OK, 204, "", false, ""},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", OK, 204, "", false, ""},
    /* it announces a body that cannot be: whether one comes is not known */
    {"HTTP/1.1 204 No Content\r\n" CHUNKED "\r\n", OK, 204, "", true, ""},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", OK, 204, "", true, ""},
    {"HTTP/1.1 304 Not Modified\r\n" SIZED(99999999999) "\r\n", OK, 304, "", false, ""},
    {"HTTP/1.1 304 Not Modified\r\n" SIZED(18446744073709551615) "\r\n", OK, 304, "", false, ""},
    /* the connection's life */
    {HEAD "Connection: close\r\n" EMPTY, OK, 200, "", true, ""},
    {HEAD "CONNECTION: a, ,CLOSE\r\n" EMPTY, OK, 200, "", true, ""},
    {HEAD "Connection: closed, xclose, clos\r\n" EMPTY, OK, 200, "", false, ""},
    {HEAD "Connection: " LONG "\r\n" EMPTY, OK, 200, "", true, ""},
    {HEAD "Connection: cloze, cxxxx, xlose\r\n" EMPTY, OK, 200, "", false, ""},
    {HEAD "Content-Length: 0\r\nContent-Lxxxth: 5\r\nXontent-Length: 5\r\nTxxxxxxx-Encoding: 1\r\nRxxxx-Axxxx: 5\r\n\r\n",
     OK, 200, "", false, ""},
    {HEAD "Keep-Alive: timeout=5\r\n" EMPTY, OK, 200, "", false, ""},
    {"HTTP/1.0 200 OK\r\n" HI, OK, 200, "hi", true, ""},
    {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" HI, OK, 200, "hi", false, ""},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n" HI, OK, 200, "hi", true, ""},
    {"HTTP/1.0 200 OK\r\nConnection: " LONG ", keep-alive\r\n" HI, OK, 200, "hi", true, ""},
    /* chunks */
    {IN_CHUNKS "5\r\nhello\r\n0\r\n\r\n", OK, 200, "hello", false, ""},
    {"HTTP/1.1 200 OK\ntransfer-encoding: Chunked\n\n"
     "5\nhello\nd \t; a=\"b\"\n, wide worl\nd\n0\n\n", OK, 200, "hello, wide worl\nd", false, ""},
    {IN_CHUNKS "00001;x\r\na\r\n1\r\nb\r\n000;y\r\nT: 1\r\nU\r\n\r\n", OK, 200, "ab", false, ""},
    {IN_CHUNKS "0a\n1234567890\n5\nhello\n0\n\n", OK, 200, "1234567890hello", false, ""},
    {IN_CHUNKS "2;" LONG "\r\nhi\r\n0\r\n\r\n", OK, 200, "hi", false, ""},
    {IN_CHUNKS "40\r\n" SIXTY_FOUR "\r\n0\r\n\r\n", OK, 200, SIXTY_FOUR, false, ""},
    {IN_CHUNKS "a\r\n1234567890\r\nF\r\n123456789012345\r\n0\r\n\r\n",
     OK, 200, "1234567890123456789012345", false, ""},
    {HEAD CHUNKED SIZED(3) "\r\n2\r\nhi\r\n0\r\n\r\n", OK, 200, "hi", true, ""},
    {HEAD SIZED(99) CHUNKED "\r\n2\r\nhi\r\n0\r\n\r\n", OK, 200, "hi", true, ""},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CHUNKED "\r\n2\r\nhi\r\n0\r\n\r\n",
     OK, 200, "hi", true, ""},
    /* interim answers */
    {"HTTP/1.1 100 Continue\r\n\r\n" HEAD HI, OK, 200, "hi", false, ""},
    {"HTTP/1.1 103 Hints\r\nConnection: close\r\n" CHUNKED SIZED(9) "Retry-After: 7\r\n\r\n"
     "HTTP/1.0 199 Go\r\n\r\nHTTP/1.1 429 Slow\r\n" EMPTY, OK, 429, "", false, ""},
    /* Retry-After */
    {"HTTP/1.1 503 Busy\r\nretry-after:  120 \r\n" EMPTY, OK, 503, "", false, "120"},
    {"HTTP/1.1 429 Slow\r\nRetry-After: Fri, 07 Nov 2014 23:59:59 GMT\r\n" EMPTY,
     OK, 429, "", false, "Fri, 07 Nov 2014 23:59:59 GMT"},
    {"HTTP/1.1 429 Slow\r\nRetry-After: " EIGHT EIGHT EIGHT EIGHT "1234567\r\n" EMPTY,
     OK, 429, "", false, EIGHT EIGHT EIGHT EIGHT "1234567"},
    {"HTTP/1.1 429 Slow\r\nRetry-After: " EIGHT EIGHT EIGHT EIGHT EIGHT "\r\n" EMPTY,
     OK, 429, "", false, ""},
    {"HTTP/1.1 429 Slow\r\nRetry-After: " LONG "\r\n" EMPTY, OK, 429, "", false, ""},
    {"HTTP/1.1 429 Slow\r\nRetry-After: 1" LONG "\r\n" EMPTY, OK, 429, "", false, ""},
    {"HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nRetry-After: 7\r\n" EMPTY, OK, 429, "", false, "7"},
    {"HTTP/1.1 429 Slow\r\nRetry-After:  \t \r\n" EMPTY, OK, 429, "", false, ""},
    {"HTTP/1.1 429 Slow\r\nRetry-After:\r\nX-Retry-After: 3\r\n" EMPTY, OK, 429, "", false, ""},
};

/* The end of the input ends them, well or badly. */
static const struct expectation ended[] = {
    {HEAD "\r\nuntil the end", OK, 200, "until the end", true, ""},
    {HEAD "\r\n", OK, 200, "", true, ""},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n" SIXTY_FOUR,
     OK, 200, SIXTY_FOUR, true, ""},
    {HEAD HI " and more", OK, 200, "hi", true, ""},
    {"HTTP/1.1 204 No Content\r\n" HI, OK, 204, "", true, ""},
    {IN_CHUNKS "0\r\n\r\n" HEAD, OK, 200, "", true, ""},
    {"", GONE, 0, "", true, ""},
    {"\r\n", GONE, 0, "", true, ""},
    {"HTTP/1.1 2", GONE, 0, "", true, ""},
    {HEAD SIZED(5), GONE, 200, "", true, ""},
    {HEAD SIZED(5) "\r\nhell", GONE, 200, "hell", true, ""},
    {IN_CHUNKS "5\r\nhel", GONE, 200, "hel", true, ""},
    {IN_CHUNKS "5\r\nhello\r\n", GONE, 200, "hello", true, ""},
    {IN_CHUNKS "0\r\nT: 1\r\n", GONE, 200, "", true, ""},
    {"HTTP/1.1 100 Continue\r\n\r\n", GONE, 0, "", true, ""},
};

/* A body over the buffer is cut: its first byte too many completes the answer. */
static const struct expectation cut_bodies[] = {
    {HEAD SIZED(65) "\n" SIXTY_FOUR "x", OK, 200, SIXTY_FOUR, true, ""},
    {"HTTP/1.1 404 No\n" SIZED(4294967297) "\n" SIXTY_FOUR "x", OK, 404, SIXTY_FOUR, true, ""},
    {HEAD SIZED(18446744073709551615) "\n" SIXTY_FOUR "x", OK, 200, SIXTY_FOUR, true, ""},
    {HEAD "\n" SIXTY_FOUR "x", OK, 200, SIXTY_FOUR, true, ""},
    {IN_CHUNKS "41\n" SIXTY_FOUR "x", OK, 200, SIXTY_FOUR, true, ""},
    {IN_CHUNKS "ffffffffffffffff\n" SIXTY_FOUR "x", OK, 200, SIXTY_FOUR, true, ""},
    {IN_CHUNKS "40\n" SIXTY_FOUR "\n100000001\nx", OK, 200, SIXTY_FOUR, true, ""},
};

/* The last byte of each is the one that makes it malformed. */
static const char *const malformed[] = {
    /* the status line */
    "X", "h", "P", " ", "HTTP/2", "HTTP ", "\r\r", "\rH", "HTTP/1 ", "HTTP/1.\n",
    "HTTP/1.x 200 OK\n",
    "HTTP/1.1  200 OK\n", "HTTP/1.1 20 OK\n", "HTTP/1.1 2000 OK\n", "HTTP/1.1 200OK\n",
    "HTTP/1.1 099 OK\n", "HTTP/1.1 600 OK\n", "HTTP/1.1 999 OK\n", "HTTP/1.1 2x0 OK\n",
    "HTTP/1.1\n", "HTTP/1.1 20\n", "HTTP/1.1\t200 OK\n", "HTTP/1.1 101 Switching Protocols\n",
    "HTTP/1.1 200 O\rK\n", "HTTP/1.1 200 O\x01K\n", "HTTP/1.11 200\n", "HTTP/1.1 200x\n",
    "HTTP/1.1 100 OK\n\nHTTP/1.1 20\n",
    /* headers */
    HEAD "no colon\n", HEAD ": no name\n", HEAD "a b: c\n", HEAD "a : c\n", HEAD "a\t: c\n",
    HEAD "\xe9: c\n", HEAD "X: a\r\n folded: b\n", HEAD "X: a\r\n\tb: c\n", HEAD " X: a\n",
    HEAD "X: a\rb\n", HEAD "X: \x1f\n", HEAD "(X): a\n", HEAD "X" LONG ": a\n", HEAD "X: a\r\r\n",
    HEAD "a\"b: c\n", HEAD "{: c\n", HEAD "a@b: c\n", HEAD "a[: c\n", HEAD "a/: c\n",
    /* lengths */
    HEAD "Content-Length:\n", HEAD "Content-Length: ,\n", HEAD "Content-Length: x\n",
    HEAD "Content-Length: 5x\n", HEAD "Content-Length: -5\n", HEAD "Content-Length: +5\n",
    HEAD "Content-Length: 5 5\n", HEAD "Content-Length: 0x5\n", HEAD "Content-Length: 5;a\n",
    HEAD "Content-Length: 5:\n", HEAD "Content-Length: 5/\n",
    HEAD "Content-Length: 18446744073709551616\n", HEAD "Content-Length: 99999999999999999999999\n",
    HEAD "Content-Length: 5\nContent-Length: 6\n", HEAD "Content-Length: 5, 6\n",
    HEAD "Content-Length: " ZEROS_239 "02\n",
    /* codings */
    HEAD "Transfer-Encoding: gzip\n", HEAD "Transfer-Encoding: gzip, chunked\n",
    HEAD "Transfer-Encoding: identity\n", HEAD "Transfer-Encoding:\n",
    HEAD "Transfer-Encoding: chunke\n", HEAD "Transfer-Encoding: chunked2\n",
    HEAD CHUNKED "Transfer-Encoding: chunked\n", HEAD "Transfer-Encoding: chunked, chunked\n",
    HEAD "Transfer-Encoding: " LONG "\n",
    /* chunks */
    IN_CHUNKS "\n", IN_CHUNKS "x\n", IN_CHUNKS ";5\n", IN_CHUNKS " 5\n", IN_CHUNKS "-1\n",
    IN_CHUNKS "0x5\n", IN_CHUNKS "5 5\n", IN_CHUNKS "5g\n", IN_CHUNKS "5`\n",
    IN_CHUNKS "10000000000000001\n", IN_CHUNKS "5\nhellox\n", IN_CHUNKS "5\nhello0\n",
    IN_CHUNKS "00000" LONG "\n", IN_CHUNKS "0\n\x01\n",
};

/* clang-format on */

static uint8_t body[ROOM];
static struct otlite_http_answer answer;

/* Each part has an allocation of its own, so that AddressSanitizer sees a read past it. */
static enum otlite_status feed(const char *bytes, size_t size)
{
    char *part = malloc(size > 0 ? size : 1);

    if (size > 0)
        memcpy(part, bytes, size);
    enum otlite_status status = otlite_http_feed(&answer, part, size);
    free(part);
    return status;
}

static enum otlite_status play(const char *bytes, size_t size, size_t first, size_t second,
                               bool end)
{
    otlite_http_begin(&answer, body, ROOM);
    enum otlite_status status = feed(bytes, first);
    if (status == OTLITE_OK)
        status = feed(bytes + first, second - first);
    if (status == OTLITE_OK)
        status = feed(bytes + second, size - second);
    return status == OTLITE_OK && end ? otlite_http_eof(&answer) : status;
}

static bool as_expected(const struct expectation *is, enum otlite_status status)
{
    return status == is->status && answer.status == is->code &&
           answer.body_used == strlen(is->body) && memcmp(body, is->body, answer.body_used) == 0 &&
           answer.complete == (is->status == OTLITE_OK) && answer.close == is->close &&
           strcmp(answer.retry_after, is->retry_after) == 0;
}

/* Whole, and cut at every byte into two and into three. */
static void check_splits(const struct expectation *is, size_t size, bool end)
{
    for (size_t first = 0; first <= size; first++) {
        size_t step = size < 128 ? 1 : size - first > 0 ? size - first : 1;
        for (size_t second = first; second <= size; second += step)
            if (!CHECK(as_expected(is, play(is->bytes, size, first, second, end)))) {
                fprintf(stderr, "    cut at %zu and %zu: %s\n", first, second, is->bytes);
                return;
            }
    }
}

static void test_whole_answers(void)
{
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        size_t size = strlen(whole[i].bytes);
        check_splits(&whole[i], size, false);
        otlite_http_begin(&answer, body, ROOM);
        for (size_t at = 0; at < size; at++) {
            CHECK(!answer.complete);
            CHECK_EQUAL(feed(whole[i].bytes + at, 1), OTLITE_OK);
        }
        CHECK(as_expected(&whole[i], OTLITE_OK));
        /* The peer's close afterwards takes nothing back. */
        CHECK_EQUAL(otlite_http_eof(&answer), OTLITE_OK);
        CHECK(answer.complete && answer.close);
    }
}

static void test_ended_answers(void)
{
    for (size_t i = 0; i < sizeof ended / sizeof *ended; i++)
        check_splits(&ended[i], strlen(ended[i].bytes), true);
}

/* Bytes after the answer: it stands, and the connection is spent. */
static void test_cut_bodies(void)
{
    for (size_t i = 0; i < sizeof cut_bodies / sizeof *cut_bodies; i++) {
        size_t size = strlen(cut_bodies[i].bytes);
        check_splits(&cut_bodies[i], size, false);
        CHECK_EQUAL(play(cut_bodies[i].bytes, size - 1, 0, 0, false), OTLITE_OK);
        CHECK(!answer.complete);
    }
}

static void test_more_than_one_answer(void)
{
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        char bytes[1024];
        struct expectation spent = whole[i];
        spent.bytes = bytes;
        spent.close = true;
        size_t size =
            (size_t)snprintf(bytes, sizeof bytes, "%s%c", whole[i].bytes, "H\r\n0"[i % 4]);
        check_splits(&spent, size, false);
    }
}

/* Every answer of known length, cut short anywhere, is not whole. */
static void test_cut_short(void)
{
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        for (size_t size = 0; size < strlen(whole[i].bytes); size++) {
            CHECK_EQUAL(play(whole[i].bytes, size, 0, size, true), OTLITE_CLOSED);
            CHECK(!answer.complete);
        }
}

static void test_malformed_answers(void)
{
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        size_t size = strlen(malformed[i]);
        for (size_t cut = 0; cut <= size; cut++)
            if (!CHECK_EQUAL(play(malformed[i], size, cut, size, false), OTLITE_MALFORMED))
                fprintf(stderr, "    cut at %zu: %s\n", cut, malformed[i]);
        CHECK(!answer.complete);
        CHECK_EQUAL(feed("HTTP/1.1 204 OK\n\n", 17), OTLITE_MALFORMED);
        CHECK_EQUAL(otlite_http_eof(&answer), OTLITE_MALFORMED);
        if (!CHECK_EQUAL(play(malformed[i], size - 1, 0, 0, false), OTLITE_OK))
            fprintf(stderr, "    too early: %s\n", malformed[i]);
    }
}

/* What is no answer at all may bring no line end: it is told by its first bytes. */
static void test_other_protocols(void)
{
    static const char alert[] = "\x15\3\1\0\2\2\x46";
    static const char nul[] = HEAD "X: \0\r\n";

    CHECK_EQUAL(play(alert, 1, 0, 0, false), OTLITE_MALFORMED);
    CHECK_EQUAL(play(nul, sizeof nul - 1, 0, 0, false), OTLITE_MALFORMED);
    CHECK_EQUAL(play("PRI * HTTP/2.0\r\n", 16, 0, 0, false), OTLITE_MALFORMED);
}

/* SETTINGS, the first words of an HTTP/2 server: known by the head of the frame, however it comes. */
static void test_http2(void)
{
    static const char settings[] =
        "\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5\0\xff\xff\xff";
    static const char large[] = "\0\x3f\xfc\4\0\0\0\0\0";
    static const size_t size = sizeof settings - 1;

    for (size_t cut = 0; cut <= size; cut++) {
        CHECK_EQUAL(play(settings, size, cut, size, false), OTLITE_HTTP2);
        CHECK(!answer.complete && answer.status == 0);
        CHECK_EQUAL(feed("HTTP/1.1 204 OK\n\n", 17), OTLITE_HTTP2);
        CHECK_EQUAL(otlite_http_eof(&answer), OTLITE_HTTP2);
    }
    for (size_t cut = 0; cut < 9; cut++) {
        CHECK_EQUAL(play(settings, cut, 0, 0, false), OTLITE_OK);
        CHECK_EQUAL(otlite_http_eof(&answer), OTLITE_CLOSED);
    }
    CHECK_EQUAL(play(large, 9, 0, 0, false), OTLITE_HTTP2);
    /* Each byte of the head but its length's is as it must be. */
    for (size_t at = 0; at < 9; at++) {
        char bytes[9];
        memcpy(bytes, settings, 9);
        bytes[at] ^= 1;
        bool length = at == 1 || at == 2;
        CHECK_EQUAL(play(bytes, 9, 0, 0, false), length ? OTLITE_HTTP2 : OTLITE_MALFORMED);
        if (!length)
            CHECK_EQUAL(play(bytes, at + 1, 0, 0, false), OTLITE_MALFORMED);
    }
    /* Only first: here they are what cannot be in an answer. */
    otlite_http_begin(&answer, body, ROOM);
    CHECK_EQUAL(feed("HTTP/1.1 100 Continue\r\n\r\n", 25), OTLITE_OK);
    CHECK_EQUAL(feed(settings, size), OTLITE_MALFORMED);
}

/* `before`, and lines up to 64 KiB of which `already` bytes do not count: one more is too much. */
static void check_header_limit(const char *before, size_t already)
{
    const size_t limit = 64 * 1024 + already;
    size_t size = strlen(before);
    char *bytes = malloc(limit);

    memcpy(bytes, before, size);
    while (size < limit - 2) {
        size_t line = limit - 2 - size;
        line = line < 1000 ? line : line < 1500 ? 500 : 1000;
        memset(bytes + size, 'x', line);
        bytes[size + 1] = ':';
        bytes[size + line - 1] = '\n';
        size += line;
    }
    memcpy(bytes + size, "\r\n", 2);
    CHECK_EQUAL(play(bytes, limit, limit / 2, limit, false), OTLITE_OK);
    CHECK(answer.complete);
    memcpy(bytes + size, "x:", 2);
    CHECK_EQUAL(play(bytes, limit, limit / 2, limit, false), OTLITE_OK);
    CHECK(!answer.complete);
    CHECK_EQUAL(feed("x", 1), OTLITE_MALFORMED);
    free(bytes);
}

static void test_header_limit(void)
{
    static const char last_chunk[] = IN_CHUNKS "0\r\n";

    check_header_limit("HTTP/1.1 204 OK\n", 0);
    check_header_limit("HTTP/1.1 100 OK\n\nHTTP/1.1 204 OK\n", 0); /* interim answers count */
    check_header_limit(last_chunk, strlen(last_chunk));

    /* A chunk's line, and the line after it. */
    for (int after = 0; after <= 1; after++) {
        const char *start = after ? "1\nx" : "1;";
        otlite_http_begin(&answer, body, ROOM);
        CHECK_EQUAL(feed(IN_CHUNKS, strlen(IN_CHUNKS)), OTLITE_OK);
        CHECK_EQUAL(feed(start, strlen(start)), OTLITE_OK);
        size_t counted = after ? 0 : strlen(IN_CHUNKS) + 2;
        for (; counted < 64 * 1024; counted++)
            CHECK_EQUAL(feed("y", 1), OTLITE_OK);
        CHECK_EQUAL(feed("y", 1), OTLITE_MALFORMED);
    }
}

/* More bytes in chunk lines than any header may have: only the body's buffer bounds them. */
static void test_many_small_chunks(void)
{
    const uint32_t count = 30000;
    char *bytes = malloc(100 + 6 * count);
    uint8_t *room = malloc(count);
    size_t size = (size_t)sprintf(bytes, "%s", IN_CHUNKS);

    for (uint32_t i = 0; i < count; i++)
        size += (size_t)sprintf(bytes + size, "1\r\n%c\r\n", (int)('a' + i % 26));
    for (uint32_t room_size = count; room_size >= count - 1; room_size--) {
        otlite_http_begin(&answer, room, room_size);
        CHECK_EQUAL(otlite_http_feed(&answer, bytes, size), OTLITE_OK);
        CHECK_EQUAL(answer.body_used, room_size);
        CHECK_EQUAL(answer.complete, room_size < count);
    }
    otlite_http_begin(&answer, room, count);
    CHECK_EQUAL(otlite_http_feed(&answer, bytes, size), OTLITE_OK);
    CHECK_EQUAL(otlite_http_feed(&answer, "0\r\n\r\n", 5), OTLITE_OK);
    CHECK(answer.complete);
    for (uint32_t i = 0; i < count; i++)
        if (room[i] != 'a' + i % 26 && !CHECK_EQUAL(room[i], 'a' + i % 26))
            break;
    free(bytes);
    free(room);
}

static void test_no_room_for_a_body(void)
{
    otlite_http_begin(&answer, NULL, 0);
    CHECK_EQUAL(feed("HTTP/1.1 200 OK\nContent-Length: 0\n\n", 35), OTLITE_OK);
    CHECK(answer.complete && !answer.cut);
    otlite_http_begin(&answer, NULL, 0);
    CHECK_EQUAL(feed("HTTP/1.1 503 Busy\nContent-Length: 1\n\nx", 38), OTLITE_OK);
    CHECK(answer.complete && answer.close && answer.cut);
    CHECK_EQUAL(answer.status, 503);
}

static uint32_t random_below(uint32_t limit)
{
    static uint32_t state = 1;

    state = state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)state * limit >> 32);
}

/* Damaged answers: cut at random into many parts or none, the outcome is the same. */
static void test_damaged_answers(void)
{
    static const char spice[] = "\r\n\n\n :;,0159afAF\t\0\xff";
    char bytes[1024];

    for (int round = 0; round < 20000; round++) {
        const char *source = whole[random_below(sizeof whole / sizeof *whole)].bytes;
        size_t size = strlen(source);
        memcpy(bytes, source, size);
        for (uint32_t damage = random_below(4); damage > 0; damage--)
            bytes[random_below((uint32_t)size)] = spice[random_below(sizeof spice)];
        enum otlite_status expected = play(bytes, size, 0, 0, true);
        struct otlite_http_answer at_once = answer;
        uint8_t at_once_body[ROOM];
        memcpy(at_once_body, body, ROOM);

        otlite_http_begin(&answer, body, ROOM);
        enum otlite_status status = OTLITE_OK;
        for (size_t at = 0, part; at < size && status == OTLITE_OK; at += part) {
            part = 1 + random_below(random_below(2) ? 4 : 60);
            part = part < size - at ? part : size - at;
            status = feed(bytes + at, part);
        }
        if (status == OTLITE_OK)
            status = otlite_http_eof(&answer);
        CHECK(status == expected && answer.status == at_once.status &&
              answer.body_used == at_once.body_used && answer.close == at_once.close &&
              answer.complete == at_once.complete &&
              strcmp(answer.retry_after, at_once.retry_after) == 0 &&
              memcmp(body, at_once_body, answer.body_used) == 0);
    }
}

int main(void)
{
    RUN(test_whole_answers);
    RUN(test_ended_answers);
    RUN(test_cut_bodies);
    RUN(test_more_than_one_answer);
    RUN(test_cut_short);
    RUN(test_malformed_answers);
    RUN(test_other_protocols);
    RUN(test_http2);
    RUN(test_header_limit);
    RUN(test_many_small_chunks);
    RUN(test_no_room_for_a_body);
    RUN(test_damaged_answers);
    return check_end();
}
