/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - commands to aggregates, and what became of one. */
#include "api_http/call.h"
#include "api_http/reply.h"
#include "base/check.h"
#include "runtime/command.h"

struct command_call {
	struct call *call;
	struct command_request request;
};

static void answer_rejected(struct call *call, const struct command_request *request)
{
	struct problem problem;

	problem_begin(&problem, 422, "Rejected", request->rejection.code,
		      request->rejection.reason);
	problem_stored_false(&problem);
	json_member_cstring(&problem.writer, "outcome", "rejected");
	json_member_string(&problem.writer, "id", request->id);
	if (request->rejection.details.size != 0)
		json_member_raw(&problem.writer, "details", request->rejection.details);
	problem_send(call, &problem);
}

static void answer_accepted(struct call *call, const struct command_request *request)
{
	OWNED(buf) struct buf body = { 0 };
	struct json_writer writer;

	json_writer_init(&writer, &body);
	json_begin_object(&writer);
	json_member_cstring(&writer, "outcome", "accepted");
	json_member_string(&writer, "id", request->id);
	if (request->duplicate)
		json_member_bool(&writer, "duplicate", true);
	reply_stream(&writer, request->work.stream);
	json_member_u64(&writer, "version", request->version);
	if (request->event_count != 0)
		json_member_u64(&writer, "position", request->position);
	else
		json_member_raw(&writer, "position", SPAN("null"));
	json_key(&writer, "events");
	json_begin_array(&writer);
	for (size_t i = 0; i < request->event_count; i++)
		reply_event(&writer, &request->events[i].id, request->events[i].type,
			    request->first_version + i, request->first_position + i,
			    request->time_us, request->events[i].data);
	json_end_array(&writer);
	if (request->want_state)
		json_member_raw(&writer, "state", request->state);
	json_end_object(&writer);
	call_respond_json(call, 200, &body);
}

static void answer(struct work *work)
{
	struct command_request *request = CONTAINER_OF(work, struct command_request, work);
	struct command_call *command = CONTAINER_OF(request, struct command_call, request);
	struct call *call = command->call;

	if (work->failure == FAILURE_VERSION_CONFLICT)
		reply_version_conflict(call, &work->err, request->actual_version);
	else if (work->failure != FAILURE_NONE)
		call_fail(call, work->failure, &work->err);
	else if (request->rejected)
		answer_rejected(call, request);
	else
		answer_accepted(call, request);
}

/* The id may come as a member or as the header; both must then agree. */
static bool take_id(struct call *call, const struct json *body, struct command_request *request)
{
	const struct json *member = json_get(body, "id");
	struct span header = http_request_header(call->request, "idempotency-key");
	struct error err = { 0 };

	if (member != NULL && json_type(member) != JSON_STRING) {
		call_problem(call, 400, "bad_request", "member 'id' must be a string, not %s",
			     json_type_name(json_type(member)));
		return false;
	}
	struct span id = member != NULL ? json_string(member) : header;
	if (member != NULL && header.data != NULL && !span_equal(id, header)) {
		call_problem(call, 400, "bad_request",
			     "member 'id' and header Idempotency-Key are both given and differ");
		return false;
	}
	if (member == NULL && header.data == NULL)
		return true;
	if (name_check_command_id(id, &err) != OK) {
		call_problem(call, 400, "bad_id", "%s", error_text(&err));
		return false;
	}
	if (id.data[0] == '$') {
		call_problem(call, 400, "bad_id",
			     "ids that begin with '$' are made by the runtime");
		return false;
	}
	request->id = id;
	return true;
}

static bool take_type_and_data(struct call *call, const struct json *body,
			       struct command_request *request)
{
	const struct json *type = json_get(body, "type");
	struct error err = { 0 };

	if (json_type(type) != JSON_STRING) {
		call_problem(call, 400, "bad_request", "member 'type' must be a string, not %s",
			     json_type_name(json_type(type)));
		return false;
	}
	request->type = json_string(type);
	if (name_check_type(request->type, &err) != OK) {
		call_problem(call, 400, "bad_type", "%s", error_text(&err));
		return false;
	}
	request->data = json_member_text(http_request_body(call->request), "data");
	if (request->data.data == NULL) {
		call_problem(call, 400, "bad_request",
			     "member 'data' is missing: the command's data, any JSON value");
		return false;
	}
	return true;
}

static bool take_options(struct call *call, const struct json *body,
			 struct command_request *request)
{
	struct span wanted = call_query(call, "return");

