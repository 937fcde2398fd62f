/* SPDX-License-Identifier: Apache-2.0 */
/* asks_config.c - asks for the configuration value `institution`, and for all values. The event says what it got:
 * `[the value or null, how many there are]`. */
#include "guest.h"

#define IMPORT(name) \
	__attribute__((import_module("wasi:config/store@0.2.0-rc.1"), import_name(name))) extern

/* result<option<string>, error> and result<list<tuple<string, string>>, error>, as they lie in memory. */
struct one {
	uint32_t is_error; /* its low byte; zeroed before */
	uint32_t is_some;
	abi_string_t value;
};

struct all {
	uint32_t is_error;
	void *data;
	size_t count;
	uint32_t rest;
};

IMPORT("get") void config_get(const char *key, size_t size, struct one *ret);
IMPORT("get-all") void config_get_all(struct all *ret);

HANDLE
{
	struct one one = { 0 };
	struct all all = { 0 };

	UNUSED_HANDLE;
	config_get("institution", strlen("institution"), &one);
	config_get_all(&all);
	if ((one.is_error & 0xFF) != 0 || (all.is_error & 0xFF) != 0)
		abort();
	abi_string_t list = text("[");
	if ((one.is_some & 0xFF) != 0)
		list = text_join(text_join(text_join(list, text("\"")), one.value), text("\""));
	else
		list = text_join(list, text("null"));
	list = text_join(text_join(list, text(",")), text_number(all.count));
	return accept(ret, text("found"), text_join(list, text("]")));
}
