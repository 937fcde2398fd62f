/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_writer.c - what is written, and that it reads back. */
#include "json/json_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "json/json.h"

static void commas_and_colons_come_by_themselves(void **state)
{
	OWNED(buf) struct buf buf = { 0 };
	struct json_writer writer;

	(void)state;
	json_writer_init(&writer, &buf);
	json_begin_object(&writer);
	json_member_string(&writer, "a", SPAN("x"));
	json_member_cstring(&writer, "b", "y");
	json_member_u64(&writer, "c", UINT64_MAX);
	json_member_bool(&writer, "d", true);
	json_member_raw(&writer, "e", SPAN("[ 1 ]"));
	json_member_u64_string(&writer, "f", 12);
	json_key(&writer, "g");
	json_begin_array(&writer);
	json_begin_array(&writer);
	json_end_array(&writer);
	json_begin_object(&writer);
	json_end_object(&writer);
	json_write_null(&writer);
	json_write_bool(&writer, false);
	json_write_i64(&writer, INT64_MIN);
	json_write_u64(&writer, 0);
	json_write_string(&writer, SPAN_EMPTY);
	json_end_array(&writer);
	json_key_span(&writer, SPAN("h\""));
	json_write_raw(&writer, SPAN_EMPTY);
	json_member_text_raw(&writer, SPAN("i\\n"), SPAN("{}"));
	json_end_object(&writer);
	assert_int_equal(buf_status(&buf), OK);
	assert_true(span_equal(
		buf_span(&buf),
		SPAN("{\"a\":\"x\",\"b\":\"y\",\"c\":18446744073709551615,\"d\":true,\"e\":[ 1 ],"
		     "\"f\":\"12\",\"g\":[[],{},null,false,-9223372036854775808,0,\"\"],"
		     "\"h\\\"\":null,\"i\\n\":{}}")));
}

/* Every character, at every place in a word of the fast path. */
static void every_ascii_string_reads_back(void **state)
{
	OWNED(arena) struct arena *arena = arena_new((size_t)16 << 20);

	(void)state;
	assert_non_null(arena);
	for (int c = 1; c < 0x80; c++) {
		for (size_t size = 1; size <= 20; size++) {
			char text[20];
			OWNED(buf) struct buf buf = { 0 };
			struct json_writer writer;
			const struct json *value = NULL;

			for (size_t place = 0; place < size; place++) {
				memset(text, 'a', sizeof(text));
				text[place] = (char)c;
				buf_clear(&buf);
				json_writer_init(&writer, &buf);
				json_write_string(&writer, span_of(text, size));
				arena_clear(arena);
				assert_int_equal(json_parse(buf_span(&buf), arena, &value, NULL),
						 OK);
				assert_true(span_equal(json_string(value), span_of(text, size)));
			}
		}
	}
}

static void expect_written(struct span value, const char *expected)
{
	OWNED(buf) struct buf buf = { 0 };
	struct json_writer writer;

	json_writer_init(&writer, &buf);
	json_write_string(&writer, value);
	if (!span_equal_string(buf_span(&buf), expected))
		fail_msg("%.*s, not %s", SPAN_ARG(buf_span(&buf)), expected);
}

static void what_json_wants_escaped_is_and_nothing_else(void **state)
{
	(void)state;
	expect_written(SPAN("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
	expect_written(SPAN("\b\f\n\r\t\x01\x1f\x7f"), "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
	expect_written(SPAN("\0"), "\"\\u0000\"");
	expect_written(SPAN("\xe2\x82\xac\xf0\x9f\x98\x80!!\xc3\xa9"),
		       "\"\xe2\x82\xac\xf0\x9f\x98\x80!!\xc3\xa9\"");
}

static void expect_double(double value, const char *expected)
{
	OWNED(buf) struct buf buf = { 0 };
	struct json_writer writer;

	json_writer_init(&writer, &buf);
	json_write_double(&writer, value);
	if (!span_equal_string(buf_span(&buf), expected))
		fail_msg("%.*s, not %s", SPAN_ARG(buf_span(&buf)), expected);
}

static void a_double_is_written_in_its_shortest_form(void **state)
{
	(void)state;
	expect_double(0.1, "0.1");
	expect_double(-1.0, "-1.0");
	expect_double(5e-324, "5e-324");
	expect_double(1.7976931348623157e308, "1.7976931348623157e308");
	expect_double(-1.0 / 3.0, "-0.3333333333333333");
	expect_double((double)__builtin_inff(), "null");
	expect_double((double)__builtin_nanf(""), "null");
}

static void a_full_buf_shows_at_the_end(void **state)
{
	OWNED(buf) struct buf buf = { .max_bytes = 10 };
	struct json_writer writer;

	(void)state;
	json_writer_init(&writer, &buf);
	json_begin_array(&writer);
	for (int i = 0; i < 100; i++)
		json_write_string(&writer, SPAN("text"));
	json_end_array(&writer);
	assert_int_equal(buf_status(&buf), ERR_LIMIT);
	assert_in_range(buf.size, 0, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_and_colons_come_by_themselves),
		cmocka_unit_test(every_ascii_string_reads_back),
		cmocka_unit_test(what_json_wants_escaped_is_and_nothing_else),
		cmocka_unit_test(a_double_is_written_in_its_shortest_form),
		cmocka_unit_test(a_full_buf_shows_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
