/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_REPLY_H
#define API_HTTP_REPLY_H

#include "api_http/call.h"

/* reply.h - shapes that several routes share, on the way in and out. Internal to api_http. */

/* "stream": "category/key" */
void reply_stream(struct json_writer *writer, struct stream_name stream);

/* {"id","type","version","position","time","data"} */
void reply_event(struct json_writer *writer, const struct uuid *id, struct span type,
		 uint64_t version, uint64_t position, uint64_t time_us, struct span data);

/* 409 with the stream's actual version. */
void reply_version_conflict(struct call *call, const struct error *err, uint64_t actual_version);

/* Members of a request; each answers 400 and is false when it is wrong. */
bool reply_take_expected_version(struct call *call, const struct json *body, bool *ret_given,
				 uint64_t *ret);
bool reply_take_metadata(struct call *call, const struct json *body, struct metadata *ret);

#endif
