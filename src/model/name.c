/* SPDX-License-Identifier: Apache-2.0 */
/* name.c - the rules for names, each with a message that says which rule was broken. */
#include "model/name.h"

#include "base/utf8.h"

#define SHOWN_MAX_BYTES 64

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The part of a text that a message can show: printable ASCII, and not much of it. */
static struct span shown(struct span text)
{
	size_t size = 0;

	while (size < text.size && size < SHOWN_MAX_BYTES && text.data[size] >= 0x20 &&
	       text.data[size] < 0x7F)
		size++;
	return span_of(text.data, size);
}

static enum status check_size(struct span text, const char *what, size_t max, struct error *err)
{
	if (text.size == 0)
		return ERROR(err, ERR_INVALID, "%s is empty", what);
	if (text.size > max)
		return ERROR(err, ERR_INVALID, "%s has at most %zu bytes, not %zu", what, max,
			     text.size);
	return OK;
}

/* [a-z][a-z0-9_]* */
static enum status check_snake_case(struct span text, const char *what, size_t max,
				    struct error *err)
{
	enum status s = check_size(text, what, max, err);

	if (s != OK)
		return s;
	if (!is_lower(text.data[0]))
		return ERROR(err, ERR_INVALID, "%s begins with a lower-case letter: '%.*s'", what,
			     SPAN_ARG(shown(text)));
	for (size_t i = 1; i < text.size; i++) {
		char c = text.data[i];

		if (!is_lower(c) && !is_digit(c) && c != '_')
			return ERROR(err, ERR_INVALID,
				     "%s is made of lower-case letters, digits and '_': '%.*s'",
				     what, SPAN_ARG(shown(text)));
	}
	return OK;
}

enum status name_check_component(struct span name, struct error *err)
{
	enum status s = check_snake_case(name, "a name", NAME_MAX_BYTES, err);

	if (s != OK)
		return s;
	if (span_equal_string(name, CATEGORY_EXTERNAL))
		return ERROR(err, ERR_INVALID,
			     "the name '" CATEGORY_EXTERNAL "' is reserved for external events");
	return OK;
}

enum status name_check_category(struct span name, struct error *err)
{
	return check_snake_case(name, "a category", NAME_MAX_BYTES, err);
}

enum status name_check_type(struct span type, struct error *err)
{
	enum status s = check_size(type, "a type", TYPE_MAX_BYTES, err);

	if (s != OK)
		return s;
	if (!is_lower(type.data[0]) && !is_upper(type.data[0]))
		return ERROR(err, ERR_INVALID, "a type begins with a letter: '%.*s'",
			     SPAN_ARG(shown(type)));
	for (size_t i = 1; i < type.size; i++) {
		char c = type.data[i];

		if (!is_lower(c) && !is_upper(c) && !is_digit(c) && c != '_' && c != '.' &&
		    c != '-')
			return ERROR(err, ERR_INVALID,
				     "a type is made of letters, digits, '_', '.' and '-': '%.*s'",
				     SPAN_ARG(shown(type)));
	}
	return OK;
}

enum status name_check_key(struct span key, struct error *err)
{
	enum status s = check_size(key, "a key", KEY_MAX_BYTES, err);

	if (s != OK)
		return s;
	if (!utf8_is_valid(key))
		return ERROR(err, ERR_INVALID, "a key is UTF-8: byte %zu is not",
			     utf8_valid_prefix(key));
	if (!utf8_has_no_control(key))
		return ERROR(err, ERR_INVALID, "a key has no control characters");
	return OK;
}

enum status name_check_command_id(struct span id, struct error *err)
{
	enum status s = check_size(id, "a command id", COMMAND_ID_MAX_BYTES, err);

	if (s != OK)
		return s;
	for (size_t i = 0; i < id.size; i++) {
		if (id.data[i] <= ' ' || id.data[i] >= 0x7F)
			return ERROR(err, ERR_INVALID,
				     "a command id is printable ASCII without spaces: byte %zu is "
				     "not",
				     i);
	}
	return OK;
}

enum status name_check_code(struct span code, struct error *err)
{
	return check_snake_case(code, "a rejection code", CODE_MAX_BYTES, err);
}

/* The snake-case form, one character at a time: an underscore is due before a capital. */
struct snake_reader {
	struct span type;
	size_t at;
	bool underscore_given; /* for the capital at `at` */
};

static int snake_next(struct snake_reader *reader)
{
	if (reader->at == reader->type.size)
		return -1;
	char c = reader->type.data[reader->at];
	if (is_upper(c)) {
		if (reader->at != 0 && !reader->underscore_given) {
			reader->underscore_given = true;
			return '_';
		}
		c = (char)(c - 'A' + 'a');
	}
	reader->underscore_given = false;
	reader->at++;
	return (unsigned char)c;
}

bool type_matches(struct span a, struct span b)
{
	struct snake_reader left = { .type = a };
	struct snake_reader right = { .type = b };
	int c;

	if (span_equal(a, b))
		return true;
	do {
		c = snake_next(&left);
		if (c != snake_next(&right))
			return false;
	} while (c != -1);
	return true;
}

void type_append_snake_case(struct buf *buf, struct span type)
{
	struct snake_reader reader = { .type = type };

	for (int c = snake_next(&reader); c != -1; c = snake_next(&reader))
		buf_append_byte(buf, (char)c);
}

bool stream_name_equal(struct stream_name a, struct stream_name b)
{
	return span_equal(a.category, b.category) && span_equal(a.key, b.key);
}

void stream_name_append(struct buf *buf, struct stream_name name)
{
	buf_append_span(buf, name.category);
	buf_append_byte(buf, '/');
	buf_append_span(buf, name.key);
}

enum status stream_name_parse(struct span text, struct stream_name *ret, struct error *err)
{
	const char *slash = text.size != 0 ? memchr(text.data, '/', text.size) : NULL;

	if (slash == NULL)
		return ERROR(err, ERR_INVALID, "a stream is named category/key, not '%.*s'",
			     SPAN_ARG(shown(text)));
	size_t category_size = (size_t)(slash - text.data);
	struct stream_name name = { .category = span_of(text.data, category_size),
				    .key = span_after(text, category_size + 1) };
	enum status s = name_check_category(name.category, err);
	if (s == OK)
		s = name_check_key(name.key, err);
	if (s == OK)
		*ret = name;
	return s;
}
