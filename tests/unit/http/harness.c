/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CHUNK_BYTES 10000

/* ---- handlers ---- */

static void answer_body(struct http_request *request, struct span body)
{
	http_respond(request, &(struct http_response){
				      .status = 200, .content_type = "text/plain", .body = body });
}

struct feeder {
	struct harness *h;
	struct http_stream *stream;
	uint64_t left;
};

static void feed(void *arg)
{
	static char chunk[CHUNK_BYTES];
	struct feeder *feeder = arg;

	memset(chunk, 'x', sizeof(chunk));
	while (feeder->left > 0) {
		feeder->left--;
		if (!http_stream_write(feeder->stream, span_of(chunk, sizeof(chunk))))
			return;
	}
	http_stream_end(feeder->stream);
	atomic_fetch_add(&feeder->h->streams_ended, 1);
	free(feeder);
}

static void on_drain(void *arg)
{
	struct feeder *feeder = arg;

	atomic_fetch_add(&feeder->h->drain_calls, 1);
	feed(feeder);
}

static void on_feeder_closed(void *arg)
{
	struct feeder *feeder = arg;

	atomic_fetch_add(&feeder->h->closed_calls, 1);
	free(feeder);
}

static void begin_feeding(struct harness *h, struct http_request *request, uint64_t count)
{
	struct feeder *feeder = calloc(1, sizeof(*feeder));

	assert_non_null(feeder);
	feeder->h = h;
	feeder->left = count;
	feeder->stream = http_stream_begin(
		request, &(struct http_response){ .status = 200, .content_type = "text/plain" },
		&(struct http_stream_callbacks){ on_drain, on_feeder_closed, feeder });
	feed(feeder);
}

static void on_live_drain(void *arg)
{
	(void)arg;
}

static void on_live_closed(void *arg)
{
	struct harness *h = arg;

	atomic_fetch_add(&h->closed_calls, 1);
	atomic_fetch_sub(&h->live_open, 1);
}

static void answer_target(struct http_request *request)
{
	struct span text = arena_format(http_request_arena(request), "%.*s\n%.*s\n%.*s",
					SPAN_ARG(http_request_method_text(request)),
					SPAN_ARG(http_request_path(request)),
					SPAN_ARG(http_request_query(request)));

	answer_body(request, text);
}

static void answer_headers(struct http_request *request)
{
	struct buf text OWNED(buf) = { 0 };
	size_t count = 0;
	const struct http_header *headers = http_request_headers(request, &count);

	for (size_t i = 0; i < count; i++)
		buf_append_format(&text, "%.*s=%.*s\n", SPAN_ARG(headers[i].name),
				  SPAN_ARG(headers[i].value));
	answer_body(request, buf_span(&text));
}

static void handle(struct http_request *request, void *arg)
{
	struct harness *h = arg;
	struct span path = http_request_path(request);
	uint64_t n = 0;

	atomic_fetch_add(&h->requests, 1);
	(void)span_parse_u64(http_request_query(request), &n); /* not every path has a number */
	if (span_equal(path, SPAN("/later")) && h->later_count < ARRAY_COUNT(h->later)) {
		h->later[h->later_count++] = request;
	} else if (span_equal(path, SPAN("/hold")) && h->holding_count < ARRAY_COUNT(h->holding)) {
		h->holding[h->holding_count++] = request;
		atomic_fetch_add(&h->held, 1);
	} else if (span_equal(path, SPAN("/big"))) {
		char *body = malloc(n + 1);

		assert_non_null(body);
		memset(body, 'b', n);
		answer_body(request, span_of(body, n));
		free(body);
	} else if (span_equal(path, SPAN("/headers"))) {
		answer_headers(request);
	} else if (span_equal(path, SPAN("/target")) || span_equal(path, SPAN("*"))) {
		answer_target(request);
	} else if (span_equal(path, SPAN("/inject"))) {
		struct http_header evil = { SPAN("Location"), SPAN("/a\r\nEvil: yes\n\0b") };

		http_respond(request, &(struct http_response){
					      .status = 202, .headers = &evil, .header_count = 1 });
	} else if (span_equal(path, SPAN("/stream"))) {
		begin_feeding(h, request, n);
	} else if (span_equal(path, SPAN("/live")) && h->live_count < ARRAY_COUNT(h->live)) {
		h->live[h->live_count++] = http_stream_begin(
			request,
			&(struct http_response){ .status = 200,
						 .content_type = "text/event-stream",
						 .body = SPAN("hello\n") },
			&(struct http_stream_callbacks){ on_live_drain, on_live_closed, h });
		atomic_fetch_add(&h->live_open, 1);
	} else if (span_equal(path, SPAN("/none"))) {
		http_respond(request, &(struct http_response){ .status = 204 });
	} else {
		answer_body(request, http_request_body(request));
	}
}

