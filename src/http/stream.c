/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - long answers: chunks to HTTP/1.1 clients, bytes up to the connection's end to older ones.
 *
 * Writing only fills the connection's output; it goes out at the end of the turn. So none of the
 * calls here can find the client gone, and callbacks are never called from inside them. */
#include <stdio.h>

#include "base/check.h"
#include "http/connection.h"

static struct connection *connection_of(const struct http_stream *stream)
{
	CHECK(stream->magic == STREAM_MAGIC);
	return stream->connection;
}

struct http_stream *http_stream_begin(struct http_request *request,
				      const struct http_response *head,
				      const struct http_stream_callbacks *callbacks)
{
	CHECK(request->magic == REQUEST_MAGIC);
	struct connection *connection = request->connection;
	struct http_server *server = connection->server;
	const struct http_message *message = request->message;
	struct http_stream *stream = &connection->stream;

	CHECK(message->method != HTTP_HEAD_);
	*stream = (struct http_stream){
		.magic = STREAM_MAGIC,
		.connection = connection,
		.callbacks = *callbacks,
		.chunked = message->minor_version > 0,
		.keep_alive = message->minor_version > 0 && message->keep_alive && !head->close &&
			      !server->draining,
	};
	if (connection->state == CONNECTION_CLOSED) {
		counter_add(server->metrics.cancelled, 1);
		request_end(connection);
		connection_mark_dirty(connection); /* closed() is called at the end of the turn */
		return stream;
	}
	response_append_head(server, &connection->output, head,
			     &(struct response_framing){ .chunked = stream->chunked,
							 .close = !stream->keep_alive });
	request_end(connection);
	connection_move(connection, CONNECTION_STREAMING);
	connection->deadline = NO_DEADLINE;
	connection->last_stream_write = loop_now_ms(server->loop);
	connection_mark_dirty(connection);
	if (!http_stream_write(stream, head->body))
		stream->wants_drain = true;
	return stream;
}

bool http_stream_write(struct http_stream *stream, struct span bytes)
{
	struct connection *connection = connection_of(stream);
	struct buf *output = &connection->output;

	if (connection->state == CONNECTION_CLOSED)
		return true; /* closed() is on its way */
	if (bytes.size != 0) {
		if (stream->chunked) {
			char size[24];
			int length = snprintf(size, sizeof(size), "%zx\r\n", bytes.size);

			CHECK(length > 0 && (size_t)length < sizeof(size));
			buf_append(output, size, (size_t)length);
		}
		buf_append_span(output, bytes);
		if (stream->chunked)
			buf_append(output, "\r\n", 2);
		connection->last_stream_write = loop_now_ms(connection->server->loop);
		connection_mark_dirty(connection);
	}
	if (connection_unsent(connection) <= OUTPUT_HIGH_BYTES)
		return true;
	stream->wants_drain = true;
	return false;
}

void http_stream_end(struct http_stream *stream)
{
	struct connection *connection = connection_of(stream);

	stream->magic = 0;
	if (connection->state == CONNECTION_CLOSED) {
		connection_release_if_gone(connection);
		return;
	}
	if (stream->chunked)
		buf_append_span(&connection->output, SPAN("0\r\n\r\n"));
	connection_proceed(connection, stream->keep_alive && !connection->server->draining);
}

void stream_report_closed(struct connection *connection)
{
	struct http_stream *stream = &connection->stream;

	if (stream->magic != STREAM_MAGIC)
		return;
	stream->magic = 0;
	stream->callbacks.closed(stream->callbacks.arg);
}
