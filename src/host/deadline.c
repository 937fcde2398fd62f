/* SPDX-License-Identifier: Apache-2.0 */
/* deadline.c - how long a function of a guest may compute.
 *
 * Epochs pass with the clock, but a call is allowed CPU time: a guest that waited for the processor,
 * or in a machine that was suspended, has done nothing wrong. Asking for the thread's CPU time is a
 * system call, which most calls are too short for. So a function gets FIRST_TICKS for nothing; if it
 * is still running then, its CPU time is read, and from there on it is watched until it has used up
 * what it may. */
#include <time.h>

#include "base/check.h"
#include "host/internal.h"

/* At least one whole period has passed when this many ticks have. */
#define FIRST_TICKS 2

static uint64_t thread_cpu_ns(void)
{
	struct timespec now;

	CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static wasmtime_error_t *ticks_are_up(const wasmtime_context_t *context, void *data,
				      uint64_t *ret_ticks,
				      wasmtime_update_deadline_kind_t *ret_kind)
{
	struct guest_instance *instance = data;
	uint64_t allowed_ns = instance->guest->component.limits.call_ms * UINT64_C(1000000);
	uint64_t now = thread_cpu_ns();

	(void)context;
	if (!instance->timed) {
		instance->timed = true;
		/* Never more than it has really used: the rest is its gain. */
		instance->cpu_start_ns = now - (FIRST_TICKS - 1) * TICKER_PERIOD_NS;
	}
	uint64_t used_ns = now - instance->cpu_start_ns;
	if (used_ns >= allowed_ns) {
		instance->past_deadline = true;
		return wasmtime_error_new("the time allowed is used up");
	}
	*ret_ticks = (allowed_ns - used_ns + TICKER_PERIOD_NS - 1) / TICKER_PERIOD_NS;
	*ret_kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
	return NULL;
}

void deadline_install(struct guest_instance *instance)
{
	wasmtime_store_epoch_deadline_callback(instance->store, ticks_are_up, instance, NULL);
}

void deadline_begin(struct guest_instance *instance, const char *function)
{
	instance->function = function;
	instance->timed = false;
	wasmtime_context_set_epoch_deadline(instance->context, FIRST_TICKS);
}
