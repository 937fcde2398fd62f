/* SPDX-License-Identifier: Apache-2.0 */
/* bench_http.c - requests a second through one event loop, handlers that do nothing.
 *
 *	bench_http [ROUNDS] [SECONDS]
 *
 * The server runs in one thread and the client in another, with 64 connections that each wait for
 * their answer before they ask again. Kinds are interleaved in each round; medians over the rounds
 * are printed, with the slowest and the fastest. `later` answers come from the turn's end, as those
 * that wait for a durable write do. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/thread.h"
#include "http/server.h"

#define CONNECTIONS 64
#define ROUNDS_MAX  99

struct server {
	struct loop *loop;
	struct http_server *http;
	struct thread thread;
	struct http_request *later[CONNECTIONS];
	size_t later_count;
};

enum kind { GET_LIVEZ, POST_256, POST_256_LATER, KINDS };

static const char *const kind_names[KINDS] = {
	[GET_LIVEZ] = "GET /livez",
	[POST_256] = "POST 256 B",
	[POST_256_LATER] = "POST 256 B, answered at the turn's end",
};

static void must(enum status s, const struct error *err)
{
	if (s == OK)
		return;
	(void)fprintf(stderr, "bench_http: %s\n", error_text(err));
	exit(1);
}

static void answer(struct http_request *request)
{
	http_respond(request, &(struct http_response){ .status = 200,
						       .content_type = "application/json",
						       .body = SPAN("{\"status\":\"ok\"}") });
}

static void handle(struct http_request *request, void *arg)
{
	struct server *server = arg;

	if (span_equal(http_request_path(request), SPAN("/later")))
		server->later[server->later_count++] = request;
	else
		answer(request);
}

static bool on_turn_end(void *arg)
{
	struct server *server = arg;

	for (size_t i = 0; i < server->later_count; i++)
		answer(server->later[i]);
	server->later_count = 0;
	return false;
}

static void run_loop(void *arg)
{
	struct server *server = arg;

	loop_run(server->loop);
}

static struct span request_of(enum kind kind, char *buffer, size_t size)
{
	char body[257];
	int length;

	memset(body, 'x', 256);
	body[256] = '\0';
	if (kind == GET_LIVEZ)
		length = snprintf(buffer, size, "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
	else
		length = snprintf(buffer, size,
				  "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
				  "Content-Type: application/json\r\nContent-Length: 256\r\n\r\n%s",
				  kind == POST_256 ? "/now" : "/later", body);
	CHECK(length > 0 && (size_t)length < size);
	return span_of(buffer, (size_t)length);
}

static void send_request(int fd, struct span request)
{
	ssize_t n = send(fd, request.data, request.size, MSG_NOSIGNAL);

	CHECK(n == (ssize_t)request.size); /* one waits at a time: the socket has room */
}

static int open_client(uint16_t port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0);
	CHECK(connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0);
	CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	return fd;
}

/* Requests a second. Every answer is as long as the first: only the date in it differs. */
static double measure(uint16_t port, enum kind kind, double seconds)
{
	char buffer[1024];
	char answer_bytes[4096];
	struct span request = request_of(kind, buffer, sizeof(buffer));
	struct epoll_event events[CONNECTIONS];
	int fds[CONNECTIONS];
	size_t missing[CONNECTIONS];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	ssize_t answer_size;
	uint64_t count = 0;
	uint64_t start;
	uint64_t now;

	CHECK(epoll >= 0);
	for (size_t i = 0; i < CONNECTIONS; i++)
		fds[i] = open_client(port);
	send_request(fds[0], request);
	answer_size = recv(fds[0], answer_bytes, sizeof(answer_bytes), 0);
	CHECK(answer_size > 15 && memcmp(answer_bytes, "HTTP/1.1 200 OK", 15) == 0);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u64 = i };

		CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) == 0);
		missing[i] = (size_t)answer_size;
		send_request(fds[i], request);
	}
	start = clock_monotonic_ns(clock_system());
	do {
		int ready = epoll_wait(epoll, events, CONNECTIONS, 1000);

		CHECK(ready > 0);
		for (int k = 0; k < ready; k++) {
			size_t i = events[k].data.u64;
			ssize_t n = recv(fds[i], answer_bytes, missing[i], 0);

			CHECK(n > 0);
			missing[i] -= (size_t)n;
			if (missing[i] != 0)
				continue;
			missing[i] = (size_t)answer_size;
			count++;
			send_request(fds[i], request);
		}
		now = clock_monotonic_ns(clock_system());
	} while ((double)(now - start) < seconds * 1e9);
	for (size_t i = 0; i < CONNECTIONS; i++)
		CHECK(close(fds[i]) == 0);
	CHECK(close(epoll) == 0);
	return (double)count * 1e9 / (double)(now - start);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_machine(void)
{
	struct utsname name;

	if (uname(&name) == 0)
		(void)printf("machine: %s %s %s, %ld processors\n", name.sysname, name.release,
			     name.machine, sysconf(_SC_NPROCESSORS_ONLN));
}

int main(int argc, char **argv)
{
	static double results[KINDS][ROUNDS_MAX];
	struct server server = { 0 };
	struct error err = { 0 };
	size_t rounds = 5;
	double seconds = 1;

	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seconds = strtod(argv[2], NULL);
	if (rounds < 1 || rounds > ROUNDS_MAX || !(seconds > 0) || seconds > 60) {
		(void)fprintf(stderr, "usage: bench_http [ROUNDS] [SECONDS]\n");
		return 2;
	}
	must(loop_new(&server.loop, &err), &err);
	must(http_server_start(server.loop,
			       &(struct http_server_options){
				       .address = "127.0.0.1", .handle = handle, .arg = &server },
			       &server.http, &err),
	     &err);
	loop_on_turn_end(server.loop, on_turn_end, &server);
	must(thread_start(&server.thread, "loop", run_loop, &server, &err), &err);
	print_machine();
	for (size_t round = 0; round < rounds; round++)
		for (enum kind kind = 0; kind < KINDS; kind++)
			results[kind][round] =
				measure(http_server_port(server.http), kind, seconds);
	loop_stop(server.loop);
	thread_join(&server.thread);
	http_server_free(server.http);
	loop_free(server.loop);
	(void)printf("requests a second, %d connections, median of %zu rounds (slowest, fastest)\n",
		     CONNECTIONS, rounds);
	for (enum kind kind = 0; kind < KINDS; kind++) {
		qsort(results[kind], rounds, sizeof(results[kind][0]), compare);
		(void)printf("%-40s %8.0f  (%.0f, %.0f)\n", kind_names[kind],
			     results[kind][rounds / 2], results[kind][0],
			     results[kind][rounds - 1]);
	}
	return 0;
}
