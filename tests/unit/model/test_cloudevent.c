/* SPDX-License-Identifier: Apache-2.0 */
/* test_cloudevent.c - events from outside, and ours as others see them. */
#include "model/cloudevent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/model/frames.h"
#include "json/json.h"

#define ARENA_MAX_BYTES ((size_t)16 << 20)
#define BASE            "\"specversion\":\"1.0\",\"id\":\"a-1\",\"source\":\"https://bank/\",\"type\":\"t\""

static int arena_set_up(void **state)
{
	*state = arena_new(ARENA_MAX_BYTES);
	return *state == NULL;
}

static int arena_tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

static struct cloudevent parse(struct arena *arena, struct span text)
{
	struct cloudevent event = { 0 };
	struct error err = { 0 };

	if (cloudevent_parse(text, arena, &event, &err) != OK)
		fail_msg("%.*s: %s", SPAN_ARG(text), error_text(&err));
	assert_int_equal(cloudevent_check(&event, NULL), OK);
	return event;
}

static void every_attribute_finds_its_place(void **state)
{
	struct cloudevent event = parse(
		*state, SPAN("{" BASE ",\"subject\":\"s/1\",\"time\":\"2026-01-31T12:00:00+01:00\","
			     "\"datacontenttype\":\"Application/JSON; charset=utf-8\","
			     "\"dataschema\":\"https://x/\",\"correlationid\":\"c\","
			     "\"traceparent\":\"00-t\",\"flag\":true,\"count\":-5,\"gone\":null,"
			     "\"data\": {\"amount\": 1.0} }"));

	assert_true(span_equal_string(event.id, "a-1"));
	assert_true(span_equal_string(event.source, "https://bank/"));
	assert_true(span_equal_string(event.type, "t"));
	assert_true(span_equal_string(event.subject, "s/1"));
	assert_true(span_equal_string(event.time, "2026-01-31T12:00:00+01:00"));
	assert_true(span_equal_string(event.data, "{\"amount\": 1.0}"));
	assert_true(span_equal_string(event.correlation_id, "c"));
	assert_true(span_equal_string(event.traceparent, "00-t"));
	assert_true(span_equal_string(
		event.extensions, "{\"dataschema\":\"https://x/\",\"flag\":true,\"count\":-5}"));
}

static void what_is_optional_may_be_missing(void **state)
{
	struct cloudevent event = parse(*state, SPAN("{" BASE ",\"subject\":null}"));

	assert_true(span_equal_string(event.data, "null"));
	assert_int_equal(event.subject.size, 0);
	assert_int_equal(event.time.size, 0);
	assert_int_equal(event.extensions.size, 0);
}

static void what_breaks_a_rule_is_refused_by_name(void **state)
{
	static const struct {
		const char *text;
		const char *message;
	} cases[] = {
		{ "[]", "an event is an object, not array" },
		{ "{\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}",
		  "attribute 'specversion' must be \"1.0\"" },
		{ "{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}",
		  "attribute 'specversion' must be \"1.0\"" },
		{ "{\"specversion\":\"1.0\",\"source\":\"s\",\"type\":\"t\"}",
		  "attribute 'id' is required and not empty" },
		{ "{\"specversion\":\"1.0\",\"id\":1,\"source\":\"s\",\"type\":\"t\"}",
		  "attribute 'id' is a string, not number" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"t\"}",
		  "attribute 'source' is required and not empty" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"\",\"type\":\"t\"}",
		  "attribute 'source' is empty" },
		{ "{\"specversion\":\"1.0\",\"id\":\"a\\n\",\"source\":\"s\",\"type\":\"t\"}",
		  "attribute 'id' has no control characters" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\"}",
		  "attribute 'type' is required and not empty" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"a b\"}",
		  "attribute 'type': a type is made of letters, digits, '_', '.' and '-': 'a b'" },
		{ "{" BASE ",\"time\":\"yesterday\"}",
		  "attribute 'time' is RFC 3339 from 1970 on, as 2026-01-31T12:00:00Z" },
		{ "{" BASE ",\"datacontenttype\":\"text/plain\"}",
		  "attribute 'datacontenttype' must be a JSON type" },
		{ "{" BASE ",\"data_base64\":\"AA==\"}",
		  "data must be JSON: 'data_base64' is not taken" },
		{ "{" BASE ",\"nested\":{}}",
		  "attribute 'nested' is a string, boolean or integer, not object" },
		{ "{" BASE ",\"count\":1.5}", "attribute 'count': a number is a 32-bit integer" },
		{ "{" BASE ",\"count\":2147483648}",
		  "attribute 'count': a number is a 32-bit integer" },
		{ "{" BASE ",\"myName\":\"x\"}",
		  "the name of an attribute is made of lower-case letters and digits: 'my'" },
		{ "{" BASE ",\"\":\"x\"}", "the name of an attribute has 1 to 64 bytes, not 0" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct cloudevent event = { .id = SPAN("before") };
		struct error err = { 0 };

		assert_int_equal(
			cloudevent_parse(span_from_string(cases[i].text), *state, &event, &err),
			ERR_INVALID);
		assert_string_equal(err.message, cases[i].message);
		assert_true(span_equal_string(event.id, "before"));
	}
}

static void json_types_are_taken_in_all_their_forms(void **state)
{
	static const char *const types[] = { "application/json", "APPLICATION/JSON",
					     "application/json;x=y", "application/x+json ; a",
					     "text/vnd.a+JSON" };
	static const char *const others[] = { "application/jsonx", "+json", "json",
					      "text/json+xml" };
	char text[256];
	struct cloudevent event;

	for (size_t i = 0; i < ARRAY_COUNT(types); i++) {
		(void)snprintf(text, sizeof(text), "{" BASE ",\"datacontenttype\":\"%s\"}",
			       types[i]);
		(void)parse(*state, span_from_string(text));
	}
	for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
		(void)snprintf(text, sizeof(text), "{" BASE ",\"datacontenttype\":\"%s\"}",
			       others[i]);
		assert_int_equal(cloudevent_parse(span_from_string(text), *state, &event, NULL),
				 ERR_INVALID);
	}
}

