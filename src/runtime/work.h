/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_WORK_H
#define RUNTIME_WORK_H

#include "base/arena.h"
#include "base/error.h"
#include "base/executor.h"
#include "base/list.h"
#include "model/name.h"
#include "runtime/runtime.h"

/* work.h - the first member of every request: one piece of work for one stream.
 *
 * The request is its submitter's storage and belongs to the runtime until `answer` is called, on
 * the thread of the lane that it was submitted on, exactly once. */

struct stream; /* internal.h */

/* What a request's run has come to. */
enum work_run {
	WORK_RAN,  /* it has been answered, or waits for a frame */
	WORK_AWAY, /* stream_send_away(): the pool is at it, and the stream is kept for it */
};

struct work {
	/* In. */
	unsigned lane;             /* of the submitting thread */
	struct stream_name stream; /* checked names; borrowed until answered */
	struct arena *arena;       /* results live here; the runtime's until answered */
	void (*answer)(struct work *work);

	/* Out. */
	enum failure failure; /* FAILURE_NONE: done, as the request's own members say */
	struct error err;     /* when it failed: for a person */

	/* The runtime's. */
	struct runtime *runtime;
	enum work_run (*run)(struct work *work, struct stream *stream);
	void (*stored)(struct work *work, uint64_t sequence); /* its own frame is durable */
	struct list node; /* in a mailbox, or among the waiters of a frame */
	struct task task;
	bool run_again;     /* when the frame it waits for is durable */
	unsigned conflicts; /* runs that ended in ERR_CONFLICT */
	uint64_t submitted_ns;
};

#endif
