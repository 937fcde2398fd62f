/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <errno.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"

#define WAIT_MS 10000

void sleep_ms(unsigned ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		continue;
}

static void await(const atomic_bool *flag, const char *what)
{
	for (unsigned waited = 0; !atomic_load(flag); waited++) {
		if (waited > WAIT_MS)
			fail_msg("%s does not come", what);
		sleep_ms(1);
	}
}

/* ---- the gate before the pool ---- */

static void gate_post(struct executor *executor, struct task *task)
{
	struct gate *gate = CONTAINER_OF(executor, struct gate, executor);

	mutex_lock(&gate->mu);
	bool hold = gate->shut;
	gate->posted++;
	if (hold) {
		CHECK(gate->held_count < ARRAY_COUNT(gate->held));
		gate->held[gate->held_count++] = task;
	}
	mutex_unlock(&gate->mu);
	if (!hold)
		executor_post(gate->pool, task);
}

void gate_shut(struct fixture *f)
{
	MUTEX_GUARD(&f->gate.mu);

	f->gate.shut = true;
}

static void let_through(struct fixture *f, bool shut)
{
	struct task *held[ARRAY_COUNT(f->gate.held)];
	size_t count;

	mutex_lock(&f->gate.mu);
	f->gate.shut = shut;
	count = f->gate.held_count;
	memcpy(held, f->gate.held, sizeof(held));
	f->gate.held_count = 0;
	mutex_unlock(&f->gate.mu);
	for (size_t i = 0; i < count; i++)
		executor_post(f->gate.pool, held[i]);
}

void gate_open(struct fixture *f)
{
	let_through(f, false);
}

void gate_pass(struct fixture *f)
{
	let_through(f, true);
}

void gate_await(struct fixture *f, size_t count)
{
	for (unsigned waited = 0; waited < WAIT_MS; waited++) {
		mutex_lock(&f->gate.mu);
		size_t held = f->gate.held_count;
		mutex_unlock(&f->gate.mu);
		if (held == count)
			return;
		sleep_ms(1);
	}
	fail_msg("no %zu reads come to the gate", count);
}

uint64_t gate_posted(struct fixture *f)
{
	MUTEX_GUARD(&f->gate.mu);

	return f->gate.posted;
}

/* ---- the server ---- */

static void note_fatal(void *arg, const char *message)
{
	struct fixture *f = arg;

	(void)message;
	atomic_fetch_add(&f->fatal_count, 1);
}

static bool turn_end(void *arg)
{
	struct fixture *f = arg;

	return !atomic_load(&f->hold_writes) && runtime_turn(f->runtime, 0);
}

static void run_loop(void *arg)
{
	struct fixture *f = arg;

	loop_run(f->loop);
}

static void require(enum status s, const struct error *err)
{
	if (s != OK)
		fail_msg("%s", error_text(err));
}

static void make_runtime(struct fixture *f)
{
	static const struct span wanted[] = { { "wire_succeeded", 14 } };
	struct error err = { 0 };
	const struct runtime_options options = {
		.store = f->store,
		.clock = clock_system(),
		.random = random_system(),
		.metrics = f->metrics,
		.application = SPAN("bank"),
		.components = f->components,
		.component_count = 1,
		.lanes = f->executors,
		.lane_count = 1,
		.pool = &f->gate.executor,
		.recheck_one_in = 1,
		.external_accept_any = f->external_accept_any,
		.external_types = wanted,
		.external_type_count = 1,
		.requests_max = f->requests_max,
	};

	require(runtime_new(&options, &f->runtime, &err), &err);
}

void server_start(struct fixture *f)
{
	struct error err = { 0 };

	make_runtime(f);
	f->options.runtime = f->runtime;
	f->options.store = f->store;
	f->options.metrics = f->metrics;
	f->options.clock = clock_system();
	f->options.pool = &f->gate.executor;
	f->options.application = SPAN("bank");
	f->options.version = SPAN("1.2.3");
	f->options.components = f->components;
	f->options.component_count = 1;
	f->options.loops = &f->loop;
	f->options.lane_count = 1;
	require(api_new(&f->options, &f->api, &err), &err);
	const struct http_server_options http = { .address = "127.0.0.1",
						  .body_max_bytes = f->body_max_bytes,
						  .handle = api_handle,
						  .arg = api_lane(f->api, 0),
						  .metrics = f->metrics };
	require(http_server_start(f->loop, &http, &f->http, &err), &err);
	f->port = http_server_port(f->http);
	loop_on_turn_end(f->loop, turn_end, f);
	require(thread_start(&f->thread, "lane", run_loop, f, &err), &err);
	f->running = true;
}

