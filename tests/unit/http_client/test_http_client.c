/* SPDX-License-Identifier: Apache-2.0 */
/* test_http_client.c - against a server of a few lines, which answers each connection as scripted. */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/thread.h"
#include "http_client/http_client.h"

#define REQUEST_MAX_BYTES 65536

/* Takes one connection, reads one request, sends the pieces, then closes (or waits for the client to). */
struct server {
	struct thread thread;
	int listener;
	uint16_t port;
	const char *const *pieces; /* NULL at the end */
	bool stay;                 /* leave the connection open until the client has gone */
	bool read_first;           /* wait for the request before answering */
	char request[REQUEST_MAX_BYTES];
	size_t request_size;
};

static void request_read(struct server *server, int fd)
{
	size_t body_size = 0;
	const char *end = NULL;

	while (server->request_size < sizeof(server->request) - 1) {
		ssize_t n;

		if (end != NULL &&
		    server->request_size >= (size_t)(end - server->request) + body_size)
			return;
		n = read(fd, server->request + server->request_size,
			 sizeof(server->request) - 1 - server->request_size);
		if (n <= 0)
			return;
		server->request_size += (size_t)n;
		server->request[server->request_size] = '\0';
		if (end == NULL) {
			const char *length = strcasestr(server->request, "content-length: ");

			end = strstr(server->request, "\r\n\r\n");
			if (end != NULL)
				end += 4;
			if (end != NULL && length != NULL && length < end)
				body_size = strtoul(length + 16, NULL, 10);
		}
	}
}

static void server_run(void *arg)
{
	struct server *server = arg;
	struct pollfd waited = { .fd = server->listener, .events = POLLIN };
	int fd;

	if (poll(&waited, 1, 5000) != 1)
		return;
	fd = accept(server->listener, NULL, NULL);
	if (fd < 0)
		return;
	if (server->read_first)
		request_read(server, fd);
	for (size_t i = 0; server->pieces[i] != NULL; i++) {
		size_t size = strlen(server->pieces[i]);

		if (i != 0)
			usleep(20000);
		if (send(fd, server->pieces[i], size, MSG_NOSIGNAL) != (ssize_t)size)
			break;
	}
	if (server->stay) {
		char byte;

		while (read(fd, &byte, 1) > 0)
			;
	}
	close(fd);
}

static void server_listen(struct server *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);

	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server->listener >= 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(server->listener, 1), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
	server->port = ntohs(address.sin_port);
}

static void server_start(struct server *server, const char *const *pieces)
{
	server_listen(server);
	server->pieces = pieces;
	server->read_first = true;
	assert_int_equal(thread_start(&server->thread, "test server", server_run, server, NULL),
			 OK);
}

static void server_stop(struct server *server)
{
	thread_join(&server->thread);
	close(server->listener);
}

/* ---- the tests ---------------------------------------------------------------------------------- */

struct fixture {
	struct server server;
	struct http_client *client;
	struct http_client_response response;
	struct error err;
	char url[100];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	if (f == NULL)
		return 1;
	return http_client_new(&(struct http_client_options){ .body_max_bytes = 1000,
							      .timeout_ms = 2000,
							      .user_agent = "concordance/test" },
			       &f->client, NULL) != OK;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	http_client_response_fini(&f->response);
	http_client_free(f->client);
	free(f);
	return 0;
}

static enum status get(struct fixture *f, const char *path)
{
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u%s", f->server.port, path);
	return http_client_send(f->client,
				&(struct http_client_request){ .method = "GET", .url = f->url },
				&f->response, &f->err);
}

static void a_request_goes_out_as_it_was_given(void **state)
{
	static const char *const pieces[] = { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
					      NULL };
	const struct http_client_header headers[] = {
		{ SPAN("Content-Type"), SPAN("application/json") }, { SPAN("X-Empty"), SPAN("") }
	};
	struct fixture *f = *state;

	server_start(&f->server, pieces);
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/v1/a%%2Fb/../c?x=%%20",
		       f->server.port);
	assert_int_equal(
		http_client_send(f->client,
				 &(struct http_client_request){ .method = "POST",
								.url = f->url,
								.headers = headers,
								.header_count = 2,
								.body = SPAN("{\"a\":1}") },
				 &f->response, &f->err),
		OK);
	server_stop(&f->server);
	assert_int_equal(f->response.status, 200);
	assert_true(span_equal(buf_span(&f->response.body), SPAN("{}")));
	assert_ptr_equal(strstr(f->server.request, "POST /v1/a%2Fb/../c?x=%20 HTTP/1.1\r\n"),
			 f->server.request);
	assert_non_null(strstr(f->server.request, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(f->server.request, "\r\nX-Empty:\r\n"));
	assert_non_null(strstr(f->server.request, "\r\nContent-Length: 7\r\n"));
	assert_non_null(strstr(f->server.request, "\r\nUser-Agent: concordance/test\r\n"));
	assert_null(strstr(f->server.request, "Expect"));
	assert_string_equal(strstr(f->server.request, "\r\n\r\n") + 4, "{\"a\":1}");
}

