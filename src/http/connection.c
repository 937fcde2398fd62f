/* SPDX-License-Identifier: Apache-2.0 */
/* connection.c - one client: bytes in, requests up, bytes out.
 *
 * Reading. All connections of a loop read into one large buffer. What is read is parsed at once; the
 * parser copies what it keeps. While a request is being handled, reading goes on (so that a reset
 * is seen) until READ_AHEAD_MAX_BYTES are kept for later, then it stops: a client that pipelines
 * without end is held up by its own send window.
 *
 * Writing. Answers collect in `output`; connection_flush() writes them at the end of the turn with
 * one system call. What the socket does not take moves to `sending`, which libuv writes on, and
 * `output` collects again. A connection with more than OUTPUT_HIGH_BYTES unsent gets no further
 * request parsed.
 *
 * Leaving. A FIN from the client only means that it sends no more: what it asked is answered. A
 * reset, or a failed write, means that it is gone. A stream that has seen a FIN and writes nothing
 * for a second is taken for gone too, since whoever follows a live stream does not half-close.
 *
 * A closed connection stays in memory until libuv has let go of the socket and the request or
 * stream that somebody holds has been ended. */
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "http/connection.h"

#define LINGER_MS         ((uint64_t)1000)
#define LINGER_MAX_BYTES  ((size_t)4 << 20)
#define STREAM_FIN_MS     ((uint64_t)1000)
#define TRIM_AFTER_MS     ((uint64_t)5000)
#define BUFFER_KEEP_BYTES ((size_t)64 << 10)

#define TO(state) (1u << (state))

/* The successors each state may have. */
static const unsigned successors[] = {
	[CONNECTION_IDLE] = TO(CONNECTION_READING) | TO(CONNECTION_HANDED_OVER) |
			    TO(CONNECTION_FINISHING) | TO(CONNECTION_CLOSED),
	[CONNECTION_READING] =
		TO(CONNECTION_HANDED_OVER) | TO(CONNECTION_FINISHING) | TO(CONNECTION_CLOSED),
	[CONNECTION_HANDED_OVER] = TO(CONNECTION_IDLE) | TO(CONNECTION_STREAMING) |
				   TO(CONNECTION_FINISHING) | TO(CONNECTION_CLOSED),
	[CONNECTION_STREAMING] =
		TO(CONNECTION_IDLE) | TO(CONNECTION_FINISHING) | TO(CONNECTION_CLOSED),
	[CONNECTION_FINISHING] = TO(CONNECTION_LINGERING) | TO(CONNECTION_CLOSED),
	[CONNECTION_LINGERING] = TO(CONNECTION_CLOSED),
	[CONNECTION_CLOSED] = 0,
};

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer);
static void on_buffer_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret);

void connection_move(struct connection *connection, enum connection_state state)
{
	CHECK((successors[connection->state] & TO(state)) != 0);
	connection->state = state;
}

void connection_mark_dirty(struct connection *connection)
{
	if (!list_is_linked(&connection->dirty))
		list_add_last(&connection->server->dirty, &connection->dirty);
}

bool connection_owes(const struct connection *connection)
{
	return connection->request.magic == REQUEST_MAGIC ||
	       connection->stream.magic == STREAM_MAGIC;
}

size_t connection_unsent(const struct connection *connection)
{
	size_t sending =
		connection->sending.size != 0
			? uv_stream_get_write_queue_size((const uv_stream_t *)&connection->socket)
			: 0;

	return connection->output.size + sending;
}

static bool has_input(const struct connection *connection)
{
	return connection->input.size > connection->input_offset;
}

static bool may_parse(const struct connection *connection)
{
	return (connection->state == CONNECTION_IDLE || connection->state == CONNECTION_READING) &&
	       connection_unsent(connection) <= OUTPUT_HIGH_BYTES;
}

/* ---- opening and closing ---- */

static uv_stream_t *stream_of(struct connection *connection)
{
	return (uv_stream_t *)&connection->socket;
}

