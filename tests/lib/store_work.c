/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/store_work.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/check.h"
#include "digest/digest.h"

#define WORK_ARENA_BYTES ((size_t)64 << 20)

static _Atomic uint64_t done_count;

static void work_done(struct append *append, enum status status)
{
	struct work *work = CONTAINER_OF(append, struct work, append);

	work->order = atomic_fetch_add(&done_count, 1);
	atomic_store(&work->status, (int)status);
	atomic_fetch_add(&work->calls, 1);
}

static struct span make_data(struct arena *arena, const struct work_shape *shape)
{
	size_t size = shape->data_bytes < 10 ? 10 : shape->data_bytes;
	char *data = arena_alloc(arena, size);

	CHECK(data != NULL);
	memset(data, 'x', size);
	for (size_t i = 0; shape->random != NULL && i + 8 < size; i += 8) {
		uint64_t bits = random_u64(shape->random);

		for (size_t b = 0; b < 8; b++)
			data[i + b] = (char)('a' + (bits >> b * 8 & 15));
	}
	memcpy(data, "{\"t\":\"", 6);
	memcpy(data + size - 2, "\"}", 2);
	return span_of(data, size);
}

static void make_frame(struct arena *arena, const struct work_shape *shape, struct stream_head head,
		       struct frame *frame)
{
	bool chance = shape->random != NULL;

	*frame = (struct frame){
		.kind = FRAME_DECISION,
		.stream = { .category = span_from_string(shape->category != NULL ? shape->category
										 : "account"),
			    .key = span_from_string(shape->key) },
		.number = head.number + 1,
		.time_us = shape->time_us != 0 ? shape->time_us : head.time_us,
		.first_version = head.version + (shape->event_count != 0),
		.event_count = shape->event_count,
	};
	frame->events = arena_alloc_array(arena, shape->event_count + 1, sizeof(*frame->events));
	CHECK(frame->events != NULL);
	for (size_t i = 0; i < shape->event_count; i++) {
		struct frame_event *event = &frame->events[i];

		memset(event->id.bytes, (int)(i + 1), sizeof(event->id.bytes));
		if (chance)
			random_fill(shape->random, event->id.bytes, sizeof(event->id.bytes));
		event->type = span_from_string(shape->type != NULL ? shape->type : "opened");
		event->data = make_data(arena, shape);
		if (chance && random_below(shape->random, 3) == 0)
			event->metadata = SPAN("{\"a\":1}");
	}
	if (shape->command != NULL) {
		frame->command.id = arena_copy(arena, span_from_string(shape->command));
		frame->command.type = SPAN("open");
		frame->command.data = SPAN("{}");
		frame->command.metadata = SPAN("{\"correlation_id\":\"c\"}");
	}
	if (chance && random_below(shape->random, 2) == 0) {
		frame->has_component = true;
		random_fill(shape->random, frame->component.bytes, SHA256_BYTES);
	}
	if (shape->event_count == 0)
		frame->body = SPAN("{\"outcome\":\"accepted\"}");
}

struct work *work_new(struct stream_head head, const struct work_shape *shape)
{
	size_t count = shape->frame_count == 0 ? 1 : shape->frame_count;
	struct work *work = calloc(1, sizeof(*work));
	struct frame *frames;

	CHECK(work != NULL);
	work->arena = arena_new(WORK_ARENA_BYTES);
	CHECK(work->arena != NULL);
	frames = arena_alloc_array(work->arena, count, sizeof(*frames));
	CHECK(frames != NULL);
	work->append.frames = frames;
	work->append.frame_count = count;
	work->append.expected_number = head.number;
	work->append.done = work_done;
	for (size_t i = 0; i < count; i++) {
		make_frame(work->arena, shape, head, &frames[i]);
		head.number = frames[i].number;
		head.version = frame_last_version(&frames[i]);
		head.time_us = frames[i].time_us;
	}
	return work;
}

void work_free(struct work *work)
{
	if (work == NULL)
		return;
	arena_free(work->arena);
	free(work);
}

void work_settle(struct store *store, struct work *work)
{
	while (atomic_load(&work->calls) == 0) {
		if (!store_flush(store))
			(void)sched_yield();
	}
}

struct stream_head work_head(const struct work *work)
{
	const struct frame *last = &work->append.frames[work->append.frame_count - 1];

	return (struct stream_head){
		.number = last->number,
		.version = frame_last_version(last),
		.time_us = last->time_us,
	};
}

void store_settle(struct store *store)
{
	struct store_status status;

	do {
		if (!store_flush(store))
			(void)sched_yield();
		store_status(store, &status);
	} while (status.durable_sequence < status.accepted_sequence && status.mode != STORE_FAILED);
	while (store_flush(store))
		;
}

enum status store_put(struct store *store, const struct work_shape *shape, struct error *err)
{
	struct stream_name name = {
		.category = span_from_string(shape->category != NULL ? shape->category : "account"),
		.key = span_from_string(shape->key),
	};
	struct work *work = work_new(store_head(store, name), shape);
	enum status s = store_append(store, &work->append, err);

	if (s == OK) {
		work_settle(store, work);
		s = (enum status)atomic_load(&work->status);
	}
	work_free(work);
	return s;
}

void frame_describe(struct buf *buf, const struct frame *frame)
{
	char hex[SHA256_HEX_BYTES], id[UUID_TEXT_BYTES];

	buf_append_format(buf, "%" PRIu64 " %s %.*s/%.*s #%" PRIu64 " t%" PRIu64 " v%" PRIu64,
			  frame->sequence, frame_kind_word(frame->kind),
			  SPAN_ARG(frame->stream.category), SPAN_ARG(frame->stream.key),
			  frame->number, frame->time_us, frame->first_version);
	if (frame->command.id.size != 0)
		buf_append_format(buf, " command=%.*s,%.*s,%.*s,%.*s", SPAN_ARG(frame->command.id),
				  SPAN_ARG(frame->command.type), SPAN_ARG(frame->command.data),
				  SPAN_ARG(frame->command.metadata));
	if (frame->has_component) {
		sha256_format(&frame->component, hex);
		buf_append_format(buf, " component=%s", hex);
	}
	if (frame->body.size != 0)
		buf_append_format(buf, " body=%.*s", SPAN_ARG(frame->body));
	for (size_t i = 0; i < frame->event_count; i++) {
		const struct frame_event *event = &frame->events[i];

		uuid_format(&event->id, id);
		/* Data as a digest: lines stay short enough to look at. */
		buf_append_format(buf, " %s:%.*s:%zu:%016" PRIx64 ":%.*s", id,
				  SPAN_ARG(event->type), event->data.size, digest_xxh3(event->data),
				  SPAN_ARG(event->metadata));
	}
	buf_append_byte(buf, '\n');
}

bool describe_visit(const struct frame *frame, void *arg)
{
	frame_describe(arg, frame);
	return true;
}
