/* SPDX-License-Identifier: Apache-2.0 */
/* guest_log.c - log lines of a component go to wasi:logging. */
#include "internal.h"

#include "../generated/aggregate/abi.h"

void cc_log_write(enum cc_level level, const char *message, size_t size)
{
	abi_string_t no_context = { .ptr = (uint8_t *)(uintptr_t) "", .len = 0 };
	abi_string_t text = { .ptr = (uint8_t *)(uintptr_t)message, .len = size };

	logging_log((logging_level_t)level, &no_context, &text);
}
