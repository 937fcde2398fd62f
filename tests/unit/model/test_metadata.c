/* SPDX-License-Identifier: Apache-2.0 */
/* test_metadata.c - what a client may say, and what is stored of it. */
#include "model/metadata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ARENA_MAX_BYTES ((size_t)16 << 20)

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

static void expect_stored(const struct metadata *metadata, const char *expected)
{
	OWNED(buf) struct buf buf = { 0 };

	metadata_append(&buf, metadata);
	assert_int_equal(buf_status(&buf), OK);
	if (!span_equal_string(buf_span(&buf), expected))
		fail_msg("%.*s, not %s", SPAN_ARG(buf_span(&buf)), expected);
}

static void no_metadata_is_an_empty_object(void **state)
{
	struct metadata metadata = { .depth = 9 };

	assert_int_equal(metadata_from_client(SPAN_EMPTY, *state, &metadata, NULL), OK);
	expect_stored(&metadata, "{}");
	assert_int_equal(metadata_from_client(SPAN(" { } "), *state, &metadata, NULL), OK);
	expect_stored(&metadata, "{}");
}

static void members_are_stored_in_a_fixed_order_the_clients_own_last(void **state)
{
	struct metadata metadata;

	assert_int_equal(
		metadata_from_client(SPAN("{\"own\":[1, 2],\"traceparent\":\"00-t\",\"a\\n\" : {},"
					  "\"correlation_id\":\"c\\\"1\"}"),
				     *state, &metadata, NULL),
		OK);
	assert_true(span_equal_string(metadata.correlation_id, "c\"1"));
	assert_true(span_equal_string(metadata.traceparent, "00-t"));
	metadata.causation_id = SPAN("cause");
	metadata.actor = SPAN("me");
	metadata.depth = 2;
	expect_stored(&metadata, "{\"correlation_id\":\"c\\\"1\",\"causation_id\":\"cause\","
				 "\"traceparent\":\"00-t\",\"actor\":\"me\",\"depth\":2,"
				 "\"own\":[1, 2],\"a\\n\":{}}");
}

static void what_was_stored_reads_back(void **state)
{
	struct metadata metadata = { .correlation_id = SPAN("c"),
				     .causation_id = SPAN("d"),
				     .traceparent = SPAN("t"),
				     .actor = SPAN("a\xc3\xa9"),
				     .depth = 64,
				     .extra = SPAN("{\"x\":1,\"y\":\"\\u0041\"}") };
	OWNED(buf) struct buf buf = { 0 };
	struct metadata parsed;

	metadata_append(&buf, &metadata);
	assert_int_equal(metadata_parse(buf_span(&buf), *state, &parsed, NULL), OK);
	assert_true(span_equal(parsed.correlation_id, metadata.correlation_id));
	assert_true(span_equal(parsed.causation_id, metadata.causation_id));
	assert_true(span_equal(parsed.traceparent, metadata.traceparent));
	assert_true(span_equal(parsed.actor, metadata.actor));
	assert_int_equal(parsed.depth, 64);
	assert_true(span_equal(parsed.extra, metadata.extra));
	assert_int_equal(metadata_parse(SPAN_EMPTY, *state, &parsed, NULL), OK);
	assert_int_equal(parsed.correlation_id.size, 0);
}

static void expect_refused(struct arena *arena, struct span text, const char *message)
{
	struct metadata metadata = { .depth = 9 };
	struct error err = { 0 };

	if (metadata_from_client(text, arena, &metadata, &err) != ERR_INVALID)
		fail_msg("'%.*s' is taken", SPAN_ARG(text));
	assert_string_equal(err.message, message);
	assert_int_equal(metadata.depth, 9);
}

static void what_is_the_runtimes_alone_is_refused_from_clients(void **state)
{
	expect_refused(*state, SPAN("{\"actor\":\"root\"}"),
		       "metadata: member 'actor' is set by the runtime alone");
	expect_refused(*state, SPAN("{\"a\":1,\"causation_id\":null}"),
		       "metadata: member 'causation_id' is set by the runtime alone");
	expect_refused(*state, SPAN("{\"d\\u0065pth\":0}"),
		       "metadata: member 'depth' is set by the runtime alone");
}

static void texts_keep_to_their_rule(void **state)
{
	char text[300] = "{\"correlation_id\":\"";
	struct metadata metadata;

	expect_refused(*state, SPAN("[]"), "metadata: expected object, not array");
	expect_refused(*state, SPAN("{\"correlation_id\":1}"),
		       "metadata: correlation_id must be a string, not number");
	expect_refused(*state, SPAN("{\"traceparent\":\"\"}"), "metadata: traceparent is empty");
	/* It may become a header. */
	expect_refused(*state, SPAN("{\"correlation_id\":\"a\\r\\nX: y\"}"),
		       "metadata: correlation_id has no control characters");
	memset(text + 19, 'c', 256);
	memcpy(text + 19 + 256, "\"}", 3);
	assert_int_equal(metadata_from_client(span_from_string(text), *state, &metadata, NULL), OK);
	memcpy(text + 19 + 256, "c\"}", 4);
	expect_refused(*state, span_from_string(text),
		       "metadata: correlation_id has at most 256 bytes, not 257");
	assert_int_equal(metadata_check_text(SPAN("\xff"), "x", NULL), ERR_INVALID);
}

static void more_than_64_kib_are_refused(void **state)
{
	char *text = malloc(METADATA_MAX_BYTES + 1);
	struct metadata metadata;

	assert_non_null(text);
	memset(text, ' ', METADATA_MAX_BYTES + 1);
	memcpy(text, "{}", 2);
	assert_int_equal(
		metadata_from_client(span_of(text, METADATA_MAX_BYTES), *state, &metadata, NULL),
		OK);
	expect_refused(*state, span_of(text, METADATA_MAX_BYTES + 1),
		       "metadata has at most 65536 bytes, not 65537");
	free(text);
}

static void stored_text_that_we_did_not_write_is_corrupt(void **state)
{
	static const char *const broken[] = { "{", "[]", "1", "{\"depth\":-1}", "{\"actor\":1}" };
	struct metadata metadata;

	for (size_t i = 0; i < ARRAY_COUNT(broken); i++)
		assert_int_equal(
			metadata_parse(span_from_string(broken[i]), *state, &metadata, NULL),
			ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_metadata_is_an_empty_object),
		cmocka_unit_test(members_are_stored_in_a_fixed_order_the_clients_own_last),
		cmocka_unit_test(what_was_stored_reads_back),
		cmocka_unit_test(what_is_the_runtimes_alone_is_refused_from_clients),
		cmocka_unit_test(texts_keep_to_their_rule),
		cmocka_unit_test(more_than_64_kib_are_refused),
		cmocka_unit_test(stored_text_that_we_did_not_write_is_corrupt),
	};

	return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
