/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime promises about events that come from outside: external ones, and direct appends. */
#include "fixture.h"

#include <string.h>

static struct sent *external(struct fixture *f, const char *source, const char *id,
			     const char *type)
{
	struct sent *sent = fixture_request(f, 0);

	sent->external.event = (struct cloudevent){ .id = span_from_string(id),
						    .source = span_from_string(source),
						    .type = span_from_string(type),
						    .data = SPAN("{\"wireTransferId\":\"w\"}") };
	external_submit(f->runtime, &sent->external);
	return sent;
}

static struct direct_event *direct_events(struct sent *sent, size_t count, const char *id)
{
	struct direct_event *events = arena_alloc_array(sent->arena, count, sizeof(*events));

	assert_non_null(events);
	for (size_t i = 0; i < count; i++) {
		events[i].type = SPAN("imported");
		events[i].data = SPAN("{\"n\":1}");
		if (id == NULL)
			continue;
		events[i].has_id = true;
		assert_true(uuid_parse(span_from_string(id), &events[i].id));
		events[i].id.bytes[15] = (uint8_t)i;
	}
	return events;
}

static struct sent *append(struct fixture *f, const char *category, const char *key, size_t count,
			   const char *id, uint64_t expected_version)
{
	struct sent *sent = fixture_request(f, 0);

	sent->work.stream =
		(struct stream_name){ span_from_string(category), span_from_string(key) };
	sent->append.events = direct_events(sent, count, id);
	sent->append.event_count = count;
	sent->append.has_expected_version = expected_version != UINT64_MAX;
	sent->append.expected_version = expected_version;
	direct_append_submit(f->runtime, &sent->append);
	return sent;
}

static void an_external_event_is_stored_in_the_stream_of_its_source(void **state)
{
	struct fixture *f = *state;
	struct sent *sent = external(f, "https://wire.example.org", "1", "wire_transfer_succeeded");

	fixture_run_tasks(f);
	assert_int_equal(sent->answers, 0);
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_NONE);
	assert_int_equal(sent->external.version, 1);
	assert_int_equal(sent->external.position, position_of(1, 0));
	const struct stream_name name = { SPAN("external"), SPAN("https://wire.example.org") };
	assert_int_equal(store_head(f->store, name).version, 1);
}

static void the_same_source_and_id_is_stored_once_also_when_not_yet_durable(void **state)
{
	struct fixture *f = *state;
	struct sent *first = external(f, "s", "1", "paid");
	struct sent *at_once = external(f, "s", "1", "paid");

	fixture_settle(f);
	fixture_restart(f);
	struct sent *later = external(f, "s", "1", "paid");
	struct sent *other_id = external(f, "s", "2", "paid");
	struct sent *other_source = external(f, "t", "1", "paid");
	fixture_settle(f);
	assert_false(first->external.duplicate);
	assert_true(at_once->external.duplicate);
	assert_true(later->external.duplicate);
	assert_int_equal(at_once->external.position, first->external.position);
	assert_int_equal(later->external.position, first->external.position);
	assert_true(uuid_equal(&later->external.id, &first->external.id));
	assert_false(other_id->external.duplicate);
	assert_false(other_source->external.duplicate);
}

static enum failure check(struct fixture *f, const char *source, const char *type)
{
	const struct cloudevent event = { .id = SPAN("1"),
					  .source = span_from_string(source),
					  .type = span_from_string(type) };

	return external_check(f->runtime, &event, NULL);
}

static void a_type_that_nobody_wants_is_refused_unless_any_is_accepted(void **state)
{
	struct fixture *f = *state;
	static const struct span types[] = { { "wireSucceeded", 13 } };

	assert_int_equal(check(f, "s", "wire_succeeded"), FAILURE_NO_INTEREST);
	f->options.external_types = types;
	f->options.external_type_count = 1;
	fixture_restart(f);
	/* By its snake-case form. */
	assert_int_equal(check(f, "s", "wire_succeeded"), FAILURE_NONE);
	assert_int_equal(check(f, "s", "WireSucceeded"), FAILURE_NONE);
	assert_int_equal(check(f, "s", "wire_failed"), FAILURE_NO_INTEREST);
	f->options.external_accept_any = true;
	fixture_restart(f);
	assert_int_equal(check(f, "s", "wire_failed"), FAILURE_NONE);
}

static void a_source_that_is_the_application_s_own_is_refused(void **state)
{
	struct fixture *f = *state;

	f->options.external_accept_any = true;
	fixture_restart(f);
	assert_int_equal(check(f, "/bank/account", "t"), FAILURE_INVALID);
	assert_int_equal(check(f, "/bank/", "t"), FAILURE_INVALID);
	assert_int_equal(check(f, "/banks/account", "t"), FAILURE_NONE);
	assert_int_equal(check(f, "/bank", "t"), FAILURE_NONE);
	assert_int_equal(check(f, "bank/account", "t"), FAILURE_NONE);
}

