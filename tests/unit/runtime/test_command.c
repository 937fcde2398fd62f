/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime promises about commands. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t frames(struct fixture *f)
{
	return store_head(f->store, (struct stream_name){ SPAN("account"), SPAN("a") }).number;
}

static void an_accepted_command_is_answered_when_its_frame_is_durable_and_not_before(void **state)
{
	struct fixture *f = *state;
	struct sent *sent = fixture_send(f, "a", "open_account", "{}");

	fixture_run_tasks(f);
	assert_int_equal(sent->answers, 0);
	assert_int_equal(store_durable(f->store), 0);

	fixture_settle(f);
	assert_int_equal(sent->answers, 1);
	assert_int_equal(store_durable(f->store), 1);
	assert_int_equal(sent->work.failure, FAILURE_NONE);
	assert_int_equal(sent->command.version, 1);
	assert_int_equal(sent->command.position, position_of(1, 0));
	assert_int_equal(sent->command.event_count, 1);
	assert_span(sent->command.events[0].type, "account_opened");
}

static void a_rejection_stores_nothing_and_says_code_and_reason(void **state)
{
	struct fixture *f = *state;
	struct sent *sent = fixture_send(f, "a", "deposit", "{\"amount\":1}");

	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_NONE);
	assert_true(sent->command.rejected);
	assert_span(sent->command.rejection.code, "no_such_account");
	assert_int_equal(frames(f), 0);
}

static void a_rejection_that_looked_at_an_undurable_state_waits_for_it(void **state)
{
	struct fixture *f = *state;
	struct sent *first = fixture_send(f, "a", "open_account", "{}");
	struct sent *second = fixture_send(f, "a", "open_account", "{}");

	fixture_run_tasks(f);
	assert_int_equal(first->answers, 0);
	assert_int_equal(second->answers, 0);
	fixture_settle(f);
	assert_false(first->command.rejected);
	assert_true(second->command.rejected);
	assert_span(second->command.rejection.code, "exists");
}

static void a_read_that_looked_at_an_undurable_state_waits_for_it(void **state)
{
	struct fixture *f = *state;

	(void)fixture_send(f, "a", "open_account", "{}");
	struct sent *read = fixture_read(f, "a");
	fixture_run_tasks(f);
	assert_int_equal(read->answers, 0);
	fixture_settle(f);
	assert_int_equal(read->answers, 1);
	assert_span(read->state.state, "{\"balance\":0,\"events\":1}");
}

static void the_next_command_is_decided_on_the_state_before_it_is_durable(void **state)
{
	struct fixture *f = *state;
	struct sent *sent[3];

	sent[0] = fixture_send(f, "a", "open_account", "{}");
	sent[1] = fixture_send(f, "a", "deposit", "{\"amount\":5}");
	sent[2] = fixture_send(f, "a", "withdraw", "{\"amount\":6}");
	/* All three have been decided, none is durable. */
	assert_int_equal(atomic_load(&f->account->handled), 3);
	assert_int_equal(store_durable(f->store), 0);
	fixture_settle(f);
	assert_int_equal(sent[1]->command.version, 2);
	assert_true(sent[2]->command.rejected);
	assert_span(sent[2]->command.rejection.code, "insufficient_funds");
}

static void of_twenty_withdrawals_exactly_as_many_are_accepted_as_the_balance_carries(void **state)
{
	struct fixture *f = *state;
	struct sent *sent[20];
	unsigned accepted = 0;

	fixture_accept(f, "a", "open_account", "{}");
	fixture_accept(f, "a", "deposit", "{\"amount\":4000}");
	for (unsigned i = 0; i < 20; i++) {
		sent[i] = fixture_request(f, i % LANES);
		sent[i]->work.stream = (struct stream_name){ SPAN("account"), SPAN("a") };
		sent[i]->command.type = SPAN("withdraw");
		sent[i]->command.data = SPAN("{\"amount\":1000}");
		command_submit(f->runtime, &sent[i]->command);
	}
	fixture_settle(f);
	for (unsigned i = 0; i < 20; i++)
		accepted += !sent[i]->command.rejected;
	assert_int_equal(accepted, 4);
	struct sent *read = fixture_read(f, "a");
	fixture_settle(f);
	assert_span(read->state.state, "{\"balance\":0,\"events\":6}");
}

static void all_events_of_a_command_are_stored_in_one_frame(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	struct sent *sent = fixture_send(f, "a", "deposit_many", "{\"count\":100}");
	fixture_settle(f);
	assert_int_equal(sent->command.event_count, 100);
	assert_int_equal(sent->command.first_version, 2);
	assert_int_equal(sent->command.version, 101);
	assert_int_equal(sent->command.position, position_of(2, 99));
	assert_int_equal(frames(f), 2);
}

