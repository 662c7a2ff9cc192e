/* record.c - records a few spans, reads them back, and posts them: record 127.0.0.1 4318
 *
 * Without arguments nothing is sent. No heap: all memory is static. No name is looked up: the
 * receiver is a numeric IPv4 address.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "encode/fields.h"
#include "otlite.h"

static _Alignas(64) uint8_t memory[256 * 1024];
static struct otlite_region region;
static struct otlite_ids ids;
static struct otlite_ticks ticks;

static void must(enum otlite_status status, const char *what)
{
    if (status == OTLITE_OK)
        return;
    fprintf(stderr, "record: %s: %s", what, otlite_status_text(status));
    if (status == OTLITE_SYSTEM)
        fprintf(stderr, " (%s)", strerror(errno));
    fputc('\n', stderr);
    exit(1);
}

static struct otlite_text text(const char *chars)
{
    return (struct otlite_text){chars, (uint32_t)strlen(chars), OTLITE_TEXT_CHARS};
}

static struct otlite_value text_value(const char *chars)
{
    return (struct otlite_value){.type = OTLITE_TEXT, .as.text = text(chars)};
}

static struct otlite_value integer_value(int64_t integer)
{
    return (struct otlite_value){.type = OTLITE_INT, .as.integer = integer};
}

/* ---- Recording ---- */

static void set(struct otlite_scratch *scratch, const char *key, struct otlite_value value)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a; any hash will do */

    for (const char *c = key; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    must(otlite_scratch_attribute(scratch, hash, text(key), &value, OTLITE_NO_LIMIT), key);
}

static void register_service(uint32_t *resource, uint32_t *scope)
{
    static uint8_t block[1024], bytes[1024];
    struct otlite_scratch attributes;
    size_t size;

    otlite_scratch_init(&attributes, block, sizeof block);
    set(&attributes, "service.name", text_value("record"));
    if (otlite_resource_encode_bound(&attributes) > sizeof bytes)
        must(OTLITE_NO_ROOM, "resource");
    size = otlite_resource_encode(bytes, &attributes);
    must(otlite_resource_register(&region, bytes, size, NULL, 0, resource), "resource");

    if (otlite_scope_encode_bound(text("example"), text("1.0"), NULL) > sizeof bytes)
        must(OTLITE_NO_ROOM, "scope");
    size = otlite_scope_encode(bytes, text("example"), text("1.0"), NULL);
    must(otlite_scope_register(&region, bytes, size, NULL, 0, scope), "scope");
}

/* Starts a span: a child of `parent`, or the root of a new trace. */
static struct otlite_span begin(const char *name, const struct otlite_span *parent,
                                struct otlite_scratch *scratch, void *block, uint32_t size)
{
    struct otlite_span span = {.name = text(name), .scratch = scratch, .flags = 1 /* sampled */};
    uint64_t boot = otlite_ticks_boot(&ticks);

    span.start = otlite_region_clock(&region, boot, &span.anchor);
    otlite_scratch_init(scratch, block, size);
    if (parent == NULL) {
        otlite_ids_next(&ids, boot, span.trace_id, span.span_id);
        return span;
    }
    otlite_ids_next(&ids, boot, NULL, span.span_id);
    memcpy(span.trace_id, parent->trace_id, sizeof span.trace_id);
    memcpy(span.parent_span_id, parent->span_id, sizeof span.parent_span_id);
    span.has_parent = true;
    return span;
}

/* Ends a span by the clock that it was started by. */
static void end(struct otlite_span *span, uint32_t resource, uint32_t scope)
{
    span->end = otlite_region_clock_at(&region, otlite_clock_boot(), span->anchor);
    must(otlite_span_record(&region, span, resource, scope), "span");
}

static void record_spans(void)
{
    static uint8_t outer_block[1024], inner_block[1024];
    struct otlite_scratch outer_scratch, inner_scratch;
    uint32_t resource, scope;

    register_service(&resource, &scope);
    struct otlite_span outer = begin("GET /basket", NULL, &outer_scratch, outer_block, 1024);
    outer.kind = 1; /* server */
    set(&outer_scratch, "http.request.method", text_value("GET"));
    for (int i = 1; i <= 3; i++) {
        struct otlite_span inner = begin("query", &outer, &inner_scratch, inner_block, 1024);
        set(&inner_scratch, "db.system.name", text_value("sqlite"));
        set(&inner_scratch, "db.response.returned_rows", integer_value(i * 7));
        nanosleep(&(struct timespec){.tv_nsec = i * 1000000}, NULL);
        end(&inner, resource, scope);
    }
    set(&outer_scratch, "http.response.status_code", integer_value(200));
    end(&outer, resource, scope);
}

/* ---- Reading back: just enough protobuf ---- */

struct bytes {
    const uint8_t *at;
    size_t size;
};

/* `value` is the number, or how many `bytes` there are. */
struct field {
    uint64_t tag, value;
    struct bytes bytes;
};

static uint64_t read_little(struct bytes *from, size_t size)
{
    uint64_t value = 0;

    if (size > from->size)
        must(OTLITE_MALFORMED, "read back");
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)from->at[i] << (8 * i);
    from->at += size, from->size -= size;
    return value;
}

static uint64_t read_varint(struct bytes *from)
{
    uint64_t value = 0, byte;
    unsigned shift = 0;

    do {
        byte = read_little(from, 1);
        value |= (byte & 127) << shift;
        shift += 7;
    } while (byte > 127 && shift < 64);
    return value;
}

