/* SPDX-License-Identifier: Apache-2.0 */
/* test_leaving.c - clients that go away, and a server that does. */
#include "harness.h"

#include <sys/socket.h>
#include <unistd.h>

static int set_up(void **state)
{
	*state = harness_start(&(struct http_server_options){ 0 });
	return 0;
}

static int tear_down(void **state)
{
	harness_stop(*state);
	return 0;
}

static void a_client_that_has_said_all_is_answered(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	client_send(fd, GET("/hold") GET("/later") GET("/echo"));
	harness_await(&h->held, 1, "requests held");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	sleep_ms(50);
	harness_release(h);
	assert_int_equal(atomic_load(&h->cancelled_seen), 0);
	expect_answer(fd, "", 200, "released");
	expect_answer(fd, "", 200, "");
	expect_answer(fd, "", 200, "");
	assert_true(client_sees_end(fd, 2000));
	assert_int_equal(close(fd), 0);
}

static void half_a_request_before_the_end_is_forgotten(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	client_send(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_true(client_sees_end(fd, 2000));
	assert_int_equal(close(fd), 0);
	assert_int_equal(atomic_load(&h->requests), 0);
}

static void a_request_whose_client_is_gone_is_cancelled(void **state)
{
	struct harness *h = *state;
	int stays = client_connect(h->port);
	int leaves = client_connect(h->port);

	client_send(stays, GET("/hold"));
	client_send(leaves, GET("/hold") GET("/echo"));
	harness_await(&h->held, 2, "requests held");
	client_reset(leaves);
	sleep_ms(50);
	harness_release(h);
	assert_int_equal(atomic_load(&h->cancelled_seen), 1);
	expect_answer(stays, "", 200, "released");
	assert_int_equal(atomic_load(&h->requests),
			 2); /* what was pipelined after it is gone too */
	assert_int_equal(harness_metric(h, "concordance_http_cancelled_total "), 1);
	assert_int_equal(harness_metric(h, "concordance_http_connections "), 1);
	assert_int_equal(close(stays), 0);
}

static void resets_at_any_point_leave_the_server_whole(void **state)
{
	struct harness *h = *state;
	const char *text = "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
			   "GET /stream?100 HTTP/1.1\r\nHost: h\r\n\r\n";

	for (size_t i = 0; i <= strlen(text); i++) {
		int fd = client_connect(h->port);

		client_send_bytes(fd, text, i);
		if (i % 4 == 0)
			sleep_ms(1);
		client_reset(fd);
	}
	int fd = client_connect(h->port);
	expect_answer(fd, GET("/echo"), 200, "");
	assert_int_equal(close(fd), 0);
	for (int i = 0; i < 100 && harness_metric(h, "concordance_http_connections ") != 0; i++)
		sleep_ms(10);
	assert_int_equal(harness_metric(h, "concordance_http_connections "), 0);
}

static void draining_answers_what_was_asked_and_closes_the_rest(void **state)
{
	struct harness *h = *state;
	int idle = client_connect(h->port);
	int held = client_connect(h->port);
	int half = client_connect(h->port);
	int live = client_connect(h->port);
	struct answer answer;
	char value[64];

	expect_answer(idle, GET("/echo"), 200, "");
	client_send(held, GET("/hold"));
	client_send(half, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel");
	client_send(live, GET("/live"));
	harness_await(&h->held, 1, "requests held");
	harness_await(&h->live_open, 1, "live streams");
	sleep_ms(50);
	harness_drain(h, 10000);
	assert_true(client_sees_end(idle, 2000));
	harness_await(&h->closed_calls, 1, "closed() calls");
	assert_int_equal(atomic_load(&h->drained), 0);
	client_send(half, "lo");
	client_read(half, true, &answer);
	assert_string_equal(answer.body, "hello");
	assert_string_equal(answer_header(&answer, "Connection", value, sizeof(value)), "close");
	answer_fini(&answer);
	harness_release(h);
	client_read(held, true, &answer);
	assert_string_equal(answer.body, "released");
	assert_string_equal(answer_header(&answer, "Connection", value, sizeof(value)), "close");
	answer_fini(&answer);
	assert_true(client_sees_end(held, 2000));
	assert_int_equal(close(idle), 0);
	assert_int_equal(close(held), 0);
	assert_int_equal(close(half), 0);
	assert_int_equal(close(live), 0);
	harness_await(&h->drained, 1, "drained() calls");
	sleep_ms(20);
	assert_int_equal(atomic_load(&h->drained), 1);
	assert_int_equal(http_listen_check("127.0.0.1", h->port, NULL), OK);
}

static void draining_ends_at_the_latest_after_its_timeout(void **state)
{
	struct harness *h = *state;
	int held = client_connect(h->port);
	uint64_t start;

	client_send(held, GET("/hold"));
	harness_await(&h->held, 1, "requests held");
	start = now_ms();
	harness_drain(h, 150);
	harness_await(&h->drained, 1, "drained() calls");
	assert_in_range(now_ms() - start, 140, 2000);
	assert_true(client_sees_end(held, 2000));
	harness_release(h); /* a late answer is thrown away */
	assert_int_equal(atomic_load(&h->cancelled_seen), 1);
	assert_int_equal(close(held), 0);
}

static void draining_without_connections_is_done_at_once(void **state)
{
	struct harness *h = *state;

	harness_drain(h, 10000);
	harness_await(&h->drained, 1, "drained() calls");
}

static void ending_with_requests_and_streams_open_gives_everything_back(void **state)
{
	struct harness *h = *state;
	int held = client_connect(h->port);
	int live = client_connect(h->port);

	client_send(held, GET("/hold"));
	client_send(live, GET("/live"));
	harness_await(&h->held, 1, "requests held");
	harness_await(&h->live_open, 1, "live streams");
	loop_stop(h->loop);
	thread_join(&h->thread);
	http_server_free(h->server);
	h->server = NULL;
	assert_int_equal(atomic_load(&h->closed_calls), 1);
	assert_true(http_request_is_cancelled(h->holding[0]));
	loop_free(h->loop);
	metrics_free(h->metrics);
	free(h);
	*state = harness_start(&(struct http_server_options){ 0 });
	assert_int_equal(close(held), 0);
	assert_int_equal(close(live), 0);
}

int test_leaving(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_client_that_has_said_all_is_answered),
		TEST(half_a_request_before_the_end_is_forgotten),
		TEST(a_request_whose_client_is_gone_is_cancelled),
		TEST(resets_at_any_point_leave_the_server_whole),
		TEST(draining_answers_what_was_asked_and_closes_the_rest),
		TEST(draining_ends_at_the_latest_after_its_timeout),
		TEST(draining_without_connections_is_done_at_once),
		TEST(ending_with_requests_and_streams_open_gives_everything_back),
	};

	return cmocka_run_group_tests_name("leaving", tests, NULL, NULL);
}
