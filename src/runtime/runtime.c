/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.c - the runtime as a whole: made, its lanes' turns, ended. */
#include "runtime/runtime.h"

#include <stdlib.h>

#include "base/check.h"
#include "runtime/internal.h"

#define CACHE_DEFAULT_BYTES    (UINT64_C(64) << 20)
#define MAILBOX_DEFAULT_MAX    4096
#define REQUESTS_DEFAULT_MAX   65536
#define RECHECK_DEFAULT_ONE_IN 1000

_Thread_local struct lane *lane_current;

const char *failure_word(enum failure failure)
{
	switch (failure) {
#define X(name, word) \
	case name:    \
		return word;
		FAILURE_TABLE(X)
#undef X
	}
	return "unknown";
}

static void wake_run(struct task *task)
{
	struct lane *lane = CONTAINER_OF(task, struct lane, wake);

	/* The turn that runs this ends with runtime_turn(), which finds what was pushed. */
	atomic_store(&lane->wake_posted, false);
}

static int64_t read_requests(void *arg)
{
	return (int64_t)runtime_requests(arg);
}

static int64_t read_streams(void *arg)
{
	struct runtime *runtime = arg;
	int64_t count = 0;

	for (size_t i = 0; i < STRIPE_COUNT; i++) {
		MUTEX_GUARD(&runtime->stripes[i].mu);
		count += (int64_t)runtime->stripes[i].streams.count;
	}
	return count;
}

static enum status register_metrics(struct runtime *runtime, struct error *err)
{
	struct metrics *metrics = runtime->options.metrics;
	struct runtime_metrics *m = &runtime->metrics;
	static const char commands[] = "Commands answered, by outcome.";

	m->accepted = metrics_counter(metrics, "concordance_commands_total", "outcome=\"accepted\"",
				      commands);
	m->rejected = metrics_counter(metrics, "concordance_commands_total", "outcome=\"rejected\"",
				      commands);
	m->failed = metrics_counter(metrics, "concordance_commands_total", "outcome=\"failed\"",
				    commands);
	m->duplicates = metrics_counter(metrics, "concordance_command_duplicates_total", NULL,
					"Commands answered with an earlier reply to the same id.");
	m->conflicts = metrics_counter(metrics, "concordance_version_conflicts_total", NULL,
				       "Requests refused because of their expected_version.");
	m->external = metrics_counter(metrics, "concordance_external_events_total", NULL,
				      "External events stored.");
	m->appended = metrics_counter(metrics, "concordance_appended_events_total", NULL,
				      "Events appended directly.");
	m->loads = metrics_counter(metrics, "concordance_state_loads_total", NULL,
				   "States folded because they were not in memory.");
	m->folded_events = metrics_counter(metrics, "concordance_folded_events_total", NULL,
					   "Events folded to load states.");
	m->rechecks = metrics_counter(metrics, "concordance_rechecks_total", NULL,
				      "Decisions whose apply was repeated in a fresh instance.");
	m->recheck_failures = metrics_counter(metrics, "concordance_recheck_failures_total", NULL,
					      "Repeated applies that gave another state.");
	m->handed_over = metrics_counter(metrics, "concordance_requests_handed_over_total", NULL,
					 "Requests that another lane ran, being at their stream.");
	m->latency = metrics_duration(metrics, "concordance_command_duration_seconds", NULL,
				      "From a command's submission to its durable answer.");
	if (m->accepted == NULL || m->rejected == NULL || m->failed == NULL ||
	    m->duplicates == NULL || m->conflicts == NULL || m->external == NULL ||
	    m->appended == NULL || m->loads == NULL || m->folded_events == NULL ||
	    m->rechecks == NULL || m->recheck_failures == NULL || m->handed_over == NULL ||
	    m->latency == NULL)
		return ERROR(err, ERR_NOMEM, "metrics of the runtime");
	enum status s = metrics_read_gauge(metrics, "concordance_requests_in_flight", NULL,
					   "Requests submitted and not yet answered.",
					   read_requests, runtime);
	if (s == OK)
		s = metrics_read_gauge(metrics, "concordance_streams_in_memory", NULL,
				       "Streams whose head or state is in memory.", read_streams,
				       runtime);
	return s == OK ? OK : ERROR(err, s, "metrics of the runtime");
}

static enum status register_aggregates(struct runtime *runtime, struct error *err)
{
	size_t count = runtime->options.component_count;

