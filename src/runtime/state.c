/* SPDX-License-Identifier: Apache-2.0 */
/* state.c - states for readers. The present one comes from the stream's memory, in line with its
 * commands, and is told when it is durable; past ones are folded on the pool from what is durable. */
#include "runtime/state.h"

#include <stdlib.h>

#include "base/check.h"
#include "model/timestamp.h"
#include "runtime/internal.h"

static void not_found(struct state_request *request)
{
	struct work *work = &request->work;
	char time[TIMESTAMP_TEXT_BYTES];

	work->failure = FAILURE_NOT_FOUND;
	switch (request->as_of) {
	case STATE_NOW:
		(void)ERROR(&work->err, ERR_NOT_FOUND, "'%.*s/%.*s' has no events",
			    SPAN_ARG(work->stream.category), SPAN_ARG(work->stream.key));
		break;
	case STATE_AT_VERSION:
		(void)ERROR(&work->err, ERR_NOT_FOUND, "'%.*s/%.*s' has no version %llu",
			    SPAN_ARG(work->stream.category), SPAN_ARG(work->stream.key),
			    (unsigned long long)request->at_version);
		break;
	case STATE_AT_TIME:
		timestamp_format(request->at_time_us, time);
		(void)ERROR(&work->err, ERR_NOT_FOUND, "'%.*s/%.*s' had no events at %s",
			    SPAN_ARG(work->stream.category), SPAN_ARG(work->stream.key), time);
		break;
	}
}

static void copy_state(struct state_request *request, struct span state)
{
	struct work *work = &request->work;

	request->state = arena_copy(work->arena, state);
	if (request->state.data != NULL)
		return;
	work->failure = FAILURE_NO_MEMORY;
	(void)ERROR(&work->err, ERR_NOMEM, "a state of %zu bytes", state.size);
}

static enum work_run run_now(struct work *work, struct stream *stream)
{
	struct state_request *request = CONTAINER_OF(work, struct state_request, work);

	request->version = stream->head.version;
	if (request->version == 0)
		not_found(request);
	else
		copy_state(request, stream_state(stream));
	work_finish(work, stream);
	return WORK_RAN;
}

static void fold_past(struct task *task)
{
	struct work *work = CONTAINER_OF(task, struct work, task);
	struct state_request *request = CONTAINER_OF(work, struct state_request, work);
	struct runtime *runtime = work->runtime;
	const struct fold_limits limits = {
		.max_version =
			request->as_of == STATE_AT_VERSION ? request->at_version : UINT64_MAX,
		.max_time_us = request->as_of == STATE_AT_TIME ? request->at_time_us : UINT64_MAX,
	};
	struct fold_result result = { 0 };

	enum status s = fold_stream(runtime, runtime_aggregate(runtime, work->stream.category),
				    work->stream, &limits, &result, &work->err);
	if (s != OK) {
		work->failure = failure_of_fold(s);
	} else if (result.version == 0 ||
		   (request->as_of == STATE_AT_VERSION && result.version != request->at_version)) {
		not_found(request);
	} else {
		request->version = result.version;
		copy_state(request, result.state != NULL ? span_of(result.state, result.state_size)
							 : SPAN("null"));
	}
	if (s == OK)
		free(result.state);
	work_deliver(work);
}

void state_submit(struct runtime *runtime, struct state_request *request)
{
	struct work *work = &request->work;
	struct component *component = runtime_aggregate(runtime, work->stream.category);

	if (component != NULL && request->as_of == STATE_NOW) {
		work->run = run_now;
		work_submit(runtime, work, component);
		return;
	}
	if (!work_begin(runtime, work))
		return;
	if (component == NULL) {
		work->failure = FAILURE_NO_AGGREGATE;
		(void)ERROR(&work->err, ERR_NOT_FOUND,
			    "there is no aggregate '%.*s' in application '%.*s'",
			    SPAN_ARG(work->stream.category),
			    SPAN_ARG(runtime->options.application));
		work_deliver(work);
		return;
	}
	work->task.run = fold_past;
	executor_post(runtime->options.pool, &work->task);
}