static void start_reading(struct connection *connection)
{
	if (connection->is_reading || connection->input_ended ||
	    connection->state == CONNECTION_CLOSED)
		return;
	/* Fails only on a closing handle. */
	connection->is_reading =
		uv_read_start(stream_of(connection), on_buffer_wanted, on_read) == 0;
}

static void stop_reading(struct connection *connection)
{
	if (connection->is_reading)
		(void)uv_read_stop(stream_of(connection)); /* cannot fail */
	connection->is_reading = false;
}

static void free_connection(struct connection *connection)
{
	struct http_server *server = connection->server;

	list_remove(&connection->node);
	list_remove(&connection->dirty);
	list_remove(&connection->resumable);
	http_parser_free(connection->parser);
	buf_fini(&connection->input);
	buf_fini(&connection->output);
	buf_fini(&connection->sending);
	free(connection);
	server_connection_freed(server);
}

void connection_release_if_gone(struct connection *connection)
{
	if (connection->socket_closed && !connection_owes(connection))
		free_connection(connection);
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;

	connection->socket_closed = true;
	connection_release_if_gone(connection);
}

static void close_with(struct connection *connection, bool reset)
{
	if (connection->state == CONNECTION_CLOSED)
		return;
	connection_move(connection, CONNECTION_CLOSED);
	list_remove(&connection->dirty);
	list_remove(&connection->resumable);
	stop_reading(connection);
	/* A reset lets the kernel drop at once what a client that reads nothing has not taken. */
	if (!reset || uv_tcp_close_reset(&connection->socket, on_closed) != 0)
		uv_close((uv_handle_t *)&connection->socket, on_closed);
	stream_report_closed(connection);
}

void connection_close(struct connection *connection)
{
	close_with(connection, /* reset= */ false);
}

void connection_abort(struct connection *connection)
{
	close_with(connection, /* reset= */ true);
}

static void on_unopened(uv_handle_t *handle)
{
	struct connection *connection = handle->data;

	free_connection(connection);
}

enum status connection_open(struct http_server *server, int fd, struct error *err)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	struct http_limits limits = { server->options.head_max_bytes,
				      server->options.body_max_bytes };
	enum status s;
	int r;

	if (connection == NULL) {
		(void)close(fd); /* nothing was written to it */
		return ERROR(err, ERR_NOMEM, "a connection");
	}
	s = http_parser_new(&limits, &connection->parser, err);
	if (s != OK) {
		(void)close(fd); /* nothing was written to it */
		free(connection);
		return s;
	}
	connection->server = server;
	list_init(&connection->dirty);
	list_init(&connection->resumable);
	list_add_last(&server->connections, &connection->node);
	server_connection_opened(server);
	CHECK(uv_tcp_init(loop_native(server->loop), &connection->socket) == 0); /* no socket yet */
	connection->socket.data = connection;
	r = uv_tcp_open(&connection->socket, fd);
	if (r != 0) {
		(void)close(fd); /* nothing was written to it */
		uv_close((uv_handle_t *)&connection->socket, on_unopened);
		connection->state = CONNECTION_CLOSED;
		return loop_error(err, r, "a connection");
	}
	/* Answers are written whole, so waiting for more to send only delays them. Without the option
	 * they still arrive. */
	(void)uv_tcp_nodelay(&connection->socket, 1);
	connection->state = CONNECTION_IDLE;
	connection->idle_since = loop_now_ms(server->loop);
	connection->deadline = connection->idle_since + server->options.idle_timeout_ms;
	start_reading(connection);
	return OK;
}

/* ---- writing ---- */

/* Bytes that the client has not acknowledged. The kernel's own buffer counts: it can hold megabytes,
 * and takes nothing new for a long time while a slow client empties it. */
static size_t unacknowledged(struct connection *connection)
{
	size_t size = uv_stream_get_write_queue_size(stream_of(connection));
	uv_os_fd_t fd;
	int queued = 0;

	if (uv_fileno((uv_handle_t *)&connection->socket, &fd) == 0 &&
	    ioctl(fd, SIOCOUTQ, &queued) == 0 && queued > 0)
		size += (size_t)queued;
	return size;
}

