/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal.c - what the journal has beyond the contract: who writes, room ahead, metrics, and a
 * format that stays what it is. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/metrics.h"
#include "base/thread.h"
#include "digest/digest.h"
#include "store_journal/format.h"
#include "unit/store_journal/journal_fixture.h"

/* A clock on which every look takes `step_ns`: so long, then, does every write. */
struct slow_clock {
	struct clock clock;
	_Atomic uint64_t now_ns;
	_Atomic uint64_t step_ns;
};

static uint64_t slow_wall_us(struct clock *clock)
{
	return atomic_load(&CONTAINER_OF(clock, struct slow_clock, clock)->now_ns) / 1000;
}

static uint64_t slow_monotonic_ns(struct clock *clock)
{
	struct slow_clock *slow = CONTAINER_OF(clock, struct slow_clock, clock);

	return atomic_fetch_add(&slow->now_ns, atomic_load(&slow->step_ns));
}

static void ignore_fatal(void *arg, const char *message)
{
	(void)arg;
	fail_msg("%s", message);
}

static void must_open(struct journal_fixture *f, struct journal_options options)
{
	struct error err = { 0 };

	options.vfs = vfs_sim_vfs(f->sim);
	options.create = true;
	options.base.fatal = ignore_fatal;
	if (options.segment_bytes == 0)
		options.segment_bytes = SEGMENT_BYTES;
	if (journal_open(JOURNAL_DIRECTORY, &options, &f->store, &err) != OK)
		fail_msg("%s", error_text(&err));
}

static pthread_t done_by;

struct noted {
	struct append append;
	struct work *work;
	_Atomic bool done;
};

static void note_thread(struct append *append, enum status status)
{
	struct noted *noted = CONTAINER_OF(append, struct noted, append);

	assert_int_equal(status, OK);
	done_by = pthread_self();
	atomic_store(&noted->done, true);
}

/* Appends one, flushes once; whether this thread wrote it. */
static bool flush_is_inline(struct journal_fixture *f)
{
	const struct stream_name name = { SPAN("account"), SPAN("a") };
	struct work *work = work_new(store_head(f->store, name),
				     &(struct work_shape){ .key = "a", .event_count = 1 });
	struct noted noted = { .append = work->append };
	bool by_us;

	noted.append.done = note_thread;
	while (store_append(f->store, &noted.append, NULL) == ERR_BUSY)
		(void)store_flush(f->store);
	(void)store_flush(f->store);
	while (!atomic_load(&noted.done))
		;
	by_us = pthread_equal(done_by, pthread_self()) != 0;
	work_free(work);
	return by_us;
}

static void a_flush_writes_by_itself_while_writes_are_fast(void **state)
{
	struct journal_fixture *f = *state;
	struct slow_clock clock = {
		.clock = { .wall_us = slow_wall_us, .monotonic_ns = slow_monotonic_ns },
		.step_ns = 100000,
	};

	must_open(f, (struct journal_options){ .clock = &clock.clock, .segment_bytes = 1 << 20 });
	for (unsigned i = 0; i < 20; i++)
		assert_true(flush_is_inline(f));
	/* The device becomes slow: a thread takes over. */
	atomic_store(&clock.step_ns, 5000000);
	for (unsigned i = 0; i < 20; i++)
		(void)flush_is_inline(f);
	assert_false(flush_is_inline(f));
	/* Around the bound it stays; when it is fast again, it comes back. */
	atomic_store(&clock.step_ns, 700000);
	for (unsigned i = 0; i < 100; i++)
		assert_false(flush_is_inline(f));
	atomic_store(&clock.step_ns, 100000);
	for (unsigned i = 0; i < 40; i++)
		(void)flush_is_inline(f);
	assert_true(flush_is_inline(f));
	journal_stop(f);
}

static void the_helper_finds_that_there_is_space_again(void **state)
{
	struct journal_fixture *f = *state;
	struct store_status status;
	enum status s = OK;

	vfs_sim_set_capacity(f->sim, (1 << 20) + 3 * SEGMENT_BYTES);
	must_open(f, (struct journal_options){ .flusher = JOURNAL_FLUSH_INLINE });
	while (s == OK || s == ERR_BUSY)
		s = store_put(f->store, &(struct work_shape){ .key = "a", .event_count = 1 }, NULL);
	expect_status(ERR_FULL, s);
	vfs_sim_set_capacity(f->sim, 0);
	do
		store_status(f->store, &status);
	while (status.mode == STORE_READ_ONLY_FULL);
	assert_int_equal(status.mode, STORE_READ_WRITE);
	expect_status(OK, store_put(f->store, &(struct work_shape){ .key = "a", .event_count = 1 },
				    NULL));
	journal_stop(f);
}

