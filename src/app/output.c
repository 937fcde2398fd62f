/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - answers and errors of subcommands. */
#include "app/output.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "app/json_layout.h"
#include "base/utf8.h"
#include "json/json_writer.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MIN     40

static size_t terminal_width(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
}

void output_init(struct output *output)
{
	/* Read once, before any thread is started. */
	const char *no_colour = getenv("NO_COLOR"); /* NOLINT(concurrency-mt-unsafe) */
	const char *terminal_kind = getenv("TERM"); /* NOLINT(concurrency-mt-unsafe) */
	bool coloured = (no_colour == NULL || no_colour[0] == '\0') && terminal_kind != NULL &&
			strcmp(terminal_kind, "dumb") != 0;

	*output = (struct output){ .out = stdout, .err = stderr, .width = SIZE_MAX };
	output->terminal = isatty(STDOUT_FILENO) == 1;
	if (output->terminal)
		output->width = terminal_width(STDOUT_FILENO);
	output->colour = coloured && output->terminal;
	output->error_colour = coloured && isatty(STDERR_FILENO) == 1;
}

static const char *sequence(enum output_colour colour)
{
	switch (colour) {
	case COLOUR_BOLD:
		return "\033[1m";
	case COLOUR_DIM:
		return "\033[2m";
	case COLOUR_GREEN:
		return "\033[32m";
	case COLOUR_RED:
		return "\033[31m";
	}
	return "";
}

const char *output_on(const struct output *output, enum output_colour colour)
{
	return output->colour ? sequence(colour) : "";
}

const char *output_off(const struct output *output)
{
	return output->colour ? "\033[0m" : "";
}

static void fail_as_json(const struct output *output, const char *code, struct span detail,
			 const char *hint)
{
	OWNED(buf) struct buf text = { 0 };
	struct json_writer writer;

	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	json_key(&writer, "error");
	json_begin_object(&writer);
	json_member_cstring(&writer, "code", code);
	/* Messages may quote a command line, which may be anything. */
	json_member_string(&writer, "detail", span_of(detail.data, utf8_valid_prefix(detail)));
	if (hint != NULL)
		json_member_cstring(&writer, "hint", hint);
	json_end_object(&writer);
	json_end_object(&writer);
	(void)fprintf(output->err, "%.*s\n", SPAN_ARG(buf_span(&text)));
}

int output_fail(const struct output *output, enum exit_code exit_code, const char *code,
		struct span detail, const char *hint)
{
	OWNED(buf) struct buf text = { 0 };

	(void)fflush(
		output->out); /* so that what was told before stands before; checked at the end */
	if (output->json) {
		fail_as_json(output, code, detail, hint);
		return (int)exit_code;
	}
	text_layout_harmless(&text, detail);
	(void)fprintf(output->err, "%sconcordance:%s %.*s\n",
		      output->error_colour ? sequence(COLOUR_RED) : "",
		      output->error_colour ? "\033[0m" : "", SPAN_ARG(buf_span(&text)));
	if (hint != NULL) {
		buf_clear(&text);
		text_layout_harmless(&text, span_from_string(hint));
		(void)fprintf(output->err, "  %.*s\n", SPAN_ARG(buf_span(&text)));
	}
	return (int)exit_code;
}

int output_fail_status(const struct output *output, enum status status, const struct error *err,
		       const char *hint)
{
	return output_fail(output, exit_code_of(status), status_word(status),
			   span_from_string(error_text(err)), hint);
}

int output_finish(const struct output *output, int exit_code)
{
	struct error err = { 0 };

	if (fflush(output->out) == 0 && ferror(output->out) == 0)
		return exit_code;
	if (exit_code != EXIT_CODE_OK)
		return exit_code;
	return output_fail_status(output, error_set_errno(&err, errno, "writing the answer"), &err,
				  NULL);
}
