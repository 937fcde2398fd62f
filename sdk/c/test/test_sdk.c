/* SPDX-License-Identifier: Apache-2.0 */
/* test_sdk.c - what the header promises: JSON, integers, texts, memory, and the calls around an aggregate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../src/internal.h"
#include "concordance_test.h"

/* ---- an aggregate that uses what the bank doesn't ---- */

static enum cc_decision count(const struct cc_json *state, const struct cc_command *command)
{
	long long times = 0;

	(void)state;
	(void)cc_read_integer(command->data, "times", &times);
	for (long long i = 0; i < times; i++)
		(void)cc_emit("counted", cc_set_integer(cc_object(), "i", i));
	return CC_ACCEPTED;
}

static enum cc_decision emit_and_reject(const struct cc_json *state,
					const struct cc_command *command)
{
	(void)state;
	(void)cc_emit("counted", cc_set_integer(cc_object(), "i", 0));
	return cc_reject_with(cc_copy(command->data), "no", "because of %s", command->key);
}

static enum cc_decision read_missing(const struct cc_json *state, const struct cc_command *command)
{
	(void)state;
	return cc_emit("counted", cc_set_integer(cc_object(), "i", cc_integer(command->data, "i")));
}

static enum cc_decision reject_without_reason(const struct cc_json *state,
					      const struct cc_command *command)
{
	(void)state;
	(void)command;
	return CC_REJECTED;
}

static struct cc_json *counted(struct cc_json *state, const struct cc_event *event)
{
	if (state == NULL)
		state = cc_set(cc_object(), "list", cc_array());
	cc_append_integer(cc_edit(state, "list"), cc_integer(event->data, "i"));
	return state;
}

static struct cc_json *forgotten(struct cc_json *state, const struct cc_event *event)
{
	(void)state;
	(void)event;
	return NULL;
}

const struct cc_aggregate cc_aggregate = {
	CC_COMMANDS({ "count", count }, { "emit_and_reject", emit_and_reject },
		    { "read_missing", read_missing },
		    { "reject_without_reason", reject_without_reason }),
	CC_EVENTS({ "counted", counted }, { "Forgotten", forgotten }),
};

static void a_command_may_emit_many_events_or_none(void **state)
{
	(void)state;
	cc_start("k");
	cc_when("count", "{}");
	cc_then_nothing();
	cc_then_state("null");
	cc_when("count", "{\"times\":3}");
	cc_then("counted", "{\"i\":0}");
	cc_then("Counted", "{\"i\":1}");
	cc_then("counted", "{ \"i\" : 2 }");
	cc_then_nothing();
	cc_then_state("{\"list\":[0,1,2]}");
	cc_end();
}

static void a_rejection_drops_the_events_before_it(void **state)
{
	(void)state;
	cc_start("k");
	cc_when("emit_and_reject", "{}");
	cc_then_rejected("no");
	cc_then_state("null");
	cc_end();
}

static void a_failure_fails_the_call_and_stores_nothing(void **state)
{
	(void)state;
	cc_start("k");
	cc_when("read_missing", "{\"i\":1.0}");
	cc_then_failed("member 'i' is missing or is not an integer");
	cc_when("reject_without_reason", "{}");
	cc_then_failed("rejected without a reason");
	cc_then_state("null");
	cc_end();
}

static void a_fold_that_answers_null_ends_the_instance(void **state)
{
	(void)state;
	cc_start("k");
	cc_given("counted", "{\"i\":1}");
	cc_given("forgotten", "{}");
	cc_then_state("null");
	cc_given("counted", "{\"i\":2}");
	cc_then_state("{\"list\":[2]}");
	cc_end();
}

