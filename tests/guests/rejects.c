/* SPDX-License-Identifier: Apache-2.0 */
/* rejects.c - a proper rejection; the command's data are its details. */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	*err = (exports_aggregate_rejection_t){
		.code = text("never"),
		.reason = text("this aggregate says no to everything"),
		.details = { .is_some = true,
			     .val = text_copy(command->data.ptr, command->data.len) },
	};
	return false;
}
