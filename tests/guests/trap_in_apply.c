/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

APPLY
{
	UNUSED_APPLY;
	__builtin_trap();
}
