/* SPDX-License-Identifier: Apache-2.0 */
/* url.c - the urls that requests may begin with, in the one form that can be compared safely.
 *
 * What is allowed is compared with what is asked for as text. So a url has to be written as clients
 * send it: no user, no query, no fragment, no dot segments, no escapes that mean the same as a plain
 * character. Whoever sends requests normalises them the same way before comparing. */
#include "manifest/internal.h"

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static bool is_path_char(char c)
{
	/* Unreserved, sub-delimiters, ':', '@' and '/' of RFC 3986, without '%'. */
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~!$&'()*+,;=:@/", c) != NULL);
}

static bool is_address6_char(char c)
{
	return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9') || c == ':' || c == '.';
}

/* The size of the host at the beginning of `rest`, brackets included; 0 when it is none. */
static size_t host_size(struct span rest)
{
	size_t size = 0;

	if (rest.size != 0 && rest.data[0] == '[') {
		for (size = 1; size < rest.size && is_address6_char(rest.data[size]); size++)
			;
		return size > 2 && size < rest.size && rest.data[size] == ']' ? size + 1 : 0;
	}
	while (size < rest.size && is_host_char(rest.data[size]))
		size++;
	return size;
}

static bool has_dot_segment(struct span path)
{
	for (size_t start = 1; start <= path.size;) {
		size_t end = start;

		while (end < path.size && path.data[end] != '/')
			end++;
		if (span_equal_string(span_of(path.data + start, end - start), ".") ||
		    span_equal_string(span_of(path.data + start, end - start), ".."))
			return true;
		start = end + 1;
	}
	return false;
}

enum status url_check_base(struct span url, struct error *err)
{
	struct span rest;
	size_t size;

	if (span_starts_with(url, SPAN("https://")))
		rest = span_after(url, 8);
	else if (span_starts_with(url, SPAN("http://")))
		rest = span_after(url, 7);
	else
		return ERROR(err, ERR_INVALID, "it must begin with https:// or http://");

	size = host_size(rest);
	if (size == 0)
		return ERROR(err, ERR_INVALID,
			     "it needs a host in small letters, like "
			     "https://api.example.org/");
	rest = span_after(rest, size);
	if (rest.size != 0 && rest.data[0] == ':') {
		uint64_t port;

		for (size = 1; size < rest.size && rest.data[size] != '/'; size++)
			;
		if (!span_parse_u64(span_of(rest.data + 1, size - 1), &port) || port < 1 ||
		    port > UINT16_MAX)
			return ERROR(err, ERR_INVALID, "its port must be a number from 1 to 65535");
		rest = span_after(rest, size);
	}
	if (rest.size == 0)
		return ERROR(err, ERR_INVALID, "it needs a path: write '%.*s/' for the whole host",
			     SPAN_ARG(url));
	if (rest.data[0] != '/')
		return ERROR(err, ERR_INVALID,
			     "its host holds '%c': only small letters, digits, '-' "
			     "and '.' may stand there",
			     rest.data[0] >= 0x20 && rest.data[0] < 0x7f ? rest.data[0] : '?');
	for (size_t i = 0; i < rest.size; i++) {
		if (!is_path_char(rest.data[i]))
			return ERROR(err, ERR_INVALID,
				     "its path must be plain: no '?', '#', '%%', "
				     "spaces or wildcards");
	}
	if (has_dot_segment(rest))
		return ERROR(err, ERR_INVALID, "its path must not hold '.' or '..'");
	return OK;
}

bool url_covers(struct span base, struct span url)
{
	if (!span_starts_with(url, base))
		return false;
	return url.size == base.size || base.data[base.size - 1] == '/' ||
	       url.data[base.size] == '/';
}
