/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - a request from being handed over to its answer.
 *
 * The request is a part of its connection, as there is one at a time. When the client goes away
 * before the answer, the connection's socket is closed and the rest stays until the answer comes:
 * whoever holds the request need not be told. */
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "http/connection.h"

#define ARENA_MAX_BYTES ((size_t)64 << 20)

bool request_begin(struct connection *connection)
{
	struct http_server *server = connection->server;
	struct arena *arena;

	if (server->arena_count > 0) {
		arena = server->arenas[--server->arena_count];
	} else {
		arena = arena_new(ARENA_MAX_BYTES);
		if (arena == NULL)
			return false;
	}
	connection->request = (struct http_request){
		.magic = REQUEST_MAGIC,
		.connection = connection,
		.message = http_parser_message(connection->parser),
		.arena = arena,
	};
	return true;
}

void request_end(struct connection *connection)
{
	struct http_server *server = connection->server;
	struct http_request *request = &connection->request;

	CHECK(request->magic == REQUEST_MAGIC);
	if (server->arena_count < ARENAS_KEPT) {
		arena_clear(request->arena);
		server->arenas[server->arena_count++] = request->arena;
	} else {
		arena_free(request->arena);
	}
	*request = (struct http_request){ 0 };
	http_parser_next(connection->parser);
}

static struct connection *connection_of(const struct http_request *request)
{
	CHECK(request->magic == REQUEST_MAGIC);
	return request->connection;
}

enum http_method http_request_method(const struct http_request *request)
{
	return request->message->method;
}

struct span http_request_method_text(const struct http_request *request)
{
	return request->message->method_text;
}

struct span http_request_path(const struct http_request *request)
{
	return request->message->path;
}

struct span http_request_query(const struct http_request *request)
{
	return request->message->query;
}

struct span http_request_body(const struct http_request *request)
{
	return request->message->body;
}

struct span http_request_header(const struct http_request *request, const char *name)
{
	const struct http_message *message = request->message;
	size_t size = strlen(name);

	for (size_t i = 0; i < message->header_count; i++) {
		const struct http_header *header = &message->headers[i];

		if (header->name.size == size && strncasecmp(header->name.data, name, size) == 0)
			return header->value;
	}
	return SPAN_EMPTY;
}

const struct http_header *http_request_headers(const struct http_request *request,
					       size_t *ret_count)
{
	*ret_count = request->message->header_count;
	return request->message->headers;
}

struct arena *http_request_arena(struct http_request *request)
{
	return request->arena;
}

bool http_request_is_head(const struct http_request *request)
{
	return request->message->method == HTTP_HEAD_;
}

bool http_request_is_cancelled(const struct http_request *request)
{
	return connection_of(request)->state == CONNECTION_CLOSED;
}

struct loop *http_request_loop(const struct http_request *request)
{
	return connection_of(request)->server->loop;
}

void http_respond(struct http_request *request, const struct http_response *response)
{
	struct connection *connection = connection_of(request);
	struct http_server *server = connection->server;
	const struct http_message *message = request->message;
	bool has_body = response->status != 204 && response->status != 304;
	bool keep_alive = message->keep_alive && !response->close && !server->draining;

	if (connection->state == CONNECTION_CLOSED) {
		counter_add(server->metrics.cancelled, 1);
		request_end(connection);
		connection_release_if_gone(connection);
		return;
	}
	response_append_head(server, &connection->output, response,
			     &(struct response_framing){
				     .has_length = has_body,
				     .length = response->body.size,
				     .close = !keep_alive,
				     .say_keep_alive = keep_alive && message->minor_version == 0,
			     });
	if (has_body && message->method != HTTP_HEAD_)
		buf_append_span(&connection->output, response->body);
	request_end(connection);
	connection_proceed(connection, keep_alive);
}
