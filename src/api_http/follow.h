/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_FOLLOW_H
#define API_HTTP_FOLLOW_H

#include "api_http/call.h"
#include "api_http/page.h"

/* follow.h - server-sent events: catch up, then follow live. Internal to api_http. */

enum status followers_init(struct api *api, struct error *err) NODISCARD;
void followers_fini(struct api *api);

/* Answers the call with an event stream that goes on until the client or the server ends it. */
void follow_begin(struct call *call, const struct page_query *query);

#endif
