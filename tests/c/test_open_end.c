/* test_open_end.c - when spans that were open ended: as far as the region that they lie in tells
 *
 * Includes layout.h, to change what lies in a region.
 */
#define _GNU_SOURCE
#include "opening.h"

static uint64_t longest_of(uint32_t *found)
{
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.wrong, 0);
    uint64_t longest = opened.longest;
    (void)adopt(0);
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.wrong, 0);
    CHECK_EQUAL(opened.longest, longest);
    *found = times(opened.unfinished, 0, OPEN);
    return longest;
}

/* The end is the last moment that the region tells of, and no earlier than the start. */
static void test_the_end(void)
{
    uint32_t found;
    open_region(SIZE, 1000, 0);
    open_some(0, 1);
    CHECK_EQUAL(longest_of(&found), 0);
    CHECK_EQUAL(found, 1);
    open_region(SIZE, 1000, 0);
    open_some(0, 51);
    CHECK_EQUAL(longest_of(&found), 50); /* the last one's start */
    CHECK_EQUAL(found, 51);
    open_region(SIZE, 1000, 0);
    open_some(0, 51);
    CHECK_EQUAL(end_number(&recorder, 0, &spans[0]), OTLITE_OK); /* before that */
    CHECK_EQUAL(longest_of(&found), 49);
    CHECK_EQUAL(found, 50);
    open_region(SIZE, 1000, 0);
    open_some(0, 3);
    CHECK_EQUAL(end_number(&recorder, 2, &spans[2]), OTLITE_OK);
    spans[4] = opened_span(&recorder.region, 4);
    spans[4].start += 700;
    spans[4].end = spans[4].start + 300;
    spans[4].name = (struct otlite_text){long_text(), 200, OTLITE_TEXT_UTF8};
    CHECK_EQUAL(
        otlite_span_record(&recorder.region, &spans[4], recorder.resource, recorder.scopes[1]),
        OTLITE_OK);
    CHECK_EQUAL(otlite_image_open(&(struct otlite_image){0}, memory, size), OTLITE_OK);
    (void)adopt(0);
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.wrong, 1);
    CHECK_EQUAL(opened.longest, 1004);
    /* times that somebody gave say nothing of when that was */
    open_region(SIZE, 1000, 0);
    open_some(0, 2);
    spans[4] = opened_span(&recorder.region, 4);
    spans[4].explicit_time = true;
    spans[4].end = UINT64_MAX / 2;
    CHECK_EQUAL(
        otlite_span_record(&recorder.region, &spans[4], recorder.resource, recorder.scopes[1]),
        OTLITE_OK);
    spans[5] = opened_span(&recorder.region, 5);
    spans[5].explicit_time = true;
    spans[5].start += 100000;
    CHECK_EQUAL(
        otlite_open_begin(&recorder.region, &spans[5], recorder.resource, recorder.scopes[2]),
        OTLITE_OK);
    (void)adopt(0);
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.longest, 1);
    CHECK_EQUAL(opened.unfinished[0] + opened.unfinished[1], 2);
}

/* What a former life left says nothing of when this one ended: its clock may have been another. */
static void test_the_end_of_a_later_life(void)
{
    open_region(SIZE, 1000, 0);
    spans[4] = opened_span(&recorder.region, 4);
    spans[4].end = spans[4].start + 1000000;
    CHECK_EQUAL(
        otlite_span_record(&recorder.region, &spans[4], recorder.resource, recorder.scopes[1]),
        OTLITE_OK);
    (void)adopt(0);
    register_all(&recorder, "");
    open_some(0, 3);
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.longest, 2);
    CHECK_EQUAL(adopt(0).unfinished, 3);
    drain_opened(&recorder.region, &opened);
    CHECK_EQUAL(opened.longest, 2);
}

/* An anchor that is not what it was says nothing. */
static void test_the_end_without_a_clock(void)
{
    open_region(SIZE, 1000, 0);
    open_some(0, 51);
    recorder.region.header->anchor_seals[0] ^= 1;
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.wrong + opened.longest, 0);
    CHECK_EQUAL(times(opened.unfinished, 0, 51), 51);
}

/* One that is says nothing for the others. */
static void test_the_end_with_one_clock(void)
{
    open_region(SIZE, 1000, 0);
    open_some(0, 20);
    struct otlite_header *header = recorder.region.header;
    header->anchors[1] = header->anchors[0];
    header->anchor_seals[1] = otlite_anchor_seal(header, 1);
    header->anchor = 1;
    open_some(20, 51);
    header->anchor_seals[0] ^= 1;
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.wrong, 0);
    CHECK_EQUAL(times(opened.unfinished, 0, 51), 51);
    CHECK_EQUAL(opened.longest, 30); /* of the others the first */
}

/* A record that is damaged says nothing of it. */
static void test_the_end_beside_a_damaged_record(void)
{
    open_region(SIZE, 1000, 0);
    open_some(0, 3);
    spans[4] = opened_span(&recorder.region, 4);
    spans[4].end = spans[4].start + 1000000;
    CHECK_EQUAL(
        otlite_span_record(&recorder.region, &spans[4], recorder.resource, recorder.scopes[1]),
        OTLITE_OK);
    for (uint32_t i = 0; i < recorder.region.chunk_count; i++)
        if (recorder.region.chunks[i].committed == 1)
            chunk_index(&recorder.region, i, 0)->seal ^= 1;
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.damaged, 1);
    CHECK_EQUAL(times(opened.unfinished, 0, 3), 3);
    CHECK_EQUAL(opened.longest, 2);
}

/* Whatever the clock said when a span began: it lasted as long as it did. */
static void test_the_end_after_a_step_of_the_clock(void)
{
    open_region(SIZE, 1000, 0);
    open_some(0, 1);
    struct otlite_header *header = recorder.region.header;
    header->anchors[1] = header->anchors[0] + UINT64_C(3600000000000);
    header->anchor_seals[1] = otlite_anchor_seal(header, 1);
    header->anchor = 1;
    spans[7] = opened_span(&recorder.region, 7);
    spans[7].start += UINT64_C(3600000000000);
    CHECK_EQUAL(
        otlite_open_begin(&recorder.region, &spans[7], recorder.resource, recorder.scopes[1]),
        OTLITE_OK);
    CHECK_EQUAL(read_opened(memory, size, &opened), OTLITE_OK);
    CHECK_EQUAL(opened.spans, 2);
    CHECK_EQUAL(opened.unfinished[0], 1);
    CHECK_EQUAL(opened.longest, 7);
}

int main(void)
{
    (void)otlite_kernels_select(NULL);
    RUN(test_the_end);
    RUN(test_the_end_of_a_later_life);
    RUN(test_the_end_without_a_clock);
    RUN(test_the_end_with_one_clock);
    RUN(test_the_end_beside_a_damaged_record);
    RUN(test_the_end_after_a_step_of_the_clock);
    return check_end();
}
