/* SPDX-License-Identifier: Apache-2.0 */
/* test_limits.c - clients that send too much, too slowly, or read nothing; and too many of them. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

static int tear_down(void **state)
{
	harness_stop(*state);
	return 0;
}

static int set_up_plain(void **state)
{
	*state = harness_start(&(struct http_server_options){ .body_max_bytes = 1000 });
	return 0;
}

static int set_up_impatient(void **state)
{
	*state = harness_start(&(struct http_server_options){
		.idle_timeout_ms = 200, .request_timeout_ms = 200, .write_timeout_ms = 200 });
	return 0;
}

static int set_up_small(void **state)
{
	*state = harness_start(&(struct http_server_options){ .connections_max = 2 });
	return 0;
}

static void expect_refusal(struct harness *h, const char *request, unsigned status,
			   const char *code)
{
	int fd = client_connect(h->port);
	struct answer answer;
	char expected[128];
	char value[64];

	client_send(fd, request);
	client_read(fd, true, &answer);
	assert_int_equal(answer.status, status);
	assert_string_equal(answer_header(&answer, "Content-Type", value, sizeof(value)),
			    "application/problem+json");
	assert_string_equal(answer_header(&answer, "Connection", value, sizeof(value)), "close");
	(void)snprintf(expected, sizeof(expected), "\"status\":%u,\"code\":\"%s\",\"detail\":\"",
		       status, code);
	if (strstr(answer.body, expected) == NULL)
		fail_msg("'%s' is not in %s", expected, answer.body);
	assert_memory_equal(answer.body, "{\"type\":\"about:blank\",\"title\":\"", 31);
	assert_string_equal(answer.body + answer.body_size - 16, ",\"stored\":false}");
	answer_fini(&answer);
	assert_true(client_sees_end(fd, 3000));
	assert_int_equal(close(fd), 0);
}

static void refusals_are_problem_details_and_end_the_connection(void **state)
{
	struct harness *h = *state;

	expect_refusal(h, "GET / HTTP/1.1\r\n\r\n", 400, "bad_host");
	expect_refusal(h, "G\x01T / HTTP/1.1\r\n\r\n", 400, "malformed_request");
	expect_refusal(h, "FOO / HTTP/1.1\r\n\r\n", 501, "method_unknown");
	expect_refusal(h, "GET / HTTP/3.0\r\n\r\n", 505, "version_unknown");
	expect_refusal(h,
		       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n",
		       400, "malformed_request");
	expect_refusal(h, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n", 413,
		       "body_too_large");
	expect_refusal(h,
		       "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
		       "1\r\na\r\n3e8\r\n",
		       413, "body_too_large");
	assert_int_equal(atomic_load(&h->requests), 0);
}

static void what_came_before_a_malformed_request_is_answered(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	client_send(fd, GET("/echo") GET("/later") "G\x01T / HTTP/1.1\r\n\r\n" GET("/echo"));
	expect_answer(fd, "", 200, "");
	expect_answer(fd, "", 200, "");
	expect_answer(fd, "", 400, NULL);
	assert_true(client_sees_end(fd, 3000));
	assert_int_equal(close(fd), 0);
	assert_int_equal(atomic_load(&h->requests), 2);
}

static void a_refusal_reaches_a_client_that_is_still_sending(void **state)
{
	struct harness *h = *state;
	static char body[500000];
	int fd = client_connect(h->port);

	memset(body, 'x', sizeof(body));
	client_send(fd, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n");
	for (int i = 0; i < 5; i++) {
		client_send_bytes(fd, body, sizeof(body) / 5);
		sleep_ms(10);
	}
	expect_answer(fd, "", 413, NULL);
	assert_int_equal(close(fd), 0);
}

static void a_head_over_the_limit_is_refused(void **state)
{
	struct harness *h = *state;
	struct buf text OWNED(buf) = { 0 };

	buf_append_string(&text, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
	for (int i = 0; i < 40000; i++)
		buf_append_byte(&text, 'x');
	buf_append_byte(&text, '\0');
	expect_refusal(h, text.data, 431, "head_too_large");
	buf_clear(&text);
	buf_append_string(&text, "GET /");
	for (int i = 0; i < 10000; i++)
		buf_append_byte(&text, 'x');
	buf_append_byte(&text, '\0');
	expect_refusal(h, text.data, 414, "target_too_long");
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);
	int used = client_connect(h->port);

	expect_answer(used, GET("/echo"), 200, "");
	assert_false(client_sees_end(used, 100));
	assert_true(client_sees_end(fd, 1000));
	assert_true(client_sees_end(used, 1000));
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(used), 0);
}

static void a_request_that_drips_is_told_408(void **state)
{
	struct harness *h = *state;
	const char *text =
		"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nxxxxxxxxxxx";
	uint64_t start = now_ms();
	int fd = client_connect(h->port);

	/* A byte now and then does not keep it open: it is the whole request that has a time. */
	for (size_t i = 0; i < strlen(text) && now_ms() - start < 150; i++) {
		client_send_bytes(fd, text + i, 1);
		sleep_ms(5);
	}
	expect_answer(fd, "", 408, NULL);
	assert_in_range(now_ms() - start, 150, 1000);
	assert_true(client_sees_end(fd, 3000));
	assert_int_equal(close(fd), 0);
	assert_int_equal(harness_metric(h, "concordance_http_timeouts_total "), 1);
}

static void a_request_that_is_being_handled_has_no_timeout(void **state)
{
	struct harness *h = *state;
	int fd = client_connect(h->port);

	client_send(fd, GET("/hold"));
	harness_await(&h->held, 1, "requests held");
	assert_false(client_sees_end(fd, 600));
	harness_release(h);
	expect_answer(fd, "", 200, "released");
	assert_int_equal(close(fd), 0);
}

