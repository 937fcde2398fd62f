/* SPDX-License-Identifier: Apache-2.0 */
/* deep_recursion.c - calls itself until a stack ends. It needs no linear memory, so it is the host's stack that ends. */
#include "guest.h"

static uint64_t dive(uint64_t depth);
static uint64_t (*volatile dive_again)(uint64_t) = dive; /* or the compiler makes a loop of it */

static uint64_t dive(uint64_t depth)
{
	return depth == UINT64_MAX ? 0 : dive_again(depth + 1) ^ depth;
}

HANDLE
{
	UNUSED_HANDLE;
	return accept(ret, text("done"), text_number(dive(0)));
}
