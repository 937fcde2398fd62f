/* SPDX-License-Identifier: Apache-2.0 */
/* follow.c - server-sent events: catch up, then follow live.
 *
 *	READING (on the pool) --page--> lane: written --no room--> FULL --drain--> READING
 *	    |                              +--more to read--> READING
 *	    |                              +--reached the end--> WAITING --something durable--> READING
 *	    +--client gone meanwhile--> freed when the pool is done with it
 *
 * A follower holds one page at a time, and reads none while what it wrote has not gone out; so a slow
 * client costs a page and the connection's output, and holds up nobody. The store's observer only marks lanes; each lane then wakes its followers, so no
 * follower polls. Heartbeats carry the place scanned so far as `id`, so that a client whose filter
 * matches little does not begin anew after a reconnect. */
#include "api_http/follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"

#define PAGE_EVENTS_MAX 1000

enum follower_state { READING, FULL, WAITING };

struct follower {
	struct api_lane *lane;
	struct list node;           /* lane->followers */
	struct http_stream *stream; /* NULL: the client is gone */
	enum follower_state state;
	bool more;          /* something became durable while it was READING */
	bool wrote;         /* since the last heartbeat */
	bool heartbeat_due; /* when its page comes, should that be empty */
	struct task task;
	struct page_query query;
	struct page page;
	enum status status;
	struct error err;
	char names[STREAM_NAME_MAX_BYTES + PAGE_TYPES_MAX * TYPE_MAX_BYTES]; /* the query's */
	size_t names_size;
};

static void read_next(struct follower *follower);

static void free_follower(struct follower *follower)
{
	list_remove(&follower->node);
	atomic_fetch_sub(&follower->lane->api->follower_count, 1);
	buf_fini(&follower->page.text);
	free(follower);
}

/* False: the client has to take up what was written first. */
static bool write_text(struct follower *follower, const struct buf *text)
{
	follower->wrote = true;
	follower->heartbeat_due = false;
	return http_stream_write(follower->stream, buf_span(text));
}

/* Comment, place and blank line: no event for the client, but it remembers the place. */
static bool write_heartbeat(struct follower *follower)
{
	OWNED(buf) struct buf text = { 0 };

	buf_append_string(&text, ": heartbeat\nid: ");
	buf_append_u64(&text, follower->query.after);
	buf_append_string(&text, "\n\n");
	/* Out of memory: the next one will do. */
	return buf_status(&text) != OK || write_text(follower, &text);
}

/* The read on the pool has come back to the lane. */
static void page_arrived(struct task *task)
{
	struct follower *follower = CONTAINER_OF(task, struct follower, task);

	if (follower->stream == NULL) {
		free_follower(follower);
		return;
	}
	if (follower->status != OK) {
		log_event(LOG_ERROR, "follow_failed",
			  LOG_STRING("error", error_text(&follower->err)));
		http_stream_end(TAKE(follower->stream));
		free_follower(follower);
		return;
	}
	follower->query.after = follower->page.next;
	bool room = true;
	if (follower->page.text.size != 0)
		room = write_text(follower, &follower->page.text);
	else if (follower->heartbeat_due)
		room = write_heartbeat(follower);
	/* Thousands of followers wait, and a page has megabytes. */
	buf_fini(&follower->page.text);
	if (!room)
		follower->state = FULL;
	else if (follower->page.reached_end && !follower->more)
		follower->state = WAITING;
	else
		read_next(follower);
}

static void read_page(struct task *task)
{
	struct follower *follower = CONTAINER_OF(task, struct follower, task);

	follower->page = (struct page){ 0 };
	follower->status =
		page_read(follower->lane->api, &follower->query, &follower->page, &follower->err);
	follower->task.run = page_arrived;
	executor_post(loop_executor(follower->lane->loop), &follower->task);
}

static void read_next(struct follower *follower)
{
	follower->state = READING;
	follower->more = false;
	follower->task.run = read_page;
	executor_post(follower->lane->api->options.pool, &follower->task);
}

static void drained(void *arg)
{
	struct follower *follower = arg;

	if (follower->state == FULL)
		read_next(follower);
}

static void closed(void *arg)
{
	struct follower *follower = arg;

	follower->stream = NULL;
	if (follower->state != READING)
		free_follower(follower);
}

/* ---- waking --------------------------------------------------------------------------------- */

static void wake_followers(struct task *task)
{
	struct api_lane *lane = CONTAINER_OF(task, struct api_lane, wake);

	atomic_store(&lane->wake_posted, false);
	LIST_FOR_EACH(&lane->followers, node)
	{
		struct follower *follower = LIST_ENTRY(node, struct follower, node);

		if (follower->state == WAITING)
			read_next(follower);
		else
			follower->more = true;
	}
}

