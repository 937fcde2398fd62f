/* SPDX-License-Identifier: Apache-2.0 */
/* big_event.c - one event with 100 MB of perfectly good JSON. */
#include "guest.h"

#define BIG_BYTES ((size_t)100 * 1000 * 1000)

HANDLE
{
	UNUSED_HANDLE;
	abi_string_t data = { .ptr = malloc(BIG_BYTES), .len = BIG_BYTES };

	if (data.ptr == NULL)
		abort();
	memset(data.ptr, 'x', BIG_BYTES);
	data.ptr[0] = data.ptr[BIG_BYTES - 1] = '"';
	return accept(ret, text("done"), data);
}
