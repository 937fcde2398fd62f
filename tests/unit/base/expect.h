/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_EXPECT_H
#define BASE_EXPECT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"
#include "base/status.h"

/* expect.h - what the tests of this folder share. All of it fails the test. */

#define expect_status(expected, call)                                        \
	do {                                                                 \
		enum status got_ = (call);                                   \
		if (got_ != (expected))                                      \
			fail_msg("%s: %s, not %s", #call, status_word(got_), \
				 status_word(expected));                     \
	} while (0)

/* Prints both texts when they differ. */
void expect_text(struct span found, const char *expected);

/* Calls `run` in a forked child, which must abort and say this fact on standard error. */
void expect_abort(void (*run)(void *arg), void *arg, const char *fact);

#endif
