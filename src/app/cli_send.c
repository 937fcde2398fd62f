/* SPDX-License-Identifier: Apache-2.0 */
/* cli_send.c - `concordance send`: one command to one aggregate.
 *
 * The command's id is made here when none is given, so that a command whose answer got lost can be
 * sent again without a second effect. */
#include "app/cli_send.h"

#include <errno.h>
#include <stdlib.h>

#include "app/api_client.h"
#include "app/json_layout.h"
#include "app/table.h"
#include "base/clock.h"
#include "model/uuid.h"
#include "json/json.h"
#include "json/json_writer.h"

#define DATA_MAX_BYTES   ((size_t)1 << 20)
#define ANSWER_MAX_BYTES ((size_t)128 << 20)

static const struct option_spec options[] = {
	{ .name = "id",
	  .kind = OPTION_TEXT,
	  .value = "ID",
	  .help = "the command's id: the same again has no second effect\n(default: a new one)" },
	{ .name = "expected-version",
	  .kind = OPTION_NUMBER,
	  .value = "N",
	  .max = UINT64_MAX,
	  .help = "refuse it when the stream is not at this version\n(0: has no events yet)" },
	{ .name = "correlation-id",
	  .kind = OPTION_TEXT,
	  .value = "ID",
	  .help = "passed on to every command and event that follows" },
	{ .name = "state", .kind = OPTION_FLAG, .help = "show the new state, too" },
};

/* ---- reading ------------------------------------------------------------------------------------ */

static enum status data_check(struct span data, struct error *err)
{
	if (data.size > DATA_MAX_BYTES)
		return ERROR(err, ERR_INVALID,
			     "the command's data has %zu bytes; at most %zu are taken", data.size,
			     DATA_MAX_BYTES);
	if (json_check(data, JSON_MISSING, err) != OK)
		return error_wrap(err, ERR_INVALID, "the command's data is not JSON");
	return OK;
}

static enum status id_check(const char *option, struct span id, struct error *err)
{
	if (name_check_command_id(id, err) != OK)
		return error_wrap(err, ERR_INVALID, "option '--%s'", option);
	return OK;
}

enum status send_read(const struct arguments *arguments, struct send_arguments *ret,
		      struct error *err)
{
	const char *data = arguments->positional_count > 2 ? arguments->positionals[2] : "{}";
	const char *id = arguments_text(arguments, "id");
	const char *correlation_id = arguments_text(arguments, "correlation-id");
	struct send_arguments send = { .want_state = arguments_flag(arguments, "state") };
	enum status s;

	s = api_client_stream_parse(arguments->positionals[0], &send.stream, err);
	if (s != OK)
		return s;
	send.type = span_from_string(arguments->positionals[1]);
	if (name_check_type(send.type, err) != OK)
		return error_wrap(err, ERR_INVALID, "command type '%s'", arguments->positionals[1]);
	if (strcmp(data, "-") != 0) {
		send.data = span_from_string(data);
		s = data_check(send.data, err);
		if (s != OK)
			return s;
	}
	if (id != NULL) {
		send.id = span_from_string(id);
		s = id_check("id", send.id, err);
		if (s == OK && id[0] == '$')
			s = ERROR(err, ERR_INVALID,
				  "ids that begin with '$' are made by the runtime");
		if (s != OK)
			return s;
	}
	if (correlation_id != NULL) {
		send.correlation_id = span_from_string(correlation_id);
		s = id_check("correlation-id", send.correlation_id, err);
		if (s != OK)
			return s;
	}
	send.has_expected_version =
		arguments_number(arguments, "expected-version", &send.expected_version);
	*ret = send;
	return OK;
}

static enum status data_read(FILE *in, struct buf *ret, struct error *err)
{
	char piece[16384];
	size_t size;

