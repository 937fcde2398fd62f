/* SPDX-License-Identifier: Apache-2.0 */
/* guest_aggregate.c - the exports of an aggregate component, over the generated bindings.
 *
 * The three functions below whose weak twins are in the generated file decide about memory: cabi_realloc() makes the
 * room into which the runtime writes the arguments, and the post-return functions run when it has read the results.
 * So a call's memory, arguments and results included, is one arena from its first byte to its last. */
#include "internal.h"

#include <string.h>

#include "../generated/aggregate/abi.h"

void *cabi_realloc(void *block, size_t old_size, size_t align, size_t size);
void __wasm_export_exports_aggregate_handle_post_return(uint8_t *results);
void __wasm_export_exports_aggregate_apply_post_return(uint8_t *results);

/* Texts are what needs no alignment: each gets room for a NUL, and for being parsed in place. */
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *block, size_t old_size,
								size_t align, size_t size)
{
	size_t room = align == 1 ? size + CC_TEXT_PADDING : size;

	if (room < size)
		__builtin_trap();
	char *memory = cc_arena_realloc(block, old_size, room);
	memset(memory + size, 0, room - size);
	return memory;
}

__attribute__((export_name("cabi_post_concordance:app/aggregate@0.1.0#handle"))) void
__wasm_export_exports_aggregate_handle_post_return(uint8_t *results)
{
	(void)results;
	cc_call_end();
}

__attribute__((export_name("cabi_post_concordance:app/aggregate@0.1.0#apply"))) void
__wasm_export_exports_aggregate_apply_post_return(uint8_t *results)
{
	(void)results;
	cc_call_end();
}

/* The runtime makes no room for an empty text. */
static struct cc_given given(const abi_string_t *text)
{
	static char empty[CC_TEXT_PADDING];

	if (text->len == 0)
		return (struct cc_given){ .data = empty };
	return (struct cc_given){ .data = (char *)text->ptr, .size = text->len };
}

static abi_string_t result(const char *text, size_t size)
{
	return (abi_string_t){ .ptr = (uint8_t *)(uintptr_t)text, .len = size };
}

static abi_string_t result_text(const char *text)
{
	return result(text, strlen(text));
}

bool exports_aggregate_handle(exports_aggregate_json_t *state, exports_aggregate_command_t *command,
			      exports_aggregate_list_new_event_t *ret,
			      exports_aggregate_rejection_t *err)
{
	struct cc_given_command to_handle = {
		.id = given(&command->id),
		.type = given(&command->type),
		.key = given(&command->key),
		.data = given(&command->data),
		.metadata = given(&command->metadata),
		.time = command->time,
	};
	struct cc_handled handled;

	if (!cc_call_handle(&cc_aggregate, given(state), &to_handle, &handled)) {
		cc_log(CC_CRITICAL, "command '%s': %s",
		       command->type.len != 0 ? to_handle.type.data : "", cc_call_failure());
		__builtin_trap();
	}
	if (handled.decision == CC_REJECTED) {
		*err = (exports_aggregate_rejection_t){
			.code = result_text(handled.code),
			.reason = result_text(handled.reason),
			.details.is_some = handled.details != NULL,
		};
		if (handled.details != NULL)
			err->details.val = result_text(handled.details);
		return false;
	}
	ret->len = handled.event_count;
	ret->ptr = cc_alloc(handled.event_count * sizeof(*ret->ptr));
	abi_new_event_t *out = ret->ptr;
	for (const struct cc_emitted *event = handled.events; event != NULL; event = event->next)
		*out++ = (abi_new_event_t){
			.type = result_text(event->type),
			.data = result(event->data, event->data_size),
		};
	return true;
}

static struct cc_given_event event_at(size_t index, void *arg)
{
	const exports_aggregate_list_event_t *events = arg;
	const abi_event_t *event = &events->ptr[index];

	return (struct cc_given_event){
		.type = given(&event->type),
		.data = given(&event->data),
		.version = event->version,
		.time = event->time,
	};
}

bool exports_aggregate_apply(exports_aggregate_json_t *state,
			     exports_aggregate_list_event_t *events, exports_aggregate_json_t *ret,
			     abi_string_t *err)
{
	const char *text;
	size_t size;

	if (!cc_call_apply(&cc_aggregate, given(state), event_at, events, events->len, &text,
			   &size)) {
		*err = result_text(cc_call_failure());
		return false;
	}
	*ret = result(text, size);
	return true;
}
