/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_OUTPUT_H
#define APP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "app/exit_code.h"
#include "base/error.h"
#include "base/span.h"

/* output.h - where a subcommand writes: answers to `out`, what went wrong to `err`.
 *
 * On a terminal, answers are aligned, cut to its width and coloured (not with NO_COLOR). Otherwise
 * they are plain and stable: no colours, nothing cut, columns divided by one tab. With `json`,
 * answers are JSON, and errors are one JSON object each: {"error":{"code","detail","hint"?}}. */

struct output {
	FILE *out;
	FILE *err;
	bool json;
	bool terminal; /* out is one */
	bool colour;
	bool error_colour; /* err is a terminal */
	size_t width;      /* columns of the terminal; SIZE_MAX when there is none */
};

/* Standard output and error, with what the environment says about them. */
void output_init(struct output *output);

enum output_colour { COLOUR_BOLD, COLOUR_DIM, COLOUR_GREEN, COLOUR_RED };

/* What turns a colour on, and off again: empty strings without colours. */
const char *output_on(const struct output *output, enum output_colour colour);
const char *output_off(const struct output *output);

/* Tells an error, and what to do about it unless `hint` is NULL; answers `exit_code`. `code` is a word
 * for programs. Both texts are made harmless for a terminal. */
int output_fail(const struct output *output, enum exit_code exit_code, const char *code,
		struct span detail, const char *hint);

/* The same for a status of ours: its word is the code, its message the detail. */
int output_fail_status(const struct output *output, enum status status, const struct error *err,
		       const char *hint);

/* Flushes; an answer that could not be written turns success into a failure. */
int output_finish(const struct output *output, int exit_code);

#endif
