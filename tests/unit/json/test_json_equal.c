/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_equal.c - when two values are the same. */
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ARENA_MAX_BYTES ((size_t)256 << 20)

static bool equal(const char *a, const char *b)
{
	OWNED(arena) struct arena *arena = arena_new(ARENA_MAX_BYTES);
	const struct json *left = NULL;
	const struct json *right = NULL;

	assert_non_null(arena);
	assert_int_equal(json_parse(span_from_string(a), arena, &left, NULL), OK);
	assert_int_equal(json_parse(span_from_string(b), arena, &right, NULL), OK);
	bool same = json_equal(left, right);
	assert_int_equal(json_equal(right, left), same);
	assert_true(json_equal(left, left));
	return same;
}

static void the_order_of_members_and_white_space_do_not_matter(void **state)
{
	(void)state;
	assert_true(equal("{\"a\":1,\"b\":{\"c\":[],\"d\":null}}",
			  " { \"b\" : {\"d\":null,\"c\":[ ]},\"a\":1}"));
	assert_true(equal("\"\\u0061\\n\"", "\"a\\u000a\""));
}

static void other_values_types_and_members_differ(void **state)
{
	static const char *const texts[] = {
		"null",
		"true",
		"false",
		"0",
		"1",
		"\"\"",
		"\"0\"",
		"\"a\"",
		"[]",
		"{}",
		"[null]",
		"[[]]",
		"[1,2]",
		"[2,1]",
		"{\"a\":1}",
		"{\"a\":2}",
		"{\"b\":1}",
		"{\"a\":1,\"b\":1}",
		"{\"a\":null}",
		"0.1",
		"-1",
		"1e300",
		"{\"a\":[1,2]}",
		"{\"a\":[1,2,3]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		for (size_t j = 0; j < ARRAY_COUNT(texts); j++)
			assert_int_equal(equal(texts[i], texts[j]), i == j);
	}
}

static void numbers_are_compared_by_value(void **state)
{
	(void)state;
	assert_true(equal("1", "1.0"));
	assert_true(equal("100", "1e2"));
	assert_true(equal("-3", "-30e-1"));
	assert_true(equal("0", "-0"));
	assert_true(equal("0", "-0.0"));
	assert_true(equal("0.5", "5e-1"));
	assert_true(equal("9223372036854775808", "9.223372036854775808e18"));
	assert_false(equal("9007199254740993", "9007199254740992.0"));
	assert_false(equal("18446744073709551615", "18446744073709551616"));
	assert_false(equal("18446744073709551615", "-1"));
	assert_false(equal("-9223372036854775808", "9223372036854775808"));
	assert_true(equal("-9223372036854775808", "-9.223372036854775808e18"));
	assert_false(equal("1", "1.5"));
	assert_false(equal("-1", "1.0"));
	assert_false(equal("1", "1e300"));
	assert_false(equal("-1", "-1e300"));
}

/* Members of a large object forwards, backwards, and with one that differs. */
static void large_objects_are_compared_whatever_their_order(void **state)
{
	unsigned count = 50000;
	char *forward = malloc(count * 24);
	char *backward = malloc(count * 24);
	size_t at = 0;
	size_t back_at = 0;

	(void)state;
	assert_non_null(forward);
	assert_non_null(backward);
	for (unsigned i = 0; i < count; i++) {
		at += (size_t)snprintf(forward + at, 24, "%c\"%u\":%u", i == 0 ? '{' : ',', i, i);
		back_at += (size_t)snprintf(backward + back_at, 24, "%c\"%u\":%u",
					    i == 0 ? '{' : ',', count - 1 - i, count - 1 - i);
	}
	memcpy(forward + at, "}", 2);
	memcpy(backward + back_at, "}", 2);
	assert_true(equal(forward, backward));
	backward[back_at - 1] = '7'; /* the value of member 0 */
	assert_false(equal(forward, backward));
	backward[back_at - 1] = '0';
	backward[back_at - 4] = 'x'; /* its name */
	assert_false(equal(forward, backward));
	free(forward);
	free(backward);
}

static void missing_equals_only_missing(void **state)
{
	OWNED(arena) struct arena *arena = arena_new(ARENA_MAX_BYTES);
	const struct json *null = NULL;

	(void)state;
	assert_int_equal(json_parse(SPAN("null"), arena, &null, NULL), OK);
	assert_true(json_equal(NULL, NULL));
	assert_false(json_equal(NULL, null));
	assert_false(json_equal(null, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_members_and_white_space_do_not_matter),
		cmocka_unit_test(other_values_types_and_members_differ),
		cmocka_unit_test(numbers_are_compared_by_value),
		cmocka_unit_test(large_objects_are_compared_whatever_their_order),
		cmocka_unit_test(missing_equals_only_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
