/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of events: forms, pages, filters, and where they end. */
#include "fixture.h"

#define PAGE_FRAMES 1 /* of setup(): a page looks at no more frames, the hardest case */
#define STRAWS      13

/* The target of the answer's Link: false when there is none. */
static bool next_of(const struct answer *answer, char target[static 1024])
{
	const char *link = answer_header(answer, "Link");

	if (link == NULL)
		return false;
	const char *end = strchr(link, '>');
	assert_true(link[0] == '<' && end != NULL);
	assert_string_equal(end, ">; rel=\"next\"");
	assert_true(end - link < 1024);
	memcpy(target, link + 1, (size_t)(end - link) - 1);
	target[end - link - 1] = '\0';
	return true;
}

/* Follows the links to the end and gives "kind:n" of each event, in order. The end is a page without
 * a link, or with one that repeats `after`. */
static void walk(struct fixture *f, const char *first, size_t limit, char *ret, size_t size)
{
	char target[1024];
	char before[1024] = "";
	unsigned pages = 0;

	(void)snprintf(target, sizeof(target), "%s", first);
	ret[0] = '\0';
	do {
		struct answer *answer = get(f, target);

		assert_status(answer, 200);
		assert_true(json_count(answer->json) <= limit);
		assert_true(++pages < 200);
		for (size_t i = 0; i < json_count(answer->json); i++) {
			const struct json *event = json_at(answer->json, i);
			size_t used = strlen(ret);
			uint64_t n = 0;

			assert_true(json_u64(json_get(json_get(event, "data"), "n"), &n));
			(void)snprintf(ret + used, size - used, "%.*s%llu ",
				       SPAN_ARG(json_string(json_get(event, "type"))),
				       (unsigned long long)n);
		}
		(void)snprintf(before, sizeof(before), "%s", target);
		if (!next_of(answer, target))
			return;
	} while (strcmp(before, target) != 0);
}

static void the_default_form_is_a_bare_array_of_cloudevents(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(get(f, "/v1/events")->body, "[]");
	(void)command(f, "1", "open_account", "{}");
	struct answer *answer = get(f, "/v1/events");
	assert_string_equal(answer_header(answer, "Content-Type"),
			    "application/cloudevents-batch+json");
	assert_int_equal(json_count(answer->json), 1);
	assert_at(answer, "0/specversion", "\"1.0\"");
	assert_at(answer, "0/source", "\"/bank/account\"");
	assert_at(answer, "0/subject", "\"1\"");
	assert_at(answer, "0/stream", "\"account/1\"");
	assert_at(answer, "0/version", "\"1\"");
	assert_at(answer, "0/position", "\"1024\"");
	assert_at(answer, "0/datacontenttype", "\"application/json\"");
}

static void ndjson_is_one_event_a_line(void **state)
{
	struct fixture *f = *state;

	(void)post(f, "/v1/streams/import/k/events",
		   "{\"events\":[{\"type\":\"a\",\"data\":{\n\"n\":\r\n1}},{\"type\":\"b\","
		   "\"data\":2}]}");
	struct answer *answer = get_with(f, "Accept: application/x-ndjson\r\n", "/v1/events");
	assert_string_equal(answer_header(answer, "Content-Type"), "application/x-ndjson");
	size_t lines = 0;
	for (const char *at = answer->body; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 2);
	assert_int_equal(answer->body[answer->body_size - 1], '\n');
	assert_null(strchr(answer->body, '\r'));
}

