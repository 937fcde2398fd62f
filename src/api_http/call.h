/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_CALL_H
#define API_HTTP_CALL_H

#include <stdatomic.h>

#include "api_http/api.h"
#include "base/list.h"
#include "base/mutex.h"
#include "model/metadata.h"
#include "model/name.h"
#include "json/json.h"
#include "json/json_writer.h"

/* call.h - one HTTP call under way, and what every route needs. Internal to api_http. */

#define SEGMENTS_MAX 8
#define QUERY_MAX    40

struct api_lane {
	struct api *api;
	unsigned index;
	struct loop *loop;
	struct list followers; /* struct follower; the lane's own */
	struct list lists;     /* struct list_call; the lane's own */
	struct task wake;      /* tells the followers that there is more */
	atomic_bool wake_posted;
	struct loop_timer *heartbeat;
};

struct api {
	struct api_options options;
	struct api_lane *lanes;
	struct store_observer observer;
	_Atomic uint64_t follower_count;
	atomic_bool shutting_down;
	struct counter *problems_client; /* answers 4xx */
	struct counter *problems_server; /* answers 5xx */
};

/* In the request's arena; gone when the request is answered. */
struct call {
	struct api_lane *lane;
	struct http_request *request;
	struct arena *arena;
	struct span segments[SEGMENTS_MAX]; /* of the path, decoded */
	size_t segment_count;
	struct http_header query[QUERY_MAX]; /* decoded */
	size_t query_count;
	struct task task; /* on the pool, and back */
	void *state;      /* the route's own, for the pool */
};

/* ---- answers: each ends the call ---- */

void call_respond_json(struct call *call, unsigned status, const struct buf *body);
void call_respond(struct call *call, const struct http_response *response);

/* A problem of a failure of the runtime. `"stored": false` unless the call changes something and it
 * is unknown whether it did. */
void call_fail(struct call *call, enum failure failure, const struct error *err);

/* The same for a call of several parts, of which some are or may be stored. */
void call_fail_in_part(struct call *call, enum failure failure, const struct error *err);

/* A problem of a read that failed with `s`. */
void call_fail_read(struct call *call, enum status s, const struct error *err);

/* A problem of bad input: 400 with `code` and the error's message; or 503, when memory was out. */
void call_refuse(struct call *call, enum status s, const char *code, const struct error *err);

/* A problem of the edge. */
void call_problem(struct call *call, unsigned status, const char *code, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* A problem with members of its own: begin, add members, send. */
struct problem {
	struct buf body;
	struct json_writer writer;
	unsigned status;
	const char *allow; /* header, or NULL */
};
void problem_begin(struct problem *problem, unsigned status, const char *title, struct span code,
		   struct span detail);
void problem_stored_false(struct problem *problem);
void problem_send(struct call *call, struct problem *problem);

/* ---- what requests say ---- */

/* Is the body's media type `type`? Parameters do not matter. */
bool call_has_content_type(const struct call *call, const char *type);
/* The body's media type must be `type`. Otherwise answers 415 and is false. */
bool call_check_content_type(struct call *call, const char *type);

/* The body as a JSON object whose members are all in `known`. Otherwise answers 400 and is false. */
bool call_parse_body(struct call *call, const char *const *known, const struct json **ret);

/* All query parameters must be in `known`, each once unless it is `type`. Otherwise answers 400. */
bool call_check_query(struct call *call, const char *const *known);
/* .data NULL: not given. */
struct span call_query(const struct call *call, const char *name);
/* A number; `*ret` stays as it is when it is not given. Otherwise answers 400 and is false. */
bool call_query_u64(struct call *call, const char *name, uint64_t min, uint64_t max, uint64_t *ret,
		    bool *ret_given);

/* The two segments after the second as a stream's name, checked. Otherwise answers 400. */
bool call_stream_name(struct call *call, struct stream_name *ret);

/* Correlation id and traceparent from headers, where `metadata` has none. Otherwise answers 400. */
bool call_metadata_headers(struct call *call, struct metadata *metadata);

/* Runs `fn` on the pool; it must end with call_back(), which runs its `fn` on the lane. */
void call_on_pool(struct call *call, void (*fn)(struct task *task));
void call_back(struct call *call, void (*fn)(struct task *task));

/* ---- the routes ---- */
void lists_fini(struct api *api); /* frees pages that nobody waits for any more */

void route_post_command(struct call *call);
void route_get_command(struct call *call);
void route_get_state(struct call *call);
void route_get_stream(struct call *call);
void route_post_stream(struct call *call);
void route_get_events(struct call *call);
void route_post_events(struct call *call);
void route_get_components(struct call *call);
void route_get_index(struct call *call);
void route_get_livez(struct call *call);
void route_get_readyz(struct call *call);
void route_get_metrics(struct call *call);
void route_get_openapi(struct call *call);

#endif
