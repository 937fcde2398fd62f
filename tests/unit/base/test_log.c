/* SPDX-License-Identifier: Apache-2.0 */
/* test_log.c - one line for each thing that happened, which nobody outside can forge. */
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "expect.h"

#define STAMP_BYTES 28 /* 2024-02-29T12:00:00.123456Z and a space */

struct captured {
	struct buf text; /* of the last line */
	unsigned count;
};

static void keep(struct span line, void *arg)
{
	struct captured *captured = arg;

	buf_clear(&captured->text);
	buf_append_span(&captured->text, line);
	captured->count++;
}

static int begin(void **state)
{
	static struct captured captured;

	captured = (struct captured){ 0 };
	log_set_level(LOG_INFO);
	log_set_sink(keep, &captured);
	*state = &captured;
	return 0;
}

static int end(void **state)
{
	struct captured *captured = *state;

	log_set_sink(NULL, NULL);
	buf_fini(&captured->text);
	return 0;
}

/* The line without its time. */
static struct span line_of(const struct captured *captured)
{
	return span_after(buf_span(&captured->text), STAMP_BYTES);
}

static void a_line_is_a_time_a_level_an_event_and_fields(void **state)
{
	struct captured *captured = *state;

	log_event(LOG_WARN, "append_conflict", LOG_STRING("stream", "acct-1"), LOG_NUMBER("at", 1));
	assert_int_equal(captured->count, 1);
	expect_text(line_of(captured), "warn event=append_conflict stream=acct-1 at=1");
}

static void the_time_is_of_utc_in_microseconds(void **state)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ ";
	struct captured *captured = *state;

	log_write(LOG_INFO, "started", NULL, 0);
	expect_text(line_of(captured), "info event=started");
	for (size_t i = 0; shape[i] != '\0'; i++) {
		char c = captured->text.data[i];

		if (shape[i] == 'd' ? (c < '0' || c > '9') : c != shape[i])
			fail_msg("'%.*s' at %zu", SPAN_ARG(buf_span(&captured->text)), i);
	}
}

static void numbers_are_written_to_the_ends_of_their_range(void **state)
{
	log_event(LOG_INFO, "e", LOG_NUMBER("a", 0), LOG_NUMBER("b", UINT64_MAX),
		  LOG_SIGNED("c", INT64_MIN), LOG_SIGNED("d", -1), LOG_SIGNED("e", INT64_MAX));
	expect_text(line_of(*state), "info event=e a=0 b=18446744073709551615 "
				     "c=-9223372036854775808 d=-1 e=9223372036854775807");
}

static void lines_below_the_level_are_dropped(void **state)
{
	static const char *const words[] = { "debug", "info", "warn", "error" };
	struct captured *captured = *state;

	for (int minimum = LOG_DEBUG; minimum <= LOG_ERROR; minimum++) {
		log_set_level((enum log_level)minimum);
		for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
			unsigned before = captured->count;
			char expected[32];

			log_write((enum log_level)level, "e", NULL, 0);
			assert_int_equal(log_is_on((enum log_level)level), level >= minimum);
			assert_int_equal(captured->count - before, level >= minimum);
			if (level < minimum)
				continue;
			(void)snprintf(expected, sizeof(expected), "%s event=e", words[level]);
			expect_text(line_of(captured), expected);
		}
	}
}

/* What one value becomes. */
static void expect_line(struct captured *captured, struct span value, const char *expected)
{
	char line[4096];

	log_event(LOG_INFO, "e", LOG_SPAN("k", value), LOG_NUMBER("n", 1));
	(void)snprintf(line, sizeof(line), "info event=e k=%s n=1", expected);
	expect_text(line_of(captured), line);
}

static void plain_values_stand_as_they_are(void **state)
{
	expect_line(*state, SPAN("AZaz09_.:/$@+-"), "AZaz09_.:/$@+-");
}

static void everything_else_is_quoted(void **state)
{
	char text[] = "a.b";

	expect_line(*state, SPAN_EMPTY, "\"\"");
	expect_line(*state, SPAN("a b"), "\"a b\"");
	expect_line(*state, SPAN("a=b"), "\"a=b\"");
	for (unsigned c = 0x20; c < 0x7F; c++) {
		char quoted[16];

		text[1] = (char)c;
		if (c == '"' || c == '\\')
			(void)snprintf(quoted, sizeof(quoted), "\"a\\%cb\"", c);
		else
			(void)snprintf(quoted, sizeof(quoted), "\"a%cb\"", c);
		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    strchr("_.:/$@+-", (int)c) != NULL)
			expect_line(*state, span_of(text, 3), text);
		else
			expect_line(*state, span_of(text, 3), quoted);
	}
}

