/* SPDX-License-Identifier: Apache-2.0 */
/* test_component.c - whatever stands behind the table, what comes out is good or a failure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "component/component.h"
#include "lib/native_component.h"
#include "model/frame.h"

struct decision {
	struct arena *arena;
	struct component_decision ret;
	struct span state;
	struct error err;
};

/* What the functions of `made` answer. */
static struct component_decision made;
static struct span made_state;

static enum status made_handle(void *arg, const struct component_call *call, struct span state,
			       const struct component_command *command,
			       struct component_decision *ret, struct error *err)
{
	(void)arg, (void)call, (void)state, (void)command, (void)err;
	*ret = made;
	return OK;
}

static enum status made_apply(void *arg, const struct component_call *call, struct span state,
			      const struct component_event *events, size_t count,
			      struct span *ret_state, struct error *err)
{
	(void)arg, (void)call, (void)state, (void)events, (void)count, (void)err;
	*ret_state = made_state;
	return OK;
}

static const struct native_functions made_functions = { .handle = made_handle,
							.apply = made_apply };

static enum status handle(struct native_component *native, struct span type, struct span data,
			  struct decision *decision)
{
	const struct component_call call = { .seed = SPAN("s"), .arena = decision->arena };
	const struct component_command command = { SPAN("id"), type, SPAN("key"),
						   1,          data, SPAN("{}") };
	OWNED(component_instance) struct component_instance *instance = NULL;

	enum status s = component_open(&native->component, &call, &instance, &decision->err);
	if (s == OK)
		s = component_handle(instance, decision->state, &command, &decision->ret,
				     &decision->err);
	return s;
}

static enum status apply(struct native_component *native, struct span type, struct span data,
			 struct decision *decision)
{
	const struct component_call call = { .seed = SPAN("s"), .arena = decision->arena };
	const struct component_event event = { type, 1, 1, data };
	OWNED(component_instance) struct component_instance *instance = NULL;

	enum status s = component_open(&native->component, &call, &instance, &decision->err);
	if (s == OK)
		s = component_apply(instance, decision->state, &event, 1, &decision->state,
				    &decision->err);
	return s;
}

static void expect_in(const struct decision *decision, const char *part)
{
	if (strstr(decision->err.message, part) == NULL)
		fail_msg("no '%s' in '%s'", part, decision->err.message);
}

static void roles_have_words(void **state)
{
	enum component_role role = ROLE_AGGREGATE;

	(void)state;
	for (int i = ROLE_AGGREGATE; i <= ROLE_GATEWAY; i++) {
		const char *word = component_role_word((enum component_role)i);
		assert_true(component_role_parse(span_from_string(word), &role));
		assert_int_equal(role, i);
	}
	assert_false(component_role_parse(SPAN("aggregates"), &role));
	assert_int_equal(role, ROLE_GATEWAY);
}

static void good_values_are_passed_on(void **state)
{
	struct decision decision = { .arena = arena_new(65536), .state = SPAN("null") };
	OWNED(native_component)
	struct native_component *account = native_component_new("account", "1", &native_account);

	(void)state;
	assert_int_equal(handle(account, SPAN("open_account"), SPAN("{}"), &decision), OK);
	assert_int_equal(decision.ret.event_count, 1);
	assert_int_equal(apply(account, SPAN("account_opened"), SPAN("{}"), &decision), OK);
	assert_int_equal(apply(account, SPAN("deposited"), SPAN("{\"amount\":5}"), &decision), OK);
	assert_true(span_equal(decision.state, SPAN("{\"balance\":5,\"events\":2}")));
	assert_int_equal(handle(account, SPAN("withdraw"), SPAN("{\"amount\":6}"), &decision), OK);
	assert_true(decision.ret.rejected);
	assert_true(span_equal(decision.ret.rejection.code, SPAN("insufficient_funds")));
	assert_true(span_equal(decision.ret.rejection.details, SPAN("{\"balance\":5}")));
	arena_free(decision.arena);
}

static void failures_name_component_and_function(void **state)
{
	static const struct {
		enum native_failure failure;
		enum status status;
		const char *text;
	} cases[] = {
		{ NATIVE_TRAP, ERR_TRAP, "component 'account': handle trapped" },
		{ NATIVE_DEADLINE, ERR_DEADLINE, "component 'account': handle did not finish" },
		{ NATIVE_LIMIT, ERR_LIMIT, "component 'account': handle passed a limit" },
		{ NATIVE_BAD_JSON, ERR_TRAP, "handle returned event 1 (broken) with bad data" },
		{ NATIVE_BAD_NAME, ERR_TRAP, "handle returned event 1 with a bad type" },
		{ NATIVE_TOO_MANY, ERR_LIMIT, "handle returned 1024 events" },
		{ NATIVE_TOO_LARGE, ERR_LIMIT, "handle returned more than 1048576 bytes" },
	};
	struct decision decision = { .arena = arena_new((size_t)32 << 20), .state = SPAN("null") };
	OWNED(native_component)
	struct native_component *account = native_component_new("account", "1", &native_account);

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		atomic_store(&account->fail_count, 1);
		atomic_store(&account->fail_handle, cases[i].failure);
		decision.ret = (struct component_decision){ .event_count = 77 };
		assert_int_equal(handle(account, SPAN("open_account"), SPAN("{}"), &decision),
				 cases[i].status);
		expect_in(&decision, cases[i].text);
		assert_int_equal(decision.ret.event_count, 77); /* untouched */
		assert_int_equal(handle(account, SPAN("open_account"), SPAN("{}"), &decision), OK);
	}
	arena_free(decision.arena);
}