static void drop_log_line(struct span line, void *arg)
{
	(void)line;
	(void)arg;
}

int fixture_setup_unstarted(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = { 0 };

	assert_non_null(f);
	/* Failures on purpose would fill the screen. */
	log_set_sink(drop_log_line, NULL);
	f->fd = -1;
	require(metrics_new(&f->metrics, &err), &err);
	const struct store_options store_options = { .fatal = note_fatal, .fatal_arg = f };
	require(mem_open(&store_options, random_system(), clock_wall_us(clock_system()), &f->store,
			 &err),
		&err);
	f->account = native_component_new("account", "1", &native_account);
	f->components[0] = &f->account->component;
	require(pool_new("background", 2, &f->pool, &err), &err);
	f->gate.executor.post = gate_post;
	f->gate.pool = pool_executor(f->pool);
	mutex_init(&f->gate.mu, RANK_QUEUE);
	require(loop_new(&f->loop, &err), &err);
	f->executors[0] = loop_executor(f->loop);
	*state = f;
	return 0;
}

int fixture_setup(void **state)
{
	(void)fixture_setup_unstarted(state);
	server_start(*state);
	return 0;
}

static void run_call(struct task *task)
{
	struct fixture *f = CONTAINER_OF(task, struct fixture, call);

	f->call_fn(f);
	atomic_store(&f->call_done, true);
}

void server_call(struct fixture *f, void (*fn)(struct fixture *f))
{
	f->call.run = run_call;
	f->call_fn = fn;
	atomic_store(&f->call_done, false);
	executor_post(loop_executor(f->loop), &f->call);
	await(&f->call_done, "a call on the lane");
}

static void nothing(struct fixture *f)
{
	(void)f;
}

void server_hold_writes(struct fixture *f, bool hold)
{
	atomic_store(&f->hold_writes, hold);
	/* The turn that runs it sees the change; and so does the next one, when it ends late. */
	server_call(f, nothing);
	server_call(f, nothing);
}

static void on_drained(void *arg)
{
	struct fixture *f = arg;

	atomic_store(&f->drained, true);
}

static void drain(struct fixture *f)
{
	api_begin_shutdown(f->api);
	http_server_drain(f->http, f->drain_ms, on_drained, f);
}

static void end(struct fixture *f)
{
	loop_stop(f->loop);
	thread_join(&f->thread);
	f->running = false;
	gate_open(f);
	pool_free(f->pool);
	http_server_free(f->http);
	api_free(f->api);
}

void server_begin_stop(struct fixture *f, uint64_t drain_ms)
{
	f->drain_ms = drain_ms;
	server_call(f, drain);
}

void server_stop(struct fixture *f)
{
	await(&f->drained, "the end of draining");
	end(f);
}

void server_abandon(struct fixture *f)
{
	end(f);
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->hold_writes, false);
	if (f->fd >= 0)
		client_close(f->fd);
	if (f->running) {
		gate_open(f);
		server_begin_stop(f, 5000);
		server_stop(f);
	}
	while (runtime_turn(f->runtime, 0))
		;
	runtime_free(f->runtime);
	loop_free(f->loop);
	store_close(f->store);
	assert_int_equal(atomic_load(&f->account->open_now), 0);
	native_component_free(f->account);
	mutex_fini(&f->gate.mu);
	metrics_free(f->metrics);
	for (size_t i = 0; i < ARRAY_COUNT(f->answers); i++)
		answer_fini(&f->answers[i]);
	free(f);
	log_set_sink(NULL, NULL);
	return 0;
}

