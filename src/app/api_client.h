/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_API_CLIENT_H
#define APP_API_CLIENT_H

#include "app/cli.h"
#include "base/arena.h"
#include "http_client/http_client.h"
#include "model/name.h"

/* api_client.h - calls of the HTTP API, and what their failures mean to a person. */

struct api_client {
	const struct cli *cli;                /* borrowed */
	struct http_client *http;             /* owned */
	struct buf url;                       /* of the call: begin with api_client_path() */
	struct http_client_response response; /* of the last call */
};

/* `waits_long`: the answer may take for ever (following events), so only silence ends it. */
enum status api_client_init(struct api_client *client, const struct cli *cli, bool waits_long,
			    struct error *err) NODISCARD;
void api_client_fini(struct api_client *client);

/* Begins a url: the server's, then `path`; then more can be appended to client->url. */
void api_client_path(struct api_client *client, const char *path);
/* Appends "?name=value" or "&name=value", encoded. */
void api_client_query(struct api_client *client, const char *name, struct span value);
void api_client_query_u64(struct api_client *client, const char *name, uint64_t value);
/* Appends "category/key", each encoded. */
void api_client_stream(struct api_client *client, struct stream_name stream);

/* Sends to client->url and tells what went wrong, if anything: then answers an exit code other than
 * EXIT_CODE_OK. A rejection is told as well: as an error to people, as an answer to programs. OK: the
 * answer is in client->response, or request->on_body ended it.
 * `unknown_hint` is what to do when the connection broke or no answer came in time; it is read after
 * that has happened; may be NULL.
 * request->url is filled in. */
int api_client_call(struct api_client *client, struct http_client_request *request,
		    const char *unknown_hint);

/* "AGGREGATE/KEY" of a command line. */
enum status api_client_stream_parse(const char *text, struct stream_name *ret,
				    struct error *err) NODISCARD;

#endif
