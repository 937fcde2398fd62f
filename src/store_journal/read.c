/* SPDX-License-Identifier: Apache-2.0 */
/* read.c - readers: where the frames are comes from the index, the frames from the page cache.
 *
 * Frames are fetched in batches. The bytes between a frame and the next ones that lie near it, either
 * way, come along in one read; so the whole log, or a busy stream, is read in large blocks, and a
 * stream whose frames are far apart costs one read for each. Locks are held only to copy a batch out
 * of the index, never while the visitor runs. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "store_journal/internal.h"

#define BATCH_FRAMES         256u
#define NEAR_BYTES           ((uint64_t)16 << 10) /* reading so much more is cheaper than another call */
#define WINDOW_MAX_BYTES     ((uint64_t)256 << 10)
#define READ_ARENA_MAX_BYTES ((size_t)1 << 20)

struct reader {
	struct journal *journal;
	struct arena *arena; /* owned; of the frame being visited */
	uint8_t *window;     /* owned */
	uint64_t window_capacity;
	uint64_t window_start; /* log offset */
	uint64_t window_size;
};

static enum status reader_init(struct reader *reader, struct journal *journal, struct error *err)
{
	*reader = (struct reader){ .journal = journal, .arena = arena_new(READ_ARENA_MAX_BYTES) };
	if (reader->arena == NULL)
		return ERROR(err, ERR_NOMEM, "reading a journal");
	return OK;
}

static void reader_fini(struct reader *reader)
{
	arena_free(reader->arena);
	free(reader->window);
}

/* Reads the first frame of the batch, and what of the others is near. */
static enum status fetch(struct reader *reader, const struct location *locations, size_t count,
			 struct error *err)
{
	uint64_t segment_bytes = reader->journal->segments.segment_bytes;
	uint64_t start = locations[0].offset, end = start + locations[0].size;
	enum status s;

	for (size_t i = 1; i < count; i++) {
		uint64_t next = locations[i].offset, next_end = next + locations[i].size;
		uint64_t new_start = next < start ? next : start;
		uint64_t new_end = next_end > end ? next_end : end;
		uint64_t gap = next >= end ? next - end : start >= next_end ? start - next_end : 0;

		if (next / segment_bytes != start / segment_bytes || gap > NEAR_BYTES ||
		    new_end - new_start > WINDOW_MAX_BYTES)
			break;
		start = new_start;
		end = new_end;
	}
	if (end - start > reader->window_capacity) {
		uint8_t *grown = malloc((size_t)(end - start));

		if (grown == NULL)
			return ERROR(err, ERR_NOMEM, "reading %" PRIu64 " bytes", end - start);
		free(reader->window);
		reader->window = grown;
		reader->window_capacity = end - start;
	}
	reader->window_size = 0;
	s = segments_read(&reader->journal->segments, start, reader->window, (size_t)(end - start),
			  err);
	if (s != OK)
		return s;
	reader->window_start = start;
	reader->window_size = end - start;
	return OK;
}

static enum status decode(struct reader *reader, const struct location *locations, size_t count,
			  uint64_t sequence, struct frame *ret, struct error *err)
{
	struct location location = locations[0];
	struct span payload;
	enum status s = OK;

	if (location.offset < reader->window_start ||
	    location.offset + location.size > reader->window_start + reader->window_size)
		s = fetch(reader, locations, count, err);
	if (s != OK)
		return s;
	arena_clear(reader->arena);
	s = frame_open(
		&reader->journal->segments.format,
		span_of(reader->window + (location.offset - reader->window_start), location.size),
		sequence, &payload, err);
	if (s == OK)
		s = frame_decode(payload, reader->arena, ret, err);
	if (s != OK) {
		char place[SEGMENT_PLACE_BYTES];

		segment_place(&reader->journal->segments, location.offset, place);
		return error_wrap(err, s, "reading frame %" PRIu64 " in '%s', %s", sequence,
				  reader->journal->segments.directory, place);
	}
	ret->sequence = sequence;
	return OK;
}

/* ---- one stream ------------------------------------------------------------------------------- */

/* A batch of frame `at` and those behind it in the direction of the read. Sequence 0 stands for a
 * frame that is passed over. */
static size_t copy_batch(struct journal *journal, const struct stream_key *key, uint64_t hash,
			 const struct read_options *options, uint64_t at, uint64_t count_max,
			 uint64_t sequences[static BATCH_FRAMES])
{
	struct index_stripe *stripe = index_stripe(&journal->index, hash);
	const struct index_stream *stream;
	size_t count = 0;
	MUTEX_GUARD(&stripe->mu);

	stream = index_find_locked(stripe, key, hash);
	while (stream != NULL && count < BATCH_FRAMES && count < count_max &&
	       at < stream->durable_count) {
		bool wanted =
			!options->with_events_only || index_event_count_locked(stream, at) != 0;

		sequences[count++] = wanted ? index_sequence_locked(stream, at) : 0;
		if (options->direction == BACKWARD && at == 0)
			break;
		at = options->direction == FORWARD ? at + 1 : at - 1;
	}
	return count;
}

static enum status visit_batch(struct reader *reader, const uint64_t *sequences, size_t count,
			       frame_visit_fn visit, void *arg, bool *ret_stop, struct error *err)
{
	struct location locations[BATCH_FRAMES];
	uint64_t wanted[BATCH_FRAMES];
	size_t wanted_count = 0;

	for (size_t i = 0; i < count; i++) {
		if (sequences[i] == 0)
			continue;
		wanted[wanted_count] = sequences[i];
		locations[wanted_count++] = index_location(&reader->journal->index, sequences[i]);
	}
	for (size_t i = 0; i < wanted_count; i++) {
		struct frame frame;
		enum status s =
			decode(reader, &locations[i], wanted_count - i, wanted[i], &frame, err);

		if (s != OK)
			return s;
		if (!visit(&frame, arg)) {
			*ret_stop = true;
			return OK;
		}
	}
	return OK;
}

