/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c - from an append to the disk: group commit.
 *
 * Appends copy their frames into the pending commit that fills. Whoever flushes, and finds nobody
 * writing, takes it and leaves the other, empty one to fill; so a commit holds all that came while
 * the one before it was on its way, and no timer is needed to make commits large.
 *
 *	FILLING --flush, nobody writes--> WRITING --written--> published, done() --> empty
 *	                                     +--failed--> journal_fail(), done(ERR_IO)
 *
 * Invariants: one commit is being written at a time, so that whatever is on disk was written after
 * everything before it was durable. A commit that fills always has room on the disk: in the rest of
 * the segment, or in the prepared one (room_for_locked()); so a write never meets a full disk. Each
 * commit begins at a new block, and no block is ever written twice. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "store_journal/internal.h"

#define PENDING_KEEP_BYTES ((uint64_t)4 << 20)
#define ENCODED_KEEP_BYTES ((size_t)256 << 10)
#define SLOW_NS \
	UINT64_C(1000000) /* a hand-over to a thread costs 65 us: under this it isn't worth it */

/* ---- pending commits -------------------------------------------------------------------------- */

void pending_init(struct pending *pending)
{
	*pending = (struct pending){ 0 };
	pending->last = &pending->first;
}

void pending_fini(struct pending *pending)
{
	free(pending->bytes);
	free(pending->frames);
	pending_init(pending);
}

/* Empties it. What one large commit has grown is given back. */
static void pending_clear(struct pending *pending)
{
	if (pending->capacity > PENDING_KEEP_BYTES) {
		pending_fini(pending);
		return;
	}
	pending->size = 0;
	pending->frame_count = 0;
	pending->first = NULL;
	pending->last = &pending->first;
}

/* Room for so many more frames, and behind their bytes for link and padding. */
static bool pending_reserve(struct pending *pending, uint64_t bytes, uint64_t frames)
{
	uint64_t size = (pending->size != 0 ? pending->size : COMMIT_HEADER_BYTES) + bytes +
			COMMIT_LINK_BYTES + BLOCK_BYTES;

	if (size > pending->capacity) {
		uint64_t capacity = pending->capacity == 0 ? 64 << 10 : pending->capacity;
		uint8_t *grown;

		while (capacity < size)
			capacity *= 2;
		grown = realloc(pending->bytes, (size_t)capacity);
		if (grown == NULL)
			return false;
		pending->bytes = grown;
		pending->capacity = capacity;
	}
	if (pending->frame_count + frames > pending->frame_capacity) {
		uint64_t capacity = pending->frame_capacity == 0 ? 256 : pending->frame_capacity;
		struct pending_frame *grown;

		while (capacity < pending->frame_count + frames)
			capacity *= 2;
		grown = realloc(pending->frames, (size_t)capacity * sizeof(*grown));
		if (grown == NULL)
			return false;
		pending->frames = grown;
		pending->frame_capacity = capacity;
	}
	return true;
}

/* Header to padding, as it will stand on disk. */
static uint64_t commit_bytes(uint64_t pending_size)
{
	return round_up(pending_size + COMMIT_LINK_BYTES, BLOCK_BYTES);
}

/* ---- append ----------------------------------------------------------------------------------- */

/* Whether a commit of so many bytes has its place on disk. The record that begins an epoch goes in
 * front of the first one. */
static bool room_for_locked(const struct journal *journal, uint64_t bytes)
{
	uint64_t segment_bytes = journal->segments.segment_bytes;
	uint64_t used = journal->tail % segment_bytes;
	uint64_t left = used == 0 ? 0 : segment_bytes - used;

	bytes += BLOCK_BYTES;
	return bytes <= left || (journal->prepared != NULL && bytes <= segment_bytes - BLOCK_BYTES);
}

