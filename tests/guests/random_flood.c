/* SPDX-License-Identifier: Apache-2.0 */
/* random_flood.c - asks for 2^62 random bytes. A host that allocates first is gone. */
#include "guest.h"

struct bytes {
	uint8_t *data;
	size_t size;
};

__attribute__((import_module("wasi:random/random@0.2.0"),
	       import_name("get-random-bytes"))) extern void
random_bytes(uint64_t size, struct bytes *ret);

HANDLE
{
	struct bytes bytes;

	UNUSED_HANDLE;
	random_bytes(UINT64_C(1) << 62, &bytes);
	return accept(ret, text("done"), text_number(bytes.size));
}
