/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that go away at the wrong moment, and the server that goes. Sanitizers tell whether anything
 * is used too late or forgotten. */
#include "fixture.h"

#define SSE  "Accept: text/event-stream\r\n"
#define OPEN SPAN("{\"type\":\"open_account\",\"data\":{}}")

static void await_requests(struct fixture *f, uint64_t count)
{
	for (unsigned waited = 0; runtime_requests(f->runtime) != count; waited++) {
		if (waited > 5000)
			fail_msg("%llu requests, not %llu",
				 (unsigned long long)runtime_requests(f->runtime),
				 (unsigned long long)count);
		sleep_ms(1);
	}
}

static void a_command_whose_client_is_gone_is_stored_all_the_same(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->port);

	server_hold_writes(f, true);
	send_request(fd, "POST", JSON_TYPE, ACCOUNT "a/commands", OPEN);
	await_requests(f, 1);
	client_reset(fd);
	sleep_ms(20);
	server_hold_writes(f, false);
	metric_await(f, "concordance_http_cancelled_total", 1);
	assert_at(get(f, ACCOUNT "a"), "version", "1");
}

static void a_batch_whose_client_is_gone_is_stored_all_the_same(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->port);

	server_hold_writes(f, true);
	send_request(
		fd, "POST", "Content-Type: application/cloudevents-batch+json\r\n", "/v1/events",
		SPAN("[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"a\",\"type\":"
		     "\"wire_succeeded\"},{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"b\","
		     "\"type\":\"wire_succeeded\"}]"));
	await_requests(f, 2);
	client_reset(fd);
	sleep_ms(20);
	server_hold_writes(f, false);
	metric_await(f, "concordance_http_cancelled_total", 1);
	assert_int_equal(event_count(f), 2);
}

static void a_client_may_go_while_its_page_is_read(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(f->port);
	int other = client_connect(f->port);

	append_events(f, "red/x", 3, "a");
	gate_shut(f);
	send_request(fd, "GET", "", "/v1/events", SPAN_EMPTY);
	send_request(other, "GET", "", ACCOUNT "a/commands/x", SPAN_EMPTY);
	gate_await(f, 2);
	client_reset(fd);
	client_reset(other);
	sleep_ms(20);
	gate_open(f);
	metric_await(f, "concordance_http_cancelled_total", 2);
	assert_int_equal(json_count(get(f, "/v1/events")->json), 3);
}

static void a_follower_may_go_while_its_page_is_read(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	int fd = client_connect(f->port);

	gate_shut(f);
	send_request(fd, "GET", SSE, "/v1/events", SPAN_EMPTY);
	client_read_head(fd, answer);
	gate_await(f, 1);
	client_reset(fd);
	sleep_ms(20);
	assert_int_equal(metric(f, "concordance_followers"), 1);
	gate_open(f);
	metric_await(f, "concordance_followers", 0);
}

static void a_follower_may_go_while_it_is_slow(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = answer_new(f);
	OWNED(buf) struct buf body = { 0 };
	int fd = client_connect_small(f->port);

	buf_append_string(&body, "{\"events\":[{\"type\":\"big\",\"data\":\"");
	for (int i = 0; i < 50000; i++)
		buf_append_string(&body, "0123456789");
	buf_append_format(&body, "\"}]}%c", '\0');
	for (int i = 0; i < 16; i++)
		assert_status(post(f, "/v1/streams/import/k/events", body.data), 200);
	send_request(fd, "GET", SSE, "/v1/events", SPAN_EMPTY);
	client_read_head(fd, answer);
	client_read_until(fd, answer, "id: 1024");
	client_reset(fd);
	metric_await(f, "concordance_followers", 0);
}

static void nothing(struct fixture *f)
{
	(void)f;
}

