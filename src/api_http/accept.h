/* SPDX-License-Identifier: Apache-2.0 */
#ifndef API_HTTP_ACCEPT_H
#define API_HTTP_ACCEPT_H

#include "api_http/call.h"
#include "api_http/page.h"

/* accept.h - in which form a client wants events, by its Accept headers (RFC 9110). Internal to
 * api_http.
 *
 * The range with the highest weight wins, among equals a named type before a wildcard, then the
 * first. Without a header, and for ranges that hold several forms, it is the JSON array. */

/* Otherwise answers 406 and is false. */
bool accept_choose(struct call *call, enum page_format *ret);

const char *accept_content_type(enum page_format format);

#endif
