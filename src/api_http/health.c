/* SPDX-License-Identifier: Apache-2.0 */
/* health.c - what operators and tools ask: alive, ready, metrics, components, the API's description. */
#include <stdio.h>

#include "api_http/call.h"
#include "api_http/openapi.h"

static const char *const no_parameters[] = { NULL };

void route_get_index(struct call *call)
{
	const struct api_options *options = &call->lane->api->options;
	OWNED(buf) struct buf body = { 0 };
	struct json_writer writer;

	if (!call_check_query(call, no_parameters))
		return;
	json_writer_init(&writer, &body);
	json_begin_object(&writer);
	json_member_cstring(&writer, "name", "concordance");
	json_member_string(&writer, "version", options->version);
	json_member_string(&writer, "application", options->application);
	json_member_cstring(&writer, "openapi", "/openapi.json");
	json_end_object(&writer);
	call_respond_json(call, 200, &body);
}

void route_get_livez(struct call *call)
{
	call_respond(call, &(struct http_response){ .status = 200,
						    .content_type = "text/plain; charset=utf-8",
						    .body = SPAN("ok\n") });
}

/* Ready means: takes commands and will answer them. */
void route_get_readyz(struct call *call)
{
	struct api *api = call->lane->api;
	struct store_status status;

	store_status(api->options.store, &status);
	if (atomic_load(&api->shutting_down)) {
		call_problem(call, 503, "shutting_down", "the process is going away");
		return;
	}
	switch (status.mode) {
	case STORE_READ_WRITE:
		call_respond(call,
			     &(struct http_response){ .status = 200,
						      .content_type = "text/plain; charset=utf-8",
						      .body = SPAN("ready\n") });
		return;
	case STORE_READ_ONLY_FULL:
		call_problem(
			call, 503, "disk_full",
			"the disk is full: reads go on, writes are refused until there is space");
		return;
	case STORE_FAILED:
		call_problem(call, 503, "storage_failed", "a write to the disk failed");
		return;
	}
}

void route_get_metrics(struct call *call)
{
	OWNED(buf) struct buf body = { 0 };

	metrics_render(call->lane->api->options.metrics, &body);
	if (buf_status(&body) != OK) {
		call_problem(call, 503, "no_memory", "no memory for the metrics");
		return;
	}
	call_respond(call, &(struct http_response){
				   .status = 200,
				   .content_type = "text/plain; version=0.0.4; charset=utf-8",
				   .body = buf_span(&body) });
}

void route_get_components(struct call *call)
{
	const struct api_options *options = &call->lane->api->options;
	OWNED(buf) struct buf body = { 0 };
	struct json_writer writer;

	if (!call_check_query(call, no_parameters))
		return;
	json_writer_init(&writer, &body);
	json_begin_object(&writer);
	json_key(&writer, "components");
	json_begin_array(&writer);
	for (size_t i = 0; i < options->component_count; i++) {
		const struct component *component = options->components[i];
		char digest[SHA256_HEX_BYTES];

		sha256_format(&component->digest, digest);
		json_begin_object(&writer);
		json_member_cstring(&writer, "name", component->name);
		json_member_cstring(&writer, "role", component_role_word(component->role));
		json_member_cstring(&writer, "digest", digest);
		json_member_u64(&writer, "size_bytes", component->size_bytes);
		json_member_cstring(&writer, "instances", component->reused ? "reused" : "fresh");
		json_key(&writer, "limits");
		json_begin_object(&writer);
		json_member_u64(&writer, "memory_bytes", component->limits.memory_bytes);
		json_member_u64(&writer, "call_ms", component->limits.call_ms);
		json_member_u64(&writer, "output_bytes", component->limits.output_bytes);
		json_end_object(&writer);
		json_end_object(&writer);
	}
	json_end_array(&writer);
	json_end_object(&writer);
	call_respond_json(call, 200, &body);
}

void route_get_openapi(struct call *call)
{
	call_respond(call, &(struct http_response){ .status = 200,
						    .content_type = "application/json",
						    .body = openapi_text() });
}
