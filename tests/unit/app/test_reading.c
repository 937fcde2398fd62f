/* SPDX-License-Identifier: Apache-2.0 */
/* test_reading.c - what a command line asks for, read and checked before anything is done. */
#include "unit/app/harness.h"

#include "app/cli_events.h"
#include "app/cli_run.h"
#include "app/cli_send.h"
#include "app/cli_state.h"

static enum status line_parse(const struct cli_command *command, const char *const *words,
			      size_t count, struct arguments *ret, struct error *err)
{
	static union {
		const char *words[32];
		char *argv[32];
	} line;

	line.words[0] = command->name;
	memcpy(line.words + 1, words, count * sizeof(words[0]));
	line.words[count + 1] = NULL;
	return arguments_parse(command->options, command->option_count, false, (int)count + 1,
			       line.argv, ret, err);
}

#define WORDS(...)                            \
	(const char *const[]){ __VA_ARGS__ }, \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)

static void send_takes_stream_type_and_data(void **state)
{
	struct arguments a;
	struct send_arguments send;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		line_parse(&cli_send_command,
			   WORDS("account/a/b", "Deposit", "{\"amount\":1}", "--id", "x",
				 "--expected-version", "0", "--correlation-id", "c", "--state"),
			   &a, &err),
		OK);
	assert_int_equal(send_read(&a, &send, &err), OK);
	assert_true(span_equal_string(send.stream.category, "account"));
	assert_true(span_equal_string(send.stream.key, "a/b"));
	assert_true(span_equal_string(send.type, "Deposit"));
	assert_true(span_equal_string(send.data, "{\"amount\":1}"));
	assert_true(span_equal_string(send.id, "x"));
	assert_true(span_equal_string(send.correlation_id, "c"));
	assert_true(send.has_expected_version && send.expected_version == 0 && send.want_state);
}

static void send_without_data_sends_an_empty_object_and_dash_reads_it(void **state)
{
	struct arguments a;
	struct send_arguments send;

	(void)state;
	assert_int_equal(line_parse(&cli_send_command, WORDS("account/a", "close"), &a, NULL), OK);
	assert_int_equal(send_read(&a, &send, NULL), OK);
	assert_true(span_equal_string(send.data, "{}"));
	assert_null(send.id.data);
	assert_false(send.has_expected_version);
	assert_int_equal(line_parse(&cli_send_command, WORDS("account/a", "close", "-"), &a, NULL),
			 OK);
	assert_int_equal(send_read(&a, &send, NULL), OK);
	assert_null(send.data.data);
}

static void send_refuses_what_the_server_would_refuse(void **state)
{
	static const struct {
		const char *words[5];
		size_t count;
		const char *message;
	} bad[] = {
		{ { "account", "t" }, 2, "'account' has no key" },
		{ { "account/", "t" }, 2, "a key is empty" },
		{ { "Account/a", "t" }, 2, "lower-case letter" },
		{ { "account/a", "1t" }, 2, "a type begins with a letter" },
		{ { "account/a", "t", "{a:1}" }, 3, "not JSON" },
		{ { "account/a", "t", "{\"a\":1,\"a\":2}" }, 3, "not JSON" },
		{ { "account/a", "t", "" }, 3, "not JSON" },
		{ { "account/a", "t", "{}", "--id=$x" }, 4, "made by the runtime" },
		{ { "account/a", "t", "{}", "--id=a b" }, 4, "option '--id'" },
		{ { "account/a", "t", "{}", "--correlation-id=a b" },
		  4,
		  "option '--correlation-id'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arguments a;
		struct send_arguments send;
		struct error err = { 0 };

		assert_int_equal(
			line_parse(&cli_send_command, bad[i].words, bad[i].count, &a, &err), OK);
		assert_int_equal(send_read(&a, &send, &err), ERR_INVALID);
		if (strstr(err.message, bad[i].message) == NULL)
			fail_msg("'%s' expected, not '%s'", bad[i].message, err.message);
	}
}

static void state_takes_a_version_or_a_time(void **state)
{
	struct arguments a;
	struct state_arguments asked;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		line_parse(&cli_state_command, WORDS("account/a", "--version", "3"), &a, NULL), OK);
	assert_int_equal(state_read(&a, &asked, NULL), OK);
	assert_int_equal(asked.version, 3);
	assert_int_equal(line_parse(&cli_state_command,
				    WORDS("account/a", "--time", "2026-01-31T12:00:00+01:00"), &a,
				    NULL),
			 OK);
	assert_int_equal(state_read(&a, &asked, NULL), OK);
	assert_int_equal(asked.version, 0);
	assert_true(span_equal_string(asked.time, "2026-01-31T12:00:00+01:00"));
	assert_int_equal(
		line_parse(&cli_state_command, WORDS("account/a", "--time", "yesterday"), &a, NULL),
		OK);
	assert_int_equal(state_read(&a, &asked, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "not 'yesterday'"));
	assert_int_equal(
		line_parse(&cli_state_command,
			   WORDS("account/a", "--time", "2026-01-31T12:00:00Z", "--version=1"), &a,
			   NULL),
		OK);
	assert_int_equal(state_read(&a, &asked, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "exclude each other"));
}

