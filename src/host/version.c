/* SPDX-License-Identifier: Apache-2.0 */
#include "host/version.h"

#include <wasmtime.h>

const char *host_engine_version(void)
{
	return WASMTIME_VERSION;
}
