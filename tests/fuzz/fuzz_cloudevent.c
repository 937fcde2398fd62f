/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_cloudevent.c - CloudEvents and metadata from outside. What is accepted passes the check for the
 * binary form too, goes through a frame and comes back as an event that is accepted again with the
 * same id, source, type, subject, time and data. */
#include "model/cloudevent.h"

#include "base/check.h"
#include "model/metadata.h"
#include "json/json.h"

#define ARENA_MAX_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct cloudevent *event, const struct cloudevent *again)
{
	CHECK(span_equal(event->id, again->id));
	CHECK(span_equal(event->source, again->source));
	CHECK(span_equal(event->type, again->type));
	CHECK(span_equal(event->subject, again->subject));
	CHECK(event->time.size == 0 || span_equal(event->time, again->time));
	CHECK(span_equal(event->data, again->data));
	CHECK(span_equal(event->correlation_id, again->correlation_id));
	CHECK(span_equal(event->traceparent, again->traceparent));
}

/* There and back: the event in a frame, the frame's event as a CloudEvent. */
static void check_round_trip(const struct cloudevent *event, struct arena *arena)
{
	OWNED(buf) struct buf attributes = { 0 };
	OWNED(buf) struct buf metadata = { 0 };
	OWNED(buf) struct buf shown = { 0 };
	struct metadata carried = { .correlation_id = event->correlation_id,
				    .traceparent = event->traceparent };
	struct frame_event stored = { .type = event->type, .data = event->data };
	struct frame frame = {
		.kind = FRAME_EXTERNAL,
		.stream = { SPAN(CATEGORY_EXTERNAL), event->source },
		.number = 1,
		.first_version = 1,
		.events = &stored,
		.event_count = 1,
		.command = { .id = event->id },
	};
	struct cloudevent again;

	cloudevent_append_metadata(&attributes, event);
	metadata_append(&metadata, &carried);
	stored.metadata = buf_span(&attributes);
	frame.command.metadata = buf_span(&metadata);
	CHECK(cloudevent_append(&shown, SPAN("app"), &frame, 0, arena, NULL) == OK);
	CHECK(cloudevent_parse(buf_span(&shown), arena, &again, NULL) == OK);
	check_same(event, &again);
}

static void check_metadata(struct span text, struct arena *arena)
{
	OWNED(buf) struct buf stored = { 0 };
	struct metadata metadata;
	struct metadata again;

	if (metadata_from_client(text, arena, &metadata, NULL) != OK)
		return;
	CHECK(metadata.causation_id.size == 0 && metadata.actor.size == 0 && metadata.depth == 0);
	metadata.causation_id = SPAN("cause");
	metadata.depth = 3;
	metadata_append(&stored, &metadata);
	CHECK(metadata_parse(buf_span(&stored), arena, &again, NULL) == OK);
	CHECK(span_equal(metadata.correlation_id, again.correlation_id));
	CHECK(span_equal(metadata.causation_id, again.causation_id));
	CHECK(span_equal(metadata.traceparent, again.traceparent));
	CHECK(again.depth == 3);
	CHECK((metadata.extra.size == 0) == (again.extra.size == 0));
	if (metadata.extra.size != 0) {
		const struct json *extra = NULL;
		const struct json *extra_again = NULL;

		CHECK(json_parse(metadata.extra, arena, &extra, NULL) == OK);
		CHECK(json_parse(again.extra, arena, &extra_again, NULL) == OK);
		CHECK(json_equal(extra, extra_again));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	OWNED(arena) struct arena *arena = arena_new(ARENA_MAX_BYTES);
	struct cloudevent event;

	if (arena == NULL || size > 65536)
		return 0;
	check_metadata(text, arena);
	if (cloudevent_parse(text, arena, &event, NULL) != OK)
		return 0;
	CHECK(cloudevent_check(&event, NULL) == OK);
	check_round_trip(&event, arena);
	return 0;
}
