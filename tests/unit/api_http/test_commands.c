/* SPDX-License-Identifier: Apache-2.0 */
/* Commands to aggregates, and what became of one. */
#include "fixture.h"

#define OPEN "{\"type\":\"open_account\",\"data\":{}}"
#define A    ACCOUNT "a/commands"

static void an_accepted_command_answers_its_events(void **state)
{
	struct fixture *f = *state;
	struct answer *answer =
		post(f, A, "{\"type\":\"open_account\",\"data\":{},\"id\":\"c-1\"}");

	assert_status(answer, 200);
	assert_string_equal(answer_header(answer, "Content-Type"), "application/json");
	assert_int_equal(json_count(answer->json), 6);
	assert_at(answer, "outcome", "\"accepted\"");
	assert_at(answer, "id", "\"c-1\"");
	assert_at(answer, "stream", "\"account/a\"");
	assert_at(answer, "version", "1");
	assert_at(answer, "position", "1024");
	assert_int_equal(json_count(answer_at(answer, "events")), 1);
	assert_int_equal(json_count(answer_at(answer, "events/0")), 6);
	assert_at(answer, "events/0/type", "\"account_opened\"");
	assert_at(answer, "events/0/version", "1");
	assert_at(answer, "events/0/position", "1024");
	assert_at(answer, "events/0/data", "{}");
	assert_int_equal(json_string(answer_at(answer, "events/0/id")).size, 36);
	assert_int_equal(json_string(answer_at(answer, "events/0/time")).size, 27);
}

static void several_events_of_one_command_have_positions_in_a_row(void **state)
{
	struct fixture *f = *state;

	(void)command(f, "a", "open_account", "{}");
	struct answer *answer = command(f, "a", "deposit_many", "{\"count\":3}");
	assert_at(answer, "version", "4");
	assert_at(answer, "position", "2050");
	assert_at(answer, "events/0/version", "2");
	assert_at(answer, "events/0/position", "2048");
	assert_at(answer, "events/2/position", "2050");
}

static void without_events_the_position_is_null(void **state)
{
	struct fixture *f = *state;

	(void)command(f, "a", "open_account", "{}");
	struct answer *answer = command(f, "a", "look", "null");
	assert_at(answer, "outcome", "\"accepted\"");
	assert_at(answer, "version", "1");
	assert_at(answer, "position", "null");
	assert_at(answer, "events", "[]");
}

static void the_new_state_comes_when_asked_for(void **state)
{
	struct fixture *f = *state;

	assert_at(post(f, A "?return=state", OPEN), "state", "{\"balance\":0,\"events\":1}");
	assert_null(answer_at(command(f, "a", "deposit", "{\"amount\":7}"), "state"));
	assert_at(post(f, A "?return=state", "{\"type\":\"look\",\"data\":1}"), "state",
		  "{\"balance\":7,\"events\":2}");
	assert_problem(post(f, A "?return=all", OPEN), 400, "bad_parameter", "'return'");
	assert_problem(post(f, A "?return=", OPEN), 400, "bad_parameter", "'return'");
}

static void a_rejection_is_422_with_the_aggregates_code(void **state)
{
	struct fixture *f = *state;

	assert_problem(post(f, A, "{\"type\":\"deposit\",\"data\":{\"amount\":1}}"), 422,
		       "no_such_account", "there is no such account");
	(void)command(f, "a", "open_account", "{}");
	struct answer *answer =
		post(f, A, "{\"type\":\"withdraw\",\"data\":{\"amount\":1},\"id\":\"w\"}");
	assert_problem(answer, 422, "insufficient_funds", "not enough money");
	assert_at(answer, "title", "\"Rejected\"");
	assert_at(answer, "outcome", "\"rejected\"");
	assert_at(answer, "id", "\"w\"");
	assert_at(answer, "details", "{\"balance\":0}");
	assert_int_equal(event_count(f), 1);
}

static void the_same_id_again_gives_the_same_answer(void **state)
{
	struct fixture *f = *state;
	static const char body[] = "{\"type\":\"open_account\",\"data\":{\"a\":1},\"id\":\"c-1\"}";
	struct answer *first = post(f, A, body);
	struct answer *again = post_with(f, JSON_TYPE "Idempotency-Key: c-1\r\n", A "?return=state",
					 "{\"data\":{ \"a\":1.0 },\"type\":\"open_account\"}");

	assert_status(again, 200);
	assert_null(answer_at(first, "duplicate"));
	assert_at(again, "duplicate", "true");
	assert_true(json_equal(answer_at(first, "events"), answer_at(again, "events")));
	assert_at(again, "position", "1024");
	assert_at(again, "state", "{\"balance\":0,\"events\":1}");
	assert_problem(post(f, A, "{\"type\":\"open_account\",\"data\":{},\"id\":\"c-1\"}"), 409,
		       "id_reused", "c-1");
	assert_int_equal(event_count(f), 1);
}

