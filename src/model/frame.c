/* SPDX-License-Identifier: Apache-2.0 */
/* frame.c - frames as bytes (docs/formats.md, "Frame").
 *
 *	u8 version  u8 kind  u16 flags  u64 time
 *	varint number, first version, count of events
 *	category, key
 *	component digest                      with FLAG_COMPONENT
 *	command id, type, data, metadata      with FLAG_COMMAND
 *	body                                  with FLAG_BODY
 *	events: 16 bytes id, type, data, metadata
 *
 * A text is a varint for its size, then its bytes. A frame has exactly one encoding: varints are in
 * their shortest form, and a part whose texts are all empty is left out. So decoding and encoding
 * again gives the same bytes, which makes digests of frames meaningful.
 *
 * Encoding is two passes, the first for the size: the limit is known before a byte is written, and
 * the second pass writes without looking. Decoding trusts nothing, and what it accepts encodes
 * again: names obey their rules and every text is UTF-8, as the component host insists. */
#include "model/frame.h"

#include <assert.h>

#include "base/check.h"
#include "base/endian.h"
#include "base/utf8.h"

#define ENCODING_VERSION 1
#define FIXED_BYTES      12 /* version, kind, flags, time */
#define UUID_BYTES       16
#define EVENT_MIN_BYTES  (UUID_BYTES + 4) /* one byte of type; data and metadata empty */
#define VARINT_MAX_BYTES 10

enum frame_flag {
	FLAG_COMMAND = 1,
	FLAG_COMPONENT = 2,
	FLAG_BODY = 4,
	FLAGS_KNOWN = FLAG_COMMAND | FLAG_COMPONENT | FLAG_BODY,
};

static_assert(sizeof(struct uuid) == UUID_BYTES, "ids are copied as they are");
static_assert(sizeof(struct sha256) == SHA256_BYTES, "digests are copied as they are");
static_assert(FRAME_EVENTS_MAX < 1 << POSITION_INDEX_BITS, "an index must fit into a position");

const char *frame_kind_word(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_DECISION:
		return "decision";
	case FRAME_QUEUED:
		return "queued";
	case FRAME_OUTCOME:
		return "outcome";
	case FRAME_STEP:
		return "step";
	case FRAME_EXTERNAL:
		return "external";
	case FRAME_HANDLED:
		return "handled";
	case FRAME_PROGRESS:
		return "progress";
	case FRAME_REGISTRATION:
		return "registration";
	case FRAME_DEAD_LETTER:
		return "dead_letter";
	}
	return NULL;
}

/* ---- encoding -------------------------------------------------------------------------------- */

static bool has_command(const struct frame_command *command)
{
	return (command->id.size | command->type.size | command->data.size |
		command->metadata.size) != 0;
}

static size_t varint_size(uint64_t value)
{
	size_t size = 1;

	for (; value >= 0x80; value >>= 7)
		size++;
	return size;
}

/* Sizes add up without overflow: one that is over the limit stands for all that are. */
static void add_text(size_t *size, struct span text)
{
	size_t bytes = text.size <= FRAME_MAX_BYTES ? text.size : FRAME_MAX_BYTES + 1;

	*size += varint_size(bytes) + bytes;
}

static size_t encoded_size(const struct frame *frame)
{
	const struct frame_command *command = &frame->command;
	size_t size = FIXED_BYTES + varint_size(frame->number) + varint_size(frame->first_version) +
		      varint_size(frame->event_count);

	add_text(&size, frame->stream.category);
	add_text(&size, frame->stream.key);
	if (frame->has_component)
		size += SHA256_BYTES;
	if (has_command(command)) {
		add_text(&size, command->id);
		add_text(&size, command->type);
		add_text(&size, command->data);
		add_text(&size, command->metadata);
	}
	if (frame->body.size != 0)
		add_text(&size, frame->body);
	for (size_t i = 0; i < frame->event_count; i++) {
		size += UUID_BYTES;
		add_text(&size, frame->events[i].type);
		add_text(&size, frame->events[i].data);
		add_text(&size, frame->events[i].metadata);
	}
	return size;
}

static void check_text(struct span text UNUSED)
{
	CHECK_DEBUG(utf8_is_valid(text));
}

/* What is wrong here could be written but not be read again. Sizes are cheap to look at; the rest is
 * for debug builds. */
