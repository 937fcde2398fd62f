/* SPDX-License-Identifier: Apache-2.0 */
/* test_json.c - what the edge lets in, what it refuses and how it says so, and reading values. */
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define ARENA_MAX_BYTES ((size_t)64 << 20)

static int arena_set_up(void **state)
{
	*state = arena_new(ARENA_MAX_BYTES);
	return *state == NULL;
}

static int arena_tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct json *parse(struct arena *arena, const char *text)
{
	const struct json *value = NULL;
	struct error err = { 0 };

	if (json_parse(span_from_string(text), arena, &value, &err) != OK)
		fail_msg("'%s': %s", text, error_text(&err));
	return value;
}

/* Both ways of reading take it. */
static void expect_taken(struct arena *arena, struct span text)
{
	const struct json *value = NULL;
	struct error err = { 0 };

	if (json_check(text, JSON_MISSING, &err) != OK ||
	    json_parse(text, arena, &value, &err) != OK)
		fail_msg("'%.*s': %s", SPAN_ARG(text), error_text(&err));
	assert_non_null(value);
}

/* Both refuse it, with the same message, and leave *ret alone. */
static void expect_refused(struct arena *arena, struct span text, const char *message)
{
	const struct json *untouched = (const struct json *)(const void *)arena;
	const struct json *value = untouched;
	struct error checked = { 0 };
	struct error parsed = { 0 };

	if (json_check(text, JSON_MISSING, &checked) != ERR_INVALID)
		fail_msg("'%.*s' passes the check", SPAN_ARG(text));
	if (json_parse(text, arena, &value, &parsed) != ERR_INVALID)
		fail_msg("'%.*s' is parsed", SPAN_ARG(text));
	assert_ptr_equal(value, untouched);
	assert_string_equal(checked.message, parsed.message);
	if (message != NULL)
		assert_string_equal(checked.message, message);
	assert_memory_equal(checked.message, "byte ", 5);
}

#define REFUSED(text, message) expect_refused(*state, SPAN(text), message)

static void values_of_every_type_are_taken(void **state)
{
	static const char *const texts[] = {
		"null",
		"true",
		"false",
		"0",
		"-0",
		"1.5e-3",
		"\"\"",
		"\"a\"",
		"[]",
		"{}",
		" [ 1 , 2 ] ",
		"\t{\"a\"\r:\n{}}",
		"\"\\u00e9\\ud83d\\ude00\"",
		"\"\\/\\b\\f\\n\\r\\t\"",
		"18446744073709551615",
		"-9223372036854775808",
		"123456789012345678901234567890",
		"1e308",
		"-1.7976931348623157e308",
		"5e-324",
		"1e-400",
		"\"\xc3\xa9\xf0\x9f\x98\x80\"",
	};

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
		expect_taken(*state, span_from_string(texts[i]));
}

static void what_rfc_8259_refuses_is_refused(void **state)
{
	static const char *const texts[] = {
		"",        " ",        "nul",        "True",     "NaN",   "Infinity", "-",
		"+1",      "01",       "1.",         ".5",       "1e",    "0x10",     "'a'",
		"\"a",     "\"\\x\"",  "\"\\u12\"",  "[1,]",     "[1 2]", "[",        "]",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",    "{1:1}", "1 2",      "{} {}",
		"[] x",    "// c\n1",  "[1]/*c*/",   "\"a\tb\"",
	};

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
		expect_refused(*state, span_from_string(texts[i]), NULL);
}

static void a_message_names_the_byte(void **state)
{
	REFUSED("", "byte 0: there is no JSON, the text is empty");
	REFUSED("{\"amount\": x}", "byte 11: unexpected character, expected a valid JSON value");
	REFUSED("[1] 2", "byte 4: unexpected content after document");
}

static void a_byte_order_mark_is_refused(void **state)
{
	REFUSED("\xef\xbb\xbf{}", "byte 0: byte order mark (BOM) is not supported");
}

static void invalid_utf8_is_refused_in_values_and_names(void **state)
{
	static const char *const broken[] = {
		"\x80", "\xc3", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff",
	};
	char text[32];

	for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
		(void)snprintf(text, sizeof(text), "[\"%s\"]", broken[i]);
		expect_refused(*state, span_from_string(text), NULL);
		(void)snprintf(text, sizeof(text), "{\"a%s\":1}", broken[i]);
		expect_refused(*state, span_from_string(text), NULL);
	}
}

static void lone_surrogates_are_refused(void **state)
{
	REFUSED("\"\\ud800\"", NULL);
	REFUSED("\"\\udc00\"", NULL);
	REFUSED("\"\\ud800\\u0041\"", NULL);
	REFUSED("{\"\\udfff\":1}", NULL);
	expect_taken(*state, SPAN("\"\\ud800\\udc00\""));
}

