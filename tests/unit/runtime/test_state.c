/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime promises about states. */
#include "fixture.h"

#include <string.h>

static struct sent *read_version(struct fixture *f, const char *key, uint64_t version)
{
	struct sent *sent = fixture_request(f, 1);

	sent->work.stream = (struct stream_name){ SPAN("account"), span_from_string(key) };
	sent->state.as_of = STATE_AT_VERSION;
	sent->state.at_version = version;
	state_submit(f->runtime, &sent->state);
	fixture_settle(f);
	return sent;
}

static struct sent *read_time(struct fixture *f, const char *key, uint64_t time_us)
{
	struct sent *sent = fixture_request(f, 0);

	sent->work.stream = (struct stream_name){ SPAN("account"), span_from_string(key) };
	sent->state.as_of = STATE_AT_TIME;
	sent->state.at_time_us = time_us;
	state_submit(f->runtime, &sent->state);
	fixture_settle(f);
	return sent;
}

static struct sent *read_now(struct fixture *f, const char *key)
{
	struct sent *sent = fixture_read(f, key);

	fixture_settle(f);
	return sent;
}

static void a_stream_that_never_was_is_not_found(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_now(f, "x")->work.failure, FAILURE_NOT_FOUND);
	assert_int_equal(read_version(f, "x", 1)->work.failure, FAILURE_NOT_FOUND);
	assert_int_equal(read_time(f, "x", UINT64_MAX)->work.failure, FAILURE_NOT_FOUND);
}

static void a_gone_instance_has_the_state_null_and_its_version_goes_on(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	fixture_accept(f, "a", "close_account", "{}");
	struct sent *gone = read_now(f, "a");
	assert_int_equal(gone->state.version, 2);
	assert_span(gone->state.state, "null");
	fixture_restart(f);
	assert_span(read_now(f, "a")->state.state, "null");
	fixture_accept(f, "a", "open_account", "{}");
	assert_int_equal(read_now(f, "a")->state.version, 3);
}

static void a_state_as_of_a_version_is_that_after_its_event(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	fixture_accept(f, "a", "deposit", "{\"amount\":5}");
	fixture_accept(f, "a", "deposit_many", "{\"count\":3}");
	assert_span(read_version(f, "a", 1)->state.state, "{\"balance\":0,\"events\":1}");
	assert_span(read_version(f, "a", 2)->state.state, "{\"balance\":5,\"events\":2}");
	/* In the middle of a frame too. */
	assert_span(read_version(f, "a", 4)->state.state, "{\"balance\":7,\"events\":4}");
	assert_span(read_version(f, "a", 5)->state.state, "{\"balance\":8,\"events\":5}");
	struct sent *beyond = read_version(f, "a", 6);
	assert_int_equal(beyond->work.failure, FAILURE_NOT_FOUND);
	assert_non_null(strstr(beyond->work.err.message, "no version 6"));
}

static void a_state_as_of_a_time_holds_the_events_up_to_it(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	clock_manual_advance_us(&f->clock, 1000);
	fixture_accept(f, "a", "deposit", "{\"amount\":5}");
	assert_int_equal(read_time(f, "a", START_US - 1)->work.failure, FAILURE_NOT_FOUND);
	assert_int_equal(read_time(f, "a", START_US)->state.version, 1);
	assert_int_equal(read_time(f, "a", START_US + 999)->state.version, 1);
	assert_int_equal(read_time(f, "a", START_US + 1000)->state.version, 2);
}

static void a_state_as_of_the_past_shows_only_what_is_durable(void **state)
{
	struct fixture *f = *state;
	struct sent *sent = fixture_request(f, 0);

	(void)fixture_send(f, "a", "open_account", "{}");
	sent->work.stream = (struct stream_name){ SPAN("account"), SPAN("a") };
	sent->state.as_of = STATE_AT_VERSION;
	sent->state.at_version = 1;
	state_submit(f->runtime, &sent->state);
	fixture_run_tasks(f);
	assert_int_equal(sent->answers, 1);
	assert_int_equal(sent->work.failure, FAILURE_NOT_FOUND);
}

static void a_restart_folds_the_same_state_short_or_long(void **state)
{
	struct fixture *f = *state;
	char kept[64];

	fixture_accept(f, "a", "open_account", "{}");
	for (unsigned i = 0; i < 3; i++) {
		/* 1, then over the bound for loading on the lane, then over several batches. */
		fixture_accept(f, "a", "deposit_many",
			       i == 0   ? "{\"count\":1}"
			       : i == 1 ? "{\"count\":300}"
					: "{\"count\":1000}");
		struct sent *before = read_now(f, "a");
		assert_true(before->state.state.size < sizeof(kept));
		memcpy(kept, before->state.state.data, before->state.state.size);
		kept[before->state.state.size] = '\0';
		fixture_restart(f);
		assert_span(read_now(f, "a")->state.state, kept);
	}
}

