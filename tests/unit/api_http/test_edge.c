/* SPDX-License-Identifier: Apache-2.0 */
/* What the edge lets in: guards against web pages, paths, methods, media types, query parameters. */
#include "fixture.h"

static void hosts_that_are_ours_are_served_and_others_are_not(void **state)
{
	struct fixture *f = *state;
	static const char *const ours[] = { "localhost",    "LOCALHOST:80",    "127.0.0.1",
					    "127.1.2.3:9",  "[::1]",           "[::1]:8080",
					    "bank.example", "Bank.Example:443" };
	static const char *const others[] = { "evil.example",
					      "localhost.evil.example",
					      "127.0.0.1.evil.example",
					      "127.evil.example",
					      "[::2]",
					      "10.0.0.1",
					      "bank.example.evil",
					      "localhost." };
	char header[128];

	for (size_t i = 0; i < ARRAY_COUNT(ours); i++) {
		(void)snprintf(header, sizeof(header), "Host: %s\r\n", ours[i]);
		assert_status(get_with(f, header, "/livez"), 200);
	}
	for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
		(void)snprintf(header, sizeof(header), "Host: %s\r\n", others[i]);
		assert_problem(get_with(f, header, "/livez"), 403, "host_not_allowed", others[i]);
		assert_problem(get_with(f, header, "/nothing"), 403, "host_not_allowed", others[i]);
	}
}

static void only_pages_of_this_origin_may_ask(void **state)
{
	struct fixture *f = *state;
	static const char *const foreign[] = { "http://evil.example",
					       "null",
					       "http://localhost",
					       "localhost:80",
					       "ftp://localhost:80",
					       "",
					       "http://localhost:8080.evil.example" };
	char header[128];

	assert_status(
		get_with(f, "Host: localhost:80\r\nOrigin: http://localhost:80\r\n", "/livez"),
		200);
	assert_status(
		get_with(f, "Host: LocalHost:80\r\nOrigin: https://localhost:80\r\n", "/livez"),
		200);
	for (size_t i = 0; i < ARRAY_COUNT(foreign); i++) {
		(void)snprintf(header, sizeof(header), "Host: localhost:80\r\nOrigin: %s\r\n",
			       foreign[i]);
		assert_problem(get_with(f, header, "/livez"), 403, "foreign_origin", "origin");
	}
}

static void no_answer_invites_other_origins(void **state)
{
	struct fixture *f = *state;

	assert_null(strstr(get(f, "/v1/events")->head, "Access-Control"));
	assert_problem(
		request(f, "OPTIONS",
			"Origin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n",
			"/v1/events", SPAN_EMPTY),
		405, "method_not_allowed", "GET");
}

static void headers_that_must_be_single_are_refused_when_given_twice(void **state)
{
	struct fixture *f = *state;
	static const char *const twice[] = { "Origin",      "Content-Type",     "Idempotency-Key",
					     "Traceparent", "X-Correlation-Id", "Last-Event-ID" };
	char headers[256];

	for (size_t i = 0; i < ARRAY_COUNT(twice); i++) {
		/* Of origins, the first alone would pass. */
		(void)snprintf(headers, sizeof(headers), "%s: %s\r\n%s: http://b\r\n", twice[i],
			       i == 0 ? "http://localhost" : "a", twice[i]);
		assert_problem(get_with(f, headers, "/livez"), 400, "bad_header", "twice");
	}
}

static void unknown_paths_are_404(void **state)
{
	struct fixture *f = *state;
	static const char *const paths[] = { "/nothing",
					     "/v1",
					     "/v1/",
					     "/v1/events/",
					     "/v2/events",
					     "/v1/aggregates/account",
					     "//livez",
					     "/livez/",
					     "/v1/aggregates/account/a/commands/b/c",
					     "/1/2/3/4/5/6/7/8/9/10",
					     "/v1%2Fevents" };

	for (size_t i = 0; i < ARRAY_COUNT(paths); i++)
		assert_problem(get(f, paths[i]), 404, "no_such_path", "nothing");
}

