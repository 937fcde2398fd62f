/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_EXIT_CODE_H
#define APP_EXIT_CODE_H

#include <stdbool.h>

#include "base/status.h"

/* exit_code.h - what `concordance` ends with, the same for every subcommand, so that scripts can
 * decide without reading messages. The numbers never change. */

#define EXIT_CODE_TABLE(X)                                                                       \
	X(EXIT_CODE_OK, 0, "done")                                                               \
	X(EXIT_CODE_FAILED, 1, "it failed: a component, the disk, the server; see the message")  \
	X(EXIT_CODE_USAGE, 2, "the command line is wrong; nothing was done")                     \
	X(EXIT_CODE_REJECTED, 3, "the aggregate rejected the command; nothing was stored")       \
	X(EXIT_CODE_CONFLICT, 4, "another version than expected, or an id that was used before") \
	X(EXIT_CODE_NOT_FOUND, 5, "no such aggregate, stream, file or directory")                \
	X(EXIT_CODE_UNAVAILABLE, 6,                                                              \
	  "nobody answers, or it is busy: the same again may work later")                        \
	X(EXIT_CODE_DAMAGED, 7, "stored bytes are not what was written")                         \
	X(EXIT_CODE_INVALID, 8,                                                                  \
	  "what was given is refused: a manifest, a component, JSON, a request")

enum exit_code {
#define X(name, number, meaning) name = (number),
	EXIT_CODE_TABLE(X)
#undef X
};

/* The code for a failure that a local command met. */
enum exit_code exit_code_of(enum status status);

/* The code for an answer of the server: its HTTP status, and whether the problem's outcome was
 * "rejected". */
enum exit_code exit_code_of_http(unsigned http_status, bool rejected);

#endif
