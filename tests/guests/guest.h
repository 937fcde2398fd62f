/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUESTS_GUEST_H
#define GUESTS_GUEST_H

/* guest.h - what the odd guests share. They are written over the generated bindings, not over the SDK, because the SDK
 * would not let them do what they are for.
 *
 * guest.c has an ordinary handle (one event `done` with the command's data) and an ordinary apply (the state becomes
 * the last event's data); both are weak, so a guest defines only the function in which it is odd. Results come from
 * malloc, because the generated post-return functions free them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abi.h"

#define HANDLE                                                                         \
	bool exports_aggregate_handle(                                                 \
		exports_aggregate_json_t *state, exports_aggregate_command_t *command, \
		exports_aggregate_list_new_event_t *ret, exports_aggregate_rejection_t *err)
#define APPLY                                                                \
	bool exports_aggregate_apply(exports_aggregate_json_t *state,        \
				     exports_aggregate_list_event_t *events, \
				     exports_aggregate_json_t *ret, abi_string_t *err)
#define UNUSED_HANDLE ((void)state, (void)command, (void)ret, (void)err)
#define UNUSED_APPLY  ((void)state, (void)events, (void)ret, (void)err)

abi_string_t text_copy(const void *data, size_t size);
abi_string_t text(const char *literal);

/* Decimal digits. */
abi_string_t text_number(uint64_t number);

/* a + b, both consumed. */
abi_string_t text_join(abi_string_t a, abi_string_t b);

/* Makes the decision one event; both texts are consumed. Answers true, as handle does for "accepted". */
bool accept(exports_aggregate_list_new_event_t *ret, abi_string_t type, abi_string_t data);

void guest_log(logging_level_t level, const char *message, size_t size);

#endif
