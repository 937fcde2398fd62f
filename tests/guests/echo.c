/* SPDX-License-Identifier: Apache-2.0 */
/* echo.c - does nothing of its own: the command's data becomes the event, the event's data becomes the state. For
 * benchmarks, and as the well-behaved guest of the tests. */
#include "guest.h"

/* Everything is in guest.c; a source file may not be empty. */
extern int echo_is_ordinary;
