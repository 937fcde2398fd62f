/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIB_ALLOC_FAULT_H
#define LIB_ALLOC_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* alloc_fault.h - the nth allocation fails, for sweeps: fail the first, then the second, and so on
 * until nothing fails any more.
 *
 *	for (uint64_t nth = 1; alloc_fault_sweeps(nth, ALLOC_FAULT_ONE); nth++) {
 *		... set up, which must not fail ...
 *		alloc_fault_begin();
 *		enum status s = thing_new(&thing);
 *		bool failed = alloc_fault_end();
 *		... failed: s is ERR_NOMEM; else it is OK ...
 *	}
 *
 * It is the linker that puts these in place of malloc, calloc, realloc and strdup (--wrap, see
 * tests/CMakeLists.txt: programs called `allocation`), in everything that is linked statically: our
 * modules and the libraries built with them, not libc's own calls or those of shared libraries. So
 * it works the same on top of a sanitizer's allocator. Counts the calling thread's allocations only,
 * between begin and end. */

enum alloc_fault_kind {
	ALLOC_FAULT_ONE,  /* the nth fails, and later ones work again */
	ALLOC_FAULT_REST, /* from the nth on all fail */
};

/* Arms the next begin. False: the nth was not reached the last time, the sweep is over. */
bool alloc_fault_sweeps(uint64_t nth, enum alloc_fault_kind kind);

void alloc_fault_begin(void);

/* True when an allocation was failed since begin. */
bool alloc_fault_end(void);

/* How many allocations were failed since the last sweep began. */
uint64_t alloc_fault_count(void);

#endif
