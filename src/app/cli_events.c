/* SPDX-License-Identifier: Apache-2.0 */
/* cli_events.c - `concordance events`: events of the log or a stream, and new ones as they come.
 *
 * Lists are asked for page by page: one that is short is not the end, because the server also ends a
 * page when it has looked at enough; its Link header says where to go on. Following is one long
 * answer of server-sent events. */
#include "app/cli_events.h"

#include <stdlib.h>

#include "app/api_client.h"
#include "app/event_lines.h"
#include "app/json_layout.h"
#include "app/table.h"
#include "json/json.h"

#define PAGE_MAX        10000
#define TYPES_MAX       32
#define EVENT_MAX_BYTES ((size_t)64 << 20) /* parsed */
#define LIMIT_DEFAULT   100

static const struct option_spec options[] = {
	{ .name = "stream",
	  .letter = 's',
	  .kind = OPTION_TEXT,
	  .value = "AGGREGATE/KEY",
	  .help = "of this stream; places are then its versions" },
	{ .name = "type",
	  .letter = 't',
	  .kind = OPTION_LIST,
	  .value = "TYPE",
	  .help = "of this type; may be given several times" },
	{ .name = "category",
	  .letter = 'c',
	  .kind = OPTION_TEXT,
	  .value = "NAME",
	  .help = "of this aggregate, or `external`" },
	{ .name = "after",
	  .letter = 'a',
	  .kind = OPTION_NUMBER,
	  .value = "N",
	  .max = INT64_MAX,
	  .help = "beyond this position (default: from the beginning)" },
	{ .name = "limit",
	  .letter = 'n',
	  .kind = OPTION_NUMBER,
	  .value = "N",
	  .min = 1,
	  .max = INT64_MAX,
	  .help = "at most so many (default: 100; with --follow: no limit)" },
	{ .name = "backward", .letter = 'b', .kind = OPTION_FLAG, .help = "the newest first" },
	{ .name = "follow",
	  .letter = 'f',
	  .kind = OPTION_FLAG,
	  .help = "then wait for new ones, until interrupted" },
};

enum status events_read(const struct arguments *arguments, struct events_arguments *ret,
			struct error *err)
{
	const char *stream = arguments_text(arguments, "stream");
	const char *category = arguments_text(arguments, "category");
	struct events_arguments events = { .backward = arguments_flag(arguments, "backward"),
					   .follow = arguments_flag(arguments, "follow") };
	enum status s;

	events.types = arguments_list(arguments, "type", &events.type_count);
	events.has_after = arguments_number(arguments, "after", &events.after);
	if (!arguments_number(arguments, "limit", &events.limit))
		events.limit = events.follow ? UINT64_MAX : LIMIT_DEFAULT;
	if (events.backward && events.follow)
		return ERROR(err, ERR_INVALID,
			     "options '--backward' and '--follow' exclude each other");
	if (stream != NULL && category != NULL)
		return ERROR(err, ERR_INVALID,
			     "options '--stream' and '--category' exclude each other: a stream is "
			     "of one "
			     "category");
	if (stream != NULL) {
		s = api_client_stream_parse(stream, &events.stream, err);
		if (s != OK)
			return s;
	}
	if (category != NULL) {
		events.category = span_from_string(category);
		if (name_check_category(events.category, err) != OK)
			return error_wrap(err, ERR_INVALID, "option '--category'");
	}
	for (size_t i = 0; i < events.type_count; i++) {
		if (name_check_type(span_from_string(events.types[i]), err) != OK)
			return error_wrap(err, ERR_INVALID, "option '--type'");
	}
	*ret = events;
	return OK;
}

/* ---- showing ------------------------------------------------------------------------------------ */

struct shower {
	const struct output *output;
	struct table table;
	struct arena *arena; /* owned: one event, parsed */
	struct event_lines lines;
	uint64_t left;       /* events until the limit */
	uint64_t page_count; /* events of this page */
	bool reached_limit;
	char go_on[80];     /* following: how to go on when it ends */
	enum status failed; /* what ended it */
	struct error err;
};

static const struct table_column columns[] = { { "TIME", false },   { "POSITION", true },
					       { "STREAM", false }, { "VERSION", true },
					       { "TYPE", false },   { "DATA", false } };

/* "2026-11-25T07:26:12.123456Z" to milliseconds on a terminal. */
static struct span time_cell(const struct output *output, struct span time, char text[static 32])
{
	if (!output->terminal || time.size != 27 || time.data[26] != 'Z')
		return time;
	memcpy(text, time.data, 23);
	text[23] = 'Z';
	return span_of(text, 24);
}

