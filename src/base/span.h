/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* span.h - borrowed bytes: a pointer and a size, never NUL-terminated, never freed.
 *
 * A span is a plain value. How long its bytes live is said where one is handed out. The empty span
 * may have a NULL pointer. */

struct span {
	const char *data;
	size_t size; /* bytes */
};

#define SPAN(literal) ((struct span){ .data = "" literal, .size = sizeof(literal) - 1 })
#define SPAN_EMPTY    ((struct span){ 0 })

/* For printf: `"%.*s", SPAN_ARG(s)`. Spans over 2 GiB are cut. */
#define SPAN_ARG(s) \
	((s).size > INT32_MAX ? INT32_MAX : (int)(s).size), ((s).data != NULL ? (s).data : "")

static inline struct span span_of(const void *data, size_t size)
{
	return (struct span){ .data = data, .size = size };
}

static inline struct span span_from_string(const char *string)
{
	return (struct span){ .data = string, .size = string != NULL ? strlen(string) : 0 };
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool span_equal_string(struct span a, const char *string)
{
	return span_equal(a, span_from_string(string));
}

static inline bool span_starts_with(struct span s, struct span prefix)
{
	return s.size >= prefix.size &&
	       (prefix.size == 0 || memcmp(s.data, prefix.data, prefix.size) == 0);
}

/* Bytewise order, the shorter first when one is the other's beginning: <0, 0, >0. */
static inline int span_compare(struct span a, struct span b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	int order = size != 0 ? memcmp(a.data, b.data, size) : 0;

	if (order != 0)
		return order;
	return a.size < b.size ? -1 : a.size > b.size;
}

/* From `offset` to the end; empty when `offset` is at or beyond the end. */
static inline struct span span_after(struct span s, size_t offset)
{
	if (offset >= s.size)
		return SPAN_EMPTY;
	return span_of(s.data + offset, s.size - offset);
}

/* Parses a whole span as a decimal number without sign, spaces or leading zeros ("0" itself is
 * fine). False, with *ret untouched, when it is anything else or over 2^64-1. */
bool span_parse_u64(struct span s, uint64_t *ret);

#endif
