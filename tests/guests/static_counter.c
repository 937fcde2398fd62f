/* SPDX-License-Identifier: Apache-2.0 */
/* static_counter.c - counts its calls in a static variable. In fresh instances the count is always 1. With
 * `"trap"` as data it traps. */
#include "guest.h"

static uint64_t calls;

HANDLE
{
	UNUSED_HANDLE;
	if (command->data.len == 6 && memcmp(command->data.ptr, "\"trap\"", 6) == 0)
		__builtin_trap();
	return accept(ret, text("counted"), text_number(++calls));
}
