/* SPDX-License-Identifier: Apache-2.0 */
/* response.c - the bytes of an answer's head, and the server's own answers.
 *
 * Header values may carry text from outside (a Location with a key in it): control characters in
 * them are replaced, so that nobody can smuggle a header, or a second answer, through one. */
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "http/connection.h"

#define DATE_MAX_AGE_MS ((uint64_t)100)

static const char *reason_phrase(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 202:
		return "Accepted";
	case 204:
		return "No Content";
	case 206:
		return "Partial Content";
	case 301:
		return "Moved Permanently";
	case 302:
		return "Found";
	case 303:
		return "See Other";
	case 304:
		return "Not Modified";
	case 307:
		return "Temporary Redirect";
	case 308:
		return "Permanent Redirect";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 406:
		return "Not Acceptable";
	case 408:
		return "Request Timeout";
	case 409:
		return "Conflict";
	case 410:
		return "Gone";
	case 411:
		return "Length Required";
	case 412:
		return "Precondition Failed";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 415:
		return "Unsupported Media Type";
	case 417:
		return "Expectation Failed";
	case 421:
		return "Misdirected Request";
	case 422:
		return "Unprocessable Content";
	case 428:
		return "Precondition Required";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 505:
		return "HTTP Version Not Supported";
	case 507:
		return "Insufficient Storage";
	default:
		return "Status";
	}
}

/* "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n", made again when it is older than DATE_MAX_AGE_MS. */
static struct span date_line(struct http_server *server)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	uint64_t now = loop_now_ms(server->loop);
	struct tm tm;
	time_t seconds;
	int size;

	if (server->date_size != 0 && now - server->date_made_at < DATE_MAX_AGE_MS)
		return span_of(server->date, server->date_size);
	seconds = (time_t)(clock_wall_us(clock_system()) / 1000000);
	if (gmtime_r(&seconds, &tm) == NULL)
		return SPAN_EMPTY; /* a year beyond int: a server without a clock sends no Date */
	size = snprintf(server->date, sizeof(server->date),
			"Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday % 7],
			tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour,
			tm.tm_min, tm.tm_sec);
	if (size < 0 || (size_t)size >= sizeof(server->date))
		return SPAN_EMPTY;
	server->date_size = (size_t)size;
	server->date_made_at = now;
	return span_of(server->date, server->date_size);
}

static void append_value(struct buf *output, struct span value)
{
	size_t start = output->size;

	buf_append_span(output, value);
	if (buf_status(output) != OK)
		return;
	for (size_t i = start; i < output->size; i++) {
		unsigned char c = (unsigned char)output->data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			output->data[i] = ' ';
	}
}

static void append_header(struct buf *output, struct span name, struct span value)
{
	append_value(output, name);
	buf_append(output, ": ", 2);
	append_value(output, value);
	buf_append(output, "\r\n", 2);
}

void response_append_head(struct http_server *server, struct buf *output,
			  const struct http_response *response,
			  const struct response_framing *framing)
{
	CHECK(response->status >= 200 && response->status <= 599);
	if (LIKELY(response->status == 200)) {
		buf_append_span(output, SPAN("HTTP/1.1 200 OK\r\n"));
	} else {
		buf_append_span(output, SPAN("HTTP/1.1 "));
		buf_append_u64(output, response->status);
		buf_append_byte(output, ' ');
		buf_append_string(output, reason_phrase(response->status));
		buf_append(output, "\r\n", 2);
	}
	buf_append_span(output, date_line(server));
	if (response->content_type != NULL)
		append_header(output, SPAN("Content-Type"),
			      span_from_string(response->content_type));
	for (size_t i = 0; i < response->header_count; i++)
		append_header(output, response->headers[i].name, response->headers[i].value);
	if (framing->has_length) {
		buf_append_span(output, SPAN("Content-Length: "));
		buf_append_u64(output, framing->length);
		buf_append(output, "\r\n", 2);
	}
	if (framing->chunked)
		buf_append_span(output, SPAN("Transfer-Encoding: chunked\r\n"));
	if (framing->close)
		buf_append_span(output, SPAN("Connection: close\r\n"));
	else if (framing->say_keep_alive)
		buf_append_span(output, SPAN("Connection: keep-alive\r\n"));
	buf_append(output, "\r\n", 2);
	counter_add(server->metrics.answers[response->status / 100], 1);
}

/* `text` is ours or llhttp's; quotes occur in it. */
static void append_json_string(struct buf *buf, const char *text)
{
	buf_append_byte(buf, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_append_byte(buf, '\\');
		if (*text >= ' ' && *text <= '~')
			buf_append_byte(buf, *text);
	}
	buf_append_byte(buf, '"');
}

void response_append_refusal(struct http_server *server, struct buf *output,
			     const struct http_refusal *refusal)
{
	struct buf body OWNED(buf) = { .max_bytes = 4096 };

	buf_append_span(&body, SPAN("{\"type\":\"about:blank\",\"title\":"));
	append_json_string(&body, reason_phrase(refusal->status));
	buf_append_span(&body, SPAN(",\"status\":"));
	buf_append_u64(&body, refusal->status);
	buf_append_span(&body, SPAN(",\"code\":"));
	append_json_string(&body, refusal->code);
	buf_append_span(&body, SPAN(",\"detail\":"));
	append_json_string(&body, refusal->detail);
	buf_append_span(&body, SPAN(",\"stored\":false}"));
	if (buf_status(&body) != OK)
		buf_clear(&body); /* out of memory: the status alone has to do */
	response_append_head(server, output,
			     &(struct http_response){ .status = refusal->status,
						      .content_type = "application/problem+json" },
			     &(struct response_framing){
				     .has_length = true, .length = body.size, .close = true });
	buf_append_span(output, buf_span(&body));
}
