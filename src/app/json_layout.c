/* SPDX-License-Identifier: Apache-2.0 */
/* json_layout.c - moves white space, nothing else. */
#include "app/json_layout.h"

#define DEPTH_MAX 64 /* deeper levels are indented no further */

/* How many bytes at `s` make up a character that must not reach a terminal; 0: it is harmless.
 * C0 and DEL; C1 (U+0080-U+009F: C2 80 - C2 9F), of which U+009B begins a control sequence; the marks
 * and overrides of direction U+200E, U+200F, U+202A-U+202E (E2 80 ..) and U+2066-U+2069 (E2 81 ..). */
static size_t harmful(struct span s)
{
	unsigned char a = (unsigned char)s.data[0];
	unsigned char b = s.size > 1 ? (unsigned char)s.data[1] : 0;
	unsigned char c = s.size > 2 ? (unsigned char)s.data[2] : 0;

	if (a < 0x20 || a == 0x7f)
		return 1;
	if (a == 0xC2 && b >= 0x80 && b <= 0x9F)
		return 2;
	if (a == 0xE2 && b == 0x80 && (c == 0x8E || c == 0x8F || (c >= 0xAA && c <= 0xAE)))
		return 3;
	if (a == 0xE2 && b == 0x81 && c >= 0xA6 && c <= 0xA9)
		return 3;
	return 0;
}

/* Appends the character at the beginning of `rest`, or what stands for it; its size. */
static size_t append_harmless(struct buf *buf, struct span rest)
{
	size_t size = harmful(rest);

	if (size == 0) {
		buf_append_byte(buf, rest.data[0]);
		return 1;
	}
	buf_append_byte(buf, rest.data[0] == '\n' || rest.data[0] == '\t' ? ' ' : '?');
	return size;
}

/* A string from its opening quote to its closing one; its size. */
static size_t append_string(struct buf *buf, struct span rest)
{
	size_t i = 1;

	buf_append_byte(buf, '"');
	while (i < rest.size) {
		char c = rest.data[i];

		i += append_harmless(buf, span_after(rest, i));
		if (c == '"')
			break;
		if (c == '\\' && i < rest.size)
			i += append_harmless(buf, span_after(rest, i));
	}
	return i;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void append_line(struct buf *buf, size_t depth)
{
	buf_append_byte(buf, '\n');
	for (size_t i = 0; i < depth && i < DEPTH_MAX; i++)
		buf_append_string(buf, "  ");
}

/* The next character that is not white space; '\0' at the end. */
static char next_token(struct span json, size_t at)
{
	while (at < json.size && is_space(json.data[at]))
		at++;
	return at < json.size ? json.data[at] : '\0';
}

static void lay_out(struct buf *buf, struct span json, bool indented)
{
	size_t depth = 0;

	for (size_t i = 0; i < json.size;) {
		char c = json.data[i];

		if (is_space(c)) {
			i++;
			continue;
		}
		if (c == '"') {
			i += append_string(buf, span_after(json, i));
			continue;
		}
		if ((c == '}' || c == ']') && depth > 0) {
			depth--;
			/* An empty one stays on its line. */
			if (indented && buf->size != 0 && buf->data[buf->size - 1] != '{' &&
			    buf->data[buf->size - 1] != '[')
				append_line(buf, depth);
		}
		i += append_harmless(buf, span_after(json, i));
		if (c == '{' || c == '[') {
			char next = next_token(json, i);

			depth++;
			if (indented && next != '}' && next != ']')
				append_line(buf, depth);
		} else if (c == ',' && indented) {
			append_line(buf, depth);
		} else if (c == ':' && indented) {
			buf_append_byte(buf, ' ');
		}
	}
}

void json_layout_compact(struct buf *buf, struct span json)
{
	lay_out(buf, json, false);
}

void json_layout_indented(struct buf *buf, struct span json)
{
	lay_out(buf, json, true);
}

void text_layout_harmless(struct buf *buf, struct span text)
{
	for (size_t i = 0; i < text.size;)
		i += append_harmless(buf, span_after(text, i));
}

static bool begins_character(char c)
{
	return ((unsigned char)c & 0xC0) != 0x80;
}

size_t text_layout_columns(struct span text)
{
	size_t columns = 0;

	for (size_t i = 0; i < text.size; i++)
		columns += begins_character(text.data[i]);
	return columns;
}

struct span text_layout_cut(struct span text, size_t columns, bool *ret_cut)
{
	size_t seen = 0, fits = 0;

	*ret_cut = false;
	for (size_t i = 0; i < text.size; i++) {
		if (!begins_character(text.data[i]))
			continue;
		/* Where the text would end if a mark had to follow. */
		if (seen + 1 == columns)
			fits = i;
		if (seen++ == columns) {
			*ret_cut = true;
			return span_of(text.data, fits);
		}
	}
	return text;
}
