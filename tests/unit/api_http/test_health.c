/* SPDX-License-Identifier: Apache-2.0 */
/* What operators and tools ask. */
#include "fixture.h"

static void the_index_says_who_is_here(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = get(f, "/");

	assert_status(answer, 200);
	assert_at(answer, "",
		  "{\"name\":\"concordance\",\"version\":\"1.2.3\",\"application\":\"bank\","
		  "\"openapi\":\"/openapi.json\"}");
}

static void alive_is_plain_text(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = get(f, "/livez");

	assert_status(answer, 200);
	assert_string_equal(answer->body, "ok\n");
	assert_string_equal(answer_header(answer, "Content-Type"), "text/plain; charset=utf-8");
}

static void set_full(struct fixture *f)
{
	mem_set_full(f->store, true);
}

static void begin_shutdown(struct fixture *f)
{
	api_begin_shutdown(f->api);
}

static void ready_is_honest_about_the_disk_and_about_going_away(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(get(f, "/readyz")->body, "ready\n");
	set_full(f);
	assert_problem(get(f, "/readyz"), 503, "disk_full", "reads go on");
	mem_set_full(f->store, false);
	assert_status(get(f, "/readyz"), 200);
	begin_shutdown(f);
	assert_problem(get(f, "/readyz"), 503, "shutting_down", "");
	assert_status(get(f, "/livez"), 200);
}

static void a_failed_disk_is_not_ready(void **state)
{
	struct fixture *f = *state;

	mem_fail_next_flush(f->store);
	assert_problem_maybe_stored(
		post(f, ACCOUNT "a/commands", "{\"type\":\"open_account\",\"data\":{}}"), 500,
		"storage_failed", "");
	assert_int_equal(atomic_load(&f->fatal_count), 1);
	/* A read that fails has stored nothing, whatever failed. */
	assert_problem(get(f, ACCOUNT "a"), 500, "storage_failed", "");
	assert_problem(get(f, "/readyz"), 503, "storage_failed", "");
	assert_problem(post(f, ACCOUNT "b/commands", "{\"type\":\"open_account\",\"data\":{}}"),
		       503, "shutting_down", "");
}

static void metrics_count_problems(void **state)
{
	struct fixture *f = *state;

	(void)get(f, "/nothing");
	atomic_store(&f->account->fail_handle, NATIVE_TRAP);
	(void)post(f, ACCOUNT "a/commands", "{\"type\":\"open_account\",\"data\":{}}");
	struct answer *answer = get(f, "/metrics");
	assert_status(answer, 200);
	assert_string_equal(answer_header(answer, "Content-Type"),
			    "text/plain; version=0.0.4; charset=utf-8");
	assert_non_null(
		strstr(answer->body, "\nconcordance_api_problems_total{class=\"4xx\"} 1\n"));
	assert_non_null(
		strstr(answer->body, "\nconcordance_api_problems_total{class=\"5xx\"} 1\n"));
	assert_non_null(strstr(answer->body, "\nconcordance_followers 0\n"));
}

static void components_are_listed_with_their_limits(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = get(f, "/v1/components");

	assert_status(answer, 200);
	assert_string_equal(answer_header(answer, "Content-Type"), "application/json");
	assert_int_equal(json_count(answer_at(answer, "components")), 1);
	assert_at(answer, "components/0/name", "\"account\"");
	assert_at(answer, "components/0/role", "\"aggregate\"");
	assert_at(answer, "components/0/instances", "\"fresh\"");
	assert_int_equal(json_string(answer_at(answer, "components/0/digest")).size, 64);
	assert_int_equal(json_type(answer_at(answer, "components/0/limits/call_ms")), JSON_NUMBER);
	assert_int_equal(json_type(answer_at(answer, "components/0/limits/memory_bytes")),
			 JSON_NUMBER);
	assert_int_equal(json_type(answer_at(answer, "components/0/limits/output_bytes")),
			 JSON_NUMBER);
}

static void the_description_is_json_and_names_every_path(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = get(f, "/openapi.json");

	assert_status(answer, 200);
	assert_string_equal(answer_header(answer, "Content-Type"), "application/json");
	assert_at(answer, "openapi", "\"3.1.0\"");
	assert_int_equal(json_count(answer_at(answer, "paths")), 11);
}

int test_health(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_index_says_who_is_here),
		TEST(alive_is_plain_text),
		TEST(ready_is_honest_about_the_disk_and_about_going_away),
		TEST(a_failed_disk_is_not_ready),
		TEST(metrics_count_problems),
		TEST(components_are_listed_with_their_limits),
		TEST(the_description_is_json_and_names_every_path),
	};
#undef TEST
	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
