/* fuzz_http.c - an HTTP answer: any bytes, in any pieces, the same; and one that was built, as it was built */
#include "fuzz.h"

enum { BODY_MAX = 64, ANSWER_MAX = 8192 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return 0;
}

struct parsed {
    struct otlite_http_answer answer;
    uint8_t *body;
    enum otlite_status fed, ended;
};

static struct parsed parse(const uint8_t *bytes, size_t size, uint32_t room, struct source pieces)
{
    struct parsed parsed = {.body = malloc(room), .fed = OTLITE_OK};
    bool parted = has_more(&pieces);

    otlite_http_begin(&parsed.answer, parsed.body, room);
    while (size > 0) {
        size_t part = parted ? 1 + take_below(&pieces, 40) : size;
        part = part < size ? part : size;
        uint8_t *piece = exact_copy(bytes, part);
        enum otlite_status status = otlite_http_feed(&parsed.answer, piece, part);
        free(piece);
        REQUIRE(parsed.fed == OTLITE_OK || status == parsed.fed); /* what failed stays so */
        parsed.fed = status;
        bytes += part;
        size -= part;
    }
    const struct otlite_http_answer *answer = &parsed.answer;
    REQUIRE(answer->body_used <= room);
    REQUIRE(!answer->cut || (answer->complete && answer->close && answer->body_used == room));
    REQUIRE(!answer->complete || (answer->status >= 200 && answer->status <= 599));
    REQUIRE(memchr(answer->retry_after, 0, sizeof answer->retry_after) != NULL);
    bool complete = answer->complete;
    parsed.ended = otlite_http_eof(&parsed.answer);
    REQUIRE(parsed.fed == OTLITE_OK || parsed.ended == parsed.fed);
    REQUIRE(parsed.ended != OTLITE_OK || answer->complete);
    REQUIRE(!complete || parsed.ended == OTLITE_OK || parsed.fed != OTLITE_OK);
    return parsed;
}

static void require_same(const struct parsed *a, const struct parsed *b)
{
    const struct otlite_http_answer *x = &a->answer, *y = &b->answer;
    REQUIRE(a->fed == b->fed && a->ended == b->ended);
    if (a->fed != OTLITE_OK)
        return;
    REQUIRE(x->status == y->status && x->complete == y->complete && x->close == y->close &&
            x->cut == y->cut && x->body_used == y->body_used);
    REQUIRE(strcmp(x->retry_after, y->retry_after) == 0);
    REQUIRE(x->body_used == 0 || memcmp(a->body, b->body, x->body_used) == 0);
}

/* ---- One that is built: what it says is known ---- */

struct built {
    uint8_t bytes[ANSWER_MAX];
    size_t size;
    uint32_t status;
    struct bytes body;
    char retry_after[64];
    bool close, to_close;
};

static void put(struct built *built, const char *text)
{
    size_t size = strlen(text);
    REQUIRE(size <= sizeof built->bytes - built->size);
    memcpy(built->bytes + built->size, text, size);
    built->size += size;
}

static void put_bytes(struct built *built, const uint8_t *bytes, size_t size)
{
    REQUIRE(size <= sizeof built->bytes - built->size);
    if (size != 0)
        memcpy(built->bytes + built->size, bytes, size);
    built->size += size;
}

static void put_end(struct built *built, struct source *source)
{
    put(built, take_below(source, 4) ? "\r\n" : "\n");
}

static void put_number(struct built *built, const char *format, size_t number)
{
    char text[32];
    snprintf(text, sizeof text, format, number);
    put(built, text);
}

/* A name in any case, and a value with spaces about it. */
static void put_header(struct built *built, struct source *source, const char *name,
                       const char *value)
{
    static const char *const spaces[] = {"", " ", "\t", "  \t "};
    uint64_t upper = take_word(source, 2);
    char text[64] = {0};
    for (size_t i = 0; name[i] != 0; i++) {
        bool letter = name[i] >= 'a' && name[i] <= 'z';
        text[i] = letter && (upper >> i % 16 & 1) ? (char)(name[i] - 32) : name[i];
    }
    put(built, text);
    put(built, ":");
    put(built, spaces[take_below(source, 4)]);
    put(built, value);
    put(built, spaces[take_below(source, 4)]);
    put_end(built, source);
}

static void put_other_headers(struct built *built, struct source *source)
{
    for (uint32_t count = take_below(source, 4); count > 0; count--) {
        char value[400];
        size_t length = take_below(source, 256) + take_below(source, 100);
        memset(value, "a;=\"\xe9"[take_below(source, 5)], length);
        value[length] = 0;
        put_header(built, source, take_below(source, 2) ? "server" : "x-!#$%&'*+.^_`|~9", value);
    }
}

