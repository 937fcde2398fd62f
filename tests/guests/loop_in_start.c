/* SPDX-License-Identifier: Apache-2.0 */
/* loop_in_start.c - never gets as far as being an instance. */
#include "guest.h"

__attribute__((constructor)) static void loop(void)
{
	for (volatile int forever = 0;; forever++)
		;
}
