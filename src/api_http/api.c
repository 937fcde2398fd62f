/* SPDX-License-Identifier: Apache-2.0 */
/* api.c - where a request goes: the guards against web pages, the table of routes. */
#include "api_http/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api_http/call.h"
#include "api_http/follow.h"
#include "base/check.h"

#define HEARTBEAT_DEFAULT_MS    15000
#define FOLLOWERS_DEFAULT_MAX   10000
#define PAGE_FRAMES_DEFAULT_MAX 100000

struct route {
	enum http_method method;
	const char *method_text;
	/* Segments; "*" stands for any one. */
	const char *pattern[SEGMENTS_MAX];
	void (*handle)(struct call *call);
};

static const struct route routes[] = {
	{ HTTP_GET_, "GET", { NULL }, route_get_index },
	{ HTTP_GET_, "GET", { "livez" }, route_get_livez },
	{ HTTP_GET_, "GET", { "readyz" }, route_get_readyz },
	{ HTTP_GET_, "GET", { "metrics" }, route_get_metrics },
	{ HTTP_GET_, "GET", { "openapi.json" }, route_get_openapi },
	{ HTTP_POST_, "POST", { "v1", "aggregates", "*", "*", "commands" }, route_post_command },
	{ HTTP_GET_, "GET", { "v1", "aggregates", "*", "*", "commands", "*" }, route_get_command },
	{ HTTP_GET_, "GET", { "v1", "aggregates", "*", "*" }, route_get_state },
	{ HTTP_GET_, "GET", { "v1", "streams", "*", "*", "events" }, route_get_stream },
	{ HTTP_POST_, "POST", { "v1", "streams", "*", "*", "events" }, route_post_stream },
	{ HTTP_GET_, "GET", { "v1", "events" }, route_get_events },
	{ HTTP_POST_, "POST", { "v1", "events" }, route_post_events },
	{ HTTP_GET_, "GET", { "v1", "components" }, route_get_components },
};

static bool matches(const struct route *route, const struct call *call)
{
	size_t count = 0;

	while (count < SEGMENTS_MAX && route->pattern[count] != NULL)
		count++;
	if (count != call->segment_count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(route->pattern[i], "*") != 0 &&
		    !span_equal_string(call->segments[i], route->pattern[i]))
			return false;
	return true;
}

static void answer_method_not_allowed(struct call *call)
{
	struct problem problem;
	char allow[64] = "";
	char detail[128];

	for (size_t i = 0; i < ARRAY_COUNT(routes); i++) {
		if (!matches(&routes[i], call))
			continue;
		size_t used = strlen(allow);
		(void)snprintf(allow + used, sizeof(allow) - used, "%s%s%s", used != 0 ? ", " : "",
			       routes[i].method_text,
			       routes[i].method == HTTP_GET_ ? ", HEAD" : "");
	}
	int length = snprintf(detail, sizeof(detail), "this path takes %s", allow);
	problem_begin(&problem, 405, "Method Not Allowed", SPAN("method_not_allowed"),
		      span_of(detail, (size_t)length));
	problem_stored_false(&problem);
	problem.allow = allow;
	problem_send(call, &problem);
}

/* The name in a Host header or an origin, without the port. */
static struct span host_name(struct span host)
{
	if (host.size != 0 && host.data[0] == '[') {
		const char *end = memchr(host.data, ']', host.size);
		return end != NULL ? span_of(host.data, (size_t)(end - host.data) + 1) : host;
	}
	const char *colon = host.size != 0 ? memchr(host.data, ':', host.size) : NULL;
	return colon != NULL ? span_of(host.data, (size_t)(colon - host.data)) : host;
}

