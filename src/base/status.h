/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

/* status.h - the closed list of what a call can end with. Code decides by the status; a person
 * reads the message in `struct error`. */

#define STATUS_TABLE(X)                                                                         \
	X(OK, "ok", "done")                                                                     \
	X(ERR_NOMEM, "no_memory", "out of memory")                                              \
	X(ERR_INVALID, "invalid", "the input breaks a rule; the same input will fail again")    \
	X(ERR_NOT_FOUND, "not_found", "there is no such thing")                                 \
	X(ERR_EXISTS, "exists", "there is one already")                                         \
	X(ERR_CONFLICT, "conflict", "the stream moved on; load it and decide again")            \
	X(ERR_REJECTED, "rejected", "a component's typed no; not a failure")                    \
	X(ERR_TRAP, "trap", "a component broke: trap, bad output or its own error")             \
	X(ERR_DEADLINE, "deadline", "the time allowed is used up")                              \
	X(ERR_LIMIT, "limit", "larger or more than is allowed")                                 \
	X(ERR_BUSY, "busy", "a queue is full; try again later")                                 \
	X(ERR_FULL, "full", "the disk is full; reads go on")                                    \
	X(ERR_IO, "io", "the operating system refused; the outcome may be unknown")             \
	X(ERR_CORRUPT, "corrupt", "stored bytes are not what was written")                      \
	X(ERR_UNSUPPORTED, "unsupported", "a version or feature that this build does not know") \
	X(ERR_DENIED, "denied", "not granted, or not permitted")                                \
	X(ERR_CLOSED, "closed", "it is shutting down or gone")

enum status {
#define X(name, word, meaning) name,
	STATUS_TABLE(X)
#undef X
};

/* "conflict", "io", ...: stable words for logs and JSON. Never NULL. */
const char *status_word(enum status status);

/* One phrase about what it means. Never NULL. */
const char *status_meaning(enum status status);

#endif
