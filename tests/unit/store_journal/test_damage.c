/* SPDX-License-Identifier: Apache-2.0 */
/* test_damage.c - bytes that are not what was written, and directories that are not a journal's. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/endian.h"
#include "digest/digest.h"
#include "store_journal/format.h"
#include "unit/store_journal/journal_fixture.h"

static void put(struct journal_fixture *f, const char *key, size_t data_bytes)
{
	struct error err = { 0 };

	if (store_put(f->store,
		      &(struct work_shape){ .key = key,
					    .event_count = 2,
					    .data_bytes = data_bytes,
					    .command = "c" },
		      &err) != OK)
		fail_msg("%s", error_text(&err));
}

/* Where the commits of segment 1 stand: OPEN, one for each append, CLOSE when it was closed. */
struct places {
	uint64_t offset[64];
	uint64_t size[64];
	size_t count;
};

static struct places find_places(struct journal_fixture *f)
{
	uint64_t size = 0, at = BLOCK_BYTES;
	const uint8_t *bytes = vfs_sim_file(f->sim, SEGMENT_1, &size);
	struct places places = { .count = 0 };
	uint32_t commit;

	assert_non_null(bytes);
	while (at < size && places.count < 64 && commit_peek(bytes + at, at, size - at, &commit)) {
		places.offset[places.count] = at;
		places.size[places.count++] = commit;
		at += round_up(commit, BLOCK_BYTES);
	}
	return places;
}

static void flip(struct journal_fixture *f, const char *path, uint64_t at, uint8_t bits)
{
	uint64_t size = 0;
	uint8_t *bytes = vfs_sim_file(f->sim, path, &size);

	assert_non_null(bytes);
	assert_true(at < size);
	bytes[at] ^= bits;
}

static void fill(struct journal_fixture *f, bool close)
{
	journal_must_start(f);
	put(f, "a", 100);
	put(f, "b", 700);
	put(f, "a", 10);
	put(f, "a", 600);
	if (close)
		journal_stop(f);
	else
		journal_kill(f, 0);
}

static void check_verify(struct journal_fixture *f, enum status expected)
{
	struct journal_report report;
	struct error err = { 0 };

	expect_status(expected, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim), NULL, NULL,
					       &report, &err));
	if (expected == ERR_CORRUPT)
		assert_int_not_equal(report.damage_count, 0);
}

/* Each byte of each commit, one bit. */
static void after_an_orderly_end_every_flipped_bit_is_found(void **state)
{
	struct journal_fixture *f = *state;
	OWNED(buf) struct buf whole = { 0 };
	OWNED(buf) struct buf now = { 0 };
	struct places places;

	fill(f, true);
	places = find_places(f);
	assert_int_equal(places.count, 6);
	journal_must_start(f);
	journal_text(f, &whole);
	journal_stop(f);
	for (size_t i = 0; i < places.count; i++) {
		for (uint64_t at = 0; at < places.size[i]; at++) {
			uint64_t place = places.offset[i] + at;
			enum status s;

			flip(f, SEGMENT_1, place, (uint8_t)(1u << at % 8));
			s = journal_start(f, NULL);
			/* The record of closing itself is no loss, and looks like a write that was cut. */
			if (s != (i + 1 == places.count ? OK : ERR_CORRUPT))
				fail_msg("commit %zu, byte %" PRIu64 ": %s", i, at, status_word(s));
			if (s == OK) {
				journal_text(f, &now);
				assert_string_equal(now.data, whole.data);
				journal_stop(f);
			}
			if (at % 16 == 0)
				check_verify(f, s);
			flip(f, SEGMENT_1, place, (uint8_t)(1u << at % 8));
		}
	}
	check_verify(f, OK);
}

static void without_one_only_the_last_commit_can_be_lost(void **state)
{
	struct journal_fixture *f = *state;
	OWNED(buf) struct buf whole = { 0 };
	OWNED(buf) struct buf now = { 0 };
	struct places places;

	fill(f, false);
	places = find_places(f);
	assert_int_equal(places.count, 5);
	journal_must_start(f);
	journal_text(f, &whole);
	journal_stop(f);
	for (size_t i = 0; i < places.count; i++) {
		for (uint64_t at = 0; at < places.size[i]; at += i == 4 ? 1 : 7) {
			uint64_t place = places.offset[i] + at;
			enum status s;

			flip(f, SEGMENT_1, place, 0x40);
			s = journal_start(f, NULL);
			if (s != (i + 1 == places.count ? OK : ERR_CORRUPT))
				fail_msg("commit %zu, byte %" PRIu64 ": %s", i, at, status_word(s));
			if (s == OK) {
				journal_text(f, &now);
				assert_true(now.size < whole.size);
				assert_memory_equal(now.data, whole.data, now.size - 1);
				assert_int_equal(store_durable(f->store), 3);
				journal_stop(f);
			}
			flip(f, SEGMENT_1, place, 0x40);
		}
	}
}