static void the_expected_version_is_a_condition(void **state)
{
	struct fixture *f = *state;

	assert_status(post(f, A, "{\"type\":\"open_account\",\"data\":{},\"expected_version\":0}"),
		      200);
	struct answer *answer =
		post(f, A, "{\"type\":\"deposit\",\"data\":{\"amount\":1},\"expected_version\":0}");
	assert_problem(answer, 409, "version_conflict", "at version 1, not 0");
	assert_at(answer, "version", "1");
	assert_status(
		post(f, A, "{\"type\":\"deposit\",\"data\":{\"amount\":1},\"expected_version\":1}"),
		200);
}

static void metadata_and_headers_travel_to_the_events(void **state)
{
	struct fixture *f = *state;

	(void)post_with(f, JSON_TYPE "X-Correlation-ID: from-header\r\ntraceparent: 00-ab\r\n", A,
			"{\"type\":\"open_account\",\"data\":{},\"id\":\"c-1\"}");
	(void)post_with(f, JSON_TYPE "X-Correlation-ID: from-header\r\n", A,
			"{\"type\":\"deposit\",\"data\":{\"amount\":1},\"id\":\"c-2\","
			"\"metadata\":{\"correlation_id\":\"from-body\",\"mine\":[1]}}");
	(void)post(f, A, "{\"type\":\"deposit\",\"data\":{\"amount\":1},\"id\":\"c-3\"}");
	struct answer *events = get(f, "/v1/events");
	assert_at(events, "0/correlationid", "\"from-header\"");
	assert_at(events, "0/traceparent", "\"00-ab\"");
	assert_at(events, "0/commandid", "\"c-1\"");
	assert_at(events, "1/correlationid", "\"from-body\"");
	assert_at(events, "2/correlationid", "\"c-3\"");
	char headers[600];
	char id[300];
	memset(id, 'x', 257);
	id[257] = '\0';
	(void)snprintf(headers, sizeof(headers), JSON_TYPE "X-Correlation-ID: %s\r\n", id);
	assert_problem(post_with(f, headers, A, OPEN), 400, "bad_header", "X-Correlation-ID");
	assert_problem(post_with(f, JSON_TYPE "traceparent: \xff\r\n", A, OPEN), 400, "bad_header",
		       "traceparent");
}

