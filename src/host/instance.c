/* SPDX-License-Identifier: Apache-2.0 */
/* instance.c - opens, calls and closes instances of guests.
 *
 * A fresh instance is a store of its own: limits and deadline are set before anything of the guest
 * runs, for instantiating already runs its code. Closing throws the store away. Instances of a
 * component with `reused` go into a list instead, unless anything failed in them. */
#include <malloc.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "host/internal.h"

/* Instances, tables and memories of one store; the pool's own limits are as low or lower. */
#define STORE_INSTANCES_MAX      256
#define STORE_TABLES_MAX         16
#define STORE_MEMORIES_MAX       1
#define STORE_TABLE_ELEMENTS_MAX 100000

static uint64_t now_ns(const struct guest *guest)
{
	return guest->durations[GUEST_OPEN] != NULL ? clock_monotonic_ns(clock_system()) : 0;
}

static void observe(const struct guest *guest, enum guest_function function, uint64_t began_ns)
{
	if (guest->durations[function] != NULL)
		histogram_observe(guest->durations[function],
				  clock_monotonic_ns(clock_system()) - began_ns);
}

enum status instance_failed(struct guest_instance *instance, enum status s)
{
	enum guest_failure failure = FAILED_OTHER;

	instance->failed = true;
	if (s == ERR_TRAP)
		failure = FAILED_TRAP;
	else if (s == ERR_DEADLINE)
		failure = FAILED_DEADLINE;
	else if (s == ERR_LIMIT)
		failure = FAILED_LIMIT;
	if (instance->guest->failures[failure] != NULL)
		counter_add(instance->guest->failures[failure], 1);
	return s;
}

void instance_returned_too_much(struct guest_instance *instance)
{
	atomic_store_explicit(&instance->guest->large, true, memory_order_relaxed);
	/* What was taken for the result goes back to the system, not into the next call's memory. */
	(void)malloc_trim(0);
}

void instance_free(struct guest_instance *instance)
{
	if (instance == NULL)
		return;
	if (instance->store != NULL)
		wasmtime_store_delete(instance->store);
	free(instance->line);
	free(instance);
}

static enum status instantiate(struct guest_instance *instance, struct error *err)
{
	struct guest *guest = instance->guest;
	wasmtime_component_instance_t native;

	deadline_begin(instance, "open");
	wasmtime_error_t *error = wasmtime_component_linker_instantiate(
		guest->linker, instance->context, guest->code, &native);
	if (error != NULL)
		return instance_failed(instance, failure_of_call(instance, error, err));
	for (int i = GUEST_OPEN + 1; i < GUEST_FUNCTIONS; i++)
		if (!wasmtime_component_instance_get_func(
			    &native, instance->context, guest->exports[i], &instance->functions[i]))
			return ERROR(err, ERR_INVALID,
				     "open: a function of the contract is missing");
	return OK;
}

static enum status open_fresh(struct guest *guest, const struct component_call *call,
			      struct guest_instance **ret, struct error *err)
{
	struct host *host = guest->host;
	struct guest_instance *instance = calloc(1, sizeof(*instance));

	if (instance == NULL)
		return ERROR(err, ERR_NOMEM, "open: an instance");
	instance->instance =
		(struct component_instance){ .component = &guest->component, .call = call };
	instance->guest = guest;
	instance->store = wasmtime_store_new(host->engine, instance, NULL);
	instance->context = wasmtime_store_context(instance->store);
	wasmtime_store_limiter(instance->store, (int64_t)guest->component.limits.memory_bytes,
			       STORE_TABLE_ELEMENTS_MAX, STORE_INSTANCES_MAX, STORE_TABLES_MAX,
			       STORE_MEMORIES_MAX);
	deadline_install(instance);
	enum status s = OK;
	if (guest->uses_wasi) {
		/* Empty: no arguments, environment, folders, addresses; standard input is at its end. */
		wasmtime_error_t *error =
			wasmtime_context_set_wasi(instance->context, wasi_config_new());
		if (error != NULL)
			s = failure_of_call(instance, error, err);
	}
	if (s == OK)
		s = instantiate(instance, err);
	if (s != OK) {
		logging_finish(instance);
		instance_free(instance);
		return s;
	}
	*ret = instance;
	return OK;
}

