/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - lists of events, of one stream and of the whole log. */
#include <stdlib.h>
#include <string.h>

#include "api_http/call.h"
#include "api_http/follow.h"
#include "api_http/page.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 10000

struct list_call {
	struct page_query query;
	struct page page;
	enum status status;
	struct error err;
};

static const char *const content_types[] = {
	[PAGE_BATCH] = "application/cloudevents-batch+json",
	[PAGE_NDJSON] = "application/x-ndjson",
	[PAGE_SSE] = "text/event-stream",
};

/* Does an Accept header name the media type, or a range that holds it? Weights do not matter for a
 * choice of three. */
static bool accepts(struct span accept, const char *type)
{
	return accept.size != 0 && memmem(accept.data, accept.size, type, strlen(type)) != NULL;
}

static bool choose_format(struct call *call, enum page_format *ret)
{
	struct span accept = http_request_header(call->request, "accept");

	*ret = PAGE_BATCH;
	if (accepts(accept, "text/event-stream"))
		*ret = PAGE_SSE;
	else if (accepts(accept, "application/x-ndjson"))
		*ret = PAGE_NDJSON;
	else if (accept.size != 0 && !accepts(accept, "application/cloudevents-batch+json") &&
		 !accepts(accept, "application/json") && !accepts(accept, "application/*") &&
		 !accepts(accept, "*/*")) {
		call_problem(call, 406, "not_acceptable",
			     "events come as application/cloudevents-batch+json, application/x-ndjson "
			     "or text/event-stream, not '%.*s'",
			     SPAN_ARG(accept));
		return false;
	}
	return true;
}

static bool take_direction(struct call *call, struct page_query *query)
{
	struct span direction = call_query(call, "direction");

	if (direction.data == NULL || span_equal(direction, SPAN("forward"))) {
		query->direction = FORWARD;
		return true;
	}
	if (span_equal(direction, SPAN("backward")) && query->format != PAGE_SSE) {
		query->direction = BACKWARD;
		return true;
	}
	call_problem(call, 400, "bad_parameter",
		     query->format == PAGE_SSE
			     ? "an event stream goes forward only; direction cannot be '%.*s'"
			     : "query parameter 'direction' is 'forward' or 'backward', not '%.*s'",
		     SPAN_ARG(direction));
	return false;
}

static bool take_filter(struct call *call, struct page_query *query)
{
	struct error err = { 0 };

	for (size_t i = 0; i < call->query_count; i++) {
		struct span value = call->query[i].value;

		if (!span_equal(call->query[i].name, SPAN("type")))
			continue;
		if (query->type_count == PAGE_TYPES_MAX) {
			call_problem(call, 400, "bad_parameter", "at most %d types can be asked for",
				     PAGE_TYPES_MAX);
			return false;
		}
		if (name_check_type(value, &err) != OK) {
			call_problem(call, 400, "bad_parameter", "query parameter 'type': %s",
				     error_text(&err));
			return false;
		}
		query->types[query->type_count++] = value;
	}
	struct span category = call_query(call, "category");
	if (category.data != NULL && name_check_category(category, &err) != OK) {
		call_problem(call, 400, "bad_parameter", "query parameter 'category': %s",
			     error_text(&err));
		return false;
	}
	query->category = category;
	return true;
}

/* A client that reconnects says in Last-Event-ID where it was. */
static bool take_after(struct call *call, struct page_query *query)
{
	struct span last_id = http_request_header(call->request, "last-event-id");
	bool given;

	query->after = query->direction == FORWARD ? 0 : UINT64_MAX;
	if (!call_query_u64(call, "after", 0, UINT64_MAX - 1, &query->after, &given))
		return false;
	if (query->format == PAGE_SSE && last_id.size != 0 && !span_parse_u64(last_id, &query->after)) {
		call_problem(call, 400, "bad_header", "header Last-Event-ID must be a whole number");
		return false;
	}
	query->limit = LIMIT_DEFAULT;
	if (query->format == PAGE_SSE && call_query(call, "limit").data != NULL) {
		call_problem(call, 400, "bad_parameter", "an event stream has no limit");
		return false;
	}
	if (!call_query_u64(call, "limit", 1, LIMIT_MAX, &query->limit, NULL))
		return false;
	/* Beyond the head there is nothing that this log has ever given out: the client talks of
	 * another log, perhaps the one from before a restore. */
	uint64_t head = store_durable(call->lane->api->options.store);
	if (!query->of_stream && query->direction == FORWARD && position_sequence(query->after) > head) {
		call_problem(call, 409, "beyond_head",
			     "position %llu is beyond the end of this log (%llu)",
			     (unsigned long long)query->after,
			     (unsigned long long)position_end(head));
		return false;
	}
	return true;
}

