/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

APPLY
{
	UNUSED_APPLY;
	*ret = text("{balance: 1}");
	return true;
}
