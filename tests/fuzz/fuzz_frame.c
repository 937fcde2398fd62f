/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_frame.c - frames from a damaged or hostile log. Accepted bytes encode to themselves, and what
 * was read keeps the promises of model/frame.h; then they are shown as CloudEvents, whatever their
 * JSON is. */
#include "model/frame.h"

#include "base/check.h"
#include "base/utf8.h"
#include "model/cloudevent.h"
#include "model/metadata.h"
#include "json/json.h"

#define ARENA_MAX_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_promises(const struct frame *frame)
{
	CHECK(frame_kind_word(frame->kind) != NULL);
	CHECK(frame->number != 0);
	CHECK(name_check_category(frame->stream.category, NULL) == OK);
	CHECK(name_check_key(frame->stream.key, NULL) == OK);
	CHECK(frame->event_count <= FRAME_EVENTS_MAX);
	CHECK(frame_last_version(frame) >= frame->first_version);
	CHECK(utf8_is_valid(frame->command.data));
	CHECK(utf8_is_valid(frame->command.metadata));
	CHECK(utf8_is_valid(frame->body));
	for (size_t i = 0; i < frame->event_count; i++) {
		CHECK(name_check_type(frame->events[i].type, NULL) == OK);
		CHECK(utf8_is_valid(frame->events[i].data));
		CHECK(utf8_is_valid(frame->events[i].metadata));
	}
}

/* When all the JSON in it is JSON, so is what is shown. */
static void check_shown(const struct frame *frame, size_t index, struct arena *arena)
{
	OWNED(buf) struct buf shown = { 0 };
	enum status s = cloudevent_append(&shown, SPAN("app"), frame, index, arena, NULL);

	CHECK(s == OK || s == ERR_CORRUPT);
	if (s == OK && (frame->events[index].data.size == 0 ||
			json_check(frame->events[index].data, JSON_MISSING, NULL) == OK))
		/* One level deeper than stored, and attributes that we did not write: a duplicate. */
		CHECK(json_check(buf_span(&shown), JSON_OBJECT, NULL) == OK ||
		      frame->events[index].data.size > JSON_DEPTH_MAX ||
		      frame->events[index].metadata.size != 0);
	CHECK(s != OK || utf8_is_valid(buf_span(&shown)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of(data, size);
	OWNED(arena) struct arena *arena = arena_new(ARENA_MAX_BYTES);
	OWNED(buf) struct buf again = { 0 };
	struct frame frame;
	struct error err = { 0 };

	if (arena == NULL)
		return 0;
	enum status s = frame_decode(bytes, arena, &frame, &err);
	if (s != OK) {
		CHECK(s == ERR_CORRUPT || s == ERR_UNSUPPORTED);
		CHECK(memcmp(err.message, "byte ", 5) == 0);
		return 0;
	}
	check_promises(&frame);
	CHECK(frame_encode(&frame, &again, NULL) == OK);
	CHECK(span_equal(buf_span(&again), bytes));
	for (size_t i = 0; i < frame.event_count; i++)
		check_shown(&frame, i, arena);
	return 0;
}
