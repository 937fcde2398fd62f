/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong: writes that fail, streams that move, components that are slow or too generous. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static struct sent *send_on(struct fixture *f, unsigned lane, const char *type, const char *data)
{
	struct sent *sent = fixture_request(f, lane);

	sent->work.stream = (struct stream_name){ SPAN("account"), SPAN("a") };
	sent->command.type = span_from_string(type);
	sent->command.data = span_from_string(data);
	command_submit(f->runtime, &sent->command);
	return sent;
}

static enum status slow_handle(void *arg, const struct component_call *call, struct span state,
			       const struct component_command *command,
			       struct component_decision *ret, struct error *err)
{
	struct fixture *f = arg;

	clock_manual_advance_us(&f->clock, 20000);
	return native_account.handle(native_account.arg, call, state, command, ret, err);
}

static enum status quick_handle(void *arg, const struct component_call *call, struct span state,
				const struct component_command *command,
				struct component_decision *ret, struct error *err)
{
	(void)arg;
	return native_account.handle(native_account.arg, call, state, command, ret, err);
}

static enum status any_apply(void *arg, const struct component_call *call, struct span state,
			     const struct component_event *events, size_t count,
			     struct span *ret_state, struct error *err)
{
	(void)arg;
	return native_account.apply(native_account.arg, call, state, events, count, ret_state, err);
}

/* ---- writes that fail -------------------------------------------------------------------------- */

static void a_full_disk_refuses_commands_and_serves_reads_until_there_is_space(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	mem_set_full(f->store, true);
	struct sent *sent = fixture_send(f, "a", "deposit", "{\"amount\":1}");
	struct sent *read = fixture_read(f, "a");
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_DISK_FULL);
	assert_span(read->state.state, "{\"balance\":0,\"events\":1}");
	mem_set_full(f->store, false);
	fixture_accept(f, "a", "deposit", "{\"amount\":1}");
}

static void when_a_write_fails_nothing_that_rested_on_it_is_told(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	mem_fail_next_flush(f->store);
	struct sent *sent = fixture_send(f, "a", "deposit", "{\"amount\":1}");
	struct sent *rejected = fixture_send(f, "a", "withdraw", "{\"amount\":100}");
	struct sent *read = fixture_read(f, "a");
	fixture_settle(f);
	assert_int_equal(f->fatal_count, 1);
	assert_int_equal(sent->work.failure, FAILURE_STORAGE);
	assert_int_equal(rejected->work.failure, FAILURE_STORAGE);
	assert_int_equal(read->work.failure, FAILURE_STORAGE);
	sent = fixture_send(f, "b", "open_account", "{}");
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_CLOSED);
}

static void a_decision_whose_ground_was_given_up_meanwhile_is_not_told(void **state)
{
	struct fixture *f = *state;

	f->account->functions =
		(struct native_functions){ .handle = slow_handle, .apply = any_apply, .arg = f };
	fixture_accept(f, "a", "open_account", "{}");
	mem_fail_next_flush(f->store);
	struct sent *lost = fixture_send(f, "a", "deposit", "{\"amount\":5}");
	struct sent *rejected = fixture_send(f, "a", "withdraw", "{\"amount\":50}");
	/* The deposit is decided and on its way, the withdrawal waits for the pool; the write fails. */
	assert_true(fixture_run_round(f));
	(void)runtime_turn(f->runtime, 0);
	assert_int_equal(lost->work.failure, FAILURE_STORAGE);
	assert_int_equal(rejected->answers, 0);
	fixture_settle(f);
	/* The five never were: the answer may not tell of them, and this store tells nothing more. */
	assert_int_equal(rejected->work.failure, FAILURE_STORAGE);
}

static void a_conflict_with_a_version_whose_write_failed_is_not_told(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	mem_fail_next_flush(f->store);
	(void)fixture_send(f, "a", "deposit", "{\"amount\":1}");
	struct sent *sent = fixture_request(f, 0);
	sent->work.stream = (struct stream_name){ SPAN("account"), SPAN("a") };
	sent->command.type = SPAN("deposit");
	sent->command.data = SPAN("{\"amount\":1}");
	sent->command.has_expected_version = true;
	sent->command.expected_version = 1;
	command_submit(f->runtime, &sent->command);
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_STORAGE);
}

