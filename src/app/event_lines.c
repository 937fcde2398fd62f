/* SPDX-License-Identifier: Apache-2.0 */
/* event_lines.c - lines and server-sent events, from pieces.
 *
 * Of server-sent events, what our server writes and a proxy may change is read: `id` and `data` (several
 * are joined by a line break), comments, LF and CRLF. */
#include "app/event_lines.h"

void event_lines_fini(struct event_lines *lines)
{
	buf_fini(&lines->partial);
	buf_fini(&lines->data);
}

static enum status event_end(struct event_lines *lines, struct error *err)
{
	enum status s = OK;

	if (lines->data.size != 0)
		s = lines->take(buf_span(&lines->data), lines->arg, err);
	buf_clear(&lines->data);
	return s;
}

static struct span field_value(struct span line, size_t name_size)
{
	struct span value = span_after(line, name_size);

	return value.size != 0 && value.data[0] == ' ' ? span_after(value, 1) : value;
}

static enum status server_sent_line(struct event_lines *lines, struct span line, struct error *err)
{
	if (line.size == 0)
		return event_end(lines, err);
	if (span_starts_with(line, SPAN("id:"))) {
		lines->has_id |= span_parse_u64(field_value(line, 3), &lines->last_id);
	} else if (span_starts_with(line, SPAN("data:"))) {
		if (lines->data.size != 0)
			buf_append_byte(&lines->data, '\n');
		buf_append_span(&lines->data, field_value(line, 5));
		if (buf_status(&lines->data) != OK)
			return ERROR(err, buf_status(&lines->data), "no memory for an event");
	}
	return OK;
}

static enum status line_take(struct event_lines *lines, struct span line, struct error *err)
{
	if (line.size != 0 && line.data[line.size - 1] == '\r')
		line.size--;
	if (lines->server_sent)
		return server_sent_line(lines, line, err);
	return line.size != 0 ? lines->take(line, lines->arg, err) : OK;
}

enum status event_lines_take(struct event_lines *lines, struct span piece, struct error *err)
{
	lines->partial.max_bytes = EVENT_LINE_MAX_BYTES;
	lines->data.max_bytes = EVENT_LINE_MAX_BYTES;
	while (piece.size != 0) {
		const char *newline = memchr(piece.data, '\n', piece.size);
		size_t size = newline != NULL ? (size_t)(newline - piece.data) : piece.size;
		struct span line = span_of(piece.data, size);
		enum status s;

		if (newline == NULL || lines->partial.size != 0) {
			buf_append_span(&lines->partial, line);
			if (buf_status(&lines->partial) == ERR_LIMIT)
				return ERROR(err, ERR_LIMIT, "an event is larger than %zu bytes",
					     EVENT_LINE_MAX_BYTES);
			if (buf_status(&lines->partial) != OK)
				return ERROR(err, ERR_NOMEM, "no memory for an event");
			line = buf_span(&lines->partial);
		}
		if (newline == NULL)
			return OK;
		s = line_take(lines, line, err);
		if (s != OK)
			return s;
		buf_clear(&lines->partial);
		piece = span_after(piece, size + 1);
	}
	return OK;
}

enum status event_lines_end(struct event_lines *lines, struct error *err)
{
	enum status s = OK;

	/* A server-sent event counts only when its empty line has come. */
	if (!lines->server_sent && lines->partial.size != 0)
		s = line_take(lines, buf_span(&lines->partial), err);
	buf_clear(&lines->partial);
	buf_clear(&lines->data);
	return s;
}