static void the_form_follows_accept(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *accept;
		const char *type; /* NULL: 406 */
	} cases[] = {
		{ "*/*", "application/cloudevents-batch+json" },
		{ "", "application/cloudevents-batch+json" },
		{ "application/json", "application/cloudevents-batch+json" },
		{ "application/*;q=0.1", "application/cloudevents-batch+json" },
		{ "Application/X-NDJSON", "application/x-ndjson" },
		{ "text/html, application/x-ndjson;q=0.9, */*;q=0.8", "application/x-ndjson" },
		{ "application/x-ndjson;q=0.2,application/json;q=0.3",
		  "application/cloudevents-batch+json" },
		{ "*/*, application/x-ndjson", "application/x-ndjson" },
		{ "application/x-ndjson, application/json", "application/x-ndjson" },
		{ "application/json, application/x-ndjson", "application/cloudevents-batch+json" },
		{ "text/event-stream;q=0, application/x-ndjson;q=0.001", "application/x-ndjson" },
		{ "application/json; q=1.0; v=2 , text/html",
		  "application/cloudevents-batch+json" },
		{ "text/html", NULL },
		{ "application/jsonp", NULL },
		{ "application/x-ndjson;q=0", NULL },
		{ "application/json;q=0.000, image/png", NULL },
		{ "xtext/event-streamx", NULL },
	};
	char header[200];

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		(void)snprintf(header, sizeof(header), "Accept: %s\r\n", cases[i].accept);
		struct answer *answer = get_with(f, header, "/v1/events");
		if (cases[i].type == NULL) {
			assert_problem(answer, 406, "not_acceptable", cases[i].accept);
			continue;
		}
		assert_status(answer, 200);
		assert_string_equal(answer_header(answer, "Content-Type"), cases[i].type);
	}
	/* Two headers are one list. */
	struct answer *answer =
		get_with(f, "Accept: text/html\r\nAccept: application/x-ndjson\r\n", "/v1/events");
	assert_string_equal(answer_header(answer, "Content-Type"), "application/x-ndjson");
}

static void fill(struct fixture *f)
{
	append_events(f, "red/x", 3, "a");
	append_events(f, "blue/x", 1, "a");
	append_events(f, "red/x", 2, "BigNews");
	append_events(f, "blue/y", 1, "c");
	append_events(f, "red/x", 1, "c");
}

static void pages_hold_every_event_once_in_both_directions(void **state)
{
	struct fixture *f = *state;
	char seen[1024];
	char target[200];

	fill(f);
	for (size_t limit = 1; limit <= 9; limit++) {
		(void)snprintf(target, sizeof(target), "/v1/events?limit=%zu", limit);
		walk(f, target, limit, seen, sizeof(seen));
		assert_string_equal(seen, "a0 a1 a2 a0 BigNews0 BigNews1 c0 c0 ");
		(void)snprintf(target, sizeof(target), "/v1/events?direction=backward&limit=%zu",
			       limit);
		walk(f, target, limit, seen, sizeof(seen));
		assert_string_equal(seen, "c0 c0 BigNews1 BigNews0 a0 a2 a1 a0 ");
		(void)snprintf(target, sizeof(target), "/v1/streams/red/x/events?limit=%zu", limit);
		walk(f, target, limit, seen, sizeof(seen));
		assert_string_equal(seen, "a0 a1 a2 BigNews0 BigNews1 c0 ");
		(void)snprintf(target, sizeof(target),
			       "/v1/streams/red/x/events?direction=backward&limit=%zu", limit);
		walk(f, target, limit, seen, sizeof(seen));
		assert_string_equal(seen, "c0 BigNews1 BigNews0 a2 a1 a0 ");
	}
}

static void filters_travel_with_the_link(void **state)
{
	struct fixture *f = *state;
	char seen[1024];

	fill(f);
	walk(f, "/v1/events?limit=1&type=big_news&type=c", 1, seen, sizeof(seen));
	assert_string_equal(seen, "BigNews0 BigNews1 c0 c0 ");
	walk(f, "/v1/events?limit=1&type=c&type=BigNews&direction=backward", 1, seen, sizeof(seen));
	assert_string_equal(seen, "c0 c0 BigNews1 BigNews0 ");
	walk(f, "/v1/events?limit=2&category=blue", 2, seen, sizeof(seen));
	assert_string_equal(seen, "a0 c0 ");
	walk(f, "/v1/events?limit=1&category=blue&type=a", 1, seen, sizeof(seen));
	assert_string_equal(seen, "a0 ");
	walk(f, "/v1/streams/red/x/events?limit=1&type=c&type=a", 1, seen, sizeof(seen));
	assert_string_equal(seen, "a0 a1 a2 c0 ");
	walk(f, "/v1/events?type=nothing", 1, seen, sizeof(seen));
	assert_string_equal(seen, "");
}

