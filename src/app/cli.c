/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - finds the subcommand, reads its command line, explains itself. */
#include "app/cli.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/suggest.h"

static const struct cli_command *const commands[] = {
	&cli_run_command,   &cli_send_command,   &cli_events_command,  &cli_state_command,
	&cli_check_command, &cli_verify_command, &cli_inspect_command, &cli_version_command,
};

#define OPTION_JSON                                                \
	{                                                          \
		.name = "json", .kind = OPTION_FLAG,               \
		.help = "answers and errors as JSON, for programs" \
	}
#define OPTION_HELP                                                                             \
	{                                                                                       \
		.name = "help", .letter = 'h', .kind = OPTION_FLAG, .help = "explain, then end" \
	}
#define OPTION_URL                                                                               \
	{                                                                                        \
		.name = "url", .kind = OPTION_TEXT, .value = "URL",                              \
		.help = "where the server is (default: $CONCORDANCE_URL, else\n" CLI_URL_DEFAULT \
			")"                                                                      \
	}

static const struct option_spec global_options[] = {
	OPTION_JSON,
	OPTION_URL,
	OPTION_HELP,
	{ .name = "version", .kind = OPTION_FLAG, .help = "print the version, then end" },
};

static const struct option_spec common_options[] = { OPTION_JSON, OPTION_HELP, OPTION_URL };

/* ---- help --------------------------------------------------------------------------------------- */

static void exit_codes_help(FILE *out)
{
	(void)fputs("\nExit codes:\n", out);
#define X(name, number, meaning) (void)fprintf(out, "  %d  %s\n", number, meaning);
	EXIT_CODE_TABLE(X)
#undef X
}

static void program_help(FILE *out)
{
	(void)fputs(
		"concordance - runs event-sourced applications made of WebAssembly components\n\n"
		"Usage: concordance SUBCOMMAND [ARGUMENTS]\n\nSubcommands:\n",
		out);
	for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
		(void)fprintf(out, "  %-8s  %s\n", commands[i]->name, commands[i]->summary);
	(void)fprintf(out, "  %-8s  %s\n", "help", "explain a subcommand");
	(void)fputs("\nOptions of all:\n", out);
	arguments_help(out, global_options, ARRAY_COUNT(global_options));
	(void)fputs(
		"\nBegin with:\n"
		"  concordance run                       serve ./concordance.yaml\n"
		"  concordance help send                 how to send a command, with examples\n",
		out);
	exit_codes_help(out);
}

/* The subcommand's options and the common ones that it takes. */
static size_t specs_make(const struct cli_command *command,
			 struct option_spec specs[static ARGUMENTS_OPTIONS_MAX])
{
	size_t common = ARRAY_COUNT(common_options) - (command->asks_server ? 0 : 1);

	CHECK(command->option_count + common <= ARGUMENTS_OPTIONS_MAX);
	for (size_t i = 0; i < command->option_count; i++)
		specs[i] = command->options[i];
	for (size_t i = 0; i < common; i++)
		specs[command->option_count + i] = common_options[i];
	return command->option_count + common;
}

static void command_help(FILE *out, const struct cli_command *command)
{
	struct option_spec specs[ARGUMENTS_OPTIONS_MAX];
	size_t count = specs_make(command, specs);

	(void)fprintf(out, "concordance %s - %s\n\nUsage: concordance %s [OPTIONS]%s%s\n",
		      command->name, command->summary, command->name,
		      command->usage[0] != '\0' ? " " : "", command->usage);
	if (command->description[0] != '\0')
		(void)fprintf(out, "\n%s\n", command->description);
	(void)fputs("\nOptions:\n", out);
	arguments_help(out, specs, count);
	(void)fprintf(out, "\nExamples:\n%s", command->examples);
	exit_codes_help(out);
}

int cli_usage_error(const struct cli *cli, const char *command, const struct error *err)
{
	char hint[100];

	(void)snprintf(hint, sizeof(hint), "See `concordance help%s%s`.",
		       command != NULL ? " " : "", command != NULL ? command : "");
	return output_fail(&cli->output, EXIT_CODE_USAGE, "usage",
			   span_from_string(error_text(err)), hint);
}

