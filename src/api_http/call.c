/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - what every route needs: answers, problems, bodies, queries, names. */
#include "api_http/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/log.h"
#include "base/utf8.h"

#define RETRY_AFTER_S "1"

void call_respond(struct call *call, const struct http_response *response)
{
	http_respond(call->request, response);
}

static bool is_read(const struct call *call)
{
	enum http_method method = http_request_method(call->request);

	return method == HTTP_GET_ || method == HTTP_HEAD_;
}

void call_respond_json(struct call *call, unsigned status, const struct buf *body)
{
	if (buf_status(body) != OK) {
		struct problem problem;

		/* What was asked for may be done all the same. */
		problem_begin(&problem, 503, NULL, SPAN("no_memory"),
			      SPAN("no memory for the answer"));
		if (is_read(call))
			problem_stored_false(&problem);
		problem_send(call, &problem);
		return;
	}
	http_respond(call->request, &(struct http_response){ .status = status,
							     .content_type = "application/json",
							     .body = buf_span(body) });
}

/* ---- problems ------------------------------------------------------------------------------- */

static const char *title_of(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 406:
		return "Not Acceptable";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 415:
		return "Unsupported Media Type";
	case 422:
		return "Unprocessable Content";
	case 500:
		return "Internal Server Error";
	case 503:
		return "Service Unavailable";
	case 507:
		return "Insufficient Storage";
	default:
		return "Error";
	}
}

void problem_begin(struct problem *problem, unsigned status, const char *title, struct span code,
		   struct span detail)
{
	*problem = (struct problem){ .status = status };
	json_writer_init(&problem->writer, &problem->body);
	json_begin_object(&problem->writer);
	json_member_cstring(&problem->writer, "type", "about:blank");
	json_member_cstring(&problem->writer, "title", title != NULL ? title : title_of(status));
	json_member_u64(&problem->writer, "status", status);
	json_member_string(&problem->writer, "code", code);
	/* Messages may quote what a client sent; the writer must not be handed broken UTF-8. */
	json_member_string(&problem->writer, "detail",
			   span_of(detail.data, utf8_valid_prefix(detail)));
}

void problem_stored_false(struct problem *problem)
{
	json_member_bool(&problem->writer, "stored", false);
}

void problem_send(struct call *call, struct problem *problem)
{
	struct http_header headers[2];
	struct http_response response = { .status = problem->status,
					  .content_type = "application/problem+json",
					  .headers = headers };
	struct api *api = call->lane->api;

	json_end_object(&problem->writer);
	if (problem->allow != NULL)
		headers[response.header_count++] =
			(struct http_header){ SPAN("Allow"), span_from_string(problem->allow) };
	if (problem->status == 503)
		headers[response.header_count++] =
			(struct http_header){ SPAN("Retry-After"), SPAN(RETRY_AFTER_S) };
	counter_add(problem->status >= 500 ? api->problems_server : api->problems_client, 1);
	/* Out of memory even for this: the status alone says it. */
	if (buf_status(&problem->body) == OK)
		response.body = buf_span(&problem->body);
	else
		response.content_type = NULL;
	http_respond(call->request, &response);
	buf_fini(&problem->body);
}

void call_problem(struct call *call, unsigned status, const char *code, const char *format, ...)
{
	struct problem problem;
	char detail[ERROR_MESSAGE_MAX_BYTES];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	problem_begin(&problem, status, NULL, span_from_string(code), span_from_string(detail));
	problem_stored_false(&problem);
	problem_send(call, &problem);
}

static unsigned http_status_of(enum failure failure)
{
	switch (failure) {
	case FAILURE_NONE:
		return 200;
	case FAILURE_NO_AGGREGATE:
	case FAILURE_NOT_FOUND:
		return 404;
	case FAILURE_INVALID:
		return 400;
	case FAILURE_VERSION_CONFLICT:
	case FAILURE_ID_REUSED:
		return 409;
	case FAILURE_NO_INTEREST:
		return 422;
	case FAILURE_CATEGORY_OWNED:
		return 403;
	case FAILURE_TOO_LARGE:
		return 413;
	case FAILURE_COMPONENT:
	case FAILURE_DEADLINE:
	case FAILURE_CANNOT_FOLD:
	case FAILURE_STORAGE:
		return 500;
	case FAILURE_BUSY:
	case FAILURE_NO_MEMORY:
	case FAILURE_CLOSED:
		return 503;
	case FAILURE_DISK_FULL:
		return 507;
	}
	return 500;
}

static void fail(struct call *call, enum failure failure, const struct error *err,
		 bool maybe_stored)
{
	struct problem problem;
	unsigned status = http_status_of(failure);

	if (status == 500)
		log_event(LOG_ERROR, "request_failed",
			  LOG_SPAN("path", http_request_path(call->request)),
			  LOG_STRING("code", failure_word(failure)),
			  LOG_STRING("error", error_text(err)));
	problem_begin(&problem, status, NULL, span_from_string(failure_word(failure)),
		      span_from_string(error_text(err)));
	if (!maybe_stored)
		problem_stored_false(&problem);
	problem_send(call, &problem);
}

void call_fail(struct call *call, enum failure failure, const struct error *err)
{
	fail(call, failure, err, failure == FAILURE_STORAGE && !is_read(call));
}

void call_fail_in_part(struct call *call, enum failure failure, const struct error *err)
{
	fail(call, failure, err, /* maybe_stored= */ true);
}

void call_fail_read(struct call *call, enum status s, const struct error *err)
{
	call_fail(call,
		  s == ERR_NOMEM    ? FAILURE_NO_MEMORY
		  : s == ERR_CLOSED ? FAILURE_CLOSED
				    : FAILURE_STORAGE,
		  err);
}

