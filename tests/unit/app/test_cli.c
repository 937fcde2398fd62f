/* SPDX-License-Identifier: Apache-2.0 */
/* test_cli.c - the program as it is used, against a server that answers by script. */
#include "unit/app/harness.h"

#define ACCEPTED                                                                                  \
	"{\"outcome\":\"accepted\",\"id\":\"x\",\"stream\":\"account/a "                          \
	"b\",\"version\":2,\"position\":2049,"                                                    \
	"\"events\":[{\"id\":\"e\",\"type\":\"funds_deposited\",\"version\":1,\"position\":2048," \
	"\"time\":\"t\",\"data\":{ \"amount\": 1.00 "                                             \
	"}},{\"id\":\"f\",\"type\":\"noted\",\"version\":2,"                                      \
	"\"position\":2049,\"time\":\"t\",\"data\":null}]}"

static void one_answer(struct fake_server *server, const char *answer)
{
	memset(server, 0, sizeof(*server));
	server->answers[0] = answer;
	server->answer_count = 1;
	fake_server_start(server);
}

/* ---- help and usage ------------------------------------------------------------------------------ */

static void help_explains_the_program_and_each_subcommand(void **state)
{
	static const char *const commands[] = { "run",   "send",   "events",  "state",
						"check", "verify", "inspect", "version" };
	struct program p;

	(void)state;
	program_run(&p, NULL, "help", NULL);
	program_expect(&p, 0, "Subcommands:\n  run ", "");
	program_expect(&p, 0, "  3  the aggregate rejected", "");
	program_fini(&p);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char usage[64];

		(void)snprintf(usage, sizeof(usage), "Usage: concordance %s ", commands[i]);
		program_run(&p, NULL, commands[i], "--help", NULL);
		program_expect(&p, 0, usage, "");
		program_expect(&p, 0, "\nExamples:\n  concordance ", "");
		program_fini(&p);
		program_run(&p, NULL, "help", commands[i], NULL);
		program_expect(&p, 0, usage, "");
		program_fini(&p);
	}
}

static void a_wrong_command_line_is_told_and_nothing_is_done(void **state)
{
	struct program p;

	(void)state;
	program_run(&p, NULL, NULL);
	program_expect(&p, 2, "", "Usage: concordance SUBCOMMAND");
	program_fini(&p);
	program_run(&p, NULL, "evnts", NULL);
	program_expect(&p, 2, "", "unknown subcommand 'evnts': did you mean 'events'?");
	program_fini(&p);
	program_run(&p, NULL, "--jsn", "events", NULL);
	program_expect(&p, 2, "", "unknown option '--jsn': did you mean '--json'?");
	program_fini(&p);
	program_run(&p, NULL, "send", "account/a", NULL);
	program_expect(&p, 2, "",
		       "too few arguments: `concordance send` takes AGGREGATE/KEY TYPE [JSON|-]");
	program_expect(&p, 2, "", "See `concordance help send`.");
	program_fini(&p);
	program_run(&p, NULL, "state", "account/a", "b", NULL);
	program_expect(&p, 2, "", "too many arguments");
	program_fini(&p);
	program_run(&p, NULL, "verify", "d", "--url", "x", NULL);
	program_expect(&p, 2, "", "unknown option '--url'");
	program_fini(&p);
	program_run(&p, NULL, "--json", "send", "account", "t", NULL);
	program_expect(&p, 2, "",
		       "{\"error\":{\"code\":\"usage\",\"detail\":\"'account' has no key");
	program_fini(&p);
}

static void the_version_is_told_for_people_and_programs(void **state)
{
	struct program p;

	(void)state;
	program_run(&p, NULL, "version", NULL);
	program_expect(&p, 0, "concordance ", "");
	program_expect(&p, 0, " (wasmtime ", "");
	program_fini(&p);
	program_run(&p, NULL, "--version", "--json", NULL);
	program_expect(&p, 0, "\",\"wasmtime\":\"", "");
	program_fini(&p);
}

/* ---- send ---------------------------------------------------------------------------------------- */

