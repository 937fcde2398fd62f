/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events: catching up, following, signs of life, slow readers. */
#include "fixture.h"

#define SSE "Accept: text/event-stream\r\n"

static int follow(struct fixture *f, const char *headers, const char *target, struct answer *answer)
{
	int fd = client_connect(f->port);
	char all[300];

	(void)snprintf(all, sizeof(all), SSE "%s", headers);
	send_request(fd, "GET", all, target, SPAN_EMPTY);
	client_read_head(fd, answer);
	return fd;
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		count++;
	return count;
}

static void a_stream_catches_up_and_then_follows(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);

	append_events(f, "red/x", 2, "a");
	int fd = follow(f, "", "/v1/events", answer);
	assert_status(answer, 200);
	assert_string_equal(answer_header(answer, "Content-Type"), "text/event-stream");
	assert_string_equal(answer_header(answer, "Cache-Control"), "no-store");
	client_read_until(fd, answer, "id: 1025\n");
	metric_await(f, "concordance_followers", 1);
	append_events(f, "red/x", 1, "b");
	client_read_until(fd, answer, "id: 2048\n");
	append_events(f, "red/y", 1, "c");
	client_read_until(fd, answer, "id: 3072\n");
	assert_int_equal(count_of(answer->body, "id: "), 4);
	assert_int_equal(count_of(answer->body, "\n\n"), 4);
	static const char first[] = "id: 1024\ndata: {\"specversion\":\"1.0\",";
	assert_memory_equal(answer->body, first, strlen(first));
	client_close(fd);
	metric_await(f, "concordance_followers", 0);
}

static void an_empty_log_can_be_followed(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	int fd = follow(f, "", "/v1/events?after=0", answer);

	assert_true(client_sees_nothing(fd, 30));
	append_events(f, "red/x", 1, "a");
	client_read_until(fd, answer, "id: 1024\n");
	client_close(fd);
}

static void a_stream_of_one_stream_counts_versions(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);

	append_events(f, "red/x", 3, "a");
	int fd = follow(f, "", "/v1/streams/red/x/events?after=1&type=a", answer);
	client_read_until(fd, answer, "id: 3\n");
	append_events(f, "red/y", 1, "a");
	append_events(f, "red/x", 1, "b");
	append_events(f, "red/x", 1, "A");
	client_read_until(fd, answer, "id: 5\n");
	assert_int_equal(count_of(answer->body, "id: "), 3);
	client_close(fd);
}

static void a_client_that_comes_back_goes_on_after_its_last_event(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);

	append_events(f, "red/x", 3, "a");
	int fd = follow(f, "Last-Event-ID: 1025\r\n", "/v1/events?after=0", answer);
	client_read_until(fd, answer, "id: ");
	assert_memory_equal(answer->body, "id: 1026\n", strlen("id: 1026\n"));
	client_close(fd);
	assert_problem(get_with(f, SSE "Last-Event-ID: x\r\n", "/v1/events"), 400, "bad_header",
		       "Last-Event-ID");
	assert_problem(get_with(f, SSE "Last-Event-ID: 2048\r\n", "/v1/events"), 409, "beyond_head",
		       "2048");
	/* It is for event streams only. */
	assert_int_equal(json_count(get_with(f, "Last-Event-ID: 1025\r\n", "/v1/events")->json), 3);
}

static void filters_hold_for_what_comes_live(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	int fd = follow(f, "", "/v1/events?type=b&category=red", answer);

	append_events(f, "red/x", 2, "a");
	append_events(f, "blue/x", 1, "b");
	append_events(f, "red/x", 1, "b");
	client_read_until(fd, answer, "id: 3072\n");
	assert_int_equal(count_of(answer->body, "id: "), 1);
	client_close(fd);
}

static void what_makes_no_sense_for_a_stream_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_problem(get_with(f, SSE, "/v1/events?direction=backward"), 400, "bad_parameter",
		       "forward only");
	assert_problem(get_with(f, SSE, "/v1/events?limit=5"), 400, "bad_parameter", "no limit");
	assert_status(request(f, "HEAD", SSE, "/v1/events", SPAN_EMPTY), 200);
	assert_int_equal(metric(f, "concordance_followers"), 0);
}

static void a_quiet_stream_shows_signs_of_life_with_the_place_scanned(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	struct answer *back = answer_new(f);

	append_events(f, "red/x", 2, "a");
	int fd = follow(f, "", "/v1/events?type=rare", answer);
	client_read_until(fd, answer, ": heartbeat\nid: 2047\n\n");
	append_events(f, "red/x", 1, "a");
	client_read_until(fd, answer, ": heartbeat\nid: 3071\n\n");
	client_close(fd);
	/* Which is a place to come back to. */
	fd = follow(f, "Last-Event-ID: 3071\r\n", "/v1/events", back);
	append_events(f, "red/x", 1, "a");
	client_read_until(fd, back, "id: 3072\n");
	client_close(fd);
}

