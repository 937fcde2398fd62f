/* SPDX-License-Identifier: Apache-2.0 */
/* log_flood.c - a hundred thousand lines of a kilobyte, then a fat one of a megabyte. */
#include "guest.h"

HANDLE
{
	static char fat[1000 * 1000];

	UNUSED_HANDLE;
	memset(fat, 'x', sizeof(fat));
	for (int i = 0; i < 100 * 1000; i++)
		guest_log(LOGGING_LEVEL_INFO, fat, 1000);
	guest_log(LOGGING_LEVEL_ERROR, fat, sizeof(fat));
	return accept(ret, text("done"), text("{}"));
}
