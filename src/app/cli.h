/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_CLI_H
#define APP_CLI_H

#include "app/arguments.h"
#include "app/output.h"

/* cli.h - the command line `concordance SUBCOMMAND ...`: a table of subcommands.
 *
 * Each subcommand reads its arguments into a struct of its own (`..._read`), which checks everything
 * that can be checked without doing anything, and then does its work. */

#define CLI_URL_DEFAULT "http://127.0.0.1:8080"

struct cli {
	struct output output;
	FILE *in;        /* for data given as `-` */
	const char *url; /* of the server; from --url, CONCORDANCE_URL or the default */
};

struct cli_command {
	const char *name;
	const char *usage;                 /* its arguments: "AGGREGATE/KEY TYPE [JSON|-]" */
	const char *summary;               /* one line */
	const char *description;           /* paragraphs; may be "" */
	const char *examples;              /* lines */
	const struct option_spec *options; /* its own; --json, --help and --url are added */
	size_t option_count;
	size_t positionals_min;
	size_t positionals_max;
	bool asks_server; /* takes --url */
	int (*run)(struct cli *cli, const struct arguments *arguments);
};

extern const struct cli_command cli_run_command;
extern const struct cli_command cli_send_command;
extern const struct cli_command cli_events_command;
extern const struct cli_command cli_state_command;
extern const struct cli_command cli_verify_command;
extern const struct cli_command cli_check_command;
extern const struct cli_command cli_inspect_command;
extern const struct cli_command cli_version_command;

/* The whole program: reads argv, runs the subcommand, answers the exit code. `cli` has its output
 * and input set; the rest is filled in here. */
int cli_main(struct cli *cli, int argc, char **argv);

/* A wrong command line: tells it, with a pointer to the help. Answers EXIT_CODE_USAGE. */
int cli_usage_error(const struct cli *cli, const char *command, const struct error *err);

#endif
