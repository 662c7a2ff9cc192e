/* dying.c - a process that records and dies: `dying FILE SIZE [BOOT]`, and what it does as frames from stdin
 *
 * A frame is a letter, a length (32 bits, the machine's order) and so many bytes:
 *
 *   r  a resource, s  a scope: the field as otlite_resource_register takes it; u  the schema URL of the next one
 *   a  a record, as otlite_region_append takes it; e  the same, with a time that was given
 *   o  offers a batch of at most so many records (32 bits); k  acknowledges one
 *   x  dies by SIGKILL. At the end of the frames it stays alive until it is killed.
 *
 * It prints a byte for each frame that is done.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "otlite.h"

static struct otlite_region region;
static uint32_t resource, scope;
static char schema[256];
static size_t schema_size;

static void fail(const char *what)
{
    fprintf(stderr, "dying: %s\n", what);
    exit(1);
}

static void collect(bool acknowledge, uint32_t records)
{
    struct otlite_batch_limits limits = {.max_bytes = 1 << 20, .max_records = records};
    struct otlite_batch batch;
    if (otlite_batch_collect(&region, &limits, &batch) != OTLITE_OK)
        fail("nothing to collect");
    otlite_batch_offer(&region, &batch);
    if (acknowledge)
        otlite_batch_acknowledge(&region, &batch, 0);
    else
        otlite_batch_release(&region, &batch);
}

static enum otlite_status act(char what, const void *bytes, uint32_t size)
{
    uint32_t records = 0;
    uint8_t anchor;
    switch (what) {
    case 'u':
        schema_size = size < sizeof schema ? size : sizeof schema;
        memcpy(schema, bytes, schema_size);
        return OTLITE_OK;
    case 'r':
    case 's': {
        enum otlite_status status =
            what == 'r'
                ? otlite_resource_register(&region, bytes, size, schema, schema_size, &resource)
                : otlite_scope_register(&region, bytes, size, schema, schema_size, &scope);
        schema_size = 0;
        return status;
    }
    case 'a':
    case 'e':
        (void)otlite_region_clock(&region, 0, &anchor);
        return otlite_region_append(&region, bytes, size, resource, scope, anchor, what == 'e');
    case 'o':
    case 'k':
        memcpy(&records, bytes, size < sizeof records ? size : sizeof records);
        collect(what == 'k', records);
        return OTLITE_OK;
    case 'x':
        raise(SIGKILL);
    }
    return OTLITE_INVALID;
}

static void read_boot_id(uint8_t *boot_id, const char *other)
{
    if (other != NULL) {
        for (int i = 0; i < OTLITE_BOOT_ID && other[i] != 0; i++)
            boot_id[i] = (uint8_t)other[i];
        return;
    }
    char text[64] = "", *at = text;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
    if (file == NULL || fgets(text, sizeof text, file) == NULL)
        fail("no boot id");
    fclose(file);
    for (int i = 0; i < OTLITE_BOOT_ID; i++, at += 2) {
        unsigned byte;
        at += *at == '-';
        if (sscanf(at, "%2x", &byte) != 1)
            fail("a strange boot id");
        boot_id[i] = (uint8_t)byte;
    }
}

int main(int argc, char **argv)
{
    struct otlite_region_options options = {.durable = true};
    size_t size = argc >= 3 ? strtoul(argv[2], NULL, 10) : 0;
    int file = argc >= 3 ? open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600) : -1;
    if (file < 0 || ftruncate(file, (off_t)size) != 0)
        fail("usage: dying FILE SIZE [BOOT]");
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    read_boot_id(options.boot_id, argc == 4 ? argv[3] : NULL);
    otlite_kernels_select(NULL);
    if (memory == MAP_FAILED || otlite_region_init(&region, memory, size, &options) != OTLITE_OK)
        fail("no region");
    char what;
    uint32_t length;
    while (fread(&what, 1, 1, stdin) == 1 && fread(&length, sizeof length, 1, stdin) == 1) {
        void *bytes = malloc(length + 1);
        if (bytes == NULL || fread(bytes, 1, length, stdin) != length)
            fail("a frame that is cut");
        enum otlite_status status = act(what, bytes, length);
        free(bytes);
        if (status != OTLITE_OK)
            fail(otlite_status_text(status));
        if (write(STDOUT_FILENO, &what, 1) != 1)
            fail("nobody reads");
    }
    for (;;)
        pause();
}
