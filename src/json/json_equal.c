/* SPDX-License-Identifier: Apache-2.0 */
/* json_equal.c - are two values the same, whatever the order of members and the form of numbers?
 *
 * Values come from texts that passed the edge: nested 64 deep at most, so that recursion is bound,
 * and without duplicate members, so that two objects of one size are the same when each member of
 * one is in the other. Large objects are compared in sorted order; members in reverse would
 * otherwise cost the square of their number. */
#include "json/json.h"

#include <stdlib.h>

#include "json/internal.h"

#define FEW_MEMBERS 16

static bool equal(yyjson_val *a, yyjson_val *b);

static bool is_double_of_integer(double real, yyjson_val *integer)
{
	/* Both bounds are powers of two, exact as doubles; so are the casts inside them. */
	if (unsafe_yyjson_is_sint(integer))
		return real >= -0x1p63 && real < 0x1p63 &&
		       (int64_t)real == unsafe_yyjson_get_sint(integer) &&
		       (double)(int64_t)real >= real && (double)(int64_t)real <= real;
	return real >= 0 && real < 0x1p64 && (uint64_t)real == unsafe_yyjson_get_uint(integer) &&
	       (double)(uint64_t)real >= real && (double)(uint64_t)real <= real;
}

static bool equal_numbers(yyjson_val *a, yyjson_val *b)
{
	bool a_real = unsafe_yyjson_is_real(a);
	bool b_real = unsafe_yyjson_is_real(b);

	if (a_real && b_real) {
		double left = unsafe_yyjson_get_real(a);
		double right = unsafe_yyjson_get_real(b);

		return left >= right && left <= right;
	}
	if (a_real)
		return is_double_of_integer(unsafe_yyjson_get_real(a), b);
	if (b_real)
		return is_double_of_integer(unsafe_yyjson_get_real(b), a);
	/* yyjson calls an integer signed only when it has a minus: -0 alone equals an unsigned one. */
	return unsafe_yyjson_get_uint(a) == unsafe_yyjson_get_uint(b) &&
	       (unsafe_yyjson_is_sint(a) == unsafe_yyjson_is_sint(b) ||
		unsafe_yyjson_get_uint(a) == 0);
}

static bool equal_arrays(yyjson_val *a, yyjson_val *b)
{
	size_t count = unsafe_yyjson_get_len(a);
	yyjson_val *left = unsafe_yyjson_get_first(a);
	yyjson_val *right = unsafe_yyjson_get_first(b);

	if (count != unsafe_yyjson_get_len(b))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!equal(left, right))
			return false;
		left = unsafe_yyjson_get_next(left);
		right = unsafe_yyjson_get_next(right);
	}
	return true;
}

static bool equal_member_by_member(yyjson_val *a, yyjson_val *b)
{
	size_t count = unsafe_yyjson_get_len(a);
	yyjson_val *key = unsafe_yyjson_get_first(a);

	for (size_t i = 0; i < count; i++) {
		yyjson_val *other =
			yyjson_obj_getn(b, unsafe_yyjson_get_str(key), unsafe_yyjson_get_len(key));

		if (other == NULL || !equal(key + 1, other))
			return false;
		key = unsafe_yyjson_get_next(key + 1);
	}
	return true;
}

static bool equal_objects(yyjson_val *a, yyjson_val *b)
{
	size_t count = unsafe_yyjson_get_len(a);

	if (count != unsafe_yyjson_get_len(b))
		return false;
	if (count <= FEW_MEMBERS)
		return equal_member_by_member(a, b);
	struct member *members = calloc(count, 2 * sizeof(*members));
	if (members == NULL)
		return equal_member_by_member(a, b); /* slow, but the answer is right */
	struct member *others = members + count;
	bool same = true;
	members_sort(a, members);
	members_sort(b, others);
	for (size_t i = 0; i < count && same; i++)
		same = members_same_name(members[i].key, others[i].key) &&
		       equal(members[i].key + 1, others[i].key + 1);
	free(members);
	return same;
}

static bool equal(yyjson_val *a, yyjson_val *b)
{
	uint8_t type = unsafe_yyjson_get_type(a);

	if (type != unsafe_yyjson_get_type(b))
		return false;
	switch (type) {
	case YYJSON_TYPE_NUM:
		return equal_numbers(a, b);
	case YYJSON_TYPE_STR:
		return members_same_name(a, b);
	case YYJSON_TYPE_ARR:
		return equal_arrays(a, b);
	case YYJSON_TYPE_OBJ:
		return equal_objects(a, b);
	default: /* null and the booleans; not an enum */
		return unsafe_yyjson_get_tag(a) == unsafe_yyjson_get_tag(b);
	}
}

bool json_equal(const struct json *a, const struct json *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return equal(json_value(a), json_value(b));
}
