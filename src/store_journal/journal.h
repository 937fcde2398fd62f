/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOURNAL_JOURNAL_H
#define STORE_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/vfs.h"
#include "digest/digest.h"
#include "store/store.h"

/* journal.h - the embedded store: a log in the files of one directory. docs/formats.md has the bytes.
 *
 * The directory belongs to the journal alone:
 *
 *	lock                held while a process has the journal open; its text is that process' id
 *	segment-00000001    the log, in segments of one size; the last one or two are zeroed room ahead
 *	prepare.tmp         a segment that is being zeroed
 *
 * Frames that are appended while the disk is busy go out together in its next write (group commit).
 * The index is in memory and rebuilt when the journal is opened. */

#define JOURNAL_SEGMENT_BYTES     ((uint64_t)64 << 20)
#define JOURNAL_SEGMENT_MIN_BYTES ((uint64_t)64 << 10)
#define JOURNAL_SEGMENT_MAX_BYTES ((uint64_t)4 << 30)

enum journal_flusher {
	/* store_flush() writes by itself while recent writes took under 1 ms on average, and leaves it
	 * to a thread on slower devices. */
	JOURNAL_FLUSH_AUTO,
	JOURNAL_FLUSH_INLINE, /* store_flush() always writes */
	JOURNAL_FLUSH_THREAD, /* the thread always writes */
};

struct journal_options {
	struct store_options base;
	struct vfs *vfs;       /* NULL: the system's files */
	struct clock *clock;   /* NULL: the system's */
	struct random *random; /* NULL: the system's */
	/* Of a journal that is created; an existing one keeps its own. 0: JOURNAL_SEGMENT_BYTES. A
	 * multiple of 4 KiB. Segments under 16 MiB are for tests: an append has to fit into one, so
	 * they take less than APPEND_MAX_BYTES (ERR_LIMIT). */
	uint64_t segment_bytes;
	bool create; /* make it when it is not there, the directory too (not its parents) */
	enum journal_flusher flusher;
	/* No helper thread: store_flush() prepares segments itself. With JOURNAL_FLUSH_INLINE, every
	 * call of the vfs is then made by the caller's thread, in an order that repeats. For tests. */
	bool without_threads;
};

/* Opens a journal and rebuilds its index. Closed with store_close().
 *
 * ERR_BUSY         another process has it open; the message names it
 * ERR_NOT_FOUND    there is none, and options->create is not set
 * ERR_CORRUPT      stored bytes are damaged; nothing was changed. The message says which file, where,
 *                  which positions are lost, and to run `concordance verify`
 * ERR_UNSUPPORTED  written by a later version, in a format that this one does not know
 * ERR_INVALID      the directory holds something else, or the options make no sense
 * ERR_DENIED, ERR_FULL, ERR_IO, ERR_NOMEM */
enum status journal_open(const char *directory, const struct journal_options *options,
			 struct store **ret, struct error *err) NODISCARD;

/* One place where the journal is not as it was written. */
struct journal_damage {
	uint64_t segment; /* file segment-%08llu */
	uint64_t offset;  /* in that file */
	/* Frames that cannot be read: these sequences. None when last < first. */
	uint64_t first_sequence;
	uint64_t last_sequence;
	const char *what; /* one phrase */
};

struct journal_report {
	struct uuid log_id;
	uint64_t segment_count; /* files, prepared ones included */
	uint64_t segment_bytes; /* of one */
	uint64_t commit_count;  /* writes, and records of opening and closing */
	uint64_t frame_count;
	uint64_t event_count;
	uint64_t stream_count;
	uint64_t last_sequence;
	struct sha256
		chain_head;    /* the last link: note it elsewhere, and nobody can alter the past */
	uint64_t tail_segment; /* where the log ends */
	uint64_t tail_offset;
	bool closed;     /* the last process shut down in order */
	bool unfinished; /* the last write was cut off; the next start passes over it */
	uint64_t damage_count;
};

/* Called for each damage, in the order of the log. */
typedef void (*journal_damage_fn)(const struct journal_damage *damage, void *arg);

/* Walks the whole journal without changing it: every checksum, every link of the chain, every frame's
 * encoding, the numbers and versions of every stream. Takes the journal's lock meanwhile. `report`
 * may be NULL. *ret is written on OK and on ERR_CORRUPT.
 *
 * ERR_CORRUPT  there is damage; each place was reported
 * ERR_BUSY     a process has the journal open: stop it first
 * else as journal_open() */
enum status journal_verify(const char *directory, struct vfs *vfs, journal_damage_fn report,
			   void *arg, struct journal_report *ret, struct error *err) NODISCARD;

#endif
