/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_BINARY_EVENT_H
#define API_HTTP_BINARY_EVENT_H

#include "api_http/call.h"
#include "model/cloudevent.h"

/* binary_event.h - a CloudEvent in the binary form of its HTTP binding: attributes are ce- headers,
 * the body is the data. Internal to api_http.
 *
 * A header's value may be quoted, and holds percent escapes of UTF-8 for what is not printable ASCII.
 * Values of extensions are strings. */

/* Reads and checks. Spans borrow from the request or its arena. ERR_INVALID names the attribute and
 * the rule; ERR_NOMEM. */
enum status binary_event_read(struct call *call, struct cloudevent *ret,
			      struct error *err) NODISCARD;

#endif