static void what_is_no_part_of_the_log_does_not_matter(void **state)
{
	struct journal_fixture *f = *state;
	OWNED(buf) struct buf whole = { 0 };
	OWNED(buf) struct buf now = { 0 };
	struct places places;

	fill(f, true);
	places = find_places(f);
	journal_must_start(f);
	journal_text(f, &whole);
	journal_stop(f);
	for (size_t i = 0; i < places.count; i++)
		flip(f, SEGMENT_1, places.offset[i] + round_up(places.size[i], BLOCK_BYTES) - 1, 1);
	flip(f, SEGMENT_1, SEGMENT_BYTES - 1, 0xff); /* the room ahead */
	flip(f, SEGMENT_2, SEGMENT_BYTES - 1, 0xff);
	journal_must_start(f);
	journal_text(f, &now);
	assert_string_equal(now.data, whole.data);
	put(f, "a", 10);
	journal_stop(f);
	check_verify(f, OK);
}

static void a_segments_header_is_checked_byte_by_byte(void **state)
{
	struct journal_fixture *f = *state;

	fill(f, true);
	for (uint64_t at = 0; at < BLOCK_BYTES; at += at < 80 || at > 4080 ? 1 : 31) {
		for (unsigned file = 0; file < 2; file++) {
			const char *path = file == 0 ? SEGMENT_1 : SEGMENT_2;
			struct error err = { 0 };
			enum status s;

			flip(f, path, at, 0x02);
			s = journal_start(f, &err);
			if (s != ERR_CORRUPT && !(s == ERR_UNSUPPORTED && at >= 16 && at < 20))
				fail_msg("byte %" PRIu64 ": %s", at, status_word(s));
			assert_non_null(strstr(error_text(&err), path));
			flip(f, path, at, 0x02);
		}
	}
}

static void damage_is_told_with_its_place_and_positions(void **state)
{
	struct journal_fixture *f = *state;
	struct error err = { 0 };
	struct places places;
	char expected[256];

	fill(f, true);
	places = find_places(f);
	flip(f, SEGMENT_1, places.offset[2] + 200, 1);
	expect_status(ERR_CORRUPT, journal_start(f, &err));
	(void)snprintf(expected, sizeof(expected),
		       "'/journal' is damaged in segment-00000001 at %" PRIu64, places.offset[2]);
	assert_non_null(strstr(error_text(&err), expected));
	assert_non_null(
		strstr(error_text(&err), "frames 2 to 2 (positions 2048 to 3071) cannot be read"));
	assert_non_null(strstr(error_text(&err), "`concordance verify /journal`"));
}

static void count_damage(const struct journal_damage *damage, void *arg)
{
	struct journal_damage *seen = arg;

	seen[1] = seen[0];
	seen[0] = *damage;
}

static void verify_goes_on_behind_damage_and_reports_each_place(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_damage seen[2] = { { 0 } };
	struct journal_report report;
	struct places places;

	fill(f, true);
	places = find_places(f);
	flip(f, SEGMENT_1, places.offset[1] + 100, 1);
	flip(f, SEGMENT_1, places.offset[3] + 100, 1);
	expect_status(ERR_CORRUPT, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim),
						  count_damage, seen, &report, NULL));
	assert_int_equal(report.damage_count, 2);
	assert_int_equal(seen[1].offset, places.offset[1]);
	assert_int_equal(seen[1].first_sequence, 1);
	assert_int_equal(seen[1].last_sequence, 1);
	assert_int_equal(seen[0].offset, places.offset[3]);
	assert_int_equal(seen[0].first_sequence, 3);
	assert_int_equal(report.frame_count, 2);
	assert_int_equal(report.last_sequence, 4);
}