enum status read_stream(struct store *store, struct stream_name name, uint64_t from_version,
			const struct read_options *options, frame_visit_fn visit, void *arg,
			struct error *err)
{
	struct journal *journal = journal_of(store);
	uint64_t frames_left = options->frames_max == 0 ? UINT64_MAX : options->frames_max;
	uint64_t sequences[BATCH_FRAMES];
	uint64_t at = UINT64_MAX, hash;
	struct index_stripe *stripe;
	const struct index_stream *stream;
	struct stream_key key;
	struct reader reader;
	bool stop = false;
	enum status s;

	stream_key_init(&key, name);
	hash = index_hash(&journal->index, &key);
	stripe = index_stripe(&journal->index, hash);
	mutex_lock(&stripe->mu);
	stream = index_find_locked(stripe, &key, hash);
	if (stream != NULL)
		at = index_find_version_locked(stream, from_version, options->direction);
	mutex_unlock(&stripe->mu);
	if (at == UINT64_MAX)
		return OK;
	s = reader_init(&reader, journal, err);
	while (s == OK && !stop && frames_left != 0 && at != UINT64_MAX) {
		size_t count = copy_batch(journal, &key, hash, options, at, frames_left, sequences);

		if (count == 0)
			break;
		s = visit_batch(&reader, sequences, count, visit, arg, &stop, err);
		frames_left -= count;
		if (options->direction == FORWARD)
			at += count;
		else
			at = at < count ? UINT64_MAX : at - count;
	}
	reader_fini(&reader);
	return s;
}

/* ---- the log ---------------------------------------------------------------------------------- */

struct log_visit {
	const struct read_options *options;
	frame_visit_fn visit;
	void *arg;
	uint64_t scanned;
};

static bool visit_wanted(const struct frame *frame, void *arg)
{
	struct log_visit *log = arg;

	log->scanned = frame->sequence;
	return !read_options_want(log->options, frame) || log->visit(frame, log->arg);
}

enum status read_all(struct store *store, uint64_t from_sequence,
		     const struct read_options *options, frame_visit_fn visit, void *arg,
		     uint64_t *ret_scanned, struct error *err)
{
	struct journal *journal = journal_of(store);
	struct log_visit log = { .options = options, .visit = visit, .arg = arg };
	uint64_t frames_left = options->frames_max == 0 ? UINT64_MAX : options->frames_max;
	/* All up to here was on disk before any window is read. */
	uint64_t durable = atomic_load_explicit(&journal->durable, memory_order_acquire);
	uint64_t sequences[BATCH_FRAMES];
	uint64_t at = from_sequence;
	struct reader reader;
	bool stop = false;
	enum status s;

	if (options->direction == FORWARD && at == 0)
		at = 1;
	if (options->direction == BACKWARD && at > durable)
		at = durable;
	s = reader_init(&reader, journal, err);
	while (s == OK && !stop && frames_left != 0 && at >= 1 && at <= durable) {
		size_t count = 0;

		while (count < BATCH_FRAMES && count < frames_left && at >= 1 && at <= durable) {
			sequences[count++] = at;
			at = options->direction == FORWARD ? at + 1 : at - 1;
		}
		s = visit_batch(&reader, sequences, count, visit_wanted, &log, &stop, err);
		frames_left -= count;
	}
	reader_fini(&reader);
	if (s == OK && ret_scanned != NULL)
		*ret_scanned = log.scanned;
	return s;
}

/* ---- commands --------------------------------------------------------------------------------- */

static uint64_t find_below(struct journal *journal, uint64_t stream_hash, uint64_t command_hash,
			   uint64_t below)
{
	struct index_stripe *stripe = index_stripe(&journal->index, stream_hash);
	MUTEX_GUARD(&stripe->mu);

	return index_find_command_locked(stripe, command_hash, below);
}

enum status read_command(struct store *store, struct stream_name name, struct span id,
			 frame_visit_fn visit, void *arg, struct error *err)
{
	struct journal *journal = journal_of(store);
	struct stream_key key;
	uint64_t hash, command_hash, sequence;
	struct reader reader;
	enum status s;

	stream_key_init(&key, name);
	hash = index_hash(&journal->index, &key);
	command_hash = index_command_hash(hash, id);
	sequence = find_below(journal, hash, command_hash, UINT64_MAX);
	if (sequence == 0)
		return ERROR(err, ERR_NOT_FOUND, "no command '%.*s'", SPAN_ARG(id));
	s = reader_init(&reader, journal, err);
	/* The index knows 28 bits of a command; the frame says whether it is the one. */
	while (s == OK && sequence != 0) {
		struct location location = index_location(&journal->index, sequence);
		struct frame frame;

		s = decode(&reader, &location, 1, sequence, &frame, err);
		if (s == OK && span_equal(frame.command.id, id) &&
		    stream_name_equal(frame.stream, name)) {
			(void)visit(&frame, arg); /* one frame: there is nothing to stop */
			break;
		}
		if (s == OK)
			sequence = find_below(journal, hash, command_hash, sequence);
	}
	reader_fini(&reader);
	if (s == OK && sequence == 0)
		return ERROR(err, ERR_NOT_FOUND, "no command '%.*s'", SPAN_ARG(id));
	return s;
}
