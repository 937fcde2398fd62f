/* SPDX-License-Identifier: Apache-2.0 */
/* test_layout.c - JSON and text for people: laid out anew, harmless, cut; tables; pieces of answers. */
#include "unit/app/harness.h"

#include "app/event_lines.h"
#include "app/json_layout.h"
#include "app/progress.h"
#include "app/table.h"
#include "base/buf.h"

static void assert_layout(void (*lay_out)(struct buf *, struct span), struct span from,
			  const char *expected)
{
	OWNED(buf) struct buf text = { 0 };

	lay_out(&text, from);
	buf_append_byte(&text, '\0');
	assert_string_equal(text.data, expected);
}

static void json_on_one_line_keeps_every_value_as_it_was(void **state)
{
	(void)state;
	assert_layout(json_layout_compact,
		      SPAN(" { \"a b\" : [ 1.0 , -0e5,\n\ttrue ] ,\"c\":\"x \\\" y\" } "),
		      "{\"a b\":[1.0,-0e5,true],\"c\":\"x \\\" y\"}");
	assert_layout(json_layout_compact, SPAN("null"), "null");
}

static void json_is_indented_and_empty_ones_stay_closed(void **state)
{
	(void)state;
	assert_layout(json_layout_indented, SPAN("{\"a\":[1,{\"b\":null}],\"c\":{ },\"d\":[ ]}"),
		      "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n"
		      "  \"c\": {},\n  \"d\": []\n}");
	assert_layout(json_layout_indented, SPAN("7"), "7");
}

static void text_that_is_no_json_does_no_harm(void **state)
{
	static const char *const bad[] = { "",     "}}}}",    "[[[[", "\"",
					   "\"\\", "{\"a\":", ",,,:", "\xE2\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		OWNED(buf) struct buf text = { 0 };
		char *copy = malloc(strlen(bad[i]) + 1);

		/* On the heap without a NUL, so that a sanitizer sees a step too far. */
		memcpy(copy, bad[i], strlen(bad[i]));
		json_layout_compact(&text, span_of(copy, strlen(bad[i])));
		json_layout_indented(&text, span_of(copy, strlen(bad[i])));
		assert_int_equal(buf_status(&text), OK);
		free(copy);
	}
}

