/* SPDX-License-Identifier: Apache-2.0 */
/* wants_http.c - an aggregate that imports a capability which only handlers can be granted. */
#include "guest.h"

__attribute__((import_module("concordance:app/http@0.1.0"), import_name("fetch"))) extern void
fetch(const char *method, size_t method_size, const char *url, size_t url_size, void *headers,
      size_t header_count, int32_t body_kind, void *body, size_t body_size, int32_t has_timeout,
      int32_t timeout_ms, void *ret);

HANDLE
{
	static const char url[] = "http://127.0.0.1:1/";
	static uint64_t response[16];

	UNUSED_HANDLE;
	fetch("GET", 3, url, sizeof(url) - 1, NULL, 0, 0, NULL, 0, 0, 0, response);
	return accept(ret, text("fetched"), text("{}"));
}
