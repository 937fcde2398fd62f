/* SPDX-License-Identifier: Apache-2.0 */
/* external.c - CloudEvents from outside, each one frame in `external/<source>`. */
#include "runtime/external.h"

#include "base/check.h"
#include "runtime/internal.h"

static bool is_wanted(const struct runtime_options *options, struct span type)
{
	if (options->external_accept_any)
		return true;
	for (size_t i = 0; i < options->external_type_count; i++)
		if (type_matches(options->external_types[i], type))
			return true;
	return false;
}

enum failure external_check(struct runtime *runtime, const struct cloudevent *event,
			    struct error *err)
{
	const struct runtime_options *options = &runtime->options;
	struct span source = event->source;

	if (source.size >= options->application.size + 2 && source.data[0] == '/' &&
	    span_starts_with(span_after(source, 1), options->application) &&
	    source.data[options->application.size + 1] == '/') {
		(void)ERROR(
			err, ERR_INVALID,
			"source '%.*s': sources beginning with '/%.*s/' are this application's own",
			SPAN_ARG(source), SPAN_ARG(options->application));
		return FAILURE_INVALID;
	}
	if (!is_wanted(options, event->type)) {
		(void)ERROR(err, ERR_NOT_FOUND,
			    "no component has an interest in 'external/%.*s'; add it to one's "
			    "interest, or set `external: {accept: any}` in the manifest",
			    SPAN_ARG(event->type));
		return FAILURE_NO_INTEREST;
	}
	return FAILURE_NONE;
}

static bool found_earlier(const struct frame *frame, void *arg)
{
	struct external_request *request = arg;

	request->duplicate = true;
	request->id = frame->events[0].id;
	request->version = frame->first_version;
	request->position = position_of(frame->sequence, 0);
	return false;
}

static void stored(struct work *work, uint64_t sequence)
{
	struct external_request *request = CONTAINER_OF(work, struct external_request, work);

	request->position = position_of(sequence, 0);
	counter_add(work->runtime->metrics.external, 1);
}

static enum status append(struct external_request *request, struct stream *stream,
			  struct error *err)
{
	struct runtime *runtime = stream->runtime;
	uint64_t now_us = clock_wall_us(runtime->options.clock);
	char id_text[UUID_TEXT_BYTES];
	OWNED(buf) struct buf attributes = { 0 };
	OWNED(buf) struct buf metadata = { 0 };
	struct metadata carried = request->metadata;

	request->id = uuid_v7(now_us, runtime->options.random);
	uuid_format(&request->id, id_text);
	if (carried.correlation_id.size == 0)
		carried.correlation_id = span_of(id_text, UUID_TEXT_BYTES - 1);
	cloudevent_append_metadata(&attributes, &request->event);
	metadata_append(&metadata, &carried);
	if (buf_status(&attributes) != OK || buf_status(&metadata) != OK)
		return ERROR(err, ERR_NOMEM, "an external event's attributes");
	struct frame_event event = {
		.id = request->id,
		.type = request->event.type,
		.data = request->event.data,
		.metadata = buf_span(&attributes),
	};
	struct frame frame = {
		.kind = FRAME_EXTERNAL,
		.stream = stream->name,
		.number = stream->head.number + 1,
		.time_us = now_us > stream->head.time_us ? now_us : stream->head.time_us,
		.first_version = stream->head.version + 1,
		.events = &event,
		.event_count = 1,
		.command = { .id = request->event.id, .metadata = buf_span(&metadata) },
	};
	request->version = frame.first_version;
	request->work.stored = stored;
	return pending_append(stream, &request->work, &frame, err);
}

static enum work_run run(struct work *work, struct stream *stream)
{
	struct external_request *request = CONTAINER_OF(work, struct external_request, work);

	if (pending_wait_for_id(stream, work, request->event.id))
		return WORK_RAN;
	enum status s = store_find_command(work->runtime->options.store, stream->name,
					   request->event.id, found_earlier, request, &work->err);
	if (s == OK) {
		work_deliver(work);
		return WORK_RAN;
	}
	if (s == ERR_NOT_FOUND)
		s = append(request, stream, &work->err);
	if (s != OK)
		work_append_failed(work, stream, s);
	return WORK_RAN;
}

void external_submit(struct runtime *runtime, struct external_request *request)
{
	request->duplicate = false;
	request->work.stream = (struct stream_name){ .category = SPAN(CATEGORY_EXTERNAL),
						     .key = request->event.source };
	request->work.run = run;
	work_submit(runtime, &request->work, NULL);
}
