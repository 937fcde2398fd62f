/* SPDX-License-Identifier: Apache-2.0 */
/* gone.c - apply answers null: the instance ends with every event. */
#include "guest.h"

APPLY
{
	UNUSED_APPLY;
	*ret = text("null");
	return true;
}
