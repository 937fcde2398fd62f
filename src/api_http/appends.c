/* SPDX-License-Identifier: Apache-2.0 */
/* appends.c - events appended directly to a category that no component owns. */
#include "api_http/call.h"
#include "api_http/reply.h"
#include "runtime/direct_append.h"

struct append_call {
	struct call *call;
	struct direct_append_request request;
};

static void answer(struct work *work)
{
	struct direct_append_request *request =
		CONTAINER_OF(work, struct direct_append_request, work);
	struct call *call = CONTAINER_OF(request, struct append_call, request)->call;
	OWNED(buf) struct buf body = { 0 };
	struct json_writer writer;

	if (work->failure == FAILURE_VERSION_CONFLICT) {
		reply_version_conflict(call, &work->err, request->actual_version);
		return;
	}
	if (work->failure != FAILURE_NONE) {
		call_fail(call, work->failure, &work->err);
		return;
	}
	json_writer_init(&writer, &body);
	json_begin_object(&writer);
	reply_stream(&writer, work->stream);
	if (request->duplicate)
		json_member_bool(&writer, "duplicate", true);
	json_member_u64(&writer, "version", request->version);
	json_member_u64(&writer, "position", request->position);
	json_key(&writer, "events");
	json_begin_array(&writer);
	for (size_t i = 0; i < request->event_count; i++)
		reply_event(&writer, &request->events[i].id, request->events[i].type,
			    request->first_version + i, request->first_position + i,
			    request->time_us, request->events[i].data);
	json_end_array(&writer);
	json_end_object(&writer);
	call_respond_json(call, 200, &body);
}

static bool take_event_id(struct call *call, const struct json *member, size_t index,
			  struct direct_event *event)
{
	if (member == NULL)
		return true;
	event->has_id = true;
	if (json_type(member) == JSON_STRING && uuid_parse(json_string(member), &event->id))
		return true;
	call_problem(call, 400, "bad_id", "event %zu: member 'id' must be a UUID", index);
	return false;
}

static bool take_event(struct call *call, struct span text, size_t index,
		       struct direct_event *event)
{
	static const char *const members[] = { "id", "type", "data", "metadata", NULL };
	struct error err = { 0 };
	const struct json *value;

	/* Parsed as part of the body already; this gives the members their own texts. */
	enum status s = json_parse(text, call->arena, &value, &err);
	if (s != OK) {
		call_refuse(call, error_wrap(&err, s, "event %zu", index), "bad_json", &err);
		return false;
	}
	if (json_type(value) != JSON_OBJECT) {
		call_problem(call, 400, "bad_request", "event %zu must be an object", index);
		return false;
	}
	struct span unknown = json_unknown_member(value, members);
	if (unknown.data != NULL) {
		call_problem(call, 400, "unknown_member", "event %zu: unknown member '%.*s'", index,
			     SPAN_ARG(unknown));
		return false;
	}
	if (!take_event_id(call, json_get(value, "id"), index, event))
		return false;
	event->type = json_string(json_get(value, "type"));
	if (event->type.data == NULL || name_check_type(event->type, &err) != OK) {
		call_problem(call, 400, "bad_type", "event %zu: member 'type': %s", index,
			     event->type.data == NULL ? "a string is needed" : error_text(&err));
		return false;
	}
	event->data = json_member_text(text, "data");
	if (event->data.data == NULL) {
		call_problem(call, 400, "bad_request", "event %zu: member 'data' is missing",
			     index);
		return false;
	}
	event->metadata = json_member_text(text, "metadata");
	if (event->metadata.data == NULL)
		return true;
	/* Kept as it is, but under the rules for metadata from clients. */
	struct metadata metadata;
	s = metadata_from_client(event->metadata, call->arena, &metadata, &err);
	if (s == OK)
		return true;
	call_refuse(call, error_wrap(&err, s, "event %zu: member 'metadata'", index),
		    "bad_metadata", &err);
	return false;
}

static bool check_ids(struct call *call, const struct direct_append_request *request)
{
	for (size_t i = 0; i < request->event_count; i++) {
		if (request->events[i].has_id != request->events[0].has_id) {
			call_problem(call, 400, "bad_id", "either all events have an id, or none");
			return false;
		}
		for (size_t j = 0; j < i && request->events[i].has_id; j++) {
			if (uuid_equal(&request->events[i].id, &request->events[j].id)) {
				call_problem(call, 400, "bad_id", "events %zu and %zu have one id",
					     j, i);
				return false;
			}
		}
	}
	return true;
}

static bool take_events(struct call *call, const struct json *body,
			struct direct_append_request *request)
{
	const struct json *array = json_get(body, "events");
	size_t count = json_count(array);
	struct span text;
	size_t at = 0;

	if (json_type(array) != JSON_ARRAY || count == 0 || count > FRAME_EVENTS_MAX) {
		call_problem(call, 400, "bad_request",
			     "member 'events' must be an array of 1 to %d events",
			     FRAME_EVENTS_MAX);
		return false;
	}
	request->events = arena_alloc_array(call->arena, count, sizeof(*request->events));
	if (request->events == NULL) {
		call_problem(call, 503, "no_memory", "no memory for %zu events", count);
		return false;
	}
	request->event_count = count;
	struct span all = json_member_text(http_request_body(call->request), "events");
	for (size_t i = 0; i < count && json_next_element_text(all, &at, &text); i++)
		if (!take_event(call, text, i, &request->events[i]))
			return false;
	return check_ids(call, request);
}

void route_post_stream(struct call *call)
{
	static const char *const members[] = { "expected_version", "events", NULL };
	static const char *const parameters[] = { NULL };
	struct append_call *append = arena_alloc_zeroed(call->arena, sizeof(*append));
	const struct json *body;

	if (append == NULL) {
		call_problem(call, 503, "no_memory", "no memory for the request");
		return;
	}
	struct direct_append_request *request = &append->request;
	append->call = call;
	if (!call_check_content_type(call, "application/json") ||
	    !call_check_query(call, parameters) || !call_stream_name(call, &request->work.stream) ||
	    !call_parse_body(call, members, &body) ||
	    !reply_take_expected_version(call, body, &request->has_expected_version,
					 &request->expected_version) ||
	    !take_events(call, body, request) || !call_metadata_headers(call, &request->metadata))
		return;
	request->work.lane = call->lane->index;
	request->work.arena = call->arena;
	request->work.answer = answer;
	direct_append_submit(call->lane->api->options.runtime, request);
}
