/* SPDX-License-Identifier: Apache-2.0 */
/* test_frame.c - one frame, one encoding; and what hostile bytes come to. */
#include "model/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/model/frames.h"

#define ARENA_MAX_BYTES ((size_t)1 << 20)

static int arena_set_up(void **state)
{
	*state = arena_new(ARENA_MAX_BYTES);
	return *state == NULL;
}

static int arena_tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

static void expect_same_command(const struct frame_command *a, const struct frame_command *b)
{
	assert_true(span_equal(a->id, b->id));
	assert_true(span_equal(a->type, b->type));
	assert_true(span_equal(a->data, b->data));
	assert_true(span_equal(a->metadata, b->metadata));
}

static void expect_same(const struct frame *a, const struct frame *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_true(stream_name_equal(a->stream, b->stream));
	assert_true(a->number == b->number);
	assert_true(a->time_us == b->time_us);
	assert_true(a->first_version == b->first_version);
	assert_int_equal(a->event_count, b->event_count);
	for (size_t i = 0; i < a->event_count; i++) {
		assert_true(uuid_equal(&a->events[i].id, &b->events[i].id));
		assert_true(span_equal(a->events[i].type, b->events[i].type));
		assert_true(span_equal(a->events[i].data, b->events[i].data));
		assert_true(span_equal(a->events[i].metadata, b->events[i].metadata));
	}
	expect_same_command(&a->command, &b->command);
	assert_int_equal(a->has_component, b->has_component);
	assert_true(sha256_equal(&a->component, &b->component));
	assert_true(span_equal(a->body, b->body));
}

static void a_frame_reads_back_as_it_was(void **state)
{
	size_t count;
	const struct named_frame *samples = frames_sample(&count);

	for (size_t i = 0; i < count; i++) {
		OWNED(buf) struct buf buf = { 0 };
		struct frame decoded = { .sequence = 9 };
		struct error err = { 0 };

		assert_int_equal(frame_encode(&samples[i].frame, &buf, NULL), OK);
		if (frame_decode(buf_span(&buf), *state, &decoded, &err) != OK)
			fail_msg("%s: %s", samples[i].name, error_text(&err));
		expect_same(&samples[i].frame, &decoded);
		assert_int_equal(decoded.sequence, 0);
	}
}

/* Every beginning of every frame, each in a block of its own size. */
static void a_frame_that_is_cut_short_is_corrupt(void **state)
{
	size_t count;
	const struct named_frame *samples = frames_sample(&count);

	for (size_t i = 0; i + 1 < count; i++) {
		OWNED(buf) struct buf buf = { 0 };

		assert_int_equal(frame_encode(&samples[i].frame, &buf, NULL), OK);
		for (size_t size = 0; size < buf.size; size++) {
			char *copy = malloc(size + 1);
			struct frame decoded = { .sequence = 9 };

			assert_non_null(copy);
			memcpy(copy + 1, buf.data, size);
			assert_int_equal(
				frame_decode(span_of(copy + 1, size), *state, &decoded, NULL),
				ERR_CORRUPT);
			assert_int_equal(decoded.sequence, 9);
			free(copy);
		}
	}
}

/* Any byte changed to any value: refused, or another frame with that very encoding. */
static void a_changed_byte_is_refused_or_gives_another_frame_of_one_encoding(void **state)
{
	size_t count;
	const struct named_frame *samples = frames_sample(&count);
	unsigned refused = 0;

	for (size_t i = 0; i + 1 < count; i++) {
		OWNED(buf) struct buf buf = { 0 };

		assert_int_equal(frame_encode(&samples[i].frame, &buf, NULL), OK);
		for (size_t at = 0; at < buf.size; at++) {
			char right = buf.data[at];

			for (int value = 0; value < 256; value++) {
				OWNED(buf) struct buf again = { 0 };
				struct frame decoded;

				buf.data[at] = (char)value;
				arena_clear(*state);
				if (frame_decode(buf_span(&buf), *state, &decoded, NULL) != OK) {
					refused++;
					continue;
				}
				assert_int_equal(frame_encode(&decoded, &again, NULL), OK);
				assert_true(span_equal(buf_span(&buf), buf_span(&again)));
			}
			buf.data[at] = right;
		}
	}
	assert_in_range(refused, 1000, UINT32_MAX);
}

