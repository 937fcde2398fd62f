/* SPDX-License-Identifier: Apache-2.0 */
/* bad_event_type.c - the type of the event is the command's data, quotes included: never a valid type. */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	return accept(ret, text_copy(command->data.ptr, command->data.len), text("{}"));
}
