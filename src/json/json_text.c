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

struct span json_member_text(struct span object, const char *member)
{
	struct span wanted = span_from_string(member);
	size_t at = skip_space(object, 0);

	if (at >= object.size || object.data[at] != '{')
		return SPAN_EMPTY;
	at = skip_space(object, at + 1);
	while (at < object.size && object.data[at] == '"') {
		size_t name = at + 1;
		size_t name_end = skip_string(object, at);
		/* Behind the colon; the name of an accepted text has its quotes. */
		size_t value = skip_space(object, skip_space(object, name_end) + 1);
		size_t value_end = skip_value(object, value);

		if (value >= value_end)
			return SPAN_EMPTY;
		if (name_end > name &&
		    is_named(span_of(object.data + name, name_end - 1 - name), wanted))
			return span_of(object.data + value, value_end - value);
		/* Behind the comma, or at the end. */
		at = skip_space(object, skip_space(object, value_end) + 1);
	}
	return SPAN_EMPTY;
}

bool json_next_element_text(struct span array, size_t *at, struct span *ret)
{
	size_t begin = *at;

	if (begin == 0) {
		begin = skip_space(array, 0);
		if (begin >= array.size || array.data[begin] != '[')
			return false;
		begin = skip_space(array, begin + 1);
	}
	size_t end = skip_value(array, begin);
	if (begin >= end)
		return false; /* `]`, or the end */
	*ret = span_of(array.data + begin, end - begin);
	/* Behind the comma. Behind the closing bracket nothing is left that could start a value. */
	end = skip_space(array, end);
	*at = end < array.size && array.data[end] == ',' ? skip_space(array, end + 1) : array.size;
	return true;
}
