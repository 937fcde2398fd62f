/* SPDX-License-Identifier: Apache-2.0 */
/* cli_state.c - `concordance state`: an aggregate's state, now or as it was. */
#include "app/cli_state.h"

#include "app/api_client.h"
#include "app/json_layout.h"
#include "model/timestamp.h"
#include "json/json.h"

#define ANSWER_MAX_BYTES ((size_t)128 << 20)

static const struct option_spec options[] = {
	{ .name = "version",
	  .kind = OPTION_NUMBER,
	  .value = "N",
	  .min = 1,
	  .max = UINT64_MAX,
	  .help = "as it was after this version" },
	{ .name = "time",
	  .kind = OPTION_TEXT,
	  .value = "TIME",
	  .help = "as it was at this time: 2026-01-31T12:00:00Z" },
};

enum status state_read(const struct arguments *arguments, struct state_arguments *ret,
		       struct error *err)
{
	const char *time = arguments_text(arguments, "time");
	struct state_arguments state = { 0 };
	enum status s = api_client_stream_parse(arguments->positionals[0], &state.stream, err);
	uint64_t time_us;

	if (s != OK)
		return s;
	if (arguments_number(arguments, "version", &state.version) && time != NULL)
		return ERROR(err, ERR_INVALID,
			     "options '--version' and '--time' exclude each other");
	if (time != NULL) {
		state.time = span_from_string(time);
		if (!timestamp_parse(state.time, &time_us))
			return ERROR(
				err, ERR_INVALID,
				"option '--time' takes a time like 2026-01-31T12:00:00Z, not '%s'",
				time);
	}
	*ret = state;
	return OK;
}

static enum status state_show(const struct output *output, struct span body, struct error *err)
{
	OWNED(arena) struct arena *arena = arena_new(ANSWER_MAX_BYTES);
	OWNED(buf) struct buf stream = { 0 }, state = { 0 };
	const struct json *answer;
	uint64_t version = 0;
	enum status s;

	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for the answer");
	s = json_parse(body, arena, &answer, err);
	if (s != OK)
		return error_wrap(err, s, "the server's answer");
	if (!json_u64(json_get(answer, "version"), &version))
		return ERROR(err, ERR_INVALID, "the server's answer has no version");
	text_layout_harmless(&stream, json_string(json_get(answer, "stream")));
	json_layout_indented(&state, json_member_text(body, "state"));
	if (buf_status(&state) != OK)
		return ERROR(err, ERR_NOMEM, "no memory for the state");
	(void)fprintf(output->out, "%s%.*s%s  version %llu\n%.*s\n", output_on(output, COLOUR_BOLD),
		      SPAN_ARG(buf_span(&stream)), output_off(output), (unsigned long long)version,
		      SPAN_ARG(buf_span(&state)));
	return OK;
}

static int answer_show(const struct output *output, struct span body)
{
	OWNED(buf) struct buf text = { 0 };
	struct error err = { 0 };
	enum status s = output->json ? ERR_INVALID : state_show(output, body, &err);

	/* Also what cannot be read here, like data that is nested as deep as is allowed: it is an
	 * answer all the same. */
	if (s == ERR_INVALID) {
		json_layout_compact(&text, body);
		(void)fprintf(output->out, "%.*s\n", SPAN_ARG(buf_span(&text)));
		return EXIT_CODE_OK;
	}
	return s == OK ? EXIT_CODE_OK : output_fail_status(output, s, &err, NULL);
}

static int run(struct cli *cli, const struct arguments *arguments)
{
	struct state_arguments state;
	struct api_client client;
	struct error err = { 0 };
	enum status s;
	int code;

	if (state_read(arguments, &state, &err) != OK)
		return cli_usage_error(cli, "state", &err);
	s = api_client_init(&client, cli, false, &err);
	if (s != OK)
		return output_fail_status(&cli->output, s, &err, NULL);
	api_client_path(&client, "/v1/aggregates/");
	api_client_stream(&client, state.stream);
	if (state.version != 0)
		api_client_query_u64(&client, "version", state.version);
	if (state.time.data != NULL)
		api_client_query(&client, "time", state.time);
	code = api_client_call(&client, &(struct http_client_request){ .method = "GET" }, NULL);
	if (code == EXIT_CODE_OK)
		code = answer_show(&cli->output, buf_span(&client.response.body));
	api_client_fini(&client);
	return code;
}

const struct cli_command cli_state_command = {
	.name = "state",
	.usage = "AGGREGATE/KEY",
	.summary = "show an aggregate's state, now or as it was",
	.description = "",
	.examples = "  concordance state bankaccount/ABC123\n"
		    "  concordance state bankaccount/ABC123 --version 2 --json\n"
		    "  concordance state bankaccount/ABC123 --time 2026-01-31T12:00:00Z\n",
	.options = options,
	.option_count = ARRAY_COUNT(options),
	.positionals_min = 1,
	.positionals_max = 1,
	.asks_server = true,
	.run = run,
};