static void an_apply_that_fails_leaves_the_state_alone(void **state)
{
	static const struct {
		enum native_failure failure;
		enum status status;
		const char *text;
	} cases[] = {
		{ NATIVE_TRAP, ERR_TRAP, "component 'account': apply trapped" },
		{ NATIVE_CANNOT_FOLD, ERR_INVALID, "component 'account': apply refused an event" },
		{ NATIVE_BAD_JSON, ERR_TRAP, "apply returned a bad state" },
		{ NATIVE_TOO_LARGE, ERR_LIMIT, "apply returned more than 1048576 bytes" },
	};
	struct decision decision = { .arena = arena_new((size_t)32 << 20), .state = SPAN("null") };
	OWNED(native_component)
	struct native_component *account = native_component_new("account", "1", &native_account);

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		atomic_store(&account->fail_count, 1);
		atomic_store(&account->fail_apply, cases[i].failure);
		assert_int_equal(apply(account, SPAN("account_opened"), SPAN("{}"), &decision),
				 cases[i].status);
		expect_in(&decision, cases[i].text);
		assert_true(span_equal(decision.state, SPAN("null")));
	}
	arena_free(decision.arena);
}

static void opening_that_fails_names_the_component(void **state)
{
	struct decision decision = { .arena = arena_new(65536), .state = SPAN("null") };
	OWNED(native_component)
	struct native_component *account = native_component_new("account", "1", &native_account);

	(void)state;
	atomic_store(&account->fail_open, ERR_BUSY);
	assert_int_equal(handle(account, SPAN("look"), SPAN("{}"), &decision), ERR_BUSY);
	expect_in(&decision, "component 'account': opening failed");
	arena_free(decision.arena);
}

/* One decision that the component makes up, against the limit of 100 bytes. */
static enum status decide_made(struct component_decision answer, struct decision *decision)
{
	OWNED(native_component)
	struct native_component *component = native_component_new("made", "1", &made_functions);

	component->component.limits.output_bytes = 100;
	made = answer;
	arena_clear(decision->arena);
	return handle(component, SPAN("x"), SPAN("{}"), decision);
}

static void rejections_are_checked(void **state)
{
	const struct {
		struct component_rejection rejection;
		enum status status;
		const char *text;
	} cases[] = {
		{ { SPAN("a_code"), SPAN("why \xc3\xa9"), { 0 } }, OK, NULL },
		{ { SPAN("a_code"), { 0 }, SPAN("{\"a\":1}") }, OK, NULL },
		{ { SPAN("A code"), SPAN("why"), { 0 } },
		  ERR_TRAP,
		  "handle rejected with a bad code" },
		{ { { 0 }, SPAN("why"), { 0 } }, ERR_TRAP, "handle rejected with a bad code" },
		{ { SPAN("a_code"), SPAN("\xff"), { 0 } }, ERR_TRAP, "not UTF-8" },
		{ { SPAN("a_code"), SPAN("why"), SPAN("[]") }, ERR_TRAP, "no good JSON object" },
		{ { SPAN("a_code"), SPAN("why"), SPAN("{\"a\":1,\"a\":2}") },
		  ERR_TRAP,
		  "no good JSON" },
		{ { SPAN("a_code"),
		    SPAN("0123456789012345678901234567890123456789012345678901234567890123456789"
			 "01234567890123456789012345"),
		    { 0 } },
		  ERR_LIMIT,
		  "handle returned more than 100 bytes" },
	};
	struct decision decision = { .arena = arena_new(65536), .state = SPAN("null") };

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		const struct component_decision answer = { .rejected = true,
							   .rejection = cases[i].rejection };
		assert_int_equal(decide_made(answer, &decision), cases[i].status);
		if (cases[i].text != NULL)
			expect_in(&decision, cases[i].text);
	}
	arena_free(decision.arena);
}

static void sizes_are_counted_over_all_events(void **state)
{
	/* 3 + 7 bytes each. */
	struct component_new_event events[11];
	struct decision decision = { .arena = arena_new(65536), .state = SPAN("null") };

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(events); i++)
		events[i] = (struct component_new_event){ SPAN("abc"), SPAN("\"12345\"") };
	assert_int_equal(
		decide_made((struct component_decision){ .events = events, .event_count = 10 },
			    &decision),
		OK);
	assert_int_equal(
		decide_made((struct component_decision){ .events = events, .event_count = 11 },
			    &decision),
		ERR_LIMIT);
	/* A size that would overflow a sum is no way around. */
	events[1].data.size = SIZE_MAX;
	assert_int_equal(
		decide_made((struct component_decision){ .events = events, .event_count = 2 },
			    &decision),
		ERR_LIMIT);
	arena_free(decision.arena);
}

static void states_are_json_of_any_type(void **state)
{
	struct decision decision = { .arena = arena_new(65536), .state = SPAN("null") };
	OWNED(native_component)
	struct native_component *component = native_component_new("made", "1", &made_functions);
	const struct {
		struct span text;
		enum status status;
	} cases[] = { { SPAN("null"), OK },      { SPAN("[1]"), OK },
		      { SPAN("\"x\""), OK },     { { 0 }, ERR_TRAP },
		      { SPAN("nul"), ERR_TRAP }, { SPAN("\"\xff\""), ERR_TRAP } };

	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		made_state = cases[i].text;
		assert_int_equal(apply(component, SPAN("x"), SPAN("{}"), &decision),
				 cases[i].status);
	}
	arena_free(decision.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_have_words),
		cmocka_unit_test(good_values_are_passed_on),
		cmocka_unit_test(failures_name_component_and_function),
		cmocka_unit_test(an_apply_that_fails_leaves_the_state_alone),
		cmocka_unit_test(opening_that_fails_names_the_component),
		cmocka_unit_test(rejections_are_checked),
		cmocka_unit_test(sizes_are_counted_over_all_events),
		cmocka_unit_test(states_are_json_of_any_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
