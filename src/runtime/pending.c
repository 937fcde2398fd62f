/* SPDX-License-Identifier: Apache-2.0 */
/* pending.c - frames on their way to the disk, and who waits for them.
 *
 *	append accepted --> in stream->pending --done(), any thread--> in its lane's queue
 *	    --pending_drain(), the lane--> out of the stream; waiters answered, or run again
 *
 * done() only pushes onto a queue, because it is called by whichever thread wrote, in the middle of
 * its write. A frame is durable from done() on, so whoever joins its waiters between done() and the
 * drain merely waits a little longer than needed. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "runtime/internal.h"

static void wake_lane(struct lane *lane)
{
	if (!atomic_exchange(&lane->wake_posted, true))
		executor_post(lane->executor, &lane->wake);
}

static void append_done(struct append *append, enum status status)
{
	struct pending *pending = CONTAINER_OF(append, struct pending, append);
	struct lane *lane = &pending->stream->runtime->lanes[pending->lane];

	pending->status = status;
	queue_push(&lane->settled, &pending->task);
	/* On its own thread, the lane is inside runtime_turn() and drains next. */
	if (lane_current != lane)
		wake_lane(lane);
}

enum status pending_append(struct stream *stream, struct work *work, struct frame *frame,
			   struct error *err)
{
	struct runtime *runtime = stream->runtime;
	struct span id = frame->command.id;

	CHECK(lane_current != NULL && stream->loaded);
	CHECK(frame->number == stream->head.number + 1);
	struct pending *pending = calloc(1, sizeof(*pending) + id.size);
	if (pending == NULL)
		return ERROR(err, ERR_NOMEM, "a frame of %zu events", frame->event_count);
	pending->append.frames = frame;
	pending->append.frame_count = 1;
	pending->append.expected_number = stream->head.number;
	pending->append.done = append_done;
	pending->stream = stream;
	pending->lane = lane_current->index;
	list_init(&pending->node);
	list_init(&pending->waiters);
	pending->id_size = id.size;
	if (id.size != 0)
		memcpy(pending->id, id.data, id.size);

	/* Linked first: from store_append() on, another thread may settle it, though only this lane
	 * drains it. */
	mutex_lock(&stream->stripe->mu);
	list_add_last(&stream->pending, &pending->node);
	list_add_last(&pending->waiters, &work->node);
	mutex_unlock(&stream->stripe->mu);

	enum status s = store_append(runtime->options.store, &pending->append, err);
	if (s == OK) {
		stream->head.number = frame->number;
		stream->head.version = frame_last_version(frame);
		stream->head.time_us = frame->time_us;
		return OK;
	}
	mutex_lock(&stream->stripe->mu);
	list_remove(&work->node);
	list_remove(&pending->node);
	if (s == ERR_CONFLICT)
		stream->stale = true;
	mutex_unlock(&stream->stripe->mu);
	CHECK(list_is_empty(&pending->waiters));
	free(pending);
	return s;
}

bool pending_wait_for_id(struct stream *stream, struct work *work, struct span id)
{
	MUTEX_GUARD(&stream->stripe->mu);

	LIST_FOR_EACH(&stream->pending, node)
	{
		struct pending *pending = LIST_ENTRY(node, struct pending, node);

		if (span_equal(span_of(pending->id, pending->id_size), id)) {
			work->run_again = true;
			list_add_last(&pending->waiters, &work->node);
			return true;
		}
	}
	return false;
}

bool pending_wait_for_newest_locked(struct stream *stream, struct work *work, bool run_again)
{
	CHECK_DEBUG(MUTEX_IS_HELD(&stream->stripe->mu));
	if (list_is_empty(&stream->pending))
		return false;
	struct pending *newest = LIST_ENTRY(stream->pending.previous, struct pending, node);
	work->run_again = run_again;
	list_add_last(&newest->waiters, &work->node);
	return true;
}

static void settle_waiter(struct pending *pending, struct work *work)
{
	if (pending->status == OK) {
		if (work->stored != NULL)
			work->stored(work, pending->append.first_sequence);
	} else {
		/* Whatever it came to, a conflict or a failure too, was seen in what never was. */
		work->failure = failure_of_status(pending->status);
		(void)ERROR(&work->err, pending->status,
			    "the store gave up a frame that this rests on: %s",
			    status_meaning(pending->status));
	}
	work_deliver(work);
}

static void settle(struct pending *pending)
{
	struct stream *stream = pending->stream;
	struct stripe *stripe = stream->stripe; /* outlives the stream */
	struct list waiters;

	list_init(&waiters);
	mutex_lock(&stripe->mu);
	list_remove(&pending->node);
	if (pending->status != OK)
		stream->stale = true;
	LIST_FOR_EACH(&pending->waiters, node)
	{
		struct work *work = LIST_ENTRY(node, struct work, node);

		list_remove(node);
		if (work->run_again)
			stream_repost_locked(stream, work);
		else
			list_add_last(&waiters, node);
	}
	bool claimed = stream_claim_locked(stream);
	stream_settle_locked(stream); /* which may forget it */
	mutex_unlock(&stripe->mu);

	/* Unless it is claimed, the stream may be gone from here on. */
	if (claimed)
		stream_go_on(stream);
	for (struct list *node; (node = list_take_first(&waiters)) != NULL;)
		settle_waiter(pending, LIST_ENTRY(node, struct work, node));
	free(pending);
}

bool pending_drain(struct lane *lane)
{
	struct task *task = queue_take_all(&lane->settled);

	if (task == NULL)
		return false;
	while (task != NULL) {
		struct task *next = task->next;

		settle(CONTAINER_OF(task, struct pending, task));
		task = next;
	}
	return true;
}
