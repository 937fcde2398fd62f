/* SPDX-License-Identifier: Apache-2.0 */
/* guest.c - the ordinary half of every odd guest. */
#include "guest.h"

abi_string_t text_copy(const void *data, size_t size)
{
	uint8_t *copy = malloc(size != 0 ? size : 1);

	if (copy == NULL)
		__builtin_trap();
	memcpy(copy, data, size);
	return (abi_string_t){ .ptr = copy, .len = size };
}

abi_string_t text(const char *literal)
{
	return text_copy(literal, strlen(literal));
}

abi_string_t text_number(uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	return text_copy(digits + at, sizeof(digits) - at);
}

abi_string_t text_join(abi_string_t a, abi_string_t b)
{
	uint8_t *joined = realloc(a.ptr, a.len + b.len + 1);

	if (joined == NULL)
		__builtin_trap();
	memcpy(joined + a.len, b.ptr, b.len);
	free(b.ptr);
	return (abi_string_t){ .ptr = joined, .len = a.len + b.len };
}

bool accept(exports_aggregate_list_new_event_t *ret, abi_string_t type, abi_string_t data)
{
	ret->ptr = malloc(sizeof(*ret->ptr));
	if (ret->ptr == NULL)
		__builtin_trap();
	ret->len = 1;
	ret->ptr[0] = (abi_new_event_t){ .type = type, .data = data };
	return true;
}

void guest_log(logging_level_t level, const char *message, size_t size)
{
	abi_string_t context = text("guest"), copy = text_copy(message, size);

	logging_log(level, &context, &copy);
	free(context.ptr);
	free(copy.ptr);
}

/* Arguments belong to the callee. The ordinary half gives them back, so that it can serve any number of calls in one
 * instance; the odd ones don't bother. */
static void text_free(abi_string_t *text)
{
	if (text->len != 0)
		free(text->ptr);
}

__attribute__((weak)) HANDLE
{
	UNUSED_HANDLE;
	bool accepted = accept(ret, text("done"), text_copy(command->data.ptr, command->data.len));

	text_free(state);
	text_free(&command->id);
	text_free(&command->type);
	text_free(&command->key);
	text_free(&command->data);
	text_free(&command->metadata);
	return accepted;
}

__attribute__((weak)) APPLY
{
	UNUSED_APPLY;
	*ret = events->len == 0 ? text_copy(state->ptr, state->len)
				: text_copy(events->ptr[events->len - 1].data.ptr,
					    events->ptr[events->len - 1].data.len);
	text_free(state);
	for (size_t i = 0; i < events->len; i++) {
		text_free(&events->ptr[i].type);
		text_free(&events->ptr[i].data);
	}
	if (events->len != 0)
		free(events->ptr);
	return true;
}
