/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOST_TICKER_H
#define HOST_TICKER_H

#include <stdatomic.h>

#include <wasmtime.h>

#include "base/error.h"
#include "base/mutex.h"
#include "base/thread.h"

/* ticker.h - raises the engine's epoch once a millisecond while anything runs.
 *
 * Deadlines are counted in epochs. The thread sleeps for good when there has been no call for
 * TICKER_IDLE_TICKS, so an idle process costs nothing, and a busy one does not wake it for each
 * call. */

#define TICKER_PERIOD_NS  UINT64_C(1000000)
#define TICKER_IDLE_TICKS 64

struct ticker {
	const wasm_engine_t *engine; /* borrowed */
	struct thread thread;

	_Atomic unsigned active; /* calls under way */
	_Atomic bool used;       /* a call began since the last tick */
	_Atomic bool running;    /* ticking; false: asleep, or about to look at `active` again */

	struct mutex mu; /* RANK_HOST; guards the fields below */
	struct cond wake;
	bool stopping;
};

enum status ticker_start(struct ticker *ticker, const wasm_engine_t *engine, struct error *err);
void ticker_stop(struct ticker *ticker);

void ticker_wake(struct ticker *ticker);

/* Around everything that runs guest code. Any thread. */
static inline void ticker_enter(struct ticker *ticker)
{
	/* In this order, and the thread writes `running` before it reads `active`: one of the two sees
	 * the other. */
	atomic_fetch_add(&ticker->active, 1);
	atomic_store_explicit(&ticker->used, true, memory_order_relaxed);
	if (!atomic_load(&ticker->running))
		ticker_wake(ticker);
}

static inline void ticker_leave(struct ticker *ticker)
{
	atomic_fetch_sub_explicit(&ticker->active, 1, memory_order_release);
}

#endif
