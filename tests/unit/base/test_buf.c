/* SPDX-License-Identifier: Apache-2.0 */
/* test_buf.c - bytes that grow up to a limit, and a failure that stays. */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "expect.h"

static void an_empty_buf_has_nothing_and_nothing_to_free(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	assert_int_equal(buf_span(&buf).size, 0);
	expect_status(OK, buf_status(&buf));
	buf_append(&buf, NULL, 0);
	buf_append_span(&buf, SPAN_EMPTY);
	assert_null(buf.data);
}

static void all_ways_of_appending_add_at_the_end(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	buf_append(&buf, "ab\0", 2);
	buf_append_span(&buf, SPAN("cd"));
	buf_append_string(&buf, "ef");
	buf_append_byte(&buf, 'g');
	buf_append_format(&buf, "<%d %s>", 5, "x");
	buf_append_u64(&buf, 10);
	buf_append_i64(&buf, -10);
	expect_text(buf_span(&buf), "abcdefg<5 x>10-10");
}

static void numbers_are_written_to_both_ends_of_their_range(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	buf_append_u64(&buf, 0);
	buf_append_byte(&buf, ' ');
	buf_append_u64(&buf, UINT64_MAX);
	buf_append_byte(&buf, ' ');
	buf_append_i64(&buf, 0);
	buf_append_byte(&buf, ' ');
	buf_append_i64(&buf, -1);
	buf_append_byte(&buf, ' ');
	buf_append_i64(&buf, INT64_MAX);
	buf_append_byte(&buf, ' ');
	buf_append_i64(&buf, INT64_MIN);
	expect_text(buf_span(&buf), "0 18446744073709551615 0 -1 9223372036854775807 "
				    "-9223372036854775808");
}

static void little_endian_integers_are_read_back_at_any_address(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	buf_append_byte(&buf, 'x');
	buf_append_le16(&buf, 0x0102);
	buf_append_le32(&buf, 0xF1020304);
	buf_append_le64(&buf, UINT64_C(0xF102030405060708));
	assert_int_equal(buf.size, 15);
	assert_memory_equal(buf.data, "x\x02\x01\x04\x03\x02\xF1\x08\x07\x06\x05\x04\x03\x02\xF1",
			    15);
	assert_int_equal(get_le16(buf.data + 1), 0x0102);
	assert_int_equal(get_le32(buf.data + 3), 0xF1020304);
	assert_int_equal(get_le64(buf.data + 7), UINT64_C(0xF102030405060708));
	put_le64(buf.data + 3, 1);
	assert_memory_equal(buf.data + 3, "\1\0\0\0\0\0\0\0", 8);
}

