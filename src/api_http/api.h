/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_API_H
#define API_HTTP_API_H

#include <stdbool.h>
#include <stdint.h>

#include "base/executor.h"
#include "component/component.h"
#include "http/server.h"
#include "runtime/runtime.h"
#include "store/store.h"

/* api.h - the HTTP API, version 1: what docs/http-api.md describes and /openapi.json defines.
 *
 * Turns requests into commands, reads and appends for the runtime and the store, and what comes back
 * into JSON. Errors are problem details (RFC 9457) with a `code` that clients can rely on and
 * `"stored": false`, unless it is unknown whether something was stored.
 *
 * Against hostile web pages: every changing call needs its exact Content-Type, Host must be a
 * loopback name or a configured one, a foreign Origin is refused, and no CORS headers are sent.
 *
 * A call runs on the lane that received it; reads of the log run on the pool, so that no lane waits
 * for a disk. */

struct api;

struct api_options {
	/* All borrowed; they must outlive the API. */
	struct runtime *runtime;
	struct store *store;
	struct metrics *metrics;
	struct clock *clock;
	struct executor *pool;
	struct span application;
	struct span version; /* of this build */
	struct component *const *components;
	size_t component_count;
	struct loop *const *loops; /* one each lane, in the runtime's order */
	size_t lane_count;
	const struct span *hosts; /* names besides loopback ones that Host may have, without port */
	size_t host_count;

	/* Bounds; 0: the default. */
	uint64_t heartbeat_ms;    /* between two signs of life on a quiet event stream; 15,000 */
	uint64_t followers_max;   /* event streams open at once; 10,000 */
	uint64_t page_frames_max; /* frames looked at for one page; 100,000, at least 1 */
};

enum status api_new(const struct api_options *options, struct api **ret,
		    struct error *err) NODISCARD;

/* After the servers have been freed and the pool has ended. Takes NULL. */
void api_free(struct api *api);
DEFINE_OWNED(api, api_free);

/* api_lane() is what http_server_options.arg must be for the server of that lane, with api_handle as
 * handle. */
void *api_lane(struct api *api, unsigned lane);
void api_handle(struct http_request *request, void *arg);

/* From now on /readyz says that the process is going away. Any thread. */
void api_begin_shutdown(struct api *api);

#endif
