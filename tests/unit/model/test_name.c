/* SPDX-License-Identifier: Apache-2.0 */
/* test_name.c - what things may be called. */
#include "model/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

typedef enum status (*check_fn)(struct span name, struct error *err);

static void expect_taken(check_fn check, struct span name)
{
	struct error err = { 0 };

	if (check(name, &err) != OK)
		fail_msg("'%.*s': %s", SPAN_ARG(name), error_text(&err));
}

static void expect_refused(check_fn check, struct span name, const char *message)
{
	struct error err = { 0 };

	if (check(name, &err) != ERR_INVALID)
		fail_msg("'%.*s' is taken", SPAN_ARG(name));
	if (message != NULL)
		assert_string_equal(err.message, message);
	assert_int_equal(check(name, NULL), ERR_INVALID);
}

static struct span letters(size_t size)
{
	static char text[512];

	memset(text, 'a', sizeof(text));
	return span_of(text, size);
}

static void sizes_end_where_the_rules_say(void **state)
{
	static const struct {
		check_fn check;
		size_t max;
	} rules[] = {
		{ name_check_component, 63 },   { name_check_category, 63 },
		{ name_check_type, 128 },       { name_check_key, 256 },
		{ name_check_command_id, 128 }, { name_check_code, 64 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(rules); i++) {
		expect_refused(rules[i].check, SPAN_EMPTY, NULL);
		expect_taken(rules[i].check, letters(1));
		expect_taken(rules[i].check, letters(rules[i].max));
		expect_refused(rules[i].check, letters(rules[i].max + 1), NULL);
	}
	expect_refused(name_check_key, letters(300), "a key has at most 256 bytes, not 300");
	expect_refused(name_check_key, SPAN_EMPTY, "a key is empty");
}

static void each_byte_is_taken_where_its_rule_allows_it(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char text[2] = { 'a', (char)c };
		struct span name = span_of(text, 2);
		bool lower = c >= 'a' && c <= 'z';
		bool digit = c >= '0' && c <= '9';
		bool upper = c >= 'A' && c <= 'Z';
		bool snake = lower || digit || c == '_';

		assert_int_equal(name_check_component(name, NULL) == OK, snake);
		assert_int_equal(name_check_category(name, NULL) == OK, snake);
		assert_int_equal(name_check_code(name, NULL) == OK, snake);
		assert_int_equal(name_check_type(name, NULL) == OK,
				 snake || upper || c == '.' || c == '-');
		assert_int_equal(name_check_key(name, NULL) == OK, c >= 0x20 && c < 0x7F);
		assert_int_equal(name_check_command_id(name, NULL) == OK, c > 0x20 && c < 0x7F);
		/* And as the first. */
		name.size = 1;
		name.data = text + 1;
		assert_int_equal(name_check_component(name, NULL) == OK, lower);
		assert_int_equal(name_check_type(name, NULL) == OK, lower || upper);
		assert_int_equal(name_check_code(name, NULL) == OK, lower);
	}
}

static void external_is_a_category_but_no_component(void **state)
{
	(void)state;
	expect_taken(name_check_category, SPAN("external"));
	expect_refused(name_check_component, SPAN("external"),
		       "the name 'external' is reserved for external events");
	expect_taken(name_check_component, SPAN("external_"));
}

static void a_key_is_any_utf8_without_controls(void **state)
{
	(void)state;
	expect_taken(name_check_key, SPAN("a/b c%2F\xe2\x82\xac\xf0\x9f\x98\x80"));
	expect_refused(name_check_key, SPAN("ab\xff"), "a key is UTF-8: byte 2 is not");
	expect_refused(name_check_key, SPAN("a\xc2\x85"), "a key has no control characters");
	expect_refused(name_check_key, SPAN("a\x7f"), "a key has no control characters");
}

static void a_message_shows_no_bytes_that_it_cannot_show(void **state)
{
	(void)state;
	expect_refused(name_check_type, SPAN("a b\nc"),
		       "a type is made of letters, digits, '_', '.' and '-': 'a b'");
	expect_refused(name_check_command_id, SPAN("a b"),
		       "a command id is printable ASCII without spaces: byte 1 is not");
	expect_taken(name_check_command_id, SPAN("$runtime"));
}

static void types_match_in_their_snake_case_form(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool same;
	} cases[] = {
		{ "AccountCreated", "account_created", true },
		{ "accountCreated", "account_created", true },
		{ "account_created", "account_created", true },
		{ "HTTPDone", "h_t_t_p_done", true },
		{ "A", "a", true },
		{ "aB", "a_b", true },
		{ "a_B", "a__b", true },
		{ "a.B", "a._b", true },
		{ "AccountCreated", "accountcreated", false },
		{ "account_created", "account_create", false },
		{ "account", "account_created", false },
		{ "a_b", "a-b", false },
		{ "aB", "a_", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct span a = span_from_string(cases[i].a);
		struct span b = span_from_string(cases[i].b);
		OWNED(buf) struct buf snake_a = { 0 };
		OWNED(buf) struct buf snake_b = { 0 };

		assert_int_equal(type_matches(a, b), cases[i].same);
		assert_int_equal(type_matches(b, a), cases[i].same);
		type_append_snake_case(&snake_a, a);
		type_append_snake_case(&snake_b, b);
		assert_int_equal(span_equal(buf_span(&snake_a), buf_span(&snake_b)), cases[i].same);
	}
}

static void a_stream_name_divides_at_its_first_slash(void **state)
{
	struct stream_name name = { 0 };
	OWNED(buf) struct buf buf = { 0 };

	(void)state;
	assert_int_equal(stream_name_parse(SPAN("bankaccount/a/b"), &name, NULL), OK);
	assert_true(span_equal_string(name.category, "bankaccount"));
	assert_true(span_equal_string(name.key, "a/b"));
	stream_name_append(&buf, name);
	assert_true(span_equal_string(buf_span(&buf), "bankaccount/a/b"));
	assert_true(stream_name_equal(name, name));
	assert_false(stream_name_equal(
		name, (struct stream_name){ .category = SPAN("bankaccount"), .key = SPAN("a") }));
}

static void a_broken_stream_name_is_refused_and_nothing_written(void **state)
{
	static const char *const broken[] = { "", "a", "/", "a/", "/k", "A/k", "a/\n", "a b/k" };
	struct stream_name name = { .key = SPAN("before") };

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(broken); i++)
		assert_int_equal(stream_name_parse(span_from_string(broken[i]), &name, NULL),
				 ERR_INVALID);
	assert_true(span_equal_string(name.key, "before"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_end_where_the_rules_say),
		cmocka_unit_test(each_byte_is_taken_where_its_rule_allows_it),
		cmocka_unit_test(external_is_a_category_but_no_component),
		cmocka_unit_test(a_key_is_any_utf8_without_controls),
		cmocka_unit_test(a_message_shows_no_bytes_that_it_cannot_show),
		cmocka_unit_test(types_match_in_their_snake_case_form),
		cmocka_unit_test(a_stream_name_divides_at_its_first_slash),
		cmocka_unit_test(a_broken_stream_name_is_refused_and_nothing_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