static void send_posts_the_command_and_shows_what_was_accepted(void **state)
{
	char *answer = fake_answer(200, "application/json", "", ACCEPTED);
	struct fake_server server;
	struct program p;

	(void)state;
	one_answer(&server, answer);
	program_run(&p, "{\"amount\": 1}", "send", "account/a b", "deposit", "-", "--id", "x",
		    "--expected-version", "0", "--correlation-id", "c", "--state", "--url",
		    server.url, NULL);
	fake_server_stop(&server);
	program_expect(&p, 0,
		       "accepted  account/a b  version 2  position 2049\n"
		       "1\tfunds_deposited\t{\"amount\":1.00}\n"
		       "2\tnoted\tnull\n",
		       "");
	assert_ptr_equal(
		strstr(server.requests[0],
		       "POST /v1/aggregates/account/a%20b/commands?return=state HTTP/1.1\r\n"),
		server.requests[0]);
	assert_non_null(strstr(server.requests[0], "\r\nContent-Type: application/json\r\n"));
	assert_string_equal(strstr(server.requests[0], "\r\n\r\n") + 4,
			    "{\"type\":\"deposit\",\"id\":\"x\",\"expected_version\":0,"
			    "\"metadata\":{\"correlation_id\":\"c\"},\"data\":{\"amount\": 1}}");
	program_fini(&p);
	free(answer);
}

static void send_on_a_terminal_is_aligned_and_with_json_is_the_answer(void **state)
{
	char *answer = fake_answer(200, "application/json", "", ACCEPTED);
	struct fake_server server;
	struct program p;

	(void)state;
	one_answer(&server, answer);
	program_run_on_terminal(&p, 80, "--url", server.url, "send", "account/a", "t", NULL);
	fake_server_stop(&server);
	program_expect(&p, 0, "\033[32maccepted\033[0m  account/a b  version 2", "");
	program_expect(&p, 0, "\n1  funds_deposited  {\"amount\":1.00}\n2  noted            null\n",
		       "");
	program_fini(&p);
	one_answer(&server, answer);
	program_run(&p, NULL, "--url", server.url, "send", "account/a", "t", "--json", NULL);
	fake_server_stop(&server);
	program_expect(&p, 0, "{\"outcome\":\"accepted\",\"id\":\"x\"", "");
	assert_ptr_equal(strchr(p.out, '\n'), p.out + strlen(p.out) - 1);
	program_fini(&p);
	free(answer);
}

static void a_command_gets_an_id_so_that_it_can_be_sent_again(void **state)
{
	struct fake_server server;
	struct program p;
	char *id;

	(void)state;
	one_answer(&server, NULL);
	program_run(&p, NULL, "--url", server.url, "send", "account/a", "t", NULL);
	fake_server_stop(&server);
	id = strstr(server.requests[0], "\"id\":\"");
	assert_non_null(id);
	id[6 + 36] = '\0';
	program_expect(&p, 6, "", "Send the same again with --id ");
	program_expect(&p, 6, "", id + 6);
	program_fini(&p);
}