static void a_stream_that_cannot_be_folded_names_its_event_and_spoils_no_other(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	fixture_accept(f, "b", "open_account", "{}");
	/* An event that the component does not know got into its stream by an older version of it. */
	struct frame_event event = { .type = SPAN("account_renamed"), .data = SPAN("{}") };
	struct frame frame = {
		.kind = FRAME_DECISION,
		.stream = { SPAN("account"), SPAN("a") },
		.number = 2,
		.time_us = START_US,
		.first_version = 2,
		.events = &event,
		.event_count = 1,
	};
	fixture_put_frame(f, &frame);

	struct sent *sent = fixture_send(f, "a", "deposit", "{\"amount\":1}");
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_CANNOT_FOLD);
	assert_non_null(strstr(sent->work.err.message, "event 2 ('account_renamed')"));
	assert_int_equal(read_now(f, "a")->work.failure, FAILURE_CANNOT_FOLD);
	/* Before that event all is well, and so are other streams. */
	assert_span(read_version(f, "a", 1)->state.state, "{\"balance\":0,\"events\":1}");
	fixture_accept(f, "b", "deposit", "{\"amount\":1}");
}

static void a_fold_that_fails_for_a_while_is_tried_again_with_the_next_request(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	fixture_restart(f);
	atomic_store(&f->account->fail_apply, NATIVE_DEADLINE);
	assert_int_equal(read_now(f, "a")->work.failure, FAILURE_DEADLINE);
	atomic_store(&f->account->fail_apply, NATIVE_FINE);
	assert_int_equal(read_now(f, "a")->work.failure, FAILURE_NONE);
}

static void a_state_that_has_grown_over_its_limit_cannot_be_folded(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	fixture_restart(f);
	atomic_store(&f->account->fail_apply, NATIVE_TOO_LARGE);
	/* Nothing that the reader sent is too large. */
	assert_int_equal(read_now(f, "a")->work.failure, FAILURE_CANNOT_FOLD);
	assert_int_equal(read_version(f, "a", 1)->work.failure, FAILURE_CANNOT_FOLD);
	atomic_store(&f->account->fail_apply, NATIVE_FINE);
}

static enum status padded_apply(void *arg, const struct component_call *call, struct span state,
				const struct component_event *events, size_t count,
				struct span *ret_state, struct error *err)
{
	struct span small;

	(void)arg;
	enum status s =
		native_account.apply(native_account.arg, call, state, events, count, &small, err);
	if (s != OK)
		return s;
	*ret_state = arena_format(call->arena, "%.*s,\"pad\":\"%0200000d\"}", (int)small.size - 1,
				  small.data, 0);
	return OK;
}

static void large_states_are_folded_event_by_event_when_all_at_once_takes_too_long(void **state)
{
	struct fixture *f = *state;

	f->account->functions.apply = padded_apply;
	fixture_accept(f, "a", "open_account", "{}");
	fixture_accept(f, "a", "deposit_many", "{\"count\":200}");
	fixture_restart(f);
	atomic_store(&f->account->fail_count, 1);
	atomic_store(&f->account->fail_apply, NATIVE_DEADLINE);
	struct sent *read = read_now(f, "a");
	if (read->work.failure != FAILURE_NONE)
		fail_msg("%s", error_text(&read->work.err));
	assert_int_equal(read->state.version, 201);
	assert_true(span_starts_with(read->state.state, SPAN("{\"balance\":200,")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stream_that_never_was_is_not_found),
		TEST(a_gone_instance_has_the_state_null_and_its_version_goes_on),
		TEST(a_state_as_of_a_version_is_that_after_its_event),
		TEST(a_state_as_of_a_time_holds_the_events_up_to_it),
		TEST(a_state_as_of_the_past_shows_only_what_is_durable),
		TEST(a_restart_folds_the_same_state_short_or_long),
		TEST(a_stream_that_cannot_be_folded_names_its_event_and_spoils_no_other),
		TEST(a_fold_that_fails_for_a_while_is_tried_again_with_the_next_request),
		TEST(a_state_that_has_grown_over_its_limit_cannot_be_folded),
		TEST(large_states_are_folded_event_by_event_when_all_at_once_takes_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