static void what_was_appended_stays_while_it_grows(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		buf_append_byte(&buf, (char)(i % 251));
	expect_status(OK, buf_status(&buf));
	assert_int_equal(buf.size, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal((unsigned char)buf.data[i], i % 251);
}

/* One byte past the maximum, by each way of appending. */
static void append_bytes(struct buf *buf)
{
	buf_append(buf, "x", 1);
}
static void append_byte(struct buf *buf)
{
	buf_append_byte(buf, 'x');
}
static void append_format(struct buf *buf)
{
	buf_append_format(buf, "%c", 'x');
}
static void append_u64(struct buf *buf)
{
	buf_append_u64(buf, 7);
}
static void append_i64(struct buf *buf)
{
	buf_append_i64(buf, -7);
}
static void append_zeros(struct buf *buf)
{
	(void)buf_append_zeros(buf, 1);
}
static void reserve(struct buf *buf)
{
	expect_status(ERR_LIMIT, buf_reserve(buf, 1));
}

static void no_way_of_appending_passes_the_maximum(void **state)
{
	static void (*const ways[])(struct buf *) = {
		append_bytes, append_byte,  append_format, append_u64,
		append_i64,   append_zeros, reserve,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(ways); i++) {
		OWNED(buf) struct buf buf = { .max_bytes = 10 };

		buf_append_format(&buf, "%s", "0123456789");
		expect_status(OK, buf_status(&buf));
		ways[i](&buf);
		if (buf_status(&buf) != ERR_LIMIT)
			fail_msg("way %zu passes the maximum", i);
		expect_text(buf_span(&buf), "0123456789");
	}
}

static void the_first_failure_stays_and_nothing_is_appended_any_more(void **state)
{
	OWNED(buf) struct buf buf = { .max_bytes = 4 };

	(void)state;
	buf_append_string(&buf, "ab");
	buf_append_string(&buf, "cde"); /* all or nothing */
	expect_status(ERR_LIMIT, buf_status(&buf));
	buf_append_byte(&buf, 'c'); /* would fit */
	buf_append_string(&buf, "c");
	buf_append_format(&buf, "c");
	assert_int_equal(buf_append_zeros(&buf, 1), 2);
	expect_status(ERR_LIMIT, buf_reserve(&buf, 0));
	expect_text(buf_span(&buf), "ab");
}

static void clearing_forgives_and_keeps_the_memory(void **state)
{
	OWNED(buf) struct buf buf = { .max_bytes = 4 };

	(void)state;
	buf_append_string(&buf, "abcd");
	buf_append_byte(&buf, 'e');
	const char *data = buf.data;
	buf_clear(&buf);
	expect_status(OK, buf_status(&buf));
	assert_int_equal(buf.size, 0);
	buf_append_string(&buf, "xy");
	assert_ptr_equal(buf.data, data);
	expect_text(buf_span(&buf), "xy");
	buf_fini(&buf);
	buf_append_string(&buf, "z"); /* fini leaves an empty one that works */
	expect_text(buf_span(&buf), "z");
}

static void a_size_that_wraps_round_is_over_the_limit(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	buf_append_byte(&buf, 'a');
	expect_status(ERR_LIMIT, buf_reserve(&buf, SIZE_MAX));
	expect_status(ERR_LIMIT, buf_status(&buf));
	expect_text(buf_span(&buf), "a");
}

static void room_that_was_reserved_is_used_without_moving(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	expect_status(OK, buf_reserve(&buf, 100000));
	const char *data = buf.data;
	for (size_t i = 0; i < 100000; i++)
		buf_append_byte(&buf, 'a');
	assert_ptr_equal(buf.data, data);
}

static void zeros_are_where_it_says_and_can_be_filled_in(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	buf_append_string(&buf, "abcdefgh");
	buf_clear(&buf);
	buf_append_byte(&buf, 'x');
	size_t at = buf_append_zeros(&buf, 4);
	buf_append_byte(&buf, 'y');
	assert_int_equal(at, 1);
	assert_memory_equal(buf.data, "x\0\0\0\0y", 6);
	put_le32(buf.data + at, 0x64636261);
	expect_text(buf_span(&buf), "xabcdy");
	assert_int_equal(buf_append_zeros(&buf, 0), 6);
}

static void the_front_can_be_dropped_and_more_than_there_is(void **state)
{
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	buf_drop_front(&buf, 3);
	buf_append_string(&buf, "abcdef");
	buf_drop_front(&buf, 0);
	expect_text(buf_span(&buf), "abcdef");
	buf_drop_front(&buf, 2);
	expect_text(buf_span(&buf), "cdef");
	buf_append_byte(&buf, 'g');
	expect_text(buf_span(&buf), "cdefg");
	buf_drop_front(&buf, 5);
	assert_int_equal(buf.size, 0);
	buf_append_byte(&buf, 'h');
	buf_drop_front(&buf, SIZE_MAX);
	assert_int_equal(buf.size, 0);
}

static void what_is_taken_is_the_callers_and_the_buf_is_empty(void **state)
{
	OWNED(buf) struct buf buf = { 0 };
	size_t size = 0;

	(void)state;
	buf_append_string(&buf, "abc");
	char *data = buf_take(&buf, &size);
	expect_text(span_of(data, size), "abc");
	assert_int_equal(buf.size, 0);
	buf_append_string(&buf, "xyz");
	expect_text(buf_span(&buf), "xyz");
	expect_text(span_of(data, size), "abc");
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buf_has_nothing_and_nothing_to_free),
		cmocka_unit_test(all_ways_of_appending_add_at_the_end),
		cmocka_unit_test(numbers_are_written_to_both_ends_of_their_range),
		cmocka_unit_test(little_endian_integers_are_read_back_at_any_address),
		cmocka_unit_test(what_was_appended_stays_while_it_grows),
		cmocka_unit_test(no_way_of_appending_passes_the_maximum),
		cmocka_unit_test(the_first_failure_stays_and_nothing_is_appended_any_more),
		cmocka_unit_test(clearing_forgives_and_keeps_the_memory),
		cmocka_unit_test(a_size_that_wraps_round_is_over_the_limit),
		cmocka_unit_test(room_that_was_reserved_is_used_without_moving),
		cmocka_unit_test(zeros_are_where_it_says_and_can_be_filled_in),
		cmocka_unit_test(the_front_can_be_dropped_and_more_than_there_is),
		cmocka_unit_test(what_is_taken_is_the_callers_and_the_buf_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
