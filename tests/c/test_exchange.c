/* test_exchange.c - a request and its answer over real sockets, whatever the peer does */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "otlite.h"
#include "own_time.h"
#include "peer.h"

#define MILLISECOND UINT64_C(1000000)
#define GRACE (100 * MILLISECOND)   /* how late a deadline may be noticed */
#define PROMPT (1000 * MILLISECOND) /* long before the deadline */
#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define SMALL 4096

/* ---- The client's end ---- */

struct call {
    enum otlite_status status;
    struct otlite_http_answer answer;
    uint8_t body[SMALL];
    bool sent;
    uint64_t took;
    uint64_t own;  /* without what a busy machine took */
    uint64_t busy; /* of which the thread ran */
};

static uint64_t busy_time(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000 * MILLISECOND + (uint64_t)time.tv_nsec;
}

static void exchange(struct call *call, int descriptor, const struct otlite_segment *segments,
                     size_t count, unsigned milliseconds)
{
    struct own_time own = own_time_now();
    uint64_t busy = busy_time();

    otlite_http_begin(&call->answer, call->body, sizeof call->body);
    call->sent = true;
    call->status = otlite_exchange(descriptor, segments, count, &call->answer,
                                   own.start + milliseconds * MILLISECOND, &call->sent);
    call->busy = busy_time() - busy;
    call->own = own_time_since(&own, &call->took);
}

static bool success(const struct call *call, uint16_t code)
{
    return CHECK_EQUAL(call->status, OTLITE_OK) && CHECK(call->answer.complete) &&
           CHECK_EQUAL(call->answer.status, code);
}

/* One request of `size` bytes in one segment, to a peer that follows the script. */
static struct call call_peer(void (*script)(struct peer *), const char *answer, size_t size,
                             unsigned milliseconds)
{
    struct peer peer = {.script = script, .wanted = size, .answer = answer};
    uint8_t *bytes = malloc(size);
    struct otlite_segment segment = {bytes, size};
    struct call call;

    memset(bytes, 'r', size);
    int client = connected(&peer.descriptor);
    start_peer(&peer);
    exchange(&call, client, &segment, 1, milliseconds);
    close(client);
    end_peer(&peer);
    free(bytes);
    return call;
}

/* ---- What goes well ---- */

static uint8_t pattern(size_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static void compares(struct peer *peer)
{
    bool same = hear(peer, peer->wanted);

    for (size_t i = 0; same && i < peer->wanted; i++)
        same = peer->received[i] == pattern(i);
    const char *answer = same ? peer->answer : "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n";
    say(peer, answer, strlen(answer));
    hear(peer, 1); /* until the client closes */
}

static void compares_slowly(struct peer *peer)
{
    pause_for(20);
    compares(peer);
}

/* `count` segments of uneven sizes, some empty, arrive as one stream, in order. */
static void check_segments(int client, struct peer *peer, size_t count, size_t largest)
{
    struct otlite_segment *segments = malloc(count * sizeof *segments);
    uint8_t *bytes = malloc(count * largest);
    struct call call;
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        segments[i].data = bytes + size;
        segments[i].size = i % 7 == 3 ? 0 : 1 + i * 2654435761u % largest;
        size += segments[i].size;
    }
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(i);
    peer->wanted = size;
    start_peer(peer);
    exchange(&call, client, segments, count, 10000);
    if (success(&call, 200)) {
        CHECK(!call.answer.close && call.sent);
        CHECK_EQUAL(call.answer.body_used, 2);
        CHECK(memcmp(call.body, "hi", 2) == 0);
    }
    close(client);
    end_peer(peer);
    CHECK_EQUAL(peer->total, size); /* and not a byte more */
    free(segments);
    free(bytes);
}

static void test_segments_arrive_in_order(void)
{
    static const struct {
        size_t count, largest;
    } sizes[] = {{1, 1},    {1, 100},  {2, 100},   {127, 50},
                 {128, 50}, {129, 50}, {3000, 40}, {300, 20000}};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int local = 0; local <= 1; local++) {
            struct peer peer = {.script = compares, .answer = OK_ANSWER};
            int client = local ? connected_locally(&peer.descriptor) : connected(&peer.descriptor);
            check_segments(client, &peer, sizes[i].count, sizes[i].largest);
        }
}

