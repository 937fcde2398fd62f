/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JSON_JSON_WRITER_H
#define JSON_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* json_writer.h - writes JSON straight into a buf, with no tree in between: lists of thousands of
 * events are written as they are read, and stored JSON is spliced in as it was received.
 *
 * Commas and colons are the writer's business. Failures (memory, the buf's maximum) stay in the buf:
 * check buf_status() at the end. Nesting and the order key/value are CHECKed: they are ours. */

#define JSON_WRITER_DEPTH_MAX 32

struct json_writer {
	struct buf *out; /* borrowed */
	unsigned depth;
	bool has_value[JSON_WRITER_DEPTH_MAX + 1]; /* a value stands at this depth already */
	bool after_key;
};

void json_writer_init(struct json_writer *writer, struct buf *out);

void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);

void json_key(struct json_writer *writer, const char *key);            /* must not need escaping */
void json_key_span(struct json_writer *writer, struct span key);       /* escaped */
void json_write_string(struct json_writer *writer, struct span value); /* valid UTF-8; escaped */
void json_write_u64(struct json_writer *writer, uint64_t value);
void json_write_i64(struct json_writer *writer, int64_t value);
/* The shortest form that reads back; null when it is not finite. */
void json_write_double(struct json_writer *writer, double value);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
/* One valid value, as it is; null when empty. */
void json_write_raw(struct json_writer *writer, struct span json);

/* key and value in one call. */
void json_member_string(struct json_writer *writer, const char *key, struct span value);
void json_member_cstring(struct json_writer *writer, const char *key, const char *value);
void json_member_u64(struct json_writer *writer, const char *key, uint64_t value);
void json_member_bool(struct json_writer *writer, const char *key, bool value);
void json_member_raw(struct json_writer *writer, const char *key, struct span json);
/* Both as they stand in a text that was accepted: the key between its quotes, and the value. */
void json_member_text_raw(struct json_writer *writer, struct span key_text, struct span json);
/* A 64-bit number as a decimal string, for CloudEvents extensions. */
void json_member_u64_string(struct json_writer *writer, const char *key, uint64_t value);

#endif
