/* SPDX-License-Identifier: Apache-2.0 */
/* test_suggest.c - which word was meant. */
#include "base/suggest.h"

#include <string.h>

#include "expect.h"

static const char *const words[] = { "category", "listen", "data_dir", "id", "log_level" };

#define COUNT ARRAY_COUNT(words)

static void expect_nearest(const char *word, const char *expected)
{
	size_t index = suggest_nearest(span_from_string(word), words, COUNT);
	const char *found = index < COUNT ? words[index] : "none";

	if (strcmp(found, expected) != 0)
		fail_msg("'%s': %s, not %s", word, found, expected);
}

static void one_slip_of_each_kind_is_near(void **state)
{
	(void)state;
	expect_nearest("category", "category");
	expect_nearest("categry", "category");   /* left out */
	expect_nearest("cateegory", "category"); /* added */
	expect_nearest("catexory", "category");  /* changed */
	expect_nearest("cateogry", "category");  /* swapped */
	expect_nearest("ilsten", "listen");
	expect_nearest("listne", "listen");
}

static void dashes_and_capitals_are_no_difference(void **state)
{
	(void)state;
	expect_nearest("DATA-DIR", "data_dir");
	expect_nearest("Id", "id");
}

static void up_to_a_third_may_differ(void **state)
{
	(void)state;
	expect_nearest("lixxen", "listen");
	expect_nearest("lixxxn", "none");
	expect_nearest("sliten", "listen"); /* two by moving one */
	expect_nearest("ix", "none");       /* one of two is a half */
	expect_nearest("idx", "id");        /* one of three */
	expect_nearest("zebra", "none");
}

static void a_swap_is_one_slip_and_not_two(void **state)
{
	static const char *const three[] = { "abc" };

	(void)state;
	assert_int_equal(suggest_nearest(SPAN("acb"), three, 1), 0);
	assert_int_equal(suggest_nearest(SPAN("xbx"), three, 1), 1);
	assert_int_equal(suggest_nearest(SPAN("cab"), three, 1), 1);
}

static void the_nearest_wins_and_of_equals_the_first(void **state)
{
	static const char *const near[] = { "eventx", "events", "event" };

	(void)state;
	assert_int_equal(suggest_nearest(SPAN("event"), near, 3), 2);
	assert_int_equal(suggest_nearest(SPAN("eventz"), near, 2), 0);
}

static void nothing_and_what_is_too_long_is_near_nothing(void **state)
{
	static char long_word[66];
	static const char *const candidates[] = { "", long_word };

	(void)state;
	memset(long_word, 'a', 65);
	expect_nearest("", "none");
	assert_int_equal(suggest_nearest(span_of(long_word, 65), candidates, 2), 2);
	assert_int_equal(suggest_nearest(span_of(long_word, 64), candidates, 2), 2);
	long_word[64] = '\0';
	assert_int_equal(suggest_nearest(span_of(long_word, 64), candidates, 2), 1);
	assert_int_equal(suggest_nearest(SPAN("a"), NULL, 0), 0);
}

static void expect_appended(const char *word, const char *const *known, size_t count,
			    const char *expected)
{
	OWNED(buf) struct buf buf = { 0 };

	buf_append_string(&buf, "unknown");
	suggest_append(&buf, span_from_string(word), known, count);
	expect_text(buf_span(&buf), expected);
}

static void the_message_asks_or_tells_what_is_known(void **state)
{
	(void)state;
	expect_appended("listn", words, COUNT, "unknown: did you mean 'listen'?");
	expect_appended("zebra", words, 3, "unknown: known are category, listen and data_dir");
	expect_appended("zebra", words, 2, "unknown: known are category and listen");
	expect_appended("zebra", words, 1, "unknown: known is category");
	expect_appended("zebra", words, 0, "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_slip_of_each_kind_is_near),
		cmocka_unit_test(dashes_and_capitals_are_no_difference),
		cmocka_unit_test(up_to_a_third_may_differ),
		cmocka_unit_test(a_swap_is_one_slip_and_not_two),
		cmocka_unit_test(the_nearest_wins_and_of_equals_the_first),
		cmocka_unit_test(nothing_and_what_is_too_long_is_near_nothing),
		cmocka_unit_test(the_message_asks_or_tells_what_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
