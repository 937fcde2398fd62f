/* SPDX-License-Identifier: Apache-2.0 */
/* bad_utf8_event.c - a truncated and an overlong sequence. The binding of strings itself must notice. */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	return accept(ret, text("done"), text("\"\xc3\x28\xc0\xaf\""));
}