	runtime->aggregate_nodes = calloc(count + 1, sizeof(*runtime->aggregate_nodes));
	if (runtime->aggregate_nodes == NULL)
		return ERROR(err, ERR_NOMEM, "table of %zu components", count);
	for (size_t i = 0; i < count; i++) {
		struct component *component = runtime->options.components[i];
		struct span name = span_from_string(component->name);

		if (component->role != ROLE_AGGREGATE)
			continue;
		if (map_find(&runtime->aggregates, name) != NULL)
			return ERROR(err, ERR_EXISTS, "two aggregates are called '%s'",
				     component->name);
		runtime->aggregate_nodes[i].component = component;
		if (map_add(&runtime->aggregates, name, &runtime->aggregate_nodes[i].node) != OK)
			return ERROR(err, ERR_NOMEM, "table of %zu components", count);
	}
	return OK;
}

enum status runtime_new(const struct runtime_options *options, struct runtime **ret,
			struct error *err)
{
	CHECK(options->store != NULL && options->clock != NULL && options->random != NULL);
	CHECK(options->metrics != NULL && options->pool != NULL && options->lane_count != 0);
	OWNED(runtime) struct runtime *runtime = calloc(1, sizeof(*runtime));
	if (runtime == NULL)
		return ERROR(err, ERR_NOMEM, "the runtime");
	runtime->options = *options;
	struct runtime_options *o = &runtime->options;
	if (o->cache_max_bytes == 0)
		o->cache_max_bytes = CACHE_DEFAULT_BYTES;
	if (o->mailbox_max == 0)
		o->mailbox_max = MAILBOX_DEFAULT_MAX;
	if (o->requests_max == 0)
		o->requests_max = REQUESTS_DEFAULT_MAX;
	if (o->recheck_one_in == 0)
		o->recheck_one_in = RECHECK_DEFAULT_ONE_IN;
	map_init(&runtime->aggregates);
	runtime->hash_seed = random_u64(o->random);
	for (size_t i = 0; i < STRIPE_COUNT; i++) {
		mutex_init(&runtime->stripes[i].mu, RANK_RUNTIME);
		map_init(&runtime->stripes[i].streams);
		list_init(&runtime->stripes[i].idle);
	}
	runtime->lanes = calloc(o->lane_count, sizeof(*runtime->lanes));
	if (runtime->lanes == NULL)
		return ERROR(err, ERR_NOMEM, "%zu lanes", o->lane_count);
	for (unsigned i = 0; i < o->lane_count; i++) {
		struct lane *lane = &runtime->lanes[i];

		lane->runtime = runtime;
		lane->index = i;
		lane->executor = o->lanes[i];
		queue_init(&lane->settled);
		lane->wake.run = wake_run;
	}
	enum status s = register_aggregates(runtime, err);
	if (s != OK)
		return s;
	s = register_metrics(runtime, err);
	if (s != OK)
		return s;
	*ret = TAKE(runtime);
	return OK;
}

void runtime_free(struct runtime *runtime)
{
	if (runtime == NULL)
		return;
	CHECK(runtime_requests(runtime) == 0);
	stream_forget_all(runtime);
	for (size_t i = 0; i < STRIPE_COUNT; i++) {
		map_fini(&runtime->stripes[i].streams);
		mutex_fini(&runtime->stripes[i].mu);
	}
	map_fini(&runtime->aggregates);
	free(runtime->aggregate_nodes);
	free(runtime->lanes);
	free(runtime);
}

bool runtime_turn(struct runtime *runtime, unsigned lane)
{
	CHECK(lane < runtime->options.lane_count);
	lane_current = &runtime->lanes[lane];
	bool more = store_flush(runtime->options.store);
	/* Answers bring new requests on the same connections, and these append: one more turn. */
	return pending_drain(&runtime->lanes[lane]) || more;
}

struct component *runtime_aggregate(struct runtime *runtime, struct span category)
{
	struct map_node *node = map_find(&runtime->aggregates, category);

	return node != NULL ? CONTAINER_OF(node, struct aggregate, node)->component : NULL;
}

bool runtime_owns(struct runtime *runtime, struct span category)
{
	const struct runtime_options *o = &runtime->options;

	for (size_t i = 0; i < o->component_count; i++)
		if (span_equal_string(category, o->components[i]->name))
			return true;
	return false;
}

uint64_t runtime_requests(struct runtime *runtime)
{
	return atomic_load(&runtime->requests);
}
