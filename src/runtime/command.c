/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - a command, from the mailbox to its frame.
 *
 *	known id? ---------> the earlier reply, or id_reused
 *	expected_version? -> version_conflict
 *	handle ------------> rejected, or events
 *	apply -------------> the new state (or nothing is stored)
 *	append ------------> pending; the next command may run on the new state at once
 */
#include "runtime/command.h"

#include <stdlib.h>

#include "base/check.h"
#include "runtime/internal.h"

#define SEED_MAX_BYTES (COMMAND_ID_MAX_BYTES + sizeof(struct uuid))

struct lookup {
	struct command_request *request;
	enum failure failure;
	enum status status;
};

static enum status copy_events(struct command_request *request, const struct frame *frame)
{
	struct arena *arena = request->work.arena;

	request->events = arena_alloc_array(arena, frame->event_count, sizeof(*request->events));
	if (request->events == NULL)
		return ERR_NOMEM;
	request->event_count = frame->event_count;
	for (size_t i = 0; i < frame->event_count; i++) {
		struct reply_event *event = &request->events[i];

		event->id = frame->events[i].id;
		event->type = arena_copy(arena, frame->events[i].type);
		event->data = arena_copy(arena, frame->events[i].data);
		if (event->type.data == NULL || event->data.data == NULL)
			return ERR_NOMEM;
	}
	return OK;
}

static void set_reply_places(struct command_request *request, const struct frame *frame,
			     uint64_t sequence)
{
	request->version = frame_last_version(frame);
	request->first_version = frame->first_version;
	request->time_us = frame->time_us;
	request->first_position = position_of(sequence, 0);
	request->position = position_of(sequence, (unsigned)frame->event_count - 1);
}

/* The earlier decision under the same id. */
static bool found_earlier(const struct frame *frame, void *arg)
{
	struct lookup *lookup = arg;
	struct command_request *request = lookup->request;

	if (frame->kind != FRAME_DECISION || !span_equal(frame->command.type, request->type) ||
	    !work_same_json(frame->command.data, request->data, request->work.arena)) {
		lookup->failure = FAILURE_ID_REUSED;
		return false;
	}
	request->duplicate = true;
	set_reply_places(request, frame, frame->sequence);
	lookup->status = copy_events(request, frame);
	return false;
}

static void load_duplicate_state(struct task *task)
{
	struct work *work = CONTAINER_OF(task, struct work, task);
	struct command_request *request = CONTAINER_OF(work, struct command_request, work);
	struct runtime *runtime = work->runtime;
	const struct fold_limits limits = { .max_version = request->version,
					    .max_time_us = UINT64_MAX };
	struct fold_result result = { 0 };

	enum status s = fold_stream(runtime, runtime_aggregate(runtime, work->stream.category),
				    work->stream, &limits, &result, &work->err);
	if (s == OK) {
		request->state =
			result.state != NULL
				? arena_copy(work->arena, span_of(result.state, result.state_size))
				: SPAN("null");
		free(result.state);
		if (request->state.data == NULL)
			s = ERROR(&work->err, ERR_NOMEM, "a state of %zu bytes", result.state_size);
	}
	if (s != OK)
		work->failure = failure_of_fold(s);
	work_deliver(work);
}

/* True: the request has been dealt with, its id being known. */
static bool is_duplicate(struct command_request *request, struct stream *stream)
{
	struct work *work = &request->work;
	struct runtime *runtime = work->runtime;
	struct lookup lookup = { .request = request };

	if (pending_wait_for_id(stream, work, request->id))
		return true;
	enum status s = store_find_command(runtime->options.store, stream->name, request->id,
					   found_earlier, &lookup, &work->err);
	if (s == ERR_NOT_FOUND)
		return false;
	if (s == OK)
		s = lookup.status;
	if (s != OK) {
		work->failure = failure_of_status(s);
		work_deliver(work);
		return true;
	}
	if (lookup.failure != FAILURE_NONE) {
		work->failure = lookup.failure;
		(void)ERROR(&work->err, ERR_EXISTS,
			    "id '%.*s' belongs to another command of this stream, with another "
			    "type or other data; send a new command with a new id",
			    SPAN_ARG(request->id));
		work_deliver(work);
		return true;
	}
	counter_add(runtime->metrics.duplicates, 1);
	/* Found means durable: there is nothing to wait for. */
	if (request->want_state) {
		work->task.run = load_duplicate_state;
		executor_post(runtime->options.pool, &work->task);
	} else {
		work_deliver(work);
	}
	return true;
}