static bool equal_ignoring_case(struct span a, struct span b)
{
	return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

static bool is_loopback_address(struct span name)
{
	/* 127.0.0.0/8 written with four numbers. */
	unsigned dots = 0;

	if (!span_starts_with(name, SPAN("127.")) || name.size > 15)
		return false;
	for (size_t i = 0; i < name.size; i++) {
		if (name.data[i] == '.')
			dots++;
		else if (name.data[i] < '0' || name.data[i] > '9')
			return false;
	}
	return dots == 3;
}

static bool host_is_ours(const struct api *api, struct span host)
{
	struct span name = host_name(host);

	if (equal_ignoring_case(name, SPAN("localhost")) || span_equal(name, SPAN("[::1]")) ||
	    is_loopback_address(name))
		return true;
	for (size_t i = 0; i < api->options.host_count; i++)
		if (equal_ignoring_case(name, api->options.hosts[i]))
			return true;
	return false;
}

/* A page on another site can make a browser send requests here, and with a name that it points at
 * 127.0.0.1 even read the answers (DNS rebinding): Host tells the latter, Origin the former. */
static bool guard(struct call *call)
{
	const struct api *api = call->lane->api;
	struct span host = http_request_header(call->request, "host");
	struct span origin = http_request_header(call->request, "origin");

	if (host.data != NULL && !host_is_ours(api, host)) {
		call_problem(call, 403, "host_not_allowed",
			     "Host '%.*s' is neither a loopback name nor one given with --host or "
			     "in the manifest",
			     SPAN_ARG(host));
		return false;
	}
	if (origin.data == NULL)
		return true;
	struct span authority = SPAN_EMPTY;
	if (span_starts_with(origin, SPAN("http://")))
		authority = span_after(origin, sizeof("http://") - 1);
	else if (span_starts_with(origin, SPAN("https://")))
		authority = span_after(origin, sizeof("https://") - 1);
	if (authority.size != 0 && equal_ignoring_case(authority, host))
		return true;
	call_problem(call, 403, "foreign_origin",
		     "requests from pages of other origins ('%.*s') are refused", SPAN_ARG(origin));
	return false;
}

/* Given twice, these have no meaning, and two programs on the way may each pick another one. */
static bool check_single_headers(struct call *call)
{
	static const char *const names[] = { "origin",      "content-type",     "idempotency-key",
					     "traceparent", "x-correlation-id", "last-event-id" };
	size_t count;
	const struct http_header *headers = http_request_headers(call->request, &count);
	unsigned seen = 0;

	for (size_t i = 0; i < count; i++) {
		for (unsigned j = 0; j < ARRAY_COUNT(names); j++) {
			if (!equal_ignoring_case(headers[i].name, span_from_string(names[j])))
				continue;
			if ((seen & 1u << j) != 0) {
				call_problem(call, 400, "bad_header", "header %s is given twice",
					     names[j]);
				return false;
			}
			seen |= 1u << j;
		}
	}
	return true;
}

static bool split_target(struct call *call)
{
	struct error err = { 0 };

	enum status s = http_path_split(http_request_path(call->request), call->arena,
					call->segments, SEGMENTS_MAX, &call->segment_count, &err);
	if (s == ERR_LIMIT) {
		call_problem(call, 404, "no_such_path", "there is nothing at this path");
		return false;
	}
	if (s == OK)
		s = http_query_split(http_request_query(call->request), call->arena, call->query,
				     QUERY_MAX, &call->query_count, &err);
	if (s != OK) {
		call_refuse(call, s, "bad_target", &err);
		return false;
	}
	return true;
}

void api_handle(struct http_request *request, void *arg)
{
	const struct http_response no_memory = {
		.status = 503,
		.content_type = "application/problem+json",
		.body = SPAN("{\"type\":\"about:blank\",\"title\":\"Service "
			     "Unavailable\",\"status\":503,"
			     "\"code\":\"no_memory\",\"detail\":\"no memory for the request\","
			     "\"stored\":false}"),
		.close = true,
	};
	struct api_lane *lane = arg;
	struct arena *arena = http_request_arena(request);
	struct call *call = arena_alloc_zeroed(arena, sizeof(*call));
	enum http_method method = http_request_method(request);
	bool path_known = false;

	if (call == NULL) {
		http_respond(request, &no_memory);
		return;
	}
	call->lane = lane;
	call->request = request;
	call->arena = arena;
	if (!guard(call) || !check_single_headers(call) || !split_target(call))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(routes); i++) {
		const struct route *route = &routes[i];

		if (!matches(route, call))
			continue;
		path_known = true;
		if (route->method != method &&
		    !(route->method == HTTP_GET_ && method == HTTP_HEAD_))
			continue;
		route->handle(call);
		return;
	}
	if (path_known)
		answer_method_not_allowed(call);
	else
		call_problem(call, 404, "no_such_path",
			     "there is nothing at this path; /openapi.json lists what there is");
}

void *api_lane(struct api *api, unsigned lane)
{
	CHECK(lane < api->options.lane_count);
	return &api->lanes[lane];
}

void api_begin_shutdown(struct api *api)
{
	atomic_store(&api->shutting_down, true);
}

enum status api_new(const struct api_options *options, struct api **ret, struct error *err)
{
	OWNED(api) struct api *api = calloc(1, sizeof(*api));

	if (api == NULL)
		return ERROR(err, ERR_NOMEM, "the HTTP API");
	api->options = *options;
	if (api->options.heartbeat_ms == 0)
		api->options.heartbeat_ms = HEARTBEAT_DEFAULT_MS;
	if (api->options.followers_max == 0)
		api->options.followers_max = FOLLOWERS_DEFAULT_MAX;
	if (api->options.page_frames_max == 0)
		api->options.page_frames_max = PAGE_FRAMES_DEFAULT_MAX;
	api->problems_client =
		metrics_counter(options->metrics, "concordance_api_problems_total", "class=\"4xx\"",
				"Answers that are problem details.");
	api->problems_server =
		metrics_counter(options->metrics, "concordance_api_problems_total", "class=\"5xx\"",
				"Answers that are problem details.");
	api->lanes = calloc(options->lane_count, sizeof(*api->lanes));
	if (api->lanes == NULL || api->problems_client == NULL || api->problems_server == NULL)
		return ERROR(err, ERR_NOMEM, "the HTTP API");
	for (unsigned i = 0; i < options->lane_count; i++) {
		api->lanes[i].api = api;
		api->lanes[i].index = i;
		api->lanes[i].loop = options->loops[i];
		list_init(&api->lanes[i].followers);
		list_init(&api->lanes[i].lists);
	}
	enum status s = followers_init(api, err);
	if (s != OK)
		return s;
	*ret = TAKE(api);
	return OK;
}

void api_free(struct api *api)
{
	if (api == NULL)
		return;
	followers_fini(api);
	lists_fini(api);
	free(api->lanes);
	free(api);
}
