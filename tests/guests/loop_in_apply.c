/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

APPLY
{
	UNUSED_APPLY;
	for (volatile int forever = 0;; forever++)
		;
}
