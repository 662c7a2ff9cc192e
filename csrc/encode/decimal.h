/* decimal.h - numbers as text, for json.c */
#ifndef OTLITE_ENCODE_DECIMAL_H
#define OTLITE_ENCODE_DECIMAL_H

#include <stdint.h>

/* At most 20 digits. */
uint8_t *otlite_put_decimal(uint8_t *at, uint64_t value);

enum { DOUBLE_TEXT_MAX = 24 };

/* The shortest decimal that reads back as the same double, and of those the nearest, written as Python's repr()
 * does: 0.1, 1.0, -0.0, 1e+16, 1e-05. `bits` are those of a finite double. At most DOUBLE_TEXT_MAX bytes. */
uint8_t *otlite_put_double(uint8_t *at, uint64_t bits);

#endif
