/* SPDX-License-Identifier: Apache-2.0 */
/* pollable_flood.c - takes handles of the host and never gives one back: each is memory outside of the guest's own. */
#include "guest.h"

__attribute__((import_module("wasi:clocks/monotonic-clock@0.2.0"),
	       import_name("subscribe-duration"))) extern int32_t
subscribe(uint64_t duration_ns);

HANDLE
{
	UNUSED_HANDLE;
	for (;;)
		(void)subscribe(1);
}