	while ((size = fread(piece, 1, sizeof(piece), in)) != 0) {
		buf_append(ret, piece, size);
		if (ret->size > DATA_MAX_BYTES)
			break;
	}
	if (ferror(in) != 0)
		return error_set_errno(err, errno,
				       "reading the command's data from standard input");
	if (buf_status(ret) != OK)
		return ERROR(err, ERR_NOMEM, "no memory for the command's data");
	return data_check(buf_span(ret), err);
}

/* ---- doing -------------------------------------------------------------------------------------- */

static void body_write(struct buf *body, const struct send_arguments *send, struct span id)
{
	struct json_writer writer;

	json_writer_init(&writer, body);
	json_begin_object(&writer);
	json_member_string(&writer, "type", send->type);
	json_member_string(&writer, "id", id);
	if (send->has_expected_version)
		json_member_u64(&writer, "expected_version", send->expected_version);
	if (send->correlation_id.data != NULL) {
		json_key(&writer, "metadata");
		json_begin_object(&writer);
		json_member_string(&writer, "correlation_id", send->correlation_id);
		json_end_object(&writer);
	}
	json_member_raw(&writer, "data", send->data);
	json_end_object(&writer);
}

static void number_cell(char text[static 24], const struct json *value, struct span *ret)
{
	uint64_t number = 0;
	int size;

	if (!json_u64(value, &number)) {
		*ret = SPAN("-");
		return;
	}
	size = snprintf(text, 24, "%llu", (unsigned long long)number);
	*ret = span_of(text, size > 0 ? (size_t)size : 0);
}

static enum status events_show(const struct output *output, struct span body,
			       const struct json *answer, struct error *err)
{
	static const struct table_column columns[] = { { NULL, true },
						       { NULL, false },
						       { NULL, false } };
	struct span events_text = json_member_text(body, "events"), text;
	const struct json *events = json_get(answer, "events");
	struct json_iterator it = json_iterate(events);
	OWNED(buf) struct buf data = { 0 };
	const struct json *event;
	struct table *table;
	enum status s;
	size_t at = 0;

	table = malloc(sizeof(*table));
	if (table == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for a table");
	s = table_init(table, output, columns, ARRAY_COUNT(columns), err);
	while (s == OK && json_next(&it, &text, &event) &&
	       json_next_element_text(events_text, &at, &text)) {
		struct span cells[ARRAY_COUNT(columns)];
		char version[24];

		buf_clear(&data);
		json_layout_compact(&data, json_member_text(text, "data"));
		number_cell(version, json_get(event, "version"), &cells[0]);
		cells[1] = json_string(json_get(event, "type"));
		cells[2] = buf_span(&data);
		s = table_add(table, cells, err);
	}
	if (s == OK)
		table_flush(table);
	table_fini(table);
	free(table);
	return s;
}

static enum status accepted_show(const struct output *output, struct span body, struct error *err)
{
	OWNED(arena) struct arena *arena = arena_new(ANSWER_MAX_BYTES);
	struct span stream, state, version, position;
	OWNED(buf) struct buf text = { 0 };
	char version_text[24], position_text[24];
	const struct json *answer;
	enum status s;

	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "no memory for the answer");
	s = json_parse(body, arena, &answer, err);
	if (s != OK)
		return error_wrap(err, s, "the server's answer");
	stream = json_string(json_get(answer, "stream"));
	text_layout_harmless(&text, stream);
	number_cell(version_text, json_get(answer, "version"), &version);
	number_cell(position_text, json_get(answer, "position"), &position);
	(void)fprintf(output->out, "%saccepted%s  %.*s  version %.*s  position %.*s%s\n",
		      output_on(output, COLOUR_GREEN), output_off(output),
		      SPAN_ARG(buf_span(&text)), SPAN_ARG(version), SPAN_ARG(position),
		      json_bool(json_get(answer, "duplicate"))
			      ? "  (an earlier answer: sent before)"
			      : "");
	s = events_show(output, body, answer, err);
	state = json_member_text(body, "state");
	if (s == OK && state.data != NULL) {
		buf_clear(&text);
		json_layout_indented(&text, state);
		(void)fprintf(output->out, "%.*s\n", SPAN_ARG(buf_span(&text)));
	}
	return s;
}