static void events_that_apply_cannot_fold_are_not_stored(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	atomic_store(&f->account->fail_apply, NATIVE_CANNOT_FOLD);
	struct sent *sent = fixture_send(f, "a", "deposit", "{\"amount\":1}");
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_COMPONENT);
	assert_non_null(strstr(sent->work.err.message, "just decided"));
	assert_int_equal(frames(f), 1);

	/* And the state in memory is as it was. */
	atomic_store(&f->account->fail_apply, NATIVE_FINE);
	struct sent *read = fixture_read(f, "a");
	fixture_settle(f);
	assert_span(read->state.state, "{\"balance\":0,\"events\":1}");
}

static void a_component_that_breaks_fails_its_command_and_no_other(void **state)
{
	static const struct {
		enum native_failure failure;
		enum failure expected;
	} cases[] = {
		{ NATIVE_TRAP, FAILURE_COMPONENT },      { NATIVE_DEADLINE, FAILURE_DEADLINE },
		{ NATIVE_LIMIT, FAILURE_COMPONENT },     { NATIVE_BAD_JSON, FAILURE_COMPONENT },
		{ NATIVE_BAD_NAME, FAILURE_COMPONENT },  { NATIVE_TOO_MANY, FAILURE_COMPONENT },
		{ NATIVE_TOO_LARGE, FAILURE_COMPONENT },
	};
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		atomic_store(&f->account->fail_handle, cases[i].failure);
		struct sent *sent = fixture_send(f, "a", "deposit", "{\"amount\":1}");
		fixture_settle(f);
		if (sent->work.failure != cases[i].expected)
			fail_msg("failure %d of handle gives %s", (int)cases[i].failure,
				 failure_word(sent->work.failure));
		atomic_store(&f->account->fail_handle, NATIVE_FINE);
		fixture_accept(f, "a", "deposit", "{\"amount\":1}");
	}
	assert_int_equal(frames(f), 1 + ARRAY_COUNT(cases));
}

static void an_instance_that_cannot_be_opened_fails_the_command(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->account->fail_open, ERR_NOMEM);
	struct sent *sent = fixture_send(f, "a", "open_account", "{}");
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_NO_MEMORY);
	atomic_store(&f->account->fail_open, OK);
	fixture_accept(f, "a", "open_account", "{}");
}

static void an_apply_that_gives_two_states_for_one_history_stores_nothing(void **state)
{
	struct fixture *f = *state;

	atomic_store(&f->account->fail_apply, NATIVE_UNSTEADY);
	struct sent *sent = fixture_send(f, "a", "open_account", "{}");
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_COMPONENT);
	assert_non_null(strstr(sent->work.err.message, "two different states"));
	assert_int_equal(frames(f), 0);
	atomic_store(&f->account->fail_apply, NATIVE_FINE);
}

static void accepted_without_events_stores_and_remembers_nothing(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	struct sent *sent = fixture_send_id(f, "a", "look-1", "look", "{}");
	fixture_settle(f);
	assert_int_equal(sent->command.event_count, 0);
	assert_int_equal(sent->command.version, 1);
	assert_int_equal(frames(f), 1);
	/* The same id is free for another command. */
	sent = fixture_send_id(f, "a", "look-1", "deposit", "{\"amount\":1}");
	fixture_settle(f);
	assert_int_equal(sent->work.failure, FAILURE_NONE);
	assert_false(sent->command.duplicate);
}

static void an_unknown_aggregate_is_named(void **state)
{
	struct fixture *f = *state;
	struct sent *sent = fixture_request(f, 0);

	sent->work.stream = (struct stream_name){ SPAN("acount"), SPAN("a") };
	sent->command.type = SPAN("open_account");
	sent->command.data = SPAN("{}");
	command_submit(f->runtime, &sent->command);
	assert_int_equal(sent->answers, 1);
	assert_int_equal(sent->work.failure, FAILURE_NO_AGGREGATE);
	assert_non_null(strstr(sent->work.err.message, "'acount'"));
}

/* ---- ids ------------------------------------------------------------------------------------- */

