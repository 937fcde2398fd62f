/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the listening socket, the turn's end, deadlines, and the way down.
 *
 * Accepting is done here rather than by libuv, because a server has to be able not to accept: with
 * connections_max open, further clients wait in the kernel's queue; out of descriptors, it waits a
 * while instead of asking again at once, and says so once a minute at most.
 *
 * At the end of a turn, after the loop's own turn-end function has answered what it could:
 *
 *	write all output -> parse kept input (pipelined requests) -> write what that was answered with
 *
 * Deadlines are looked at by one timer for all connections, a few times within the shortest of the
 * timeouts. It stands still while there are no connections. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "http/connection.h"

#define ACCEPTS_PER_TURN    64
#define ACCEPT_RETRY_MS     ((uint64_t)100)
#define ACCEPT_LOG_EVERY_MS ((uint64_t)60000)
#define SWEEP_MIN_MS        ((uint64_t)5)
#define SWEEP_MAX_MS        ((uint64_t)500)

static void on_listener(uv_poll_t *poll, int status, int events);

/* ---- accepting ---- */

static void update_accepting(struct http_server *server)
{
	bool wanted = !server->draining && !server->released && server->listen_fd >= 0 &&
		      server->connection_count < server->options.connections_max &&
		      !uv_is_active((uv_handle_t *)&server->retry);

	if (wanted == server->accepting || server->listen_fd < 0)
		return;
	if (wanted)
		CHECK(uv_poll_start(&server->listener, UV_READABLE, on_listener) == 0);
	else
		CHECK(uv_poll_stop(&server->listener) == 0);
	server->accepting = wanted;
}

static void on_retry(uv_timer_t *timer)
{
	update_accepting(timer->data);
}

/* No descriptors or memory: the clients stay in the kernel's queue meanwhile. */
static void back_off(struct http_server *server, int error)
{
	uint64_t now = loop_now_ms(server->loop);

	if (!server->refusal_logged || now - server->refusal_logged_at >= ACCEPT_LOG_EVERY_MS) {
		log_event(LOG_WARN, "http_accept_failed",
			  LOG_STRING("reason", uv_strerror(uv_translate_sys_error(error))),
			  LOG_NUMBER("connections", server->connection_count),
			  LOG_NUMBER("retry_ms", ACCEPT_RETRY_MS));
		server->refusal_logged = true;
		server->refusal_logged_at = now;
	}
	CHECK(uv_timer_start(&server->retry, on_retry, ACCEPT_RETRY_MS, /* repeat= */ 0) == 0);
	update_accepting(server);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
	struct http_server *server = poll->data;
	struct error err = { 0 };

	(void)status; /* an error shows in accept4() again */
	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN && server->accepting; i++) {
		int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EAGAIN)
				return;
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM) {
				back_off(server, errno);
				return;
			}
			continue; /* that one client is gone again */
		}
		if (connection_open(server, fd, &err) != OK) {
			back_off(server, ENOMEM);
			return;
		}
	}
}

static void on_sweep(uv_timer_t *timer)
{
	struct http_server *server = timer->data;
	uint64_t now = loop_now_ms(server->loop);

	LIST_FOR_EACH(&server->connections, node)
	connection_sweep(LIST_ENTRY(node, struct connection, node), now);
}

void server_connection_opened(struct http_server *server)
{
	server->connection_count++;
	gauge_add(server->metrics.connections, 1);
	if (!server->sweeping) {
		CHECK(uv_timer_start(&server->sweep, on_sweep, server->sweep_ms,
				     server->sweep_ms) == 0);
		server->sweeping = true;
	}
	update_accepting(server);
}

/* ---- the end ---- */

static void free_if_done(struct http_server *server)
{
	if (!server->released || server->open_handles != 0 || server->connection_count != 0)
		return;
	loop_remove_member(server->loop, &server->member);
	for (size_t i = 0; i < server->arena_count; i++)
		arena_free(server->arenas[i]);
	free(server->read_buffer);
	free(server);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct http_server *server = handle->data;

	server->open_handles--;
	free_if_done(server);
}

void server_connection_freed(struct http_server *server)
{
	server->connection_count--;
	gauge_add(server->metrics.connections, -1);
	if (server->connection_count == 0 && server->sweeping) {
		(void)uv_timer_stop(&server->sweep); /* cannot fail */
		server->sweeping = false;
	}
	update_accepting(server);
	free_if_done(server);
}

static void stop_listening(struct http_server *server)
{
	if (server->listen_fd < 0)
		return;
	uv_close((uv_handle_t *)&server->listener, on_handle_closed);
	(void)close(server->listen_fd); /* nothing was written to it */
	server->listen_fd = -1;
	server->accepting = false;
}

