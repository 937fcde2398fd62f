/* SPDX-License-Identifier: Apache-2.0 */
/* arguments.c - getopt_long, driven by a table. */
#include "app/arguments.h"

#include <getopt.h>
#include <inttypes.h>

#include "base/check.h"
#include "base/suggest.h"

#define LONG_VALUE_BASE 256 /* what getopt_long answers for the option with index 0 */

/* The tables that getopt wants. */
struct getopt_tables {
	char letters[3 + 2 * ARGUMENTS_OPTIONS_MAX];
	struct option longs[ARGUMENTS_OPTIONS_MAX + 1];
};

static void tables_make(const struct option_spec *specs, size_t count, bool stop_early,
			struct getopt_tables *tables)
{
	size_t used = 0;

	memset(tables, 0, sizeof(*tables));
	if (stop_early)
		tables->letters[used++] = '+';
	/* Tells a missing value from an unknown option. */
	tables->letters[used++] = ':';
	for (size_t i = 0; i < count; i++) {
		bool valued = specs[i].kind != OPTION_FLAG;

		tables->longs[i] =
			(struct option){ .name = specs[i].name,
					 .has_arg = valued ? required_argument : no_argument,
					 .val = LONG_VALUE_BASE + (int)i };
		if (specs[i].letter == '\0')
			continue;
		tables->letters[used++] = specs[i].letter;
		if (valued)
			tables->letters[used++] = ':';
	}
}

static enum status unknown_option(const struct option_spec *specs, size_t count,
				  const char *argument, struct error *err)
{
	OWNED(buf) struct buf suggestion = { .max_bytes = 200 };
	const char *names[ARGUMENTS_OPTIONS_MAX];
	size_t size = strcspn(argument + 2, "="), prefixes = 0;

	for (size_t i = 0; i < count; i++) {
		names[i] = specs[i].name;
		prefixes += strncmp(names[i], argument + 2, size) == 0;
	}
	if (prefixes > 1)
		return ERROR(err, ERR_INVALID, "option '--%.*s' can mean several: write it out",
			     (int)size, argument + 2);
	for (size_t i = 0; i < count; i++) {
		if (prefixes == 1 && strncmp(names[i], argument + 2, size) == 0)
			return ERROR(err, ERR_INVALID, "option '--%s' takes no value", names[i]);
	}
	size_t nearest = suggest_nearest(span_of(argument + 2, size), names, count);

	if (nearest < count)
		buf_append_format(&suggestion, ": did you mean '--%s'?", names[nearest]);
	return ERROR(err, ERR_INVALID, "unknown option '--%.*s'%.*s", (int)size, argument + 2,
		     SPAN_ARG(buf_span(&suggestion)));
}

static enum status value_take(const struct option_spec *spec, const char *text,
			      struct option_value *value, struct error *err)
{
	if (value->given && spec->kind != OPTION_LIST)
		return ERROR(err, ERR_INVALID, "option '--%s' is given twice", spec->name);
	value->given = true;
	switch (spec->kind) {
	case OPTION_FLAG:
		return OK;
	case OPTION_TEXT:
		if (text[0] == '\0')
			return ERROR(err, ERR_INVALID,
				     "option '--%s' needs a value that is not empty", spec->name);
		value->text = text;
		return OK;
	case OPTION_LIST:
		if (text[0] == '\0')
			return ERROR(err, ERR_INVALID,
				     "option '--%s' needs a value that is not empty", spec->name);
		if (value->list_count == ARGUMENTS_LIST_MAX)
			return ERROR(err, ERR_INVALID, "option '--%s' is given more than %d times",
				     spec->name, ARGUMENTS_LIST_MAX);
		value->list[value->list_count++] = text;
		return OK;
	case OPTION_NUMBER:
		if (!span_parse_u64(span_from_string(text), &value->number) ||
		    value->number < spec->min || value->number > spec->max)
			return ERROR(err, ERR_INVALID,
				     "option '--%s' takes a whole number from %" PRIu64
				     " to %" PRIu64 ", not '%s'",
				     spec->name, spec->min, spec->max, text);
		return OK;
	}
	return OK;
}

static const struct option_spec *spec_found(const struct option_spec *specs, size_t count,
					    int found)
{
	if (found >= LONG_VALUE_BASE)
		return &specs[found - LONG_VALUE_BASE];
	for (size_t i = 0; i < count; i++) {
		if (specs[i].letter != '\0' && specs[i].letter == found)
			return &specs[i];
	}
	return NULL;
}

