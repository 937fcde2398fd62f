/* SPDX-License-Identifier: Apache-2.0 */
/* cloudevent_write.c - a stored event as a CloudEvent.
 *
 * What was stored is spliced in as it is; only the metadata is parsed, to find its parts. */
#include "model/cloudevent.h"

#include "base/check.h"
#include "model/metadata.h"
#include "model/timestamp.h"
#include "json/json.h"
#include "json/json_writer.h"

/* The names that we write ourselves; an extension from outside does not come back under them. */
static bool is_ours(struct span name)
{
	static const char *const ours[] = {
		"stream",      "version",   "position",    "correlationid",
		"causationid", "commandid", "traceparent", "eventid",
		"specversion", "id",        "source",      "type",
		"subject",     "time",      "data",        "datacontenttype"
	};

	for (size_t i = 0; i < ARRAY_COUNT(ours); i++) {
		if (span_equal_string(name, ours[i]))
			return true;
	}
	return false;
}

/* Where an event comes from and how it belongs to others. */
struct origin {
	struct span id;
	struct span source;  /* empty: /<application>/<category> */
	struct span subject; /* empty: none */
	struct span time;    /* empty: the frame's */
	struct span extensions;
	struct metadata metadata;
};

static enum status read_outside(const struct frame_event *event, struct arena *arena,
				struct origin *origin, struct error *err)
{
	const struct json *stored;
	enum status s = json_parse(event->metadata, arena, &stored, err);

	if (s != OK)
		return error_wrap(err, s == ERR_INVALID ? ERR_CORRUPT : s,
				  "the stored attributes of an external event");
	origin->id = json_string(json_get(stored, "id"));
	origin->source = json_string(json_get(stored, "source"));
	origin->subject = json_string(json_get(stored, "subject"));
	origin->time = json_string(json_get(stored, "time"));
	if (json_type(json_get(stored, "extensions")) == JSON_OBJECT)
		origin->extensions = json_member_text(event->metadata, "extensions");
	if (origin->id.size == 0 || origin->source.size == 0)
		return ERROR(err, ERR_CORRUPT, "an external event is stored without id or source");
	return OK;
}

/* Of a direct append: a client's own metadata, in which only strings of these names mean something. */
static enum status read_own_metadata(const struct frame_event *event, struct arena *arena,
				     struct metadata *metadata, struct error *err)
{
	const struct json *own;
	enum status s = json_parse(event->metadata, arena, &own, err);

	if (s != OK)
		return error_wrap(err, s == ERR_INVALID ? ERR_CORRUPT : s,
				  "the stored metadata of an event");
	struct span correlation_id = json_string(json_get(own, "correlation_id"));
	struct span traceparent = json_string(json_get(own, "traceparent"));
	if (correlation_id.size != 0)
		metadata->correlation_id = correlation_id;
	if (traceparent.size != 0)
		metadata->traceparent = traceparent;
	return OK;
}

static enum status read_origin(const struct frame *frame, const struct frame_event *event,
			       struct arena *arena, struct origin *origin, struct error *err)
{
	enum status s = metadata_parse(frame->command.metadata, arena, &origin->metadata, err);

	if (s != OK)
		return s;
	if (span_equal_string(frame->stream.category, CATEGORY_EXTERNAL))
		return read_outside(event, arena, origin, err);
	origin->subject = frame->stream.key;
	if (frame->kind == FRAME_DECISION)
		origin->metadata.causation_id = frame->command.id;
	return event->metadata.size == 0 ? OK
					 : read_own_metadata(event, arena, &origin->metadata, err);
}

static void append_source(struct json_writer *writer, struct span application, struct span category)
{
	char text[NAME_MAX_BYTES + NAME_MAX_BYTES + 2];

	CHECK(application.size <= NAME_MAX_BYTES);
	CHECK(category.size <= NAME_MAX_BYTES);
	text[0] = '/';
	memcpy(text + 1, application.data, application.size);
	text[1 + application.size] = '/';
	memcpy(text + 2 + application.size, category.data, category.size);
	json_member_string(writer, "source", span_of(text, 2 + application.size + category.size));
}

static void append_stream(struct json_writer *writer, struct stream_name stream)
{
	char text[STREAM_NAME_MAX_BYTES];

	CHECK(stream.category.size <= NAME_MAX_BYTES);
	CHECK(stream.key.size <= KEY_MAX_BYTES);
	memcpy(text, stream.category.data, stream.category.size);
	text[stream.category.size] = '/';
	memcpy(text + stream.category.size + 1, stream.key.data, stream.key.size);
	json_member_string(writer, "stream",
			   span_of(text, stream.category.size + 1 + stream.key.size));
}

static void append_text(struct json_writer *writer, const char *name, struct span text)
{
	if (text.size != 0)
		json_member_string(writer, name, text);
}

static void append_extensions(struct json_writer *writer, struct span extensions)
{
	struct span name;
	struct span value;
	size_t at = 0;

	/* We wrote this object, and its names need no escapes. */
	while (json_next_member_text(extensions, &at, &name, &value)) {
		if (!is_ours(name))
			json_member_text_raw(writer, name, value);
	}
}

enum status cloudevent_append(struct buf *buf, struct span application, const struct frame *frame,
			      size_t index, struct arena *arena, struct error *err)
{
	struct origin origin = { 0 };
	struct json_writer writer;
	char id[UUID_TEXT_BYTES];
	char time[TIMESTAMP_TEXT_BYTES];

	CHECK(index < frame->event_count);
	const struct frame_event *event = &frame->events[index];
	enum status s = read_origin(frame, event, arena, &origin, err);
	if (s != OK)
		return s;
	uuid_format(&event->id, id);
	timestamp_format(frame->time_us, time);
	struct span our_id = span_of(id, sizeof(id) - 1);
	json_writer_init(&writer, buf);
	json_begin_object(&writer);
	json_member_cstring(&writer, "specversion", "1.0");
	json_member_string(&writer, "id", origin.id.size != 0 ? origin.id : our_id);
	if (origin.source.size != 0)
		json_member_string(&writer, "source", origin.source);
	else
		append_source(&writer, application, frame->stream.category);
	json_member_string(&writer, "type", event->type);
	append_text(&writer, "subject", origin.subject);
	json_member_string(&writer, "time",
			   origin.time.size != 0 ? origin.time : span_of(time, sizeof(time) - 1));
	json_member_cstring(&writer, "datacontenttype", "application/json");
	append_stream(&writer, frame->stream);
	json_member_u64_string(&writer, "version", frame->first_version + index);
	json_member_u64_string(&writer, "position", position_of(frame->sequence, (unsigned)index));
	append_text(&writer, "correlationid", origin.metadata.correlation_id);
	append_text(&writer, "causationid", origin.metadata.causation_id);
	if (frame->kind == FRAME_DECISION)
		append_text(&writer, "commandid", frame->command.id);
	append_text(&writer, "traceparent", origin.metadata.traceparent);
	if (origin.id.size != 0)
		json_member_string(&writer, "eventid", our_id);
	append_extensions(&writer, origin.extensions);
	json_member_raw(&writer, "data", event->data);
	json_end_object(&writer);
	if (buf_status(buf) != OK)
		return ERROR(err, buf_status(buf), "an event as a CloudEvent");
	return OK;
}
