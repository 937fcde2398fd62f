/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	return accept(ret, text("done"), text("{\"amount\":1,}"));
}