static void the_test_helper_notices_what_it_should(void **state)
{
	(void)state;
	assert_null(cc_test_start("k"));
	assert_null(cc_test_when("count", "{\"times\":1}"));
	assert_non_null(cc_test_then("counted", "{\"i\":1}"));
	assert_non_null(cc_test_then("counted", "{\"i\":0}")); /* there is no second event */
	assert_non_null(cc_test_then_rejected("no"));
	assert_non_null(cc_test_then_failed(""));
	assert_non_null(cc_test_then_state("{\"list\":[1]}"));
	assert_null(cc_test_when("count", "{\"times\":1}"));
	assert_non_null(cc_test_when("count", "{}")); /* an event was not asked for */
	assert_null(cc_test_when("read_missing", "{}"));
	assert_non_null(cc_test_end()); /* a failure was not asked for */
	assert_null(cc_test_start("k"));
}

/* ---- JSON ---- */

static void only_json_integers_of_64_bits_are_integers(void **state)
{
	static const char *const no_integers[] = {
		"1.0",  "1e0", "9223372036854775808", "\"1\"", "null",
		"true", "[1]", "-9223372036854775809"
	};
	long long value = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(no_integers) / sizeof(no_integers[0]); i++)
		assert_false(cc_is_integer(cc_parse(no_integers[i]), &value));
	assert_int_equal(value, 77);
	assert_true(cc_is_integer(cc_parse("9223372036854775807"), &value));
	assert_true(value == INT64_MAX);
	assert_true(cc_is_integer(cc_parse("-9223372036854775808"), &value));
	assert_true(value == INT64_MIN);
	cc_call_end();
}

static void values_are_written_as_they_were_read(void **state)
{
	static const char *const texts[] = {
		"null",
		"{\"a\":[1,-2,3.5,true,false,null,\"x\",{}],\"b\":{\"c\":[]}}",
		"123456789012345678901234567890",
		"\"\xe2\x82\xac \\\" \\\\ \\n\"",
		"18446744073709551615",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_string_equal(cc_write(cc_parse(texts[i])), texts[i]);
		assert_string_equal(cc_write(cc_copy(cc_parse(texts[i]))), texts[i]);
	}
	assert_null(cc_parse("{\"a\":1,}"));
	assert_null(cc_parse(""));
	assert_null(cc_parse("{} {}"));
	cc_call_end();
}

static void members_keep_their_place(void **state)
{
	struct cc_json *object = cc_object();

	(void)state;
	cc_set_integer(object, "a", 1);
	cc_set_text(object, "b", "x");
	cc_set_boolean(object, "c", true);
	cc_set_text(object, "a", "first");
	cc_set(object, "b", cc_append_text(cc_append(cc_array(), NULL), "y"));
	assert_string_equal(cc_write(object), "{\"a\":\"first\",\"b\":[null,\"y\"],\"c\":true}");
	cc_remove(cc_remove(object, "b"), "none");
	cc_set_number(object, "d", 0.25);
	assert_string_equal(cc_write(object), "{\"a\":\"first\",\"c\":true,\"d\":0.25}");
	assert_string_equal(cc_write(cc_pick(object, "d", "none", "a")),
			    "{\"d\":0.25,\"a\":\"first\"}");
	assert_null(cc_call_failure());
	cc_call_end();
}

static void a_walk_visits_all_in_order(void **state)
{
	const struct cc_json *object = cc_parse("{\"a\":1,\"b\":null,\"c\":3}");
	const char *seen = "";

	(void)state;
	for (struct cc_walk w = cc_walk(object); cc_walk_next(&w);)
		seen = cc_format("%s%s=%s ", seen, w.name, cc_write(w.value));
	assert_string_equal(seen, "a=1 b=null c=3 ");
	seen = "";
	for (struct cc_walk w = cc_walk(cc_parse("[5,6]")); cc_walk_next(&w);)
		seen = cc_format("%s%s=%lld ", seen, w.name, cc_as_integer(w.value));
	assert_string_equal(seen, "null=5 null=6 ");
	for (struct cc_walk w = cc_walk(cc_parse("7")); cc_walk_next(&w);)
		fail();
	for (struct cc_walk w = cc_walk(NULL); cc_walk_next(&w);)
		fail();
	cc_call_end();
}

