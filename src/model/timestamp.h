/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_TIMESTAMP_H
#define MODEL_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* timestamp.h - RFC 3339 and microseconds since 1970-01-01T00:00:00Z. Years 1970-9999. */

#define TIMESTAMP_TEXT_BYTES 28 /* 2026-11-25T06:29:34.123456Z and the NUL */
#define TIMESTAMP_MAX_US     UINT64_C(253402300799999999)

/* UTC with six digits. Values over TIMESTAMP_MAX_US are written as that. */
void timestamp_format(uint64_t us, char text[static TIMESTAMP_TEXT_BYTES]);

/* With `Z` or an offset, fractions of any length (cut to microseconds), a leap second read as :59.
 * False for anything else. */
bool timestamp_parse(struct span text, uint64_t *ret_us);

#endif
