/* SPDX-License-Identifier: Apache-2.0 */
/* Events appended directly to a category that no component owns. */
#include "fixture.h"

#define TARGET "/v1/streams/import/k/events"
#define ID1    "01890000-0000-7000-8000-000000000001"
#define ID2    "01890000-0000-7000-8000-000000000002"

static void an_append_answers_its_events(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = post(f, TARGET,
				     "{\"events\":[{\"type\":\"a\",\"data\":{\"n\":1}},"
				     "{\"type\":\"B.c-d\",\"data\":null,\"metadata\":{\"x\":1}}]}");

	assert_status(answer, 200);
	assert_int_equal(json_count(answer->json), 4);
	assert_at(answer, "stream", "\"import/k\"");
	assert_at(answer, "version", "2");
	assert_at(answer, "position", "1025");
	assert_at(answer, "events/0/data", "{\"n\":1}");
	assert_at(answer, "events/0/position", "1024");
	assert_at(answer, "events/1/type", "\"B.c-d\"");
	assert_at(answer, "events/1/data", "null");
	assert_at(answer, "events/1/version", "2");
	assert_int_equal(json_string(answer_at(answer, "events/1/id")).size, 36);
}

static void the_same_append_again_gets_the_first_answer(void **state)
{
	struct fixture *f = *state;
	static const char body[] = "{\"events\":[{\"id\":\"" ID1 "\",\"type\":\"a\",\"data\":1},"
				   "{\"id\":\"" ID2 "\",\"type\":\"a\",\"data\":2}],"
				   "\"expected_version\":0}";
	struct answer *first = post(f, TARGET, body);
	struct answer *again = post(f, TARGET, body);

	assert_status(first, 200);
	assert_at(first, "events/0/id", "\"" ID1 "\"");
	assert_null(answer_at(first, "duplicate"));
	assert_status(again, 200);
	assert_at(again, "duplicate", "true");
	assert_true(json_equal(answer_at(first, "events"), answer_at(again, "events")));
	assert_int_equal(event_count(f), 2);
	assert_problem(
		post(f, TARGET, "{\"events\":[{\"id\":\"" ID1 "\",\"type\":\"a\",\"data\":9}]}"),
		409, "id_reused", ID1);
}

static void an_append_is_conditional(void **state)
{
	struct fixture *f = *state;
	static const char body[] =
		"{\"expected_version\":0,\"events\":[{\"type\":\"a\",\"data\":1}]}";

	assert_status(post(f, TARGET, body), 200);
	struct answer *answer = post(f, TARGET, body);
	assert_problem(answer, 409, "version_conflict", "");
	assert_at(answer, "version", "1");
}

static void categories_of_components_are_refused(void **state)
{
	struct fixture *f = *state;
	static const char body[] = "{\"events\":[{\"type\":\"a\",\"data\":1}]}";

	assert_problem(post(f, "/v1/streams/account/k/events", body), 403, "category_owned",
		       "'account'");
	assert_problem(post(f, "/v1/streams/external/k/events", body), 403, "category_owned",
		       "/v1/events");
	assert_problem(post(f, "/v1/streams/$x/k/events", body), 400, "bad_name", "");
	assert_int_equal(event_count(f), 0);
}

