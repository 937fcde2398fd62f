/* SPDX-License-Identifier: Apache-2.0 */
/* parser.c - llhttp finds the parts; this file copies them, counts them and judges the whole.
 *
 * llhttp runs with none of its lenient flags. What it lets pass and HTTP semantics do not is refused
 * in judge_head(): that is where two readers of one byte stream could disagree on where a request
 * ends (request smuggling) or whom it is for.
 *
 * The texts of a head lie in one growing buffer in the order of arrival:
 *
 *	target | name 1 | value 1 | name 2 | value 2 | ...
 *
 * While it grows it moves, so until the head is complete only the sizes are kept; as the order is
 * known, the pointers follow from them. Bodies, chunked or not, end up as one piece of memory.
 *
 * The head limit holds to the byte, because llhttp is never fed more than what is left of it. Of a
 * chunked body, the bytes that are not data (sizes, extensions, trailers) are limited as well. */
#include "http/parser.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define HEAD_KEEP_BYTES  ((size_t)16 << 10)
#define BODY_KEEP_BYTES  ((size_t)64 << 10)
#define BODY_FIRST_BYTES ((size_t)16 << 10) /* room made on the word of a Content-Length alone */
#define HEADERS_FIRST    ((size_t)16)
/* Empty lines before a request: some clients end a body with one. More count as part of a head. */
#define BLANK_MAX_BYTES      8u
#define CHUNK_OVERHEAD_RATIO ((uint64_t)8) /* one-byte chunks cost five more bytes each */

struct http_parser {
	llhttp_t native;
	uint64_t head_max_bytes; /* set once */
	uint64_t body_max_bytes; /* set once */

	struct http_message message;
	struct http_header *headers; /* owned; message.headers */
	size_t header_capacity;
	struct buf head; /* texts in order */
	struct buf body;

	uint64_t head_bytes;     /* of this request's head, as received */
	uint64_t overhead_bytes; /* of a chunked body: received and not data */
	size_t target_size;
	size_t mark;          /* head.size where the text that is arriving began */
	unsigned blank_bytes; /* CR and LF seen before the request */
	bool begun;
	bool target_done;
	bool head_done;
	bool chunked;
	bool expects_continue;
	bool complete;
	struct http_refusal refusal; /* .status 0: none */
};

static int refuse(struct http_parser *parser, unsigned status, const char *code, const char *detail)
{
	if (parser->refusal.status == 0)
		parser->refusal = (struct http_refusal){ status, code, detail };
	return -1;
}

static int refuse_memory(struct http_parser *parser)
{
	return refuse(parser, 503, "no_memory", "the server is out of memory; try again later");
}