/* The smallest send buffer, a few KiB, and a peer that starts late: each call sends a part of the
 * 32 KiB or so that it offers, and breaks off within a segment. */
static void test_partial_writes(void)
{
    for (int local = 0; local <= 1; local++) {
        struct peer peer = {.script = compares_slowly, .answer = OK_ANSWER};
        int client = local ? connected_locally(&peer.descriptor) : connected(&peer.descriptor);
        setsockopt(client, SOL_SOCKET, SO_SNDBUF, &(int){1}, sizeof(int));
        check_segments(client, &peer, 2000, 500);
    }
}

static void test_slow_reader_of_a_large_body(void)
{
    struct call call = call_peer(reads_slowly, OK_ANSWER, 4 << 20, 20000);
    success(&call, 200);
}

static void test_nothing_to_send(void)
{
    struct peer peer = {.script = answers, .answer = OK_ANSWER, .wanted = 1};
    struct otlite_segment empty = {"", 0};
    struct call call;
    int client = connected(&peer.descriptor);

    start_peer(&peer);
    exchange(&call, client, &empty, 1, 50);
    CHECK_EQUAL(call.status, OTLITE_TIMEOUT);
    CHECK(!call.sent);
    exchange(&call, client, NULL, 0, 50);
    CHECK_EQUAL(call.status, OTLITE_TIMEOUT);
    close(client);
    end_peer(&peer);
    CHECK_EQUAL(peer.total, 0);
}

static void test_dribbled_answer(void)
{
    struct call call = call_peer(dribbles, "HTTP/1.1 100 Continue\r\n\r\n" OK_ANSWER, 100, 10000);

    if (success(&call, 200))
        CHECK(!call.answer.close);
    CHECK(call.took >= 60 * MILLISECOND);
    call = call_peer(answers_once_and_closes, "HTTP/1.1 200 OK\r\n\r\nno length", 100, 10000);
    if (success(&call, 200))
        CHECK(call.answer.close);
    CHECK_EQUAL(call.answer.body_used, 9);
}

/* A kept connection serves again; that the peer hung up is known before a byte is sent. */
static void test_kept_connection(void)
{
    struct peer peer = {.script = answers, .answer = OK_ANSWER, .wanted = 300};
    uint8_t bytes[300] = {0};
    struct otlite_segment segment = {bytes, sizeof bytes};
    struct call call;
    int client = connected(&peer.descriptor);

    start_peer(&peer);
    for (int i = 0; i < 20; i++) {
        exchange(&call, client, &segment, 1, 5000);
        if (success(&call, 200))
            CHECK(!call.answer.close);
    }
    shutdown(peer.descriptor, SHUT_RDWR);
    pause_for(20);
    exchange(&call, client, &segment, 1, 5000);
    CHECK_EQUAL(call.status, OTLITE_CLOSED);
    CHECK(!call.sent);
    CHECK(call.own < PROMPT);
    close(client);
    end_peer(&peer);
    CHECK_EQUAL(peer.total, 20 * sizeof bytes);
}

/* ---- What goes wrong ---- */

#define TOO_LARGE "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"

static void test_early_answer(void)
{
    for (int i = 0; i < 60; i++) {
        void (*script)(struct peer *) = i % 2 ? answers_early_and_closes : answers_early_and_stays;
        bool refused = i % 4 < 2;
        struct call call = call_peer(script, refused ? TOO_LARGE : OK_ANSWER, 16 << 20, 30000);
        if (refused)
            success(&call, 413);
        else /* what the peer has not read it cannot have taken */
            CHECK_EQUAL(call.status, OTLITE_CLOSED);
        CHECK(call.answer.close); /* half a request went before */
        CHECK(call.sent);
        CHECK(call.own < 5000 * MILLISECOND);
    }
}

/* Nothing can be sent any more: the peer's word is still heard, but the connection is spent. */
static void test_own_end_shut(void)
{
    struct peer peer = {.script = answers_at_the_end, .answer = TOO_LARGE};
    struct otlite_segment segment = {"request", 7};
    struct call call;
    int client = connected(&peer.descriptor);

    shutdown(client, SHUT_WR);
    start_peer(&peer);
    exchange(&call, client, &segment, 1, 5000);
    if (success(&call, 413))
        CHECK(call.answer.close);
    CHECK(!call.sent);
    close(client);
    end_peer(&peer);
}