static void check_frame(const struct frame *frame)
{
	const struct frame_command *command = &frame->command;

	CHECK(frame_kind_word(frame->kind) != NULL);
	CHECK(frame->number != 0);
	CHECK(frame->event_count == 0 || frame->first_version != 0);
	CHECK(frame->first_version <= UINT64_MAX - FRAME_EVENTS_MAX);
	CHECK(frame->stream.category.size - 1 < NAME_MAX_BYTES);
	CHECK(frame->stream.key.size - 1 < KEY_MAX_BYTES);
	CHECK(command->id.size <= COMMAND_ID_MAX_BYTES);
	CHECK(command->type.size <= TYPE_MAX_BYTES);
	CHECK_DEBUG(name_check_category(frame->stream.category, NULL) == OK);
	CHECK_DEBUG(name_check_key(frame->stream.key, NULL) == OK);
	CHECK_DEBUG(command->type.size == 0 || name_check_type(command->type, NULL) == OK);
	CHECK_DEBUG(command->id.size == 0 || name_check_key(command->id, NULL) == OK);
	check_text(command->data);
	check_text(command->metadata);
	check_text(frame->body);
	for (size_t i = 0; i < frame->event_count; i++) {
		CHECK(frame->events[i].type.size - 1 < TYPE_MAX_BYTES);
		CHECK_DEBUG(name_check_type(frame->events[i].type, NULL) == OK);
		check_text(frame->events[i].data);
		check_text(frame->events[i].metadata);
	}
}

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *put_text(uint8_t *at, struct span text)
{
	at = put_varint(at, text.size);
	if (text.size != 0)
		memcpy(at, text.data, text.size);
	return at + text.size;
}

static uint8_t *put_events(uint8_t *at, const struct frame *frame)
{
	for (size_t i = 0; i < frame->event_count; i++) {
		const struct frame_event *event = &frame->events[i];

		memcpy(at, event->id.bytes, UUID_BYTES);
		at = put_text(at + UUID_BYTES, event->type);
		at = put_text(at, event->data);
		at = put_text(at, event->metadata);
	}
	return at;
}

static uint8_t *put_frame(uint8_t *at, const struct frame *frame)
{
	const struct frame_command *command = &frame->command;
	unsigned flags = (has_command(command) ? FLAG_COMMAND : 0U) |
			 (frame->has_component ? FLAG_COMPONENT : 0U) |
			 (frame->body.size != 0 ? FLAG_BODY : 0U);

	at[0] = ENCODING_VERSION;
	at[1] = (uint8_t)frame->kind;
	put_le16(at + 2, (uint16_t)flags);
	put_le64(at + 4, frame->time_us);
	at = put_varint(at + FIXED_BYTES, frame->number);
	at = put_varint(at, frame->first_version);
	at = put_varint(at, frame->event_count);
	at = put_text(at, frame->stream.category);
	at = put_text(at, frame->stream.key);
	if (frame->has_component) {
		memcpy(at, frame->component.bytes, SHA256_BYTES);
		at += SHA256_BYTES;
	}
	if ((flags & FLAG_COMMAND) != 0) {
		at = put_text(at, command->id);
		at = put_text(at, command->type);
		at = put_text(at, command->data);
		at = put_text(at, command->metadata);
	}
	if ((flags & FLAG_BODY) != 0)
		at = put_text(at, frame->body);
	return put_events(at, frame);
}

enum status frame_encode(const struct frame *frame, struct buf *ret, struct error *err)
{
	if (frame->event_count > FRAME_EVENTS_MAX)
		return ERROR(err, ERR_LIMIT, "a frame has at most %d events, not %zu",
			     FRAME_EVENTS_MAX, frame->event_count);
	check_frame(frame);
	size_t size = encoded_size(frame);
	if (size > FRAME_MAX_BYTES)
		return ERROR(err, ERR_LIMIT, "a frame has at most %d bytes; this one takes more",
			     FRAME_MAX_BYTES);
	enum status s = buf_reserve(ret, size);
	if (s != OK)
		return ERROR(err, s, "a frame of %zu bytes", size);
	uint8_t *begin = (uint8_t *)ret->data + ret->size;
	CHECK((size_t)(put_frame(begin, frame) - begin) == size);
	ret->size += size;
	return OK;
}

/* ---- decoding -------------------------------------------------------------------------------- */

/* Reads from the front. The first failure is kept, and from then on everything reads as empty, so
 * that a run of reads is checked once. */
