/* SPDX-License-Identifier: Apache-2.0 */
/* many_events.c - 1,024 small events: one more than a frame takes. With `"fits"` as data it is 1,023. */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	bool fits = command->data.len == 6 && memcmp(command->data.ptr, "\"fits\"", 6) == 0;
	size_t count = fits ? 1023 : 1024;

	ret->ptr = malloc(count * sizeof(*ret->ptr));
	if (ret->ptr == NULL)
		abort();
	ret->len = count;
	for (size_t i = 0; i < count; i++)
		ret->ptr[i] = (abi_new_event_t){ .type = text("done"), .data = text_number(i) };
	return true;
}