/* More frames than a page looks at, and none that matches until the far end. */
static void a_filter_that_matches_little_goes_on_over_empty_pages(void **state)
{
	struct fixture *f = *state;
	char seen[1024];
	static const char *const targets[] = {
		"/v1/events?type=needle", "/v1/events?type=needle&direction=backward",
		"/v1/events?category=hay&type=needle", "/v1/streams/hay/x/events?type=needle",
		"/v1/streams/hay/x/events?type=needle&direction=backward"
	};

	append_events(f, "hay/x", 1, "needle");
	for (int i = 0; i < STRAWS; i++)
		append_events(f, "hay/x", 2, "straw");
	append_events(f, "hay/x", 1, "needle");
	struct answer *answer = get(f, targets[3]);
	assert_int_equal(json_count(answer->json), 1);
	assert_non_null(answer_header(answer, "Link"));
	for (size_t i = 0; i < ARRAY_COUNT(targets); i++) {
		walk(f, targets[i], 100, seen, sizeof(seen));
		assert_string_equal(seen, "needle0 needle0 ");
	}
	walk(f, "/v1/events?type=none&direction=backward", 100, seen, sizeof(seen));
	assert_string_equal(seen, "");
	walk(f, "/v1/streams/hay/x/events?type=none", 100, seen, sizeof(seen));
	assert_string_equal(seen, "");
	walk(f, "/v1/streams/hay/x/events?limit=3", 3, seen, sizeof(seen));
	assert_int_equal(strlen(seen), strlen("needle0 needle0 ") + 2 * STRAWS * strlen("straw0 "));
}

static void the_link_at_the_end_goes_on_where_new_events_come(void **state)
{
	struct fixture *f = *state;
	char target[1024];
	char again[1024];

	assert_true(next_of(get(f, "/v1/events"), target));
	assert_string_equal(target, "/v1/events?after=0&limit=100");
	append_events(f, "red/x", 2, "a");
	struct answer *answer = get(f, target);
	assert_int_equal(json_count(answer->json), 2);
	assert_true(next_of(answer, target));
	answer = get(f, target);
	assert_string_equal(answer->body, "[]");
	assert_true(next_of(answer, again));
	assert_string_equal(again, target);
	append_events(f, "red/x", 1, "b");
	assert_at(get(f, target), "0/type", "\"b\"");
	/* Going back, and of one stream, the end is the end. */
	assert_null(answer_header(get(f, "/v1/events?direction=backward"), "Link"));
	assert_null(answer_header(get(f, "/v1/streams/red/x/events"), "Link"));
	assert_null(answer_header(get(f, "/v1/streams/red/x/events?limit=3"), "Link"));
	assert_non_null(answer_header(get(f, "/v1/streams/red/x/events?limit=2"), "Link"));
}

static void after_is_exclusive_at_all_its_limits(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *query;
		size_t count;
	} cases[] = {
		{ "/v1/events?after=0", 4 },
		{ "/v1/events?after=1023", 4 },
		{ "/v1/events?after=1024", 3 },
		{ "/v1/events?after=1025", 2 },
		{ "/v1/events?after=1026", 1 },
		{ "/v1/events?after=2047", 1 },
		{ "/v1/events?after=2048", 0 },
		{ "/v1/events?after=3071", 0 },
		{ "/v1/events?after=0&direction=backward", 0 },
		{ "/v1/events?after=1&direction=backward", 0 },
		{ "/v1/events?after=1024&direction=backward", 0 },
		{ "/v1/events?after=1025&direction=backward", 1 },
		{ "/v1/events?after=2048&direction=backward", 3 },
		{ "/v1/events?after=2049&direction=backward", 4 },
		{ "/v1/events?after=18446744073709551614&direction=backward", 4 },
		{ "/v1/events?after=18446744073709551615&direction=backward", 4 },
		{ "/v1/streams/red/x/events?after=0", 4 },
		{ "/v1/streams/red/x/events?after=1", 3 },
		{ "/v1/streams/red/x/events?after=4", 0 },
		{ "/v1/streams/red/x/events?after=18446744073709551614", 0 },
		{ "/v1/streams/red/x/events?after=18446744073709551615", 0 },
		{ "/v1/streams/red/x/events?after=0&direction=backward", 0 },
		{ "/v1/streams/red/x/events?after=1&direction=backward", 0 },
		{ "/v1/streams/red/x/events?after=2&direction=backward", 1 },
		{ "/v1/streams/red/x/events?after=5&direction=backward", 4 },
		{ "/v1/streams/red/x/events?after=18446744073709551615&direction=backward", 4 },
		{ "/v1/streams/red/nobody/events", 0 },
		{ "/v1/streams/red/nobody/events?direction=backward", 0 },
	};

	append_events(f, "red/x", 3, "a");
	append_events(f, "red/x", 1, "a");
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct answer *answer = get(f, cases[i].query);

		assert_status(answer, 200);
		if (json_count(answer->json) != cases[i].count)
			fail_msg("%s: %s", cases[i].query, answer->body);
	}
	assert_problem(get(f, "/v1/events?after=3072"), 409, "beyond_head", "3071");
	assert_problem(get(f, "/v1/events?after=18446744073709551615"), 409, "beyond_head", "3071");
}

