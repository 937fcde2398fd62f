/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <uv.h>

#include "base/list.h"
#include "http/loop.h"

/* internal.h - what loop.c shows the rest of this module: libuv's loop, and a place in it.
 *
 * A member is something with work to do at the end of each turn, after the loop's own turn-end
 * function. loop_free() ends those that are still there. */

struct loop_member {
	struct list node;
	/* True: another turn is needed at once. */
	bool (*turn_end)(struct loop_member *member);
	/* The loop ends for good: close every handle and give up everything that waits. */
	void (*loop_ends)(struct loop_member *member);
};

void loop_add_member(struct loop *loop, struct loop_member *member);
void loop_remove_member(struct loop *loop, struct loop_member *member);

uv_loop_t *loop_native(struct loop *loop);

/* Milliseconds of the loop's own clock, as of the beginning of this turn. */
uint64_t loop_now_ms(struct loop *loop);

/* The status for libuv's negative error number, with the message "context: what libuv says". */
enum status loop_error(struct error *err, int uv_error, const char *format, ...) PRINTF_LIKE(3, 4);

#endif
