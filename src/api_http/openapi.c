/* SPDX-License-Identifier: Apache-2.0 */
/* openapi.c - openapi.json, put into the binary as it is. OPENAPI_JSON is its path. */
#include "api_http/openapi.h"

__asm__(".section .rodata\n"
	".global openapi_begin\n"
	".global openapi_end\n"
	"openapi_begin:\n"
	".incbin \"" OPENAPI_JSON "\"\n"
	"openapi_end:\n"
	".byte 0\n"
	".previous\n");

extern const char openapi_begin[];
extern const char openapi_end[];

struct span openapi_text(void)
{
	return span_of(openapi_begin, (size_t)(openapi_end - openapi_begin));
}