static void one_made_from_headers_is_checked_whole(void **state)
{
	struct cloudevent good = { .id = SPAN("1"),
				   .source = SPAN("s"),
				   .type = SPAN("t"),
				   .data = SPAN("{}"),
				   .extensions = SPAN("{\"x\":\"y\"}") };
	struct cloudevent event = good;

	(void)state;
	assert_int_equal(cloudevent_check(&event, NULL), OK);
	event.data = SPAN("{");
	assert_int_equal(cloudevent_check(&event, NULL), ERR_INVALID);
	event = good;
	event.extensions = SPAN("{\"id\":\"2\"}");
	assert_int_equal(cloudevent_check(&event, NULL), ERR_INVALID);
	event.extensions = SPAN("[]");
	assert_int_equal(cloudevent_check(&event, NULL), ERR_INVALID);
	event = good;
	event.id = SPAN("\xff");
	assert_int_equal(cloudevent_check(&event, NULL), ERR_INVALID);
	event = good;
	event.source = SPAN_EMPTY;
	assert_int_equal(cloudevent_check(&event, NULL), ERR_INVALID);
}

static void expect_shown(struct arena *arena, const struct frame *frame, const char *expected)
{
	OWNED(buf) struct buf shown = { 0 };
	struct error err = { 0 };

	if (cloudevent_append(&shown, SPAN("bank"), frame, 0, arena, &err) != OK)
		fail_msg("%s", error_text(&err));
	assert_int_equal(json_check(buf_span(&shown), JSON_OBJECT, NULL), OK);
	if (!span_equal_string(buf_span(&shown), expected))
		fail_msg("%.*s\nnot %s", SPAN_ARG(buf_span(&shown)), expected);
}

static void a_decided_event_names_its_command_as_its_cause(void **state)
{
	size_t count;
	struct frame frame = frames_sample(&count)[0].frame;

	frame.sequence = 7;
	expect_shown(*state, &frame,
		     "{\"specversion\":\"1.0\",\"id\":\"019abb49-785d-71f7-8001-020304050607\","
		     "\"source\":\"/bank/bankaccount\",\"type\":\"funds_deposited\","
		     "\"subject\":\"acct-1\",\"time\":\"2025-11-25T06:29:34.123456Z\","
		     "\"datacontenttype\":\"application/json\",\"stream\":\"bankaccount/acct-1\","
		     "\"version\":\"300\",\"position\":\"7168\",\"correlationid\":\"c-7\","
		     "\"causationid\":\"c-7\",\"commandid\":\"c-7\",\"data\":{\"amount\":100}}");
}

