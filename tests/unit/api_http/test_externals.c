/* SPDX-License-Identifier: Apache-2.0 */
/* CloudEvents from outside, in three forms. */
#include "fixture.h"

#define STRUCTURED "Content-Type: application/cloudevents+json\r\n"
#define BATCH      "Content-Type: application/cloudevents-batch+json; charset=utf-8\r\n"
#define EVENT(id, type)                                                                       \
	"{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"https://wire.example/a b\"," \
	"\"type\":\"" type "\",\"data\":{\"n\":1}}"
#define CE "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: /wire\r\nce-type: wire_succeeded\r\n"

static struct answer *send(struct fixture *f, const char *headers, const char *body)
{
	return post_with(f, headers, "/v1/events", body);
}

static void one_event_is_stored_in_the_stream_of_its_source(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = send(f, STRUCTURED, EVENT("1", "wire_succeeded"));

	assert_status(answer, 200);
	assert_int_equal(json_count(answer->json), 1);
	assert_int_equal(json_count(answer_at(answer, "results")), 1);
	assert_int_equal(json_count(answer_at(answer, "results/0")), 3);
	assert_at(answer, "results/0/position", "1024");
	assert_at(answer, "results/0/duplicate", "false");
	struct answer *events =
		get(f, "/v1/streams/external/https%3A%2F%2Fwire.example%2Fa%20b/events");
	assert_int_equal(json_count(events->json), 1);
	assert_at(events, "0/id", "\"1\"");
	assert_at(events, "0/source", "\"https://wire.example/a b\"");
	assert_true(json_equal(answer_at(events, "0/eventid"), answer_at(answer, "results/0/id")));
}

static void the_same_source_and_id_are_stored_once(void **state)
{
	struct fixture *f = *state;
	struct answer *first = send(f, STRUCTURED, EVENT("1", "wire_succeeded"));
	struct answer *again = send(f, STRUCTURED, EVENT("1", "WireSucceeded"));

	assert_status(again, 200);
	assert_at(again, "results/0/duplicate", "true");
	assert_true(json_equal(answer_at(first, "results/0/id"), answer_at(again, "results/0/id")));
	assert_at(again, "results/0/position", "1024");
	assert_int_equal(event_count(f), 1);
}

static void a_batch_answers_each_event_in_order_and_knows_duplicates_inside(void **state)
{
	struct fixture *f = *state;
	struct answer *answer =
		send(f, BATCH,
		     "[" EVENT("1", "wire_succeeded") ", " EVENT("2", "wire_succeeded") "," EVENT(
			     "1", "wire_succeeded") "]");

	assert_status(answer, 200);
	assert_int_equal(json_count(answer_at(answer, "results")), 3);
	assert_at(answer, "results/0/position", "1024");
	assert_at(answer, "results/0/duplicate", "false");
	assert_at(answer, "results/1/position", "2048");
	assert_at(answer, "results/2/position", "1024");
	assert_at(answer, "results/2/duplicate", "true");
	assert_int_equal(event_count(f), 2);
}

static void one_bad_event_of_a_batch_stores_none(void **state)
{
	struct fixture *f = *state;

	assert_problem(send(f, BATCH,
			    "[" EVENT("1", "wire_succeeded") "," EVENT("", "wire_succeeded") "]"),
		       400, "bad_event", "event 1: ");
	assert_problem(send(f, BATCH, "[" EVENT("1", "wire_succeeded") "," EVENT("2", "other") "]"),
		       422, "no_interest", "event 1: ");
	assert_problem(
		send(f, BATCH,
		     "[" EVENT("1", "wire_succeeded") ",{\"specversion\":\"1.0\",\"id\":\"1\","
						      "\"source\":\"/bank/"
						      "x\",\"type\":\"wire_succeeded\"}]"),
		400, "invalid", "event 1: source '/bank/x'");
	assert_problem(send(f, BATCH, "[]"), 400, "bad_request", "1 to 1000");
	assert_problem(send(f, BATCH, EVENT("1", "wire_succeeded")), 400, "bad_request", "array");
	assert_problem(send(f, BATCH, "[1,]"), 400, "bad_json", "byte");
	assert_int_equal(event_count(f), 0);
}

static void a_batch_has_at_most_1000_events(void **state)
{
	struct fixture *f = *state;
	OWNED(buf) struct buf body = { 0 };

	for (unsigned count = 1001; count >= 1000; count--) {
		buf_clear(&body);
		for (unsigned i = 0; i < count; i++)
			buf_append_format(&body,
					  "%c{\"specversion\":\"1.0\",\"id\":\"%u\",\"source\":"
					  "\"s%u\",\"type\":\"wire_succeeded\"}",
					  i == 0 ? '[' : ',', i, i % 7);
		buf_append(&body, "]", 2);
		struct answer *answer = send(f, BATCH, body.data);
		if (count == 1001) {
			assert_problem(answer, 400, "bad_request", "1 to 1000");
			continue;
		}
		assert_status(answer, 200);
		assert_int_equal(json_count(answer_at(answer, "results")), 1000);
		assert_int_equal(event_count(f), 1000);
	}
}

