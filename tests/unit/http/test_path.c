/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

static struct arena *arena_of(void **state)
{
	return *state;
}

static int set_up(void **state)
{
	*state = arena_new((size_t)1 << 20);
	return *state == NULL;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

static void assert_span(struct span s, const char *text)
{
	if (!span_equal_string(s, text))
		fail_msg("'%.*s', not '%s'", SPAN_ARG(s), text);
}

static void a_path_is_split_before_it_is_decoded(void **state)
{
	struct span segments[8];
	size_t count = 0;

	assert_int_equal(http_path_split(SPAN("/v1/aggregates/acc%2Fount/k%C3%A4+%25/"),
					 arena_of(state), segments, 8, &count, NULL),
			 OK);
	assert_int_equal(count, 5);
	assert_span(segments[0], "v1");
	assert_span(segments[2], "acc/ount");
	assert_span(segments[3], "k\xc3\xa4+%"); /* a plus is a plus in a path */
	assert_span(segments[4], "");
}

static void the_root_has_no_segments(void **state)
{
	struct span segments[1];
	size_t count = 7;

	assert_int_equal(http_path_split(SPAN("/"), arena_of(state), segments, 1, &count, NULL),
			 OK);
	assert_int_equal(count, 0);
}

static void a_path_that_decodes_to_no_text_is_refused_and_the_segment_named(void **state)
{
	static const char *const bad[] = { "/a/%",   "/a/%4",   "/a/%zz",    "/a/%g0",
					   "/a/%00", "/a/%ff",  "/a/%c0%af", "/a/%ed%a0%80",
					   "/a/x%",  "/a/%4/41" };
	struct span segments[8];
	struct error err = { 0 };
	size_t count = 7;

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		assert_int_equal(http_path_split(span_from_string(bad[i]), arena_of(state),
						 segments, 8, &count, &err),
				 ERR_INVALID);
		assert_non_null(strstr(err.message, "segment 2"));
	}
	assert_int_equal(count, 7);
	assert_int_equal(http_path_split(SPAN("a"), arena_of(state), segments, 8, &count, &err),
			 ERR_INVALID);
	assert_int_equal(http_path_split(SPAN(""), arena_of(state), segments, 8, &count, &err),
			 ERR_INVALID);
}

static void a_path_has_no_more_segments_than_asked_for(void **state)
{
	struct span segments[2];
	size_t count = 0;

	assert_int_equal(http_path_split(SPAN("/a/b"), arena_of(state), segments, 2, &count, NULL),
			 OK);
	assert_int_equal(
		http_path_split(SPAN("/a/b/c"), arena_of(state), segments, 2, &count, NULL),
		ERR_LIMIT);
}

static void a_query_is_split_into_decoded_pairs(void **state)
{
	struct http_header pairs[8];
	size_t count = 0;

	assert_int_equal(http_query_split(SPAN("a=1&b=x%26y+z&&c&d=&=e&f=g=h"), arena_of(state),
					  pairs, 8, &count, NULL),
			 OK);
	assert_int_equal(count, 6);
	assert_span(pairs[0].name, "a");
	assert_span(pairs[0].value, "1");
	assert_span(pairs[1].value, "x&y z");
	assert_span(pairs[2].name, "c");
	assert_span(pairs[2].value, "");
	assert_span(pairs[3].value, "");
	assert_span(pairs[4].name, "");
	assert_span(pairs[5].value, "g=h");
	assert_int_equal(http_query_split(SPAN_EMPTY, arena_of(state), pairs, 8, &count, NULL), OK);
	assert_int_equal(count, 0);
}

static void a_bad_query_is_refused(void **state)
{
	struct http_header pairs[2];
	size_t count = 0;

	assert_int_equal(http_query_split(SPAN("a=%"), arena_of(state), pairs, 2, &count, NULL),
			 ERR_INVALID);
	assert_int_equal(http_query_split(SPAN("%00=a"), arena_of(state), pairs, 2, &count, NULL),
			 ERR_INVALID);
	assert_int_equal(http_query_split(SPAN("a=%fe"), arena_of(state), pairs, 2, &count, NULL),
			 ERR_INVALID);
	assert_int_equal(http_query_split(SPAN("a&b&c"), arena_of(state), pairs, 2, &count, NULL),
			 ERR_LIMIT);
}

static void what_is_encoded_decodes_to_itself(void **state)
{
	struct buf path OWNED(buf) = { 0 };
	struct span text = SPAN("a/b?c#d%e f+\xc3\xa4~._-&=\x01\x7f");
	struct span segments[2];
	size_t count = 0;

	buf_append_byte(&path, '/');
	http_append_encoded(&path, text);
	assert_int_equal(
		http_path_split(buf_span(&path), arena_of(state), segments, 2, &count, NULL), OK);
	assert_int_equal(count, 1);
	assert_true(span_equal(segments[0], text));
}

int test_path(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_split_before_it_is_decoded),
		cmocka_unit_test(the_root_has_no_segments),
		cmocka_unit_test(a_path_that_decodes_to_no_text_is_refused_and_the_segment_named),
		cmocka_unit_test(a_path_has_no_more_segments_than_asked_for),
		cmocka_unit_test(a_query_is_split_into_decoded_pairs),
		cmocka_unit_test(a_bad_query_is_refused),
		cmocka_unit_test(what_is_encoded_decodes_to_itself),
	};

	return cmocka_run_group_tests_name("paths and queries", tests, set_up, tear_down);
}
