/* SPDX-License-Identifier: Apache-2.0 */
/* cli_run.c - `concordance run`: from options to the server. */
#include "app/cli_run.h"

#include "base/suggest.h"

#define LANES_MAX 64

static const struct option_spec options[] = {
	{ .name = "file",
	  .letter = 'f',
	  .kind = OPTION_TEXT,
	  .value = "FILE",
	  .help = "the manifest (default: concordance.yaml)" },
	{ .name = "data",
	  .letter = 'd',
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "where events are kept, made when it is not there\n"
		  "(default: the folder `data` beside the manifest)" },
	{ .name = "listen",
	  .letter = 'l',
	  .kind = OPTION_TEXT,
	  .value = "ADDRESS:PORT",
	  .help = "where to answer; port 0: any free one\n"
		  "(default: the manifest's http.listen, else 127.0.0.1:8080)" },
	{ .name = "ephemeral",
	  .kind = OPTION_FLAG,
	  .help = "keep events in memory only: they end with the process" },
	{ .name = "lanes",
	  .kind = OPTION_NUMBER,
	  .value = "N",
	  .min = 1,
	  .max = LANES_MAX,
	  .help = "event-loop threads (default: one for each core)" },
	{ .name = "host",
	  .kind = OPTION_LIST,
	  .value = "NAME",
	  .help = "a name that clients may call the server by, besides\n"
		  "localhost and the manifest's http.hosts" },
	{ .name = "insecure",
	  .kind = OPTION_FLAG,
	  .help = "allow addresses that other machines reach, though there is\n"
		  "no access token and no TLS" },
	{ .name = "log-level",
	  .kind = OPTION_TEXT,
	  .value = "LEVEL",
	  .help = "debug, info, warn or error (default: info)" },
	{ .name = "cache",
	  .kind = OPTION_TEXT,
	  .value = "DIR",
	  .help = "where compiled components are kept\n(default: the user's cache directory)" },
};

static enum status level_read(const char *text, enum log_level *ret, struct error *err)
{
	static const char *const words[] = { "debug", "info", "warn", "error" };
	static const enum log_level levels[] = { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
	OWNED(buf) struct buf suggestion = { .max_bytes = 200 };

	for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret = levels[i];
			return OK;
		}
	}
	suggest_append(&suggestion, span_from_string(text), words, ARRAY_COUNT(words));
	return ERROR(err, ERR_INVALID, "unknown log level '%s'%.*s", text,
		     SPAN_ARG(buf_span(&suggestion)));
}

enum status run_read(const struct arguments *arguments, struct serve_options *ret,
		     struct error *err)
{
	const char *file = arguments_text(arguments, "file");
	const char *level = arguments_text(arguments, "log-level");
	struct serve_options serve = {
		.manifest_path = file != NULL ? file : "concordance.yaml",
		.data_directory = arguments_text(arguments, "data"),
		.listen = arguments_text(arguments, "listen"),
		.ephemeral = arguments_flag(arguments, "ephemeral"),
		.insecure = arguments_flag(arguments, "insecure"),
		.log_level = LOG_INFO,
		.cache_directory = arguments_text(arguments, "cache"),
	};
	uint64_t lanes;
	enum status s;

	serve.hosts = arguments_list(arguments, "host", &serve.host_count);
	if (arguments_number(arguments, "lanes", &lanes))
		serve.lanes = (unsigned)lanes;
	if (serve.ephemeral && serve.data_directory != NULL)
		return ERROR(err, ERR_INVALID,
			     "options '--ephemeral' and '--data' exclude each other: nothing is "
			     "kept, or "
			     "it is kept there");
	if (level != NULL) {
		s = level_read(level, &serve.log_level, err);
		if (s != OK)
			return s;
	}
	*ret = serve;
	return OK;
}

static int run(struct cli *cli, const struct arguments *arguments)
{
	struct serve_options serve;
	struct error err = { 0 };

	if (run_read(arguments, &serve, &err) != OK)
		return cli_usage_error(cli, "run", &err);
	return serve_run(&serve);
}

const struct cli_command cli_run_command = {
	.name = "run",
	.usage = "",
	.summary = "serve an application over HTTP",
	.description = "Checks the manifest and its components, opens the data directory, then "
		       "answers until\n"
		       "SIGINT or SIGTERM; what was accepted by then is finished first. A second "
		       "signal ends\n"
		       "it at once: nothing that was answered is lost.",
	.examples = "  concordance run\n"
		    "  concordance run -f examples/bank/concordance.yaml --data /var/lib/bank\n"
		    "  concordance run --ephemeral --listen 127.0.0.1:0\n",
	.options = options,
	.option_count = ARRAY_COUNT(options),
	.run = run,
};