static bool on_turn_end(void *arg)
{
	struct harness *h = arg;

	atomic_fetch_add(&h->turns, 1);
	for (size_t i = 0; i < h->later_count; i++)
		answer_body(h->later[i], http_request_body(h->later[i]));
	h->later_count = 0;
	return false;
}

/* ---- the server ---- */

static void run_loop(void *arg)
{
	struct harness *h = arg;

	loop_run(h->loop);
}

struct harness *harness_start(const struct http_server_options *options)
{
	struct harness *h = calloc(1, sizeof(*h));
	struct http_server_options o = *options;
	struct error err = { 0 };

	assert_non_null(h);
	if (metrics_new(&h->metrics, &err) != OK || loop_new(&h->loop, &err) != OK)
		fail_msg("%s", err.message);
	o.address = "127.0.0.1";
	o.handle = handle;
	o.arg = h;
	o.metrics = h->metrics;
	if (http_server_start(h->loop, &o, &h->server, &err) != OK)
		fail_msg("%s", err.message);
	h->port = http_server_port(h->server);
	loop_on_turn_end(h->loop, on_turn_end, h);
	if (thread_start(&h->thread, "loop", run_loop, h, &err) != OK)
		fail_msg("%s", err.message);
	return h;
}

void harness_stop(struct harness *h)
{
	loop_stop(h->loop);
	thread_join(&h->thread);
	http_server_free(h->server);
	loop_free(h->loop);
	metrics_free(h->metrics);
	free(h);
}

static void run_call(struct task *task)
{
	struct harness *h = CONTAINER_OF(task, struct harness, task);

	h->call(h);
	atomic_store(&h->task_done, 1);
}

void harness_call(struct harness *h, void (*call)(struct harness *h))
{
	h->task.run = run_call;
	h->call = call;
	atomic_store(&h->task_done, 0);
	executor_post(loop_executor(h->loop), &h->task);
	harness_await(&h->task_done, 1, "a call on the loop's thread");
}

static void release_all(struct harness *h)
{
	for (size_t i = 0; i < h->holding_count; i++) {
		if (http_request_is_cancelled(h->holding[i]))
			atomic_fetch_add(&h->cancelled_seen, 1);
		answer_body(h->holding[i], SPAN("released"));
	}
	h->holding_count = 0;
}

void harness_release(struct harness *h)
{
	harness_call(h, release_all);
}

static uint64_t drain_timeout_ms; /* handed to drain_server() by harness_call()'s ordering */

static void on_drained(void *arg)
{
	struct harness *h = arg;

	atomic_fetch_add(&h->drained, 1);
}

static void drain_server(struct harness *h)
{
	http_server_drain(h->server, drain_timeout_ms, on_drained, h);
}

void harness_drain(struct harness *h, uint64_t timeout_ms)
{
	drain_timeout_ms = timeout_ms;
	harness_call(h, drain_server);
}

void sleep_ms(unsigned ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		continue;
}

uint64_t now_ms(void)
{
	struct timespec time;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

void harness_await(const atomic_int *counter, int at_least, const char *what)
{
	uint64_t end = now_ms() + 5000;

	while (atomic_load(counter) < at_least) {
		if (now_ms() > end)
			fail_msg("%s: %d, not %d after 5 s", what, atomic_load(counter), at_least);
		sleep_ms(1);
	}
}

uint64_t harness_metric(struct harness *h, const char *line_start)
{
	struct buf text OWNED(buf) = { 0 };
	const char *found;

	metrics_render(h->metrics, &text);
	buf_append_byte(&text, '\0');
	found = strstr(text.data, line_start);
	while (found != NULL && found != text.data && found[-1] != '\n')
		found = strstr(found + 1, line_start);
	if (found == NULL)
		return 0;
	found = strrchr(found, ' ') != NULL ? strchr(found, ' ') : found;
	return strtoull(found, NULL, 10);
}

/* ---- the client ---- */

static int connect_with(uint16_t port, int receive_bytes)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (receive_bytes != 0)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
					    sizeof(receive_bytes)),
				 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

int client_connect(uint16_t port)
{
	return connect_with(port, 0);
}

int client_connect_small(uint16_t port)
{
	return connect_with(port, 4096);
}

