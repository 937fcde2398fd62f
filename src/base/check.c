/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - what happens when one of our own assertions fails. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *fact)
{
	(void)fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, fact);
	abort();
}