static void events_takes_filters_and_limits(void **state)
{
	struct arguments a;
	struct events_arguments events;

	(void)state;
	assert_int_equal(line_parse(&cli_events_command,
				    WORDS("-t", "x", "--type", "y", "-c", "external", "-a", "0",
					  "-n", "5", "-b"),
				    &a, NULL),
			 OK);
	assert_int_equal(events_read(&a, &events, NULL), OK);
	assert_int_equal(events.type_count, 2);
	assert_string_equal(events.types[1], "y");
	assert_true(span_equal_string(events.category, "external"));
	assert_true(events.has_after && events.after == 0 && events.backward && !events.follow);
	assert_int_equal(events.limit, 5);
	assert_int_equal(
		line_parse(&cli_events_command, WORDS("-f", "-s", "account/x/y"), &a, NULL), OK);
	assert_int_equal(events_read(&a, &events, NULL), OK);
	assert_true(span_equal_string(events.stream.key, "x/y"));
	assert_true(events.limit == UINT64_MAX && !events.has_after);
}

static void events_refuses_contradictions_and_bad_names(void **state)
{
	static const struct {
		const char *words[4];
		size_t count;
		const char *message;
	} bad[] = {
		{ { "-f", "-b" }, 2, "exclude each other" },
		{ { "-s", "account/a", "-c", "account" }, 4, "exclude each other" },
		{ { "-s", "account" }, 2, "has no key" },
		{ { "-c", "Account" }, 2, "option '--category'" },
		{ { "-t", "a/b" }, 2, "option '--type'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arguments a;
		struct events_arguments events;
		struct error err = { 0 };

		assert_int_equal(
			line_parse(&cli_events_command, bad[i].words, bad[i].count, &a, &err), OK);
		assert_int_equal(events_read(&a, &events, &err), ERR_INVALID);
		if (strstr(err.message, bad[i].message) == NULL)
			fail_msg("'%s' expected, not '%s'", bad[i].message, err.message);
	}
}

static void run_has_defaults_and_takes_everything(void **state)
{
	struct arguments a;
	struct serve_options serve;

	(void)state;
	assert_int_equal(line_parse(&cli_run_command, WORDS("--insecure"), &a, NULL), OK);
	assert_int_equal(run_read(&a, &serve, NULL), OK);
	assert_string_equal(serve.manifest_path, "concordance.yaml");
	assert_null(serve.data_directory);
	assert_null(serve.listen);
	assert_true(serve.insecure && !serve.ephemeral);
	assert_int_equal(serve.lanes, 0);
	assert_int_equal(serve.log_level, LOG_INFO);
	assert_int_equal(serve.host_count, 0);
	assert_int_equal(line_parse(&cli_run_command,
				    WORDS("-f", "m.yaml", "-d", "dir", "-l", "127.0.0.1:0",
					  "--lanes", "3", "--log-level", "debug", "--cache", "c",
					  "--host", "a", "--host", "b"),
				    &a, NULL),
			 OK);
	assert_int_equal(run_read(&a, &serve, NULL), OK);
	assert_string_equal(serve.manifest_path, "m.yaml");
	assert_string_equal(serve.data_directory, "dir");
	assert_string_equal(serve.listen, "127.0.0.1:0");
	assert_string_equal(serve.cache_directory, "c");
	assert_int_equal(serve.lanes, 3);
	assert_int_equal(serve.log_level, LOG_DEBUG);
	assert_int_equal(serve.host_count, 2);
	assert_string_equal(serve.hosts[1], "b");
}

static void run_refuses_contradictions_and_unknown_levels(void **state)
{
	struct arguments a;
	struct serve_options serve;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(
		line_parse(&cli_run_command, WORDS("--ephemeral", "--data", "d"), &a, NULL), OK);
	assert_int_equal(run_read(&a, &serve, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "exclude each other"));
	assert_int_equal(line_parse(&cli_run_command, WORDS("--log-level", "warning"), &a, NULL),
			 OK);
	assert_int_equal(run_read(&a, &serve, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "unknown log level 'warning'"));
	assert_int_equal(line_parse(&cli_run_command, WORDS("--lanes", "0"), &a, &err),
			 ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(send_takes_stream_type_and_data),
		cmocka_unit_test(send_without_data_sends_an_empty_object_and_dash_reads_it),
		cmocka_unit_test(send_refuses_what_the_server_would_refuse),
		cmocka_unit_test(state_takes_a_version_or_a_time),
		cmocka_unit_test(events_takes_filters_and_limits),
		cmocka_unit_test(events_refuses_contradictions_and_bad_names),
		cmocka_unit_test(run_has_defaults_and_takes_everything),
		cmocka_unit_test(run_refuses_contradictions_and_unknown_levels),
	};

	return cmocka_run_group_tests_name("reading", tests, NULL, NULL);
}