static void verify_reports_what_is_there(void **state)
{
	struct journal_fixture *f = *state;
	struct journal_report report, again;

	fill(f, true);
	expect_status(OK, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim), NULL, NULL,
					 &report, NULL));
	assert_int_equal(report.frame_count, 4);
	assert_int_equal(report.event_count, 8);
	assert_int_equal(report.stream_count, 2);
	assert_int_equal(report.commit_count, 6);
	assert_int_equal(report.segment_count, 2);
	assert_int_equal(report.segment_bytes, SEGMENT_BYTES);
	assert_int_equal(report.tail_segment, 1);
	assert_true(report.closed);
	assert_false(report.unfinished);
	/* Looking changes nothing; a start and an end without work neither. */
	journal_must_start(f);
	assert_true(uuid_equal(&f->store->log_id, &report.log_id));
	journal_stop(f);
	expect_status(OK, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim), NULL, NULL, &again,
					 NULL));
	assert_true(sha256_equal(&report.chain_head, &again.chain_head));
	assert_int_equal(report.tail_offset, again.tail_offset);
}

/* Whoever can write the files can make every checksum right again, but not the chain. */
static void a_commit_that_was_rewritten_with_a_right_checksum_breaks_the_chain(void **state)
{
	struct journal_fixture *f = *state;
	struct segment_header segment;
	struct journal_damage seen[2] = { { 0 } };
	struct journal_report report;
	struct places places;
	struct format format;
	uint64_t size = 0;
	uint8_t *bytes;

	fill(f, true);
	places = find_places(f);
	bytes = vfs_sim_file(f->sim, SEGMENT_1, &size);
	expect_status(OK, segment_header_decode(bytes, &segment, NULL));
	format = (struct format){ .log_id = segment.log_id, .seed = segment.seed };
	{
		uint8_t *commit = bytes + places.offset[2];
		uint8_t *frame = commit + COMMIT_HEADER_BYTES;
		uint32_t epoch = get_le32(commit + 16);
		uint64_t seed = format_epoch_seed(&format, epoch);
		uint64_t head = digest_xxh3_seeded(span_of(frame, 24), seed);

		/* Another time of the decision, which no reader could notice: the stream has one frame. */
		frame[FRAME_HEADER_BYTES + 5] ^= 1;
		put_le64(frame + 24,
			 digest_xxh3_seeded(span_of(frame + FRAME_HEADER_BYTES, get_le32(frame)),
					    head));
		put_le64(commit + 8,
			 digest_xxh3_seeded(span_of(commit + 16, places.size[2] - 16), seed));
	}
	journal_must_start(f); /* a start checks checksums only */
	journal_stop(f);
	expect_status(ERR_CORRUPT, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim),
						  count_damage, seen, &report, NULL));
	assert_int_equal(report.damage_count, 1);
	assert_int_equal(seen[0].offset, places.offset[2]);
	assert_non_null(strstr(seen[0].what, "chain"));
}

static void a_segment_that_is_missing_or_short_is_damage(void **state)
{
	struct journal_fixture *f = *state;
	struct error err = { 0 };
	uint64_t size = 0;
	uint8_t *bytes, *copy;

	journal_must_start(f);
	for (unsigned i = 0; i < 60; i++)
		put(f, "a", 2000);
	journal_stop(f);
	bytes = vfs_sim_file(f->sim, SEGMENT_2, &size);
	assert_non_null(bytes);
	copy = malloc((size_t)size);
	assert_non_null(copy);
	memcpy(copy, bytes, (size_t)size);
	vfs_sim_remove(f->sim, SEGMENT_2);
	expect_status(ERR_CORRUPT, journal_start(f, &err));
	assert_non_null(strstr(error_text(&err), "missing"));
	vfs_sim_put(f->sim, SEGMENT_2, copy, size - 1);
	expect_status(ERR_CORRUPT, journal_start(f, &err));
	/* One that was swapped for another. */
	bytes = vfs_sim_file(f->sim, SEGMENT_1, &size);
	vfs_sim_put(f->sim, SEGMENT_2, bytes, size);
	expect_status(ERR_CORRUPT, journal_start(f, &err));
	vfs_sim_put(f->sim, SEGMENT_2, copy, size);
	journal_must_start(f);
	assert_int_equal(store_durable(f->store), 60);
	free(copy);
}

/* The commit that begins a segment, lost, is found by those behind it; the message names that file. */
static void damage_at_the_beginning_of_a_segment_is_found(void **state)
{
	struct journal_fixture *f = *state;
	struct error err = { 0 };

	journal_must_start(f);
	for (unsigned i = 0; i < 60; i++)
		put(f, "a", 2000);
	journal_stop(f);
	for (uint64_t at = BLOCK_BYTES; at < 2 * BLOCK_BYTES; at++) {
		uint64_t size = 0;

		vfs_sim_file(f->sim, SEGMENT_2, &size)[at] = 0;
	}
	expect_status(ERR_CORRUPT, journal_start(f, &err));
	check_verify(f, ERR_CORRUPT);
}