static void clear_buffer(struct buf *buf)
{
	if (buf->capacity > BUFFER_KEEP_BYTES)
		buf_fini(buf);
	else
		buf_clear(buf);
}

/* Everything is written and the connection is to end. */
static void linger(struct connection *connection)
{
	uv_os_fd_t fd;

	if (connection->input_ended || uv_fileno((uv_handle_t *)&connection->socket, &fd) != 0 ||
	    shutdown(fd, SHUT_WR) != 0) {
		connection_close(connection);
		return;
	}
	connection_move(connection, CONNECTION_LINGERING);
	connection->deadline = loop_now_ms(connection->server->loop) + LINGER_MS;
	buf_fini(&connection->input);
	connection->input_offset = 0;
	start_reading(connection);
}

static void after_write(struct connection *connection)
{
	size_t unsent = connection_unsent(connection);
	struct http_stream *stream = &connection->stream;

	if (connection->state == CONNECTION_FINISHING) {
		if (unsent == 0)
			linger(connection);
		return;
	}
	if (connection->state == CONNECTION_STREAMING && stream->wants_drain &&
	    unsent <= OUTPUT_LOW_BYTES) {
		stream->wants_drain = false;
		stream->callbacks.drain(stream->callbacks.arg);
		return;
	}
	if (connection->state == CONNECTION_IDLE && unsent == 0)
		connection->deadline = loop_now_ms(connection->server->loop) +
				       connection->server->options.idle_timeout_ms;
	if (has_input(connection) && may_parse(connection) &&
	    !list_is_linked(&connection->resumable))
		list_add_last(&connection->server->resumable, &connection->resumable);
}

static void on_written(uv_write_t *write, int status)
{
	struct connection *connection = write->data;

	if (connection->state == CONNECTION_CLOSED)
		return;
	if (status != 0) {
		connection_abort(connection);
		return;
	}
	clear_buffer(&connection->sending);
	connection_mark_dirty(connection); /* the rest is done at the end of this turn */
}

static void write_on(struct connection *connection, size_t written)
{
	struct buf empty = connection->sending;
	uv_buf_t rest;
	int r;

	connection->sending = connection->output;
	connection->output = empty;
	rest = uv_buf_init(NULL, 0);
	rest.base = connection->sending.data + written;
	rest.len = connection->sending.size - written;
	connection->write.data = connection;
	counter_add(connection->server->metrics.sent_bytes, rest.len);
	r = uv_write(&connection->write, stream_of(connection), &rest, 1, on_written);
	if (r != 0) {
		buf_fini(&connection->sending);
		connection_abort(connection);
		return;
	}
	connection->sending_left = unacknowledged(connection);
	connection->write_deadline = loop_now_ms(connection->server->loop) +
				     connection->server->options.write_timeout_ms;
}

void connection_flush(struct connection *connection)
{
	struct buf *output = &connection->output;

	if (connection->state == CONNECTION_CLOSED) {
		/* A stream begun on a connection that had gone. */
		stream_report_closed(connection);
		connection_release_if_gone(connection);
		return;
	}
	if (buf_status(output) != OK) { /* out of memory: part of an answer is missing */
		connection_abort(connection);
		return;
	}
	if (connection->sending.size == 0 && output->size != 0) {
		uv_buf_t bytes = { .base = output->data, .len = output->size };
		int r = uv_try_write(stream_of(connection), &bytes, 1);
		size_t written = r > 0 ? (size_t)r : 0;

		if (r < 0 && r != UV_EAGAIN) {
			connection_abort(connection);
			return;
		}
		counter_add(connection->server->metrics.sent_bytes, written);
		if (written == output->size)
			clear_buffer(output);
		else
			write_on(connection, written);
		if (connection->state == CONNECTION_CLOSED)
			return;
	}
	after_write(connection);
}

void connection_finish(struct connection *connection)
{
	connection_move(connection, CONNECTION_FINISHING);
	connection->deadline = NO_DEADLINE; /* the write's own deadline holds */
	stop_reading(connection);
	connection_mark_dirty(connection);
}

