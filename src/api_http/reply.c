/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - shapes that several routes share. */
#include "api_http/reply.h"

#include <string.h>

#include "model/timestamp.h"

void reply_stream(struct json_writer *writer, struct stream_name stream)
{
	char text[STREAM_NAME_MAX_BYTES];

	memcpy(text, stream.category.data, stream.category.size);
	text[stream.category.size] = '/';
	memcpy(text + stream.category.size + 1, stream.key.data, stream.key.size);
	json_member_string(writer, "stream",
			   span_of(text, stream.category.size + 1 + stream.key.size));
}

void reply_event(struct json_writer *writer, const struct uuid *id, struct span type,
		 uint64_t version, uint64_t position, uint64_t time_us, struct span data)
{
	char uuid[UUID_TEXT_BYTES];
	char time[TIMESTAMP_TEXT_BYTES];

	uuid_format(id, uuid);
	timestamp_format(time_us, time);
	json_begin_object(writer);
	json_member_cstring(writer, "id", uuid);
	json_member_string(writer, "type", type);
	json_member_u64(writer, "version", version);
	json_member_u64(writer, "position", position);
	json_member_cstring(writer, "time", time);
	json_member_raw(writer, "data", data);
	json_end_object(writer);
}

void reply_version_conflict(struct call *call, const struct error *err, uint64_t actual_version)
{
	struct problem problem;

	problem_begin(&problem, 409, NULL, span_from_string(failure_word(FAILURE_VERSION_CONFLICT)),
		      span_from_string(error_text(err)));
	problem_stored_false(&problem);
	json_member_u64(&problem.writer, "version", actual_version);
	problem_send(call, &problem);
}

bool reply_take_expected_version(struct call *call, const struct json *body, bool *ret_given,
				 uint64_t *ret)
{
	const struct json *member = json_get(body, "expected_version");

	*ret_given = member != NULL;
	if (member == NULL || json_u64(member, ret))
		return true;
	call_problem(call, 400, "bad_request",
		     "member 'expected_version' must be a whole number from 0 (0: no events yet)");
	return false;
}

bool reply_take_metadata(struct call *call, const struct json *body, struct metadata *ret)
{
	struct error err = { 0 };
	struct span text = SPAN_EMPTY;

	if (json_get(body, "metadata") != NULL)
		text = json_member_text(http_request_body(call->request), "metadata");
	enum status s = metadata_from_client(text, call->arena, ret, &err);
	if (s != OK) {
		call_refuse(call, s, "bad_metadata", &err);
		return false;
	}
	return call_metadata_headers(call, ret);
}