static bool equals_any_case(struct span s, const char *lower)
{
	size_t size = strlen(lower);

	if (s.size != size)
		return false;
	for (size_t i = 0; i < size; i++) {
		char c = s.data[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != lower[i])
			return false;
	}
	return true;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 9110 `tchar`. */
static bool is_token_char(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* uri-host [ ":" port ] of RFC 3986, loosely: no byte that means something elsewhere in a URI. */
static bool is_authority(struct span s)
{
	for (size_t i = 0; i < s.size; i++) {
		char c = s.data[i];

		if (!is_alnum(c) && (c == '\0' || strchr("-._~%!$&'()*+,;=:[]", c) == NULL))
			return false;
	}
	return true;
}

/* ---- llhttp's callbacks: 0 goes on, -1 is an error ---- */

static int on_url(llhttp_t *native, const char *at, size_t size)
{
	struct http_parser *parser = native->data;

	if (size > HTTP_TARGET_MAX_BYTES - parser->target_size)
		return refuse(parser, 414, "target_too_long", "the request target is too long");
	parser->target_size += size;
	buf_append(&parser->head, at, size);
	return buf_status(&parser->head) == OK ? 0 : refuse_memory(parser);
}

static int on_url_complete(llhttp_t *native)
{
	struct http_parser *parser = native->data;

	parser->target_done = true;
	parser->mark = parser->head.size;
	return 0;
}

static int on_header_text(llhttp_t *native, const char *at, size_t size)
{
	struct http_parser *parser = native->data;

	if (parser->head_done)
		return 0; /* trailers are read past: nothing here may depend on them */
	buf_append(&parser->head, at, size);
	return buf_status(&parser->head) == OK ? 0 : refuse_memory(parser);
}

static int add_header(struct http_parser *parser)
{
	size_t count = parser->message.header_count;

	if (count == HTTP_HEADERS_MAX)
		return refuse(parser, 431, "too_many_headers", "the request has too many headers");
	if (count == parser->header_capacity) {
		size_t capacity = count == 0 ? HEADERS_FIRST : count * 2;
		struct http_header *headers = realloc(parser->headers, capacity * sizeof(*headers));

		if (headers == NULL)
			return refuse_memory(parser);
		parser->headers = headers;
		parser->header_capacity = capacity;
	}
	parser->headers[count] = (struct http_header){ 0 };
	parser->message.header_count = count + 1;
	return 0;
}

static int on_header_field_complete(llhttp_t *native)
{
	struct http_parser *parser = native->data;

	if (parser->head_done)
		return 0;
	if (add_header(parser) != 0)
		return -1;
	parser->headers[parser->message.header_count - 1].name.size =
		parser->head.size - parser->mark;
	parser->mark = parser->head.size;
	return 0;
}

static int on_header_value_complete(llhttp_t *native)
{
	struct http_parser *parser = native->data;

	if (parser->head_done || parser->message.header_count == 0)
		return 0;
	parser->headers[parser->message.header_count - 1].value.size =
		parser->head.size - parser->mark;
	parser->mark = parser->head.size;
	return 0;
}

/* Fills in the pointers, now that the texts stay where they are. */
static void place_headers(struct http_parser *parser)
{
	const char *at = parser->head.data + parser->target_size;

	for (size_t i = 0; i < parser->message.header_count; i++) {
		struct http_header *header = &parser->headers[i];

		header->name.data = at;
		at += header->name.size;
		header->value.data = at;
		at += header->value.size;
		while (header->value.size > 0 &&
		       (header->value.data[header->value.size - 1] == ' ' ||
			header->value.data[header->value.size - 1] == '\t'))
			header->value.size--;
	}
	CHECK(at <= parser->head.data + parser->head.size);
	parser->message.headers = parser->headers;
}

/* Splits the request target. `*ret_authority` keeps its .data NULL unless it is in absolute form. */
static int judge_target(struct http_parser *parser, struct span *ret_authority)
{
	struct span target = span_of(parser->head.data, parser->target_size);
	struct http_message *message = &parser->message;
	const char *mark;

	for (size_t i = 0; i < target.size; i++) {
		if (target.data[i] <= ' ' || target.data[i] > '~' || target.data[i] == '#')
			return refuse(parser, 400, "bad_target",
				      "the request target holds a character that must be "
				      "percent-encoded");
	}
	if (span_equal(target, SPAN("*"))) {
		if (message->method != HTTP_OPTIONS_)
			return refuse(parser, 400, "bad_target", "only OPTIONS may ask for '*'");
		message->path = target;
		return 0;
	}
	if (target.size == 0)
		return refuse(parser, 400, "bad_target", "the request target is empty");
	if (target.data[0] != '/') {
		struct span scheme = target;
		size_t size = 0;

		mark = memchr(target.data, ':', target.size);
		scheme.size = mark != NULL ? (size_t)(mark - target.data) : 0;
		target = span_after(target, scheme.size);
		if ((!equals_any_case(scheme, "http") && !equals_any_case(scheme, "https")) ||
		    !span_starts_with(target, SPAN("://")))
			return refuse(parser, 400, "bad_target",
				      "the request target is neither a path nor an http URL");
		target = span_after(target, 3);
		while (size < target.size && target.data[size] != '/' && target.data[size] != '?')
			size++;
		*ret_authority = span_of(target.data, size);
		if (size == 0 || !is_authority(*ret_authority))
			return refuse(parser, 400, "bad_target",
				      "the request target names no valid host");
		target = span_after(target, size);
	}
	mark = target.size != 0 ? memchr(target.data, '?', target.size) : NULL;
	message->path = target;
	if (mark != NULL) {
		message->path.size = (size_t)(mark - target.data);
		message->query = span_after(target, message->path.size + 1);
	}
	if (message->path.size == 0)
		message->path = SPAN("/");
	return 0;
}

static int judge_headers(struct http_parser *parser, struct span authority)
{
	struct http_message *message = &parser->message;
	struct http_header *host = NULL;
	struct span coding = SPAN_EMPTY;
	bool has_length = false;

	for (size_t i = 0; i < message->header_count; i++) {
		struct http_header *header = &parser->headers[i];

		switch (header->name.size) {
		case 4:
			if (!equals_any_case(header->name, "host"))
				break;
			if (host != NULL)
				return refuse(parser, 400, "bad_host", "more than one Host header");
			host = header;
			break;
		case 6:
			if (!equals_any_case(header->name, "expect"))
				break;
			if (!equals_any_case(header->value, "100-continue"))
				return refuse(parser, 417, "expectation_unknown",
					      "the only expectation known here is 100-continue");
			parser->expects_continue = message->minor_version > 0;
			break;
		case 14:
			if (!equals_any_case(header->name, "content-length"))
				break;
			if (has_length)
				return refuse(parser, 400, "bad_content_length",
					      "more than one Content-Length header");
			has_length = true;
			break;
		case 17:
			if (!equals_any_case(header->name, "transfer-encoding"))
				break;
			if (coding.data != NULL)
				return refuse(parser, 400, "bad_transfer_encoding",
					      "more than one Transfer-Encoding header");
			coding = header->value;
			break;
		default:
			break;
		}
	}
	if (host == NULL && message->minor_version > 0)
		return refuse(parser, 400, "bad_host", "a request needs a Host header");
	if (host != NULL && !is_authority(host->value))
		return refuse(parser, 400, "bad_host", "the Host header is not a host");
	if (host != NULL && authority.data != NULL)
		host->value = authority; /* RFC 9112, 3.2.2: the target decides */
	if (coding.data == NULL)
		return 0;
	if (has_length)
		return refuse(parser, 400, "conflicting_lengths",
			      "both Content-Length and Transfer-Encoding");
	if (message->minor_version == 0)
		return refuse(parser, 400, "bad_transfer_encoding",
			      "HTTP/1.0 knows no Transfer-Encoding");
	if (!equals_any_case(coding, "chunked"))
		return refuse(parser, 501, "transfer_coding_unknown",
			      "the only transfer coding known here is chunked");
	parser->chunked = true;
	return 0;
}

static enum http_method method_of(const llhttp_t *native)
{
	static const enum http_method methods[] = {
		[HTTP_GET] = HTTP_GET_ + 1,         [HTTP_HEAD] = HTTP_HEAD_ + 1,
		[HTTP_POST] = HTTP_POST_ + 1,       [HTTP_PUT] = HTTP_PUT_ + 1,
		[HTTP_DELETE] = HTTP_DELETE_ + 1,   [HTTP_PATCH] = HTTP_PATCH_ + 1,
		[HTTP_OPTIONS] = HTTP_OPTIONS_ + 1,
	};

	if (native->method >= ARRAY_COUNT(methods) || methods[native->method] == 0)
		return HTTP_OTHER_;
	return methods[native->method] - 1;
}

static int on_headers_complete(llhttp_t *native)
{
	struct http_parser *parser = native->data;
	struct http_message *message = &parser->message;
	struct span authority = SPAN_EMPTY;

	if (parser->head_done)
		return 0; /* llhttp comes here for trailers too */
	if (native->http_major != 1 || native->http_minor > 1)
		return refuse(parser, 505, "version_unknown",
			      "this server speaks HTTP/1.0 and 1.1");
	if (native->method == HTTP_CONNECT)
		return refuse(parser, 501, "method_unknown", "this server is no proxy");
	message->minor_version = native->http_minor;
	message->method = method_of(native);
	message->method_text = span_from_string(llhttp_method_name(native->method));
	place_headers(parser);
	if (judge_target(parser, &authority) != 0 || judge_headers(parser, authority) != 0)
		return -1;
	if (!parser->chunked && native->content_length > parser->body_max_bytes)
		return refuse(parser, 413, "body_too_large", "the body is larger than allowed");
	if (!parser->chunked && native->content_length > 0) {
		size_t room = native->content_length < BODY_FIRST_BYTES
				      ? (size_t)native->content_length
				      : BODY_FIRST_BYTES;

		if (buf_reserve(&parser->body, room) != OK)
			return refuse_memory(parser);
	}
	if (!parser->chunked && native->content_length == 0)
		parser->expects_continue = false; /* nothing to wait for */
	native->upgrade = 0; /* offers to change the protocol are ignored, as RFC 9110 allows */
	parser->head_done = true;
	/* The pause tells where the head ended, from where the overhead of chunks counts. */
	return parser->chunked ? HPE_PAUSED : 0;
}

static int on_body(llhttp_t *native, const char *at, size_t size)
{
	struct http_parser *parser = native->data;

	if (size > parser->body_max_bytes - parser->body.size)
		return refuse(parser, 413, "body_too_large", "the body is larger than allowed");
	buf_append(&parser->body, at, size);
	return buf_status(&parser->body) == OK ? 0 : refuse_memory(parser);
}

static int on_chunk_header(llhttp_t *native)
{
	struct http_parser *parser = native->data;

	if (native->content_length > parser->body_max_bytes - parser->body.size)
		return refuse(parser, 413, "body_too_large", "the body is larger than allowed");
	return 0;
}

static int on_message_complete(llhttp_t *native)
{
	struct http_parser *parser = native->data;

	parser->complete = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_url_complete = on_url_complete,
	.on_header_field = on_header_text,
	.on_header_field_complete = on_header_field_complete,
	.on_header_value = on_header_text,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_chunk_header = on_chunk_header,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

/* ---- the parser ---- */

enum status http_parser_new(const struct http_limits *limits, struct http_parser **ret,
			    struct error *err)
{
	struct http_parser *parser = calloc(1, sizeof(*parser));

	if (parser == NULL)
		return ERROR(err, ERR_NOMEM, "a parser for a connection");
	parser->head_max_bytes = limits->head_max_bytes;
	parser->body_max_bytes = limits->body_max_bytes;
	llhttp_init(&parser->native, HTTP_REQUEST, &settings);
	parser->native.data = parser;
	*ret = parser;
	return OK;
}

void http_parser_free(struct http_parser *parser)
{
	if (parser == NULL)
		return;
	buf_fini(&parser->head);
	buf_fini(&parser->body);
	free(parser->headers);
	free(parser);
}

/* llhttp has one error for a version that it does not know and for one that is not well-formed. */
static bool is_other_version(const llhttp_t *native, enum llhttp_errno code)
{
	if (code == HPE_PAUSED_H2_UPGRADE)
		return true;
	if (code != HPE_INVALID_VERSION || (native->http_major == 0 && native->http_minor == 0))
		return false;
	return native->http_major != 1 || native->http_minor > 1;
}

/* What llhttp found wrong, in our words. `at` is the byte it stopped at, if there is one. */
static void refuse_syntax(struct http_parser *parser, enum llhttp_errno code, const char *at)
{
	const char *reason = llhttp_get_error_reason(&parser->native);

	if (parser->refusal.status != 0)
		return;
	if (code == HPE_INVALID_METHOD && at != NULL && is_token_char(*at))
		(void)refuse(parser, 501, "method_unknown", "this server does not know the method");
	else if (is_other_version(&parser->native, code))
		(void)refuse(parser, 505, "version_unknown", "this server speaks HTTP/1.0 and 1.1");
	else
		(void)refuse(parser, 400, "malformed_request",
			     reason != NULL && reason[0] != '\0' ? reason : "not an HTTP request");
}

static enum http_parsed refused(struct http_parser *parser, unsigned status, const char *code,
				const char *detail)
{
	(void)refuse(parser, status, code, detail);
	return HTTP_PARSED_REFUSED;
}

/* Reads past empty lines before a request. */
static size_t skip_blank(struct http_parser *parser, struct span bytes)
{
	size_t count = 0;

	while (count < bytes.size && (bytes.data[count] == '\r' || bytes.data[count] == '\n') &&
	       parser->blank_bytes < BLANK_MAX_BYTES) {
		parser->blank_bytes++;
		count++;
	}
	return count;
}

enum http_parsed http_parser_feed(struct http_parser *parser, struct span bytes, size_t *ret_used)
{
	size_t used = 0;

	CHECK(!parser->complete && parser->refusal.status == 0);
	if (!parser->begun)
		used = skip_blank(parser, bytes);
	while (used < bytes.size) {
		struct span slice = span_after(bytes, used);
		bool was_head = !parser->head_done;
		enum llhttp_errno code;
		size_t taken;

		parser->begun = true;
		if (was_head) {
			uint64_t room = parser->head_max_bytes - parser->head_bytes;

			if (room == 0)
				return parser->target_done
					       ? refused(parser, 431, "head_too_large",
							 "the request's head is too large")
					       : refused(parser, 414, "target_too_long",
							 "the request target is too long");
			if (slice.size > room)
				slice.size = (size_t)room;
		}
		code = llhttp_execute(&parser->native, slice.data, slice.size);
		taken = slice.size;
		if (code != HPE_OK) {
			const char *at = llhttp_get_error_pos(&parser->native);
			bool inside =
				at != NULL && at >= slice.data && at <= slice.data + slice.size;

			if (code != HPE_PAUSED) {
				refuse_syntax(parser, code,
					      inside && at < slice.data + slice.size ? at : NULL);
				return HTTP_PARSED_REFUSED;
			}
			CHECK(inside);
			taken = (size_t)(at - slice.data);
			if (!parser->complete)
				llhttp_resume(&parser->native);
		}
		used += taken;
		if (was_head)
			parser->head_bytes += taken;
		else if (parser->chunked)
			parser->overhead_bytes += taken;
		/* `overhead_bytes` holds the data too. */
		if (parser->overhead_bytes > parser->head_max_bytes + parser->body.size +
						     parser->body.size * CHUNK_OVERHEAD_RATIO)
			return refused(parser, 400, "chunk_overhead",
				       "chunk sizes, extensions and trailers outweigh the body");
		if (parser->complete) {
			parser->message.body = buf_span(&parser->body);
			parser->message.keep_alive = llhttp_should_keep_alive(&parser->native) != 0;
			*ret_used = used;
			return HTTP_PARSED_REQUEST;
		}
	}
	*ret_used = used;
	return HTTP_PARSED_MORE;
}

const struct http_message *http_parser_message(const struct http_parser *parser)
{
	CHECK(parser->complete);
	return &parser->message;
}

const struct http_refusal *http_parser_refusal(const struct http_parser *parser)
{
	CHECK(parser->refusal.status != 0);
	return &parser->refusal;
}

void http_parser_next(struct http_parser *parser)
{
	llhttp_reset(&parser->native);
	parser->message = (struct http_message){ 0 };
	if (parser->head.capacity > HEAD_KEEP_BYTES)
		buf_fini(&parser->head);
	else
		buf_clear(&parser->head);
	if (parser->body.capacity > BODY_KEEP_BYTES)
		buf_fini(&parser->body);
	else
		buf_clear(&parser->body);
	parser->head_bytes = 0;
	parser->overhead_bytes = 0;
	parser->target_size = 0;
	parser->mark = 0;
	parser->blank_bytes = 0;
	parser->begun = false;
	parser->target_done = false;
	parser->head_done = false;
	parser->chunked = false;
	parser->expects_continue = false;
	parser->complete = false;
}

void http_parser_trim(struct http_parser *parser)
{
	if (parser->begun)
		return;
	buf_fini(&parser->head);
	buf_fini(&parser->body);
	free(parser->headers);
	parser->headers = NULL;
	parser->header_capacity = 0;
}

bool http_parser_has_begun(const struct http_parser *parser)
{
	return parser->begun;
}

bool http_parser_take_continue(struct http_parser *parser)
{
	bool waits = parser->expects_continue && parser->head_done && !parser->complete &&
		     parser->body.size == 0 && parser->overhead_bytes == 0;

	if (parser->head_done)
		parser->expects_continue = false;
	return waits;
}
