/* SPDX-License-Identifier: Apache-2.0 */
/* sleeps.c - waits for an hour, first by poll, then by block. Both must return at once. */
#include "guest.h"

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name))) extern
#define HOUR_NS              (UINT64_C(3600) * 1000 * 1000 * 1000)

struct list {
	uint32_t *data;
	size_t count;
};

IMPORT("wasi:clocks/monotonic-clock@0.2.0", "subscribe-duration")
int32_t subscribe(uint64_t duration_ns);
IMPORT("wasi:io/poll@0.2.0", "poll")
void io_poll(const int32_t *pollables, size_t count, struct list *ret);
IMPORT("wasi:io/poll@0.2.0", "[method]pollable.block") void pollable_block(int32_t pollable);
IMPORT("wasi:io/poll@0.2.0", "[resource-drop]pollable") void pollable_drop(int32_t pollable);

HANDLE
{
	int32_t pollables[2] = { subscribe(HOUR_NS), subscribe(2 * HOUR_NS) };
	struct list ready;

	UNUSED_HANDLE;
	io_poll(pollables, 2, &ready);
	pollable_block(pollables[0]);
	pollable_drop(pollables[0]);
	pollable_drop(pollables[1]);
	return accept(ret, text("woke"), text_number(ready.count));
}