static void the_answer_has_status_headers_and_body_whatever_the_status(void **state)
{
	static const char *const pieces[] = {
		"HTTP/1.1 100 Continue\r\nLink: interim\r\n\r\n",
		"HTTP/1.1 409 Conflict\r\nLINK:  <a>; rel=\"next\" \r\n",
		"X-Linked: no\r\nTransfer-Encoding: chunked\r\n\r\n",
		"3\r\nabc\r\n",
		"2\r\nde\r\n0\r\n\r\n",
		NULL
	};
	struct fixture *f = *state;

	server_start(&f->server, pieces);
	assert_int_equal(get(f, "/"), OK);
	server_stop(&f->server);
	assert_int_equal(f->response.status, 409);
	assert_true(span_equal(buf_span(&f->response.body), SPAN("abcde")));
	assert_true(span_equal(http_client_response_header(&f->response, "link"),
			       SPAN("<a>; rel=\"next\"")));
	assert_null(http_client_response_header(&f->response, "linked").data);
}

static void redirects_are_answers(void **state)
{
	static const char *const pieces[] = {
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
		NULL
	};
	struct fixture *f = *state;

	server_start(&f->server, pieces);
	assert_int_equal(get(f, "/"), OK);
	server_stop(&f->server);
	assert_int_equal(f->response.status, 302);
}

static bool collect(struct span piece, void *arg)
{
	struct buf *all = arg;

	buf_append_span(all, piece);
	buf_append_byte(all, '|');
	return buf_status(all) == OK;
}

static bool refuse(struct span piece, void *arg)
{
	(void)piece;
	(void)arg;
	return false;
}

static enum status stream(struct fixture *f, http_client_body_fn on_body, void *arg)
{
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/", f->server.port);
	return http_client_send(
		f->client,
		&(struct http_client_request){
			.method = "GET", .url = f->url, .on_body = on_body, .arg = arg },
		&f->response, &f->err);
}

static void a_long_answer_is_handed_over_as_it_comes(void **state)
{
	static const char *const pieces[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n",
		"4\r\ntwo\n\r\n", "0\r\n\r\n", NULL
	};
	OWNED(buf) struct buf all = { 0 };
	struct fixture *f = *state;

	server_start(&f->server, pieces);
	assert_int_equal(stream(f, collect, &all), OK);
	server_stop(&f->server);
	assert_true(span_equal(buf_span(&all), SPAN("one\n|two\n|")));
	assert_int_equal(f->response.body.size, 0);
}

static void a_streamed_answer_can_be_ended_and_a_problem_is_collected_instead(void **state)
{
	static const char *const good[] = { "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
					    NULL };
	static const char *const bad[] = { "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc",
					   NULL };
	struct fixture *f = *state;

	server_start(&f->server, good);
	assert_int_equal(stream(f, refuse, NULL), ERR_REJECTED);
	server_stop(&f->server);
	memset(&f->server, 0, sizeof(f->server));
	server_start(&f->server, bad);
	assert_int_equal(stream(f, refuse, NULL), OK);
	server_stop(&f->server);
	assert_int_equal(f->response.status, 404);
	assert_true(span_equal(buf_span(&f->response.body), SPAN("abc")));
}

static void when_nobody_listens_it_says_where(void **state)
{
	struct fixture *f = *state;
	char expected[100];

	server_listen(&f->server);
	close(f->server.listener);
	assert_int_equal(get(f, "/"), ERR_CLOSED);
	(void)snprintf(expected, sizeof(expected), "cannot reach 127.0.0.1:%u: ", f->server.port);
	assert_ptr_equal(strstr(f->err.message, expected), f->err.message);
}

static void a_connection_that_breaks_leaves_the_outcome_unknown(void **state)
{
	static const char *const nothing[] = { NULL };
	static const char *const half[] = { "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc",
					    NULL };
	static const char *const junk[] = { "SSH-2.0-x\r\n", NULL };
	struct fixture *f = *state;

	server_start(&f->server, nothing);
	assert_int_equal(get(f, "/"), ERR_IO);
	server_stop(&f->server);
	memset(&f->server, 0, sizeof(f->server));
	server_start(&f->server, half);
	assert_int_equal(get(f, "/"), ERR_IO);
	server_stop(&f->server);
	memset(&f->server, 0, sizeof(f->server));
	server_start(&f->server, junk);
	assert_int_equal(get(f, "/"), ERR_IO);
	server_stop(&f->server);
}