static void bad_structured_events_are_400(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *body;
		const char *phrase;
	} cases[] = {
		{ "{", "byte" },
		{ "[]", "object" },
		{ "{}", "specversion" },
		{ "{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"s\",\"type\":\"a\"}",
		  "specversion" },
		{ "{\"specversion\":\"1.0\",\"source\":\"s\",\"type\":\"a\"}", "'id'" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"type\":\"a\"}", "'source'" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\"}", "'type'" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"a\",\"Big\":"
		  "1}",
		  "lower-case" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"a\","
		  "\"data_base64\":\"\"}",
		  "data_base64" },
		{ "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"a\",\"time\":"
		  "\"x\"}",
		  "'time'" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		assert_problem(send(f, STRUCTURED, cases[i].body), 400, "bad_event",
			       cases[i].phrase);
	assert_problem(send(f, STRUCTURED, EVENT("1", "unwanted")), 422, "no_interest",
		       "external/unwanted");
	assert_int_equal(event_count(f), 0);
}

static void the_binary_form_has_its_attributes_in_headers(void **state)
{
	struct fixture *f = *state;
	struct answer *answer = send(
		f,
		JSON_TYPE CE "CE-Subject: a%20%22b%22\r\nce-time: 2026-01-02T03:04:05Z\r\n"
			     "ce-correlationid: c\r\nce-traceparent: 00-1\r\nCe-Extra1: %C3%A4\r\n"
			     "ce-empty:\r\n",
		" {\"n\": 1} ");

	assert_status(answer, 200);
	struct answer *events = get(f, "/v1/events");
	assert_at(events, "0/id", "\"1\"");
	assert_at(events, "0/source", "\"/wire\"");
	assert_at(events, "0/type", "\"wire_succeeded\"");
	assert_at(events, "0/subject", "\"a \\\"b\\\"\"");
	assert_at(events, "0/time", "\"2026-01-02T03:04:05Z\"");
	assert_at(events, "0/correlationid", "\"c\"");
	assert_at(events, "0/traceparent", "\"00-1\"");
	assert_at(events, "0/extra1", "\"\xc3\xa4\"");
	assert_at(events, "0/empty", "\"\"");
	assert_at(events, "0/data", "{\"n\":1}");
}

static void escapes_in_headers_are_decoded_beside_slashes_and_inside_quotes(void **state)
{
	struct fixture *f = *state;

	assert_status(send(f,
			   JSON_TYPE
			   "ce-specversion: 1.0\r\nce-id: 100%25\r\n"
			   "ce-source: https://wire.example/%C3%A4/x\r\n"
			   "ce-type: wire_succeeded\r\nce-subject: \"a \\\"b\\\" %41\"\r\n",
			   ""),
		      200);
	struct answer *events = get(f, "/v1/events");
	assert_at(events, "0/id", "\"100%\"");
	assert_at(events, "0/source", "\"https://wire.example/\xc3\xa4/x\"");
	assert_at(events, "0/subject", "\"a \\\"b\\\" A\"");
	assert_at(events, "0/data", "null");
}

static void the_binary_form_and_the_structured_one_are_the_same_event(void **state)
{
	struct fixture *f = *state;

	(void)send(f, STRUCTURED, EVENT("1", "wire_succeeded"));
	struct answer *answer = send(f,
				     JSON_TYPE "ce-specversion: 1.0\r\nce-id: 1\r\n"
					       "ce-source: https://wire.example/a%20b\r\n"
					       "ce-type: wire_succeeded\r\n",
				     "{\"n\":1}");
	assert_at(answer, "results/0/duplicate", "true");
}

static void bad_headers_of_the_binary_form_are_named(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *headers;
		const char *phrase;
	} cases[] = {
		{ CE "ce-subject: 100%\r\n", "'subject' has a '%'" },
		{ CE "ce-subject: %4\r\n", "'subject' has a '%'" },
		{ CE "ce-subject: %zz\r\n", "'subject' has a '%'" },
		{ CE "ce-subject: %ff\r\n", "'subject' is not UTF-8" },
		{ CE "ce-subject: \xff\r\n", "'subject' is not UTF-8" },
		{ CE "ce-subject: %00\r\n", "'subject' has no control" },
		{ CE "ce-subject: %0a\r\n", "'subject' has no control" },
		{ CE "ce-extra: %00\r\n", "extension attributes" },
		{ CE "ce-extra: \xff\r\n", "'extra' is not UTF-8" },
		{ CE "ce-subject:\r\n", "'subject' is empty" },
		{ CE "ce-id: 2\r\n", "'id' is given twice" },
		{ CE "ce-extra: 1\r\nCE-EXTRA: 2\r\n", "duplicate member 'extra'" },
		{ CE "ce-ex_tra: 1\r\n", "lower-case" },
		{ CE "ce-: 1\r\n", "1 to 64" },
		{ CE "ce-abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm: 1\r\n",
		  "1 to 64" },
		{ CE "ce-datacontenttype: text/plain\r\n", "'datacontenttype'" },
		{ CE "ce-time: now\r\n", "'time'" },
		{ "ce-specversion: 0.3\r\nce-id: 1\r\nce-source: s\r\nce-type: a\r\n",
		  "specversion" },
		{ "ce-id: 1\r\nce-source: s\r\nce-type: a\r\n", "specversion" },
		{ "ce-specversion: 1.0\r\nce-source: s\r\nce-type: a\r\n", "'id'" },
		{ "ce-specversion: 1.0\r\nce-id: 1\r\nce-type: a\r\n", "'source'" },
		{ "ce-specversion: 1.0\r\nce-id: 1\r\nce-source: s\r\n", "'type'" },
	};
	char headers[600];

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		(void)snprintf(headers, sizeof(headers), JSON_TYPE "%s", cases[i].headers);
		assert_problem(send(f, headers, "1"), 400, "bad_event", cases[i].phrase);
	}
	assert_problem(send(f, JSON_TYPE CE, "{"), 400, "bad_event", "data");
	/* Names of up to 64 characters are kept. */
	assert_status(
		send(f,
		     JSON_TYPE CE
		     "ce-abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz12: v\r\n",
		     "1"),
		200);
	assert_at(get(f, "/v1/events"),
		  "0/abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz12", "\"v\"");
}

