/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_ARGUMENTS_H
#define APP_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* arguments.h - a command line, read by a table of options (getopt_long).
 *
 * Reading does nothing else, so that it can be tested, and so that a wrong command line has done
 * nothing. Options and positional arguments may be mixed; `--` ends the options; long options may be
 * shortened as long as they are unambiguous. All texts are borrowed from argv. */

#define ARGUMENTS_OPTIONS_MAX     24
#define ARGUMENTS_LIST_MAX        32
#define ARGUMENTS_POSITIONALS_MAX 8

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_NUMBER, /* decimal, min - max */
	OPTION_LIST,   /* a text, any number of times */
};

struct option_spec {
	const char *name; /* long, without dashes */
	char letter;      /* 0: no short form */
	enum option_kind kind;
	const char *value; /* what stands for it in the help: "DIR"; NULL for a flag */
	const char *help;  /* may have several lines */
	uint64_t min, max; /* OPTION_NUMBER */
};

struct option_value {
	bool given;
	const char *text;
	uint64_t number;
	const char *list[ARGUMENTS_LIST_MAX];
	size_t list_count;
};

struct arguments {
	const struct option_spec *specs; /* borrowed */
	size_t spec_count;
	struct option_value values[ARGUMENTS_OPTIONS_MAX];
	const char *positionals[ARGUMENTS_POSITIONALS_MAX];
	size_t positional_count;
	int rest; /* with stop_early: index in argv of the first positional argument */
};

/* Reads argv[1] and what follows. With `stop_early`, the first positional argument ends the options
 * and is not taken. ERR_INVALID: unknown, ambiguous or repeated options, missing or bad values, too
 * many arguments; the message says which, and what was probably meant. */
enum status arguments_parse(const struct option_spec *specs, size_t count, bool stop_early,
			    int argc, char **argv, struct arguments *ret,
			    struct error *err) NODISCARD;

/* By name; the name must be in the table (checked). */
bool arguments_flag(const struct arguments *arguments, const char *name);
const char *arguments_text(const struct arguments *arguments,
			   const char *name); /* NULL: not given */
/* False, with *ret untouched, when it was not given. */
bool arguments_number(const struct arguments *arguments, const char *name, uint64_t *ret);
const char *const *arguments_list(const struct arguments *arguments, const char *name,
				  size_t *ret_count);

/* The options as lines of a help text. */
void arguments_help(FILE *out, const struct option_spec *specs, size_t count);

#endif