static void put_chunks(struct built *built, struct source *source)
{
    static const char *const extensions[] = {"", ";a", " ;a=\"b\"", "\t"};
    struct bytes left = built->body;
    while (left.size > 0) {
        size_t part = 1 + take_below(source, 20);
        part = part < left.size ? part : left.size;
        put_number(built, take_below(source, 2) ? "%zx" : "%03zX", part);
        put(built, extensions[take_below(source, 4)]);
        put_end(built, source);
        put_bytes(built, left.data, part);
        put_end(built, source);
        left.data += part;
        left.size -= part;
    }
    put(built, take_below(source, 2) ? "0" : "000");
    put_end(built, source);
    if (take_below(source, 2))
        put_header(built, source, "trailer", "x");
    put_end(built, source);
}

static void build(struct built *built, struct source *source)
{
    static const uint16_t statuses[] = {200, 202, 204, 304, 400, 404, 429, 503, 599};
    char number[32];
    bool old = take_below(source, 4) == 0, keep = false;

    memset(built, 0, sizeof *built);
    if (take_below(source, 4) == 0)
        put_end(built, source); /* an empty line before it */
    if (take_below(source, 4) == 0) {
        put(built, "HTTP/1.1 100 Continue");
        put_end(built, source);
        put_header(built, source, "retry-after", "9");
        put_end(built, source);
    }
    built->status = statuses[take_below(source, 9)];
    put(built, old ? "HTTP/1.0 " : "HTTP/1.1 ");
    put_number(built, "%zu", built->status);
    put(built, take_below(source, 2) ? " Some Reason" : "");
    put_end(built, source);
    put_other_headers(built, source);
    switch (take_below(source, 4)) {
    case 0:
        put_header(built, source, "connection", "close");
        built->close = true;
        break;
    case 1:
        put_header(built, source, "connection", ", upgrade ,Keep-Alive");
        keep = true;
        break;
    }
    built->close |= old && !keep;
    if (take_below(source, 3) == 0) {
        snprintf(built->retry_after, sizeof built->retry_after, "%u", take_below(source, 200));
        put_header(built, source, "retry-after", built->retry_after);
    }
    if (built->status == 204 || built->status == 304) {
        put_end(built, source);
        return;
    }
    built->body = take_bytes(source, BODY_MAX);
    switch (take_below(source, 3)) {
    case 0:
        put_header(built, source, "transfer-encoding", "Chunked");
        put_other_headers(built, source);
        put_end(built, source);
        built->close |= old;
        put_chunks(built, source);
        return;
    case 1:
        snprintf(number, sizeof number, take_below(source, 2) ? "%1$zu" : "%1$zu, %1$zu",
                 built->body.size);
        put_header(built, source, "content-length", number);
        put_end(built, source);
        break;
    default:
        put_end(built, source);
        built->to_close = true;
    }
    put_bytes(built, built->body.data, built->body.size);
}

static void check_built(const struct built *built, const struct parsed *parsed)
{
    const struct otlite_http_answer *answer = &parsed->answer;
    REQUIRE(parsed->fed == OTLITE_OK && parsed->ended == OTLITE_OK);
    REQUIRE(answer->complete && answer->status == built->status && !answer->cut);
    REQUIRE(same_bytes((struct bytes){parsed->body, answer->body_used}, built->body));
    REQUIRE(strcmp(answer->retry_after, built->retry_after) == 0);
}

/* Whether the connection can be used again is known before the peer closes. */
static void check_close(const struct built *built)
{
    uint8_t body[BODY_MAX];
    struct otlite_http_answer answer;
    otlite_http_begin(&answer, body, sizeof body);
    REQUIRE(otlite_http_feed(&answer, built->bytes, built->size) == OTLITE_OK);
    REQUIRE(answer.complete == !built->to_close);
    REQUIRE(!answer.complete || answer.close == built->close);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct built built;
    struct source source = source_of(data, size);
    bool known = take_below(&source, 2);
    uint32_t room = take_below(&source, BODY_MAX);
    struct bytes cuts = take_bytes(&source, 60);
    struct source whole = {0}, pieces = source_of(cuts.data, cuts.size);
    struct bytes bytes = {source.at, (size_t)(source.end - source.at)};

    if (known) {
        build(&built, &source);
        bytes = (struct bytes){built.bytes, built.size};
        room = BODY_MAX;
        check_close(&built);
    }
    struct parsed once = parse(bytes.data, bytes.size, room, whole);
    struct parsed parted = parse(bytes.data, bytes.size, room, pieces);
    require_same(&once, &parted);
    if (known)
        check_built(&built, &once);
    free(once.body);
    free(parted.body);
    return 0;
}