static enum status positional_add(struct arguments *arguments, const char *text, struct error *err)
{
	if (arguments->positional_count == ARGUMENTS_POSITIONALS_MAX)
		return ERROR(err, ERR_INVALID, "too many arguments, from '%s' on", text);
	arguments->positionals[arguments->positional_count++] = text;
	return OK;
}

enum status arguments_parse(const struct option_spec *specs, size_t count, bool stop_early,
			    int argc, char **argv, struct arguments *ret, struct error *err)
{
	struct arguments arguments = { .specs = specs, .spec_count = count };
	struct getopt_tables tables;
	enum status s = OK;
	int found;

	CHECK(count <= ARGUMENTS_OPTIONS_MAX);
	tables_make(specs, count, stop_early, &tables);
	/* 0 makes glibc forget an earlier command line, its own way of permuting included. */
	optind = 0;
	opterr = 0;
	/* The process' only user of getopt, on its main thread. */
	while (s == OK &&
	       (found = getopt_long(/* NOLINT(concurrency-mt-unsafe) */
				    argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		const struct option_spec *spec =
			spec_found(specs, count, found == ':' ? optopt : found);

		if (found == '?' && optopt > 0 && optopt < LONG_VALUE_BASE)
			s = ERROR(err, ERR_INVALID, "unknown option '-%c'",
				  optopt > 0x20 && optopt < 0x7f ? optopt : '?');
		else if (found == '?')
			s = unknown_option(specs, count, argv[optind - 1], err);
		else if (found == ':')
			s = ERROR(err, ERR_INVALID, "option '--%s' needs a value",
				  spec != NULL ? spec->name : "?");
		else if (spec == NULL)
			s = ERROR(err, ERR_INVALID, "unknown option '%s'", argv[optind - 1]);
		else
			s = value_take(spec, optarg, &arguments.values[spec - specs], err);
	}
	arguments.rest = optind;
	for (int i = optind; s == OK && !stop_early && i < argc; i++)
		s = positional_add(&arguments, argv[i], err);
	if (s == OK)
		*ret = arguments;
	return s;
}

static const struct option_value *value_get(const struct arguments *arguments, const char *name,
					    enum option_kind kind)
{
	size_t i = 0;

	while (i < arguments->spec_count && strcmp(arguments->specs[i].name, name) != 0)
		i++;
	CHECK(i < arguments->spec_count);
	CHECK(arguments->specs[i].kind == kind);
	return &arguments->values[i];
}

bool arguments_flag(const struct arguments *arguments, const char *name)
{
	return value_get(arguments, name, OPTION_FLAG)->given;
}

const char *arguments_text(const struct arguments *arguments, const char *name)
{
	return value_get(arguments, name, OPTION_TEXT)->text;
}

bool arguments_number(const struct arguments *arguments, const char *name, uint64_t *ret)
{
	const struct option_value *value = value_get(arguments, name, OPTION_NUMBER);

	if (value->given)
		*ret = value->number;
	return value->given;
}

const char *const *arguments_list(const struct arguments *arguments, const char *name,
				  size_t *ret_count)
{
	const struct option_value *value = value_get(arguments, name, OPTION_LIST);

	*ret_count = value->list_count;
	return value->list;
}

/* ---- help --------------------------------------------------------------------------------------- */

static size_t label_append(struct buf *buf, const struct option_spec *spec)
{
	size_t before = buf->size;

	if (spec->letter != '\0')
		buf_append_format(buf, "-%c, ", spec->letter);
	else
		buf_append_string(buf, "    ");
	buf_append_format(buf, "--%s", spec->name);
	if (spec->value != NULL)
		buf_append_format(buf, " %s", spec->value);
	return buf->size - before;
}

void arguments_help(FILE *out, const struct option_spec *specs, size_t count)
{
	OWNED(buf) struct buf label = { .max_bytes = 4096 };
	size_t width = 0;

	for (size_t i = 0; i < count; i++) {
		size_t size = label_append(&label, &specs[i]);

		width = size > width ? size : width;
	}
	for (size_t i = 0; i < count; i++) {
		const char *line = specs[i].help;

		buf_clear(&label);
		(void)label_append(&label, &specs[i]);
		(void)fprintf(out, "  %-*.*s", (int)width, SPAN_ARG(buf_span(&label)));
		for (const char *end = strchr(line, '\n'); end != NULL; end = strchr(line, '\n')) {
			(void)fprintf(out, "  %.*s\n%*s", (int)(end - line), line, (int)width + 2,
				      "");
			line = end + 1;
		}
		(void)fprintf(out, "  %s\n", line);
	}
}
