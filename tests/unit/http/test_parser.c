/* SPDX-License-Identifier: Apache-2.0 */
/* test_parser.c - the parser without a socket. Every input is fed whole, byte by byte, and split at
 * seeded random places; all must come to the same. */
#include "harness.h"

#include <time.h>

#include "http/parser.h"

#define HOST "Host: h\r\n"

struct outcome {
	size_t requests;
	unsigned refused;    /* status, 0: none */
	char last_code[64];  /* of the refusal */
	char last_path[256]; /* of the last request */
	char last_query[256];
	char last_body[256];
	bool last_keep_alive;
	size_t last_headers;
	char host[64];
	bool waits_for_continue; /* at any time */
};

static uint64_t seed;

static uint64_t next_random(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> 33;
}

static void copy_text(char *out, size_t size, struct span s)
{
	assert_true(s.size < size);
	if (s.size != 0)
		memcpy(out, s.data, s.size);
	out[s.size] = '\0';
}

static void note_request(struct http_parser *parser, struct outcome *ret)
{
	const struct http_message *m = http_parser_message(parser);

	ret->requests++;
	copy_text(ret->last_path, sizeof(ret->last_path), m->path);
	copy_text(ret->last_query, sizeof(ret->last_query), m->query);
	copy_text(ret->last_body, sizeof(ret->last_body), m->body);
	ret->last_keep_alive = m->keep_alive;
	ret->last_headers = m->header_count;
	ret->host[0] = '\0';
	for (size_t i = 0; i < m->header_count; i++)
		if (span_equal(m->headers[i].name, SPAN("Host")))
			copy_text(ret->host, sizeof(ret->host), m->headers[i].value);
	http_parser_next(parser);
}

/* Feeds in portions of `portion` bytes; 0: random ones. */
static struct outcome feed(struct span input, size_t portion, struct http_limits limits)
{
	struct http_parser *parser OWNED(http_parser) = NULL;
	struct outcome ret;

	memset(&ret, 0, sizeof(ret));
	assert_int_equal(http_parser_new(&limits, &parser, NULL), OK);
	while (input.size > 0) {
		size_t size = portion != 0 ? portion : 1 + next_random() % 7;
		size_t used = 0;
		char *copy;

		if (size > input.size)
			size = input.size;
		/* A copy of exactly that size lets the address sanitizer see reads beyond it. */
		copy = malloc(size);
		assert_non_null(copy);
		memcpy(copy, input.data, size);
		switch (http_parser_feed(parser, span_of(copy, size), &used)) {
		case HTTP_PARSED_MORE:
			assert_int_equal(used, size);
			break;
		case HTTP_PARSED_REQUEST:
			note_request(parser, &ret);
			break;
		case HTTP_PARSED_REFUSED:
			ret.refused = http_parser_refusal(parser)->status;
			copy_text(ret.last_code, sizeof(ret.last_code),
				  span_from_string(http_parser_refusal(parser)->code));
			free(copy);
			return ret;
		}
		free(copy);
		if (http_parser_take_continue(parser))
			ret.waits_for_continue = true;
		input = span_after(input, used);
	}
	return ret;
}

static const struct http_limits limits = { .head_max_bytes = 16384, .body_max_bytes = 64 };

static struct outcome feed_all_ways(struct span input)
{
	struct outcome whole = feed(input, input.size, limits);
	struct outcome other = feed(input, 1, limits);

	for (int i = 0; i < 4; i++) {
		if (other.requests != whole.requests || other.refused != whole.refused ||
		    strcmp(other.last_path, whole.last_path) != 0 ||
		    strcmp(other.last_body, whole.last_body) != 0 ||
		    other.last_keep_alive != whole.last_keep_alive ||
		    other.last_headers != whole.last_headers)
			fail_msg("split differently: %zu requests, status %u; whole: %zu, %u; for "
				 "'%.*s' (seed %llu)",
				 other.requests, other.refused, whole.requests, whole.refused,
				 SPAN_ARG(input), (unsigned long long)seed);
		other = feed(input, 0, limits);
	}
	return whole;
}