/* ---- requests ---- */

static void refuse(struct connection *connection, const struct http_refusal *refusal)
{
	counter_add(connection->server->metrics.refused, 1);
	response_append_refusal(connection->server, &connection->output, refusal);
	connection_finish(connection);
}

static void hand_over(struct connection *connection)
{
	struct http_server *server = connection->server;
	static const struct http_refusal no_memory = {
		503, "no_memory", "the server is out of memory; try again later"
	};

	if (!request_begin(connection)) {
		refuse(connection, &no_memory);
		return;
	}
	connection_move(connection, CONNECTION_HANDED_OVER);
	connection->deadline = NO_DEADLINE;
	server->handed_over++;
	server->options.handle(&connection->request, server->options.arg);
}

static void note_progress(struct connection *connection)
{
	struct http_server *server = connection->server;

	if (!http_parser_has_begun(connection->parser))
		return;
	if (connection->state == CONNECTION_IDLE) {
		connection_move(connection, CONNECTION_READING);
		connection->trimmed = false;
		connection->deadline =
			loop_now_ms(server->loop) + server->options.request_timeout_ms;
	}
	if (http_parser_take_continue(connection->parser)) {
		buf_append_span(&connection->output, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
		connection_mark_dirty(connection);
	}
}

/* Parses as far as requests may be handed over; how many bytes were taken. */
static size_t parse(struct connection *connection, struct span bytes)
{
	size_t used = 0;

	connection->parsing = true;
	while (used < bytes.size && may_parse(connection)) {
		size_t taken = 0;

		switch (http_parser_feed(connection->parser, span_after(bytes, used), &taken)) {
		case HTTP_PARSED_MORE:
			note_progress(connection);
			break;
		case HTTP_PARSED_REQUEST:
			connection->trimmed = false;
			hand_over(connection);
			break;
		case HTTP_PARSED_REFUSED:
			refuse(connection, http_parser_refusal(connection->parser));
			break;
		}
		used += taken;
	}
	connection->parsing = false;
	return used;
}

/* After the parse loop: the client may have said all it will ever say. */
static void settle(struct connection *connection)
{
	if (!connection->input_ended || has_input(connection))
		return;
	if (connection->state == CONNECTION_IDLE || connection->state == CONNECTION_READING)
		connection_finish(connection);
}

static bool is_over(const struct connection *connection)
{
	return connection->state == CONNECTION_FINISHING ||
	       connection->state == CONNECTION_LINGERING || connection->state == CONNECTION_CLOSED;
}

static void keep_input(struct connection *connection, struct span bytes)
{
	if (bytes.size == 0 || is_over(connection))
		return;
	buf_drop_front(&connection->input, connection->input_offset);
	connection->input_offset = 0;
	buf_append_span(&connection->input, bytes);
	if (buf_status(&connection->input) != OK) {
		connection_abort(connection);
		return;
	}
	if (connection->input.size >= READ_AHEAD_MAX_BYTES)
		stop_reading(connection);
}

void connection_resume(struct connection *connection)
{
	size_t used;

	if (!has_input(connection) || !may_parse(connection))
		return;
	used = parse(connection,
		     span_after(buf_span(&connection->input), connection->input_offset));
	connection->input_offset += used;
	if (is_over(connection))
		return;
	if (!has_input(connection)) {
		clear_buffer(&connection->input);
		connection->input_offset = 0;
		start_reading(connection);
	}
	settle(connection);
}

void connection_proceed(struct connection *connection, bool keep_alive)
{
	struct http_server *server = connection->server;

	if (!keep_alive) {
		connection_finish(connection);
		return;
	}
	connection_move(connection, CONNECTION_IDLE);
	connection->idle_since = loop_now_ms(server->loop);
	connection->deadline = connection->idle_since + server->options.idle_timeout_ms;
	connection_mark_dirty(connection);
	if (connection->parsing)
		return; /* the loop goes on where it is */
	if (!has_input(connection))
		settle(connection);
	else if (!list_is_linked(&connection->resumable))
		list_add_last(&server->resumable, &connection->resumable);
}

/* ---- reading ---- */

static void on_buffer_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct connection *connection = handle->data;
	size_t size = READ_BUFFER_BYTES;

	(void)suggested;
	if (has_input(connection) || !may_parse(connection)) {
		size_t kept = connection->input.size - connection->input_offset;

		/* Reading stops at the maximum; all that lingers is thrown away. */
		if (kept < READ_AHEAD_MAX_BYTES && READ_AHEAD_MAX_BYTES - kept < size)
			size = READ_AHEAD_MAX_BYTES - kept;
	}
	*ret = uv_buf_init(connection->server->read_buffer, (unsigned)size);
}