static void a_direct_append_is_one_frame_and_conditional(void **state)
{
	struct fixture *f = *state;
	struct sent *first = append(f, "import", "a", 3, NULL, 0);
	struct sent *stale = append(f, "import", "a", 1, NULL, 0);
	struct sent *next = append(f, "import", "a", 1, NULL, 3);
	struct sent *any = append(f, "import", "a", 1, NULL, UINT64_MAX);

	fixture_settle(f);
	assert_int_equal(first->work.failure, FAILURE_NONE);
	assert_int_equal(first->append.version, 3);
	assert_int_equal(first->append.position, position_of(1, 2));
	assert_int_equal(stale->work.failure, FAILURE_VERSION_CONFLICT);
	assert_int_equal(stale->append.actual_version, 3);
	assert_int_equal(next->append.version, 4);
	assert_int_equal(any->append.version, 5);
}

static void an_identical_append_gets_the_first_answer_and_another_is_refused(void **state)
{
	static const char id[] = "0190a0c0-0000-7000-8000-000000000000";
	struct fixture *f = *state;
	struct sent *first = append(f, "import", "a", 2, id, 0);
	struct sent *at_once = append(f, "import", "a", 2, id, 0);
	struct sent *shorter = append(f, "import", "a", 1, id, UINT64_MAX);

	fixture_settle(f);
	fixture_restart(f);
	struct sent *later = append(f, "import", "a", 2, id, 0);
	fixture_settle(f);
	assert_false(first->append.duplicate);
	assert_true(at_once->append.duplicate);
	assert_true(later->append.duplicate);
	assert_int_equal(later->append.version, 2);
	assert_int_equal(later->append.position, first->append.position);
	assert_int_equal(later->append.first_version, 1);
	assert_int_equal(shorter->work.failure, FAILURE_ID_REUSED);
}

static void a_repeated_append_is_answered_with_the_events_as_they_were_stored(void **state)
{
	static const char id[] = "0190a0c0-0000-7000-8000-000000000000";
	struct fixture *f = *state;
	struct sent *again = fixture_request(f, 0);

	(void)append(f, "import", "a", 1, id, UINT64_MAX);
	fixture_settle(f);
	again->work.stream = (struct stream_name){ SPAN("import"), SPAN("a") };
	again->append.events = direct_events(again, 1, id);
	again->append.event_count = 1;
	again->append.events[0].data = SPAN("{ \"n\" : 1.0 }");
	direct_append_submit(f->runtime, &again->append);
	fixture_settle(f);
	assert_true(again->append.duplicate);
	assert_span(again->append.events[0].data, "{\"n\":1}");
}

static void nothing_is_appended_to_an_aggregate_s_or_the_external_category(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(append(f, "account", "a", 1, NULL, 0)->work.failure,
			 FAILURE_CATEGORY_OWNED);
	assert_int_equal(append(f, "external", "a", 1, NULL, 0)->work.failure,
			 FAILURE_CATEGORY_OWNED);
	assert_int_equal(
		store_head(f->store, (struct stream_name){ SPAN("account"), SPAN("a") }).number, 0);
}

static void every_component_owns_the_category_of_its_name_whatever_its_role(void **state)
{
	struct fixture *f = *state;
	struct native_component *transfers =
		native_component_new("transfers", "1", &native_account);
	struct component *components[] = { &f->account->component, &transfers->component };

	transfers->component.role = ROLE_PROCESS_MANAGER;
	f->options.components = components;
	f->options.component_count = 2;
	fixture_restart(f);
	assert_int_equal(append(f, "transfers", "a", 1, NULL, 0)->work.failure,
			 FAILURE_CATEGORY_OWNED);
	assert_int_equal(append(f, "imports", "a", 1, NULL, 0)->work.failure, FAILURE_NONE);
	f->options.components = f->components;
	f->options.component_count = 1;
	fixture_restart(f);
	native_component_free(transfers);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_external_event_is_stored_in_the_stream_of_its_source),
		TEST(the_same_source_and_id_is_stored_once_also_when_not_yet_durable),
		TEST(a_type_that_nobody_wants_is_refused_unless_any_is_accepted),
		TEST(a_source_that_is_the_application_s_own_is_refused),
		TEST(a_direct_append_is_one_frame_and_conditional),
		TEST(an_identical_append_gets_the_first_answer_and_another_is_refused),
		TEST(a_repeated_append_is_answered_with_the_events_as_they_were_stored),
		TEST(nothing_is_appended_to_an_aggregate_s_or_the_external_category),
		TEST(every_component_owns_the_category_of_its_name_whatever_its_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
