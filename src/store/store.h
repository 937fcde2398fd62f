/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/metrics.h"
#include "model/frame.h"

/* store.h - the contract of a log of frames; every engine keeps it, one contract suite
 * (tests/contract/store) holds all of them to it.
 *
 * A store is one log. Frames get sequences 1, 2, 3 ... in the order in which they are accepted, and
 * each stream numbers its own frames 1, 2, 3 ... without gaps. An append is accepted on the
 * condition that its stream is still at the expected frame number, where frames that were accepted
 * and are not yet durable count: so the next decision can be appended before the one before it is on
 * disk. Durability comes in log order: when a frame is durable, so is every frame before it.
 *
 *	ACCEPTED --flush--> DURABLE --done(OK)-->
 *	   +--engine gives up--> done(ERR_...), and so do all later frames of that stream
 *
 * Readers see durable frames only and never block writers. All calls are thread-safe.
 *
 * A write or sync that fails is the end: the engine calls options.fatal, after which nothing more is
 * accepted or reported durable (ERR_CLOSED). There is no trying again: what is on the disk is then
 * unknown. A full disk is found before it hurts: appends answer ERR_FULL, reads go on, and it
 * recovers when there is space. */

struct store;

/* The frames of one append together: encoded, and so much more for each. */
#define APPEND_MAX_BYTES            (8u << 20)
#define APPEND_FRAME_OVERHEAD_BYTES 64u

/* One append: 1 or more consecutive frames of one stream. The caller's storage, untouched by it
 * until done() is called, which happens exactly once for each append that was accepted, never from
 * inside store_append(), in log order. */
struct append {
	/* In; borrowed for the call of store_append() only. number, first_version of each frame must
	 * follow the expected head; `sequence` is ignored. */
	const struct frame *frames;
	size_t frame_count;
	uint64_t expected_number; /* the stream's frame number now; 0: it does not exist */

	/* Called by whichever thread made it durable. Must not block, nor call the store, except for
	 * store_durable(). Not OK: ERR_IO when the disk failed while these frames were being written,
	 * so that it is unknown whether they are stored; ERR_CLOSED when they never were. */
	void (*done)(struct append *append, enum status status);

	/* Out; set when done(OK) is called: the sequence of frames[0]. */
	uint64_t first_sequence;

	struct append *next; /* the engine's, while it is accepted */
};

struct stream_head {
	uint64_t number;  /* of its last frame; 0: there is no such stream */
	uint64_t version; /* of its last event */
	uint64_t time_us; /* of its last frame */
};

enum direction { FORWARD, BACKWARD };

/* Looks at one durable frame; everything in it is borrowed for the call. False: stop. */
typedef bool (*frame_visit_fn)(const struct frame *frame, void *arg);

struct read_options {
	enum direction direction;
	uint64_t frames_max;   /* stop after so many were looked at, wanted or not; 0: no limit */
	bool with_events_only; /* pass over frames without events */
	/* Of the whole log only: pass over frames whose category is another one (empty: any). */
	struct span category;
	/* Of the whole log only: pass over frames that hold no event of any of these types. */
	const struct span *types;
	size_t type_count;
};

enum store_mode { STORE_READ_WRITE, STORE_READ_ONLY_FULL, STORE_FAILED };

struct store_status {
	enum store_mode mode;
	uint64_t durable_sequence;  /* of the last durable frame; 0: empty */
	uint64_t accepted_sequence; /* of the last accepted frame */
	uint64_t size_bytes;        /* on disk, or in memory */
	uint64_t event_count;       /* durable events */
	uint64_t stream_count;
};

/* Told when frames became durable. Called by whichever thread made them so; must not block, nor
 * call the store except for store_durable(). */
struct store_observer {
	void (*durable)(struct store_observer *observer, uint64_t sequence);
	struct store_observer *next; /* the store's */
};

/* What each engine is given when it is opened. */
struct store_options {
	/* The disk failed: log it and end the process. In tests: note it. NULL: abort. */
	void (*fatal)(void *arg, const char *message);
	void *fatal_arg;
	struct metrics *metrics;    /* may be NULL */
	uint64_t pending_max_bytes; /* accepted and not durable: beyond it ERR_BUSY; 0: 64 MiB */
};