static int answer_show(const struct output *output, struct span body)
{
	OWNED(buf) struct buf text = { 0 };
	struct error err = { 0 };
	enum status s = output->json ? ERR_INVALID : accepted_show(output, body, &err);

	/* Also what cannot be read here, like data that is nested as deep as is allowed: it is an
	 * answer all the same. */
	if (s == ERR_INVALID) {
		json_layout_compact(&text, body);
		(void)fprintf(output->out, "%.*s\n", SPAN_ARG(buf_span(&text)));
		return EXIT_CODE_OK;
	}
	return s == OK ? EXIT_CODE_OK : output_fail_status(output, s, &err, NULL);
}

static int send_do(const struct cli *cli, const struct send_arguments *send)
{
	const struct http_client_header headers[] = { { SPAN("Content-Type"),
							SPAN("application/json") } };
	OWNED(buf) struct buf body = { 0 };
	char made_id[UUID_TEXT_BYTES], hint[300];
	struct error err = { 0 };
	struct span id = send->id;
	struct api_client client;
	enum status s;
	int code;

	if (id.data == NULL) {
		struct uuid uuid = uuid_v7(clock_wall_us(clock_system()), random_system());

		uuid_format(&uuid, made_id);
		id = span_from_string(made_id);
	}
	(void)snprintf(
		hint, sizeof(hint),
		"Whether it was stored is unknown. Send the same again with --id %.*s: it has no "
		"second effect.",
		SPAN_ARG(id));
	body_write(&body, send, id);
	if (buf_status(&body) != OK)
		return output_fail(&cli->output, EXIT_CODE_FAILED, "no_memory", SPAN("no memory"),
				   NULL);
	s = api_client_init(&client, cli, false, &err);
	if (s != OK)
		return output_fail_status(&cli->output, s, &err, NULL);
	api_client_path(&client, "/v1/aggregates/");
	api_client_stream(&client, send->stream);
	buf_append_string(&client.url, "/commands");
	if (send->want_state)
		api_client_query(&client, "return", SPAN("state"));
	code = api_client_call(&client,
			       &(struct http_client_request){ .method = "POST",
							      .headers = headers,
							      .header_count = ARRAY_COUNT(headers),
							      .body = buf_span(&body) },
			       hint);
	if (code == EXIT_CODE_OK)
		code = answer_show(&cli->output, buf_span(&client.response.body));
	api_client_fini(&client);
	return code;
}

static int run(struct cli *cli, const struct arguments *arguments)
{
	OWNED(buf) struct buf data = { 0 };
	struct send_arguments send;
	struct error err = { 0 };
	enum status s;

	if (send_read(arguments, &send, &err) != OK)
		return cli_usage_error(cli, "send", &err);
	if (send.data.data == NULL) {
		s = data_read(cli->in, &data, &err);
		if (s != OK)
			return output_fail_status(&cli->output, s, &err, NULL);
		send.data = buf_span(&data);
	}
	return send_do(cli, &send);
}

const struct cli_command cli_send_command = {
	.name = "send",
	.usage = "AGGREGATE/KEY TYPE [JSON|-]",
	.summary = "send a command, and wait for its outcome",
	.description = "The key is what follows the first '/'. The data is JSON (default: {}); '-' "
		       "reads it\n"
		       "from standard input. The answer comes when the events are on the disk.",
	.examples = "  concordance send bankaccount/ABC123 deposit_funds '{\"amount\": 1000}'\n"
		    "  concordance send bankaccount/ABC123 withdraw_funds '{\"amount\": 50}' "
		    "--expected-version 2\n"
		    "  jq .command order.json | concordance send order/17 place - --id order-17 "
		    "--json\n",
	.options = options,
	.option_count = ARRAY_COUNT(options),
	.positionals_min = 2,
	.positionals_max = 3,
	.asks_server = true,
	.run = run,
};
