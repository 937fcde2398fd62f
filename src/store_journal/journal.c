/* SPDX-License-Identifier: Apache-2.0 */
#include "store_journal/journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "store_journal/internal.h"

#define COMMIT_MAX_BYTES ((uint64_t)16 << 20)

/* ---- small operations ------------------------------------------------------------------------- */

static struct stream_head journal_head(struct store *store, struct stream_name name)
{
	struct journal *journal = journal_of(store);
	const struct index_stream *stream;
	struct index_stripe *stripe;
	struct stream_key key;
	uint64_t hash;

	stream_key_init(&key, name);
	hash = index_hash(&journal->index, &key);
	stripe = index_stripe(&journal->index, hash);
	MUTEX_GUARD(&stripe->mu);
	stream = index_find_locked(stripe, &key, hash);
	return stream == NULL ? (struct stream_head){ 0 } : stream->head;
}

static uint64_t journal_durable(struct store *store)
{
	return atomic_load_explicit(&journal_of(store)->durable, memory_order_acquire);
}

static void journal_status(struct store *store, struct store_status *ret)
{
	struct journal *journal = journal_of(store);
	struct store_status status = { 0 };

	mutex_lock(&journal->segments.mu);
	status.size_bytes = journal->segments.count * journal->segments.segment_bytes;
	mutex_unlock(&journal->segments.mu);
	mutex_lock(&journal->mu);
	status.mode = atomic_load(&journal->mode);
	status.accepted_sequence = journal->accepted;
	mutex_unlock(&journal->mu);
	status.durable_sequence = journal_durable(store);
	status.event_count = atomic_load(&journal->index.event_count);
	status.stream_count = atomic_load(&journal->index.stream_count);
	*ret = status;
}

static void journal_observe(struct store *store, struct store_observer *observer)
{
	observers_add(&journal_of(store)->observers, observer);
}

static void journal_unobserve(struct store *store, struct store_observer *observer)
{
	observers_remove(&journal_of(store)->observers, observer);
}

/* ---- open and close --------------------------------------------------------------------------- */

static void stop_threads(struct journal *journal)
{
	mutex_lock(&journal->mu);
	atomic_store(&journal->stopping, true);
	cond_broadcast(&journal->flush_wanted);
	cond_broadcast(&journal->prepare_wanted);
	mutex_unlock(&journal->mu);
	if (journal->flusher_runs)
		thread_join(&journal->flusher);
	if (journal->preparer_runs)
		thread_join(&journal->preparer);
	journal->flusher_runs = false;
	journal->preparer_runs = false;
}

static void journal_free(struct journal *journal)
{
	if (journal == NULL)
		return;
	stop_threads(journal);
	vfs_close(journal->writer);
	vfs_close(journal->prepared);
	pending_fini(&journal->pendings[0]);
	pending_fini(&journal->pendings[1]);
	observers_fini(&journal->observers);
	index_fini(&journal->index);
	segments_fini(&journal->segments);
	cond_fini(&journal->flush_wanted);
	cond_fini(&journal->prepare_wanted);
	mutex_fini(&journal->mu);
	vfs_close(journal->lock); /* last: until here the directory is ours */
	journal->magic = 0;
	free(journal);
}
DEFINE_OWNED(journal, journal_free);

static void journal_close(struct store *store)
{
	struct journal *journal = journal_of(store);

	CHECK(journal->magic == JOURNAL_MAGIC);
	stop_threads(journal);
	while (commit_write_pending(journal))
		;
	commit_close(journal);
	journal_free(journal);
}

static const struct store_ops journal_ops = {
	.append = commit_append,
	.flush = commit_flush,
	.read_stream = read_stream,
	.read_all = read_all,
	.find_command = read_command,
	.head = journal_head,
	.durable = journal_durable,
	.status = journal_status,
	.observe = journal_observe,
	.unobserve = journal_unobserve,
	.close = journal_close,
};

static enum status fill_in_options(struct journal *journal, const struct journal_options *options,
				   struct error *err)
{
	struct journal_options *filled = &journal->options;

	*filled = *options;
	if (filled->vfs == NULL)
		filled->vfs = vfs_system();
	if (filled->clock == NULL)
		filled->clock = clock_system();
	if (filled->random == NULL)
		filled->random = random_system();
	if (filled->segment_bytes == 0)
		filled->segment_bytes = JOURNAL_SEGMENT_BYTES;
	if (filled->segment_bytes % BLOCK_BYTES != 0 ||
	    filled->segment_bytes < JOURNAL_SEGMENT_MIN_BYTES ||
	    filled->segment_bytes > JOURNAL_SEGMENT_MAX_BYTES)
		return ERROR(err, ERR_INVALID,
			     "a segment has %" PRIu64 " to %" PRIu64
			     " bytes in blocks of %u, not %" PRIu64,
			     JOURNAL_SEGMENT_MIN_BYTES, JOURNAL_SEGMENT_MAX_BYTES, BLOCK_BYTES,
			     filled->segment_bytes);
	if (filled->without_threads && filled->flusher != JOURNAL_FLUSH_INLINE)
		return ERROR(err, ERR_INVALID, "a journal without threads flushes inline");
	journal->pending_max_bytes = filled->base.pending_max_bytes != 0
					     ? filled->base.pending_max_bytes
					     : PENDING_MAX_BYTES_DEFAULT;
	return OK;
}