static void json_without_ce_headers_is_no_event(void **state)
{
	struct fixture *f = *state;

	assert_problem(send(f, JSON_TYPE, EVENT("1", "wire_succeeded")), 415,
		       "unsupported_media_type", "ce-");
	assert_problem(send(f, JSON_TYPE, "[" EVENT("1", "wire_succeeded") "]"), 415,
		       "unsupported_media_type", "application/cloudevents-batch+json");
	assert_problem(send(f, "Content-Type: application/cloudevents-batch+jsonx\r\n", "[]"), 415,
		       "unsupported_media_type", "");
}

static void a_failed_write_of_a_batch_does_not_claim_that_nothing_is_stored(void **state)
{
	struct fixture *f = *state;

	mem_fail_next_flush(f->store);
	assert_problem_maybe_stored(
		send(f, BATCH,
		     "[" EVENT("1", "wire_succeeded") "," EVENT("2", "wire_succeeded") "]"),
		500, "storage_failed", "sending the batch again is safe");
}

static void a_full_disk_stores_nothing_of_a_batch_and_says_so(void **state)
{
	struct fixture *f = *state;

	(void)send(f, STRUCTURED, EVENT("1", "wire_succeeded"));
	mem_set_full(f->store, true);
	assert_problem(send(f, BATCH,
			    "[" EVENT("2", "wire_succeeded") "," EVENT("3", "wire_succeeded") "]"),
		       507, "disk_full", "0 of 2 are stored");
	/* The first is there, from before. */
	assert_problem_maybe_stored(
		send(f, BATCH,
		     "[" EVENT("1", "wire_succeeded") "," EVENT("3", "wire_succeeded") "]"),
		507, "disk_full", "event 1 (1 of 2 are stored");
	assert_at(send(f, STRUCTURED, EVENT("1", "wire_succeeded")), "results/0/duplicate", "true");
}

static void any_type_is_taken_when_the_manifest_says_so(void **state)
{
	struct fixture *f = *state;

	assert_status(send(f, STRUCTURED, EVENT("1", "whatever")), 200);
}

static int setup_any(void **state)
{
	(void)fixture_setup_unstarted(state);
	struct fixture *f = *state;
	f->external_accept_any = true;
	server_start(f);
	return 0;
}

int test_externals(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_event_is_stored_in_the_stream_of_its_source),
		TEST(the_same_source_and_id_are_stored_once),
		TEST(a_batch_answers_each_event_in_order_and_knows_duplicates_inside),
		TEST(one_bad_event_of_a_batch_stores_none),
		TEST(a_batch_has_at_most_1000_events),
		TEST(bad_structured_events_are_400),
		TEST(the_binary_form_has_its_attributes_in_headers),
		TEST(escapes_in_headers_are_decoded_beside_slashes_and_inside_quotes),
		TEST(the_binary_form_and_the_structured_one_are_the_same_event),
		TEST(bad_headers_of_the_binary_form_are_named),
		TEST(json_without_ce_headers_is_no_event),
		TEST(a_failed_write_of_a_batch_does_not_claim_that_nothing_is_stored),
		TEST(a_full_disk_stores_nothing_of_a_batch_and_says_so),
		cmocka_unit_test_setup_teardown(any_type_is_taken_when_the_manifest_says_so,
						setup_any, fixture_teardown),
	};
#undef TEST
	return cmocka_run_group_tests_name("external events", tests, NULL, NULL);
}
