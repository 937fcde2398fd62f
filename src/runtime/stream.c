/* SPDX-License-Identifier: Apache-2.0 */
/* stream.c - the table of streams in memory, and their mailboxes.
 *
 * A stream is found by its text in one of STRIPE_COUNT shards. Whoever sets `running` under the
 * shard's lock works on the stream until the mailbox is empty; everybody else only adds to the
 * mailbox. A lane gives a busy stream back to its own loop after RUN_MAX requests or RUN_MAX_NS, so
 * that its other connections get their turn; `running` stays set meanwhile.
 *
 * A stream is forgotten when nobody works on it, nothing waits and nothing is pending, once all idle
 * streams together exceed the cache: the longest idle ones of the shard that adds to it. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "digest/digest.h"
#include "runtime/internal.h"

#define RUN_MAX                64
#define RUN_MAX_NS             UINT64_C(2000000)
#define LOAD_INLINE_EVENTS_MAX 64                /* more are folded on the pool */
#define SLOW_NS                UINT64_C(1000000) /* a hand-over to the pool costs a tenth of it */

static void run_stream(struct stream *stream);

struct stripe *stripe_of(struct runtime *runtime, struct span stream_text)
{
	return &runtime->stripes[digest_xxh3_seeded(stream_text, runtime->hash_seed) %
				 STRIPE_COUNT];
}

struct span stream_state(const struct stream *stream)
{
	return stream->state != NULL ? span_of(stream->state, stream->state_size) : SPAN("null");
}

void stream_set_state(struct stream *stream, char **state, size_t size)
{
	free(stream->state);
	stream->state = TAKE(*state);
	stream->state_size = size;
}

static void free_stream(struct stream *stream)
{
	free(stream->state);
	free(stream);
}

static void forget_idle_locked(struct runtime *runtime, struct stripe *stripe)
{
	while (atomic_load(&runtime->idle_bytes) > runtime->options.cache_max_bytes) {
		struct list *node = list_take_first(&stripe->idle);
		if (node == NULL)
			break;
		struct stream *stream = LIST_ENTRY(node, struct stream, idle_node);

		atomic_fetch_sub(&runtime->idle_bytes, stream->idle_bytes);
		map_remove(&stripe->streams, &stream->node);
		free_stream(stream);
	}
}

void stream_settle_locked(struct stream *stream)
{
	struct stripe *stripe = stream->stripe;

	CHECK_DEBUG(MUTEX_IS_HELD(&stripe->mu));
	if (stream->running || stream->mailbox_count != 0 || !list_is_empty(&stream->pending) ||
	    list_is_linked(&stream->idle_node))
		return;
	stream->idle_bytes = sizeof(*stream) + stream->node.key.size + stream->state_size;
	atomic_fetch_add(&stream->runtime->idle_bytes, stream->idle_bytes);
	list_add_last(&stripe->idle, &stream->idle_node);
	forget_idle_locked(stream->runtime, stripe);
}

static void leave_idle_locked(struct stream *stream)
{
	if (!list_is_linked(&stream->idle_node))
		return;
	list_remove(&stream->idle_node);
	atomic_fetch_sub(&stream->runtime->idle_bytes, stream->idle_bytes);
}

void stream_forget_all(struct runtime *runtime)
{
	for (size_t i = 0; i < STRIPE_COUNT; i++) {
		struct stripe *stripe = &runtime->stripes[i];

		for (struct list *node; (node = list_take_first(&stripe->idle)) != NULL;) {
			struct stream *stream = LIST_ENTRY(node, struct stream, idle_node);

			map_remove(&stripe->streams, &stream->node);
			free_stream(stream);
		}
		CHECK(stripe->streams.count == 0);
	}
}

static struct stream *find_or_add_locked(struct runtime *runtime, struct stripe *stripe,
					 struct span text, struct component *component)
{
	struct map_node *node = map_find(&stripe->streams, text);

