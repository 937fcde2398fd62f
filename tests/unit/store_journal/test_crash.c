/* SPDX-License-Identifier: Apache-2.0 */
/* test_crash.c - fault sweeps: a crash and a failure at every call that changes something.
 *
 * The claim behind all: what was answered is there after the restart, whole and unchanged; what was
 * not answered is there whole or not at all, and only at the end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/store_journal/journal_fixture.h"

#define STEPS 24
#define KEYS  3

struct history {
	struct buf accepted; /* descriptions of all frames accepted, in order */
	uint64_t answered_sequence;
	size_t answered_size; /* so much of `accepted` was answered */
};

/* Some appends, flushed now and then; enough to go through several segments. Ends at the first
 * failure. */
static void work_until_it_breaks(struct journal_fixture *f, struct history *history, uint64_t seed)
{
	static const char *const keys[KEYS] = { "a", "b", "c" };
	struct random_seeded random;
	struct work *works[STEPS * 4] = { NULL };
	size_t count = 0;

	random_seeded_init(&random, seed);
	for (unsigned step = 0; step < STEPS && atomic_load(&f->fatal_calls) == 0; step++) {
		size_t appends = 1 + (size_t)random_below(&random.random, 3);

		for (size_t i = 0; i < appends; i++) {
			const char *key = keys[random_below(&random.random, KEYS)];
			char command[16];
			struct work_shape shape = { .key = key,
						    .command = command,
						    .random = &random.random };
			struct work *work;

			(void)snprintf(command, sizeof(command), "c%u-%zu", step, i);
			shape.frame_count = 1 + (size_t)random_below(&random.random, 2);
			shape.event_count = (size_t)random_below(&random.random, 3);
			shape.data_bytes = (size_t)random_below(&random.random, 5) == 0
						   ? 9000
						   : (size_t)random_below(&random.random, 300);
			work = work_new(
				store_head(f->store, (struct stream_name){ SPAN("account"),
									   span_from_string(key) }),
				&shape);
			if (store_append(f->store, &work->append, NULL) != OK) {
				work_free(work);
				continue;
			}
			works[count++] = work;
			for (size_t n = 0; n < work->append.frame_count; n++) {
				struct frame frame = work->append.frames[n];

				frame.sequence = work->append.first_sequence + n;
				frame_describe(&history->accepted, &frame);
			}
		}
		(void)store_flush(f->store);
		if (count != 0 && atomic_load(&works[count - 1]->calls) == 1 &&
		    atomic_load(&works[count - 1]->status) == OK) {
			history->answered_size = history->accepted.size;
			history->answered_sequence = store_durable(f->store);
		}
	}
	/* Closing answers too, but what it writes counts as not answered here. */
	journal_stop(f);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(atomic_load(&works[i]->calls), 1);
		work_free(works[i]);
	}
	random_seeded_fini(&random);
}

static void check_after_restart(struct journal_fixture *f, const struct history *history,
				uint64_t nth)
{
	OWNED(buf) struct buf now = { 0 };
	struct error err = { 0 };
	size_t size;

	if (journal_start(f, &err) != OK)
		fail_msg("crash at %" PRIu64 ": %s", nth, error_text(&err));
	journal_text(f, &now);
	size = now.size - 1;
	if (size < history->answered_size || size > history->accepted.size ||
	    (size != 0 && memcmp(now.data, history->accepted.data, size) != 0))
		fail_msg("crash at %" PRIu64 ": of %zu bytes, %zu answered, there are %zu", nth,
			 history->accepted.size, history->answered_size, size);
	/* It goes on as if nothing had happened: heads, numbers, versions. */
	for (unsigned i = 0; i < KEYS; i++) {
		char key[2] = { (char)('a' + i), '\0' };

		expect_status(OK, store_put(f->store,
					    &(struct work_shape){ .key = key, .event_count = 1 },
					    &err));
	}
}

static void a_crash_at_any_call_loses_nothing_that_was_answered(void **state)
{
	struct journal_fixture *f = *state;
	bool crashed = true;
	uint64_t reached = 0;

	for (uint64_t nth = 1; crashed; nth++) {
		struct history history = { 0 };
		OWNED(buf) struct buf before = { 0 };
		OWNED(buf) struct buf after = { 0 };

		vfs_sim_free(f->sim);
		f->sim = vfs_sim_new();
		atomic_store(&f->fatal_calls, 0);
		vfs_sim_crash_at(f->sim, nth);
		if (journal_start(f, NULL) == OK)
			work_until_it_breaks(f, &history, 42);
		crashed = vfs_sim_has_crashed(f->sim);
		vfs_sim_restart(f->sim, nth);
		check_after_restart(f, &history, nth);
		/* And once more, after a crash with nothing under way. */
		journal_text(f, &before);
		journal_kill(f, nth);
		journal_must_start(f);
		journal_text(f, &after);
		assert_string_equal(after.data, before.data);
		journal_stop(f);
		buf_fini(&history.accepted);
		reached = nth;
	}
	assert_true(reached > 40); /* the sweep was one */
}

