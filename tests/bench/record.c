/* record.c - times a span of 4 attributes: `record encode|record|durable|open|json COUNT`, each with a table of kernels
 * after it or this machine's best; one line of JSON
 *
 * encode: otlite_span_encode alone, of a span whose attributes lie in its scratch. record: a span's
 * whole life, from its identifiers to otlite_span_record. The region is emptied between bursts,
 * outside of what is timed; a burst is larger than the counts that native.py runs under callgrind,
 * so that instructions are those of recording alone. durable: the same in a region that seals its
 * records; open: which is also told of the span while that is open. json: a batch of 2000 such spans, 64 KiB of
 * OTLP/JSON at a time, again and again; `bytes` are those of a span's protobuf.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otlite.h"

enum { REGION = 4 << 20, BURST = 13000, AT_ONCE = 2000 };

static const char name[] = "GET /api/v1/orders/{id}", path[] = "/api/v1/orders/1234567";

static struct otlite_text text_of(const char *text)
{
    return (struct otlite_text){text, (uint32_t)strlen(text), OTLITE_TEXT_UTF8};
}

/* What a program sets: keys and values that it has at hand, with the hash that its dictionary
 * knows. */
static struct {
    uint64_t hash;
    struct otlite_text key;
    struct otlite_value value;
} attributes[4];

static void prepare(void)
{
    static const char *const keys[] = {"http.request.method", "url.path",
                                       "http.response.status_code", "app.load"};
    for (int i = 0; i < 4; i++) {
        attributes[i].hash = (uint64_t)(i + 1) * 0x9E3779B97F4A7C15u;
        attributes[i].key = text_of(keys[i]);
    }
    attributes[0].value = (struct otlite_value){.type = OTLITE_TEXT, .as.text = text_of("GET")};
    attributes[1].value = (struct otlite_value){.type = OTLITE_TEXT, .as.text = text_of(path)};
    attributes[2].value = (struct otlite_value){.type = OTLITE_INT, .as.integer = 200};
    attributes[3].value = (struct otlite_value){.type = OTLITE_DOUBLE, .as.real = 0.25};
}

static void set_attributes(struct otlite_scratch *scratch)
{
    for (int i = 0; i < 4; i++)
        if (otlite_scratch_attribute(scratch, attributes[i].hash, attributes[i].key,
                                     &attributes[i].value, 128))
            abort();
}

static void begin_span(struct otlite_span *span, const struct otlite_scratch *scratch)
{
    memset(span, 0, sizeof *span);
    span->has_parent = true;
    span->flags = 0x100 | 1; /* known whether remote, and sampled */
    span->name = text_of(name);
    span->scratch = scratch;
}

static void report(const char *row, uint64_t ns, uint64_t count, size_t bytes)
{
    printf("{\"row\": \"%s\", \"ns\": %.2f, \"count\": %llu, \"bytes\": %zu}\n", row,
           (double)ns / (double)count, (unsigned long long)count, bytes);
}

/* ---- Encode ---- */

static void time_encode(uint64_t count)
{
    uint8_t block[512], encoded[512];
    struct otlite_scratch scratch;
    struct otlite_span span;
    size_t bytes = 0;

    otlite_scratch_init(&scratch, block, sizeof block);
    set_attributes(&scratch);
    begin_span(&span, &scratch);
    if (otlite_span_encode_bound(&span) > sizeof encoded)
        abort();
    uint64_t start = otlite_clock_boot();
    for (uint64_t i = 0; i < count; i++) {
        span.start = start + i;
        span.end = span.start + 1000;
        bytes += otlite_span_encode(encoded, &span);
    }
    report("encode", otlite_clock_boot() - start, count, bytes / count);
}

/* ---- Record ---- */

static struct otlite_region region;
static struct otlite_ticks ticks;
static uint32_t resource, scope;

static bool durable, told;