/* A busy machine may wake us late: of three times once must be in time. */
static void check_deadline(void (*script)(struct peer *), size_t size, unsigned milliseconds)
{
    bool in_time = false;

    for (int i = 0; i < 3 && !in_time; i++) {
        struct call call = call_peer(script, OK_ANSWER, size, milliseconds);
        CHECK_EQUAL(call.status, OTLITE_TIMEOUT);
        CHECK(call.sent);
        CHECK(!call.answer.complete);
        CHECK(call.took >= milliseconds * MILLISECOND);
        CHECK(size > 100 || call.busy < 50 * MILLISECOND); /* it slept */
        in_time = call.own < milliseconds * MILLISECOND + GRACE;
    }
    CHECK(in_time);
}

static void test_deadline(void)
{
    check_deadline(stays_silent, 100, 200);
    check_deadline(stays_silent, 100, 1);
    check_deadline(stays_silent, 32 << 20, 200); /* while sending */
    check_deadline(dribbles_for_ever, 100, 200);
    check_deadline(reads_slowly, 64 << 20, 200);
}

static void test_deadline_passed_already(void)
{
    struct peer peer = {.script = answers, .answer = OK_ANSWER, .wanted = 1};
    struct otlite_segment segment = {"r", 1};
    struct call call;
    int client = connected(&peer.descriptor);

    start_peer(&peer);
    exchange(&call, client, &segment, 1, 0);
    CHECK_EQUAL(call.status, OTLITE_TIMEOUT);
    CHECK(!call.sent);
    close(client);
    end_peer(&peer);
    CHECK_EQUAL(peer.total, 0);
}

static void test_reset(void)
{
    for (int i = 0; i < 10; i++) {
        struct call call = call_peer(resets, "", i < 5 ? 1000 : 16 << 20, 30000);
        CHECK_EQUAL(call.status, OTLITE_CLOSED);
        CHECK(call.sent && !call.answer.complete);
    }
    struct call call = call_peer(resets_within_the_answer, "", 1000, 10000);
    CHECK_EQUAL(call.status, OTLITE_CLOSED); /* what a reset cuts off is not ended by it */
    CHECK_EQUAL(call.answer.body_used, 12);
    call = call_peer(answers_once_and_closes, "", 1000, 10000);
    CHECK_EQUAL(call.status, OTLITE_CLOSED);
    call = call_peer(answers_once_and_closes, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1", 9,
                     10000);
    CHECK_EQUAL(call.status, OTLITE_CLOSED);
    CHECK_EQUAL(call.answer.body_used, 1);
}

/* The peer speaks before it was asked: nothing is sent over such a connection. */
static void test_unasked_answers(void)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum otlite_status status;
    } unasked[] = {
        {"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", 51, OTLITE_CLOSED},
        {"\r\n", 2, OTLITE_CLOSED},
        {"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5\0\xff\xff\xff", 27, OTLITE_HTTP2},
        {"\0\0\x12\4\0\0\0\0\0", 9, OTLITE_HTTP2},
        {"nonsense\n", 9, OTLITE_MALFORMED},
    };

    for (size_t i = 0; i < sizeof unasked / sizeof *unasked; i++) {
        struct peer peer = {.script = stays_silent};
        struct otlite_segment segment = {"request", 7};
        struct call call;
        uint8_t byte;
        int client = connected(&peer.descriptor);
        say(&peer, unasked[i].bytes, unasked[i].size);
        pause_for(5);
        exchange(&call, client, &segment, 1, 5000);
        CHECK_EQUAL(call.status, unasked[i].status);
        CHECK(!call.sent);
        CHECK(call.own < PROMPT);
        CHECK_EQUAL(recv(peer.descriptor, &byte, 1, MSG_DONTWAIT), -1);
        close(client);
        close(peer.descriptor);
    }
}

#define SETTINGS "\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5\0\xff\xff\xff"

static void says_settings_and_closes(struct peer *peer)
{
    hear(peer, 1000);
    say(peer, SETTINGS, 27);
    close(peer->descriptor); /* with unread bytes: the system sends a reset */
    peer->descriptor = -1;
}

