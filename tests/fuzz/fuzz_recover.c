/* fuzz_recover.c - any bytes where a region was left: read, adopted, sent and used again without a wrong record
 *
 * An input is a whole image; or pieces that are changed in one that a recorder left, its header sealed anew or not.
 */
#include "death.h"
#include "fuzz.h"

enum { SIZE = 64 << 10, MADE = 120, LEFT = 4 };

/* With a table of open spans, in which there is nothing until `use_open`. */
static const struct otlite_region_options options = {.durable = true, .open_spans = 4};
static uint8_t left[LEFT][SIZE], intact[SIZE];
static uint8_t *memory; /* ends where memory ends */
static struct recorder recorder;
static struct findings findings;

/* A record under each of as many resources as there is room for. */
static void leave_resources(void)
{
    char url[16];
    for (uint32_t number = 0; number < MADE; number++) {
        snprintf(url, sizeof url, "urn:%u", number);
        recorder.resource = register_resource(&recorder.region, url);
        if (recorder.resource == UINT32_MAX)
            return;
        REQUIRE(!record_number(&recorder, number));
    }
}

/* Regions that are full, have overwritten, sent, offered and chained; or have much free; or were adopted; or whose
 * table of resources is full. */
static void leave(uint32_t which)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .max_records = 2};
    struct otlite_batch batch;
    if (which == 2) {
        memcpy(memory, left[0], SIZE);
        REQUIRE(!otlite_region_adopt(&recorder.region, memory, SIZE, &options, NULL));
    } else {
        REQUIRE(!otlite_region_init(&recorder.region, memory, SIZE, &options));
    }
    register_all(&recorder, "");
    uint64_t first = which == 2 ? MADE : 0, end = which == 0 ? MADE : first + 20;
    if (which == 3) {
        leave_resources();
        end = 0;
    }
    for (uint64_t number = first; number < end; number++)
        REQUIRE(!record_number(&recorder, number));
    for (int i = 0; i < 4 && which != 3; i++) {
        if (otlite_batch_collect(&recorder.region, &limits, &batch) != OTLITE_OK)
            break;
        otlite_batch_offer(&recorder.region, &batch);
        if (i < 3)
            otlite_batch_acknowledge(&recorder.region, &batch, 0);
    }
    memcpy(left[which], memory, SIZE);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    (void)otlite_kernels_select(NULL);
    memory = aligned_alloc(64, SIZE);
    REQUIRE(memory != NULL);
    memset(memory, 0, SIZE);
    for (uint32_t which = 0; which < LEFT; which++)
        leave(which);
    return 0;
}

static void require_right(uint32_t numbers)
{
    REQUIRE(findings.strange == 0);
    REQUIRE(findings.records == 0 || findings.highest < numbers);
    for (uint32_t number = 0; number < numbers; number++)
        REQUIRE(findings.times[number] <= 1);
}

/* Of what `read_image` and `drain_into` clear, what is there. */
static void require_balance(void)
{
    struct otlite_stats stats;
    otlite_region_stats(&recorder.region, &stats);
    uint64_t gone = stats.exported + stats.rejected + stats.pending;
    for (int loss = 0; loss < OTLITE_LOSSES; loss++)
        gone += stats.dropped[loss];
    REQUIRE(stats.recorded + stats.adopted == gone);
    REQUIRE(stats.pending == otlite_region_count(&recorder.region));
}

/* Spans that are open besides: each is told of once, and adopted once. */
static void use_open(uint8_t *image, size_t size)
{
    static struct otlite_image reader;
    struct otlite_region_options waiting = options;
    struct otlite_adoption told;
    struct otlite_found found;
    uint64_t open = 0, unfinished = 0;
    for (uint64_t number = 0; number < 2; number++) {
        struct otlite_span span = numbered_span(number, 3);
        enum otlite_status status =
            otlite_open_begin(&recorder.region, &span, recorder.resource, recorder.scopes[0]);
        REQUIRE(status == OTLITE_OK || status == OTLITE_TABLE_FULL);
        open += span.open != 0;
    }
    REQUIRE(!otlite_image_open(&reader, image, size));
    while (otlite_image_next(&reader, &found)) {
        unfinished += found.unfinished;
        REQUIRE(otlite_image_bytes(&reader, &found, found.size).size == 0);
    }
    REQUIRE(unfinished == open);
    waiting.on_full = OTLITE_DROP_NEWEST;
    waiting.open_wait = true;
    REQUIRE(!otlite_region_adopt(&recorder.region, image, size, &waiting, &told));
    REQUIRE(told.unfinished + otlite_open_adopt(&recorder.region) == open);
    require_balance();
}

