/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_HTTP_HARNESS_H
#define TESTS_HTTP_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/thread.h"
#include "http/server.h"

/* harness.h - a server in a thread of its own, with handlers chosen by path, and a plain blocking
 * client.
 *
 *	/echo        answers at once with the request's body
 *	/later       the same, from the loop's turn-end function
 *	/hold        waits for harness_release(); counts in `held`
 *	/big?N       N bytes
 *	/headers     "name=value\n" for each header
 *	/target      method, path and query in lines
 *	/inject      a header value that tries to smuggle another header in
 *	/stream?N    N chunks of 10 kB, held back by drain()
 *	/live        one line, then open until the client leaves
 *	/none        204 */

struct harness {
	struct loop *loop;
	struct http_server *server;
	struct metrics *metrics;
	struct thread thread;
	uint16_t port;

	/* The loop's thread. */
	struct http_request *later[64];
	size_t later_count;
	struct http_request *holding[64];
	size_t holding_count;
	struct http_stream *live[64];
	size_t live_count;
	struct task task; /* one at a time; see `task_done` */
	void (*call)(struct harness *h);

	/* Both threads. */
	atomic_int task_done;
	atomic_int held;
	atomic_int cancelled_seen; /* held requests that had lost their client when released */
	atomic_int live_open;
	atomic_int closed_calls;
	atomic_int drain_calls;
	atomic_int streams_ended;
	atomic_int requests;
	atomic_int turns;
	atomic_int drained;
};

/* Options' handle, arg, address and metrics are the harness' own. */
struct harness *harness_start(const struct http_server_options *options);
void harness_stop(struct harness *h);

/* Runs `call` on the loop's thread and waits for it. */
void harness_call(struct harness *h, void (*call)(struct harness *h));
void harness_release(struct harness *h); /* answers all held requests */
void harness_drain(struct harness *h, uint64_t timeout_ms);
/* Waits up to 5 s for the counter; fails the test if it stays below. */
void harness_await(const atomic_int *counter, int at_least, const char *what);
uint64_t harness_metric(struct harness *h, const char *line_start); /* 0 when it is not there */
void sleep_ms(unsigned ms);
uint64_t now_ms(void);

/* ---- the client ---- */

struct answer {
	unsigned status;
	char head[8192]; /* NUL-terminated */
	char *body;      /* owned, NUL-terminated; without chunking */
	size_t body_size;
	bool chunk_end_seen;
};

int client_connect(uint16_t port);
int client_connect_small(uint16_t port); /* with a small receive buffer */
void client_send(int fd, const char *text);
void client_send_bytes(int fd, const void *bytes, size_t size);
/* Reads one whole answer; `has_body` is false for HEAD. Fails the test after 5 s. */
void client_read(int fd, bool has_body, struct answer *ret);
void answer_fini(struct answer *answer);
const char *answer_header(const struct answer *answer, const char *name, char *buffer, size_t size);
/* True when the server closes within `ms`; other bytes fail the test. */
bool client_sees_end(int fd, int ms);
void client_reset(int fd); /* closes with RST */

/* Sends, reads one answer, checks the status. */
void expect_answer(int fd, const char *request, unsigned status, const char *body);

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

int test_path(void);
int test_parser(void);
int test_loop(void);
int test_server(void);
int test_limits(void);
int test_leaving(void);
int test_stream(void);

#endif