void client_send_bytes(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

		if (n <= 0)
			fail_msg("send: %s", strerror(errno));
		at += n;
		size -= (size_t)n;
	}
}

void client_send(int fd, const char *text)
{
	client_send_bytes(fd, text, strlen(text));
}

static void read_exactly(int fd, char *out, size_t size)
{
	while (size > 0) {
		ssize_t n = recv(fd, out, size, 0);

		if (n <= 0)
			fail_msg("the server sent %zu bytes too few: %s", size,
				 n == 0 ? "end" : strerror(errno));
		out += n;
		size -= (size_t)n;
	}
}

static void read_line(int fd, char *out, size_t size)
{
	size_t used = 0;

	do {
		assert_true(used + 1 < size);
		read_exactly(fd, out + used, 1);
		used++;
	} while (used < 2 || out[used - 1] != '\n' || out[used - 2] != '\r');
	out[used - 2] = '\0';
}

const char *answer_header(const struct answer *answer, const char *name, char *buffer, size_t size)
{
	const char *line = answer->head;
	size_t name_size = strlen(name);

	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, name_size) == 0 && line[name_size] == ':') {
			const char *value = line + name_size + 2;
			const char *end = strstr(value, "\r\n");

			assert_non_null(end);
			assert_true((size_t)(end - value) < size);
			memcpy(buffer, value, (size_t)(end - value));
			buffer[end - value] = '\0';
			return buffer;
		}
	}
	return NULL;
}

static void append_body(struct answer *ret, int fd, size_t size)
{
	ret->body = realloc(ret->body, ret->body_size + size + 1);
	assert_non_null(ret->body);
	read_exactly(fd, ret->body + ret->body_size, size);
	ret->body_size += size;
	ret->body[ret->body_size] = '\0';
}

static void read_chunks(struct answer *ret, int fd)
{
	char line[64];

	for (;;) {
		size_t size;

		read_line(fd, line, sizeof(line));
		size = strtoul(line, NULL, 16);
		if (size == 0)
			break;
		append_body(ret, fd, size);
		read_line(fd, line, sizeof(line));
		assert_string_equal(line, "");
	}
	read_line(fd, line, sizeof(line));
	assert_string_equal(line, "");
	ret->chunk_end_seen = true;
}

static void read_to_end(struct answer *ret, int fd)
{
	char block[65536];
	ssize_t n;

	while ((n = recv(fd, block, sizeof(block), 0)) > 0) {
		ret->body = realloc(ret->body, ret->body_size + (size_t)n + 1);
		assert_non_null(ret->body);
		memcpy(ret->body + ret->body_size, block, (size_t)n);
		ret->body_size += (size_t)n;
		ret->body[ret->body_size] = '\0';
	}
	assert_int_equal(n, 0);
}

void client_read(int fd, bool has_body, struct answer *ret)
{
	char value[64];
	size_t used = 0;

	memset(ret, 0, sizeof(*ret));
	do {
		assert_true(used + 1 < sizeof(ret->head));
		read_exactly(fd, ret->head + used, 1);
		used++;
	} while (used < 4 || memcmp(ret->head + used - 4, "\r\n\r\n", 4) != 0);
	assert_memory_equal(ret->head, "HTTP/1.1 ", 9);
	ret->status = (unsigned)strtoul(ret->head + 9, NULL, 10);
	append_body(ret, fd, 0);
	if (!has_body || ret->status == 204 || ret->status == 100)
		return;
	if (answer_header(ret, "Content-Length", value, sizeof(value)) != NULL)
		append_body(ret, fd, strtoul(value, NULL, 10));
	else if (answer_header(ret, "Transfer-Encoding", value, sizeof(value)) != NULL)
		read_chunks(ret, fd);
	else
		read_to_end(ret, fd);
}

void answer_fini(struct answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}

bool client_sees_end(int fd, int ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char byte;
	ssize_t n;

	if (poll(&wait, 1, ms) == 0)
		return false;
	n = recv(fd, &byte, 1, 0);
	if (n > 0)
		fail_msg("a byte 0x%02x where the end was expected", (unsigned)byte & 0xffu);
	return true;
}

void client_reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	assert_int_equal(close(fd), 0);
}

void expect_answer(int fd, const char *request, unsigned status, const char *body)
{
	struct answer answer;

	client_send(fd, request);
	client_read(fd, strncmp(request, "HEAD", 4) != 0, &answer);
	assert_int_equal(answer.status, status);
	if (body != NULL)
		assert_string_equal(answer.body, body);
	answer_fini(&answer);
}