static void metrics_say_what_was_written(void **state)
{
	struct journal_fixture *f = *state;
	static const char *const lines[] = {
		"concordance_journal_commits_total 4\n", /* the one that begins the epoch, too */
		"concordance_journal_written_bytes_total 16384\n",
		"concordance_journal_errors_total 0\n",
		"concordance_journal_segments 2\n",
		"concordance_journal_mode 0\n",
		"concordance_journal_commit_bytes_count 4\n",
		"concordance_journal_commit_bytes_sum 16384\n",
		"concordance_journal_commit_frames_sum 3\n",
		"concordance_journal_commit_duration_seconds_count 4\n",
	};
	OWNED(buf) struct buf text = { 0 };
	struct metrics *metrics = NULL;

	expect_status(OK, metrics_new(&metrics, NULL));
	must_open(f, (struct journal_options){ .base.metrics = metrics,
					       .flusher = JOURNAL_FLUSH_INLINE,
					       .without_threads = true });
	for (unsigned i = 0; i < 3; i++)
		expect_status(OK, store_put(f->store,
					    &(struct work_shape){ .key = "a", .event_count = 1 },
					    NULL));
	metrics_render(metrics, &text);
	buf_append_byte(&text, '\0');
	for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
		if (strstr(text.data, lines[i]) == NULL)
			fail_msg("no line %sin\n%s", lines[i], text.data);
	}
	journal_stop(f);
	metrics_free(metrics);
}

static void a_segment_keeps_its_size_when_another_is_asked_for(void **state)
{
	struct journal_fixture *f = *state;
	struct store_status status;

	must_open(f, (struct journal_options){ .flusher = JOURNAL_FLUSH_INLINE,
					       .without_threads = true });
	journal_stop(f);
	must_open(f, (struct journal_options){ .flusher = JOURNAL_FLUSH_INLINE,
					       .without_threads = true,
					       .segment_bytes = 1 << 20 });
	store_status(f->store, &status);
	assert_int_equal(status.size_bytes, 2 * SEGMENT_BYTES);
}

static void options_that_make_no_sense_are_refused(void **state)
{
	struct journal_fixture *f = *state;
	const struct journal_options wrong[] = {
		{ .segment_bytes = 4096 },
		{ .segment_bytes = SEGMENT_BYTES + 1 },
		{ .segment_bytes = UINT64_C(8) << 30 },
		{ .without_threads = true },
	};

	for (size_t i = 0; i < ARRAY_COUNT(wrong); i++) {
		struct journal_options options = wrong[i];

		options.vfs = vfs_sim_vfs(f->sim);
		options.create = true;
		expect_status(ERR_INVALID,
			      journal_open(JOURNAL_DIRECTORY, &options, &f->store, NULL));
	}
}

/* ---- many segments ------------------------------------------------------------------------------ */

#define SEGMENTS 100

static bool count_visit(const struct frame *frame, void *arg)
{
	uint64_t *count = arg;

	if (frame->sequence == *count + 1)
		(*count)++;
	return true;
}

static void read_everything(void *arg)
{
	struct journal_fixture *f = arg;
	const struct read_options options = { .direction = FORWARD };

	for (unsigned i = 0; i < 3; i++) {
		uint64_t count = 0;

		if (store_read_all(f->store, 1, &options, count_visit, &count, NULL, NULL) != OK ||
		    count < store_durable(f->store) - 64)
			atomic_fetch_add(&f->fatal_calls, 1);
	}
}

/* More than the readers keep open, read by several while more is written. */
static void many_segments_are_read_by_many_at_once(void **state)
{
	struct journal_fixture *f = *state;
	const struct work_shape shape = { .key = "a", .event_count = 1, .data_bytes = 20000 };
	struct store_status status;
	struct thread readers[3];

	must_open(f, (struct journal_options){ .flusher = JOURNAL_FLUSH_INLINE });
	do {
		(void)store_put(f->store, &shape, NULL); /* busy, now and then */
		store_status(f->store, &status);
	} while (status.size_bytes < SEGMENTS * (uint64_t)SEGMENT_BYTES);
	for (unsigned i = 0; i < 3; i++)
		expect_status(OK, thread_start(&readers[i], "reader", read_everything, f, NULL));
	for (unsigned i = 0; i < 50; i++)
		(void)store_put(f->store, &shape, NULL);
	for (unsigned i = 0; i < 3; i++)
		thread_join(&readers[i]);
	assert_int_equal(atomic_load(&f->fatal_calls), 0);
	journal_stop(f);
}

/* ---- kill -9 ------------------------------------------------------------------------------------ */