static void expect_refused(struct arena *arena, const void *bytes, size_t size, enum status status,
			   const char *message)
{
	struct frame decoded;
	struct error err = { 0 };

	assert_int_equal(frame_decode(span_of(bytes, size), arena, &decoded, &err), status);
	assert_string_equal(err.message, message);
}

/* The smallest frame, with one part replaced. */
#define FIXED "\x01\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define REFUSED(bytes, message) \
	expect_refused(*state, bytes, sizeof(bytes) - 1, ERR_CORRUPT, message)
#define UNSUPPORTED(bytes, message) \
	expect_refused(*state, bytes, sizeof(bytes) - 1, ERR_UNSUPPORTED, message)

static void a_message_names_the_byte(void **state)
{
	struct frame decoded;

	assert_int_equal(frame_decode(SPAN(FIXED "\x01\x00\x00\x01"
						 "a\x01k"),
				      *state, &decoded, NULL),
			 OK);
	REFUSED("", "byte 0: the frame ends within its first 12 bytes");
	REFUSED(FIXED "\x00\x00\x00\x01"
		      "a\x01k",
		"byte 12: frame number 0");
	REFUSED(FIXED "\x81\x00\x00\x00\x01"
		      "a\x01k",
		"byte 12: a number that is not in its shortest form");
	REFUSED(FIXED "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00\x00\x01"
		      "a\x01k",
		"byte 12: a number over 64 bits");
	REFUSED(FIXED "\x01\x80", "byte 13: the frame ends within a number");
	REFUSED(FIXED "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x01"
		      "a\x01k",
		"byte 13: a version that is too large");
	REFUSED(FIXED "\x01\x01\x80\x08\x01"
		      "a\x01k",
		"byte 13: more events than a frame may have");
	REFUSED(FIXED "\x01\x00\x01\x01"
		      "a\x01k",
		"byte 13: events from version 0");
	REFUSED(FIXED "\x01\x01\x01\x01"
		      "a\x01k",
		"byte 19: more events than there are bytes for");
	REFUSED(FIXED "\x01\x00\x00\x01"
		      "A\x01k",
		"byte 15: a category that breaks the rules");
	REFUSED(FIXED "\x01\x00\x00\x01"
		      "a\x01\n",
		"byte 17: a key that breaks the rules");
	REFUSED(FIXED "\x01\x00\x00\x01"
		      "a\x02k",
		"byte 17: a text that is longer than the frame");
	REFUSED(FIXED "\x01\x00\x00\x01"
		      "a\x01k!",
		"byte 19: bytes after the last event");
	REFUSED("\x00\x07" FIXED, "byte 0: neither an encoding version nor a kind is 0");
	REFUSED("\x01\x00" FIXED, "byte 1: neither an encoding version nor a kind is 0");
	REFUSED("\x01\x07\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x01"
		"a\x01k\x00",
		"byte 19: a body that is empty");
	REFUSED("\x01\x07\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x01"
		"a\x01k\x02"
		"a\xff",
		"byte 21: a text that is not UTF-8");
	REFUSED("\x01\x07\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x01"
		"a\x01k\x00\x00\x00\x00",
		"byte 19: a command that is empty");
	REFUSED("\x01\x07\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x01"
		"a\x01k",
		"byte 19: the frame ends within a part of fixed size");
}

static void what_a_later_build_may_write_is_unsupported_not_corrupt(void **state)
{
	UNSUPPORTED("\x02\x07" FIXED, "byte 0: frame encoding 2; this build reads 1");
	UNSUPPORTED("\x01\x0a" FIXED, "byte 1: frame kind 10; this build knows 1 to 9");
	UNSUPPORTED("\x01\x01\x08\x00" FIXED,
		    "byte 2: frame flags 0x0008; this build knows 0x0007");
	UNSUPPORTED("\x01\x01\x00\x80" FIXED,
		    "byte 2: frame flags 0x8000; this build knows 0x0007");
}