static enum status register_metrics(struct journal *journal, struct error *err)
{
	struct metrics *registry = journal->options.base.metrics;
	struct journal_metrics *m = &journal->metrics;

	if (registry == NULL)
		return OK;
	m->commit_bytes = metrics_size(registry, "concordance_journal_commit_bytes", NULL,
				       "Size of a write to the journal, padding included.");
	m->commit_frames = metrics_size(registry, "concordance_journal_commit_frames", NULL,
					"Frames that went out in one write.");
	m->commit_seconds =
		metrics_duration(registry, "concordance_journal_commit_duration_seconds", NULL,
				 "Time from a write to its being durable.");
	m->commits = metrics_counter(registry, "concordance_journal_commits_total", NULL,
				     "Writes to the journal.");
	m->bytes = metrics_counter(registry, "concordance_journal_written_bytes_total", NULL,
				   "Bytes written to the journal, padding included.");
	m->errors =
		metrics_counter(registry, "concordance_journal_errors_total", NULL,
				"Writes and syncs that failed. The first one ends the process.");
	m->segments = metrics_gauge(registry, "concordance_journal_segments", NULL,
				    "Segment files, the prepared one included.");
	m->mode = metrics_gauge(registry, "concordance_journal_mode", NULL,
				"0: read and write. 1: read-only, the disk is full. 2: failed.");
	m->index_bytes = metrics_gauge(registry, "concordance_journal_index_bytes", NULL,
				       "Memory of the index.");
	if (m->commit_bytes == NULL || m->commit_frames == NULL || m->commit_seconds == NULL ||
	    m->commits == NULL || m->bytes == NULL || m->errors == NULL || m->segments == NULL ||
	    m->mode == NULL || m->index_bytes == NULL)
		return ERROR(err, ERR_NOMEM, "the journal's metrics");
	return OK;
}

static enum status start_threads(struct journal *journal, struct error *err)
{
	enum status s;

	if (journal->options.without_threads)
		return prepare_next(journal, err);
	s = thread_start(&journal->preparer, "prepare", prepare_run, journal, err);
	if (s != OK)
		return s;
	journal->preparer_runs = true;
	if (journal->options.flusher == JOURNAL_FLUSH_INLINE)
		return OK;
	s = thread_start(&journal->flusher, "flush", commit_flusher_run, journal, err);
	journal->flusher_runs = s == OK;
	return s;
}

/* Makes the directory's own name durable. */
static enum status sync_parent(struct vfs *vfs, const char *directory, struct error *err)
{
	char parent[SEGMENT_PATH_BYTES];
	size_t size = strlen(directory);

	while (size > 1 && directory[size - 1] == '/')
		size--;
	while (size > 0 && directory[size - 1] != '/')
		size--;
	if (size >= sizeof(parent))
		return ERROR(err, ERR_LIMIT, "the path of a journal's directory is too long");
	memcpy(parent, directory, size);
	parent[size] = '\0';
	return vfs->ops->sync_directory(vfs, size == 0 ? "." : parent, err);
}

enum status journal_open(const char *directory, const struct journal_options *options,
			 struct store **ret, struct error *err)
{
	OWNED(journal) struct journal *journal = NULL;
	struct journal *made;
	struct vfs *vfs;
	enum status s;

	/* Aligned as the stripes of the index are. */
	made = aligned_alloc(64, round_up(sizeof(*made), 64));
	if (made == NULL)
		return ERROR(err, ERR_NOMEM, "opening a journal");
	*made = (struct journal){ .magic = JOURNAL_MAGIC };
	made->store.ops = &journal_ops;
	mutex_init(&made->mu, RANK_STORE);
	cond_init(&made->flush_wanted);
	cond_init(&made->prepare_wanted);
	observers_init(&made->observers);
	pending_init(&made->pendings[0]);
	pending_init(&made->pendings[1]);
	made->filling = &made->pendings[0];
	journal = made;

	s = fill_in_options(journal, options, err);
	if (s != OK)
		return s;
	vfs = journal->options.vfs;
	s = index_init(&journal->index, err);
	if (s == OK)
		s = segments_init(&journal->segments, vfs, directory, err);
	if (s == OK && options->create)
		s = vfs->ops->make_directory(vfs, directory, err);
	if (s == OK && options->create)
		s = sync_parent(vfs, directory, err);
	if (s == OK) {
		uint64_t count;

		/* Before anything is put into a directory that may be somebody else's. */
		s = segments_list(&journal->segments, &count, err);
	}
	if (s == OK)
		s = journal_lock(&journal->segments, options->create, &journal->lock, err);
	if (s == OK)
		s = recovery_run(journal, err);
	if (s == ERR_NOT_FOUND && !options->create)
		return error_wrap(err, s, "there is no journal in '%s'", directory);
	if (s == OK)
		s = register_metrics(journal, err);
	if (s == OK) {
		journal->commit_max_bytes = journal->segments.segment_bytes - 2 * BLOCK_BYTES;
		if (journal->commit_max_bytes > COMMIT_MAX_BYTES)
			journal->commit_max_bytes = COMMIT_MAX_BYTES;
		s = start_threads(journal, err);
	}
	if (s != OK)
		return s;
	*ret = &TAKE(journal)->store;
	return OK;
}
