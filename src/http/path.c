/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - percent-encoding (RFC 3986) of path segments and queries.
 *
 * A path is split before it is decoded, so that a %2F inside a key stays inside. What comes out is
 * UTF-8 without NUL: everything behind this point may rely on it. */
#include <string.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "http/server.h"

/* `what` and `number` name the place for the person who reads the error. */
static enum status decode(struct span s, bool plus_is_space, struct arena *arena, const char *what,
			  size_t number, struct span *ret, struct error *err)
{
	char *out = arena_alloc(arena, s.size + 1);
	size_t size = 0;
	struct span decoded;

	if (out == NULL)
		return ERROR(err, ERR_NOMEM, "decoding a request target");
	for (size_t i = 0; i < s.size; i++) {
		char c = s.data[i];

		if (c == '%') {
			int high = -1;
			int low = -1;

			if (s.size - i > 2) {
				high = hex_value(s.data[i + 1]);
				low = hex_value(s.data[i + 2]);
			}
			if (high < 0 || low < 0)
				return ERROR(err, ERR_INVALID,
					     "%s %zu has a '%%' without two hexadecimal digits",
					     what, number);
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		if (c == '\0')
			return ERROR(err, ERR_INVALID, "%s %zu holds a NUL", what, number);
		out[size++] = c;
	}
	out[size] = '\0';
	decoded = span_of(out, size);
	if (!utf8_is_valid(decoded))
		return ERROR(err, ERR_INVALID, "%s %zu is not UTF-8", what, number);
	*ret = decoded;
	return OK;
}

/* The part of `s` before the first `separator`; `*s` becomes what is after it. False at the end. */
static bool next_part(struct span *s, char separator, struct span *ret)
{
	const char *mark;

	if (s->data == NULL)
		return false;
	mark = s->size != 0 ? memchr(s->data, separator, s->size) : NULL;
	if (mark == NULL) {
		*ret = *s;
		*s = SPAN_EMPTY;
		return true;
	}
	*ret = span_of(s->data, (size_t)(mark - s->data));
	*s = span_of(mark + 1, s->size - ret->size - 1);
	return true;
}

enum status http_path_split(struct span path, struct arena *arena, struct span *segments,
			    size_t segments_max, size_t *ret_count, struct error *err)
{
	struct span rest;
	struct span part;
	size_t count = 0;
	enum status s;

	if (path.size == 0 || path.data[0] != '/')
		return ERROR(err, ERR_INVALID, "a path begins with '/'");
	rest = span_of(path.data + 1, path.size - 1);
	if (rest.size == 0) {
		*ret_count = 0;
		return OK;
	}
	while (next_part(&rest, '/', &part)) {
		if (count == segments_max)
			return ERROR(err, ERR_LIMIT, "a path has at most %zu segments",
				     segments_max);
		s = decode(part, /* plus_is_space= */ false, arena, "path segment", count + 1,
			   &segments[count], err);
		if (s != OK)
			return s;
		count++;
	}
	*ret_count = count;
	return OK;
}

enum status http_query_split(struct span query, struct arena *arena, struct http_header *pairs,
			     size_t pairs_max, size_t *ret_count, struct error *err)
{
	struct span rest = query;
	struct span part;
	size_t count = 0;
	enum status s;

	if (query.size == 0) {
		*ret_count = 0;
		return OK;
	}
	while (next_part(&rest, '&', &part)) {
		struct span value = part;
		struct span name;

		if (part.size == 0)
			continue;
		if (count == pairs_max)
			return ERROR(err, ERR_LIMIT, "a query has at most %zu parameters",
				     pairs_max);
		(void)next_part(&value, '=', &name); /* a part is never NULL */
		s = decode(name, /* plus_is_space= */ true, arena, "the name of query parameter",
			   count + 1, &pairs[count].name, err);
		if (s == OK)
			s = decode(value, /* plus_is_space= */ true, arena,
				   "the value of query parameter", count + 1, &pairs[count].value,
				   err);
		if (s != OK)
			return s;
		count++;
	}
	*ret_count = count;
	return OK;
}

void http_append_encoded(struct buf *buf, struct span s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.size; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    c == '-' || c == '.' || c == '_' || c == '~') {
			buf_append_byte(buf, (char)c);
		} else {
			char escape[3] = { '%', digits[c >> 4], digits[c & 15] };

			buf_append(buf, escape, sizeof(escape));
		}
	}
}