/* Encodes the frames as they will stand in the commit. */
static enum status encode_locked(struct index_stripe *stripe, const struct append *append,
				 uint64_t bytes_max, struct error *err)
{
	struct buf *buf = &stripe->encoded;
	uint64_t counted = 0;

	CHECK_DEBUG(MUTEX_IS_HELD(&stripe->mu));
	buf_clear(buf);
	for (size_t i = 0; i < append->frame_count; i++) {
		size_t at = buf_append_zeros(buf, FRAME_HEADER_BYTES);
		size_t payload;
		enum status s = buf_status(buf);

		if (s == OK)
			s = frame_encode(&append->frames[i], buf, err);
		if (s != OK)
			return buf_status(buf) != OK ? ERROR(err, ERR_NOMEM, "encoding a frame")
						     : s;
		payload = buf->size - at - FRAME_HEADER_BYTES;
		(void)buf_append_zeros(
			buf, (size_t)(frame_stored_bytes(payload) - FRAME_HEADER_BYTES - payload));
		if (buf_status(buf) != OK)
			return ERROR(err, ERR_NOMEM, "encoding a frame");
		frame_header_begin((uint8_t *)buf->data + at, (uint32_t)payload);
		counted += payload + APPEND_FRAME_OVERHEAD_BYTES;
		if (counted > APPEND_MAX_BYTES || buf->size > bytes_max)
			return ERROR(err, ERR_LIMIT,
				     "the frames of one append have at most %" PRIu64 " bytes",
				     bytes_max < APPEND_MAX_BYTES ? bytes_max : APPEND_MAX_BYTES);
	}
	return OK;
}

static enum status accept_locked(struct journal *journal, struct append *append,
				 struct index_stream *stream, const struct buf *encoded,
				 struct error *err)
{
	struct pending *pending = journal->filling;
	uint64_t begin = pending->size != 0 ? pending->size : COMMIT_HEADER_BYTES;
	uint64_t size = begin + encoded->size;
	enum store_mode mode = atomic_load_explicit(&journal->mode, memory_order_relaxed);
	size_t at = 0;

	CHECK_DEBUG(MUTEX_IS_HELD(&journal->mu));
	if (mode == STORE_FAILED || atomic_load(&journal->stopping))
		return ERROR(err, ERR_CLOSED, "the journal has failed or is closing");
	if (mode == STORE_READ_ONLY_FULL)
		return ERROR(err, ERR_FULL, "the disk of '%s' is full",
			     journal->segments.directory);
	if (size + COMMIT_LINK_BYTES > journal->commit_max_bytes ||
	    (size + journal->writing_bytes > journal->pending_max_bytes &&
	     (pending->size != 0 || journal->writing)))
		return ERROR(err, ERR_BUSY, "%" PRIu64 " bytes are waiting to be stored",
			     pending->size + journal->writing_bytes);
	if (!room_for_locked(journal, commit_bytes(size)))
		return ERROR(err, ERR_BUSY, "room on the disk is being prepared");
	if (!pending_reserve(pending, encoded->size, append->frame_count))
		return ERROR(err, ERR_NOMEM, "a commit of %" PRIu64 " bytes", size);

	memcpy(pending->bytes + begin, encoded->data, encoded->size);
	append->first_sequence = journal->accepted + 1;
	for (size_t i = 0; i < append->frame_count; i++) {
		const struct frame *frame = &append->frames[i];
		size_t payload =
			frame_payload_size(span_of(encoded->data + at, encoded->size - at));
		uint32_t stored = (uint32_t)frame_stored_bytes(payload);

		pending->frames[pending->frame_count++] = (struct pending_frame){
			.stream = stream,
			.command_hash = index_command_hash(stream->node.hash, frame->command.id),
			.offset = (uint32_t)(begin + at),
			.stored_bytes = stored,
			.event_count = (uint32_t)frame->event_count,
		};
		at += stored;
	}
	pending->size = size;
	journal->accepted += append->frame_count;
	append->next = NULL;
	*pending->last = append;
	pending->last = &append->next;
	return OK;
}

enum status commit_append(struct store *store, struct append *append, struct error *err)
{
	struct journal *journal = journal_of(store);
	enum store_mode mode = atomic_load_explicit(&journal->mode, memory_order_relaxed);
	uint64_t bytes_max = journal->commit_max_bytes - COMMIT_MIN_BYTES;
	struct stream_head head = { 0 };
	struct index_stripe *stripe;
	struct index_stream *stream;
	struct stream_key key;
	uint64_t hash;
	enum status s;

