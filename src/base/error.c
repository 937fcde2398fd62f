/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - error messages in a fixed buffer. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A cut must not leave half a UTF-8 sequence: messages end up in JSON. */
static void trim_partial_utf8(char *text)
{
	size_t size = strlen(text);
	size_t back = 0;

	while (back < 3 && back < size && ((unsigned char)text[size - 1 - back] & 0xC0) == 0x80)
		back++;
	if (back >= size)
		return;
	unsigned char lead = (unsigned char)text[size - 1 - back];
	size_t need = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
	if (need > back)
		text[size - 1 - back] = '\0';
}

PRINTF_LIKE(2, 0)
static void format_message(struct error *err, const char *format, va_list arguments)
{
	int length = vsnprintf(err->message, sizeof(err->message), format, arguments);

	if (length < 0)
		err->message[0] = '\0';
	else if ((size_t)length >= sizeof(err->message))
		trim_partial_utf8(err->message);
}

enum status error_set(struct error *err, enum status status, const char *format, ...)
{
	va_list arguments;

	if (err == NULL)
		return status;
	va_start(arguments, format);
	format_message(err, format, arguments);
	va_end(arguments);
	err->status = status;
	return status;
}

enum status error_wrap(struct error *err, enum status status, const char *format, ...)
{
	va_list arguments;
	char cause[ERROR_MESSAGE_MAX_BYTES];

	if (err == NULL)
		return status;
	/* Nobody set it: the status that came back is all there is to tell. */
	(void)snprintf(cause, sizeof(cause), "%s",
		       err->message[0] != '\0' ? err->message : status_meaning(status));
	va_start(arguments, format);
	format_message(err, format, arguments);
	va_end(arguments);
	size_t used = strlen(err->message);
	int length = snprintf(err->message + used, sizeof(err->message) - used, ": %s", cause);
	if (length > 0 && (size_t)length >= sizeof(err->message) - used)
		trim_partial_utf8(err->message);
	err->status = status;
	return status;
}

static enum status status_of_errno(int errno_value)
{
	switch (errno_value) {
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case ENOENT:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case ENOMEM:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
}

enum status error_set_errno(struct error *err, int errno_value, const char *format, ...)
{
	va_list arguments;
	char reason[128];
	enum status status = status_of_errno(errno_value);

	if (err == NULL)
		return status;
	va_start(arguments, format);
	format_message(err, format, arguments);
	va_end(arguments);
	/* The GNU strerror_r, which may return a static string instead of filling the buffer. */
	const char *text = strerror_r(errno_value, reason, sizeof(reason));
	size_t used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", text);
	err->status = status;
	return status;
}

const char *error_text(const struct error *err)
{
	if (err == NULL)
		return "unknown";
	return err->message[0] != '\0' ? err->message : status_meaning(err->status);
}

void error_clear(struct error *err)
{
	if (err == NULL)
		return;
	err->status = OK;
	err->message[0] = '\0';
}
