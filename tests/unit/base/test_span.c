/* SPDX-License-Identifier: Apache-2.0 */
/* test_span.c - comparing, cutting and reading borrowed bytes. */
#include "base/span.h"

#include "base/attributes.h"
#include "expect.h"

static void spans_with_the_same_bytes_are_equal(void **state)
{
	(void)state;
	assert_true(span_equal(SPAN("abc"), span_from_string("abc")));
	assert_true(span_equal_string(span_of("abcd", 3), "abc"));
	assert_false(span_equal(SPAN("abc"), SPAN("abd")));
	assert_false(span_equal(SPAN("abc"), SPAN("abcd")));
	assert_true(span_equal(SPAN("a\0b"), span_of("a\0b", 3)));
	assert_false(span_equal(SPAN("a\0b"), SPAN("a\0c")));
}

static void nothing_is_nothing_wherever_it_points(void **state)
{
	(void)state;
	assert_true(span_equal(SPAN_EMPTY, SPAN("")));
	assert_true(span_equal_string(SPAN_EMPTY, ""));
	assert_true(span_equal_string(SPAN_EMPTY, NULL));
	assert_false(span_equal_string(SPAN("a"), NULL));
	assert_int_equal(span_compare(SPAN_EMPTY, SPAN("")), 0);
	assert_true(span_starts_with(SPAN_EMPTY, SPAN_EMPTY));
}

static void a_beginning_is_one_only_when_all_of_it_is_there(void **state)
{
	(void)state;
	assert_true(span_starts_with(SPAN("stream"), SPAN("str")));
	assert_true(span_starts_with(SPAN("stream"), SPAN("stream")));
	assert_true(span_starts_with(SPAN("stream"), SPAN_EMPTY));
	assert_false(span_starts_with(SPAN("str"), SPAN("stream")));
	assert_false(span_starts_with(SPAN("stream"), SPAN("sta")));
}

static void the_order_is_that_of_unsigned_bytes_with_the_shorter_first(void **state)
{
	static const struct span rising[] = {
		{ "", 0 },   { "\0", 1 }, { "\0\0", 2 }, { "A", 1 },    { "a", 1 },    { "a\0", 2 },
		{ "aa", 2 }, { "b", 1 },  { "\x7F", 1 }, { "\x80", 1 }, { "\xFF", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rising); i++) {
		for (size_t j = 0; j < ARRAY_COUNT(rising); j++) {
			int order = span_compare(rising[i], rising[j]);
			int sign = (order > 0) - (order < 0);

			if (sign != (i > j) - (i < j))
				fail_msg("%zu against %zu: %d", i, j, order);
		}
	}
}

static void the_rest_behind_the_end_is_empty(void **state)
{
	(void)state;
	expect_text(span_after(SPAN("abc"), 0), "abc");
	expect_text(span_after(SPAN("abc"), 2), "c");
	assert_int_equal(span_after(SPAN("abc"), 3).size, 0);
	assert_int_equal(span_after(SPAN("abc"), SIZE_MAX).size, 0);
	assert_int_equal(span_after(SPAN_EMPTY, 0).size, 0);
}

static void whole_decimal_numbers_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} table[] = {
		{ "0", 0 },
		{ "7", 7 },
		{ "10", 10 },
		{ "1234567890123456789", UINT64_C(1234567890123456789) },
		{ "18446744073709551614", UINT64_MAX - 1 },
		{ "18446744073709551615", UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		uint64_t value = 99;

		assert_true(span_parse_u64(span_from_string(table[i].text), &value));
		assert_int_equal(value, table[i].value);
	}
}

static void anything_else_is_no_number_and_leaves_the_result(void **state)
{
	static const struct span table[] = {
		{ NULL, 0 },
		{ "", 0 },
		{ "00", 2 },
		{ "01", 2 },
		{ "-1", 2 },
		{ "+1", 2 },
		{ " 1", 2 },
		{ "1 ", 2 },
		{ "1\0", 2 },
		{ "\0", 1 },
		{ "1.0", 3 },
		{ "1e3", 3 },
		{ "0x1", 3 },
		{ "/", 1 },
		{ ":", 1 },
		{ "1:", 2 },
		{ "\xB1", 1 },
		{ "18446744073709551616", 20 }, /* 2^64 */
		{ "18446744073709551620", 20 },
		{ "28446744073709551615", 20 },
		{ "99999999999999999999", 20 },
		{ "184467440737095516150", 21 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(table); i++) {
		uint64_t value = 99;

		if (span_parse_u64(table[i], &value))
			fail_msg("'%.*s' is read as %llu", SPAN_ARG(table[i]),
				 (unsigned long long)value);
		assert_int_equal(value, 99);
	}
}

static void only_the_span_is_read(void **state)
{
	uint64_t value = 0;

	(void)state;
	assert_true(span_parse_u64(span_of("1234", 2), &value));
	assert_int_equal(value, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_with_the_same_bytes_are_equal),
		cmocka_unit_test(nothing_is_nothing_wherever_it_points),
		cmocka_unit_test(a_beginning_is_one_only_when_all_of_it_is_there),
		cmocka_unit_test(the_order_is_that_of_unsigned_bytes_with_the_shorter_first),
		cmocka_unit_test(the_rest_behind_the_end_is_empty),
		cmocka_unit_test(whole_decimal_numbers_are_read),
		cmocka_unit_test(anything_else_is_no_number_and_leaves_the_result),
		cmocka_unit_test(only_the_span_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