static void no_value_can_end_its_line_or_its_quotes(void **state)
{
	expect_line(*state, SPAN("x\n2024 error event=forged"), "\"x\\n2024 error event=forged\"");
	expect_line(*state, SPAN("a\" n=2 b=\""), "\"a\\\" n=2 b=\\\"\"");
	expect_line(*state, SPAN("a\\"), "\"a\\\\\"");
	expect_line(*state, SPAN("\r\t"), "\"\\r\\t\"");
}

/* Not even one that stands right behind a character of several bytes. */
static void no_character_hides_what_stands_behind_it(void **state)
{
	static const char *const characters[] = { "a", "\xC3\xA9", "\xE2\x82\xAC",
						  "\xF0\x9F\x98\x80" };
	static const struct {
		const char *raw;
		const char *shown;
	} ends[] = { { "\"", "\\\"" },
		     { "\" n=2", "\\\" n=2" },
		     { "\\x", "\\\\x" },
		     { "\n", "\\n" },
		     { "\xC2\x9B", "\\xc2\\x9b" } };
	char raw[32];
	char shown[32];

	for (size_t i = 0; i < ARRAY_COUNT(characters); i++) {
		for (size_t j = 0; j < ARRAY_COUNT(ends); j++) {
			(void)snprintf(raw, sizeof(raw), "%s%s", characters[i], ends[j].raw);
			(void)snprintf(shown, sizeof(shown), "\"%s%s\"", characters[i],
				       ends[j].shown);
			expect_line(*state, span_from_string(raw), shown);
		}
	}
}

static void control_characters_are_escaped_everywhere(void **state)
{
	expect_line(*state, SPAN("\0"), "\"\\x00\"");
	expect_line(*state, SPAN("\x1B[31m"), "\"\\x1b[31m\"");
	expect_line(*state, SPAN("\x7F"), "\"\\x7f\"");
	expect_line(*state, SPAN("\xC2\x85"), "\"\\xc2\\x85\""); /* next line */
	expect_line(*state, SPAN("\xC2\x9B"), "\"\\xc2\\x9b\""); /* opens terminal sequences */
	expect_line(*state, SPAN("\xC2\xA0"), "\"\xC2\xA0\"");
}

static void utf8_stays_and_what_is_none_is_escaped(void **state)
{
	expect_line(*state, SPAN("M\xC3\xBCller \xE2\x82\xAC\xF0\x9F\x98\x80"),
		    "\"M\xC3\xBCller \xE2\x82\xAC\xF0\x9F\x98\x80\"");
	expect_line(*state, SPAN("\xFF\xFE"), "\"\\xff\\xfe\"");
	expect_line(*state, SPAN("\xC3"), "\"\\xc3\"");
	expect_line(*state, SPAN("\xC3\""), "\"\\xc3\\\"\"");
	expect_line(*state, SPAN("\xE2\x82\""), "\"\\xe2\\x82\\\"\"");
	expect_line(*state, SPAN("\xF0\x9F\x98\n\xC3\xA4"), "\"\\xf0\\x9f\\x98\\n\xC3\xA4\"");
	expect_line(*state, SPAN("\xED\xA0\x80"), "\"\\xed\\xa0\\x80\"");
}

static void a_value_over_a_kilobyte_is_cut_and_says_so(void **state)
{
	char value[1025];
	char expected[1100];

	memset(value, 'a', sizeof(value));
	(void)snprintf(expected, sizeof(expected), "%.*s", 1024, value);
	expect_line(*state, span_of(value, 1024), expected);
	(void)snprintf(expected, sizeof(expected), "\"%.*s...\"", 1024, value);
	expect_line(*state, span_of(value, 1025), expected);
}

static void a_value_is_cut_between_characters(void **state)
{
	static const char *const characters[] = { "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80" };
	struct captured *captured = *state;

	for (size_t i = 0; i < ARRAY_COUNT(characters); i++) {
		size_t size = strlen(characters[i]);

		for (size_t before = 0; before <= size; before++) {
			OWNED(buf) struct buf value = { 0 };
			OWNED(buf) struct buf expected = { 0 };

			for (size_t j = 0; j < before; j++)
				buf_append_byte(&value, 'a');
			while (value.size < 1200)
				buf_append_string(&value, characters[i]);
			size_t kept = before + (1024 - before) / size * size;
			buf_append_format(&expected, "\"%.*s...\"", (int)kept, value.data);
			buf_append_byte(&expected, '\0');
			expect_line(captured, buf_span(&value), expected.data);
		}
	}
}

