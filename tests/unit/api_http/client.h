/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_TEST_CLIENT_H
#define API_HTTP_TEST_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/span.h"
#include "json/json.h"

/* client.h - a plain blocking HTTP client that knows the shapes of the API's answers. Whatever goes
 * wrong, or takes over 10 s, fails the test. */

struct answer {
	unsigned status;
	char head[16384]; /* NUL-terminated */
	char *body;       /* owned, NUL-terminated, without chunking */
	size_t body_size;
	struct arena *arena;     /* owned; of `json` */
	const struct json *json; /* the body; NULL when it is none */
};

int client_connect(uint16_t port);
int client_connect_small(uint16_t port); /* with a small receive buffer: a slow reader */
void client_close(int fd);
void client_reset(int fd); /* closes with RST */
void client_send(int fd, const char *text);
void client_send_span(int fd, struct span bytes);

/* One whole answer; `has_body` is false for HEAD. */
void client_read(int fd, bool has_body, struct answer *ret);
/* Only the head: what follows is a stream for client_read_until(). */
void client_read_head(int fd, struct answer *ret);
/* Appends chunks to answer->body until it holds `text`. */
void client_read_until(int fd, struct answer *answer, const char *text);
/* Appends chunks until the server ends the connection or the body. */
void client_read_rest(int fd, struct answer *answer);
bool client_sees_nothing(int fd, int ms);
void answer_fini(struct answer *answer);

/* The header's value in a static buffer, NULL when there is none. */
const char *answer_header(const struct answer *answer, const char *name);

/* The value at "events/0/type", NULL when there is none. */
const struct json *answer_at(const struct answer *answer, const char *path);

/* Status 200 ... and what stands at a path, as JSON text: assert_at(&a, "events/0/version", "1"). */
#define assert_status(answer, status) answer_assert_status((answer), (status), __FILE__, __LINE__)
#define assert_at(answer, path, json) answer_assert_at((answer), (path), (json), __FILE__, __LINE__)
/* A whole problem: its media type, all members, `stored` false, and a phrase of its detail. */
#define assert_problem(answer, status, code, phrase) \
	answer_assert_problem((answer), (status), (code), (phrase), true, __FILE__, __LINE__)
/* The same where it is unknown whether something was stored. */
#define assert_problem_maybe_stored(answer, status, code, phrase) \
	answer_assert_problem((answer), (status), (code), (phrase), false, __FILE__, __LINE__)

void answer_assert_status(const struct answer *answer, unsigned status, const char *file, int line);
void answer_assert_at(const struct answer *answer, const char *path, const char *json,
		      const char *file, int line);
void answer_assert_problem(const struct answer *answer, unsigned status, const char *code,
			   const char *phrase, bool stored_false, const char *file, int line);

#endif
