/* SPDX-License-Identifier: Apache-2.0 */
/* million_events.c - a million events that share their texts: 16 MB here, far more in a host that takes them apart. */
#include "guest.h"

#define EVENTS ((size_t)1000 * 1000)

void __wasm_export_exports_aggregate_handle_post_return(uint8_t *results);

/* The texts are shared, so they must not be freed a million times. */
__attribute__((export_name("cabi_post_concordance:app/aggregate@0.1.0#handle"))) void
__wasm_export_exports_aggregate_handle_post_return(uint8_t *results)
{
	(void)results;
}

HANDLE
{
	UNUSED_HANDLE;
	abi_string_t type = text("done"), data = text("{}");

	ret->len = EVENTS;
	ret->ptr = malloc(EVENTS * sizeof(*ret->ptr));
	if (ret->ptr == NULL)
		abort();
	for (size_t i = 0; i < EVENTS; i++)
		ret->ptr[i] = (abi_new_event_t){ .type = type, .data = data };
	return true;
}
