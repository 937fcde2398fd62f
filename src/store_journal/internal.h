/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOURNAL_INTERNAL_H
#define STORE_JOURNAL_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "base/mutex.h"
#include "base/thread.h"
#include "store/engine.h"
#include "store_journal/format.h"
#include "store_journal/journal.h"
#include "store_journal/journal_index.h"
#include "store_journal/segment.h"

/* internal.h - what the files of the journal share.
 *
 *	journal.c        opening, closing, what is small
 *	commit.c         append -> pending commit -> one write -> done
 *	prepare.c        room ahead, the full disk
 *	read.c           readers
 *	recovery.c       the index from the log, at start
 *	scan.c           walking the log
 *	segment.c        files
 *	format.c         bytes
 *	journal_index.c  where frames are
 *
 * Locks, in the order in which they nest: a stripe of the index (RANK_STORE_STREAM), then
 * journal.mu (RANK_STORE). The others of RANK_STORE are taken alone. No lock is held during a write,
 * nor while done() or an observer runs. */

#define JOURNAL_MAGIC 0x6a6f7531u

/* A frame in a pending commit. */
struct pending_frame {
	struct index_stream *stream;
	uint64_t command_hash;
	uint32_t offset; /* in the commit */
	uint32_t stored_bytes;
	uint32_t event_count;
};

/* A commit that collects frames: while one is written, the other one fills. */
struct pending {
	uint8_t *bytes; /* owned; room for the header first, then frames */
	uint64_t size;  /* used, the header's room included; 0: nothing in it */
	uint64_t capacity;
	struct pending_frame *frames; /* owned */
	uint64_t frame_count;
	uint64_t frame_capacity;
	struct append *first; /* in log order */
	struct append **last;
};

struct journal_metrics { /* all NULL without a registry; owned by it */
	struct histogram *commit_bytes;
	struct histogram *commit_frames;
	struct histogram *commit_seconds;
	struct counter *commits;
	struct counter *bytes;
	struct counter *errors;
	struct gauge *segments;
	struct gauge *mode;
	struct gauge *index_bytes;
};

struct journal {
	struct store store; /* first: the contract's handle */
	uint32_t magic;

	/* Set once, by journal_open(). */
	struct journal_options options; /* with defaults filled in */
	uint64_t pending_max_bytes;
	uint64_t commit_max_bytes; /* header to link, of one commit */
	struct vfs_file *lock;
	struct journal_metrics metrics;

	/* These have locks of their own. */
	struct segments segments;
	struct journal_index index;
	struct observers observers;

	/* The writer's: whoever has set `writing`; before that, recovery. */
	struct vfs_file
		*writer; /* of the segment that the log ends in; NULL: that segment is full */
	struct sha256 link;
	uint32_t epoch;       /* of this process */
	bool epoch_begun;     /* its COMMIT_OPEN is on disk */
	uint64_t durable_end; /* log offset: everything before it is durable */

	/* Any thread. */
	_Atomic uint64_t durable;     /* sequence */
	_Atomic enum store_mode mode; /* written under mu */
	_Atomic uint64_t write_ns;    /* moving average of recent writes */
	_Atomic bool stopping;

	struct mutex mu; /* RANK_STORE; guards the fields below */
	struct cond flush_wanted;
	struct cond prepare_wanted;
	struct pending pendings[2];
	struct pending *filling; /* one of them; the other is written, or empty */
	uint64_t writing_bytes;  /* of the one being written */
	bool writing;
	bool flush_asked;
	bool flush_by_thread; /* JOURNAL_FLUSH_AUTO: recent writes were slow */
	uint64_t accepted;    /* sequence of the last accepted frame */
	uint64_t tail; /* log offset where the next commit goes, if it fits into the segment */
	struct vfs_file
		*prepared; /* of the segment after the one that holds `tail`; NULL: not yet */
	bool preparing;    /* somebody is at it */
	bool failed_told;

	struct thread flusher;
	struct thread preparer;
	bool flusher_runs;
	bool preparer_runs;
};

static inline struct journal *journal_of(struct store *store)
{
	return (struct journal *)(void *)store;
}

/* The end: nothing more is accepted or reported. Calls options.base.fatal once; no lock may be held. */
void journal_fail(struct journal *journal, const char *doing, const struct error *err);

/* commit.c */
enum status commit_append(struct store *store, struct append *append, struct error *err);
bool commit_flush(struct store *store);
/* Writes what is pending, whoever is asked to write otherwise; true: there is more. */
bool commit_write_pending(struct journal *journal);
/* The record of a shutdown in order. Nothing may be pending. */
void commit_close(struct journal *journal);
void commit_flusher_run(void *arg);
void pending_init(struct pending *pending);
void pending_fini(struct pending *pending);

/* prepare.c */
/* Makes or opens the segment behind the one that the log ends in, if that is not there yet. When the
 * disk is full, that is the mode from then on, and OK. Not with `mu` held. Returns at once when another thread is at
 * it. */
enum status prepare_next(struct journal *journal, struct error *err) NODISCARD;
void prepare_run(void *arg);

/* recovery.c: segments, index, and the writer's and guarded fields, from the files. */
enum status recovery_run(struct journal *journal, struct error *err) NODISCARD;

/* Makes the segments' table from the files, format included. *ret_count is 0 for a new journal. Also
 * for verify. */
enum status recovery_find_segments(struct segments *segments, uint64_t *ret_count,
				   struct error *err) NODISCARD;

/* Puts one stored frame into an index; its decoded form must follow the stream's head. */
struct arena;
enum status recovery_index_frame(struct journal_index *index, const struct frame *frame,
				 struct location location, struct error *err) NODISCARD;

/* Takes the journal's lock. ERR_BUSY names the holder. */
enum status journal_lock(struct segments *segments, bool create, struct vfs_file **ret,
			 struct error *err) NODISCARD;

/* read.c */
enum status read_stream(struct store *store, struct stream_name name, uint64_t from_version,
			const struct read_options *options, frame_visit_fn visit, void *arg,
			struct error *err);
enum status read_all(struct store *store, uint64_t from_sequence,
		     const struct read_options *options, frame_visit_fn visit, void *arg,
		     uint64_t *ret_scanned, struct error *err);
enum status read_command(struct store *store, struct stream_name name, struct span id,
			 frame_visit_fn visit, void *arg, struct error *err);

#endif
