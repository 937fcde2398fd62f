/* SPDX-License-Identifier: Apache-2.0 */
/* events.c - lists of events, of one stream and of the whole log. */
#include <stdlib.h>
#include <string.h>

#include "api_http/accept.h"
#include "api_http/call.h"
#include "api_http/follow.h"
#include "api_http/page.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     10000

/* Not in the call's arena: it outlives the answer, and the call itself when the loop ends first. */
struct list_call {
	struct list node; /* lane->lists */
	struct page_query query;
	struct page page;
	enum status status;
	struct error err;
};

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
			call_problem(call, 400, "bad_parameter",
				     "at most %d types can be asked for", PAGE_TYPES_MAX);
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
	query->after = query->direction == FORWARD ? 0 : UINT64_MAX;
	if (!call_query_u64(call, "after", 0, UINT64_MAX, &query->after, NULL))
		return false;
	if (query->format == PAGE_SSE && last_id.size != 0 &&
	    !span_parse_u64(last_id, &query->after)) {
		call_problem(call, 400, "bad_header",
			     "header Last-Event-ID must be a whole number");
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
	if (!query->of_stream && query->direction == FORWARD &&
	    position_sequence(query->after) > head) {
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

static void free_list(struct list_call *list)
{
	list_remove(&list->node);
	buf_fini(&list->page.text);
	free(list);
}

static void answer_page(struct call *call, const struct list_call *list)
{
	OWNED(buf) struct buf link = { 0 };
	struct http_header header = { .name = SPAN("Link") };
	struct http_response response = { .status = 200,
					  .content_type = accept_content_type(list->query.format),
					  .headers = &header,
					  .body = buf_span(&list->page.text) };

	/* Forward, the end of the log is only the end for now: the link then says where to go on, and
	 * repeats `after` when there was nothing at all. */
	if (!list->page.reached_end ||
	    (!list->query.of_stream && list->query.direction == FORWARD)) {
		append_link(call, list, &link);
		if (buf_status(&link) != OK) {
			call_problem(call, 503, "no_memory", "no memory for the answer");
			return;
		}
		header.value = buf_span(&link);
		response.header_count = 1;
	}
	call_respond(call, &response);
}

static void answer(struct task *task)
{
	struct call *call = CONTAINER_OF(task, struct call, task);
	struct list_call *list = call->state;

	if (list->status == OK)
		answer_page(call, list);
	else
		call_fail_read(call, list->status, &list->err);
	free_list(list);
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
	struct list_call *list = calloc(1, sizeof(*list));
	if (list == NULL) {
		call_problem(call, 503, "no_memory", "no memory for the request");
		return;
	}
	list->query = *query;
	list_add_last(&call->lane->lists, &list->node);
	call->state = list;
	call_on_pool(call, read_page);
}

void route_get_events(struct call *call)
{
	static const char *const parameters[] = { "after",    "limit", "direction",
						  "category", "type",  NULL };
	struct page_query query = { 0 };

	if (!call_check_query(call, parameters) || !accept_choose(call, &query.format) ||
	    !take_direction(call, &query) || !take_filter(call, &query) ||
	    !take_after(call, &query))
		return;
	list_or_follow(call, &query);
}

void route_get_stream(struct call *call)
{
	static const char *const parameters[] = { "after", "limit", "direction", "type", NULL };
	struct page_query query = { .of_stream = true };

	if (!call_check_query(call, parameters) || !call_stream_name(call, &query.stream) ||
	    !accept_choose(call, &query.format) || !take_direction(call, &query) ||
	    !take_filter(call, &query) || !take_after(call, &query))
		return;
	list_or_follow(call, &query);
}

void lists_fini(struct api *api)
{
	for (size_t i = 0; api->lanes != NULL && i < api->options.lane_count; i++) {
		struct list *lists = &api->lanes[i].lists;

		while (!list_is_empty(lists))
			free_list(LIST_ENTRY(lists->next, struct list_call, node));
	}
}
