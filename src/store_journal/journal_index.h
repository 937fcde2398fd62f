/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_JOURNAL_JOURNAL_INDEX_H
#define STORE_JOURNAL_JOURNAL_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/map.h"
#include "base/mutex.h"
#include "store/engine.h"
#include "store/store.h"

/* journal_index.h - where frames are: in memory, rebuilt from the log when it is opened.
 *
 *	locations  sequence -> place in the log           8 bytes a frame, read without a lock
 *	streams    name -> its frames, heads              8 bytes a frame and about 150 a stream
 *	commands   stream and id -> sequence              8 bytes a command, at most 3/4 full
 *
 * Streams and commands are spread over stripes by the hash of the stream's name, each with its own
 * lock, so that lanes which work on different streams rarely meet. What readers find is durable;
 * only a stream's `head` runs ahead, with what is accepted.
 *
 * Publishing (frames that became durable) is one thread at a time, in log order. */

#define INDEX_STRIPES  64u
#define SEQUENCE_BITS  36
#define SEQUENCE_MAX   ((UINT64_C(1) << SEQUENCE_BITS) - 1)
#define LOCATION_CHUNK 65536u /* entries */

/* A place in the log, as one word: log offset / 8 in the upper 47 bits, size / 8 in the lower 17. */
struct location {
	uint64_t offset; /* log offset: (segment number - 1) * segment_bytes + offset in the file */
	uint32_t size;   /* stored: header, payload, padding */
};

struct index_stream {
	struct map_node node;
	struct stream_head head; /* accepted, >= durable */
	uint64_t durable_count;  /* frames that are durable */
	uint64_t durable_version;
	/* Runs of 64 words: the version before the run, then 63 frames as position_of(sequence,
	 * number of events). Owned. */
	uint64_t *runs;
	uint64_t capacity; /* words */
	char name[];
};

struct index_stripe {
	struct mutex mu; /* RANK_STORE_STREAM; guards everything here and the streams */
	struct map streams;
	uint64_t *commands;        /* owned; open addressing: 28 bits of tag, sequence; 0: free */
	uint64_t command_capacity; /* a power of two, or 0 */
	uint64_t command_count;
	struct buf encoded; /* where the frames of an append are encoded */
} __attribute__((aligned(64)));

struct journal_index {
	struct index_stripe stripes[INDEX_STRIPES];
	_Atomic(uint64_t *) *chunks;  /* owned; locations of LOCATION_CHUNK sequences each */
	_Atomic uint64_t event_count; /* durable */
	_Atomic uint64_t stream_count;
	_Atomic uint64_t memory_bytes; /* of all of this, roughly */
};

enum status index_init(struct journal_index *index, struct error *err) NODISCARD;
void index_fini(struct journal_index *index);

uint64_t index_hash(const struct journal_index *index, const struct stream_key *key);
struct index_stripe *index_stripe(struct journal_index *index, uint64_t hash);

/* NULL when there is none. */
struct index_stream *index_find_locked(struct index_stripe *stripe, const struct stream_key *key,
				       uint64_t hash);
/* Makes it when it is not there; NULL when memory is out. */
struct index_stream *index_get_locked(struct journal_index *index, struct index_stripe *stripe,
				      const struct stream_key *key, uint64_t hash);
/* Takes one away that never got a frame. */
void index_drop_locked(struct journal_index *index, struct index_stripe *stripe,
		       struct index_stream *stream);

/* What a command is known by: never 0. An empty id gives 0. */
uint64_t index_command_hash(uint64_t stream_hash, struct span id);

/* One frame becomes visible to readers of its stream. Its location must have been set.
 * ERR_NOMEM. */
struct index_entry {
	struct index_stream *stream;
	uint64_t sequence;
	uint64_t command_hash; /* 0: it has no command */
	uint32_t event_count;
};
enum status index_publish(struct journal_index *index, const struct index_entry *entry,
			  struct error *err) NODISCARD;

/* Sequences in order, one thread. ERR_NOMEM, ERR_LIMIT: over SEQUENCE_MAX. */
enum status index_set_location(struct journal_index *index, uint64_t sequence,
			       struct location location, struct error *err) NODISCARD;
/* Any thread, of a sequence that is durable. */
struct location index_location(const struct journal_index *index, uint64_t sequence);

/* The index (from 0) of the frame where a reader begins; UINT64_MAX: nothing to read. store.h says
 * which one that is. */
uint64_t index_find_version_locked(const struct index_stream *stream, uint64_t version,
				   enum direction direction);
/* Of frame `at` (from 0, < durable_count). */
uint64_t index_sequence_locked(const struct index_stream *stream, uint64_t at);
unsigned index_event_count_locked(const struct index_stream *stream, uint64_t at);

/* The newest sequence below `below` that may hold that command; 0: none. */
uint64_t index_find_command_locked(const struct index_stripe *stripe, uint64_t command_hash,
				   uint64_t below);

#endif