/* Crashes again and again, each at a random place, on one journal: epochs and cut tails pile up. */
static void crash_after_crash_loses_nothing(void **state)
{
	struct journal_fixture *f = *state;
	OWNED(buf) struct buf before = { 0 };
	OWNED(buf) struct buf after = { 0 };
	struct random_seeded random;

	random_seeded_init(&random, 5);
	for (uint64_t round = 0; round < 120; round++) {
		struct history history = { 0 };

		atomic_store(&f->fatal_calls, 0);
		journal_must_start(f);
		journal_text(f, &before);
		vfs_sim_crash_at(f->sim, 1 + random_below(&random.random, 12));
		work_until_it_breaks(f, &history, round);
		vfs_sim_restart(f->sim, round);
		journal_must_start(f);
		journal_text(f, &after);
		/* What was there is its beginning; then what was answered; then perhaps more. */
		assert_true(after.size - 1 >= before.size - 1 + history.answered_size);
		assert_true(after.size - 1 <= before.size - 1 + history.accepted.size);
		assert_memory_equal(after.data, before.data, before.size - 1);
		if (history.accepted.size != 0)
			assert_memory_equal(after.data + before.size - 1, history.accepted.data,
					    after.size - before.size);
		journal_stop(f);
		buf_fini(&history.accepted);
	}
	random_seeded_fini(&random);
}

static void a_failure_at_any_call_ends_it_and_loses_nothing_answered(void **state)
{
	struct journal_fixture *f = *state;
	uint64_t calls = 1, nth = 0;

	/* Until there is no nth call. */
	while (calls >= nth) {
		struct history history = { 0 };

		vfs_sim_free(f->sim);
		f->sim = vfs_sim_new();
		atomic_store(&f->fatal_calls, 0);
		vfs_sim_fail_at(f->sim, ++nth, ERR_IO);
		if (journal_start(f, NULL) == OK)
			work_until_it_breaks(f, &history, 42);
		calls = vfs_sim_changes(f->sim);
		/* A process that failed has exited; what it wrote may be anywhere. */
		vfs_sim_restart(f->sim, nth);
		atomic_store(&f->fatal_calls, 0);
		check_after_restart(f, &history, nth);
		journal_stop(f);
		buf_fini(&history.accepted);
	}
	assert_true(nth > 40);
}

static void a_disk_that_fills_up_at_any_size_turns_it_read_only_and_back(void **state)
{
	struct journal_fixture *f = *state;

	for (uint64_t capacity = 0; capacity <= 6 * SEGMENT_BYTES; capacity += 8192) {
		struct history history = { 0 };
		OWNED(buf) struct buf text = { 0 };
		struct store_status status;
		enum status s;

		vfs_sim_free(f->sim);
		f->sim = vfs_sim_new();
		vfs_sim_set_capacity(f->sim, (1 << 20) + capacity + 1);
		atomic_store(&f->fatal_calls, 0);
		s = journal_start(f, NULL);
		if (s != OK) {
			expect_status(ERR_FULL, s);
			assert_true(capacity < SEGMENT_BYTES);
			continue;
		}
		for (unsigned i = 0; i < 200 && s == OK; i++)
			s = store_put(f->store,
				      &(struct work_shape){
					      .key = "a", .event_count = 1, .data_bytes = 3000 },
				      NULL);
		expect_status(ERR_FULL, s);
		store_status(f->store, &status);
		assert_int_equal(status.mode, STORE_READ_ONLY_FULL);
		journal_text(f, &text); /* reads go on */
		assert_int_equal(atomic_load(&f->fatal_calls), 0);
		/* A start on the full disk, too. */
		journal_stop(f);
		journal_must_start(f);
		store_status(f->store, &status);
		assert_int_equal(status.mode, STORE_READ_ONLY_FULL);
		expect_status(ERR_FULL,
			      store_put(f->store,
					&(struct work_shape){ .key = "a", .event_count = 1 },
					NULL));
		vfs_sim_set_capacity(f->sim, 0);
		(void)store_flush(f->store);
		store_status(f->store, &status);
		assert_int_equal(status.mode, STORE_READ_WRITE);
		expect_status(OK, store_put(f->store,
					    &(struct work_shape){ .key = "a", .event_count = 1 },
					    NULL));
		journal_stop(f);
		buf_fini(&history.accepted);
	}
}