static void each_kind_of_no_has_its_exit_code(void **state)
{
	static const struct {
		unsigned status;
		const char *body;
		int code;
		const char *err;
	} noes[] = {
		{ 422,
		  "{\"code\":\"no_funds\",\"detail\":\"100 are left\",\"outcome\":\"rejected\"}", 3,
		  "concordance: rejected: no_funds: 100 are left\n" },
		{ 422, "{\"code\":\"no_interest\",\"detail\":\"nobody wants it\"}", 8,
		  "no_interest: nobody wants it" },
		{ 409, "{\"code\":\"version_conflict\",\"detail\":\"stream 'a' is at 3, not 0\"}",
		  4, "stream 'a' is at 3, not 0\n  Somebody was faster" },
		{ 404, "{\"code\":\"no_such_aggregate\",\"detail\":\"there is no aggregate 'x'\"}",
		  5, "there is no aggregate 'x'" },
		{ 400, "{\"code\":\"bad_request\",\"detail\":\"member 'x' is unknown\"}", 8,
		  "bad_request: member 'x' is unknown" },
		{ 503, "{\"code\":\"busy\",\"detail\":\"too much\"}", 6,
		  "too much\n  Wait a moment" },
		{ 500, "{\"code\":\"component_failed\",\"detail\":\"it trapped\"}", 1,
		  "it trapped" },
		{ 507, "{\"code\":\"disk_full\",\"detail\":\"no room\"}", 1, "Make room" },
		{ 502, "<html>", 6,
		  "answers 502 and gives no reason\n  Is it a Concordance server?" },
		{ 404, "{\"code\":\"\\u001b[31m\",\"detail\":\"a\\u009bb\"}", 5, "http_404: a?b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(noes) / sizeof(noes[0]); i++) {
		char *answer =
			fake_answer(noes[i].status, "application/problem+json", "", noes[i].body);
		struct fake_server server;
		struct program p;

		one_answer(&server, answer);
		program_run(&p, NULL, "--url", server.url, "send", "account/a", "t", NULL);
		fake_server_stop(&server);
		program_expect(&p, noes[i].code, "", noes[i].err);
		assert_string_equal(p.out, "");
		program_fini(&p);
		free(answer);
	}
}

static void for_programs_a_rejection_is_an_answer_and_a_problem_an_error(void **state)
{
	char *rejected =
		fake_answer(422, "application/problem+json", "",
			    "{\"code\":\"no_funds\", \"outcome\":\"rejected\",\"detail\":\"d\"}");
	char *missing = fake_answer(404, "application/problem+json", "",
				    "{\"code\":\"not_found\",\"detail\":\"d\"}");
	struct fake_server server;
	struct program p;

	(void)state;
	one_answer(&server, rejected);
	program_run(&p, NULL, "--json", "--url", server.url, "send", "account/a", "t", NULL);
	fake_server_stop(&server);
	program_expect(&p, 3, "{\"code\":\"no_funds\",\"outcome\":\"rejected\",\"detail\":\"d\"}\n",
		       "");
	assert_string_equal(p.err, "");
	program_fini(&p);
	one_answer(&server, missing);
	program_run(&p, NULL, "--json", "--url", server.url, "state", "account/a", NULL);
	fake_server_stop(&server);
	program_expect(&p, 5, "", "{\"error\":{\"code\":\"not_found\",\"detail\":\"d\"}}\n");
	assert_string_equal(p.out, "");
	program_fini(&p);
	free(rejected);
	free(missing);
}

static void when_nobody_is_there_it_says_what_to_look_at(void **state)
{
	struct program p;

	(void)state;
	program_run(&p, NULL, "--url", "http://127.0.0.1:1", "send", "account/a", "t", NULL);
	program_expect(&p, 6, "", "concordance: cannot reach 127.0.0.1:1: ");
	program_expect(&p, 6, "", "Is `concordance run` running there?");
	program_fini(&p);
	program_run(&p, NULL, "--url", "127.0.0.1", "state", "account/a", NULL);
	program_expect(&p, 8, "", "is no url: write it like http://127.0.0.1:8080");
	program_fini(&p);
}

static void data_from_standard_input_is_checked_before_it_is_sent(void **state)
{
	struct program p;

	(void)state;
	program_run(&p, "{\"a\":", "--url", "http://127.0.0.1:1", "send", "account/a", "t", "-",
		    NULL);
	program_expect(&p, 8, "", "the command's data is not JSON");
	program_fini(&p);
	program_run(&p, "", "--url", "http://127.0.0.1:1", "send", "account/a", "t", "-", NULL);
	program_expect(&p, 8, "", "the command's data is not JSON");
	program_fini(&p);
}

/* ---- state --------------------------------------------------------------------------------------- */

static void state_shows_version_and_indented_state(void **state)
{
	char *answer = fake_answer(
		200, "application/json", "",
		"{\"stream\":\"account/a\",\"version\":3,\"state\":{\"balance\":10.50}}");
	struct fake_server server;
	struct program p;

	(void)state;
	one_answer(&server, answer);
	program_run(&p, NULL, "--url", server.url, "state", "account/%/..", "--time",
		    "2026-01-31T12:00:00+01:00", NULL);
	fake_server_stop(&server);
	program_expect(&p, 0, "account/a  version 3\n{\n  \"balance\": 10.50\n}\n", "");
	assert_ptr_equal(
		strstr(server.requests[0],
		       "GET "
		       "/v1/aggregates/account/%25%2F..?time=2026-01-31T12%3A00%3A00%2B01%3A00 "),
		server.requests[0]);
	program_fini(&p);
	free(answer);
}

static void an_answer_that_is_nested_too_deep_to_read_is_shown_as_it_came(void **state)
{
	char body[400] = "{\"stream\":\"account/a\",\"version\":3,\"state\":";
	struct fake_server server;
	struct program p;
	char *answer;

	(void)state;
	for (int i = 0; i < 64; i++)
		strncat(body, "[", 2);
	for (int i = 0; i < 64; i++)
		strncat(body, "]", 2);
	strncat(body, "}", 2);
	answer = fake_answer(200, "application/json", "", body);
	one_answer(&server, answer);
	program_run(&p, NULL, "--url", server.url, "state", "account/a", NULL);
	fake_server_stop(&server);
	program_expect(&p, 0, body, "");
	program_fini(&p);
	free(answer);
}

/* ---- events -------------------------------------------------------------------------------------- */

#define EVENT(position, data)                                                                    \
	"{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"/bank/account\",\"type\":\"noted\"," \
	"\"subject\":\"a\",\"time\":\"2026-11-25T07:26:12.123456Z\",\"stream\":\"account/a\","   \
	"\"version\":\"1\",\"position\":\"" position "\",\"data\":" data "}"

static void events_asks_page_by_page_until_there_are_no_more(void **state)
{
	char *pages[] = {
		fake_answer(200, "application/x-ndjson",
			    "Link: </v1/events?after=2047&limit=9>; rel=\"next\"\r\n",
			    EVENT("1024", "{ \"a\" : 1 }") "\n"),
		/* A page with nothing that matches, and further ones behind it. */
		fake_answer(200, "application/x-ndjson",
			    "Link: </v1/events?after=9215&limit=9>; rel=\"next\"\r\n", ""),
		fake_answer(200, "application/x-ndjson",
			    "Link: </v1/events?after=9300&limit=9>; rel=\"next\"\r\n",
			    EVENT("9216", "\"\xC2\x9B\"") "\n"),
		fake_answer(200, "application/x-ndjson",
			    "Link: </v1/events?after=9300&limit=9>; rel=\"next\"\r\n", ""),
	};
	struct fake_server server = { .answer_count = 4 };
	struct program p;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		server.answers[i] = pages[i];
	fake_server_start(&server);
	program_run(&p, NULL, "--url", server.url, "events", "--type", "noted", "--category",
		    "account", NULL);
	fake_server_stop(&server);
	assert_string_equal(p.err, "");
	assert_string_equal(p.out,
			    "2026-11-25T07:26:12.123456Z\t1024\taccount/a\t1\tnoted\t{\"a\":1}\n"
			    "2026-11-25T07:26:12.123456Z\t9216\taccount/a\t1\tnoted\t\"?\"\n");
	assert_int_equal(p.code, 0);
	assert_non_null(strstr(server.requests[0],
			       "GET /v1/events?type=noted&category=account&limit=100 "));
	assert_non_null(strstr(server.requests[0], "\r\nAccept: application/x-ndjson\r\n"));
	assert_non_null(strstr(server.requests[1], "&after=2047&limit=99 "));
	assert_non_null(strstr(server.requests[3], "&after=9300&limit=98 "));
	program_fini(&p);
	for (size_t i = 0; i < 4; i++)
		free(pages[i]);
}

static void events_of_a_stream_on_a_terminal_have_titles_and_are_cut(void **state)
{
	char *answer = fake_answer(
		200, "application/x-ndjson", "",
		EVENT("1024", "{\"note\":\"0123456789012345678901234567890123456789\"}") "\n");
	struct fake_server server;
	struct program p;

	(void)state;
	one_answer(&server, answer);
	program_run_on_terminal(&p, 90, "--url", server.url, "events", "-s", "account/a", "-b",
				NULL);
	fake_server_stop(&server);
	program_expect(&p, 0,
		       "TIME                      POSITION  STREAM     VERSION  TYPE   DATA\n", "");
	program_expect(&p, 0,
		       "2026-11-25T07:26:12.123Z      1024  account/a        1  noted  "
		       "{\"note\":\"01234567890123456\xE2\x80\xA6\n",
		       "");
	assert_non_null(strstr(server.requests[0],
			       "GET /v1/streams/account/a/events?direction=backward&limit=100 "));
	program_fini(&p);
	free(answer);
}

static void events_as_json_are_the_events_line_by_line(void **state)
{
	char *answer = fake_answer(200, "application/x-ndjson", "",
				   EVENT("1024", "1") "\n" EVENT("1025", "2") "\n");
	struct fake_server server;
	struct program p;

	(void)state;
	one_answer(&server, answer);
	program_run(&p, NULL, "--url", server.url, "events", "--json", NULL);
	fake_server_stop(&server);
	program_expect(&p, 0, EVENT("1024", "1") "\n" EVENT("1025", "2") "\n", "");
	program_fini(&p);
	free(answer);
}

static void following_shows_events_until_the_server_ends_it_and_says_how_to_go_on(void **state)
{
	char *answer =
		fake_answer(200, "text/event-stream", "",
			    "id: 1024\ndata: " EVENT("1024", "1") "\n\n: heartbeat\nid: 4095\n\n");
	struct fake_server server;
	struct program p;

	(void)state;
	one_answer(&server, answer);
	program_run(&p, NULL, "--url", server.url, "events", "--follow", "--after", "7", NULL);
	fake_server_stop(&server);
	program_expect(&p, 6, "\t1024\taccount/a\t1\tnoted\t1\n",
		       "the server ended the stream of events");
	program_expect(&p, 6, "", "To go on from here: --after 4095");
	assert_non_null(strstr(server.requests[0], "GET /v1/events?after=7 "));
	assert_non_null(strstr(server.requests[0], "\r\nAccept: text/event-stream\r\n"));
	program_fini(&p);
	free(answer);
}

static void a_broken_stream_says_how_to_go_on(void **state)
{
	static char cut[] = "HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n14\r\n: heartbeat\nid: 77\n\n\r\n";
	struct fake_server server;
	struct program p;

	(void)state;
	one_answer(&server, cut);
	program_run(&p, NULL, "--url", server.url, "events", "--follow", NULL);
	fake_server_stop(&server);
	program_expect(&p, 6, "", "broke: ");
	program_expect(&p, 6, "", "To go on from here: --after 77");
	program_fini(&p);
}

static void following_ends_at_the_limit(void **state)
{
	char *answer =
		fake_answer(200, "text/event-stream", "",
			    "id: 1024\ndata: " EVENT("1024", "1") "\n\nid: 1025\ndata: " EVENT(
				    "1025", "2") "\n\nid: 1026\ndata: " EVENT("1026", "3") "\n\n");
	struct fake_server server;
	struct program p;

	(void)state;
	one_answer(&server, answer);
	program_run(&p, NULL, "--url", server.url, "events", "--follow", "--limit", "2", "--json",
		    NULL);
	fake_server_stop(&server);
	assert_int_equal(p.code, 0);
	assert_string_equal(p.out, EVENT("1024", "1") "\n" EVENT("1025", "2") "\n");
	assert_string_equal(p.err, "");
	program_fini(&p);
	free(answer);
}

/* ---- local ones ----------------------------------------------------------------------------------- */

static void check_tells_all_mistakes_of_a_manifest(void **state)
{
	char path[] = "/tmp/check-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	struct program p;

	(void)state;
	assert_non_null(file);
	(void)fputs("concordance: 1\napplication: Bank\ncomponents:\n- {role: agregate}\n", file);
	(void)fclose(file);
	program_run(&p, NULL, "check", "-f", path, NULL);
	program_expect(&p, 8, "", ":2:14: a name begins with a lower-case letter");
	program_expect(&p, 8, "", ":4:10: unknown role 'agregate': did you mean 'aggregate'?");
	program_fini(&p);
	program_run(&p, NULL, "check", "-f", path, "--json", NULL);
	program_expect(&p, 8, "\"line\":4,\"column\":10,\"message\":\"unknown role", "");
	program_expect(&p, 8, "\"components\":[],\"ok\":false}\n", "");
	program_fini(&p);
	(void)remove(path);
	program_run(&p, NULL, "check", "-f", path, NULL);
	program_expect(&p, 5, "", path);
	program_fini(&p);
}

static void verify_of_nothing_says_so(void **state)
{
	struct program p;

	(void)state;
	program_run(&p, NULL, "verify", "/nonexistent/data", NULL);
	program_expect(&p, 5, "", "/nonexistent/data");
	program_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_explains_the_program_and_each_subcommand),
		cmocka_unit_test(a_wrong_command_line_is_told_and_nothing_is_done),
		cmocka_unit_test(the_version_is_told_for_people_and_programs),
		cmocka_unit_test(send_posts_the_command_and_shows_what_was_accepted),
		cmocka_unit_test(send_on_a_terminal_is_aligned_and_with_json_is_the_answer),
		cmocka_unit_test(a_command_gets_an_id_so_that_it_can_be_sent_again),
		cmocka_unit_test(each_kind_of_no_has_its_exit_code),
		cmocka_unit_test(for_programs_a_rejection_is_an_answer_and_a_problem_an_error),
		cmocka_unit_test(when_nobody_is_there_it_says_what_to_look_at),
		cmocka_unit_test(data_from_standard_input_is_checked_before_it_is_sent),
		cmocka_unit_test(state_shows_version_and_indented_state),
		cmocka_unit_test(an_answer_that_is_nested_too_deep_to_read_is_shown_as_it_came),
		cmocka_unit_test(events_asks_page_by_page_until_there_are_no_more),
		cmocka_unit_test(events_of_a_stream_on_a_terminal_have_titles_and_are_cut),
		cmocka_unit_test(events_as_json_are_the_events_line_by_line),
		cmocka_unit_test(
			following_shows_events_until_the_server_ends_it_and_says_how_to_go_on),
		cmocka_unit_test(a_broken_stream_says_how_to_go_on),
		cmocka_unit_test(following_ends_at_the_limit),
		cmocka_unit_test(check_tells_all_mistakes_of_a_manifest),
		cmocka_unit_test(verify_of_nothing_says_so),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
