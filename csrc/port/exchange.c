/* exchange.c - one request over a connected descriptor and its answer, by a deadline */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "otlite.h"

#define WINDOW 128 /* segments a system call: under every system's IOV_MAX, and 2 KiB of stack */

/* What is still to send. */
struct cursor {
    const struct otlite_segment *segment;
    size_t count;
    size_t offset; /* into the first segment */
};

static void advance(struct cursor *cursor, size_t size)
{
    size += cursor->offset;
    while (cursor->count > 0 && size >= cursor->segment->size) {
        size -= cursor->segment->size;
        cursor->segment++;
        cursor->count--;
    }
    cursor->offset = size;
}

/* What the system's refusal means here: OK is "not now". */
static enum otlite_status refusal(int error)
{
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR)
        return OTLITE_OK;
    return error == EPIPE || error == ECONNRESET ? OTLITE_CLOSED : OTLITE_SYSTEM;
}

static enum otlite_status transmit(int descriptor, struct cursor *cursor, bool *sent)
{
    struct iovec window[WINDOW];
    struct msghdr message = {.msg_iov = window};
    size_t offset = cursor->offset;

    for (size_t i = 0; i < cursor->count && i < WINDOW; i++) {
        const struct otlite_segment *segment = &cursor->segment[i];
        window[i].iov_base = (uint8_t *)segment->data + offset;
        window[i].iov_len = segment->size - offset;
        message.msg_iovlen++;
        offset = 0;
    }
    ssize_t size = sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0)
        return refusal(errno);
    if (size > 0)
        *sent = true;
    advance(cursor, (size_t)size);
    return OTLITE_OK;
}

static enum otlite_status receive(int descriptor, struct otlite_http_answer *answer)
{
    uint8_t bytes[8192];
    ssize_t size = recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT);

    if (size < 0)
        return refusal(errno);
    return size == 0 ? otlite_http_eof(answer) : otlite_http_feed(answer, bytes, (size_t)size);
}

/* Before the first byte is sent nothing may be there to read. The end of a kept connection is
 * CLOSED, and so is an answer that nobody asked for: a proxy says 408 as it hangs up on an idle
 * peer. Bytes that are no HTTP/1 are MALFORMED, or HTTP2: such a server speaks first, and would again. */
static enum otlite_status probe(int descriptor)
{
    char bytes[9]; /* "HTTP/1.1 ", or the head of a frame */
    ssize_t size = recv(descriptor, bytes, sizeof bytes, MSG_DONTWAIT);

    if (size < 0)
        return refusal(errno);
    struct otlite_http_answer stray;
    otlite_http_begin(&stray, NULL, 0);
    enum otlite_status status = otlite_http_feed(&stray, bytes, (size_t)size);
    return status == OTLITE_OK ? OTLITE_CLOSED : status;
}

/* Waits for what poll calls events; *ready has none of them when a signal ended the wait. */
static enum otlite_status await(int descriptor, short events, uint64_t deadline, short *ready)
{
    struct pollfd wait = {.fd = descriptor, .events = events};
    uint64_t now = otlite_clock_boot();

    if (now >= deadline)
        return OTLITE_TIMEOUT;
    uint64_t milliseconds = (deadline - now - 1) / 1000000 + 1;
    int count = poll(&wait, 1, milliseconds > INT_MAX ? INT_MAX : (int)milliseconds);
    if (count < 0 && errno != EINTR)
        return OTLITE_SYSTEM;
    *ready = count > 0 ? wait.revents : 0;
    return OTLITE_OK;
}

enum otlite_status otlite_exchange(int descriptor, const struct otlite_segment *segments,
                                   size_t count, struct otlite_http_answer *answer,
                                   uint64_t deadline, bool *sent)
{
    struct cursor cursor = {segments, count, 0};
    short ready = POLLOUT;

    *sent = false;
    enum otlite_status status = probe(descriptor);
    if (status == OTLITE_OK && otlite_clock_boot() >= deadline)
        status = OTLITE_TIMEOUT;
    bool sending = cursor.count > 0;
    while (status == OTLITE_OK) {
        if (sending && (ready & ~POLLIN) != 0) {
            status = transmit(descriptor, &cursor, sent);
            sending = status == OTLITE_OK && cursor.count > 0;
            /* The peer stopped listening; it may have said why, as a 413. */
            if (status == OTLITE_CLOSED)
                status = OTLITE_OK, ready = POLLIN;
        }
        if (status == OTLITE_OK && (ready & ~POLLOUT) != 0)
            status = receive(descriptor, answer);
        if (status != OTLITE_OK || answer->complete)
            break;
        status = await(descriptor, sending ? POLLIN | POLLOUT : POLLIN, deadline, &ready);
    }
    if (cursor.count > 0) {
        answer->close = true;
        /* A refusal may come early, as a 413 does. What was not read cannot have been accepted. */
        if (status == OTLITE_OK && answer->status < 300)
            status = OTLITE_CLOSED;
    }
    return status;
}
