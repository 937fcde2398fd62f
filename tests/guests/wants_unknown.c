/* SPDX-License-Identifier: Apache-2.0 */
/* wants_unknown.c - imports an interface that no host has. Refused when it is loaded, naming the import. */
#include "guest.h"

__attribute__((import_module("acme:weather/forecast@1.0.0"), import_name("tomorrow"))) extern void
tomorrow(abi_string_t *ret);

HANDLE
{
	abi_string_t weather;

	UNUSED_HANDLE;
	tomorrow(&weather);
	return accept(ret, text("forecast"), weather);
}
