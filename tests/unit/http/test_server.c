/* SPDX-License-Identifier: Apache-2.0 */
/* test_server.c - serving: what a well-behaved client sees. */
#include "harness.h"

#include <time.h>
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

#define POST(path, length, body) \
	"POST " path " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " length "\r\n\r\n" body

static void a_connection_serves_one_request_after_another(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	for (int i = 0; i < 10; i++) {
		expect_answer(fd, POST("/echo", "5", "hello"), 200, "hello");
		expect_answer(fd, GET("/echo"), 200, "");
	}
	assert_false(client_sees_end(fd, 20));
	assert_int_equal(close(fd), 0);
}

static void an_answer_has_date_length_and_type(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	char value[64];
	struct tm tm;
	time_t now = time(NULL);
	int fd = client_connect(h->port);

	client_send(fd, POST("/echo", "5", "hello"));
	client_read(fd, true, &answer);
	assert_memory_equal(answer.head, "HTTP/1.1 200 OK\r\n", 17);
	assert_string_equal(answer_header(&answer, "Content-Type", value, sizeof(value)),
			    "text/plain");
	assert_string_equal(answer_header(&answer, "Content-Length", value, sizeof(value)), "5");
	assert_null(answer_header(&answer, "Connection", value, sizeof(value)));
	assert_non_null(answer_header(&answer, "Date", value, sizeof(value)));
	memset(&tm, 0, sizeof(tm));
	assert_non_null(strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm));
	assert_in_range(timegm(&tm), now - 2, now + 2);
	answer_fini(&answer);
	assert_int_equal(close(fd), 0);
}

static void a_request_may_arrive_byte_by_byte(void **state)
{
	struct harness *h = *state;
	const char *text = POST("/echo", "5", "hello") GET("/target?x");
	struct answer answer;
	int fd = client_connect(h->port);

	for (size_t i = 0; i < strlen(text); i++) {
		client_send_bytes(fd, text + i, 1);
		if (i % 8 == 0)
			sleep_ms(1);
	}
	client_read(fd, true, &answer);
	assert_string_equal(answer.body, "hello");
	answer_fini(&answer);
	client_read(fd, true, &answer);
	assert_string_equal(answer.body, "GET\n/target\nx");
	answer_fini(&answer);
	assert_int_equal(close(fd), 0);
}

static struct {
	int fd;
	const char *path;
	int count;
} pipeline;

static void send_pipeline(void *arg)
{
	struct buf text OWNED(buf) = { 0 };

	(void)arg;
	for (int i = 0; i < pipeline.count; i++)
		buf_append_format(&text,
				  "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n%06d",
				  pipeline.path, i);
	client_send_bytes(pipeline.fd, text.data, text.size);
}

static void pipeline_to(struct harness *h, const char *path)
{
	struct thread sender;
	struct answer answer;
	char expected[8];

	pipeline.fd = client_connect(h->port);
	pipeline.path = path;
	pipeline.count = 1000;
	assert_int_equal(thread_start(&sender, "sender", send_pipeline, NULL, NULL), OK);
	for (int i = 0; i < pipeline.count; i++) {
		client_read(pipeline.fd, true, &answer);
		(void)snprintf(expected, sizeof(expected), "%06d", i);
		assert_string_equal(answer.body, expected);
		answer_fini(&answer);
	}
	thread_join(&sender);
	assert_int_equal(close(pipeline.fd), 0);
}

static void a_thousand_pipelined_requests_are_answered_in_order(void **state)
{
	pipeline_to(*state, "/echo");
}

static void pipelined_requests_wait_for_answers_from_the_turn_end(void **state)
{
	pipeline_to(*state, "/later");
}

static void an_answer_from_the_turn_end_goes_out_in_that_turn(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);
	uint64_t start = now_ms();

	/* One turn late would mean to wait for the next thing that happens: the sweep, every 500 ms. */
	for (int i = 0; i < 20; i++)
		expect_answer(fd, POST("/later", "5", "hello"), 200, "hello");
	assert_in_range(now_ms() - start, 0, 1000);
	assert_int_equal(close(fd), 0);
}

static void requests_split_at_random_are_answered_the_same(void **state)
{
	struct harness *h = *state;
	const char *text = POST("/echo", "5", "hello")
		POST("/later", "3",
		     "abc") "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
			    "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n" GET("/target?q");
	static const char *const bodies[] = { "hello", "abc", "abcde", "GET\n/target\nq" };
	unsigned seed = (unsigned)time(NULL);
	int fd = client_connect(h->port);

	print_message("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < 100; round++) {
		size_t at = 0;

		while (at < strlen(text)) {
			size_t size = 1 + (size_t)random() % 60;

			if (size > strlen(text) - at)
				size = strlen(text) - at;
			client_send_bytes(fd, text + at, size);
			at += size;
		}
		for (size_t i = 0; i < ARRAY_COUNT(bodies); i++)
			expect_answer(fd, "", 200, bodies[i]);
	}
	assert_int_equal(close(fd), 0);
}

