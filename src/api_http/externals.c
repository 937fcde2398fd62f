/* SPDX-License-Identifier: Apache-2.0 */
/* externals.c - CloudEvents from outside, in the three forms of the HTTP binding.
 *
 *	structured  Content-Type: application/cloudevents+json, the event is the body
 *	batch       Content-Type: application/cloudevents-batch+json, an array of them
 *	binary      Content-Type: application/json with ce- headers; the body is the data
 *
 * All events of a batch are checked before the first is stored. */
#include "api_http/binary_event.h"
#include "api_http/call.h"
#include "api_http/reply.h"
#include "runtime/external.h"

#define BATCH_MAX 1000

struct externals;

struct external_call {
	struct externals *batch;
	struct external_request request;
};

struct externals {
	struct call *call;
	size_t count;
	size_t unanswered;
	struct external_call calls[];
};

static size_t first_failed(const struct externals *externals)
{
	size_t i = 0;

	while (i < externals->count && externals->calls[i].request.work.failure == FAILURE_NONE)
		i++;
	return i;
}

/* One that failed makes the whole call fail: the client sends it again, and what is stored already is
 * then a duplicate. */
static void answer_failed(struct externals *externals, size_t index)
{
	struct work *work = &externals->calls[index].request.work;
	size_t stored = 0;
	size_t unknown = 0;

	for (size_t i = 0; i < externals->count; i++) {
		stored += externals->calls[i].request.work.failure == FAILURE_NONE;
		unknown += externals->calls[i].request.work.failure == FAILURE_STORAGE;
	}
	if (externals->count > 1)
		(void)error_wrap(
			&work->err, work->err.status,
			"event %zu (%zu of %zu are stored; sending the batch again is safe)", index,
			stored, externals->count);
	if (stored != 0 || unknown != 0)
		call_fail_in_part(externals->call, work->failure, &work->err);
	else
		call_fail(externals->call, work->failure, &work->err);
}

static void answer_all(struct externals *externals)
{
	struct call *call = externals->call;
	OWNED(buf) struct buf body = { 0 };
	struct json_writer writer;
	size_t failed = first_failed(externals);

	if (failed != externals->count) {
		answer_failed(externals, failed);
		return;
	}
	json_writer_init(&writer, &body);
	json_begin_object(&writer);
	json_key(&writer, "results");
	json_begin_array(&writer);
	for (size_t i = 0; i < externals->count; i++) {
		const struct external_request *request = &externals->calls[i].request;
		char id[UUID_TEXT_BYTES];

		uuid_format(&request->id, id);
		json_begin_object(&writer);
		json_member_cstring(&writer, "id", id);
		json_member_u64(&writer, "position", request->position);
		json_member_bool(&writer, "duplicate", request->duplicate);
		json_end_object(&writer);
	}
	json_end_array(&writer);
	json_end_object(&writer);
	call_respond_json(call, 200, &body);
}

static void answer_one(struct work *work)
{
	struct external_request *request = CONTAINER_OF(work, struct external_request, work);
	struct externals *externals = CONTAINER_OF(request, struct external_call, request)->batch;

	if (--externals->unanswered == 0)
		answer_all(externals);
}

static struct externals *externals_new(struct call *call, size_t count)
{
	struct externals *externals = arena_alloc_zeroed(
		call->arena, sizeof(*externals) + count * sizeof(externals->calls[0]));

	if (externals == NULL) {
		call_problem(call, 503, "no_memory", "no memory for %zu events", count);
		return NULL;
	}
	externals->call = call;
	externals->count = count;
	return externals;
}

static bool check_one(struct call *call, struct externals *externals, size_t index)
{
	struct external_request *request = &externals->calls[index].request;
	struct error err = { 0 };

	enum failure failure =
		external_check(call->lane->api->options.runtime, &request->event, &err);
	if (failure != FAILURE_NONE) {
		if (externals->count > 1)
			(void)error_wrap(&err, err.status, "event %zu", index);
		call_fail(call, failure, &err);
		return false;
	}
	request->metadata.correlation_id = request->event.correlation_id;
	request->metadata.traceparent = request->event.traceparent;
	return call_metadata_headers(call, &request->metadata);
}

static bool parse_one(struct call *call, struct externals *externals, size_t index,
		      struct span text)
{
	struct error err = { 0 };

	enum status s =
		cloudevent_parse(text, call->arena, &externals->calls[index].request.event, &err);
	if (s == OK)
		return check_one(call, externals, index);
	if (externals->count > 1)
		(void)error_wrap(&err, s, "event %zu", index);
	call_refuse(call, s, "bad_event", &err);
	return false;
}

static void submit_all(struct call *call, struct externals *externals)
{
	struct runtime *runtime = call->lane->api->options.runtime;
	size_t count = externals->count;

	externals->unanswered = count;
	for (size_t i = 0; i < count; i++) {
		struct external_request *request = &externals->calls[i].request;

		externals->calls[i].batch = externals;
		request->work.lane = call->lane->index;
		request->work.arena = call->arena;
		request->work.answer = answer_one;
	}
	/* They share the call's arena, though other lanes may run some of them: storing an external event
	 * uses none. The last answer, which may come before the loop ends, takes the arena with it. */
	for (size_t i = 0; i < count; i++)
		external_submit(runtime, &externals->calls[i].request);
}

static void post_batch(struct call *call)
{
	struct span body = http_request_body(call->request);
	const struct json *array;
	struct error err = { 0 };
	struct span text;
	size_t at = 0;

	enum status s = json_parse(body, call->arena, &array, &err);
	if (s != OK) {
		call_refuse(call, s, "bad_json", &err);
		return;
	}
	if (json_type(array) != JSON_ARRAY || json_count(array) == 0 ||
	    json_count(array) > BATCH_MAX) {
		call_problem(call, 400, "bad_request", "a batch is an array of 1 to %d events",
			     BATCH_MAX);
		return;
	}
	struct externals *externals = externals_new(call, json_count(array));
	if (externals == NULL)
		return;
	for (size_t i = 0; json_next_element_text(body, &at, &text); i++)
		if (!parse_one(call, externals, i, text))
			return;
	submit_all(call, externals);
}

static void post_binary(struct call *call)
{
	struct externals *externals = externals_new(call, 1);
	struct error err = { 0 };

	if (externals == NULL)
		return;
	enum status s = binary_event_read(call, &externals->calls[0].request.event, &err);
	if (s != OK)
		call_refuse(call, s, "bad_event", &err);
	else if (check_one(call, externals, 0))
		submit_all(call, externals);
}

static void post_structured(struct call *call)
{
	struct externals *externals = externals_new(call, 1);

	if (externals != NULL && parse_one(call, externals, 0, http_request_body(call->request)))
		submit_all(call, externals);
}

void route_post_events(struct call *call)
{
	static const char *const parameters[] = { NULL };

	if (!call_check_query(call, parameters))
		return;
	if (call_has_content_type(call, "application/cloudevents-batch+json"))
		post_batch(call);
	else if (call_has_content_type(call, "application/cloudevents+json"))
		post_structured(call);
	else if (call_has_content_type(call, "application/json") &&
		 (http_request_header(call->request, "ce-specversion").data != NULL ||
		  http_request_header(call->request, "ce-id").data != NULL))
		post_binary(call);
	else
		call_problem(
			call, 415, "unsupported_media_type",
			"Content-Type must be application/cloudevents+json, "
			"application/cloudevents-batch+json, or application/json with ce- headers "
			"(ce-specversion, ce-id ...)");
}
