/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_INTERNAL_H
#define RUNTIME_INTERNAL_H

#include <stdatomic.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mutex.h"
#include "base/queue.h"
#include "runtime/runtime.h"
#include "runtime/work.h"

/* internal.h - what the runtime's files share. */

#define STRIPE_COUNT 64

/* One shard of the table of streams. */
struct stripe {
	struct mutex
		mu; /* RANK_RUNTIME; guards the fields below and the marked ones of its streams */
	struct map streams;
	struct list idle; /* streams nobody works on, the longest idle first: may be forgotten */
};

/* Work on a stream in the place of its lane, and what the lane does when it is done. */
typedef void (*away_fn)(struct work *work, struct stream *stream);
typedef enum work_run (*back_fn)(struct work *work, struct stream *stream);

/* A stream that is in memory: its head and, for an aggregate, its state.
 *
 *	IDLE --work--> RUNNING --mailbox empty--> (PENDING frames) --durable--> IDLE --full--> forgotten
 */
struct stream {
	/* Set once. */
	struct runtime *runtime;
	struct stripe *stripe;
	struct component *component; /* NULL: the category belongs to no aggregate */
	struct stream_name name;     /* borrows from text */

	/* Guarded by stripe->mu. */
	struct map_node node;
	struct list mailbox; /* struct work, in order of arrival */
	size_t mailbox_count;
	bool running;        /* a lane works on it */
	bool stale;          /* an append failed: what is loaded is not what is stored */
	struct list pending; /* struct pending: frames not yet durable, oldest first */
	struct list idle_node;
	size_t idle_bytes; /* what it counts for while idle */

	/* The working lane's own, while running. */
	bool loaded;
	struct stream_head head; /* accepted frames included */
	char *state;             /* JSON, owned; NULL: `null` */
	size_t state_size;
	unsigned lane;     /* who works on it */
	struct task task;  /* to go on later, or to work on the pool */
	struct work *away; /* the request that the pool is at, or was; else NULL */
	away_fn away_on_pool;
	back_fn back_on_lane;
	enum status away_status; /* what away_on_pool() has to tell back_on_lane() */

	char text[]; /* category/key, and a NUL */
};

/* A frame that was accepted and is not yet durable, and who waits for it. */
struct pending {
	struct append append;
	struct stream *stream;
	unsigned lane;    /* delivers */
	struct task task; /* in the lane's queue once it is settled */
	enum status status;
	struct list node;    /* stripe->mu: in stream->pending */
	struct list waiters; /* stripe->mu: struct work */
	size_t id_size;
	char id[]; /* what a duplicate of it is known by */
};

struct lane {
	struct runtime *runtime;
	unsigned index;
	struct executor *executor;
	struct queue settled; /* struct pending, from whichever thread made them durable */
	struct task wake;
	atomic_bool wake_posted;
};

struct runtime_metrics {
	struct counter *accepted;
	struct counter *rejected;
	struct counter *failed;
	struct counter *duplicates;
	struct counter *conflicts;
	struct counter *external;
	struct counter *appended;
	struct counter *loads;
	struct counter *folded_events;
	struct counter *rechecks;
	struct counter *recheck_failures;
	struct counter *handed_over;
	struct histogram *latency;
};

struct runtime {
	struct runtime_options options;
	struct map aggregates; /* struct aggregate by name; set once */
	struct aggregate *aggregate_nodes;
	struct stripe stripes[STRIPE_COUNT];
	uint64_t hash_seed;
	struct lane *lanes;
	_Atomic uint64_t requests;
	_Atomic uint64_t decisions;  /* for the re-check */
	_Atomic uint64_t idle_bytes; /* of idle streams, all stripes together */
	struct runtime_metrics metrics;
};

struct aggregate {
	struct map_node node;
	struct component *component;
};

/* ---- work.c: the life of a request ---- */

/* Puts a request on its way: into the stream's mailbox, and if nobody works on the stream, works on
 * it. work->run must be set. On the lane's thread. */
void work_submit(struct runtime *runtime, struct work *work, struct component *component);

/* Ends a request that looked at the stream: answered when the stream's newest frame is durable. When
 * a frame that it rests on was given up meanwhile, it runs again. */
