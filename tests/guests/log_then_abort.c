/* SPDX-License-Identifier: Apache-2.0 */
/* log_then_abort.c - says what is wrong, then gives up: the line must come with the failure. */
#include "guest.h"

HANDLE
{
	static const char line[] = "the vault is on fire";

	UNUSED_HANDLE;
	guest_log(LOGGING_LEVEL_CRITICAL, line, sizeof(line) - 1);
	abort();
}