static void head_is_answered_without_the_body_but_with_its_length(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	char value[64];
	int fd = client_connect(h->port);

	client_send(fd, "HEAD /big?1234 HTTP/1.1\r\nHost: h\r\n\r\n");
	client_read(fd, false, &answer);
	assert_string_equal(answer_header(&answer, "Content-Length", value, sizeof(value)), "1234");
	answer_fini(&answer);
	expect_answer(fd, GET("/echo"), 200, ""); /* no byte of a body came between */
	assert_int_equal(close(fd), 0);
}

static void an_answer_of_204_has_neither_body_nor_length(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	char value[64];
	int fd = client_connect(h->port);

	client_send(fd, GET("/none"));
	client_read(fd, true, &answer);
	assert_int_equal(answer.status, 204);
	assert_null(answer_header(&answer, "Content-Length", value, sizeof(value)));
	answer_fini(&answer);
	expect_answer(fd, GET("/echo"), 200, "");
	assert_int_equal(close(fd), 0);
}

static void an_old_client_is_closed_unless_it_asks_to_stay(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	char value[64];
	int fd = client_connect(h->port);

	client_send(fd, "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	client_read(fd, true, &answer);
	assert_string_equal(answer_header(&answer, "Connection", value, sizeof(value)),
			    "keep-alive");
	answer_fini(&answer);
	client_send(fd, "GET /echo HTTP/1.0\r\n\r\n");
	client_read(fd, true, &answer);
	assert_string_equal(answer_header(&answer, "Connection", value, sizeof(value)), "close");
	answer_fini(&answer);
	assert_true(client_sees_end(fd, 2000));
	assert_int_equal(close(fd), 0);
}

static void connection_close_closes_after_the_answer(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	char value[64];
	int fd = client_connect(h->port);

	/* What follows is not answered. */
	client_send(fd, "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" GET("/echo"));
	client_read(fd, true, &answer);
	assert_string_equal(answer_header(&answer, "Connection", value, sizeof(value)), "close");
	answer_fini(&answer);
	assert_true(client_sees_end(fd, 2000));
	assert_int_equal(close(fd), 0);
}

static void a_body_that_waits_is_continued(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	for (int i = 0; i < 2; i++) {
		expect_answer(fd,
			      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
			      "Content-Length: 5\r\n\r\n",
			      100, NULL);
		expect_answer(fd, "hello", 200, "hello");
	}
	expect_answer(fd,
		      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
		      "Content-Length: 99999999\r\n\r\n",
		      413, NULL);
	assert_true(client_sees_end(fd, 2000));
	assert_int_equal(close(fd), 0);
}

static void options_and_absolute_targets_are_handed_over(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	expect_answer(fd, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 200, "OPTIONS\n*\n");
	expect_answer(fd, "GET http://other:1/target?a HTTP/1.1\r\nHost: h\r\n\r\n", 200,
		      "GET\n/target\na");
	expect_answer(fd, "PROPFIND /target HTTP/1.1\r\nHost: h\r\n\r\n", 200,
		      "PROPFIND\n/target\n");
	expect_answer(fd, "GET http://other:1/headers HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n", 200,
		      "Host=other:1\nA=b\n");
	assert_int_equal(close(fd), 0);
}

static void large_bodies_go_both_ways(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	size_t size = (size_t)1 << 20;
	char *body = malloc(size + 1);
	int fd = client_connect(h->port);

	assert_non_null(body);
	for (size_t i = 0; i < size; i++)
		body[i] = (char)('a' + i % 26);
	body[size] = '\0';
	client_send(fd, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n");
	client_send_bytes(fd, body, size);
	client_read(fd, true, &answer);
	assert_int_equal(answer.body_size, size);
	assert_memory_equal(answer.body, body, size);
	answer_fini(&answer);
	client_send(fd, GET("/big?20000000"));
	client_read(fd, true, &answer);
	assert_int_equal(answer.body_size, 20000000);
	answer_fini(&answer);
	free(body);
	assert_int_equal(close(fd), 0);
}

static void a_header_value_cannot_smuggle_another_header(void **state)
{
	struct harness *h = *state;
	struct answer answer;
	char value[64];
	int fd = client_connect(h->port);

	client_send(fd, GET("/inject"));
	client_read(fd, true, &answer);
	assert_int_equal(answer.status, 202);
	assert_null(answer_header(&answer, "Evil", value, sizeof(value)));
	assert_string_equal(answer_header(&answer, "Location", value, sizeof(value)),
			    "/a  Evil: yes  b");
	answer_fini(&answer);
	assert_int_equal(close(fd), 0);
}

static void what_happens_is_counted(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	expect_answer(fd, GET("/echo"), 200, "");
	expect_answer(fd, GET("/none"), 204, NULL);
	assert_int_equal(harness_metric(h, "concordance_http_connections "), 1);
	expect_answer(fd, "FOO / HTTP/1.1\r\n\r\n", 501, NULL);
	assert_int_equal(close(fd), 0);
	sleep_ms(100);
	assert_int_equal(harness_metric(h, "concordance_http_connections "), 0);
	assert_int_equal(harness_metric(h, "concordance_http_requests_total{status=\"2xx\"}"), 2);
	assert_int_equal(harness_metric(h, "concordance_http_requests_total{status=\"5xx\"}"), 1);
	assert_int_equal(harness_metric(h, "concordance_http_parse_errors_total "), 1);
	assert_int_equal(harness_metric(h, "concordance_http_received_bytes_total "),
			 strlen(GET("/echo") GET("/none") "FOO / HTTP/1.1\r\n\r\n"));
	assert_in_range(harness_metric(h, "concordance_http_sent_bytes_total "), 200, 2000);
}

static void ignore(struct http_request *request, void *arg)
{
	(void)arg;
	http_respond(request, &(struct http_response){ .status = 200 });
}

static void a_port_in_use_is_found_before_it_is_shared(void **state)
{
	struct harness *h = *state;
	struct error err = { 0 };
	char expected[80];

	assert_int_equal(http_listen_check("127.0.0.1", h->port, &err), ERR_BUSY);
	(void)snprintf(expected, sizeof(expected), "127.0.0.1:%u is in use by another process",
		       h->port);
	assert_string_equal(err.message, expected);
	assert_int_equal(http_listen_check("127.0.0.1", 0, &err), OK);
	assert_int_equal(http_listen_check("localhost", 0, &err), ERR_INVALID);
	assert_int_equal(http_listen_check("192.0.2.1", 0, &err), ERR_INVALID);
	assert_int_equal(http_listen_check("::1", 0, &err), OK);
}

static void two_loops_share_a_port(void **state)
{
	struct harness *h = *state;
	struct http_server *second = NULL;
	struct loop *loop = NULL;

	assert_int_equal(loop_new(&loop, NULL), OK);
	assert_int_equal(http_server_start(loop,
					   &(struct http_server_options){ .address = "127.0.0.1",
									  .port = h->port,
									  .handle = ignore,
									  .metrics = h->metrics },
					   &second, NULL),
			 OK);
	assert_int_equal(http_server_port(second), h->port);
	http_server_free(second);
	loop_free(loop);
}

static void a_server_without_metrics_serves(void **state)
{
	struct http_server *server = NULL;
	struct loop *loop = NULL;

	(void)state;
	assert_int_equal(loop_new(&loop, NULL), OK);
	assert_int_equal(http_server_start(loop,
					   &(struct http_server_options){ .address = "::1",
									  .handle = ignore },
					   &server, NULL),
			 OK);
	assert_true(http_server_port(server) != 0);
	loop_free(loop); /* frees the server too */
}

int test_server(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_connection_serves_one_request_after_another),
		TEST(an_answer_has_date_length_and_type),
		TEST(a_request_may_arrive_byte_by_byte),
		TEST(a_thousand_pipelined_requests_are_answered_in_order),
		TEST(pipelined_requests_wait_for_answers_from_the_turn_end),
		TEST(an_answer_from_the_turn_end_goes_out_in_that_turn),
		TEST(requests_split_at_random_are_answered_the_same),
		TEST(head_is_answered_without_the_body_but_with_its_length),
		TEST(an_answer_of_204_has_neither_body_nor_length),
		TEST(an_old_client_is_closed_unless_it_asks_to_stay),
		TEST(connection_close_closes_after_the_answer),
		TEST(a_body_that_waits_is_continued),
		TEST(options_and_absolute_targets_are_handed_over),
		TEST(large_bodies_go_both_ways),
		TEST(a_header_value_cannot_smuggle_another_header),
		TEST(what_happens_is_counted),
		TEST(a_port_in_use_is_found_before_it_is_shared),
		TEST(two_loops_share_a_port),
		TEST(a_server_without_metrics_serves),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