uint64_t metric(struct fixture *f, const char *line_start)
{
	OWNED(buf) struct buf text = { 0 };
	const char *found;

	metrics_render(f->metrics, &text);
	buf_append_byte(&text, '\0');
	assert_int_equal(buf_status(&text), OK);
	found = strstr(text.data, line_start);
	while (found != NULL && found != text.data && found[-1] != '\n')
		found = strstr(found + 1, line_start);
	return found != NULL ? strtoull(found + strlen(line_start), NULL, 10) : 0;
}

void metric_await(struct fixture *f, const char *line_start, uint64_t value)
{
	for (unsigned waited = 0; metric(f, line_start) != value; waited++) {
		if (waited > WAIT_MS / 2)
			fail_msg("%s is %llu, not %llu", line_start,
				 (unsigned long long)metric(f, line_start),
				 (unsigned long long)value);
		sleep_ms(2);
	}
}

/* ---- requests ---- */

struct answer *answer_new(struct fixture *f)
{
	/* A test that asks more often no longer needs the first ones. */
	struct answer *answer = &f->answers[f->answer_count++ % ARRAY_COUNT(f->answers)];

	answer_fini(answer);
	return answer;
}

void send_request(int fd, const char *method, const char *headers, const char *target,
		  struct span body)
{
	OWNED(buf) struct buf text = { 0 };
	bool has_body = body.data != NULL;

	buf_append_format(&text, "%s %s HTTP/1.1\r\n%s", method, target, headers);
	if (strstr(headers, "Host:") == NULL)
		buf_append_string(&text, "Host: localhost\r\n");
	if (has_body)
		buf_append_format(&text, "Content-Length: %zu\r\n", body.size);
	buf_append_string(&text, "\r\n");
	buf_append_span(&text, body);
	assert_int_equal(buf_status(&text), OK);
	client_send_span(fd, buf_span(&text));
}

struct answer *request(struct fixture *f, const char *method, const char *headers,
		       const char *target, struct span body)
{
	struct answer *answer = answer_new(f);

	if (f->fd < 0)
		f->fd = client_connect(f->port);
	send_request(f->fd, method, headers, target, body);
	client_read(f->fd, strcmp(method, "HEAD") != 0, answer);
	const char *connection = answer_header(answer, "Connection");
	if (connection != NULL && strcmp(connection, "close") == 0) {
		client_close(f->fd);
		f->fd = -1;
	}
	return answer;
}

struct answer *get(struct fixture *f, const char *target)
{
	return request(f, "GET", "", target, SPAN_EMPTY);
}

struct answer *get_with(struct fixture *f, const char *headers, const char *target)
{
	return request(f, "GET", headers, target, SPAN_EMPTY);
}

struct answer *post(struct fixture *f, const char *target, const char *json)
{
	return post_with(f, JSON_TYPE, target, json);
}

struct answer *post_with(struct fixture *f, const char *headers, const char *target,
			 const char *body)
{
	return request(f, "POST", headers, target, span_from_string(body));
}

struct answer *command(struct fixture *f, const char *key, const char *type, const char *data)
{
	OWNED(buf) struct buf target = { 0 };
	OWNED(buf) struct buf body = { 0 };

	buf_append_format(&target, ACCOUNT "%s/commands%c", key, '\0');
	buf_append_format(&body, "{\"type\":\"%s\",\"data\":%s}%c", type, data, '\0');
	struct answer *answer = post(f, target.data, body.data);
	assert_status(answer, 200);
	return answer;
}

void append_events(struct fixture *f, const char *stream, unsigned count, const char *type)
{
	OWNED(buf) struct buf target = { 0 };
	OWNED(buf) struct buf body = { 0 };

	buf_append_format(&target, "/v1/streams/%s/events%c", stream, '\0');
	buf_append_string(&body, "{\"events\":[");
	for (unsigned i = 0; i < count; i++)
		buf_append_format(&body, "%s{\"type\":\"%s\",\"data\":{\"n\":%u}}",
				  i != 0 ? "," : "", type, i);
	buf_append_format(&body, "]}%c", '\0');
	assert_status(post(f, target.data, body.data), 200);
}

uint64_t event_count(struct fixture *f)
{
	struct store_status status;

	store_status(f->store, &status);
	return status.event_count;
}