static enum failure failure_of_call(enum status status)
{
	switch (status) {
	case ERR_DEADLINE:
		return FAILURE_DEADLINE;
	case ERR_NOMEM:
		return FAILURE_NO_MEMORY;
	case ERR_BUSY:
		return FAILURE_BUSY;
	case ERR_INVALID: /* apply refuses what handle has just decided */
	case OK:
	case ERR_NOT_FOUND:
	case ERR_EXISTS:
	case ERR_CONFLICT:
	case ERR_REJECTED:
	case ERR_TRAP:
	case ERR_LIMIT:
	case ERR_FULL:
	case ERR_IO:
	case ERR_CORRUPT:
	case ERR_UNSUPPORTED:
	case ERR_DENIED:
	case ERR_CLOSED:
		return FAILURE_COMPONENT;
	}
	return FAILURE_COMPONENT;
}

/* What one decision needs besides the request. */
struct decision {
	struct component_call call;
	struct component_command command;
	struct component_decision outcome;
	struct component_event *folded; /* the new events, as apply gets them */
	struct span state;              /* after them */
	char seed[SEED_MAX_BYTES];
	enum status status; /* what deciding came to */
};

/* Fills in the id, the metadata and the call. */
static enum status prepare(struct command_request *request, struct stream *stream,
			   struct decision *decision, struct error *err)
{
	struct runtime *runtime = stream->runtime;
	struct arena *arena = request->work.arena;
	uint64_t now_us = clock_wall_us(runtime->options.clock);
	struct uuid log_id = runtime->options.store->log_id;
	OWNED(buf) struct buf metadata = { 0 };

	if (request->id.size == 0) {
		/* With a `$`, which no client may use: so nobody's id can be in its place. */
		struct uuid uuid = uuid_v7(now_us, runtime->options.random);
		char text[1 + UUID_TEXT_BYTES] = "$";

		uuid_format(&uuid, text + 1);
		request->id = arena_copy(arena, span_of(text, UUID_TEXT_BYTES));
		if (request->id.data == NULL)
			return ERROR(err, ERR_NOMEM, "a command id");
	}
	if (request->metadata.correlation_id.size == 0)
		request->metadata.correlation_id = request->id;
	metadata_append(&metadata, &request->metadata);
	struct span stored = arena_copy(arena, buf_span(&metadata));
	if (buf_status(&metadata) != OK || stored.data == NULL)
		return ERROR(err, ERR_NOMEM, "a command's metadata");
	decision->command = (struct component_command){
		.id = request->id,
		.type = request->type,
		.key = stream->name.key,
		/* Event time never goes back within a stream, whatever the clock does. */
		.time_us = now_us > stream->head.time_us ? now_us : stream->head.time_us,
		.data = request->data,
		.metadata = stored,
	};
	CHECK(request->id.size <= COMMAND_ID_MAX_BYTES);
	memcpy(decision->seed, request->id.data, request->id.size);
	memcpy(decision->seed + request->id.size, &log_id, sizeof(log_id));
	decision->call = (struct component_call){
		.time_us = decision->command.time_us,
		.seed = span_of(decision->seed, request->id.size + sizeof(log_id)),
		.arena = arena,
	};
	return OK;
}

static enum status collect_events(struct stream *stream, struct decision *decision,
				  struct error *err)
{
	size_t count = decision->outcome.event_count;

	decision->folded =
		arena_alloc_array(decision->call.arena, count, sizeof(*decision->folded));
	if (decision->folded == NULL)
		return ERROR(err, ERR_NOMEM, "%zu events", count);
	for (size_t i = 0; i < count; i++)
		decision->folded[i] = (struct component_event){
			.type = decision->outcome.events[i].type,
			.version = stream->head.version + 1 + i,
			.time_us = decision->command.time_us,
			.data = decision->outcome.events[i].data,
		};
	return OK;
}

/* Now and then the fold is repeated in a fresh instance: a component whose apply depends on
 * anything but its arguments would give one state now and another after a restart. */
static enum status recheck(struct stream *stream, struct decision *decision, struct error *err)
{
	struct runtime *runtime = stream->runtime;
	uint64_t turn = atomic_fetch_add_explicit(&runtime->decisions, 1, memory_order_relaxed);
	struct component_call call = decision->call;
	struct span state = { 0 };

