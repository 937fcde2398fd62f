/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	for (volatile int forever = 0;; forever++)
		;
}