	if (append->frame_count == 0)
		return append_check(append, head, &head, err);
	if (mode == STORE_FAILED)
		return ERROR(err, ERR_CLOSED, "the journal has failed");
	if (mode == STORE_READ_ONLY_FULL)
		return ERROR(err, ERR_FULL, "the disk of '%s' is full",
			     journal->segments.directory);
	stream_key_init(&key, append->frames[0].stream);
	hash = index_hash(&journal->index, &key);
	stripe = index_stripe(&journal->index, hash);
	MUTEX_GUARD(&stripe->mu);

	stream = index_find_locked(stripe, &key, hash);
	if (stream != NULL)
		head = stream->head;
	s = append_check(append, head, &head, err);
	if (s == OK)
		s = encode_locked(stripe, append, bytes_max, err);
	if (s == OK && stream == NULL) {
		stream = index_get_locked(&journal->index, stripe, &key, hash);
		if (stream == NULL)
			s = ERROR(err, ERR_NOMEM, "a new stream");
	}
	if (s == OK) {
		mutex_lock(&journal->mu);
		s = accept_locked(journal, append, stream, &stripe->encoded, err);
		mutex_unlock(&journal->mu);
		if (s == OK)
			stream->head = head;
		else if (stream->head.number == 0)
			index_drop_locked(&journal->index, stripe, stream);
	}
	if (stripe->encoded.capacity > ENCODED_KEEP_BYTES || buf_status(&stripe->encoded) != OK)
		buf_fini(&stripe->encoded);
	return s;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void observe_write(struct journal *journal, uint64_t bytes, uint64_t frames, uint64_t ns)
{
	const struct journal_metrics *metrics = &journal->metrics;
	uint64_t average = atomic_load_explicit(&journal->write_ns, memory_order_relaxed);

	average = average == 0 ? ns : average - average / 8 + ns / 8;
	atomic_store_explicit(&journal->write_ns, average, memory_order_relaxed);
	if (metrics->commits == NULL)
		return;
	counter_add(metrics->commits, 1);
	counter_add(metrics->bytes, bytes);
	histogram_observe(metrics->commit_bytes, bytes);
	histogram_observe(metrics->commit_frames, frames);
	histogram_observe(metrics->commit_seconds, ns);
	gauge_set(metrics->index_bytes, (int64_t)atomic_load_explicit(&journal->index.memory_bytes,
								      memory_order_relaxed));
}

/* Seals and writes one commit; `bytes` has room up to its padding. The writer only. */
static enum status write_commit(struct journal *journal, enum commit_kind kind, uint8_t *bytes,
				uint32_t size, uint64_t frame_count, uint64_t first_sequence,
				uint64_t offset, struct error *err)
{
	struct clock *clock = journal->options.clock;
	uint64_t padded = round_up(size, BLOCK_BYTES);
	const struct commit_header header = {
		.size_bytes = size,
		.epoch = journal->epoch,
		.kind = (uint16_t)kind,
		.first_sequence = first_sequence,
		.frame_count = (uint32_t)frame_count,
		.durable_offset = journal->durable_end,
		.offset = offset,
		.time_us = clock_wall_us(clock),
		.previous = journal->link,
	};
	struct sha256 link;
	uint64_t begin;
	enum status s;

	memset(bytes + size, 0, (size_t)(padded - size));
	commit_seal(&journal->segments.format, &header, bytes, &link);
	begin = clock_monotonic_ns(clock);
	s = journal->segments.vfs->ops->pwrite(journal->writer, bytes, (size_t)padded,
					       offset % journal->segments.segment_bytes, err);
	if (s != OK)
		return s;
	observe_write(journal, padded, frame_count, clock_monotonic_ns(clock) - begin);
	journal->link = link;
	journal->durable_end = offset + padded;
	return OK;
}

/* A record without frames. COMMIT_OPEN is the first one of this process: from it on, bytes that
 * earlier ones left are no continuation. */
static enum status write_mark(struct journal *journal, enum commit_kind kind, uint64_t sequence,
			      uint64_t offset, struct error *err)
{
	uint8_t bytes[BLOCK_BYTES] = { 0 };

	return write_commit(journal, kind, bytes, COMMIT_MIN_BYTES, 0, sequence, offset, err);
}

/* Gives the next commit of `bytes` its place; the segment changes when it does not fit. The place is
 * there: room_for_locked() said so when frames were accepted. */
static uint64_t place_locked(struct journal *journal, uint64_t bytes, struct vfs_file **ret_old)
{
	uint64_t segment_bytes = journal->segments.segment_bytes;
	uint64_t used = journal->tail % segment_bytes;
	uint64_t offset;

	CHECK_DEBUG(MUTEX_IS_HELD(&journal->mu));
	if (used == 0 || bytes > segment_bytes - used) {
		CHECK(journal->prepared != NULL);
		*ret_old = journal->writer;
		journal->writer = TAKE(journal->prepared);
		journal->tail = round_up(journal->tail, segment_bytes) + BLOCK_BYTES;
		cond_signal(&journal->prepare_wanted);
	}
	offset = journal->tail;
	journal->tail += bytes;
	return offset;
}

static enum status publish(struct journal *journal, const struct pending *pending,
			   uint64_t first_sequence, uint64_t offset, struct error *err)
{
	for (uint64_t i = 0; i < pending->frame_count; i++) {
		const struct pending_frame *frame = &pending->frames[i];
		const struct location location = {
			.offset = offset + frame->offset,
			.size = frame->stored_bytes,
		};
		const struct index_entry entry = {
			.stream = frame->stream,
			.sequence = first_sequence + i,
			.command_hash = frame->command_hash,
			.event_count = frame->event_count,
		};
		enum status s = index_set_location(&journal->index, entry.sequence, location, err);

		/* A reader that finds it in the stream before `durable` is raised may have it: it
		 * is on disk. */
		if (s == OK)
			s = index_publish(&journal->index, &entry, err);
		if (s != OK)
			return s;
	}
	atomic_store_explicit(&journal->durable, first_sequence + pending->frame_count - 1,
			      memory_order_release);
	return OK;
}

static void tell_done(struct append *append, enum status status)
{
	while (append != NULL) {
		struct append *next = append->next; /* after done() it is the caller's again */

		append->done(append, status);
		append = next;
	}
}

void journal_fail(struct journal *journal, const char *doing, const struct error *err)
{
	char message[ERROR_MESSAGE_MAX_BYTES + 128];
	bool told;

	mutex_lock(&journal->mu);
	told = journal->failed_told;
	journal->failed_told = true;
	atomic_store(&journal->mode, STORE_FAILED);
	mutex_unlock(&journal->mu);
	if (journal->metrics.errors != NULL) {
		counter_add(journal->metrics.errors, 1);
		gauge_set(journal->metrics.mode, STORE_FAILED);
	}
	if (told)
		return;
	(void)snprintf(message, sizeof(message), "%s the journal '%s' failed: %s", doing,
		       journal->segments.directory, error_text(err));
	store_fail(&journal->options.base, message);
}

/* With `writing` set: the pending commit to disk, to readers, to those who wait. */
static void write_taken(struct journal *journal, struct pending *pending, uint64_t offset,
			uint64_t first_sequence)
{
	struct error err = { 0 };
	enum status s = OK;

	if (!journal->epoch_begun) {
		s = write_mark(journal, COMMIT_OPEN, first_sequence, offset, &err);
		offset += BLOCK_BYTES;
		journal->epoch_begun = s == OK;
	}
	if (s == OK)
		s = write_commit(journal, COMMIT_FRAMES, pending->bytes,
				 (uint32_t)(pending->size + COMMIT_LINK_BYTES),
				 pending->frame_count, first_sequence, offset, &err);
	if (s == OK)
		s = publish(journal, pending, first_sequence, offset, &err);
	if (s != OK) {
		journal_fail(journal, "writing to", &err);
		tell_done(pending->first, ERR_IO);
		return;
	}
	tell_done(pending->first, OK);
	observers_notify(&journal->observers, first_sequence + pending->frame_count - 1);
}

bool commit_write_pending(struct journal *journal)
{
	struct vfs_file *old = NULL;
	struct pending *pending;
	uint64_t bytes, offset = 0, first_sequence;
	bool more, failed;

	mutex_lock(&journal->mu);
	pending = journal->filling;
	if (journal->writing || pending->size == 0) {
		mutex_unlock(&journal->mu);
		return false;
	}
	failed = atomic_load(&journal->mode) == STORE_FAILED;
	bytes = commit_bytes(pending->size);
	if (!failed)
		offset = place_locked(journal, bytes + (journal->epoch_begun ? 0 : BLOCK_BYTES),
				      &old);
	first_sequence = journal->accepted + 1 - pending->frame_count;
	journal->filling = &journal->pendings[pending == &journal->pendings[0]];
	journal->writing = true;
	journal->writing_bytes = bytes;
	mutex_unlock(&journal->mu);

	vfs_close(old);
	if (failed)
		tell_done(pending->first, ERR_CLOSED);
	else
		write_taken(journal, pending, offset, first_sequence);
	pending_clear(pending);

	mutex_lock(&journal->mu);
	journal->writing = false;
	journal->writing_bytes = 0;
	more = journal->filling->size != 0;
	mutex_unlock(&journal->mu);
	return more;
}

/* ---- who writes ------------------------------------------------------------------------------- */

static bool by_thread_locked(struct journal *journal)
{
	uint64_t average = atomic_load_explicit(&journal->write_ns, memory_order_relaxed);

	CHECK_DEBUG(MUTEX_IS_HELD(&journal->mu));
	if (journal->options.flusher != JOURNAL_FLUSH_AUTO)
		return journal->options.flusher == JOURNAL_FLUSH_THREAD;
	/* Back only well under the bound, or a device at the bound would go to and fro. */
	if (average > SLOW_NS)
		journal->flush_by_thread = true;
	else if (average < SLOW_NS / 2)
		journal->flush_by_thread = false;
	return journal->flush_by_thread;
}

bool commit_flush(struct store *store)
{
	struct journal *journal = journal_of(store);
	struct error err = { 0 };
	bool by_thread;

	if (journal->options.without_threads && prepare_next(journal, &err) != OK)
		journal_fail(journal, "preparing room in", &err);
	mutex_lock(&journal->mu);
	by_thread = by_thread_locked(journal);
	if (by_thread && journal->filling->size != 0) {
		journal->flush_asked = true;
		cond_signal(&journal->flush_wanted);
	}
	mutex_unlock(&journal->mu);
	return by_thread ? false : commit_write_pending(journal);
}

void commit_flusher_run(void *arg)
{
	struct journal *journal = arg;

	mutex_lock(&journal->mu);
	while (!atomic_load(&journal->stopping)) {
		if (!journal->flush_asked) {
			cond_wait(&journal->flush_wanted, &journal->mu);
			continue;
		}
		journal->flush_asked = false;
		mutex_unlock(&journal->mu);
		while (commit_write_pending(journal))
			;
		mutex_lock(&journal->mu);
	}
	mutex_unlock(&journal->mu);
}

void commit_close(struct journal *journal)
{
	struct error err = { 0 };
	struct vfs_file *old = NULL;
	uint64_t offset;

	/* A process that wrote nothing has nothing to close. Without room for the record, the next
	 * start looks for a write that was cut off, and finds none. */
	mutex_lock(&journal->mu);
	if (!journal->epoch_begun || atomic_load(&journal->mode) == STORE_FAILED ||
	    !room_for_locked(journal, 0)) {
		mutex_unlock(&journal->mu);
		return;
	}
	offset = place_locked(journal, BLOCK_BYTES, &old);
	mutex_unlock(&journal->mu);
	vfs_close(old);
	if (write_mark(journal, COMMIT_CLOSE, journal->accepted + 1, offset, &err) != OK)
		journal_fail(journal, "closing", &err);
}
