/* SPDX-License-Identifier: Apache-2.0 */
/* recovery.c - from the files of a directory to a journal that can be used: lock, segments, and the
 * index, which one pass over the log rebuilds. scan.c says what is damage and what is only the end.
 *
 * Nothing is changed here. A write that was cut off is passed over: the log ends before it, and the
 * first write of this process, which begins a new epoch, goes over its blocks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/log.h"
#include "store_journal/internal.h"
#include "store_journal/scan.h"

#define DECODE_ARENA_MAX_BYTES ((size_t)1 << 20)
#define LOCK_TEXT_BYTES        24

/* ---- lock ------------------------------------------------------------------------------------- */

static enum status lock_is_held(struct segments *segments, struct vfs_file *file, struct error *err)
{
	char text[LOCK_TEXT_BYTES] = { 0 };
	size_t size = 0;
	uint64_t pid = 0;

	/* Who it is, is a courtesy: without it the answer is the same. */
	if (segments->vfs->ops->pread(file, text, sizeof(text) - 1, 0, &size, NULL) == OK &&
	    size > 1 && span_parse_u64(span_of(text, size - 1), &pid) && pid != 0)
		return ERROR(err, ERR_BUSY, "process %" PRIu64 " has the journal '%s' open", pid,
			     segments->directory);
	return ERROR(err, ERR_BUSY, "another process has the journal '%s' open",
		     segments->directory);
}

enum status journal_lock(struct segments *segments, bool create, struct vfs_file **ret,
			 struct error *err)
{
	struct vfs *vfs = segments->vfs;
	OWNED(vfs_file) struct vfs_file *file = NULL;
	char path[SEGMENT_PATH_BYTES], text[LOCK_TEXT_BYTES];
	int size;
	enum status s = segment_path(segments, LOCK_NAME, path, err);

	if (s == OK)
		s = vfs->ops->open(vfs, path, VFS_READ | VFS_WRITE | (create ? VFS_CREATE : 0u),
				   &file, err);
	if (s != OK)
		return s;
	s = vfs->ops->lock(file, err);
	if (s == ERR_BUSY)
		return lock_is_held(segments, file, err);
	if (s != OK)
		return s;
	/* On a full disk this fails and does no harm: the lock is held, only nameless. */
	size = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (vfs->ops->truncate(file, 0, NULL) == OK)
		(void)vfs->ops->pwrite(file, text, (size_t)size, 0, NULL);
	*ret = TAKE(file);
	return OK;
}

/* ---- segments --------------------------------------------------------------------------------- */

enum status recovery_find_segments(struct segments *segments, uint64_t *ret_count,
				   struct error *err)
{
	uint64_t count = 0;
	enum status s = segments_list(segments, &count, err);

	for (uint64_t number = 1; s == OK && number <= count; number++) {
		struct segment_header header;

		s = segment_read_header(segments, number, &header, err);
		if (s != OK)
			break;
		if (number == 1) {
			segments->segment_bytes = header.segment_bytes;
			segments->format.log_id = header.log_id;
			segments->format.seed = header.seed;
		} else if (header.segment_bytes != segments->segment_bytes ||
			   !uuid_equal(&header.log_id, &segments->format.log_id) ||
			   header.seed != segments->format.seed) {
			char name[SEGMENT_NAME_BYTES];

			segment_name(number, name);
			return ERROR(err, ERR_CORRUPT,
				     "'%s/%s' belongs to another log than segment 1",
				     segments->directory, name);
		}
		s = segments_add(segments, number, err);
	}
	if (s == OK)
		*ret_count = count;
	return s;
}

/* A new journal is its first segment. Until that has its name, the directory is empty to whoever
 * opens it next. */
static enum status create(struct journal *journal, struct error *err)
{
	const struct journal_options *options = &journal->options;
	struct segments *segments = &journal->segments;
	uint64_t now_us = clock_wall_us(options->clock);
	enum status s;

	segments->segment_bytes = options->segment_bytes;
	segments->format.log_id = uuid_v7(now_us, options->random);
	segments->format.seed = random_u64(options->random);
	s = segment_prepare(segments, 1, now_us, NULL, err);
	if (s == OK)
		s = segments_add(segments, 1, err);
	return s;
}

/* ---- index ------------------------------------------------------------------------------------ */

enum status recovery_index_frame(struct journal_index *index, const struct frame *frame,
				 struct location location, struct error *err)
{
	struct index_entry entry = { .sequence = frame->sequence,
				     .event_count = (uint32_t)frame->event_count };
	struct stream_key key;
	struct index_stripe *stripe;
	struct stream_head *head;
	uint64_t hash;
	enum status s;

	stream_key_init(&key, frame->stream);
	hash = index_hash(index, &key);
	stripe = index_stripe(index, hash);
	mutex_lock(&stripe->mu);
	entry.stream = index_get_locked(index, stripe, &key, hash);
	if (entry.stream == NULL) {
		s = ERROR(err, ERR_NOMEM, "the index of a journal");
	} else {
		const struct append append = {
			.frames = frame,
			.frame_count = 1,
			.expected_number = frame->number - 1,
		};

		head = &entry.stream->head;
		s = append_check(&append, *head, head, err);
	}
	mutex_unlock(&stripe->mu);
	if (s == ERR_CONFLICT || s == ERR_INVALID)
		return error_wrap(err, ERR_CORRUPT, "frame %" PRIu64 " does not follow its stream",
				  frame->sequence);
	if (s != OK)
		return s;
	entry.command_hash = index_command_hash(hash, frame->command.id);
	s = index_set_location(index, entry.sequence, location, err);
	return s == OK ? index_publish(index, &entry, err) : s;
}

