/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/executor.h"
#include "base/metrics.h"
#include "base/random.h"
#include "component/component.h"
#include "store/store.h"

/* runtime.h - the part that makes decisions happen: commands run against their streams, on lanes.
 *
 * A lane is one event-loop thread. A request is submitted on its lane's thread, and its answer is
 * delivered there. Each stream has a mailbox: a lane that finds the stream idle works on it; if
 * another lane is at it, the request waits in the mailbox and that lane takes it next. So requests
 * of one stream run one at a time in the order of their arrival, different streams run in parallel,
 * no lock is held while a component runs, and no lane waits for another.
 *
 * The next request of a stream may run on the state that the one before it made, before that is
 * durable. What is told to anybody waits: every answer that looked at state is delivered when the
 * frame that made this state is on disk.
 *
 *	submit -> mailbox -> run (load, decide, append) -> pending --durable--> answer
 *	                        +-- rejected, conflict, read: wait with the newest pending frame
 *
 * Each request type has a header of its own: command.h, state.h, external.h, direct_append.h. */

struct runtime;

struct runtime_options {
	/* All borrowed; they must outlive the runtime. */
	struct store *store;
	struct clock *clock;
	struct random *random;
	struct metrics *metrics;
	struct span application;             /* its name */
	struct component *const *components; /* one each name, which is a category that it owns */
	size_t component_count;
	struct executor *const *lanes; /* one for each event-loop thread */
	size_t lane_count;
	struct executor *pool; /* background threads: cold loads, long folds, states of the past */

	/* Which external events are wanted: types that a component has an interest in. */
	bool external_accept_any;
	const struct span *external_types;
	size_t external_type_count;

	uint64_t cache_max_bytes; /* states kept in memory; 0: 64 MiB */
	uint64_t mailbox_max;     /* requests waiting for one stream: beyond it busy; 0: 4,096 */
	uint64_t requests_max;    /* requests not yet answered, all together; 0: 65,536 */
	uint64_t
		recheck_one_in; /* decisions whose apply is repeated and compared; 0: 1,000; 1: all */
};

enum status runtime_new(const struct runtime_options *options, struct runtime **ret,
			struct error *err) NODISCARD;

/* Every request must have been answered, and no lane may be in a call. Takes NULL. */
void runtime_free(struct runtime *runtime);
DEFINE_OWNED(runtime, runtime_free);

/* Ends the turn of a lane: flushes the store, delivers answers that have become due. The lane calls
 * it after all that one turn of its loop has brought. True: call again after a turn that does not
 * wait (loop_on_turn_end's meaning). */
bool runtime_turn(struct runtime *runtime, unsigned lane);

/* The aggregate that owns the category, or NULL. */
struct component *runtime_aggregate(struct runtime *runtime, struct span category);

/* The category is a component's, whatever its role: nobody else appends to it. */
bool runtime_owns(struct runtime *runtime, struct span category);

/* Requests submitted and not yet answered. */
uint64_t runtime_requests(struct runtime *runtime);

/* ---- what all requests share ------------------------------------------------------------------ */

/* Why a request failed, as a word that clients can rely on. The HTTP status follows from it. */
#define FAILURE_TABLE(X)                                \
	X(FAILURE_NONE, "none")                         \
	X(FAILURE_NO_AGGREGATE, "no_such_aggregate")    \
	X(FAILURE_NOT_FOUND, "not_found")               \
	X(FAILURE_INVALID, "invalid")                   \
	X(FAILURE_VERSION_CONFLICT, "version_conflict") \
	X(FAILURE_ID_REUSED, "id_reused")               \
	X(FAILURE_NO_INTEREST, "no_interest")           \
	X(FAILURE_CATEGORY_OWNED, "category_owned")     \
	X(FAILURE_TOO_LARGE, "too_large")               \
	X(FAILURE_COMPONENT, "component_failed")        \
	X(FAILURE_DEADLINE, "component_deadline")       \
	X(FAILURE_CANNOT_FOLD, "cannot_fold")           \
	X(FAILURE_BUSY, "busy")                         \
	X(FAILURE_DISK_FULL, "disk_full")               \
	X(FAILURE_NO_MEMORY, "no_memory")               \
	X(FAILURE_STORAGE, "storage_failed")            \
	X(FAILURE_CLOSED, "shutting_down")

enum failure {
#define X(name, word) name,
	FAILURE_TABLE(X)
#undef X
};

const char *failure_word(enum failure failure);

#endif