struct store_ops {
	enum status (*append)(struct store *store, struct append *append, struct error *err);
	bool (*flush)(struct store *store);
	enum status (*read_stream)(struct store *store, struct stream_name stream,
				   uint64_t from_version, const struct read_options *options,
				   frame_visit_fn visit, void *arg, struct error *err);
	enum status (*read_all)(struct store *store, uint64_t from_sequence,
				const struct read_options *options, frame_visit_fn visit, void *arg,
				uint64_t *ret_scanned, struct error *err);
	enum status (*find_command)(struct store *store, struct stream_name stream, struct span id,
				    frame_visit_fn visit, void *arg, struct error *err);
	struct stream_head (*head)(struct store *store, struct stream_name stream);
	uint64_t (*durable)(struct store *store);
	void (*status)(struct store *store, struct store_status *ret);
	void (*observe)(struct store *store, struct store_observer *observer);
	void (*unobserve)(struct store *store, struct store_observer *observer);
	void (*close)(struct store *store);
};

struct store {
	const struct store_ops *ops;
	struct uuid log_id; /* this log's identity, made when it was created */
};

/* Accepts an append, or says why not. On OK, done() will be called once the frames are durable and
 * somebody has called store_flush().
 *
 * ERR_CONFLICT  the stream is not at expected_number: load it again and decide again
 * ERR_LIMIT     a frame is over FRAME_MAX_BYTES or FRAME_EVENTS_MAX, or the frames together are over
 *               APPEND_MAX_BYTES
 * ERR_INVALID   the frames do not follow the head that they expect: numbers, versions, times that
 *               go back, another stream. A mistake of the caller
 * ERR_BUSY      too much is accepted and not yet durable: try again later
 * ERR_FULL      the disk is full
 * ERR_CLOSED    the disk has failed, or the store is closing */
static inline enum status store_append(struct store *store, struct append *append,
				       struct error *err)
{
	return store->ops->append(store, append, err);
}

/* Brings accepted frames nearer to durability; an event loop calls it at the end of each turn.
 *
 * When frames are waiting and no other thread is writing, writes them in one go, which may block for
 * as long as one device write takes, and calls done() for each append. When another thread is
 * writing, returns at once: that thread will find what was added meanwhile. Engines on slow devices
 * write from a thread of their own, and this call only wakes it.
 *
 * True: more came in meanwhile, and this thread should call again, after a turn of its loop. */
static inline bool store_flush(struct store *store)
{
	return store->ops->flush(store);
}

/* Reads frames of one stream. FORWARD: from the frame that holds version `from_version` (0: from the
 * first frame); nothing when the stream has not come so far. BACKWARD: from the newest frame with an
 * event at or below that version downwards (UINT64_MAX: from the last frame). The caller passes over
 * events of the first frame that it does not want. OK also when the stream does not exist or the
 * visitor stopped. ERR_CORRUPT, ERR_IO: the message says where. */
static inline enum status store_read_stream(struct store *store, struct stream_name stream,
					    uint64_t from_version,
					    const struct read_options *options,
					    frame_visit_fn visit, void *arg, struct error *err)
{
	return store->ops->read_stream(store, stream, from_version, options, visit, arg, err);
}

/* Reads the log. FORWARD: from sequence `from_sequence` (0 and 1: the first). BACKWARD: from there
 * downwards (UINT64_MAX: the last durable). *ret_scanned (may be NULL) is the last sequence looked
 * at, wanted or not, and 0 when there was none. A type matches in its snake-case form. */
static inline enum status store_read_all(struct store *store, uint64_t from_sequence,
					 const struct read_options *options, frame_visit_fn visit,
					 void *arg, uint64_t *ret_scanned, struct error *err)
{
	return store->ops->read_all(store, from_sequence, options, visit, arg, ret_scanned, err);
}

/* Finds the newest durable frame of the stream whose command.id is `id`, among at least the last
 * 1,000 that had one, and visits it. ERR_NOT_FOUND: there is none. */
static inline enum status store_find_command(struct store *store, struct stream_name stream,
					     struct span id, frame_visit_fn visit, void *arg,
					     struct error *err)
{
	return store->ops->find_command(store, stream, id, visit, arg, err);
}

/* Accepted frames count: this is the condition of the next append. */
static inline struct stream_head store_head(struct store *store, struct stream_name stream)
{
	return store->ops->head(store, stream);
}

/* The sequence of the last durable frame. */
static inline uint64_t store_durable(struct store *store)
{
	return store->ops->durable(store);
}

static inline void store_status(struct store *store, struct store_status *ret)
{
	store->ops->status(store, ret);
}

static inline void store_observe(struct store *store, struct store_observer *observer)
{
	store->ops->observe(store, observer);
}

/* After it returns, the observer is not being called and will not be called again. */
static inline void store_unobserve(struct store *store, struct store_observer *observer)
{
	store->ops->unobserve(store, observer);
}

/* Makes everything accepted durable (calling done()), then closes. Takes NULL. No other thread may
 * be in a call of it. */
static inline void store_close(struct store *store)
{
	if (store != NULL)
		store->ops->close(store);
}
DEFINE_OWNED(store, store_close);

#endif
