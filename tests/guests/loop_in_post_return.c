/* SPDX-License-Identifier: Apache-2.0 */
/* loop_in_post_return.c - answers properly, then loops when the host says that it has read the answer. */
#include "guest.h"

void __wasm_export_exports_aggregate_handle_post_return(uint8_t *results);

__attribute__((export_name("cabi_post_concordance:app/aggregate@0.1.0#handle"))) void
__wasm_export_exports_aggregate_handle_post_return(uint8_t *results)
{
	(void)results;
	for (volatile int forever = 0;; forever++)
		;
}
