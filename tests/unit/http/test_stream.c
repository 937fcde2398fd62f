/* SPDX-License-Identifier: Apache-2.0 */
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

static void a_stream_comes_in_chunks_and_the_connection_goes_on(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	char value[64];
	int fd = client_connect(h->port);

	for (int i = 0; i < 3; i++) {
		client_send(fd, GET("/stream?3"));
		client_read(fd, true, &answer);
		assert_string_equal(
			answer_header(&answer, "Transfer-Encoding", value, sizeof(value)),
			"chunked");
		assert_null(answer_header(&answer, "Content-Length", value, sizeof(value)));
		assert_int_equal(answer.body_size, 30000);
		assert_true(answer.chunk_end_seen);
		answer_fini(&answer);
	}
	expect_answer(fd, GET("/echo"), 200, "");
	assert_int_equal(close(fd), 0);
}

static void an_empty_stream_is_an_empty_body(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	expect_answer(fd, GET("/stream?0"), 200, "");
	expect_answer(fd, GET("/echo"), 200, "");
	assert_int_equal(close(fd), 0);
}

static void an_old_client_gets_bytes_up_to_the_end(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	char value[64];
	int fd = client_connect(h->port);

	client_send(fd, "GET /stream?3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	client_read(fd, true, &answer); /* to the end */
	assert_null(answer_header(&answer, "Transfer-Encoding", value, sizeof(value)));
	assert_string_equal(answer_header(&answer, "Connection", value, sizeof(value)), "close");
	assert_int_equal(answer.body_size, 30000);
	answer_fini(&answer);
	assert_int_equal(close(fd), 0);
}

static void requests_after_a_stream_wait_for_its_end(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	int fd = client_connect(h->port);

	client_send(fd, GET("/stream?200") "POST /echo HTTP/1.1\r\nHost: h\r\n"
					   "Content-Length: 5\r\n\r\nhello");
	client_read(fd, true, &answer);
	assert_int_equal(answer.body_size, 2000000);
	answer_fini(&answer);
	expect_answer(fd, "", 200, "hello");
	assert_int_equal(close(fd), 0);
}

static void a_slow_reader_holds_the_writer_up(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	int fd = client_connect_small(h->port);

	client_send(fd, GET("/stream?2000")); /* 20 MB */
	sleep_ms(200);
	assert_int_equal(atomic_load(&h->streams_ended), 0);
	/* Written: what is in the kernel and no more than the bound in the server. */
	assert_in_range(harness_metric(h, "concordance_http_sent_bytes_total "), 1000, 15000000);
	client_read(fd, true, &answer);
	assert_int_equal(answer.body_size, 20000000);
	assert_true(answer.chunk_end_seen);
	answer_fini(&answer);
	assert_int_equal(atomic_load(&h->streams_ended), 1);
	assert_in_range(atomic_load(&h->drain_calls), 5, 2000);
	assert_int_equal(atomic_load(&h->closed_calls), 0);
	assert_int_equal(close(fd), 0);
}

static void a_fast_reader_of_a_stream_does_not_starve_others(void **state)
{
	struct harness *h = *state;
	int busy = client_connect(h->port);
	int fd = client_connect(h->port);

	client_send(busy, GET("/stream?100000"));
	expect_answer(fd, GET("/echo"), 200, "");
	assert_int_equal(close(fd), 0);
	client_reset(busy);
	harness_await(&h->closed_calls, 1, "closed() calls");
}

static void a_client_that_resets_closes_its_stream_once(void **state)
{
	struct harness *h = *state;
	int live = client_connect(h->port);
	int slow = client_connect_small(h->port);

	client_send(live, GET("/live"));
	client_send(slow, GET("/stream?2000"));
	harness_await(&h->live_open, 1, "live streams");
	sleep_ms(50);
	assert_int_equal(atomic_load(&h->closed_calls), 0);
	client_reset(live);
	client_reset(slow);
	harness_await(&h->closed_calls, 2, "closed() calls");
	sleep_ms(50);
	assert_int_equal(atomic_load(&h->closed_calls), 2);
	assert_int_equal(atomic_load(&h->streams_ended), 0);
	assert_int_equal(harness_metric(h, "concordance_http_connections "), 0);
}

static void a_quiet_stream_ends_soon_after_its_client_did(void **state)
{
	struct harness *h = *state;
	int stays = client_connect(h->port);
	int leaves = client_connect(h->port);

	client_send(stays, GET("/live"));
	client_send(leaves, GET("/live"));
	harness_await(&h->live_open, 2, "live streams");
	assert_int_equal(close(leaves), 0);
	harness_await(&h->closed_calls, 1, "closed() calls");
	sleep_ms(1200);
	assert_int_equal(atomic_load(&h->closed_calls), 1);
	assert_int_equal(close(stays), 0);
}

static void a_client_that_has_said_all_gets_the_whole_stream(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	int fd = client_connect(h->port);

	client_send(fd, GET("/stream?1000"));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	client_read(fd, true, &answer);
	assert_int_equal(answer.body_size, 10000000);
	assert_true(answer.chunk_end_seen);
	answer_fini(&answer);
	assert_true(client_sees_end(fd, 2000));
	assert_int_equal(close(fd), 0);
}

static void stream_for_held(struct harness *h)
{
	h->live[h->live_count++] = http_stream_begin(
		h->holding[0], &(struct http_response){ .status = 200, .body = SPAN("late") },
		&(struct http_stream_callbacks){ .arg = NULL });
	http_stream_end(h->live[0]);
	h->holding_count = 0;
}

static atomic_int late_closed;

static void count_late_closed(void *arg)
{
	(void)arg;
	atomic_fetch_add(&late_closed, 1);
}

static void open_for_held(struct harness *h)
{
	struct http_stream *stream = http_stream_begin(
		h->holding[0], &(struct http_response){ .status = 200, .body = SPAN("late") },
		&(struct http_stream_callbacks){ .closed = count_late_closed });

	assert_true(http_stream_write(stream, SPAN("more")));
	assert_int_equal(atomic_load(&late_closed), 0); /* not from inside a call */
	h->holding_count = 0;
}

static void a_stream_begun_for_a_client_that_is_gone_is_closed_or_ended(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	client_send(fd, GET("/hold"));
	harness_await(&h->held, 1, "requests held");
	client_reset(fd);
	sleep_ms(50);
	harness_call(h, stream_for_held);
	fd = client_connect(h->port);
	client_send(fd, GET("/hold"));
	harness_await(&h->held, 2, "requests held");
	client_reset(fd);
	sleep_ms(50);
	harness_call(h, open_for_held);
	harness_await(&late_closed, 1, "closed() calls");
	sleep_ms(20);
	assert_int_equal(harness_metric(h, "concordance_http_connections "), 0);
}

int test_stream(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_stream_comes_in_chunks_and_the_connection_goes_on),
		TEST(an_empty_stream_is_an_empty_body),
		TEST(an_old_client_gets_bytes_up_to_the_end),
		TEST(requests_after_a_stream_wait_for_its_end),
		TEST(a_slow_reader_holds_the_writer_up),
		TEST(a_fast_reader_of_a_stream_does_not_starve_others),
		TEST(a_client_that_resets_closes_its_stream_once),
		TEST(a_quiet_stream_ends_soon_after_its_client_did),
		TEST(a_client_that_has_said_all_gets_the_whole_stream),
		TEST(a_stream_begun_for_a_client_that_is_gone_is_closed_or_ended),
	};

	return cmocka_run_group_tests_name("streams", tests, NULL, NULL);
}