static void a_tail_that_was_cut_is_told_and_overwritten(void **state)
{
	struct journal_fixture *f = *state;
	struct places places;
	struct journal_report report;

	fill(f, false);
	places = find_places(f);
	flip(f, SEGMENT_1, places.offset[4] + 120, 1);
	expect_status(OK, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim), NULL, NULL,
					 &report, NULL));
	assert_true(report.unfinished);
	f->log[0] = '\0';
	journal_must_start(f);
	assert_non_null(strstr(f->log, "event=journal_tail_cut"));
	assert_int_equal(store_durable(f->store), 3);
	put(f, "b", 10);
	journal_kill(f, 1);
	f->log[0] = '\0';
	journal_must_start(f);
	assert_null(strstr(f->log, "event=journal_tail_cut"));
	assert_int_equal(store_durable(f->store), 4);
}

/* Each process that writes takes the next epoch, and what an older one left behind is no continuation,
 * even if it fits in every other way. */
static void a_commit_of_an_older_epoch_is_no_continuation(void **state)
{
	struct journal_fixture *f = *state;
	struct segment_header segment;
	struct commit_header header;
	struct format format;
	struct places places;
	struct sha256 link = { 0 };
	uint64_t size = 0, tail;
	uint8_t *bytes;

	fill(f, true);
	journal_must_start(f);
	put(f, "a", 10);
	journal_kill(f, 0);
	places = find_places(f);
	assert_int_equal(places.count, 8); /* OPEN, 4, CLOSE; OPEN, 1 */
	bytes = vfs_sim_file(f->sim, SEGMENT_1, &size);
	expect_status(OK, segment_header_decode(bytes, &segment, NULL));
	format = (struct format){ .log_id = segment.log_id, .seed = segment.seed };
	for (size_t i = 0; i < places.count; i++) {
		assert_true(commit_check(&format, bytes + places.offset[i],
					 (uint32_t)places.size[i], &header, &link));
		assert_int_equal(header.epoch, i < 6 ? 1 : 2);
	}
	tail = places.offset[7] + round_up(places.size[7], BLOCK_BYTES);
	header = (struct commit_header){
		.size_bytes = COMMIT_MIN_BYTES,
		.epoch = 2,
		.kind = COMMIT_CLOSE,
		.first_sequence = 6,
		.durable_offset = tail,
		.offset = tail,
		.previous = link,
	};
	for (unsigned round = 0; round < 2; round++) {
		struct journal_report report;

		commit_seal(&format, &header, bytes + tail, &link);
		expect_status(OK, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim), NULL, NULL,
						 &report, NULL));
		assert_int_equal(report.closed, round == 0);
		assert_int_equal(report.unfinished, round == 1);
		assert_int_equal(report.commit_count, round == 0 ? 9 : 8);
		header.epoch = 1;
	}
}

static void a_reader_finds_rot_that_comes_while_it_runs(void **state)
{
	struct journal_fixture *f = *state;
	const struct read_options options = { .direction = FORWARD };
	OWNED(buf) struct buf text = { 0 };
	struct error err = { 0 };
	struct places places;

	journal_must_start(f);
	put(f, "a", 100);
	put(f, "a", 100);
	places = find_places(f);
	flip(f, SEGMENT_1, places.offset[2] + COMMIT_HEADER_BYTES + FRAME_HEADER_BYTES + 40, 1);
	expect_status(ERR_CORRUPT,
		      store_read_all(f->store, 1, &options, describe_visit, &text, NULL, &err));
	assert_non_null(
		strstr(error_text(&err), "reading frame 2 in '/journal', segment-00000001"));
}

static void a_later_format_is_refused_with_both_versions(void **state)
{
	struct journal_fixture *f = *state;
	struct error err = { 0 };
	uint64_t size = 0;
	uint8_t *bytes;

	fill(f, true);
	bytes = vfs_sim_file(f->sim, SEGMENT_1, &size);
	put_le32(bytes + 16, 2);
	put_le64(bytes + BLOCK_BYTES - 8, digest_xxh3(span_of(bytes, BLOCK_BYTES - 8)));
	expect_status(ERR_UNSUPPORTED, journal_start(f, &err));
	assert_non_null(
		strstr(error_text(&err), "it is in format 2, and this program knows format 1"));
	expect_status(ERR_UNSUPPORTED, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim), NULL,
						      NULL, &(struct journal_report){ 0 }, NULL));
}