static void broken_targets_are_400(void **state)
{
	struct fixture *f = *state;
	static const char *const targets[] = { "/v1/%zz",      "/v1/%",
					       "/v1/%4",       "/livez%00",
					       "/v1/%ff",      "/v1/events?type=%ff",
					       "/v1/events?%", "/v1/events?a=%00" };

	for (size_t i = 0; i < ARRAY_COUNT(targets); i++)
		assert_problem(get(f, targets[i]), 400, "bad_target", "");
}

static void methods_that_a_path_does_not_take_are_405_with_allow(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *method;
		const char *path;
		const char *allow;
	} cases[] = {
		{ "DELETE", "/v1/events", "GET, HEAD, POST" },
		{ "PUT", "/v1/streams/a/b/events", "GET, HEAD, POST" },
		{ "GET", ACCOUNT "a/commands", "POST" },
		{ "HEAD", ACCOUNT "a/commands", "POST" },
		{ "POST", ACCOUNT "a", "GET, HEAD" },
		{ "PATCH", "/livez", "GET, HEAD" },
		{ "POST", "/v1/components", "GET, HEAD" },
		{ "OPTIONS", "/", "GET, HEAD" },
		{ "REPORT", "/metrics", "GET, HEAD" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct answer *answer = request(f, cases[i].method, "", cases[i].path, SPAN_EMPTY);

		assert_status(answer, 405);
		assert_string_equal(answer_header(answer, "Allow"), cases[i].allow);
		if (strcmp(cases[i].method, "HEAD") != 0)
			assert_problem(answer, 405, "method_not_allowed", cases[i].allow);
	}
}

static void every_get_takes_head(void **state)
{
	struct fixture *f = *state;
	static const char *const paths[] = { "/",
					     "/livez",
					     "/readyz",
					     "/openapi.json",
					     "/v1/components",
					     "/v1/events",
					     "/v1/streams/account/a/events",
					     ACCOUNT "a",
					     ACCOUNT "nobody" };

	(void)command(f, "a", "open_account", "{}");
	for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
		struct answer *get_answer = get(f, paths[i]);
		struct answer *head = request(f, "HEAD", "", paths[i], SPAN_EMPTY);
		char length[32];

		assert_int_equal(head->status, get_answer->status);
		assert_int_equal(head->body_size, 0);
		(void)snprintf(length, sizeof(length), "%zu", get_answer->body_size);
		assert_string_equal(answer_header(head, "Content-Length"), length);
	}
}

static void changing_calls_need_their_content_type(void **state)
{
	struct fixture *f = *state;
	static const char *const wrong[] = { "",
					     "Content-Type: text/plain\r\n",
					     "Content-Type: application/x-www-form-urlencoded\r\n",
					     "Content-Type: multipart/form-data; boundary=x\r\n",
					     "Content-Type: application/jsonp\r\n",
					     "Content-Type: application/json+x\r\n",
					     "Content-Type: application/jso\r\n",
					     "Content-Type: \r\n" };
	static const char *const right[] = {
		"Content-Type: application/json\r\n", "Content-Type: Application/JSON\r\n",
		"Content-Type: application/json;charset=utf-8\r\n",
		"Content-Type: application/json\t ; charset=utf-8\r\n"
	};
	static const char body[] = "{\"type\":\"open_account\",\"data\":{}}";
	static const char events[] = "{\"events\":[{\"type\":\"a\",\"data\":1}]}";

	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		assert_problem(post_with(f, wrong[i], ACCOUNT "a/commands", body), 415,
			       "unsupported_media_type", "application/json");
		assert_problem(post_with(f, wrong[i], "/v1/streams/a/b/events", events), 415,
			       "unsupported_media_type", "application/json");
		assert_problem(post_with(f, wrong[i], "/v1/events", body), 415,
			       "unsupported_media_type", "application/cloudevents+json");
	}
	assert_int_equal(event_count(f), 0);
	for (size_t i = 0; i < ARRAY_COUNT(right); i++)
		assert_status(post_with(f, right[i], "/v1/streams/a/b/events", events), 200);
}

