/* SPDX-License-Identifier: Apache-2.0 */
/* memory_hog.c - takes all memory that it gets, touches it, and traps when there is no more: fails by the memory limit,
 * long before the deadline. */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	for (;;) {
		size_t page = __builtin_wasm_memory_grow(0, 16);

		if (page == SIZE_MAX)
			abort();
		memset((void *)(page * 65536), 1, 16 * 65536);
	}
}