static void bad_appends_say_which_event_and_store_nothing(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *body;
		const char *code;
		const char *phrase;
	} cases[] = {
		{ "{", "bad_json", "byte" },
		{ "{}", "bad_request", "'events'" },
		{ "{\"events\":{}}", "bad_request", "'events'" },
		{ "{\"events\":[]}", "bad_request", "1 to 1023" },
		{ "{\"events\":[1]}", "bad_request", "event 0" },
		{ "{\"events\":[{\"type\":\"a\",\"data\":1}],\"x\":1}", "unknown_member", "'x'" },
		{ "{\"events\":[{\"type\":\"a\",\"data\":1},{\"type\":\"a\",\"data\":1,\"time\":1}]"
		  "}",
		  "unknown_member", "event 1: unknown member 'time'" },
		{ "{\"events\":[{\"data\":1}]}", "bad_type", "event 0" },
		{ "{\"events\":[{\"type\":7,\"data\":1}]}", "bad_type", "string" },
		{ "{\"events\":[{\"type\":\"1\",\"data\":1}]}", "bad_type", "letter" },
		{ "{\"events\":[{\"type\":\"a\"}]}", "bad_request", "'data'" },
		{ "{\"events\":[{\"id\":\"1\",\"type\":\"a\",\"data\":1}]}", "bad_id", "UUID" },
		{ "{\"events\":[{\"id\":null,\"type\":\"a\",\"data\":1}]}", "bad_id", "UUID" },
		{ "{\"events\":[{\"id\":\"" ID1 "\",\"type\":\"a\",\"data\":1},"
		  "{\"type\":\"a\",\"data\":1}]}",
		  "bad_id", "all events" },
		{ "{\"events\":[{\"id\":\"" ID1 "\",\"type\":\"a\",\"data\":1},"
		  "{\"id\":\"" ID1 "\",\"type\":\"a\",\"data\":1}]}",
		  "bad_id", "0 and 1" },
		{ "{\"events\":[{\"type\":\"a\",\"data\":1,\"metadata\":1}]}", "bad_metadata",
		  "event 0" },
		{ "{\"events\":[{\"type\":\"a\",\"data\":1,\"metadata\":{\"actor\":\"me\"}}]}",
		  "bad_metadata", "'actor'" },
		{ "{\"events\":[{\"type\":\"a\",\"data\":1,\"metadata\":{\"correlation_id\":\"\"}}]"
		  "}",
		  "bad_metadata", "correlation_id" },
		{ "{\"events\":[{\"type\":\"a\",\"data\":1}],\"expected_version\":\"1\"}",
		  "bad_request", "'expected_version'" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		assert_problem(post(f, TARGET, cases[i].body), 400, cases[i].code, cases[i].phrase);
	assert_int_equal(event_count(f), 0);
}

static char *body_of_events(unsigned count, size_t data_size)
{
	size_t size = 100 + count * (data_size + 64);
	char *body = malloc(size);
	char *at = body;

	assert_non_null(body);
	at += snprintf(at, 20, "{\"events\":[");
	for (unsigned i = 0; i < count; i++) {
		at += snprintf(at, 40, "%s{\"type\":\"a\",\"data\":\"", i != 0 ? "," : "");
		memset(at, 'x', data_size);
		at += data_size;
		*at++ = '"';
		*at++ = '}';
	}
	(void)snprintf(at, 4, "]}");
	return body;
}

static void an_append_has_at_most_1023_events_and_a_frames_bytes(void **state)
{
	struct fixture *f = *state;
	char *body = body_of_events(1023, 1);
	struct answer *answer = post(f, TARGET, body);

	assert_status(answer, 200);
	assert_at(answer, "version", "1023");
	assert_at(answer, "position", "2046");
	free(body);
	body = body_of_events(1024, 1);
	assert_problem(post(f, TARGET, body), 400, "bad_request", "1 to 1023");
	free(body);
	/* Under the limit of bodies, over that of frames. */
	body = body_of_events(1, 1020000);
	assert_problem(post(f, TARGET, body), 413, "too_large", "");
	free(body);
	assert_int_equal(event_count(f), 1023);
}

static void metadata_has_a_limit_and_what_is_stored_can_be_read(void **state)
{
	struct fixture *f = *state;
	static const char head[] = "{\"events\":[{\"type\":\"a\",\"data\":1,\"metadata\":{\"x\":[1";
	char *body = malloc(200000);

	assert_non_null(body);
	for (unsigned numbers = 32000; numbers <= 33000; numbers += 1000) {
		char *at = body + snprintf(body, 200000, "%s", head);

		for (unsigned i = 0; i < numbers; i++) {
			*at++ = ',';
			*at++ = '1';
		}
		(void)snprintf(at, 10, "]}}]}");
		if (numbers == 32000)
			assert_status(post(f, TARGET, body), 200);
		else
			assert_problem(post(f, TARGET, body), 400, "bad_metadata", "65536");
	}
	free(body);
	struct answer *answer = get(f, "/v1/streams/import/k/events");
	assert_status(answer, 200);
	assert_int_equal(json_count(answer->json), 1);
}

static void the_stores_failures_have_their_answers(void **state)
{
	struct fixture *f = *state;
	static const char body[] = "{\"events\":[{\"type\":\"a\",\"data\":1}]}";

	mem_set_full(f->store, true);
	assert_problem(post(f, TARGET, body), 507, "disk_full", "");
	mem_set_full(f->store, false);
	mem_fail_next_flush(f->store);
	assert_problem_maybe_stored(post(f, TARGET, body), 500, "storage_failed", "");
	assert_problem(post(f, TARGET, body), 503, "shutting_down", "");
}

int test_appends(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(an_append_answers_its_events),
		TEST(the_same_append_again_gets_the_first_answer),
		TEST(an_append_is_conditional),
		TEST(categories_of_components_are_refused),
		TEST(bad_appends_say_which_event_and_store_nothing),
		TEST(an_append_has_at_most_1023_events_and_a_frames_bytes),
		TEST(metadata_has_a_limit_and_what_is_stored_can_be_read),
		TEST(the_stores_failures_have_their_answers),
	};
#undef TEST
	return cmocka_run_group_tests_name("appends", tests, NULL, NULL);
}
