/* SPDX-License-Identifier: Apache-2.0 */
/* json_writer.c - JSON into a buf.
 *
 * Strings are written in runs: eight bytes at a time are looked at for anything that needs an
 * escape, and what lies between two escapes is appended at once. Most strings have none. */
#include "json/json_writer.h"

#include "base/check.h"
#include "json/internal.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

void json_writer_init(struct json_writer *writer, struct buf *out)
{
	*writer = (struct json_writer){ .out = out };
}

/* Before any value: a comma, if one stands here already. */
static void begin_value(struct json_writer *writer)
{
	if (writer->after_key) {
		writer->after_key = false;
		return;
	}
	if (writer->has_value[writer->depth])
		buf_append_byte(writer->out, ',');
	writer->has_value[writer->depth] = true;
}

static void begin_container(struct json_writer *writer, char bracket)
{
	begin_value(writer);
	CHECK(writer->depth < JSON_WRITER_DEPTH_MAX);
	writer->has_value[++writer->depth] = false;
	buf_append_byte(writer->out, bracket);
}

static void end_container(struct json_writer *writer, char bracket)
{
	CHECK(writer->depth > 0);
	CHECK(!writer->after_key);
	writer->depth--;
	buf_append_byte(writer->out, bracket);
}

void json_begin_object(struct json_writer *writer)
{
	begin_container(writer, '{');
}

void json_end_object(struct json_writer *writer)
{
	end_container(writer, '}');
}

void json_begin_array(struct json_writer *writer)
{
	begin_container(writer, '[');
}

void json_end_array(struct json_writer *writer)
{
	end_container(writer, ']');
}

static bool needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* How many bytes from the front need no escape. */
static size_t plain_size(struct span s)
{
	size_t at = 0;
	uint64_t word;

	for (; s.size - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, s.data + at, sizeof(word));
		/* A byte's top bit in `hits` is set where the byte is below 0x20, a quote or a
		 * backslash (x - 1 borrows from the top bit only if x is 0). A borrow can mark a byte
		 * above a real hit as well, never without one: the loop below looks again. */
		uint64_t quote = word ^ EACH_BYTE(0x22);
		uint64_t backslash = word ^ EACH_BYTE(0x5C);
		uint64_t hits = ((word - EACH_BYTE(0x20)) & ~word) |
				((quote - EACH_BYTE(1)) & ~quote) |
				((backslash - EACH_BYTE(1)) & ~backslash);

		if ((hits & EACH_BYTE(0x80)) != 0)
			break;
	}
	while (at < s.size && !needs_escape((unsigned char)s.data[at]))
		at++;
	return at;
}

static void append_escape(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 0xF] };

	switch (c) {
	case '"':
	case '\\':
		text[1] = (char)c;
		break;
	case '\b':
		text[1] = 'b';
		break;
	case '\f':
		text[1] = 'f';
		break;
	case '\n':
		text[1] = 'n';
		break;
	case '\r':
		text[1] = 'r';
		break;
	case '\t':
		text[1] = 't';
		break;
	default:
		break;
	}
	buf_append(out, text, text[1] == 'u' ? 6 : 2);
}

static void append_quoted(struct buf *out, struct span s)
{
	buf_append_byte(out, '"');
	for (;;) {
		size_t plain = plain_size(s);

		if (plain != 0)
			buf_append(out, s.data, plain);
		if (plain == s.size)
			break;
		CHECK_DEBUG(s.data != NULL); /* plain < s.size */
		append_escape(out, (unsigned char)s.data[plain]);
		s = span_after(s, plain + 1);
	}
	buf_append_byte(out, '"');
}

void json_key_span(struct json_writer *writer, struct span key)
{
	CHECK(writer->depth > 0);
	CHECK(!writer->after_key);
	begin_value(writer);
	append_quoted(writer->out, key);
	buf_append_byte(writer->out, ':');
	writer->after_key = true;
}

static void write_key_raw(struct json_writer *writer, struct span key)
{
	CHECK(writer->depth > 0);
	CHECK(!writer->after_key);
	begin_value(writer);
	buf_append_byte(writer->out, '"');
	buf_append_span(writer->out, key);
	buf_append(writer->out, "\":", 2);
	writer->after_key = true;
}

void json_key(struct json_writer *writer, const char *key)
{
	write_key_raw(writer, span_from_string(key));
}

void json_write_string(struct json_writer *writer, struct span value)
{
	begin_value(writer);
	append_quoted(writer->out, value);
}

void json_write_u64(struct json_writer *writer, uint64_t value)
{
	begin_value(writer);
	buf_append_u64(writer->out, value);
}

void json_write_i64(struct json_writer *writer, int64_t value)
{
	begin_value(writer);
	buf_append_i64(writer->out, value);
}

void json_write_double(struct json_writer *writer, double value)
{
	char memory[256]; /* yyjson's pool and the 40 bytes that it wants for a number */
	yyjson_alc alc;
	yyjson_val number = { 0 };
	size_t size = 0;

	if (!__builtin_isfinite(value)) {
		json_write_null(writer);
		return;
	}
	CHECK(yyjson_alc_pool_init(&alc, memory, sizeof(memory)));
	unsafe_yyjson_set_real(&number, value);
	const char *text = yyjson_val_write_opts(&number, YYJSON_WRITE_NOFLAG, &alc, &size, NULL);
	CHECK(text != NULL);
	json_write_raw(writer, span_of(text, size));
}

void json_write_bool(struct json_writer *writer, bool value)
{
	begin_value(writer);
	buf_append_string(writer->out, value ? "true" : "false");
}

void json_write_null(struct json_writer *writer)
{
	begin_value(writer);
	buf_append(writer->out, "null", 4);
}

void json_write_raw(struct json_writer *writer, struct span json)
{
	if (json.size == 0) {
		json_write_null(writer);
		return;
	}
	begin_value(writer);
	buf_append_span(writer->out, json);
}

void json_member_string(struct json_writer *writer, const char *key, struct span value)
{
	json_key(writer, key);
	json_write_string(writer, value);
}

void json_member_cstring(struct json_writer *writer, const char *key, const char *value)
{
	json_member_string(writer, key, span_from_string(value));
}

void json_member_u64(struct json_writer *writer, const char *key, uint64_t value)
{
	json_key(writer, key);
	json_write_u64(writer, value);
}

void json_member_bool(struct json_writer *writer, const char *key, bool value)
{
	json_key(writer, key);
	json_write_bool(writer, value);
}

void json_member_raw(struct json_writer *writer, const char *key, struct span json)
{
	json_key(writer, key);
	json_write_raw(writer, json);
}

void json_member_text_raw(struct json_writer *writer, struct span key_text, struct span json)
{
	write_key_raw(writer, key_text);
	json_write_raw(writer, json);
}

void json_member_u64_string(struct json_writer *writer, const char *key, uint64_t value)
{
	json_key(writer, key);
	begin_value(writer);
	buf_append_byte(writer->out, '"');
	buf_append_u64(writer->out, value);
	buf_append_byte(writer->out, '"');
}