static void on_end(struct connection *connection, int error)
{
	stop_reading(connection);
	if (error != UV_EOF) {
		connection_close(connection);
		return;
	}
	connection->input_ended = true;
	if (connection->state == CONNECTION_LINGERING)
		connection_close(connection);
	else if (connection->state == CONNECTION_STREAMING)
		connection->deadline = loop_now_ms(connection->server->loop) + STREAM_FIN_MS;
	else
		settle(connection);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
	struct connection *connection = stream->data;
	struct span bytes;
	size_t used;

	if (size == 0)
		return;
	if (size < 0) {
		on_end(connection, (int)size);
		return;
	}
	bytes = span_of(buffer->base, (size_t)size);
	counter_add(connection->server->metrics.received_bytes, bytes.size);
	if (is_over(connection)) {
		connection->lingered_bytes += bytes.size;
		if (connection->lingered_bytes > LINGER_MAX_BYTES)
			connection_close(connection);
		return;
	}
	if (has_input(connection) || !may_parse(connection)) {
		keep_input(connection, bytes);
		return;
	}
	used = parse(connection, bytes);
	keep_input(connection, span_after(bytes, used));
}

/* ---- deadlines ---- */

static void deadline_passed(struct connection *connection, uint64_t now)
{
	static const struct http_refusal too_slow = { 408, "request_timeout",
						      "the request did not arrive in time" };

	switch (connection->state) {
	case CONNECTION_IDLE:
		/* Answers that still go out have a deadline of their own. */
		if (connection_unsent(connection) == 0 && !has_input(connection))
			connection_close(connection);
		break;
	case CONNECTION_READING:
		counter_add(connection->server->metrics.timeouts, 1);
		refuse(connection, &too_slow);
		break;
	case CONNECTION_STREAMING: /* the client has sent its FIN */
		if (now - connection->last_stream_write >= STREAM_FIN_MS &&
		    connection_unsent(connection) == 0)
			connection_close(connection);
		break;
	case CONNECTION_LINGERING:
		connection_close(connection);
		break;
	case CONNECTION_HANDED_OVER:
	case CONNECTION_FINISHING:
	case CONNECTION_CLOSED:
		break;
	}
}

void connection_sweep(struct connection *connection, uint64_t now)
{
	if (connection->state == CONNECTION_CLOSED)
		return;
	if (connection->sending.size != 0) {
		size_t left = unacknowledged(connection);

		if (left < connection->sending_left) {
			connection->sending_left = left;
			connection->write_deadline =
				now + connection->server->options.write_timeout_ms;
		} else if (now >= connection->write_deadline) {
			counter_add(connection->server->metrics.timeouts, 1);
			connection_abort(connection);
			return;
		}
	}
	if (now >= connection->deadline) {
		deadline_passed(connection, now);
		return;
	}
	if (connection->state == CONNECTION_IDLE && !connection->trimmed &&
	    now - connection->idle_since >= TRIM_AFTER_MS && connection_unsent(connection) == 0 &&
	    !has_input(connection)) {
		http_parser_trim(connection->parser);
		buf_fini(&connection->input);
		connection->input_offset = 0;
		buf_fini(&connection->output);
		buf_fini(&connection->sending);
		connection->trimmed = true;
	}
}