static void that_an_older_frame_is_durable_does_not_tell_of_a_newer_one_that_failed(void **state)
{
	struct fixture *f = *state;

	f->account->functions =
		(struct native_functions){ .handle = slow_handle, .apply = any_apply, .arg = f };
	fixture_accept(f, "a", "open_account", "{}");
	struct sent *older = send_on(f, 0, "deposit", "{\"amount\":5}");
	fixture_run_tasks(f);
	(void)store_flush(f->store); /* durable, and lane 0 has not looked yet */
	struct sent *newer = send_on(f, 1, "deposit", "{\"amount\":7}");
	fixture_run_tasks(f);
	struct sent *rejected = send_on(f, 1, "withdraw", "{\"amount\":50}");
	/* The withdrawal is at the pool, on a balance of 12, when the 7 are given up. */
	mem_fail_next_flush(f->store);
	(void)runtime_turn(f->runtime, 1);
	assert_int_equal(newer->work.failure, FAILURE_STORAGE);
	assert_int_equal(rejected->answers, 0);
	fixture_run_tasks(f);
	fixture_settle(f);
	assert_int_equal(older->work.failure, FAILURE_NONE);
	assert_int_equal(rejected->work.failure, FAILURE_STORAGE);
}

static struct sent *append_at(struct fixture *f, uint64_t expected_version)
{
	static struct direct_event event = { .type = { "imported", 8 }, .data = { "{}", 2 } };
	struct sent *sent = fixture_request(f, 0);

	sent->work.stream = (struct stream_name){ SPAN("imports"), SPAN("a") };
	sent->append.events = &event;
	sent->append.event_count = 1;
	sent->append.has_expected_version = true;
	sent->append.expected_version = expected_version;
	direct_append_submit(f->runtime, &sent->append);
	return sent;
}

static void once_the_disk_has_failed_no_version_is_told_that_was_given_up(void **state)
{
	struct fixture *f = *state;

	mem_fail_next_flush(f->store);
	struct sent *lost = append_at(f, 0);
	fixture_settle(f);
	assert_int_equal(lost->work.failure, FAILURE_STORAGE);
	/* The store's head still counts it. */
	struct sent *conflict = append_at(f, 0);
	fixture_settle(f);
	assert_int_equal(conflict->work.failure, FAILURE_CLOSED);
}

static void a_run_that_was_overtaken_leaves_nothing_in_the_answer(void **state)
{
	struct fixture *f = *state;
	struct frame_event event = { .type = SPAN("withdrawn"), .data = SPAN("{\"amount\":5}") };
	const struct frame frame = {
		.kind = FRAME_DECISION,
		.stream = { SPAN("account"), SPAN("a") },
		.number = 3,
		.time_us = START_US,
		.first_version = 3,
		.events = &event,
		.event_count = 1,
	};

	fixture_accept(f, "a", "open_account", "{}");
	fixture_accept(f, "a", "deposit", "{\"amount\":5}");
	fixture_append(f, &frame); /* another writer was there */
	struct sent *sent = fixture_send(f, "a", "withdraw", "{\"amount\":5}");
	fixture_settle(f);
	/* Decided once on the five, and again on nothing. */
	assert_int_equal(sent->work.failure, FAILURE_NONE);
	assert_true(sent->command.rejected);
	assert_int_equal(sent->command.version, 3);
	assert_int_equal(sent->command.event_count, 0);
	assert_int_equal(sent->command.position, 0);
}

/* ---- slow components --------------------------------------------------------------------------- */