void call_refuse(struct call *call, enum status s, const char *code, const struct error *err)
{
	if (s == ERR_NOMEM)
		call_problem(call, 503, "no_memory", "%s", error_text(err));
	else
		call_problem(call, 400, code, "%s", error_text(err));
}

/* ---- what requests say ---------------------------------------------------------------------- */

bool call_has_content_type(const struct call *call, const char *type)
{
	struct span given = http_request_header(call->request, "content-type");
	const char *semicolon = given.size != 0 ? memchr(given.data, ';', given.size) : NULL;
	struct span media =
		semicolon != NULL ? span_of(given.data, (size_t)(semicolon - given.data)) : given;

	while (media.size != 0 &&
	       (media.data[media.size - 1] == ' ' || media.data[media.size - 1] == '\t'))
		media.size--;
	return media.size == strlen(type) && strncasecmp(media.data, type, media.size) == 0;
}

bool call_check_content_type(struct call *call, const char *type)
{
	struct span given = http_request_header(call->request, "content-type");

	if (call_has_content_type(call, type))
		return true;
	if (given.data == NULL)
		call_problem(call, 415, "unsupported_media_type", "a Content-Type is needed: %s",
			     type);
	else
		call_problem(call, 415, "unsupported_media_type",
			     "Content-Type must be %s, not '%.*s'", type, SPAN_ARG(given));
	return false;
}

bool call_parse_body(struct call *call, const char *const *known, const struct json **ret)
{
	struct error err = { 0 };
	struct span body = http_request_body(call->request);

	enum status s = json_parse(body, call->arena, ret, &err);
	if (s != OK) {
		call_refuse(call, s, "bad_json", &err);
		return false;
	}
	if (json_type(*ret) != JSON_OBJECT) {
		call_problem(call, 400, "bad_request", "the body must be an object, not %s",
			     json_type_name(json_type(*ret)));
		return false;
	}
	struct span unknown = json_unknown_member(*ret, known);
	if (unknown.data != NULL) {
		char list[256] = "";

		for (const char *const *name = known; *name != NULL; name++) {
			size_t used = strlen(list);
			(void)snprintf(list + used, sizeof(list) - used, "%s%s",
				       used != 0 ? ", " : "", *name);
		}
		call_problem(call, 400, "unknown_member", "unknown member '%.*s'; known are: %s",
			     SPAN_ARG(unknown), list);
		return false;
	}
	return true;
}

bool call_check_query(struct call *call, const char *const *known)
{
	for (size_t i = 0; i < call->query_count; i++) {
		struct span name = call->query[i].name;
		const char *const *match = known;

		while (*match != NULL && !span_equal_string(name, *match))
			match++;
		if (*match == NULL) {
			call_problem(call, 400, "unknown_parameter",
				     "unknown query parameter '%.*s'", SPAN_ARG(name));
			return false;
		}
		for (size_t j = 0; j < i && !span_equal(name, SPAN("type")); j++) {
			if (span_equal(call->query[j].name, name)) {
				call_problem(call, 400, "bad_parameter",
					     "query parameter '%.*s' is given twice",
					     SPAN_ARG(name));
				return false;
			}
		}
	}
	return true;
}

struct span call_query(const struct call *call, const char *name)
{
	for (size_t i = 0; i < call->query_count; i++)
		if (span_equal_string(call->query[i].name, name))
			return call->query[i].value.data != NULL ? call->query[i].value : SPAN("");
	return SPAN_EMPTY;
}

bool call_query_u64(struct call *call, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
		    bool *ret_given)
{
	struct span text = call_query(call, name);
	uint64_t value;

	if (ret_given != NULL)
		*ret_given = text.data != NULL;
	if (text.data == NULL)
		return true;
	if (!span_parse_u64(text, &value) || value < min || value > max) {
		call_problem(
			call, 400, "bad_parameter",
			"query parameter '%s' must be a whole number from %llu to %llu, not '%.*s'",
			name, (unsigned long long)min, (unsigned long long)max, SPAN_ARG(text));
		return false;
	}
	*ret = value;
	return true;
}

bool call_stream_name(struct call *call, struct stream_name *ret)
{
	struct error err = { 0 };

	CHECK(call->segment_count >= 4);
	ret->category = call->segments[2];
	ret->key = call->segments[3];
	enum status s = name_check_category(ret->category, &err);
	if (s == OK)
		s = name_check_key(ret->key, &err);
	if (s == OK)
		return true;
	call_problem(call, 400, "bad_name", "%s", error_text(&err));
	return false;
}

static bool header_text(struct call *call, const char *name, struct span *ret)
{
	struct span value = http_request_header(call->request, name);
	struct error err = { 0 };

	if (value.size == 0 || ret->size != 0)
		return true;
	enum status s = metadata_check_text(value, name, &err);
	if (s != OK) {
		call_refuse(call, s, "bad_header", &err);
		return false;
	}
	*ret = value;
	return true;
}

bool call_metadata_headers(struct call *call, struct metadata *metadata)
{
	return header_text(call, "X-Correlation-ID", &metadata->correlation_id) &&
	       header_text(call, "traceparent", &metadata->traceparent);
}

void call_on_pool(struct call *call, void (*fn)(struct task *task))
{
	call->task.run = fn;
	executor_post(call->lane->api->options.pool, &call->task);
}

void call_back(struct call *call, void (*fn)(struct task *task))
{
	call->task.run = fn;
	executor_post(loop_executor(call->lane->loop), &call->task);
}