static void an_external_event_is_given_back_as_it_came(void **state)
{
	struct cloudevent event = parse(
		*state, SPAN("{" BASE ",\"subject\":\"s\",\"time\":\"2026-01-31T12:00:00+01:00\","
			     "\"position\":\"99\",\"flag\":true,\"data\":[1]}"));
	OWNED(buf) struct buf attributes = { 0 };
	struct frame_event stored = { .type = event.type, .data = event.data };
	struct frame frame = {
		.kind = FRAME_EXTERNAL,
		.stream = { SPAN(CATEGORY_EXTERNAL), event.source },
		.number = 1,
		.sequence = 1,
		.first_version = 1,
		.events = &stored,
		.event_count = 1,
		.command = { .id = event.id, .metadata = SPAN("{\"correlation_id\":\"c\"}") },
	};

	cloudevent_append_metadata(&attributes, &event);
	stored.metadata = buf_span(&attributes);
	/* Its own id, source, subject and time; our position wins over the one it came with. */
	expect_shown(
		*state, &frame,
		"{\"specversion\":\"1.0\",\"id\":\"a-1\",\"source\":\"https://bank/\","
		"\"type\":\"t\",\"subject\":\"s\",\"time\":\"2026-01-31T12:00:00+01:00\","
		"\"datacontenttype\":\"application/json\",\"stream\":\"external/https://bank/\","
		"\"version\":\"1\",\"position\":\"1024\",\"correlationid\":\"c\","
		"\"eventid\":\"00000000-0000-0000-0000-000000000000\",\"flag\":true,"
		"\"data\":[1]}");
}

static void an_event_of_a_direct_append_may_have_its_own_correlation(void **state)
{
	struct frame_event event = { .type = SPAN("t"),
				     .data = SPAN("1"),
				     .metadata = SPAN("{\"correlation_id\":\"own\",\"x\":1}") };
	struct frame frame = {
		.kind = FRAME_EXTERNAL,
		.stream = { SPAN("imported"), SPAN("k\"") },
		.number = 1,
		.sequence = 2,
		.first_version = 5,
		.events = &event,
		.event_count = 1,
		.command = { .metadata =
				     SPAN("{\"correlation_id\":\"c\",\"traceparent\":\"tp\"}") },
	};

	expect_shown(*state, &frame,
		     "{\"specversion\":\"1.0\",\"id\":\"00000000-0000-0000-0000-000000000000\","
		     "\"source\":\"/bank/imported\",\"type\":\"t\",\"subject\":\"k\\\"\","
		     "\"time\":\"1970-01-01T00:00:00.000000Z\","
		     "\"datacontenttype\":\"application/json\",\"stream\":\"imported/k\\\"\","
		     "\"version\":\"5\",\"position\":\"2048\",\"correlationid\":\"own\","
		     "\"traceparent\":\"tp\",\"data\":1}");
}

static void stored_attributes_that_cannot_be_read_are_corrupt(void **state)
{
	static const char *const broken[] = { "", "{", "[]", "{\"id\":\"1\"}",
					      "{\"source\":\"s\"}" };
	struct frame_event event = { .type = SPAN("t"), .data = SPAN("1") };
	struct frame frame = { .kind = FRAME_EXTERNAL,
			       .stream = { SPAN(CATEGORY_EXTERNAL), SPAN("s") },
			       .number = 1,
			       .first_version = 1,
			       .events = &event,
			       .event_count = 1 };

	for (size_t i = 0; i < ARRAY_COUNT(broken); i++) {
		OWNED(buf) struct buf shown = { 0 };

		event.metadata = span_from_string(broken[i]);
		assert_int_equal(cloudevent_append(&shown, SPAN("a"), &frame, 0, *state, NULL),
				 ERR_CORRUPT);
		assert_int_equal(shown.size, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_attribute_finds_its_place),
		cmocka_unit_test(what_is_optional_may_be_missing),
		cmocka_unit_test(what_breaks_a_rule_is_refused_by_name),
		cmocka_unit_test(json_types_are_taken_in_all_their_forms),
		cmocka_unit_test(one_made_from_headers_is_checked_whole),
		cmocka_unit_test(a_decided_event_names_its_command_as_its_cause),
		cmocka_unit_test(an_external_event_is_given_back_as_it_came),
		cmocka_unit_test(an_event_of_a_direct_append_may_have_its_own_correlation),
		cmocka_unit_test(stored_attributes_that_cannot_be_read_are_corrupt),
	};

	return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