static void bodies_over_the_limit_are_413(void **state)
{
	struct fixture *f = *state;
	char *body = malloc(5001);

	assert_non_null(body);
	memset(body, ' ', 5000);
	body[5000] = '\0';
	assert_problem(post(f, ACCOUNT "a/commands", body), 413, "body_too_large", "");
	free(body);
	assert_int_equal(event_count(f), 0);
}

static void unknown_query_parameters_are_named(void **state)
{
	struct fixture *f = *state;
	static const char *const targets[] = { "/?x=1",
					       "/v1/components?x",
					       "/v1/events?limit=1&x=2",
					       "/v1/streams/a/b/events?x=%20",
					       "/v1/aggregates/account/a?x",
					       "/v1/aggregates/account/a/commands/1?x" };

	for (size_t i = 0; i < ARRAY_COUNT(targets); i++)
		assert_problem(get(f, targets[i]), 400, "unknown_parameter", "'x'");
	assert_problem(post(f, ACCOUNT "a/commands?x", "{}"), 400, "unknown_parameter", "'x'");
	assert_problem(post(f, "/v1/streams/a/b/events?x", "{}"), 400, "unknown_parameter", "'x'");
	assert_problem(post(f, "/v1/events?x", "{}"), 400, "unknown_parameter", "'x'");
	/* Of one stream there is no category to choose. */
	assert_problem(get(f, "/v1/streams/a/b/events?category=a"), 400, "unknown_parameter",
		       "'category'");
	assert_problem(get(f, "/v1/events?after=1&after=2"), 400, "bad_parameter", "twice");
}

static void too_many_query_parameters_are_refused(void **state)
{
	struct fixture *f = *state;
	char target[1024] = "/v1/events?";

	for (int i = 0; i < 41; i++)
		(void)snprintf(target + strlen(target), sizeof(target) - strlen(target), "type=a&");
	assert_problem(get(f, target), 400, "bad_target", "at most 40");
}

static void pipelined_requests_are_answered_in_their_order(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->port);

	send_request(fd, "POST", JSON_TYPE, ACCOUNT "p/commands",
		     SPAN("{\"type\":\"open_account\",\"data\":{}}"));
	send_request(fd, "POST", JSON_TYPE, ACCOUNT "p/commands",
		     SPAN("{\"type\":\"deposit\",\"data\":{\"amount\":5}}"));
	send_request(fd, "GET", "", ACCOUNT "p", SPAN_EMPTY);
	send_request(fd, "GET", "", "/v1/events?limit=1&direction=backward", SPAN_EMPTY);
	send_request(fd, "GET", "", "/nothing", SPAN_EMPTY);
	struct answer *answers[5];
	for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
		answers[i] = answer_new(f);
		client_read(fd, true, answers[i]);
	}
	assert_at(answers[0], "version", "1");
	assert_at(answers[1], "version", "2");
	assert_at(answers[2], "state", "{\"balance\":5,\"events\":2}");
	assert_at(answers[3], "0/type", "\"deposited\"");
	assert_problem(answers[4], 404, "no_such_path", "");
	client_close(fd);
}

static int setup(void **state)
{
	static const struct span hosts[] = { { "bank.example", 12 } };

	(void)fixture_setup_unstarted(state);
	struct fixture *f = *state;
	f->options.hosts = hosts;
	f->options.host_count = 1;
	f->body_max_bytes = 4096;
	server_start(f);
	return 0;
}

int test_edge(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(hosts_that_are_ours_are_served_and_others_are_not),
		TEST(only_pages_of_this_origin_may_ask),
		TEST(no_answer_invites_other_origins),
		TEST(headers_that_must_be_single_are_refused_when_given_twice),
		TEST(unknown_paths_are_404),
		TEST(broken_targets_are_400),
		TEST(methods_that_a_path_does_not_take_are_405_with_allow),
		TEST(every_get_takes_head),
		TEST(changing_calls_need_their_content_type),
		TEST(bodies_over_the_limit_are_413),
		TEST(unknown_query_parameters_are_named),
		TEST(too_many_query_parameters_are_refused),
		TEST(pipelined_requests_are_answered_in_their_order),
	};
#undef TEST
	return cmocka_run_group_tests_name("edge", tests, NULL, NULL);
}