static void the_same_id_again_gives_the_same_reply_and_no_second_effect(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	struct sent *first = fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");
	fixture_settle(f);
	fixture_accept(f, "a", "deposit", "{\"amount\":1}");
	/* White space and the order of members are no other data. */
	struct sent *again = fixture_send_id(f, "a", "d-1", "deposit", "{ \"amount\" : 5 }");
	fixture_settle(f);
	assert_false(first->command.duplicate);
	assert_true(again->command.duplicate);
	assert_int_equal(again->command.version, first->command.version);
	assert_int_equal(again->command.position, first->command.position);
	assert_int_equal(again->command.time_us, first->command.time_us);
	assert_int_equal(again->command.event_count, 1);
	assert_true(uuid_equal(&again->command.events[0].id, &first->command.events[0].id));
	assert_span(again->command.events[0].data, "{\"amount\":5}");
	assert_int_equal(frames(f), 3);
}

static void the_same_id_is_known_after_a_restart(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	struct sent *first = fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");
	fixture_restart(f);
	struct sent *again = fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");
	fixture_settle(f);
	assert_true(again->command.duplicate);
	assert_int_equal(again->command.position, first->command.position);
}

static void the_same_id_while_the_first_is_not_durable_waits_and_is_a_duplicate(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	struct sent *first = fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");
	struct sent *again = fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");
	fixture_run_tasks(f);
	assert_int_equal(again->answers, 0);
	fixture_settle(f);
	assert_true(again->command.duplicate);
	assert_int_equal(again->command.position, first->command.position);
	assert_int_equal(frames(f), 2);
}

static void the_same_id_with_other_type_or_data_is_refused(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	(void)fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");
	fixture_settle(f);
	struct sent *other_data = fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":6}");
	struct sent *other_type = fixture_send_id(f, "a", "d-1", "withdraw", "{\"amount\":5}");
	fixture_settle(f);
	assert_int_equal(other_data->work.failure, FAILURE_ID_REUSED);
	assert_int_equal(other_type->work.failure, FAILURE_ID_REUSED);
	assert_int_equal(frames(f), 2);
}

static void the_same_id_on_another_stream_is_another_command(void **state)
{
	struct fixture *f = *state;
	struct sent *a = fixture_send_id(f, "a", "x", "open_account", "{}");
	struct sent *b = fixture_send_id(f, "b", "x", "open_account", "{}");

	fixture_settle(f);
	assert_false(a->command.duplicate);
	assert_false(b->command.duplicate);
	assert_int_equal(b->command.version, 1);
}

static void an_id_that_the_runtime_makes_is_none_that_a_client_may_send(void **state)
{
	struct fixture *f = *state;
	struct sent *sent = fixture_send(f, "a", "open_account", "{}");

	fixture_settle(f);
	assert_int_equal(sent->command.id.size, 37);
	assert_int_equal(sent->command.id.data[0], '$');
}

static void the_id_is_looked_at_before_the_expected_version(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	(void)fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");
	fixture_settle(f);
	struct sent *again = fixture_request(f, 0);
	again->work.stream = (struct stream_name){ SPAN("account"), SPAN("a") };
	again->command.id = SPAN("d-1");
	again->command.type = SPAN("deposit");
	again->command.data = SPAN("{\"amount\":5}");
	again->command.has_expected_version = true;
	again->command.expected_version = 1;
	command_submit(f->runtime, &again->command);
	fixture_settle(f);
	assert_int_equal(again->work.failure, FAILURE_NONE);
	assert_true(again->command.duplicate);
}

static void a_rejected_command_is_decided_anew(void **state)
{
	struct fixture *f = *state;
	struct sent *first = fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");

	fixture_settle(f);
	assert_true(first->command.rejected);
	fixture_accept(f, "a", "open_account", "{}");
	struct sent *again = fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");
	fixture_settle(f);
	assert_false(again->command.rejected);
	assert_false(again->command.duplicate);
}

static void a_duplicate_that_wants_the_state_gets_it_as_it_was(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	(void)fixture_send_id(f, "a", "d-1", "deposit", "{\"amount\":5}");
	fixture_settle(f);
	fixture_accept(f, "a", "deposit", "{\"amount\":100}");
	struct sent *again = fixture_request(f, 0);
	again->work.stream = (struct stream_name){ SPAN("account"), SPAN("a") };
	again->command.id = SPAN("d-1");
	again->command.type = SPAN("deposit");
	again->command.data = SPAN("{\"amount\":5}");
	again->command.want_state = true;
	command_submit(f->runtime, &again->command);
	fixture_settle(f);
	assert_span(again->command.state, "{\"balance\":5,\"events\":2}");
}

/* ---- versions, times, metadata ---------------------------------------------------------------- */