static void nul_is_refused_however_it_is_written(void **state)
{
	REFUSED("[\"abc\\u0000\"]", "byte 1: a string with \\u0000");
	REFUSED("{\"a\":1,\"x\\u0000y\":1}", "byte 7: a string with \\u0000");
	REFUSED("\"a\0b\"", NULL);
	REFUSED("1\0", NULL);
	REFUSED("[]\0", NULL);
	expect_taken(*state, SPAN("\"\\\\u0000\"")); /* a backslash, then text */
	expect_taken(*state, SPAN("\"\\u0001\""));
}

static void duplicate_members_are_refused(void **state)
{
	REFUSED("{\"a\":1,\"a\":2}", "byte 7: duplicate member 'a'");
	REFUSED("{\"a\":1,\"b\":2,\"\\u0061\":2}", "byte 13: duplicate member 'a'");
	REFUSED("[{\"x\":{\"b\":[],\"b\":0}}]", "byte 14: duplicate member 'b'");
	REFUSED("{\"\":1,\"\":2}", "byte 6: duplicate member ''");
	REFUSED("{\"a\\nb\":1,\"a\\nb\":2}", "byte 10: duplicate member 'a'");
	expect_taken(*state, SPAN("{\"a\":{\"a\":{\"a\":1}},\"A\":1,\"a \":2}"));
	expect_taken(*state, SPAN("[{\"a\":1},{\"a\":1}]"));
}

static void a_duplicate_is_found_wherever_it_stands_among_many(void **state)
{
	for (unsigned count = 2; count <= 40; count++) {
		for (unsigned twin = 0; twin + 1 < count; twin++) {
			char text[1024] = "{";
			size_t at = 1;
			size_t second = 0;
			char message[64];

			for (unsigned i = 0; i < count; i++) {
				second = at;
				at += (size_t)snprintf(text + at, sizeof(text) - at, "\"m%u\":%u%c",
						       i + 1 == count ? twin : i, i,
						       i + 1 == count ? '}' : ',');
			}
			(void)snprintf(message, sizeof(message), "byte %zu: duplicate member 'm%u'",
				       second, twin);
			expect_refused(*state, span_of(text, at), message);
			/* And without the twin it passes. */
			text[second + 1] = 'n';
			expect_taken(*state, span_of(text, at));
			arena_clear(*state);
		}
	}
}

static void long_names_in_messages_are_cut_between_characters(void **state)
{
	char text[512] = "{\"";
	struct error err = { 0 };

	for (int i = 0; i < 40; i++)
		strcat(text, "\xe2\x82\xac");
	strcat(text, "\":1,\"");
	for (int i = 0; i < 40; i++)
		strcat(text, "\xe2\x82\xac");
	strcat(text, "\":1}");
	assert_int_equal(json_check(span_from_string(text), JSON_MISSING, &err), ERR_INVALID);
	(void)state;
	/* 21 characters of three bytes are what fits into 64. */
	assert_int_equal(strlen(err.message), strlen("byte 126: duplicate member ''") + 63);
}

static struct span nested(char *text, unsigned depth, char open, const char *inner, char close)
{
	size_t at = 0;

	for (unsigned i = 0; i < depth; i++) {
		text[at++] = open;
		if (open == '{') {
			memcpy(text + at, "\"]\":", 4);
			at += 4;
		}
	}
	memcpy(text + at, inner, strlen(inner));
	at += strlen(inner);
	for (unsigned i = 0; i < depth; i++)
		text[at++] = close;
	return span_of(text, at);
}

static void nesting_64_deep_is_taken_and_65_refused(void **state)
{
	char text[1024];

	expect_taken(*state, nested(text, 64, '[', "1", ']'));
	expect_taken(*state, nested(text, 64, '[', "", ']'));
	expect_taken(*state, nested(text, 64, '{', "\"x\"", '}'));
	expect_refused(*state, nested(text, 65, '[', "", ']'), "byte 64: nested deeper than 64");
	expect_refused(*state, nested(text, 64, '{', "[]", '}'), "byte 320: nested deeper than 64");
	/* Depth counts what is open at once, not what there is. */
	expect_taken(*state,
		     SPAN("[[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],"
			  "[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],"
			  "[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]],[[]]]"));
}

static void nesting_a_million_deep_is_refused_without_recursion(void **state)
{
	size_t size = 1000000;
	char *text = malloc(2 * size);

	(void)state;
	assert_non_null(text);
	memset(text, '[', size);
	assert_int_equal(json_check(span_of(text, size), JSON_MISSING, NULL), ERR_INVALID);
	memset(text + size, ']', size);
	assert_int_equal(json_check(span_of(text, 2 * size), JSON_MISSING, NULL), ERR_INVALID);
	free(text);
}

