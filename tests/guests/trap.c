/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	__builtin_trap();
}