/* Appends for ever, and writes the sequence of each answer to `fd`. */
static void append_for_ever(const char *path, int fd)
{
	const struct journal_options options = { .segment_bytes = 1 << 20, .create = true };
	struct store *store = NULL;

	if (journal_open(path, &options, &store, NULL) != OK)
		_exit(1);
	for (;;) {
		enum status s = store_put(
			store,
			&(struct work_shape){ .key = "a", .event_count = 1, .data_bytes = 300 },
			NULL);
		uint64_t sequence = store_durable(store);

		if (s != OK && s != ERR_BUSY)
			_exit(1);
		if (s == OK && write(fd, &sequence, sizeof(sequence)) != sizeof(sequence))
			_exit(1);
	}
}

static enum status remove_name(const char *name, void *arg, struct error *err)
{
	char path[512];

	(void)err;
	(void)snprintf(path, sizeof(path), "%s/%s", (const char *)arg, name);
	return unlink(path) == 0 ? OK : ERR_IO;
}

/* On the machine's own files; each process finds what those before it were told is stored. */
static void a_process_killed_at_any_time_leaves_what_it_answered(void **state)
{
	char directory[] = "/tmp/concordance-kill-XXXXXX";
	uint64_t answered = 0;

	(void)state;
	assert_non_null(mkdtemp(directory));
	for (unsigned round = 0; round < 8; round++) {
		const struct journal_options options = { .flusher = JOURNAL_FLUSH_INLINE,
							 .without_threads = true };
		struct journal_report report;
		struct store *store = NULL;
		struct error err = { 0 };
		uint64_t sequence, first = answered;
		int fds[2], status = 0;
		pid_t child;

		assert_int_equal(pipe(fds), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0)
			append_for_ever(directory, fds[1]);
		assert_int_equal(close(fds[1]), 0);
		/* Somewhere in the middle of it; further on in each round. */
		while (answered < first + 20 + round * 37 &&
		       read(fds[0], &sequence, sizeof(sequence)) == sizeof(sequence))
			answered = sequence;
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		while (read(fds[0], &sequence, sizeof(sequence)) == sizeof(sequence))
			answered = sequence;
		assert_int_equal(close(fds[0]), 0);
		if (journal_verify(directory, NULL, NULL, NULL, &report, &err) != OK ||
		    journal_open(directory, &options, &store, &err) != OK)
			fail_msg("round %u: %s", round, error_text(&err));
		/* One more may be stored whose answer was not written any more. */
		assert_in_range(store_durable(store), answered, answered + 1);
		answered = store_durable(store);
		store_close(store);
	}
	expect_status(
		OK, vfs_system()->ops->list(vfs_system(), directory, remove_name, directory, NULL));
	assert_int_equal(rmdir(directory), 0);
}

/* ---- the format --------------------------------------------------------------------------------- */

/* What is on disk today must be read tomorrow. A change here is a new version of the format. */
static void the_bytes_on_disk_are_those_of_version_1(void **state)
{
	struct journal_fixture *f = *state;
	static const char expected[] =
		"b5176a0320c80894c0fd85ce8711e0cfa32039452a92c92596aae1b2ba8d297c";
	struct random_seeded random;
	struct clock_manual clock;
	char hex[SHA256_HEX_BYTES];
	struct sha256 digest;
	uint64_t size = 0;
	const uint8_t *bytes;

	random_seeded_init(&random, 1);
	clock_manual_init(&clock, 1764053374123456);
	for (unsigned round = 0; round < 2; round++) {
		must_open(f, (struct journal_options){ .flusher = JOURNAL_FLUSH_INLINE,
						       .without_threads = true,
						       .clock = &clock.clock,
						       .random = &random.random });
		expect_status(OK, store_put(f->store,
					    &(struct work_shape){ .key = "a",
								  .event_count = 2,
								  .frame_count = 3,
								  .command = "c",
								  .time_us = 7 },
					    NULL));
		clock_manual_advance_us(&clock, 1000);
		journal_stop(f);
	}
	bytes = vfs_sim_file(f->sim, SEGMENT_1, &size);
	assert_non_null(bytes);
	digest = digest_sha256(span_of(bytes, size));
	sha256_format(&digest, hex);
	assert_string_equal(hex, expected);
	clock_manual_fini(&clock);
	random_seeded_fini(&random);
}

int main(void)
{
#define CLAIM(f) cmocka_unit_test_setup_teardown(f, journal_setup, journal_teardown)
	const struct CMUnitTest claims[] = {
		CLAIM(a_flush_writes_by_itself_while_writes_are_fast),
		CLAIM(the_helper_finds_that_there_is_space_again),
		CLAIM(metrics_say_what_was_written),
		CLAIM(a_segment_keeps_its_size_when_another_is_asked_for),
		CLAIM(options_that_make_no_sense_are_refused),
		CLAIM(many_segments_are_read_by_many_at_once),
		CLAIM(a_process_killed_at_any_time_leaves_what_it_answered),
		CLAIM(the_bytes_on_disk_are_those_of_version_1),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
