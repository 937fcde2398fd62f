/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "http/server.h"

/* parser.h - bytes of a connection to requests, without a socket.
 *
 * Feed it bytes in any portions. Each request is complete when http_parser_feed() says so; it is
 * readable until http_parser_next(). The parser copies what it keeps, so the bytes fed are borrowed
 * for the call only. Its memory is reused from request to request. */

#define HTTP_HEADERS_MAX      ((size_t)100)
#define HTTP_TARGET_MAX_BYTES ((size_t)8192)

struct http_parser;

struct http_limits {
	uint64_t head_max_bytes; /* from the first byte of the request line to the empty line */
	uint64_t body_max_bytes; /* after removing the chunking */
};

enum http_parsed {
	HTTP_PARSED_MORE,    /* all bytes are used; the request is not complete */
	HTTP_PARSED_REQUEST, /* a request is complete; bytes after it may be left */
	HTTP_PARSED_REFUSED, /* see http_parser_refusal(); the connection has to end */
};

/* What a refused request is answered with. All text is static. */
struct http_refusal {
	unsigned status;
	const char *code;
	const char *detail;
};

struct http_message {
	enum http_method method;
	struct span method_text; /* static */
	struct span path;
	struct span query;
	struct span body;
	const struct http_header *headers; /* in the order received */
	size_t header_count;
	unsigned minor_version; /* of HTTP/1 */
	bool keep_alive;        /* the client wants, by its version and Connection, to go on */
};

enum status http_parser_new(const struct http_limits *limits, struct http_parser **ret,
			    struct error *err) NODISCARD;
void http_parser_free(struct http_parser *parser); /* takes NULL */
DEFINE_OWNED(http_parser, http_parser_free);

/* `*ret_used` bytes were taken. Not after REQUEST without http_parser_next(), and not after
 * REFUSED. */
enum http_parsed http_parser_feed(struct http_parser *parser, struct span bytes, size_t *ret_used);

/* The complete request; borrowed until http_parser_next(). */
const struct http_message *http_parser_message(const struct http_parser *parser);
const struct http_refusal *http_parser_refusal(const struct http_parser *parser);

/* Forgets the request and begins with the next. Memory beyond the usual is given back. */
void http_parser_next(struct http_parser *parser);

/* Gives back all memory that an idle connection does not need. Only between requests. */
void http_parser_trim(struct http_parser *parser);

/* True once the first byte of a request has been seen. */
bool http_parser_has_begun(const struct http_parser *parser);

/* True once for a request that waits for `100 Continue` before its body. */
bool http_parser_take_continue(struct http_parser *parser);

#endif