static void an_expected_version_is_met_or_refused_with_the_actual_one(void **state)
{
	struct fixture *f = *state;
	static const uint64_t wrong[] = { 0, 2, UINT64_MAX };

	fixture_accept(f, "a", "open_account", "{}");
	for (size_t i = 0; i < ARRAY_COUNT(wrong) + 1; i++) {
		struct sent *sent = fixture_request(f, 0);

		sent->work.stream = (struct stream_name){ SPAN("account"), SPAN("a") };
		sent->command.type = SPAN("deposit");
		sent->command.data = SPAN("{\"amount\":1}");
		sent->command.has_expected_version = true;
		sent->command.expected_version = i < ARRAY_COUNT(wrong) ? wrong[i] : 1;
		command_submit(f->runtime, &sent->command);
		fixture_settle(f);
		if (i < ARRAY_COUNT(wrong)) {
			assert_int_equal(sent->work.failure, FAILURE_VERSION_CONFLICT);
			assert_int_equal(sent->command.actual_version, 1);
		} else {
			assert_int_equal(sent->work.failure, FAILURE_NONE);
			assert_int_equal(sent->command.version, 2);
		}
	}
}

static void the_time_of_events_never_goes_back_within_a_stream(void **state)
{
	struct fixture *f = *state;

	fixture_accept(f, "a", "open_account", "{}");
	clock_manual_set_wall_us(&f->clock, START_US - 1000000);
	struct sent *sent = fixture_send(f, "a", "deposit", "{\"amount\":1}");
	fixture_settle(f);
	assert_int_equal(sent->command.time_us, START_US);
	fixture_restart(f);
	sent = fixture_send(f, "a", "deposit", "{\"amount\":1}");
	fixture_settle(f);
	assert_int_equal(sent->command.time_us, START_US);
}

static bool keep_metadata(const struct frame *frame, void *arg)
{
	struct sent *sent = arg;

	sent->command.state = arena_copy(sent->arena, frame->command.metadata);
	assert_true(frame->has_component);
	return false;
}

static void the_correlation_id_is_the_given_one_or_the_command_s(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	struct sent *sent = fixture_request(f, 0);

	sent->work.stream = (struct stream_name){ SPAN("account"), SPAN("a") };
	sent->command.id = SPAN("c-1");
	sent->command.type = SPAN("open_account");
	sent->command.data = SPAN("{}");
	sent->command.metadata.correlation_id = SPAN("order-7");
	command_submit(f->runtime, &sent->command);
	fixture_settle(f);
	assert_int_equal(store_find_command(f->store, sent->work.stream, SPAN("c-1"), keep_metadata,
					    sent, &err),
			 OK);
	struct metadata metadata;
	assert_int_equal(metadata_parse(sent->command.state, sent->arena, &metadata, &err), OK);
	assert_span(metadata.correlation_id, "order-7");

	sent = fixture_send_id(f, "a", "c-2", "deposit", "{\"amount\":1}");
	fixture_settle(f);
	assert_int_equal(store_find_command(f->store, sent->work.stream, SPAN("c-2"), keep_metadata,
					    sent, &err),
			 OK);
	assert_int_equal(metadata_parse(sent->command.state, sent->arena, &metadata, &err), OK);
	assert_span(metadata.correlation_id, "c-2");
}

/* ---- limits and failures of the store ---------------------------------------------------------- */

static void a_full_mailbox_answers_busy_and_the_others_are_served(void **state)
{
	struct fixture *f = *state;
	struct sent *sent[6];
	unsigned busy = 0;

	/* A long stream is folded on the pool, so requests wait for it. */
	fixture_accept(f, "a", "open_account", "{}");
	fixture_accept(f, "a", "deposit_many", "{\"count\":200}");
	f->options.mailbox_max = 4;
	fixture_restart(f);
	for (unsigned i = 0; i < ARRAY_COUNT(sent); i++)
		sent[i] = fixture_send(f, "a", "deposit", "{\"amount\":1}");
	fixture_settle(f);
	for (unsigned i = 0; i < ARRAY_COUNT(sent); i++)
		busy += sent[i]->work.failure == FAILURE_BUSY;
	/* One is out of the mailbox, loading. */
	assert_int_equal(busy, 1);
	assert_int_equal(sent[5]->work.failure, FAILURE_BUSY);
	assert_int_equal(sent[4]->command.version, 206);
}

static void too_many_requests_at_once_answer_busy(void **state)
{
	struct fixture *f = *state;

	f->options.requests_max = 2;
	fixture_restart(f);
	struct sent *a = fixture_send(f, "a", "open_account", "{}");
	struct sent *b = fixture_send(f, "b", "open_account", "{}");
	struct sent *c = fixture_send(f, "c", "open_account", "{}");
	assert_int_equal(c->work.failure, FAILURE_BUSY);
	fixture_settle(f);
	assert_int_equal(a->work.failure, FAILURE_NONE);
	assert_int_equal(b->work.failure, FAILURE_NONE);
	assert_int_equal(runtime_requests(f->runtime), 0);
}