void http_server_free(struct http_server *server)
{
	if (server == NULL || server->released)
		return;
	server->released = true;
	server->draining = true;
	stop_listening(server);
	LIST_FOR_EACH(&server->connections, node)
	connection_close(LIST_ENTRY(node, struct connection, node));
	uv_close((uv_handle_t *)&server->retry, on_handle_closed);
	uv_close((uv_handle_t *)&server->sweep, on_handle_closed);
}

static void on_loop_ends(struct loop_member *member)
{
	struct http_server *server = CONTAINER_OF(member, struct http_server, member);

	http_server_free(server);
	/* Nobody can answer any more. */
	LIST_FOR_EACH(&server->connections, node)
	{
		struct connection *connection = LIST_ENTRY(node, struct connection, node);

		if (connection->request.magic == REQUEST_MAGIC)
			request_end(connection);
		stream_report_closed(connection);
		connection_release_if_gone(connection);
	}
}

static void begin_drain(struct http_server *server)
{
	server->drain_begun = true;
	stop_listening(server);
	LIST_FOR_EACH(&server->connections, node)
	{
		struct connection *connection = LIST_ENTRY(node, struct connection, node);

		if (connection->state == CONNECTION_IDLE && connection_unsent(connection) == 0 &&
		    connection->input.size == connection->input_offset) {
			connection_close(connection);
		} else if (connection->state == CONNECTION_IDLE) {
			connection_finish(connection);
		} else if (connection->state == CONNECTION_STREAMING) {
			/* Without the last chunk: what was sent is not all there is. */
			connection_finish(connection);
			stream_report_closed(connection);
		}
	}
}

/* True when another turn has to follow. */
static bool drain(struct http_server *server)
{
	if (server->drain_done || server->drained == NULL)
		return false;
	if (!server->drain_begun)
		begin_drain(server);
	if (server->connection_count != 0) {
		if (loop_now_ms(server->loop) < server->drain_deadline)
			return false;
		LIST_FOR_EACH(&server->connections, node)
		connection_abort(LIST_ENTRY(node, struct connection, node));
	}
	server->drain_done = true;
	server->drained(server->drained_arg);
	return true;
}

static void on_drain_deadline(uv_timer_t *timer)
{
	(void)timer; /* it only has to bring about a turn */
}

void http_server_drain(struct http_server *server, uint64_t timeout_ms, void (*drained)(void *arg),
		       void *arg)
{
	CHECK(drained != NULL);
	CHECK(!server->draining);
	server->draining = true;
	server->drained = drained;
	server->drained_arg = arg;
	uv_update_time(loop_native(server->loop));
	server->drain_deadline = loop_now_ms(server->loop) + timeout_ms;
	CHECK(uv_timer_start(&server->retry, on_drain_deadline, timeout_ms, /* repeat= */ 0) == 0);
	update_accepting(server);
}

/* ---- the turn's end ---- */

static void flush_all(struct http_server *server)
{
	struct list now;
	struct list *node;

	list_init(&now);
	list_move_all(&now, &server->dirty);
	while ((node = list_take_first(&now)) != NULL)
		connection_flush(LIST_ENTRY(node, struct connection, dirty));
}

static void resume_all(struct http_server *server)
{
	struct list now;
	struct list *node;

	list_init(&now);
	list_move_all(&now, &server->resumable);
	while ((node = list_take_first(&now)) != NULL)
		connection_resume(LIST_ENTRY(node, struct connection, resumable));
}

static bool on_turn_end(struct loop_member *member)
{
	struct http_server *server = CONTAINER_OF(member, struct http_server, member);
	uint64_t handed_over = server->handed_over;
	bool again = false;

	if (!list_is_empty(&server->dirty))
		flush_all(server);
	if (!list_is_empty(&server->resumable)) {
		resume_all(server);
		flush_all(server);
	}
	if (server->draining)
		again = drain(server);
	/* What was handed over just now still has to see the loop's turn-end function. */
	return again || server->handed_over != handed_over || !list_is_empty(&server->dirty) ||
	       !list_is_empty(&server->resumable);
}

/* ---- starting ---- */

static enum status register_metrics(struct http_server *server, struct metrics *metrics,
				    struct error *err)
{
	static const char *const classes[] = {
		NULL, NULL, "status=\"2xx\"", "status=\"3xx\"", "status=\"4xx\"", "status=\"5xx\""
	};
	struct server_metrics *m = &server->metrics;
	struct counter *own = server->own_counters;