static void bad_parameters_are_named(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *query;
		const char *phrase;
	} cases[] = {
		{ "limit=0", "'limit'" },
		{ "limit=10001", "'limit'" },
		{ "limit=", "'limit'" },
		{ "limit", "'limit'" },
		{ "limit=+1", "'limit'" },
		{ "after=-1", "'after'" },
		{ "after=18446744073709551616", "'after'" },
		{ "direction=up", "'direction'" },
		{ "direction=", "'direction'" },
		{ "type=", "'type'" },
		{ "type=1", "'type'" },
		{ "category=A", "'category'" },
		{ "category=", "'category'" },
	};
	char target[600];

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		(void)snprintf(target, sizeof(target), "/v1/events?%s", cases[i].query);
		assert_problem(get(f, target), 400, "bad_parameter", cases[i].phrase);
	}
	(void)snprintf(target, sizeof(target), "/v1/events?type=a");
	for (int i = 0; i < 32; i++)
		strncat(target, "&type=a", 8);
	assert_problem(get(f, target), 400, "bad_parameter", "at most 32 types");
	target[strlen(target) - strlen("&type=a")] = '\0';
	assert_status(get(f, target), 200);
	assert_problem(get(f, "/v1/streams/Red/x/events"), 400, "bad_name", "");
	assert_problem(get(f, "/v1/streams/red/%01/events"), 400, "bad_name", "control");
}

static void a_page_ends_before_it_grows_without_bound(void **state)
{
	struct fixture *f = *state;
	OWNED(buf) struct buf body = { 0 };
	char target[1024];
	size_t count = 0;

	buf_append_string(&body, "{\"events\":[{\"type\":\"big\",\"data\":\"");
	for (int i = 0; i < 90000; i++)
		buf_append_string(&body, "0123456789");
	buf_append_format(&body, "\"}]}%c", '\0');
	for (int i = 0; i < 7; i++)
		assert_status(post(f, "/v1/streams/import/k/events", body.data), 200);
	struct answer *answer = get(f, "/v1/streams/import/k/events");
	count = json_count(answer->json);
	assert_true(count >= 4 && count < 7);
	while (next_of(answer, target)) {
		answer = get(f, target);
		assert_status(answer, 200);
		assert_true(answer->body_size < (size_t)6 << 20);
		count += json_count(answer->json);
	}
	assert_int_equal(count, 7);
}

static int setup(void **state)
{
	(void)fixture_setup_unstarted(state);
	struct fixture *f = *state;
	f->options.page_frames_max = PAGE_FRAMES;
	server_start(f);
	return 0;
}

int test_lists(void)
{
#define TEST(name)       cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define TEST_SMALL(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_default_form_is_a_bare_array_of_cloudevents),
		TEST(ndjson_is_one_event_a_line),
		TEST(the_form_follows_accept),
		TEST(pages_hold_every_event_once_in_both_directions),
		TEST_SMALL(pages_hold_every_event_once_in_both_directions),
		TEST(filters_travel_with_the_link),
		TEST_SMALL(filters_travel_with_the_link),
		TEST_SMALL(a_filter_that_matches_little_goes_on_over_empty_pages),
		TEST(the_link_at_the_end_goes_on_where_new_events_come),
		TEST(after_is_exclusive_at_all_its_limits),
		TEST(bad_parameters_are_named),
		TEST(a_page_ends_before_it_grows_without_bound),
	};
#undef TEST
#undef TEST_SMALL
	return cmocka_run_group_tests_name("lists", tests, NULL, NULL);
}