static void memory_for_states_is_bounded_and_what_was_forgotten_is_loaded_again(void **state)
{
	struct fixture *f = *state;
	char key[16];

	f->options.cache_max_bytes = 64; /* nothing idle fits */
	fixture_restart(f);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 100; i++) {
			(void)snprintf(key, sizeof(key), "k%d", i);
			if (round == 0)
				fixture_accept(f, key, "open_account", "{}");
			fixture_accept(f, key, "deposit", "{\"amount\":1}");
		}
	}
	struct sent *read = fixture_read(f, "k42");
	fixture_settle(f);
	assert_span(read->state.state, "{\"balance\":2,\"events\":3}");
	OWNED(buf) struct buf text = { 0 };
	metrics_render(f->metrics, &text);
	buf_append_byte(&text, '\0');
	/* Each runtime of this test has registered its own; the last one holds no stream. */
	char *last = NULL;
	for (char *at = text.data; (at = strstr(at, "\nconcordance_streams_in_memory ")) != NULL;
	     at++)
		last = at;
	assert_non_null(last);
	assert_int_equal(strncmp(last, "\nconcordance_streams_in_memory 0", 32), 0);
}

static uint64_t counted(struct fixture *f, const char *metric)
{
	OWNED(buf) struct buf text = { 0 };

	metrics_render(f->metrics, &text);
	buf_append_byte(&text, '\0');
	const char *at = strstr(text.data, metric);
	assert_non_null(at);
	return strtoull(at + strlen(metric), NULL, 10);
}

static void a_state_larger_than_a_shard_s_part_of_the_cache_stays_in_memory(void **state)
{
	struct fixture *f = *state;
	char key[16];

	/* A 64th of this is less than one stream takes. */
	f->options.cache_max_bytes = 8192;
	fixture_restart(f);
	fixture_accept(f, "a", "open_account", "{}");
	uint64_t loads = counted(f, "\nconcordance_state_loads_total ");
	for (int i = 0; i < 5; i++)
		fixture_accept(f, "a", "deposit", "{\"amount\":1}");
	assert_int_equal(counted(f, "\nconcordance_state_loads_total "), loads);
	/* And the whole is bounded all the same. */
	for (int i = 0; i < 200; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		fixture_accept(f, key, "open_account", "{}");
	}
	assert_true(counted(f, "\nconcordance_streams_in_memory ") < 64);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_accepted_command_is_answered_when_its_frame_is_durable_and_not_before),
		TEST(a_rejection_stores_nothing_and_says_code_and_reason),
		TEST(a_rejection_that_looked_at_an_undurable_state_waits_for_it),
		TEST(a_read_that_looked_at_an_undurable_state_waits_for_it),
		TEST(the_next_command_is_decided_on_the_state_before_it_is_durable),
		TEST(of_twenty_withdrawals_exactly_as_many_are_accepted_as_the_balance_carries),
		TEST(all_events_of_a_command_are_stored_in_one_frame),
		TEST(events_that_apply_cannot_fold_are_not_stored),
		TEST(a_component_that_breaks_fails_its_command_and_no_other),
		TEST(an_instance_that_cannot_be_opened_fails_the_command),
		TEST(an_apply_that_gives_two_states_for_one_history_stores_nothing),
		TEST(accepted_without_events_stores_and_remembers_nothing),
		TEST(an_unknown_aggregate_is_named),
		TEST(the_same_id_again_gives_the_same_reply_and_no_second_effect),
		TEST(the_same_id_is_known_after_a_restart),
		TEST(the_same_id_while_the_first_is_not_durable_waits_and_is_a_duplicate),
		TEST(the_same_id_with_other_type_or_data_is_refused),
		TEST(the_same_id_on_another_stream_is_another_command),
		TEST(an_id_that_the_runtime_makes_is_none_that_a_client_may_send),
		TEST(the_id_is_looked_at_before_the_expected_version),
		TEST(a_rejected_command_is_decided_anew),
		TEST(a_duplicate_that_wants_the_state_gets_it_as_it_was),
		TEST(an_expected_version_is_met_or_refused_with_the_actual_one),
		TEST(the_time_of_events_never_goes_back_within_a_stream),
		TEST(the_correlation_id_is_the_given_one_or_the_command_s),
		TEST(a_full_mailbox_answers_busy_and_the_others_are_served),
		TEST(too_many_requests_at_once_answer_busy),
		TEST(a_state_larger_than_a_shard_s_part_of_the_cache_stays_in_memory),
		TEST(memory_for_states_is_bounded_and_what_was_forgotten_is_loaded_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
