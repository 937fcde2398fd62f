/* SPDX-License-Identifier: Apache-2.0 */
/* api_client.c - urls of the API, and its problem details as messages with advice. */
#include "app/api_client.h"

#include "app/json_layout.h"
#include "json/json.h"

#define TIMEOUT_MS        60000
#define IDLE_TIMEOUT_MS   45000 /* three of the server's heartbeats */
#define URL_MAX_BYTES     8192
#define PROBLEM_MAX_BYTES ((size_t)8 << 20)

enum status api_client_init(struct api_client *client, const struct cli *cli, bool waits_long,
			    struct error *err)
{
	const struct http_client_options options = {
		.timeout_ms = waits_long ? 0 : TIMEOUT_MS,
		.idle_timeout_ms = waits_long ? IDLE_TIMEOUT_MS : 0,
		.user_agent = "concordance/" CONCORDANCE_VERSION,
	};

	*client = (struct api_client){ .cli = cli, .url.max_bytes = URL_MAX_BYTES };
	return http_client_new(&options, &client->http, err);
}

void api_client_fini(struct api_client *client)
{
	http_client_response_fini(&client->response);
	http_client_free(client->http);
	buf_fini(&client->url);
}

void api_client_path(struct api_client *client, const char *path)
{
	struct span base = span_from_string(client->cli->url);

	while (base.size != 0 && base.data[base.size - 1] == '/')
		base.size--;
	buf_clear(&client->url);
	buf_append_span(&client->url, base);
	buf_append_string(&client->url, path);
}

void api_client_query(struct api_client *client, const char *name, struct span value)
{
	bool first =
		client->url.size == 0 || memchr(client->url.data, '?', client->url.size) == NULL;

	buf_append_byte(&client->url, first ? '?' : '&');
	buf_append_string(&client->url, name);
	buf_append_byte(&client->url, '=');
	http_client_append_encoded(&client->url, value);
}

void api_client_query_u64(struct api_client *client, const char *name, uint64_t value)
{
	char text[24];
	int size = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);

	api_client_query(client, name, span_of(text, size > 0 ? (size_t)size : 0));
}

void api_client_stream(struct api_client *client, struct stream_name stream)
{
	http_client_append_encoded(&client->url, stream.category);
	buf_append_byte(&client->url, '/');
	http_client_append_encoded(&client->url, stream.key);
}

enum status api_client_stream_parse(const char *text, struct stream_name *ret, struct error *err)
{
	struct span whole = span_from_string(text);

	if (memchr(text, '/', whole.size) == NULL)
		return ERROR(err, ERR_INVALID, "'%s' has no key: write it like account/ABC123",
			     text);
	if (stream_name_parse(whole, ret, err) != OK)
		return error_wrap(err, ERR_INVALID, "'%s'", text);
	return OK;
}

/* What a person can do about a problem; NULL: its detail says it all. */
static const char *hint_for(const char *code)
{
	static const struct {
		const char *code;
		const char *hint;
	} hints[] = {
		{ "no_such_aggregate",
		  "The manifest of the running application says which there are; "
		  "`concordance check` lists them." },
		{ "version_conflict",
		  "Somebody was faster: look at it with `concordance state`, and decide "
		  "again." },
		{ "id_reused", "An id stands for one command: leave --id out, or give another." },
		{ "busy", "Wait a moment, then try the same again." },
		{ "shutting_down", "Wait until it is back, then try the same again." },
		{ "disk_full", "Make room for the data directory; the server goes on by itself." },
		{ "component_failed", "The server's log has the component's backtrace." },
		{ "component_deadline",
		  "The component computes too long; `limits: call_ms` is its time." },
		{ "cannot_fold",
		  "The component cannot read an event of this stream: see the server's log." },
	};

	for (size_t i = 0; i < ARRAY_COUNT(hints); i++) {
		if (strcmp(hints[i].code, code) == 0)
			return hints[i].hint;
	}
	return NULL;
}

/* Copies a word of the problem, or "http_404" when it has none. */
static void code_take(const struct json *problem, unsigned status, char code[static 80])
{
	struct span word = json_string(json_get(problem, "code"));

	if (word.data == NULL || word.size == 0 || name_check_code(word, NULL) != OK)
		(void)snprintf(code, 80, "http_%u", status);
	else
		(void)snprintf(code, 80, "%.*s", SPAN_ARG(word));
}

static int problem_tell(const struct api_client *client, struct span body)
{
	const struct output *output = &client->cli->output;
	OWNED(arena) struct arena *arena = arena_new(PROBLEM_MAX_BYTES);
	unsigned status = client->response.status;
	OWNED(buf) struct buf text = { 0 };
	const struct json *problem = NULL;
	struct span detail;
	char code[80];
	bool rejected;

	if (arena == NULL)
		return output_fail(output, EXIT_CODE_FAILED, "no_memory", SPAN("no memory"), NULL);
	if (json_parse(body, arena, &problem, NULL) != OK)
		problem = NULL; /* an answer of something else: told below */
	detail = json_string(json_get(problem, "detail"));
	rejected = span_equal_string(json_string(json_get(problem, "outcome")), "rejected");
	code_take(problem, status, code);
	if (detail.data == NULL) {
		buf_append_format(&text, "%s answers %u and gives no reason", client->cli->url,
				  status);
		return output_fail(
			output, exit_code_of_http(status, false), code, buf_span(&text),
			"Is it a Concordance server? Another one: --url or CONCORDANCE_URL.");
	}
	/* For programs, a rejection is an answer, not an error. */
	if (rejected && output->json) {
		json_layout_compact(&text, body);
		(void)fprintf(output->out, "%.*s\n", SPAN_ARG(buf_span(&text)));
		return EXIT_CODE_REJECTED;
	}
	if (rejected)
		buf_append_string(&text, "rejected: ");
	if (rejected || hint_for(code) == NULL)
		buf_append_format(&text, "%s: ", code);
	buf_append_span(&text, detail);
	return output_fail(output, exit_code_of_http(status, rejected), code,
			   output->json ? detail : buf_span(&text),
			   rejected ? NULL : hint_for(code));
}

int api_client_call(struct api_client *client, struct http_client_request *request,
		    const char *unknown_hint)
{
	const struct output *output = &client->cli->output;
	struct error err = { 0 };
	const char *hint = NULL;
	enum status s;

	buf_append_byte(&client->url, '\0');
	if (buf_status(&client->url) != OK)
		return output_fail(output, EXIT_CODE_INVALID, "invalid",
				   SPAN("the request's url is too long"), NULL);
	client->url.size--;
	request->url = client->url.data;
	s = http_client_send(client->http, request, &client->response, &err);
	if (s == OK && client->response.status >= 200 && client->response.status <= 299)
		return EXIT_CODE_OK;
	if (s == OK)
		return problem_tell(client, buf_span(&client->response.body));
	if (s == ERR_CLOSED)
		hint = "Is `concordance run` running there? Another server: --url or "
		       "CONCORDANCE_URL.";
	else if (s == ERR_IO || s == ERR_DEADLINE)
		hint = unknown_hint;
	else if (s == ERR_REJECTED)
		return EXIT_CODE_OK;
	/* Broken or late is a matter of the network: the same again may work. */
	return output_fail(
		output, s == ERR_IO || s == ERR_DEADLINE ? EXIT_CODE_UNAVAILABLE : exit_code_of(s),
		status_word(s), span_from_string(error_text(&err)), hint);
}