static void numbers_that_overflow_are_refused(void **state)
{
	REFUSED("1e309", NULL);
	REFUSED("[-1e999]", NULL);
	REFUSED("1.8e308", NULL);
}

static void the_type_of_the_top_value_can_be_asked_for(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(json_check(SPAN("{}"), JSON_OBJECT, &err), OK);
	assert_int_equal(json_check(SPAN("null"), JSON_NULL, &err), OK);
	assert_int_equal(json_check(SPAN("[]"), JSON_OBJECT, &err), ERR_INVALID);
	assert_string_equal(err.message, "expected object, not array");
	assert_int_equal(json_check(SPAN("true"), JSON_NUMBER, &err), ERR_INVALID);
	assert_string_equal(err.message, "expected number, not boolean");
}

static double seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The square of this number of members would take minutes. */
static void an_object_of_100000_members_is_checked_in_reasonable_time(void **state)
{
	unsigned count = 100000;
	char *text = malloc(count * 32);
	size_t at = 0;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, 32, "%c\"common_prefix_%u\":%u",
				       i == 0 ? '{' : ',', i, i);
	text[at++] = '}';
	double begin = seconds();
	assert_int_equal(json_check(span_of(text, at), JSON_OBJECT, NULL), OK);
	assert_true(seconds() - begin < 5);
	free(text);
}

static void parsing_a_text_takes_its_size_and_16_bytes_a_value_from_the_arena(void **state)
{
	struct arena *arena = *state;
	const char *text = "{\"a\":[1,2,3,4,5,6,7,8,9,10],\"b\":\"text\"}";

	arena_clear(arena);
	(void)parse(arena, text);
	assert_in_range(arena_used_bytes(arena), 1, strlen(text) + 4 + 15 * 16 + 32);
}

static void a_full_arena_is_no_memory(void **state)
{
	const struct json *value = NULL;
	OWNED(arena) struct arena *small = arena_new(64);

	(void)state;
	assert_non_null(small);
	assert_int_equal(json_parse(SPAN("[1,2,3,4,5,6,7]"), small, &value, NULL), ERR_NOMEM);
	assert_null(value);
}

static void members_and_elements_are_found(void **state)
{
	const struct json *object = parse(*state, "{\"a\":1,\"b\":[true,null,\"x\"],\"c\":{}}");
	const struct json *array = json_get(object, "b");

	assert_int_equal(json_count(object), 3);
	assert_int_equal(json_count(array), 3);
	assert_int_equal(json_type(json_get(object, "c")), JSON_OBJECT);
	assert_null(json_get(object, "d"));
	assert_null(json_get(array, "a"));
	assert_true(json_bool(json_at(array, 0)));
	assert_int_equal(json_type(json_at(array, 1)), JSON_NULL);
	assert_true(span_equal_string(json_string(json_at(array, 2)), "x"));
	assert_null(json_at(array, 3));
	assert_null(json_at(object, 0));
}

static void a_missing_value_answers_as_one_of_another_type(void **state)
{
	uint64_t u = 7;
	int64_t i = 7;
	double d = 7;

	(void)state;
	assert_int_equal(json_type(NULL), JSON_MISSING);
	assert_null(json_get(NULL, "a"));
	assert_null(json_at(NULL, 0));
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_string(NULL).data);
	assert_false(json_bool(NULL));
	assert_false(json_u64(NULL, &u));
	assert_false(json_i64(NULL, &i));
	assert_false(json_double(NULL, &d));
	assert_int_equal(u, 7);
	assert_int_equal(i, 7);
	assert_true(d > 6.5 && d < 7.5);
	assert_int_equal(json_count(parse(*state, "\"abc\"")), 0);
}

static void a_string_is_unescaped(void **state)
{
	const struct json *value = parse(*state, "\"a\\n\\u20ac\\ud83d\\ude00\\\"\"");

	assert_true(span_equal_string(json_string(value), "a\n\xe2\x82\xac\xf0\x9f\x98\x80\""));
	assert_non_null(json_string(parse(*state, "\"\"")).data);
	assert_null(json_string(parse(*state, "1")).data);
}

