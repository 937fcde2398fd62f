/* SPDX-License-Identifier: Apache-2.0 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_S 10

/* ---- bytes ---- */

static int connect_with(uint16_t port, int receive_bytes)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval limit = { .tv_sec = WAIT_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (receive_bytes != 0)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
					    sizeof(receive_bytes)),
				 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

int client_connect(uint16_t port)
{
	return connect_with(port, 0);
}

int client_connect_small(uint16_t port)
{
	return connect_with(port, 4096);
}

void client_close(int fd)
{
	assert_int_equal(close(fd), 0);
}

void client_reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	assert_int_equal(close(fd), 0);
}

void client_send_span(int fd, struct span bytes)
{
	while (bytes.size > 0) {
		ssize_t n = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);

		if (n <= 0)
			fail_msg("send: %s", strerror(errno));
		bytes = span_after(bytes, (size_t)n);
	}
}

void client_send(int fd, const char *text)
{
	client_send_span(fd, span_from_string(text));
}

static void read_exactly(int fd, char *out, size_t size)
{
	while (size > 0) {
		ssize_t n = recv(fd, out, size, 0);

		if (n <= 0)
			fail_msg("the server sent %zu bytes too few: %s", size,
				 n == 0 ? "end" : strerror(errno));
		out += n;
		size -= (size_t)n;
	}
}

/* ---- answers ---- */

static void append_body(struct answer *answer, int fd, size_t size)
{
	answer->body = realloc(answer->body, answer->body_size + size + 1);
	assert_non_null(answer->body);
	read_exactly(fd, answer->body + answer->body_size, size);
	answer->body_size += size;
	answer->body[answer->body_size] = '\0';
}

/* False at the last chunk, or at the end of the connection. */
static bool read_chunk(int fd, struct answer *answer)
{
	char line[64];
	size_t used = 0;

	do {
		ssize_t n = recv(fd, line + used, 1, 0);

		if (n == 0 && used == 0)
			return false;
		if (n != 1)
			fail_msg("no chunk came: %s", n == 0 ? "end" : strerror(errno));
		used++;
	} while (used + 1 < sizeof(line) && (used < 2 || line[used - 1] != '\n'));
	line[used] = '\0';
	size_t size = strtoul(line, NULL, 16);
	append_body(answer, fd, size);
	char end[2];
	read_exactly(fd, end, sizeof(end));
	assert_memory_equal(end, "\r\n", 2);
	return size != 0;
}

void client_read_head(int fd, struct answer *ret)
{
	size_t used = 0;

	*ret = (struct answer){ 0 };
	do {
		assert_true(used + 1 < sizeof(ret->head));
		read_exactly(fd, ret->head + used, 1);
		used++;
	} while (used < 4 || memcmp(ret->head + used - 4, "\r\n\r\n", 4) != 0);
	assert_memory_equal(ret->head, "HTTP/1.1 ", 9);
	ret->status = (unsigned)strtoul(ret->head + 9, NULL, 10);
	append_body(ret, fd, 0);
}

void client_read(int fd, bool has_body, struct answer *ret)
{
	const char *length;

	client_read_head(fd, ret);
	length = answer_header(ret, "Content-Length");
	assert_non_null(length);
	if (has_body)
		append_body(ret, fd, strtoul(length, NULL, 10));
	ret->arena = arena_new((size_t)256 << 20);
	assert_non_null(ret->arena);
	if (json_parse(span_of(ret->body, ret->body_size), ret->arena, &ret->json, NULL) != OK)
		ret->json = NULL;
}

void client_read_until(int fd, struct answer *answer, const char *text)
{
	while (strstr(answer->body, text) == NULL)
		if (!read_chunk(fd, answer))
			fail_msg("the stream ended without '%s': %s", text, answer->body);
}

void client_read_rest(int fd, struct answer *answer)
{
	while (read_chunk(fd, answer))
		;
}

bool client_sees_nothing(int fd, int ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, ms) == 0;
}

void answer_fini(struct answer *answer)
{
	free(answer->body);
	arena_free(answer->arena);
	*answer = (struct answer){ 0 };
}

const char *answer_header(const struct answer *answer, const char *name)
{
	static char value[4096];
	const char *line = answer->head;
	size_t name_size = strlen(name);

	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, name_size) != 0 || line[name_size] != ':')
			continue;
		const char *start = line + name_size + 2;
		const char *end = strstr(start, "\r\n");
		assert_non_null(end);
		assert_true((size_t)(end - start) < sizeof(value));
		memcpy(value, start, (size_t)(end - start));
		value[end - start] = '\0';
		return value;
	}
	return NULL;
}

const struct json *answer_at(const struct answer *answer, const char *path)
{
	const struct json *value = answer->json;

	while (*path != '\0' && value != NULL) {
		char name[80];
		size_t size = strcspn(path, "/");

		assert_true(size < sizeof(name));
		memcpy(name, path, size);
		name[size] = '\0';
		value = json_type(value) == JSON_ARRAY ? json_at(value, strtoul(name, NULL, 10))
						       : json_get(value, name);
		path += size + (path[size] == '/');
	}
	return value;
}

/* ---- claims ---- */

static void show(const struct answer *answer)
{
	print_error("answer %u: %.2000s\n", answer->status, answer->body);
}

void answer_assert_status(const struct answer *answer, unsigned status, const char *file, int line)
{
	if (answer->status == status)
		return;
	print_error("not %u: ", status);
	show(answer);
	_fail(file, line);
}

void answer_assert_at(const struct answer *answer, const char *path, const char *json,
		      const char *file, int line)
{
	const struct json *expected;

	if (json_parse(span_from_string(json), answer->arena, &expected, NULL) != OK)
		fail_msg("'%s' is no JSON", json);
	if (json_equal(answer_at(answer, path), expected))
		return;
	print_error("%s is not %s: ", path, json);
	show(answer);
	_fail(file, line);
}

void answer_assert_problem(const struct answer *answer, unsigned status, const char *code,
			   const char *phrase, bool stored_false, const char *file, int line)
{
	const struct json *stored = answer_at(answer, "stored");
	struct span detail = json_string(answer_at(answer, "detail"));
	const char *type = answer_header(answer, "Content-Type");
	uint64_t said = 0;
	bool ok = answer->status == status && type != NULL &&
		  strcmp(type, "application/problem+json") == 0 &&
		  json_u64(answer_at(answer, "status"), &said) && said == status &&
		  span_equal_string(json_string(answer_at(answer, "code")), code) &&
		  span_equal_string(json_string(answer_at(answer, "type")), "about:blank") &&
		  json_string(answer_at(answer, "title")).size != 0 && detail.data != NULL &&
		  memmem(detail.data, detail.size, phrase, strlen(phrase)) != NULL &&
		  (stored_false ? json_type(stored) == JSON_BOOL && !json_bool(stored)
				: stored == NULL);

	ok = ok && (status == 503) == (answer_header(answer, "Retry-After") != NULL);
	if (ok)
		return;
	print_error("no problem %u %s '%s'%s: ", status, code, phrase,
		    stored_false ? ", stored false" : "");
	show(answer);
	_fail(file, line);
}