static struct guest_instance *take_idle(struct guest *guest)
{
	MUTEX_GUARD(&guest->mu);
	struct guest_instance *instance = guest->idle;

	if (instance != NULL) {
		guest->idle = instance->next_idle;
		guest->idle_count--;
	}
	return instance;
}

static bool put_idle(struct guest *guest, struct guest_instance *instance)
{
	MUTEX_GUARD(&guest->mu);
	if (guest->idle_count >= GUEST_IDLE_MAX)
		return false;
	instance->next_idle = guest->idle;
	guest->idle = instance;
	guest->idle_count++;
	return true;
}

enum status instance_open(struct component *component, const struct component_call *call,
			  struct component_instance **ret, struct error *err)
{
	struct guest *guest = guest_of(component);
	struct guest_instance *instance = component->reused ? take_idle(guest) : NULL;

	ticker_enter(&guest->host->ticker);
	if (instance != NULL) {
		instance->instance.call = call;
		instance->random_seeded = false;
		instance->log_lines = 0;
		instance->log_dropped = 0;
	} else {
		uint64_t began_ns = now_ns(guest);
		enum status s = open_fresh(guest, call, &instance, err);
		if (s != OK) {
			ticker_leave(&guest->host->ticker);
			return s;
		}
		observe(guest, GUEST_OPEN, began_ns);
	}
	if (guest->host->instances != NULL)
		gauge_add(guest->host->instances, 1);
	*ret = &instance->instance;
	return OK;
}

void instance_close(struct component_instance *base)
{
	struct guest_instance *instance = guest_instance_of(base);
	struct guest *guest = instance->guest;

	logging_finish(instance);
	instance->instance.call = NULL;
	if (!guest->component.reused || instance->failed || !put_idle(guest, instance))
		instance_free(instance);
	if (guest->host->instances != NULL)
		gauge_add(guest->host->instances, -1);
	ticker_leave(&guest->host->ticker);
}

static const char *function_word(enum guest_function function)
{
	switch (function) {
	case GUEST_OPEN:
		return "open";
	case GUEST_HANDLE:
		return "handle";
	case GUEST_APPLY:
		return "apply";
	case GUEST_FUNCTIONS:
		break;
	}
	return "?";
}

static void large_begin(struct host *host)
{
	MUTEX_GUARD(&host->mu);
	while (host->large_running)
		cond_wait(&host->large_done, &host->mu);
	host->large_running = true;
}

static void large_end(struct host *host)
{
	MUTEX_GUARD(&host->mu);
	host->large_running = false;
	cond_signal(&host->large_done);
}

enum status instance_call(struct guest_instance *instance, enum guest_function function,
			  const wasmtime_component_val_t *args, size_t arg_count,
			  wasmtime_component_val_t *ret, struct error *err)
{
	struct guest *guest = instance->guest;
	bool large = atomic_load_explicit(&guest->large, memory_order_relaxed);

	CHECK(!instance->failed);
	if (UNLIKELY(large))
		large_begin(guest->host);
	uint64_t began_ns = now_ns(guest);
	deadline_begin(instance, function_word(function));
	wasmtime_error_t *error =
		wasmtime_component_func_call(&instance->functions[function], instance->context,
					     args, arg_count, ret, /* results_size= */ 1);
	if (UNLIKELY(large))
		large_end(guest->host);
	observe(guest, function, began_ns);
	if (error != NULL)
		return instance_failed(instance, failure_of_call(instance, error, err));
	return OK;
}

void guest_free(struct component *component)
{
	struct guest *guest = guest_of(component);

	while (guest->idle != NULL) {
		struct guest_instance *instance = guest->idle;
		guest->idle = instance->next_idle;
		instance_free(instance);
	}
	for (int i = 0; i < GUEST_FUNCTIONS; i++)
		if (guest->exports[i] != NULL)
			wasmtime_component_export_index_delete(guest->exports[i]);
	if (guest->linker != NULL)
		wasmtime_component_linker_delete(guest->linker);
	if (guest->code != NULL)
		wasmtime_component_delete(guest->code);
	arena_free(guest->arena);
	mutex_fini(&guest->mu);
	free(guest);
}
