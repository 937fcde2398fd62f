/* SPDX-License-Identifier: Apache-2.0 */
/* work.c - the life of a request: counted, run in its stream's mailbox, answered on its lane. */
#include "runtime/work.h"

#include "base/check.h"
#include "runtime/internal.h"
#include "json/json.h"

/* A conflict means that somebody else wrote to the stream. Nobody does in one process, so it is
 * rare; without a bound, a fault in an engine would turn it into an endless loop. */
#define CONFLICTS_MAX 10

enum failure failure_of_status(enum status status)
{
	switch (status) {
	case OK:
		return FAILURE_NONE;
	case ERR_NOMEM:
		return FAILURE_NO_MEMORY;
	case ERR_NOT_FOUND:
		return FAILURE_NOT_FOUND;
	case ERR_REJECTED:
	case ERR_TRAP:
	case ERR_UNSUPPORTED:
	case ERR_DENIED:
		return FAILURE_COMPONENT;
	case ERR_DEADLINE:
		return FAILURE_DEADLINE;
	case ERR_LIMIT:
		return FAILURE_TOO_LARGE;
	case ERR_BUSY:
		return FAILURE_BUSY;
	case ERR_FULL:
		return FAILURE_DISK_FULL;
	case ERR_CLOSED:
		return FAILURE_CLOSED;
	case ERR_INVALID: /* a frame that we made badly: no client's fault */
	case ERR_EXISTS:
	case ERR_CONFLICT:
	case ERR_IO:
	case ERR_CORRUPT:
		return FAILURE_STORAGE;
	}
	return FAILURE_STORAGE;
}

bool work_begin(struct runtime *runtime, struct work *work)
{
	CHECK(work->lane < runtime->options.lane_count);
	CHECK(work->answer != NULL && work->arena != NULL);
	lane_current = &runtime->lanes[work->lane];
	work->runtime = runtime;
	work->failure = FAILURE_NONE;
	work->run_again = false;
	work->conflicts = 0;
	work->stored = NULL;
	work->submitted_ns = clock_monotonic_ns(runtime->options.clock);
	uint64_t before = atomic_fetch_add(&runtime->requests, 1);
	if (before < runtime->options.requests_max)
		return true;
	(void)ERROR(&work->err, ERR_BUSY, "%llu requests are under way; try again later",
		    (unsigned long long)before);
	work->failure = FAILURE_BUSY;
	work_deliver(work);
	return false;
}

void work_submit(struct runtime *runtime, struct work *work, struct component *component)
{
	CHECK(work->run != NULL);
	if (!work_begin(runtime, work))
		return;
	enum status s = stream_post(runtime, work, component, &work->err);
	if (s != OK) {
		work->failure = failure_of_status(s);
		work_deliver(work);
	}
}

static void answer_now(struct work *work)
{
	atomic_fetch_sub(&work->runtime->requests, 1);
	work->answer(work);
}

static void answer_on_lane(struct task *task)
{
	answer_now(CONTAINER_OF(task, struct work, task));
}

void work_deliver(struct work *work)
{
	struct lane *lane = &work->runtime->lanes[work->lane];

	if (lane_current == lane) {
		answer_now(work);
		return;
	}
	work->task.run = answer_on_lane;
	executor_post(lane->executor, &work->task);
}

void work_finish(struct work *work, struct stream *stream)
{
	bool goes_on;

	mutex_lock(&stream->stripe->mu);
	if (stream->stale) {
		/* A frame that it rests on was given up. Older ones may still be on their way, and that
		 * they become durable says nothing about this. */
		goes_on = ++work->conflicts < CONFLICTS_MAX;
		work->failure = goes_on ? FAILURE_NONE : FAILURE_STORAGE;
		if (goes_on)
			stream_repost_locked(stream, work);
		else
			(void)ERROR(&work->err, ERR_CONFLICT,
				    "stream '%s' changed under each of %d tries", stream->text,
				    CONFLICTS_MAX);
	} else {
		goes_on = pending_wait_for_newest_locked(stream, work, /* run_again= */ false);
	}
	mutex_unlock(&stream->stripe->mu);
	if (!goes_on)
		work_deliver(work);
}

void work_fail(struct work *work, struct stream *stream, enum failure failure)
{
	work->failure = failure;
	work_finish(work, stream);
}

bool work_check_version(struct work *work, struct stream *stream, uint64_t expected,
			uint64_t *ret_actual)
{
	if (expected == stream->head.version)
		return true;
	*ret_actual = stream->head.version;
	counter_add(work->runtime->metrics.conflicts, 1);
	(void)ERROR(&work->err, ERR_CONFLICT, "stream '%s' is at version %llu, not %llu",
		    stream->text, (unsigned long long)stream->head.version,
		    (unsigned long long)expected);
	work_fail(work, stream, FAILURE_VERSION_CONFLICT);
	return false;
}

void work_append_failed(struct work *work, struct stream *stream, enum status s)
{
	work->stored = NULL;
	if (s == ERR_CONFLICT && ++work->conflicts < CONFLICTS_MAX) {
		/* This lane works on the stream, so it finds the request in the mailbox. */
		MUTEX_GUARD(&stream->stripe->mu);
		stream_repost_locked(stream, work);
		return;
	}
	work_fail(work, stream, failure_of_status(s));
}

bool work_same_json(struct span a, struct span b, struct arena *arena)
{
	const struct json *left;
	const struct json *right;

	if (span_equal(a, b))
		return true;
	return json_parse(a, arena, &left, NULL) == OK &&
	       json_parse(b, arena, &right, NULL) == OK && json_equal(left, right);
}