static void a_frame_over_its_limits_is_refused_and_the_buf_left_alone(void **state)
{
	static struct frame_event events[FRAME_EVENTS_MAX + 1];
	OWNED(buf) struct buf buf = { 0 };
	char *data = malloc(FRAME_MAX_BYTES);
	struct frame frame = { .kind = FRAME_OUTCOME,
			       .stream = { SPAN("a"), SPAN("k") },
			       .number = 1,
			       .first_version = 1,
			       .events = events,
			       .event_count = FRAME_EVENTS_MAX + 1 };

	(void)state;
	assert_non_null(data);
	memset(data, ' ', FRAME_MAX_BYTES);
	buf_append_string(&buf, "before");
	assert_int_equal(frame_encode(&frame, &buf, NULL), ERR_LIMIT);
	frame.event_count = 0;
	frame.body = span_of(data, FRAME_MAX_BYTES);
	assert_int_equal(frame_encode(&frame, &buf, NULL), ERR_LIMIT);
	/* 12 fixed, 3 varints, 2 names of 2, a size of 3. */
	frame.body.size = FRAME_MAX_BYTES - 22 + 1;
	assert_int_equal(frame_encode(&frame, &buf, NULL), ERR_LIMIT);
	assert_true(span_equal_string(buf_span(&buf), "before"));
	assert_int_equal(buf_status(&buf), OK);
	frame.body.size--;
	assert_int_equal(frame_encode(&frame, &buf, NULL), OK);
	assert_int_equal(buf.size, 6 + FRAME_MAX_BYTES);
	free(data);
}

static void a_buf_or_an_arena_that_is_full_says_so(void **state)
{
	size_t count;
	const struct frame *frame = &frames_sample(&count)[0].frame;
	OWNED(buf) struct buf small = { .max_bytes = 20 };
	OWNED(buf) struct buf buf = { 0 };
	OWNED(arena) struct arena *arena = arena_new(16);
	struct frame decoded;

	(void)state;
	assert_int_equal(frame_encode(frame, &small, NULL), ERR_LIMIT);
	assert_int_equal(small.size, 0);
	assert_int_equal(frame_encode(frame, &buf, NULL), OK);
	assert_int_equal(frame_decode(buf_span(&buf), arena, &decoded, NULL), ERR_NOMEM);
}

/* What a frame costs beside the texts themselves: bytes written are a published figure. */
static void a_decision_costs_little_beside_its_texts(void **state)
{
	size_t count;
	const struct frame *frame = &frames_sample(&count)[0].frame;
	OWNED(buf) struct buf buf = { 0 };
	size_t texts = 11 + 6 + 3 + 13 + 14 + 24 + 15 + 14;

	(void)state;
	assert_int_equal(frame_encode(frame, &buf, NULL), OK);
	assert_in_range(buf.size - texts, SHA256_BYTES + 16, SHA256_BYTES + 16 + 12 + 16);
}

static void versions_and_positions_count_from_the_first_event(void **state)
{
	struct frame frame = { .sequence = 5, .first_version = 7 };

	(void)state;
	assert_int_equal(frame_last_version(&frame), 7);
	assert_int_equal(frame_last_position(&frame), 5 * 1024);
	frame.event_count = 3;
	assert_int_equal(frame_last_version(&frame), 9);
	assert_int_equal(frame_last_position(&frame), 5 * 1024 + 2);
	assert_int_equal(position_sequence(position_of(5, 1022)), 5);
	assert_int_equal(position_index(position_of(5, 1022)), 1022);
	assert_true(position_end(5) < position_of(6, 0));
}

static void each_kind_has_its_word(void **state)
{
	(void)state;
	for (int kind = FRAME_DECISION; kind <= FRAME_DEAD_LETTER; kind++)
		assert_non_null(frame_kind_word((enum frame_kind)kind));
	assert_string_equal(frame_kind_word(FRAME_DEAD_LETTER), "dead_letter");
	assert_null(frame_kind_word((enum frame_kind)0));
	assert_null(frame_kind_word((enum frame_kind)(FRAME_DEAD_LETTER + 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_reads_back_as_it_was),
		cmocka_unit_test(a_frame_that_is_cut_short_is_corrupt),
		cmocka_unit_test(a_changed_byte_is_refused_or_gives_another_frame_of_one_encoding),
		cmocka_unit_test(a_message_names_the_byte),
		cmocka_unit_test(what_a_later_build_may_write_is_unsupported_not_corrupt),
		cmocka_unit_test(a_frame_over_its_limits_is_refused_and_the_buf_left_alone),
		cmocka_unit_test(a_buf_or_an_arena_that_is_full_says_so),
		cmocka_unit_test(a_decision_costs_little_beside_its_texts),
		cmocka_unit_test(versions_and_positions_count_from_the_first_event),
		cmocka_unit_test(each_kind_has_its_word),
	};

	return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