static void use(uint8_t *image, size_t size, uint32_t numbers)
{
    struct otlite_adoption told;
    memcpy(intact, image, size);
    enum otlite_status status = read_image(image, size, &findings);
    REQUIRE(memcmp(intact, image, size) == 0);
    if (status != OTLITE_OK) {
        REQUIRE(otlite_region_adopt(&recorder.region, image, size, &options, &told) == status);
        REQUIRE(memcmp(intact, image, size) == 0);
        return;
    }
    require_right(numbers);
    uint64_t found = findings.records;
    REQUIRE(!otlite_region_adopt(&recorder.region, image, size, &options, &told));
    require_balance();
    drain_into(&recorder.region, &findings);
    require_right(numbers);
    REQUIRE(findings.records <= found);
    require_balance();
    register_all(&recorder, "");
    for (uint64_t number = 0; number < 8; number++)
        REQUIRE(!record_number(&recorder, number));
    drain_into(&recorder.region, &findings);
    require_right(8);
    REQUIRE(findings.records == 8);
    require_balance();
    use_open(image, size);
}

/* Where a change goes: anywhere, the header, the tables and chunks' descriptors, or the records and their index. */
static uint32_t take_place(struct source *source)
{
    const struct otlite_header *header = (const void *)left[0];
    uint32_t data = header->sections[SECTION_DATA - 1].offset;
    switch (take_below(source, 4)) {
    case 0:
        return (uint32_t)take_word(source, 2);
    case 1:
        return (uint32_t)take_word(source, 2) % sizeof *header;
    case 2: {
        const struct section *section = &header->sections[take_below(source, SECTIONS)];
        uint32_t within = (uint32_t)take_word(source, 2);
        return section->offset + (section->size != 0 ? within % section->size : 0);
    }
    default: { /* backwards from a chunk's end */
        uint32_t chunk = take_below(source, 256) % ((SIZE - data) / header->chunk_size);
        uint32_t from_end = 1 + (uint32_t)take_word(source, 2) % header->chunk_size;
        return data + (chunk + 1) * header->chunk_size - from_end;
    }
    }
}

static void change(struct source *source)
{
    uint32_t at = take_place(source), from;
    size_t room = SIZE - at;
    struct bytes bytes;
    uint64_t word;
    switch (take_below(source, 4)) {
    case 0:
        memory[at] ^= (uint8_t)(1 << take_below(source, 8));
        break;
    case 1:
        word = take_number(source);
        at &= ~UINT32_C(3);
        memcpy(memory + at, &word, 4);
        break;
    case 2:
        from = take_place(source);
        room = room < 16 ? room : 16;
        memmove(memory + at, memory + from, room < SIZE - from ? room : SIZE - from);
        break;
    default:
        bytes = take_bytes(source, room);
        if (bytes.size != 0)
            memcpy(memory + at, bytes.data, bytes.size);
    }
}

static void use_part(const uint8_t *bytes, size_t size)
{
    void *part = NULL;
    REQUIRE(posix_memalign(&part, 64, size) == 0);
    if (size != 0)
        memcpy(part, bytes, size);
    use(part, size, MADE + 20);
    free(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source source = source_of(data, size);
    uint32_t way = take_below(&source, 8);
    if (way == 0) {
        size_t rest = (size_t)(source.end - source.at);
        use_part(source.at, rest < SIZE ? rest : SIZE);
        return 0;
    }
    memcpy(memory, left[take_below(&source, LEFT)], SIZE);
    bool reseal = take_below(&source, 2);
    size_t cut = way == 1 ? take_word(&source, 2) : SIZE;
    while (has_more(&source))
        change(&source);
    if (reseal) {
        struct otlite_header *header = (void *)memory;
        header->seal = otlite_header_seal(header);
    }
    if (way == 1)
        use_part(memory, cut);
    else
        use(memory, SIZE, MADE + 20);
    return 0;
}