static void bad_requests_say_which_member_and_store_nothing(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *body;
		const char *code;
		const char *phrase;
	} cases[] = {
		{ "", "bad_json", "byte" },
		{ "{\"type\":\"a\",\"data\":1", "bad_json", "byte" },
		{ "{\"type\":\"a\",\"data\":1,\"data\":1}", "bad_json", "duplicate member 'data'" },
		{ "[]", "bad_request", "object, not array" },
		{ "{\"type\":\"a\",\"data\":1,\"extra\":1}", "unknown_member", "'extra'" },
		{ "{\"data\":1}", "bad_request", "'type'" },
		{ "{\"type\":1,\"data\":1}", "bad_request", "'type'" },
		{ "{\"type\":\"a b\",\"data\":1}", "bad_type", "type" },
		{ "{\"type\":\"a\"}", "bad_request", "'data'" },
		{ "{\"type\":\"a\",\"data\":1,\"id\":1}", "bad_request", "'id'" },
		{ "{\"type\":\"a\",\"data\":1,\"id\":\"\"}", "bad_id", "command id" },
		{ "{\"type\":\"a\",\"data\":1,\"id\":\"a b\"}", "bad_id", "spaces" },
		{ "{\"type\":\"a\",\"data\":1,\"id\":\"$1\"}", "bad_id", "'$'" },
		{ "{\"type\":\"a\",\"data\":1,\"expected_version\":-1}", "bad_request",
		  "'expected_version'" },
		{ "{\"type\":\"a\",\"data\":1,\"expected_version\":null}", "bad_request",
		  "'expected_version'" },
		{ "{\"type\":\"a\",\"data\":1,\"expected_version\":1.5}", "bad_request",
		  "'expected_version'" },
		{ "{\"type\":\"a\",\"data\":1,\"metadata\":[]}", "bad_metadata", "object" },
		{ "{\"type\":\"a\",\"data\":1,\"metadata\":null}", "bad_metadata", "object" },
		{ "{\"type\":\"a\",\"data\":1,\"metadata\":{\"actor\":\"me\"}}", "bad_metadata",
		  "'actor'" },
		{ "{\"type\":\"a\",\"data\":1,\"metadata\":{\"correlation_id\":1}}", "bad_metadata",
		  "correlation_id" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		assert_problem(post(f, A, cases[i].body), 400, cases[i].code, cases[i].phrase);
	assert_problem(post_with(f, JSON_TYPE "Idempotency-Key: x\r\n", A,
				 "{\"type\":\"a\",\"data\":1,\"id\":\"y\"}"),
		       400, "bad_request", "differ");
	assert_problem(post_with(f, JSON_TYPE "Idempotency-Key:\r\n", A, OPEN), 400, "bad_id",
		       "command id");
	assert_problem(post_with(f, JSON_TYPE "Idempotency-Key: $x\r\n", A, OPEN), 400, "bad_id",
		       "'$'");
	assert_int_equal(event_count(f), 0);
}

static void names_and_keys_have_rules(void **state)
{
	struct fixture *f = *state;
	char target[1200] = ACCOUNT;

	assert_problem(post(f, "/v1/aggregates/Account/a/commands", OPEN), 400, "bad_name",
		       "category");
	assert_problem(post(f, ACCOUNT "/commands", OPEN), 400, "bad_name", "key");
	assert_problem(post(f, ACCOUNT "a%0Ab/commands", OPEN), 400, "bad_name", "control");
	memset(target + strlen(ACCOUNT), 'k', 257);
	strncat(target, "/commands", 20);
	assert_problem(post(f, target, OPEN), 400, "bad_name", "256 bytes, not 257");
	assert_problem(post(f, "/v1/aggregates/nobody/a/commands", OPEN), 404, "no_such_aggregate",
		       "'nobody'");
	/* A key is split off before it is decoded. */
	assert_at(post(f, ACCOUNT "a%2Fb%20%C3%A4/commands", OPEN), "stream",
		  "\"account/a/b \xc3\xa4\"");
	memset(target + strlen(ACCOUNT), 'k', 256);
	(void)snprintf(target + strlen(ACCOUNT) + 256, 20, "/commands");
	assert_status(post(f, target, OPEN), 200);
}

static void what_goes_wrong_in_a_component_is_500_and_stores_nothing(void **state)
{
	struct fixture *f = *state;
	static const struct {
		bool in_apply;
		enum native_failure failure;
		unsigned status;
		const char *code;
	} cases[] = {
		{ false, NATIVE_TRAP, 500, "component_failed" },
		{ false, NATIVE_DEADLINE, 500, "component_deadline" },
		{ false, NATIVE_LIMIT, 500, "component_failed" },
		{ false, NATIVE_BAD_JSON, 500, "component_failed" },
		{ false, NATIVE_BAD_NAME, 500, "component_failed" },
		{ false, NATIVE_TOO_MANY, 500, "component_failed" },
		{ false, NATIVE_TOO_LARGE, 500, "component_failed" },
		{ true, NATIVE_TRAP, 500, "component_failed" },
		{ true, NATIVE_DEADLINE, 500, "component_deadline" },
		{ true, NATIVE_CANNOT_FOLD, 500, "component_failed" },
		{ true, NATIVE_UNSTEADY, 500, "component_failed" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		int failure = (int)cases[i].failure;

		atomic_store(&f->account->fail_handle, cases[i].in_apply ? NATIVE_FINE : failure);
		atomic_store(&f->account->fail_apply, cases[i].in_apply ? failure : NATIVE_FINE);
		assert_problem(post(f, A, OPEN), cases[i].status, cases[i].code, "");
	}
	atomic_store(&f->account->fail_apply, NATIVE_FINE);
	atomic_store(&f->account->fail_open, ERR_BUSY);
	assert_problem(post(f, A, OPEN), 503, "busy", "");
	atomic_store(&f->account->fail_open, ERR_NOMEM);
	assert_problem(post(f, A, OPEN), 503, "no_memory", "");
	atomic_store(&f->account->fail_open, OK);
	assert_int_equal(event_count(f), 0);
	assert_status(post(f, A, OPEN), 200);
}

static void a_full_disk_is_507_and_reads_go_on(void **state)
{
	struct fixture *f = *state;

	(void)command(f, "a", "open_account", "{}");
	mem_set_full(f->store, true);
	assert_problem(post(f, A, "{\"type\":\"deposit\",\"data\":{\"amount\":1}}"), 507,
		       "disk_full", "");
	assert_status(get(f, ACCOUNT "a"), 200);
	assert_status(post(f, A, "{\"type\":\"look\",\"data\":1}"), 200);
	mem_set_full(f->store, false);
	assert_at(command(f, "a", "deposit", "{\"amount\":1}"), "version", "2");
}

static void a_failed_write_says_that_the_outcome_is_unknown(void **state)
{
	struct fixture *f = *state;

	mem_fail_next_flush(f->store);
	assert_problem_maybe_stored(post(f, A, OPEN), 500, "storage_failed", "");
	assert_problem(post(f, ACCOUNT "b/commands", OPEN), 503, "shutting_down", "");
}

static void nothing_is_answered_before_it_is_durable(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	int fd = client_connect(f->port);

	server_hold_writes(f, true);
	send_request(fd, "POST", JSON_TYPE, A, span_from_string(OPEN));
	assert_true(client_sees_nothing(fd, 50));
	assert_int_equal(event_count(f), 0);
	server_hold_writes(f, false);
	client_read(fd, true, answer);
	assert_status(answer, 200);
	client_close(fd);
}

static void an_accepted_command_can_be_asked_for(void **state)
{
	struct fixture *f = *state;

	(void)post(f, A, "{\"type\":\"open_account\",\"data\":{},\"id\":\"c/1\"}");
	struct answer *answer = get(f, A "/c%2F1");
	assert_status(answer, 200);
	assert_at(answer, "",
		  "{\"id\":\"c/1\",\"outcome\":\"accepted\",\"stream\":\"account/a\",\"version\":1,"
		  "\"position\":1024}");
	assert_problem(get(f, A "/c-2"), 404, "not_found", "'c-2'");
	assert_problem(get(f, ACCOUNT "b/commands/c%2F1"), 404, "not_found", "account/b");
	assert_problem(get(f, "/v1/aggregates/nobody/a/commands/1"), 404, "no_such_aggregate",
		       "'nobody'");
	assert_problem(get(f, A "/a%20b"), 400, "bad_id", "space");
	assert_problem(get(f, A "/"), 400, "bad_id", "command id");
}

static void more_requests_than_fit_are_busy(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	int fd = client_connect(f->port);

	server_hold_writes(f, true);
	send_request(fd, "POST", JSON_TYPE, A, span_from_string(OPEN));
	for (unsigned waited = 0; runtime_requests(f->runtime) != 1 && waited < 5000; waited++)
		sleep_ms(1);
	assert_problem(post(f, ACCOUNT "b/commands", OPEN), 503, "busy", "under way");
	server_hold_writes(f, false);
	client_read(fd, true, answer);
	assert_status(answer, 200);
	client_close(fd);
	assert_status(post(f, ACCOUNT "b/commands", OPEN), 200);
}

static int setup_narrow(void **state)
{
	(void)fixture_setup_unstarted(state);
	struct fixture *f = *state;
	f->requests_max = 1;
	server_start(f);
	return 0;
}

int test_commands(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_accepted_command_answers_its_events),
		TEST(several_events_of_one_command_have_positions_in_a_row),
		TEST(without_events_the_position_is_null),
		TEST(the_new_state_comes_when_asked_for),
		TEST(a_rejection_is_422_with_the_aggregates_code),
		TEST(the_same_id_again_gives_the_same_answer),
		TEST(the_expected_version_is_a_condition),
		TEST(metadata_and_headers_travel_to_the_events),
		TEST(bad_requests_say_which_member_and_store_nothing),
		TEST(names_and_keys_have_rules),
		TEST(what_goes_wrong_in_a_component_is_500_and_stores_nothing),
		TEST(a_full_disk_is_507_and_reads_go_on),
		TEST(a_failed_write_says_that_the_outcome_is_unknown),
		TEST(nothing_is_answered_before_it_is_durable),
		TEST(an_accepted_command_can_be_asked_for),
		cmocka_unit_test_setup_teardown(more_requests_than_fit_are_busy, setup_narrow,
						fixture_teardown),
	};
#undef TEST
	return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
