/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_APP_HARNESS_H
#define TESTS_APP_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/cli.h"
#include "base/thread.h"

/* harness.h - the program with its output caught, and a server that answers by script. */

#define ANSWERS_MAX 8

/* Answers one connection after the other, each with the next answer, and closes it. */
struct fake_server {
	struct thread thread;
	int listener;
	uint16_t port;
	char url[64];
	const char *answers[ANSWERS_MAX]; /* whole HTTP answers; NULL: close without one */
	size_t answer_count;
	char requests[ANSWERS_MAX][8192];
	size_t request_count;
};

/* A problem or a JSON answer: "HTTP/1.1 STATUS X" with the body's length. Freed by the caller. */
char *fake_answer(unsigned status, const char *content_type, const char *headers, const char *body);

void fake_server_start(struct fake_server *server);
/* Waits until all answers have been given. */
void fake_server_stop(struct fake_server *server);

struct program {
	struct cli cli;
	char *out; /* what was written; NUL-terminated */
	char *err;
	int code;
};

/* Runs `concordance ARGUMENTS...`; the list ends with NULL. `input` may be NULL. */
void program_run(struct program *program, const char *input, ...) __attribute__((sentinel));
/* The same as on a coloured terminal of this width. */
void program_run_on_terminal(struct program *program, size_t width, ...) __attribute__((sentinel));
void program_fini(struct program *program);

/* Fails with both outputs shown. */
void program_expect(const struct program *program, int code, const char *out_part,
		    const char *err_part);

#endif
