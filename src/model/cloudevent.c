/* SPDX-License-Identifier: Apache-2.0 */
/* cloudevent.c - CloudEvents from outside: reading, checking, what is kept of them. */
#include "model/cloudevent.h"

#include <strings.h>

#include "base/utf8.h"
#include "model/metadata.h"
#include "model/timestamp.h"
#include "json/json.h"
#include "json/json_writer.h"

#define EXTENSIONS_ARENA_MAX_BYTES ((size_t)64 << 20)

/* Attributes that have a place of their own in struct cloudevent, or none at all. All others are
 * extensions. */
static bool is_core_attribute(struct span name)
{
	static const char *const core[] = {
		"specversion", "id",   "source",          "type",          "time",
		"subject",     "data", "datacontenttype", "correlationid", "traceparent"
	};

	for (size_t i = 0; i < ARRAY_COUNT(core); i++) {
		if (span_equal_string(name, core[i]))
			return true;
	}
	return false;
}

static enum status check_text(struct span text, const char *what, size_t max, struct error *err)
{
	if (text.size == 0)
		return ERROR(err, ERR_INVALID, "attribute '%s' is required and not empty", what);
	if (text.size > max)
		return ERROR(err, ERR_INVALID, "attribute '%s' has at most %zu bytes, not %zu",
			     what, max, text.size);
	if (!utf8_is_valid(text))
		return ERROR(err, ERR_INVALID, "attribute '%s' is UTF-8: byte %zu is not", what,
			     utf8_valid_prefix(text));
	if (!utf8_has_no_control(text))
		return ERROR(err, ERR_INVALID, "attribute '%s' has no control characters", what);
	return OK;
}

static enum status check_optional_text(struct span text, const char *what, size_t max,
				       struct error *err)
{
	return text.size == 0 ? OK : check_text(text, what, max, err);
}

static enum status check_attributes(const struct cloudevent *event, struct error *err)
{
	uint64_t time_us;
	enum status s = check_text(event->id, "id", COMMAND_ID_MAX_BYTES, err);

	if (s == OK)
		s = check_text(event->source, "source", KEY_MAX_BYTES, err);
	if (s == OK && event->type.size == 0)
		s = check_text(event->type, "type", TYPE_MAX_BYTES, err);
	if (s == OK) {
		s = name_check_type(event->type, err);
		if (s != OK)
			s = error_wrap(err, s, "attribute 'type'");
	}
	if (s == OK)
		s = check_optional_text(event->subject, "subject", CLOUDEVENT_SUBJECT_MAX_BYTES,
					err);
	if (s == OK)
		s = check_optional_text(event->correlation_id, "correlationid",
					METADATA_TEXT_MAX_BYTES, err);
	if (s == OK)
		s = check_optional_text(event->traceparent, "traceparent", METADATA_TEXT_MAX_BYTES,
					err);
	if (s == OK && event->time.size != 0 && !timestamp_parse(event->time, &time_us))
		s = ERROR(err, ERR_INVALID,
			  "attribute 'time' is RFC 3339 from 1970 on, as 2026-01-31T12:00:00Z");
	return s;
}

static enum status check_extension(struct span name, const struct json *value, struct error *err)
{
	int64_t integer;

	if (name.size == 0 || (name.size > CLOUDEVENT_EXTENSION_NAME_MAX_BYTES))
		return ERROR(err, ERR_INVALID,
			     "the name of an attribute has 1 to %d bytes, not %zu",
			     CLOUDEVENT_EXTENSION_NAME_MAX_BYTES, name.size);
	for (size_t i = 0; i < name.size; i++) {
		char c = name.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return ERROR(err, ERR_INVALID,
				     "the name of an attribute is made of lower-case letters and "
				     "digits: '%.*s'",
				     SPAN_ARG(span_of(name.data, i)));
	}
	switch (json_type(value)) {
	case JSON_STRING:
	case JSON_BOOL:
	case JSON_NULL:
		return OK;
	case JSON_NUMBER:
		if (json_i64(value, &integer) && integer >= INT32_MIN && integer <= INT32_MAX)
			return OK;
		return ERROR(err, ERR_INVALID, "attribute '%.*s': a number is a 32-bit integer",
			     SPAN_ARG(name));
	case JSON_MISSING:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return ERROR(err, ERR_INVALID, "attribute '%.*s' is a string, boolean or integer, not %s",
		     SPAN_ARG(name), json_type_name(json_type(value)));
}

enum status cloudevent_check(const struct cloudevent *event, struct error *err)
{
	enum status s = check_attributes(event, err);

	if (s != OK)
		return s;
	s = json_check(event->data, JSON_MISSING, err);
	if (s != OK)
		return error_wrap(err, s, "data");
	if (event->extensions.size == 0)
		return OK;
	OWNED(arena) struct arena *arena = arena_new(EXTENSIONS_ARENA_MAX_BYTES);
	const struct json *extensions;
	const struct json *value;
	struct span name;
	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "attributes of %zu bytes", event->extensions.size);
	s = json_parse(event->extensions, arena, &extensions, err);
	if (s != OK)
		return error_wrap(err, s, "extension attributes");
	if (json_type(extensions) != JSON_OBJECT)
		return ERROR(err, ERR_INVALID, "extension attributes are an object, not %s",
			     json_type_name(json_type(extensions)));
	struct json_iterator it = json_iterate(extensions);
	while (s == OK && json_next(&it, &name, &value)) {
		s = check_extension(name, value, err);
		if (s == OK && is_core_attribute(name))
			s = ERROR(err, ERR_INVALID, "attribute '%.*s' is no extension",
				  SPAN_ARG(name));
	}
	return s;
}

