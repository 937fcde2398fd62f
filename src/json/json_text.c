/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.c - finds the parts of a text that was accepted, as the bytes that were received.
 *
 * Nothing is validated again; every step is bounded by the text's end, so that a text which was
 * not accepted gives a wrong answer and no more. */
#include "json/json.h"

static size_t skip_space(struct span text, size_t at)
{
	while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t' ||
				  text.data[at] == '\n' || text.data[at] == '\r'))
		at++;
	return at;
}

/* From the opening quote to behind the closing one. */
static size_t skip_string(struct span text, size_t at)
{
	for (at++; at < text.size; at++) {
		if (text.data[at] == '"')
			return at + 1;
		if (text.data[at] == '\\')
			at++;
	}
	return text.size;
}

static size_t skip_container(struct span text, size_t at)
{
	size_t depth = 0;

	while (at < text.size) {
		char c = text.data[at];

		if (c == '"') {
			at = skip_string(text, at);
			continue;
		}
		at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return at;
	}
	return text.size;
}

/* `at` is where the value starts; behind its last byte. */
static size_t skip_value(struct span text, size_t at)
{
	if (at >= text.size)
		return text.size;
	if (text.data[at] == '"')
		return skip_string(text, at);
	if (text.data[at] == '{' || text.data[at] == '[')
		return skip_container(text, at);
	while (at < text.size && text.data[at] != ',' && text.data[at] != '}' &&
	       text.data[at] != ']' && skip_space(text, at) == at)
		at++;
	return at;
}

/* The ASCII character that an escape stands for, -1 for others; *at moves behind it. */
static int read_escape(struct span name, size_t *at)
{
	char c = *at < name.size ? name.data[*at] : '\0';
	unsigned code = 0;

	*at += 1;
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'u':
		break;
	default:
		return (unsigned char)c;
	}
	for (int i = 0; i < 4; i++, *at += 1) {
		unsigned digit = *at < name.size ? (unsigned char)name.data[*at] : 0;

		code = code << 4 | ((digit & 0xF) + (digit >= 'A' ? 9 : 0));
	}
	return code < 0x80 ? (int)code : -1;
}

/* Is the name, as it stands between the quotes, this one? Clients may escape what need not be. */
static bool is_named(struct span name, struct span member)
{
	size_t matched = 0;

	if (name.size < member.size)
		return false;
	for (size_t at = 0; at < name.size; matched++) {
		int c = (unsigned char)name.data[at++];

		if (c == '\\')
			c = read_escape(name, &at);
		if (matched == member.size || c != (unsigned char)member.data[matched])
			return false;
	}
	return matched == member.size;
}

/* Behind the bracket that `at` = 0 stands before; text.size when it is another. */
static size_t enter(struct span text, size_t at, char bracket)
{
	if (at != 0)
		return at;
	at = skip_space(text, 0);
	if (at >= text.size || text.data[at] != bracket)
		return text.size;
	return skip_space(text, at + 1);
}

/* Behind the comma that follows `at`; after the last part nothing is left to start another. */
static size_t skip_comma(struct span text, size_t at)
{
	at = skip_space(text, at);
	return at < text.size && text.data[at] == ',' ? skip_space(text, at + 1) : text.size;
}

bool json_next_member_text(struct span object, size_t *at, struct span *ret_name,
			   struct span *ret_value)
{
	size_t begin = enter(object, *at, '{');

	if (begin >= object.size || object.data[begin] != '"')
		return false;
	size_t name_end = skip_string(object, begin);
	size_t value = skip_space(object, skip_space(object, name_end) + 1); /* behind the colon */
	size_t value_end = skip_value(object, value);
	if (value >= value_end)
		return false;
	/* The quotes are there: a string that runs into the end of the text has no value behind it. */
	*ret_name = span_of(object.data + begin + 1, name_end - begin - 2);
	*ret_value = span_of(object.data + value, value_end - value);
	*at = skip_comma(object, value_end);
	return true;
}

struct span json_member_text(struct span object, const char *member)
{
	struct span wanted = span_from_string(member);
	struct span name;
	struct span value;
	size_t at = 0;

	while (json_next_member_text(object, &at, &name, &value)) {
		if (is_named(name, wanted))
			return value;
	}
	return SPAN_EMPTY;
}

bool json_next_element_text(struct span array, size_t *at, struct span *ret)
{
	size_t begin = enter(array, *at, '[');
	size_t end = skip_value(array, begin);

	if (begin >= end)
		return false; /* `]`, or the end */
	*ret = span_of(array.data + begin, end - begin);
	*at = skip_comma(array, end);
	return true;
}