static void only_integers_that_fit_are_integers(void **state)
{
	static const struct {
		const char *text;
		bool is_u64;
		uint64_t u64;
		bool is_i64;
		int64_t i64;
	} cases[] = {
		{ "0", true, 0, true, 0 },
		{ "-0", true, 0, true, 0 },
		{ "42", true, 42, true, 42 },
		{ "-1", false, 0, true, -1 },
		{ "9223372036854775807", true, INT64_MAX, true, INT64_MAX },
		{ "9223372036854775808", true, UINT64_C(9223372036854775808), false, 0 },
		{ "18446744073709551615", true, UINT64_MAX, false, 0 },
		{ "18446744073709551616", false, 0, false, 0 },
		{ "-9223372036854775808", false, 0, true, INT64_MIN },
		{ "-9223372036854775809", false, 0, false, 0 },
		{ "1.0", false, 0, false, 0 },
		{ "1e2", false, 0, false, 0 },
		{ "\"1\"", false, 0, false, 0 },
		{ "true", false, 0, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		const struct json *value = parse(*state, cases[i].text);
		uint64_t u64 = 99;
		int64_t i64 = 99;

		assert_int_equal(json_u64(value, &u64), cases[i].is_u64);
		assert_int_equal(json_i64(value, &i64), cases[i].is_i64);
		assert_true(u64 == (cases[i].is_u64 ? cases[i].u64 : 99));
		assert_true(i64 == (cases[i].is_i64 ? cases[i].i64 : 99));
	}
}

static void any_number_is_a_double(void **state)
{
	double d = 0;

	assert_true(json_double(parse(*state, "-5"), &d));
	assert_true(d > -5.1 && d < -4.9);
	assert_true(json_double(parse(*state, "1e3"), &d));
	assert_true(d > 999 && d < 1001);
	assert_false(json_double(parse(*state, "\"1\""), &d));
}

static void iterating_follows_the_text(void **state)
{
	const struct json *object = parse(*state, "{\"z\":[1,[2]],\"a\":{\"b\":0},\"m\":3}");
	struct json_iterator it = json_iterate(object);
	const struct json *value;
	struct span key;
	uint64_t number = 0;

	assert_true(json_next(&it, &key, &value));
	assert_true(span_equal_string(key, "z"));
	assert_int_equal(json_count(value), 2);
	assert_true(json_next(&it, &key, &value));
	assert_true(span_equal_string(key, "a"));
	assert_true(json_next(&it, &key, &value));
	assert_true(span_equal_string(key, "m"));
	assert_true(json_u64(value, &number));
	assert_int_equal(number, 3);
	assert_false(json_next(&it, &key, &value));

	it = json_iterate(json_get(object, "z"));
	assert_true(json_next(&it, &key, &value));
	assert_null(key.data);
	assert_true(json_next(&it, &key, &value));
	assert_int_equal(json_type(value), JSON_ARRAY);
	assert_false(json_next(&it, &key, &value));

	it = json_iterate(NULL);
	assert_false(json_next(&it, &key, &value));
	it = json_iterate(parse(*state, "{}"));
	assert_false(json_next(&it, &key, &value));
}

static void the_first_unknown_member_is_named(void **state)
{
	static const char *const known[] = { "a", "b", NULL };

	assert_null(json_unknown_member(parse(*state, "{\"b\":1,\"a\":2}"), known).data);
	assert_true(span_equal_string(
		json_unknown_member(parse(*state, "{\"b\":1,\"x\":2,\"y\":3}"), known), "x"));
	assert_non_null(json_unknown_member(parse(*state, "{\"\":1}"), known).data);
	assert_null(json_unknown_member(NULL, known).data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_every_type_are_taken),
		cmocka_unit_test(what_rfc_8259_refuses_is_refused),
		cmocka_unit_test(a_message_names_the_byte),
		cmocka_unit_test(a_byte_order_mark_is_refused),
		cmocka_unit_test(invalid_utf8_is_refused_in_values_and_names),
		cmocka_unit_test(lone_surrogates_are_refused),
		cmocka_unit_test(nul_is_refused_however_it_is_written),
		cmocka_unit_test(duplicate_members_are_refused),
		cmocka_unit_test(a_duplicate_is_found_wherever_it_stands_among_many),
		cmocka_unit_test(long_names_in_messages_are_cut_between_characters),
		cmocka_unit_test(nesting_64_deep_is_taken_and_65_refused),
		cmocka_unit_test(nesting_a_million_deep_is_refused_without_recursion),
		cmocka_unit_test(numbers_that_overflow_are_refused),
		cmocka_unit_test(the_type_of_the_top_value_can_be_asked_for),
		cmocka_unit_test(an_object_of_100000_members_is_checked_in_reasonable_time),
		cmocka_unit_test(parsing_a_text_takes_its_size_and_16_bytes_a_value_from_the_arena),
		cmocka_unit_test(a_full_arena_is_no_memory),
		cmocka_unit_test(members_and_elements_are_found),
		cmocka_unit_test(a_missing_value_answers_as_one_of_another_type),
		cmocka_unit_test(a_string_is_unescaped),
		cmocka_unit_test(only_integers_that_fit_are_integers),
		cmocka_unit_test(any_number_is_a_double),
		cmocka_unit_test(iterating_follows_the_text),
		cmocka_unit_test(the_first_unknown_member_is_named),
	};

	return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
