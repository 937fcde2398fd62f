/* SPDX-License-Identifier: Apache-2.0 */
/* apply_differs.c - an apply that isn't pure: in the instance that has decided it answers something else than in one
 * that hasn't. Applying again in a fresh instance finds it out. */
#include "guest.h"

static bool has_decided;

HANDLE
{
	UNUSED_HANDLE;
	has_decided = true;
	return accept(ret, text("done"), text("{}"));
}

APPLY
{
	UNUSED_APPLY;
	*ret = text(has_decided ? "{\"instance\":\"same\"}" : "{\"instance\":\"fresh\"}");
	return true;
}