void work_finish(struct work *work, struct stream *stream);

/* Ends a request at once: it looked at nothing that is not durable. Any lane's or pool thread. */
void work_deliver(struct work *work);

/* Ends a request with a failure, as work_finish(): it may have looked at state. */
void work_fail(struct work *work, struct stream *stream, enum failure failure);

/* True when the stream is at the version that the request expects. Else *ret_actual is set, and the
 * request has been ended. */
bool work_check_version(struct work *work, struct stream *stream, uint64_t expected,
			uint64_t *ret_actual);

/* Ends a request whose append answered `s`: after ERR_CONFLICT it runs again on the reloaded
 * stream, a few times. */
void work_append_failed(struct work *work, struct stream *stream, enum status s);

/* The same JSON value? Bytes first; else parsed into the arena. */
bool work_same_json(struct span a, struct span b, struct arena *arena);

/* Counts a request that does not go through a mailbox. False: too many; it has been answered. */
bool work_begin(struct runtime *runtime, struct work *work);

/* What the store, or memory, answered. */
enum failure failure_of_status(enum status status);
/* What fold_stream() answered. */
enum failure failure_of_fold(enum status status);

/* ---- stream.c: the table and the mailboxes ---- */

struct stripe *stripe_of(struct runtime *runtime, struct span stream_text);
/* Adds to the mailbox. ERR_BUSY, ERR_NOMEM. Works on the stream when nobody else does. */
enum status stream_post(struct runtime *runtime, struct work *work, struct component *component,
			struct error *err);
/* Puts a request back into the mailbox. */
void stream_repost_locked(struct stream *stream, struct work *work);
/* True: something waits and nobody works on the stream, so it is this lane's now, which must call
 * stream_go_on() without the lock. */
bool stream_claim_locked(struct stream *stream);
/* Works on the stream, which is this lane's, in a later turn of its loop. */
void stream_go_on(struct stream *stream);
void stream_set_state(struct stream *stream, char **state, size_t size); /* taken */
struct span stream_state(const struct stream *stream);
/* Runs away() on the pool, then back() on this lane, in line with the stream's other requests: the
 * caller's run answers WORK_AWAY and touches the stream no more. */
void stream_send_away(struct stream *stream, struct work *work, away_fn away, back_fn back);
/* Components that take long work on the pool: a lane has other connections to serve. */
bool stream_is_slow(const struct stream *stream);
/* Called with the stripe's lock held when something that kept the stream busy has ended. Unless the
 * stream is still busy, it may be gone after this. */
void stream_settle_locked(struct stream *stream);
void stream_forget_all(struct runtime *runtime);

/* ---- pending.c: frames on their way to the disk ---- */

/* Appends one frame to the stream for `work`, which is answered when it is durable; work->stored
 * is called first, with the frame's sequence. ERR_CONFLICT: the stream has been marked stale. */
enum status pending_append(struct stream *stream, struct work *work, struct frame *frame,
			   struct error *err) NODISCARD;
/* True when a frame with that id is on its way; the work then runs again once it is durable. */
bool pending_wait_for_id(struct stream *stream, struct work *work, struct span id);
/* Makes the work wait for the newest frame. False: there is none on its way. */
bool pending_wait_for_newest_locked(struct stream *stream, struct work *work, bool run_again);
bool pending_drain(struct lane *lane);

/* The lane whose thread this is, or NULL. */
extern _Thread_local struct lane *lane_current;

/* ---- fold.c: states from events ---- */

struct fold_result {
	char *state; /* owned, malloc'd; NULL: `null` */
	size_t state_size;
	uint64_t version; /* of the last event folded; 0: none */
	uint64_t time_us;
};

struct fold_limits {
	uint64_t max_version; /* inclusive; UINT64_MAX: no limit */
	uint64_t max_time_us; /* inclusive */
};

/* Folds the durable events of a stream from the first to the limits. ERR_INVALID, ERR_TRAP,
 * ERR_LIMIT, ERR_DEADLINE: the component cannot fold an event, which the message names. */
enum status fold_stream(struct runtime *runtime, struct component *component,
			struct stream_name name, const struct fold_limits *limits,
			struct fold_result *ret, struct error *err) NODISCARD;

#endif
