/* SPDX-License-Identifier: Apache-2.0 */
/* puppet.c - says what it is told to: the command's type becomes the event's type, and the *content* of the command's
 * data, which is a JSON string, becomes the event's data. So a test can make a component return any text. Of escapes it
 * knows the backslash in front of a quote or a backslash. */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	abi_string_t data = { .ptr = malloc(command->data.len + 1) };

	if (data.ptr == NULL)
		abort();
	for (size_t i = 1; i + 1 < command->data.len; i++) {
		if (command->data.ptr[i] == '\\' && i + 2 < command->data.len)
			i++;
		data.ptr[data.len++] = command->data.ptr[i];
	}
	return accept(ret, text_copy(command->type.ptr, command->type.len), data);
}