	if (node != NULL)
		return CONTAINER_OF(node, struct stream, node);
	struct stream *stream =
		calloc(1, sizeof(*stream) + text.size + 1); /* and a NUL, for messages */
	if (stream == NULL)
		return NULL;
	memcpy(stream->text, text.data, text.size);
	const char *slash = memchr(stream->text, '/', text.size);
	CHECK(slash != NULL);
	size_t category_size = (size_t)(slash - stream->text);
	stream->runtime = runtime;
	stream->stripe = stripe;
	stream->component = component;
	stream->name.category = span_of(stream->text, category_size);
	stream->name.key = span_of(slash + 1, text.size - category_size - 1);
	list_init(&stream->mailbox);
	list_init(&stream->pending);
	list_init(&stream->idle_node);
	if (map_add(&stripe->streams, span_of(stream->text, text.size), &stream->node) != OK) {
		free(stream);
		return NULL;
	}
	return stream;
}

/* A stream's text is made on the stack: its size is bounded by the rules of names. */
static struct span stream_text(struct stream_name name, char text[static STREAM_NAME_MAX_BYTES])
{
	CHECK(name.category.size + 1 + name.key.size <= STREAM_NAME_MAX_BYTES);
	memcpy(text, name.category.data, name.category.size);
	text[name.category.size] = '/';
	memcpy(text + name.category.size + 1, name.key.data, name.key.size);
	return span_of(text, name.category.size + 1 + name.key.size);
}

enum status stream_post(struct runtime *runtime, struct work *work, struct component *component,
			struct error *err)
{
	char buffer[STREAM_NAME_MAX_BYTES];
	struct span text = stream_text(work->stream, buffer);
	struct stripe *stripe = stripe_of(runtime, text);

	mutex_lock(&stripe->mu);
	struct stream *stream = find_or_add_locked(runtime, stripe, text, component);
	if (stream == NULL) {
		mutex_unlock(&stripe->mu);
		return ERROR(err, ERR_NOMEM, "stream '%.*s'", SPAN_ARG(text));
	}
	if (stream->mailbox_count >= runtime->options.mailbox_max) {
		mutex_unlock(&stripe->mu);
		return ERROR(err, ERR_BUSY, "%llu requests wait for stream '%.*s'; try again later",
			     (unsigned long long)runtime->options.mailbox_max, SPAN_ARG(text));
	}
	leave_idle_locked(stream);
	list_add_last(&stream->mailbox, &work->node);
	stream->mailbox_count++;
	bool mine = !stream->running;
	stream->running = true;
	mutex_unlock(&stripe->mu);
	if (mine) {
		stream->lane = lane_current->index;
		run_stream(stream);
	}
	return OK;
}

static void continue_stream(struct task *task)
{
	struct stream *stream = CONTAINER_OF(task, struct stream, task);

	lane_current = &stream->runtime->lanes[stream->lane];
	run_stream(stream);
}

void stream_repost_locked(struct stream *stream, struct work *work)
{
	CHECK_DEBUG(MUTEX_IS_HELD(&stream->stripe->mu));
	leave_idle_locked(stream);
	work->run_again = false;
	list_add_last(&stream->mailbox, &work->node);
	stream->mailbox_count++;
}

bool stream_claim_locked(struct stream *stream)
{
	CHECK_DEBUG(MUTEX_IS_HELD(&stream->stripe->mu));
	if (stream->running || stream->mailbox_count == 0)
		return false;
	stream->running = true;
	return true;
}

void stream_go_on(struct stream *stream)
{
	stream->lane = lane_current->index;
	stream->task.run = continue_stream;
	executor_post(lane_current->executor, &stream->task);
}

/* Gives the stream back to the loop when others wait for this lane too. False: nothing waits in the
 * mailbox, so the run may as well find that out. */
static bool give_way(struct stream *stream)
{
	mutex_lock(&stream->stripe->mu);
	bool waiting = stream->mailbox_count != 0;
	mutex_unlock(&stream->stripe->mu);
	if (waiting)
		stream_go_on(stream);
	return waiting;
}

/* The next request to run, or NULL: then the stream is no longer this lane's. */
static struct work *take_next(struct stream *stream)
{
	MUTEX_GUARD(&stream->stripe->mu);

	for (struct list *node; (node = list_take_first(&stream->mailbox)) != NULL;) {
		struct work *work = LIST_ENTRY(node, struct work, node);

		stream->mailbox_count--;
		if (!stream->stale)
			return work;
		/* What was loaded was built on a frame that is not there. Frames behind it fail
		 * too; only when all have settled does the store's head say how things are. */
		if (pending_wait_for_newest_locked(stream, work, /* run_again= */ true))
			continue;
		stream->loaded = false;
		stream->stale = false;
		return work;
	}
	stream->running = false;
	stream_settle_locked(stream);
	return NULL;
}

