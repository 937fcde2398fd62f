/* SPDX-License-Identifier: Apache-2.0 */
/* test_arguments.c - command lines are read by a table; what is wrong is told precisely. */
#include "unit/app/harness.h"

#include "app/arguments.h"

static const struct option_spec specs[] = {
	{ .name = "flag", .letter = 'f', .kind = OPTION_FLAG, .help = "one" },
	{ .name = "text",
	  .letter = 't',
	  .kind = OPTION_TEXT,
	  .value = "TEXT",
	  .help = "two\nlines" },
	{ .name = "number",
	  .kind = OPTION_NUMBER,
	  .value = "N",
	  .min = 1,
	  .max = 100,
	  .help = "three" },
	{ .name = "list", .letter = 'l', .kind = OPTION_LIST, .value = "X", .help = "four" },
	{ .name = "flat", .kind = OPTION_FLAG, .help = "five" },
};

/* The words are constants, which getopt reorders but does not write to. */
static enum status parse(struct arguments *ret, struct error *err, bool stop_early,
			 const char *const *words, size_t count)
{
	static union {
		const char *words[64];
		char *argv[64];
	} line;

	memcpy(line.words, words, count * sizeof(words[0]));
	line.words[count] = NULL;
	return arguments_parse(specs, sizeof(specs) / sizeof(specs[0]), stop_early, (int)count,
			       line.argv, ret, err);
}

#define PARSE(ret, err, ...)                                                  \
	parse((ret), (err), false, (const char *const[]){ "x", __VA_ARGS__ }, \
	      sizeof((const char *const[]){ "x", __VA_ARGS__ }) / sizeof(char *))

static void options_and_positionals_may_be_mixed(void **state)
{
	struct arguments a;
	struct error err = { 0 };
	uint64_t number = 0;
	size_t count;

	(void)state;
	assert_int_equal(PARSE(&a, &err, "p1", "-f", "--text", "t", "p2", "--number=7", "-lx",
			       "--list", "y", "--", "-p3"),
			 OK);
	assert_true(arguments_flag(&a, "flag"));
	assert_false(arguments_flag(&a, "flat"));
	assert_string_equal(arguments_text(&a, "text"), "t");
	assert_true(arguments_number(&a, "number", &number));
	assert_int_equal(number, 7);
	assert_string_equal(arguments_list(&a, "list", &count)[1], "y");
	assert_int_equal(count, 2);
	assert_int_equal(a.positional_count, 3);
	assert_string_equal(a.positionals[2], "-p3");
}

static void what_is_not_given_is_not_there(void **state)
{
	struct arguments a;
	struct error err = { 0 };
	uint64_t number = 5;
	size_t count = 5;

	(void)state;
	assert_int_equal(PARSE(&a, &err, "-"), OK);
	assert_null(arguments_text(&a, "text"));
	assert_false(arguments_number(&a, "number", &number));
	assert_int_equal(number, 5);
	(void)arguments_list(&a, "list", &count);
	assert_int_equal(count, 0);
	assert_string_equal(a.positionals[0], "-");
}

static void with_stop_early_the_first_positional_ends_the_options(void **state)
{
	struct arguments a;
	const char *const words[] = { "x", "--flag", "command", "--text", "t" };

	(void)state;
	assert_int_equal(parse(&a, NULL, true, words, 5), OK);
	assert_true(arguments_flag(&a, "flag"));
	assert_null(arguments_text(&a, "text"));
	assert_int_equal(a.rest, 2);
	assert_int_equal(a.positional_count, 0);
}

static void long_options_may_be_shortened_while_they_mean_one(void **state)
{
	struct arguments a;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(PARSE(&a, &err, "--te", "t"), OK);
	assert_string_equal(arguments_text(&a, "text"), "t");
	assert_int_equal(PARSE(&a, &err, "--fla"), ERR_INVALID);
	assert_string_equal(err.message, "option '--fla' can mean several: write it out");
}

static void mistakes_are_told_with_what_would_be_right(void **state)
{
	static const struct {
		const char *words[4];
		size_t count;
		const char *message;
	} bad[] = {
		{ { "x", "--txet", "t" }, 3, "unknown option '--txet': did you mean '--text'?" },
		{ { "x", "--colour" }, 2, "unknown option '--colour'" },
		{ { "x", "-q" }, 2, "unknown option '-q'" },
		{ { "x", "-fq" }, 2, "unknown option '-q'" },
		{ { "x", "--text" }, 2, "option '--text' needs a value" },
		{ { "x", "-t" }, 2, "option '--text' needs a value" },
		{ { "x", "--text=" }, 2, "option '--text' needs a value that is not empty" },
		{ { "x", "--list", "" }, 3, "option '--list' needs a value that is not empty" },
		{ { "x", "--flag=1" }, 2, "option '--flag' takes no value" },
		{ { "x", "-f", "-f" }, 3, "option '--flag' is given twice" },
		{ { "x", "--number", "0" },
		  3,
		  "option '--number' takes a whole number from 1 to 100, not '0'" },
		{ { "x", "--number", "101" },
		  3,
		  "option '--number' takes a whole number from 1 to 100, not '101'" },
		{ { "x", "--number", "1e1" },
		  3,
		  "option '--number' takes a whole number from 1 to 100, not '1e1'" },
		{ { "x", "--number", "-1" },
		  3,
		  "option '--number' takes a whole number from 1 to 100, not '-1'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arguments a;
		struct error err = { 0 };

		assert_int_equal(parse(&a, &err, false, bad[i].words, bad[i].count), ERR_INVALID);
		assert_string_equal(err.message, bad[i].message);
	}
}

static void too_many_are_refused(void **state)
{
	const char *many[50] = { "x" };
	struct arguments a;
	struct error err = { 0 };

	(void)state;
	for (size_t i = 1; i < 50; i++)
		many[i] = "p";
	assert_int_equal(parse(&a, &err, false, many, 2 + ARGUMENTS_POSITIONALS_MAX), ERR_INVALID);
	assert_non_null(strstr(err.message, "too many arguments"));
	for (size_t i = 1; i < 50; i++)
		many[i] = "-lx";
	assert_int_equal(parse(&a, &err, false, many, 2 + ARGUMENTS_LIST_MAX), ERR_INVALID);
	assert_non_null(strstr(err.message, "more than 32 times"));
}

static void help_aligns_the_options(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	arguments_help(out, specs, 3);
	(void)fclose(out);
	assert_string_equal(text, "  -f, --flag       one\n"
				  "  -t, --text TEXT  two\n"
				  "                   lines\n"
				  "      --number N   three\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_and_positionals_may_be_mixed),
		cmocka_unit_test(what_is_not_given_is_not_there),
		cmocka_unit_test(with_stop_early_the_first_positional_ends_the_options),
		cmocka_unit_test(long_options_may_be_shortened_while_they_mean_one),
		cmocka_unit_test(mistakes_are_told_with_what_would_be_right),
		cmocka_unit_test(too_many_are_refused),
		cmocka_unit_test(help_aligns_the_options),
	};

	return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
