/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

HANDLE
{
	UNUSED_HANDLE;
	*err = (exports_aggregate_rejection_t){
		.code = text("Not A Code!"),
		.reason = text("a reason"),
	};
	return false;
}
