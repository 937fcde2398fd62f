/* SPDX-License-Identifier: Apache-2.0 */
/* states.c - an aggregate's state, now or as it was. */
#include "api_http/call.h"
#include "api_http/reply.h"
#include "model/timestamp.h"
#include "runtime/state.h"

struct state_call {
	struct call *call;
	struct state_request request;
};

static void answer(struct work *work)
{
	struct state_request *request = CONTAINER_OF(work, struct state_request, work);
	struct call *call = CONTAINER_OF(request, struct state_call, request)->call;
	OWNED(buf) struct buf body = { 0 };
	struct json_writer writer;

	if (work->failure != FAILURE_NONE) {
		call_fail(call, work->failure, &work->err);
		return;
	}
	json_writer_init(&writer, &body);
	json_begin_object(&writer);
	reply_stream(&writer, work->stream);
	json_member_u64(&writer, "version", request->version);
	json_member_raw(&writer, "state", request->state);
	json_end_object(&writer);
	call_respond_json(call, 200, &body);
}

static bool take_as_of(struct call *call, struct state_request *request)
{
	struct span time = call_query(call, "time");
	bool has_version;

	if (!call_query_u64(call, "version", 1, UINT64_MAX, &request->at_version, &has_version))
		return false;
	if (has_version && time.data != NULL) {
		call_problem(call, 400, "bad_parameter",
			     "query parameters 'version' and 'time' exclude each other");
		return false;
	}
	if (has_version)
		request->as_of = STATE_AT_VERSION;
	if (time.data == NULL)
		return true;
	request->as_of = STATE_AT_TIME;
	if (timestamp_parse(time, &request->at_time_us))
		return true;
	call_problem(
		call, 400, "bad_parameter",
		"query parameter 'time' must be RFC 3339, like 2026-01-31T12:00:00Z, not '%.*s'",
		SPAN_ARG(time));
	return false;
}

void route_get_state(struct call *call)
{
	static const char *const parameters[] = { "version", "time", NULL };
	struct state_call *state = arena_alloc_zeroed(call->arena, sizeof(*state));

	if (state == NULL) {
		call_problem(call, 503, "no_memory", "no memory for the request");
		return;
	}
	state->call = call;
	if (!call_check_query(call, parameters) ||
	    !call_stream_name(call, &state->request.work.stream) ||
	    !take_as_of(call, &state->request))
		return;
	state->request.work.lane = call->lane->index;
	state->request.work.arena = call->arena;
	state->request.work.answer = answer;
	state_submit(call->lane->api->options.runtime, &state->request);
}