/* A quota is met only when it is written against. */
static void a_full_disk_that_shows_only_in_a_write_is_met_as_well(void **state)
{
	struct journal_fixture *f = *state;
	struct store_status status;

	journal_must_start(f);
	for (unsigned i = 0; i < 12; i++)
		expect_status(OK, store_put(f->store,
					    &(struct work_shape){ .key = "a", .event_count = 1 },
					    NULL));
	/* The next calls: the commit that changes segments, then the file for the one after it. */
	for (unsigned i = 0; i < 100; i++) {
		enum status s;

		vfs_sim_fail_at(f->sim, 3, ERR_FULL);
		s = store_put(f->store, &(struct work_shape){ .key = "a", .event_count = 1 }, NULL);
		store_status(f->store, &status);
		if (s != OK || status.mode != STORE_READ_WRITE)
			break;
	}
	assert_int_equal(status.mode, STORE_READ_ONLY_FULL);
	assert_int_equal(atomic_load(&f->fatal_calls), 0);
	vfs_sim_fail_at(f->sim, 0, OK);
	(void)store_flush(f->store);
	expect_status(OK, store_put(f->store, &(struct work_shape){ .key = "a", .event_count = 1 },
				    NULL));
}

/* A process that is killed leaves its last write in the page cache, where the next one finds it, whole
 * but on no disk. Once that one has shown it, it must stay. */
static void what_a_start_has_shown_survives_a_power_failure(void **state)
{
	struct journal_fixture *f = *state;

	for (uint64_t seed = 0; seed < 16; seed++) {
		vfs_sim_free(f->sim);
		f->sim = vfs_sim_new();
		atomic_store(&f->fatal_calls, 0);
		journal_must_start(f);
		expect_status(OK, store_put(f->store,
					    &(struct work_shape){ .key = "a", .event_count = 1 },
					    NULL));
		vfs_sim_kill_at(f->sim, 1);
		expect_status(ERR_IO,
			      store_put(f->store,
					&(struct work_shape){ .key = "a", .event_count = 1 },
					NULL));
		journal_stop(f);
		vfs_sim_continue(f->sim);
		journal_must_start(f);
		assert_int_equal(store_durable(f->store), 2);
		journal_kill(f, seed);
		journal_must_start(f);
		assert_int_equal(store_durable(f->store), 2);
		journal_stop(f);
	}
}

/* Nor may what the next process makes durable be lost with what a killed one left behind: the name of
 * a segment that it had just prepared. */
static bool kill_then_crash(struct journal_fixture *f, uint64_t kill_at, uint64_t crash_at)
{
	struct history first = { 0 };
	struct history second = { 0 };
	OWNED(buf) struct buf before = { 0 };
	OWNED(buf) struct buf after = { 0 };

	vfs_sim_free(f->sim);
	f->sim = vfs_sim_new();
	atomic_store(&f->fatal_calls, 0);
	vfs_sim_kill_at(f->sim, kill_at);
	if (journal_start(f, NULL) == OK)
		work_until_it_breaks(f, &first, 42);
	bool killed = vfs_sim_has_crashed(f->sim);
	vfs_sim_continue(f->sim);
	atomic_store(&f->fatal_calls, 0);
	journal_must_start(f);
	journal_text(f, &before);
	vfs_sim_crash_at(f->sim, crash_at);
	work_until_it_breaks(f, &second, 43);
	vfs_sim_restart(f->sim, kill_at * 31 + crash_at);
	journal_must_start(f);
	journal_text(f, &after);
	if (after.size < before.size + second.answered_size)
		fail_msg("killed at %" PRIu64 ", crashed at %" PRIu64 ": lost what was answered",
			 kill_at, crash_at);
	assert_memory_equal(after.data, before.data, before.size - 1);
	journal_stop(f);
	buf_fini(&first.accepted);
	buf_fini(&second.accepted);
	return killed;
}

static void what_is_written_after_a_kill_survives_a_power_failure(void **state)
{
	bool killed = true;
	uint64_t kill_at = 0;

	while (killed) {
		kill_at++;
		for (uint64_t crash_at = 1; crash_at <= 10; crash_at++)
			killed = kill_then_crash(*state, kill_at, crash_at);
	}
	assert_true(kill_at > 40);
}

int main(void)
{
#define CLAIM(f) cmocka_unit_test_setup_teardown(f, journal_setup, journal_teardown)
	const struct CMUnitTest claims[] = {
		CLAIM(a_crash_at_any_call_loses_nothing_that_was_answered),
		CLAIM(crash_after_crash_loses_nothing),
		CLAIM(a_failure_at_any_call_ends_it_and_loses_nothing_answered),
		CLAIM(a_disk_that_fills_up_at_any_size_turns_it_read_only_and_back),
		CLAIM(what_a_start_has_shown_survives_a_power_failure),
		CLAIM(what_is_written_after_a_kill_survives_a_power_failure),
		CLAIM(a_full_disk_that_shows_only_in_a_write_is_met_as_well),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
