/* SPDX-License-Identifier: Apache-2.0 */
/* memory_bomb.c - takes all memory that it gets, and touches it. When there is no more it goes on as if nothing had
 * happened, so the only thing that stops it is the host. */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	for (;;) {
		size_t page = __builtin_wasm_memory_grow(0, 16);

		if (page != SIZE_MAX)
			memset((void *)(page * 65536), 1, 16 * 65536);
	}
}
