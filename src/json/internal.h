/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_INTERNAL_H
#define JSON_INTERNAL_H

#include <stdalign.h>
#include <stdint.h>

#include <yyjson.h>

#include "json/json.h"

/* internal.h - what the files of this folder share: yyjson behind `struct json`, scratch memory,
 * and members in an order in which equal names are neighbours. */

/* yyjson declares what it only reads as mutable; the cast is here and nowhere else. */
static inline yyjson_val *json_value(const struct json *value)
{
	return (yyjson_val *)(uintptr_t)value;
}

static inline const struct json *json_of(const yyjson_val *value)
{
	return (const struct json *)(const void *)value;
}

/* Memory for the time of one call: a piece of the stack, then the heap. Most texts never get to
 * the heap. */
#define SCRATCH_STACK_BYTES 8192

struct scratch {
	size_t used_bytes; /* of the stack's piece */
	alignas(16) char stack[SCRATCH_STACK_BYTES];
};

void *scratch_alloc(struct scratch *scratch, size_t size) NODISCARD;
void scratch_free(struct scratch *scratch, void *memory);

/* A member's name with a hash of it in front, so that sorting seldom looks at the bytes. */
struct member {
	uint64_t hash;
	yyjson_val *key; /* the value stands behind it: key + 1 */
};

/* Fills `members` (one for each member of the object) and sorts them: by hash, then size, then
 * bytes. Names that a client chose for their hash cost comparisons, never more than n log n. */
void members_sort(yyjson_val *object, struct member *members);

static inline bool members_same_name(yyjson_val *a, yyjson_val *b)
{
	size_t size = unsafe_yyjson_get_len(a);

	return size == unsafe_yyjson_get_len(b) &&
	       memcmp(unsafe_yyjson_get_str(a), unsafe_yyjson_get_str(b), size) == 0;
}

#endif