struct reader {
	const uint8_t *begin;
	const uint8_t *at;
	const uint8_t *end;
	const char *reason; /* NULL: all well */
	size_t failed_at;   /* byte */
};

static void fail(struct reader *reader, const uint8_t *at, const char *reason)
{
	if (reader->reason != NULL)
		return;
	reader->reason = reason;
	reader->failed_at = (size_t)(at - reader->begin);
	reader->at = reader->end;
}

static size_t left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static uint64_t read_varint(struct reader *reader)
{
	const uint8_t *start = reader->at;
	uint64_t value = 0;

	for (unsigned i = 0; i < VARINT_MAX_BYTES; i++) {
		if (reader->at == reader->end) {
			fail(reader, start, "the frame ends within a number");
			return 0;
		}
		uint8_t byte = *reader->at++;
		/* The tenth byte has room for one bit. */
		if (i == VARINT_MAX_BYTES - 1 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7F) << (7 * i);
		if ((byte & 0x80) == 0) {
			if (byte == 0 && i != 0)
				fail(reader, start, "a number that is not in its shortest form");
			return value;
		}
	}
	fail(reader, start, "a number over 64 bits");
	return 0;
}

static const uint8_t *read_bytes(struct reader *reader, size_t size)
{
	const uint8_t *start = reader->at;

	if (left(reader) < size) {
		fail(reader, start, "the frame ends within a part of fixed size");
		return NULL;
	}
	reader->at += size;
	return start;
}

static struct span read_text(struct reader *reader)
{
	const uint8_t *start = reader->at;
	uint64_t size = read_varint(reader);

	if (size > left(reader)) {
		fail(reader, start, "a text that is longer than the frame");
		return SPAN_EMPTY;
	}
	struct span text = span_of(reader->at, (size_t)size);
	reader->at += size;
	return text;
}

static struct span read_utf8(struct reader *reader)
{
	struct span text = read_text(reader);
	const uint8_t *start = reader->at - text.size;

	if (!utf8_is_valid(text))
		fail(reader, start + utf8_valid_prefix(text), "a text that is not UTF-8");
	return text;
}

typedef enum status (*name_check_fn)(struct span name, struct error *err);

static struct span read_name(struct reader *reader, name_check_fn check, const char *reason)
{
	const uint8_t *start = reader->at;
	struct span name = read_text(reader);

	if (reader->reason == NULL && check(name, NULL) != OK)
		fail(reader, start, reason);
	return name;
}

/* Also the id of a CloudEvent, which may be any UTF-8 without control characters. */
static enum status check_id(struct span id, struct error *err)
{
	if (id.size == 0)
		return OK;
	if (id.size > COMMAND_ID_MAX_BYTES)
		return ERROR(err, ERR_LIMIT, "over %d bytes", COMMAND_ID_MAX_BYTES);
	return name_check_key(id, err);
}

static enum status check_type_or_none(struct span type, struct error *err)
{
	return type.size == 0 ? OK : name_check_type(type, err);
}

static void read_command(struct reader *reader, struct frame_command *command)
{
	const uint8_t *start = reader->at;

	command->id = read_name(reader, check_id, "a command id that breaks the rules");
	command->type =
		read_name(reader, check_type_or_none, "a command type that breaks the rules");
	command->data = read_utf8(reader);
	command->metadata = read_utf8(reader);
	if (!has_command(command))
		fail(reader, start, "a command that is empty");
}

static void read_body(struct reader *reader, struct frame *frame)
{
	const uint8_t *start = reader->at;

	frame->body = read_utf8(reader);
	if (frame->body.size == 0)
		fail(reader, start, "a body that is empty");
}

static enum status read_events(struct reader *reader, struct arena *arena, struct frame *frame,
			       struct error *err)
{
	/* Memory is asked for only when the bytes that would fill it are there. */
	if (frame->event_count > left(reader) / EVENT_MIN_BYTES) {
		fail(reader, reader->at, "more events than there are bytes for");
		return OK;
	}
	if (frame->event_count == 0)
		return OK;
	frame->events = arena_alloc_array(arena, frame->event_count, sizeof(*frame->events));
	if (frame->events == NULL)
		return ERROR(err, ERR_NOMEM, "%zu events of a frame", frame->event_count);
	for (size_t i = 0; i < frame->event_count && reader->reason == NULL; i++) {
		struct frame_event *event = &frame->events[i];
		const uint8_t *id = read_bytes(reader, UUID_BYTES);

		if (id != NULL)
			memcpy(event->id.bytes, id, UUID_BYTES);
		event->type =
			read_name(reader, name_check_type, "an event type that breaks the rules");
		event->data = read_utf8(reader);
		event->metadata = read_utf8(reader);
	}
	return OK;
}