	if (!reply_take_expected_version(call, body, &request->has_expected_version,
					 &request->expected_version))
		return false;
	if (!reply_take_metadata(call, body, &request->metadata))
		return false;
	request->want_state = span_equal(wanted, SPAN("state"));
	if (wanted.data != NULL && !request->want_state) {
		call_problem(call, 400, "bad_parameter",
			     "query parameter 'return' can only be 'state'");
		return false;
	}
	return true;
}

void route_post_command(struct call *call)
{
	static const char *const members[] = { "type",     "data", "id", "expected_version",
					       "metadata", NULL };
	static const char *const parameters[] = { "return", NULL };
	struct command_call *command = arena_alloc_zeroed(call->arena, sizeof(*command));
	const struct json *body;

	if (command == NULL) {
		call_problem(call, 503, "no_memory", "no memory for the request");
		return;
	}
	struct command_request *request = &command->request;
	command->call = call;
	if (!call_check_content_type(call, "application/json") ||
	    !call_check_query(call, parameters) || !call_stream_name(call, &request->work.stream) ||
	    !call_parse_body(call, members, &body) || !take_id(call, body, request) ||
	    !take_type_and_data(call, body, request) || !take_options(call, body, request))
		return;
	request->work.lane = call->lane->index;
	request->work.arena = call->arena;
	request->work.answer = answer;
	command_submit(call->lane->api->options.runtime, request);
}

/* ---- what became of a command ---------------------------------------------------------------- */

struct outcome_call {
	struct call *call;
	struct stream_name stream;
	struct span id;
	enum status status;
	struct error err;
	bool is_command;
	uint64_t version;
	uint64_t position;
};

static bool see_decision(const struct frame *frame, void *arg)
{
	struct outcome_call *outcome = arg;

	outcome->is_command = frame->kind == FRAME_DECISION;
	outcome->version = frame_last_version(frame);
	outcome->position = frame_last_position(frame);
	return false;
}

static void answer_outcome(struct task *task)
{
	struct call *call = CONTAINER_OF(task, struct call, task);
	struct outcome_call *outcome = call->state;
	OWNED(buf) struct buf body = { 0 };
	struct json_writer writer;

	if (outcome->status == ERR_NOT_FOUND || (outcome->status == OK && !outcome->is_command)) {
		call_problem(call, 404, "not_found",
			     "'%.*s/%.*s' remembers no accepted command '%.*s'",
			     SPAN_ARG(outcome->stream.category), SPAN_ARG(outcome->stream.key),
			     SPAN_ARG(outcome->id));
		return;
	}
	if (outcome->status != OK) {
		call_fail_read(call, outcome->status, &outcome->err);
		return;
	}
	json_writer_init(&writer, &body);
	json_begin_object(&writer);
	json_member_string(&writer, "id", outcome->id);
	json_member_cstring(&writer, "outcome", "accepted");
	reply_stream(&writer, outcome->stream);
	json_member_u64(&writer, "version", outcome->version);
	json_member_u64(&writer, "position", outcome->position);
	json_end_object(&writer);
	call_respond_json(call, 200, &body);
}

static void find_outcome(struct task *task)
{
	struct call *call = CONTAINER_OF(task, struct call, task);
	struct outcome_call *outcome = call->state;

	outcome->status = store_find_command(call->lane->api->options.store, outcome->stream,
					     outcome->id, see_decision, outcome, &outcome->err);
	call_back(call, answer_outcome);
}

void route_get_command(struct call *call)
{
	static const char *const parameters[] = { NULL };
	struct outcome_call *outcome = arena_alloc_zeroed(call->arena, sizeof(*outcome));
	struct error err = { 0 };

	if (outcome == NULL) {
		call_problem(call, 503, "no_memory", "no memory for the request");
		return;
	}
	if (!call_check_query(call, parameters) || !call_stream_name(call, &outcome->stream))
		return;
	if (runtime_aggregate(call->lane->api->options.runtime, outcome->stream.category) == NULL) {
		call_problem(call, 404, "no_such_aggregate", "there is no aggregate '%.*s'",
			     SPAN_ARG(outcome->stream.category));
		return;
	}
	outcome->id = call->segments[5];
	if (name_check_command_id(outcome->id, &err) != OK) {
		call_problem(call, 400, "bad_id", "%s", error_text(&err));
		return;
	}
	call->state = outcome;
	call_on_pool(call, find_outcome);
}