static void what_steers_a_terminal_is_replaced(void **state)
{
	(void)state;
	assert_layout(text_layout_harmless,
		      SPAN("a\033[31mb\x7f\xC2\x9B"
			   "c\r\n\xE2\x80\xAE"
			   "d\xE2\x81\xA6"),
		      "a?[31mb??c? ?d?");
	assert_layout(text_layout_harmless, SPAN("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"),
		      "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
	assert_layout(json_layout_compact,
		      SPAN("\"\xC2\x9B"
			   "2J\""),
		      "\"?2J\"");
}

static void text_is_cut_between_characters_with_room_for_a_mark(void **state)
{
	bool cut = true;

	(void)state;
	assert_true(span_equal(text_layout_cut(SPAN("abc"), 3, &cut), SPAN("abc")));
	assert_false(cut);
	assert_true(span_equal(text_layout_cut(SPAN("abcd"), 3, &cut), SPAN("ab")));
	assert_true(cut);
	assert_true(span_equal(text_layout_cut(SPAN("\xC3\xA4\xC3\xB6\xC3\xBC"), 2, &cut),
			       SPAN("\xC3\xA4")));
	assert_true(cut);
	assert_true(span_equal(text_layout_cut(SPAN(""), 0, &cut), SPAN("")));
	assert_false(cut);
	assert_int_equal(text_layout_columns(SPAN("\xC3\xA4x\xE2\x82\xAC")), 3);
}

static char *table_text(bool terminal, size_t width)
{
	static const struct table_column columns[] = { { "N", true },
						       { "NAME", false },
						       { "REST", false } };
	struct output output = { .terminal = terminal, .width = width };
	struct table *table = malloc(sizeof(*table));
	char *text = NULL;
	size_t size;

	output.out = open_memstream(&text, &size);
	assert_int_equal(table_init(table, &output, columns, 3, NULL), OK);
	assert_int_equal(table_add(table,
				   (const struct span[]){ SPAN("1"), SPAN("a"), SPAN("short") },
				   NULL),
			 OK);
	assert_int_equal(table_add(table,
				   (const struct span[]){ SPAN("1000"), SPAN("\xC3\xA4hm"),
							  SPAN("longer than what is left") },
				   NULL),
			 OK);
	table_flush(table);
	assert_int_equal(
		table_add(table, (const struct span[]){ SPAN("2"), SPAN("b"), SPAN("x") }, NULL),
		OK);
	table_flush(table);
	table_fini(table);
	free(table);
	(void)fclose(output.out);
	return text;
}

static void a_table_is_aligned_and_cut_on_a_terminal(void **state)
{
	char *text = table_text(true, 30);

	(void)state;
	assert_string_equal(text, "   N  NAME  REST\n"
				  "   1  a     short\n"
				  "1000  \xC3\xA4hm   longer than what \xE2\x80\xA6\n"
				  "   2  b     x\n");
	free(text);
}

static void a_table_is_divided_by_tabs_and_whole_otherwise(void **state)
{
	char *text = table_text(false, SIZE_MAX);

	(void)state;
	assert_string_equal(text,
			    "1\ta\tshort\n1000\t\xC3\xA4hm\tlonger than what is left\n2\tb\tx\n");
	free(text);
}

static enum status collect(struct span json, void *arg, struct error *err)
{
	struct buf *all = arg;

	(void)err;
	if (span_equal(json, SPAN("stop")))
		return ERR_REJECTED;
	buf_append_span(all, json);
	buf_append_byte(all, '|');
	return OK;
}

/* Feeds a text in pieces of every size and expects the same events from each. */
static void assert_events(bool server_sent, const char *text, const char *expected,
			  uint64_t last_id)
{
	for (size_t step = 1; step <= strlen(text); step++) {
		OWNED(buf) struct buf all = { 0 };
		struct event_lines lines = { .server_sent = server_sent,
					     .take = collect,
					     .arg = &all };

		for (size_t at = 0; at < strlen(text); at += step) {
			size_t size = strlen(text) - at < step ? strlen(text) - at : step;

			assert_int_equal(event_lines_take(&lines, span_of(text + at, size), NULL),
					 OK);
		}
		assert_int_equal(event_lines_end(&lines, NULL), OK);
		buf_append_byte(&all, '\0');
		assert_string_equal(all.data, expected);
		assert_int_equal(lines.last_id, last_id);
		event_lines_fini(&lines);
	}
}

static void lines_come_out_whole_however_they_were_cut(void **state)
{
	(void)state;
	assert_events(false, "{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}",
		      "{\"a\":1}|{\"b\":2}|{\"c\":3}|", 0);
}

static void server_sent_events_come_out_whole_however_they_were_cut(void **state)
{
	(void)state;
	assert_events(
		true,
		": heartbeat\nid: 5\n\nid: 7\ndata: {\"a\":1}\n\nid:8\r\ndata:{\r\ndata: }\r\n\r\n"
		"event: x\nretry: 1\n\ndata: unfinished\n",
		"{\"a\":1}|{\n}|", 8);
}

static void what_takes_the_events_can_end_the_reading(void **state)
{
	OWNED(buf) struct buf all = { 0 };
	struct event_lines lines = { .take = collect, .arg = &all };

	(void)state;
	assert_int_equal(event_lines_take(&lines, SPAN("a\nstop\nb\n"), NULL), ERR_REJECTED);
	assert_true(span_equal(buf_span(&all), SPAN("a|")));
	event_lines_fini(&lines);
}

static void a_line_without_end_is_refused(void **state)
{
	OWNED(buf) struct buf all = { 0 };
	struct event_lines lines = { .take = collect, .arg = &all };
	char *piece = malloc(1 << 20);
	enum status s = OK;

	(void)state;
	memset(piece, 'x', 1 << 20);
	for (int i = 0; s == OK && i < 20; i++)
		s = event_lines_take(&lines, span_of(piece, 1 << 20), NULL);
	assert_int_equal(s, ERR_LIMIT);
	free(piece);
	event_lines_fini(&lines);
}

/* ---- progress ------------------------------------------------------------------------------------ */

static void reading_tells_how_far_it_has_come_when_it_takes_long(void **state)
{
	char folder[] = "/tmp/progress-XXXXXX";
	OWNED(buf) struct buf content = { 0 }, read = { 0 };
	struct clock_manual clock;
	struct progress progress;
	char path[64], *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/segment-1", folder);
	(void)buf_append_zeros(&content, (size_t)4 << 20);
	assert_int_equal(vfs_write_file_atomically(vfs_system(), path, buf_span(&content), NULL),
			 OK);
	clock_manual_init(&clock, 0);
	progress_begin(&progress, vfs_system(), &clock.clock, out, "reading", folder, "segment-");
	assert_int_equal(progress.total_bytes, 4 << 20);
	assert_int_equal(vfs_read_file(&progress.vfs, path, (size_t)8 << 20, &read, NULL), OK);
	assert_true(span_equal(buf_span(&read), buf_span(&content)));
	assert_false(progress.shown);
	progress.read_bytes = 0;
	clock_manual_advance_us(&clock, PROGRESS_QUIET_MS * 1000);
	buf_clear(&read);
	assert_int_equal(vfs_read_file(&progress.vfs, path, (size_t)8 << 20, &read, NULL), OK);
	progress_end(&progress);
	(void)fclose(out);
	assert_ptr_equal(strstr(text, "\rreading: "), text);
	assert_non_null(strstr(text, " of 4 MiB, "));
	assert_string_equal(text + strlen(text) - 4, "\r\033[K");
	free(text);
	clock_manual_fini(&clock);
	assert_int_equal(remove(path), 0);
	assert_int_equal(remove(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_on_one_line_keeps_every_value_as_it_was),
		cmocka_unit_test(json_is_indented_and_empty_ones_stay_closed),
		cmocka_unit_test(text_that_is_no_json_does_no_harm),
		cmocka_unit_test(what_steers_a_terminal_is_replaced),
		cmocka_unit_test(text_is_cut_between_characters_with_room_for_a_mark),
		cmocka_unit_test(a_table_is_aligned_and_cut_on_a_terminal),
		cmocka_unit_test(a_table_is_divided_by_tabs_and_whole_otherwise),
		cmocka_unit_test(lines_come_out_whole_however_they_were_cut),
		cmocka_unit_test(server_sent_events_come_out_whole_however_they_were_cut),
		cmocka_unit_test(what_takes_the_events_can_end_the_reading),
		cmocka_unit_test(a_line_without_end_is_refused),
		cmocka_unit_test(reading_tells_how_far_it_has_come_when_it_takes_long),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