static void append_link(const struct call *call, const struct list_call *list, struct buf *link)
{
	const struct page_query *query = &list->query;

	buf_append_byte(link, '<');
	buf_append_span(link, http_request_path(call->request));
	buf_append_string(link, "?after=");
	buf_append_u64(link, list->page.next);
	buf_append_string(link, "&limit=");
	buf_append_u64(link, query->limit);
	if (query->direction == BACKWARD)
		buf_append_string(link, "&direction=backward");
	for (size_t i = 0; i < query->type_count; i++) {
		buf_append_string(link, "&type=");
		http_append_encoded(link, query->types[i]);
	}
	if (query->category.size != 0) {
		buf_append_string(link, "&category=");
		http_append_encoded(link, query->category);
	}
	buf_append_string(link, ">; rel=\"next\"");
}

static void answer(struct task *task)
{
	struct call *call = CONTAINER_OF(task, struct call, task);
	struct list_call *list = call->state;
	OWNED(buf) struct buf link = { 0 };
	struct http_header header = { .name = SPAN("Link") };
	struct http_response response = { .status = 200,
					  .content_type = content_types[list->query.format],
					  .headers = &header };

	if (list->status != OK) {
		call_fail(call, list->status == ERR_NOMEM ? FAILURE_NO_MEMORY : FAILURE_STORAGE,
			  &list->err);
	} else {
		/* Forward, the end of the log is only the end for now. */
		if (!list->page.reached_end ||
		    (!list->query.of_stream && list->query.direction == FORWARD)) {
			append_link(call, list, &link);
			header.value = buf_span(&link);
			response.header_count = buf_status(&link) == OK ? 1 : 0;
		}
		response.body = buf_span(&list->page.text);
		call_respond(call, &response);
	}
	buf_fini(&list->page.text);
	free(list);
}

static void read_page(struct task *task)
{
	struct call *call = CONTAINER_OF(task, struct call, task);
	struct list_call *list = call->state;

	list->status = page_read(call->lane->api, &list->query, &list->page, &list->err);
	call_back(call, answer);
}

static void list_or_follow(struct call *call, const struct page_query *query)
{
	if (query->format == PAGE_SSE) {
		follow_begin(call, query);
		return;
	}
	/* Not in the arena, which is gone when the call has been answered. */
	struct list_call *list = calloc(1, sizeof(*list));
	if (list == NULL) {
		call_problem(call, 503, "no_memory", "no memory for the request");
		return;
	}
	list->query = *query;
	call->state = list;
	call_on_pool(call, read_page);
}

void route_get_events(struct call *call)
{
	static const char *const parameters[] = { "after",    "limit", "direction",
						  "category", "type",  NULL };
	struct page_query query = { 0 };

	if (!call_check_query(call, parameters) || !choose_format(call, &query.format) ||
	    !take_direction(call, &query) || !take_filter(call, &query) || !take_after(call, &query))
		return;
	list_or_follow(call, &query);
}

void route_get_stream(struct call *call)
{
	static const char *const parameters[] = { "after", "limit", "direction", "type", NULL };
	struct page_query query = { .of_stream = true };

	if (!call_check_query(call, parameters) || !call_stream_name(call, &query.stream) ||
	    !choose_format(call, &query.format) || !take_direction(call, &query) ||
	    !take_filter(call, &query) || !take_after(call, &query))
		return;
	list_or_follow(call, &query);
}
