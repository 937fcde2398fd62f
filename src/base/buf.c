/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c - bytes that grow by doubling. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

#define CAPACITY_MIN_BYTES ((size_t)256)

void buf_fini(struct buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->size = 0;
	buf->capacity = 0;
	buf->failed = OK;
}

void buf_clear(struct buf *buf)
{
	buf->size = 0;
	buf->failed = OK;
}

/* Room for `size` bytes, and for `spare` more that will not be counted. */
static enum status reserve(struct buf *buf, size_t size, size_t spare)
{
	size_t need;

	if (buf->failed != OK)
		return buf->failed;
	if (__builtin_add_overflow(buf->size, size, &need) ||
	    (buf->max_bytes != 0 && need > buf->max_bytes) ||
	    __builtin_add_overflow(need, spare, &need)) {
		buf->failed = ERR_LIMIT;
		return ERR_LIMIT;
	}
	if (need <= buf->capacity)
		return OK;
	size_t capacity = buf->capacity < CAPACITY_MIN_BYTES ? CAPACITY_MIN_BYTES : buf->capacity;
	while (capacity < need) {
		if (capacity > SIZE_MAX / 2) {
			capacity = need;
			break;
		}
		capacity *= 2;
	}
	char *data = realloc(buf->data, capacity);
	if (data == NULL) {
		buf->failed = ERR_NOMEM;
		return ERR_NOMEM;
	}
	buf->data = data;
	buf->capacity = capacity;
	return OK;
}

enum status buf_reserve(struct buf *buf, size_t size)
{
	return reserve(buf, size, 0);
}

void buf_append(struct buf *buf, const void *data, size_t size)
{
	if (size == 0 || buf_reserve(buf, size) != OK)
		return;
	memcpy(buf->data + buf->size, data, size);
	buf->size += size;
}

void buf_append_span(struct buf *buf, struct span s)
{
	buf_append(buf, s.data, s.size);
}

void buf_append_string(struct buf *buf, const char *string)
{
	buf_append(buf, string, strlen(string));
}

void buf_append_byte(struct buf *buf, char byte)
{
	/* Capacity is rounded up, so it may be more than the maximum. */
	bool fits = buf->size < buf->capacity &&
		    (buf->max_bytes == 0 || buf->size < buf->max_bytes) && buf->failed == OK;

	if (LIKELY(fits) || buf_reserve(buf, 1) == OK)
		buf->data[buf->size++] = byte;
}

void buf_append_format(struct buf *buf, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		/* Longer than an int can say. */
		if (buf->failed == OK)
			buf->failed = ERR_LIMIT;
		return;
	}
	/* vsnprintf() writes a NUL behind the text, which is not counted. */
	if (reserve(buf, (size_t)length, 1) != OK)
		return;
	va_start(arguments, format);
	(void)vsnprintf(buf->data + buf->size, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buf->size += (size_t)length;
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	buf_append(buf, digits + at, sizeof(digits) - at);
}

void buf_append_i64(struct buf *buf, int64_t value)
{
	if (value < 0)
		buf_append_byte(buf, '-');
	buf_append_u64(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_append_le16(struct buf *buf, uint16_t value)
{
	unsigned char bytes[2];

	put_le16(bytes, value);
	buf_append(buf, bytes, sizeof(bytes));
}

void buf_append_le32(struct buf *buf, uint32_t value)
{
	unsigned char bytes[4];

	put_le32(bytes, value);
	buf_append(buf, bytes, sizeof(bytes));
}

void buf_append_le64(struct buf *buf, uint64_t value)
{
	unsigned char bytes[8];

	put_le64(bytes, value);
	buf_append(buf, bytes, sizeof(bytes));
}

size_t buf_append_zeros(struct buf *buf, size_t size)
{
	size_t at = buf->size;

	if (size != 0 && buf_reserve(buf, size) == OK) {
		memset(buf->data + buf->size, 0, size);
		buf->size += size;
	}
	return at;
}

void buf_drop_front(struct buf *buf, size_t size)
{
	if (size >= buf->size) {
		buf->size = 0;
		return;
	}
	memmove(buf->data, buf->data + size, buf->size - size);
	buf->size -= size;
}

char *buf_take(struct buf *buf, size_t *ret_size)
{
	char *data = buf->data;

	*ret_size = buf->size;
	buf->data = NULL;
	buf->size = 0;
	buf->capacity = 0;
	return data;
}
