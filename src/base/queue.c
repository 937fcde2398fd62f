/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - tasks from many threads to one. */
#include "base/queue.h"

#include <stddef.h>

void queue_init(struct queue *queue)
{
	atomic_init(&queue->newest, NULL);
}

bool queue_push(struct queue *queue, struct task *task)
{
	struct task *newest = atomic_load_explicit(&queue->newest, memory_order_relaxed);

	do {
		task->next = newest;
	} while (!atomic_compare_exchange_weak_explicit(
		&queue->newest, &newest, task, memory_order_release, memory_order_relaxed));
	return newest == NULL;
}

struct task *queue_take_all(struct queue *queue)
{
	struct task *newest = atomic_exchange_explicit(&queue->newest, NULL, memory_order_acquire);
	struct task *oldest = NULL;

	while (newest != NULL) {
		struct task *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}
