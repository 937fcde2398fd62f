/* SPDX-License-Identifier: Apache-2.0 */
/* log_forged.c - log lines that try to look like the host's own, or to speak to the terminal that shows them. */
#include "guest.h"

HANDLE
{
	static const char *const lines[] = {
		"harmless\nlevel=error event=journal_damaged segment=0",
		"carriage\rreturn",
		"\x1b[2J\x1b]0;owned\x07",
		"nul is cut\0here",
		"quote \" equals = backslash \\",
		"\xe2\x80\xa8line separator \xc2\x85next line",
	};

	UNUSED_HANDLE;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		guest_log(LOGGING_LEVEL_INFO, lines[i], strlen(lines[i]) + (i == 3 ? 5 : 0));
	return accept(ret, text("done"), text("{}"));
}