static void writing_into_the_wrong_thing_fails_the_call(void **state)
{
	(void)state;
	cc_set_integer(NULL, "a", 1);
	assert_non_null(cc_call_failure());
	cc_call_end();
	cc_append_integer(cc_object(), 1);
	assert_non_null(cc_call_failure());
	cc_call_end();
	assert_null(cc_edit(cc_set_integer(cc_object(), "a", 1), "a"));
	assert_non_null(cc_call_failure());
	cc_call_end();
	assert_string_equal(cc_write(cc_set_text(cc_object(), "a", "\xc3\x28")), "null");
	assert_non_null(cc_call_failure());
	cc_call_end();
	assert_null(cc_call_failure());
}

/* ---- integers, texts, memory ---- */

static void integers_never_wrap(void **state)
{
	(void)state;
	assert_true(cc_plus(INT64_MAX, 0) == INT64_MAX);
	assert_true(cc_minus(0, INT64_MAX) == -INT64_MAX);
	assert_true(cc_times(-4, 5) == -20);
	assert_null(cc_call_failure());
	assert_true(cc_plus(INT64_MAX, 1) == 0);
	assert_string_equal(cc_call_failure(),
			    "9223372036854775807 plus 1 is more than an integer holds");
	cc_call_end();
	assert_true(cc_minus(0, INT64_MIN) == 0);
	assert_non_null(cc_call_failure());
	cc_call_end();
	assert_true(cc_times(INT64_MIN, -1) == 0);
	assert_non_null(cc_call_failure());
	cc_call_end();
}

static void formats_without_libc(void **state)
{
	(void)state;
	assert_string_equal(cc_format("%s %d %ld %lld %u %lu %llu %zu %c %%", "a", -1, -2L,
				      (long long)INT64_MIN, 3U, 4UL, (unsigned long long)UINT64_MAX,
				      (size_t)5, 'x'),
			    "a -1 -2 -9223372036854775808 3 4 18446744073709551615 5 x %");
	const char *text = "0123456789";
	for (int i = 0; i < 6; i++)
		text = cc_format("%s%s", text, text);
	assert_int_equal(strlen(text), 640);
	cc_call_end();
}

static void types_are_the_same_in_snake_case(void **state)
{
	(void)state;
	assert_true(cc_same_type("AccountCreated", "account_created"));
	assert_true(cc_same_type("accountCreated", "AccountCreated"));
	assert_true(cc_same_type("ABC", "a_b_c"));
	assert_false(cc_same_type("Account_Created", "account_created"));
	assert_false(cc_same_type("account", "account_created"));
	assert_false(cc_same_type("account_created", "account"));
	assert_true(cc_same_type("", ""));
}

static void memory_is_the_same_after_every_call(void **state)
{
	void *first = cc_alloc(10);

	(void)state;
	cc_call_end();
	for (int i = 0; i < 1000; i++) {
		/* Larger than the first chunk, so that later chunks are used again as well. */
		char *large = cc_alloc(300000);

		large[0] = large[299999] = 1;
		assert_int_equal((uintptr_t)large % 16, 0);
		cc_call_end();
		assert_ptr_equal(cc_alloc(10), first);
		cc_call_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_may_emit_many_events_or_none),
		cmocka_unit_test(a_rejection_drops_the_events_before_it),
		cmocka_unit_test(a_failure_fails_the_call_and_stores_nothing),
		cmocka_unit_test(a_fold_that_answers_null_ends_the_instance),
		cmocka_unit_test(the_test_helper_notices_what_it_should),
		cmocka_unit_test(only_json_integers_of_64_bits_are_integers),
		cmocka_unit_test(values_are_written_as_they_were_read),
		cmocka_unit_test(members_keep_their_place),
		cmocka_unit_test(a_walk_visits_all_in_order),
		cmocka_unit_test(writing_into_the_wrong_thing_fails_the_call),
		cmocka_unit_test(integers_never_wrap),
		cmocka_unit_test(formats_without_libc),
		cmocka_unit_test(types_are_the_same_in_snake_case),
		cmocka_unit_test(memory_is_the_same_after_every_call),
	};

	return cmocka_run_group_tests_name("sdk", tests, NULL, NULL);
}