/* Text for a cell, harmless; `-` when there is none. */
static struct span text_cell(struct buf *buf, struct span text)
{
	if (text.size == 0)
		return SPAN("-");
	buf_clear(buf);
	text_layout_harmless(buf, text);
	return buf_span(buf);
}

static enum status row_show(struct shower *shower, struct span json, struct error *err)
{
	OWNED(buf) struct buf stream = { 0 }, type = { 0 }, data = { 0 };
	const struct json *event = NULL;
	struct span cells[ARRAY_COUNT(columns)];
	char time[32];

	arena_clear(shower->arena);
	if (json_parse(json, shower->arena, &event, err) == ERR_NOMEM)
		return ERR_NOMEM;
	/* One that cannot be read, like data that is nested as deep as is allowed, is shown whole. */
	cells[0] = time_cell(shower->output, json_string(json_get(event, "time")), time);
	cells[1] = json_string(json_get(event, "position"));
	cells[2] = text_cell(&stream, json_string(json_get(event, "stream")));
	cells[3] = json_string(json_get(event, "version"));
	cells[4] = text_cell(&type, json_string(json_get(event, "type")));
	json_layout_compact(&data, event != NULL ? json_member_text(json, "data") : json);
	cells[5] = buf_span(&data);
	if (buf_status(&data) != OK || buf_status(&stream) != OK || buf_status(&type) != OK)
		return ERROR(err, ERR_NOMEM, "no memory for an event");
	return table_add(&shower->table, cells, err);
}

static enum status event_show(struct span json, void *arg, struct error *err)
{
	struct shower *shower = arg;
	enum status s = OK;

	if (shower->left == 0) {
		shower->reached_limit = true;
		return ERR_REJECTED;
	}
	shower->left--;
	shower->page_count++;
	if (shower->output->json)
		(void)fprintf(shower->output->out, "%.*s\n", SPAN_ARG(json));
	else
		s = row_show(shower, json, err);
	if (s == OK && shower->left == 0 && shower->lines.server_sent) {
		shower->reached_limit = true;
		return ERR_REJECTED;
	}
	return s;
}

static void go_on_set(struct shower *shower, uint64_t after)
{
	(void)snprintf(shower->go_on, sizeof(shower->go_on), "To go on from here: --after %llu",
		       (unsigned long long)after);
}

/* A piece of the answer. Followers see each event at once. */
static bool piece_take(struct span piece, void *arg)
{
	struct shower *shower = arg;

	shower->failed = event_lines_take(&shower->lines, piece, &shower->err);
	if (shower->lines.server_sent) {
		if (shower->lines.has_id)
			go_on_set(shower, shower->lines.last_id);
		table_flush(&shower->table);
		(void)fflush(shower->output->out); /* checked when the program ends */
	}
	if (ferror(shower->output->out) != 0 && shower->failed == OK)
		shower->failed = ERROR(&shower->err, ERR_IO, "the answer cannot be written");
	return shower->failed == OK;
}

/* ---- asking ------------------------------------------------------------------------------------- */

static void url_make(struct api_client *client, const struct events_arguments *events)
{
	if (events->stream.category.data != NULL) {
		api_client_path(client, "/v1/streams/");
		api_client_stream(client, events->stream);
		buf_append_string(&client->url, "/events");
	} else {
		api_client_path(client, "/v1/events");
	}
	for (size_t i = 0; i < events->type_count; i++)
		api_client_query(client, "type", span_from_string(events->types[i]));
	if (events->category.data != NULL)
		api_client_query(client, "category", events->category);
	if (events->backward)
		api_client_query(client, "direction", SPAN("backward"));
	if (events->has_after)
		api_client_query_u64(client, "after", events->after);
}

static int call(struct api_client *client, struct shower *shower, struct span accept)
{
	const struct http_client_header headers[] = { { SPAN("Accept"), accept } };
	int code = api_client_call(client,
				   &(struct http_client_request){ .method = "GET",
								  .headers = headers,
								  .header_count = 1,
								  .on_body = piece_take,
								  .arg = shower },
				   shower->lines.server_sent ? shower->go_on : NULL);

	if (code == EXIT_CODE_OK && shower->failed == OK)
		shower->failed = event_lines_end(&shower->lines, &shower->err);
	table_flush(&shower->table);
	if (shower->failed != OK && !shower->reached_limit)
		return output_fail_status(shower->output, shower->failed, &shower->err, NULL);
	return code;
}