static enum status load_state(struct stream *stream, struct error *err)
{
	static const struct fold_limits all = { .max_version = UINT64_MAX,
						.max_time_us = UINT64_MAX };
	struct fold_result result = { 0 };

	enum status s =
		fold_stream(stream->runtime, stream->component, stream->name, &all, &result, err);
	if (s != OK)
		return s;
	if (result.version != stream->head.version) {
		free(result.state);
		return ERROR(err, ERR_CORRUPT, "stream '%s' has %llu events and its head says %llu",
			     stream->text, (unsigned long long)result.version,
			     (unsigned long long)stream->head.version);
	}
	stream_set_state(stream, &result.state, result.state_size);
	counter_add(stream->runtime->metrics.loads, 1);
	return OK;
}

static void on_pool(struct task *task)
{
	struct stream *stream = CONTAINER_OF(task, struct stream, task);

	stream->away_on_pool(stream->away, stream);
	stream->task.run = continue_stream;
	executor_post(stream->runtime->lanes[stream->lane].executor, &stream->task);
}

void stream_send_away(struct stream *stream, struct work *work, away_fn away, back_fn back)
{
	CHECK(stream->away == NULL);
	stream->away = work;
	stream->away_on_pool = away;
	stream->back_on_lane = back;
	stream->task.run = on_pool;
	executor_post(stream->runtime->options.pool, &stream->task);
}

bool stream_is_slow(const struct stream *stream)
{
	return atomic_load_explicit(&stream->component->decision_ns, memory_order_relaxed) >
	       SLOW_NS;
}

static void load_away(struct work *work, struct stream *stream)
{
	stream->away_status = load_state(stream, &work->err);
}

/* The load has ended, here or on the pool: the request runs, or fails with it. */
static enum work_run load_back(struct work *work, struct stream *stream)
{
	enum status s = stream->away_status;

	stream->loaded = s == OK;
	if (s == OK)
		return work->run(work, stream);
	work_fail(work, stream, failure_of_fold(s));
	return WORK_RAN;
}

/* Nothing of the stream is on its way, so its head is durable, unless the disk has failed: what was
 * given up still counts in heads then, and nobody may be told of it. For an aggregate the fold finds
 * that out. */
static enum status load_head(struct stream *stream, struct error *err)
{
	struct store *store = stream->runtime->options.store;
	struct store_status status;

	stream->head = store_head(store, stream->name);
	if (stream->component != NULL)
		return OK;
	store_status(store, &status);
	return status.mode != STORE_FAILED ? OK : ERROR(err, ERR_CLOSED, "the disk has failed");
}

static enum work_run load_and_run(struct work *work, struct stream *stream)
{
	stream_set_state(stream, &(char *){ NULL }, 0);
	stream->away_status = load_head(stream, &work->err);
	if (stream->component != NULL && stream->head.version != 0) {
		if (stream->head.version > LOAD_INLINE_EVENTS_MAX || stream_is_slow(stream)) {
			stream_send_away(stream, work, load_away, load_back);
			return WORK_AWAY;
		}
		load_away(work, stream);
	}
	return load_back(work, stream);
}

/* One request further. False: the stream is no longer this lane's for now. */
static bool run_next(struct stream *stream)
{
	struct work *work = take_next(stream);

	if (work == NULL)
		return false;
	if (work->lane != lane_current->index)
		counter_add(stream->runtime->metrics.handed_over, 1);
	return (stream->loaded ? work->run(work, stream) : load_and_run(work, stream)) == WORK_RAN;
}

static void run_stream(struct stream *stream)
{
	struct clock *clock = stream->runtime->options.clock;
	uint64_t deadline_ns = clock_monotonic_ns(clock) + RUN_MAX_NS;
	struct work *back = TAKE(stream->away);

	if (back != NULL && stream->back_on_lane(back, stream) == WORK_AWAY)
		return;
	for (unsigned count = 1; run_next(stream); count++)
		if ((count >= RUN_MAX || clock_monotonic_ns(clock) >= deadline_ns) &&
		    give_way(stream))
			return;
}
