/* SPDX-License-Identifier: Apache-2.0 */
/* test_json_text.c - the parts of a text as the bytes that were received. */
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_member(const char *object, const char *member, const char *value)
{
	struct span text = json_member_text(span_from_string(object), member);

	if (value == NULL) {
		assert_null(text.data);
		return;
	}
	if (!span_equal_string(text, value))
		fail_msg("member '%s' of %s: '%.*s'", member, object, SPAN_ARG(text));
}

static void a_member_is_found_without_the_white_space_around_it(void **state)
{
	const char *object =
		" { \"a\" : 1 , \"b\":{ \"x\" : [1, 2] } ,\"c\":\"}\\\"]\" ,\n\"d\":null}";

	(void)state;
	expect_member(object, "a", "1");
	expect_member(object, "b", "{ \"x\" : [1, 2] }");
	expect_member(object, "c", "\"}\\\"]\"");
	expect_member(object, "d", "null");
	expect_member(object, "x", NULL);
	expect_member(object, "", NULL);
	expect_member("{}", "a", NULL);
	expect_member("{\"\":0}", "", "0");
	expect_member("[1]", "a", NULL);
	expect_member("\"a\"", "a", NULL);
	expect_member("", "a", NULL);
}

/* A parser sees through escapes; if this did not, the two would disagree on what a request says. */
static void a_name_may_be_escaped(void **state)
{
	(void)state;
	expect_member("{\"d\\u0061ta\":1}", "data", "1");
	expect_member("{\"\\u0064\\u0061\\u0074\\u0061\":2}", "data", "2");
	expect_member("{\"a\\/b\":3}", "a/b", "3");
	expect_member("{\"a\\u002Fb\":4}", "a/b", "4");
	expect_member("{\"dat\\u00e1\":1}", "data", NULL);
	expect_member("{\"dat\\\\u0061\":1}", "data", NULL);
	expect_member("{\"data\\u0061\":1}", "data", NULL);
	expect_member("{\"dat\":1}", "data", NULL);
	expect_member("{\"\\t\\n\":5}", "\t\n", "5");
}

static void members_come_in_the_order_of_the_text(void **state)
{
	struct span object = SPAN("{\"a\\n\":[1],\"b\" :2 }");
	struct span name;
	struct span value;
	size_t at = 0;

	(void)state;
	assert_true(json_next_member_text(object, &at, &name, &value));
	assert_true(span_equal_string(name, "a\\n"));
	assert_true(span_equal_string(value, "[1]"));
	assert_true(json_next_member_text(object, &at, &name, &value));
	assert_true(span_equal_string(name, "b"));
	assert_true(span_equal_string(value, "2"));
	assert_false(json_next_member_text(object, &at, &name, &value));
	assert_false(json_next_member_text(object, &at, &name, &value));
}

static void elements_come_in_order_without_white_space(void **state)
{
	static const char *const expected[] = { "1", "[2, \"]\"]", "{\"a\":[ ]}", "\"x,y\"",
						"null" };
	struct span array = SPAN(" [ 1 ,[2, \"]\"],{\"a\":[ ]},\n\"x,y\" , null ] ");
	struct span element;
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
		assert_true(json_next_element_text(array, &at, &element));
		assert_true(span_equal_string(element, expected[i]));
	}
	assert_false(json_next_element_text(array, &at, &element));
	assert_false(json_next_element_text(array, &at, &element));
	at = 0;
	assert_false(json_next_element_text(SPAN("[ ]"), &at, &element));
	at = 0;
	assert_false(json_next_element_text(SPAN("{\"a\":1}"), &at, &element));
	at = 0;
	assert_false(json_next_element_text(SPAN_EMPTY, &at, &element));
}

/* Each beginning of a text, in a block of its own so that a sanitizer sees a step too far. */
static void text_that_was_never_accepted_ends_somewhere(void **state)
{
	static const char *const texts[] = {
		"{\"a\\u0061\":[1,{\"b\":\"\\\\\"}],\"c\":-1.5}",
		"[[],\"\\\"\",{}]",
		"{\"a\":}",
		"{\"a\"",
		"{:1}",
		"[,,]",
		"]]]]",
		"{\"\\",
		"{\"\\u",
		"[\"",
		"{\"a\":1]",
		"}{",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		for (size_t size = 0; size <= strlen(texts[i]); size++) {
			char *copy = malloc(size + 1);
			struct span text = span_of(copy + 1, size);
			struct span part;
			size_t at = 0;
			int parts = 0;

			assert_non_null(copy);
			memcpy(copy + 1, texts[i], size);
			(void)json_member_text(text, "aa");
			while (json_next_element_text(text, &at, &part))
				assert_in_range(++parts, 0, size);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_member_is_found_without_the_white_space_around_it),
		cmocka_unit_test(a_name_may_be_escaped),
		cmocka_unit_test(members_come_in_the_order_of_the_text),
		cmocka_unit_test(elements_come_in_order_without_white_space),
		cmocka_unit_test(text_that_was_never_accepted_ends_somewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