/* Where the next page begins, by the Link header; false: there is none. */
static bool next_find(const struct api_client *client, uint64_t *ret)
{
	struct span link = http_client_response_header(&client->response, "link");
	const char *at = link.data != NULL ? memmem(link.data, link.size, "after=", 6) : NULL;
	struct span number;
	size_t size = 0;

	if (at == NULL)
		return false;
	number = span_after(link, (size_t)(at - link.data) + 6);
	while (size < number.size && number.data[size] >= '0' && number.data[size] <= '9')
		size++;
	return span_parse_u64(span_of(number.data, size), ret);
}

static int list(struct api_client *client, struct shower *shower, struct events_arguments *events)
{
	uint64_t next = 0;
	bool has_next;
	int code;

	do {
		url_make(client, events);
		api_client_query_u64(client, "limit",
				     shower->left < PAGE_MAX ? shower->left : PAGE_MAX);
		shower->page_count = 0;
		code = call(client, shower, SPAN("application/x-ndjson"));
		if (code != EXIT_CODE_OK)
			return code;
		has_next = next_find(client, &next);
		/* Nothing found and nothing passed over: that is the end for now. */
		if (shower->page_count == 0 && events->has_after && next == events->after)
			has_next = false;
		events->has_after = true;
		events->after = next;
	} while (has_next && shower->left != 0);
	if (has_next && shower->output->terminal && !shower->output->json)
		(void)fprintf(shower->output->err, "There may be more: --after %llu\n",
			      (unsigned long long)next);
	return EXIT_CODE_OK;
}

static int follow(struct api_client *client, struct shower *shower,
		  const struct events_arguments *events)
{
	int code;

	shower->lines.server_sent = true;
	go_on_set(shower, events->after);
	url_make(client, events);
	code = call(client, shower, SPAN("text/event-stream"));
	if (code != EXIT_CODE_OK || shower->reached_limit)
		return code;
	return output_fail(shower->output, EXIT_CODE_UNAVAILABLE, "closed",
			   SPAN("the server ended the stream of events"), shower->go_on);
}

static int show_all(struct cli *cli, struct shower *shower, struct events_arguments *events)
{
	struct api_client client;
	struct error err = { 0 };
	enum status s = api_client_init(&client, cli, events->follow, &err);
	int code;

	if (s != OK)
		return output_fail_status(&cli->output, s, &err, NULL);
	code = events->follow ? follow(&client, shower, events) : list(&client, shower, events);
	api_client_fini(&client);
	return code;
}

static int run(struct cli *cli, const struct arguments *arguments)
{
	struct events_arguments events;
	struct error err = { 0 };
	struct shower *shower;
	enum status s;
	int code;

	if (events_read(arguments, &events, &err) != OK)
		return cli_usage_error(cli, "events", &err);
	shower = calloc(1, sizeof(*shower));
	if (shower == NULL)
		return output_fail(&cli->output, EXIT_CODE_FAILED, "no_memory", SPAN("no memory"),
				   NULL);
	shower->output = &cli->output;
	shower->left = events.limit;
	shower->lines.take = event_show;
	shower->lines.arg = shower;
	shower->arena = arena_new(EVENT_MAX_BYTES);
	s = table_init(&shower->table, &cli->output, columns, ARRAY_COUNT(columns), &err);
	if (s == OK && shower->arena == NULL)
		s = ERROR(&err, ERR_NOMEM, "no memory for events");
	code = s == OK ? show_all(cli, shower, &events)
		       : output_fail_status(&cli->output, s, &err, NULL);
	event_lines_fini(&shower->lines);
	table_fini(&shower->table);
	arena_free(shower->arena);
	free(shower);
	return code;
}

const struct cli_command cli_events_command = {
	.name = "events",
	.usage = "",
	.summary = "list events, and follow new ones",
	.description =
		"From the beginning of the log, or of a stream. With --json, one CloudEvent a "
		"line.\n"
		"When the output is no terminal, columns are divided by tabs and nothing is cut.",
	.examples = "  concordance events\n"
		    "  concordance events --stream bankaccount/ABC123 --backward --limit 5\n"
		    "  concordance events --type funds_deposited --type funds_withdrawn --follow\n"
		    "  concordance events --after 4096 --limit 1000 --json | jq -r .data.amount\n",
	.options = options,
	.option_count = ARRAY_COUNT(options),
	.asks_server = true,
	.run = run,
};