/* From behind the fixed part to the names. */
static void read_envelope(struct reader *reader, struct frame *frame)
{
	const uint8_t *start = reader->at;

	frame->number = read_varint(reader);
	if (frame->number == 0)
		fail(reader, start, "frame number 0");
	start = reader->at;
	frame->first_version = read_varint(reader);
	if (frame->first_version > UINT64_MAX - FRAME_EVENTS_MAX)
		fail(reader, start, "a version that is too large");
	uint64_t count = read_varint(reader);
	if (count > FRAME_EVENTS_MAX)
		fail(reader, start, "more events than a frame may have");
	else
		frame->event_count = (size_t)count;
	if (count != 0 && frame->first_version == 0)
		fail(reader, start, "events from version 0");
	frame->stream.category =
		read_name(reader, name_check_category, "a category that breaks the rules");
	frame->stream.key = read_name(reader, name_check_key, "a key that breaks the rules");
}

/* Version, kind and flags decide whether the rest can be read at all. */
static enum status read_fixed(struct span bytes, struct frame *frame, unsigned *ret_flags,
			      struct error *err)
{
	const uint8_t *at = (const uint8_t *)bytes.data;

	if (bytes.size < FIXED_BYTES)
		return ERROR(err, ERR_CORRUPT, "byte %zu: the frame ends within its first %d bytes",
			     bytes.size, FIXED_BYTES);
	if (bytes.size > FRAME_MAX_BYTES)
		return ERROR(err, ERR_CORRUPT, "byte %d: a frame has at most %d bytes, not %zu",
			     FRAME_MAX_BYTES, FRAME_MAX_BYTES, bytes.size);
	if (at[0] == 0 || at[1] == 0)
		return ERROR(err, ERR_CORRUPT,
			     "byte %d: neither an encoding version nor a kind is 0",
			     at[0] == 0 ? 0 : 1);
	if (at[0] != ENCODING_VERSION)
		return ERROR(err, ERR_UNSUPPORTED, "byte 0: frame encoding %u; this build reads %d",
			     at[0], ENCODING_VERSION);
	if (at[1] > FRAME_DEAD_LETTER)
		return ERROR(err, ERR_UNSUPPORTED,
			     "byte 1: frame kind %u; this build knows 1 to %d", at[1],
			     FRAME_DEAD_LETTER);
	*ret_flags = get_le16(at + 2);
	if ((*ret_flags & ~(unsigned)FLAGS_KNOWN) != 0)
		return ERROR(err, ERR_UNSUPPORTED,
			     "byte 2: frame flags 0x%04x; this build knows 0x%04x", *ret_flags,
			     (unsigned)FLAGS_KNOWN);
	frame->kind = (enum frame_kind)at[1];
	frame->time_us = get_le64(at + 4);
	return OK;
}

enum status frame_decode(struct span bytes, struct arena *arena, struct frame *ret,
			 struct error *err)
{
	struct frame frame = { 0 };
	unsigned flags = 0;
	enum status s = read_fixed(bytes, &frame, &flags, err);

	if (s != OK)
		return s;
	const uint8_t *begin = (const uint8_t *)bytes.data;
	struct reader reader = { .begin = begin,
				 .at = begin + FIXED_BYTES,
				 .end = begin + bytes.size };
	read_envelope(&reader, &frame);
	if ((flags & FLAG_COMPONENT) != 0) {
		const uint8_t *digest = read_bytes(&reader, SHA256_BYTES);

		if (digest != NULL)
			memcpy(frame.component.bytes, digest, SHA256_BYTES);
		frame.has_component = true;
	}
	if ((flags & FLAG_COMMAND) != 0)
		read_command(&reader, &frame.command);
	if ((flags & FLAG_BODY) != 0)
		read_body(&reader, &frame);
	s = read_events(&reader, arena, &frame, err);
	if (s != OK)
		return s;
	if (reader.at != reader.end)
		fail(&reader, reader.at, "bytes after the last event");
	if (reader.reason != NULL)
		return ERROR(err, ERR_CORRUPT, "byte %zu: %s", reader.failed_at, reader.reason);
	*ret = frame;
	return OK;
}
