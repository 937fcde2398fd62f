/* SPDX-License-Identifier: Apache-2.0 */
/* ticker.c - see ticker.h. Ticks that the scheduler made late are caught up on, so that epochs
 * follow the clock; deadline.c sees to it that a guest which did not get the processor is not
 * punished for that. */
#include "host/ticker.h"

#include <time.h>

#include "base/clock.h"

/* More than this is a suspended machine, not a late wake-up. */
#define CATCH_UP_MAX 100

static void sleep_until(uint64_t ns)
{
	struct timespec at = { .tv_sec = (time_t)(ns / 1000000000),
			       .tv_nsec = (long)(ns % 1000000000) };

	/* Woken early, it ticks early once: no harm. */
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* Sleeps while nothing runs. False: it is to end. */
static bool wait_for_calls(struct ticker *ticker)
{
	MUTEX_GUARD(&ticker->mu);
	atomic_store(&ticker->running, false);
	while (!ticker->stopping && atomic_load(&ticker->active) == 0)
		cond_wait(&ticker->wake, &ticker->mu);
	atomic_store(&ticker->running, true);
	return !ticker->stopping;
}

static void run(void *arg)
{
	struct ticker *ticker = arg;

	while (wait_for_calls(ticker)) {
		uint64_t next = clock_monotonic_ns(clock_system());
		unsigned idle = 0;

		while (idle < TICKER_IDLE_TICKS) {
			next += TICKER_PERIOD_NS;
			sleep_until(next);
			uint64_t now = clock_monotonic_ns(clock_system());
			wasmtime_engine_increment_epoch(ticker->engine);
			for (unsigned i = 0; i < CATCH_UP_MAX && next + TICKER_PERIOD_NS <= now;
			     i++) {
				next += TICKER_PERIOD_NS;
				wasmtime_engine_increment_epoch(ticker->engine);
			}
			if (next + TICKER_PERIOD_NS <= now)
				next = now;
			bool used = atomic_exchange_explicit(&ticker->used, false,
							     memory_order_relaxed);
			idle = used || atomic_load(&ticker->active) != 0 ? 0 : idle + 1;
		}
	}
}

enum status ticker_start(struct ticker *ticker, const wasm_engine_t *engine, struct error *err)
{
	ticker->engine = engine;
	mutex_init(&ticker->mu, RANK_HOST);
	cond_init(&ticker->wake);
	enum status s = thread_start(&ticker->thread, "ticker", run, ticker, err);
	if (s != OK) {
		cond_fini(&ticker->wake);
		mutex_fini(&ticker->mu);
	}
	return s;
}

void ticker_stop(struct ticker *ticker)
{
	mutex_lock(&ticker->mu);
	ticker->stopping = true;
	cond_signal(&ticker->wake);
	mutex_unlock(&ticker->mu);
	thread_join(&ticker->thread);
	cond_fini(&ticker->wake);
	mutex_fini(&ticker->mu);
}

void ticker_wake(struct ticker *ticker)
{
	MUTEX_GUARD(&ticker->mu);
	cond_signal(&ticker->wake);
}
