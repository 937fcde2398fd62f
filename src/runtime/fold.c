/* SPDX-License-Identifier: Apache-2.0 */
/* fold.c - states from events: what is not in memory is folded from the log.
 *
 * Events are collected into batches and each batch goes to a fresh instance, so that neither the
 * arena nor the guest's memory grows with the length of the stream. When a batch cannot be folded,
 * it is folded again event by event, to be able to name the one that it is. */
#include <stdlib.h>
#include <string.h>

#include "runtime/internal.h"

#define BATCH_EVENTS_MAX 256
#define BATCH_BYTES_MAX  ((size_t)256 << 10)
/* A batch and one event more than fits; or what comes of one call. */
#define ARENA_MAX_BYTES ((size_t)16 << 20)

enum failure failure_of_fold(enum status status)
{
	/* A state that passes its limit is the stream's trouble, not that of a request too large. */
	if (status == ERR_INVALID || status == ERR_TRAP || status == ERR_LIMIT)
		return FAILURE_CANNOT_FOLD;
	return failure_of_status(status);
}

struct folder {
	struct runtime *runtime;
	struct component *component;
	struct stream_name name;
	const struct fold_limits *limits;
	struct fold_result result;
	struct component_event events[BATCH_EVENTS_MAX];
	size_t count;
	size_t bytes;
	struct arena *arena; /* the batch's events */
	struct arena *call;  /* of one call: however many there are, states do not add up */
	enum status status;
	struct error *err;
};

static struct span state_of(const struct fold_result *result)
{
	return result->state != NULL ? span_of(result->state, result->state_size) : SPAN("null");
}

static enum status fold_call(struct folder *folder, const struct component_event *events,
			     size_t count, struct error *err)
{
	struct runtime *runtime = folder->runtime;
	const struct component_event *last = &events[count - 1];
	/* Folds have no id of their own: the stream and the version are one. */
	struct span seed =
		arena_format(folder->call, "%.*s/%.*s@%llu", SPAN_ARG(folder->name.category),
			     SPAN_ARG(folder->name.key), (unsigned long long)last->version);
	struct component_call call = {
		.time_us = last->time_us,
		.seed = seed,
		.arena = folder->call,
	};
	OWNED(component_instance) struct component_instance *instance = NULL;
	struct span state;

	if (seed.data == NULL)
		return ERROR(err, ERR_NOMEM, "folding %zu events", count);
	enum status s = component_open(folder->component, &call, &instance, err);
	if (s != OK)
		return s;
	s = component_apply(instance, state_of(&folder->result), events, count, &state, err);
	if (s != OK)
		return s;
	char *copy = malloc(state.size + 1);
	if (copy == NULL)
		return ERROR(err, ERR_NOMEM, "a state of %zu bytes", state.size);
	memcpy(copy, state.data, state.size);
	free(folder->result.state);
	folder->result.state = copy;
	folder->result.state_size = state.size;
	folder->result.version = last->version;
	folder->result.time_us = last->time_us;
	counter_add(runtime->metrics.folded_events, count);
	return OK;
}

static enum status fold_events(struct folder *folder, const struct component_event *events,
			       size_t count, struct error *err)
{
	enum status s = fold_call(folder, events, count, err);

	arena_clear(folder->call);
	return s;
}

static enum status fold_one_by_one(struct folder *folder)
{
	for (size_t i = 0; i < folder->count; i++) {
		const struct component_event *event = &folder->events[i];
		enum status s = fold_events(folder, event, 1, folder->err);

		if (s != OK)
			return error_wrap(
				folder->err, s, "folding event %llu ('%.*s') of stream '%.*s/%.*s'",
				(unsigned long long)event->version, SPAN_ARG(event->type),
				SPAN_ARG(folder->name.category), SPAN_ARG(folder->name.key));
	}
	return OK;
}

static enum status fold_batch(struct folder *folder)
{
	enum status s = OK;

	if (folder->count == 0)
		return OK;
	s = fold_events(folder, folder->events, folder->count, folder->err);
	if (s != OK && s != ERR_NOMEM)
		s = fold_one_by_one(folder);
	folder->count = 0;
	folder->bytes = 0;
	arena_clear(folder->arena);
	return s;
}

static enum status add_event(struct folder *folder, const struct frame *frame, size_t index)
{
	const struct frame_event *event = &frame->events[index];
	size_t bytes = event->type.size + event->data.size;

	if (folder->count == BATCH_EVENTS_MAX || folder->bytes + bytes > BATCH_BYTES_MAX) {
		enum status s = fold_batch(folder);
		if (s != OK)
			return s;
	}
	struct component_event *copy = &folder->events[folder->count];
	copy->type = arena_copy(folder->arena, event->type);
	copy->data = arena_copy(folder->arena, event->data);
	copy->version = frame->first_version + index;
	copy->time_us = frame->time_us;
	if (copy->type.data == NULL || copy->data.data == NULL)
		return ERROR(folder->err, ERR_NOMEM, "event %llu of stream '%.*s/%.*s'",
			     (unsigned long long)copy->version, SPAN_ARG(folder->name.category),
			     SPAN_ARG(folder->name.key));
	folder->count++;
	folder->bytes += bytes;
	return OK;
}

static bool visit(const struct frame *frame, void *arg)
{
	struct folder *folder = arg;

	if (frame->time_us > folder->limits->max_time_us)
		return false;
	for (size_t i = 0; i < frame->event_count; i++) {
		if (frame->first_version + i > folder->limits->max_version)
			return false;
		folder->status = add_event(folder, frame, i);
		if (folder->status != OK)
			return false;
	}
	return true;
}

enum status fold_stream(struct runtime *runtime, struct component *component,
			struct stream_name name, const struct fold_limits *limits,
			struct fold_result *ret, struct error *err)
{
	static const struct read_options options = { .direction = FORWARD,
						     .with_events_only = true };
	OWNED(arena) struct arena *arena = arena_new(ARENA_MAX_BYTES);
	OWNED(arena) struct arena *call = arena_new(ARENA_MAX_BYTES);
	struct folder *folder = calloc(1, sizeof(*folder)); /* too large for the stack of a guest */
	enum status s;

	if (arena == NULL || call == NULL || folder == NULL) {
		free(folder);
		return ERROR(err, ERR_NOMEM, "folding stream '%.*s/%.*s'", SPAN_ARG(name.category),
			     SPAN_ARG(name.key));
	}
	folder->runtime = runtime;
	folder->component = component;
	folder->name = name;
	folder->limits = limits;
	folder->arena = arena;
	folder->call = call;
	folder->err = err;
	s = store_read_stream(runtime->options.store, name, 0, &options, visit, folder, err);
	if (s == OK)
		s = folder->status;
	if (s == OK)
		s = fold_batch(folder);
	if (s == OK)
		*ret = folder->result;
	else
		free(folder->result.state);
	free(folder);
	return s;
}
