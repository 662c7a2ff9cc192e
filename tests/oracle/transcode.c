/* transcode.c - requests in, OTLP/JSON out: `transcode PIECE ROOM`, in the frames of matrix.py
 *
 * Each body is parted into segments of 0 to PIECE bytes, each its own piece of memory, and each line is written
 * ROOM bytes at a time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otlite.h"

enum { REFUSED = -1 };

static void *allocate(size_t size)
{
    void *memory = malloc(size + 1);
    if (memory == NULL)
        abort();
    return memory;
}

static void put_frame(const void *data, uint32_t size)
{
    uint8_t head[4];
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(size >> (8 * i));
    fwrite(head, 1, 4, stdout);
    if (data != NULL)
        fwrite(data, 1, size, stdout);
}

static void transcode(const struct otlite_segment *segments, size_t count, size_t room)
{
    static uint8_t *line;
    static size_t most;
    static struct otlite_json json;
    size_t size = 0, written;
    enum otlite_status status;

    otlite_json_begin(&json, segments, count);
    for (;;) {
        if (most - size < room) {
            most = 2 * most + room;
            line = realloc(line, most);
            if (line == NULL)
                abort();
        }
        status = otlite_json_next(&json, line + size, room, &written);
        if (status != OTLITE_OK)
            break;
        size += written;
    }
    if (status == OTLITE_EMPTY)
        put_frame(line, (uint32_t)size);
    else
        put_frame(NULL, (uint32_t)REFUSED);
}

int main(int argc, char **argv)
{
    size_t piece = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    size_t room = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    uint8_t head[4];

    if (piece == 0 || room < OTLITE_JSON_ROOM)
        return fprintf(stderr, "usage: transcode PIECE ROOM\n"), 2;
    otlite_kernels_select(NULL);
    while (fread(head, 1, 4, stdin) == 4) {
        uint32_t size =
            head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
        uint32_t left = size;
        struct otlite_segment *segments = NULL;
        size_t count = 0, limit = 0;
        while (left != 0) {
            size_t part = (size_t)rand() % (piece + 1);
            part = part < left ? part : left;
            if (count == limit) {
                limit = 2 * limit + 8;
                segments = realloc(segments, limit * sizeof *segments);
                if (segments == NULL)
                    abort();
            }
            void *data = allocate(part);
            if (fread(data, 1, part, stdin) != part)
                return 1;
            segments[count++] = (struct otlite_segment){data, part};
            left -= (uint32_t)part;
        }
        transcode(segments, count, room);
        for (size_t i = 0; i < count; i++)
            free((void *)segments[i].data);
        free(segments);
    }
    return 0;
}
