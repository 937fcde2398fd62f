/* SPDX-License-Identifier: Apache-2.0 */
/* http_client.c - one libcurl handle, set up anew for each request.
 *
 * curl_easy_reset() between requests keeps connections but no options, so that nothing of one request
 * can leak into the next. */
#include "http_client/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

#define CONNECT_TIMEOUT_MS 5000
#define BODY_MAX_BYTES     ((size_t)64 << 20)
#define HEAD_MAX_BYTES     ((size_t)64 << 10)

struct http_client {
	CURL *curl;
	struct http_client_options options;
	char *user_agent;
};

/* What the callbacks of one request work on. */
struct exchange {
	const struct http_client_request *request;
	struct http_client_response *response;
	CURL *curl;
	bool ended_by_caller;
	bool too_large;
};

/* ---- the answer -------------------------------------------------------------------------------- */

/* A status line begins a head; a second one follows an interim answer (100, 103), whose head goes. */
static size_t take_header(char *data, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	struct span line = span_of(data, size * count);

	if (span_starts_with(line, SPAN("HTTP/"))) {
		buf_clear(&x->response->head);
		return line.size;
	}
	if (line.size > 2)
		buf_append_span(&x->response->head, line);
	if (buf_status(&x->response->head) == ERR_LIMIT)
		x->too_large = true;
	return buf_status(&x->response->head) == OK ? line.size : 0;
}

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
	struct exchange *x = arg;
	struct span piece = span_of(data, size * count);
	long status = 0;

	if (x->request->on_body != NULL &&
	    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
	    status >= 200 && status <= 299) {
		if (x->request->on_body(piece, x->request->arg))
			return piece.size;
		x->ended_by_caller = true;
		return 0;
	}
	buf_append_span(&x->response->body, piece);
	if (buf_status(&x->response->body) == ERR_LIMIT)
		x->too_large = true;
	return buf_status(&x->response->body) == OK ? piece.size : 0;
}

