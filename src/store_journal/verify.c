/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - walks a journal and checks all that can be checked, without changing it.
 *
 * More than recovery: each frame's own checksum, the link of each commit computed anew, and the walk
 * goes on behind damage. What follows its stream is checked with an index, as at start; behind a
 * place where frames are lost no stream can be expected to go on without a gap, and that check
 * ends. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "store_journal/internal.h"
#include "store_journal/scan.h"

#define DECODE_ARENA_MAX_BYTES ((size_t)1 << 20)

struct verify {
	struct segments *segments;
	struct journal_index *index;
	struct arena *arena;
	struct journal_report report;
	journal_damage_fn damage;
	void *arg;
	bool gap; /* frames are lost: streams are no longer followed */
};

static void note_damage(const struct journal_damage *damage, void *arg)
{
	struct verify *verify = arg;

	verify->report.damage_count++;
	if (damage->last_sequence >= damage->first_sequence)
		verify->gap = true;
	if (verify->damage != NULL)
		verify->damage(damage, verify->arg);
}

static void note(struct verify *verify, uint64_t log_offset, uint64_t sequence, const char *what)
{
	const struct journal_damage damage = {
		.segment = log_offset / verify->segments->segment_bytes + 1,
		.offset = log_offset % verify->segments->segment_bytes,
		.first_sequence = sequence,
		.last_sequence = sequence,
		.what = what,
	};

	note_damage(&damage, verify);
}

/* A status other than OK is not about the bytes: it ends the walk. */
static enum status verify_frame(struct verify *verify, struct span stored, uint64_t log_offset,
				uint64_t sequence, struct error *err)
{
	struct location location = { .offset = log_offset, .size = (uint32_t)stored.size };
	struct error why = { 0 };
	struct span payload;
	struct frame frame;
	enum status s;

	arena_clear(verify->arena);
	s = frame_open(&verify->segments->format, stored, sequence, &payload, &why);
	if (s == OK)
		s = frame_decode(payload, verify->arena, &frame, &why);
	if (s == OK) {
		frame.sequence = sequence;
		verify->report.event_count += frame.event_count;
		if (!verify->gap)
			s = recovery_index_frame(verify->index, &frame, location, &why);
	}
	verify->report.frame_count++;
	if (s == ERR_NOMEM)
		return ERROR(err, s, "%s", error_text(&why));
	if (s != OK)
		note(verify, log_offset, sequence, error_text(&why));
	return OK;
}

static enum status verify_commit(const struct scanned *scanned, void *arg, struct error *err)
{
	struct verify *verify = arg;
	const struct commit_header *header = scanned->header;
	struct sha256 link = commit_link((const uint8_t *)scanned->bytes.data, header->size_bytes);
	size_t at = COMMIT_HEADER_BYTES;

	verify->report.commit_count++;
	if (!sha256_equal(&link, &scanned->link))
		note(verify, header->offset, header->first_sequence,
		     "the chain is broken: this commit was altered after it was written");
	for (uint32_t i = 0; i < header->frame_count; i++) {
		uint64_t log_offset = header->offset + at;
		struct span stored;
		enum status s;

		if (!frame_next(scanned->bytes, &at, &stored)) {
			note(verify, log_offset, header->first_sequence + i,
			     "the commit holds fewer frames than it says");
			break;
		}
		s = verify_frame(verify, stored, log_offset, header->first_sequence + i, err);
		if (s != OK)
			return s;
	}
	return OK;
}

static enum status walk(struct verify *verify, struct error *err)
{
	struct journal_report *report = &verify->report;
	struct scan scan = {
		.segments = verify->segments,
		.commit = verify_commit,
		.damage = note_damage,
		.arg = verify,
	};
	enum status s = scan_run(&scan, err);

	if (s != OK)
		return s;
	report->log_id = verify->segments->format.log_id;
	report->segment_count = verify->segments->count;
	report->segment_bytes = verify->segments->segment_bytes;
	report->stream_count = atomic_load(&verify->index->stream_count);
	report->last_sequence = scan.next_sequence - 1;
	report->chain_head = scan.link;
	report->tail_segment = (scan.tail - 1) / report->segment_bytes + 1;
	report->tail_offset = scan.tail - (report->tail_segment - 1) * report->segment_bytes;
	report->closed = scan.closed;
	report->unfinished = scan.unfinished;
	return OK;
}

enum status journal_verify(const char *directory, struct vfs *vfs, journal_damage_fn report,
			   void *arg, struct journal_report *ret, struct error *err)
{
	OWNED(arena) struct arena *arena = arena_new(DECODE_ARENA_MAX_BYTES);
	OWNED(vfs_file) struct vfs_file *lock = NULL;
	struct journal_index *index = NULL;
	struct segments segments = { 0 };
	struct verify verify = { .arena = arena, .damage = report, .arg = arg };
	uint64_t count = 0;
	enum status s;

	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "verifying a journal");
	if (vfs == NULL)
		vfs = vfs_system();
	s = segments_init(&segments, vfs, directory, err);
	if (s != OK)
		return s;
	index = aligned_alloc(64, round_up(sizeof(*index), 64));
	s = index == NULL ? ERROR(err, ERR_NOMEM, "verifying a journal") : index_init(index, err);
	verify.segments = &segments;
	verify.index = index;
	if (s == OK)
		s = segments_list(&segments, &count, err);
	if (s == OK && count == 0)
		s = ERROR(err, ERR_NOT_FOUND, "there is no journal in '%s'", directory);
	if (s == OK)
		s = journal_lock(&segments, /* create= */ true, &lock, err);
	if (s == ERR_BUSY)
		s = error_wrap(err, s, "a journal is verified while no process uses it");
	if (s == OK)
		s = recovery_find_segments(&segments, &count, err);
	if (s == OK)
		s = walk(&verify, err);
	if (s == OK)
		*ret = verify.report;
	if (s == OK && verify.report.damage_count != 0)
		s = ERROR(err, ERR_CORRUPT, "'%s' is damaged; places found: %" PRIu64, directory,
			  verify.report.damage_count);
	if (index != NULL)
		index_fini(index);
	free(index);
	segments_fini(&segments);
	return s;
}
