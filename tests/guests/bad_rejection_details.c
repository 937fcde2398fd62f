/* SPDX-License-Identifier: Apache-2.0 */
/* bad_rejection_details.c - a proper code and reason, with details that are no object. */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	*err = (exports_aggregate_rejection_t){
		.code = text("a_code"),
		.reason = text("a reason"),
		.details = { .is_some = true, .val = text("[1,2") },
	};
	return false;
}