static void a_silent_server_is_given_up(void **state)
{
	static const char *const nothing[] = { NULL };
	struct fixture *f = *state;

	http_client_free(f->client);
	assert_int_equal(http_client_new(&(struct http_client_options){ .timeout_ms = 100 },
					 &f->client, NULL),
			 OK);
	f->server.stay = true;
	server_start(&f->server, nothing);
	assert_int_equal(get(f, "/"), ERR_DEADLINE);
	http_client_free(f->client);
	f->client = NULL;
	server_stop(&f->server);
}

static void a_stream_that_falls_silent_is_given_up(void **state)
{
	static const char *const pieces[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n", NULL
	};
	OWNED(buf) struct buf all = { 0 };
	struct fixture *f = *state;

	http_client_free(f->client);
	assert_int_equal(http_client_new(&(struct http_client_options){ .idle_timeout_ms = 1000 },
					 &f->client, NULL),
			 OK);
	f->server.stay = true;
	server_start(&f->server, pieces);
	assert_int_equal(stream(f, collect, &all), ERR_DEADLINE);
	http_client_free(f->client);
	f->client = NULL;
	server_stop(&f->server);
	assert_true(span_equal(buf_span(&all), SPAN("one\n|")));
}

static void an_answer_beyond_the_limit_is_refused(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n";
	static char body[1002];
	const char *const pieces[] = { head, body, NULL };
	struct fixture *f = *state;

	memset(body, 'x', sizeof(body) - 1);
	server_start(&f->server, pieces);
	assert_int_equal(get(f, "/"), ERR_LIMIT);
	server_stop(&f->server);
	assert_true(f->response.body.size <= 1000);
}

static void urls_methods_and_headers_that_are_none_are_refused_before_anything_is_sent(void **state)
{
	static const char *const urls[] = {
		"",        "127.0.0.1",   "ftp://127.0.0.1/", "file:///etc/passwd",
		"http://", "http://a b/", "http://x:99999/"
	};
	const struct http_client_header split = { SPAN("X"), SPAN("a\r\nInjected: b") };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		enum status s = http_client_send(
			f->client, &(struct http_client_request){ .method = "GET", .url = urls[i] },
			&f->response, &f->err);
		if (s != ERR_INVALID)
			fail_msg("'%s': %s: %s", urls[i], status_word(s), error_text(&f->err));
	}
	assert_int_equal(
		http_client_send(f->client,
				 &(struct http_client_request){ .method = "GET",
								.url = "http://127.0.0.1:1/",
								.headers = &split,
								.header_count = 1 },
				 &f->response, &f->err),
		ERR_INVALID);
	assert_int_equal(
		http_client_send(f->client,
				 &(struct http_client_request){ .method = "GET / HTTP/1.1\r\n",
								.url = "http://127.0.0.1:1/" },
				 &f->response, &f->err),
		ERR_INVALID);
}

static void a_proxy_of_the_environment_is_not_asked_about_loopback(void **state)
{
	static const char *const pieces[] = { "HTTP/1.1 204 No\r\n\r\n", NULL };
	static char proxy[] = "http_proxy=http://127.0.0.1:1";
	static char no_exception[] = "no_proxy=";
	struct fixture *f = *state;

	putenv(proxy);
	putenv(no_exception);
	server_start(&f->server, pieces);
	assert_int_equal(get(f, "/"), OK);
	server_stop(&f->server);
	unsetenv("http_proxy");
	unsetenv("no_proxy");
	assert_int_equal(f->response.status, 204);
	assert_non_null(strstr(f->server.request, "GET / HTTP"));
}

static void names_are_encoded_byte_for_byte(void **state)
{
	OWNED(buf) struct buf text = { 0 };

	(void)state;
	http_client_append_encoded(&text, SPAN("aZ0-._~/%?&\xC3\xA4 +"));
	assert_true(span_equal(buf_span(&text), SPAN("aZ0-._~%2F%25%3F%26%C3%A4%20%2B")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_request_goes_out_as_it_was_given),
		TEST(the_answer_has_status_headers_and_body_whatever_the_status),
		TEST(redirects_are_answers),
		TEST(a_long_answer_is_handed_over_as_it_comes),
		TEST(a_streamed_answer_can_be_ended_and_a_problem_is_collected_instead),
		TEST(when_nobody_listens_it_says_where),
		TEST(a_connection_that_breaks_leaves_the_outcome_unknown),
		TEST(a_silent_server_is_given_up),
		TEST(a_stream_that_falls_silent_is_given_up),
		TEST(an_answer_beyond_the_limit_is_refused),
		TEST(urls_methods_and_headers_that_are_none_are_refused_before_anything_is_sent),
		TEST(a_proxy_of_the_environment_is_not_asked_about_loopback),
		TEST(names_are_encoded_byte_for_byte),
	};
#undef TEST
	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
