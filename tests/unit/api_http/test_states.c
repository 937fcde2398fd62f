/* SPDX-License-Identifier: Apache-2.0 */
/* The state of an instance, now or as it was. */
#include "fixture.h"

static void the_state_comes_with_its_version(void **state)
{
	struct fixture *f = *state;

	(void)command(f, "a", "open_account", "{}");
	(void)command(f, "a", "deposit", "{\"amount\":5}");
	struct answer *answer = get(f, ACCOUNT "a");
	assert_status(answer, 200);
	assert_string_equal(answer_header(answer, "Content-Type"), "application/json");
	assert_at(
		answer, "",
		"{\"stream\":\"account/a\",\"version\":2,\"state\":{\"balance\":5,\"events\":2}}");
}

static void a_state_can_be_asked_for_as_of_a_version(void **state)
{
	struct fixture *f = *state;

	(void)command(f, "a", "open_account", "{}");
	(void)command(f, "a", "deposit", "{\"amount\":5}");
	struct answer *answer = get(f, ACCOUNT "a?version=1");
	assert_at(answer, "version", "1");
	assert_at(answer, "state", "{\"balance\":0,\"events\":1}");
	assert_problem(get(f, ACCOUNT "a?version=3"), 404, "not_found", "");
	assert_problem(get(f, ACCOUNT "a?version=18446744073709551615"), 404, "not_found", "");
	static const char *const bad[] = {
		"0", "-1", "x", "", "1.0", "01", "18446744073709551616"
	};
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		char target[100];

		(void)snprintf(target, sizeof(target), ACCOUNT "a?version=%s", bad[i]);
		assert_problem(get(f, target), 400, "bad_parameter", "'version'");
	}
}

static void a_state_can_be_asked_for_as_of_a_time(void **state)
{
	struct fixture *f = *state;
	struct answer *opened = command(f, "a", "open_account", "{}");
	struct span time = json_string(answer_at(opened, "events/0/time"));
	char target[100];

	sleep_ms(2);
	(void)command(f, "a", "deposit", "{\"amount\":5}");
	(void)snprintf(target, sizeof(target), ACCOUNT "a?time=%.*s", SPAN_ARG(time));
	assert_at(get(f, target), "version", "1");
	assert_at(get(f, ACCOUNT "a?time=2999-01-01T00:00:00Z"), "version", "2");
	assert_problem(get(f, ACCOUNT "a?time=2000-01-01T00:00:00Z"), 404, "not_found", "");
	assert_problem(get(f, ACCOUNT "a?time=yesterday"), 400, "bad_parameter", "'yesterday'");
	assert_problem(get(f, ACCOUNT "a?time="), 400, "bad_parameter", "'time'");
	assert_problem(get(f, ACCOUNT "a?version=1&time=2999-01-01T00:00:00Z"), 400,
		       "bad_parameter", "exclude");
}

static void what_never_existed_is_404_and_what_is_gone_is_null(void **state)
{
	struct fixture *f = *state;

	assert_problem(get(f, ACCOUNT "a"), 404, "not_found", "");
	assert_problem(get(f, "/v1/aggregates/nobody/a"), 404, "no_such_aggregate", "'nobody'");
	assert_problem(get(f, "/v1/aggregates/x-y/a"), 400, "bad_name", "");
	(void)command(f, "a", "open_account", "{}");
	(void)command(f, "a", "close_account", "{}");
	assert_at(get(f, ACCOUNT "a"), "",
		  "{\"stream\":\"account/a\",\"version\":2,\"state\":null}");
}

static void a_state_that_cannot_be_folded_is_500(void **state)
{
	struct fixture *f = *state;

	(void)command(f, "a", "open_account", "{}");
	atomic_store(&f->account->fail_apply, NATIVE_CANNOT_FOLD);
	assert_problem(get(f, ACCOUNT "a?version=1"), 500, "cannot_fold", "");
}

static void a_state_is_not_shown_before_it_is_durable(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	int writer = client_connect(f->port);
	int reader = client_connect(f->port);

	server_hold_writes(f, true);
	send_request(writer, "POST", JSON_TYPE, ACCOUNT "a/commands",
		     SPAN("{\"type\":\"open_account\",\"data\":{}}"));
	for (unsigned waited = 0; runtime_requests(f->runtime) != 1 && waited < 5000; waited++)
		sleep_ms(1);
	send_request(reader, "GET", "", ACCOUNT "a", SPAN_EMPTY);
	assert_true(client_sees_nothing(reader, 50));
	server_hold_writes(f, false);
	client_read(reader, true, answer);
	assert_at(answer, "version", "1");
	client_close(reader);
	client_close(writer);
}

int test_states(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_state_comes_with_its_version),
		TEST(a_state_can_be_asked_for_as_of_a_version),
		TEST(a_state_can_be_asked_for_as_of_a_time),
		TEST(what_never_existed_is_404_and_what_is_gone_is_null),
		TEST(a_state_that_cannot_be_folded_is_500),
		TEST(a_state_is_not_shown_before_it_is_durable),
	};
#undef TEST
	return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
