/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_TEST_FIXTURE_H
#define API_HTTP_TEST_FIXTURE_H

/* fixture.h - the API on a real socket: one lane on a thread of its own, two background threads, a
 * store in memory, and the account made of C functions. The test is the client.
 *
 * Two gates make the order of things the test's choice: while `hold_writes` is set nothing becomes
 * durable, and while the pool's gate is shut no read of the log begins. */

#include "client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_http/api.h"
#include "base/buf.h"
#include "base/mutex.h"
#include "base/pool.h"
#include "base/thread.h"
#include "lib/native_component.h"
#include "store_mem/mem.h"

struct gate {
	struct executor executor; /* what the API and the runtime get as their pool */
	struct executor *pool;
	struct mutex mu; /* RANK_QUEUE; guards the fields below */
	bool shut;
	struct task *held[64];
	size_t held_count;
	uint64_t posted; /* ever */
};

struct fixture {
	/* Before server_start(). */
	struct api_options options; /* hosts and bounds; the rest is filled in */
	uint64_t body_max_bytes;
	bool external_accept_any;
	uint64_t requests_max;

	struct metrics *metrics;
	struct store *store;
	struct native_component *account;
	struct component *components[1];
	struct pool *pool;
	struct gate gate;
	struct loop *loop;
	struct executor *executors[1];
	struct runtime *runtime;
	struct api *api;
	struct http_server *http;
	struct thread thread;
	uint16_t port;
	bool running;
	int fd; /* a connection that stays; -1: none yet */

	atomic_bool hold_writes;
	atomic_int fatal_count;
	atomic_bool drained;
	struct task call; /* one at a time */
	void (*call_fn)(struct fixture *f);
	atomic_bool call_done;
	uint64_t drain_ms;

	struct answer answers[64]; /* for the teardown */
	size_t answer_count;
};

int fixture_setup(void **state);           /* made and started */
int fixture_setup_unstarted(void **state); /* for tests with options of their own */
int fixture_teardown(void **state);
void server_start(struct fixture *f);
/* Begins to drain; then waits for the end of it, stops the loop, takes everything apart. */
void server_begin_stop(struct fixture *f, uint64_t drain_ms);
void server_stop(struct fixture *f);
/* The same without draining: as when the process has to go. */
void server_abandon(struct fixture *f);

/* Runs on the loop's thread, and waits for it. */
void server_call(struct fixture *f, void (*fn)(struct fixture *f));
void server_hold_writes(struct fixture *f, bool hold);
void gate_shut(struct fixture *f);
void gate_open(struct fixture *f);
/* Lets through what waits at the gate, which stays shut. */
void gate_pass(struct fixture *f);
/* Waits until so many reads wait at the gate. */
void gate_await(struct fixture *f, size_t count);
/* Tasks that ever came to the pool: reads, mostly. */
uint64_t gate_posted(struct fixture *f);
/* Waits for the metric to be `value`: "concordance_followers". */
void metric_await(struct fixture *f, const char *line_start, uint64_t value);
uint64_t metric(struct fixture *f, const char *line_start);

/* ---- requests on the connection that stays. Answers live until the teardown. ---- */

/* `headers` are whole lines; a Host is added. */
struct answer *get(struct fixture *f, const char *target);
struct answer *get_with(struct fixture *f, const char *headers, const char *target);
struct answer *post(struct fixture *f, const char *target, const char *json);
struct answer *post_with(struct fixture *f, const char *headers, const char *target,
			 const char *body);
struct answer *request(struct fixture *f, const char *method, const char *headers,
		       const char *target, struct span body);
/* As request(), without reading the answer. */
void send_request(int fd, const char *method, const char *headers, const char *target,
		  struct span body);
struct answer *answer_new(struct fixture *f);

/* POST of a command to account/<key>, and of events to a category that nobody owns; both must
 * succeed. */
struct answer *command(struct fixture *f, const char *key, const char *type, const char *data);
void append_events(struct fixture *f, const char *stream, unsigned count, const char *type);
/* How many events the log holds. */
uint64_t event_count(struct fixture *f);
void sleep_ms(unsigned ms);

#define JSON_TYPE "Content-Type: application/json\r\n"
#define ACCOUNT   "/v1/aggregates/account/"

int test_edge(void);
int test_commands(void);
int test_states(void);
int test_appends(void);
int test_externals(void);
int test_lists(void);
int test_follow(void);
int test_health(void);
int test_leaving(void);

#endif