	if (turn % runtime->options.recheck_one_in != 0)
		return OK;
	counter_add(runtime->metrics.rechecks, 1);
	call.seed = SPAN("recheck");
	OWNED(component_instance) struct component_instance *instance = NULL;
	enum status s = component_open(stream->component, &call, &instance, err);
	if (s == OK)
		s = component_apply(instance, stream_state(stream), decision->folded,
				    decision->outcome.event_count, &state, err);
	if (s != OK)
		return error_wrap(err, s, "repeating apply in a fresh instance");
	if (span_equal(state, decision->state))
		return OK;
	counter_add(runtime->metrics.recheck_failures, 1);
	return ERROR(err, ERR_TRAP,
		     "component '%s': apply gave two different states for the same events; it must "
		     "depend on its arguments alone",
		     stream->component->name);
}

/* Handle and apply in one instance. OK with a rejection, no events, or events and a state. */
static enum status decide(struct stream *stream, struct decision *decision, struct error *err)
{
	OWNED(component_instance) struct component_instance *instance = NULL;

	enum status s = component_open(stream->component, &decision->call, &instance, err);
	if (s == OK)
		s = component_handle(instance, stream_state(stream), &decision->command,
				     &decision->outcome, err);
	if (s != OK || decision->outcome.rejected || decision->outcome.event_count == 0)
		return s == ERR_INVALID ? ERR_TRAP : s;
	s = collect_events(stream, decision, err);
	if (s != OK)
		return s;
	s = component_apply(instance, stream_state(stream), decision->folded,
			    decision->outcome.event_count, &decision->state, err);
	if (s != OK)
		return error_wrap(err, s, "folding the %zu events that it has just decided",
				  decision->outcome.event_count);
	return recheck(stream, decision, err);
}

static void stored(struct work *work, uint64_t sequence)
{
	struct command_request *request = CONTAINER_OF(work, struct command_request, work);

	request->first_position = position_of(sequence, 0);
	request->position = position_of(sequence, (unsigned)request->event_count - 1);
}

/* Appends the decision's frame and moves the stream on to the new state. */
static enum status append(struct command_request *request, struct stream *stream,
			  struct decision *decision, struct error *err)
{
	struct runtime *runtime = stream->runtime;
	struct arena *arena = request->work.arena;
	size_t count = decision->outcome.event_count;
	struct frame frame = {
		.kind = FRAME_DECISION,
		.stream = stream->name,
		.number = stream->head.number + 1,
		.time_us = decision->command.time_us,
		.first_version = stream->head.version + 1,
		.events = arena_alloc_array(arena, count, sizeof(struct frame_event)),
		.event_count = count,
		.command = { .id = request->id,
			     .type = request->type,
			     .data = request->data,
			     .metadata = decision->command.metadata },
		.has_component = true,
		.component = stream->component->digest,
	};
	request->events = arena_alloc_array(arena, count, sizeof(*request->events));
	char *state = malloc(decision->state.size + 1);
	if (frame.events == NULL || request->events == NULL || state == NULL) {
		free(state);
		return ERROR(err, ERR_NOMEM, "%zu events", count);
	}
	for (size_t i = 0; i < count; i++) {
		frame.events[i] = (struct frame_event){
			.id = uuid_v7(frame.time_us, runtime->options.random),
			.type = decision->outcome.events[i].type,
			.data = decision->outcome.events[i].data,
		};
		request->events[i] = (struct reply_event){ .id = frame.events[i].id,
							   .type = frame.events[i].type,
							   .data = frame.events[i].data };
	}
	request->event_count = count;
	set_reply_places(request, &frame, 0);
	if (request->want_state)
		request->state = decision->state;
	request->work.stored = stored;
	memcpy(state, decision->state.data, decision->state.size);
	enum status s = pending_append(stream, &request->work, &frame, err);
	if (s != OK) {
		free(state);
		/* A large command can be made smaller by its sender. What a small one came to is its
		 * component's doing. */
		if (s == ERR_LIMIT &&
		    request->data.size + frame.command.metadata.size < FRAME_MAX_BYTES / 2)
			s = error_wrap(err, ERR_TRAP,
				       "component '%s' decided %zu events that are too large",
				       stream->component->name, count);
		return s;
	}
	stream_set_state(stream, &state, decision->state.size);
	return OK;
}

