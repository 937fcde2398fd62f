/* SPDX-License-Identifier: Apache-2.0 */
/* direct_append.c - events from a client, appended as they are to a category that nobody owns. */
#include "runtime/direct_append.h"

#include "base/check.h"
#include "runtime/internal.h"

struct lookup {
	struct direct_append_request *request;
	bool same;
	enum status status;
};

static bool found_earlier(const struct frame *frame, void *arg)
{
	struct lookup *lookup = arg;
	struct direct_append_request *request = lookup->request;

	lookup->same = frame->event_count == request->event_count;
	for (size_t i = 0; lookup->same && i < request->event_count; i++) {
		const struct frame_event *there = &frame->events[i];
		const struct direct_event *here = &request->events[i];

		lookup->same = uuid_equal(&there->id, &here->id) &&
			       span_equal(there->type, here->type) &&
			       work_same_json(there->data, here->data, request->work.arena);
	}
	/* The first answer is given again, its events with it: as they were stored. */
	for (size_t i = 0; lookup->same && i < request->event_count; i++) {
		struct direct_event *event = &request->events[i];

		event->type = arena_copy(request->work.arena, frame->events[i].type);
		event->data = arena_copy(request->work.arena, frame->events[i].data);
		if (event->type.data == NULL || event->data.data == NULL)
			lookup->status = ERR_NOMEM;
	}
	request->version = frame_last_version(frame);
	request->first_version = frame->first_version;
	request->time_us = frame->time_us;
	request->first_position = position_of(frame->sequence, 0);
	request->position = frame_last_position(frame);
	return false;
}

/* True: dealt with. */
static bool is_duplicate(struct direct_append_request *request, struct stream *stream,
			 struct span id)
{
	struct work *work = &request->work;
	struct lookup lookup = { .request = request };

	if (pending_wait_for_id(stream, work, id))
		return true;
	enum status s = store_find_command(work->runtime->options.store, stream->name, id,
					   found_earlier, &lookup, &work->err);
	if (s == ERR_NOT_FOUND)
		return false;
	if (s == OK)
		s = lookup.status;
	if (s != OK) {
		work->failure = failure_of_status(s);
	} else if (lookup.same) {
		request->duplicate = true;
	} else {
		work->failure = FAILURE_ID_REUSED;
		(void)ERROR(&work->err, ERR_EXISTS,
			    "event id '%.*s' is in this stream already, in another append",
			    SPAN_ARG(id));
	}
	work_deliver(work);
	return true;
}

static void stored(struct work *work, uint64_t sequence)
{
	struct direct_append_request *request =
		CONTAINER_OF(work, struct direct_append_request, work);

	request->first_position = position_of(sequence, 0);
	request->position = position_of(sequence, (unsigned)request->event_count - 1);
	counter_add(work->runtime->metrics.appended, request->event_count);
}

static enum status append(struct direct_append_request *request, struct stream *stream,
			  struct span identity, struct error *err)
{
	struct runtime *runtime = stream->runtime;
	uint64_t now_us = clock_wall_us(runtime->options.clock);
	struct frame_event *events =
		arena_alloc_array(request->work.arena, request->event_count, sizeof(*events));
	char id_text[UUID_TEXT_BYTES];
	OWNED(buf) struct buf metadata = { 0 };
	struct metadata carried = request->metadata;

	if (events == NULL)
		return ERROR(err, ERR_NOMEM, "%zu events", request->event_count);
	for (size_t i = 0; i < request->event_count; i++) {
		struct direct_event *event = &request->events[i];

		if (!event->has_id)
			event->id = uuid_v7(now_us, runtime->options.random);
		events[i] = (struct frame_event){ .id = event->id,
						  .type = event->type,
						  .data = event->data,
						  .metadata = event->metadata };
	}
	uuid_format(&events[0].id, id_text);
	if (carried.correlation_id.size == 0)
		carried.correlation_id = span_of(id_text, UUID_TEXT_BYTES - 1);
	metadata_append(&metadata, &carried);
	if (buf_status(&metadata) != OK)
		return ERROR(err, ERR_NOMEM, "metadata of %zu events", request->event_count);
	struct frame frame = {
		.kind = FRAME_EXTERNAL,
		.stream = stream->name,
		.number = stream->head.number + 1,
		.time_us = now_us > stream->head.time_us ? now_us : stream->head.time_us,
		.first_version = stream->head.version + 1,
		.events = events,
		.event_count = request->event_count,
		.command = { .id = identity, .metadata = buf_span(&metadata) },
	};
	request->version = frame_last_version(&frame);
	request->first_version = frame.first_version;
	request->time_us = frame.time_us;
	request->work.stored = stored;
	return pending_append(stream, &request->work, &frame, err);
}

static enum work_run run(struct work *work, struct stream *stream)
{
	struct direct_append_request *request =
		CONTAINER_OF(work, struct direct_append_request, work);
	char id_text[UUID_TEXT_BYTES];
	struct span identity = SPAN_EMPTY;

	if (request->events[0].has_id) {
		uuid_format(&request->events[0].id, id_text);
		identity = span_of(id_text, UUID_TEXT_BYTES - 1);
		if (is_duplicate(request, stream, identity))
			return WORK_RAN;
	}
	if (request->has_expected_version &&
	    !work_check_version(work, stream, request->expected_version, &request->actual_version))
		return WORK_RAN;
	enum status s = append(request, stream, identity, &work->err);
	if (s != OK)
		work_append_failed(work, stream, s);
	return WORK_RAN;
}

void direct_append_submit(struct runtime *runtime, struct direct_append_request *request)
{
	struct work *work = &request->work;

	CHECK(request->event_count >= 1 && request->event_count <= FRAME_EVENTS_MAX);
	request->duplicate = false;
	bool is_external = span_equal(work->stream.category, SPAN(CATEGORY_EXTERNAL));
	if (!is_external && !runtime_owns(runtime, work->stream.category)) {
		work->run = run;
		work_submit(runtime, work, NULL);
		return;
	}
	if (!work_begin(runtime, work))
		return;
	work->failure = FAILURE_CATEGORY_OWNED;
	(void)ERROR(&work->err, ERR_DENIED,
		    is_external ? "external events are posted to /v1/events, not appended to '%.*s'"
		    : runtime_aggregate(runtime, work->stream.category) != NULL
			    ? "category '%.*s' belongs to an aggregate: send it a command"
			    : "category '%.*s' belongs to a component, which alone writes to it",
		    SPAN_ARG(work->stream.category));
	work_deliver(work);
}