static void a_line_over_eight_kilobytes_is_cut_between_characters(void **state)
{
	struct captured *captured = *state;
	struct log_field fields[12];
	char value[1000];

	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = i % 2 == 0 ? '\xC3' : '\xA4';
	for (size_t i = 0; i < ARRAY_COUNT(fields); i++)
		fields[i] = LOG_SPAN("key", span_of(value, sizeof(value)));
	for (size_t shift = 0; shift < 4; shift++) {
		fields[0].text.size = shift * 2;
		log_write(LOG_INFO, "e", fields, ARRAY_COUNT(fields));
		assert_in_range(captured->text.size, 8192 - 8, 8191);
		assert_true(utf8_is_valid(buf_span(&captured->text)));
	}
	/* Nothing that would still fit follows the cut: it would seem to be all. */
	fields[ARRAY_COUNT(fields) - 1] = LOG_NUMBER("n", 1);
	log_write(LOG_INFO, "e", fields, ARRAY_COUNT(fields));
	assert_null(memmem(captured->text.data, captured->text.size, "n=1", 3));
}

static void escapes_are_not_cut_either(void **state)
{
	struct captured *captured = *state;
	struct log_field fields[3];
	char value[1000];

	memset(value, 1, sizeof(value));
	for (size_t i = 0; i < ARRAY_COUNT(fields); i++)
		fields[i] = LOG_SPAN("key", span_of(value, sizeof(value)));
	for (size_t shift = 0; shift < 4; shift++) {
		struct log_field all[] = { LOG_SPAN("k", span_of("aaaa", shift)), fields[0],
					   fields[1], fields[2] };

		log_write(LOG_INFO, "e", all, ARRAY_COUNT(all));
		assert_in_range(captured->text.size, 8192 - 4, 8191);
		assert_memory_equal(captured->text.data + captured->text.size - 4, "\\x01", 4);
	}
}

static void without_a_sink_each_line_is_one_write_to_standard_error(void **state)
{
	struct captured *captured = *state;
	int ends[2];
	char line[9000];

	/* Datagrams keep writes apart. */
	assert_return_code(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	int before = dup(STDERR_FILENO);
	assert_return_code(before, 0);
	log_set_sink(NULL, NULL);
	assert_return_code(dup2(ends[1], STDERR_FILENO), 0);
	log_event(LOG_INFO, "first", LOG_STRING("k", "v w"));
	log_write(LOG_ERROR, "second", NULL, 0);
	assert_return_code(dup2(before, STDERR_FILENO), 0);
	ssize_t got = recv(ends[0], line, sizeof(line), MSG_DONTWAIT);
	assert_true(got > STAMP_BYTES);
	expect_text(span_of(line + STAMP_BYTES, (size_t)got - STAMP_BYTES),
		    "info event=first k=\"v w\"\n");
	got = recv(ends[0], line, sizeof(line), MSG_DONTWAIT);
	assert_true(got > STAMP_BYTES);
	expect_text(span_of(line + STAMP_BYTES, (size_t)got - STAMP_BYTES), "error event=second\n");
	assert_int_equal(recv(ends[0], line, sizeof(line), MSG_DONTWAIT), -1);
	assert_int_equal(captured->count, 0);
	(void)close(before);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void write_lines(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 500; i++)
		log_event(LOG_INFO, "e", LOG_NUMBER("i", i));
}

static void a_sink_sees_the_lines_of_all_threads_one_at_a_time(void **state)
{
	struct captured *captured = *state;
	struct thread threads[3];

	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		expect_status(OK, thread_start(&threads[i], "log", write_lines, NULL, NULL));
	for (size_t i = 0; i < ARRAY_COUNT(threads); i++)
		thread_join(&threads[i]);
	assert_int_equal(captured->count, 1500);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(a_line_is_a_time_a_level_an_event_and_fields),
		LOG_TEST(the_time_is_of_utc_in_microseconds),
		LOG_TEST(numbers_are_written_to_the_ends_of_their_range),
		LOG_TEST(lines_below_the_level_are_dropped),
		LOG_TEST(plain_values_stand_as_they_are),
		LOG_TEST(everything_else_is_quoted),
		LOG_TEST(no_value_can_end_its_line_or_its_quotes),
		LOG_TEST(no_character_hides_what_stands_behind_it),
		LOG_TEST(control_characters_are_escaped_everywhere),
		LOG_TEST(utf8_stays_and_what_is_none_is_escaped),
		LOG_TEST(a_value_over_a_kilobyte_is_cut_and_says_so),
		LOG_TEST(a_value_is_cut_between_characters),
		LOG_TEST(a_line_over_eight_kilobytes_is_cut_between_characters),
		LOG_TEST(escapes_are_not_cut_either),
		LOG_TEST(without_a_sink_each_line_is_one_write_to_standard_error),
		LOG_TEST(a_sink_sees_the_lines_of_all_threads_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