static void a_component_that_takes_long_decides_on_the_pool_and_in_order(void **state)
{
	struct fixture *f = *state;
	struct sent *sent[3];

	f->account->functions =
		(struct native_functions){ .handle = slow_handle, .apply = any_apply, .arg = f };
	fixture_accept(f, "a", "open_account", "{}");
	uint64_t handled = atomic_load(&f->account->handled);
	sent[0] = fixture_send(f, "a", "deposit", "{\"amount\":5}");
	sent[1] = fixture_send(f, "a", "withdraw", "{\"amount\":5}");
	sent[2] = fixture_send(f, "a", "withdraw", "{\"amount\":5}");
	/* The lane has decided nothing: it is free for others. */
	assert_int_equal(atomic_load(&f->account->handled), handled);
	fixture_settle(f);
	assert_int_equal(sent[0]->command.version, 2);
	assert_false(sent[1]->command.rejected);
	assert_true(sent[2]->command.rejected);

	/* Once it is quick again, it comes back to the lane. */
	f->account->functions.handle = quick_handle;
	for (int i = 0; i < 100; i++)
		fixture_accept(f, "a", "deposit", "{\"amount\":1}");
	handled = atomic_load(&f->account->handled);
	(void)fixture_send(f, "a", "deposit", "{\"amount\":1}");
	assert_int_equal(atomic_load(&f->account->handled), handled + 1);
}

static void a_slow_component_loads_on_the_pool_too_however_short_the_stream(void **state)
{
	struct fixture *f = *state;

	f->account->functions =
		(struct native_functions){ .handle = slow_handle, .apply = any_apply, .arg = f };
	fixture_accept(f, "a", "open_account", "{}");
	fixture_restart(f);
	uint64_t applied = atomic_load(&f->account->applied);
	struct sent *read = fixture_read(f, "a");
	assert_int_equal(atomic_load(&f->account->applied), applied);
	fixture_settle(f);
	assert_int_equal(read->state.version, 1);
}

/* ---- components that are too generous --------------------------------------------------------- */

static enum status generous_handle(void *arg, const struct component_call *call, struct span state,
				   const struct component_command *command,
				   struct component_decision *ret, struct error *err)
{
	enum status s = native_account.handle(native_account.arg, call, state, command, ret, err);

	(void)arg;
	if (s == OK && ret->event_count != 0)
		ret->events[0].data = arena_format(call->arena, "{\"amount\":1,\"note\":\"%0*d\"}",
						   FRAME_MAX_BYTES, 0);
	return s;
}

static void
events_that_no_frame_holds_are_the_component_s_fault_unless_the_command_is_large(void **state)
{
	struct fixture *f = *state;
	struct native_functions functions = f->account->functions;
	size_t size = 600000;
	char *large = malloc(size + 1);

	fixture_accept(f, "a", "open_account", "{}");
	f->account->functions =
		(struct native_functions){ .handle = generous_handle, .apply = any_apply };
	struct sent *sent = fixture_send(f, "a", "deposit", "{\"amount\":1}");
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_COMPONENT);
	assert_non_null(strstr(sent->work.err.message, "component 'account' decided 1 events"));

	/* This one repeats what it was sent. */
	f->account->functions = functions;
	assert_non_null(large);
	memset(large, ' ', size);
	memcpy(large, "{\"amount\":1", 11);
	memcpy(large + size - 1, "}", 2);
	sent = fixture_send(f, "a", "deposit", large);
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_TOO_LARGE);
	struct sent *read = fixture_read(f, "a");
	fixture_settle(f);
	assert_int_equal(read->state.version, 1);
	free(large);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_full_disk_refuses_commands_and_serves_reads_until_there_is_space),
		TEST(when_a_write_fails_nothing_that_rested_on_it_is_told),
		TEST(a_decision_whose_ground_was_given_up_meanwhile_is_not_told),
		TEST(a_conflict_with_a_version_whose_write_failed_is_not_told),
		TEST(that_an_older_frame_is_durable_does_not_tell_of_a_newer_one_that_failed),
		TEST(once_the_disk_has_failed_no_version_is_told_that_was_given_up),
		TEST(a_run_that_was_overtaken_leaves_nothing_in_the_answer),
		TEST(a_component_that_takes_long_decides_on_the_pool_and_in_order),
		TEST(a_slow_component_loads_on_the_pool_too_however_short_the_stream),
		TEST(events_that_no_frame_holds_are_the_component_s_fault_unless_the_command_is_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
