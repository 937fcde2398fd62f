/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/metrics.h"
#include "http/loop.h"

/* server.h - HTTP/1.1 on one event loop (libuv for sockets, llhttp for the bytes).
 *
 * Knows bytes and connections, nothing of commands. Several loops serve one port, each with a
 * listening socket of its own (SO_REUSEPORT); http_listen_check() first proves that no other
 * process has it. A request is handed over when its body is complete; the answer may come later, on
 * the loop's thread. Pipelined requests are handed over one after the other, each when the one
 * before it is answered, so answers are in order by construction.
 *
 *	ACCEPTED -> READING head -> READING body -> HANDED OVER -> ANSWERING -> READING (keep-alive)
 *	                 +-- bad: 400, 413, 414, 431, 408, 501; then closed
 *
 * Refused here: malformed requests, both Content-Length and Transfer-Encoding, several different
 * Content-Lengths, HTTP/1.1 without Host or with two, heads over head_max_bytes, bodies over
 * body_max_bytes (413, found from Content-Length before reading it where possible, and while
 * reading chunks), a client that sends slower than the timeouts, obs-fold, bare CR or LF. `Expect:
 * 100-continue` is answered. Upgrades are ignored. All its own errors are problem details (RFC 9457)
 * with a `code`. */

enum http_method {
	HTTP_GET_,
	HTTP_HEAD_,
	HTTP_POST_,
	HTTP_PUT_,
	HTTP_DELETE_,
	HTTP_PATCH_,
	HTTP_OPTIONS_,
	HTTP_OTHER_
};

struct http_header {
	struct span name;
	struct span value;
};

struct http_server;
struct http_request;

struct http_server_options {
	const char *address;     /* "127.0.0.1", "::1" */
	uint16_t port;           /* 0: any free one; see http_server_port() */
	uint64_t head_max_bytes; /* default 32 KiB */
	uint64_t body_max_bytes; /* default 1 MiB */
	uint64_t
		connections_max; /* per loop; further ones wait in the listen queue; default 10,000 */
	uint64_t idle_timeout_ms; /* a connection without a request; default 60 s */
	uint64_t
		request_timeout_ms; /* from the first byte of a request to its last; default 30 s */
	uint64_t write_timeout_ms;  /* a client that does not read its answer; default 30 s */
	/* Called with each complete request. It must be answered, now or later. */
	void (*handle)(struct http_request *request, void *arg);
	void *arg;
	struct metrics *metrics; /* may be NULL: connections, requests, bytes */
};

/* ERR_BUSY when somebody listens on the address and port already: "127.0.0.1:8080 is in use by
 * another process". ERR_INVALID: no such address. ERR_DENIED: not permitted. */
enum status http_listen_check(const char *address, uint16_t port, struct error *err) NODISCARD;

/* Binds and listens; accepts once the loop runs. Options' strings are copied; 0 means the default. */
enum status http_server_start(struct loop *loop, const struct http_server_options *options,
			      struct http_server **ret, struct error *err) NODISCARD;
uint16_t http_server_port(const struct http_server *server);

/* Graceful end: stops listening, closes idle connections, lets requests that were handed over or
 * are being read be answered (with Connection: close), ends streams (their on_close is called),
 * then calls `drained` once. At the latest after `timeout_ms`. */
void http_server_drain(struct http_server *server, uint64_t timeout_ms, void (*drained)(void *arg),
		       void *arg);

/* Closes what is left and frees; the loop must not be running, or be on this thread. Takes NULL. */
void http_server_free(struct http_server *server);

/* ---- a request; borrowed from the server until it is answered ---- */

enum http_method http_request_method(const struct http_request *request);
struct span http_request_method_text(const struct http_request *request);
struct span http_request_path(const struct http_request *request); /* as received, not decoded */
struct span
http_request_query(const struct http_request *request); /* after `?`, not decoded; may be empty */
struct span http_request_body(const struct http_request *request);
/* The first header of that name (any case), .data NULL when there is none. */
struct span http_request_header(const struct http_request *request, const char *name);
/* All headers, for those that come by prefix. */
const struct http_header *http_request_headers(const struct http_request *request,
					       size_t *ret_count);
struct arena *http_request_arena(struct http_request *request); /* gone when it is answered */
bool http_request_is_head(const struct http_request *request);
/* The client is gone: the answer will be thrown away. */
bool http_request_is_cancelled(const struct http_request *request);
struct loop *http_request_loop(const struct http_request *request);

struct http_response {
	unsigned status;
	const char *content_type;          /* NULL: none */
	const struct http_header *headers; /* further ones, borrowed for the call */
	size_t header_count;
	struct span body; /* borrowed for the call (copied, or written at once) */
	bool close;
};

/* Answers; the request is gone after it. Date, Content-Length and Connection are added. Loop's thread. */
void http_respond(struct http_request *request, const struct http_response *response);

/* ---- a long answer, chunked: for lists that do not fit and for server-sent events ---- */

struct http_stream;

struct http_stream_callbacks {
	/* What was written has gone out far enough: write more. Called once after each
	 * http_stream_write() that returned false. */
	void (*drain)(void *arg);
	/* The client is gone, or the server drains. Called exactly once unless http_stream_end() came
	 * first; the stream is gone after it. */
	void (*closed)(void *arg);
	void *arg;
};

/* Sends the head; the request is gone after it (its arena too). HEAD requests: use http_respond. */
struct http_stream *http_stream_begin(struct http_request *request,
				      const struct http_response *head,
				      const struct http_stream_callbacks *callbacks);
/* Copies and sends. False: more than 256 KiB wait to go out; stop until drain(). */
bool http_stream_write(struct http_stream *stream, struct span bytes);
/* The last chunk; the stream is gone after it, closed() is not called. */
void http_stream_end(struct http_stream *stream);

/* ---- paths and queries ---- */

/* Splits the raw path at `/`, then decodes each segment (so a key may hold `/` as %2F). Segments are
 * in the arena. ERR_INVALID: a bad percent escape, a decoded NUL, or no UTF-8; says which segment. */
enum status http_path_split(struct span path, struct arena *arena, struct span *segments,
			    size_t segments_max, size_t *ret_count, struct error *err) NODISCARD;

/* Decodes a query (`+` is a space) into name/value pairs in the arena. ERR_INVALID as above; ERR_LIMIT:
 * more than pairs_max. */
enum status http_query_split(struct span query, struct arena *arena, struct http_header *pairs,
			     size_t pairs_max, size_t *ret_count, struct error *err) NODISCARD;

/* Appends `s` percent-encoded as one path segment or query value. */
void http_append_encoded(struct buf *buf, struct span s);

#endif
