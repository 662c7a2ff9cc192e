/* answer.c - an HTTP/1.x answer, parsed as its bytes come (RFC 9110, RFC 9112)
 *
 * Strict where two readers could disagree about where the answer ends (lengths, codings, folded
 * lines), lenient where they cannot (bare line feeds, empty lines before the answer).
 */
#include <string.h>

#include "otlite.h"

#define HEADER_BYTES_MAX (64u * 1024u)

/* Up to TRAILERS a line is being read; in the bodies, bytes; in FRAME, the head of an HTTP/2 frame. */
enum state {
    STATUS_LINE,
    HEADERS,
    CHUNK_SIZE,
    CHUNK_END,
    TRAILERS,
    BODY_CHUNK,
    BODY_SIZED,
    BODY_TO_CLOSE,
    FRAME,
    DONE,
    HTTP_2,
    FAILED,
};

enum flags { HTTP_1_0 = 1, KEEP_ALIVE = 2, CLOSE = 4, CHUNKED = 8, LENGTH = 16 };

/* Part of a line. */
struct piece {
    const char *at;
    size_t size;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_token(struct piece piece)
{
    for (size_t i = 0; i < piece.size; i++) {
        char c = piece.at[i], letter = lower(c);
        if (!is_digit(c) && !(letter >= 'a' && letter <= 'z') &&
            strchr("!#$%&'*+-.^_`|~", c) == NULL)
            return false;
    }
    return piece.size > 0;
}

static bool is_word(struct piece piece, const char *word)
{
    for (size_t i = 0; i < piece.size; i++)
        if (lower(piece.at[i]) != word[i]) /* a word's end differs from every character of a line */
            return false;
    return word[piece.size] == '\0';
}

static struct piece trim(struct piece piece)
{
    while (piece.size > 0 && is_space(piece.at[0]))
        piece.at++, piece.size--;
    while (piece.size > 0 && is_space(piece.at[piece.size - 1]))
        piece.size--;
    return piece;
}

/* Takes the next element of a comma-separated list. */
static bool next_item(struct piece *list, struct piece *item)
{
    while (list->size > 0) {
        const char *comma = memchr(list->at, ',', list->size);
        size_t size = comma == NULL ? list->size : (size_t)(comma - list->at);
        size_t step = comma == NULL ? size : size + 1;
        *item = trim((struct piece){list->at, size});
        list->at += step, list->size -= step;
        if (item->size > 0)
            return true;
    }
    return false;
}

/* The caller has a character at least. */
static bool read_number(struct piece digits, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.size; i++) {
        uint64_t digit = (uint64_t)(digits.at[i] - '0');
        if (!is_digit(digits.at[i]) || *number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

/* ---- Lines: each gives the next state ---- */

static enum state status_line(struct otlite_http_answer *answer, struct piece line)
{
    const char *at = line.at;
    uint64_t status;

    /* HTTP/1.1 200 and either the end or a space; "HTTP/1." was checked as it came */
    if (line.size < 12 || !is_digit(at[7]) || at[8] != ' ' || (line.size > 12 && at[12] != ' ') ||
        !read_number((struct piece){at + 9, 3}, &status))
        return FAILED;
    if (status < 100 || status > 599 || status == 101) /* we asked for no other protocol */
        return FAILED;
    answer->status = (uint16_t)status;
    answer->flags = at[7] == '0' ? HTTP_1_0 : 0;
    return HEADERS;
}

static enum state content_length(struct otlite_http_answer *answer, struct piece value)
{
    struct piece item;
    uint64_t number;

    while (next_item(&value, &item)) {
        if (!read_number(item, &number))
            return FAILED;
        if ((answer->flags & LENGTH) != 0 && number != answer->remaining)
            return FAILED;
        answer->remaining = number;
        answer->flags |= LENGTH;
    }
    return (answer->flags & LENGTH) != 0 ? HEADERS : FAILED;
}

static enum state header_line(struct otlite_http_answer *answer, struct piece line, bool cut)
{
    const char *colon = memchr(line.at, ':', line.size);
    if (colon == NULL)
        return FAILED;
    struct piece name = {line.at, (size_t)(colon - line.at)};
    struct piece value = trim((struct piece){colon + 1, line.size - name.size - 1});
    struct piece item;

    if (!is_token(name)) /* a folded line too: it begins with a space */
        return FAILED;
    if (is_word(name, "content-length"))
        return cut ? FAILED : content_length(answer, value);
    if (is_word(name, "transfer-encoding")) {
        if (cut || !is_word(value, "chunked") || (answer->flags & CHUNKED) != 0)
            return FAILED;
        answer->flags |= CHUNKED;
    } else if (is_word(name, "connection")) {
        if (cut)
            answer->flags |= CLOSE;
        while (next_item(&value, &item)) {
            if (is_word(item, "close"))
                answer->flags |= CLOSE;
            if (is_word(item, "keep-alive"))
                answer->flags |= KEEP_ALIVE;
        }
    } else if (is_word(name, "retry-after") && !cut && value.size < sizeof answer->retry_after) {
        memcpy(answer->retry_after, value.at, value.size);
        answer->retry_after[value.size] = '\0';
    }
    return HEADERS;
}

static enum state after_headers(struct otlite_http_answer *answer)
{
    unsigned flags = answer->flags;

    if (answer->status < 200) {
        answer->status = 0;
        answer->retry_after[0] = '\0';
        return STATUS_LINE;
    }
    answer->close = (flags & CLOSE) != 0 || (flags & (HTTP_1_0 | KEEP_ALIVE)) == HTTP_1_0;
    if (answer->status == 204) {
        /* It has no body, but who announces one may send it. */
        if ((flags & CHUNKED) != 0 || answer->remaining != 0)
            answer->close = true;
        return DONE;
    }
    if (answer->status == 304)
        return DONE;
    if ((flags & CHUNKED) != 0) {
        if ((flags & (LENGTH | HTTP_1_0)) != 0)
            answer->close = true; /* whoever wrote both may not mean what we read */
        return CHUNK_SIZE;
    }
    if ((flags & LENGTH) != 0)
        return answer->remaining == 0 ? DONE : BODY_SIZED;
    return BODY_TO_CLOSE;
}

static enum state chunk_size(struct otlite_http_answer *answer, struct piece line, bool cut)
{
    uint64_t size = 0;
    size_t i = 0;

    for (; i < line.size; i++) {
        char c = lower(line.at[i]);
        bool letter = c >= 'a' && c <= 'f';
        if (!is_digit(c) && !letter)
            break;
        if (size > UINT64_MAX / 16)
            return FAILED;
        size = size * 16 + (uint64_t)(letter ? c - 'a' + 10 : c - '0');
    }
    if (i == 0 || (cut && i == line.size))
        return FAILED;
    struct piece extension = trim((struct piece){line.at + i, line.size - i});
    if (extension.size > 0 && extension.at[0] != ';')
        return FAILED;
    answer->remaining = size;
    /* A small chunk's lines outweigh it: the body's size bounds their number. */
    answer->header_bytes = 0;
    return size == 0 ? TRAILERS : BODY_CHUNK;
}

static enum state end_line(struct otlite_http_answer *answer)
{
    struct piece line = {answer->line, answer->line_used};
    const size_t most = sizeof answer->line - 1; /* and its CR */

    answer->line_used = 0;
    if (line.size > 0 && line.size <= sizeof answer->line && line.at[line.size - 1] == '\r')
        line.size--;
    bool cut = line.size > most;
    if (cut)
        line.size = most;
    for (size_t i = 0; i < line.size; i++)
        if ((uint8_t)line.at[i] < ' ' && line.at[i] != '\t')
            return FAILED;
    switch (answer->state) {
    case STATUS_LINE:
        return line.size == 0 ? STATUS_LINE : status_line(answer, line);
    case HEADERS:
        return line.size == 0 ? after_headers(answer) : header_line(answer, line, cut);
    case CHUNK_SIZE:
        return chunk_size(answer, line, cut);
    case CHUNK_END:
        return line.size == 0 ? CHUNK_SIZE : FAILED;
    default:
        return line.size == 0 ? DONE : TRAILERS;
    }
}

/* ---- Bytes ---- */

static enum state take_line_byte(struct otlite_http_answer *answer, char byte)
{
    static const char version[] = "HTTP/1.";
    uint32_t used = answer->line_used;

    if (++answer->header_bytes > HEADER_BYTES_MAX)
        return FAILED;
    if (byte == '\n')
        return end_line(answer);
    if (used < sizeof answer->line)
        answer->line[used] = byte;
    answer->line_used++;
    /* At once, for the frames of HTTP/2 may bring no line feed to wait for. */
    if (answer->state == STATUS_LINE && used < sizeof version - 1 && byte != version[used] &&
        !(used == 0 && byte == '\r'))
        return FAILED;
    return (enum state)answer->state;
}

/* An HTTP/2 server begins with a SETTINGS frame (RFC 9113, 3.4 and 4.1): a length under 2^16, for each
 * endpoint begins with 2^14, type 4, no flags, stream 0. */
static enum state take_frame_byte(struct otlite_http_answer *answer, uint8_t byte)
{
    static const uint8_t head[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    uint32_t used = answer->line_used++;

    if (used != 1 && used != 2 && byte != head[used])
        return FAILED;
    return used + 1 == sizeof head ? HTTP_2 : FRAME;
}

static size_t take_body(struct otlite_http_answer *answer, const uint8_t *bytes, size_t size)
{
    size_t room = answer->body_size - answer->body_used;
    bool sized = answer->state != BODY_TO_CLOSE;
    bool cut;

    if (sized && size > answer->remaining)
        size = (size_t)answer->remaining;
    cut = size > room;
    if (cut)
        size = room;
    if (size > 0)
        memcpy(answer->body + answer->body_used, bytes, size);
    answer->body_used += (uint32_t)size;
    if (cut) { /* what is kept says enough; the rest is not worth waiting for */
        answer->state = DONE;
        answer->close = answer->cut = true;
        return size;
    }
    if (sized)
        answer->remaining -= size;
    if (sized && answer->remaining == 0)
        answer->state = answer->state == BODY_CHUNK ? CHUNK_END : DONE;
    return size;
}

/* ---- The interface ---- */

void otlite_http_begin(struct otlite_http_answer *answer, void *body, uint32_t body_size)
{
    memset(answer, 0, sizeof *answer);
    answer->body = body;
    answer->body_size = body_size;
}

static enum otlite_status failure(const struct otlite_http_answer *answer)
{
    return answer->state == HTTP_2 ? OTLITE_HTTP2 : OTLITE_MALFORMED;
}

enum otlite_status otlite_http_feed(struct otlite_http_answer *answer, const void *bytes,
                                    size_t size)
{
    const uint8_t *at = bytes;

    while (size > 0 && answer->state < DONE) {
        size_t taken = 1;
        if (answer->state == STATUS_LINE && answer->header_bytes == 0 && *at == '\0')
            answer->state = FRAME;
        if (answer->state <= TRAILERS)
            answer->state = (uint8_t)take_line_byte(answer, (char)*at);
        else if (answer->state == FRAME)
            answer->state = (uint8_t)take_frame_byte(answer, *at);
        else
            taken = take_body(answer, at, size);
        at += taken;
        size -= taken;
    }
    if (answer->state > DONE)
        return failure(answer);
    answer->complete = answer->state == DONE;
    if (size > 0)
        answer->close = true; /* more than one answer to one request */
    return OTLITE_OK;
}

enum otlite_status otlite_http_eof(struct otlite_http_answer *answer)
{
    if (answer->state > DONE)
        return failure(answer);
    if (answer->state == BODY_TO_CLOSE)
        answer->state = DONE;
    answer->complete = answer->state == DONE;
    answer->close = true;
    return answer->complete ? OTLITE_OK : OTLITE_CLOSED;
}
