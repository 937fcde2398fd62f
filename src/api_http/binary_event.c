/* SPDX-License-Identifier: Apache-2.0 */
/* binary_event.c - ce- headers and a body as a CloudEvent. */
#include "api_http/binary_event.h"

#include <strings.h>

#include "base/utf8.h"

#define PREFIX_BYTES (sizeof("ce-") - 1)

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Takes the quotes off, if it has some, and one round of percent escapes out. */
static enum status decode(struct span value, struct span name, struct arena *arena,
			  struct span *ret, struct error *err)
{
	char *out = arena_alloc(arena, value.size + 1);
	bool quoted = value.size >= 2 && value.data[0] == '"' && value.data[value.size - 1] == '"';
	size_t end = quoted ? value.size - 1 : value.size;
	size_t size = 0;

	if (out == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for attribute '%.*s'", SPAN_ARG(name));
	for (size_t i = quoted ? 1 : 0; i < end; i++) {
		char c = value.data[i];

		if (quoted && c == '\\' && i + 1 < end) {
			c = value.data[++i];
		} else if (c == '%') {
			int high = end - i > 2 ? hex_digit(value.data[i + 1]) : -1;
			int low = end - i > 2 ? hex_digit(value.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return ERROR(err, ERR_INVALID,
					     "attribute '%.*s' has a '%%' without two hexadecimal "
					     "digits (a '%%' itself is sent as %%25)",
					     SPAN_ARG(name));
			c = (char)(high * 16 + low);
			i += 2;
		}
		out[size++] = c;
	}
	*ret = span_of(out, size);
	if (!utf8_is_valid(*ret))
		return ERROR(err, ERR_INVALID, "attribute '%.*s' is not UTF-8", SPAN_ARG(name));
	return OK;
}

/* Where the attribute belongs; NULL: among the extensions. */
static struct span *place_of(struct cloudevent *event, struct span *version, struct span name)
{
	const struct {
		const char *name;
		struct span *place;
	} places[] = {
		{ "specversion", version },
		{ "id", &event->id },
		{ "source", &event->source },
		{ "type", &event->type },
		{ "subject", &event->subject },
		{ "time", &event->time },
		{ "correlationid", &event->correlation_id },
		{ "traceparent", &event->traceparent },
	};

	for (size_t i = 0; i < ARRAY_COUNT(places); i++)
		if (span_equal_string(name, places[i].name))
			return places[i].place;
	return NULL;
}

/* The attribute that the header carries, in lower case; .data NULL when it carries none. */
static enum status attribute_of(const struct http_header *header, struct arena *arena,
				struct span *ret, struct error *err)
{
	struct span name = header->name;

	*ret = SPAN_EMPTY;
	if (name.size < PREFIX_BYTES || strncasecmp(name.data, "ce-", PREFIX_BYTES) != 0)
		return OK;
	size_t size = name.size - PREFIX_BYTES;
	char *lower = arena_alloc(arena, size + 1);
	if (lower == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for the name of an attribute");
	for (size_t i = 0; i < size; i++) {
		char c = name.data[PREFIX_BYTES + i];

		lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	*ret = span_of(lower, size);
	return OK;
}

static enum status read_headers(struct call *call, struct cloudevent *event, struct span *version,
				struct json_writer *extensions, size_t *ret_extensions,
				struct error *err)
{
	size_t count;
	const struct http_header *headers = http_request_headers(call->request, &count);

	for (size_t i = 0; i < count; i++) {
		struct span name;
		struct span value = SPAN_EMPTY;

		enum status s = attribute_of(&headers[i], call->arena, &name, err);
		if (s == OK && name.data != NULL)
			s = decode(headers[i].value, name, call->arena, &value, err);
		if (s != OK)
			return s;
		if (name.data == NULL)
			continue;
		struct span *place = place_of(event, version, name);
		if (place == NULL) {
			/* One that is there twice is a duplicate member, which the check finds. */
			json_key_span(extensions, name);
			json_write_string(extensions, value);
			++*ret_extensions;
			continue;
		}
		if (place->data != NULL)
			return ERROR(err, ERR_INVALID, "attribute '%.*s' is given twice",
				     SPAN_ARG(name));
		if (value.size == 0)
			return ERROR(err, ERR_INVALID, "attribute '%.*s' is empty", SPAN_ARG(name));
		*place = value;
	}
	return OK;
}

enum status binary_event_read(struct call *call, struct cloudevent *ret, struct error *err)
{
	struct span body = http_request_body(call->request);
	OWNED(buf) struct buf text = { 0 };
	struct cloudevent event = { 0 };
	struct json_writer writer;
	struct span version = SPAN_EMPTY;
	size_t extension_count = 0;

	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	enum status s = read_headers(call, &event, &version, &writer, &extension_count, err);
	if (s != OK)
		return s;
	json_end_object(&writer);
	if (!span_equal(version, SPAN("1.0")))
		return ERROR(err, ERR_INVALID, "attribute 'specversion' must be 1.0, not '%.*s'",
			     SPAN_ARG(version));
	if (extension_count != 0) {
		event.extensions = arena_copy(call->arena, buf_span(&text));
		if (buf_status(&text) != OK || event.extensions.data == NULL)
			return ERROR(err, ERR_NOMEM, "no memory for %zu attributes",
				     extension_count);
	}
	event.data = body.size != 0 ? body : SPAN("null");
	s = cloudevent_check(&event, err);
	if (s == OK)
		*ret = event;
	return s;
}