static void a_directory_of_something_else_is_refused_and_left_alone(void **state)
{
	struct journal_fixture *f = *state;
	struct error err = { 0 };
	uint64_t size = 0;

	vfs_sim_put(f->sim, JOURNAL_DIRECTORY "/photo.jpg", "x", 1);
	expect_status(ERR_INVALID, journal_start(f, &err));
	assert_non_null(strstr(error_text(&err), "'photo.jpg'"));
	assert_null(vfs_sim_file(f->sim, JOURNAL_DIRECTORY "/lock", &size));
	assert_null(vfs_sim_file(f->sim, SEGMENT_1, &size));
}

static void a_second_opener_is_told_who_has_it(void **state)
{
	struct journal_fixture *f = *state;
	struct store *first;
	struct error err = { 0 };
	char pid[32];

	journal_must_start(f);
	first = f->store;
	(void)snprintf(pid, sizeof(pid), "process %ld has", (long)getpid());
	expect_status(ERR_BUSY, journal_start(f, &err));
	assert_non_null(strstr(error_text(&err), pid));
	assert_non_null(strstr(error_text(&err), JOURNAL_DIRECTORY));
	expect_status(ERR_BUSY, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim), NULL, NULL,
					       &(struct journal_report){ 0 }, &err));
	f->store = first;
}

/* On the machine's own files: two processes, and the modes of what is made. */
static void two_processes_cannot_open_one_journal(void **state)
{
	char directory[] = "/tmp/concordance-lock-XXXXXX", path[128];
	const struct journal_options options = { .segment_bytes = SEGMENT_BYTES, .create = true };
	struct error err = { 0 };
	struct store *store = NULL;
	struct stat info;
	int status = 0;
	pid_t child;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/journal", directory);
	if (journal_open(path, &options, &store, &err) != OK)
		fail_msg("%s", error_text(&err));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct store *other = NULL;

		_exit(journal_open(path, &options, &other, NULL) == ERR_BUSY ? 42 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	(void)snprintf(path, sizeof(path), "%s/journal/segment-00000001", directory);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	store_close(store);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const names[] = { "segment-00000001", "segment-00000002",
						     "prepare.tmp", "lock" };

		(void)snprintf(path, sizeof(path), "%s/journal/%s", directory, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/journal", directory);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void there_is_no_journal_where_none_was_made(void **state)
{
	struct journal_fixture *f = *state;
	const struct journal_options options = { .vfs = vfs_sim_vfs(f->sim) };
	struct error err = { 0 };

	expect_status(ERR_NOT_FOUND, journal_open(JOURNAL_DIRECTORY, &options, &f->store, &err));
	assert_non_null(strstr(error_text(&err), JOURNAL_DIRECTORY));
	expect_status(ERR_NOT_FOUND, journal_verify(JOURNAL_DIRECTORY, vfs_sim_vfs(f->sim), NULL,
						    NULL, &(struct journal_report){ 0 }, &err));
}

int main(void)
{
#define CLAIM(f) cmocka_unit_test_setup_teardown(f, journal_setup, journal_teardown)
	const struct CMUnitTest claims[] = {
		CLAIM(after_an_orderly_end_every_flipped_bit_is_found),
		CLAIM(without_one_only_the_last_commit_can_be_lost),
		CLAIM(what_is_no_part_of_the_log_does_not_matter),
		CLAIM(a_segments_header_is_checked_byte_by_byte),
		CLAIM(damage_is_told_with_its_place_and_positions),
		CLAIM(verify_goes_on_behind_damage_and_reports_each_place),
		CLAIM(verify_reports_what_is_there),
		CLAIM(a_commit_that_was_rewritten_with_a_right_checksum_breaks_the_chain),
		CLAIM(a_segment_that_is_missing_or_short_is_damage),
		CLAIM(damage_at_the_beginning_of_a_segment_is_found),
		CLAIM(a_tail_that_was_cut_is_told_and_overwritten),
		CLAIM(a_commit_of_an_older_epoch_is_no_continuation),
		CLAIM(a_reader_finds_rot_that_comes_while_it_runs),
		CLAIM(a_later_format_is_refused_with_both_versions),
		CLAIM(a_directory_of_something_else_is_refused_and_left_alone),
		CLAIM(a_second_opener_is_told_who_has_it),
		CLAIM(two_processes_cannot_open_one_journal),
		CLAIM(there_is_no_journal_where_none_was_made),
	};

	return cmocka_run_group_tests(claims, NULL, NULL);
}
