/* SPDX-License-Identifier: Apache-2.0 */
/* test_formats.c - docs/formats.md is right: check_frame.py, which knows that page and not this code,
 * reads our frames. It gets a line of JSON for each: {"name", "bytes" (hexadecimal), "frame"}. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/model/frames.h"
#include "json/json_writer.h"

static void write_hex(struct json_writer *writer, const char *key, struct span bytes)
{
	OWNED(buf) struct buf hex = { 0 };

	for (size_t i = 0; i < bytes.size; i++)
		buf_append_format(&hex, "%02x", (unsigned)(unsigned char)bytes.data[i]);
	json_member_string(writer, key, buf_span(&hex));
}

static void write_event(struct json_writer *writer, const struct frame_event *event)
{
	json_begin_object(writer);
	write_hex(writer, "id", span_of(event->id.bytes, sizeof(event->id.bytes)));
	json_member_string(writer, "type", event->type);
	json_member_string(writer, "data", event->data);
	json_member_string(writer, "metadata", event->metadata);
	json_end_object(writer);
}

static void write_frame(struct json_writer *writer, const struct frame *frame)
{
	json_begin_object(writer);
	json_member_u64(writer, "kind", (uint64_t)frame->kind);
	json_member_string(writer, "category", frame->stream.category);
	json_member_string(writer, "key", frame->stream.key);
	json_member_u64(writer, "number", frame->number);
	json_member_u64(writer, "time", frame->time_us);
	json_member_u64(writer, "first_version", frame->first_version);
	if (frame->has_component)
		write_hex(writer, "component", span_of(frame->component.bytes, SHA256_BYTES));
	json_key(writer, "command");
	json_begin_object(writer);
	json_member_string(writer, "id", frame->command.id);
	json_member_string(writer, "type", frame->command.type);
	json_member_string(writer, "data", frame->command.data);
	json_member_string(writer, "metadata", frame->command.metadata);
	json_end_object(writer);
	json_member_string(writer, "body", frame->body);
	json_key(writer, "events");
	json_begin_array(writer);
	for (size_t i = 0; i < frame->event_count; i++)
		write_event(writer, &frame->events[i]);
	json_end_array(writer);
	json_end_object(writer);
}

static void a_reader_made_from_the_documentation_reads_our_frames(void **state)
{
	size_t count;
	const struct named_frame *samples = frames_sample(&count);
	FILE *reader = popen("python3 tests/unit/model/check_frame.py docs/formats.md", "w");

	(void)state;
	assert_non_null(reader);
	for (size_t i = 0; i < count; i++) {
		OWNED(buf) struct buf line = { 0 };
		OWNED(buf) struct buf bytes = { 0 };
		struct json_writer writer;

		assert_int_equal(frame_encode(&samples[i].frame, &bytes, NULL), OK);
		json_writer_init(&writer, &line);
		json_begin_object(&writer);
		json_member_cstring(&writer, "name", samples[i].name);
		write_hex(&writer, "bytes", buf_span(&bytes));
		json_key(&writer, "frame");
		write_frame(&writer, &samples[i].frame);
		json_end_object(&writer);
		buf_append_byte(&line, '\n');
		assert_int_equal(buf_status(&line), OK);
		assert_int_equal(fwrite(line.data, 1, line.size, reader), line.size);
	}
	assert_int_equal(pclose(reader), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader_made_from_the_documentation_reads_our_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