/* Whenever the interval ends it is reading: that must not keep it silent. */
static void a_stream_that_reads_long_shows_signs_of_life_too(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	int fd = follow(f, "", "/v1/events?type=rare", answer);

	client_read_until(fd, answer, ": heartbeat");
	gate_shut(f);
	append_events(f, "red/x", 1, "a");
	gate_await(f, 1);
	sleep_ms(100);
	/* As on a busy log, it goes on reading: it never comes to wait. */
	append_events(f, "red/x", 1, "a");
	sleep_ms(20);
	gate_pass(f);
	gate_await(f, 1);
	client_read_until(fd, answer, ": heartbeat\nid: ");
	client_read_until(fd, answer, "id: 3071\n\n");
	gate_open(f);
	client_close(fd);
}

static void more_followers_than_allowed_are_refused(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	int first = follow(f, "", "/v1/events", answer);
	int second = follow(f, "", "/v1/events", answer_new(f));

	metric_await(f, "concordance_followers", 2);
	assert_problem(get_with(f, SSE, "/v1/events"), 503, "busy", "2");
	client_close(first);
	metric_await(f, "concordance_followers", 1);
	first = follow(f, "", "/v1/events", answer_new(f));
	client_close(first);
	client_close(second);
}

static void a_slow_reader_gets_everything_and_costs_little(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	OWNED(buf) struct buf body = { 0 };
	int fd = client_connect_small(f->port);

	send_request(fd, "GET", SSE, "/v1/events", SPAN_EMPTY);
	client_read_head(fd, answer);
	buf_append_string(&body, "{\"events\":[{\"type\":\"big\",\"data\":\"");
	for (int i = 0; i < 50000; i++)
		buf_append_string(&body, "0123456789");
	buf_append_format(&body, "\"}]}%c", '\0');
	/* Live, one after the other, while the client takes nothing: 30 MB. */
	uint64_t before = gate_posted(f);
	for (int i = 0; i < 60; i++)
		assert_status(post(f, "/v1/streams/import/k/events", body.data), 200);
	sleep_ms(50);
	/* Read for it is no more than fills the kernel's buffers and the bound on output. */
	assert_true(gate_posted(f) - before < 30);
	append_events(f, "red/x", 1, "last");
	client_read_until(fd, answer, "\"type\":\"last\"");
	assert_int_equal(count_of(answer->body, "id: "), 61);
	client_close(fd);
}

static void several_followers_see_the_same_in_the_same_order(void **state)
{
	struct fixture *f = *state;
	struct answer *answers[4];
	int fds[4];

	for (size_t i = 0; i < 4; i++) {
		answers[i] = answer_new(f);
		fds[i] = follow(f, "", "/v1/events", answers[i]);
	}
	for (int i = 0; i < 20; i++)
		(void)append_events(f, i % 2 == 0 ? "red/x" : "blue/x", 2, "a");
	for (size_t i = 0; i < 4; i++) {
		client_read_until(fds[i], answers[i], "id: 20481\n");
		assert_string_equal(answers[i]->body, answers[0]->body);
		client_close(fds[i]);
	}
}

static int setup_few(void **state)
{
	(void)fixture_setup_unstarted(state);
	struct fixture *f = *state;
	f->options.followers_max = 2;
	server_start(f);
	return 0;
}

static int setup_lively(void **state)
{
	(void)fixture_setup_unstarted(state);
	struct fixture *f = *state;
	f->options.heartbeat_ms = 20;
	server_start(f);
	return 0;
}

int test_follow(void)
{
#define TEST(name)             cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define TEST_WITH(name, setup) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_stream_catches_up_and_then_follows),
		TEST(an_empty_log_can_be_followed),
		TEST(a_stream_of_one_stream_counts_versions),
		TEST(a_client_that_comes_back_goes_on_after_its_last_event),
		TEST(filters_hold_for_what_comes_live),
		TEST(what_makes_no_sense_for_a_stream_is_refused),
		TEST_WITH(a_quiet_stream_shows_signs_of_life_with_the_place_scanned, setup_lively),
		TEST_WITH(a_stream_that_reads_long_shows_signs_of_life_too, setup_lively),
		TEST_WITH(more_followers_than_allowed_are_refused, setup_few),
		TEST(a_slow_reader_gets_everything_and_costs_little),
		TEST(several_followers_see_the_same_in_the_same_order),
	};
#undef TEST
#undef TEST_WITH
	return cmocka_run_group_tests_name("following", tests, NULL, NULL);
}
