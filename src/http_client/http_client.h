/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_CLIENT_HTTP_CLIENT_H
#define HTTP_CLIENT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

/* http_client.h - asks an HTTP server and waits for its answer (libcurl).
 *
 * One request at a time; the connection is kept for the next one. Redirects are not followed: whoever
 * asks decides. Only http and https. A proxy of the environment is used, but never for loopback
 * addresses. A client belongs to one thread at a time. */

struct http_client;

struct http_client_options {
	uint64_t connect_timeout_ms; /* 0: 5 s */
	/* From the request to the last byte of the answer; 0: none. */
	uint64_t timeout_ms;
	/* Without a byte of the answer for so long, rounded up to seconds; 0: none. libcurl looks at the
	 * speed of the last few seconds, so it may take 5 s more. */
	uint64_t idle_timeout_ms;
	/* Of an answer that is collected; 0: 64 MiB. A streamed one has no limit. */
	size_t body_max_bytes;
	const char *user_agent; /* borrowed for the call of http_client_new(); NULL: none */
};

struct http_client_header {
	struct span name;
	struct span value;
};

/* Gets a piece of a streamed answer; false ends the request. */
typedef bool (*http_client_body_fn)(struct span piece, void *arg);

struct http_client_request {
	const char *method; /* "GET", "POST" ... */
	const char *url;    /* absolute; whoever makes it has encoded its parts */
	const struct http_client_header *headers;
	size_t header_count;
	struct span body; /* sent with Content-Length; .data NULL: none */
	/* Answers 200-299 are handed over piece by piece; others are collected. NULL: all are. */
	http_client_body_fn on_body;
	void *arg;
};

/* A value in the caller's storage: `struct http_client_response r = { 0 };` */
struct http_client_response {
	unsigned status;
	struct buf head; /* "Name: value\r\n" for each header */
	struct buf body;
};

void http_client_response_fini(struct http_client_response *response);
static inline void http_client_response_cleanup(struct http_client_response *response)
{
	http_client_response_fini(response); /* makes OWNED(http_client_response) work on a value */
}

/* The first header of that name (any case), .data NULL when there is none. */
struct span http_client_response_header(const struct http_client_response *response,
					const char *name);

enum status http_client_new(const struct http_client_options *options, struct http_client **ret,
			    struct error *err) NODISCARD;
void http_client_free(struct http_client *client); /* takes NULL */
DEFINE_OWNED(http_client, http_client_free);

/* Sends and waits. OK: an answer has come, whatever its status. `ret` is cleared first and is filled
 * as far as it came on a failure, too.
 *
 * ERR_CLOSED    nobody is there: "cannot reach 127.0.0.1:8080: connection refused"; nothing was sent
 * ERR_IO        the connection broke: whether the server acted on the request is unknown
 * ERR_DEADLINE  a timeout passed: the same is unknown
 * ERR_LIMIT     the answer is larger than body_max_bytes
 * ERR_INVALID   no usable url, method or header; nothing was sent
 * ERR_DENIED    the server's certificate is not trusted; nothing was sent
 * ERR_REJECTED  on_body ended it
 * ERR_NOMEM */
enum status http_client_send(struct http_client *client, const struct http_client_request *request,
			     struct http_client_response *ret, struct error *err) NODISCARD;

/* The version of libcurl: "7.88.1". */
const char *http_client_library_version(void);

/* Appends `s` percent-encoded, so that it can be one segment of a path or a value of a query. */
void http_client_append_encoded(struct buf *buf, struct span s);

#endif