static void open_region(void)
{
    const struct otlite_region_options options = {
        .on_full = OTLITE_DROP_NEWEST, .durable = durable, .open_spans = told ? 1024 : 0};
    void *memory = otlite_map(REGION);
    uint8_t bytes[64];

    if (memory == NULL)
        abort();
    memset(memory, 0, REGION); /* so that no page is faulted in while the clock runs */
    if (otlite_region_init(&region, memory, REGION, &options))
        abort();
    size_t size = otlite_resource_encode(bytes, NULL);
    if (otlite_resource_register(&region, bytes, size, NULL, 0, &resource))
        abort();
    size = otlite_scope_encode(bytes, text_of("bench"), text_of("1.0"), NULL);
    if (otlite_scope_register(&region, bytes, size, NULL, 0, &scope))
        abort();
}

/* Empties the region; the records that were in it. */
static uint64_t drain(void)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20};
    struct otlite_batch batch;
    uint64_t records = 0;
    while (otlite_batch_collect(&region, &limits, &batch) == OTLITE_OK) {
        records += batch.records;
        otlite_batch_acknowledge(&region, &batch, 0);
    }
    return records;
}

static void live(struct otlite_ids *ids, uint8_t *block, uint32_t size)
{
    struct otlite_scratch scratch;
    struct otlite_span span;
    uint64_t boot = otlite_ticks_boot(&ticks);

    otlite_scratch_init(&scratch, block, size);
    begin_span(&span, &scratch);
    span.start = otlite_region_clock(&region, boot, &span.anchor);
    otlite_ids_next(ids, boot, span.trace_id, span.span_id);
    if (told && otlite_open_begin(&region, &span, resource, scope))
        abort();
    set_attributes(&scratch);
    span.end = otlite_region_clock_at(&region, otlite_ticks_boot(&ticks), span.anchor);
    if (otlite_span_record(&region, &span, resource, scope))
        abort();
}

static void time_record(const char *row, uint64_t count)
{
    uint8_t block[512];
    struct otlite_ids ids;
    uint64_t ns = 0, drained = 0;

    open_region();
    otlite_ticks_init(&ticks);
    otlite_ids_init(&ids, false);
    for (uint64_t done = 0, burst; done < count; done += burst) {
        burst = count - done < BURST ? count - done : BURST;
        if (done != 0)
            drained += drain();
        uint64_t start = otlite_clock_boot();
        for (uint64_t i = 0; i < burst; i++)
            live(&ids, block, sizeof block);
        ns += otlite_clock_boot() - start;
    }
    if (drained != (count - 1) / BURST * BURST)
        abort();
    report(row, ns, count, 0);
}

/* ---- JSON ---- */

static void time_json(uint64_t count)
{
    static uint8_t buffer[1 << 16];
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .max_records = AT_ONCE};
    struct otlite_batch batch;
    struct otlite_json json;
    struct otlite_ids ids;
    uint8_t block[512];
    enum otlite_status status;
    size_t written;

    open_region();
    otlite_ticks_init(&ticks);
    otlite_ids_init(&ids, false);
    for (int i = 0; i < AT_ONCE; i++)
        live(&ids, block, sizeof block);
    if (otlite_batch_collect(&region, &limits, &batch))
        abort();
    uint64_t start = otlite_clock_boot(), done = 0;
    for (; done < count; done += batch.records) {
        otlite_json_begin(&json, batch.segments, batch.segment_count);
        do
            status = otlite_json_next(&json, buffer, sizeof buffer, &written);
        while (status == OTLITE_OK);
        if (status != OTLITE_EMPTY)
            abort();
    }
    report("json", otlite_clock_boot() - start, done, batch.size / batch.records);
}

int main(int argc, char **argv)
{
    uint64_t count = argc >= 3 ? strtoull(argv[2], NULL, 10) : 0;

    if (otlite_kernels_select(argc == 4 ? argv[3] : NULL) != 0)
        return fprintf(stderr, "record: no table %s here\n", argv[3]), 2;
    prepare();
    told = argc >= 3 && strcmp(argv[1], "open") == 0;
    durable = told || (argc >= 3 && strcmp(argv[1], "durable") == 0);
    if (count != 0 && strcmp(argv[1], "encode") == 0)
        time_encode(count);
    else if (count != 0 && (strcmp(argv[1], "record") == 0 || durable))
        time_record(argv[1], count);
    else if (count != 0 && strcmp(argv[1], "json") == 0)
        time_json(count);
    else
        return fprintf(stderr, "usage: record encode|record|durable|open|json COUNT [TABLE]\n"), 2;
    return 0;
}
