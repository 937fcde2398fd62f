/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/attributes.h"
#include "base/status.h"

/* error.h - tells a person what went wrong, with what and where.
 *
 * An error is a caller's fixed buffer, usually a local `struct error err = { 0 };`. Setting one
 * never allocates and never fails; a text that is too long is cut. Every function that takes
 * `struct error *err` takes NULL as well. The message is set where the failure happens and wrapped
 * with context on the way up: "storing 1 events: stream 'acct-1' is at 1, not 0". */

#define ERROR_MESSAGE_MAX_BYTES 1024

struct error {
	enum status status; /* OK when nothing was set */
	/* One line, NUL-terminated, valid UTF-8 if its inputs were. */
	char message[ERROR_MESSAGE_MAX_BYTES];
};

/* Sets the error and returns `status`, so that a failure is one line:
 * `return ERROR(err, ERR_LIMIT, "a key has at most %d bytes, not %zu", max, size);` */
enum status error_set(struct error *err, enum status status, const char *format, ...)
	PRINTF_LIKE(3, 4);
#define ERROR(err, status, ...) error_set((err), (status), __VA_ARGS__)

/* Puts "context: " in front of the message; `status` replaces the error's own. Returns `status`. */
enum status error_wrap(struct error *err, enum status status, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* Sets the error from errno, as "context: No space left on device". Returns the status for that
 * errno: ERR_FULL for ENOSPC and EDQUOT, ERR_DENIED for EACCES, EPERM and EROFS, ERR_NOT_FOUND for
 * ENOENT, ERR_EXISTS for EEXIST, ERR_NOMEM for ENOMEM, else ERR_IO. */
enum status error_set_errno(struct error *err, int errno_value, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* The message, or the status' meaning when no message was set. `err` may be NULL. */
const char *error_text(const struct error *err);

void error_clear(struct error *err);

#endif
