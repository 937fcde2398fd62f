/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_UUID_H
#define MODEL_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "base/span.h"

/* uuid.h - UUIDs (RFC 9562). Ours are version 7: time first, so that they sort by it. */

#define UUID_TEXT_BYTES 37 /* with the NUL */

struct uuid {
	uint8_t bytes[16];
};

/* 48 bits of milliseconds, the microseconds in rand_a as a fraction of 4096, 62 random bits. */
struct uuid uuid_v7(uint64_t wall_us, struct random *random);

void uuid_format(const struct uuid *uuid, char text[static UUID_TEXT_BYTES]); /* lower case */
/* The 36 characters of the usual form, in any case, of any version. */
bool uuid_parse(struct span text, struct uuid *ret);
bool uuid_equal(const struct uuid *a, const struct uuid *b);

#endif
