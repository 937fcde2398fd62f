/* SPDX-License-Identifier: Apache-2.0 */
/* static_counter.c - counts its calls in a static variable. In fresh instances the count is always 1. */
#include "guest.h"

static uint64_t calls;

HANDLE
{
	UNUSED_HANDLE;
	return accept(ret, text("counted"), text_number(++calls));
}