static void durable(struct store_observer *observer, uint64_t sequence)
{
	struct api *api = CONTAINER_OF(observer, struct api, observer);

	(void)sequence; /* followers read from where they are */
	/* Not a mere load: either this sees the follower that has just begun and wakes it, or that one's
	 * addition comes later, and its first read then sees what has just become durable. */
	if (atomic_fetch_add(&api->follower_count, 0) == 0)
		return;
	for (size_t i = 0; i < api->options.lane_count; i++) {
		struct api_lane *lane = &api->lanes[i];

		if (!atomic_exchange(&lane->wake_posted, true))
			executor_post(loop_executor(lane->loop), &lane->wake);
	}
}

static void heartbeat(void *arg)
{
	struct api_lane *lane = arg;

	LIST_FOR_EACH(&lane->followers, node)
	{
		struct follower *follower = LIST_ENTRY(node, struct follower, node);

		if (!follower->wrote && follower->state == READING)
			follower->heartbeat_due = true;
		else if (!follower->wrote && follower->state == WAITING &&
			 !write_heartbeat(follower))
			follower->state = FULL;
		follower->wrote = false;
	}
	if (!list_is_empty(&lane->followers))
		loop_timer_start(lane->heartbeat, lane->api->options.heartbeat_ms);
}

/* ---- the beginning and the end --------------------------------------------------------------- */

static struct span keep_name(struct follower *follower, struct span name)
{
	char *at = follower->names + follower->names_size;

	if (name.size == 0)
		return SPAN_EMPTY;
	CHECK(name.size <= sizeof(follower->names) - follower->names_size);
	memcpy(at, name.data, name.size);
	follower->names_size += name.size;
	return span_of(at, name.size);
}

/* The query's names are the call's, which is about to go. */
static void keep_query(struct follower *follower, const struct page_query *query)
{
	follower->query = *query;
	follower->query.stream.category = keep_name(follower, query->stream.category);
	follower->query.stream.key = keep_name(follower, query->stream.key);
	follower->query.category = keep_name(follower, query->category);
	for (size_t i = 0; i < query->type_count; i++)
		follower->query.types[i] = keep_name(follower, query->types[i]);
	follower->query.limit = PAGE_EVENTS_MAX;
}

void follow_begin(struct call *call, const struct page_query *query)
{
	struct api_lane *lane = call->lane;
	const struct http_header no_cache = { SPAN("Cache-Control"), SPAN("no-store") };
	const struct http_response head = { .status = 200,
					    .content_type = "text/event-stream",
					    .headers = &no_cache,
					    .header_count = 1 };

	if (http_request_is_head(call->request)) {
		call_respond(call, &head);
		return;
	}
	uint64_t count = atomic_fetch_add(&lane->api->follower_count, 1);
	struct follower *follower =
		count < lane->api->options.followers_max ? calloc(1, sizeof(*follower)) : NULL;
	if (follower == NULL) {
		atomic_fetch_sub(&lane->api->follower_count, 1);
		if (count < lane->api->options.followers_max)
			call_problem(call, 503, "no_memory", "no memory for an event stream");
		else
			call_problem(call, 503, "busy", "too many event streams are open (%llu)",
				     (unsigned long long)count);
		return;
	}
	follower->lane = lane;
	keep_query(follower, query);
	if (list_is_empty(&lane->followers))
		loop_timer_start(lane->heartbeat, lane->api->options.heartbeat_ms);
	list_add_last(&lane->followers, &follower->node);
	follower->stream =
		http_stream_begin(call->request, &head,
				  &(struct http_stream_callbacks){
					  .drain = drained, .closed = closed, .arg = follower });
	read_next(follower);
}

static int64_t followers_count(void *arg)
{
	struct api *api = arg;

	return (int64_t)atomic_load(&api->follower_count);
}

enum status followers_init(struct api *api, struct error *err)
{
	for (size_t i = 0; i < api->options.lane_count; i++) {
		struct api_lane *lane = &api->lanes[i];

		lane->wake.run = wake_followers;
		enum status s = loop_timer_new(lane->loop, heartbeat, lane, &lane->heartbeat, err);
		if (s != OK)
			return s;
	}
	enum status s = metrics_read_gauge(api->options.metrics, "concordance_followers", NULL,
					   "Event streams that are open.", followers_count, api);
	if (s != OK)
		return ERROR(err, s, "metrics of the HTTP API");
	api->observer.durable = durable;
	store_observe(api->options.store, &api->observer);
	return OK;
}

void followers_fini(struct api *api)
{
	if (api->observer.durable != NULL)
		store_unobserve(api->options.store, &api->observer);
	for (size_t i = 0; api->lanes != NULL && i < api->options.lane_count; i++) {
		struct api_lane *lane = &api->lanes[i];

		while (!list_is_empty(&lane->followers))
			free_follower(LIST_ENTRY(lane->followers.next, struct follower, node));
		loop_timer_free(lane->heartbeat);
	}
}