static void shutdown_ends_followers_and_answers_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	struct answer *stream = answer_new(f);
	struct answer *accepted = answer_new(f);
	struct answer *page = answer_new(f);
	int follower = client_connect(f->port);
	int sender = client_connect(f->port);
	int reader = client_connect(f->port);

	append_events(f, "red/x", 1, "a");
	client_close(f->fd);
	f->fd = -1;
	send_request(follower, "GET", SSE, "/v1/events", SPAN_EMPTY);
	client_read_head(follower, stream);
	client_read_until(follower, stream, "id: 1024");
	server_hold_writes(f, true);
	send_request(sender, "POST", JSON_TYPE, ACCOUNT "a/commands", OPEN);
	await_requests(f, 1);
	gate_shut(f);
	send_request(reader, "GET", "", "/v1/events", SPAN_EMPTY);
	gate_await(f, 1);
	server_begin_stop(f, 5000);
	client_read_rest(follower, stream);
	assert_int_equal(metric(f, "concordance_followers"), 0);
	assert_true(client_sees_nothing(sender, 20));
	assert_true(client_sees_nothing(reader, 20));
	gate_open(f);
	client_read(reader, true, page);
	assert_status(page, 200);
	assert_int_equal(json_count(page->json), 1);
	assert_string_equal(answer_header(page, "Connection"), "close");
	atomic_store(&f->hold_writes, false);
	server_call(f, nothing);
	client_read(sender, true, accepted);
	assert_status(accepted, 200);
	server_stop(f);
	client_close(follower);
	client_close(sender);
	client_close(reader);
}

/* The loop is stopped with reads at the pool, answers on their way back, and open followers. */
static void a_server_may_be_left_with_everything_under_way(void **state)
{
	struct fixture *f = *state;
	struct answer *waiting = answer_new(f);
	struct answer *reading = answer_new(f);
	int fds[5];

	for (size_t i = 0; i < ARRAY_COUNT(fds); i++)
		fds[i] = client_connect(f->port);
	append_events(f, "red/x", 1, "a");
	send_request(fds[0], "GET", SSE, "/v1/events", SPAN_EMPTY);
	client_read_head(fds[0], waiting);
	client_read_until(fds[0], waiting, "id: 1024");
	sleep_ms(20);
	gate_shut(f);
	send_request(fds[1], "GET", SSE, "/v1/events", SPAN_EMPTY);
	client_read_head(fds[1], reading);
	send_request(fds[2], "GET", "", "/v1/events", SPAN_EMPTY);
	send_request(fds[3], "GET", "", "/v1/events", SPAN_EMPTY);
	send_request(fds[4], "GET", "", ACCOUNT "a/commands/x", SPAN_EMPTY);
	gate_await(f, 4);
	client_reset(fds[3]);
	sleep_ms(20);
	server_abandon(f);
	for (size_t i = 0; i < ARRAY_COUNT(fds); i++)
		if (i != 3)
			client_close(fds[i]);
}

static void many_clients_come_and_go_while_events_flow(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 40; round++) {
		int follower = client_connect(f->port);
		int reader = client_connect(f->port);
		int sender = client_connect(f->port);

		send_request(follower, "GET", SSE, "/v1/events", SPAN_EMPTY);
		send_request(reader, "GET", "", "/v1/events?direction=backward", SPAN_EMPTY);
		send_request(sender, "POST", JSON_TYPE, "/v1/streams/red/x/events",
			     SPAN("{\"events\":[{\"type\":\"a\",\"data\":1}]}"));
		if (round % 4 == 0)
			sleep_ms(1);
		client_reset(follower);
		client_reset(reader);
		if (round % 2 == 0)
			client_reset(sender);
		else
			client_close(sender);
	}
	metric_await(f, "concordance_followers", 0);
	assert_status(get(f, "/v1/events"), 200);
}

int test_leaving(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_command_whose_client_is_gone_is_stored_all_the_same),
		TEST(a_batch_whose_client_is_gone_is_stored_all_the_same),
		TEST(a_client_may_go_while_its_page_is_read),
		TEST(a_follower_may_go_while_its_page_is_read),
		TEST(a_follower_may_go_while_it_is_slow),
		TEST(shutdown_ends_followers_and_answers_what_is_under_way),
		TEST(a_server_may_be_left_with_everything_under_way),
		TEST(many_clients_come_and_go_while_events_flow),
	};
#undef TEST
	return cmocka_run_group_tests_name("leaving", tests, NULL, NULL);
}