static void expect_refused(const char *text, size_t size, unsigned status)
{
	struct outcome o = feed_all_ways(span_of(text, size));

	if (o.requests != 0 || o.refused != status)
		fail_msg("%zu requests, status %u and not %u (%s) for:\n%.*s", o.requests,
			 o.refused, status, o.last_code, (int)size, text);
}

#define REFUSED(text, status) expect_refused(text, sizeof(text) - 1, status)

static void a_request_has_its_parts(void **state)
{
	struct outcome o = feed_all_ways(SPAN("POST /a%2Fb/c?x=1&y HTTP/1.1\r\n" HOST
					      "Content-Length: 5\r\nX:  v \t\r\n"
					      "Empty:\r\n\r\nhello"));

	(void)state;
	assert_int_equal(o.requests, 1);
	assert_string_equal(o.last_path, "/a%2Fb/c");
	assert_string_equal(o.last_query, "x=1&y");
	assert_string_equal(o.last_body, "hello");
	assert_int_equal(o.last_headers, 4);
	assert_true(o.last_keep_alive);
}

static void surrounding_space_is_no_part_of_a_value(void **state)
{
	struct outcome o = feed_all_ways(SPAN("GET / HTTP/1.1\r\nHost: \t h:80 \t \r\n\r\n"));

	(void)state;
	assert_string_equal(o.host, "h:80");
}

