/* SPDX-License-Identifier: Apache-2.0 */
/* big_state.c - a state of 20 MB. It fits into the memory limit and into no frame. */
#include "guest.h"

#define BIG_BYTES ((size_t)20 * 1000 * 1000)

APPLY
{
	UNUSED_APPLY;
	ret->ptr = malloc(BIG_BYTES);
	ret->len = BIG_BYTES;
	if (ret->ptr == NULL)
		abort();
	memset(ret->ptr, 'x', BIG_BYTES);
	ret->ptr[0] = ret->ptr[BIG_BYTES - 1] = '"';
	return true;
}