/* application/json, or anything/anything+json; parameters do not matter. */
static bool is_json_type(struct span type)
{
	static const char plain[] = "application/json";
	static const char suffix[] = "+json";
	size_t size = 0;

	while (size < type.size && type.data[size] != ';')
		size++;
	while (size > 0 && (type.data[size - 1] == ' ' || type.data[size - 1] == '\t'))
		size--;
	if (size == sizeof(plain) - 1)
		return strncasecmp(type.data, plain, size) == 0;
	return size > sizeof(suffix) - 1 && memchr(type.data, '/', size) != NULL &&
	       strncasecmp(type.data + size - (sizeof(suffix) - 1), suffix, sizeof(suffix) - 1) ==
		       0;
}

/* A missing attribute, or null, which means the same, is the empty span. */
static enum status get_text(const struct json *object, const char *name, struct span *ret,
			    struct error *err)
{
	const struct json *value = json_get(object, name);
	enum json_type type = json_type(value);

	if (type == JSON_MISSING || type == JSON_NULL) {
		*ret = SPAN_EMPTY;
		return OK;
	}
	if (type != JSON_STRING)
		return ERROR(err, ERR_INVALID, "attribute '%s' is a string, not %s", name,
			     json_type_name(type));
	*ret = json_string(value);
	if (ret->size == 0)
		return ERROR(err, ERR_INVALID, "attribute '%s' is empty", name);
	return OK;
}

static enum status get_texts(const struct json *object, struct cloudevent *event, struct error *err)
{
	const struct {
		const char *name;
		struct span *text;
	} texts[] = {
		{ "id", &event->id },
		{ "source", &event->source },
		{ "type", &event->type },
		{ "subject", &event->subject },
		{ "time", &event->time },
		{ "correlationid", &event->correlation_id },
		{ "traceparent", &event->traceparent },
	};
	enum status s = OK;

	for (size_t i = 0; i < ARRAY_COUNT(texts) && s == OK; i++)
		s = get_text(object, texts[i].name, texts[i].text, err);
	return s;
}

static enum status check_form(const struct json *object, struct error *err)
{
	struct span version;
	struct span content_type;
	enum status s = get_text(object, "specversion", &version, err);

	if (s == OK)
		s = get_text(object, "datacontenttype", &content_type, err);
	if (s != OK)
		return s;
	if (!span_equal_string(version, "1.0"))
		return ERROR(err, ERR_INVALID, "attribute 'specversion' must be \"1.0\"");
	if (content_type.size != 0 && !is_json_type(content_type))
		return ERROR(err, ERR_INVALID, "attribute 'datacontenttype' must be a JSON type");
	if (json_get(object, "data_base64") != NULL)
		return ERROR(err, ERR_INVALID, "data must be JSON: 'data_base64' is not taken");
	return OK;
}

/* Puts the attributes that have no place of their own into an object. */
static enum status collect_extensions(struct span text, const struct json *object,
				      struct arena *arena, struct span *ret, struct error *err)
{
	OWNED(buf) struct buf extensions = { 0 };
	struct json_writer writer;
	struct json_iterator it = json_iterate(object);
	const struct json *value;
	struct span name;
	struct span name_text;
	struct span value_text;
	size_t at = 0;
	size_t count = 0;

	json_writer_init(&writer, &extensions);
	/* Both walk the text in its order: one knows names, the other bytes. */
	while (json_next(&it, &name, &value) &&
	       json_next_member_text(text, &at, &name_text, &value_text)) {
		if (is_core_attribute(name))
			continue;
		enum status s = check_extension(name, value, err);
		if (s != OK)
			return s;
		if (json_type(value) == JSON_NULL)
			continue;
		if (count++ == 0)
			json_begin_object(&writer);
		json_key_span(&writer, name);
		json_write_raw(&writer, value_text);
	}
	if (count == 0)
		return OK;
	json_end_object(&writer);
	if (buf_status(&extensions) != OK)
		return ERROR(err, buf_status(&extensions), "%zu extension attributes", count);
	*ret = arena_copy(arena, buf_span(&extensions));
	if (ret->data == NULL)
		return ERROR(err, ERR_NOMEM, "%zu extension attributes", count);
	return OK;
}

enum status cloudevent_parse(struct span text, struct arena *arena, struct cloudevent *ret,
			     struct error *err)
{
	struct cloudevent event = { 0 };
	const struct json *object;
	enum status s = json_parse(text, arena, &object, err);

	if (s != OK)
		return s;
	if (json_type(object) != JSON_OBJECT)
		return ERROR(err, ERR_INVALID, "an event is an object, not %s",
			     json_type_name(json_type(object)));
	s = check_form(object, err);
	if (s == OK)
		s = get_texts(object, &event, err);
	if (s == OK)
		s = check_attributes(&event, err);
	if (s == OK)
		s = collect_extensions(text, object, arena, &event.extensions, err);
	if (s != OK)
		return s;
	event.data = json_member_text(text, "data");
	if (event.data.data == NULL)
		event.data = SPAN("null");
	*ret = event;
	return OK;
}

static void append_text(struct json_writer *writer, const char *name, struct span text)
{
	if (text.size != 0)
		json_member_string(writer, name, text);
}

void cloudevent_append_metadata(struct buf *buf, const struct cloudevent *event)
{
	struct json_writer writer;

	json_writer_init(&writer, buf);
	json_begin_object(&writer);
	json_member_string(&writer, "id", event->id);
	json_member_string(&writer, "source", event->source);
	append_text(&writer, "subject", event->subject);
	append_text(&writer, "time", event->time);
	if (event->extensions.size != 0)
		json_member_raw(&writer, "extensions", event->extensions);
	json_end_object(&writer);
}