static void a_client_that_does_not_read_is_cut_off(void **state)
{
	struct harness *h = *state;
	int fd = client_connect_small(h->port);
	uint64_t start = now_ms();

	client_send(fd, GET("/big?50000000"));
	while (harness_metric(h, "concordance_http_connections ") != 0 || start + 50 > now_ms()) {
		if (now_ms() - start > 4000)
			fail_msg("still connected after 4 s");
		sleep_ms(10);
	}
	assert_int_equal(harness_metric(h, "concordance_http_timeouts_total "), 1);
	assert_int_equal(close(fd), 0);
}

static void a_client_that_reads_slowly_is_served(void **state)
{
	struct harness *h = *state;
	int fd = client_connect_small(h->port);
	static char block[200000];
	size_t size = 0;
	ssize_t n;
	uint64_t start = now_ms();

	client_send(fd, "GET /big?8000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	/* Longer than the write timeout in all, but never as long without reading. */
	while ((n = recv(fd, block, sizeof(block), 0)) > 0) {
		size += (size_t)n;
		if (now_ms() - start < 700)
			sleep_ms(20);
	}
	assert_int_equal(n, 0);
	assert_in_range(size, 8000000, 8000500);
	assert_int_equal(close(fd), 0);
}

static void one_client_more_than_allowed_waits_for_a_place(void **state)
{
	struct harness *h = *state;
	int one = client_connect(h->port);
	int two = client_connect(h->port);
	int three;

	expect_answer(one, GET("/echo"), 200, "");
	expect_answer(two, GET("/echo"), 200, "");
	three = client_connect(h->port); /* by the kernel */
	client_send(three, GET("/echo"));
	assert_false(client_sees_end(three, 200)); /* no answer either */
	assert_int_equal(harness_metric(h, "concordance_http_connections "), 2);
	assert_int_equal(close(one), 0);
	expect_answer(three, "", 200, "");
	assert_int_equal(close(two), 0);
	assert_int_equal(close(three), 0);
}

static atomic_int accept_failures;

static void count_lines(struct span line, void *arg)
{
	struct buf text OWNED(buf) = { 0 };

	(void)arg;
	buf_append_span(&text, line);
	buf_append_byte(&text, '\0');
	if (strstr(text.data, "event=http_accept_failed") != NULL)
		atomic_fetch_add(&accept_failures, 1);
}

static void without_descriptors_clients_wait_and_the_loop_does_not_spin(void **state)
{
	struct harness *h = *state;
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(h->port) };
	struct rlimit before;
	struct rlimit low;
	int filler[256];
	size_t filled = 0;
	int turns;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int settled = client_connect(h->port);

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	expect_answer(settled, GET("/echo"), 200, "");
	log_set_sink(count_lines, NULL);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = before;
	low.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (filled < ARRAY_COUNT(filler)) {
		filler[filled] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (filler[filled] < 0)
			break;
		filled++;
	}
	assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	client_send(fd, GET("/echo"));
	sleep_ms(50);
	turns = atomic_load(&h->turns);
	sleep_ms(400);
	assert_in_range(atomic_load(&h->turns) - turns, 0, 40);
	expect_answer(settled, GET("/echo"), 200, ""); /* the others are served meanwhile */
	assert_int_equal(atomic_load(&accept_failures), 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	while (filled > 0)
		assert_int_equal(close(filler[--filled]), 0);
	expect_answer(fd, "", 200, ""); /* it was only kept waiting */
	log_set_sink(NULL, NULL);
	assert_int_equal(close(fd), 0);
	assert_int_equal(close(settled), 0);
}

static void read_ahead_is_bounded_while_a_request_is_handled(void **state)
{
	struct harness *h = *state;
	static char block[65536];
	size_t sent = 0;
	uint64_t received;
	int fd = client_connect(h->port);

	client_send(fd, GET("/hold"));
	harness_await(&h->held, 1, "requests held");
	for (size_t i = 0; i + strlen(GET("/echo")) <= sizeof(block); i += strlen(GET("/echo")))
		memcpy(block + i, GET("/echo"), strlen(GET("/echo")));
	for (int i = 0; i < 200 && sent < sizeof(block) * 300; i++) {
		ssize_t n = send(fd, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else
			sleep_ms(1);
	}
	received = harness_metric(h, "concordance_http_received_bytes_total ");
	assert_in_range(sent, 100000, SIZE_MAX);
	assert_in_range(received, 40000, 65536 + 100);
	client_reset(fd);
	harness_release(h);
}

int test_limits(void)
{
#define TEST(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(refusals_are_problem_details_and_end_the_connection, set_up_plain),
		TEST(what_came_before_a_malformed_request_is_answered, set_up_plain),
		TEST(a_refusal_reaches_a_client_that_is_still_sending, set_up_plain),
		TEST(a_head_over_the_limit_is_refused, set_up_plain),
		TEST(an_idle_connection_is_closed_without_a_word, set_up_impatient),
		TEST(a_request_that_drips_is_told_408, set_up_impatient),
		TEST(a_request_that_is_being_handled_has_no_timeout, set_up_impatient),
		TEST(a_client_that_does_not_read_is_cut_off, set_up_impatient),
		TEST(a_client_that_reads_slowly_is_served, set_up_impatient),
		TEST(one_client_more_than_allowed_waits_for_a_place, set_up_small),
		TEST(without_descriptors_clients_wait_and_the_loop_does_not_spin, set_up_plain),
		TEST(read_ahead_is_bounded_while_a_request_is_handled, set_up_plain),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
