/* fuzz_open.c - any bytes in a table of open spans, and names of any kind: no span that was not open, none twice
 *
 * An input says which spans begin, take a new name and end, then which words are changed.
 */
#include "fuzz.h"
#include "opened.h"

enum { SIZE = 64 << 10, TABLE = 16, MOST = 40 };

static uint8_t *memory; /* ends where memory ends */
static uint8_t fresh[SIZE], intact[SIZE];
static struct otlite_header before;
static struct recorder recorder;
static struct opened opened;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    struct otlite_region_options options = durable_options;
    options.open_spans = TABLE;
    (void)otlite_kernels_select(NULL);
    memory = aligned_alloc(64, SIZE);
    REQUIRE(memory != NULL);
    memset(memory, 0, SIZE);
    REQUIRE(!otlite_region_init(&recorder.region, memory, SIZE, &options));
    register_all(&recorder, "");
    memcpy(fresh, memory, SIZE);
    return 0;
}

/* Of the numbers below `MOST` which are open, by the calls. */
static void live(struct source *source, bool *is_open)
{
    static struct otlite_span spans[MOST];
    uint32_t next = 0;
    for (uint32_t calls = take_below(source, 64); calls > 0; calls--) {
        uint32_t number = take_below(source, MOST), open = 0;
        for (uint32_t i = 0; i < next; i++)
            open += is_open[i];
        if (number % 2 == 0 && next < MOST) {
            enum otlite_status status = open_number(&recorder, next, &spans[next]);
            REQUIRE(status == OTLITE_OK || (status == OTLITE_TABLE_FULL && open == TABLE));
            is_open[next++] = status == OTLITE_OK;
        } else if (number < next && is_open[number] && number % 4 == 1) {
            uint32_t scope = recorder.scopes[number % SCOPES], handle = spans[number].open;
            enum otlite_status status =
                otlite_open_begin(&recorder.region, &spans[number], recorder.resource, scope);
            REQUIRE(status == OTLITE_OK ? spans[number].open != handle : open == TABLE);
        } else if (number < next && is_open[number]) {
            REQUIRE(!end_number(&recorder, number, &spans[number]));
            is_open[number] = false;
        }
    }
}

static void require_right(const bool *is_open, bool changed)
{
    REQUIRE(opened.wrong == 0);
    for (uint32_t number = 0; number < NUMBERS && number < 2 * MOST; number++) {
        uint32_t unfinished = opened.unfinished[number];
        REQUIRE(unfinished + opened.recorded[number] <= 1);
        REQUIRE(unfinished == 0 || number < MOST);
        REQUIRE(changed || number >= MOST || unfinished == is_open[number]);
    }
}

/* In the table, in its state words, or in a chunk's descriptor. */
static void change(struct source *source)
{
    const struct otlite_header *header = (const void *)fresh;
    static const enum section_type types[] = {SECTION_OPEN, SECTION_OPEN, SECTION_OPEN_STATES,
                                              SECTION_CHUNKS};
    const struct section *section = &header->sections[types[take_below(source, 4)] - 1];
    uint32_t within = (uint32_t)take_word(source, 2) % section->size;
    uint8_t *at = memory + section->offset + within;
    uint64_t word;
    switch (take_below(source, 3)) {
    case 0:
        *at ^= (uint8_t)(1 << take_below(source, 8));
        break;
    case 1:
        word = take_number(source);
        memcpy(memory + section->offset + (within & ~3u), &word, 4);
        break;
    default:
        word = section->offset + (uint32_t)take_word(source, 2) % section->size;
        memmove(at, memory + word, section->size - within < 16 ? 1 : 16);
    }
}

static void use_numbers(struct source *source)
{
    bool is_open[MOST] = {false};
    struct otlite_adoption told;
    live(source, is_open);
    memcpy(&before, memory, sizeof before);
    undamaged = &before;
    bool changed = has_more(source);
    while (has_more(source))
        change(source);
    memcpy(intact, memory, SIZE);
    REQUIRE(!read_opened(memory, SIZE, &opened));
    REQUIRE(memcmp(intact, memory, SIZE) == 0);
    require_right(is_open, changed);
    uint64_t found = opened.spans;
    REQUIRE(!otlite_region_adopt(&recorder.region, memory, SIZE, &durable_options, &told));
    drain_opened(&recorder.region, &opened);
    REQUIRE(opened.spans <= found);
    require_right(is_open, true);
}

/* A name of any kind: what is found is as much of it as there is room for, no character by half. */
static void use_name(struct source *source)
{
    static const uint8_t widths[] = {1, 1, 2, 4, 1};
    struct otlite_image image;
    struct otlite_found found;
    uint32_t kind = 1 + take_below(source, 4);
    struct bytes given = take_bytes(source, 500), expected = {0};
    uint32_t length = (uint32_t)(given.size / widths[kind]);
    void *units = exact_copy(given.data, (size_t)length * widths[kind]);
    struct otlite_span span = {.span_id = {1}, .trace_id = {1}, .start = 1};
    span.name = (struct otlite_text){units, length, kind};

    size_t bound = otlite_span_encode_bound(&span);
    uint8_t *whole = room_of(bound);
    struct reader outer = read_bytes((struct bytes){whole, otlite_span_encode(whole, &span)});
    struct reader body = next_message(&outer, 2);
    for (struct field field; read_field(&body, &field);)
        if (field.number == 5)
            expected = field.bytes;
    size_t size = expected.size;
    if (size > NAME_ROOM)
        for (size = NAME_ROOM; (expected.data[size] & 0xc0) == 0x80;)
            size--;
    REQUIRE(!otlite_open_begin(&recorder.region, &span, recorder.resource, recorder.scopes[0]));
    REQUIRE(!otlite_image_open(&image, memory, SIZE));
    REQUIRE(otlite_image_next(&image, &found) && found.unfinished);
    struct otlite_segment bytes = otlite_image_bytes(&image, &found, 0);
    outer = read_bytes((struct bytes){bytes.data, bytes.size});
    body = next_message(&outer, 2);
    struct bytes name = {0};
    for (struct field field; read_field(&body, &field);)
        if (field.number == 5)
            name = field.bytes;
    REQUIRE(same_bytes(name, (struct bytes){expected.data, size}));
    free(whole);
    free(units);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = source_of(data, size);
    memcpy(memory, fresh, SIZE);
    otlite_region_attach(&recorder.region, memory);
    recorder.region.options = durable_options;
    undamaged = NULL;
    if (take_below(&source, 8) == 0)
        use_name(&source);
    else
        use_numbers(&source);
    return 0;
}
