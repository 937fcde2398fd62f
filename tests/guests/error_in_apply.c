/* SPDX-License-Identifier: Apache-2.0 */
/* error_in_apply.c - apply answers its error, as it may. */
#include "guest.h"

APPLY
{
	UNUSED_APPLY;
	*err = text("this history makes no sense");
	return false;
}