struct recovery {
	struct journal *journal;
	struct arena *arena;
};

static enum status recover_commit(const struct scanned *scanned, void *arg, struct error *err)
{
	struct recovery *recovery = arg;
	const struct commit_header *header = scanned->header;
	size_t at = COMMIT_HEADER_BYTES;

	for (uint32_t i = 0; i < header->frame_count; i++) {
		struct location location = { .offset = header->offset + at };
		struct span stored;
		struct frame frame;
		enum status s;

		if (!frame_next(scanned->bytes, &at, &stored))
			return ERROR(err, ERR_CORRUPT,
				     "a commit holds no frame %" PRIu32 " of %" PRIu32, i + 1,
				     header->frame_count);
		s = frame_check_encoding(stored, err);
		if (s != OK)
			return s;
		arena_clear(recovery->arena);
		s = frame_decode(frame_payload(stored, frame_payload_size(stored)), recovery->arena,
				 &frame, err);
		if (s != OK)
			return s;
		frame.sequence = header->first_sequence + i;
		location.size = (uint32_t)stored.size;
		s = recovery_index_frame(&recovery->journal->index, &frame, location, err);
		if (s != OK)
			return s;
	}
	return OK;
}

static enum status recover_commit_in_place(const struct scanned *scanned, void *arg,
					   struct error *err)
{
	const struct recovery *recovery = arg;
	char place[SEGMENT_PLACE_BYTES];
	enum status s = recover_commit(scanned, arg, err);

	if (s == OK)
		return OK;
	segment_place(&recovery->journal->segments, scanned->header->offset, place);
	return error_wrap(err, s, "'%s', the commit in %s", recovery->journal->segments.directory,
			  place);
}

static enum status rebuild(struct journal *journal, struct scan *scan, struct error *err)
{
	OWNED(arena) struct arena *arena = arena_new(DECODE_ARENA_MAX_BYTES);
	struct recovery recovery = { .journal = journal, .arena = arena };
	uint64_t begin = clock_monotonic_ns(journal->options.clock);
	enum status s;

	if (arena == NULL)
		return ERROR(err, ERR_NOMEM, "opening a journal");
	*scan = (struct scan){
		.segments = &journal->segments,
		.commit = recover_commit_in_place,
		.arg = &recovery,
	};
	s = scan_run(scan, err);
	if (s != OK)
		return s;
	log_event(LOG_INFO, "journal_opened", LOG_STRING("directory", journal->segments.directory),
		  LOG_NUMBER("frames", scan->next_sequence - 1),
		  LOG_NUMBER("events", atomic_load(&journal->index.event_count)),
		  LOG_NUMBER("streams", atomic_load(&journal->index.stream_count)),
		  LOG_NUMBER("segments", journal->segments.count),
		  LOG_NUMBER("took_ms",
			     (clock_monotonic_ns(journal->options.clock) - begin) / 1000000));
	if (scan->unfinished) {
		char place[SEGMENT_PLACE_BYTES];

		segment_place(&journal->segments, scan->tail, place);
		log_event(LOG_WARN, "journal_tail_cut",
			  LOG_STRING("directory", journal->segments.directory),
			  LOG_STRING("at", place),
			  LOG_NUMBER("last_sequence", scan->next_sequence - 1),
			  LOG_STRING("because",
				     "the last write was not finished; it was never answered"));
	}
	return OK;
}

/* Opens the segment that the log ends in. What is in it may be in the page cache only, if its
 * process was killed between write and sync: it is about to be shown, so it has to be on disk. The
 * same goes for the name of the prepared segment, which is about to be written into. */
static enum status open_tail(struct journal *journal, struct error *err)
{
	uint64_t segment_bytes = journal->segments.segment_bytes;
	uint64_t number = (journal->tail - 1) / segment_bytes + 1;
	enum status s = segment_open_writer(&journal->segments, number, &journal->writer, err);

	if (s == OK)
		s = journal->segments.vfs->ops->sync(journal->writer, err);
	if (s == OK)
		s = journal->segments.vfs->ops->sync_directory(journal->segments.vfs,
							       journal->segments.directory, err);
	return s;
}

enum status recovery_run(struct journal *journal, struct error *err)
{
	struct scan scan;
	uint64_t count = 0;
	enum status s = recovery_find_segments(&journal->segments, &count, err);

	if (s != OK)
		return s;
	if (count == 0) {
		if (!journal->options.create)
			return ERROR(err, ERR_NOT_FOUND, "there is no journal in '%s'",
				     journal->segments.directory);
		s = create(journal, err);
		if (s != OK)
			return s;
	}
	s = rebuild(journal, &scan, err);
	if (s != OK)
		return s;
	if (scan.epoch == UINT32_MAX)
		return ERROR(err, ERR_LIMIT, "the journal was opened 4,294,967,295 times");
	journal->store.log_id = journal->segments.format.log_id;
	journal->link = scan.link;
	journal->epoch = scan.epoch + 1;
	journal->durable_end = scan.tail;
	journal->tail = scan.tail;
	journal->accepted = scan.next_sequence - 1;
	atomic_store(&journal->durable, journal->accepted);
	return open_tail(journal, err);
}
