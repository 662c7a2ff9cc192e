/* small.h - included before all that is explored: where the sections lie is for the scenarios to say */
#include <stdint.h>

struct otlite_header;
__attribute__((weak)) void otlite_region_lay_out(struct otlite_header *header, uint32_t size,
                                                 uint32_t open_spans);