static void finish_unstored(struct command_request *request, struct stream *stream,
			    const struct decision *decision)
{
	request->rejected = decision->outcome.rejected;
	request->rejection = decision->outcome.rejection;
	request->version = stream->head.version;
	request->time_us = decision->command.time_us;
	if (request->want_state) {
		request->state = arena_copy(request->work.arena, stream_state(stream));
		if (request->state.data == NULL) {
			(void)ERROR(&request->work.err, ERR_NOMEM, "a copy of the state");
			request->work.failure = FAILURE_NO_MEMORY;
		}
	}
	work_finish(&request->work, stream);
}

static void decide_away(struct work *work, struct stream *stream)
{
	struct command_request *request = CONTAINER_OF(work, struct command_request, work);
	struct component *component = stream->component;
	struct clock *clock = stream->runtime->options.clock;
	uint64_t begin_ns = clock_monotonic_ns(clock);

	request->decision->status = decide(stream, request->decision, &work->err);
	/* A moving average; that two threads at once may lose one of their shares does not matter. */
	uint64_t average = atomic_load_explicit(&component->decision_ns, memory_order_relaxed);
	average += (clock_monotonic_ns(clock) - begin_ns) / 8 - average / 8;
	atomic_store_explicit(&component->decision_ns, average, memory_order_relaxed);
}

static enum work_run decide_back(struct work *work, struct stream *stream)
{
	struct command_request *request = CONTAINER_OF(work, struct command_request, work);
	struct decision *decision = request->decision;
	enum status s = decision->status;

	if (s != OK) {
		work_fail(work, stream, failure_of_call(s));
		return WORK_RAN;
	}
	if (decision->outcome.rejected || decision->outcome.event_count == 0) {
		finish_unstored(request, stream, decision);
		return WORK_RAN;
	}
	s = append(request, stream, decision, &work->err);
	if (s != OK)
		work_append_failed(work, stream, s);
	return WORK_RAN;
}

static enum work_run run(struct work *work, struct stream *stream)
{
	struct command_request *request = CONTAINER_OF(work, struct command_request, work);

	/* It may have run before, and its append have failed: that run's outcome is none. */
	request->rejected = false;
	request->events = NULL;
	request->event_count = 0;
	request->first_version = 0;
	request->first_position = 0;
	request->position = 0;
	request->state = SPAN_EMPTY;
	if (request->looks_for_duplicate && is_duplicate(request, stream))
		return WORK_RAN;
	if (request->has_expected_version &&
	    !work_check_version(work, stream, request->expected_version, &request->actual_version))
		return WORK_RAN;
	request->decision = arena_alloc_zeroed(work->arena, sizeof(*request->decision));
	enum status s = request->decision == NULL
				? ERROR(&work->err, ERR_NOMEM, "a decision")
				: prepare(request, stream, request->decision, &work->err);
	if (s != OK) {
		work_fail(work, stream, failure_of_call(s));
		return WORK_RAN;
	}
	if (stream_is_slow(stream)) {
		stream_send_away(stream, work, decide_away, decide_back);
		return WORK_AWAY;
	}
	decide_away(work, stream);
	return decide_back(work, stream);
}

static void count_answer(struct work *work)
{
	struct command_request *request = CONTAINER_OF(work, struct command_request, work);
	struct runtime_metrics *metrics = &work->runtime->metrics;

	if (work->failure != FAILURE_NONE)
		counter_add(metrics->failed, 1);
	else
		counter_add(request->rejected ? metrics->rejected : metrics->accepted, 1);
	histogram_observe(metrics->latency,
			  clock_monotonic_ns(work->runtime->options.clock) - work->submitted_ns);
	request->answer(work);
}

void command_submit(struct runtime *runtime, struct command_request *request)
{
	struct work *work = &request->work;
	struct component *component = runtime_aggregate(runtime, work->stream.category);

	request->duplicate = false;
	request->looks_for_duplicate = request->id.size != 0;
	/* Counted on the way out, whichever way that is. */
	request->answer = work->answer;
	work->answer = count_answer;
	work->run = run;
	if (component != NULL) {
		work_submit(runtime, work, component);
		return;
	}
	if (!work_begin(runtime, work))
		return;
	work->failure = FAILURE_NO_AGGREGATE;
	(void)ERROR(&work->err, ERR_NOT_FOUND, "there is no aggregate '%.*s' in application '%.*s'",
		    SPAN_ARG(work->stream.category), SPAN_ARG(runtime->options.application));
	work_deliver(work);
}