	m->connections = &server->own_gauge;
	for (size_t i = 0; i < ARRAY_COUNT(m->answers); i++)
		m->answers[i] = &own[i];
	m->cancelled = &own[6];
	m->received_bytes = &own[7];
	m->sent_bytes = &own[8];
	m->refused = &own[9];
	m->timeouts = &own[10];
	if (metrics == NULL)
		return OK;
	m->connections = metrics_gauge(metrics, "concordance_http_connections", NULL,
				       "Open HTTP connections.");
	for (size_t i = 2; i < ARRAY_COUNT(m->answers); i++)
		m->answers[i] =
			metrics_counter(metrics, "concordance_http_requests_total", classes[i],
					"HTTP requests answered, by status class.");
	m->cancelled = metrics_counter(metrics, "concordance_http_cancelled_total", NULL,
				       "HTTP requests whose client was gone before the answer.");
	m->received_bytes = metrics_counter(metrics, "concordance_http_received_bytes_total", NULL,
					    "Bytes read from HTTP clients.");
	m->sent_bytes = metrics_counter(metrics, "concordance_http_sent_bytes_total", NULL,
					"Bytes written to HTTP clients.");
	m->refused = metrics_counter(metrics, "concordance_http_parse_errors_total", NULL,
				     "HTTP requests refused before they were handed over.");
	m->timeouts = metrics_counter(metrics, "concordance_http_timeouts_total", NULL,
				      "HTTP clients that were too slow to send or to read.");
	for (size_t i = 2; i < ARRAY_COUNT(m->answers); i++)
		if (m->answers[i] == NULL)
			return ERROR(err, ERR_NOMEM, "the HTTP server's metrics");
	if (m->connections == NULL || m->cancelled == NULL || m->received_bytes == NULL ||
	    m->sent_bytes == NULL || m->refused == NULL || m->timeouts == NULL)
		return ERROR(err, ERR_NOMEM, "the HTTP server's metrics");
	return OK;
}

static uint64_t or_default(uint64_t value, uint64_t default_value)
{
	return value != 0 ? value : default_value;
}

static void set_options(struct http_server *server, const struct http_server_options *options)
{
	struct http_server_options *o = &server->options;
	uint64_t shortest;

	*o = *options;
	o->address = NULL;
	o->head_max_bytes = or_default(o->head_max_bytes, (uint64_t)32 << 10);
	o->body_max_bytes = or_default(o->body_max_bytes, (uint64_t)1 << 20);
	o->connections_max = or_default(o->connections_max, 10000);
	o->idle_timeout_ms = or_default(o->idle_timeout_ms, 60000);
	o->request_timeout_ms = or_default(o->request_timeout_ms, 30000);
	o->write_timeout_ms = or_default(o->write_timeout_ms, 30000);
	shortest = o->idle_timeout_ms;
	if (o->request_timeout_ms < shortest)
		shortest = o->request_timeout_ms;
	if (o->write_timeout_ms < shortest)
		shortest = o->write_timeout_ms;
	server->sweep_ms = shortest / 4;
	if (server->sweep_ms < SWEEP_MIN_MS)
		server->sweep_ms = SWEEP_MIN_MS;
	if (server->sweep_ms > SWEEP_MAX_MS)
		server->sweep_ms = SWEEP_MAX_MS;
}

enum status http_server_start(struct loop *loop, const struct http_server_options *options,
			      struct http_server **ret, struct error *err)
{
	struct http_server *server = calloc(1, sizeof(*server));
	uv_loop_t *native = loop_native(loop);
	enum status s;
	int r;

	CHECK(options->handle != NULL);
	if (server == NULL)
		return ERROR(err, ERR_NOMEM, "an HTTP server");
	server->loop = loop;
	server->listen_fd = -1;
	server->member.turn_end = on_turn_end;
	server->member.loop_ends = on_loop_ends;
	list_init(&server->connections);
	list_init(&server->dirty);
	list_init(&server->resumable);
	set_options(server, options);
	s = register_metrics(server, options->metrics, err);
	if (s != OK)
		goto failed;
	server->read_buffer = malloc(READ_BUFFER_BYTES);
	if (server->read_buffer == NULL) {
		s = ERROR(err, ERR_NOMEM, "an HTTP server's read buffer");
		goto failed;
	}
	s = listen_open(options->address, options->port, &server->listen_fd, &server->port, err);
	if (s != OK)
		goto failed;
	r = uv_poll_init(native, &server->listener, server->listen_fd);
	if (r != 0) {
		s = loop_error(err, r, "listening on %s", options->address);
		goto failed;
	}
	/* These two only link structs. */
	CHECK(uv_timer_init(native, &server->retry) == 0);
	CHECK(uv_timer_init(native, &server->sweep) == 0);
	server->listener.data = server;
	server->retry.data = server;
	server->sweep.data = server;
	server->open_handles = 3;
	loop_add_member(loop, &server->member);
	update_accepting(server);
	*ret = server;
	return OK;
failed:
	if (server->listen_fd >= 0)
		(void)close(server->listen_fd); /* nothing was written to it */
	free(server->read_buffer);
	free(server);
	return s;
}

uint16_t http_server_port(const struct http_server *server)
{
	return server->port;
}
