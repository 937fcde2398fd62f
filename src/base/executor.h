/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_EXECUTOR_H
#define BASE_EXECUTOR_H

/* executor.h - somewhere to run a piece of work: an event loop, or a pool of threads.
 *
 * A task is embedded in what it works on and belongs to the executor from post() until its `run`
 * begins; nothing is allocated to post it. From one thread, tasks run in the order of posting (on
 * a pool: begin in it). post() may be called from any thread and never blocks. */

struct task {
	struct task *next; /* the executor's */
	void (*run)(struct task *task);
};

struct executor {
	void (*post)(struct executor *executor, struct task *task);
};

static inline void executor_post(struct executor *executor, struct task *task)
{
	executor->post(executor, task);
}

#endif
