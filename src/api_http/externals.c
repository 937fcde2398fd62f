/* SPDX-License-Identifier: Apache-2.0 */
/* externals.c - CloudEvents from outside, in the three forms of the HTTP binding.
 *
 *	structured  Content-Type: application/cloudevents+json, the event is the body
 *	batch       Content-Type: application/cloudevents-batch+json, an array of them
 *	binary      any other JSON Content-Type with ce- headers; the body is the data
 *
 * All events of a batch are checked before the first is stored. */
#include <string.h>
#include <strings.h>

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

static void answer_all(struct externals *externals)
{
	struct call *call = externals->call;
	OWNED(buf) struct buf body = { 0 };
	struct json_writer writer;

	/* One that failed makes the whole call fail: the client sends it again, and what is stored
	 * already is then a duplicate. */
	for (size_t i = 0; i < externals->count; i++) {
		struct work *work = &externals->calls[i].request.work;

		if (work->failure == FAILURE_NONE)
			continue;
		if (externals->count > 1) {
			struct error err = { 0 };

			(void)ERROR(&err, work->err.status,
				    "event %zu of %zu: %s; others of the batch may be stored, and "
				    "sending the batch again is safe",
				    i, externals->count, error_text(&work->err));
			call_fail_maybe_stored(call, work->failure, &err);
		} else {
			call_fail(call, work->failure, &work->err);
		}
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
	struct externals *externals =
		arena_alloc_zeroed(call->arena, sizeof(*externals) + count * sizeof(externals->calls[0]));

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
	struct error located = { 0 };

	enum failure failure =
		external_check(call->lane->api->options.runtime, &request->event, &err);
	if (failure != FAILURE_NONE) {
		if (externals->count > 1)
			(void)ERROR(&located, err.status, "event %zu: %s", index, error_text(&err));
		call_fail(call, failure, externals->count > 1 ? &located : &err);
		return false;
	}
	request->metadata.correlation_id = request->event.correlation_id;
	request->metadata.traceparent = request->event.traceparent;
	return call_metadata_headers(call, &request->metadata);
}

static bool parse_one(struct call *call, struct externals *externals, size_t index, struct span text)
{
	struct error err = { 0 };

	enum status s = cloudevent_parse(text, call->arena, &externals->calls[index].request.event, &err);
	if (s == OK)
		return check_one(call, externals, index);
	if (externals->count > 1)
		call_problem(call, s == ERR_NOMEM ? 503 : 400, s == ERR_NOMEM ? "no_memory" : "bad_event",
			     "event %zu: %s", index, error_text(&err));
	else
		call_problem(call, s == ERR_NOMEM ? 503 : 400, s == ERR_NOMEM ? "no_memory" : "bad_event",
			     "%s", error_text(&err));
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
	/* The last answer, which may come before the loop ends, takes the arena with it. */
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
		call_problem(call, s == ERR_NOMEM ? 503 : 400, s == ERR_NOMEM ? "no_memory" : "bad_json",
			     "%s", error_text(&err));
		return;
	}
	if (json_type(array) != JSON_ARRAY || json_count(array) == 0 || json_count(array) > BATCH_MAX) {
		call_problem(call, 400, "bad_request", "a batch is an array of 1 to %d events", BATCH_MAX);
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

/* ---- the binary form ------------------------------------------------------------------------- */

/* Header values hold what is not printable ASCII as percent escapes of UTF-8. */
static struct span decoded(struct call *call, struct span value)
{
	struct span segments[1];
	struct error err = { 0 };
	size_t count;

	if (memchr(value.data, '%', value.size) == NULL)
		return value;
	OWNED(buf) struct buf path = { 0 };
	buf_append_byte(&path, '/');
	buf_append_span(&path, value);
	if (buf_status(&path) != OK || memchr(value.data, '/', value.size) != NULL ||
	    http_path_split(buf_span(&path), call->arena, segments, 1, &count, &err) != OK || count != 1)
		return value;
	return segments[0];
}

static struct span extensions_of(struct call *call)
{
	size_t count;
	const struct http_header *headers = http_request_headers(call->request, &count);
	static const char *const known[] = { "ce-id",   "ce-source", "ce-type",
					     "ce-time", "ce-subject", "ce-specversion",
					     "ce-correlationid", "ce-traceparent" };
	OWNED(buf) struct buf text = { 0 };
	struct json_writer writer;
	size_t extension_count = 0;

	json_writer_init(&writer, &text);
	json_begin_object(&writer);
	for (size_t i = 0; i < count; i++) {
		struct span name = headers[i].name;
		char lower[32];
		bool is_known = false;

		if (name.size <= 3 || name.size - 3 > sizeof(lower) ||
		    strncasecmp(name.data, "ce-", 3) != 0)
			continue;
		for (size_t j = 0; j < ARRAY_COUNT(known); j++)
			is_known = is_known || (strlen(known[j]) == name.size &&
						strncasecmp(known[j], name.data, name.size) == 0);
		if (is_known)
			continue;
		for (size_t j = 3; j < name.size; j++)
			lower[j - 3] = (char)(name.data[j] >= 'A' && name.data[j] <= 'Z' ? name.data[j] + 32
											 : name.data[j]);
		json_key_span(&writer, span_of(lower, name.size - 3));
		json_write_string(&writer, decoded(call, headers[i].value));
		extension_count++;
	}
	json_end_object(&writer);
	if (buf_status(&text) != OK || extension_count == 0)
		return SPAN_EMPTY;
	return arena_copy(call->arena, buf_span(&text));
}

static struct span header_of(struct call *call, const char *name)
{
	struct span value = http_request_header(call->request, name);

	return value.size != 0 ? decoded(call, value) : value;
}

static void post_binary(struct call *call)
{
	struct externals *externals = externals_new(call, 1);
	struct span version = http_request_header(call->request, "ce-specversion");
	struct span body = http_request_body(call->request);
	struct error err = { 0 };

	if (externals == NULL)
		return;
	if (!span_equal(version, SPAN("1.0"))) {
		call_problem(call, 400, "bad_event", "ce-specversion must be 1.0, not '%.*s'",
			     SPAN_ARG(version));
		return;
	}
	struct cloudevent *event = &externals->calls[0].request.event;
	event->id = header_of(call, "ce-id");
	event->source = header_of(call, "ce-source");
	event->type = header_of(call, "ce-type");
	event->subject = header_of(call, "ce-subject");
	event->time = header_of(call, "ce-time");
	event->correlation_id = header_of(call, "ce-correlationid");
	event->traceparent = header_of(call, "ce-traceparent");
	event->extensions = extensions_of(call);
	event->data = body.size != 0 ? body : SPAN("null");
	enum status s = json_check(event->data, JSON_MISSING, &err);
	if (s == OK)
		s = cloudevent_check(event, &err);
	if (s != OK) {
		call_problem(call, s == ERR_NOMEM ? 503 : 400, s == ERR_NOMEM ? "no_memory" : "bad_event",
			     "%s", error_text(&err));
		return;
	}
	if (check_one(call, externals, 0))
		submit_all(call, externals);
}

static bool has_media_type(struct call *call, const char *type)
{
	struct span given = http_request_header(call->request, "content-type");
	size_t size = strlen(type);

	return given.size >= size && strncasecmp(given.data, type, size) == 0 &&
	       (given.size == size || given.data[size] == ';' || given.data[size] == ' ');
}

void route_post_events(struct call *call)
{
	static const char *const parameters[] = { NULL };

	if (!call_check_query(call, parameters))
		return;
	if (has_media_type(call, "application/cloudevents-batch+json")) {
		post_batch(call);
	} else if (has_media_type(call, "application/cloudevents+json")) {
		struct externals *externals = externals_new(call, 1);

		if (externals != NULL &&
		    parse_one(call, externals, 0, http_request_body(call->request)))
			submit_all(call, externals);
	} else if (http_request_header(call->request, "ce-id").data != NULL &&
		   has_media_type(call, "application/json")) {
		post_binary(call);
	} else {
		call_problem(call, 415, "unsupported_media_type",
			     "Content-Type must be application/cloudevents+json, "
			     "application/cloudevents-batch+json, or application/json with ce- headers");
	}
}
