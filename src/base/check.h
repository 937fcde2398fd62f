/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include "base/attributes.h"

/* check.h - assertions about our own code, on in every build.
 *
 * Only we can fail a CHECK: nothing that comes from a guest, a peer, a disk or an operator may. A
 * failed one prints file, line and fact to standard error and aborts. CHECK_DEBUG is for facts that
 * are slow to establish; it is on in builds without NDEBUG. */

void check_failed(const char *file, int line, const char *fact) NORETURN;

#define CHECK(fact)                                              \
	do {                                                     \
		if (UNLIKELY(!(fact)))                           \
			check_failed(__FILE__, __LINE__, #fact); \
	} while (0)

#ifdef NDEBUG
#define CHECK_DEBUG(fact) ((void)0)
#else
#define CHECK_DEBUG(fact) CHECK(fact)
#endif

#endif