static bool next_field(struct bytes *from, struct field *field)
{
    if (from->size == 0)
        return false;
    field->tag = read_varint(from);
    switch (field->tag & 7) {
    case WIRE_VARINT:
        field->value = read_varint(from);
        return true;
    case WIRE_FIXED64:
        field->value = read_little(from, 8);
        return true;
    case WIRE_FIXED32:
        field->value = read_little(from, 4);
        return true;
    default:
        field->value = read_varint(from);
        if ((field->tag & 7) != WIRE_BYTES || field->value > from->size)
            must(OTLITE_MALFORMED, "read back");
        field->bytes = (struct bytes){from->at, field->value};
        from->at += field->value, from->size -= field->value;
        return true;
    }
}

static void print_span(struct bytes span)
{
    struct bytes name = {NULL, 0}, trace = {NULL, 0};
    struct field field;
    uint64_t start = 0, finish = 0;
    int attributes = 0;

    while (next_field(&span, &field))
        switch (field.tag) {
        case SPAN_TRACE_ID:
            trace = field.bytes;
            break;
        case SPAN_NAME:
            name = field.bytes;
            break;
        case SPAN_START:
            start = field.value;
            break;
        case SPAN_END:
            finish = field.value;
            break;
        case SPAN_ATTRIBUTES:
            attributes++;
            break;
        }
    for (size_t i = 0; i < trace.size; i++)
        printf("%02x", trace.at[i]);
    printf("  %-12.*s %9.3f ms  %d attributes\n", (int)name.size, (const char *)name.at,
           (double)(finish - start) / 1e6, attributes);
}

/* The body is an ExportTraceServiceRequest: resources, in them scopes, in them spans. */
static void print_spans(struct bytes body)
{
    struct field resource, scope, span;

    while (next_field(&body, &resource))
        while (resource.tag == REQUEST_RESOURCE_SPANS && next_field(&resource.bytes, &scope))
            while (scope.tag == RESOURCE_SPANS_SCOPE_SPANS && next_field(&scope.bytes, &span))
                if (span.tag == SCOPE_SPANS_SPANS)
                    print_span(span.bytes);
}

/* ---- Posting ---- */

static int connect_to(const char *host, const char *port)
{
    char *end;
    long number = strtol(port, &end, 10);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);

    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        must(OTLITE_INVALID, "ADDRESS, which is four numbers with dots,");
    if (*end != '\0' || number < 1 || number > 65535)
        must(OTLITE_INVALID, "PORT, a number from 1 to 65535,");
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0 ||
        fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0)
        must(OTLITE_SYSTEM, host);
    return descriptor;
}

/* Posts the batch where it lies: the request's head, then the segments, in one vectored write. */
static bool post(int descriptor, const char *host, const struct otlite_batch *batch)
{
    static uint8_t answer_body[16 * 1024];
    struct otlite_segment segments[64];
    struct otlite_http_answer answer;
    char head[256];
    bool sent;

    if (batch->segment_count >= 64)
        must(OTLITE_NO_ROOM, "segments");
    int size = snprintf(head, sizeof head,
                        "POST /v1/traces HTTP/1.1\r\nHost: %s\r\n"
                        "Content-Type: application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                        host, batch->size);
    segments[0] = (struct otlite_segment){head, (size_t)size};
    for (uint32_t i = 0; i < batch->segment_count; i++)
        segments[i + 1] = batch->segments[i];
    otlite_http_begin(&answer, answer_body, sizeof answer_body);
    must(otlite_exchange(descriptor, segments, batch->segment_count + 1, &answer,
                         otlite_clock_boot() + 5000000000u, &sent),
         "post");
    printf("%u spans, %zu bytes: %d\n", batch->records, batch->size, answer.status);
    return answer.status == 200;
}

int main(int count, char **arguments)
{
    static char line[1024];
    const struct otlite_region_options options = {.on_full = OTLITE_OVERWRITE_OLDEST};
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .gather = true};
    struct otlite_batch batch;
    struct otlite_stats stats;

    if (count != 1 && count != 3) {
        fprintf(stderr,
                "usage: %s [ADDRESS PORT]: records spans, and posts them to an OTLP receiver\n",
                arguments[0]);
        return 2;
    }
    setvbuf(stdout, line, _IOLBF, sizeof line); /* printf would allocate its own */
    otlite_ticks_init(&ticks);
    otlite_ids_init(&ids, false);
    (void)otlite_kernels_select(NULL); /* the best that this machine has */
    must(otlite_region_init(&region, memory, sizeof memory, &options), "region");
    record_spans();

    must(otlite_batch_collect(&region, &limits, &batch), "collect");
    if (batch.segment_count == 1) /* a body too large for the work area comes in several */
        print_spans((struct bytes){batch.segments[0].data, batch.size});
    otlite_batch_release(&region, &batch);

    int descriptor = count == 3 ? connect_to(arguments[1], arguments[2]) : -1;
    limits.gather = false;
    while (descriptor >= 0 && otlite_batch_collect(&region, &limits, &batch) == OTLITE_OK) {
        otlite_batch_offer(&region, &batch);
        if (post(descriptor, arguments[1], &batch))
            otlite_batch_acknowledge(&region, &batch, 0);
        else
            otlite_batch_drop(&region, &batch, OTLITE_LOSS_REFUSED, true);
    }
    otlite_region_stats(&region, &stats);
    printf("recorded %llu, exported %llu, pending %llu\n", (unsigned long long)stats.recorded,
           (unsigned long long)stats.exported, (unsigned long long)stats.pending);
    for (int i = 0; i < OTLITE_LOSSES; i++)
        if (stats.dropped[i] != 0)
            printf("dropped %llu: %s\n", (unsigned long long)stats.dropped[i],
                   otlite_loss_text((enum otlite_loss)i));
    return descriptor >= 0 && stats.exported != stats.recorded;
}