static void answers_in_http2(struct peer *peer)
{
    hear(peer, peer->wanted);
    say(peer, SETTINGS, 27);
    stays_silent(peer); /* and brings no line end */
}

static void test_other_protocols(void)
{
    struct call call = call_peer(answers_in_http2, "", 100, 5000);
    CHECK_EQUAL(call.status, OTLITE_HTTP2);
    CHECK(call.own < PROMPT && call.sent);
    call = call_peer(answers_once_and_closes, "220 smtp.example ready\r\n", 100, 5000);
    CHECK_EQUAL(call.status, OTLITE_MALFORMED);
}

/* A peer that refuses in its own tongue reads no request of many MiB to its end. */
static void test_http2_said_early(void)
{
    for (int i = 0; i < 20; i++) {
        struct call call = call_peer(says_settings_and_closes, "", 16 << 20, 30000);
        CHECK_EQUAL(call.status, OTLITE_HTTP2);
        CHECK(call.own < 5000 * MILLISECOND);
    }
}

static char *huge_answer(size_t size)
{
    char *answer = malloc(size + 100);
    size_t head = (size_t)sprintf(answer, "HTTP/1.1 200 OK\r\n\r\n");

    memset(answer + head, 'b', size);
    answer[head + size] = '\0';
    return answer;
}

/* A body without a length: the buffer's size is taken; of a byte more, or 8 MiB, the rest is left. */
static void test_huge_answer(void)
{
    static const size_t sizes[] = {SMALL, SMALL + 1, 8 << 20};

    for (size_t i = 0; i < 3; i++) {
        char *answer = huge_answer(sizes[i]);
        struct call call = call_peer(answers_once_and_closes, answer, 100, 5000);
        if (success(&call, 200))
            CHECK(call.answer.close);
        CHECK_EQUAL(call.answer.body_used, SMALL);
        for (size_t at = 0; at < SMALL; at++)
            CHECK_EQUAL(call.body[at], 'b');
        free(answer);
    }
}

static void test_bad_descriptor(void)
{
    struct otlite_segment segment = {"r", 1};
    struct call call;
    int ends[2];

    exchange(&call, -1, &segment, 1, 1000);
    CHECK_EQUAL(call.status, OTLITE_SYSTEM);
    CHECK_EQUAL(errno, EBADF);
    CHECK(!call.sent);
    CHECK_EQUAL(pipe(ends), 0);
    exchange(&call, ends[0], &segment, 1, 1000);
    CHECK_EQUAL(call.status, OTLITE_SYSTEM);
    CHECK_EQUAL(errno, ENOTSOCK);
    close(ends[0]);
    close(ends[1]);
}

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
    (void)signal;
    ticks++;
}

/* A signal each two milliseconds interrupts the calls: nothing is lost, nothing ends early. */
static void test_signals(void)
{
    struct sigaction action = {.sa_handler = tick}, before;
    struct itimerspec each = {{0, 2 * (long)MILLISECOND}, {0, 2 * (long)MILLISECOND}};
    timer_t timer;

    sigaction(SIGALRM, &action, &before);
    CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    timer_settime(timer, 0, &each, NULL);
    struct call call = call_peer(dribbles, OK_ANSWER, 100, 10000);
    success(&call, 200);
    check_deadline(stays_silent, 100, 200);
    timer_delete(timer);
    sigaction(SIGALRM, &before, NULL);
    CHECK(ticks > 20);
}

int main(void)
{
    RUN(test_segments_arrive_in_order);
    RUN(test_partial_writes);
    RUN(test_slow_reader_of_a_large_body);
    RUN(test_nothing_to_send);
    RUN(test_dribbled_answer);
    RUN(test_kept_connection);
    RUN(test_early_answer);
    RUN(test_own_end_shut);
    RUN(test_deadline);
    RUN(test_deadline_passed_already);
    RUN(test_reset);
    RUN(test_unasked_answers);
    RUN(test_other_protocols);
    RUN(test_http2_said_early);
    RUN(test_huge_answer);
    RUN(test_bad_descriptor);
    RUN(test_signals);
    return check_end();
}
