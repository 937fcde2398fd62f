/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_QUEUE_H
#define BASE_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/executor.h"

/* queue.h - tasks from many threads to one: how work is handed to an event loop.
 *
 * Lock-free on the way in (a stack by compare-and-swap), taken as a whole and turned round on the
 * way out, so tasks of one producer come out in the order they went in. */

struct queue {
	_Atomic(struct task *) newest;
};

void queue_init(struct queue *queue);

/* Any thread. True when the queue was empty before: the consumer has to be woken. */
bool queue_push(struct queue *queue, struct task *task);

/* The consumer's thread. Takes everything, oldest first, linked by `next`; NULL when empty. */
struct task *queue_take_all(struct queue *queue);

#endif
