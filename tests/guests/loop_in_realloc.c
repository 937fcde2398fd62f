/* SPDX-License-Identifier: Apache-2.0 */
/* loop_in_realloc.c - loops while the host writes the arguments, before handle begins. */
#include "guest.h"

void *cabi_realloc(void *block, size_t old_size, size_t align, size_t size);

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *block, size_t old_size,
								size_t align, size_t size)
{
	(void)block, (void)old_size, (void)align, (void)size;
	for (volatile int forever = 0;; forever++)
		;
}