struct span http_client_response_header(const struct http_client_response *response,
					const char *name)
{
	struct span rest = buf_span(&response->head);
	size_t name_size = strlen(name);

	while (rest.size != 0) {
		const char *newline = memchr(rest.data, '\n', rest.size);
		size_t size = newline != NULL ? (size_t)(newline - rest.data) : rest.size;
		struct span value;

		if (size > name_size && rest.data[name_size] == ':' &&
		    strncasecmp(rest.data, name, name_size) == 0) {
			value = span_of(rest.data + name_size + 1, size - name_size - 1);
			while (value.size != 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
				value = span_after(value, 1);
			while (value.size != 0 &&
			       strchr(" \t\r", value.data[value.size - 1]) != NULL)
				value.size--;
			return value;
		}
		rest = span_after(rest, newline != NULL ? size + 1 : size);
	}
	return SPAN_EMPTY;
}

void http_client_response_fini(struct http_client_response *response)
{
	buf_fini(&response->head);
	buf_fini(&response->body);
}

/* ---- the request ------------------------------------------------------------------------------- */

static bool has_line_break(struct span s)
{
	return s.size != 0 &&
	       (memchr(s.data, '\r', s.size) != NULL || memchr(s.data, '\n', s.size) != NULL ||
		memchr(s.data, '\0', s.size) != NULL);
}

/* "host:port" of the url, for messages and to know loopback. */
struct target {
	char text[300];
	bool loopback;
};

static enum status target_find(const char *url, struct target *ret, struct error *err)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL;
	enum status s = OK;
	CURLUcode code;

	if (parts == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for a url");
	code = curl_url_set(parts, CURLUPART_URL, url, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_HOST, &host, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (code == CURLUE_OUT_OF_MEMORY) {
		s = ERROR(err, ERR_NOMEM, "no memory for a url");
	} else if (code != CURLUE_OK ||
		   (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
		s = ERROR(err, ERR_INVALID, "'%s' is no url: write it like http://127.0.0.1:8080",
			  url);
	} else {
		(void)snprintf(ret->text, sizeof(ret->text), "%s:%s", host, port);
		ret->loopback = strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
				strncmp(host, "127.", 4) == 0;
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(parts);
	return s;
}

static enum status headers_make(const struct http_client_request *request, struct curl_slist **ret,
				struct error *err)
{
	/* Without it, libcurl asks for permission before large bodies and waits a second. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; i < request->header_count && list != NULL; i++) {
		const struct http_client_header *header = &request->headers[i];
		OWNED(buf) struct buf line = { 0 };
		struct curl_slist *longer;

		if (header->name.size == 0 || has_line_break(header->name) ||
		    has_line_break(header->value)) {
			curl_slist_free_all(list);
			return ERROR(err, ERR_INVALID, "a header must not hold a line break");
		}
		/* "Name;" is how libcurl writes a header without a value. */
		buf_append_span(&line, header->name);
		buf_append_string(&line, header->value.size != 0 ? ": " : ";");
		buf_append_span(&line, header->value);
		buf_append_byte(&line, '\0');
		longer = buf_status(&line) == OK ? curl_slist_append(list, line.data) : NULL;
		if (longer == NULL)
			curl_slist_free_all(list);
		list = longer;
	}
	if (list == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for a request's headers");
	*ret = list;
	return OK;
}

static long to_long_ms(uint64_t ms)
{
	return ms < INT32_MAX ? (long)ms : INT32_MAX;
}

/* All options of one request; any that fails means that libcurl is out of memory or too old. */
static CURLcode handle_set_up(struct http_client *client, struct exchange *x,
			      struct curl_slist *headers, const struct target *target,
			      char *message)
{
	const struct http_client_options *options = &client->options;
	const struct http_client_request *request = x->request;
	CURL *curl = client->curl;
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                \
	do {                                                              \
		if (code == CURLE_OK)                                     \
			code = curl_easy_setopt(curl, (option), (value)); \
	} while (0)
	curl_easy_reset(curl);
	SET(CURLOPT_ERRORBUFFER, message);
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PATH_AS_IS, 1L);
	if (target->loopback)
		SET(CURLOPT_PROXY, "");
	if (client->user_agent != NULL)
		SET(CURLOPT_USERAGENT, client->user_agent);
	SET(CURLOPT_CONNECTTIMEOUT_MS, to_long_ms(options->connect_timeout_ms));
	SET(CURLOPT_TIMEOUT_MS, to_long_ms(options->timeout_ms));
	if (options->idle_timeout_ms != 0) {
		SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
		SET(CURLOPT_LOW_SPEED_TIME, (to_long_ms(options->idle_timeout_ms) + 999) / 1000);
	}
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, x);
	if (request->body.data != NULL) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.size);
		SET(CURLOPT_POSTFIELDS, request->body.data);
	}
	if (strcmp(request->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else
		SET(CURLOPT_CUSTOMREQUEST, request->method);
#undef SET
	return code;
}

/* Why libcurl ended, in our words. Whether the request can have arrived decides between "nobody is
 * there" and "unknown". */
static enum status failure_tell(const struct exchange *x, CURLcode code, const char *message,
				const struct target *target, struct error *err)
{
	const char *why = message[0] != '\0' ? message : curl_easy_strerror(code);
	curl_off_t connected_us = 0;
	bool connected;

	(void)curl_easy_getinfo(x->curl, CURLINFO_CONNECT_TIME_T, &connected_us); /* 0: not known */
	connected = connected_us > 0;
	if (x->ended_by_caller)
		return ERROR(err, ERR_REJECTED, "the answer was not read to its end");
	if (x->too_large)
		return ERROR(err, ERR_LIMIT, "the answer of %s is larger than is taken",
			     target->text);
	if (code == CURLE_OUT_OF_MEMORY || buf_status(&x->response->body) == ERR_NOMEM ||
	    buf_status(&x->response->head) == ERR_NOMEM)
		return ERROR(err, ERR_NOMEM, "no memory for the answer of %s", target->text);
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return ERROR(err, ERR_DENIED, "%s is not trusted: %s", target->text, why);
	if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	    code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_SSL_CONNECT_ERROR ||
	    (code == CURLE_OPERATION_TIMEDOUT && !connected))
		return ERROR(err, ERR_CLOSED, "cannot reach %s: %s", target->text, why);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return ERROR(err, ERR_DEADLINE, "no answer of %s in time: %s", target->text, why);
	/* Also what libcurl says of an answer that is no HTTP/1. */
	if (code == CURLE_UNSUPPORTED_PROTOCOL && connected)
		return ERROR(err, ERR_IO, "%s does not speak HTTP: %s", target->text, why);
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
		return ERROR(err, ERR_INVALID, "'%s' is no url: %s", x->request->url, why);
	return ERROR(err, ERR_IO, "the connection with %s broke: %s", target->text, why);
}

enum status http_client_send(struct http_client *client, const struct http_client_request *request,
			     struct http_client_response *ret, struct error *err)
{
	struct exchange x = { .request = request, .response = ret, .curl = client->curl };
	char message[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = NULL;
	struct target target;
	CURLcode code;
	enum status s;
	long status = 0;

	http_client_response_fini(ret);
	*ret = (struct http_client_response){ .head.max_bytes = HEAD_MAX_BYTES,
					      .body.max_bytes = client->options.body_max_bytes };
	s = target_find(request->url, &target, err);
	if (s != OK)
		return s;
	if (has_line_break(span_from_string(request->method)))
		return ERROR(err, ERR_INVALID, "a method must not hold a line break");
	s = headers_make(request, &headers, err);
	if (s != OK)
		return s;
	code = handle_set_up(client, &x, headers, &target, message);
	if (code == CURLE_OK)
		code = curl_easy_perform(client->curl);
	(void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status); /* 0: none came */
	ret->status = status > 0 ? (unsigned)status : 0;
	if (code != CURLE_OK)
		s = failure_tell(&x, code, message, &target, err);
	curl_slist_free_all(headers);
	/* The handle must not keep pointers into this call. */
	curl_easy_reset(client->curl);
	return s;
}

/* ---- the client -------------------------------------------------------------------------------- */

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static CURLcode library_code;

static void library_start(void)
{
	library_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

enum status http_client_new(const struct http_client_options *options, struct http_client **ret,
			    struct error *err)
{
	struct http_client *client;

	(void)pthread_once(&library_once, library_start); /* fails only for a bad control */
	if (library_code != CURLE_OK)
		return ERROR(err, ERR_NOMEM, "libcurl cannot start: %s",
			     curl_easy_strerror(library_code));
	client = calloc(1, sizeof(*client));
	if (client == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for an HTTP client");
	client->options = *options;
	client->options.user_agent = NULL;
	if (client->options.connect_timeout_ms == 0)
		client->options.connect_timeout_ms = CONNECT_TIMEOUT_MS;
	if (client->options.body_max_bytes == 0)
		client->options.body_max_bytes = BODY_MAX_BYTES;
	client->curl = curl_easy_init();
	if (options->user_agent != NULL)
		client->user_agent = strdup(options->user_agent);
	if (client->curl == NULL || (options->user_agent != NULL && client->user_agent == NULL)) {
		http_client_free(client);
		return ERROR(err, ERR_NOMEM, "no memory for an HTTP client");
	}
	*ret = client;
	return OK;
}

void http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	curl_easy_cleanup(client->curl);
	free(client->user_agent);
	free(client);
}

const char *http_client_library_version(void)
{
	return curl_version_info(CURLVERSION_NOW)->version;
}

void http_client_append_encoded(struct buf *buf, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.size; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '.' || c == '_' || c == '~') {
			buf_append_byte(buf, (char)c);
		} else {
			buf_append_byte(buf, '%');
			buf_append_byte(buf, hex[c >> 4]);
			buf_append_byte(buf, hex[c & 15]);
		}
	}
}
