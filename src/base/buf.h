/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>

#include "base/attributes.h"
#include "base/span.h"
#include "base/status.h"

/* buf.h - bytes that grow.
 *
 * A buf is a value in the caller's storage: `struct buf b = { 0 };` is empty and valid, optionally
 * with .max_bytes set (0 = no limit of its own). Appending past the maximum or past memory sets
 * `failed` and from then on does nothing, so that a long run of appends is checked once, at the end,
 * with buf_status(). buf_fini() releases the bytes; buf_clear() keeps them for use again. */

struct buf {
	char *data; /* owned; NULL while empty */
	size_t size;
	size_t capacity;
	size_t max_bytes;   /* 0: unlimited */
	enum status failed; /* OK, ERR_LIMIT or ERR_NOMEM: the first failure, kept */
};

void buf_fini(struct buf *buf);
static inline void buf_cleanup(struct buf *buf) /* makes OWNED(buf) work on a value */
{
	buf_fini(buf);
}
void buf_clear(struct buf *buf);

static inline enum status buf_status(const struct buf *buf)
{
	return buf->failed;
}
static inline struct span buf_span(const struct buf *buf)
{
	return span_of(buf->data, buf->size);
}

/* Makes room for `size` more bytes. */
enum status buf_reserve(struct buf *buf, size_t size);

void buf_append(struct buf *buf, const void *data, size_t size);
void buf_append_span(struct buf *buf, struct span s);
void buf_append_string(struct buf *buf, const char *string);
void buf_append_byte(struct buf *buf, char byte);
void buf_append_format(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_append_u64(struct buf *buf, uint64_t value); /* decimal */
void buf_append_i64(struct buf *buf, int64_t value);

/* Little-endian, for file formats. */
void buf_append_le16(struct buf *buf, uint16_t value);
void buf_append_le32(struct buf *buf, uint32_t value);
void buf_append_le64(struct buf *buf, uint64_t value);

/* `size` zero bytes; where they begin, so that they can be filled in later by offset. */
size_t buf_append_zeros(struct buf *buf, size_t size);

/* Drops the first `size` bytes (all, when there are fewer). */
void buf_drop_front(struct buf *buf, size_t size);

/* Hands the bytes over to the caller, who frees them with free(); the buf is empty again. */
char *buf_take(struct buf *buf, size_t *ret_size);

#endif