static void pipelined_requests_come_one_by_one(void **state)
{
	struct outcome o =
		feed_all_ways(SPAN("GET /1 HTTP/1.1\r\n" HOST "\r\n"
				   "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab"
				   "POST /3 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
				   "2\r\ncd\r\n0\r\n\r\n"
				   "\r\nGET /4 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));

	(void)state;
	assert_int_equal(o.refused, 0);
	assert_int_equal(o.requests, 4);
	assert_string_equal(o.last_path, "/4");
	assert_false(o.last_keep_alive);
}

static void chunks_are_joined_and_extensions_and_trailers_dropped(void **state)
{
	struct buf text OWNED(buf) = { 0 };
	struct outcome o = feed_all_ways(
		SPAN("POST /c HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
		     "5;name=value;q=\"a b\"\r\nhello\r\n1\r\n \r\n005\r\nworld\r\n0;last\r\n"
		     "Host: other\r\nX-Trailer: 1\r\n\r\n"
		     "GET /next HTTP/1.1\r\n" HOST "\r\n"));

	(void)state;
	assert_int_equal(o.refused, 0);
	assert_int_equal(o.requests, 2);
	assert_string_equal(o.last_path, "/next");
	assert_int_equal(o.last_headers, 1);
	o = feed_all_ways(SPAN("POST /c HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
			       "5;a\r\nhello\r\n6\r\n world\r\n0\r\nT: 1\r\n\r\n"));
	assert_string_equal(o.last_body, "hello world");
	assert_int_equal(o.last_headers, 2);
	/* A large trailer must not move what the head's texts point at. */
	buf_append_string(&text, "POST /c HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
				 "1\r\nx\r\n0\r\nT: ");
	for (int i = 0; i < 8000; i++)
		buf_append_byte(&text, 't');
	buf_append_string(&text, "\r\n\r\n");
	o = feed_all_ways(buf_span(&text));
	assert_int_equal(o.requests, 1);
	assert_string_equal(o.host, "h");
	assert_string_equal(o.last_path, "/c");
}

static void keep_alive_follows_version_and_connection(void **state)
{
	(void)state;
	assert_true(feed_all_ways(SPAN("GET / HTTP/1.1\r\n" HOST "\r\n")).last_keep_alive);
	assert_false(feed_all_ways(SPAN("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"))
			     .last_keep_alive);
	assert_false(feed_all_ways(SPAN("GET / HTTP/1.1\r\n" HOST "Connection: x, Close\r\n\r\n"))
			     .last_keep_alive);
	assert_false(feed_all_ways(SPAN("GET / HTTP/1.0\r\n\r\n")).last_keep_alive);
	assert_true(feed_all_ways(SPAN("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"))
			    .last_keep_alive);
}

static void targets_in_every_allowed_form_are_understood(void **state)
{
	struct outcome o;

	(void)state;
	o = feed_all_ways(SPAN("GET http://example.org:81/p?q HTTP/1.1\r\nHost: other\r\n\r\n"));
	assert_string_equal(o.last_path, "/p");
	assert_string_equal(o.last_query, "q");
	assert_string_equal(o.host, "example.org:81"); /* the target decides */
	o = feed_all_ways(SPAN("GET HTTPS://example.org HTTP/1.1\r\n" HOST "\r\n"));
	assert_string_equal(o.last_path, "/");
	o = feed_all_ways(SPAN("GET http://example.org?x=/y HTTP/1.1\r\n" HOST "\r\n"));
	assert_string_equal(o.last_path, "/");
	assert_string_equal(o.last_query, "x=/y");
	o = feed_all_ways(SPAN("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"));
	assert_string_equal(o.last_path, "*");
	o = feed_all_ways(SPAN("GET /?? HTTP/1.1\r\n" HOST "\r\n"));
	assert_string_equal(o.last_query, "?");
}

static void other_targets_are_refused(void **state)
{
	(void)state;
	REFUSED("GET * HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET http://u@h/x HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET x HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET /a\tb HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET /a\0b HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET /a b HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET /a\r\n\r\n", 505); /* HTTP/0.9 */
	REFUSED("CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n", 501);
}

static void methods_and_versions_not_known_are_said_to_be_so(void **state)
{
	(void)state;
	REFUSED("FOO / HTTP/1.1\r\n" HOST "\r\n", 501);
	REFUSED("GETX / HTTP/1.1\r\n" HOST "\r\n", 501);
	REFUSED("get / HTTP/1.1\r\n" HOST "\r\n", 501);
	REFUSED("\x16\x03\x01\x02\x00", 400); /* TLS */
	REFUSED("GE\0T / HTTP/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET / HTTP/2.0\r\n" HOST "\r\n", 505);
	REFUSED("GET / HTTP/1.2\r\n" HOST "\r\n", 505);
	REFUSED("GET / HTTP/0.9\r\n" HOST "\r\n", 505);
	REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
	REFUSED("GET / HTTX/1.1\r\n" HOST "\r\n", 400);
	REFUSED("GET / HTTP/1.1 \r\n" HOST "\r\n", 400);
	REFUSED("GET / HTTP/11\r\n" HOST "\r\n", 400);
	REFUSED("GET / HTTP/x.1\r\n" HOST "\r\n", 400);
}

static void a_request_names_its_host_once(void **state)
{
	(void)state;
	REFUSED("GET / HTTP/1.1\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400);
	assert_int_equal(feed_all_ways(SPAN("GET / HTTP/1.0\r\n\r\n")).requests, 1);
	assert_int_equal(feed_all_ways(SPAN("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")).requests,
			 1);
	assert_int_equal(feed_all_ways(SPAN("GET / HTTP/1.1\r\nHost:\r\n\r\n")).requests, 1);
}

static void lengths_that_could_be_read_two_ways_are_refused(void **state)
{
	(void)state;
#define BODY(headers) "POST / HTTP/1.1\r\n" HOST headers "\r\n\r\nhello"
	assert_int_equal(feed_all_ways(SPAN(BODY("Content-Length: 5"))).requests, 1);
	REFUSED(BODY("Content-Length: 5\r\nContent-Length: 6"), 400);
	REFUSED(BODY("Content-Length: 5\r\nContent-Length: 5"), 400);
	REFUSED(BODY("Content-Length: 5, 5"), 400);
	REFUSED(BODY("Content-Length: 5 5"), 400);
	REFUSED(BODY("Content-Length: +5"), 400);
	REFUSED(BODY("Content-Length: -5"), 400);
	REFUSED(BODY("Content-Length: 0x5"), 400);
	REFUSED(BODY("Content-Length: 5a"), 400);
	REFUSED(BODY("Content-Length:"), 400);
	REFUSED(BODY("Content-Length: 99999999999999999999999"), 400);
	REFUSED(BODY("Content-Length : 5"), 400);
	REFUSED(BODY("Content-Length: 5\r\nTransfer-Encoding: chunked"), 400);
	REFUSED(BODY("Transfer-Encoding: chunked\r\nContent-Length: 5"), 400);
	REFUSED(BODY("Transfer-Encoding: identity\r\nContent-Length: 5"), 400);
#undef BODY
}

static void transfer_codings_other_than_one_chunked_are_refused(void **state)
{
	(void)state;
#define CHUNKED(headers) "POST / HTTP/1.1\r\n" HOST headers "\r\n\r\n1\r\nx\r\n0\r\n\r\n"
	assert_int_equal(feed_all_ways(SPAN(CHUNKED("Transfer-Encoding: chunked"))).requests, 1);
	REFUSED(CHUNKED("Transfer-Encoding: gzip"), 501);
	REFUSED(CHUNKED("Transfer-Encoding: identity"), 501);
	REFUSED(CHUNKED("Transfer-Encoding: xchunked"), 501);
	REFUSED(CHUNKED("Transfer-Encoding: chunkedx"), 501);
	REFUSED(CHUNKED("Transfer-Encoding: \"chunked\""), 501);
	REFUSED(CHUNKED("Transfer-Encoding: gzip, chunked"), 501);
	REFUSED(CHUNKED("Transfer-Encoding:"), 400);
	REFUSED(CHUNKED("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400);
	REFUSED(CHUNKED("Transfer-Encoding: \x0b"
			"chunked"),
		400);
	REFUSED(CHUNKED("Transfer-Encoding : chunked"), 400);
	REFUSED("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
#undef CHUNKED
}

static void chunks_are_read_to_the_letter(void **state)
{
	(void)state;
#define CHUNKS(chunks) "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n" chunks
	REFUSED(CHUNKS("x\r\n"), 400);
	REFUSED(CHUNKS("-1\r\n"), 400);
	REFUSED(CHUNKS("0x1\r\nx\r\n0\r\n\r\n"), 400);
	REFUSED(CHUNKS("1 \r\nx\r\n0\r\n\r\n"), 400);
	REFUSED(CHUNKS("1\nx\r\n0\r\n\r\n"), 400);
	REFUSED(CHUNKS("1\r\nx0\r\n\r\n"), 400);
	REFUSED(CHUNKS("1\r\nx\n0\r\n\r\n"), 400);
	REFUSED(CHUNKS("1;a\nb\r\nx\r\n0\r\n\r\n"), 400);
	REFUSED(CHUNKS("1;a\0b\r\nx\r\n0\r\n\r\n"), 400);
	REFUSED(CHUNKS("\r\nx\r\n0\r\n\r\n"), 400);
	REFUSED(CHUNKS("ffffffffffffffffff\r\nx"), 400);
	REFUSED(CHUNKS("1\r\nx\r\n0\r\nContent-Length: 9\r\n\r\n"), 400);
	REFUSED(CHUNKS("1\r\nx\r\n0\r\nA: b\nC: d\r\n\r\n"), 400);
	REFUSED(CHUNKS("7fffffffffffffff\r\nx"), 413);
	REFUSED(CHUNKS("41\r\n"), 413); /* 65 of 64 */
	REFUSED(CHUNKS("1\r\nx\r\n40\r\n"), 413);
#undef CHUNKS
}

static void bytes_that_do_not_belong_into_a_head_are_refused(void **state)
{
	(void)state;
	REFUSED("GET / HTTP/1.1\n" HOST "\r\n", 400);
	REFUSED("GET / HTTP/1.1\r" HOST "\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\n\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n\tc\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\nA:\r\n b\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\nA\0: b\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\nA: b\x7f\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\nA B: c\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\n: c\r\n\r\n", 400);
	REFUSED("GET / HTTP/1.1\r\nHost: h\r\nAB\r\n\r\n", 400);
}

static void upgrades_are_ignored(void **state)
{
	struct outcome o = feed_all_ways(
		SPAN("GET /a HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\n"
		     "Upgrade: h2c\r\nHTTP2-Settings: x\r\n\r\nGET /b HTTP/1.1\r\n" HOST "\r\n"));

	(void)state;
	assert_int_equal(o.requests, 2);
	assert_string_equal(o.last_path, "/b");
}

static void only_a_body_to_come_is_continued(void **state)
{
	struct outcome o;

	(void)state;
#define EXPECT "POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n"
	o = feed(SPAN(EXPECT "Content-Length: 2\r\n\r\nab"), 1, limits);
	assert_true(o.waits_for_continue);
	o = feed(SPAN(EXPECT "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 1, limits);
	assert_true(o.waits_for_continue);
	o = feed(SPAN(EXPECT "Content-Length: 2\r\n\r\nab"), 4096, limits);
	assert_false(o.waits_for_continue);
	o = feed(SPAN(EXPECT "Content-Length: 0\r\n\r\n"), 1, limits);
	assert_false(o.waits_for_continue);
	o = feed(SPAN("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"), 1,
		 limits);
	assert_false(o.waits_for_continue);
	o = feed(SPAN(EXPECT "Content-Length: 65\r\n\r\n"), 1, limits);
	assert_false(o.waits_for_continue);
	assert_int_equal(o.refused, 413);
	REFUSED("POST / HTTP/1.1\r\n" HOST "Expect: more\r\n\r\n", 417);
#undef EXPECT
}

/* A request whose head has exactly `size` bytes. */
static struct span head_of(char *out, size_t size)
{
	static const char start[] = "GET / HTTP/1.1\r\n" HOST "X: ";
	size_t fill = size - (sizeof(start) - 1) - 4;

	memcpy(out, start, sizeof(start) - 1);
	memset(out + sizeof(start) - 1, 'x', fill);
	memcpy(out + size - 4, "\r\n\r\n", 4);
	return span_of(out, size);
}

static void the_limits_hold_to_the_byte(void **state)
{
	static char text[20000];

	(void)state;
	assert_int_equal(feed_all_ways(head_of(text, limits.head_max_bytes)).requests, 1);
	assert_int_equal(feed_all_ways(head_of(text, limits.head_max_bytes + 1)).refused, 431);
	memset(text, '\n', sizeof(text));
	assert_int_equal(feed_all_ways(span_of(text, sizeof(text))).refused, 414);
	memset(text, 'x', sizeof(text));
	memcpy(text, "GET /", 5);
	memcpy(text + 4 + HTTP_TARGET_MAX_BYTES, " HTTP/1.1\r\n" HOST "\r\n", 22);
	{
		struct http_parser *parser OWNED(http_parser) = NULL;
		struct span input = span_of(text, 4 + HTTP_TARGET_MAX_BYTES + 22);
		size_t used = 0;

		assert_int_equal(http_parser_new(&limits, &parser, NULL), OK);
		assert_int_equal(http_parser_feed(parser, input, &used), HTTP_PARSED_REQUEST);
		assert_int_equal(http_parser_message(parser)->path.size, HTTP_TARGET_MAX_BYTES);
	}
	memcpy(text + 4 + HTTP_TARGET_MAX_BYTES, "x HTTP/1.1\r\n" HOST "\r\n", 23);
	assert_int_equal(feed_all_ways(span_of(text, 4 + HTTP_TARGET_MAX_BYTES + 23)).refused, 414);
	assert_int_equal(
		feed_all_ways(
			SPAN("POST / HTTP/1.1\r\n" HOST "Content-Length: 64\r\n\r\n"
			     "0123456789012345678901234567890123456789012345678901234567890123"))
			.requests,
		1);
	REFUSED("POST / HTTP/1.1\r\n" HOST "Content-Length: 65\r\n\r\n", 413);
}

static void too_many_headers_are_refused(void **state)
{
	struct buf text OWNED(buf) = { 0 };

	(void)state;
	buf_append_string(&text, "GET / HTTP/1.1\r\n" HOST);
	for (size_t i = 1; i < HTTP_HEADERS_MAX; i++)
		buf_append_string(&text, "A: b\r\n");
	buf_append_string(&text, "\r\n");
	assert_int_equal(feed_all_ways(buf_span(&text)).last_headers, HTTP_HEADERS_MAX);
	text.size -= 2;
	buf_append_string(&text, "A: b\r\n\r\n");
	assert_int_equal(feed_all_ways(buf_span(&text)).refused, 431);
}

static void chunk_framing_without_end_is_refused(void **state)
{
	const struct span start =
		SPAN("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	struct buf text OWNED(buf) = { 0 };

	(void)state;
	buf_append_span(&text, start);
	for (int i = 0; i < 64; i++) /* the stupidest client is served */
		buf_append_string(&text, "1\r\nx\r\n");
	buf_append_string(&text, "0\r\n\r\n");
	assert_int_equal(feed_all_ways(buf_span(&text)).requests, 1);
	buf_clear(&text);
	buf_append_span(&text, start);
	buf_append_string(&text, "1;");
	for (int i = 0; i < 20000; i++)
		buf_append_byte(&text, 'e');
	assert_int_equal(feed_all_ways(buf_span(&text)).refused, 400);
	buf_clear(&text);
	buf_append_span(&text, start);
	buf_append_string(&text, "0\r\n");
	for (int i = 0; i < 4000; i++)
		buf_append_string(&text, "T:   1\r\n");
	assert_int_equal(feed_all_ways(buf_span(&text)).refused, 400);
}

static int set_up(void **state)
{
	(void)state;
	seed = (uint64_t)time(NULL);
	if (getenv("CONCORDANCE_TEST_SEED") != NULL)
		seed = strtoull(getenv("CONCORDANCE_TEST_SEED"), NULL, 10);
	print_message("seed %llu (CONCORDANCE_TEST_SEED)\n", (unsigned long long)seed);
	return 0;
}

int test_parser(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_its_parts),
		cmocka_unit_test(surrounding_space_is_no_part_of_a_value),
		cmocka_unit_test(pipelined_requests_come_one_by_one),
		cmocka_unit_test(chunks_are_joined_and_extensions_and_trailers_dropped),
		cmocka_unit_test(keep_alive_follows_version_and_connection),
		cmocka_unit_test(targets_in_every_allowed_form_are_understood),
		cmocka_unit_test(other_targets_are_refused),
		cmocka_unit_test(methods_and_versions_not_known_are_said_to_be_so),
		cmocka_unit_test(a_request_names_its_host_once),
		cmocka_unit_test(lengths_that_could_be_read_two_ways_are_refused),
		cmocka_unit_test(transfer_codings_other_than_one_chunked_are_refused),
		cmocka_unit_test(chunks_are_read_to_the_letter),
		cmocka_unit_test(bytes_that_do_not_belong_into_a_head_are_refused),
		cmocka_unit_test(upgrades_are_ignored),
		cmocka_unit_test(only_a_body_to_come_is_continued),
		cmocka_unit_test(the_limits_hold_to_the_byte),
		cmocka_unit_test(too_many_headers_are_refused),
		cmocka_unit_test(chunk_framing_without_end_is_refused),
	};

	return cmocka_run_group_tests_name("parser", tests, set_up, NULL);
}