/* ---- dispatch ------------------------------------------------------------------------------------ */

static const struct cli_command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

static int unknown_command(const struct cli *cli, const char *name)
{
	OWNED(buf) struct buf suggestion = { .max_bytes = 300 };
	const char *names[ARRAY_COUNT(commands) + 1];
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
		names[i] = commands[i]->name;
	names[ARRAY_COUNT(commands)] = "help";
	suggest_append(&suggestion, span_from_string(name), names, ARRAY_COUNT(names));
	(void)ERROR(&err, ERR_INVALID, "unknown subcommand '%s'%.*s", name,
		    SPAN_ARG(buf_span(&suggestion)));
	return cli_usage_error(cli, NULL, &err);
}

static int help_run(const struct cli *cli, int argc, char **argv)
{
	const struct cli_command *command;

	if (argc < 2 || strcmp(argv[1], "help") == 0 || argv[1][0] == '-') {
		program_help(cli->output.out);
		return EXIT_CODE_OK;
	}
	command = command_find(argv[1]);
	if (command == NULL)
		return unknown_command(cli, argv[1]);
	command_help(cli->output.out, command);
	return EXIT_CODE_OK;
}

static int command_run(struct cli *cli, const struct cli_command *command, int argc, char **argv)
{
	struct option_spec specs[ARGUMENTS_OPTIONS_MAX];
	size_t count = specs_make(command, specs);
	struct arguments arguments;
	struct error err = { 0 };

	if (arguments_parse(specs, count, false, argc, argv, &arguments, &err) != OK)
		return cli_usage_error(cli, command->name, &err);
	if (arguments_flag(&arguments, "help")) {
		command_help(cli->output.out, command);
		return EXIT_CODE_OK;
	}
	cli->output.json |= arguments_flag(&arguments, "json");
	if (command->asks_server && arguments_text(&arguments, "url") != NULL)
		cli->url = arguments_text(&arguments, "url");
	if (arguments.positional_count < command->positionals_min ||
	    arguments.positional_count > command->positionals_max) {
		if (command->usage[0] != '\0')
			(void)ERROR(&err, ERR_INVALID, "%s arguments: `concordance %s` takes %s",
				    arguments.positional_count < command->positionals_min
					    ? "too few"
					    : "too many",
				    command->name, command->usage);
		else
			(void)ERROR(&err, ERR_INVALID, "`concordance %s` takes no '%s'",
				    command->name, arguments.positionals[0]);
		return cli_usage_error(cli, command->name, &err);
	}
	return command->run(cli, &arguments);
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
	const struct cli_command *command;
	struct arguments arguments;
	struct error err = { 0 };
	const char *url, *environment;

	if (arguments_parse(global_options, ARRAY_COUNT(global_options), true, argc, argv,
			    &arguments, &err) != OK)
		return cli_usage_error(cli, NULL, &err);
	/* Read once, before any thread is started. */
	environment = getenv("CONCORDANCE_URL"); /* NOLINT(concurrency-mt-unsafe) */
	url = arguments_text(&arguments, "url");
	cli->url = url != NULL                                     ? url
		   : environment != NULL && environment[0] != '\0' ? environment
								   : CLI_URL_DEFAULT;
	cli->output.json = arguments_flag(&arguments, "json");
	if (arguments_flag(&arguments, "version"))
		return cli_version_command.run(cli, &arguments);
	if (arguments_flag(&arguments, "help")) {
		program_help(cli->output.out);
		return EXIT_CODE_OK;
	}
	argc -= arguments.rest;
	argv += arguments.rest;
	if (argc == 0) {
		program_help(cli->output.err);
		return EXIT_CODE_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help_run(cli, argc, argv);
	command = command_find(argv[0]);
	if (command == NULL)
		return unknown_command(cli, argv[0]);
	return command_run(cli, command, argc, argv);
}

int cli_main(struct cli *cli, int argc, char **argv)
{
	return output_finish(&cli->output, dispatch(cli, argc, argv));
}
